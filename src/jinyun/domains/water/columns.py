"""Classes of many section rows at once, exact: int64 millionths against scaled limits, no float anywhere. Pure.

Row by row the answer is that of `quality.section_class`. Rows are worked through in blocks that stay in the processor's
cache, and each item costs one comparison per distinct limit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from jinyun.domains.water.limits import WORSE, Edition, ItemLimits, rule
from jinyun.kernel.errors import BadInput
from jinyun.kernel.ports import MICRO
from jinyun.methods.columns import MISSING, Column, micro

BLOCK = 1 << 15
"""Rows worked through at once."""

HOTTEST = 1000 * MICRO
"""Water warmer than this has no saturation: it keeps the product below int64."""


@dataclass(frozen=True, slots=True)
class SectionColumns:
    """One entry per row."""

    level: NDArray[np.int8]  # 1…6; 0 where none of the evaluated items has a value
    deciding: NDArray[np.uint32]  # bit n: item n of `items` reaches the row's class (none at class I)
    evaluated: NDArray[np.int8]  # items with a value
    items: tuple[str, ...]  # the 21 evaluated items; bit n of a mask is item n

    def deciding_of(self, row: int) -> tuple[str, ...]:
        """The deciding items of one row."""
        mask = int(self.deciding[row])
        return tuple(code for n, code in enumerate(self.items) if mask >> n & 1)


@dataclass(frozen=True, slots=True)
class _Steps:
    """One item's limits as steps: each (bound, rise) that a value passes makes its class worse by `rise`."""

    code: str
    op: str
    steps: tuple[tuple[int, int], ...]
    low: int = 0
    high: int = 0


def _steps(limits: ItemLimits) -> _Steps:
    bounds = [micro(limit) for limit in limits.limits]
    if limits.op == "range":
        lows = [micro(low) for low in limits.lows]
        if len(set(bounds)) > 1 or len(set(lows)) > 1:
            raise BadInput(f"{limits.factor} has more than one range", hint="judge it row by row")
        return _Steps(limits.factor, "range", (), lows[0], bounds[0])
    rises: dict[int, int] = {}
    for bound in bounds:  # classes that share a limit: passing it skips all of them
        rises[bound] = rises.get(bound, 0) + 1
    return _Steps(limits.factor, limits.op, tuple(rises.items()))


