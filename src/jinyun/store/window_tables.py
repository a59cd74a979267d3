"""The file of kept windows: one DuckDB table per level, the watermark they follow, and what waits to be made again.

All of it can be made again from readings: a file that is lost or torn is begun anew.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import structlog

from jinyun.kernel.errors import Busy
from jinyun.kernel.ports import NO_VALUE
from jinyun.methods.windows import Level
from jinyun.store.hot import lent, transaction
from jinyun.store.window_build import Children, WindowTable

log = structlog.get_logger(__name__)

KEPT = (Level.HOUR, Level.DAY, Level.MAX_8H, Level.LD, Level.LN, Level.MONTH, Level.QUARTER, Level.YEAR)
"""Levels that are kept; ten minutes and moving 8 h means are made when asked for."""
_COLUMNS = (
    "series INTEGER NOT NULL, start BIGINT NOT NULL, rule SMALLINT NOT NULL, due INTEGER NOT NULL, "
    "present INTEGER NOT NULL, valid INTEGER NOT NULL, count INTEGER NOT NULL, total DECIMAL(38,0) NOT NULL, "
    "weight DECIMAL(38,0) NOT NULL, low BIGINT, high BIGINT, value BIGINT, state UTINYINT NOT NULL, "
    "marks UTINYINT NOT NULL"
)
_WIDE = pa.decimal128(38, 0)
NAMES = tuple(part.split()[0] for part in _COLUMNS.split(", "))


class WindowFile:
    """``windows.duckdb``. One process owns it; each thread takes its own `cursor()`."""

    def __init__(self, path: Path, *, memory_mb: int = 192, threads: int = 1) -> None:
        self.path = path
        self._settings: dict[str, Any] = {
            "memory_limit": f"{memory_mb}MB", "threads": threads, "autoinstall_known_extensions": False,
            "autoload_known_extensions": False, "temp_directory": str(path.with_name(path.name + ".spill")),
            "preserve_insertion_order": False,
        }  # fmt: skip
        self._root = self._open()

    def _open(self) -> duckdb.DuckDBPyConnection:
        try:
            return self._prepared()
        except duckdb.Error as wrong:
            if "lock" in str(wrong):
                raise Busy(f"{self.path} is open in another process; a node's windows have one owner") from wrong
            log.error("windows.begun_anew", path=str(self.path), why=str(wrong))
            for one in self.path.parent.glob(self.path.name + "*"):
                if one.is_file():
                    one.unlink()
            return self._prepared()

    def _prepared(self) -> duckdb.DuckDBPyConnection:
        root = duckdb.connect(str(self.path), config=self._settings)
        for level in KEPT:
            root.execute(f"CREATE TABLE IF NOT EXISTS {table_of(level)} ({_COLUMNS})")
        root.execute(
            """CREATE TABLE IF NOT EXISTS progress (seq BIGINT NOT NULL, rules VARCHAR NOT NULL);
               CREATE TABLE IF NOT EXISTS site (id VARCHAR NOT NULL, facts VARCHAR NOT NULL);
               CREATE TABLE IF NOT EXISTS again (series INTEGER NOT NULL)"""
        )
        if root.execute("SELECT count(*) FROM progress").fetchall()[0][0] == 0:
            root.execute("INSERT INTO progress VALUES (0, '')")
        return root

    def cursor(self) -> duckdb.DuckDBPyConnection:
        return self._root.cursor()

    @contextmanager
    def lent_cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor for one question."""
        cursor = self._root.cursor()
        try:
            yield cursor
        finally:
            cursor.close()

    def close(self) -> None:
        with contextlib.suppress(duckdb.Error):
            self._root.execute("CHECKPOINT")
        self._root.close()

    def empty(self) -> None:
        """Begin anew."""
        with self.lent_cursor() as cursor, transaction(cursor):
            for level in KEPT:
                cursor.execute(f"DELETE FROM {table_of(level)}")
            for name in ("site", "again"):
                cursor.execute(f"DELETE FROM {name}")
            cursor.execute("UPDATE progress SET seq = 0")


def table_of(level: Level, prefix: str = "window") -> str:
    """Name of a level's table."""
    return f"{prefix}_{level.name.lower()}"


def make_tables(cursor: duckdb.DuckDBPyConnection, prefix: str) -> None:
    """Empty tables beside the kept ones, for a rebuild."""
    for level in KEPT:
        cursor.execute(f"CREATE OR REPLACE TEMP TABLE {table_of(level, prefix)} ({_COLUMNS})")


