"""Limits of the emission standards: choice of row, editions, gaps, the user's own rows, every limit of every table."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jinyun.domains.emission import selection, standards
from jinyun.domains.emission.outlet import judge_outlet
from jinyun.domains.emission.standards import limits_of
from jinyun.kernel.errors import BadInput, NotFound
from jinyun.kernel.factors import factors
from jinyun.kernel.tables import csv_rows
from jinyun.kernel.terms import Status
from jinyun.methods.editions import NoEdition
from jinyun.methods.limit_checks import check_editions, check_rows, check_rule_rows
from jinyun.methods.limit_rows import limit_rows

PACKAGE = "jinyun.domains.emission"
ON = date(2026, 3, 1)
D = Decimal
TABLES = ("gb8978_1996", "gb16297_1996", "gb13223_2011", "gb13271_2014", "gb4915_2013", "gb18918_2002",
          "gb18918_removal", "ultra_low", "db50_chongqing")  # fmt: skip


def one(standard, item, kind="concentration", **how):
    (found,) = [limit for limit in limits_of(standard, on=ON, **how) if limit.item == item and limit.kind == kind]
    return found


# --- tables -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TABLES)
def test_shipped_tables_pass_the_checker(name):
    assert check_rows(csv_rows(PACKAGE, f"{name}.csv")) == []


@pytest.mark.parametrize(
    "name",
    ["hj75_2017", "hj356_2019", "online_marking_rules", "rules", "marks", "selectors",
     "condition_words", "stages", "groups", "gaps", "grades", "items"],
)  # fmt: skip
def test_shipped_rules_pass_the_checker(name):
    assert check_rule_rows(csv_rows(PACKAGE, f"{name}.csv")) == []


def test_editions_ascend_and_name_tables_that_are_there():
    rows = csv_rows(PACKAGE, "editions.csv")
    assert check_editions(rows) == []
    for row in rows:
        assert csv_rows(PACKAGE, row["table"])
        assert {one["standard"] for one in csv_rows(PACKAGE, row["table"])} & {row["standard"], "HJ 953-2018"}


def test_every_condition_of_a_table_that_asks_a_fact_is_spelled():
    """A selector names a part of a condition that some row really has."""
    for selector in csv_rows(PACKAGE, "selectors.csv"):
        rows = standards.table_of(selector["standard"])
        assert selector["condition"] in {part for row in rows for part in selection.parts_of(row.condition)}


def test_chinese_words_are_of_conditions_that_are_there():
    for row in csv_rows(PACKAGE, "condition_words.csv"):
        parts = {part for one in standards.table_of(row["standard"]) for part in selection.parts_of(one.condition)}
        assert row["condition"] in parts


def test_every_item_is_mapped_or_said_to_have_no_factor():
    mapped = {row["item"]: row for row in csv_rows(PACKAGE, "items.csv")}
    for name in TABLES:
        for row in limit_rows(csv_rows(PACKAGE, f"{name}.csv")):
            assert (
                row.item_code in mapped or row.item_code not in factors() or factors()[row.item_code].medium == "water"
            )
    for row in mapped.values():
        assert row["factor"] in factors() or (not row["factor"] and row["note"])


# --- every limit of every table: below, on, above ---------------------------------------------------------------------

ROWS = [row for name in TABLES for row in limit_rows(csv_rows(PACKAGE, f"{name}.csv")) if row.op != "text"]


def asked_for(row):
    """What a caller says to be judged by this very row."""
    facts, conditions = {}, []
    for part in selection.parts_of(row.condition):
        asked = selection.selectors(row.standard).get(part)
        if asked is None and not part.startswith("stack "):
            conditions.append(part)
        for selector in asked or ():
            facts.update(satisfied(selector, facts))
    if row.group.startswith("rate_"):
        facts["height"] = row.condition.partition(" m")[0].removeprefix("stack ")
        conditions = [part for part in conditions if not part.startswith("stack ")]
    group = row.group
    for name, known in selection.groups_of(row.standard).items():
        if row.group in known.includes and (not known.items or row.item_code in known.items) and fits(row, known):
            group = name
            break
    stage = facts.pop("stage", None) or {"existing_and_new": "in_use"}.get(row.stage, row.stage) or "new"
    return group, conditions, stage, facts


def fits(row, group):
    """Rows that hold only with a heat source of its own, or for one fuel, need the group that says so."""
    return group.reference_o2 or row.item_code == "pm" or group.medium != "gas" or "kiln" not in row.note


def satisfied(selector, facts):
    fact, value = selector["fact"], selector["value"]
    if not fact or fact in facts:
        return {}
    if selector["op"] == "in":
        return {fact: value.split()[0]}
    if selector["op"] in ("lt", "gt"):
        step = {"lt": -1, "gt": 1}[selector["op"]]
        if value.count("-") == 2:
            return {fact: date.fromordinal(date.fromisoformat(value).toordinal() + step)}
        return {fact: D(value) + D(step) / 1000}
    return {fact: value}


@cache
def limit_for(row):
    """The limit that `limits_of` hands out for a row of a table: the row's own figure and unit."""
    group, conditions, stage, facts = asked_for(row)
    limits = limits_of(row.standard, group=group, conditions=conditions, stage=stage, on=ON, facts=facts)
    mine = [
        limit for limit in limits if (limit.item, limit.printed, limit.unit) == (row.item_code, row.printed, row.unit)
    ]
    assert mine, (row, [limit.printed for limit in limits if limit.item == row.item_code])
    assert (mine[0].value, mine[0].value_hi) == (row.value, row.value_hi)
    return mine[0]


