"""Clocks by hand: what a person with the calendar on the wall would say."""

from __future__ import annotations

from datetime import date, datetime
from fractions import Fraction

import pytest

from jinyun.domains.supervision.deadlines import resolved, work_calendar
from jinyun.kernel.errors import BadInput
from jinyun.kernel.records import ClockRule, Escalation
from jinyun.kernel.terms import instant
from jinyun.methods.clock_ledger import ClockEvent
from jinyun.methods.clocks import RuleLike, clock_state
from jinyun.methods.workdays import CalendarNotLoaded, WorkCalendar

CALENDAR = work_calendar()
ESCALATE = (
    Escalation("near", "将到期", "Near its end", "80%", "officer"),
    Escalation("over", "已超期", "Over", "+0h", "leader"),
    Escalation("long over", "超期一天", "Over for a day", "+24h", "leader"),
)


def at(text):
    """µs of a moment of China time."""
    return instant(datetime.fromisoformat(text)) * 1_000_000


def rule(unit, amount=None, by_level=None, escalate=()):
    return ClockRule("c", "时限", "Limit", unit, amount, by_level=by_level or {}, escalate=escalate)


def ledger(*lines):
    """ "start 2024-02-05T09:00", "level 2024-02-06T10:00 2", "extend 2024-02-06T10:00 3" …"""
    found = []
    for line in lines:
        kind, moment, *more = line.split()
        given = {"level": more[0]} if kind == "level" else {"amount": int(more[0])} if kind == "extend" else {}
        found.append(ClockEvent(at(moment), kind, **given))
    return found


def state(lines, which, now, calendar=CALENDAR):
    return clock_state(ledger(*lines), which, at(now), calendar)


FIVE: RuleLike = rule("workday", 5)  # mypy: the declaration of records satisfies the arithmetic


def test_the_start_day_is_not_counted_and_the_last_counts_until_midnight():
    # Monday 5 February 2024: workdays 6 7 8 9, then the Spring Festival 10 to 17, Sunday 18 is worked.
    lines = ["start 2024-02-05T09:00"]
    assert state(lines, FIVE, "2024-02-05T23:59").consumed == 0
    assert state(lines, FIVE, "2024-02-06T12:00").used == Fraction(1, 2)
    last = state(lines, FIVE, "2024-02-18T23:59:59")
    assert (last.due, last.late, last.status) == (date(2024, 2, 18), False, "running")
    over = state(lines, FIVE, "2024-02-19T00:00")
    assert (over.due, over.late, over.used, over.left) == (date(2024, 2, 18), True, 5, 0)
    assert state(lines, FIVE, "2024-02-15T12:00").used == 4  # nothing runs on holidays


def test_natural_days_and_hours():
    days = state(["start 2024-02-05T09:00"], rule("day", 15), "2024-02-06T06:00")
    assert (days.due, days.used) == (date(2024, 2, 20), Fraction(1, 4))
    hours = rule("hour", 24)
    assert state(["start 2024-02-05T09:30"], hours, "2024-02-05T10:00").used == Fraction(1, 2)
    assert state(["start 2024-02-05T09:30"], hours, "2024-02-05T10:00").due == datetime.fromisoformat(
        "2024-02-06T09:30+08:00"
    )
    assert not state(["start 2024-02-05T09:30"], hours, "2024-02-06T09:30").late  # the moment itself is in time
    assert state(["start 2024-02-05T09:30"], hours, "2024-02-06T09:30:01").late


def test_a_pause_stops_the_count_and_is_on_the_ledger():
    lines = ["start 2024-03-04T09:00", "pause 2024-03-06T12:00", "resume 2024-03-08T12:00"]
    held = state(lines[:2], FIVE, "2024-03-07T10:00")
    assert (held.status, held.paused, held.used) == ("paused", True, Fraction(3, 2))
    assert (held.due, held.due_unknown, held.left) == (None, "paused", Fraction(7, 2))
    assert [(one.start, one.end) for one in held.pauses] == [(at("2024-03-06T12:00"), None)]
    # Used 1.5 by Wednesday noon and half of Friday; 3 days are left: Monday, Tuesday, Wednesday 13 March.
    runs = state(lines, FIVE, "2024-03-09T00:00")
    assert (runs.used, runs.due) == (2, date(2024, 3, 13))
    assert [(one.start, one.end) for one in runs.pauses] == [(at("2024-03-06T12:00"), at("2024-03-08T12:00"))]


