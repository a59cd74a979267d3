"""Groundwater by GB/T 14848-2017 and drinking-water sources."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from jinyun.domains.water.groundwater import ground_items, item_class, judge_groundwater
from jinyun.domains.water.source import judge_source, source_items, source_rates
from jinyun.kernel.errors import BadInput, UnknownFactor
from jinyun.kernel.terms import Status
from jinyun.methods.editions import NoEdition

DAY = date(2026, 11, 22)


def numbers(given):
    return {
        key: Decimal(value) if isinstance(value, str) and value[0].isdigit() else value for key, value in given.items()
    }


@pytest.mark.parametrize(
    ("ph", "level"),
    [("5.4", 5), ("5.5", 4), ("6.4", 4), ("6.49", 4), ("6.5", 1), ("8.5", 1), ("8.51", 4), ("9.0", 4), ("9.01", 5)],
)
def test_ph_has_two_bands_for_class_iv(ph, level):
    assert item_class("ph", Decimal(ph), day=DAY).level == level


@pytest.mark.parametrize(
    ("name", "value", "level"),
    [
        ("fluoride", "1.0", 1), ("fluoride", "1.1", 4), ("fluoride", "2.1", 5), ("total_hardness", "450", 3),
        ("total_hardness", "451", 4), ("as", "1", 1), ("as", "1.1", 3), ("as", "10", 3), ("as", "51", 5),
        ("chloroform", "60", 3), ("chloroform", "61", 4), ("total_coliform", "3", 1), ("total_coliform", "4", 4),
    ],
)  # fmt: skip
def test_best_class_met(name, value, level):
    """Arsenic in ug/L in the house (0.001, 0.01, 0.05 mg/L); chloroform in the table's ug/L."""
    assert item_class(name, Decimal(value), day=DAY).level == level


def test_words_need_words_and_figures_figures():
    assert item_class("odour_taste", "none", day=DAY).level == 1
    assert item_class("visible_matter", "有", day=DAY).level == 5
    with pytest.raises(BadInput, match="none"):
        item_class("odour_taste", Decimal(3), day=DAY)
    with pytest.raises(BadInput, match="no figure"):
        item_class("ph", "none", day=DAY)
    with pytest.raises(UnknownFactor):
        item_class("tp", Decimal(1), day=DAY)
    with pytest.raises(NoEdition):
        item_class("ph", Decimal(7), day=date(2018, 4, 30))


def test_surfactants_not_detected_are_class_i_whatever_the_detection_limit():
    assert item_class("las", Decimal("0.05"), day=DAY, non_detect=True).level == 1
    assert item_class("las", Decimal("0.05"), day=DAY).level == 2
    found = item_class("hg", Decimal("0.4"), day=DAY, non_detect=True)  # limits 0.1, 0.1, 1 ug/L
    assert (found.best, found.level) == (1, 3)


def test_radioactivity_above_class_iii_is_iv_or_v():
    found = item_class("gross_alpha", Decimal("0.6"), day=DAY)
    assert (found.best, found.level) == (4, 5)
    verdict = judge_groundwater("井", {"gross_alpha": Decimal("0.6")}, day=DAY)
    assert (verdict.status, verdict.level, verdict.label_zh) == (Status.EXCEEDS, 4, "不优于Ⅳ类")
    assert "核素" in verdict.items[0].reason
    assert item_class("gross_alpha", Decimal("0.5"), day=DAY).level == 3


def test_the_worst_item_gives_the_class():
    verdict = judge_groundwater(
        "1号井", numbers({"ph": "7", "fluoride": "1.2", "mn": "1.6", "odour_taste": "none"}), day=DAY
    )
    assert (verdict.status, verdict.level, verdict.deciding) == (Status.EXCEEDS, 5, ("mn",))
    mn = next(one for one in verdict.items if one.factor == "mn")
    assert (mn.limit, mn.grade, mn.multiple, mn.clause) == ("0.1", "5", "15.00", "GB/T 14848-2017 表1")
    assert "评价93项中的4项" in verdict.sentence_zh
    assert judge_groundwater("井", numbers({"fluoride": "1.2"}), day=DAY, target=4).status is Status.ATTAINS


