"""Conversions of flue-gas values: HJ 75-2017, annex formulas. Pure, exact."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from jinyun.domains.emission.rules import rule, table_figure
from jinyun.kernel.errors import BadInput
from jinyun.methods.statistics import weighted_mean


class NotConvertible(BadInput):
    """The oxygen content leaves nothing to convert with: the value cannot be judged."""

    code = "not-convertible"


def to_reference_oxygen(measured: Decimal, oxygen: Decimal, reference: Decimal) -> Fraction:
    """Concentration at reference oxygen 折算浓度: C (21 - O2_ref) / (21 - O2). [mg/m3, %, %]

    Raises
    ------
    NotConvertible
        When the oxygen measured is that of air or more, or `reference` is.

    References
    ----------
    .. [1] GB 4915-2013 eq. 1; GB 13271-2014 eq. 1; HJ 75-2017 annex.
    """
    air = rule("oxygen_of_air")
    if oxygen >= air or reference >= air:
        raise NotConvertible(
            f"oxygen of {oxygen} % cannot be converted to {reference} %", hint=f"both are below {air} %"
        )
    return Fraction(measured) * Fraction(air - reference) / Fraction(air - oxygen)


def wet_to_dry(wet: Decimal, moisture: Decimal) -> Fraction:
    """Dry concentration from a wet one: C / (1 - X/100). [mg/m3, %]

    Raises
    ------
    BadInput
        For a moisture that is not in 0 ≤ X < 100.
    """
    if not 0 <= moisture < 100:
        raise BadInput(f"moisture of {moisture} % is not between 0 and 100", field="moisture")
    return Fraction(wet) / (1 - Fraction(moisture) / 100)


def flow_weighted(values: Sequence[Decimal], flows: Sequence[Decimal]) -> Fraction:
    """Day value of water: mean weighted by flow; readings at zero flow weigh nothing (HJ 356). [mg/L, any flow]"""
    return weighted_mean(values, flows)


def nox_as_no2(no: Decimal, no2: Decimal) -> Fraction:
    """Nitrogen oxides reported as NO2: NO × M(NO2)/M(NO) + NO2 (HJ 75-2017 annex). [mg/m3]"""
    return Fraction(no) * Fraction(rule("molar_mass", "no2")) / Fraction(rule("molar_mass", "no")) + Fraction(no2)


def ppm_to_mass(volume: Decimal, molar_mass: Decimal) -> Fraction:
    """Mass concentration of a gas at 273 K: M / 22.4 × C (HJ 75-2017 annex). [umol/mol, g/mol -> mg/m3]"""
    return Fraction(molar_mass) / Fraction(table_figure("hj75_2017.csv", "ppm_to_mass")) * Fraction(volume)


def to_standard_state(value: Decimal, ambient: Decimal, static: Decimal, temperature: Decimal) -> Fraction:
    """Concentration at 273 K and 101325 Pa: C × 101325/(Ba + Ps) × (273 + ts)/273 (HJ 75-2017 annex).

    [mg/m3, Pa, Pa, degC -> mg/m3]

    Raises
    ------
    BadInput
        When the pressure in the stack is not above zero.
    """
    zero, normal = Fraction(rule("zero_celsius")), Fraction(rule("standard_pressure"))
    pressure = Fraction(ambient) + Fraction(static)
    if pressure <= 0:
        raise BadInput(f"stack pressure of {ambient} + {static} Pa is not above zero", field="pressure")
    return Fraction(value) * normal / pressure * (zero + Fraction(temperature)) / zero
