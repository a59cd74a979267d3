"""Readings and windows of sites within a reach. A series out of reach keeps its number and loses its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from jinyun.app.rights.checks import CHECKS
from jinyun.kernel.errors import NotFound, NotPermitted
from jinyun.kernel.ports import Block
from jinyun.kernel.terms import Frame, Period, Reading, SeriesKey

if TYPE_CHECKING:
    from jinyun.app.rights.view import View

READ = CHECKS.point("readings.read", "readings are read of sites within reach")
LATEST = CHECKS.point("readings.latest", "newest readings are of sites within reach")
VERSIONS = CHECKS.point("readings.versions", "versions of a reading are of a series within reach")
SERIES = CHECKS.point("readings.series", "series in catalogues, exports and SensorThings are of sites within reach")
PUT = CHECKS.point("readings.put", "observations are created at sites within reach")


class ViewReadings:
    """The `ReadingStore` port, for asking; `put` for what a limited officer may create."""

    def __init__(self, view: View) -> None:
        self._view, self._readings = view, view.house.readings
        self.counts = _Counts(self)
        self.pages = _Pages(self)
        self.exports = _Exports(self)

    def __getattr__(self, name: str) -> Any:
        raise NotPermitted(f"readings: {name} is not open to somebody who sees a part of the node only")

    # --- series -------------------------------------------------------------------------------------------------------

    def series_keys(self) -> Sequence[SeriesKey]:
        """All keys, the place is the id; those out of reach name no site."""
        kept: dict[str, bool] = {}
        told = []
        for key in list(self._readings.series_keys()):
            if key.site not in kept:
                kept[key.site] = self._view.sees(SERIES, key.site)
            told.append(key if kept[key.site] else SeriesKey("", "", key.stat, key.period))
        return told

    def series_key(self, series: int) -> SeriesKey:
        key = self._readings.series_key(series)
        if not self._view.sees(SERIES, key.site):
            raise NotFound("series", series)
        return key

    def mine(self, series: Any) -> np.ndarray:
        """Those of some series (None: of all) that are within reach."""
        keys = self._readings.series_keys()
        wanted = range(len(keys)) if series is None else [int(one) for one in series]
        kept: dict[str, bool] = {}
        found = []
        for one in wanted:
            site = keys[one].site if 0 <= one < len(keys) else None
            if site not in kept:
                kept[str(site)] = self._view.sees(SERIES, site)
            if kept[str(site)]:
                found.append(one)
        return np.array(found, np.int64)

    def known_series(self, keys: Sequence[SeriesKey]) -> np.ndarray:
        """Ids of series, -1 for those not known or out of reach."""
        found = self._readings.known_series(keys)
        seen = np.array([self._view.sees(SERIES, one.site) for one in keys], bool)
        return np.where(seen, found, -1)

    # --- rows ---------------------------------------------------------------------------------------------------------

    def read(self, site: str, **asked: Any) -> list[Reading]:
        self._view.check(READ, site)
        return self._readings.read(site, **asked)

    def read_columns(self, series: Sequence[int], start: int, end: int, as_of: int | None = None) -> Any:
        """As `read`, for ids, as columns."""
        return self._readings.read_columns(self.mine(series).tolist(), start, end, as_of)

    def times(self, site: str, period: Period, start: int, end: int) -> list[int]:
        self._view.check(READ, site)
        return self._readings.times(site, period, start, end)

    def latest(self, sites: Sequence[str] | None = None) -> Mapping[str, Sequence[Reading]]:
        wanted = [one.id for one in self._view.house.sites.all()] if sites is None else sites
        return self._readings.latest([one for one in wanted if self._view.sees(LATEST, one)])

    def latest_columns(self) -> Any:
        """The newest row of every series within reach."""
        found = self._readings.latest_columns()
        return found.take(np.isin(found.series, self.mine(None)))

    def versions(self, series: int, time: int) -> list[Reading]:
        return self._readings.versions(series, time) if self._sees(series) else []

    def versions_of(self, keys: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], Sequence[Reading]]:
        return self._readings.versions_of([one for one in keys if self._sees(one[0])])

    def frames(self, ids: Sequence[int]) -> Mapping[int, Frame]:
        """Frames by id: ids come from readings that were reached."""
        return self._readings.frames(ids)

    def put(self, block: Block) -> None:
        self._view.check(PUT, block.site)
        self._readings.put(block)

    def flush(self) -> None:
        self._readings.flush()

    def _sees(self, series: int) -> bool:
        return self._view.sees(VERSIONS, self._readings.series_key(series).site)


class _Counts:
    """How many rows series have; those out of reach have none."""

    def __init__(self, readings: ViewReadings) -> None:
        self._readings = readings

    def of(self, series: Any) -> tuple[np.ndarray, np.ndarray]:
        counts, first = self._readings._readings.counts.of(series)
        wanted = np.arange(len(counts)) if isinstance(series, slice) else np.asarray(series, np.int64)
        return np.where(np.isin(wanted, self._readings.mine(wanted)), counts, 0), first

    def total(self) -> int:
        return int(self._readings._readings.counts.total())


class _Pages:
    """Pages of rows for foreign queries."""

    def __init__(self, readings: ViewReadings) -> None:
        self._readings, self._pages = readings, readings._readings.pages

    def page(self, asked: Any) -> Any:
        return self._pages.page(self._narrowed(asked))

    def pages(self, asked: Any) -> Any:
        return self._pages.pages(self._narrowed(asked))

    def latest(self, series: Sequence[int] | None) -> Any:
        found = self._pages.latest(self._readings.mine(series).tolist())
        return found if series is not None else found.take(np.arange(min(1, len(found))))

    def count(self, series: Sequence[int] | None, where: Any) -> int:
        return int(self._pages.count(self._readings.mine(series).tolist(), where))

    def counts(self, series: Sequence[int], where: Any) -> Mapping[int, int]:
        mine = self._readings.mine(series).tolist()
        return dict.fromkeys(series, 0) | dict(self._pages.counts(mine, where))

    def span(self, series: int) -> tuple[int, int, int]:
        found: tuple[int, int, int] = self._pages.span(series) if len(self._readings.mine([series])) else (0, 0, 0)
        return found

    def received(self, seqs: Sequence[int]) -> Mapping[int, int]:
        return self._pages.received(seqs)

    def current_of(self, series: np.ndarray, time: np.ndarray) -> Any:
        if len(self._readings.mine(series)) != len(series):
            raise NotFound("series", int(series[0]))
        return self._pages.current_of(series, time)

    def _narrowed(self, asked: Any) -> Any:
        return replace(asked, series=tuple(self._readings.mine(asked.series).tolist()))


class _Exports:
    """Bulk rows."""

    def __init__(self, readings: ViewReadings) -> None:
        self._readings, self._exports = readings, readings._readings.exports

    def bounds(self, series: Sequence[int]) -> tuple[int, int]:
        return self._exports.bounds(self._readings.mine(series).tolist())

    def pieces(self, series: Sequence[int], start: int, end: int, **more: Any) -> Iterator[Any]:
        return self._exports.pieces(self._readings.mine(series).tolist(), start, end, **more)


class ViewWindows:
    """Kept windows of series within reach."""

    def __init__(self, view: View) -> None:
        self._view, self._windows = view, view.house.windows
        self.rule_by_id = self._windows.rule_by_id
        self.as_part_of_date = self._windows.as_part_of_date
        self.behind = self._windows.behind

    def __getattr__(self, name: str) -> Any:
        raise NotPermitted(f"windows: {name} is not open to somebody who sees a part of the node only")

    def of_site(self, site: str, factor: str = "") -> list[int]:
        return self._windows.of_site(site, factor) if self._view.sees(READ, site) else []

    def read(self, series: Sequence[int], level: Any, start: int, end: int) -> Any:
        return self._windows.read(self._view.readings.mine(series).tolist(), level, start, end)

    def compute(self, series: Sequence[int], level: Any, start: int, end: int, **more: Any) -> Any:
        return self._windows.compute(self._view.readings.mine(series).tolist(), level, start, end, **more)
