"""Composite index: figures that bureaus published, and both editions' denominators."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from jinyun.domains.air.composite import CLAIMED, composite_index
from jinyun.kernel.errors import BadInput

OLD, NEW, FINAL = date(2023, 6, 1), date(2026, 3, 1), date(2031, 1, 1)


def numbers(**texts):
    return {name: Decimal(text) for name, text in texts.items()}


S26 = numbers(pm2_5="21", pm10="39", so2="9", no2="15", o3="192", co="0.7")
S27 = numbers(so2="9", no2="14", pm10="77", co="1.1", o3="96", pm2_5="23")
CITY = numbers(so2="12", no2="31", pm10="74", pm2_5="37", co="1.4", o3="168")


def test_published_indices():
    """rules 2.5: 3.06; 3.14 with every term rounded first (exact 3.132); 4.48 (exact 4.489: within 0.02)."""
    assert composite_index(S26, OLD).total == Decimal("3.06")
    assert composite_index(S27, OLD).total == Decimal("3.13")
    assert composite_index(S27, OLD, round_terms=True).total == Decimal("3.14")
    assert abs(composite_index(CITY, OLD).exact - Fraction("4.48")) < Fraction("0.02")


def test_terms_main_and_exact_sum():
    found = composite_index(S26, OLD)
    exact = Fraction(21, 35) + Fraction(39, 70) + Fraction(9, 60) + Fraction(15, 40) + Fraction(192, 160)
    assert found.exact == exact + Fraction(7, 40)
    assert found.main == ("o3",)
    assert found.terms["pm2_5"] == Decimal("0.60")
    assert (found.standard, set(found.weights.values())) == ("HJ 663-2013", {Decimal(1)})


@pytest.mark.parametrize(
    ("on", "denominators"),
    [
        (OLD, {"so2": 60, "no2": 40, "pm10": 70, "pm2_5": 35, "co": 4, "o3": 160}),
        (NEW, {"so2": 60, "no2": 40, "pm10": 60, "pm2_5": 30, "co": 4, "o3": 160}),
        (FINAL, {"so2": 20, "no2": 30, "pm10": 50, "pm2_5": 25, "co": 4, "o3": 160}),
    ],
)
def test_denominators_are_the_level_2_limits_of_the_edition(on, denominators):
    assert composite_index(S26, on).denominators == denominators
    # Each item at its own limit: six terms of one, all of them the main one.
    found = composite_index({name: Decimal(value) for name, value in denominators.items()}, on)
    assert (found.total, len(found.main)) == (Decimal("6.00"), 6)


def test_weights_are_all_one_unless_asked():
    whole = {name: Decimal(value) for name, value in composite_index(S26, NEW).denominators.items()}
    assert composite_index(whole, NEW).total == Decimal("6.00")
    assert composite_index(whole, NEW, weights=CLAIMED).total == Decimal("10.00")  # 3+2+2+1+1+1
    assert composite_index(whole, NEW, weights=CLAIMED).main == ("pm2_5",)
    assert composite_index(whole, OLD, weights=CLAIMED).total is not None  # 2013 claims none: all 1
    mine = dict.fromkeys(whole, Decimal("0.5"))
    assert composite_index(whole, NEW, weights=mine).total == Decimal("3.00")


def test_a_missing_item_gives_no_total():
    found = composite_index({**S26, "o3": None}, OLD)
    assert (found.total, found.exact, found.main, found.missing) == (None, None, (), ("o3",))
    assert found.terms["co"] == Decimal("0.18")  # 0.175, half to even


def test_refused():
    with pytest.raises(BadInput, match="nox has no part"):
        composite_index({"nox": Decimal(1)}, OLD)
    with pytest.raises(BadInput, match="unknown weights"):
        composite_index(S26, NEW, weights="mine")
    with pytest.raises(BadInput, match="no weight for"):
        composite_index(S26, NEW, weights={"so2": Decimal(1)})