def test_a_limit_that_runs_out_at_noon_is_in_time_until_midnight():
    lines = ["start 2024-03-04T09:00", "pause 2024-03-05T12:00", "resume 2024-03-06T00:00"]
    one = rule("workday", 1)
    noon = state(lines, one, "2024-03-06T13:00")
    assert (noon.due, noon.left, noon.late) == (date(2024, 3, 6), 0, False)
    assert state(lines, one, "2024-03-07T00:00").late


def test_a_change_of_level_keeps_the_time_used():
    which = rule("hour", None, {"3": 72, "1": 24})
    lines = ["level 2024-03-04T08:00 3", "start 2024-03-04T09:00"]
    assert state(lines, which, "2024-03-04T19:00").amount == 72
    raised = [*lines, "level 2024-03-04T19:00 1"]
    now = state(raised, which, "2024-03-04T19:00")
    assert (now.amount, now.used, now.left) == (24, 10, 14)
    assert now.due == datetime.fromisoformat("2024-03-05T09:00+08:00")


def test_a_limit_shortened_below_what_is_used_ends_with_the_change():
    which = rule("day", None, {"3": 10, "1": 3})
    lines = ["level 2024-03-04T08:00 3", "start 2024-03-04T09:00", "level 2024-03-12T15:00 1"]
    now = state(lines, which, "2024-03-12T15:00")
    assert (now.due, now.late, now.left) == (date(2024, 3, 12), False, 0)
    assert state(lines, which, "2024-03-13T00:00").late
    # Late already under the old level: the change does not take the lateness away.
    late = [*lines[:2], "level 2024-03-20T15:00 1"]
    assert (state(late, which, "2024-03-20T15:00").due, state(late, which, "2024-03-20T15:00").late) == (
        date(2024, 3, 14),
        True,
    )


def test_an_extension_adds_to_what_is_allowed():
    # 12369: 60 days, one extension of 30.
    lines = ["start 2024-01-29T10:00", "extend 2024-03-20T10:00 30"]
    assert state(lines[:1], rule("day", 60), "2024-03-01T00:00").due == date(2024, 3, 29)
    assert state(lines, rule("day", 60), "2024-03-21T00:00").due == date(2024, 4, 28)


def test_escalations_are_reached_one_after_the_other():
    which = rule("workday", 5, escalate=ESCALATE)
    lines = ["start 2024-03-04T09:00"]  # due Monday 11 March; 80 % is Friday's end, the midnight to Saturday
    before = state(lines, which, "2024-03-08T23:59")
    assert before.escalations == ()
    assert (before.coming.name, before.coming.at) == ("near", at("2024-03-09T00:00"))
    assert [one.name for one in state(lines, which, "2024-03-09T00:00").escalations] == ["near"]
    over = state(lines, which, "2024-03-12T00:00")
    assert [(one.name, one.to) for one in over.escalations] == [("near", "officer"), ("over", "leader")]
    assert over.coming.at == at("2024-03-13T00:00")
    assert [one.name for one in state(lines, which, "2024-03-13T00:00").escalations][-1] == "long over"


def test_a_stopped_clock_keeps_what_it_was():
    which = rule("workday", 5, escalate=ESCALATE)
    in_time = ["start 2024-03-04T09:00", "stop 2024-03-11T23:59"]
    kept = state(in_time, which, "2024-04-30T00:00")
    assert (kept.status, kept.late, kept.coming) == ("stopped", False, None)
    assert [one.name for one in kept.escalations] == ["near"]
    assert state(["start 2024-03-04T09:00", "stop 2024-03-12T00:00"], which, "2024-04-30T00:00").late


