"""Construction land by GB 36600: all 85 items below, on, above; backgrounds, non-detects, plots of many samples."""

from __future__ import annotations

import csv
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinyun.domains.soil.answers import Sample
from jinyun.domains.soil.construction import judge_plot, judge_sample, land_class, limits_of
from jinyun.domains.soil.limits import background_items, edition
from jinyun.kernel.errors import BadInput, UnknownFactor
from jinyun.kernel.terms import Status
from jinyun.methods.editions import NoEdition

DAY = date(2026, 3, 2)
TABLE = Path(__file__).parents[3] / "src" / "jinyun" / "domains" / "soil" / "tables" / "gb36600_2018.csv"


def limits():
    """(item, class) -> (screening, control), read by the csv module alone."""
    found = {}
    with TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault((row["item_code"], row["group"]), {})[row["stage"]] = Decimal(row["value"])
    return {key: (value["screening"], value["control"]) for key, value in found.items()}


LIMITS = limits()


def test_there_are_85_items_45_of_them_basic():
    table = edition("construction", DAY)
    assert len(LIMITS) == 170
    assert (len(table.items), len(table.basic)) == (85, 45)


@pytest.mark.parametrize(("item", "group"), LIMITS)
def test_every_limit_below_on_and_above(item, group):
    screening, control = LIMITS[item, group]
    assert screening <= control  # toluene and some others have one value for both
    step = Decimal(1).scaleb(screening.adjusted() - 6)
    between = "investigate" if screening < control else "above_control"
    cases = [(Decimal(0), "negligible"), (screening - step, "negligible"), (screening, "negligible")]
    cases += [(screening + step, between), (control + step, "above_control")]
    if screening < control:
        cases += [(control - step, "investigate"), (control, "investigate")]
    for value, state in cases:
        verdict = judge_plot("地块", {item: value}, land=group, day=DAY)
        assert verdict.extra["state"] == state, value
        assert verdict.status is (Status.ATTAINS if state == "negligible" else Status.EXCEEDS)
        assert verdict.level == {"negligible": 1, "investigate": 3, "above_control": 5}[state]
        assert verdict.items[0].limit == format(screening, "f")
    found = limits_of(item, group, DAY)
    assert (found.screening, found.control) == (screening, control)


def test_the_limits_of_class_1_are_not_above_those_of_class_2():
    for (item, group), (screening, control) in LIMITS.items():
        if group == "land_class_1":
            other = LIMITS[item, "land_class_2"]
            assert (screening, control) <= other, item


@given(st.decimals(0, 500, places=3))
def test_the_multiple_has_two_decimals_half_to_even(value):
    item = judge_plot("地块", {"as": value}, land="1", day=DAY).items[0]
    expected = ((value - 20) / 20).quantize(Decimal("0.01"), ROUND_HALF_EVEN) if value > 20 else None
    assert item.multiple == (None if expected is None else str(expected))


USES = {
    "land_class_1": (None, "", "1", "R", "居住用地", "a33", "学校", "A5", "A6", "儿童公园"),
    "land_class_2": ("2", "M", "工业用地", "W", "B", "S", "绿地", "第二类用地"),
}


@pytest.mark.parametrize(("group", "use"), [(group, use) for group, uses in USES.items() for use in uses])
def test_uses_of_land(group, use):
    assert land_class(use, DAY).group == group


def test_an_unknown_use_or_item_is_named():
    with pytest.raises(BadInput, match="no land use '月球'"):
        judge_plot("地块", {"as": Decimal(1)}, land="月球", day=DAY)
    with pytest.raises(UnknownFactor, match="did you mean"):
        limits_of("benzen", "1", DAY)
    verdict = judge_plot("地块", {"砷": Decimal(1), "benzen": Decimal(9)}, land="1", day=DAY)
    assert verdict.status is Status.ATTAINS
    assert verdict.items[1].status is Status.CANNOT_JUDGE
    assert "benzene" in verdict.items[1].reason
    with pytest.raises(NoEdition):
        judge_plot("地块", {"as": Decimal(1)}, land="1", day=date(2018, 7, 31))
    with pytest.raises(BadInput, match="no samples"):
        judge_plot("地块", [], land="1", day=DAY)


