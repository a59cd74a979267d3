"""When a notice goes: quiet hours over midnight, digests, throttle; and who is told."""

from datetime import datetime

import pytest

from jinyun.act.notify.people import Roster, matches, next_in_line, on_duty, targets
from jinyun.act.notify.timing import Wishes, quiet_until, when
from jinyun.kernel.notices import PAGE, NoticeEvent
from jinyun.kernel.ports import Actor, Record


def at(text: str) -> int:
    """µs of a China civil time of 22 November 2026 (or the day that is said)."""
    day, _, clock = text.rpartition(" ")
    return int(datetime.fromisoformat(f"{day or '2026-11-22'}T{clock}:00+08:00").timestamp()) * 1_000_000


NIGHT = Wishes(quiet_from="22:00", quiet_to="07:30")


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("21:59", None), ("22:00", "2026-11-23 07:30"), ("23:59", "2026-11-23 07:30"),
        ("2026-11-23 00:00", "2026-11-23 07:30"), ("2026-11-23 07:29", "2026-11-23 07:30"), ("2026-11-23 07:30", None),
    ],
)  # fmt: skip
def test_quiet_hours_over_midnight(now, end):
    assert quiet_until(NIGHT, at(now)) == (at(end) if end else None)


def test_quiet_hours_inside_a_day_and_none():
    noon = Wishes(quiet_from="12:00", quiet_to="14:00")
    assert quiet_until(noon, at("13:00")) == at("14:00")
    assert quiet_until(noon, at("14:00")) is None
    assert quiet_until(Wishes(), at("03:00")) is None


@pytest.mark.parametrize(
    ("level", "through", "goes"),
    [(1, 2, "23:00"), (2, 2, "23:00"), (3, 2, "2026-11-23 07:30"), (None, 2, "2026-11-23 07:30"),
     (1, 0, "2026-11-23 07:30"), (3, 3, "23:00")],
)  # fmt: skip
def test_grave_levels_break_the_quiet(level, through, goes):
    wishes = Wishes(quiet_from="22:00", quiet_to="07:30", through=through)
    assert when(wishes, level, at("23:00")).at == at(goes)


@pytest.mark.parametrize(
    ("digest", "now", "goes"),
    [("hourly", "10:20", "11:00"), ("hourly", "10:00", "11:00"), ("daily", "07:59", "08:00"),
     ("daily", "08:00", "2026-11-23 08:00"), ("hourly", "22:10", "2026-11-23 07:30")],
)  # fmt: skip
def test_digests(digest, now, goes):
    wishes = Wishes(quiet_from="22:00", quiet_to="07:30", digest=digest)
    told = when(wishes, 3, at(now))
    assert (told.at, told.bundle) == (at(goes), f"digest/{digest}")
    assert when(wishes, 2, at(now)).bundle == ""


def test_the_same_matter_is_throttled_and_put_together():
    wishes = Wishes(throttle=30)
    assert when(wishes, 2, at("10:00"), last=None, matter="m").at == at("10:00")
    held = when(wishes, 2, at("10:05"), last=at("10:00"), matter="m")
    assert (held.at, held.bundle) == (at("10:30"), "matter/m")
    more = when(wishes, 2, at("10:10"), last=held.at, matter="m")
    assert (more.at, more.bundle) == (held.at, held.bundle)
    assert when(wishes, 2, at("11:01"), last=held.at, matter="m").bundle == ""


# --- who --------------------------------------------------------------------------------------------------------------


def record(type: str, id: str, **data) -> Record:
    return Record(type, id, 1, "", data, 0, 0, "x")


def roster(**more) -> Roster:
    actors = {
        "lin": Actor("lin", ("officer",), "bureau"), "hu": Actor("hu", ("inspector",), "team"),
        "boss": Actor("boss", ("leader",)), "rd": Actor("rd", ("reader",)),
    }  # fmt: skip
    given = {
        "actors": actors, "subscriptions": {}, "channels": {}, "duties": (), "jurisdiction": lambda _: "500109003",
        "units": {"team": ("team", "执法一队", "bureau", "生态局"), "bureau": ("bureau", "生态局")},
        "defaults": {"roles": ["officer"], "throttle": 30, "through": 2},
    }  # fmt: skip
    return Roster(**{**given, **more})


