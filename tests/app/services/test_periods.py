"""Period figures over real stores: what comes out is worked out again here by other means."""

from __future__ import annotations

import random
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from statistics import mean

import pytest
from days import days_from, make_house, texts, water_day

from jinyun.app.services.periods import Periods
from jinyun.kernel.errors import BadInput, NotFound

NOW = "2026-11-22T10:00:00+08:00"
RIVER = {
    f"S{n}": {"kind": "water_section", "river": "缙溪", "order_km": str(10 * n), "target_class": 3, "body": "river"}
    for n in range(1, 7)
}
# class limits of GB 3838-2002 table 1, written down again for this test
LIMITS = {
    "cod_mn": (2, 4, 6, 10, 15),
    "nh3_n": ("0.15", "0.5", "1", "1.5", "2"),
    "tp": ("0.02", "0.1", "0.2", "0.3", "0.4"),
}


def class_of(values):
    """Class of a section by hand: worst item, 6 beyond the fifth limit."""
    return max(
        next((n for n, limit in enumerate(LIMITS[item], 1) if value <= Decimal(str(limit))), 6)
        for item, value in values.items()
    )


def rounded(value, places):
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)


@pytest.fixture
def house(tmp_path):
    one = make_house(tmp_path / "var", NOW, {**RIVER, "W1": {"kind": "water_micro", "river": "缙溪", "order_km": "5"}})
    yield one
    one.close()


def fill(house, first, after, seed=1, sections=RIVER):
    """Days of random figures; returned as {section: {day: {item: Decimal}}}."""
    chance, made, verdicts = random.Random(seed), {}, []
    for number, site in enumerate(sections, 1):
        for day in days_from(first, after):
            values = {
                "cod_mn": Decimal(chance.randrange(15, 20 + 12 * number)) / 10,
                "nh3_n": Decimal(chance.randrange(5, 40 * number)) / 100,
                "tp": Decimal(chance.randrange(10, 50 * number)) / 1000,
            }
            made.setdefault(site, {})[day] = values
            verdicts.append(water_day(site, day, texts(values)))
    house.verdicts.add(verdicts)
    return made


def test_a_month_of_a_section_is_one_class_of_its_means(house):
    made = fill(house, date(2026, 10, 1), date(2026, 11, 1))
    then = fill(house, date(2025, 10, 1), date(2025, 11, 1), seed=2)
    periods = Periods(house)
    for site in RIVER:
        told = periods.figures("water", scope=f"site:{site}", period="month", at="2026-10")
        expected = [class_of({i: mean(d[i] for d in days[site].values()) for i in LIMITS}) for days in (made, then)]
        (only,) = told["figures"]
        assert [only["figure"], only["before"]] == [str(n) for n in expected]
        assert told["rows"][0]["valid_days"] == 31
        assert told["rests_on"]["verdicts"] == told["rests_on"]["before"] == 31
        means = {
            i: rounded(mean(d[i] for d in made[site].values()), {"cod_mn": 1, "nh3_n": 2, "tp": 3}[i]) for i in LIMITS
        }
        assert {i: Decimal(told["rows"][0]["values"][i]) for i in LIMITS} == means


def test_a_river_by_shares_and_its_change_in_points(house):
    made = fill(house, date(2026, 10, 1), date(2026, 11, 1))
    then = fill(house, date(2025, 10, 1), date(2025, 11, 1), seed=9)
    told = Periods(house).figures("water", scope="river:缙溪", period="month", at="2026-10")
    levels, before = (
        [class_of({i: mean(d[i] for d in days[s].values()) for i in LIMITS}) for s in RIVER] for days in (made, then)
    )
    figures = {one["id"]: one for one in told["figures"]}

    def share(of):
        return rounded(Decimal(100 * sum(n <= 3 for n in of)) / len(of), 1)

    good = figures["good_ratio"]
    assert (Decimal(good["figure"]), Decimal(good["before"])) == (share(levels), share(before))
    exact = Decimal(100 * (sum(n <= 3 for n in levels) - sum(n <= 3 for n in before))) / 6
    assert Decimal(good["change"]) == rounded(exact, 1)  # of the shares themselves, not of what is printed of them
    assert good["change_unit"] == "百分点"
    assert [row["level"] for row in told["rows"]] == levels
    assert [row["site"] for row in told["rows"]] == list(RIVER)  # from the head down
    assert sum(one["sections"] for one in told["classes"]) == 6
    assert told["units"] == {"asked": 6, "valid": 6, "left_out": []}
    assert told["edition"]["same_for_both"] is True
    assert told["edition"]["on"] == "2026-10-31"


