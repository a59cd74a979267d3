"""The day the disk is full, from measured growth of each class. Pure: samples in, a day out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Any

from jinyun.app.care.rules import Keep, figure
from jinyun.kernel.terms import china_time

DAY_US = 86_400_000_000
OTHERS = "others"


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement. `dropped`: bytes that retention has taken so far, so that growth is gross growth."""

    at: int  # [µs]
    free: int
    total: int
    sizes: Mapping[str, int]
    dropped: Mapping[str, int]

    def gross(self, name: str) -> int:
        """Bytes of a class as if nothing had ever been dropped; `OTHERS`: what is not ours on the same disk."""
        if name == OTHERS:
            return self.total - self.free - sum(self.sizes.values())
        return self.sizes.get(name, 0) + self.dropped.get(name, 0)


@dataclass(frozen=True, slots=True)
class Forecast:
    """When there is no room left."""

    per_day: Mapping[str, float]  # gross growth by class [B/d]
    days_left: int | None  # None: not within the horizon, or nothing is known yet
    full_on: str | None  # ISO date, China
    known: bool
    rough: bool
    span_days: float
    samples: int
    level: str  # ok, warn, bad, unknown
    zh: str
    en: str

    def as_dict(self) -> dict[str, Any]:
        return {
            **{name: getattr(self, name) for name in self.__slots__},
            "per_day": {name: round(rate) for name, rate in self.per_day.items()},
            "span_days": round(self.span_days, 2),
        }


def growth(points: Sequence[tuple[float, float]]) -> float:
    """Slope by Theil and Sen: the median of the slopes of all pairs, so that one large import or one compaction does
    not bend it. Never below zero: what shrinks does not fill a disk."""
    slopes = [
        (y2 - y1) / (x2 - x1) for n, (x1, y1) in enumerate(points) for x2, y2 in points[n + 1 :] if x2 - x1 > 1e-9
    ]
    return max(0.0, median(slopes)) if slopes else 0.0


def forecast(
    samples: Sequence[Sample], keep: Mapping[str, Keep], oldest: Mapping[str, int], *, floor: int = 0
) -> Forecast:
    """See `Forecast`.

    Parameters
    ----------
    samples : of `Sample`
        In order of time; the last one is the state from which it looks ahead.
    keep : class -> Keep
        A class with days stops growing once its oldest data are so old.
    oldest : class -> µs
        Since when there are data of a class.
    floor : int
        Bytes that must stay free: below it devices are refused.
    """
    unknown = Forecast(
        {}, None, None, False, True, 0.0, len(samples), "unknown", "增长尚未测得", "growth not measured yet"
    )
    if len(samples) < 2:
        return unknown
    now = samples[-1]
    span = (now.at - samples[0].at) / DAY_US
    if span * 24 < 1:
        return unknown
    names = [*now.sizes, *([OTHERS] if span >= 1 else [])]
    per_day = {name: growth([(one.at / DAY_US, float(one.gross(name))) for one in samples]) for name in names}
    left = _days_left(per_day, now, keep, oldest, now.free - floor)
    rough = span < figure("rough_below_days")
    if left is None:
        years = figure("horizon_days") // 365
        return Forecast(
            per_day, None, None, True, rough, span, len(samples), "ok",
            f"按现在的增长，{years} 年内磁盘不会写满",
            f"at the present growth the disk does not fill within {years} years",
        )  # fmt: skip
    day = (china_time(now.at // 1_000_000) + timedelta(days=left)).date().isoformat()
    level = "bad" if left <= figure("bad_days") else "warn" if left <= figure("warn_days") else "ok"
    total = sum(per_day.values())
    zh = f"按现在的增长（每天 {size_text(total)}），磁盘约在 {day}（{left} 天后）写满"
    en = f"at the present growth ({size_text(total)} a day) the disk is full about {day}, in {left} days"
    if rough:
        zh, en = zh + "；测得时间短，仅供参考", en + "; measured over a short span only"
    return Forecast(per_day, left, day, True, rough, span, len(samples), level, zh, en)


def _days_left(
    per_day: Mapping[str, float], now: Sample, keep: Mapping[str, Keep], oldest: Mapping[str, int], room: int
) -> int | None:
    """Whole days until what grows has taken `room`."""
    if room <= 0:
        return 0
    stops: dict[str, float] = {}  # days from now after which a class grows no more
    for name, rule in keep.items():
        if rule.droppable and rule.days is not None:
            stops[name] = max(0.0, rule.days - (now.at - oldest.get(name, now.at)) / DAY_US)
    grown = 0.0
    for day in range(figure("horizon_days")):
        grown += sum(rate * min(1.0, max(0.0, stops.get(name, day + 1.0) - day)) for name, rate in per_day.items())
        if grown > room:
            return day
    return None


def size_text(size: float) -> str:
    """Bytes for a person."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
