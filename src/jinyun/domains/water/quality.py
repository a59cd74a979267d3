"""Class of a surface-water section: GB 3838-2002 table 1, evaluated by 环办[2011]22号. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from jinyun.domains.water.limits import WORSE, Edition, ItemLimits, rule, rule_items, status_words
from jinyun.kernel.errors import BadInput
from jinyun.methods.statistics import multiple, round_fraction


@dataclass(frozen=True, slots=True)
class ItemClass:
    """One item's part: its class, and how far it is over class III (None where the rules give no multiple)."""

    factor: str
    value: Decimal
    level: int  # 1…5, 6 = worse than class V
    multiple: Decimal | None = None


@dataclass(frozen=True, slots=True)
class SectionClass:
    """The class of a section by its worst item."""

    level: int
    status_zh: str
    items: Mapping[str, ItemClass]
    deciding: tuple[str, ...]  # 定类因子: the items that reach the section's class; none at class I
    main_indicators: tuple[str, ...]  # 主要污染指标, only when worse than class III
    evaluated: int  # items used, of `of`
    of: int


def item_class(limits: ItemLimits, value: Decimal, saturation: Decimal | None = None) -> int:
    """Class that one item reaches: the best one whose limit it meets; 6 when it meets none.

    A value equal to a limit meets it. Where two classes share a limit the better one is the answer (COD 15: class I).
    DO counts downwards and is class I also by `saturation` [%]. pH inside its range is class I, outside 6.
    For a non-detect give the detection limit: the answer is then the worst class it can be.
    """
    if limits.op == "range":
        inside = (
            n for n, (low, high) in enumerate(zip(limits.lows, limits.limits, strict=True), 1) if low <= value <= high
        )
        return next(inside, WORSE)
    if limits.op == "ge":
        if limits.saturation is not None and saturation is not None and saturation >= limits.saturation:
            return 1
        return next((n for n, limit in enumerate(limits.limits, 1) if value >= limit), WORSE)
    return next((n for n, limit in enumerate(limits.limits, 1) if value <= limit), WORSE)


def oxygen_saturation(oxygen: Decimal, temperature: Decimal) -> Decimal:
    """Saturation of dissolved oxygen in fresh water at sea-level pressure, kept to 0.1. [mg/L, degC -> %]

    HJ 2.3: DO_s = 468 / (31.6 + T). At altitude the true saturation is higher, so the answer errs to the safe side.
    """
    offset = rule("oxygen_saturation", "offset") + temperature
    if offset <= 0:
        raise BadInput(f"water of {temperature} degC has no oxygen saturation", field="water_temp")
    full = Fraction(rule("oxygen_saturation", "numerator")) / Fraction(offset)
    return round_fraction(Fraction(oxygen) / full * 100, 1)


def multiple_over(edition: Edition, factor: str, value: Decimal, level: int) -> Decimal | None:
    """How many times `value` is over the limit of class `level`: (C - S) / S; None for pH, DO and when not over."""
    limits = edition.item(factor)
    if factor in rule_items("no_multiple") or limits.op != "le":
        return None
    limit = limits.limits[level - 1]
    return multiple(value, limit, int(rule("multiple_places"))) if value > limit else None


def section_class(
    values: Mapping[str, Decimal], edition: Edition, *, saturation: Decimal | None = None
) -> SectionClass | None:
    """Class of a section from one value per item; None when none of the evaluated items is there.

    Items outside the 21 (temperature, TN, faecal coliform, conductivity …) never take part.

    Parameters
    ----------
    values : Mapping[str, Decimal]
        By factor id, in the factor's canonical unit.
    saturation : Decimal, optional
        Saturation of dissolved oxygen. [%]
    """
    reference = int(rule("reference_class"))
    items: dict[str, ItemClass] = {}
    for factor in edition.evaluated:
        if factor in values:
            value = values[factor]
            level = item_class(edition.item(factor), value, saturation)
            over = multiple_over(edition, factor, value, reference) if level > reference else None
            items[factor] = ItemClass(factor, value, level, over)
    if not items:
        return None
    worst = max(item.level for item in items.values())
    deciding = tuple(f for f, item in items.items() if item.level == worst and worst > 1)
    return SectionClass(
        worst, status_words()[worst][0], items, deciding, main_indicators(items), len(items), len(edition.evaluated)
    )


def main_indicators(items: Mapping[str, ItemClass]) -> tuple[str, ...]:
    """Main pollution indicators of a section worse than class III, 环办[2011]22号.

    Items worse than class III, cyanide and heavy metals first, then by class, then by multiple; three are kept.
    """
    reference = int(rule("reference_class"))
    first = rule_items("priority_indicator")
    worse = [item for item in items.values() if item.level > reference]
    worse.sort(key=lambda i: (i.factor not in first, -i.level, i.multiple is None, -(i.multiple or Decimal(0))))
    return tuple(item.factor for item in worse[: int(rule("main_indicators_max"))])
