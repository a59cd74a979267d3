"""How many readings each series has and when its first was: maintained with every commit, so that nobody has to count.

A count is of distinct times (current versions). The arrays are kept in the hot file at each trim, with the ingest
sequence they stand for; a start adds what the hot rows after it brought.
"""

from __future__ import annotations

import threading

import duckdb
import numpy as np
import pyarrow as pa

from jinyun.store.hot import HotFile, lent
from jinyun.store.manifest import Manifest
from jinyun.store.query import snapshot

LATER = np.iinfo(np.int64).max
"""`first` of a series without readings."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS counted (series INTEGER NOT NULL, n BIGINT NOT NULL, first BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS counted_at (seq BIGINT NOT NULL);
ALTER TABLE counted_at ADD COLUMN IF NOT EXISTS dropped BIGINT DEFAULT 0;
"""


class SeriesCounts:
    """Counts and first times as columns by series id. The committing thread alone adds; others read copies."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n = np.empty(0, np.int64)
        self._first = np.empty(0, np.int64)
        self._seq = 0
        self._dropped = 0

    def add(self, series: np.ndarray, time: np.ndarray, seq: int) -> None:
        """Take in keys that were not there before; `seq` is the last ingest sequence that is counted then."""
        with self._lock:
            if len(series):
                self._grow(int(series.max()) + 1)
                np.add.at(self._n, series, 1)
                np.minimum.at(self._first, series, time)
            self._seq = seq

    def lose(self, series: np.ndarray, count: np.ndarray, first: np.ndarray, dropped: int) -> None:
        """Files were dropped (`dropped`: how many so far): so many readings less, and the first of those that stay."""
        with self._lock:
            self._n[series] -= count
            self._first[series] = np.where(self._n[series] > 0, first, LATER)
            self._dropped = dropped

    def set(self, series: np.ndarray, count: np.ndarray, first: np.ndarray, seq: int) -> None:
        """Say outright what series have: for tools that make a store's files themselves."""
        with self._lock:
            self._grow(int(series.max()) + 1 if len(series) else 0)
            self._n[series], self._first[series], self._seq = count, first, seq

    def prepare(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Make the tables of the hot file."""
        cursor.execute(_SCHEMA)

    def of(self, series: np.ndarray | slice) -> tuple[np.ndarray, np.ndarray]:
        """(count, first time [s], `LATER` when there is none) of some series; those never counted have none."""
        with self._lock:
            if isinstance(series, slice):
                return self._n[series].copy(), self._first[series].copy()
            known = series < len(self._n)
            count, first = np.zeros(len(series), np.int64), np.full(len(series), LATER, np.int64)
            count[known], first[known] = self._n[series[known]], self._first[series[known]]
            return count, first

    def one(self, series: int) -> tuple[int, int]:
        """(count, first time [s]) of a single series."""
        with self._lock:
            return (int(self._n[series]), int(self._first[series])) if 0 <= series < len(self._n) else (0, LATER)

    def total(self) -> int:
        """Current readings of all series."""
        with self._lock:
            return int(self._n.sum())

    def keep(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Write the arrays to the hot file, within the caller's transaction."""
        with self._lock:
            n, first, seq, dropped = self._n.copy(), self._first.copy(), self._seq, self._dropped
        there = np.flatnonzero(n)
        table = pa.table({"series": there.astype(np.int32), "n": n[there], "first": first[there]})
        cursor.execute("DELETE FROM counted")
        with lent(cursor, counted_now=table):
            cursor.execute("INSERT INTO counted SELECT * FROM counted_now")
        cursor.execute("DELETE FROM counted_at")
        cursor.execute("INSERT INTO counted_at VALUES (?, ?)", [seq, dropped])

    def load(self, hot: HotFile, manifest: Manifest, seq: int, trimmed: int) -> None:
        """Be as after the commit of `seq`; `trimmed`: rows above it are in the hot file."""
        cursor = hot.cursor()
        try:
            self.prepare(cursor)
            self._dropped = manifest.dropped
            kept = cursor.execute("SELECT seq, dropped FROM counted_at").fetchall()
            # a hot file that is new, or older than the last seal, lacks rows after what it had counted; one that knows
            # of fewer dropped files has counted what is gone
            old = kept and (kept[0][0] < trimmed or kept[0][1] != manifest.dropped)
            if (not kept and seq) or old or seq < manifest.view.sealed:
                self.recount(hot, manifest, seq)
                return
            found = cursor.execute("SELECT series, n, first FROM counted").fetchnumpy()
            series = np.asarray(found["series"])
            with self._lock:
                self._grow(int(series.max()) + 1 if len(series) else 0)
                self._n[series], self._first[series] = np.asarray(found["n"]), np.asarray(found["first"])
        finally:
            cursor.close()
        self.add(*_keys_after(hot, manifest, kept[0][0] if kept else 0), seq)

    def recount(self, hot: HotFile, manifest: Manifest, seq: int) -> None:
        """Count everything anew: after files were dropped or restored. No commit may run meanwhile."""
        with snapshot(hot, manifest) as state:
            rows = state.current_sql(state.plan(0, LATER - 1))
            query = f"SELECT series, count(*) AS n, min(time) AS first FROM ({rows}) GROUP BY series"
            found = state.cursor.execute(query).fetchnumpy()
        series = np.asarray(found["series"])
        with self._lock:
            self._n, self._first = np.empty(0, np.int64), np.empty(0, np.int64)
            self._grow(int(series.max()) + 1 if len(series) else 0)
            self._n[series], self._first[series] = np.asarray(found["n"]), np.asarray(found["first"])
            self._seq = seq

    def _grow(self, size: int) -> None:
        have = len(self._n)
        if size > have:
            room = max(size, have * 2, 1024) - have
            self._n = np.concatenate([self._n, np.zeros(room, np.int64)])
            self._first = np.concatenate([self._first, np.full(room, LATER, np.int64)])


def _keys_after(hot: HotFile, manifest: Manifest, seq: int) -> tuple[np.ndarray, np.ndarray]:
    """Series and times that rows after `seq` brought, and none up to it."""
    with snapshot(hot, manifest) as state:
        query = f"SELECT DISTINCT series, time FROM rows WHERE seq > {seq}"
        found = state.cursor.execute(query).fetchnumpy()
        series, time = np.asarray(found["series"]), np.asarray(found["time"])
        if not len(series):
            return series, time
        moments = np.unique(time)
        low, high = int(moments[0]), int(moments[-1])
        where = f"seq <= {seq} AND time BETWEEN {low} AND {high}"
        source, parameters = f"SELECT series, time FROM rows WHERE {where}", []
        files = [
            one
            for one in state.view.rows_between(low, high + 1)
            if np.searchsorted(moments, one.time_from) < np.searchsorted(moments, one.time_to, "right")
        ]
        if files:
            source += f" UNION ALL SELECT series, time FROM read_parquet(?) WHERE {where}"
            parameters = [state.paths(files)]
        with lent(state.cursor, fresh=pa.table({"series": series, "time": time})):
            query = f"SELECT series, time FROM fresh ANTI JOIN ({source}) USING (series, time)"
            found = state.cursor.execute(query, parameters).fetchnumpy()
        return np.asarray(found["series"]), np.asarray(found["time"])
