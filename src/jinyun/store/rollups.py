"""Heavy questions over the current versions of everything: roll-ups and percentiles, exact, in bounded memory.

Both walk over ranges of series, so that neither the groups nor the values of all series are in memory at once; sorted
files make a range a few row groups. Sums are exact decimals; a percentile is exact in whole millionths.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from jinyun.kernel.errors import BadInput
from jinyun.store.current import Plan
from jinyun.store.query import Snapshot

PART_ROWS = 12_000_000
"""Rows that one part of a roll-up reads, about."""
PERCENTILE_ROWS = 6_000_000

_TYPES: dict[str, Any] = {
    "series": pa.int32(), "start": pa.int64(), "total": pa.decimal128(38, 6), "least": pa.decimal128(18, 6),
    "greatest": pa.decimal128(18, 6), "count": pa.int64(),
}  # fmt: skip
ROLLED = pa.schema(list(_TYPES.items()))


def rollup(
    state: Snapshot,
    start: int,
    end: int,
    *,
    step: int = 3600,
    offset: int = 28_800,
    flags: Sequence[int] = (0,),
    series: tuple[int, int],
    known: int,
) -> Iterator[pa.Table]:
    """Sum, least, greatest and count of the current values with one of `flags`, by series and window.

    Parameters
    ----------
    start, end : int
        Event times [start, end). [s]
    step, offset : int
        Length of a window, and what is added to UTC before cutting (China civil time: 28,800). [s]
    series : (int, int)
        First and last id.
    known : int
        How many series there are in all: how finely to part the work.

    Returns
    -------
    iterator of pyarrow.Table
        Columns of `ROLLED`, windows without a value left out; a series is in one table only.
    """
    made = state.plan(start, end)
    shifted = f"(time - (time + {offset}) % {step})" if offset % step else f"(time - time % {step})"
    wanted = f"flag IN ({', '.join(map(str, flags))}) AND value IS NOT NULL"
    for first, last in _parts(made, series, known, PART_ROWS):
        rows = state.current_sql(made, f"series BETWEEN {first} AND {last}")
        found: Any = state.cursor.sql(
            f"SELECT series, {shifted} AS start, sum(value) AS total, min(value) AS least, max(value) AS greatest, "
            f"count(*) AS count FROM ({rows}) WHERE {wanted} GROUP BY ALL"
        )
        yield found.to_arrow_table().cast(ROLLED)


def percentile(
    state: Snapshot,
    share: Decimal,
    start: int,
    end: int,
    *,
    flags: Sequence[int] = (0,),
    series: tuple[int, int],
    known: int,
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Exact percentile of the current values with one of `flags`, per series, by linear interpolation between the two
    nearest ranks, k = 1 + (n - 1) · share (HJ 663 annex), cut to whole millionths.

    Returns
    -------
    iterator of (series, value [1e-6], count)
        Arrays of a part of the series; series without a value are left out.
    """
    made = state.plan(start, end)
    wanted = f"flag IN ({', '.join(map(str, flags))}) AND value IS NOT NULL"
    for first, last in _parts(made, series, known, PERCENTILE_ROWS):
        rows = state.current_sql(made, f"series BETWEEN {first} AND {last}")
        found: Any = state.cursor.sql(f"SELECT series, value FROM ({rows}) WHERE {wanted}")
        table = found.to_arrow_table()
        if table.num_rows:
            yield percentile_of(table.column("series").to_numpy(), micro(table.column("value")), share)


def percentile_of(series: np.ndarray, value: np.ndarray, share: Decimal) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Percentile per series of values in any order: (series ascending, value, count)."""
    order = np.argsort(series, kind="stable")
    series, value = series[order], value[order]
    starts = np.flatnonzero(np.r_[True, series[1:] != series[:-1]])
    counts = np.diff(np.r_[starts, len(series)])
    answer = np.empty(len(starts), np.int64)
    up, down = share.as_integer_ratio()
    if not 0 <= up <= down <= 10_000:
        raise BadInput(f"{share} is not a percentile", hint="a share of at most four decimals between 0 and 1")
    for count in np.unique(counts):  # series with as many values each: ranks of a matrix, not a sort
        mine = np.flatnonzero(counts == count)
        place, rest = divmod((int(count) - 1) * up, down)
        matrix = value[starts[mine][:, None] + np.arange(count)]
        after = min(place + 1, int(count) - 1)
        matrix.partition([place, after] if after > place else place, axis=1)
        low, apart = matrix[:, place], matrix[:, after] - matrix[:, place]
        answer[mine] = low + apart // down * rest + apart % down * rest // down  # in this order nothing overflows
    return series[starts], answer, counts


def micro(column: Any) -> np.ndarray:
    """int64 millionths of a DECIMAL(18,6) column without nulls, out of its buffers."""
    parts = []
    for chunk in column.chunks:
        buffer: Any = chunk.buffers()[1]
        width = chunk.type.bit_width // 64
        words = np.frombuffer(buffer, np.int64)[chunk.offset * width : (chunk.offset + len(chunk)) * width]
        parts.append(words[::width])
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def _parts(made: Plan, series: tuple[int, int], known: int, most: int) -> Iterator[tuple[int, int]]:
    """Ranges of series with about `most` rows each, if series had equally many."""
    first, last = series
    width = last - first + 1
    rows = sum(one.rows for one in {*made.alone, *made.base, *made.late})
    parts = max(1, min(width, -(-rows * width // (max(known, width) * most))))
    for part in range(parts):
        yield first + width * part // parts, first + width * (part + 1) // parts - 1
