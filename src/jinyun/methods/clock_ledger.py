"""The ledger of a clock: what happened to it, and what that leaves: runs, pauses, changes of what is allowed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from jinyun.kernel.errors import BadInput

START, PAUSE, RESUME, LEVEL, EXTEND, STOP = EVENTS = ("start", "pause", "resume", "level", "extend", "stop")


@dataclass(frozen=True, slots=True)
class ClockEvent:
    """One line of a clock's ledger."""

    at: int  # [µs]
    kind: str  # one of EVENTS
    level: str = ""  # of a `level`: the new one
    amount: int = 0  # of an `extend`: how much more [rule's unit]


@dataclass(frozen=True, slots=True)
class Pause:
    """A time in which the clock stood still; `end` None: it still does. [µs]"""

    start: int
    end: int | None


@dataclass(frozen=True, slots=True)
class Change:
    """What decides the time allowed, from a moment on."""

    at: int  # [µs]
    level: str
    extended: int  # [unit]
    times: int = 0  # how often it was extended so far


@dataclass(slots=True)
class Walk:
    """What a ledger says of the newest run of a clock."""

    level: str = ""
    started: int | None = None
    stopped: int | None = None
    running_since: int | None = None
    changes: list[Change] = field(default_factory=list)  # the first is its start
    spans: list[tuple[int, int]] = field(default_factory=list)  # runs that have ended [µs]
    pauses: list[Pause] = field(default_factory=list)

    @property
    def alive(self) -> bool:
        """Whether it has started and not stopped."""
        return self.started is not None and self.stopped is None

    @property
    def paused(self) -> bool:
        """Whether it stands still."""
        return self.alive and self.running_since is None


def walk_ledger(ledger: Sequence[ClockEvent], now: int) -> Walk:
    """Take every event up to `now` in time order; of the same moment, in the order given. [µs]

    Raises
    ------
    BadInput
        For an unknown kind of event, or an extension below one unit.
    """
    walk = Walk()
    for event in sorted(ledger, key=lambda one: one.at):
        if event.at > now:
            break
        step = _STEPS.get(event.kind)
        if step is None:
            raise BadInput(f"clock event {event.kind!r}", field="kind", hint=f"known: {', '.join(EVENTS)}")
        step(walk, event)
    return walk


def _start(walk: Walk, event: ClockEvent) -> None:
    if walk.alive:
        return
    walk.started, walk.running_since, walk.stopped = event.at, event.at, None
    walk.changes, walk.spans, walk.pauses = [Change(event.at, walk.level, 0)], [], []


def _pause(walk: Walk, event: ClockEvent) -> None:
    if walk.running_since is not None:
        walk.spans.append((walk.running_since, event.at))
        walk.pauses.append(Pause(event.at, None))
        walk.running_since = None


def _resume(walk: Walk, event: ClockEvent) -> None:
    if walk.paused:
        walk.pauses[-1] = Pause(walk.pauses[-1].start, event.at)
        walk.running_since = event.at


def _level(walk: Walk, event: ClockEvent) -> None:
    walk.level = event.level
    if walk.alive:
        last = walk.changes[-1]
        walk.changes.append(Change(event.at, event.level, last.extended, last.times))


def _extend(walk: Walk, event: ClockEvent) -> None:
    if event.amount < 1:
        raise BadInput(f"an extension of {event.amount}", field="amount", hint="give a whole number from 1")
    if walk.alive:
        last = walk.changes[-1]
        walk.changes.append(Change(event.at, walk.level, last.extended + event.amount, last.times + 1))


def _stop(walk: Walk, event: ClockEvent) -> None:
    if not walk.alive:
        return
    if walk.running_since is not None:
        walk.spans.append((walk.running_since, event.at))
    else:
        walk.pauses[-1] = Pause(walk.pauses[-1].start, event.at)
    walk.running_since, walk.stopped = None, event.at


_STEPS: Mapping[str, Callable[[Walk, ClockEvent], None]] = {
    START: _start, PAUSE: _pause, RESUME: _resume, LEVEL: _level, EXTEND: _extend, STOP: _stop,
}  # fmt: skip
