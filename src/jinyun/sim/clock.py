"""Time that node and simulator share, at X times the real pace: ``SIM_ISO,REAL_ISO,SPEED`` says it to both."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from jinyun.kernel.errors import BadInput

MICROS = 1_000_000


class SystemClock:
    """The machine's time."""

    speed = 1.0

    def now(self) -> int:
        """Microseconds since the epoch."""
        return time.time_ns() // 1000

    def real_seconds(self, seconds: float) -> float:
        """How long `seconds` of this clock take on the wall."""
        return seconds


@dataclass(frozen=True, slots=True)
class ScaledClock:
    """At real time `real` it was `sim`; since then it has run `speed` times as fast. [µs]"""

    sim: int
    real: int
    speed: float

    @classmethod
    def parse(cls, text: str) -> ScaledClock:
        """From ``2026-03-01T00:00:00+08:00,2026-11-22T08:00:00+08:00,60``.

        Raises
        ------
        BadInput
            Saying which part is wrong and what it should look like.
        """
        parts = text.split(",")
        if len(parts) != 3:
            raise BadInput(f"clock {text!r} does not have three parts", hint="write SIM_ISO,REAL_ISO,SPEED")
        try:
            speed = float(parts[2])
        except ValueError:
            raise BadInput(f"clock speed {parts[2]!r} is not a number") from None
        if not 0 < speed <= 100_000:
            raise BadInput(f"clock speed {parts[2]} is not between 0 and 100000")
        return cls(_micros(parts[0]), _micros(parts[1]), speed)

    @classmethod
    def starting(cls, sim_seconds: int, speed: float) -> ScaledClock:
        """A clock that reads `sim_seconds` now."""
        return cls(sim_seconds * MICROS, time.time_ns() // 1000, speed)

    def now(self) -> int:
        """Microseconds since the epoch, of the simulated time."""
        return self.sim + int((time.time_ns() // 1000 - self.real) * self.speed)

    def real_seconds(self, seconds: float) -> float:
        """How long `seconds` of this clock take on the wall."""
        return seconds / self.speed

    def __str__(self) -> str:
        return f"{_iso(self.sim)},{_iso(self.real)},{self.speed:g}"


def clock_of(text: str) -> SystemClock | ScaledClock:
    """The clock of a text; the system's for an empty one."""
    return ScaledClock.parse(text) if text else SystemClock()


def _micros(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise BadInput(f"{text!r} is not an ISO 8601 time", hint="write 2026-03-01T08:00:00+08:00") from None
    if moment.tzinfo is None:
        raise BadInput(f"{text!r} must say its time zone", hint=f"write {text}+08:00")
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * MICROS + moment.microsecond


def _iso(micros: int) -> str:
    return datetime.fromtimestamp(micros // MICROS, UTC).replace(microsecond=micros % MICROS).isoformat()
