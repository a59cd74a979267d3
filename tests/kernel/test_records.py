"""Declared types accept what is right and name all that is wrong."""

import pytest

from jinyun.kernel.errors import InvalidRecord, NotFound
from jinyun.kernel.records import Field, Procedure, RecordType, Transition

PLOT = RecordType(
    "plot",
    "地块",
    "Plot",
    (
        Field("name", "名称", "Name", required=True),
        Field("area", "面积", "Area", "number", unit="m2", minimum="0"),
        Field("count", "数量", "Count", "integer", maximum="10"),
        Field("use", "用途", "Use", "code", codes={"home": ("居住", "Homes"), "works": ("工业", "Works")}),
        Field("place", "位置", "Place", "place"),
        Field("day", "日期", "Day", "date"),
        Field("at", "时间", "At", "datetime"),
        Field("tags", "标签", "Tags", many=True),
        Field("code", "编码", "Code", pattern=r"\d{6}"),
    ),
)


def test_canonical_form():
    clean = PLOT.validate(
        {
            "name": "甲",
            "area": "10.50",
            "count": "3",
            "use": "home",
            "place": {"lon": "106.4", "lat": 29.8},
            "day": "2026-03-01",
            "at": "2026-03-01T08:00:00+08:00",
            "tags": ["a"],
            "code": "500109",
        }
    )
    assert clean["area"] == "10.50"  # as printed, not a float
    assert clean["count"] == 3
    assert clean["place"] == {"lon": 106.4, "lat": 29.8}


def test_every_problem_is_named_at_once():
    with pytest.raises(InvalidRecord) as caught:
        PLOT.validate(
            {
                "area": "-1",
                "count": 2.5,
                "use": "park",
                "day": "03/01",
                "at": "2026-03-01T08:00:00",
                "tags": "a",
                "code": "5001",
                "colour": "red",
                "place": {"lon": 200, "lat": 0},
            }
        )
    problems = caught.value.problems
    assert set(problems) == {"name", "area", "count", "use", "day", "at", "tags", "code", "colour", "place"}
    assert problems["use"] == "'park' is not one of home, works"
    assert "time zone" in problems["at"]


@pytest.mark.parametrize("wrong", ["NaN", "Infinity", "1e", True])
def test_number_must_be_one(wrong):
    with pytest.raises(InvalidRecord):
        PLOT.validate({"name": "甲", "area": wrong})


@pytest.mark.parametrize("wrong", ["0E-100000000", "0E+100000000", "-0e-9999999", "1E-61", "1E61"])
def test_a_number_that_would_be_written_with_endless_zeros_is_refused(wrong):
    with pytest.raises(InvalidRecord, match="too large or too small"):
        PLOT.validate({"name": "甲", "area": wrong})


def test_zeros_keep_their_decimals():
    assert [PLOT.validate({"area": one}, partial=True)["area"] for one in ("0", "0.00", "-0.0", "0E-5")] == [
        "0", "0.00", "-0.0", "0.00000",
    ]  # fmt: skip


@pytest.mark.parametrize("wrong", [{"lon": 9}, {"lat": 29}, {}, {"lon": 10**400, "lat": 29}, {"lon": 9, "lat": 9e400}])
def test_half_a_place_is_none(wrong):
    with pytest.raises(InvalidRecord) as caught:
        PLOT.validate({"name": "甲", "place": wrong})
    assert set(caught.value.problems) == {"place"}


def test_what_is_wrong_can_be_told_whatever_it_was_called():
    with pytest.raises(InvalidRecord) as caught:
        PLOT.validate({"name": "甲", "\ud800": 1})
    assert list(caught.value.problems) == ["\\ud800"]
    assert str(caught.value).encode()


def test_partial_keeps_what_is_given():
    assert PLOT.validate({"area": "1"}, partial=True) == {"area": "1"}


def test_available_steps_follow_state_and_role():
    steps = Procedure(
        "open",
        {"open": ("开", "Open"), "shut": ("关", "Shut")},
        (
            Transition("shut", "关", "Shut", ("open",), "shut"),
            Transition("auto", "自", "Auto", ("open",), "shut", by=("system",)),
        ),
    )
    assert [t.name for t in steps.available("open", ["officer"])] == ["shut"]
    assert steps.available("shut", ["officer"]) == []
    with pytest.raises(NotFound, match="did you mean 'shut'"):
        steps.transition("shutt")


def test_unknown_kind_is_refused_when_declared():
    with pytest.raises(ValueError, match="unknown kind 'colour'"):
        RecordType("x", "x", "x", (Field("a", "a", "a", "colour"),))
