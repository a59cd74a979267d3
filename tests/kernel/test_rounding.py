"""GB/T 8170-2008, clause 3: examples as printed."""

from decimal import Decimal

import pytest

from jinyun.kernel.rounding import round_gb, round_significant

PRINTED = [
    ("12.1498", 0, "12"),
    ("12.1498", 1, "12.1"),
    ("1268", -2, "1.3E+3"),
    ("10.5002", 0, "11"),
    ("1.050", 1, "1.0"),
    ("0.35", 1, "0.4"),
    ("2500", -3, "2E+3"),
    ("3500", -3, "4E+3"),
    ("-0.0365", 3, "-0.036"),
]


@pytest.mark.parametrize(("value", "places", "printed"), PRINTED)
def test_rounds_as_the_standard_prints(value, places, printed):
    assert str(round_gb(value, places)) == printed


def test_float_is_refused_with_what_would_work():
    with pytest.raises(TypeError, match="printed text or a Decimal"):
        round_gb(0.35, 1)


# GB/T 8170-2008, 3.2.2 and 3.2.3: to three significant digits, half to even on the kept digit.
@pytest.mark.parametrize(
    ("value", "digits", "printed"),
    [("12.1498", 3, "12.1"), ("0.0325", 2, "0.032"), ("0.0335", 2, "0.034"), ("0", 3, "0")],
)
def test_significant_digits(value, digits, printed):
    assert round_significant(value, digits) == Decimal(printed)
