"""Farmland by GB 15618: every limit in its pH bin below, on, above; the edges of the bins; uses of land."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from jinyun.domains.soil.answers import Sample
from jinyun.domains.soil.farmland import judge_farmland, judge_unit, limits_of
from jinyun.domains.soil.limits import in_bin
from jinyun.kernel.errors import BadInput, UnknownFactor
from jinyun.kernel.terms import Status

DAY = date(2026, 3, 2)
TABLE = Path(__file__).parents[3] / "src" / "jinyun" / "domains" / "soil" / "tables" / "gb15618_2018.csv"
PH = {"pH<=5.5": ("4.2", "5.5"), "5.5<pH<=6.5": ("5.51", "6.5"), "6.5<pH<=7.5": ("6.51", "7.5"),
      "pH>7.5": ("7.51", "9"), "": ("4", "9")}  # fmt: skip
METALS = ("cd", "hg", "as", "pb", "cr", "cu", "ni", "zn")


def table_rows(stage):
    with TABLE.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["stage"] == stage]


SCREENING, CONTROL = table_rows("screening"), table_rows("control")


def test_the_table_is_whole():
    assert len(SCREENING) == 4 * (5 * 2 + 2 + 2) + 3
    assert len(CONTROL) == 4 * 5


@pytest.mark.parametrize("row", SCREENING, ids=lambda r: f"{r['item_code']}-{r['group']}-{r['condition']}")
def test_every_screening_value_below_on_and_above(row):
    value, step = Decimal(row["value"]), Decimal("0.001")
    land = row["group"] if row["group"] in ("paddy", "orchard") else "other"
    for ph in PH[row["condition"]]:
        for content, status in (
            (value - step, Status.ATTAINS), (value, Status.ATTAINS), (value + step, Status.EXCEEDS),
        ):  # fmt: skip
            verdict = judge_farmland("田", {row["item_code"]: content}, ph=Decimal(ph), land=land, day=DAY)
            assert (verdict.status, verdict.items[0].limit) == (status, row["value"]), (ph, content)
            assert verdict.extra["state"] == ("low_risk" if status is Status.ATTAINS else "safe_use")


@pytest.mark.parametrize("row", CONTROL, ids=lambda r: f"{r['item_code']}-{r['condition']}")
def test_every_control_value_below_on_and_above(row):
    value, step = Decimal(row["value"]), Decimal("0.001")
    for ph in PH[row["condition"]]:
        for land in ("paddy", "other", "orchard", "rotation"):
            for content, state in (
                (value - step, "safe_use"), (value, "safe_use"), (value + step, "strict_control"),
            ):  # fmt: skip
                verdict = judge_farmland("田", {row["item_code"]: content}, ph=Decimal(ph), land=land, day=DAY)
                assert verdict.extra["state"] == state, (ph, land, content)


@pytest.mark.parametrize(
    ("ph", "cd"), [("0", "0.3"), ("5.5", "0.3"), ("5.500001", "0.4"), ("6.5", "0.4"), ("6.500001", "0.6"),
                   ("7.5", "0.6"), ("7.500001", "0.8"), ("14", "0.8")],
)  # fmt: skip
def test_edges_of_the_bins(ph, cd):
    assert limits_of("cd", Decimal(ph), "paddy", DAY).screening == Decimal(cd)


def test_every_ph_has_one_bin():
    for hundredth in range(0, 1401):
        ph = Decimal(hundredth) / 100
        assert sum(in_bin(condition, ph) for condition in PH if condition) == 1
    with pytest.raises(BadInput, match="no bin of pH"):
        in_bin("pH about 6", Decimal(6))


def printed(item, group, condition):
    return next(Decimal(r["value"]) for r in SCREENING
                if (r["item_code"], r["group"], r["condition"]) == (item, group, condition))  # fmt: skip


@pytest.mark.parametrize("condition", [c for c in PH if c])
def test_rotation_takes_the_stricter_and_orchards_have_their_own_copper(condition):
    ph = Decimal(PH[condition][0])
    for item in ("cd", "hg", "as", "pb", "cr"):
        paddy, other = (printed(item, group, condition) for group in ("paddy", "other"))
        assert limits_of(item, ph, "rotation", DAY).screening == min(paddy, other)
        assert limits_of(item, ph, "orchard", DAY).screening == other
    assert limits_of("cu", ph, "orchard", DAY).screening == printed("cu", "orchard", condition)
    assert limits_of("cu", ph, "paddy", DAY).screening == printed("cu", "other", condition)
    assert limits_of("zn", ph, "rotation", DAY).screening == printed("zn", "all", condition)


def test_what_has_no_control_value_is_never_strict():
    for item in ("cu", "ni", "zn", "hch_total", "ddt_total", "benzo_a_pyrene"):
        verdict = judge_farmland("田", {item: Decimal(100000)}, ph=Decimal(6), land="other", day=DAY)
        assert verdict.extra["state"] == "safe_use"
        assert "无管制值" in verdict.items[0].reason


def test_without_a_ph_metals_cannot_be_judged():
    verdict = judge_farmland("田", {"cd": Decimal("0.1"), "ddt_total": Decimal("0.1")}, ph=None, land="旱地", day=DAY)
    assert (verdict.status, verdict.figure) == (Status.CANNOT_JUDGE, None)
    assert [item.status for item in verdict.items] == [Status.CANNOT_JUDGE, Status.ATTAINS]
    assert "缺 pH" in verdict.sentence_zh


def test_words_and_wrong_words():
    assert judge_farmland("田", {"镉": Decimal("0.31")}, ph=Decimal("5.5"), land="水田", day=DAY).deciding == ("cd",)
    with pytest.raises(BadInput, match="paddy, other, orchard, rotation"):
        limits_of("cd", Decimal(6), "sea", DAY)
    with pytest.raises(BadInput, match="no soil has pH 15"):
        limits_of("cd", Decimal(15), "other", DAY)
    with pytest.raises(UnknownFactor, match="did you mean"):
        limits_of("ddt_totl", Decimal(6), "other", DAY)


def test_non_detects():
    values = {"hg": Decimal("0.6"), "cd": Decimal("0.1")}
    verdict = judge_farmland("田", values, ph=Decimal(6), land="paddy", day=DAY, non_detects={"hg"})
    assert verdict.status is Status.CANNOT_JUDGE  # its detection limit lies above the screening value 0.5
    values["hg"] = Decimal("0.5")
    assert judge_farmland("田", values, ph=Decimal(6), land="paddy", day=DAY, non_detects={"hg"}).level == 1


def test_the_sentence():
    verdict = judge_farmland("一号田", {"cd": Decimal("2.1"), "pb": Decimal(60)}, ph=Decimal(6), land="other", day=DAY)
    assert verdict.sentence_zh == (
        "一号田（其他，pH 6）3月2日镉 2.1 mg/kg（超过管制值 2，超筛选值 6.00 倍），严格管控类，"
        "风险高，原则上应采取禁止种植食用农产品等严格管控措施（评价2项）。"
    )
    assert verdict.sentence_en.startswith(
        "一号田 (other farmland, pH 6), 2 Mar: total cadmium 2.1 mg/kg (above its control"
    )


def test_a_unit_takes_each_sample_in_its_own_bin():
    content = {"cd": Decimal("0.5")}
    samples = [Sample("a", content, ph=Decimal(5)), Sample("b", content, ph=Decimal(7)), Sample("c", content)]
    verdict = judge_unit("单元", samples, land="paddy", day=DAY)
    assert (verdict.extra["state"], verdict.extra["worst_sample"]) == ("safe_use", {"cd": "a"})
    assert verdict.extra["by_state"] == {"low_risk": 1, "safe_use": 1, "strict_control": 0}
    good = [Sample("b", content, ph=Decimal(7)), Sample("c", content)]
    assert judge_unit("单元", good, land="paddy", day=DAY).status is Status.CANNOT_JUDGE
    with pytest.raises(BadInput, match="no samples"):
        judge_unit("单元", [], land="paddy", day=DAY)
