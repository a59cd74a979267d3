"""What a case was before somebody reopened it, or opened it by hand, does not end the round that began then."""

from types import SimpleNamespace

import pytest

from jinyun.act.alarms import seconds
from jinyun.app.services.cases.desk import CaseWork
from jinyun.kernel.errors import Refused
from jinyun.kernel.ports import SYSTEM, Actor

OFFICER = Actor("li", ("officer",))
DAY = 24
FIGURE = {"judge": "water.section_class", "subject": "s1", "windows": 3, "max_level": 3, "observe_days": 1}


def hours(desk, first, last, level=3):
    for n in range(first, last):
        desk.section(n, level)


def closed_by_its_figure(desk):
    """Bad for two hours, good ever after: observed for seven days after the third good hour, then closed."""
    hours(desk, 0, 2, 4)
    hours(desk, 2, 6 + 7 * DAY)
    desk.room.tick()
    (case,) = desk.cases()
    assert case.state == "closed"
    return case


def test_a_case_reopened_by_hand_waits_for_figures_of_its_own_round(desk):
    case = closed_by_its_figure(desk)
    began = 7 * DAY + 12
    hours(desk, 6 + 7 * DAY, began)
    desk.act(case, "follow_up", text="又见黑水", result="fails")
    case = desk.act(case, "reopen_by_hand", reason="回头看不合格")
    assert case.data["counted_from"] == desk.at(began)
    desk.room.tick()
    desk.room.tick()
    (case,) = desk.cases()
    assert (case.state, case.data["progress"]["have"]) == ("reopened", 0)
    with pytest.raises(Refused) as refused:
        desk.act(case, "close")
    assert refused.value.missing[0]["code"] == "recovery-no-verdict"
    hours(desk, began, began + 2)
    assert desk.cases()[0].state == "reopened"
    hours(desk, began + 2, began + 3)
    (case,) = desk.cases()
    assert (case.state, case.data["observe_until"]) == ("observing", desk.at(began + 3 + 7 * DAY))
    hours(desk, began + 3, began + 3 + 7 * DAY)
    desk.room.tick()
    assert desk.cases()[0].state == "closed"


def test_a_case_reopened_by_hand_out_of_its_observation_stays_so_at_the_next_good_figure(desk):
    hours(desk, 0, 2, 4)
    hours(desk, 2, 10)
    (case,) = desk.cases()
    assert case.state == "observing"
    desk.act(case, "reopen_by_hand", reason="现场未整改")
    desk.room.tick()
    hours(desk, 10, 11)
    desk.room.tick()
    (case,) = desk.cases()
    assert (case.state, case.data["progress"]["have"], case.data["observe_until"]) == ("reopened", 1, None)
    desk.restart()
    assert desk.cases()[0].state == "reopened"


def test_a_relapse_asks_for_no_line_late_figures_still_count(desk):
    """Reopened by hand, recovered, and then a relapse: from then on every good window of the run counts."""
    hours(desk, 0, 2, 4)
    hours(desk, 2, 10)
    desk.act(desk.cases()[0], "reopen_by_hand", reason="现场未整改")
    hours(desk, 10, 13)
    assert desk.cases()[0].state == "observing"
    hours(desk, 13, 15, 4)
    (case,) = desk.cases()
    assert (case.state, case.data["reopened"], case.data["counted_from"]) == ("reopened", 1, None)


def by_hand(desk, **more):
    """Opened through the desk of people."""
    house = SimpleNamespace(
        records=desk.records, verdicts=desk.verdicts, act=desk.room, clock=desk.clock, bus=desk.bus,
        sites=SimpleNamespace(get=lambda _id: None),
    )  # fmt: skip
    given = {"title": "市民投诉夜间黑水", "kind": "complaint", "subject": "s1", "level": 2, "recovery": FIGURE}
    return CaseWork(house).open({**given, **more}, OFFICER)


