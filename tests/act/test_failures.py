"""What fails in a tick keeps nothing else from being done, and is done at the next one."""

import pytest

from jinyun.act import failures
from jinyun.kernel.ports import SYSTEM, Actor

OFFICER, WANG = Actor("li", ("officer",)), Actor("wang", ("officer",))
DAY = 24
CONDITION = {"judge": "water.section_class", "subject": "s1", "windows": 1, "max_level": 3, "observe_days": 2}


@pytest.fixture
def failing(desk, monkeypatch):
    """Makes the writes of these records fail until it is emptied."""
    ids: set[str] = set()
    for name in ("update", "step"):
        real = getattr(desk.records, name)

        def write(type_id, id, *args, _real=real, **more):
            if id in ids:
                raise OSError(f"disk says no to {id}")
            return _real(type_id, id, *args, **more)

        monkeypatch.setattr(desk.records, name, write)
    return ids


def fails(desk):
    with pytest.raises(OSError, match="disk says no"):
        desk.room.tick()  # the job shows it


def test_a_case_that_fails_holds_no_other_up_and_what_was_to_be_told_of_it_is_told_later(desk, failing):
    desk.outlet(8, "62")
    desk.section(8, 4)
    desk.section(9, 4)
    first, second = desk.cases()
    desk.room.tick()
    desk.to(desk.hour(9 + 400))
    failing.add(first.id)
    fails(desk)
    fails(desk)
    other = desk.records.get("case", second.id)
    assert (other.data["overdue"], len(other.data["escalated"])) == (True, 2)
    failing.clear()
    desk.room.tick()
    mine = desk.records.get("case", first.id)
    assert (mine.data["overdue"], [one["text"] for one in mine.data["escalated"]]) == (True, ["即将到期", "超期一天"])


def test_a_case_whose_progress_could_not_be_written_is_looked_at_again(desk, failing):
    desk.section(0, 3)
    desk.room.tick()
    case = desk.records.create("case", {"title": "黑水", "kind": "complaint", "recovery": CONDITION}, OFFICER)
    failing.add(case.id)
    fails(desk)
    failing.clear()
    desk.room.tick()
    assert desk.records.get("case", case.id).state == "observing"


def test_a_case_that_fails_does_not_keep_the_room_from_starting(desk, failing):
    desk.section(0, 3)
    case = desk.records.create("case", {"title": "黑水", "kind": "complaint", "recovery": CONDITION}, OFFICER)
    failing.add(case.id)
    desk.room = desk.new_room()
    desk.room.recover()
    desk.section(1, 4)
    desk.section(2, 4)
    assert len(desk.alarms("section-target")) == 1
    failing.clear()
    desk.section(3, 3)
    assert desk.records.get("case", case.id).state == "observing"


def test_a_line_that_fails_is_kept_and_the_others_and_the_clocks_go_on(desk, monkeypatch):
    desk.room.recover()
    real = desk.records.create
    monkeypatch.setattr(desk.records, "create", lambda *a, **k: (_ for _ in ()).throw(OSError("disk says no")))
    desk.outlet(8, "62")
    desk.section(8, 4)
    desk.section(9, 4)

    def create(type_id, data, *args, **more):
        if data.get("subject") == "o1":
            raise OSError("disk says no")
        return real(type_id, data, *args, **more)

    monkeypatch.setattr(desk.records, "create", create)
    fails(desk)
    assert [one.data["subject"] for one in desk.alarms()] == ["s1"]
    assert list(desk.room._failed) == [("emission.outlet_hour", "o1")]
    case = real("case", {"title": "旧案", "kind": "other", "deadline": desk.at(5), "level": 4}, SYSTEM)
    fails(desk)
    assert desk.records.get("case", case.id).data["overdue"] is True
    monkeypatch.setattr(desk.records, "create", real)
    desk.room.tick()
    assert {one.data["subject"] for one in desk.alarms()} == {"o1", "s1"}


def accepted(desk, name, subject):
    given = {"name": name, "kind": "sewer", "owner": "水务局", "recovery": {**CONDITION, "subject": subject}}
    made = desk.records.create("project", given, SYSTEM)
    for step, more in (
        ("start", {"started": "2026-03-01"}), ("finish", {"finished": "2026-03-02"}), ("accept", {"note": "验收"}),
    ):  # fmt: skip
        context = desk.room.works.context(desk.records.get("project", made.id))
        made = desk.records.step("project", made.id, step, more, WANG if step == "accept" else OFFICER, context=context)
    return made


def test_works_that_fail_hold_no_other_up_and_are_looked_at_again(desk, failing):
    desk.section(0, 3)
    first, second = accepted(desk, "管网一期", "s1"), accepted(desk, "管网二期", "s1")
    desk.room.tick()
    desk.section(1, 4)
    failing.add(first.id)
    fails(desk)
    assert desk.room.works._heard == set()
    assert desk.records.get("project", second.id).state == "relapsed"
    failing.clear()
    desk.room.tick()
    assert desk.records.get("project", first.id).state == "relapsed"


def test_a_device_that_fails_holds_no_other_up_and_is_told_when_it_can_be(desk, failing):
    for mn, site in (("M1", "o1"), ("M2", "o2")):
        desk.device(mn, site, realtime_interval=30)
        desk.hear(mn)
    desk.room.recover()
    desk.to(desk.day + 1000)
    desk.room.tick()
    first, second = sorted(desk.alarms("device-silent"), key=lambda one: one.data["subject"])
    failing.add(first.id)
    desk.to(desk.day + 86401)
    fails(desk)
    assert [desk.records.get("alarm", one.id).data["peak_figure"] for one in (first, second)] == ["silent", "gone"]
    failing.clear()
    desk.room.tick()
    assert desk.records.get("alarm", first.id).data["peak_figure"] == "gone"
    failing.add(first.id)
    desk.to(desk.hour(30))
    desk.hear("M1")
    desk.hear("M2")
    fails(desk)
    failing.clear()
    desk.room.tick()
    assert [one.state for one in desk.alarms("device-silent")] == ["ended", "ended"]


def test_what_fails_by_the_thousand_is_not_said_by_the_thousand(monkeypatch):
    said = []
    monkeypatch.setattr(failures.log, "error", lambda words, **more: said.append((words, more)))
    found = failures.Failures()
    for n in range(1000):
        with found.of("case", id=str(n)):
            raise OSError("disk full")
    with pytest.raises(OSError, match="disk full"):
        found.tell()
    assert len(said) == failures.SAID + 1
    assert said[-1][1] == {"failures": 1000}
