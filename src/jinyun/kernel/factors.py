"""One dictionary of all monitoring factors (监测因子): id, words, unit, decimals, HJ 212 codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache

from jinyun.kernel.errors import UnknownFactor
from jinyun.kernel.tables import csv_rows

STACK_SYSTEMS = frozenset({"31", "51"})
"""HJ 212 system codes (ST) whose gas factors are flue gas: a21026 means `stack_so2` there and `so2` elsewhere."""


@dataclass(frozen=True, slots=True)
class Factor:
    """One factor. `unit` is canonical: everything inside the house is in it."""

    id: str
    zh: str
    en: str
    medium: str
    unit: str
    decimals: int | None  # places a person is shown
    amount_unit: str  # of -Cou
    minimum: Decimal | None  # physically possible range, canonical unit
    maximum: Decimal | None
    code: str  # HJ 212-2017 code
    systems: frozenset[str]  # ST this row is limited to; empty: any
    scale: Decimal  # canonical = sent × scale, for 2017 and 2025
    code_2005: str
    scale_2005: Decimal | None
    note: str = ""

    def as_dict(self) -> dict[str, object]:
        """For pages."""
        return {
            "id": self.id, "zh": self.zh, "en": self.en, "medium": self.medium, "unit": self.unit,
            "decimals": self.decimals, "code": self.code, "code_2005": self.code_2005, "note": self.note,
        }  # fmt: skip


@cache
def factors() -> Mapping[str, Factor]:
    """All factors by id."""
    return {row["id"]: _factor(row) for row in csv_rows("jinyun.kernel", "factors.csv")}


def factor(factor_id: str) -> Factor:
    """The factor of an id.

    Raises
    ------
    UnknownFactor
        With the nearest known id.
    """
    try:
        return factors()[factor_id]
    except KeyError:
        raise UnknownFactor(factor_id, table="the factor dictionary", known=factors()) from None


@lru_cache(maxsize=16384)  # codes come from the wire: bounded
def by_code(code: str, system: str = "", *, edition: int = 2017) -> Factor | None:
    """Factor that an HJ 212 code means in system `system` (ST), or None when the dictionary does not know it.

    A code of the other edition's shape is looked up in that edition (field devices mix them); the caller decides
    on the unit by `Factor.scale_2005` when the *code* is an old one. Case does not matter for w/a/e/g/i codes.
    """
    table = _codes_2005() if edition == 2005 else _codes()
    hit = _pick(table.get(code), system)
    if hit is None and code[:1] in "WAEGI":
        hit = _pick(_codes().get(code.lower()), system)
    return hit


@lru_cache(maxsize=16384)
def old_code(code: str, system: str = "") -> Factor | None:
    """Factor of an HJ/T 212-2005 code."""
    return _pick(_codes_2005().get(code), system)


def _pick(rows: tuple[Factor, ...] | None, system: str) -> Factor | None:
    if not rows:
        return None
    group = "31" if system in STACK_SYSTEMS else system
    for row in rows:
        if group in row.systems:
            return row
    return next((row for row in rows if not row.systems), rows[0])


@cache
def _codes() -> Mapping[str, tuple[Factor, ...]]:
    table: dict[str, tuple[Factor, ...]] = {}
    for row in factors().values():
        table[row.code] = (*table.get(row.code, ()), row)
    return table


@cache
def _codes_2005() -> Mapping[str, tuple[Factor, ...]]:
    table: dict[str, tuple[Factor, ...]] = {}
    for row in factors().values():
        if row.code_2005:
            table[row.code_2005] = (*table.get(row.code_2005, ()), row)
    return table


def _number(text: str) -> Decimal | None:
    return Decimal(text) if text else None


def _factor(row: Mapping[str, str]) -> Factor:
    return Factor(
        id=row["id"], zh=row["zh"], en=row["en"], medium=row["medium"], unit=row["unit"],
        decimals=int(row["decimals"]) if row["decimals"] else None, amount_unit=row["amount_unit"],
        minimum=_number(row["minimum"]), maximum=_number(row["maximum"]), code=row["code"],
        systems=frozenset(row["st"].split()) if row["st"] else frozenset(), scale=Decimal(row["scale"]),
        code_2005=row["code_2005"], scale_2005=_number(row["scale_2005"]), note=row["note"],
    )  # fmt: skip
