"""Verdicts on air: six items, valid means, editions, micro-stations."""

from __future__ import annotations

from handmade import NOON, Book, at, day_at, hour_at

from jinyun.domains.air import DOMAIN
from jinyun.kernel.declare import JudgeInput
from jinyun.kernel.terms import Flag, Period, ReadingRef, Site, Status

HOUR, DAY = DOMAIN.judges
STATION = Site("t", "天生", "air_station")
MICRO = Site("m", "微站7号", "air_micro")
CLEAN = {"so2": 10, "no2": 40, "co": "0.8", "o3": 60, "pm10": 60, "pm2_5": 40}
NOON_HOUR, TODAY = hour_at(2026, 11, 22, 12), day_at(2026, 11, 22)


def filled(**changes):
    book = Book()
    for factor, value in {**CLEAN, **changes}.items():
        if value is not None:
            book.add(factor, value)
    return book


def judge(book, *, site=STATION, monitored=None, window=NOON_HOUR, by=HOUR):
    return by.run(JudgeInput(site, window, book.rows, {}, monitored))


def test_an_hour():
    verdict = judge(filled())
    assert (verdict.figure, verdict.level, verdict.status, verdict.deciding) == ("60", 2, Status.ATTAINS, ("pm2_5",))
    assert (verdict.edition, verdict.label_zh, verdict.limit) == ("HJ 633-2026", "良", "100")
    pm, so2 = (next(item for item in verdict.items if item.factor == f) for f in ("pm2_5", "so2"))
    assert (pm.figure, pm.grade, pm.limit, pm.unit) == ("40", "60", None, "ug/m3")
    assert (so2.grade, so2.limit) == ("4", "500")
    assert len(verdict.evidence()) == 6
    assert verdict.sentence_zh == "天生11月22日12时AQI 60，良（二级），首要污染物：细微颗粒物PM2.5 40 μg/m³。"


def test_a_polluted_hour():
    verdict = judge(filled(pm2_5=120))
    assert (verdict.figure, verdict.level, verdict.status, verdict.label_zh) == ("158", 4, Status.EXCEEDS, "中度污染")
    assert verdict.extra["sensitive_zh"]


def test_the_edition_is_that_of_the_data():
    book = Book()
    old = at(2026, 2, 28, 23)
    for factor, value in CLEAN.items():
        book.add(factor, value, old)
    verdict = judge(book, window=hour_at(2026, 2, 28, 23))
    assert (verdict.edition, verdict.figure) == ("HJ 633-2012", "57")  # PM2.5 40 on 35–75: 50 + 5/40·50 = 56.25


def test_a_missing_item_is_na_at_a_station():
    verdict = judge(filled(no2=None))
    assert (verdict.status, verdict.figure, verdict.level, verdict.label_zh) == (Status.CANNOT_JUDGE, None, None, "NA")
    assert verdict.extra["missing"] == ["no2"]
    assert "二氧化氮有效数据不足" in verdict.sentence_zh
    published = judge(filled(no2=None, pm2_5=120))
    assert (published.status, published.figure) == (Status.EXCEEDS, "158")


def test_an_item_not_monitored_by_plan_is_a_stroke_and_no_gap():
    """HJ 633-2026, 5.3: the AQI of the rest is published though it is below 100."""
    planned = Site("t", "天生", "air_station", data={"not_monitored": ["so2"]})
    verdict = judge(filled(so2=None), site=planned)
    assert (verdict.figure, verdict.extra["missing"], verdict.extra["not_monitored"]) == ("60", [], ["so2"])
    assert verdict.sentence_zh.endswith("；二氧化硫按计划不监测（/）。")
    assert judge(filled(so2=None, no2=None), site=planned).figure is None


def test_health_text_in_both_languages():
    extra = judge(filled(pm2_5=120)).extra
    assert extra["advice_zh"].startswith("儿童、老年人及心脏病、呼吸系统疾病患者避免")
    assert extra["health_en"].startswith("Symptoms of sensitive people get worse")
    # hj633_2026_sensitive_groups: five groups for PM2.5
    assert len(extra["sensitive_zh"]) == len(extra["sensitive_en"]) == 5
    assert "sensitive_zh" not in judge(filled()).extra


def test_a_flagged_item_is_not_used():
    book = filled(no2=None)
    bad = book.add("no2", 900, flag=Flag.CALIBRATION)
    verdict = judge(book)
    assert verdict.status is Status.CANNOT_JUDGE
    assert ReadingRef(bad.series, bad.time, bad.seq) not in verdict.evidence()
    assert "校准×1" in next(item for item in verdict.items if item.factor == "no2").reason


