"""Reference state of gases: 273 K until 2018-08-31, 298.15 K since; particles stay as sampled (GB 3095). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from jinyun.domains.air.days import DayValues
from jinyun.domains.air.evaluation import rule
from jinyun.domains.air.limits import PACKAGE, items
from jinyun.kernel.errors import BadInput
from jinyun.kernel.tables import csv_rows
from jinyun.methods.columns import PLACES
from jinyun.methods.editions import edition_on
from jinyun.methods.statistics import round_fraction


def reference_temperature(day: date) -> Decimal:
    """Temperature that gas concentrations of a day are stated at. [K]"""
    standard = edition_on(csv_rows(PACKAGE, "editions.csv"), "reference_state", day)["standard"]
    return Decimal(rule("reference_temperature", standard)["value"])


def is_gas(factor: str) -> bool:
    """True when the concentration of an item hangs on the reference temperature. ``o3_1h`` is O3.

    Raises
    ------
    BadInput
        For a name that is no item of GB 3095.
    """
    name = factor.removesuffix("_1h")
    if name not in items():
        raise BadInput(f"{factor} is no item of GB 3095", field="factor", hint=f"items are {', '.join(items())}")
    return items()[name].gas


def to_reference_state(
    value: Decimal, factor: str, from_k: Decimal | None = None, *, day: date, measured_on: date | None = None
) -> Fraction:
    """A concentration stated at one temperature, in the reference state that is in force on `day`. Exact.

    Parameters
    ----------
    value : Decimal
        Concentration at `from_k` and 1013.25 hPa. [any mass per volume]
    factor : str
        Item; a particle (PM, TSP, Pb, BaP…) comes back unchanged: it is stated as sampled.
    from_k : Decimal, optional
        Temperature it is stated at [K]; else that in force on `measured_on`. One of the two is needed.

    Raises
    ------
    BadInput
        When neither `from_k` nor `measured_on` is given, a temperature is not above 0 K, or the item is unknown.

    References
    ----------
    .. [1] GB 3095-2012, 3.14 and its amendment of 2018: c298 = c273 × 273 / 298.15.
    """
    if from_k is None and measured_on is None:
        raise BadInput(
            "the state a concentration is stated at is not known", field="from_k",
            hint="give from_k in kelvin, or measured_on, the date of the data",
        )  # fmt: skip
    if not is_gas(factor):
        return Fraction(value)
    have = from_k if from_k is not None else reference_temperature(measured_on or day)
    if have <= 0:
        raise BadInput(f"a temperature of {have} K cannot be", field="from_k")
    return Fraction(value) * Fraction(have) / Fraction(reference_temperature(day))


@dataclass(frozen=True, slots=True)
class Rebased:
    """A series in one reference state."""

    days: tuple[DayValues, ...]
    changed: int  # days whose gases were converted
    kelvin: Decimal  # the state all are in now
    note_zh: str
    note_en: str


def rebase(days: Sequence[DayValues], on: date) -> Rebased:
    """All days in the reference state in force on `on`, each by its own date; rounded once, to six decimals."""
    out, changed, kelvin = [], 0, reference_temperature(on)
    for one in days:
        if reference_temperature(one.day) == kelvin:
            out.append(one)
            continue
        changed += 1
        values = {
            name: value
            if value is None or not is_gas(name)
            else round_fraction(to_reference_state(value, name, day=on, measured_on=one.day), PLACES)
            for name, value in one.values.items()
        }
        out.append(DayValues(one.day, values, one.stamps))
    if not changed:
        return Rebased(tuple(out), 0, kelvin, "", "")
    return Rebased(
        tuple(out), changed, kelvin,
        f"{changed}天的气态污染物浓度已换算到{kelvin} K参比状态，颗粒物不换算",
        f"gases of {changed} days were converted to {kelvin} K, particles were not",
    )  # fmt: skip
