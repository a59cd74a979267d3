"""The gap ledger: grid, watermarks, chunks, what is remembered over a restart. Times are China civil time on paper."""

from __future__ import annotations

from datetime import datetime

import pytest

from jinyun.kernel.ports import DeviceProfile
from jinyun.kernel.terms import Period, instant
from jinyun.sense.hj212.gaps import SPACE, GapLedger, Request

HOUR, DAY = 3600, 86_400


class Memory:
    """The key-value port on a dict."""

    def __init__(self):
        self.spaces = {}

    def items(self, space):
        return dict(self.spaces.get(space, {}))

    def set(self, space, key, value):
        self.spaces.setdefault(space, {})[key] = value

    def set_many(self, space, values):
        self.spaces.setdefault(space, {}).update(values)


def at(text: str) -> int:
    return instant(datetime.fromisoformat(text))


NOW = at("2026-03-10 12:34:00")


def profile(**changes):
    return DeviceProfile(mn="A", site="s", site_kind="water_outlet", **{"periods": (Period.HOUR,), **changes})


def ledger(kv=None, history=None, **changes):
    given = {
        "look_back": {"MINUTE": 2 * HOUR, "HOUR": DAY, "DAY": 7 * DAY},
        "look_back_most": 30 * DAY,
        "attempts": 3,
        "pause": 600.0,
        "longest_wait": 7 * DAY,  # the rule's two periods in full, unless a test says otherwise
    }
    return GapLedger(kv or Memory(), history=history, **{**given, **changes})


def test_first_sight_owes_the_look_back_newest_chunk_first():
    book = ledger()
    book.watch(profile(), NOW)
    book.scan("A", NOW)
    request = book.next_request("A", NOW)
    # two periods of grace: the hour 09:00–10:00 is the newest that is due at 12:34
    assert request == Request(
        "A", Period.HOUR, "2061", at("2026-03-10 00:00"), at("2026-03-10 09:00"), at("2026-03-10 00:00")
    )
    # the look-back began at yesterday's 12:00: of yesterday 12 hours are owed, of today 10
    assert book.count("A", NOW) == 22


def test_an_hour_is_asked_for_a_quarter_of_an_hour_after_its_end():
    book = ledger(longest_wait=900)
    book.watch(profile(), NOW)
    for now, newest in (("12:34", "11:00"), ("13:14", "11:00"), ("13:15", "12:00")):
        moment = at(f"2026-03-10 {now}:00")
        book.scan("A", moment)
        assert book.next_request("A", moment).end == at(f"2026-03-10 {newest}")


def test_minutes_come_by_the_devices_interval_and_an_hour_at_a_time():
    book = ledger()
    book.watch(profile(periods=(Period.MINUTE,), minute_interval=10), NOW)
    book.scan("A", NOW)
    request = book.next_request("A", NOW)
    assert (request.cn, request.begin, request.end) == ("2051", at("2026-03-10 12:00"), at("2026-03-10 12:00"))
    book.asked(request, NOW)
    request = book.next_request("A", NOW)
    assert (request.begin, request.end) == (at("2026-03-10 11:00"), at("2026-03-10 11:50"))


def test_what_arrived_is_not_asked_for():
    book = ledger()
    book.watch(profile(), NOW)
    for hour in range(10):
        assert book.arrived("A", Period.HOUR, at("2026-03-10 00:00") + hour * HOUR)
    book.scan("A", NOW)
    request = book.next_request("A", NOW)
    assert (request.begin, request.end) == (at("2026-03-09 12:00"), at("2026-03-09 23:00"))


def test_off_the_grid_counts_for_its_slot_and_is_told():
    book = ledger()
    book.watch(profile(), NOW)
    assert not book.arrived("A", Period.HOUR, at("2026-03-10 09:00:59"))
    assert book.count("A", NOW) == 21


def test_no_data_is_remembered_over_a_restart_and_never_asked_again():
    kv = Memory()
    book = ledger(kv)
    book.watch(profile(), NOW)
    book.scan("A", NOW)
    for _ in range(2):
        request = book.next_request("A", NOW)
        book.asked(request, NOW)
        book.answered(request, "no_data", NOW)
    assert book.next_request("A", NOW) is None
    book.scan("A", NOW)
    kv.set_many(SPACE, book.changes())
    again = ledger(kv)
    again.watch(profile(), NOW)
    again.scan("A", NOW)
    assert again.next_request("A", NOW) is None
    assert again.count("A", NOW) == 0
    assert {g["state"] for g in again.gaps("A", NOW)} == {"missing_at_source"}
    # an hour later one more hour is due: only that is asked for
    again.scan("A", NOW + HOUR)
    request = again.next_request("A", NOW + HOUR)
    assert (request.begin, request.end) == (at("2026-03-10 10:00"), at("2026-03-10 10:00"))