def judged(row, value):
    limit = limit_for(row)
    given = {limit.key: value}
    kinds = {"rate": {"rates": given}, "fugitive": {"boundary": given}, "removal": {"removal": given}}
    if limit.kind in kinds:
        return judge_outlet("case", {}, (limit,), day=ON, **kinds[limit.kind]).status
    units = {limit.key: standards_unit(limit)}
    return judge_outlet("case", given, (limit,), day=ON, units=units, converted=(limit.key,)).status


def standards_unit(limit):
    return "1" if limit.unit == "Ringelmann" else limit.unit


@pytest.mark.parametrize(
    "row", ROWS, ids=lambda row: f"{row.standard}-{row.item_code}-{row.group}-{row.condition}-{row.stage}"
)
def test_below_on_and_above_every_limit(row):
    if row.op == "not_detected":
        assert judged(row, D(0)) is Status.ATTAINS
        assert judged(row, D("0.0001")) is Status.EXCEEDS
        return
    step = abs(row.value).scaleb(-4)
    low, on, high = (judged(row, row.value + k * step) for k in (-1, 0, 1))
    good, bad = Status.ATTAINS, Status.EXCEEDS
    expected = {"le": (good, good, bad), "lt": (good, bad, bad), "ge": (bad, good, good), "gt": (bad, bad, good),
                "range": (bad, good, good)}[row.op]  # fmt: skip
    assert (low, on, high) == expected
    if row.op == "range":
        assert [judged(row, row.value_hi + k * step) for k in (-1, 0, 1)] == [good, good, bad]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([row for row in ROWS if row.op == "le" and row.value]), st.integers(0, 3000))
def test_any_value_is_judged_as_exact_arithmetic_says(row, per_mille):
    value = row.value * per_mille / 1000
    want = Status.ATTAINS if Fraction(per_mille, 1000) <= 1 else Status.EXCEEDS
    assert judged(row, value) is want


# --- the most special row ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("conditions", "value"),
    [
        ((), 100),
        (("leather",), 300),
        (("皮革",), 300),
        (("petrochemicals including refining",), 120),
        (("石油化工（包括石油炼制）",), 120),
    ],
)
def test_gb_8978_named_industries_else_other_units(conditions, value):
    """COD, table 4 item 5: other units 100/150/500; leather 100/300/1000; petrochemicals 60/120/500."""
    grade = "grade_1" if not conditions else "grade_2"
    assert one("GB 8978-1996", "cod_cr", group=grade, conditions=conditions).value == value


@pytest.mark.parametrize(("receiving", "value"), [("3", 100), (4, 150), ("5", 150), ("sewer", 500)])
def test_gb_8978_grade_by_receiving_water(receiving, value):
    assert one("GB 8978-1996", "cod_cr", facts={"receiving_class": receiving}).value == value


@pytest.mark.parametrize(
    "facts", [{"receiving_class": 1}, {"receiving_class": 2}, {"receiving_class": 3, "protected": True}]
)
def test_gb_8978_no_outlet_into_the_best_waters(facts):
    with pytest.raises(BadInput, match="no new outlet"):
        limits_of("GB 8978-1996", on=ON, facts=facts)


