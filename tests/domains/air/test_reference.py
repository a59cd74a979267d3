"""Reference state: 273 K until August 2018, 298.15 K since; gases only."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from jinyun.domains.air.days import DayValues
from jinyun.domains.air.reference import is_gas, rebase, reference_temperature, to_reference_state
from jinyun.kernel.errors import BadInput

BEFORE, AFTER = date(2018, 8, 31), date(2018, 9, 1)


def test_the_state_changes_on_the_first_of_september_2018():
    assert (reference_temperature(BEFORE), reference_temperature(AFTER)) == (Decimal(273), Decimal("298.15"))
    assert reference_temperature(date(2026, 3, 1)) == Decimal("298.15")


def test_an_old_gas_value_is_multiplied_by_0_9157():
    """rules 2.1: 273/298.15 = 0.9157 (rounded there to four decimals; 0.91565)."""
    found = to_reference_state(Decimal(100), "so2", Decimal(273), day=AFTER)
    assert found == Fraction(27300) / Fraction("298.15")
    assert abs(found - Fraction("91.57")) < Fraction("0.01")
    assert to_reference_state(Decimal(100), "so2", day=AFTER, measured_on=BEFORE) == found
    back = to_reference_state(Decimal(100), "o3", day=BEFORE, measured_on=AFTER)
    assert back == 100 * Fraction("298.15") / 273


@pytest.mark.parametrize("name", ["pm10", "pm2_5", "tsp", "pb", "benzo_a_pyrene"])
def test_particles_never_change(name):
    assert not is_gas(name)
    assert to_reference_state(Decimal("35.5"), name, Decimal(273), day=AFTER) == Fraction("35.5")


def test_same_state_changes_nothing():
    assert to_reference_state(Decimal(80), "no2", day=AFTER, measured_on=date(2026, 3, 1)) == 80


def test_a_series_is_brought_to_one_state_and_says_so():
    values = {"so2": Decimal(100), "pm10": Decimal(70), "co": None, "o3_1h": Decimal(200)}
    found = rebase([DayValues(BEFORE, values, frozenset({"s"})), DayValues(AFTER, values)], AFTER)
    old, new = found.days
    assert (old.values["so2"], old.values["pm10"], old.values["co"]) == (Decimal("91.564649"), Decimal(70), None)
    assert old.values["o3_1h"] == Decimal("183.129297")
    assert (new.values, old.stamps, found.changed) == (values, frozenset({"s"}), 1)
    assert found.note_zh == "1天的气态污染物浓度已换算到298.15 K参比状态，颗粒物不换算"
    assert rebase([DayValues(AFTER, values)], AFTER).note_en == ""


def test_refused():
    with pytest.raises(BadInput, match="give from_k"):
        to_reference_state(Decimal(1), "so2", day=AFTER)
    with pytest.raises(BadInput, match="cannot be"):
        to_reference_state(Decimal(1), "so2", Decimal(0), day=AFTER)
    with pytest.raises(BadInput, match="no item"):
        is_gas("lead")
