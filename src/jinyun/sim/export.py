"""The truth on disk, for whoever compares a store with it: one Parquet file per period."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import islice
from pathlib import Path

from jinyun.kernel.terms import Period
from jinyun.sim.truth import Truth, TruthRow, table

BATCH = 50_000


def write_truth(truth: Truth, start: int, end: int, folder: Path, *, minute: int = 10) -> int:
    """``minute.parquet``, ``hour.parquet``, ``day.parquet`` of the periods wholly inside [start, end); rows written.

    Columns: site, mn, factor, stat, time (s), value DECIMAL(18,6), flag.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return sum(
        _write(table(truth, start, end, minute=minute, periods=(period,)), folder / f"{period.name.lower()}.parquet")
        for period in (Period.MINUTE, Period.HOUR, Period.DAY)
    )


def _write(rows: Iterable[TruthRow], path: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    text = pa.string()
    kinds = (text, text, text, text, pa.int64(), pa.decimal128(18, 6), text)
    names = ("site", "mn", "factor", "stat", "time", "value", "flag")
    schema = pa.schema([pa.field(name, kind) for name, kind in zip(names, kinds, strict=True)])
    count, source = 0, iter(rows)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        while batch := list(islice(source, BATCH)):
            places = Decimal("0.000001")
            columns = [
                [r.site for r in batch], [r.mn for r in batch], [r.factor for r in batch], [r.stat.name for r in batch],
                [r.time for r in batch], [r.value.quantize(places) for r in batch], [r.flag for r in batch],
            ]  # fmt: skip
            writer.write_table(pa.table(columns, schema=schema))
            count += len(batch)
    return count