def test_below_zero_is_not_a_value():
    assert judge(filled(so2=-3)).extra["missing"] == ["so2"]
    assert judge(filled(so2="-0.4")).status is Status.ATTAINS  # rounds to 0


def test_a_micro_station_is_judged_by_what_it_measures():
    book = Book()
    book.add("pm2_5", 61)
    book.add("pm10", 40)
    verdict = judge(book, site=MICRO, monitored=frozenset({"pm2_5", "pm10"}))
    assert (verdict.figure, verdict.status) == ("101", Status.EXCEEDS)
    assert verdict.extra["not_monitored"] == ["so2", "no2", "co", "o3"]
    assert verdict.extra["indicative"]
    assert "指示性" in verdict.sentence_zh
    lost = judge(book, site=MICRO, monitored=frozenset({"pm2_5", "pm10", "o3"}))
    assert lost.extra["missing"] == ["o3"]


def test_an_hour_of_minutes_needs_45():
    book = filled(pm2_5=None)
    for n in range(44):
        book.add("pm2_5", 40, NOON + 60 * n, period=Period.MINUTE)
    short = judge(book)
    assert short.extra["missing"] == ["pm2_5"]
    assert "44分钟" in next(item for item in short.items if item.factor == "pm2_5").reason
    book.add("pm2_5", 85, NOON + 60 * 44, period=Period.MINUTE)
    full = judge(book)
    item = next(item for item in full.items if item.factor == "pm2_5")
    assert (item.figure, len(item.readings)) == ("41", 45)  # (44·40 + 85)/45 = 41


def test_a_computed_mean_is_rounded_once():
    """Six 10-minute means of 60.54 on average: 61, where rounding to one decimal first would give 60."""
    book = filled(pm2_5=None)
    for n, value in enumerate(("60.5", "60.5", "60.5", "60.5", "60.6", "60.6")):
        book.add("pm2_5", value, NOON + 600 * n, period=Period.MINUTE)
    assert next(item for item in judge(book).items if item.factor == "pm2_5").figure == "61"


def day_book(hours=24, **changes):
    book = Book()
    for factor, value in {**CLEAN, **changes}.items():
        for n in range(hours):
            book.add(factor, value, TODAY.start + 3600 * n)
    return book


def test_a_day():
    verdict = judge(day_book(), window=TODAY, by=DAY)
    assert (verdict.figure, verdict.deciding, verdict.status) == ("60", ("pm2_5",), Status.ATTAINS)  # 50 + 5/25·50 = 60
    ozone = next(item for item in verdict.items if item.factor == "o3")
    assert (ozone.figure, ozone.limit, len(ozone.readings)) == ("60", "160", 8)
    assert "日最大8小时平均" in ozone.reason


def test_a_day_needs_twenty_hours():
    verdict = judge(day_book(19), window=TODAY, by=DAY)
    assert verdict.status is Status.CANNOT_JUDGE
    assert "仅19个，不足20个" in verdict.items[0].reason
    assert judge(day_book(22), window=TODAY, by=DAY).status is Status.ATTAINS


def test_a_day_attains_by_concentration():
    final = day_at(2031, 1, 1)
    book = Book()
    for factor, value in {**CLEAN, "pm2_5": 55}.items():
        for n in range(24):
            book.add(factor, value, final.start + 3600 * n)
    verdict = judge(book, window=final, by=DAY)
    assert verdict.figure == "90"  # below 100, but over the final limit of 50
    assert (verdict.status, verdict.extra["stage"]) == (Status.EXCEEDS, "final")


def test_a_day_of_2012_has_the_hourly_ozone_too():
    day = day_at(2020, 7, 1)
    book = Book()
    for factor, value in CLEAN.items():
        for n in range(24):
            peak = factor == "o3" and n == 14
            book.add(factor, 210 if peak else value, day.start + 3600 * n)
    verdict = judge(book, window=day, by=DAY)
    ozone = [item for item in verdict.items if item.factor == "o3"]
    assert [(item.figure, item.grade, item.limit) for item in ozone] == [("79", "40", "160"), ("210", "105", "200")]
    assert verdict.figure == "105"


def test_nothing_to_judge():
    book = Book()
    book.add("air_temp", 21)
    assert judge(book) is None
