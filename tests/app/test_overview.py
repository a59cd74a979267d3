"""Which verdict speaks for a site."""

from jinyun.app.services.overview import pick_verdict
from jinyun.kernel.terms import Period, Status, Verdict, window_of

NOW = 1_773_100_800  # 2026-03-10T08:00+08:00
PLACE = {"id": "a1", "kind": "air_station"}


def aqi(judge, period, at, figure):
    return Verdict(
        judge=judge, subject="a1", window=window_of(period, at),
        status=Status.ATTAINS if figure else Status.CANNOT_JUDGE, figure=figure, unit="", limit=None, clause="",
        edition="", level=1 if figure else None, label_zh="", label_en="", deciding=(), items=(), sentence_zh="",
        sentence_en="",
    )  # fmt: skip


def picked(hour_ago, hour_figure, day_figure):
    hour = aqi("air.aqi_hour", Period.HOUR, NOW - hour_ago * 3600, hour_figure)
    day = aqi("air.aqi_day", Period.DAY, NOW - 86_400, day_figure)
    found = pick_verdict(PLACE, {("a1", hour.judge): hour, ("a1", day.judge): day}, NOW)
    return found.judge, found.figure


def test_the_newest_hour_speaks_even_when_it_cannot_be_judged():
    assert picked(1, "20", "30") == ("air.aqi_hour", "20")
    assert picked(1, None, "30") == ("air.aqi_hour", None)


def test_an_old_hour_gives_way_to_a_day_that_says_something():
    assert picked(18, "20", "30") == ("air.aqi_day", "30")
    assert picked(18, "20", None) == ("air.aqi_hour", "20")
