"""Permit limits: chosen by day, factor and period, in the factor's unit."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from jinyun.domains.emission.conversion import (
    NotConvertible,
    flow_weighted,
    to_reference_oxygen,
    wet_to_dry,
)
from jinyun.domains.emission.limits import limits_on
from jinyun.domains.emission.rules import rules
from jinyun.kernel.errors import BadInput
from jinyun.methods.editions import NoEdition

DAY = date(2026, 11, 22)


def row(id="1", factor="cod_cr", limit="50", unit="mg/L", **more):
    return {"id": id, "outlet": "o", "factor": factor, "period": "day", "limit": limit, "unit": unit, **more}


def only(*rows, day=DAY):
    limits, bad = limits_on(day, rows)
    assert not bad
    (limit,) = limits
    return limit


@pytest.mark.parametrize(
    ("start", "end", "held"),
    [(None, None, True), ("2026-11-22", None, True), ("2026-11-23", None, False), (None, "2026-11-22", True),
     (None, "2026-11-21", False)],
)  # fmt: skip
def test_validity_holds_both_ends(start, end, held):
    assert bool(limits_on(DAY, [row(valid_from=start, valid_to=end)])[0]) is held


def test_the_newest_limit_holds_and_of_equals_the_stricter():
    old, new = row("1", limit="100", valid_from="2020-01-01"), row("2", limit="50", valid_from="2025-01-01")
    assert only(old, new).id == "2"
    assert only(old, new, day=date(2024, 1, 1)).id == "1"
    assert only(row("1", limit="60"), row("2", limit="50")).high == 50


def test_a_limit_is_put_into_the_factors_unit():
    assert only(row(factor="hg", limit="0.05")).high == 50  # mg/L -> ug/L
    assert only(row(factor="hg", limit="0.05")).unit == "ug/L"
    assert only(row(factor="cod_cr", unit="", limit="50")).high == 50


def test_ph_has_two_bounds():
    limit = only(row("1", "ph", "6", "1"), row("2", "ph", "9", "无量纲"))
    assert (limit.low, limit.high, limit.text) == (6, 9, "6–9")
    assert [limit.over(Decimal(v)) for v in ("5.99", "6", "9", "9.01")] == [True, False, False, True]
    assert only(row(factor="ph", limit="9", unit="")).low is None


def test_a_limit_that_cannot_be_used_is_named():
    limits, bad = limits_on(DAY, [row(unit="kg"), row("2", factor="codx")])
    assert not limits
    assert [one.id for one in bad] == ["1", "2"]
    assert "cannot turn 'kg' into 'mg/L'" in bad[0].why


def test_reference_oxygen():
    assert to_reference_oxygen(Decimal(300), Decimal(12), Decimal(10)) == Fraction(1100, 3)
    for oxygen in ("21", "21.5"):
        with pytest.raises(NotConvertible, match="cannot be converted"):
            to_reference_oxygen(Decimal(300), Decimal(oxygen), Decimal(9))
    with pytest.raises(NotConvertible):
        to_reference_oxygen(Decimal(300), Decimal(12), Decimal(21))


def test_other_conversions():
    assert round(float(wet_to_dry(Decimal(80), Decimal(12))), 4) == 90.9091
    assert flow_weighted([Decimal(40), Decimal(90)], [Decimal(0), Decimal(5)]) == 90  # no flow, no weight
    for wrong in (
        lambda: wet_to_dry(Decimal(1), Decimal(100)),
        lambda: wet_to_dry(Decimal(1), Decimal(-1)),
    ):
        with pytest.raises(BadInput):
            wrong()


def test_rules_by_the_day_of_the_data():
    assert rules(date(2018, 3, 1), stack=True).standard == "HJ 75-2017"
    with pytest.raises(NoEdition):
        rules(date(2018, 2, 28), stack=True)
