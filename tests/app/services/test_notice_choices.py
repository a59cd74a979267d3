"""What a person can subscribe to, and that it arrives: at a real mail server and a real webhook."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from sinks import HookSink, MailSink

from jinyun.app.assemble import House
from jinyun.app.care.rules import retention_of
from jinyun.app.settings import Settings
from jinyun.kernel.errors import BadInput
from jinyun.kernel.ports import SYSTEM, Actor
from jinyun.kernel.terms import CHINA

LIN = Actor("lin", ("officer",))
CHEN = Actor("chen", ("inspector",), jurisdictions=("500109",))
SAFE = Actor("safe", ("secadmin",))
ACCOUNTS = {
    "lin": {"roles": ["officer"]},
    "chen": {"roles": ["inspector"], "jurisdictions": ["500109"]},
    "safe": {"roles": ["secadmin"]},
}
SITES = {"s1": ("石马河断面", "500109003"), "s2": ("高坪断面", "500109004"), "far": ("外县断面", "500112001")}


@pytest.fixture(scope="module")
def mails():
    with MailSink() as sink:
        yield sink


@pytest.fixture(scope="module")
def hooks():
    with HookSink() as sink:
        yield sink


@pytest.fixture(scope="module")
def house(tmp_path_factory, mails, hooks):
    folder = tmp_path_factory.mktemp("choices") / "var"
    folder.mkdir()
    (folder / "jinyun.toml").write_text(
        f'[notify]\nsmtp_host = "127.0.0.1"\nsmtp_port = {mails.port}\nsmtp_security = "none"\n'
        'smtp_from = "brain@eco.example"\nallow = ["127.0.0.0/8"]\nplain_http = true\n'
    )
    one = House(Settings.load(folder))
    one.kv.set_many("accounts", ACCOUNTS)
    for id, (name, place) in SITES.items():
        one.records.create("site", {"name": name, "kind": "water_section", "jurisdiction": place}, SYSTEM, id=id)
    one.sites.refresh()
    yield one
    one.close()


@pytest.fixture
def desk(house, mails, hooks):
    """With a mail box and a webhook of Lin's, and nothing sent."""
    desk = house.notices
    for one in desk.wishes(LIN)["channels"]:
        desk.remove_channel(LIN, one["id"])
    desk.add_channel(LIN, {"name": "邮箱", "kind": "email", "address": "lin@eco.example"})
    hook = {"name": "网关", "kind": "webhook", "address": f"http://127.0.0.1:{hooks.port}/in", "secret": "s"}
    desk.add_channel(LIN, hook)
    desk.tick()
    mails.mails.clear()
    hooks.posts.clear()
    return desk


def alarm(house, rule="section-target", site="s1", level=2):
    now = datetime.fromtimestamp(house.clock.now() / 1e6).astimezone().isoformat(timespec="seconds")
    n = len(house.records.find("alarm", limit=1000))
    return house.records.create(
        "alarm",
        {"rule": rule, "matter": f"{rule}|{n}", "subject": site, "level": level, "started_at": now,
         "sentence_zh": f"{rule} {site} {level}", "sentence_en": "e"}, SYSTEM,
    )  # fmt: skip


def told(mails, hooks):
    """What came by mail, and the same by the webhook."""
    mailed = sorted(one.get_body(("plain",)).get_content().split("\n")[1].strip() for one in mails.mails)
    posted = sorted(item["text"] for _, _, body in hooks.posts for item in json.loads(body)["items"])
    return mailed, posted


EVERY = [
    ("section-target", "s1", 2), ("section-target", "s2", 3), ("outlet-hour", "s1", 4), ("device-silent", "far", 1),
]  # fmt: skip


@pytest.mark.parametrize(
    ("wish", "arrives"),
    [
        ({"kinds": ["section-target"]}, [0, 1]),
        ({"kinds": ["outlet-hour", "device-silent"]}, [2, 3]),
        ({"kinds": ["section_class"]}, []),  # a kind of cases is no alarm rule
        ({"sites": ["s1"]}, [0, 2]),
        ({"jurisdictions": ["500109"]}, [0, 1, 2]),
        ({"jurisdictions": ["500109004", "500112"]}, [1, 3]),
        ({"level": 2}, [0, 3]),
        ({"kinds": ["section-target"], "sites": ["s1", "s2"], "jurisdictions": ["500109"], "level": 2}, [0]),
        ({"topics": ["alarm_opened"]}, [0, 1, 2, 3]),
        ({"topics": ["alarm_ended"]}, []),
    ],
    ids=json.dumps,
)
def test_alarms_arrive_as_they_were_subscribed_to(house, desk, mails, hooks, wish, arrives):
    channels = [one["id"] for one in desk.wishes(LIN)["channels"]]
    empty = dict.fromkeys(("kinds", "sites", "jurisdictions", "level", "topics"))
    desk.set_wishes(LIN, {**empty, **wish, "channels": channels, "throttle": 0})
    for rule, site, level in EVERY:
        alarm(house, rule, site, level)
    desk.tick()
    wanted = sorted(f"{EVERY[n][0]} {EVERY[n][1]} {EVERY[n][2]}" for n in arrives)
    mailed, posted = told(mails, hooks)
    assert list(posted) == wanted
    assert len(mailed) == len(wanted)
    for text in wanted:
        assert sum(text in one.get_body(("plain",)).get_content() for one in mails.mails) == 1


