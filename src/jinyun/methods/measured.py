"""From readings to the one value of a factor over a window, with what it rests on. Knows flags, no subject.

A value that the device itself averaged over the window is taken before one computed here from finer readings; either
way `Measured` says which, and `refs` names exactly the readings used (those left out for their flag are not in it).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from jinyun.kernel.flags import COUNTS, flag_words
from jinyun.kernel.terms import LENGTHS, Flag, Period, Reading, ReadingRef, Stat, Window
from jinyun.methods.statistics import decimals, mean, round_fraction

STORED_PLACES = 6
"""Places a stored value has at most (DECIMAL(18,6))."""

Index = Mapping[tuple[str, Stat, Period], Sequence[Reading]]
"""Readings of one window by factor, statistic and period, in time order."""

FINER: tuple[tuple[Period, Mapping[Stat, Stat]], ...] = (
    (Period.MINUTE, {Stat.AVG: Stat.AVG, Stat.ZS_AVG: Stat.ZS_AVG}),
    (Period.TEN_MINUTE, {Stat.AVG: Stat.AVG, Stat.ZS_AVG: Stat.ZS_AVG}),
    (Period.REALTIME, {Stat.AVG: Stat.RTD, Stat.ZS_AVG: Stat.ZS_RTD}),
)
"""Where an hour's mean may come from when the device sent none: best first, with the statistic that stands for it."""

