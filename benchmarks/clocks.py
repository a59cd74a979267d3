"""Clocks of procedures against a naive walk over every minute: random histories, equal or the first that is not.

    PYTHONPATH=src python benchmarks/clocks.py [--histories 100000] [--seed 20261122]

The walk knows nothing of `jinyun.methods.clocks`: it reads the table of holidays itself, marks each minute that counts
and runs in an array, adds the minutes up one after the other and looks where the sum reaches the limit. Histories are
random: start, pauses, resumes, changes of level, extensions, stops, starts anew, events of the same minute or at
midnight, events after now; workdays, days and hours; over new years, long holidays and the end of the table.

Every history is also told as the history of a record whose procedure declares the clock (`ClockRule` with an
`Extension` of at most so many in one run); the ledger read back from it must give the same, the walk counting the
extensions itself.
"""

from __future__ import annotations

import argparse
import csv
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from jinyun.domains.supervision.clock_ledgers import ledger as ledger_of
from jinyun.kernel.ports import HistoryEntry
from jinyun.kernel.records import ClockRule, Escalation, Extension
from jinyun.methods.clock_ledger import ClockEvent
from jinyun.methods.clocks import clock_state
from jinyun.methods.workdays import WorkCalendar

TABLE = Path(__file__).parents[1] / "src/jinyun/domains/supervision/tables/china_workday_exceptions.csv"
MINUTE_US = 60_000_000
CHINA_MINUTES = 8 * 60
DAY = 24 * 60
FIRST, LAST = date(2018, 1, 1), date(2026, 12, 31)


@dataclass(frozen=True)
class Step:
    name: str
    to: str
    percent: int | None = None
    hours_after: int | None = None


@dataclass(frozen=True)
class Rule:
    name: str
    unit: str
    amount: int | None
    by_level: dict[str, int]
    escalate: tuple[Step, ...]
    most: int = 0  # extensions in one run; 0: as many as there are


@dataclass(frozen=True)
class History:
    """Minutes are China civil minutes since 2018-01-01 00:00."""

    rule: Rule
    events: tuple[tuple[int, str, str, int], ...]  # minute, kind, level, amount
    now: int


def table_rows() -> list[dict[str, str]]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def worked_minutes() -> np.ndarray:
    """True for each minute of a working day, from FIRST to LAST."""
    special = {row["date"]: row["kind"] for row in table_rows()}
    days, day = [], FIRST
    while day <= LAST:
        kind = special.get(day.isoformat())
        days.append(kind == "make_up_workday" if kind else day.isoweekday() <= 5)
        day += timedelta(1)
    return np.repeat(np.array(days, dtype=bool), DAY)


# --- the walk ---------------------------------------------------------------------------------------------------------


def _days_to_walk(history: History, base: int) -> int:
    """Days that surely hold every event, now, and the end of the longest time that could be allowed."""
    rule = history.rule
    most = max((rule.amount or 0, *rule.by_level.values())) + sum(e[3] for e in history.events if e[1] == "extend")
    most = most * max((1.0, *(s.percent / 100 for s in rule.escalate if s.percent is not None)))
    ahead = most / 24 if rule.unit == "hour" else most if rule.unit == "day" else most * 7 / 5 + 20  # long holidays
    return (max(history.now, *(e[0] for e in history.events)) - base) // DAY + int(ahead) + 3