def _saturated(limits: ItemLimits) -> tuple[int, int]:
    """Offset of the temperature and the least value of DO × (T + offset) that is class I by saturation. [1e-12]

    The saturation is kept to one decimal before it is compared (`quality.oxygen_saturation`): a value half a step
    below the limit still reaches it when the limit's last digit is even.
    """
    assert limits.saturation is not None
    tenths = Fraction(limits.saturation) * 10
    if tenths.denominator != 1 or int(tenths) % 2:
        raise BadInput(f"a saturation limit of {limits.saturation} % is not handled in columns")
    least = (tenths - Fraction(1, 2)) / 10
    product = least / 100 * Fraction(rule("oxygen_saturation", "numerator")) * MICRO * MICRO
    return micro(rule("oxygen_saturation", "offset")), -(-product.numerator // product.denominator)


def section_classes(
    values: Mapping[str, Column],
    editions: Edition | Sequence[Edition],
    which: NDArray[np.integer] | None = None,
    *,
    oxygen_by_saturation: bool | None = None,
) -> SectionColumns:
    """Class of each row by its worst item, and which items decide it.

    Parameters
    ----------
    values : mapping of item code to int64 array
        Millionths of the item's unit, `MISSING` (`kernel.ports.NO_VALUE`) where there is no value; all of one length.
        Items outside the 21 are not looked at, except ``water_temp`` [1e-6 degC] for dissolved oxygen by saturation.
    editions : Edition or sequence of Edition
        As `limits.edition` gives: one for all rows, or several (river and lake, or two editions).
    which : integer array, optional
        With several editions: which of them judges each row.
    oxygen_by_saturation : bool, optional
        As in `section.judge_section`; without it the table's setting.

    Raises
    ------
    BadInput
        When columns differ in length or type, or `which` does not fit.
    """
    tables = (editions,) if isinstance(editions, Edition) else tuple(editions)
    if not tables or len({table.evaluated for table in tables}) != 1:
        raise BadInput("editions with the same evaluated items are needed", field="editions")
    codes = tables[0].evaluated
    here = {code: values[code] for code in (*codes, "water_temp") if code in values}
    rows = len(next(iter(values.values()))) if values else 0
    for code, column in here.items():
        if column.dtype != np.int64 or column.shape != (rows,):
            raise BadInput(f"column {code}: {column.dtype} of {column.shape}", field=code,
                           hint=f"int64 millionths, {rows} rows, as methods.columns makes them")  # fmt: skip
    if len(tables) > 1 and which is None:
        raise BadInput("several editions need to know which judges a row", field="which")
    if which is not None and (which.shape != (rows,) or (rows and not 0 <= which.min() <= which.max() < len(tables))):
        raise BadInput("`which` names an edition for each row", field="which", hint=f"0 to {len(tables) - 1}")
    by_saturation = bool(rule("oxygen_by_saturation")) if oxygen_by_saturation is None else oxygen_by_saturation
    level = np.zeros(rows, dtype=np.int8)
    deciding = np.zeros(rows, dtype=np.uint32)
    evaluated = np.zeros(rows, dtype=np.int8)
    plans = [_plan(table, here, by_saturation) for table in tables]
    for start in range(0, rows, BLOCK):
        part = slice(start, min(rows, start + BLOCK))
        block = {code: column[part] for code, column in here.items()}
        wanted = None if which is None else which[part]
        _block(block, plans, wanted, SectionColumns(level[part], deciding[part], evaluated[part], codes))
    return SectionColumns(level, deciding, evaluated, codes)


@dataclass(frozen=True, slots=True)
class _Plan:
    steps: Mapping[str, _Steps]
    saturation: tuple[int, int] | None


def _plan(table: Edition, here: Mapping[str, Column], by_saturation: bool) -> _Plan:
    oxygen = table.items.get("do")
    wanted = by_saturation and "do" in here and "water_temp" in here and oxygen is not None
    saturation = _saturated(oxygen) if wanted and oxygen is not None and oxygen.saturation is not None else None
    return _Plan({code: _steps(table.item(code)) for code in table.evaluated if code in here}, saturation)


def _block(
    block: Mapping[str, Column], plans: Sequence[_Plan], which: NDArray[np.integer] | None, into: SectionColumns
) -> None:
    """Judge the rows of one block; `into` holds views of the answer's columns."""
    level = into.level
    classes: list[tuple[int, NDArray[np.int8]]] = []
    for bit, code in enumerate(into.items):
        if code not in block:
            continue
        found = _item_classes(block, code, plans[0])
        for n, plan in enumerate(plans[1:], 1):
            if plan.steps[code] != plans[0].steps[code] or plan.saturation != plans[0].saturation:
                assert which is not None
                np.copyto(found, _item_classes(block, code, plan), where=which == n)
        here = block[code] != MISSING
        found *= here
        np.maximum(level, found, out=level)
        into.evaluated[:] += here
        classes.append((bit, found))
    worse = level > 1
    for bit, found in classes:
        mask = (found == level) & worse
        into.deciding[:] |= mask.astype(np.uint32) << np.uint32(bit)


def _item_classes(block: Mapping[str, Column], code: str, plan: _Plan) -> NDArray[np.int8]:
    """Class of one item in each row; rows without a value hold whatever comes out."""
    steps, column = plan.steps[code], block[code]
    found = np.ones(len(column), dtype=np.int8)
    if steps.op == "range":
        outside = (column < steps.low) | (column > steps.high)
        found += outside.astype(np.int8) * np.int8(WORSE - 1)
        return found
    for bound, rise in steps.steps:
        passed = (column < bound) if steps.op == "ge" else (column > bound)
        found += passed.view(np.int8) if rise == 1 else passed.view(np.int8) * np.int8(rise)
    if code == "do" and plan.saturation is not None:
        offset, least = plan.saturation
        full = steps.steps[0][0]
        temperature = block["water_temp"]
        open_ = (column > 0) & (column < full) & (temperature != MISSING)
        open_ &= (temperature > -offset) & (temperature < HOTTEST)
        product = np.where(open_, column, 0) * np.where(open_, temperature + offset, 0)
        found[product >= least] = 1
    return found