BASIS_WORDS: Mapping[str, tuple[str, str]] = {
    "hour": ("设备小时均值", "hour mean as sent"),
    "minute": ("由分钟数据计算的小时均值", "hour mean computed from minute data"),
    "realtime": ("由实时数据计算的小时均值", "hour mean computed from real-time data"),
    "now": ("最新读数", "newest reading"),
    "hours": ("由小时均值计算的日均值", "day mean computed from hour means"),
    "flow_weighted": ("按流量加权的日均值", "flow-weighted day mean of hour means"),
    "day": ("设备日均值", "day mean as sent"),
    "worst": ("逐次读数", "each reading"),
    "max_8h": ("由小时均值计算", "computed from hour means"),
    "max_1h": ("由小时均值选取", "chosen from hour means"),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """One factor over one window. `value` None: `why` says why not (``missing``, ``flag``, ``few``, ``number``…)."""

    factor: str
    value: Decimal | None = None
    basis: str = ""
    used: int = 0  # readings the value rests on
    minutes: int = 0  # minutes they stand for, when computed
    refs: tuple[ReadingRef, ...] = ()
    why: str = ""
    note_zh: str = ""
    note_en: str = ""
    unflagged: bool = False  # some reading came without a flag
    non_detect: bool = False  # a lone non-detect: `value` is the detection limit
    places: int = 0  # decimals of the readings

    @property
    def reason(self) -> str:
        """Why it cannot be judged, or how the value came about: Chinese, then English, parted by `` | ``."""
        zh, en = [self.note_zh] if self.note_zh else [], [self.note_en] if self.note_en else []
        if self.value is not None and self.basis:
            words = BASIS_WORDS[self.basis]
            zh.insert(0, words[0])
            en.insert(0, words[1])
        if self.unflagged:
            zh.append("数据未带标记")
            en.append("flag not sent")
        if self.non_detect:
            zh.append("未检出，按检出限比较")
            en.append("not detected, compared by its detection limit")
        return both("；".join(zh), "; ".join(en)) if zh else ""


def both(zh: str, en: str) -> str:
    """A note in both languages, the way verdict items carry it."""
    return f"{zh} | {en}"


def index(readings: Iterable[Reading]) -> dict[tuple[str, Stat, Period], list[Reading]]:
    """Group readings, which come in time order."""
    groups: dict[tuple[str, Stat, Period], list[Reading]] = {}
    for reading in readings:
        key = (reading.factor, reading.stat, reading.period)
        group = groups.get(key)
        if group is None:
            groups[key] = [reading]
        else:
            group.append(reading)
    return groups


def ref(reading: Reading) -> ReadingRef:
    return ReadingRef(reading.series, reading.time, reading.seq)


def usable(reading: Reading) -> bool:
    """True when the reading has a number and a flag that counts."""
    return reading.value is not None and reading.flag in COUNTS


def refused(factor: str, rows: Sequence[Reading]) -> Measured:
    """There were readings, but none that counts: says which flags they had."""
    flags = Counter(row.flag for row in rows)
    zh = "、".join(f"{flag_words(flag)[0]}×{n}" for flag, n in flags.most_common())
    en = ", ".join(f"{flag_words(flag)[1]} ×{n}" for flag, n in flags.most_common())
    return Measured(factor, why="flag", note_zh=f"无有效数据（{zh}）", note_en=f"no valid data ({en})")


MISSING_ZH, MISSING_EN = "本时段无数据", "no data in this window"


def single(factor: str, row: Reading, basis: str) -> Measured:
    """The value of one reading as it is."""
    if not usable(row):
        return refused(factor, (row,))
    assert row.value is not None
    return Measured(
        factor, row.value, basis, 1, refs=(ref(row),), unflagged=row.flag is Flag.UNKNOWN,
        non_detect=row.flag is Flag.NON_DETECT, places=decimals(row.value),
    )  # fmt: skip


def averaged(
    factor: str, rows: Sequence[Reading], basis: str, *, minutes: int = 0, places: int | None = None
) -> Measured:
    """Arithmetic mean of readings that count, a non-detect at half its limit, rounded once.

    It is kept to `places`, or without them to the places of its readings, so that the figure judged is the one printed.
    """
    if len(rows) == 1:
        return single(factor, rows[0], basis)
    values = [_in_mean(row) for row in rows]
    if places is None:
        places = min(STORED_PLACES, max(decimals(value) for value in values))
    return Measured(
        factor, round_fraction(mean(values), places), basis, len(rows), minutes, tuple(ref(row) for row in rows),
        unflagged=any(row.flag is Flag.UNKNOWN for row in rows), places=places,
    )  # fmt: skip


def _in_mean(row: Reading) -> Decimal:
    assert row.value is not None
    return row.value / 2 if row.flag is Flag.NON_DETECT else row.value


def covered_minutes(all_rows: Sequence[Reading], rows: Sequence[Reading], window: Window, least: int) -> int:
    """Minutes of the window that `rows` stand for, out of `all_rows` of that series.

    A reading stands for one step; the step is the shortest distance between readings of the series, so that six
    10-minute means cover the hour as sixty minute means do. A series whose step is longer than what may be missing of
    the window cannot prove its coverage, and each of its readings counts as one minute.
    """
    stamps = sorted({row.time // 60 for row in all_rows})
    if not stamps:
        return 0
    spare = (window.end - window.start) // 60 - least
    default = LENGTHS.get(all_rows[0].period, 60) // 60
    step = min((b - a for a, b in pairwise(stamps)), default=default)
    if step > spare:
        step = default
    return len({row.time // 60 for row in rows}) * step


def hour_value(
    groups: Index,
    factor: str,
    window: Window,
    stat: Stat = Stat.AVG,
    *,
    least_minutes: int = 0,
    places: int | None = None,
) -> Measured:
    """The value of `factor` over one hour: the device's mean, else one computed from finer readings.

    Parameters
    ----------
    stat : Stat
        AVG, or ZS_AVG for the value converted to reference oxygen.
    least_minutes : int
        Valid minutes that a computed mean needs; 0 when one reading is enough. [min]
    places : int, optional
        Decimals a computed mean is kept to; see `averaged`.
    """
    sent = groups.get((factor, stat, Period.HOUR))
    if sent:
        return single(factor, sent[-1], "hour")  # its flag is the device's word on the whole hour
    for period, stands_for in FINER:
        rows = groups.get((factor, stands_for[stat], period))
        if not rows:
            continue
        valid = [row for row in rows if usable(row)]
        if not valid:
            return refused(factor, rows)
        minutes = covered_minutes(rows, valid, window, least_minutes)
        if minutes < least_minutes:
            return Measured(
                factor, why="few", minutes=minutes, used=len(valid),
                note_zh=f"有效数据仅{minutes}分钟，不足{least_minutes}分钟",
                note_en=f"only {minutes} valid minutes of the {least_minutes} needed",
            )  # fmt: skip
        basis = "realtime" if period is Period.REALTIME else "minute"
        return averaged(factor, valid, basis, minutes=minutes, places=places)
    return Measured(factor, why="missing", note_zh=MISSING_ZH, note_en=MISSING_EN)


def day_value(
    groups: Index, factor: str, stat: Stat = Stat.AVG, *, least_hours: int = 1, places: int | None = None
) -> Measured:
    """The mean of `factor` over one day: of valid hour means, else the device's own day mean."""
    hours = groups.get((factor, stat, Period.HOUR), ())
    valid = [row for row in hours if usable(row)]
    if len(valid) >= least_hours:
        return averaged(factor, valid, "hours", places=places)
    sent = groups.get((factor, stat, Period.DAY))
    if sent and not hours:
        return single(factor, sent[-1], "day")
    if not hours:
        return Measured(factor, why="missing", note_zh=MISSING_ZH, note_en=MISSING_EN)
    if not valid:
        return refused(factor, hours)
    return Measured(
        factor, why="few", used=len(valid),
        note_zh=f"有效小时均值仅{len(valid)}个，不足{least_hours}个",
        note_en=f"only {len(valid)} valid hour means of the {least_hours} needed",
    )  # fmt: skip


def seen(groups: Index) -> frozenset[str]:
    """Factors with any reading in the window, valid or not."""
    return frozenset(factor for factor, _, _ in groups)
