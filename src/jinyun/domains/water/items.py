"""Names and units of the items of the water standards, and the way of a value into an item's unit. Pure.

An item code that the factor dictionary knows as a water factor with a unit is handled in that unit everywhere (mercury
in ug/L); every other one in the unit of the table that limits it (mg/L in GB 3838 tables 2 and 3, ug/L for the organic
items of GB/T 14848). The dictionary is not widened for them: no device of ours sends them, laboratories do, and they
name their unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from jinyun.kernel.errors import BadInput, UnknownFactor
from jinyun.kernel.factors import factors
from jinyun.kernel.tables import csv_rows
from jinyun.kernel.units import convert, unit_factor

PACKAGE = "jinyun.domains.water"


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a water standard. `factor` is its id in the factor dictionary, "" where it has none."""

    code: str
    zh: str
    en: str
    factor: str
    places: int  # decimals a person is shown at least


@cache
def items() -> Mapping[str, Item]:
    """All items of GB 3838-2002 and GB/T 14848-2017 by code."""
    known = factors()
    found = {}
    for row in csv_rows(PACKAGE, "items.csv"):
        code, name = row["item_code"], row["factor"]
        places = known[name].decimals or 0 if name == code else 0
        found[code] = Item(code, row["zh"], row["en"], name, places)
    return found


@cache
def _by_factor() -> Mapping[str, str]:
    return {item.factor: code for code, item in items().items() if item.factor}


def code_of(name: str) -> str | None:
    """The item code that a caller means by an item code or a factor id; None when no water standard has it."""
    return name if name in items() else _by_factor().get(name)


def item(name: str) -> Item:
    """The item of a code or factor id.

    Raises
    ------
    UnknownFactor
        With the nearest code.
    """
    code = code_of(name)
    if code is None:
        raise UnknownFactor(name, table="the water standards", known=items())
    return items()[code]


@cache
def house_unit(code: str, table_unit: str) -> str:
    """The unit in which an item's values are handed over: the dictionary's where it has one, else the table's."""
    known = factors().get(code)
    if known is None or known.medium != "water" or not known.unit:
        return table_unit
    try:
        unit_factor(table_unit, known.unit)
    except BadInput:  # degrees of colour and Pt-Co: not one dimension in our table of units
        return table_unit
    return known.unit


def in_house(name: str, value: Decimal, table_unit: str, unit: str | None = None) -> Decimal:
    """`value` in the item's unit.

    Parameters
    ----------
    name : str
        Item code, or factor id: a value named by its factor id is in that factor's unit.
    table_unit : str
        Unit of the table that limits it.
    unit : str, optional
        Unit of `value` where it is another one.

    Raises
    ------
    BadInput
        When the units do not measure the same thing, or for NaN and infinity.
    """
    if not value.is_finite():
        raise BadInput(f"{name}: {value} is no number", field=name, hint="leave out what is missing, or give None")
    code = code_of(name) or name
    target = house_unit(code, table_unit)
    if unit is None:
        unit = target if name == code else factors()[name].unit or target
    return convert(value, unit, target)


def by_code(values: Mapping[str, Any]) -> dict[str, str]:
    """Item code of each value as the caller named it; a name that no water standard has stays as it is.

    Raises
    ------
    BadInput
        When an item is there twice, by its code and by its factor id.
    """
    found: dict[str, str] = {}
    for name in values:
        code = code_of(name) or name
        if code in found.values():
            other = next(one for one, known in found.items() if known == code)
            raise BadInput(f"{code} is there twice: {other} and {name}", field=name, hint="keep one of them")
        found[name] = code
    return found


def subject_and(name: str, words: str) -> str:
    """A name with Chinese words after it; a space keeps a digit at its end apart from theirs."""
    return f"{name} {words}" if name[-1:].isascii() and name[-1:].isalnum() else f"{name}{words}"