@pytest.mark.parametrize("item", ["as", "co_metal", "v"])
def test_a_natural_background_excuses_as_co_and_v(item):
    screening, control = LIMITS[item, "land_class_1"]
    for value, background, state in (
        (screening + 1, screening + 1, "within_background"), (screening + 1, screening, "investigate"),
        (control + 1, control + 2, "within_background"), (screening, Decimal(0), "negligible"),
    ):  # fmt: skip
        verdict = judge_plot("地块", {item: value}, land="1", day=DAY, background={item: background})
        assert verdict.extra["state"] == state
        assert (verdict.status is Status.EXCEEDS) == (state == "investigate")


def test_no_other_item_is_excused():
    verdict = judge_plot("地块", {"pb": Decimal(401)}, land="1", day=DAY, background={"pb": Decimal(900)})
    assert verdict.extra["state"] == "investigate"


def test_non_detects():
    """A detection limit on the screening value tells; one above it does not."""
    screening, _ = LIMITS["hexachlorobenzene", "land_class_1"]
    for limit, status in (
        (screening, Status.ATTAINS), (screening + 1, Status.CANNOT_JUDGE), (screening * 100, Status.CANNOT_JUDGE),
    ):  # fmt: skip
        values = {"as": Decimal(1), "hexachlorobenzene": limit}
        verdict = judge_sample("样", values, land="1", day=DAY, non_detects={"hexachlorobenzene"})
        assert verdict.status is status
    assert (verdict.level, verdict.figure, verdict.extra["state"]) == (None, None, "cannot_judge")
    assert "检出限" in verdict.sentence_zh
    worse = judge_sample("样", {**values, "as": Decimal(21)}, land="1", day=DAY, non_detects={"hexachlorobenzene"})
    assert worse.extra["state"] == "investigate"


def test_missing_invalid_and_nothing():
    verdict = judge_plot("地块", {"as": None, "pb": Decimal(1)}, land="1", day=DAY)
    assert (verdict.status, verdict.items[0].status) == (Status.ATTAINS, Status.CANNOT_JUDGE)
    assert judge_plot("地块", {"as": None}, land="1", day=DAY).status is Status.CANNOT_JUDGE
    assert judge_plot("地块", {"as": Decimal(-1), "pb": Decimal(1)}, land="1", day=DAY).status is Status.CANNOT_JUDGE


def test_the_worst_of_many_samples_gives_the_plot():
    samples = [
        Sample("S1", {"as": Decimal(10), "pb": Decimal(500)}),
        Sample("S2", {"as": Decimal(25), "pb": Decimal(100)}),
        Sample("S3", {"as": Decimal(119), "pb": None}),
        Sample("S4", {"as": Decimal(3), "pb": Decimal(3)}),
    ]
    verdict = judge_plot("老厂", samples, land="R", day=DAY)
    assert (verdict.extra["state"], verdict.deciding) == ("investigate", ("as", "pb"))
    assert verdict.extra["worst_sample"] == {"as": "S3", "pb": "S1"}
    assert verdict.extra["by_state"] == {"negligible": 1, "within_background": 0, "investigate": 3, "above_control": 0}
    assert [item.figure for item in verdict.items] == ["119", "500"]
    assert "4个有效样品中2个超筛选值（50.0%）" in verdict.items[0].reason
    assert "3个有效样品中1个超筛选值（33.3%）" in verdict.items[1].reason
    assert verdict.sentence_zh == (
        "老厂（居住用地，第一类用地）3月2日砷 119 mg/kg（超过筛选值 20，超筛选值 4.95 倍）、"
        "铅 500 mg/kg（超过筛选值 400，超筛选值 0.25 倍），超筛选值，应开展详细调查和风险评估"
        "（评价2项，其中基本项目2/45）；4个有效样品中3个超筛选值（75.0%）。"
    )
    assert verdict.window.end - verdict.window.start == 86400


def test_the_items_a_background_excuses_are_those_the_table_notes():
    with TABLE.open(encoding="utf-8", newline="") as file:
        noted = {row["item_code"] for row in csv.DictReader(file) if "natural background" in row["note"]}
    assert background_items() == noted