def test_a_case_opened_by_hand_where_the_figure_is_good_is_not_closed_by_the_figures_before_it(desk):
    hours(desk, 0, 60)
    case = by_hand(desk)
    desk.room.tick()
    desk.room.tick()
    assert desk.records.get("case", case.id).state == "opened"
    hours(desk, 60, 63)
    (case,) = desk.cases()
    assert (case.state, case.data["observe_until"]) == ("observing", desk.at(63 + DAY))


def test_a_case_without_a_matter_is_reopened_by_what_breaks_it_under_observation(desk):
    case = by_hand(desk)
    hours(desk, 0, 5)
    assert desk.cases()[0].state == "observing"
    desk.section(5, None)  # what could not be judged is no relapse
    assert desk.cases()[0].state == "observing"
    desk.section(6, 5)
    found = {one.id: one for one in desk.cases()}
    case = found[case.id]
    assert (case.state, case.data["reopened"], case.data["observe_until"]) == ("reopened", 1, None)
    assert case.data["deadline"] == desk.at(7 + 72)  # deadlines.toml: 72 h at level 2
    hours(desk, 7, 10)
    case = desk.records.get("case", case.id)
    assert (case.state, case.data["reopened"]) == ("observing", 1)
    hours(desk, 10, 10 + DAY)
    desk.room.tick()
    assert desk.records.get("case", case.id).state == "closed"
    assert desk.steps(case) == ["create", "recover", "reopen", "recover", "close"]


def test_a_break_older_than_late_data_may_be_reopens_nothing(desk):
    case = by_hand(desk, recovery={**FIGURE, "observe_days": 20})
    hours(desk, 0, 10 * DAY)
    desk.section(2 * DAY, 5)  # judged again, eight days late
    assert desk.records.get("case", case.id).state == "observing"


def test_a_case_reopened_by_hand_has_a_time_limit_of_its_own(desk):
    case = closed_by_its_figure(desk)
    allowed = {1: 24, 2: 72, 3: 168, 4: 360}[case.data["level"]]
    began = 7 * DAY + 12
    desk.to(desk.hour(began))
    case = desk.act(case, "reopen_by_hand", reason="回头看不合格")
    assert (case.data["deadline"], case.data["overdue"]) == (None, None)
    desk.room.tick()
    (case,) = desk.cases()
    assert (case.data["deadline"], bool(case.data["overdue"])) == (desk.at(began + allowed), False)
    assert "overdue" not in [event["step"] for topic, event in desk.bus.said if topic == "case"]
    desk.to(desk.hour(began + allowed) + 1)
    desk.room.tick()
    assert desk.cases()[0].data["overdue"] is True


def test_the_house_closes_only_what_it_has_seen(desk, monkeypatch):
    """An officer reopened a case whose observation is over while the tick was at it."""
    hours(desk, 0, 2, 4)
    hours(desk, 2, 5 + 7 * DAY)
    (case,) = desk.cases()
    assert seconds(case.data["observe_until"]) <= desk.clock.at
    recovery = desk.room._cases.recovery

    def meanwhile(seen, **more):
        found = recovery(seen, **more)
        monkeypatch.setattr(desk.room._cases, "recovery", recovery)
        desk.records.step("case", seen.id, "reopen_by_hand", {"reason": "现场未整改"}, OFFICER)
        return found

    monkeypatch.setattr(desk.room._cases, "recovery", meanwhile)
    desk.room._cases._close_in_time(case, desk.clock.at)
    assert desk.records.get("case", case.id).state == "reopened"


def test_a_case_merged_from_one_opened_by_hand_takes_its_line_along(desk):
    hours(desk, 0, 6)
    first = by_hand(desk)
    other = desk.records.create("case", {"title": "油烟", "kind": "complaint"}, SYSTEM)
    house = SimpleNamespace(
        records=desk.records, verdicts=desk.verdicts, act=desk.room, clock=desk.clock, bus=desk.bus
    )  # fmt: skip
    CaseWork(house).merge(first.id, other.id, OFFICER)
    desk.room.tick()
    other = desk.records.get("case", other.id)
    assert (other.state, other.data["counted_from"]) == ("opened", desk.at(6))
