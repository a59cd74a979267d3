"""Counters, rate, states and advice of a link."""

from __future__ import annotations

from jinyun.kernel.ports import DeviceProfile
from jinyun.kernel.terms import Period, Reject
from jinyun.sense.hj212.links import Link, LinkBook, advice, shortest_interval

S = 1_000_000
T0 = 1_770_000_000 * S


def profile(**changes):
    return DeviceProfile(mn="A", site="s", site_kind="water_outlet", **changes)


def test_rate_is_per_full_minute():
    link = Link("A")
    for n in range(90):  # one each 2 s for 3 minutes
        link.arrived(T0 + n * 2 * S, "p")
    assert 25 <= link.rate(T0 + 180 * S) <= 31
    assert link.rate(T0 + 3600 * S) == 0.0


def test_states_follow_the_shortest_interval():
    link, one = Link("A"), profile(realtime_interval=60, periods=(Period.REALTIME, Period.HOUR))
    assert shortest_interval(one) == 60
    assert link.state(one, T0) == "gone"
    link.arrived(T0, "p")
    ages = {0: "online", 180: "online", 181: "late", 600: "late", 601: "silent", 86_399: "silent", 86_400: "gone"}
    assert {age: link.state(one, T0 + age * S) for age in ages} == ages
    assert link.state(None, T0) == "quarantine"


def test_hourly_device_is_not_late_after_an_hour():
    link = Link("A")
    link.arrived(T0, "p")
    assert link.state(profile(periods=(Period.HOUR,)), T0 + 3600 * S) == "online"


def refuse(link, reason, count=1):
    for _ in range(count):
        link.refused(Reject(T0, "l", "p", "A", reason, "", b""))


def said(link, who, **more):
    return " | ".join(a["en"] for a in advice(link, who, clock_limit=120.0, **more))


def test_advice_names_the_crc_dialect_and_the_switch():
    link = Link("A")
    refuse(link, "crc-dialect", 4)
    link.dialects["modbus"] = 4
    assert "crc=modbus" in said(link, profile())
    assert "MODBUS" not in said(link, profile(crc="modbus"))


def test_advice_for_each_count():
    link = Link("A", total=10)
    refuse(link, "crc-wrong")
    refuse(link, "password")
    link.counts.update(
        {"length-wrong": 3, "time-future": 1, "off-grid": 5, "no-flag": 9, "two-sockets": 1, "bad-values": 2}
    )
    link.unknown_codes["ea3001"] = 1
    text = said(link, profile(), gaps=7)
    for word in (
        "no known kind",
        "wrong PW",
        "wrong length",
        "DataTime",
        "label_end",
        "always_answer",
        "ea3001",
        "one MN",
        "7 periods",
    ):
        assert word in text
    assert all(a["zh"] for a in advice(link, profile(), clock_limit=120.0))


def test_clock_advice_knows_utc():
    link = Link("A", total=9)
    link.offsets.extend([-28_800.5] * 5)
    assert "UTC" in said(link, profile())
    link.offsets.clear()
    link.offsets.extend([400.0, 390.0, 5000.0])
    assert link.clock_offset == 400.0
    assert "400 s ahead" in said(link, profile())
    link.offsets.clear()
    link.offsets.append(100.0)
    assert said(link, profile()) == "nothing to do: the link is in order"


def test_unregistered_is_told_first():
    assert "quarantine" in advice(Link("A", total=1), None, clock_limit=120.0)[0]["en"]


def test_book_is_bounded_and_remembers():
    book = LinkBook(most=10)
    for n in range(25):
        book.of(f"M{n}").arrived(T0 + n * S, "p")
    assert len(book.links) == 10
    again = LinkBook()
    again.load(book.saved())
    assert again.last_seen("M24") == T0 + 24 * S
    assert again.last_seen("M0") is None
