"""Closing a task of an inspection 督察整改销号: three checks in order, five conditions, and the measured figure. Pure.

Unit self-check → lead department re-check → inspection office check, which closes. It needs the five conditions and,
where the task has a figure, readings that met it for its days. A reading that breaks the figure while it is watched
reopens the task, and the three checks begin again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import takewhile

from jinyun.domains.supervision.rules import compares, rule, rule_rows
from jinyun.kernel.errors import BadInput

OPEN, SELF_CHECKED, RECHECKED, CLOSED, REOPENED = "open", "self_checked", "rechecked", "closed", "reopened"
SELF_CHECK, RECHECK, OFFICE_CHECK = "self_check", "recheck", "office_check"
AFTER: Mapping[str, str] = {SELF_CHECK: SELF_CHECKED, RECHECK: RECHECKED, OFFICE_CHECK: CLOSED}
FROM: Mapping[str, tuple[str, ...]] = {
    SELF_CHECK: (OPEN, REOPENED), RECHECK: (SELF_CHECKED,), OFFICE_CHECK: (RECHECKED,),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Check:
    """One of the three checks, as it was reported."""

    step: str  # self_check, recheck, office_check
    date: date


@dataclass(frozen=True, slots=True)
class Figure:
    """What must be measured before a task may close."""

    name: str
    limit: Decimal  # [unit of the readings]
    hold_days: int  # days with readings, the last ones, that must meet it [d]
    watch_days: int = 0  # after the closing, in which a breach reopens [d]
    op: str = "le"  # le, lt, ge, gt: how a reading meets the limit

    def met_by(self, value: Decimal) -> bool:
        """Whether one reading meets it; a value equal to the limit does, unless the comparison is strict."""
        return compares(self.op, value, self.limit)


@dataclass(frozen=True, slots=True)
class Measured:
    """A reading of the task's figure."""

    date: date
    value: Decimal


@dataclass(frozen=True, slots=True)
class RefusedStep:
    """A check that was not accepted; `why`: ``order``, ``conditions:papers,…`` or ``figure``."""

    step: str
    why: str


@dataclass(frozen=True, slots=True)
class Closure:
    """Where a task stands."""

    state: str
    refused: tuple[RefusedStep, ...]
    late: bool  # closed after the deadline, or still open after it
    closed_on: date | None


def conditions() -> tuple[str, ...]:
    """The five conditions, in their order."""
    return tuple(rule_rows("closure_condition"))


def rectification_state(
    steps: Sequence[Check],
    conditions_met: Mapping[str, bool],
    *,
    deadline: date,
    as_of: date,
    figure: Figure | None = None,
    readings: Sequence[Measured] = (),
) -> Closure:
    """The state of a task at the end of a day, from the checks and readings up to then.

    Parameters
    ----------
    steps : sequence of Check
        In any order; those of one day in the order given. A reading of the same day counts before them.
    conditions_met : mapping
        By name of `conditions`; one that is not named is not met.

    Raises
    ------
    BadInput
        For a check or a condition that is unknown.
    """
    for name in conditions_met:
        if name not in conditions():
            raise BadInput(f"condition {name!r}", field="conditions", hint=f"known: {', '.join(conditions())}")
    state, refused, closed_on = OPEN, [], None
    known = sorted((one for one in readings if one.date <= as_of), key=lambda one: one.date)
    due = sorted((one for one in steps if one.date <= as_of), key=lambda one: one.date)
    events: list[Measured | Check] = [*known, *due]
    for event in sorted(events, key=lambda one: one.date):  # stable: readings of a day before its checks
        if isinstance(event, Measured):
            if closed_on is not None and figure is not None and _breaks(figure, event, closed_on):
                state, closed_on = REOPENED, None
            continue
        if event.step not in AFTER:
            raise BadInput(f"check {event.step!r}", field="step", hint=f"known: {', '.join(AFTER)}")
        why = _why_not(event, state, conditions_met, figure, known)
        if why:
            refused.append(RefusedStep(event.step, why))
            continue
        state = AFTER[event.step]
        if state == CLOSED:
            closed_on = event.date
    late = (closed_on or as_of) > deadline
    return Closure(state, tuple(refused), late, closed_on)


RED, YELLOW, GREEN, BLUE = LIGHTS = ("red", "yellow", "green", "blue")
"""Lights of the tree of rectification, worst first."""


def light_of(state: str, deadline: date | None, today: date) -> str:
    """Blue: closed. Red: over its deadline, or it came back. Yellow: due soon (`rectification_light` of rules.csv).
    Green: the rest, also what has no deadline."""
    if state == CLOSED:
        return BLUE
    if deadline is None:
        return GREEN
    if state == REOPENED or deadline < today:
        return RED
    return YELLOW if deadline <= today + timedelta(int(rule("rectification_light", "soon"))) else GREEN


def held_days(figure: Figure, readings: Sequence[Measured], day: date) -> int:
    """Days with readings that met the figure, counted back from the newest up to `day` without a break. [d]"""
    by_day: dict[date, bool] = {}
    for one in readings:
        if one.date <= day:
            by_day[one.date] = by_day.get(one.date, True) and figure.met_by(one.value)
    return sum(1 for _ in takewhile(lambda which: by_day[which], sorted(by_day, reverse=True)))


def _breaks(figure: Figure, reading: Measured, closed_on: date) -> bool:
    watched = closed_on < reading.date <= closed_on + timedelta(figure.watch_days)
    return watched and not figure.met_by(reading.value)


def _why_not(
    event: Check, state: str, met: Mapping[str, bool], figure: Figure | None, readings: Sequence[Measured]
) -> str:
    if state not in FROM[event.step]:
        return "order"
    if event.step != OFFICE_CHECK:
        return ""
    missing = [name for name in conditions() if not met.get(name)]
    if missing:
        return f"conditions:{','.join(missing)}"
    if figure is not None and held_days(figure, readings, event.date) < figure.hold_days:
        return "figure"
    return ""
