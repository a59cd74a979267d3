"""Writing sealed Parquet files: encodings, row groups, and the parting of current from superseded versions.

Encodings were chosen by measuring (`benchmarks/warehouse.py`): ids and times as deltas, values and flags by dictionary,
seq plain, since the seqs of a station's series repeat byte for byte, which zstd finds. All of them are read by DuckDB,
pyarrow and Spark.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from jinyun.store.disk import sync_file

ROW_GROUP = 122_880
"""Rows of a row group: reading one series reads one or two of them."""
_DELTA = {"rows": ("series", "time"), "frames": ("id", "received_at", "segment", "offset")}
_DICTIONARY = {"rows": ["value", "flag"], "frames": ["origin", "mn", "author", "reason", "session"]}


@dataclass(slots=True)
class Written:
    """What one file has: rows, distinct keys whose newest version is here, least and greatest `time`."""

    path: Path
    rows: int = 0
    keys: int = 0
    low: int = 0
    high: int = 0


def write_rows(batches: Iterable[pa.RecordBatch], main: Path, past: Path) -> list[Written]:
    """Write versions that come by (series, time, seq): the last of each key to `main`, those it superseded to `past`.

    Files are durable when this returns; one that would be empty is not made.
    """
    kept, old = _File(main, "rows"), _File(past, "rows")
    waiting: pa.Table | None = None  # the last row: the next batch says whether it is superseded
    try:
        for batch in batches:
            table = pa.Table.from_batches([batch])
            if waiting is not None:
                table = pa.concat_tables([waiting, table])
            series, time = (table.column(name).to_numpy() for name in ("series", "time"))
            again = (series[1:] == series[:-1]) & (time[1:] == time[:-1])
            whole, waiting = table.slice(0, table.num_rows - 1), table.slice(table.num_rows - 1)
            if again.any():
                kept.write(whole.filter(pa.array(~again)))
                old.write(whole.filter(pa.array(again)))
            else:
                kept.write(whole)
        if waiting is not None:
            kept.write(waiting)
    finally:
        files = [one for one in (kept, old) if one.close()]
    kept.written.keys = kept.written.rows
    return [one.written for one in files]


def write_frames(batches: Iterable[pa.RecordBatch], path: Path) -> None:
    """Write frames in their order."""
    file = _File(path, "frames")
    try:
        for batch in batches:
            file.write(pa.Table.from_batches([batch]))
    finally:
        file.close()


class _File:
    """One Parquet file, begun with its first rows; small pieces are gathered to whole row groups."""

    def __init__(self, path: Path, kind: str) -> None:
        self.written = Written(path)
        self._kind = kind
        self._writer: Any = None
        self._pieces: list[pa.Table] = []
        self._gathered = 0

    def write(self, table: pa.Table) -> None:
        if not table.num_rows:
            return
        written = self.written
        if self._kind == "rows":
            time = table.column("time").to_numpy()
            low, high = int(time.min()), int(time.max())
            written.low = min(written.low, low) if written.rows else low
            written.high = max(written.high, high) if written.rows else high
        written.rows += table.num_rows
        self._pieces.append(table)
        self._gathered += table.num_rows
        if self._gathered >= ROW_GROUP:
            self._put(last=False)

    def _put(self, *, last: bool) -> None:
        table = pa.concat_tables(self._pieces)
        whole = table.num_rows if last else table.num_rows // ROW_GROUP * ROW_GROUP
        if self._writer is None:
            self.written.path.parent.mkdir(parents=True, exist_ok=True)
            present = set(table.schema.names)
            options: dict[str, Any] = {"use_dictionary": [n for n in _DICTIONARY[self._kind] if n in present]}
            self._writer = pq.ParquetWriter(
                self.written.path,
                table.schema,
                compression="zstd",
                compression_level=3,
                store_decimal_as_integer=True,
                column_encoding={name: "DELTA_BINARY_PACKED" for name in _DELTA[self._kind] if name in present},
                **options,
            )
        self._writer.write_table(table.slice(0, whole), row_group_size=ROW_GROUP)
        rest = table.slice(whole)
        self._pieces, self._gathered = [rest] if rest.num_rows else [], rest.num_rows

    def close(self) -> bool:
        """Finish; False when there was nothing to write."""
        if self._gathered:
            self._put(last=True)
        if self._writer is None:
            return False
        self._writer.close()
        sync_file(self.written.path)
        return True
