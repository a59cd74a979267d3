"""Marks on online data (公告2022年第21号): kinds, clock, effect, and that they are only ever added."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import pytest

from jinyun.domains.emission import marking
from jinyun.domains.emission.marking import Mark, append, effect_on, in_time, standing
from jinyun.kernel.errors import BadInput, Conflict, NotFound
from jinyun.kernel.terms import CHINA, instant

H = 3600


def at(*moment):
    """Seconds of a moment in China time."""
    return instant(datetime(*moment, tzinfo=CHINA))


START = at(2026, 3, 1, 8)
SOON = at(2026, 3, 1, 20)


def mark(code="boiler_cold_start", industry="boiler", hours=6, id="1", **more):
    given = {"outlet": "o", "start": START, "end": START + hours * H, "author": "王工", "at": SOON, "reason": "点火",
             "evidence": ("DCS log",)}  # fmt: skip
    return Mark(id, industry=industry, code=code, **{**given, **more})


@pytest.mark.parametrize(
    ("marked", "good"), [("2023-05-04T11:59", True), ("2023-05-04T12:00", True), ("2023-05-04T12:01", False)]
)
def test_marks_of_a_day_are_in_by_noon_of_the_next(marked, good):
    assert in_time(date(2023, 5, 3), instant(datetime.fromisoformat(marked))) is good


@pytest.mark.parametrize(
    ("industry", "code", "hours"),
    [("boiler", "boiler_cold_start", 4), ("boiler", "boiler_hot_start", 2), ("boiler", "boiler_stop", 1),
     ("thermal_power", "start", 4), ("thermal_power", "stop", 1), ("cement", "cold_ignition", 36),
     ("cement", "hot_ignition", 8), ("cement", "kiln_stop", 8)],
)  # fmt: skip
def test_time_limits_of_conditions(industry, code, hours):
    assert marking.exempt_hours(industry, code) == hours


def test_a_device_mark_makes_data_invalid():
    effect = effect_on([mark("maintenance", "")], START + H, "stack_so2")
    assert (effect.valid, effect.judged, effect.marks) == (False, False, ("1",))
    assert effect_on([mark("maintenance", "")], START + 6 * H, "stack_so2").valid


def test_a_condition_mark_exempts_inside_its_time_limit_and_its_items():
    """Cold start of a boiler: NOx is not judged for four hours."""
    marks = [mark()]
    judged = [effect_on(marks, START + n * H, "stack_nox").judged for n in range(-1, 7)]
    assert judged == [True, False, False, False, False, True, True, True]
    assert effect_on(marks, START, "stack_so2").judged
    assert all(effect_on(marks, START + n * H, "stack_nox").valid for n in range(6))  # still good for the amount
    assert "已超过4小时" in effect_on(marks, START + 4 * H, "stack_nox").reason


def test_power_start_may_be_extended():
    marks = [mark("start", "thermal_power", hours=10)]
    assert effect_on(marks, START + 4 * H, "stack_nox").judged
    longer = [replace(marks[0], extended=True)]
    assert not effect_on(longer, START + 7 * H, "stack_nox").judged
    assert effect_on(longer, START + 8 * H, "stack_nox").judged


def test_without_control_or_in_part_of_an_hour_it_is_judged():
    assert effect_on([mark(controls_kept=False)], START, "stack_nox").judged
    assert effect_on([mark(start=START + 60)], START, "stack_nox").judged


def test_a_late_mark_changes_nothing_and_says_so():
    late = at(2026, 3, 2, 12, 1)
    effect = effect_on([mark(at=late)], START, "stack_nox")
    assert effect.judged
    assert "逾期" in effect.reason
    assert not effect_on([mark(at=late, automatic=True)], START, "stack_nox").judged


def test_before_2023_there_were_no_marks():
    old = at(2022, 12, 31, 8)
    one = mark("maintenance", "", start=old, end=old + H, at=old)
    assert effect_on([one], old, "stack_so2").valid
    new = at(2023, 1, 1, 8)
    assert not effect_on([replace(one, start=new, end=new + H, at=new)], new, "stack_so2").valid


def test_waste_incineration_keeps_150_while_starting():
    effect = effect_on([mark("furnace_start", "waste_incineration")], START, "stack_pm")
    assert (effect.judged, effect.limit) == (True, Decimal(150))
    assert marking.start_stop_limit() == 150


def test_marks_are_added_withdrawn_and_never_changed():
    first = append((), mark())
    both = append(first, mark(id="2", withdraws="1", reason="误标"))
    assert len(both) == 2
    assert standing(both) == []
    assert effect_on(both, START, "stack_nox").judged
    with pytest.raises(Conflict):
        append(first, mark(reason="other"))
    with pytest.raises(NotFound):
        append(first, mark(id="3", withdraws="9"))


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"reason": " "}, "reason"), ({"author": ""}, "author"), ({"end": START}, "end"), ({"evidence": ()}, "evidence")],
)
def test_a_mark_says_who_why_and_by_what(wrong, field):
    with pytest.raises(BadInput) as refused:
        append((), mark(**wrong))
    assert refused.value.field == field


def test_an_unknown_mark_names_those_there_are():
    with pytest.raises(NotFound, match="did you mean 'boiler_cold_start'"):
        append((), mark("boiler_cold_stat"))
    with pytest.raises(NotFound):
        append((), mark("kiln_stop", "boiler"))  # of another industry
    assert set(marking.device_rules()) == set("NFMSDCTB")
