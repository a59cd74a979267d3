"""Every limit of GB 3095: a rounding step below, on and above it; and the days when PM2.5 of 62 and 55 flip."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from jinyun.domains.air import concentration
from jinyun.domains.air.aqi import aqi_daily
from jinyun.domains.air.concentration import judge_concentration
from jinyun.domains.air.days import DayValues
from jinyun.domains.air.good_days import day_aqi
from jinyun.domains.air.limits import index_edition
from jinyun.kernel.errors import BadInput, UnknownFactor
from jinyun.kernel.terms import Period, Status

TABLES = Path(concentration.__file__).parent / "tables"
STAGES = {
    ("gb3095_2012.csv", ""): date(2026, 2, 28), ("gb3095_2026.csv", "transition"): date(2026, 3, 1),
    ("gb3095_2026.csv", "final"): date(2031, 1, 1),
}  # fmt: skip


def every_limit():
    """Straight from the tables: (file, stage, day, item, grade, averaging, limit, unit)."""
    for (name, stage), day in STAGES.items():
        with (TABLES / name).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["stage"] not in (stage, "") or row["unit"].startswith("ug/(dm2"):
                    continue
                yield day, row["item_code"], row["group"], row["period"], Decimal(row["value"])


LIMITS = sorted(set(every_limit()), key=str)
# Rounding steps: HJ 663-2013 table 3 (memory): whole ug/m3, CO 0.1 mg/m3, Pb 0.01, BaP 0.0001; annual figures of 2026
# keep one more decimal (CO 2). Reference values of annex A are compared as they are.
DAILY = {"co": "0.1", "pb": "0.01", "benzo_a_pyrene": "0.0001"}


def step(item, averaging, day, grade):
    if grade == "reference":
        return Decimal("0.0000001")
    one = Decimal(DAILY.get(item, "1"))
    long = averaging in ("annual", "quarterly") and item not in ("pb", "benzo_a_pyrene")
    return one / 10 if long and day >= date(2026, 3, 1) else one


def judged(item, value, averaging, day, grade):
    return judge_concentration("x", {item: value}, averaging=averaging, day=day, grade=grade)


def test_all_limits_are_here():
    assert len(LIMITS) == 46 + 46 + 46 + 2 * 6  # the table of 2012, both stages of 2026, each with annex A


@pytest.mark.parametrize(("day", "item", "grade", "averaging", "limit"), LIMITS)
def test_below_on_and_above_each_limit(day, item, grade, averaging, limit):
    one = step(item, averaging, day, grade)
    for value, want in ((limit - one, "attains"), (limit, "attains"), (limit + one, "exceeds")):
        found = judged(item, value, averaging, day, grade)
        assert found.status == want, (value, found)
        assert Decimal(found.limit) == limit
        assert found.items[0].clause.startswith(found.edition)
    # Half a step above rounds to the even digit: back onto a limit that ends in an even one, up from an odd one.
    if grade != "reference":
        even = int(limit / one) % 2 == 0
        found = judged(item, limit + one / 2, averaging, day, grade)
        assert found.status == ("attains" if even else "exceeds")
        assert judged(item, limit + one / 2 + Decimal("0.000001"), averaging, day, grade).status == "exceeds"


def verdict(day, value):
    return judge_concentration("天生", {"pm2_5": Decimal(value)}, averaging="daily", day=date.fromisoformat(day))


CLEAN = {"so2": "8", "no2": "30", "co": "0.7", "o3": "90", "pm10": "45"}


def index(day, value):
    values = {name: Decimal(text) for name, text in {**CLEAN, "pm2_5": value}.items()}
    return day_aqi(DayValues(date.fromisoformat(day), values), index_edition(date.fromisoformat(day)))


def test_a_day_of_62_is_good_in_february_2026_and_over_in_march():
    """Both ways: by index 85 -> 102 (rule 2.2: 61.5 -> 62 -> 102), by concentration 75 -> 60."""
    assert verdict("2026-02-28", "62").status is Status.ATTAINS
    assert verdict("2026-03-01", "62").status is Status.EXCEEDS
    before, after = index("2026-02-28", "62"), index("2026-03-01", "62")
    # 2012: 35 -> 50, 75 -> 100: 50 + 27 * 50/40 = 83.75 -> 84.
    assert (before.value, before.level.category_zh) == (84, "良")
    assert (after.value, after.level.category_zh, after.primary) == (102, "轻度污染", ("pm2_5",))


def test_a_day_of_55_flips_in_2031_by_concentration_while_its_index_stays():
    """The final limit is 50; the break points stay those issued (60 at 100), so the AQI does not move."""
    assert verdict("2030-12-31", "55").status is Status.ATTAINS
    found = verdict("2031-01-01", "55")
    assert (found.status, found.limit, found.items[0].multiple) == (Status.EXCEEDS, "50", "0.10")
    assert found.clause == "GB 3095-2026（最终阶段）"
    # 35 -> 50, 60 -> 100: 50 + 20 * 2 = 90, good on both days.
    assert [index(day, "55").value for day in ("2030-12-31", "2031-01-01")] == [90, 90]
    assert [verdict(day, "50").status.value for day in ("2030-12-31", "2031-01-01")] == ["attains"] * 2


def test_what_cannot_be_judged_says_why():
    found = judge_concentration(
        "x", {"pm2_5": Decimal(30), "so2": None, "co": Decimal(-1)}, averaging="daily", day=date(2026, 3, 1)
    )
    assert found.status is Status.CANNOT_JUDGE
    assert [one.status.value for one in found.items] == ["attains", "cannot_judge", "cannot_judge"]
    assert "负值" in found.sentence_zh
    assert "below zero" in found.sentence_en
    # PM2.5 has no hourly limit.
    hour = judge_concentration("x", {"pm2_5": Decimal(300)}, averaging="hourly", day=date(2026, 3, 1))
    assert hour.status is Status.CANNOT_JUDGE
    assert "未规定" in hour.items[0].reason
    assert judge_concentration("x", {}, averaging="daily", day=date(2026, 3, 1)).status is Status.CANNOT_JUDGE


def test_zero_is_not_missing():
    found = judge_concentration("x", {"so2": Decimal(0)}, averaging="daily", day=date(2026, 3, 1))
    assert (found.status, found.figure) == (Status.ATTAINS, "0")


def test_one_over_is_over_even_when_another_is_missing():
    found = judge_concentration("x", {"so2": None, "no2": Decimal(81)}, averaging="daily", day=date(2020, 1, 1))
    assert (found.status, found.deciding, found.items[1].multiple) == (Status.EXCEEDS, ("no2",), "0.01")


def test_o3_of_a_day_is_its_8_h_value_and_windows_fit():
    found = judge_concentration("x", {"o3": Decimal(161)}, averaging="daily", day=date(2026, 5, 1))
    assert (found.status, found.limit, found.window.period) == (Status.EXCEEDS, "160", Period.DAY)
    quarter = judge_concentration("x", {"pb": Decimal("1.01")}, averaging="quarterly", day=date(2026, 5, 1))
    assert (quarter.status, quarter.window.period) == (Status.EXCEEDS, Period.QUARTER)


def test_refused():
    with pytest.raises(BadInput, match="unknown averaging"):
        judge_concentration("x", {}, averaging="weekly", day=date(2026, 3, 1))
    with pytest.raises(UnknownFactor, match="did you mean 'pm2_5'"):
        judge_concentration("x", {"pm25": Decimal(1)}, averaging="daily", day=date(2026, 3, 1))


def test_the_daily_report_of_2012_takes_the_worse_of_both_ozone_values():
    table = index_edition(date(2020, 1, 1))
    values = {name: Decimal(text) for name, text in {**CLEAN, "pm2_5": "20", "o3_1h": "250"}.items()}
    assert aqi_daily(values, table).iaqi["o3", "1h"] == 125  # 200 -> 100, 300 -> 150
