"""Rates by the height of the stack (GB 16297-1996 7.1–7.4, annexes A and B)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jinyun.domains.emission.rate import (
    Stack,
    distance,
    emission_rate,
    equivalent_stack,
    equivalent_stacks,
    near,
    rate_limit,
)
from jinyun.kernel.errors import BadInput, NotFound

D = Decimal


@pytest.mark.parametrize(
    ("item", "height", "rate", "how"),
    [("nmhc", 15, "10", "listed"), ("nmhc", 25, "35", "interpolated"), ("so2", 55, "47", "interpolated"),
     ("nmhc", 50, "156.25", "above"), ("nmhc", 12, "3.2", "below"), ("benzene", 18, "0.74", "interpolated"),
     ("so2", 100, "170", "listed"), ("so2", 200, "680", "above")],
)  # fmt: skip
def test_worked_heights(item, height, rate, how):
    found = rate_limit(item, D(height))
    assert (found.exact, found.how) == (Fraction(rate), how)


def test_chlorine_below_its_lowest_height_of_25_m_is_not_halved_above_15():
    """Chlorine is listed from 25 m (0.52 kg/h): at 20 m by the square law, halved only below 15 m."""
    assert rate_limit("cl2", D(25)).exact == Fraction("0.52")
    assert rate_limit("cl2", D(20)).exact == Fraction("0.52") * Fraction(20, 25) ** 2
    assert rate_limit("cl2", D(14)).exact == Fraction("0.52") * Fraction(14, 25) ** 2 / 2


def test_a_stack_not_five_metres_above_its_neighbours_has_half():
    assert rate_limit("nmhc", D(25), buildings=D(20)).exact == 35
    lower = rate_limit("nmhc", D(25), buildings=D("20.1"))
    assert (lower.exact, lower.halved) == (Fraction(35, 2), ("buildings",))
    both = rate_limit("nmhc", D(12), buildings=D(10))
    assert (both.exact, both.halved) == (Fraction("1.6"), ("low_stack", "buildings"))


def test_dust_by_kind_and_grade():
    assert rate_limit("pm", D(15)).exact == Fraction("3.5")
    assert rate_limit("pm", D(15), grade="grade_3").exact == 5
    assert rate_limit("pm", D(15), kind="carbon black and dye dust").exact == Fraction("0.51")


def test_what_cannot_be_answered():
    with pytest.raises(NotFound, match="did you mean"):
        rate_limit("so3", D(15))
    with pytest.raises(NotFound):
        rate_limit("so2", D(15), grade="grade_1")  # no new source there
    with pytest.raises(BadInput, match="not above zero"):
        rate_limit("so2", D(0))
    with pytest.raises(BadInput, match="holds from 1997-01-01"):
        rate_limit("so2", D(15), on=date(1996, 12, 31))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3000), st.sampled_from(["so2", "nox", "nmhc", "hcl", "benzene", "cl2"]))
def test_a_higher_stack_may_never_emit_less(tenths, item):
    height = D(tenths) / 10
    assert rate_limit(item, height).exact <= rate_limit(item, height + D("0.1")).exact


def test_rate_of_a_stack():
    assert emission_rate(D(120), D(50000)) == 6  # mg/m3 × m3/h
    assert emission_rate(D(120000), D(50000), unit="ug/m3") == 6


def test_two_near_stacks_count_as_one():
    """Annex A: Q = Q1 + Q2, h = sqrt((h1² + h2²)/2), on the line at a·Q2/Q from the first."""
    one, two = Stack(D(0), D(0), D(30), D(3), "1"), Stack(D(40), D(0), D(40), D(1), "2")
    found = equivalent_stack(one, two)
    assert (found.rate, found.x, found.y) == (4, 10, 0)
    assert found.height**2 == pytest.approx(1250)
    assert near(one, two)
    assert not near(one, Stack(D(70), D(0), D(40), D(1)))  # 70 is not less than 70
    assert distance(one, Stack(D(3), D(4), D(1), D(1))) == 5
    with pytest.raises(BadInput):
        equivalent_stack(Stack(D(0), D(0), D(1), D(0)), Stack(D(1), D(0), D(1), D(0)))


def test_several_stacks_are_joined_one_by_one():
    row = [Stack(D(20 * n), D(0), D(20), D(1), str(n)) for n in range(3)]
    far = Stack(D(500), D(0), D(20), D(7), "far")
    joined = equivalent_stacks([*row, far])
    assert [(stack.name, stack.rate) for stack in joined] == [("0+1+2", 3), ("far", 7)]
    first = equivalent_stack(equivalent_stack(row[0], row[1]), row[2])
    assert joined[0] == first
    assert (first.x, first.height) == (20, 20)  # 10, then 10 + 30/3