def replace(
    cursor: duckdb.DuckDBPyConnection, level: Level, series: np.ndarray, start: np.ndarray, made: WindowTable,
    *, prefix: str = "window", fresh: bool = False,
) -> None:  # fmt: skip
    """Let `made` stand for the windows (series, start) of a level; `fresh`: none of them is there yet."""
    if not len(series):
        return
    name = table_of(level, prefix)
    if not fresh:
        low, high = int(start.min()), int(start.max())
        with lent(cursor, gone=pa.table({"s": pa.array(series.astype(np.int32)), "t": pa.array(start)})):
            cursor.execute(
                f"DELETE FROM {name} USING gone WHERE series = gone.s AND start = gone.t "
                f"AND start BETWEEN {low} AND {high}"
            )
    if len(made):
        with lent(cursor, made=_arrow(made)):
            cursor.execute(f"INSERT INTO {name} SELECT * FROM made")


def children(
    cursor: duckdb.DuckDBPyConnection, level: Level, series: np.ndarray, start: int, end: int, *, prefix: str = "window"
) -> Children:
    """Windows that start in [start, end), by (series, start)."""
    with lent(cursor, chosen=pa.table({"s": pa.array(series.astype(np.int32))})):
        found = cursor.execute(
            f"SELECT series, start, coalesce(value, {NO_VALUE}) AS value, state, marks FROM {table_of(level, prefix)} "
            f"WHERE start >= {start} AND start < {end} AND series IN (SELECT s FROM chosen)"
        ).fetchnumpy()
    columns = [np.asarray(found[name]) for name in ("series", "start", "value", "state", "marks")]
    columns[0] = columns[0].astype(np.int64)
    order = np.lexsort((columns[1], columns[0]))
    return Children(*(one[order] for one in columns))


def rows(
    cursor: duckdb.DuckDBPyConnection, level: Level, series: Sequence[int], start: int, end: int
) -> list[tuple[Any, ...]]:
    """Whole rows that start in [start, end), by (start, series); totals as Python integers."""
    if not series:
        return []
    wanted = ", ".join(str(int(one)) for one in series)
    names = ", ".join(f"{n}::HUGEINT" if n in ("total", "weight") else n for n in NAMES)
    return cursor.execute(
        f"SELECT {names} FROM {table_of(level)} WHERE series IN ({wanted}) AND start >= {start} AND start < {end} "
        "ORDER BY start, series"
    ).fetchall()


def digest(cursor: duckdb.DuckDBPyConnection, level: Level, prefix: str = "window", where: str = "true") -> str:
    """A figure that is equal for equal windows, whatever their order."""
    names = ", ".join(NAMES)
    count, together, summed = cursor.execute(
        f"SELECT count(*), coalesce(bit_xor(h), 0), coalesce(sum(h::HUGEINT), 0) "
        f"FROM (SELECT hash({names}) AS h FROM {table_of(level, prefix)} WHERE {where})"
    ).fetchall()[0]
    return f"{count}:{together:x}:{summed:x}"


def differing(cursor: duckdb.DuckDBPyConnection, level: Level, prefix: str, where: str = "true") -> int:
    """Rows that are in one of two tables only."""
    kept, other = table_of(level), table_of(level, prefix)
    return int(
        cursor.execute(
            f"SELECT count(*) FROM ((SELECT * FROM {kept} WHERE {where} EXCEPT ALL SELECT * FROM {other} WHERE {where})"
            f" UNION ALL (SELECT * FROM {other} WHERE {where} EXCEPT ALL SELECT * FROM {kept} WHERE {where}))"
        ).fetchall()[0][0]
    )


def _arrow(made: WindowTable) -> pa.Table:
    c = made.columns

    def none(column: np.ndarray) -> Any:
        return pa.array(column, mask=column == NO_VALUE)

    arrays = [
        pa.array(made.series.astype(np.int32)), pa.array(made.start), pa.array(made.rule), pa.array(c.due),
        pa.array(c.present), pa.array(c.valid), pa.array(c.count), wide(c.total), wide(c.weight), none(c.low),
        none(c.high), none(c.value), pa.array(c.state), pa.array(c.marks),
    ]  # fmt: skip
    return pa.table(arrays, names=list(NAMES))


def wide(column: np.ndarray) -> Any:
    """DECIMAL(38,0) from int64, or from Python integers."""
    words = np.empty((len(column), 2), np.uint64)
    if column.dtype == object:
        words[:, 0] = [int(one) & 0xFFFF_FFFF_FFFF_FFFF for one in column]
        words[:, 1] = [int(one) >> 64 & 0xFFFF_FFFF_FFFF_FFFF for one in column]
    else:
        plain = np.ascontiguousarray(column, np.int64)
        words[:, 0], words[:, 1] = plain.view(np.uint64), (plain >> 63).view(np.uint64)
    plain_words: Any = words
    return pa.Array.from_buffers(_WIDE, len(column), [None, pa.py_buffer(plain_words)])