def test_gb_8978_first_class_pollutants_hold_at_the_workshop_whatever_the_grade():
    for grade in ("grade_1", "grade_2", "grade_3"):
        assert one("GB 8978-1996", "cd", group=grade).value == D("0.1")
    at_workshop = limits_of("GB 8978-1996", group="workshop", on=ON)
    assert len(at_workshop) == 13
    assert {limit.condition for limit in at_workshop} == {"workshop outlet"}
    plant = limits_of("GB 8978-1996", group="grade_1", on=ON, facts={"position": "plant"})
    assert "cd" not in {limit.item for limit in plant}


@pytest.mark.parametrize(
    ("stage", "province", "value"),
    [("in_use", "重庆", 550), ("in_use", "510100", 550), ("in_use", "Guizhou", 550), ("in_use", "广西壮族自治区", 550),
     ("in_use", "浙江", 400), ("in_use", None, 400), ("new", "重庆", 300), ("special", "重庆", 200)],
)  # fmt: skip
def test_gb_13271_sulfur_dioxide_of_coal_boilers(stage, province, value):
    limit = one("GB 13271-2014", "so2", group="coal", stage=stage, facts={"province": province})
    assert (limit.value, limit.reference_o2, limit.factor) == (value, 9, "stack_so2")


@pytest.mark.parametrize(
    ("stage", "province", "value"),
    [("new", "", 100), ("new", "重庆市", 200), ("in_use", "", 200), ("in_use", "四川", 400), ("special", "重庆", 50)],
)
def test_gb_13223_sulfur_dioxide_of_coal(stage, province, value):
    limit = one("GB 13223-2011", "so2", group="coal_boiler", stage=stage, facts={"province": province})
    assert (limit.value, limit.reference_o2) == (value, 6)


def test_gb_13223_special_nitrogen_oxides_are_100_and_ultra_low_is_another_table():
    assert one("GB 13223-2011", "nox", group="coal_boiler", stage="special").value == 100
    policy = {limit.item: limit.value for limit in limits_of("超低排放（燃煤电厂）", on=ON)}
    assert policy == {"pm": 10, "so2": 35, "nox": 50}


@pytest.mark.parametrize(
    ("how", "value"),
    [({}, 100), ({"facts": {"built": "2003-12-31"}}, 200), ({"facts": {"built": date(2004, 1, 1)}}, 100),
     ({"conditions": ("W-flame",)}, 200), ({"conditions": ("existing circulating fluidised bed",)}, 200)],
)  # fmt: skip
def test_gb_13223_nitrogen_oxides_of_old_or_w_flame_boilers(how, value):
    assert one("GB 13223-2011", "nox", group="coal_boiler", stage="in_use", **how).value == value


def test_gb_13223_special_limits_that_were_not_obtained_are_not_replaced_by_the_general_ones():
    for group in ("gas_turbine", "gas_boiler", "oil_boiler", "oil_turbine"):
        limit = one("GB 13223-2011", "nox", group=group, stage="special", facts={"fuel": "natural_gas"})
        assert (limit.value, limit.judgeable, limit.printed) == (None, False, "")
        verdict = judge_outlet("x", {"stack_nox": D(1)}, (limit,), day=ON, oxygen=D(5))
        assert verdict.status is Status.CANNOT_JUDGE
        assert "未获得" in verdict.sentence_zh


@pytest.mark.parametrize(
    ("standard", "group", "oxygen"),
    [("GB 4915-2013", "kiln", 10), ("GB 4915-2013", "dryer_own_heat", 8), ("GB 4915-2013", "mill", None),
     ("GB 13271-2014", "coal", 9), ("GB 13271-2014", "oil", D("3.5")), ("GB 13271-2014", "gas", D("3.5")),
     ("GB 13223-2011", "coal_boiler", 6), ("GB 13223-2011", "gas_boiler", 3), ("GB 13223-2011", "oil_boiler", 3),
     ("GB 13223-2011", "gas_turbine", 15)],
)  # fmt: skip
def test_reference_oxygen_by_kind_of_facility(standard, group, oxygen):
    found = {limit.reference_o2 for limit in limits_of(standard, group=group, stage="new", on=ON) if limit.item == "pm"}
    assert found == {oxygen}


def test_gb_4915_special_limits_and_dryers():
    assert one("GB 4915-2013", "nox", group="kiln", stage="special").value == 320
    assert one("GB 4915-2013", "nox", group="kiln", stage="in_use").value == 400
    assert one("GB 4915-2013", "so2", group="dryer_own_heat", stage="special").value == 400
    assert {limit.item for limit in limits_of("GB 4915-2013", group="dryer", stage="new", on=ON)} == {"pm"}


