"""The limits and rules of surface water, read from the tables and put into each factor's own unit once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache

from jinyun.kernel.errors import BadInput, UnknownFactor
from jinyun.kernel.factors import factor as factor_of
from jinyun.kernel.tables import csv_rows
from jinyun.kernel.units import convert
from jinyun.methods.editions import edition_on

PACKAGE = "jinyun.domains.water"

RIVER, LAKE = "river", "lake_reservoir"
BODIES: Mapping[str, str] = {"": RIVER, "river": RIVER, "lake": LAKE, "lake_reservoir": LAKE, "reservoir": LAKE}
"""What a record calls a water body, and the table's word; a river-type reservoir is entered as a river."""

CLASSES: tuple[str, ...] = ("class_1", "class_2", "class_3", "class_4", "class_5")
WORSE = len(CLASSES) + 1
"""Code of 劣Ⅴ, worse than class V."""

LABELS_ZH: Mapping[int, str] = {1: "Ⅰ", 2: "Ⅱ", 3: "Ⅲ", 4: "Ⅳ", 5: "Ⅴ", WORSE: "劣Ⅴ"}
LABELS_EN: Mapping[int, str] = {
    1: "Class I", 2: "Class II", 3: "Class III", 4: "Class IV", 5: "Class V", WORSE: "worse than Class V",
}  # fmt: skip
STATUS_EN: Mapping[str, str] = {
    "优": "excellent", "良好": "good", "轻度污染": "lightly polluted", "中度污染": "moderately polluted",
    "重度污染": "heavily polluted",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ItemLimits:
    """Limits of class I…V of one factor, in its canonical unit. `op`: ``le``, ``ge`` or ``range`` (`low`…`limits`)."""

    factor: str
    unit: str
    op: str
    limits: tuple[Decimal, ...]
    lows: tuple[Decimal, ...] = ()
    saturation: Decimal | None = None  # class I by saturation, DO only. [%]


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition of limits and evaluation, for one kind of water body."""

    standard: str
    evaluation: str
    body: str
    items: Mapping[str, ItemLimits]  # by factor id
    evaluated: tuple[str, ...]  # the items that give the class, in the order of the rule
    reference: tuple[str, ...]  # judged apart, never part of the class

    def item(self, factor: str) -> ItemLimits:
        try:
            return self.items[factor]
        except KeyError:
            raise UnknownFactor(factor, table=f"{self.standard} table 1 ({self.body})", known=self.items) from None


def edition(day: date, body: str = RIVER) -> Edition:
    """Edition in force on the day of the data, for a river or a lake.

    Raises
    ------
    NoEdition, BadInput
        For a day before the first edition we hold, or an unknown kind of water body.
    """
    if body not in BODIES:
        raise BadInput(f"unknown kind of water body {body!r}", field="body", hint=f"one of {', '.join(BODIES)}")
    rows = csv_rows(PACKAGE, "editions.csv")
    limits, evaluation = edition_on(rows, "limits", day), edition_on(rows, "evaluation", day)
    return _edition(limits["standard"], limits["table"], evaluation["standard"], evaluation["table"], BODIES[body])


@cache
def _edition(standard: str, table: str, evaluation: str, rules: str, body: str) -> Edition:
    items: dict[str, ItemLimits] = {}
    rows = [row for row in csv_rows(PACKAGE, table) if row["table_no"] == "1" and row["group"] in CLASSES]
    for code in dict.fromkeys(row["item_code"] for row in rows):
        mine = [row for row in rows if row["item_code"] == code]
        main = sorted((row for row in mine if row["condition"] in ("", body)), key=lambda row: row["group"])
        other = [row for row in mine if row["condition"] == "alternative"]
        if main:
            items[code] = _item(code, main, other)
    groups = csv_rows(PACKAGE, rules)
    evaluated = sorted((r for r in groups if r["rule_group"] == "evaluated_items"), key=lambda r: int(r["order_no"]))
    reference = [r["rule_code"] for r in groups if r["rule_group"] == "reference_items" and r["rule_code"] in items]
    return Edition(standard, evaluation, body, items, tuple(r["rule_code"] for r in evaluated), tuple(reference))


def _item(code: str, rows: list[dict[str, str]], other: list[dict[str, str]]) -> ItemLimits:
    unit, op = factor_of(code).unit, rows[0]["op"]

    def value(row: Mapping[str, str], column: str) -> Decimal:
        sent = "1" if row["unit"] == "dimensionless" else row["unit"]
        return convert(Decimal(row[column]), sent, unit)

    if op == "range":
        highs, lows = (tuple(value(row, column) for row in rows) for column in ("value_hi", "value"))
        return ItemLimits(code, unit, op, highs, lows)
    return ItemLimits(
        code,
        unit,
        op,
        tuple(value(row, "value") for row in rows),
        saturation=Decimal(other[0]["value"]) if other else None,
    )


@cache
def status_words() -> Mapping[int, tuple[str, str]]:
    """Status word and colour word (Chinese) of a section by its class."""
    rows = csv_rows(PACKAGE, "surface_water_evaluation_2011.csv")
    return {int(r["order_no"]): (r["label_zh"], r["colour_zh"]) for r in rows if r["rule_group"] == "section_status"}


@cache
def rule(name: str, item: str = "") -> Decimal:
    """One figure of ``rules.csv``."""
    for row in csv_rows(PACKAGE, "rules.csv"):
        if row["rule"] == name and row["item"] == item:
            return Decimal(row["value"])
    raise BadInput(f"{PACKAGE} rules.csv has no rule {name!r} {item!r}")


@cache
def rule_items(name: str) -> frozenset[str]:
    """The factors that a list in ``rules.csv`` names."""
    return frozenset(row["item"] for row in csv_rows(PACKAGE, "rules.csv") if row["rule"] == name)