def test_a_section_without_days_is_left_out_and_named(house):
    fill(house, date(2026, 10, 1), date(2026, 11, 1), sections=list(RIVER)[:5])
    told = Periods(house).figures("water", scope="all", period="month", at="2026-10")
    assert (told["units"]["asked"], told["units"]["valid"]) == (6, 5)
    (lost,) = told["units"]["left_out"]
    assert lost["id"] == "S6"
    assert lost["reason_zh"]
    assert told["rows"][5]["status"] == "cannot_judge"
    assert told["figures"][1]["before"] is None  # no data the year before: no change is told
    assert told["figures"][1]["change"] is None


def test_a_figure_follows_when_one_of_its_days_is_judged_again(house):
    fill(house, date(2026, 10, 1), date(2026, 10, 3), sections=["S1"])
    periods = Periods(house)
    ask = {"scope": "site:S1", "period": "month", "at": "2026-10"}
    first = periods.figures("water", **ask)
    assert periods.figures("water", **ask) is first  # remembered
    house.verdicts.add([water_day("S1", date(2026, 10, 2), {"cod_mn": "40", "nh3_n": "0.1", "tp": "0.01"})])
    second = periods.figures("water", **ask)
    assert second["rows"][0]["level"] == 6
    days = periods.days("water", **ask)
    assert days["total"] == 2
    assert days["items"][0]["values"]["cod_mn"] == "40"
    assert house.verdicts.get(days["items"][0]["verdict"]).subject == "S1"


def test_scopes_are_what_the_registers_say(house):
    fill(house, date(2026, 9, 30), date(2026, 10, 2))
    (water,) = [one for one in Periods(house).scopes()["subjects"] if one["subject"] == "water"]
    assert [one["id"] for one in water["scopes"]] == [
        "all",
        "city:500109",
        "river:缙溪",
        *(f"site:S{n}" for n in range(1, 7)),
    ]
    assert water["scopes"][0]["sites"] == 6  # the micro-station is indicative
    assert (water["first"], water["last"]) == ("2026-09-30", "2026-10-01")
    assert water["newest"] == {"month": "2026-10", "quarter": "2026-Q4", "year": "2026", "ytd": "2026-10"}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"scope": "river:无"}, "scope"), ({"scope": "city:9999"}, "scope"), ({"scope": "moon"}, "scope"),
        ({"period": "week"}, "period"), ({"at": "2026-13"}, "at"), ({"at": "2027-01"}, "at"),
        ({"period": "quarter", "at": "2026-10"}, "at"), ({"edition_on": "soon"}, "edition_on"),
    ],
)  # fmt: skip
def test_a_wrong_question_is_told_what_would_work(house, given, field):
    with pytest.raises(BadInput) as wrong:
        Periods(house).figures("water", **({"at": "2026-10"} | given))
    assert wrong.value.field == field
    with pytest.raises(NotFound):
        Periods(house).figures("water", scope="site:none")


def test_a_year_to_date_needs_each_month_and_says_what_lacks(house):
    fill(house, date(2026, 3, 1), date(2026, 11, 22), sections=["S1"])
    periods = Periods(house)
    lacking = periods.figures("water", scope="site:S1", period="ytd", at="2026-11")
    assert lacking["figures"][0]["figure"] is None
    assert lacking["figures"][0]["reason_zh"] == "仅9个月有数据，需11个月"
    assert "1—11月" in lacking["sentence_zh"]
    assert "仅9个月" in lacking["sentence_zh"]
    made = fill(house, date(2026, 1, 1), date(2026, 3, 1), sections=["S1"], seed=4)
    assert len(made["S1"]) == 59
    told = periods.figures("water", scope="site:S1", period="ytd", at="2026-11")
    assert told["figures"][0]["figure"] is not None
    assert told["rows"][0]["months"] == 11


def test_a_quarter_is_the_mean_of_its_monthly_means(house):
    """Two of 31 days in July, all of August: the days do not weigh, the months do."""
    days = {date(2026, 7, d): "2.0" for d in (1, 2)} | {date(2026, 8, d): "7.0" for d in range(1, 32)}
    house.verdicts.add([water_day("S1", day, {"cod_mn": text}) for day, text in days.items()])
    told = Periods(house).figures("water", scope="site:S1", period="quarter", at="2026-Q3")
    assert told["rows"][0]["values"]["cod_mn"] == "4.5"
    assert told["figures"][0]["figure"] == "3"  # 4.5 is over 4 (II) and within 6 (III)