@pytest.mark.parametrize(("temperature", "value"), [("12.0", 8), ("12", 8), ("12.1", 5), ("-1", 8)])
def test_gb_18918_ammonia_by_temperature(temperature, value):
    assert one("GB 18918-2002", "nh3_n", group="grade_1a", facts={"water_temp": D(temperature)}).value == value


@pytest.mark.parametrize(("built", "value"), [("2005-12-31", D("1.5")), ("2006-01-01", 1)])
def test_gb_18918_phosphorus_by_the_year_of_building(built, value):
    assert one("GB 18918-2002", "tp", group="grade_1b", facts={"built": built}).value == value


def test_gb_18918_grade_3_removal_replaces_the_concentration_of_strong_inflow():
    weak = one("GB 18918-2002", "cod_cr", group="grade_3", facts={"inflow_cod_cr": D(350)})
    assert (weak.kind, weak.value, weak.op) == ("concentration", 120, "le")
    strong = one("GB 18918-2002", "cod_cr", "removal", group="grade_3", facts={"inflow_cod_cr": D("350.1")})
    assert (strong.value, strong.op, strong.unit) == (60, "gt", "%")
    for rate, status in (("60", Status.EXCEEDS), ("60.1", Status.ATTAINS)):
        assert judge_outlet("x", {}, (strong,), day=ON, removal={"cod_cr": D(rate)}).status is status
    assert one("GB 18918-2002", "bod5", "removal", group="grade_3", facts={"inflow_bod5": 161}).value == 50


def test_gb_18918_optional_items_only_when_selected():
    assert "ni" not in {limit.item for limit in limits_of("GB 18918-2002", group="grade_1a", on=ON)}
    both = limits_of("GB 18918-2002", group=("grade_1a", "optional"), on=ON)
    assert {"ni", "cod_cr", "hg"} <= {limit.item for limit in both}


def test_gb_16297_three_limits_at_once():
    found = limits_of("GB 16297-1996", group="grade_2", on=ON, facts={"height": 15})
    nmhc = {limit.kind: limit.value for limit in found if limit.item == "nmhc"}
    assert nmhc == {"concentration": 120, "rate": 10, "fugitive": 4}
    dust = limits_of(
        "GB 16297-1996", group="grade_2", on=ON, facts={"height": 15}, conditions=("carbon black and dye dust",)
    )
    assert {limit.kind: limit.value for limit in dust if limit.item == "pm"} == {
        "concentration": 18, "rate": D("0.51"), "fugitive": None,
    }  # fmt: skip
    without = [limit for limit in limits_of("GB 16297-1996", group="grade_2", on=ON) if limit.kind == "rate"]
    assert {limit.missing_facts for limit in without} == {("height",)}


# --- what is not known ------------------------------------------------------------------------------------------------


def test_an_unknown_fact_leaves_the_alternatives():
    limit = one("GB 18918-2002", "nh3_n", group="grade_1a")
    assert (limit.value, limit.printed, limit.missing_facts) == (None, "≤ 5 或 ≤ 8", ("water_temp",))
    assert [limit.met_by(D(v)) for v in ("5", "5.1", "8", "8.1")] == [True, None, None, False]
    assert one("GB 13271-2014", "hg", group="coal").value == D("0.05")  # all stages agree


@pytest.mark.parametrize(("standard", "built"), [("GB 8978-1996", "1997-12-31"), ("GB 16297-1996", "1996-12-31")])
def test_older_sources_follow_tables_that_were_not_transcribed(standard, built):
    group = "grade_1" if "8978" in standard else "grade_2"
    old = limits_of(standard, group=group, on=ON, facts={"built": built, "height": 20})
    assert old
    assert not any(limit.judgeable for limit in old)
    assert all("未收录" in limit.reason for limit in old)
    new = limits_of(standard, group=group, on=ON, facts={"built": "1998-01-01", "height": 20})
    assert any(limit.judgeable for limit in new)


def test_db50_963_cannot_be_judged():
    limits = limits_of("DB50/963-2020", on=ON)
    assert [limit.item for limit in limits] == ["cod_cr", "nh3_n", "tp", "tn"]
    verdict = judge_outlet("北碚某厂", {"cod_cr": D(1), "tp": D("0.01")}, limits, day=ON)
    assert (verdict.status, verdict.figure, verdict.level) == (Status.CANNOT_JUDGE, None, None)
    assert "限值未获得" in verdict.sentence_zh
    assert "not obtained" in verdict.sentence_en


