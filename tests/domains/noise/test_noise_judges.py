"""The node's judges of noise: a zone's day and night, a boundary's hour."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from handmade import Book, at, hour_at

from jinyun.domains.noise import DOMAIN
from jinyun.domains.noise.levels import leq
from jinyun.kernel.declare import JudgeInput
from jinyun.kernel.terms import Flag, Period, Site, Stat, Status, Window

DAY_JUDGE, NIGHT_JUDGE, HOUR_JUDGE = DOMAIN.judges
STATION = Site("NS01", "双溪站", "noise_station", data={"zone": "2"})
FACTORY = Site("NB01", "甲厂东界", "noise_boundary", data={"zone": "3"})


def window(judge):
    start = at(2026, 3, 2) + judge.offset_s
    return Window(Period.DAY, start, start + 86400)


def run(judge, book, site=STATION, where=None, **extra):
    where = where or window(judge)
    rows = [row for row in book.rows if where.start <= row.time < where.end]
    return judge.run(JudgeInput(site, where, rows, **extra))


def filled(level=50, night=45):
    book = Book()
    for day in (2, 3):
        for hour in range(24):
            book.add("leq", level if 6 <= hour < 22 else night, at(2026, 3, day, hour))
    return book


def test_a_day_and_the_night_that_began_on_it():
    book = filled(level="58.3", night="49.9")
    book.add("lmx", 71, at(2026, 3, 3, 2))
    book.add("lmx", 99, at(2026, 3, 3, 9))  # by day: not the night's
    day, night = run(DAY_JUDGE, book), run(NIGHT_JUDGE, book)
    assert (day.figure, day.limit, day.status, day.judge) == ("58.3", "60", Status.ATTAINS, "noise.zone_day")
    assert (night.figure, night.limit, night.status) == ("49.9", "50", Status.ATTAINS)
    assert len(day.items[0].readings) == 16
    assert {ref.time for ref in night.items[0].readings} == {at(2026, 3, 2, 22) + 3600 * h for h in range(8)}
    assert (night.items[1].figure, night.items[1].status) == ("71.0", Status.EXCEEDS)  # for reference: does not decide
    assert night.subject == "NS01"
    assert night.sentence_zh.startswith(
        "双溪站（2类区）3月2日夜间等效声级 49.9 dB(A)，达标（限值 50 dB(A)）；夜间最大声级（参考）"
    )


def test_hours_of_minutes_are_energy_means():
    book = Book()
    for minute in range(0, 960, 10):
        book.add("leq", 50 if minute % 60 else 60, at(2026, 3, 2, 6) + 60 * minute, period=Period.MINUTE)
    found = run(DAY_JUDGE, book)
    assert found.figure == str(leq([60, 50, 50, 50, 50, 50]))
    assert len(found.items[0].readings) == 96


def test_flags_and_gaps():
    book = filled()
    for hour in (8, 9):
        book.rows = [row for row in book.rows if row.time != at(2026, 3, 2, hour)]
    assert run(DAY_JUDGE, book).status is Status.ATTAINS
    book.rows = [row for row in book.rows if row.time != at(2026, 3, 2, 10)]
    book.add("leq", 99, at(2026, 3, 2, 10), flag=Flag.FAULT)
    found = run(DAY_JUDGE, book)
    assert (found.status, found.figure, found.level) == (Status.CANNOT_JUDGE, None, None)
    assert "有效小时仅13个，不足14个（应有16个）" in found.sentence_zh
    assert run(DAY_JUDGE, Book()) is None


def test_a_site_without_a_zone_cannot_be_judged():
    for data, word in (({}, "未登记"), ({"zone": "9"}, "不认识")):
        found = run(DAY_JUDGE, filled(), Site("n", "无名站", "noise_station", data=data))
        assert found.status is Status.CANNOT_JUDGE
        assert word in found.sentence_zh


def test_shifted_hours_of_a_site():
    book = filled()
    book.rows = [row for row in book.rows if row.time != at(2026, 3, 3, 6)]
    book.add("leq", 80, at(2026, 3, 3, 6))
    site = Site("n", "站", "noise_station", data={"zone": "2", "day_hours": "7-22"})
    assert run(NIGHT_JUDGE, book).status is Status.ATTAINS
    assert run(NIGHT_JUDGE, book, site).status is Status.EXCEEDS


def test_a_what_if_day_chooses_the_edition_not_the_hours():
    found = run(DAY_JUDGE, filled(), as_on=date(2020, 1, 1))
    assert (found.edition, found.window.start) == ("GB 3096-2008", at(2026, 3, 2))


def test_a_boundary_hour():
    book = Book()
    book.add("leq", "56.2", at(2026, 3, 2, 23))
    book.add("leq", "56.2", at(2026, 3, 2, 9))
    night = run(HOUR_JUDGE, book, FACTORY, hour_at(2026, 3, 2, 23))
    day = run(HOUR_JUDGE, book, FACTORY, hour_at(2026, 3, 2, 9))
    assert (night.status, night.limit, day.status, day.limit) == (Status.EXCEEDS, "55", Status.ATTAINS, "65")
    assert night.sentence_zh.startswith("甲厂东界（3类区厂界）3月2日23时夜间等效声级 56.2 dB(A)，超标 1.2 dB(A)")
    assert run(HOUR_JUDGE, Book(), FACTORY, hour_at(2026, 3, 2, 9)) is None
    bad = Book()
    bad.add("leq", 50, at(2026, 3, 2, 9), flag=Flag.CALIBRATION)
    assert run(HOUR_JUDGE, bad, FACTORY, hour_at(2026, 3, 2, 9)).status is Status.CANNOT_JUDGE


def test_only_means_of_leq_count():
    book = Book()
    for hour in range(6, 22):
        book.add("leq", 50, at(2026, 3, 2, hour))
        book.add("leq", 90, at(2026, 3, 2, hour), stat=Stat.MAX)
    assert run(DAY_JUDGE, book).figure == str(Decimal("50.0"))
