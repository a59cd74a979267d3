"""Late lists, the sweep for escalations and streamed exports of registers on a real house, against the pure clocks."""

import random
from types import SimpleNamespace

import pytest

from jinyun.app.assemble import House
from jinyun.app.services.registers import Registers
from jinyun.app.services.registers.clocks import moments
from jinyun.app.services.words import csv_pieces
from jinyun.app.settings import Settings
from jinyun.domains.supervision.clock_ledgers import ledger
from jinyun.domains.supervision.deadlines import deadline_hours, resolved, work_calendar
from jinyun.kernel.ports import SYSTEM, Actor, HistoryEntry, Record
from jinyun.methods.clocks import clock_state
from jinyun.methods.workdays import CalendarNotLoaded

LI = Actor("li", ("officer",))
HOUR = 3_600_000_000
START = 1_770_000_000_000_000  # 2026-02-02, in loaded years
TIMED = ("case", "complaint", "task")


@pytest.fixture
def house(tmp_path):
    one = House(Settings(folder=tmp_path / "var"))
    now = SimpleNamespace(at=START)
    one.now = now
    one.records._clock = SimpleNamespace(now=lambda: now.at)
    one.clock = one.records._clock
    yield one
    one.close()


def opened(house, n, level=1, kind="section_class"):
    data = {"title": f"断面超标{n}", "kind": kind, "level": level, "opened_at": "2026-02-02T00:00:00+08:00"}
    return house.records.create("case", data, SYSTEM, id=f"c{n:03d}")


OWN_HOURS = """
[[rule]]
id = "own-outlet"
zh = "自定排放"
en = "Own rule on outlets"
on = ["emission.outlet_hour"]
site_kinds = ["water_outlet"]
open = {{ status = "exceeds" }}
end = {{ windows = 2 }}
level = {{ by = "fixed", level = 2 }}

[rule.case]
kind = "{kind}"
recovery = {{ judge = "emission.outlet_hour", windows = 3 }}

[rule.case.hours]
2 = 12
"""


@pytest.mark.parametrize("kind", ["outlet_exceedance", "section_class"])  # of a clock alone, of one for many kinds
def test_hours_of_a_nodes_own_alarm_rules_are_those_of_pages_late_lists_and_notices(house, kind):
    """A node whose rules allow 12 h is started on records that were kept by the shipped hours."""
    others = {"c002": (kind, 1), "c003": ("air_quality", 2)}
    ends = {id: START + deadline_hours(*other) * HOUR for id, other in others.items()} | {"c001": START + 12 * HOUR}
    assert deadline_hours(kind, 2) > 12
    opened(house, 1, 2, kind)
    for n, id in ((2, "c002"), (3, "c003")):
        opened(house, n, others[id][1], others[id][0])
    folder, now = house.settings.folder, house.now
    house.close()
    (folder / "rules.toml").write_text(OWN_HOURS.format(kind=kind))
    one = House(Settings(folder=folder))
    try:
        one.clock = one.records._clock = SimpleNamespace(now=lambda: now.at)
        assert one.record_clocks.differing("case") == []
        registers = Registers(one)
        shown = {
            row["id"]: [clock["ends_at"] for clock in row["clocks"]] for row in registers.find("case", LI)["items"]
        }
        assert shown == {id: [end] for id, end in ends.items()}
        acting = one.act._cases.clocks.due(one.records.find("case"), now.at)
        assert {id: state.ends_at for id, (_, state) in acting.items()} == ends
        for at, late, told in ((9 * HOUR, False, False), (12 * HOUR, False, True), (12 * HOUR + 1, True, True)):
            now.at = START + at
            assert [row["id"] for row in registers.find("case", LI, late=True)["items"]] == ["c001"] * late
            one.notices.look_at_clocks(now.at)  # nearly due: at 80 % of the time
            clocks = [event.record for event in one.notices.outbox.unplanned() if event.topic == "clock_escalation"]
            assert clocks == ["c001"] * told
    finally:
        one.close()


def test_late_lists_are_those_whose_clocks_say_so(house):
    registers = Registers(house)
    for n in range(12):
        opened(house, n, level=1 + n % 4)
        house.now.at += HOUR
    for n in (1, 5):
        house.records.step("case", f"c{n:03d}", "acknowledge", {}, LI)
        house.records.step("case", f"c{n:03d}", "suspend", {"reason": "等待"}, LI)
    for _ in range(30):
        house.now.at += 7 * HOUR
        every = registers.find("case", LI, order="id")["items"]
        wanted = [one["id"] for one in every if any(clock["late"] for clock in one["clocks"])]
        found = registers.find("case", LI, order="id", late=True)
        assert [one["id"] for one in found["items"]] == wanted
        assert found["total"] == len(wanted)
        _, rows = registers.every("case", LI, order="id", late=True)
        assert [one["id"] for portion in rows for one in portion] == wanted
    assert 0 < len(wanted) < 12  # the suspended stand still
    assert house.record_clocks.differing("case") == []


