"""Clocks of procedures: how much of a time limit is used, when it ends, whether it is late. Pure.

Nothing is stored but the ledger of what happened (start, pause, resume, level, extend, stop), taken from the history
of a record. The answer is computed from it for any moment, past ones too: a due date is never the truth.

Conventions
-----------
Day units (``workday``, ``day``): the day of the start is not counted; time runs from the midnight after it, a working
day or a day being 24 hours of China time; the last day counts until midnight, so that a clock that pauses have moved to
run out at noon is in time until that midnight. Hours run from the moment of the start, and the last moment is in time.
A pause stops the count at its moment, also within a day. A change of level keeps the time used and changes the whole
allowed; a limit shortened below what is used ends with the day (hours: at the moment) of that change, unless it was
over already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any, Protocol

from jinyun.kernel.errors import BadInput
from jinyun.kernel.terms import CHINA
from jinyun.methods.clock_ledger import ClockEvent, Pause, Walk, walk_ledger
from jinyun.methods.workdays import CalendarNotLoaded, WorkCalendar

MICROSECOND = timedelta(microseconds=1)
HOUR_US, DAY_US = timedelta(hours=1) // MICROSECOND, timedelta(days=1) // MICROSECOND
EPOCH = datetime.fromtimestamp(0, UTC)
OFFSET_US = (EPOCH.astimezone(CHINA).replace(tzinfo=UTC) - EPOCH) // MICROSECOND  # China time ahead of UTC
EPOCH_DAY = EPOCH.date().toordinal()

UNITS: Mapping[str, int] = {"workday": DAY_US, "day": DAY_US, "hour": HOUR_US}
"""Length of one unit. [µs]"""

WAITING, RUNNING, PAUSED, STOPPED = "waiting", "running", "paused", "stopped"


class EscalationLike(Protocol):
    """What `kernel.records.Escalation` says: a share of the time, or hours after its end."""

    @property
    def name(self) -> str: ...
    @property
    def to(self) -> str: ...
    @property
    def percent(self) -> int | None: ...
    @property
    def hours_after(self) -> int | None: ...


class RuleLike(Protocol):
    """What `kernel.records.ClockRule` says, as far as the arithmetic needs it."""

    @property
    def name(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def amount(self) -> int | None: ...
    @property
    def by_level(self) -> Mapping[str, int]: ...
    @property
    def escalate(self) -> Sequence[EscalationLike]: ...


@dataclass(frozen=True, slots=True)
class Reached:
    """One escalation and its moment. [µs]"""

    name: str
    to: str  # role that is told
    at: int


@dataclass(frozen=True, slots=True)
class ClockState:
    """A clock at one moment."""

    unit: str
    status: str  # waiting, running, paused, stopped
    amount: int | None  # time allowed, extensions in it [unit]
    started: int | None  # [µs]
    consumed: int  # [µs of the unit's time]
    remaining: int | None  # [µs of the unit's time], never below 0
    due: date | datetime | None  # last day in time; of hours, the last moment in time
    ends_at: int | None  # midnight after the last day; of hours, the last moment [µs]
    late: bool  # now, or when it was stopped
    due_unknown: str = ""  # why `due` is None: waiting, paused, stopped, no-amount, calendar-not-loaded
    pauses: tuple[Pause, ...] = ()
    escalations: tuple[Reached, ...] = ()  # reached so far, in time order
    coming: Reached | None = None  # the next one, when nothing changes
    extended: int = 0  # of `amount`, what extensions added in this run [unit]
    extensions: int = 0  # how many in this run

    @property
    def paused(self) -> bool:
        """Whether it stands still now."""
        return self.status == PAUSED

    @property
    def used(self) -> Fraction:
        """Time used, in the rule's unit."""
        return Fraction(self.consumed, UNITS[self.unit])

    @property
    def left(self) -> Fraction | None:
        """Time left, in the rule's unit; None without a limit."""
        return None if self.remaining is None else Fraction(self.remaining, UNITS[self.unit])

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON; `used` and `left` to two decimals of the unit."""
        return {
            "unit": self.unit, "status": self.status, "amount": self.amount, "started": self.started,
            "used": f"{float(self.used):.2f}", "left": None if self.left is None else f"{float(self.left):.2f}",
            "due": None if self.due is None else self.due.isoformat(), "ends_at": self.ends_at, "late": self.late,
            "due_unknown": self.due_unknown, "pauses": [[one.start, one.end] for one in self.pauses],
            "escalations": [{"name": one.name, "to": one.to, "at": one.at} for one in self.escalations],
            "coming": None if self.coming is None else {"name": self.coming.name, "at": self.coming.at},
            "extended": self.extended, "extensions": self.extensions,
        }  # fmt: skip


def clock_state(ledger: Sequence[ClockEvent], rule: RuleLike, now: int, calendar: WorkCalendar) -> ClockState:
    """The clock of `rule` at `now`, from what the ledger says had happened by then.

    Parameters
    ----------
    ledger : sequence of ClockEvent
        In any order; of the same moment, in the order given. Later ones than `now` are not looked at. A start while it
        runs, a pause while it stands, a resume while it runs change nothing; a start after a stop begins anew, at zero.
    now : int
        [µs]

    Raises
    ------
    BadInput
        For a unit or kind of event that is unknown, or a rule whose time is still to be looked up.
    CalendarNotLoaded
        When time already gone lies in a year without holidays. When only the end lies there, `due` is None and
        `due_unknown` says ``calendar-not-loaded``.
    """
    if rule.unit not in UNITS:
        raise BadInput(f"clock {rule.name}: unit {rule.unit!r}", field="unit", hint=f"known: {', '.join(UNITS)}")
    walk = walk_ledger(ledger, now)
    if walk.started is None:
        amount = _amount(rule, walk.level, 0)
        return ClockState(rule.unit, WAITING, amount, None, 0, None, None, None, False, WAITING)
    allowed = [(one.at, _amount(rule, one.level, one.extended)) for one in walk.changes]
    amount = allowed[-1][1]
    line = _Line(rule.unit, walk, now, calendar)
    status = STOPPED if walk.stopped is not None else PAUSED if walk.paused else RUNNING
    ends_at, unknown = _end(line, allowed, status)
    seen = now if walk.stopped is None else walk.stopped
    late = ends_at is not None and (seen > ends_at if rule.unit == "hour" else seen >= ends_at)
    moments = _escalations(line, rule, allowed, ends_at)
    ahead = [one for one in moments if one.at > seen]
    return ClockState(
        rule.unit, status, amount, walk.started, line.consumed,
        None if amount is None else max(0, amount * UNITS[rule.unit] - line.consumed),
        None if ends_at is None else _due(rule.unit, ends_at), ends_at, late, unknown, tuple(walk.pauses),
        tuple(one for one in moments if one.at <= seen), ahead[0] if ahead and status != STOPPED else None,
        walk.changes[-1].extended, walk.changes[-1].times,
    )  # fmt: skip


def china_day(at: int) -> date:
    """The day of China time that holds a moment. [µs]"""
    return date.fromordinal(EPOCH_DAY + (at + OFFSET_US) // DAY_US)


def china_midnight(day: date) -> int:
    """The moment at which a day of China time begins. [µs]"""
    return (day.toordinal() - EPOCH_DAY) * DAY_US - OFFSET_US


def _amount(rule: RuleLike, level: str, extended: int) -> int | None:
    base = rule.by_level.get(level, rule.amount)
    if base is None and bool(getattr(rule, "rule", None)):
        raise BadInput(
            f"clock {rule.name}: its time stands in the rule table", field="rule",
            hint="look it up first: domains.supervision.deadlines.resolved(rule)",
        )  # fmt: skip
    return None if base is None else base + extended


# --- its time ---------------------------------------------------------------------------------------------------------


Allowed = Sequence[tuple[int, int | None]]
"""What is allowed from each moment on [µs], the first from the start: [unit]; None: no limit."""

Moment = Callable[[int], int]


def _same(moment: int) -> int:
    return moment


class _Line:
    """The time a clock has run, in spans, measured in its unit."""

    def __init__(self, unit: str, walk: Walk, now: int, calendar: WorkCalendar) -> None:
        assert walk.started is not None
        self.unit, self.started, self.walk, self.calendar = unit, walk.started, walk, calendar
        self.by_workday = unit == "workday"
        # The day of the start is not counted, of hours nothing is left out.
        begin = walk.started if unit == "hour" else china_midnight(china_day(walk.started) + timedelta(1))
        spans = [*walk.spans, *([] if walk.running_since is None else [(walk.running_since, now)])]
        self.spans = [(max(a, begin), max(b, begin)) for a, b in spans]
        self.lengths = [self._length(a, b) for a, b in self.spans]

    @property
    def consumed(self) -> int:
        return sum(self.lengths)

    def moment(self, target: int) -> int | None:
        """The first moment at which `target` is used up, ahead of now too while it runs; None: while it stands. [µs]"""
        if target <= 0:
            return self.started
        for (start, _), length in zip(self.spans, self.lengths, strict=True):
            if length >= target:
                return self._after(start, target)
            target -= length
        if self.walk.running_since is None:
            return None
        return self._after(self.spans[-1][0], target + self.lengths[-1])

    def first_use(self, allowed: Allowed, percent: int, *, whole: Moment = _same, floor: Moment = _same) -> int | None:
        """The moment at which `percent` of what is allowed is used, by what was allowed when. [µs]

        A change cannot move it to before the change itself, unless it had come already: nobody could have known.
        """
        found: int | None = None
        for place, (since, amount) in enumerate(allowed):
            if amount is None:
                found = None
                continue
            last = place == len(allowed) - 1
            try:
                moment = self.moment(-(-amount * UNITS[self.unit] * percent // 100))
            except CalendarNotLoaded:
                if last:
                    raise
                moment = None
            if moment is None:
                found = None
                continue
            moment = whole(moment)
            if place:
                least = floor(since)
                moment = max(moment, least if found is None else min(found, least))
            found = moment
        return found

    def _length(self, start: int, end: int) -> int:
        if not self.by_workday:
            return end - start
        if end <= start:
            return 0
        first, last = china_day(start), china_day(end - 1)
        whole = self.calendar.count(first, last + timedelta(1)) * DAY_US
        if self.calendar.is_workday(first):
            whole -= start - china_midnight(first)
        if self.calendar.is_workday(last):
            whole -= china_midnight(last + timedelta(1)) - end
        return whole

    def _after(self, start: int, length: int) -> int:
        """The first moment at which `length` of the unit's time has gone by since `start`. [µs]"""
        if not self.by_workday:
            return start + length
        first = china_day(start)
        if self.calendar.is_workday(first):
            rest = china_midnight(first + timedelta(1)) - start
            if length <= rest:
                return start + length
            length -= rest
        days, part = divmod(length - 1, DAY_US)
        return china_midnight(self.calendar.add(first, days + 1)) + part + 1


