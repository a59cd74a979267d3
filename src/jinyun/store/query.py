"""Questions to hot ∪ sealed rows. Each takes a cursor of its own, so it never waits for the committing thread.

A question first opens a transaction on the hot file, then takes the manifest: what was trimmed before the snapshot is
in the manifest's files, and hot rows count only above its sealed sequence, so nothing is missed or doubled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from jinyun.kernel.terms import Origin
from jinyun.store.current import Plan, current_sql, plan
from jinyun.store.hot import MICRO_SQL, HotFile, lent
from jinyun.store.manifest import Manifest, ManifestView, SealedFile


@dataclass(slots=True)
class Found:
    """Rows as columns; `value` in millionths, `NO_VALUE` for none."""

    series: np.ndarray
    time: np.ndarray
    value: np.ndarray
    flag: np.ndarray
    seq: np.ndarray

    def __len__(self) -> int:
        return len(self.series)

    def take(self, which: np.ndarray) -> Found:
        return Found(self.series[which], self.time[which], self.value[which], self.flag[which], self.seq[which])


class Snapshot:
    """One state of the readings."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, manifest: Manifest, view: ManifestView) -> None:
        self.cursor, self.view, self._manifest = cursor, view, manifest

    def paths(self, files: Sequence[SealedFile]) -> list[str]:
        return [str(self._manifest.path(one)) for one in files]

    def source(self, start: int, end: int, columns: str = "series, time, value, flag, seq") -> tuple[str, list[object]]:
        """SQL of all versions with event time in [start, end), and its parameters."""
        where = f"time >= {start} AND time < {end}"
        text = f"SELECT {columns} FROM rows WHERE seq > {self.view.sealed} AND {where}"
        files = self.view.rows_between(start, end)
        if not files:
            return text, []
        return f"{text} UNION ALL SELECT {columns} FROM read_parquet(?) WHERE {where}", [self.paths(files)]

    def path(self, file: SealedFile) -> str:
        """Where a sealed file is."""
        return str(self._manifest.path(file))

    def hot_hours(self, start: int, end: int) -> list[tuple[int, int]]:
        """Hours that hot rows with event time in [start, end) lie in."""
        found = self.cursor.execute(
            f"SELECT DISTINCT time // 3600 AS hour FROM rows WHERE seq > {self.view.sealed} "
            f"AND time >= {start} AND time < {end} ORDER BY hour"
        ).fetchall()
        return [(hour * 3600, hour * 3600 + 3600) for (hour,) in found]

    def plan(self, start: int, end: int) -> Plan:
        """How the current versions in [start, end) are read."""
        return plan(self.view.rows_between(start, end), self.hot_hours(start, end), start, end)

    def current_sql(self, made: Plan, where: str = "true") -> str:
        """SELECT of current versions (series, time, value, flag, seq) by a plan; `where` may speak of series only."""
        files = (*made.alone, *made.base, *made.late)
        return current_sql(made, {one.id: str(self._manifest.path(one)) for one in files}, self.view.sealed, where)

    def versions(self, series: Sequence[int], start: int, end: int) -> Found:
        """All versions of some series in [start, end), by (time, series, seq)."""
        if not len(series):
            return _found({name: np.empty(0, np.int64) for name in ("series", "time", "micro", "flag", "seq")})
        source, parameters = self.source(start, end)
        wanted = ", ".join(map(str, series))
        query = f"SELECT series, time, {MICRO_SQL} AS micro, flag, seq FROM ({source}) WHERE series IN ({wanted})"
        found = _found(self.cursor.execute(query, parameters).fetchnumpy())
        return found.take(np.lexsort((found.seq, found.series, found.time)))

    def known_at(self, found: Found, as_of: int) -> Found:
        """Without the rows of frames received after `as_of` [µs]."""
        unsure = np.ones(len(found), bool)
        keep = np.ones(len(found), bool)
        ask: list[SealedFile] = []
        for file in self.view.frames:
            inside = (found.seq >= file.seq_from) & (found.seq <= file.seq_to)
            if not inside.any():
                continue
            if file.time_from > as_of:
                keep[inside] = False
            elif file.time_to > as_of:
                ask.append(file)
                continue
            unsure[inside] = False
        if unsure.any():
            wanted = np.unique(found.seq[unsure])
            source, parameters = self.frames_source(ask, "id, received_at", "true")
            with lent(self.cursor, wanted=pa.table({"id": pa.array(wanted)})):
                query = f"SELECT id FROM wanted JOIN ({source}) USING (id) WHERE received_at > {as_of}"
                late = self.cursor.execute(query, parameters).fetchnumpy()["id"]
            keep &= ~np.isin(found.seq, np.asarray(late))
        return found.take(keep)

    def frames(self, ids: Sequence[int]) -> list[tuple[object, ...]]:
        """Frame rows of some ids."""
        low, high = min(ids), max(ids)
        files = [one for one in self.view.frames if any(one.seq_from <= i <= one.seq_to for i in ids)]
        names = 'id, received_at, origin, mn, segment, "offset", author, reason, session'
        source, parameters = self.frames_source(files, names, f"id BETWEEN {low} AND {high}")
        return self.cursor.execute(
            f"SELECT * FROM ({source}) WHERE id IN ({', '.join(map(str, ids))}) ORDER BY id", parameters
        ).fetchall()

    def received(self, seqs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(id, received_at [µs]) of the frames of `seqs` (ascending)."""
        files = [
            one
            for one in self.view.frames
            if np.searchsorted(seqs, one.seq_from) < np.searchsorted(seqs, one.seq_to, "right")
        ]
        source, parameters = self.frames_source(files, "id, received_at", f"id BETWEEN {seqs[0]} AND {seqs[-1]}")
        with lent(self.cursor, wanted=pa.table({"id": pa.array(seqs)})):
            query = f"SELECT * FROM ({source}) SEMI JOIN wanted USING (id)"
            found = self.cursor.execute(query, parameters).fetchnumpy()
        return np.asarray(found["id"]), np.asarray(found["received_at"])

    def corrections(self, seqs: np.ndarray) -> dict[int, str]:
        """Session by id of the frames of corrections among `seqs` (ascending)."""
        files = [
            one
            for one in self.view.frames
            if np.searchsorted(seqs, one.seq_from) < np.searchsorted(seqs, one.seq_to, "right")
        ]
        where = f"origin = {int(Origin.CORRECTION)} AND id BETWEEN {seqs[0]} AND {seqs[-1]}"
        source, parameters = self.frames_source(files, "id, session", where)
        found = self.cursor.execute(source, parameters).fetchall()
        wanted = set(seqs.tolist())
        return {id: session or "" for id, session in found if id in wanted}

    def times(self, series: Sequence[int], start: int, end: int) -> list[int]:
        """Distinct event times of some series."""
        if not len(series):
            return []
        source, parameters = self.source(start, end, "series, time")
        query = f"SELECT DISTINCT time FROM ({source}) WHERE series IN ({', '.join(map(str, series))}) ORDER BY time"
        return [row[0] for row in self.cursor.execute(query, parameters).fetchall()]

    def arrivals(self, since: int) -> tuple[np.ndarray, np.ndarray]:
        """Series and hours [s] of all rows that came at or after `since` [µs] (frames are numbered as they came)."""
        frames = [one for one in self.view.frames if one.time_to >= since]
        source, parameters = self.frames_source(frames, "id", f"received_at >= {since}")
        first = self.cursor.execute(f"SELECT min(id) FROM ({source})", parameters).fetchall()[0][0]
        if first is None:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        columns = "series, time - time % 3600 AS hour"
        source = f"SELECT {columns} FROM rows WHERE seq > {self.view.sealed} AND seq >= {first}"
        parameters = []
        if files := [one for one in self.view.rows if one.seq_to >= first]:
            source += f" UNION ALL SELECT {columns} FROM read_parquet(?) WHERE seq >= {first}"
            parameters.append(self.paths(files))
        found = self.cursor.execute(f"SELECT DISTINCT series, hour FROM ({source})", parameters).fetchnumpy()
        return np.asarray(found["series"]), np.asarray(found["hour"])

    def current_of(self, series: np.ndarray, time: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Current versions of distinct keys: whether known, value, flag (for late rows)."""
        low, high = int(time.min()), int(time.max()) + 1
        sorted_times = np.sort(time)
        where = f"time >= {low} AND time < {high} AND series BETWEEN {series.min()} AND {series.max()}"
        source = f"SELECT * FROM rows WHERE seq > {self.view.sealed} AND {where}"
        parameters: list[object] = []
        files = [
            one
            for one in self.view.rows_between(low, high)
            if np.searchsorted(sorted_times, one.time_from) < np.searchsorted(sorted_times, one.time_to, "right")
        ]
        if files:
            source += f" UNION ALL SELECT series, time, value, flag, seq FROM read_parquet(?) WHERE {where}"
            parameters.append(self.paths(files))
        keys = pa.table({"i": np.arange(len(series)), "series": series.astype(np.int32), "time": time})
        with lent(self.cursor, keys=keys):
            query = f"SELECT i, {MICRO_SQL} AS micro, flag, seq FROM keys JOIN ({source}) USING (series, time)"
            hits = self.cursor.execute(query, parameters).fetchnumpy()
        place, seq = np.asarray(hits["i"]), np.asarray(hits["seq"])
        order = np.lexsort((seq, place))  # the last of each key is the current version
        known, value, flag = (
            np.zeros(len(series), bool),
            np.zeros(len(series), np.int64),
            np.zeros(len(series), np.uint8),
        )
        known[place] = True
        value[place[order]], flag[place[order]] = np.asarray(hits["micro"])[order], np.asarray(hits["flag"])[order]
        return known, value, flag

    def frames_source(self, files: Sequence[SealedFile], names: str, where: str) -> tuple[str, list[object]]:
        """SQL of the messages of hot rows and of some files, and its parameters."""
        text = f"SELECT {names} FROM frames WHERE id > {self.view.sealed} AND {where}"
        if not files:
            return text, []
        # By name: files sealed before a column was added have NULL there.
        sealed = f"SELECT * FROM read_parquet(?, union_by_name = true) WHERE {where}"
        return f"SELECT {names} FROM ({text} UNION ALL BY NAME {sealed})", [self.paths(files)]


@contextmanager
def snapshot(hot: HotFile, manifest: Manifest) -> Iterator[Snapshot]:
    """One state of hot ∪ sealed, held while the block runs."""
    cursor = hot.cursor()
    try:
        cursor.begin()
        cursor.execute("SELECT seq FROM progress").fetchall()  # from here on the hot file's state stands
        with manifest.pinned() as view:
            yield Snapshot(cursor, manifest, view)
    finally:
        cursor.close()


def current(found: Found) -> Found:
    """The last version of each key; `found` is sorted by (time, series, seq)."""
    if not len(found):
        return found
    last = np.ones(len(found), bool)
    last[:-1] = (found.series[1:] != found.series[:-1]) | (found.time[1:] != found.time[:-1])
    return found.take(last)


def _found(columns: dict[str, np.ndarray]) -> Found:
    return Found(*(np.asarray(columns[name]) for name in ("series", "time", "micro", "flag", "seq")))
