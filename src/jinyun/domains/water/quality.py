"""Class of a surface-water section: GB 3838-2002 table 1, evaluated by 环办[2011]22号. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from jinyun.domains.water.limits import WORSE, Edition, ItemLimits, rule, rule_items, status_words
from jinyun.kernel.errors import BadInput
from jinyun.methods.statistics import multiple, round_fraction


@dataclass(frozen=True, slots=True)
class ItemClass:
    """One item's part: its class, and how far it is over class III (None where the rules give no multiple).

    Of a non-detect only a span is known: `best`…`level`; of a figure both are the same.
    """

    factor: str
    value: Decimal  # of a non-detect: its detection limit
    level: int  # 1…5, 6 = worse than class V; the worst it can be
    multiple: Decimal | None = None
    best: int = 0  # the best it can be
    non_detect: bool = False


@dataclass(frozen=True, slots=True)
class SectionClass:
    """The class of a section by its worst item. `best` is below `level` where a non-detect leaves the class open."""

    level: int
    status_zh: str
    items: Mapping[str, ItemClass]
    deciding: tuple[str, ...]  # 定类因子: the items that reach the section's class; none at class I
    main_indicators: tuple[str, ...]  # 主要污染指标, only when worse than class III
    evaluated: int  # items used, of `of`
    of: int
    best: int = 0


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


def class_span(limits: ItemLimits, detection_limit: Decimal) -> tuple[int, int]:
    """Best and worst class that an item can have which was not detected.

    It meets every limit from its detection limit upwards; whether it meets a lower one cannot be told. Of dissolved
    oxygen, which counts downwards, only what it cannot be is known; of pH nothing.
    """
    if limits.op == "range":
        return 1, WORSE
    if limits.op == "ge":
        return next((n for n, limit in enumerate(limits.limits, 1) if limit < detection_limit), WORSE), WORSE
    return 1, item_class(limits, detection_limit)


def oxygen_saturation(oxygen: Decimal, temperature: Decimal) -> Decimal:
    """Saturation of dissolved oxygen in fresh water at sea-level pressure, kept to 0.1. [mg/L, degC -> %]

    HJ 2.3: DO_s = 468 / (31.6 + T). At altitude the true saturation is higher, so the answer errs to the safe side.

    Raises
    ------
    BadInput
        For a temperature at which the formula has no value.
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
    values: Mapping[str, Decimal],
    edition: Edition,
    *,
    saturation: Decimal | None = None,
    non_detects: Collection[str] = (),
) -> SectionClass | None:
    """Class of a section from one value per item; None when none of the evaluated items is there.

    Items outside the 21 (temperature, TN, faecal coliform, conductivity …) never take part.

    Parameters
    ----------
    values : Mapping[str, Decimal]
        By item code, in the item's unit (`items.house_unit`); of a non-detect its detection limit.
    saturation : Decimal, optional
        Saturation of dissolved oxygen. [%]
    non_detects : collection of str
        Items that were not detected.
    """
    reference = int(rule("reference_class"))
    items: dict[str, ItemClass] = {}
    for factor in edition.evaluated:
        if factor not in values:
            continue
        value, limits = values[factor], edition.item(factor)
        if factor in non_detects:
            best, level = class_span(limits, value)
            items[factor] = ItemClass(factor, value, level, None, best, True)
        else:
            level = item_class(limits, value, saturation)
            over = multiple_over(edition, factor, value, reference) if level > reference else None
            items[factor] = ItemClass(factor, value, level, over, level)
    if not items:
        return None
    worst, best = max(item.level for item in items.values()), max(item.best for item in items.values())
    deciding = tuple(f for f, item in items.items() if item.level == worst and worst > 1)
    word = status_words()[worst][0]
    indicators = main_indicators(items)
    return SectionClass(worst, word, items, deciding, indicators, len(items), len(edition.evaluated), best)


def main_indicators(items: Mapping[str, ItemClass]) -> tuple[str, ...]:
    """Main pollution indicators of a section worse than class III, 环办[2011]22号.

    Items worse than class III, cyanide and heavy metals first, then by class, then by multiple; three are kept. An
    item that was not detected is never one.
    """
    reference = int(rule("reference_class"))
    first = rule_items("priority_indicator")
    worse = [item for item in items.values() if item.level > reference and not item.non_detect]
    worse.sort(key=lambda i: (i.factor not in first, -i.level, i.multiple is None, -(i.multiple or Decimal(0))))
    return tuple(item.factor for item in worse[: int(rule("main_indicators_max"))])
