"""Means of water samples over time and over sections or points: the values are averaged, never the classes. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext

from jinyun.domains.water.limits import rule
from jinyun.kernel.errors import BadInput
from jinyun.kernel.factors import factors
from jinyun.kernel.rounding import round_gb
from jinyun.kernel.terms import Period
from jinyun.methods.statistics import decimals, mean, round_fraction

PH_MEANS = ("values", "hydrogen")
"""How pH is averaged: its values, as agencies do, or the hydrogen ions."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One sampling, or one section: values by item in the item's unit; of a non-detect the detection limit."""

    values: Mapping[str, Decimal | None]
    non_detects: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Means:
    """Means of items and how many values each rests on. Items never detected keep their detection limit."""

    values: Mapping[str, Decimal]
    counts: Mapping[str, int]
    non_detects: frozenset[str]
    """Items that were not detected in a single one: the value is the highest of their detection limits."""
    too_few: Mapping[str, int] = field(default_factory=dict)
    """Items with fewer samplings than the period needs, and how many it needs: left out of `values`."""


def mean_of(values: Sequence[Decimal], *, item: str = "", ph: str = "values", places: int | None = None) -> Decimal:
    """Arithmetic mean, rounded once to the places of its values and at least those its factor is shown with (or to
    `places`).

    Parameters
    ----------
    item : str
        Of ``ph`` with `ph` ``hydrogen`` the hydrogen ions are averaged; of a known factor its shown places are kept.
    ph : str
        ``values`` or ``hydrogen``.

    Raises
    ------
    BadInput
        Without a value, or for another word in `ph`.
    """
    if ph not in PH_MEANS:
        raise BadInput(f"pH cannot be averaged by {ph!r}", field="ph", hint=f"one of {', '.join(PH_MEANS)}")
    if places is None:
        known = factors().get(item)
        shown = (known.decimals if known is not None else None) or 0  # 2.0 and 7.0 are not numbers of no decimals
        places = max([shown, *(decimals(value) for value in values)]) + int(rule("mean_places_extra"))
    if item != "ph" or ph == "values" or not values:
        return round_fraction(mean(values), places)
    with localcontext() as context:
        context.prec = 40
        ions = sum((Decimal(10) ** -value for value in values), Decimal(0)) / len(values)
        return round_gb(-ions.log10(), places)


def mean_samples(samples: Sequence[Sample], *, ph: str = "values", least: int = 1) -> Means:
    """Mean of each item over samples that have a value of it; a non-detect counts with half its detection limit.

    An item that was not detected in any of them is not averaged: it stays a non-detect by its highest detection limit.

    Parameters
    ----------
    ph : str
        ``values`` or ``hydrogen``, see `mean_of`.
    least : int
        Samples an item needs.

    Raises
    ------
    BadInput
        For an unknown word in `ph`.
    """
    share = rule("non_detect_share")
    codes = dict.fromkeys(code for sample in samples for code in sample.values)
    found: dict[str, Decimal] = {}
    counts: dict[str, int] = {}
    never, few = set(), {}
    for code in codes:
        pairs = [(sample.values[code], code in sample.non_detects) for sample in samples if code in sample.values]
        here = [(value, lost) for value, lost in pairs if value is not None]
        counts[code] = len(here)
        if len(here) < least:
            few[code] = least
        elif all(lost for _, lost in here):
            never.add(code)
            found[code] = max(value for value, _ in here)
        else:
            found[code] = mean_of([value * share if lost else value for value, lost in here], item=code, ph=ph)
    return Means(found, counts, frozenset(never), few)


def samples_needed(period: Period, *, ice: bool = False) -> int:
    """Samplings that a value of the period needs: a month one, a quarter two, a year twelve (eight where ice prevents).

    From memory (``rules.csv``). Any other period rests on one.
    """
    name = {Period.MONTH: "month", Period.QUARTER: "quarter", Period.YEAR: "year"}.get(period)
    if name is None:
        return 1
    return int(rule("samples_min_ice" if ice and name == "year" else "samples_min", name))


def time_mean(samples: Sequence[Sample], period: Period, *, ice: bool = False, ph: str = "values") -> Means:
    """Mean of one section or point over the samplings of a period; items with too few samplings are in `too_few`.

    Parameters
    ----------
    samples : sequence of Sample
        For a year the monthly values.
    ice : bool
        Ice prevents sampling for some months: eight are enough for a year.
    """
    return mean_samples(samples, ph=ph, least=samples_needed(period, ice=ice))