def event(**more) -> NoticeEvent:
    return NoticeEvent(**{"key": "k", "topic": "alarm_opened", "at": 0, "level": 2, "subject": "s1", **more})


def everybody(_actor, _event) -> bool:
    return True


def who(found) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {one.person: (one.reason, one.channels) for one in found}


def test_without_any_wishes_officers_have_their_inbox():
    assert who(targets(event(), roster(), everybody, 0)) == {"lin": ("default", (PAGE,))}


def test_duty_is_told_over_all_channels_and_not_held_by_quiet_hours():
    duties = [
        record(
            "duty", "d", person="hu", kinds=[],
            **{"from": "2026-11-22T08:00:00+08:00", "to": "2026-11-23T08:00:00+08:00"},
        )
    ]  # fmt: skip
    mine = roster(duties=duties, channels={"hu": [record("channel", "c1", person="hu")]},
                  subscriptions={"hu": [record("subscription", "q", quiet_from="00:00", quiet_to="23:59",
                                               topics=["x"])]})  # fmt: skip
    found = targets(event(to=("duty",), level=3), mine, everybody, at("10:00"))
    assert who(found)["hu"] == ("duty", (PAGE, "c1"))
    assert when(found[0].wishes, 3, at("10:00")).at == at("10:00")
    assert "hu" not in who(targets(event(to=("duty",)), mine, everybody, at("2026-11-23 08:00")))


def test_duty_of_certain_kinds():
    duties = [record("duty", "d", person="hu", kinds=["device"], **{"from": "2026-11-22T08:00:00+08:00"})]
    assert on_duty(duties, "device", at("10:00")) == ["hu"]
    assert on_duty(duties, "section_class", at("10:00")) == []


@pytest.mark.parametrize("owner", ["hu", "team", "执法一队"])
def test_the_owner_by_account_unit_or_name_of_the_unit(owner):
    assert who(targets(event(topic="case_dispatched", to=(owner,)), roster(), everybody, 0))["hu"][0] == "owner"


def test_the_owner_is_a_unit_that_holds_others():
    found = who(targets(event(to=("生态局",)), roster(), everybody, 0))
    assert {name for name, (reason, _) in found.items() if reason == "owner"} == {"lin", "hu"}


def test_nobody_hears_of_what_they_may_not_see():
    mine = roster(subscriptions={"rd": [record("subscription", "a", topics=[])]})
    assert set(who(targets(event(to=("role:leader",)), mine, lambda actor, _: actor.name != "rd", 0))) == {
        "lin",
        "boss",
    }


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        ({}, True), ({"topics": ["alarm_opened"]}, True), ({"topics": ["case_closed"]}, False),
        ({"level": 2}, True), ({"level": 1}, False), ({"sites": ["s1"]}, True), ({"sites": ["s2"]}, False),
        ({"kinds": ["device"]}, False), ({"jurisdictions": ["500109"]}, True), ({"jurisdictions": ["500100"]}, True),
        ({"jurisdictions": ["500000"]}, True), ({"jurisdictions": ["500110"]}, False), ({"jurisdictions": ["*"]}, True),
    ],
)  # fmt: skip
def test_subscriptions(rule, fits):
    assert matches(rule, event(), lambda _: "500109003") is fits


def test_channels_of_a_subscription_that_are_switched_off_are_left_out():
    mine = roster(
        subscriptions={"rd": [record("subscription", "a", channels=["c1", "c2"])]},
        channels={"rd": [record("channel", "c1", person="rd")]},
    )
    assert who(targets(event(), mine, everybody, 0))["rd"] == ("subscription", (PAGE, "c1"))


def test_next_in_line():
    order = ["backup", "duty", "role:leader", "role:officer"]
    mine = roster(subscriptions={"lin": [record("subscription", "a", backup="hu")]})
    assert next_in_line(event(), {"lin"}, mine, sees=everybody, order=order, now=0) == ("hu",)
    assert next_in_line(event(), {"lin", "hu"}, mine, sees=everybody, order=order, now=0) == ("boss",)
    assert next_in_line(event(), {"lin", "hu", "boss"}, mine, sees=everybody, order=order, now=0) == ()
