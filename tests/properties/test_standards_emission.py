"""Emission standards at every figure: each row is reached by its group, stage and condition, and judged at its edge."""

from __future__ import annotations

import csv
import re
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standard_rows import DOMAINS, step_of, tried

from jinyun.domains.emission.conversion import to_reference_oxygen
from jinyun.domains.emission.outlet import judge_outlet
from jinyun.domains.emission.standards import limits_of, standards, table_of
from jinyun.kernel.terms import Status

DAY = date(2026, 5, 1)
STACK = re.compile(r"stack (\d+) m;?(.*)")
COMPARES = ("le", "lt", "ge", "gt", "range")


def groups():
    """Standard -> the groups a person names, with the groups of the table that belong to each."""
    found = {}
    with (DOMAINS / "emission" / "tables" / "groups.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            includes = [word.strip() for word in row["includes"].split("|")]
            found.setdefault(row["standard"], []).append((row["group"], includes))
    return found


GROUPS = groups()


def reached(standard, row):
    """The limit that a row gives when its group, stage, condition and stack are named."""
    facts, conditions = {}, [row.condition] if row.condition else []
    if hit := STACK.match(row.condition):
        facts, conditions = {"height": Decimal(hit[1])}, [hit[2]] if hit[2] else []
    stages = [row.stage] if row.stage in ("new", "in_use", "special") else ["new", "in_use"] if row.stage else [None]
    for group in [name for name, includes in GROUPS.get(standard, ()) if row.group in includes] or [None]:
        for stage in stages:
            found = limits_of(standard, group=group, conditions=conditions, stage=stage, on=DAY, facts=facts)
            for limit in found:
                for one in limit.alternatives or (limit,):
                    if (one.item, one.op, one.value, one.value_hi) == (row.item_code, row.op, row.value, row.value_hi):
                        return one
    return None


def status(limit, value):
    """What the outlet's verdict says of one value against one limit."""
    where = {"rate": "rates", "fugitive": "boundary", "removal": "removal"}.get(limit.kind)
    given_ = {where: {limit.key: value}} if where else {}
    values = {} if where else {limit.key: value}
    return judge_outlet("outlet", values, [limit], day=DAY, converted={limit.key}, **given_).status


@pytest.mark.parametrize("standard", standards())
def test_every_limit_is_reached_and_judged_below_on_and_above(standard):
    rows = [row for row in table_of(standard) if row.op in COMPARES and row.value is not None]
    for row in rows:
        limit = reached(standard, row)
        assert limit is not None, row
        low, _ = limit.bound()
        scale = low / row.value if row.value and limit.kind == "concentration" else Decimal(1)
        for value, complies in tried(row, step_of(row.value, Decimal("0.1"))):
            if value < 0:
                continue
            wanted = Status.ATTAINS if complies else Status.EXCEEDS
            assert status(limit, value * scale) is wanted, (row, value, limit)
    if not rows:
        assert any(not row.obtained for row in table_of(standard))


def test_what_was_not_obtained_judges_nothing():
    """DB50/963-2020: its figures were not obtained; a value can neither attain nor exceed."""
    limits = limits_of("DB50/963-2020", on=DAY)
    assert limits
    for limit in limits:
        assert not limit.judgeable
        assert limit.reason
        assert status(limit, Decimal(1)) is Status.CANNOT_JUDGE


PER_CENT = st.decimals(min_value=0, max_value="20.9", places=1)


@settings(deadline=None)
@given(
    st.decimals(min_value=0, max_value=2000, places=2),
    PER_CENT,
    st.sampled_from(["3", "3.5", "6", "8", "9", "10", "15"]),
)
def test_reference_oxygen_is_exact(measured, oxygen, reference):
    """C (21 - O2_ref)/(21 - O2), as a rational number; a figure on the limit complies there too."""
    found = to_reference_oxygen(measured, oxygen, Decimal(reference))
    assert found == Fraction(measured) * (21 - Fraction(reference)) / (21 - Fraction(oxygen))
