"""Composite index 环境空气质量综合指数: the sum of six single indices; smaller is better (HJ 663). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from jinyun.domains.air.evaluation import number
from jinyun.domains.air.limits import PACKAGE, item
from jinyun.kernel.errors import BadInput
from jinyun.kernel.tables import csv_rows
from jinyun.kernel.units import convert
from jinyun.methods.editions import edition_on
from jinyun.methods.statistics import round_fraction

CLAIMED = "claimed_2026"
"""Weights 3/2/2/1/1/1 that one implementer of 2026 claims; not confirmed, so never the default."""


@dataclass(frozen=True, slots=True)
class CompositeIndex:
    """`total` None: an item is missing, and a sum over five would look better than it is."""

    total: Decimal | None  # as printed, two decimals
    exact: Fraction | None
    terms: Mapping[str, Decimal]  # single indices as printed, unweighted
    main: tuple[str, ...]  # the item with the largest (weighted) term; ties all named
    missing: tuple[str, ...]
    standard: str
    denominators: Mapping[str, Decimal]
    weights: Mapping[str, Decimal]


def composite_index(
    values: Mapping[str, Decimal | None],
    on: date,
    *,
    round_terms: bool = False,
    weights: Mapping[str, Decimal] | str | None = None,
) -> CompositeIndex:
    """Composite index of a month or a year: Σ w·C/S.

    Parameters
    ----------
    values : Mapping[str, Decimal | None]
        so2, no2, pm10, pm2_5: means [µg/m³]; co: P95 of day means [mg/m³]; o3: P90 of the daily maximum 8 h means
        [µg/m³]. As printed by the edition, since bureaus divide the printed figures.
    on : date
        Chooses the denominators: GB 3095 level 2, in 2026 to 2030 those of the transition.
    round_terms : bool
        Round every term to two decimals before adding, as some bureaus do.
    weights : Mapping or ``"claimed_2026"``, optional
        By item; default all 1.

    Raises
    ------
    BadInput
        For a value of an item that has no part in the index, unknown weights, or weights that leave an item out.

    References
    ----------
    .. [1] HJ 663; denominators by GB 3095 level 2.
    """
    edition = edition_on(csv_rows(PACKAGE, "editions.csv"), "composite", on)
    rows = [row for row in csv_rows(PACKAGE, edition["table"]) if row["standard"] == edition["stage"]]
    unknown = set(values) - {row["pollutant"] for row in rows}
    if unknown:
        raise BadInput(f"{', '.join(sorted(unknown))} has no part in the composite index", field="values")
    places = number("decimals_index")
    terms: dict[str, Fraction] = {}
    weighted: dict[str, Fraction] = {}
    denominators: dict[str, Decimal] = {}
    factors: dict[str, Decimal] = {}
    missing = []
    for row in rows:
        name = row["pollutant"]
        denominators[name] = convert(Decimal(row["denominator"]), row["unit"], item(name).unit)
        factors[name] = _weight(row, weights)
        value = values.get(name)
        if value is None:
            missing.append(name)
            continue
        terms[name] = Fraction(value) / Fraction(denominators[name])
        if round_terms:
            terms[name] = Fraction(round_fraction(terms[name], places))
        weighted[name] = terms[name] * Fraction(factors[name])
    exact = None if missing else sum(weighted.values(), Fraction(0))
    top = max(weighted.values(), default=None)
    return CompositeIndex(
        total=None if exact is None else round_fraction(exact, places),
        exact=exact,
        terms={name: round_fraction(term, places) for name, term in terms.items()},
        main=() if exact is None else tuple(name for name, term in weighted.items() if term == top),
        missing=tuple(missing),
        standard=edition["stage"],
        denominators=denominators,
        weights=factors,
    )


def _weight(row: Mapping[str, str], weights: Mapping[str, Decimal] | str | None) -> Decimal:
    if weights is None:
        return Decimal(row["weight_default"])
    if isinstance(weights, str):
        if weights != CLAIMED:
            raise BadInput(f"unknown weights {weights!r}", field="weights", hint=f"a mapping, or {CLAIMED}")
        return Decimal(row["weight_claimed_2026"] or row["weight_default"])
    if row["pollutant"] not in weights:
        raise BadInput(f"no weight for {row['pollutant']}", field="weights", hint="give one for each of the six")
    return weights[row["pollutant"]]