def walk(history: History, worked: np.ndarray) -> dict[str, Any]:
    """What the clock says at `now`, by adding up minutes."""
    rule, now = history.rule, history.now
    done = sorted((e for e in history.events if e[0] <= now), key=lambda e: e[0])
    base = min([now, *[e[0] for e in history.events]]) // DAY * DAY
    size = _days_to_walk(history, base) * DAY
    running = np.zeros(size, dtype=bool)
    level, status, started, amounts, stopped, extra, times = "", "waiting", None, [], None, 0, 0

    def allowed() -> int | None:
        plain = rule.by_level.get(level, rule.amount)
        return None if plain is None else plain + extra

    for minute, kind, new_level, more in done:
        at = minute - base
        if kind == "start" and status in ("waiting", "stopped"):
            running[:] = False
            running[at:] = True
            status, started, stopped, extra, times = "running", minute, None, 0, 0
            amounts = [(minute, allowed())]
        elif kind == "pause" and status == "running":
            running[at:] = False
            status = "paused"
        elif kind == "resume" and status == "paused":
            running[at:] = True
            status = "running"
        elif kind == "stop" and status in ("running", "paused"):
            running[at:] = False
            status, stopped = "stopped", minute
        elif kind == "level":
            level = new_level
            if status in ("running", "paused"):
                amounts.append((minute, allowed()))
        elif kind == "extend" and status in ("running", "paused") and (not rule.most or times < rule.most):
            extra, times = extra + more, times + 1
            amounts.append((minute, allowed()))
    if started is None:
        return {"status": "waiting", "consumed": 0, "ends": None, "late": False, "reached": []}
    known = size
    if rule.unit != "hour":
        running[: (started // DAY + 1) * DAY - base] = False  # the day of the start is not counted
    if rule.unit == "workday":
        mask = worked[base : base + size]
        known = len(mask)  # nobody knows what is worked after the table's last day
        running[:known] &= mask
        running[known:] = False
    sums = np.cumsum(running, dtype=np.int32)
    consumed = int(sums[now - base - 1]) if now > base else 0

    def used_up(minutes: int) -> int | None:
        """The minute at whose end so many have been counted, exactly."""
        if minutes <= 0:
            return started
        if minutes > sums[-1]:
            return None
        return int(np.argmax(sums >= minutes)) + base + 1

    length = 60 if rule.unit == "hour" else DAY

    def night(minute: int) -> int:
        return minute if rule.unit == "hour" else ((minute - 1) // DAY + 1) * DAY

    def moment(percent: int, end: bool) -> int | None:
        found = None
        for number, (since, amount) in enumerate(amounts):
            at = None if amount is None else used_up(amount * length * percent // 100)
            if at is not None and end:
                at = night(at)
            if at is not None and number:
                earliest = since if not end or rule.unit == "hour" else (since // DAY + 1) * DAY
                if found is not None and found < earliest:
                    earliest = found  # it was over before the change
                at = max(at, earliest)
            found = at
        return found

    ends = None if amounts[-1][1] is None else moment(100, True)
    seen = now if stopped is None else stopped
    late = ends is not None and (seen > ends if rule.unit == "hour" else seen >= ends)
    reached = []
    for step in rule.escalate:
        if step.percent is not None:
            at = None if amounts[-1][1] is None else moment(step.percent, False)
        else:
            at = None if ends is None else ends + step.hours_after * 60
        if at is not None and at <= seen:
            reached.append((at, step.name))
    return {"status": status, "consumed": consumed, "ends": ends, "late": late, "reached": sorted(reached)}


# --- ours -------------------------------------------------------------------------------------------------------------

ZERO = int((datetime(2018, 1, 1, tzinfo=UTC) - timedelta(minutes=CHINA_MINUTES)).timestamp()) * 1_000_000


def ours(history: History, calendar: WorkCalendar) -> dict[str, Any]:
    """The same, by `clock_state`."""
    ledger = [ClockEvent(ZERO + m * MINUTE_US, kind, level, amount) for m, kind, level, amount in history.events]
    return answer(ledger, history.rule, history.now, calendar)


STATES = {"start": "running", "resume": "running", "pause": "held", "stop": "over"}


def declared(rule: Rule) -> ClockRule:
    """The rule as a procedure declares it: states that start, pause and stop it, a step that extends it."""
    return ClockRule(
        rule.name, "时限", "Limit", rule.unit, rule.amount, starts=("start",), pauses=("held",), stops=("over",),
        by_level=rule.by_level, extends=(Extension("extend", given="more", most=rule.most),),
        escalate=tuple(Escalation(one.name, one.name, one.name, one.name, one.to) for one in rule.escalate),
    )  # fmt: skip


def told(history: History) -> list[HistoryEntry]:
    """The events as steps of a record: what happens to a clock that stands or is over leads to no other state."""
    state, entries = "new", []
    for number, (minute, kind, level, more) in enumerate(sorted(history.events, key=lambda one: one[0]), 1):
        possible = {"start": ("new", "over"), "resume": ("held",), "pause": ("running",), "stop": ("running", "held")}
        after = STATES[kind] if state in possible.get(kind, ()) else state
        data = {"level": level} if kind == "level" else {}
        step = kind if after != state or kind == "extend" else "note"
        given = {"more": more} if kind == "extend" else {}
        at = ZERO + minute * MINUTE_US
        entries.append(HistoryEntry("t", "1", number, at, "x", step, state, after, {}, data, given))
        state = after
    return entries


def from_record(history: History, calendar: WorkCalendar) -> dict[str, Any]:
    """The same once more, from the history of a record by what its procedure declares."""
    rule = declared(history.rule)
    return answer(ledger_of(rule, told(history)), rule, history.now, calendar)


def answer(ledger: Sequence[ClockEvent], rule: Any, now: int, calendar: WorkCalendar) -> dict[str, Any]:
    """What `clock_state` says, in minutes."""
    state = clock_state(ledger, rule, ZERO + now * MINUTE_US, calendar)
    consumed, rest = divmod(state.consumed, MINUTE_US)
    assert rest == 0
    return {
        "status": state.status,
        "consumed": consumed,
        "ends": None if state.ends_at is None else (state.ends_at - ZERO) // MINUTE_US,
        "late": state.late,
        "reached": sorted(((one.at - ZERO) // MINUTE_US, one.name) for one in state.escalations),
    }


# --- histories --------------------------------------------------------------------------------------------------------

AMOUNTS = {"workday": (1, 20), "day": (1, 60), "hour": (1, 240)}
KINDS = ("pause", "pause", "resume", "resume", "resume", "level", "level", "extend", "stop", "start")
DAYS_THERE_ARE = (LAST - FIRST).days + 1


def random_history(rng: random.Random) -> History:
    """One history whose events and now lie within 45 days and within the table."""
    unit = rng.choice(("workday", "workday", "day", "hour"))
    low, high = AMOUNTS[unit]
    by_level = {name: rng.randint(low, high) for name in ("1", "2", "3") if rng.random() < 0.7}
    amount = rng.randint(low, high) if rng.random() < 0.9 else None
    steps = tuple(Step(f"{p}%", "leader", percent=p) for p in rng.sample((0, 25, 50, 80, 100, 150), rng.randint(0, 3)))
    steps += tuple(Step(f"+{h}h", "leader", hours_after=h) for h in rng.sample((0, 1, 24, 72), rng.randint(0, 2)))
    span = rng.choice((3, 10, 45))
    day = rng.choice((rng.randrange(DAYS_THERE_ARE - span), rng.randrange(DAYS_THERE_ARE - 90, DAYS_THERE_ARE - span)))

    def minute() -> int:
        at = day * DAY + rng.randrange(span * DAY)
        snap = rng.random()
        return at // DAY * DAY if snap < 0.15 else at // 60 * 60 if snap < 0.3 else at

    first = day * DAY + rng.randrange(DAY) if rng.random() < 0.9 else minute()
    events = [(first, "start", "", 0)]
    for _ in range(rng.choice((0, 1, 2, 4, 8, 14))):
        kind = rng.choice(KINDS)
        at = rng.choice(events)[0] if rng.random() < 0.08 else minute()
        events.append((at, kind, rng.choice(("1", "2", "3", "")) if kind == "level" else "", rng.randint(1, 5)))
    return History(Rule("random", unit, amount, by_level, steps), tuple(events), minute())


def at_its_end(history: History, now: int) -> History:
    """The same looked at about the moment its time is over, where lateness turns."""
    return replace(history, now=min(now, DAYS_THERE_ARE * DAY))


def compare(count: int, seed: int) -> tuple[int, dict[str, int]]:
    """How many are equal, and what the histories were; stops at the first that differs."""
    worked, calendar = worked_minutes(), WorkCalendar.from_rows(table_rows())
    rng = random.Random(seed)
    seen: dict[str, int] = {}
    for number in range(count):
        history = random_history(rng)
        theirs, mine = walk(history, worked), ours(history, calendar)
        if theirs == mine and number % 10 == 0 and mine["ends"] is not None:
            history = at_its_end(history, mine["ends"] + rng.choice((-1, 0, 0, 1)))
            theirs, mine = walk(history, worked), ours(history, calendar)
        bounded = replace(history, rule=replace(history.rule, most=rng.randint(1, 2)))
        if theirs == mine:
            theirs, mine = walk(bounded, worked), from_record(bounded, calendar)
        if theirs != mine:
            raise SystemExit(
                f"history {number} differs\n{history}\nminute by minute: {theirs}\nclock_state:      {mine}"
            )
        traits = (
            history.rule.unit, mine["status"], *(["late"] if mine["late"] else []),
            *(["end known"] if mine["ends"] is not None else []), *(["escalated"] if mine["reached"] else []),
        )  # fmt: skip
        for trait in traits:
            seen[trait] = seen.get(trait, 0) + 1
    return count, seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--histories", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=20261122)
    asked = parser.parse_args()
    begun = time.perf_counter()
    equal, seen = compare(asked.histories, asked.seed)
    print(f"{equal:,} of {asked.histories:,} random histories equal, in {time.perf_counter() - begun:.0f} s")
    print(", ".join(f"{name} {count:,}" for name, count in sorted(seen.items())))
    calendar, rng = WorkCalendar.from_rows(table_rows()), random.Random(asked.seed)
    some = [random_history(rng) for _ in range(2000)]
    begun = time.perf_counter()
    for history in some:
        ours(history, calendar)
    print(f"clock_state: {(time.perf_counter() - begun) / len(some) * 1e6:.0f} µs a clock")


if __name__ == "__main__":
    main()