def _end(line: _Line, allowed: Allowed, status: str) -> tuple[int | None, str]:
    """When the limit is over [µs], and why that is not known."""
    if allowed[-1][1] is None:
        return None, "no-amount"
    hours = line.unit == "hour"

    def whole(moment: int) -> int:  # a moment that ends something belongs to the day before it
        return moment if hours else china_midnight(china_day(moment - 1) + timedelta(1))

    try:
        end = line.first_use(allowed, 100, whole=whole, floor=lambda at: whole(at if hours else at + 1))
    except CalendarNotLoaded as wrong:
        return None, wrong.code
    return end, status if end is None else ""


def _due(unit: str, ends_at: int) -> date | datetime:
    if unit != "hour":
        return china_day(ends_at - 1)
    return (EPOCH + timedelta(microseconds=ends_at)).astimezone(CHINA)


def _escalations(line: _Line, rule: RuleLike, allowed: Allowed, ends_at: int | None) -> list[Reached]:
    """The moments of all escalations that can be known, in time order."""
    found = []
    for one in rule.escalate:
        at = None
        if one.percent is not None:
            with suppress(CalendarNotLoaded):  # only one that lies ahead: what is gone was measured
                at = line.first_use(allowed, one.percent)
        elif one.hours_after is not None and ends_at is not None:
            at = ends_at + one.hours_after * HOUR_US
        if at is not None:
            found.append(Reached(one.name, one.to, at))
    return sorted(found, key=lambda one: one.at)
