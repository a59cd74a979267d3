"""AQI of millions of rows: the same exact answers as `aqi.aqi`, column by column. Whole numbers only, no floats. Pure.

A concentration has few values once it is rounded (whole µg/m³, tenths of mg/m³), so the index of each is worked out
once and then looked up.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from jinyun.domains.air.limits import IndexEdition, Key
from jinyun.kernel.errors import BadInput, UnknownFactor
from jinyun.methods.columns import MISSING, Column, ceil_div, round_half_even

NA = -1
"""In `AqiColumns.aqi` and `.iaqi`: no index. In `.level` the same is 0."""

CHUNK = 32 * 1024
"""Rows worked on at a time: what lies between input and answer stays in the cache of the processor."""

STAND_IN = {"1h": "24h", "8h": "1h"}
"""HJ 633-2012: whose break points stand in where a concentration lies above those of its own averaging time."""


@dataclass(frozen=True, slots=True)
class AqiColumns:
    """AQI of n rows. Bit k of a mask stands for `pollutants[k]`."""

    pollutants: tuple[str, ...]
    aqi: NDArray[np.int16]  # NA (-1): not published
    level: NDArray[np.int8]  # 1…6; 0: not published
    primary: NDArray[np.uint16]  # 首要污染物, ties all set
    iaqi: Mapping[str, NDArray[np.int16]]  # by pollutant; NA (-1): none
    missing: NDArray[np.uint16]  # without a valid value
    negative: NDArray[np.uint16]  # below zero, hence counted as missing

    def names(self, mask: int) -> tuple[str, ...]:
        """Pollutants of a mask, in the edition's order."""
        return tuple(name for n, name in enumerate(self.pollutants) if mask >> n & 1)


def aqi_columns(
    values: Mapping[str, Column],
    edition: IndexEdition,
    report: str = "published",
    *,
    rolling: Mapping[Key, Column] | None = None,
    not_monitored: Collection[str] = (),
) -> AqiColumns:
    """AQI, level and primary pollutants of n rows; row by row equal to `aqi_hourly` and `aqi_daily`.

    Parameters
    ----------
    values : Mapping[str, Column]
        By pollutant, n int64 millionths of µg/m³ (CO: mg/m³), `MISSING` for none; a pollutant without a column is
        missing in every row. For ``daily``: day means, ``o3`` the daily maximum 8 h mean, 2012 also ``o3_1h``.
    report : str
        ``published`` (hourly), ``text_2012`` (hourly) or ``daily``.
    rolling : Mapping[(pollutant, averaging), Column], optional
        As in `aqi.aqi`: rolling means beside the 1 h values, and what stands in above 800 µg/m³ in the 2012 edition.
    not_monitored : Collection[str]
        Pollutants left out by plan in all rows: not the same as missing (HJ 633-2026, 5.3).

    Raises
    ------
    BadInput
        When the columns differ in length or are not int64, or the edition has no such report.
    UnknownFactor
        For a column that the report does not use.

    References
    ----------
    .. [1] HJ 633-2012 and HJ 633-2026, 4.2 and 5.3.
    """
    if report not in edition.items:
        raise BadInput(f"{edition.standard} has no {report} report", hint=f"it has {', '.join(edition.items)}")
    keys = tuple(key for key in edition.items[report] if key[0] not in not_monitored)
    columns = _columns(values, edition, report)
    more = dict(rolling or {})
    rows = _length(
        {**{" ".join(key): one for key, one in columns.items()}, **{" ".join(k): v for k, v in more.items()}}
    )
    names = tuple(dict.fromkeys(name for name, _ in keys))
    out = AqiColumns(
        names,
        np.full(rows, NA, dtype=np.int16),
        np.zeros(rows, dtype=np.int8),
        np.zeros(rows, dtype=np.uint16),
        {name: np.full(rows, NA, dtype=np.int16) for name in names},
        np.zeros(rows, dtype=np.uint16),
        np.zeros(rows, dtype=np.uint16),
    )
    work = _Work(keys, columns, more, _tables(edition), edition)
    levels = _levels(edition)
    for first in range(0, rows, CHUNK):
        _chunk(slice(first, min(first + CHUNK, rows)), out, work, levels)
    return out


def _columns(values: Mapping[str, Column], edition: IndexEdition, report: str) -> dict[Key, Column]:
    """The columns by the report's keys: a lone 8 h column exists only in the daily report."""
    found: dict[Key, Column] = {}
    known: list[str] = []
    for key in edition.items[report]:
        if report != "daily" and key[1] == "8h":
            continue  # comes as a rolling mean
        name = "o3_1h" if report == "daily" and key == ("o3", "1h") else key[0]
        known.append(name)
        if name in values:
            found[key] = values[name]
    for name in values:
        if name not in known:
            raise UnknownFactor(name, table=f"the {report} report of {edition.standard}", known=known)
    return found


def _length(columns: Mapping[str, Column]) -> int:
    lengths = {name: len(column) for name, column in columns.items()}
    for name, column in columns.items():
        if column.dtype != np.int64 or column.ndim != 1:
            raise BadInput(
                f"column {name} is {column.dtype} with {column.ndim} dimensions", field=name,
                hint="one dimension of int64 millionths: jinyun.methods.columns makes them",
            )  # fmt: skip
    if len(set(lengths.values())) > 1:
        raise BadInput(f"columns differ in length: {', '.join(f'{n} {size}' for n, size in lengths.items())}")
    return next(iter(lengths.values()), 0)


