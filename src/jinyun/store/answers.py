"""Answers about readings over hot ∪ sealed rows, current or as known at an earlier moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from jinyun.kernel.errors import NotFound
from jinyun.kernel.ports import NO_VALUE
from jinyun.kernel.terms import Flag, Frame, JournalRef, Origin, Period, Reading, SeriesKey, Stat
from jinyun.store import rollups
from jinyun.store.hot import HotFile
from jinyun.store.ingest import LatestArrays
from jinyun.store.manifest import Manifest
from jinyun.store.query import Found, Snapshot, current, snapshot
from jinyun.store.series import SeriesBook

_FLAGS = {int(flag): flag for flag in Flag}
NEAR_S = 6 * 3600
"""`versions_of` asks for keys further apart in time separately. [s]"""


class Answers:
    """The asking half of the `ReadingStore` port. May be used from any thread; never waits for a commit."""

    def __init__(self, book: SeriesBook, hot: HotFile, manifest: Manifest, latest: LatestArrays) -> None:
        self._book, self._hot, self._manifest, self._latest = book, hot, manifest, latest
        self._site_cache: dict[str, tuple[tuple[int, int], list[Reading]]] = {}

    def series_ids(self, keys: Sequence[SeriesKey]) -> np.ndarray:
        return self._book.ids(keys)

    def series_key(self, series: int) -> SeriesKey:
        return self._book.key(series)

    def series_keys(self) -> Sequence[SeriesKey]:
        """All keys; the place in the list is the id. Grows while it is looked at; do not change it."""
        return self._book.keys()

    def of_site(
        self, site: str, factors: Sequence[str] = (), stats: Sequence[Stat] = (), periods: Sequence[Period] = ()
    ) -> list[int]:
        """Ids of a site's series."""
        return self._book.of_site(site, factors, stats, periods)

    def sites(self) -> list[str]:
        """Sites that have series."""
        return list(self._book.sites())

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """One state of the readings, held while the block runs."""
        return snapshot(self._hot, self._manifest)

    def known_series(self, keys: Sequence[SeriesKey]) -> np.ndarray:
        """Ids (int32) of series, -1 for those not known; creates none."""
        return self._book.known(keys)

    def read(
        self,
        site: str,
        *,
        factors: Sequence[str] = (),
        stats: Sequence[Stat] = (),
        periods: Sequence[Period] = (),
        start: int,
        end: int,
        as_of: int | None = None,
    ) -> list[Reading]:
        """Current versions with event time in [start, end), by (time, series); `as_of` [µs]: as known then, that is of
        what was received up to that moment."""
        return self.readings_of(self._current(self._book.of_site(site, factors, stats, periods), start, end, as_of))

    def read_columns(self, series: Sequence[int], start: int, end: int, as_of: int | None = None) -> Found:
        """As `read`, for series ids, as numpy columns: for charts and heavy use."""
        return self._current(series, start, end, as_of)

    def _current(self, series: Sequence[int], start: int, end: int, as_of: int | None) -> Found:
        with snapshot(self._hot, self._manifest) as state:
            found = state.versions(series, start, end)
            if as_of is not None and len(found):
                found = state.known_at(found, as_of)
        return current(found)

    def latest(self, sites: Sequence[str] | None = None) -> Mapping[str, Sequence[Reading]]:
        """The newest reading of each series, by site; from memory. Sites without readings are left out."""
        chosen = [(one, self._book.array_of_site(one)) for one in (self._book.sites() if sites is None else sites)]
        chosen = [one for one in chosen if len(one[1])]
        ids = np.concatenate([*(one for _, one in chosen), np.empty(0, np.int64)])
        there = ids < len(self._latest.time)  # a series that was never committed has no place there yet
        if not there.any():
            return {}
        places = np.where(there, ids, 0)
        if len(chosen) > 20:  # one state of all, without much locking
            times, values, flags, seqs = (column[places] for column in self._latest.copy(slice(None)))
        else:
            times, values, flags, seqs = self._latest.copy(places)
        there &= seqs >= 0
        begins = np.cumsum([0, *(len(one) for _, one in chosen)])
        tops = np.maximum.reduceat(np.where(there, seqs, -1), begins[:-1]).tolist()
        answer: dict[str, Sequence[Reading]] = {}
        for place, (site, own) in enumerate(chosen):
            if tops[place] < 0:
                continue
            state = tops[place], len(own)  # a change of any of them has a higher seq
            cached = self._site_cache.get(site)
            if cached is None or cached[0] != state:
                mine = np.flatnonzero(there[begins[place] : begins[place + 1]]) + begins[place]
                found = Found(ids[mine], times[mine], values[mine], flags[mine], seqs[mine])
                cached = self._site_cache[site] = (state, self.readings_of(found))
            answer[site] = cached[1]
        return answer

    def latest_columns(self) -> Found:
        """The newest current version of every series that has one, by series id: the maintained table as columns."""
        times, values, flags, seqs = self._latest.copy(slice(None))
        there = np.flatnonzero(seqs >= 0)
        return Found(there.astype(np.int32), times[there], values[there], flags[there], seqs[there])

    def rollup(
        self,
        start: int,
        end: int,
        *,
        step: int = 3600,
        offset: int = 28_800,
        flags: Sequence[int] = (0,),
        series: tuple[int, int] | None = None,
    ) -> Iterator[pa.Table]:
        """Sum, least, greatest, count of current values by series and window; see `rollups.rollup`. All from one state
        of the store, which is held until the last table is taken."""
        known = len(self._book)
        with snapshot(self._hot, self._manifest) as state:
            if known:
                yield from rollups.rollup(
                    state, start, end, step=step, offset=offset, flags=flags, series=series or (0, known - 1),
                    known=known,
                )  # fmt: skip

    def percentile(
        self,
        share: Decimal,
        start: int,
        end: int,
        *,
        flags: Sequence[int] = (0,),
        series: tuple[int, int] | None = None,
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Exact percentile of the current values of each series in [start, end); see `rollups.percentile`."""
        known = len(self._book)
        with snapshot(self._hot, self._manifest) as state:
            if known:
                yield from rollups.percentile(
                    state, share, start, end, flags=flags, series=series or (0, known - 1), known=known
                )

    def versions(self, series: int, time: int) -> list[Reading]:
        """All versions of one key, oldest first."""
        self._book.key(series)
        with snapshot(self._hot, self._manifest) as state:
            return self.readings_of(state.versions([series], time, time + 1))

    def versions_of(self, keys: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], Sequence[Reading]]:
        """All versions of many (series, time), oldest first; keys without any are left out. For why-trees: one state of
        the store, and one question for all keys whose times lie near one another."""
        answer: dict[tuple[int, int], list[Reading]] = {}
        wanted = sorted({(time, series) for series, time in keys})
        with snapshot(self._hot, self._manifest) as state:
            while wanted:
                end = next((i for i in range(1, len(wanted)) if wanted[i][0] - wanted[i - 1][0] > NEAR_S), len(wanted))
                part, wanted = wanted[:end], wanted[end:]
                found = state.versions(sorted({series for _, series in part}), part[0][0], part[-1][0] + 1)
                keys_found = found.series.astype(np.int64) << 33 | found.time  # an instant has less than 33 bits
                mine = np.isin(keys_found, np.array([series << 33 | time for time, series in part], np.int64))
                for one in self.readings_of(found.take(mine)):
                    answer.setdefault((one.series, one.time), []).append(one)
        return answer

    def frame(self, frame: int) -> Frame:
        return self.frames([frame])[frame]

    def frames(self, ids: Sequence[int]) -> Mapping[int, Frame]:
        """Frames by id; `NotFound` when one is not there."""
        if not ids:
            return {}
        with snapshot(self._hot, self._manifest) as state:
            rows: list[Any] = state.frames(ids)
        found = {
            row[0]: Frame(
                row[0], row[1], Origin(row[2]), row[3], None if row[4] is None else JournalRef(row[4], row[5]),
                row[6], row[7], row[8] or "",
            )
            for row in rows
        }  # fmt: skip
        for one in ids:
            if one not in found:
                raise NotFound("frame", one)
        return found

    def read_versions(self, series: Sequence[int], start: int, end: int) -> Found:
        """All versions in [start, end) as numpy columns, by (time, series, seq)."""
        with snapshot(self._hot, self._manifest) as state:
            return state.versions(series, start, end)

    def correction_sessions(self, seqs: np.ndarray) -> Mapping[int, str]:
        """Session by seq of those of `seqs` that a correction made; "" for one without a session."""
        if not len(seqs):
            return {}
        with snapshot(self._hot, self._manifest) as state:
            return state.corrections(np.unique(seqs))

    def times(self, site: str, period: Period, start: int, end: int) -> list[int]:
        """Distinct times in [start, end) at which the site has readings of `period`."""
        with snapshot(self._hot, self._manifest) as state:
            return state.times(self._book.of_site(site, periods=[period]), start, end)

    def arrivals_since(self, since: int) -> set[tuple[str, Period, int]]:
        """Site, period and hour [s] of every reading received at or after `since` [µs], whatever its event time: what
        the judge looks at again after a kill."""
        with snapshot(self._hot, self._manifest) as state:
            series, hours = state.arrivals(since)
        keys = self._book.keys()
        found = zip(series.tolist(), hours.tolist(), strict=True)
        return {(keys[number].site, keys[number].period, hour) for number, hour in found}

    def readings_of(self, found: Found) -> list[Reading]:
        """Rows as terms."""
        keys, columns = self._book.keys(), (found.series, found.time, found.value, found.flag, found.seq)
        answer = []
        for series, moment, value, flag, seq in zip(*(column.tolist() for column in columns), strict=True):
            key = keys[series]
            number = None if value == NO_VALUE else Decimal(value).scaleb(-6)
            answer.append(
                Reading(series, key.factor, key.stat, key.period, moment, number, _FLAGS[flag], seq, seq)
            )  # fmt: skip
        return answer