@pytest.mark.parametrize(
    ("standard", "stage", "day"),
    [("GB 18918-2002", None, date(2003, 6, 30)), ("GB 13271-2014", "in_use", date(2015, 9, 30)),
     ("GB 13271-2014", "new", date(2014, 6, 30)), ("DB50/963-2020", None, date(2020, 3, 31))],
)  # fmt: skip
def test_a_day_before_the_standard_has_no_limits(standard, stage, day):
    with pytest.raises(NoEdition, match="not in force"):
        limits_of(standard, group=None, stage=stage, on=day)
    after = date.fromordinal(day.toordinal() + 1)
    group = {"GB 18918-2002": "grade_1a", "GB 13271-2014": "coal"}.get(standard)
    assert limits_of(standard, group=group, stage=stage, on=after)


@pytest.mark.parametrize("name", ["GB18918", "gb 18918", "GB 18918-2002", "gb18918-2002"])
def test_standards_by_the_names_people_write(name):
    assert standards.standard_named(name) == "GB 18918-2002"


def test_unknown_names_say_what_there_is():
    with pytest.raises(NotFound, match="did you mean 'GB 18918-2002'"):
        limits_of("GB 18919-2002", on=ON)
    with pytest.raises(BadInput, match="one of grade_1a, grade_1b"):
        limits_of("GB 18918-2002", on=ON)
    with pytest.raises(BadInput, match="no group 'grade_4'"):
        limits_of("GB 18918-2002", group="grade_4", on=ON)
    with pytest.raises(BadInput, match=r"no condition 'lether'.*leather"):
        limits_of("GB 8978-1996", group="grade_1", conditions=("lether",), on=ON)
    with pytest.raises(BadInput, match="built 'long ago' cannot be compared"):
        limits_of("GB 18918-2002", group="grade_1a", on=ON, facts={"built": "long ago"})


# --- the user's own rows ----------------------------------------------------------------------------------------------


def user(**more):
    return {"standard": "DB50/963-2020", "item_code": "cod_cr", "op": "le", "value": "30", "unit": "mg/L", "group": "",
            "condition": "", "stage": "", "period": "daily", "source": "text in hand", **more}  # fmt: skip


def test_rows_of_the_user_fill_what_was_not_obtained():
    rows = [user()]
    assert standards.check_rows(rows) == []
    limits = {limit.item: limit for limit in limits_of("DB50/963-2020", on=ON, extra_rows=rows)}
    assert (limits["cod_cr"].value, limits["cod_cr"].verified) == (30, "entered by the user")
    assert not limits["tp"].judgeable
    verdict = judge_outlet("x", {"cod_cr": D("30.1")}, tuple(limits.values()), day=ON)
    assert (verdict.status, verdict.clause) == (Status.EXCEEDS, "DB50/963-2020")


def test_rows_of_the_user_hold_in_their_dates():
    rows = [user(value="40", valid_to="2025-12-31"), user(value="30", valid_from="2026-01-01")]
    assert standards.check_rows(rows) == []
    found = {day: limits_of("DB50/963-2020", on=day, extra_rows=rows) for day in (date(2025, 12, 31), date(2026, 1, 1))}
    assert [limits[0].value for limits in found.values()] == [40, 30]


def test_a_standard_that_only_the_user_has():
    rows = [user(standard="DB50/1-2024", group="kiln", item_code="so2", value="50", unit="mg/m3", reference_o2="10",
                 period="hourly")]  # fmt: skip
    (limit,) = limits_of("DB50/1-2024", group="kiln", on=ON, extra_rows=rows)
    assert (limit.factor, limit.reference_o2, limit.period) == ("stack_so2", 10, "hour")


def test_rows_of_the_user_are_checked_like_shipped_ones():
    found = standards.check_rows(
        [user(), user(unit=""), user(item_code="tp", value="x"), user(item_code="tn", op="max")]
    )
    assert [(problem.row, problem.column) for problem in found] == [(3, "unit"), (4, "value"), (5, "op")]
    with pytest.raises(BadInput, match="added rows row 2: unit is empty"):
        limits_of("DB50/963-2020", on=ON, extra_rows=[user(unit="")])
