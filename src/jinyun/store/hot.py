"""The hot file: the one adapter around DuckDB. Everything that speaks SQL to readings is here and in query.py.

`seq` is the ingest sequence *and* the number of the frame: frames are numbered in the order of ingest, a frame says a
series once, so (series, time, seq) is unique and one column serves both.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from jinyun.kernel.errors import Busy, Unavailable
from jinyun.kernel.ports import NO_VALUE, Block
from jinyun.kernel.terms import JournalRef
from jinyun.store.ingest import LatestArrays, Rows

DECIMAL = pa.decimal64(18, 6)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS rows (series INTEGER NOT NULL, time BIGINT NOT NULL, value DECIMAL(18,6),
    flag UTINYINT NOT NULL, seq BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS frames (id BIGINT NOT NULL, received_at BIGINT NOT NULL, origin UTINYINT NOT NULL,
    mn VARCHAR NOT NULL, segment INTEGER, "offset" BIGINT, author VARCHAR NOT NULL, reason VARCHAR NOT NULL,
    session VARCHAR DEFAULT '');
ALTER TABLE frames ADD COLUMN IF NOT EXISTS session VARCHAR DEFAULT '';
CREATE TABLE IF NOT EXISTS latest (series INTEGER NOT NULL, time BIGINT NOT NULL, value DECIMAL(18,6),
    flag UTINYINT NOT NULL, seq BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS progress (seq BIGINT NOT NULL, segment INTEGER, "offset" BIGINT);
CREATE TABLE IF NOT EXISTS sealing (trimmed BIGINT NOT NULL, latest_seq BIGINT NOT NULL);
"""  # progress is written by the committing thread alone, sealing and latest by the sealing one: no conflicts


_claims: set[str] = set()
_claims_lock = threading.Lock()


class HotFile:
    """DuckDB file with the unsealed rows. One process owns it; each thread takes its own `cursor()`."""

    def __init__(self, path: Path, *, memory_mb: int, threads: int) -> None:
        self.path = path
        self._claim = str(path.resolve())
        with _claims_lock:
            if self._claim in _claims:  # DuckDB itself would hand the same database to a second opener of this process
                raise Busy(f"{path} is open in this process already; a node's readings have one owner")
            _claims.add(self._claim)
        try:
            self._open(path, memory_mb, threads)
        except BaseException:
            _claims.discard(self._claim)
            raise

    def _open(self, path: Path, memory_mb: int, threads: int) -> None:
        spill = path.with_name(path.name + ".spill")
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": f"{memory_mb}MB", "threads": threads, "temp_directory": str(spill),
            "autoinstall_known_extensions": False, "autoload_known_extensions": False, "preserve_insertion_order": True,
        }  # fmt: skip
        try:
            self._root = duckdb.connect(str(path), config=settings)
        except duckdb.IOException as wrong:
            if "lock" in str(wrong):
                raise Busy(f"{path} is open in another process; a node's readings have one owner") from wrong
            raise Unavailable(f"{path} cannot be opened: {wrong}") from wrong
        self._root.execute("SET GLOBAL parquet_metadata_cache = true")  # sealed files never change under their name
        self._root.execute(_SCHEMA)
        if self._root.execute("SELECT count(*) FROM progress").fetchall()[0][0] == 0:
            self._root.execute("INSERT INTO progress VALUES (0, NULL, NULL); INSERT INTO sealing VALUES (0, 0)")

    def cursor(self) -> duckdb.DuckDBPyConnection:
        return self._root.cursor()

    def close(self) -> None:
        try:
            with contextlib.suppress(duckdb.TransactionException):  # a reader is in the middle: the WAL has it all
                self._root.execute("CHECKPOINT")
        finally:
            self._root.close()
            _claims.discard(self._claim)

    def progress(self) -> tuple[int, JournalRef | None, int, int]:
        """Last committed seq, journal watermark, seq up to which rows were trimmed, seq of the latest table."""
        seq, segment, offset, trimmed, latest = self._root.execute("SELECT * FROM progress, sealing").fetchall()[0]
        return seq, None if segment is None else JournalRef(segment, offset), trimmed, latest