def test_failures_back_off_and_are_bounded():
    book = ledger()
    book.watch(profile(), NOW)
    book.arrived("A", Period.HOUR, 0)
    tries, now = [], NOW
    for _ in range(200):
        book.scan("A", now)
        request = book.next_request("A", now)
        if request and request.chunk == at("2026-03-09 00:00"):
            tries.append(now - NOW)
        if request:
            book.asked(request, now)
            book.answered(request, "failed", now)
        now += 60
    assert tries == [60, 660, 1860]  # 600 s after the first, 1,200 s after the second, then given up
    assert any(g["state"] == "given_up" for g in book.gaps("A", now))


def test_a_lost_link_is_no_attempt():
    book = ledger()
    book.watch(profile(), NOW)
    request = book.next_request("A", NOW)
    if request is None:
        book.scan("A", NOW)
        request = book.next_request("A", NOW)
    book.asked(request, NOW)
    assert book.next_request("A", NOW) != request
    book.answered(request, "link", NOW)
    assert book.next_request("A", NOW) == request
    assert book.gaps("A", NOW)[0]["attempts"] == 0


def test_partly_answered_request_is_repeated_for_the_rest_only():
    book = ledger()
    book.watch(profile(), NOW)
    book.scan("A", NOW)
    request = book.next_request("A", NOW)
    book.asked(request, NOW)
    for hour in range(5, 10):
        book.arrived("A", Period.HOUR, at("2026-03-10 00:00") + hour * HOUR)
    book.answered(request, "done", NOW)
    assert book.next_request("A", NOW).chunk == at("2026-03-09 00:00")  # the younger chunk waits for its back-off
    again = ledger_next(book, NOW + 600, at("2026-03-10 00:00"))
    assert (again.begin, again.end) == (at("2026-03-10 00:00"), at("2026-03-10 04:00"))


def ledger_next(book, now, chunk):
    request = book.next_request("A", now)
    assert request.chunk == chunk
    return request


def test_watermark_moves_past_settled_chunks_only():
    book = ledger()
    book.watch(profile(), NOW)
    for hour in range(12):
        book.arrived("A", Period.HOUR, at("2026-03-09 12:00") + hour * HOUR)
    book.scan("A", NOW)
    assert book.watermark("A", Period.HOUR) == at("2026-03-10 00:00")
    book.scan("A", NOW + DAY)
    assert book.watermark("A", Period.HOUR) == at("2026-03-10 00:00")  # today's hours never came


def test_long_stand_still_goes_on_from_the_watermark():
    kv = Memory()
    book = ledger(kv)
    book.watch(profile(), NOW)
    for hour in range(22):
        book.arrived("A", Period.HOUR, at("2026-03-09 12:00") + hour * HOUR)
    book.scan("A", NOW)
    kv.set_many(SPACE, book.changes())
    later = NOW + 3 * DAY
    again = ledger(kv, history=lambda mn, period, start, end: [at("2026-03-10 00:00") + h * HOUR for h in range(10)])
    again.watch(profile(), later)
    again.scan("A", later)
    assert again.count("A", later) == 3 * 24  # from 10:00 on the 10th to 09:00 on the 13th
    chunks = []
    while request := again.next_request("A", later):
        chunks.append((request.begin, request.end))
        again.asked(request, later)
    assert chunks == [
        (at("2026-03-13 00:00"), at("2026-03-13 09:00")),
        (at("2026-03-12 00:00"), at("2026-03-12 23:00")),
        (at("2026-03-11 00:00"), at("2026-03-11 23:00")),
        (at("2026-03-10 10:00"), at("2026-03-10 23:00")),
    ]


@pytest.mark.parametrize("period", [Period.REALTIME])
def test_real_time_is_not_asked_for(period):
    book = ledger()
    book.watch(profile(periods=(period,)), NOW)
    book.scan("A", NOW)
    assert book.next_request("A", NOW) is None