def test_a_start_after_a_stop_begins_anew():
    lines = ["start 2024-03-04T09:00", "stop 2024-03-06T12:00", "start 2024-03-11T15:00"]
    anew = state(lines, FIVE, "2024-03-12T12:00")
    assert (anew.started, anew.used, anew.due) == (at("2024-03-11T15:00"), Fraction(1, 2), date(2024, 3, 18))


def test_what_comes_later_is_not_looked_at_and_order_does_not_matter():
    lines = ["start 2024-03-04T09:00", "pause 2024-03-06T12:00", "resume 2024-03-08T12:00", "stop 2024-03-12T12:00"]
    for now in ("2024-03-04T08:59", "2024-03-05T12:00", "2024-03-07T00:00", "2024-03-09T00:00", "2024-03-20T00:00"):
        known = [line for line in lines if at(line.split()[1]) <= at(now)]
        assert state(lines, FIVE, now) == state(known, FIVE, now) == state(lines[::-1], FIVE, now)


def test_not_started_and_without_a_limit():
    waiting = state([], FIVE, "2024-03-04T09:00")
    assert (waiting.status, waiting.consumed, waiting.due_unknown, waiting.late) == ("waiting", 0, "waiting", False)
    free = state(["start 2024-03-04T09:00"], rule("hour", None, {"1": 24}), "2024-03-04T19:00")
    assert (free.amount, free.left, free.due, free.due_unknown, free.used) == (None, None, None, "no-amount", 10)


def test_an_end_beyond_the_calendar_is_not_guessed():
    lines = ["start 2026-12-21T09:00"]
    far = state(lines, rule("workday", 15, escalate=ESCALATE), "2026-12-24T00:00")
    assert (far.due, far.due_unknown, far.used, far.late) == (None, "calendar-not-loaded", 2, False)
    assert far.coming is None
    assert state(lines, rule("day", 15), "2026-12-24T00:00").due == date(2027, 1, 5)  # needs no calendar
    with pytest.raises(CalendarNotLoaded):  # time that is gone cannot be counted
        state(lines, rule("workday", 15), "2027-01-05T00:00")
    at_the_end = state(lines, rule("workday", 15), "2027-01-01T00:00")  # the table's last midnight: all is known
    assert (at_the_end.used, at_the_end.due) == (8, None)
    newer = WorkCalendar.from_rows(
        [*({"date": str(day), "kind": "make_up_workday" if worked else "holiday"} for day, worked in
           CALENDAR.exceptions.items()), {"date": "2027-01-01", "kind": "holiday"}]
    )  # fmt: skip
    assert state(lines, rule("workday", 15), "2027-01-05T00:00", newer).due == date(2027, 1, 12)


def test_a_rule_of_the_table_is_looked_up_first():
    tabled = ClockRule("finish", "办结", "Finish", "day", rule="case.12369.finish")
    with pytest.raises(BadInput, match="rule table"):
        state(["start 2024-01-29T10:00"], tabled, "2024-02-01T00:00")
    assert state(["start 2024-01-29T10:00"], resolved(tabled), "2024-02-01T00:00").due == date(2024, 3, 29)
    with pytest.raises(BadInput, match="60 day"):
        resolved(ClockRule("finish", "办结", "Finish", "workday", rule="case.12369.finish"))


@pytest.mark.parametrize(
    ("event", "what"),
    [(ClockEvent(0, "begin"), "clock event 'begin'"), (ClockEvent(0, "extend", amount=0), "extension of 0")],
)
def test_a_ledger_that_makes_no_sense_is_refused(event, what):
    with pytest.raises(BadInput, match=what):
        clock_state([event], FIVE, 1, CALENDAR)


def test_an_unknown_unit_is_refused():
    with pytest.raises(BadInput, match="week"):
        clock_state([], rule("week", 1), 1, CALENDAR)


def test_it_is_ready_for_json():
    said = state(["start 2024-02-05T09:00"], FIVE, "2024-02-06T12:00").as_dict()
    assert (said["used"], said["left"], said["due"], said["status"]) == ("0.50", "4.50", "2024-02-18", "running")
