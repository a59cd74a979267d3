"""Stores as of a moment: against what they answered then, and against plain Python."""

from __future__ import annotations

import random

import numpy as np
import pytest

from jinyun.kernel.errors import NotFound, Refused
from jinyun.kernel.ports import MICRO, SYSTEM, Actor, Block
from jinyun.kernel.records import Field, Procedure, RecordType, Transition
from jinyun.kernel.terms import Origin, Period, SeriesKey, Stat
from jinyun.store.database import open_database
from jinyun.store.readings import DuckReadings
from jinyun.store.records import SqlRecords

THING = RecordType(
    id="thing", zh="物", en="Thing",
    fields=(Field("name", "名称", "Name", required=True), Field("kind", "类", "Kind", indexed=True),
            Field("size", "大小", "Size", kind="number", indexed=True),
            Field("tags", "标签", "Tags", indexed=True, many=True)),
    procedure=Procedure(
        initial="open", states={"open": ("开", "open"), "done": ("完", "done")},
        transitions=(Transition("finish", "完成", "finish", ("open",), "done", ("officer", "system")),
                     Transition("again", "重开", "again", ("done",), "open", ("officer", "system"))),
    ),
)  # fmt: skip
OFFICER = Actor("li", ("officer",))


class Ticking:
    def __init__(self):
        self.at = 1_700_000_000_000_000

    def now(self):
        self.at += 7
        return self.at


@pytest.fixture
def records(tmp_path):
    engine = open_database(tmp_path / "r.sqlite")
    yield SqlRecords(engine, {"thing": THING}, Ticking())
    engine.dispose()


QUESTIONS = (
    {}, {"where": {"kind": "a"}}, {"where": {"kind": ["a", None]}}, {"where": {"tags": "x"}}, {"where": {"size": "3"}},
    {"states": ("open",)}, {"text": "n1"}, {"where": {"kind": "b"}, "states": ("done",)}, {"order": "size"},
    {"order": "-size"}, {"order": "-kind"}, {"order": "id"}, {"order": "created_at"}, {"order": "state"},
    {"order": "tags", "limit": 3, "offset": 2}, {"order": "-updated_at", "limit": 4, "offset": 3},
)  # fmt: skip


def told(store):
    ids = [f"t{n}" for n in range(14)]
    lists = [store.find("thing", one.get("where"), **{k: v for k, v in one.items() if k != "where"})
             for one in QUESTIONS]  # fmt: skip
    counts = [store.count("thing", one.get("where"), states=one.get("states", ()), text=one.get("text", ""))
              for one in QUESTIONS]  # fmt: skip
    histories = {id: entries for id, entries in store.histories("thing", ids).items() if entries}
    return lists, counts, histories, store.load("thing", ids)


@pytest.mark.parametrize("seed", range(4))
def test_registers_of_every_moment_are_what_they_were(records, seed):
    dice = random.Random(seed)
    kept = []
    for _ in range(60):
        id = f"t{dice.randrange(14)}"
        try:
            state = records.get("thing", id).state
        except NotFound:
            state = None
        data = {
            "name": f"n{dice.randrange(4)}",
            "kind": dice.choice(["a", "b", None]),
            "size": dice.choice(["3", "20", "-1", None]),
            "tags": dice.sample(["x", "y", "z"], dice.randrange(3)),
        }
        if state is None:
            records.create("thing", data, OFFICER, id=id)
        elif dice.random() < 0.2:
            records.delete("thing", id, OFFICER)
        elif dice.random() < 0.4:
            records.step("thing", id, "finish" if state == "open" else "again", {}, OFFICER)
        else:
            records.update("thing", id, data, OFFICER)
        if dice.random() < 0.5:
            kept.append((records._clock.at, told(records)))
    for moment, was in kept:
        then = records.at(moment)
        assert told(then) == was
    last = records.at(records._clock.at)
    assert told(last) == told(records)
    with pytest.raises(Refused):
        last.update("thing", "t1", {"name": "x"}, SYSTEM)
    with pytest.raises(NotFound):
        records.at(1).get("thing", "t1")
    with pytest.raises(NotFound):
        records.at(1).history("thing", "t1")


@pytest.fixture
def readings(tmp_path):
    engine = open_database(tmp_path / "r.sqlite")
    store = DuckReadings(tmp_path / "var", engine)
    yield store
    store.close()
    engine.dispose()


def test_readings_of_every_moment_though_messages_overtook_one_another(readings):
    """Messages come out of order, with late ones and versions anew; sealed and merged in between."""
    dice = random.Random(3)
    keys = [SeriesKey(f"s{n % 3}", f"f{n}", Stat.AVG, Period.HOUR) for n in range(7)]
    ids = readings.series_ids(keys)
    put: list[tuple[int, int, int, int]] = []  # (received, series, time, value)
    base = 1_700_000_000
    for n in range(240):
        received = (base + n * 600 + dice.choice([0, 0, 0, -1300, 900])) * MICRO + n
        chosen = sorted(dice.sample(range(7), 3))
        time = base + dice.choice([n, n, n, n - 40, 5]) * 600
        values = [dice.randrange(1, 99) * MICRO for _ in chosen]
        readings.put(
            Block(time, ids[chosen], np.array(values, np.int64), np.zeros(3, np.uint8), received, Origin.LIVE,
                  f"mn{n % 4}", "s", None, period=Period.HOUR)
        )  # fmt: skip
        put += [(received, int(ids[one]), time, value) for one, value in zip(chosen, values, strict=True)]
        if n in (70, 150, 200):
            readings.flush()
            readings.seal()
        if n == 150:
            readings.compact("2100-01-01")
    readings.flush()

    for moment in [base * MICRO - 1, *(dice.choice(put)[0] for _ in range(12)), (base + 10**7) * MICRO]:
        # the order of ingest decides which version is current, whatever the clocks said
        current = {(series, time): value for received, series, time, value in put if received <= moment}
        then = readings.at(moment)
        newest: dict[int, tuple[int, int]] = {}
        for (series, time), value in current.items():
            newest[series] = max(newest.get(series, (-1, 0)), (time, value))
        found = {one.series: (one.time, int(one.value * MICRO))
                 for mine in then.latest(["s0", "s1", "s2"]).values() for one in mine}  # fmt: skip
        assert found == newest
        columns = then.latest_columns()
        assert dict(zip(columns.series.tolist(), columns.time.tolist(), strict=True)) == {
            series: time for series, (time, _) in newest.items()
        }
        count, first = then.counts.of(ids)
        for place, series in enumerate(ids.tolist()):
            times = [time for one, time in current if one == series]
            assert count[place] == len(times)
            assert not times or first[place] == min(times)
        assert then.counts.total() == len(current)
        rows = then.read_columns(ids.tolist(), 0, 2**40)
        assert {(s, t): v for s, t, v in zip(rows.series.tolist(), rows.time.tolist(), rows.value.tolist(),
                                             strict=True)} == current  # fmt: skip
        rolled = [row for table in then.rollup(0, 2**40, step=86400, flags=(0,)) for row in table.to_pylist()]
        assert sum(row["count"] for row in rolled) == len(current)
        heard: dict[str, int] = {}
        for n in range(240):
            at = put[n * 3][0]
            if at <= moment:
                heard[f"mn{n % 4}"] = max(heard.get(f"mn{n % 4}", 0), at)
        assert then.heard(["mn0", "mn1", "mn2", "mn3", "nobody"]) == heard
        for series, time in list(current)[:3]:
            assert int(then.versions(series, time)[-1].value * MICRO) == current[series, time]
