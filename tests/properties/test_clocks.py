"""Clocks against a walk over every minute: the short run of ``benchmarks/clocks.py``, and what holds of any ledger."""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jinyun.domains.supervision.deadlines import work_calendar
from jinyun.kernel.records import ClockRule
from jinyun.methods.clock_ledger import EVENTS, ClockEvent
from jinyun.methods.clocks import UNITS, clock_state

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "clocks.py"
HISTORIES = 2000


@pytest.fixture(scope="module")
def walked():
    spec = importlib.util.spec_from_file_location("clocks_by_the_minute", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_random_histories_are_equal_to_the_walk(walked):
    worked, calendar, rng, seen = walked.worked_minutes(), work_calendar(), random.Random(5), set()
    for number in range(HISTORIES):
        history = walked.random_history(rng)
        mine = walked.ours(history, calendar)
        assert mine == walked.walk(history, worked), history
        bounded = walked.replace(history, rule=walked.replace(history.rule, most=rng.randint(1, 2)))
        assert walked.from_record(bounded, calendar) == walked.walk(bounded, worked), bounded
        if number % 10 == 0 and mine["ends"] is not None:
            history = walked.at_its_end(history, mine["ends"])
            assert walked.ours(history, calendar) == walked.walk(history, worked), history
        seen |= {history.rule.unit, mine["status"], mine["late"], bool(mine["reached"])}
    assert seen == {"workday", "day", "hour", "waiting", "running", "paused", "stopped", True, False}


def test_the_walk_itself_is_right(walked):
    """By hand: five workdays from Monday 5 February 2024 end on Sunday 18, a make-up day."""
    minute = (walked.date(2024, 2, 5) - walked.FIRST).days * 1440 + 9 * 60
    rule = walked.Rule("hand", "workday", 5, {}, ())
    history = walked.History(rule, ((minute, "start", "", 0),), minute + 1440)
    end = ((walked.date(2024, 2, 19) - walked.FIRST).days) * 1440
    assert walked.walk(history, walked.worked_minutes()) == {
        "status": "running", "consumed": 9 * 60, "ends": end, "late": False, "reached": [],
    }  # fmt: skip


DAY = 86_400_000_000
FROM = 1_700_000_000_000_000  # November 2023
moments = st.integers(FROM, FROM + 60 * DAY)
events = st.builds(ClockEvent, moments, st.sampled_from(EVENTS), st.sampled_from(["", "1", "2"]), st.integers(1, 5))
rules = st.builds(
    lambda unit, amount, levels: ClockRule("c", "时限", "Limit", unit, amount, by_level=levels),
    st.sampled_from(list(UNITS)), st.integers(1, 30), st.dictionaries(st.sampled_from("12"), st.integers(1, 30)),
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(events, max_size=12), rules, moments, moments)
def test_time_used_only_grows_and_pauses_cost_nothing(ledger, rule, one, other):
    before, after = sorted((one, other))
    early, late = (clock_state(ledger, rule, now, work_calendar()) for now in (before, after))
    if early.started == late.started:
        assert 0 <= early.consumed <= late.consumed <= early.consumed + after - before
    still = [*[event for event in ledger if event.at <= before], ClockEvent(before, "pause")]
    held = clock_state(still, rule, before, work_calendar())
    later = clock_state(still, rule, after, work_calendar())
    assert held.consumed == later.consumed
    assert late.amount is None or late.remaining is None or late.consumed + late.remaining >= late.amount * UNITS[
        rule.unit
    ]  # fmt: skip


@settings(deadline=None)
@given(st.lists(events, max_size=12), rules, moments)
def test_it_turns_late_at_its_end_when_nothing_happens(ledger, rule, now):
    ledger = [event for event in ledger if event.at <= now]
    state = clock_state(ledger, rule, now, work_calendar())
    if state.ends_at is None or state.status == "stopped":
        return
    hour = rule.unit == "hour"
    at_end = clock_state(ledger, rule, max(now, state.ends_at + hour), work_calendar())
    assert at_end.late
    assert at_end.ends_at == state.ends_at
    if state.ends_at - 1 >= now:
        assert not clock_state(ledger, rule, state.ends_at - 1, work_calendar()).late
