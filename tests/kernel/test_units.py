"""Units: exact, and refused where two do not measure the same thing."""

from decimal import Decimal

import pytest

from jinyun.kernel.errors import BadInput
from jinyun.kernel.factors import factors
from jinyun.kernel.flags import COUNTS, WORDS, flag_words
from jinyun.kernel.terms import Flag
from jinyun.kernel.units import convert, unit_factor, unit_of


def test_units():
    assert convert(Decimal("0.0001"), "mg/L", "ug/L") == Decimal("0.1")
    assert convert(Decimal("2.5"), "μg/m³", "mg/m3") == Decimal("0.0025")
    assert convert(Decimal(50), "mg/m3", "mg/m3") == 50
    assert unit_of(" mg/m³ ") == "mg/m3"
    with pytest.raises(BadInput, match="cannot turn 'mg/L' into '%'"):
        convert(Decimal(1), "mg/L", "%")


def test_there_and_back_is_exact():
    for factor in factors().values():
        if factor.unit.endswith(("g/L", "g/m3")):
            base = "mg/L" if factor.unit.endswith("L") else "mg/m3"
            assert unit_factor(factor.unit, base) * unit_factor(base, factor.unit) == 1, factor.id


def test_every_flag_has_words_and_few_count():
    assert set(WORDS) == set(Flag)
    assert all(flag_words(flag) for flag in Flag)
    assert {Flag.NORMAL, Flag.UNKNOWN, Flag.NON_DETECT} == COUNTS