def test_the_sweep_tells_each_escalation_once_and_looks_at_nothing_else(house, monkeypatch):
    from jinyun.app.services.notices import Notices

    notices = Notices(house)
    for n in range(4):
        opened(house, n, level=1)
    looked = []
    load = house.records.load
    monkeypatch.setattr(house.records, "load", lambda kind, ids: looked.append(len(ids)) or load(kind, ids))
    told = 0
    for _ in range(40):
        told += notices.look_at_clocks(house.now.at)
        house.now.at += 6 * HOUR
    escalations = [clock["escalations"] for clock in Registers(house).get("case", "c000", LI)["clocks"]]
    assert told == 4 * sum(map(len, escalations)) > 0
    before = len(looked)
    assert notices.look_at_clocks(house.now.at) == 0
    assert len(looked) == before


def test_an_export_gives_all_of_it_in_portions(house):
    registers = Registers(house)
    house.records.put_many("enterprise", [(f"e{n:04d}", {"name": f"=企业{n}"}) for n in range(1203)], SYSTEM)
    columns, rows = registers.every("enterprise", LI, order="id")
    pieces = list(csv_pieces(rows, columns, registers.labels("enterprise")))
    assert len(pieces) > 2
    lines = b"".join(pieces).decode("utf-8-sig").splitlines()
    assert len(lines) == 1204
    assert lines[0].split(",")[columns.index("name")] == "单位名称" or "name" in columns
    assert all(f"'=企业{n}" in lines[n + 1] for n in (0, 49, 50, 549, 1202))


@pytest.mark.parametrize("type_id", TIMED)
def test_kept_moments_equal_the_clocks_at_any_time(house, type_id):
    """Random walks through the procedure; `late_from` against `clock_state` at moments before and after it."""
    kind, chance, calendar = house.types[type_id], random.Random(type_id), work_calendar()
    procedure = kind.procedure
    codes = [data for rule in procedure.clocks for data in _data_for(rule)] or [{}]
    for _ in range(150):
        data, state, at, history = dict(chance.choice(codes)), procedure.initial, START, []
        data["level"] = chance.randint(1, 4)
        history.append(_entry(type_id, 1, at, "create", "", state, {"level": data["level"]}))
        for version in range(2, chance.randint(2, 9)):
            ways = [one for one in procedure.transitions if state in one.sources]
            if not ways:
                break
            taken = chance.choice(ways)
            at += chance.randrange(1, 90 * HOUR)
            given = {one.name: "1" for one in taken.fields}
            history.append(_entry(type_id, version, at, taken.name, state, taken.target or state, {}, given))
            state = taken.target or state
        record = Record(type_id, "x", len(history), state, data, START, at, "li", False, procedure.version)
        made = moments(kind, record, history, 0, calendar)
        edges = [one for one in (made.late_from, made.look_at) if one is not None]
        for now in {
            at,
            *(at + chance.randrange(400 * HOUR) for _ in range(6)),
            *(e + d for e in edges for d in (-1, 0)),
        }:
            if now < at:
                continue
            try:
                states = [
                    clock_state(ledger(rule, history), resolved(rule), now, calendar)
                    for rule in procedure.clocks
                    if rule.counts_for(data)
                ]
            except CalendarNotLoaded:
                continue
            assert any(one.late for one in states) == (made.late_from is not None and made.late_from <= now)
            reached = [e for one in states if one.status != "stopped" for e in one.escalations]
            assert bool(reached) == (made.look_at is not None and made.look_at <= now)
            after = moments(kind, record, history, now + 1, calendar)
            coming = [one.coming.at for one in states if one.status != "stopped" and one.coming]
            assert after.look_at == min(coming, default=None)


def _data_for(rule):
    if not rule.where:
        return [{}]
    return [{name: value} for name, values in rule.where.items() for value in values]


def _entry(type_id, version, at, step, before, after, changed, given=None):
    return HistoryEntry(type_id, "x", version, at, "li", step, before, after, {}, changed, given or {}, "")