@contextmanager
def transaction(cursor: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """Commit at the end, roll back on any error."""
    cursor.begin()
    try:
        yield cursor
        cursor.commit()
    except BaseException:
        with contextlib.suppress(duckdb.Error):  # it may have rolled itself back
            cursor.rollback()
        raise


@contextmanager
def lent(cursor: duckdb.DuckDBPyConnection, **tables: pa.Table) -> Iterator[None]:
    """Let SQL see Arrow tables by name."""
    for name, table in tables.items():
        cursor.register(name, table)
    try:
        yield
    finally:
        for name in tables:
            cursor.unregister(name)


def rows_table(series: np.ndarray, time: np.ndarray, value: np.ndarray, flag: np.ndarray, seq: np.ndarray) -> pa.Table:
    """Arrow table of rows, buffers straight from numpy; `NO_VALUE` becomes NULL."""
    return pa.table(
        [pa.array(series), pa.array(time), decimals(value), pa.array(flag), pa.array(seq)],
        names=["series", "time", "value", "flag", "seq"],
    )


def decimals(value: np.ndarray) -> Any:
    """DECIMAL(18,6) from int64 millionths."""
    none = value == NO_VALUE
    if not none.any():
        return pa.Array.from_buffers(DECIMAL, len(value), [None, _buffer(value)])
    there = np.packbits(~none, bitorder="little")
    data = np.where(none, 0, value)
    return pa.Array.from_buffers(DECIMAL, len(value), [_buffer(there), _buffer(data)])


def _buffer(column: np.ndarray) -> Any:
    plain: Any = np.ascontiguousarray(column)
    return pa.py_buffer(plain)


MICRO_SQL = f"coalesce(CAST(CAST(value AS DECIMAL(38,6)) * 1000000 AS BIGINT), {NO_VALUE})"
"""A value column back as int64 millionths."""


def frames_table(blocks: Sequence[Block], first: int) -> pa.Table:
    """Arrow table of frames numbered from `first`."""
    return pa.table(
        {
            "id": pa.array(np.arange(first, first + len(blocks), dtype=np.int64)),
            "received_at": pa.array([b.received_at for b in blocks], pa.int64()),
            "origin": pa.array([int(b.origin) for b in blocks], pa.uint8()),
            "mn": _texts([b.mn for b in blocks]),
            "segment": pa.array([b.ref.segment if b.ref else None for b in blocks], pa.int32()),
            "offset": pa.array([b.ref.offset if b.ref else None for b in blocks], pa.int64()),
            "author": _texts([b.author for b in blocks]),
            "reason": _texts([b.reason for b in blocks]),
            "session": _texts([b.session for b in blocks]),
        }
    )


def _texts(values: list[str]) -> Any:
    try:
        return pa.array(values, pa.string())
    except UnicodeEncodeError:  # bytes of an unknown encoding, as lone surrogates; the journal has them as sent
        return pa.array([one.encode("utf-8", "replace").decode() for one in values], pa.string())


def commit_rows(cursor: duckdb.DuckDBPyConnection, rows: Rows, first: int, watermark: JournalRef | None) -> np.ndarray:
    """One transaction: rows, their frames numbered from `first`, the journal watermark. The seq of each row."""
    seq = rows.frame.astype(np.int64) + first
    new, frames = rows_table(rows.series, rows.time, rows.value, rows.flag, seq), frames_table(rows.blocks, first)
    with lent(cursor, new_rows=new, new_frames=frames), transaction(cursor):
        if rows.blocks:
            cursor.execute("INSERT INTO rows SELECT * FROM new_rows")
            cursor.execute("INSERT INTO frames SELECT * FROM new_frames")
        cursor.execute(
            'UPDATE progress SET seq = ?, segment = ?, "offset" = ?',
            [first + len(rows.blocks) - 1, watermark and watermark.segment, watermark and watermark.offset],
        )
    return seq


def trim(
    cursor: duckdb.DuckDBPyConnection,
    sealed: int,
    latest: LatestArrays,
    latest_seq: int,
    keep: Callable[[duckdb.DuckDBPyConnection], None],
) -> None:
    """Drop rows that sealed files hold, and renew the table of latest values (state of `latest_seq` or later); `keep`
    writes what else is maintained, in the same transaction."""
    time, value, flag, seq = latest.copy(slice(None))
    there = np.flatnonzero(seq >= 0)
    table = rows_table(there.astype(np.int32), time[there], value[there], flag[there], seq[there])
    with lent(cursor, latest_now=table), transaction(cursor):
        cursor.execute("DELETE FROM latest")
        cursor.execute("INSERT INTO latest SELECT * FROM latest_now")
        cursor.execute("DELETE FROM rows WHERE seq <= ?", [sealed])
        cursor.execute("DELETE FROM frames WHERE id <= ?", [sealed])
        cursor.execute("UPDATE sealing SET trimmed = ?, latest_seq = ?", [sealed, latest_seq])
        keep(cursor)


def load_latest(cursor: duckdb.DuckDBPyConnection, latest: LatestArrays, latest_seq: int, files: Sequence[str]) -> None:
    """Rebuild the latest arrays: the kept table plus the hot rows after it; or, when the table is older than what was
    sealed (a new hot file), from sealed `files` too."""
    sources = ["SELECT * FROM latest", f"SELECT * FROM rows WHERE seq > {latest_seq}"]
    parameters: list[object] = []
    if files:
        sources.append("SELECT series, time, value, flag, seq FROM read_parquet(?)")
        parameters.append(list(files))
    query = f"""
        SELECT series, top.time AS time, top.micro AS micro, top.flag AS flag, top.seq AS seq FROM (
            SELECT series, max({{'time': time, 'seq': seq, 'micro': {MICRO_SQL}, 'flag': flag}}) AS top
            FROM ({" UNION ALL ".join(sources)}) GROUP BY series)"""
    found = cursor.execute(query, parameters).fetchnumpy()
    series = np.asarray(found["series"])
    if len(series):
        latest.grow(int(series.max()) + 1)
        latest.update(*(np.asarray(found[name]) for name in ("series", "time", "micro", "flag", "seq")))
