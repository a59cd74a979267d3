"""Exact conversion between units of one dimension; the only place where a factor of 1000 may appear."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache

from jinyun.kernel.errors import BadInput
from jinyun.kernel.tables import csv_rows

SPELLINGS: Mapping[str, str] = {
    "μg/m3": "ug/m3", "µg/m3": "ug/m3", "μg/m³": "ug/m3", "µg/m³": "ug/m3", "ug/m³": "ug/m3", "mg/m³": "mg/m3",
    "ng/m³": "ng/m3", "g/m³": "g/m3", "μg/L": "ug/L", "µg/L": "ug/L", "mg/l": "mg/L", "ug/l": "ug/L", "ng/l": "ng/L",
    "℃": "degC", "°C": "degC", "无量纲": "1", "": "1", "m³/s": "m3/s", "m³/h": "m3/h", "个/L": "count/L",
}  # fmt: skip
"""Spellings people type, and the one we keep."""


@cache
def _units() -> Mapping[str, tuple[str, Decimal]]:
    return {row["unit"]: (row["dimension"], Decimal(row["scale"])) for row in csv_rows("jinyun.kernel", "units.csv")}


def unit_of(text: str) -> str:
    """The spelling we keep of a unit as typed; an unknown unit stays as it is."""
    text = text.strip()
    return SPELLINGS.get(text, text)


@cache
def unit_factor(source: str, target: str) -> Decimal:
    """What a number in `source` is multiplied by to be in `target`. Exact: powers of ten.

    Raises
    ------
    BadInput
        When the two do not measure the same thing.
    """
    source, target = unit_of(source), unit_of(target)
    if source == target:
        return Decimal(1)
    known = _units()
    if source not in known or target not in known or known[source][0] != known[target][0]:
        raise BadInput(f"cannot turn {source!r} into {target!r}", hint=f"known units: {', '.join(known)}")
    return known[source][1] / known[target][1]


def convert(value: Decimal, source: str, target: str) -> Decimal:
    """`value` [source] in [target]; see `unit_factor`."""
    return value * unit_factor(source, target)