def test_missing_and_open_groundwater():
    verdict = judge_groundwater("井", {"ph": Decimal(7), "mn": None}, day=DAY)
    assert (verdict.status, verdict.extra["missing"]) == (Status.CANNOT_JUDGE, ["mn"])
    open_ = judge_groundwater("井", {"hg": Decimal("1.5")}, day=DAY, non_detects=["hg"])
    assert open_.status is Status.CANNOT_JUDGE
    assert judge_groundwater("井", {"tp": Decimal(1)}, day=DAY).extra["not_judged"].keys() == {"tp"}
    with pytest.raises(BadInput, match="detection limit"):
        judge_groundwater("井", {"ph": Decimal(7)}, day=DAY, non_detects=["hg"])


def test_93_items():
    assert len(ground_items("gbt14848_2017.csv")) == 93


def test_61_items_of_a_city_source():
    """23 basic ones of table 1 without COD, 5 of table 2, 33 chosen ones of table 3; three of them reported apart."""
    judged, apart = source_items("city", "surface", DAY)
    assert (len(judged) + len(apart), set(apart)) == (61, {"water_temp", "tn", "fecal_coliform"})
    assert "cod_cr" not in judged
    assert source_items("county", "surface", DAY) == (judged, apart)
    assert len(sum(source_items("township", "surface", DAY), ())) == 28
    assert len(source_items("village", "groundwater", DAY)[0]) == 39
    with pytest.raises(BadInput, match="city"):
        source_items("moon", "surface", DAY)


def test_a_source_attains_when_every_judged_item_keeps_its_limit():
    good = {
        "ph": "6",
        "do": "5",
        "tp": "0.05",
        "mn": "0.1",
        "sb": "0.005",
        "tn": "9",
        "fecal_coliform": "90000",
        "water_temp": "20",
    }
    verdict = judge_source("东风水库", numbers(good), day=DAY, body="lake")
    assert (verdict.status, verdict.level, verdict.figure) == (Status.ATTAINS, 1, "0")
    assert {one.factor for one in verdict.items if "单独报告" in one.reason} == {"tn", "fecal_coliform", "water_temp"}
    assert verdict.sentence_zh == "饮用水水源东风水库11月22日水质达标。评价58项中的5项。"
    for change in ({"do": "4.9"}, {"tp": "0.051"}, {"mn": "0.101"}, {"sb": "0.0051"}, {"ph": "9.1"}):
        over = judge_source("东风水库", numbers(good | change), day=DAY, body="lake")
        assert (over.status, over.deciding) == (Status.EXCEEDS, tuple(change)), change
    river = judge_source("河边", numbers(good | {"tp": "0.2", "cod_cr": "99"}), day=DAY)
    assert (river.status, river.extra["not_judged"]) == (Status.ATTAINS, ["cod_cr"])
    assert judge_source("x", {"ph": None}, day=DAY).status is Status.CANNOT_JUDGE
    hidden = judge_source("x", {"mn": Decimal("0.2")}, day=DAY, non_detects=["mn"])
    assert hidden.status is Status.CANNOT_JUDGE


def test_only_a_full_analysis_looks_beyond_the_set():
    values = {"ph": Decimal(7), "methylmercury": Decimal("0.000002")}
    assert judge_source("x", values, day=DAY).status is Status.ATTAINS
    assert judge_source("x", values, day=DAY, full=True).deciding == ("methylmercury",)


def test_a_groundwater_source():
    ok = judge_source("井", {"ph": Decimal(7), "fluoride": Decimal(1)}, day=DAY, kind="groundwater")
    assert (ok.status, ok.edition) == (Status.ATTAINS, "GB/T 14848-2017")
    over = judge_source(
        "井", {"fluoride": Decimal("1.1"), "benzene": Decimal(99)}, day=DAY, kind="groundwater", place="township"
    )
    assert over.deciding == ("fluoride", "benzene")


def test_rates_by_number_and_by_volume():
    """Two of three attain; 30 + 50 of 100 by intake; one that cannot be judged is in neither."""

    def source(value):
        return judge_source("x", {"mn": None if value is None else Decimal(value)}, day=DAY)

    found = source_rates(
        [source("0.1"), source("0.2"), source("0.05"), source(None)], [Decimal(n) for n in (30, 20, 50, 900)]
    )
    assert (found.attaining, found.judged, found.unjudged) == (2, 3, 1)
    assert (found.by_number, found.number_printed) == (Fraction(200, 3), "66.7")
    assert (found.by_volume, found.volume_printed) == (80, "80.0")
    assert source_rates([]).by_number is None
    with pytest.raises(BadInput, match="one volume per source"):
        source_rates([source("0.1")], [])