@dataclass(frozen=True, slots=True)
class _Table:
    """Indices by rounded concentration: `index[0]` is no value, `index[c + 1]` that of c steps, the last all above."""

    index: NDArray[np.int16]
    places: int
    open_top: bool  # above the last break point no index is computed


@dataclass(frozen=True, slots=True)
class _Work:
    """What every chunk needs."""

    keys: tuple[Key, ...]
    columns: Mapping[Key, Column]
    rolling: Mapping[Key, Column]
    tables: Mapping[Key, _Table]
    edition: IndexEdition

    def given(self, key: Key) -> tuple[Column, ...]:
        """The columns that hold values on the break points of a key."""
        return tuple(one for one in (self.columns.get(key), self.rolling.get(key)) if one is not None)


@lru_cache(maxsize=16)
def _levels(edition: IndexEdition) -> NDArray[np.int8]:
    """Level by AQI; the first is of none."""
    return np.array([0, *(edition.level_of(n).level for n in range(edition.levels[-1].top + 1))], dtype=np.int8)


@lru_cache(maxsize=16)
def _tables(edition: IndexEdition) -> Mapping[Key, _Table]:
    return {key: _table(edition, key) for key in edition.points}


def _table(edition: IndexEdition, key: Key) -> _Table:
    """All indices of one pollutant and averaging time: the ceiling of an exact quotient of whole numbers."""
    points = edition.points[key]
    places = edition.places.get(key[0], 0)
    ends = [int(one.scaleb(places)) for one in points.concentration]
    if any(Decimal(end).scaleb(-places) != one for end, one in zip(ends, points.concentration, strict=True)):
        raise BadInput(f"{edition.standard} {' '.join(key)}: a break point has more than {places} decimals")
    inside = [np.array([points.iaqi[0]], dtype=np.int64)]
    for n in range(1, len(ends)):
        rise, run = points.iaqi[n] - points.iaqi[n - 1], ends[n] - ends[n - 1]
        # The lower end belongs to the segment before: each starts one step above it.
        inside.append(points.iaqi[n - 1] + ceil_div(rise * np.arange(1, run + 1, dtype=np.int64), run))
    above = NA if points.above_top is None else points.above_top
    index = np.concatenate([[NA], *inside, [above]]).astype(np.int16)
    return _Table(index, places, points.above_top is None)


def _chunk(rows: slice, out: AqiColumns, work: _Work, levels: NDArray[np.int8]) -> None:
    total, missing, negative = out.aqi[rows], out.missing[rows], out.negative[rows]
    bits = {name: np.uint16(1 << n) for n, name in enumerate(out.pollutants)}
    for key in work.keys:
        part, bit = out.iaqi[key[0]][rows], bits[key[0]]
        given = None  # where a value was given at all
        index = None
        for column in work.given(key):
            found, there, below = _look_up(column[rows], work.tables[key])
            if below is not None:
                negative |= below * bit
            index = found if index is None else np.maximum(index, found)
            given = there if given is None else given | there
        if index is None or given is None:
            missing |= bit
            continue
        if work.tables[key].open_top:
            index = _stood_in(key, index, given & (index == NA), rows, work)
        np.maximum(part, index, out=part)
        missing |= ~given * bit
    for name, bit in bits.items():
        part = out.iaqi[name][rows]
        if sum(key[0] == name for key in work.keys) > 1:  # one averaging time of two is enough
            missing &= ~((part != NA) * bit)
        np.maximum(total, part, out=total)
    line = work.edition.publish_incomplete_above
    if line is not None:
        total[(missing != 0) & (total <= line)] = NA
    primary = out.primary[rows]
    for name, bit in bits.items():
        primary |= (out.iaqi[name][rows] == total) * bit
    primary *= total > work.edition.primary_above
    out.level[rows] = levels[np.minimum(total, len(levels) - 2) + 1]


def _look_up(column: Column, table: _Table) -> tuple[NDArray[np.int16], NDArray[np.bool_], NDArray[np.bool_] | None]:
    """Index of each row (NA where none), where a value was given, and where it was below zero (None: nowhere)."""
    steps = round_half_even(column, table.places)
    there = steps >= 0  # MISSING is the most negative number there is
    below = None
    if not there.all():
        under = ~there & (column != MISSING)
        below = under if under.any() else None
    steps += 1
    np.clip(steps, 0, len(table.index) - 1, out=steps)
    return table.index[steps], there, below


def _stood_in(
    key: Key, index: NDArray[np.int16], need: NDArray[np.bool_], rows: slice, work: _Work
) -> NDArray[np.int16]:
    """HJ 633-2012: the other averaging time's index where this one has none above its last break point."""
    other = (key[0], STAND_IN[key[1]])
    column = work.rolling.get(other, work.columns.get(other))
    if column is None or not need.any():
        return index
    return np.where(need, _look_up(column[rows], work.tables[other])[0], index)
