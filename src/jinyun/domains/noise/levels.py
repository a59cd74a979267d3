"""Sound levels: Leq, LN, Ld, Ln, Ldn from hour figures or 1-s data. Pure; all levels in dB(A).

Results are rounded once, half to even, at the end; `energy` says how exactness is kept. LN, maxima and the standard
deviation are exact throughout.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from jinyun.domains.noise.energy import Term, level_of, micro, root
from jinyun.domains.noise.limits import number, rule
from jinyun.kernel.errors import BadInput
from jinyun.kernel.ports import MICRO, NO_VALUE
from jinyun.kernel.terms import CHINA, LENGTHS, Period, instant, period_start
from jinyun.methods.statistics import round_fraction

HOUR_S = LENGTHS[Period.HOUR]
HOURS_OF_DAY = LENGTHS[Period.DAY] // HOUR_S


def places_kept() -> int:
    """Decimals that levels are printed and compared with."""
    return number("places")


def leq(
    levels: Sequence[Decimal | int | str],
    durations: Sequence[Decimal | int | str] | None = None,
    *,
    places: int | None = None,
) -> Decimal:
    """Equivalent continuous level Leq = 10 lg(Σ t·10^(0.1 L) / Σ t) of pieces of time: the energy mean.

    Parameters
    ----------
    levels : Sequence[Decimal]
        Level of each piece, at most six decimals. [dB(A)]
    durations : Sequence[Decimal], optional
        How long each lasted, in any one unit; without them all alike.
    places : int, optional
        Decimals kept, half to even; without it those of ``rules.csv`` (0.1 dB).

    Raises
    ------
    BadInput
        For no levels, a duration that is negative or missing, or no time at all.

    References
    ----------
    .. [1] GB 3096-2008, 3.2.
    """
    if not levels:
        raise BadInput("the Leq of no levels is not defined", field="levels")
    weights = [Fraction(1)] * len(levels) if durations is None else [Fraction(Decimal(t)) for t in durations]
    if len(weights) != len(levels):
        raise BadInput(f"{len(levels)} levels have {len(weights)} durations", field="durations")
    total = sum(weights)
    if min(weights) < 0 or total <= 0:
        raise BadInput("durations must not be negative, and not all zero", field="durations")
    terms = [(w / total, micro(level)) for w, level in zip(weights, levels, strict=True) if w]
    return level_of(terms, places_kept() if places is None else places)


def ldn(ld: Decimal, ln: Decimal, *, day_hours: int | None = None, places: int | None = None) -> Decimal:
    """Day-night level Ldn = 10 lg[(16·10^(0.1 Ld) + 8·10^(0.1 (Ln + 10))) / 24]. [dB(A)]

    `day_hours`: hours of the day part, 16 unless the local government shifted them.

    Raises
    ------
    BadInput
        For a day part that is not from 1 to 23 hours.
    """
    hours = Setting().day_hours if day_hours is None else day_hours
    if not 0 < hours < HOURS_OF_DAY:
        raise BadInput(f"a day part of {hours} hours", field="day_hours", hint="1 to 23")
    terms = _ldn_terms([(Fraction(1), micro(ld))], [(Fraction(1), micro(ln))], hours)
    return level_of(terms, places_kept() if places is None else places)


def _ldn_terms(day: Iterable[Term], night: Iterable[Term], day_hours: int) -> list[Term]:
    share, penalty = Fraction(day_hours, HOURS_OF_DAY), number("ldn_night_penalty") * MICRO
    return [(w * share, v) for w, v in day] + [(w * (1 - share), v + penalty) for w, v in night]


# --- day and night ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Setting:
    """Where day and night part. GB 3096-2008, 3.6: 06–22 unless the local government says otherwise.

    `night`: ``began`` takes the night that began on the date (22 to 06 of the next), ``calendar`` the hours 0–6 and
    22–24 of the date itself. None: as ``rules.csv`` says.
    """

    day_from: int = -1
    night_from: int = -1
    night: str = ""

    def __post_init__(self) -> None:
        if self.day_from < 0:
            object.__setattr__(self, "day_from", number("day_from"))
        if self.night_from < 0:
            object.__setattr__(self, "night_from", number("night_from"))
        object.__setattr__(self, "night", self.night or rule("night"))
        if not 0 < self.day_from < self.night_from < HOURS_OF_DAY:
            raise BadInput(f"day from {self.day_from} to {self.night_from} o'clock", hint="e.g. 6 to 22")
        if self.night not in ("began", "calendar"):
            raise BadInput(f"no such night {self.night!r}", field="night", hint="began or calendar")

    @classmethod
    def of(cls, hours: str | None) -> Setting:
        """From a record's words, ``6-22``; empty: as the standard says.

        Raises
        ------
        BadInput
            For words that are no hours.
        """
        text = (hours or "").strip()
        if not text:
            return cls()
        first, dash, last = text.partition("-")
        if not (dash and first.strip().isdigit() and last.strip().isdigit()):
            raise BadInput(f"{text!r} are no hours of the day part", field="day_hours", hint="like 6-22")
        return cls(int(first), int(last))

    @property
    def day_hours(self) -> int:
        """Length of the day part. [h]"""
        return self.night_from - self.day_from

    def hours(self, day: date, period: str) -> tuple[int, ...]:
        """Starts of the hours that make up the day or the night of a date. [s since the epoch]"""
        midnight = instant(datetime.combine(day, time(), CHINA))
        if period == "day":
            hours: Iterable[int] = range(self.day_from, self.night_from)
        elif self.night == "began":
            hours = range(self.night_from, self.day_from + HOURS_OF_DAY)
        else:
            hours = (*range(self.day_from), *range(self.night_from, HOURS_OF_DAY))
        return tuple(midnight + HOUR_S * hour for hour in hours)

    def period_at(self, at: int) -> str:
        """``day`` or ``night`` of an instant. [s]"""
        hour = (at - period_start(Period.DAY, at)) // HOUR_S
        return "day" if self.day_from <= hour < self.night_from else "night"


@dataclass(frozen=True, slots=True)
class DayNight:
    """Ld, Ln and Ldn of a date; None where too few hours are valid. [dB(A)]"""

    ld: Decimal | None
    ln: Decimal | None
    ldn: Decimal | None
    day_used: int  # hours
    night_used: int
    day_due: int
    night_due: int


def enough_hours(used: int, due: int, period: str) -> bool:
    """True when Ld or Ln may be formed from `used` of the `due` hours (``rules.csv``: a project choice)."""
    return used > 0 and due - used <= number(f"{period}_most_missing")


def ld_ln(
    hours: Mapping[int, Decimal | None], day: date, *, setting: Setting | None = None, places: int | None = None
) -> DayNight:
    """Ld, Ln and Ldn of a date from hourly Leq.

    Parameters
    ----------
    hours : Mapping[int, Decimal | None]
        Hourly Leq by the start of the hour [s since the epoch]; None or absent is missing. [dB(A)]
    day : date
        In China civil time; for the night see `Setting`.

    References
    ----------
    .. [1] GB 3096-2008, 3.4 and 3.5.
    """
    terms = {at: [(Fraction(1), micro(level))] for at, level in hours.items() if level is not None}
    return _day_night(terms, day, setting or Setting(), places)


def day_night(
    day_levels: Sequence[Decimal | None], night_levels: Sequence[Decimal | None], *, places: int | None = None
) -> DayNight:
    """Ld, Ln and Ldn of the hourly Leq of a day part and of a night, in any order; None is missing. [dB(A)]"""
    parts = []
    for levels, period in ((day_levels, "day"), (night_levels, "night")):
        good = [micro(level) for level in levels if level is not None]
        parts.append(([(Fraction(1, len(good)), v) for v in good], len(good), len(levels), period))
    return _result(parts, places)


def _day_night(terms: Mapping[int, Sequence[Term]], day: date, setting: Setting, places: int | None) -> DayNight:
    parts = []
    for period in ("day", "night"):
        due = setting.hours(day, period)
        good = [terms[at] for at in due if at in terms]
        parts.append(([(w / len(good), v) for hour in good for w, v in hour], len(good), len(due), period))
    return _result(parts, places)


def _result(parts: Sequence[tuple[list[Term], int, int, str]], places: int | None) -> DayNight:
    kept = places_kept() if places is None else places
    (day, day_used, day_due, _), (night, night_used, night_due, _) = parts
    good = [enough_hours(used, due, period) for _, used, due, period in parts]
    whole = level_of(_ldn_terms(day, night, day_due), kept) if all(good) else None
    return DayNight(
        level_of(day, kept) if good[0] else None, level_of(night, kept) if good[1] else None, whole,
        day_used, night_used, day_due, night_due,
    )  # fmt: skip


# --- from samples -----------------------------------------------------------------------------------------------------


def usual_percents() -> tuple[int, ...]:
    """The N of the LN that a report gives: L10, L50, L90."""
    return tuple(int(text) for text in rule("percent_levels").split())


def percent_levels(
    samples: Sequence[Decimal | int | str], percents: Sequence[int] | None = None, *, places: int | None = None
) -> dict[int, Decimal]:
    """LN 累计百分声级: the level exceeded N % of the time, of samples taken at even steps. [dB(A)]

    Sorted downward it is the N-th of 100 samples; of n samples the one at N·n/100, rounded up.

    Raises
    ------
    BadInput
        Without samples.
    """
    if not samples:
        raise BadInput("percentile levels of no samples are not defined", field="samples")
    numbers = np.array([micro(level) for level in samples], np.int64)
    return _percents(np.sort(numbers), percents or usual_percents(), places_kept() if places is None else places)


def _percents(ascending: NDArray[np.int64], percents: Sequence[int], places: int) -> dict[int, Decimal]:
    n, out = len(ascending), {}
    for percent in percents:
        if not 0 < percent < 100:
            raise BadInput(f"L{percent} is not defined", field="percents", hint="1 to 99")
        rank = -(-percent * n // 100)
        out[percent] = round_fraction(Fraction(int(ascending[n - rank]), MICRO), places)
    return out


@dataclass(frozen=True, slots=True)
class Levels:
    """Figures of one stretch of samples; None without samples. [dB(A)]"""

    count: int
    missing: int
    leq: Decimal | None
    ln: Mapping[int, Decimal]  # by per cent: 10, 50, 90
    lmax: Decimal | None
    lmin: Decimal | None
    sd: Decimal | None  # of at least two samples


def as_micro(levels: NDArray[np.int64] | NDArray[np.floating]) -> NDArray[np.int64]:
    """Samples as whole millionths of a dB; NaN becomes `NO_VALUE`. Floats are read to the nearest millionth."""
    if np.issubdtype(levels.dtype, np.integer):
        return levels.astype(np.int64)
    wide = levels.astype(np.float64)
    missing = np.isnan(wide)
    out: NDArray[np.int64] = np.where(missing, 0, np.rint(wide * MICRO)).astype(np.int64)
    out[missing] = NO_VALUE
    return out


def from_seconds(
    levels: NDArray[np.int64] | NDArray[np.floating],
    *,
    percents: Sequence[int] | None = None,
    places: int | None = None,
) -> Levels:
    """Leq, LN, Lmax, Lmin and standard deviation of samples at even steps (usually 1 s).

    Parameters
    ----------
    levels : array, shape (n,)
        int64 millionths of a dB with `kernel.ports.NO_VALUE` for missing, or floats as an instrument's file has them
        [dB(A)] with NaN for missing. Missing samples are left out and counted.

    References
    ----------
    .. [1] GB 3096-2008, 3.2 and 3.3; the deviation is over n - 1 (``rules.csv``, recalled).
    """
    kept = places_kept() if places is None else places
    every = as_micro(levels)
    good = np.sort(every[every != NO_VALUE])
    n = len(good)
    if not n:
        return Levels(0, len(every), None, {}, None, None, None)
    top, low = (round_fraction(Fraction(int(good[i]), MICRO), kept) for i in (-1, 0))
    parts = _percents(good, percents or usual_percents(), kept)
    return Levels(n, len(every) - n, level_of(_terms(good), kept), parts, top, low, _deviation(good, kept))


def _terms(good: NDArray[np.int64]) -> list[Term]:
    values, counts = np.unique(good, return_counts=True)
    n = len(good)
    return [(Fraction(c, n), v) for v, c in zip(values.tolist(), counts.tolist(), strict=True)]


def _deviation(good: NDArray[np.int64], places: int) -> Decimal | None:
    """Standard deviation over n - 1, exact: the rounded root of a rational."""
    n = len(good)
    if n < 2:
        return None
    values, counts = np.unique(good, return_counts=True)
    pairs = list(zip(values.tolist(), counts.tolist(), strict=True))
    total = sum(v * c for v, c in pairs)
    squares = sum(v * v * c for v, c in pairs)
    variance = Fraction(n * squares - total * total, n * (n - number("sd_denominator")) * MICRO * MICRO)
    return root(variance * 100**places, places)


def by_hour(
    times: NDArray[np.int64], levels: NDArray[np.int64] | NDArray[np.floating], *, places: int | None = None
) -> dict[int, Levels]:
    """Figures of every clock hour (UTC+8) that has samples, by its start [s].

    `times`: starts of the samples [s since the epoch], ascending, as long as `levels`.
    """
    return {at: from_seconds(part, places=places) for at, part in _hours(times, as_micro(levels))}


def _hours(times: NDArray[np.int64], levels: NDArray[np.int64]) -> Iterable[tuple[int, NDArray[np.int64]]]:
    if len(times) != len(levels):
        raise BadInput(f"{len(times)} times have {len(levels)} levels", field="levels")
    if len(times) == 0:
        return
    offset = -period_start(Period.HOUR, 0) % HOUR_S
    hours = (times.astype(np.int64) + offset) // HOUR_S
    if np.any(np.diff(times) <= 0):
        raise BadInput("times must ascend, each once", field="times")
    starts = np.flatnonzero(np.r_[True, np.diff(hours) != 0])
    ends = np.r_[starts[1:], len(times)]
    for begin, end in zip(starts.tolist(), ends.tolist(), strict=True):
        yield int(hours[begin]) * HOUR_S - offset, levels[begin:end]


def valid_hour(samples: int, step_s: int = 1) -> bool:
    """True when an hour's samples stand for enough of it (``rules.csv``: 45 min, a project choice)."""
    return samples * step_s >= number("hour_least_seconds")


