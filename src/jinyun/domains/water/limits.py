"""The limits and rules of surface water, read from the tables and put into each factor's own unit once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache

from jinyun.domains.water.items import PACKAGE, house_unit
from jinyun.kernel.errors import BadInput, UnknownFactor
from jinyun.kernel.tables import csv_rows
from jinyun.kernel.units import convert
from jinyun.methods.editions import edition_on
from jinyun.methods.limit_rows import LimitRow, limit_rows

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
    """Limits of class I…V of one item, in its unit (`items.house_unit`).

    `op`: ``le``, ``ge`` or ``range`` (`lows`…`limits`, both inside). An item of table 2 or 3 has one limit only.
    """

    factor: str
    unit: str
    op: str
    limits: tuple[Decimal, ...]
    lows: tuple[Decimal, ...] = ()
    saturation: Decimal | None = None  # class I by saturation, DO only. [%]
    clause: str = ""
    table_unit: str = ""

    def printed(self, level: int) -> str:
        """The limit of a class as a person reads it, without its unit: ``0.2``, ``≥ 6``, ``6–9``."""
        limit = format(self.limits[min(level, len(self.limits)) - 1], "f")
        if self.op == "range":
            return f"{self.lows[level - 1]:f}–{limit}"
        return f"≥ {limit}" if self.op == "ge" else limit


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition of limits and evaluation, for one kind of water body."""

    standard: str
    evaluation: str
    body: str
    items: Mapping[str, ItemLimits]  # table 1, by item code
    evaluated: tuple[str, ...]  # the items that give the class, in the order of the rule
    reference: tuple[str, ...]  # judged apart, never part of the class
    source_items: Mapping[str, ItemLimits]  # tables 2 and 3: one limit each, for drinking-water sources
    temperature: Mapping[str, ItemLimits]  # ``rise`` and ``fall``: man-made change of the weekly mean. [degC]

    def item(self, factor: str) -> ItemLimits:
        """Limits of an item of table 1.

        Raises
        ------
        UnknownFactor
            With the nearest item of this kind of water body.
        """
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


def edition_row(part: str, day: date) -> Mapping[str, str]:
    """The row of ``editions.csv`` of a part on a day.

    Raises
    ------
    NoEdition
        Naming the editions there are.
    """
    return edition_on(csv_rows(PACKAGE, "editions.csv"), part, day)


@cache
def table_rows(table: str) -> tuple[LimitRow, ...]:
    """Rows of one of the domain's tables of limits."""
    return limit_rows(csv_rows(PACKAGE, table), name=table)


@cache
def _edition(standard: str, table: str, evaluation: str, rules: str, body: str) -> Edition:
    all_rows = table_rows(table)
    items: dict[str, ItemLimits] = {}
    classed = [row for row in all_rows if row.group in CLASSES]
    for code in dict.fromkeys(row.item_code for row in classed):
        mine = [row for row in classed if row.item_code == code]
        main = sorted((row for row in mine if row.condition in ("", body)), key=lambda row: row.group)
        other = [row.value for row in mine if row.condition == "alternative"]
        if main:
            items[code] = _item(main, other[0] if other else None)
    sources = {row.item_code: _item([row]) for row in all_rows if row.group == "drinking_source"}
    changes = {
        word: _item([row]) for row in all_rows if row.item_code == "water_temp" for word in ("rise", "fall")
        if row.condition.endswith(word)
    }  # fmt: skip
    groups = csv_rows(PACKAGE, rules)
    evaluated = sorted((r for r in groups if r["rule_group"] == "evaluated_items"), key=lambda r: int(r["order_no"]))
    reference = [r["rule_code"] for r in groups if r["rule_group"] == "reference_items" and r["rule_code"] in items]
    return Edition(
        standard, evaluation, body, items, tuple(r["rule_code"] for r in evaluated), tuple(reference), sources, changes
    )


def _item(rows: Sequence[LimitRow], saturation: Decimal | None = None) -> ItemLimits:
    first = rows[0]
    code, sent = first.item_code, "1" if first.unit == "dimensionless" else first.unit
    unit = house_unit(code, sent)

    def values(numbers: Iterable[Decimal | None]) -> tuple[Decimal, ...]:
        return tuple(convert(number, sent, unit) for number in numbers if number is not None)

    highs, lows = values(row.value_hi for row in rows), values(row.value for row in rows)
    ranged = first.op == "range"
    return ItemLimits(
        code, unit, first.op, highs if ranged else lows, lows if ranged else (), saturation, first.clause, sent
    )


@cache
def status_words() -> Mapping[int, tuple[str, str]]:
    """Status word and colour word (Chinese) of a section by its class."""
    rows = csv_rows(PACKAGE, "surface_water_evaluation_2011.csv")
    return {int(r["order_no"]): (r["label_zh"], r["colour_zh"]) for r in rows if r["rule_group"] == "section_status"}


@cache
def rule(name: str, item: str = "") -> Decimal:
    """One figure of ``rules.csv``, in the unit of its row.

    Raises
    ------
    BadInput
        When there is no such row.
    """
    for row in csv_rows(PACKAGE, "rules.csv"):
        if row["rule"] == name and row["item"] == item:
            return Decimal(row["value"])
    raise BadInput(f"{PACKAGE} rules.csv has no rule {name!r} {item!r}")


@cache
def rule_items(name: str) -> frozenset[str]:
    """The factors that a list in ``rules.csv`` names."""
    return frozenset(row["item"] for row in csv_rows(PACKAGE, "rules.csv") if row["rule"] == name)