def test_only_what_can_arrive_is_offered(house, desk):
    lin, safe = desk.wishes(LIN), desk.wishes(SAFE)
    topics = {one["id"]: one for one in lin["topics"]}
    assert not {"escalated", "clock_escalation", "undelivered", "step"} & set(topics)
    assert {"alarm_opened", "case_overdue", "complaint_dispatched", "rectification_sent_back"} <= set(topics)
    assert topics["complaint_dispatched"]["zh"].startswith("投诉") or topics["complaint_dispatched"]["type_zh"]
    assert (safe["topics"], safe["kinds"], safe["sites"]) == ([], [], [])  # keeps accounts, reads no matters
    kinds = {one["id"]: one["type"] for one in lin["kinds"]}
    shipped = {one.id for one in (*house.act.rules.verdict, *house.act.rules.silence)}
    assert {id for id, kind in kinds.items() if kind == "alarm"} == shipped
    assert kinds["section_class"] == "case"
    assert len(lin["kinds"]) == len(kinds)
    for name in ("clock_escalation", "undelivered"):
        with pytest.raises(BadInput, match=name):
            desk.set_wishes(LIN, {"topics": [name]})
    with pytest.raises(BadInput, match="no-such-rule"):
        desk.set_wishes(LIN, {"kinds": ["no-such-rule"]})


def test_places_out_of_reach_are_not_offered_and_not_told_from_unknown_ones(desk):
    assert {one["id"] for one in desk.wishes(LIN)["sites"]} == set(SITES)
    mine = desk.wishes(CHEN)
    assert {one["id"] for one in mine["sites"]} == {"s1", "s2"}
    assert {one["id"] for one in mine["jurisdictions"]} == {"500109", "500109003", "500109004"}
    assert {one["id"]: one["name"] for one in mine["jurisdictions"]}["500109"] == "北碚区"
    said = []
    for site in ("far", "nowhere"):
        with pytest.raises(BadInput) as wrong:
            desk.set_wishes(CHEN, {"sites": [site]})
        said.append(str(wrong.value).replace(site, ""))
    assert said[0] == said[1]
    desk.set_wishes(CHEN, {"sites": ["s1"]})
    assert desk.wishes(CHEN)["subscription"]["sites"] == ["s1"]


def test_a_topic_of_a_step_arrives_by_its_own_name(house, desk, hooks):
    """Complaints emit topics that no file describes: what is offered is what arrives."""
    channels = [one["id"] for one in desk.wishes(LIN)["channels"]]
    empty = dict.fromkeys(("kinds", "sites", "jurisdictions", "level"))
    topic = "complaint_not_taken_up"
    desk.set_wishes(LIN, {**empty, "topics": [topic], "channels": channels, "throttle": 0})
    kind = next(iter(house.types["complaint"].field("kind").codes))
    given = {"title": "异味", "channel": "12345", "kind": kind, "content": "有异味",
             "jurisdiction": "500109003"}  # fmt: skip
    given["ask"] = next(iter(house.types["complaint"].field("ask").codes))
    made = house.records.create("complaint", given, LIN)
    why = {"why": "no_facts", "reason": "没有具体对象"}
    house.records.step("complaint", made.id, "refuse", why, LIN, version=made.version)
    desk.tick()
    items = [item for _, _, body in hooks.posts for item in json.loads(body)["items"]]
    assert [one["topic"] for one in items] == [topic]


def test_old_notices_go_by_days_and_the_ledger_says_so(house, desk, mails):
    """Retention by the mechanism of all data, on the house's clock."""
    assert retention_of(house.settings)["notices"].days == 400
    channels = [one["id"] for one in desk.wishes(LIN)["channels"]]
    empty = dict.fromkeys(("kinds", "sites", "jurisdictions", "level", "topics"))
    desk.set_wishes(LIN, {**empty, "channels": channels, "throttle": 0})
    alarm(house, level=4)
    waits = alarm(house, level=1)
    desk.tick()
    here = desk.inbox(LIN, limit=500)["total"]
    now = datetime.fromtimestamp(house.clock.now() / 1e6, CHINA)
    retention, before = house.care.retention, len(house.care.retention.ledger.find(kinds=["notices"]))
    assert retention._drop_notices(now - timedelta(days=400), house.clock.now()) == []
    (line,) = retention._drop_notices(now + timedelta(days=1), house.clock.now())
    assert line.kind == "notices"
    assert line.rows >= 2
    assert len(retention.ledger.find(kinds=["notices"])) == before + 1
    left = {one["record"] for one in desk.inbox(LIN, limit=500)["items"]}
    assert waits.id in left  # nobody has acknowledged it yet
    assert len(left) < here
    with pytest.raises(BadInput, match="8 days"):
        retention_of(Settings.load(house.settings.folder, retention={"notices": 3}))
