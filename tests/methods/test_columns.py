"""Exact columns: parsed, rounded and divided like Decimals and Fractions, row by row."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinyun.kernel.errors import BadInput
from jinyun.methods.columns import (
    MISSING,
    ceil_div,
    decimal_at,
    from_decimals,
    from_floats,
    from_texts,
    is_missing,
    micro,
    round_half_even,
    to_decimals,
)

numbers = st.integers(-(10**15), 10**15).map(lambda n: Decimal(n).scaleb(-6))
optional = st.lists(st.none() | numbers, min_size=1, max_size=30)


@given(optional)
def test_decimals_come_back_as_they_went(values):
    column = from_decimals(values)
    assert to_decimals(column) == values
    assert is_missing(column).tolist() == [one is None for one in values]
    assert decimal_at(column, 0) == values[0]


@given(optional)
def test_texts_are_read_exactly(values):
    assert to_decimals(from_texts(["" if one is None else str(one) for one in values])) == values


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1), st.integers(0, 6))
def test_the_printed_figure_behind_a_float_is_found(digits, places):
    printed = [Decimal(n).scaleb(-places) for n in digits]
    assert to_decimals(from_floats(np.array([float(one) for one in printed]))) == printed


@given(st.lists(st.integers(0, 99999), min_size=1), st.integers(0, 3))
def test_the_printed_figure_behind_a_32_bit_float_is_found(digits, places):
    printed = [Decimal(n).scaleb(-places) for n in digits]
    assert to_decimals(from_floats(np.array([float(one) for one in printed], dtype=np.float32))) == printed


def test_nan_is_missing_and_a_third_is_refused():
    assert from_floats(np.array([np.nan, 0.0])).tolist() == [MISSING, 0]
    with pytest.raises(BadInput, match=r"so2 row 2: .*0\.333"):
        from_floats(np.array([1.0, 1 / 3]), name="so2")
    with pytest.raises(BadInput, match="row 1"):
        from_floats(np.array([np.inf]))


def test_empty_cells_are_missing_and_words_are_refused():
    assert from_texts(["", "-", "—", "NA", " 7 ", "/"]).tolist() == [MISSING] * 4 + [7_000_000, MISSING]
    assert from_texts([]).tolist() == []
    with pytest.raises(BadInput, match="no2 row 2: 'many' is no number"):
        from_texts(["1", "many"], name="no2")
    with pytest.raises(BadInput, match="more than 6 decimals"):
        from_texts(["0.1234567"])
    for wrong in ("1e300", "9300000000000", "Infinity"):
        with pytest.raises(BadInput):
            micro(wrong)


@given(optional, st.integers(-2, 6))
def test_rounding_is_that_of_decimals(values, places):
    steps = round_half_even(from_decimals(values), places).tolist()
    unit = Decimal(1).scaleb(-places)
    for value, got in zip(values, steps, strict=True):
        if value is None:
            assert got == MISSING
        else:
            assert got == int(value.quantize(unit, rounding=ROUND_HALF_EVEN).scaleb(places))


@pytest.mark.parametrize(
    ("value", "places", "steps"),
    [("60.5", 0, 60), ("61.5", 0, 62), ("-0.5", 0, 0), ("-1.5", 0, -2), ("2.25", 1, 22), ("2.35", 1, 24),
     ("2.250001", 1, 23)],
)  # fmt: skip
def test_halves_go_to_the_even_digit(value, places, steps):
    assert round_half_even(from_texts([value]), places).tolist() == [steps]


def test_more_places_than_a_column_has_are_refused():
    with pytest.raises(BadInput, match="6 decimals"):
        round_half_even(from_texts(["1"]), 7)
    with pytest.raises(BadInput, match="positive"):
        ceil_div(from_texts(["1"]), 0)


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1), st.integers(1, 10**6))
def test_ceiling_is_exact(values, divisor):
    got = ceil_div(np.array(values, dtype=np.int64), divisor).tolist()
    assert got == [ceil(Fraction(value, divisor)) for value in values]


def test_missing_stays_missing_in_a_ceiling():
    assert ceil_div(from_decimals([None, Decimal(1)]), 3).tolist() == [MISSING, 333334]
