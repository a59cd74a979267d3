"""Values on their way in from a file: sorted on disk, in bounded memory, before any of them is stored.

A file may give its rows in any order and say a value twice. Sorted by (time, place, key, row), values of one site and
moment lie together, doubles lie side by side, and a number of row groups says exactly how far an import has come.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

_TYPES: dict[str, pa.DataType] = {
    "place": pa.int32(), "key": pa.int32(), "time": pa.int64(), "value": pa.int64(), "flag": pa.uint8(),
    "row": pa.int64(),
}  # fmt: skip
SCHEMA = pa.schema(list(_TYPES.items()))
GROUP_ROWS = 131_072


@dataclass(slots=True)
class Staged:
    """Some values. `place` and `key` are the stager's own numbers of a site and a series; `value` in millionths;
    `row` of the file; `double`: the same key was said by an earlier row; `clash`: and with another value."""

    place: np.ndarray
    key: np.ndarray
    time: np.ndarray
    value: np.ndarray
    flag: np.ndarray
    row: np.ndarray
    double: np.ndarray
    clash: np.ndarray

    def __len__(self) -> int:
        return len(self.key)

    def take(self, which: np.ndarray) -> Staged:
        return Staged(*(getattr(self, name)[which] for name in self.__slots__))


class StageWriter:
    """Takes values in any order; `finish` leaves them sorted at `path`."""

    def __init__(self, path: Path) -> None:
        self._path, self._raw = path, path.with_suffix(".raw")
        self._writer = pq.ParquetWriter(str(self._raw), SCHEMA, compression="zstd", compression_level=1)
        self.rows = 0

    def add(self, **columns: np.ndarray) -> None:
        """Columns as of `SCHEMA`, all of one length."""
        table = pa.table([pa.array(columns[name], kind) for name, kind in _TYPES.items()], schema=SCHEMA)
        if table.num_rows:
            self._writer.write_table(table)
            self.rows += table.num_rows

    def finish(self, *, memory_mb: int = 512) -> None:
        self._writer.close()
        fresh = self._path.with_suffix(".new")
        spill = self._path.with_suffix(".spill")
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": f"{memory_mb}MB", "threads": 2, "temp_directory": str(spill),
            "autoinstall_known_extensions": False, "autoload_known_extensions": False,
        }  # fmt: skip
        with duckdb.connect(":memory:", config=settings) as database:
            database.execute(
                f"COPY (SELECT * FROM read_parquet(?) ORDER BY time, place, key, row) TO '{_quoted(fresh)}' "
                f"(FORMAT parquet, ROW_GROUP_SIZE {GROUP_ROWS}, COMPRESSION zstd)",
                [str(self._raw)],
            )
        fresh.replace(self._path)
        self._raw.unlink()

    def abandon(self) -> None:
        self._writer.close()
        self._raw.unlink(missing_ok=True)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


class StageReader:
    """Sorted values, group by group."""

    def __init__(self, path: Path) -> None:
        self._file = pq.ParquetFile(str(path))
        self.rows: int = self._file.metadata.num_rows
        self.groups: int = self._file.num_row_groups

    def close(self) -> None:
        self._file.close()

    def group(self, number: int) -> Staged:
        """One group; doubles are told across its start too."""
        table = self._file.read_row_group(number)
        columns = {name: table.column(name).to_numpy() for name in _TYPES}
        size = len(columns["key"])
        double, clash = np.zeros(size, bool), np.zeros(size, bool)
        same = (columns["key"][1:] == columns["key"][:-1]) & (columns["time"][1:] == columns["time"][:-1])
        apart = (columns["value"][1:] != columns["value"][:-1]) | (columns["flag"][1:] != columns["flag"][:-1])
        double[1:], clash[1:] = same, same & apart
        if number and size:
            names = ["key", "time", "value", "flag"]
            before = self._file.read_row_group(number - 1, columns=names)
            last = [before.column(name)[-1].as_py() for name in names]
            if (columns["key"][0], columns["time"][0]) == (last[0], last[1]):
                double[0] = True
                clash[0] = (columns["value"][0], columns["flag"][0]) != (last[2], last[3])
        return Staged(
            columns["place"], columns["key"], columns["time"], columns["value"], columns["flag"], columns["row"],
            double, clash,
        )  # fmt: skip
