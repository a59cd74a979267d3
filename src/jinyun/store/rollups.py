"""Heavy questions over the current versions of everything: roll-ups and percentiles, exact, in bounded memory.

Both walk over ranges of series, so that neither the groups nor the values of all series are in memory at once; sorted
files make a range a few row groups. Files whose rows are current as they stand are read as sorted runs (`scan`); where
files or hot rows meet in time, SQL compares versions (`current`). Sums and percentiles are exact in millionths.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from jinyun.kernel.errors import BadInput
from jinyun.store.current import Plan, Span
from jinyun.store.ingest import LARGEST
from jinyun.store.query import Snapshot
from jinyun.store.scan import Stretch, micro, stretches

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
    met = Plan({}, made.base, made.late, made.hot)
    for part in _parts(made, series, known, PART_ROWS):
        found = list(stretches(made.alone, state.path, part, flags, lambda one: _rolled(one, step, offset)))
        if met.late or met.hot:
            found.append(_of_table(_by_sql(state, met, part, (step, offset), flags)))
        rolled = _merged(found, offset)
        if rolled is None:  # sums that int64 may not hold: once more, in decimals
            yield _by_sql(state, made, part, (step, offset), flags)
        else:
            yield _table(rolled)


@dataclass(slots=True)
class _Rolled:
    """Windows, or parts of windows, by (series, start); millionths."""

    series: np.ndarray
    start: np.ndarray
    total: np.ndarray
    least: np.ndarray
    greatest: np.ndarray
    count: np.ndarray


def _rolled(rows: Stretch, step: int, offset: int) -> _Rolled:
    """Roll sorted rows up: windows are runs."""
    value, bad = rows.value, rows.bad
    base = (int(rows.time.min()) + offset) // step * step - offset
    apart = rows.time - base
    if apart.max() < 1 << 32:
        apart = apart.astype(np.uint32)
    window = apart // apart.dtype.type(step)
    begins = np.empty(len(window), bool)
    begins[0] = True
    np.not_equal(window[1:], window[:-1], out=begins[1:])
    begins[1:] |= rows.series[1:] != rows.series[:-1]
    starts = np.flatnonzero(begins)
    count = np.diff(starts, append=len(window))
    count -= np.bincount(np.searchsorted(starts, bad, "right") - 1, minlength=len(starts))
    value[bad] = 0
    total = np.add.reduceat(value, starts)
    value[bad] = LARGEST
    least = np.minimum.reduceat(value, starts)
    value[bad] = -LARGEST
    greatest = np.maximum.reduceat(value, starts)
    there = np.flatnonzero(count)
    first = starts[there]
    return _Rolled(
        rows.series[first], base + window[first].astype(np.int64) * step, total[there], least[there],
        greatest[there], count[there],
    )  # fmt: skip


def _merged(found: Sequence[_Rolled], offset: int) -> _Rolled | None:
    """Parts of the same window made one; None when int64 may not hold a sum."""
    if not found:
        return _of_table(ROLLED.empty_table())
    one = _Rolled(*(np.concatenate([getattr(part, name) for part in found]) for name in _Rolled.__slots__))
    if not len(one.series):
        return one
    peak = max(abs(int(one.least.min())), abs(int(one.greatest.max())))
    if peak * int(one.count.sum()) >= 1 << 63:
        return None
    key = one.series.astype(np.int64) << 34 | one.start + offset
    if (key[1:] > key[:-1]).all():
        return one
    order = np.argsort(key, kind="stable")
    key = key[order]
    starts = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
    first = order[starts]
    return _Rolled(
        one.series[first], one.start[first], np.add.reduceat(one.total[order], starts),
        np.minimum.reduceat(one.least[order], starts), np.maximum.reduceat(one.greatest[order], starts),
        np.add.reduceat(one.count[order], starts),
    )  # fmt: skip


def _by_sql(state: Snapshot, made: Plan, part: Span, cut: tuple[int, int], flags: Sequence[int]) -> pa.Table:
    step, offset = cut
    rows = state.current_sql(made, f"series BETWEEN {part[0]} AND {part[1]}")
    found: Any = state.cursor.sql(
        f"SELECT series, time - (time + {offset}) % {step} AS start, sum(value) AS total, min(value) AS least, "
        f"max(value) AS greatest, count(*) AS count FROM ({rows}) WHERE {_counting(flags)} GROUP BY ALL"
    )
    table: pa.Table = found.to_arrow_table().cast(ROLLED)
    return table


def _counting(flags: Sequence[int]) -> str:
    return f"flag IN ({', '.join(map(str, flags))}) AND value IS NOT NULL"


def _of_table(table: pa.Table) -> _Rolled:
    series, start, count = (table.column(name).to_numpy() for name in ("series", "start", "count"))
    total, least, greatest = (micro(table.column(name)) for name in ("total", "least", "greatest"))
    return _Rolled(series, start, total, least, greatest, count)


def _table(rolled: _Rolled) -> pa.Table:
    decimals = [
        _decimals(column, digits) for column, digits in ((rolled.total, 38), (rolled.least, 18), (rolled.greatest, 18))
    ]
    return pa.table([rolled.series, rolled.start, *decimals, rolled.count], schema=ROLLED)


def _decimals(values: np.ndarray, digits: int) -> Any:
    """decimal128 of int64 millionths."""
    words: Any = np.stack([values, values >> 63], axis=1)
    return pa.Array.from_buffers(pa.decimal128(digits, 6), len(values), [None, pa.py_buffer(words)])


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
    met = Plan({}, made.base, made.late, made.hot)
    for part in _parts(made, series, known, PERCENTILE_ROWS):
        found = list(stretches(made.alone, state.path, part, flags, _counted))
        if met.late or met.hot:
            rows = state.current_sql(met, f"series BETWEEN {part[0]} AND {part[1]}")
            table: Any = state.cursor.sql(f"SELECT series, value FROM ({rows}) WHERE {_counting(flags)}")
            table = table.to_arrow_table()
            found.append((table.column("series").to_numpy(), micro(table.column("value"))))
        ids, values = (np.concatenate([one[place] for one in found]) if found else np.empty(0) for place in (0, 1))
        if len(ids):
            yield percentile_of(ids, values, share)


def _counted(rows: Stretch) -> tuple[np.ndarray, np.ndarray]:
    return np.delete(rows.series, rows.bad), np.delete(rows.value, rows.bad)


def percentile_of(series: np.ndarray, value: np.ndarray, share: Decimal) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Percentile per series of values in any order: (series ascending, value, count)."""
    if (series[1:] < series[:-1]).any():
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


def _parts(made: Plan, series: tuple[int, int], known: int, most: int) -> Iterator[tuple[int, int]]:
    """Ranges of series with about `most` rows each, if series had equally many."""
    first, last = series
    width = last - first + 1
    rows = sum(one.rows for one in {*made.alone, *made.base, *made.late})
    parts = max(1, min(width, -(-rows * width // (max(known, width) * most))))
    for part in range(parts):
        yield first + width * part // parts, first + width * (part + 1) // parts - 1