def day_from_seconds(
    times: NDArray[np.int64],
    levels: NDArray[np.int64] | NDArray[np.floating],
    day: date,
    *,
    step_s: int = 1,
    setting: Setting | None = None,
    places: int | None = None,
) -> DayNight:
    """Ld, Ln and Ldn of a date from samples, rounded once: every valid hour weighs alike.

    Parameters
    ----------
    times : int64 array
        Starts of the samples, ascending. [s since the epoch]
    levels : array
        As in `from_seconds`. [dB(A)]
    step_s : int
        What one sample stands for. [s]
    """
    where = setting or Setting()
    due = where.hours(day, "day") + where.hours(day, "night")
    first, last = np.searchsorted(times, [min(due), max(due) + HOUR_S]).tolist()
    terms = {}
    for at, part in _hours(times[first:last], as_micro(levels[first:last])):
        good = part[part != NO_VALUE]
        if valid_hour(len(good), step_s):
            terms[at] = _terms(good)
    return _day_night(terms, day, where, places)


def night_of(at: int, setting: Setting | None = None) -> date:
    """The date a night hour counts for: with ``began``, the small hours belong to the evening before. [s]"""
    where = setting or Setting()
    begun = at - HOUR_S * where.day_from if where.night == "began" else at
    return datetime.fromtimestamp(begun, CHINA).date()
