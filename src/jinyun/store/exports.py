"""Stretches of readings for bulk export: in the order of time, so many rows at a time, whatever the whole is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from jinyun.store.counts import SeriesCounts
from jinyun.store.hot import HotFile, lent, rows_table
from jinyun.store.ingest import LatestArrays
from jinyun.store.manifest import Manifest
from jinyun.store.query import Snapshot, current, snapshot

ROWS = 120_000
"""Rows of one piece, about."""
LEAST_S = 600


class Exports:
    """Readings of one store in pieces. Each piece is of one state of the store; `as_of` makes all of one knowledge."""

    def __init__(self, hot: HotFile, manifest: Manifest, latest: LatestArrays, counts: SeriesCounts) -> None:
        self._hot, self._manifest, self._latest, self._counts = hot, manifest, latest, counts

    def bounds(self, series: Sequence[int]) -> tuple[int, int]:
        """Times [first, last + 1) of the readings of some series. [s]"""
        chosen = self._there(series)
        if not len(chosen):
            return 0, 0
        return int(self._counts.of(chosen)[1].min()), int(self._latest.copy(chosen)[0].max()) + 1

    def pieces(
        self, series: Sequence[int], start: int, end: int, *, as_of: int | None = None, rows: int = ROWS
    ) -> Iterator[pa.Table]:
        """Current versions with event time in [start, end), or those known at `as_of` [µs].

        Yields
        ------
        pyarrow.Table
            series, time [s], value DECIMAL(18,6), flag, seq, received_at [µs]; by (time, series).
        """
        chosen = self._there(series)
        if not len(chosen):
            return
        low, high = self.bounds(series)
        start, end = max(start, low), min(end, high)
        step = self._step(chosen, rows)
        while start < end:
            until = min(end, start + step)
            with snapshot(self._hot, self._manifest) as state:
                found = self._known(state, chosen, start, until, as_of)
                for begin in range(0, found.num_rows, rows):
                    piece = found.slice(begin, rows)
                    yield piece.append_column("received_at", _received(state, piece.column("seq").to_numpy()))
            if found.num_rows > 2 * rows:
                step = max(LEAST_S, step // 2)
            elif found.num_rows < rows // 4:
                step *= 2
            start = until

    def _there(self, series: Sequence[int]) -> np.ndarray:
        chosen = np.unique(np.asarray(series, np.int64))
        return chosen[self._counts.of(chosen)[0] > 0] if len(chosen) else chosen

    def _step(self, chosen: np.ndarray, rows: int) -> int:
        """Seconds that hold about so many rows."""
        count, first = self._counts.of(chosen)
        stretch = np.maximum(self._latest.copy(chosen)[0] - first, 1)
        return max(LEAST_S, int(rows / max(float(np.sum(count / stretch)), 1e-6)))

    def _known(self, state: Snapshot, chosen: np.ndarray, start: int, end: int, as_of: int | None) -> pa.Table:
        if as_of is not None:
            found = current(state.known_at(state.versions(chosen.tolist(), start, end), as_of))
            return rows_table(found.series, found.time, found.value, found.flag, found.seq)
        with lent(state.cursor, chosen=pa.table({"series": chosen.astype(np.int32)})):
            within = f"series BETWEEN {chosen[0]} AND {chosen[-1]}"
            if chosen[-1] - chosen[0] + 1 != len(chosen):
                within += " AND series IN (SELECT series FROM chosen)"
            rows = state.current_sql(state.plan(start, end), within)
            query = f"SELECT series, time, value, flag, seq FROM ({rows}) ORDER BY time, series"
            table: pa.Table = state.cursor.sql(query).to_arrow_table()
            return table


def _received(state: Snapshot, seqs: np.ndarray) -> Any:
    """When the message of each row came. [µs]"""
    if not len(seqs):
        return pa.array([], pa.int64())
    distinct, place = np.unique(seqs, return_inverse=True)
    ids, at = state.received(distinct)
    order = np.argsort(ids)
    found = np.searchsorted(ids[order], distinct)
    return pa.array(at[order][found][place])
