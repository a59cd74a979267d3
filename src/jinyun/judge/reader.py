"""Reads what judges look at, for many sites at once: coarse readings first, finer ones only where those are lacking."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from jinyun.kernel.declare import Judge
from jinyun.kernel.ports import NO_VALUE, ReadingStore
from jinyun.kernel.terms import Flag, Period, Reading, Window

FINER: Mapping[Period, Sequence[tuple[Period, ...]]] = {
    Period.HOUR: ((Period.MINUTE, Period.TEN_MINUTE), (Period.REALTIME,)),
    Period.DAY: ((Period.HOUR,), (Period.MINUTE, Period.TEN_MINUTE), (Period.REALTIME,)),
}
"""Tiers below a judge's own period, coarsest first. For a day the hours are what it is computed from: always read."""

MONITORED_FOR = 30 * 86400
"""A factor silent for longer than this before a window is no longer taken as monitored. [s]"""

_FLAGS = {int(flag): flag for flag in Flag}
_MICRO = 6


@dataclass(slots=True)
class SiteReadings:
    """What one site has for one window and one judge."""

    readings: list[Reading] = field(default_factory=list)
    monitored: frozenset[str] = frozenset()


class Reader:
    """Bulk reading over a `ReadingStore`.

    A store that offers ``read_columns(series_ids, start, end)`` (columns series, time, value [1e-6], flag, seq as numpy
    arrays) is asked once for all sites; any other is asked site by site.
    """

    def __init__(self, store: ReadingStore) -> None:
        self._store = store
        self._columns: Callable[..., Any] | None = getattr(store, "read_columns", None)

    def read(self, judge: Judge, window: Window, sites: Sequence[str]) -> dict[str, SiteReadings]:
        """Readings of the window by site; sites that never sent anything are left out."""
        latest = self._store.latest(sites)
        wanted = {site: [one for one in newest if asked(judge, one)] for site, newest in latest.items() if newest}
        found = {
            site: SiteReadings(monitored=frozenset(o.factor for o in mine if o.time >= window.start - MONITORED_FOR))
            for site, mine in wanted.items()
        }
        if judge.newest_only:
            for site, mine in wanted.items():
                found[site].readings = [one for one in mine if window.start <= one.time < window.end]
            return found
        tiers = [tuple(p for p in judge.reading_periods if p >= judge.period), *FINER.get(judge.period, ())]
        for n, tier in enumerate(tiers):
            periods = frozenset(tier) & frozenset(judge.reading_periods)
            if not periods:
                continue
            always = n <= (1 if judge.period is Period.DAY else 0)
            for site, rows in self._tier(wanted, found, periods, window, always=always).items():
                found[site].readings += rows
        for one in found.values():
            one.readings.sort(key=lambda row: (row.time, row.series))
        return found

    def _tier(
        self,
        wanted: Mapping[str, Sequence[Reading]],
        found: Mapping[str, SiteReadings],
        periods: frozenset[Period],
        window: Window,
        *,
        always: bool,
    ) -> Mapping[str, list[Reading]]:
        """Rows of one tier, of the factors that no coarser tier has given."""
        series: dict[int, tuple[str, Reading]] = {}
        for site, mine in wanted.items():
            have = frozenset() if always else {row.factor for row in found[site].readings}
            for one in mine:
                # A series whose newest reading is older than the window has nothing in it.
                if one.period in periods and one.time >= window.start and one.factor not in have:
                    series[one.series] = (site, one)
        if not series:
            return {}
        if self._columns is not None:
            return _rows(self._columns(sorted(series), window.start, window.end), series)
        answer: dict[str, list[Reading]] = {}
        for site in {site for site, _ in series.values()}:
            rows = self._store.read(site, periods=sorted(periods), start=window.start, end=window.end)
            answer[site] = [row for row in rows if row.series in series]
        return answer


def asked(judge: Judge, one: Reading) -> bool:
    """Whether a judge looks at the series of this reading."""
    return (
        one.period in judge.reading_periods
        and (not judge.stats or one.stat in judge.stats)
        and (not judge.factors or one.factor in judge.factors)
    )


def _rows(columns: Any, series: Mapping[int, tuple[str, Reading]]) -> Mapping[str, list[Reading]]:
    answer: dict[str, list[Reading]] = {}
    parts: Iterable[list[int]] = (
        getattr(columns, name).tolist() for name in ("series", "time", "value", "flag", "seq")
    )
    for id, time, value, flag, seq in zip(*parts, strict=True):
        site, like = series[id]
        number = None if value == NO_VALUE else Decimal(value).scaleb(-_MICRO)
        reading = Reading(id, like.factor, like.stat, like.period, time, number, _FLAGS[flag], seq, seq)
        answer.setdefault(site, []).append(reading)
    return answer
