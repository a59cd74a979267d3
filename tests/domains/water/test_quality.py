"""Class of a section: limits on, below and above; figures from GB 3838-2002 table 1."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from jinyun.domains.water.limits import edition
from jinyun.domains.water.quality import item_class, multiple_over, oxygen_saturation, section_class
from jinyun.domains.water.river import river_status, share_change, shares
from jinyun.kernel.errors import BadInput, UnknownFactor
from jinyun.methods.editions import NoEdition

RIVER, LAKE = edition(date(2026, 11, 22)), edition(date(2026, 11, 22), "lake")


@pytest.mark.parametrize(
    ("factor", "value", "level"),
    [
        ("nh3_n", "0.15", 1), ("nh3_n", "0.151", 2), ("nh3_n", "1.0", 3), ("nh3_n", "1.01", 4), ("nh3_n", "2", 5),
        ("nh3_n", "2.01", 6), ("cod_cr", "15", 1), ("cod_cr", "15.1", 3), ("do", "7.5", 1), ("do", "7.49", 2),
        ("do", "2", 5), ("do", "1.99", 6), ("ph", "6.0", 1), ("ph", "9.0", 1), ("ph", "9.1", 6), ("ph", "5.9", 6),
        ("tp", "0.02", 1), ("tp", "0.021", 2), ("hg", "0.05", 1), ("hg", "0.051", 3), ("as", "50", 1), ("as", "51", 4),
    ],
)  # fmt: skip
def test_item_class(factor, value, level):
    """Mercury and arsenic are in ug/L inside the house; the table has mg/L."""
    assert item_class(RIVER.item(factor), Decimal(value)) == level


def test_a_lake_has_its_own_phosphorus_limits():
    assert item_class(LAKE.item("tp"), Decimal("0.02")) == 2
    assert item_class(LAKE.item("tp"), Decimal("0.04")) == 3
    assert item_class(LAKE.item("tn"), Decimal("1.0")) == 3
    with pytest.raises(UnknownFactor, match="river"):
        RIVER.item("tn")


def test_oxygen_is_class_1_also_by_saturation():
    """468/(31.6+27) = 7.986 mg/L is full at 27 °C: 7.2 is 90.2 %, 7.18 is 89.9 %."""
    assert oxygen_saturation(Decimal("7.2"), Decimal(27)) == Decimal("90.2")
    assert oxygen_saturation(Decimal("7.18"), Decimal(27)) == Decimal("89.9")
    assert item_class(RIVER.item("do"), Decimal("7.2"), Decimal("90.2")) == 1
    assert item_class(RIVER.item("do"), Decimal("7.2"), Decimal("90")) == 1
    assert item_class(RIVER.item("do"), Decimal("7.18"), Decimal("89.9")) == 2
    assert item_class(RIVER.item("do"), Decimal("7.2")) == 2
    with pytest.raises(BadInput):
        oxygen_saturation(Decimal(8), Decimal(-40))


def test_reference_items_never_give_the_class():
    values = {"do": Decimal(8), "tn": Decimal(9), "fecal_coliform": Decimal(50_000), "water_temp": Decimal(33)}
    for table in (RIVER, LAKE):
        found = section_class(values, table)
        assert (found.level, found.evaluated, found.of) == (1, 1, 21)
    assert section_class({"tn": Decimal(9)}, RIVER) is None


def test_deciding_factors_and_multiples():
    found = section_class(
        {"nh3_n": Decimal("1.2"), "tp": Decimal("0.25"), "do": Decimal(6), "cod_mn": Decimal(4)}, RIVER
    )
    assert (found.level, found.status_zh, found.deciding) == (4, "轻度污染", ("nh3_n", "tp"))
    assert found.items["nh3_n"].multiple == Decimal("0.20")
    assert found.items["tp"].multiple == Decimal("0.25")
    assert found.main_indicators == ("tp", "nh3_n")
    assert section_class({"do": Decimal(9)}, RIVER).deciding == ()


def test_heavy_metals_go_first_among_main_indicators():
    values = {"nh3_n": Decimal(3), "tp": Decimal("0.5"), "cod_mn": Decimal(16), "hg": Decimal("0.2")}
    assert section_class(values, RIVER).main_indicators == ("hg", "nh3_n", "cod_mn")


def test_no_multiple_for_ph_and_oxygen():
    assert multiple_over(RIVER, "ph", Decimal(10), 3) is None
    assert multiple_over(RIVER, "do", Decimal(1), 3) is None
    assert multiple_over(RIVER, "tp", Decimal("0.2"), 3) is None
    assert multiple_over(RIVER, "tp", Decimal("0.33"), 3) == Decimal("0.65")


def test_edition_is_chosen_by_the_day_of_the_data():
    assert edition(date(2002, 6, 1)).standard == "GB 3838-2002"
    with pytest.raises(NoEdition, match="2002-05-31"):
        edition(date(2002, 5, 31))
    with pytest.raises(BadInput, match="ocean"):
        edition(date(2026, 1, 1), "ocean")


@pytest.mark.parametrize(
    ("good", "worse", "word"),
    [("90", "0", "优"), ("89.9", "0", "良好"), ("75", "30", "良好"), ("74.9", "19.9", "轻度污染"),
     ("74.9", "20", "中度污染"), ("10", "39.9", "中度污染"), ("10", "40", "重度污染")],
)  # fmt: skip
def test_status_of_a_river(good, worse, word):
    assert river_status(Decimal(good), Decimal(worse), 5) == word


def test_few_sections_have_no_shares():
    with pytest.raises(BadInput, match="average each item"):
        river_status(Decimal(100), Decimal(0), 4)
    assert shares([1, 2, 3, 4, 6]) == (60, 20)


@pytest.mark.parametrize(
    ("after", "word"),
    [("80", "无明显变化"), ("80.1", "有所好转"), ("90", "有所好转"), ("90.1", "明显好转"), ("59.9", "有所变差")],
)
def test_change_between_periods(after, word):
    assert share_change((Decimal(70), Decimal(after)), (Decimal(5), Decimal(5))).label_zh == word
