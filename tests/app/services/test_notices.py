"""Notices on a real house: who may be told, clocks, wiring of settings."""

from __future__ import annotations

import threading
import time
from datetime import datetime

import pytest
from sinks import MailSink

from jinyun.app.assemble import House
from jinyun.app.settings import Settings
from jinyun.kernel.errors import BadInput, NotFound, NotPermitted
from jinyun.kernel.notices import NoticeEvent
from jinyun.kernel.ports import SYSTEM, Actor

LIN, WU = Actor("lin", ("officer",)), Actor("wu", ("inspector",))
ACCOUNTS = {
    "lin": {"roles": ["officer"]},
    "wu": {"roles": ["inspector"], "jurisdictions": ["500110"]},
    "chen": {"roles": ["inspector"], "jurisdictions": ["500109"]},
    "out": {"roles": ["officer"], "disabled": True},
    "safe": {"roles": ["secadmin"]},
}


@pytest.fixture
def mails():
    with MailSink() as sink:
        yield sink


@pytest.fixture
def house(tmp_path, mails):
    folder = tmp_path / "var"
    folder.mkdir()
    (folder / "jinyun.toml").write_text(
        f'[notify]\nsmtp_host = "127.0.0.1"\nsmtp_port = {mails.port}\nsmtp_security = "none"\n'
        'smtp_from = "brain@eco.example"\npublic_url = "https://brain.eco.example/"\nmail_domains = ["eco.example"]\n'
    )
    one = House(Settings.load(folder))
    one.kv.set_many("accounts", ACCOUNTS)
    one.records.create(
        "site", {"name": "石马河断面", "kind": "water_section", "jurisdiction": "500109003"}, SYSTEM, id="s1"
    )
    one.sites.refresh()
    yield one
    one.close()


def alarm(house, id="a1", level=2):
    now = datetime.fromtimestamp(house.clock.now() / 1e6).astimezone().isoformat(timespec="seconds")
    house.records.create(
        "alarm",
        {"rule": "r", "matter": f"r|{id}", "subject": "s1", "level": level, "started_at": now,
         "sentence_zh": "氨氮超标。", "sentence_en": "Ammonia."}, SYSTEM, id=id,
    )  # fmt: skip


def test_only_those_are_told_who_may_read_it(house):
    alarm(house)
    house.notices.tick()
    told = {name for name in ACCOUNTS if house.notices.unread(Actor(name, ()))["unread"]}
    assert told == {"lin", "chen"}  # not of another jurisdiction, not switched off, not who keeps the accounts


def test_an_inbox_has_it_while_the_mail_server_hangs(house, mails):
    came, hold = threading.Event(), threading.Event()
    mails.before_ok = lambda _: came.set() or hold.wait(14)
    desk = house.notices
    made = desk.add_channel(LIN, {"name": "邮箱", "kind": "email", "address": "lin@eco.example"})
    desk.set_wishes(LIN, {"channels": [made["id"]], "throttle": 0})
    alarm(house)
    house._register_jobs()
    house.jobs.start()
    try:
        assert came.wait(10)
        alarm(house, "a2")
        end = time.monotonic() + 8
        while desk.unread(LIN)["unread"] < 2 and time.monotonic() < end:
            time.sleep(0.05)
        assert desk.unread(LIN)["unread"] == 2
        assert desk.outbox.counts()["sending"] == 1
    finally:
        hold.set()
        house.jobs.stop()
    assert not [one for one in threading.enumerate() if one.name in ("job-notices", "job-notices_out")]


def test_channel_test_wishes_and_mail_with_a_link(house, mails):
    desk = house.notices
    made = desk.add_channel(LIN, {"name": "邮箱", "kind": "email", "address": "lin@eco.example"})
    assert desk.try_channel(LIN, made["id"]) == {"ok": True, "error": ""}
    desk.set_wishes(LIN, {"channels": [made["id"]], "topics": ["case_opened"], "quiet_from": "", "throttle": 5})
    case = {"title": "石马河水质", "kind": "section_class", "level": 1, "subject": "s1"}
    house.records.create("case", case, SYSTEM, id="k")
    alarm(house)
    desk.tick()
    assert [one["Subject"] for one in mails.mails] == ["测试通知", "新工单：石马河水质"]
    assert "https://brain.eco.example/case/k" in mails.mails[1].get_body(("plain",)).get_content()
    shown = desk.inbox(LIN)["items"][0]
    assert (shown["place"], shown["level"], shown["waits"], shown["subject_name"]) == ("/case/k", 1, True, "石马河断面")
    desk.acknowledge(LIN, shown["id"])
    assert desk.inbox(LIN)["items"][0]["waits"] is False
    assert desk.wishes(LIN)["subscription"]["throttle"] == 5


def test_one_persons_channels_are_no_one_elses(house):
    desk = house.notices
    made = desk.add_channel(LIN, {"name": "邮箱", "kind": "email", "address": "lin@eco.example"})
    for call in (
        lambda: desk.try_channel(WU, made["id"]), lambda: desk.change_channel(WU, made["id"], {"name": "x"}),
        lambda: desk.remove_channel(WU, made["id"]),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            call()
    with pytest.raises(BadInput, match="own"):
        desk.set_wishes(WU, {"channels": [made["id"]]})
    assert desk.wishes(WU)["channels"] == []
    desk.set_wishes(LIN, {"channels": [made["id"]]})
    desk.remove_channel(LIN, made["id"])
    assert desk.wishes(LIN)["subscription"]["channels"] in (None, [])


def test_addresses_are_checked_when_they_are_typed_in(house):
    desk = house.notices
    for kind, address, wrong in (
        ("email", "lin@elsewhere.example", BadInput), ("email", "nobody", BadInput),
        ("webhook", "https://127.0.0.1/x", NotPermitted), ("wecom", "https://evil.example/x", NotPermitted),
        ("webhook", "http://qyapi.weixin.qq.com/", NotPermitted),
    ):  # fmt: skip
        with pytest.raises(wrong):
            desk.add_channel(LIN, {"name": "x", "kind": kind, "address": address})
    made = desk.add_channel(
        LIN, {"name": "群", "kind": "wecom", "address": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=SECRET"}
    )
    assert "SECRET" not in str(desk.wishes(LIN))
    assert made["address"] == "qyapi.weixin.qq.com/…"


@pytest.mark.parametrize(
    ("text", "match"),
    [('smtp_hosts = "x"', "smtp_hosts"), ('smtp_host = "h"', "smtp_from"), ('allow = ["https://x"]', "allow")],
)
def test_settings_that_are_wrong_stop_the_node_by_name(tmp_path, text, match):
    (tmp_path / "jinyun.toml").write_text(f"[notify]\n{text}\n")
    with pytest.raises(BadInput, match=match):
        House(Settings.load(tmp_path))


def test_an_escalation_of_a_clock_is_told_once_to_its_role(house):
    event = house.notices._reached(
        "title",
        house.records.create("case", {"title": "k", "kind": "other", "level": 3}, SYSTEM, id="k"),
        {"name": "deal", "zh": "办理", "en": "Dealing", "remaining_text_zh": "剩1天", "remaining_text_en": "1 day left",
         "started": 5},
        {"name": "warn", "zh": "预警", "en": "Warning", "to": "officer"},
        9,
    )  # fmt: skip
    assert isinstance(event, NoticeEvent)
    assert house.notices.outbox.add([event, event]) == 1
    house.notices.tick()
    topics = [one["title_zh"] for one in house.notices.inbox(LIN)["items"]]
    assert "办理·预警：k" in topics


STAFF = {
    "boss": {"roles": ["unit_officer"], "unit": "u1"},
    "hand": {"roles": ["unit_officer"], "unit": "u2"},
    "left": {"roles": ["unit_officer"], "unit": "u1", "disabled": True},
    "else": {"roles": ["unit_officer"], "unit": "u3"},
    "firm": {"roles": ["enterprise"], "enterprise": "e1", "unit": "u1"},
    "next": {"roles": ["neighbour"], "unit": "u1"},
}


def asking(name):
    one = STAFF[name]
    return Actor(name, tuple(one["roles"]), one.get("unit", ""), enterprise=one.get("enterprise", ""))


@pytest.mark.parametrize(
    ("actor", "offered"),
    [
        (asking("boss"), {"boss", "hand"}),  # of the unit and those below it
        (asking("hand"), {"hand"}),
        (LIN, {"boss", "hand", "else", "lin", "wu", "chen"}),  # sees the whole node: all who are told of matters
        (WU, set()),  # of no unit
        (asking("firm"), set()),
        (asking("next"), set()),
        (Actor("safe", ("secadmin",)), set()),
        (Actor("key:1", ("officer",), jurisdictions=("*",)), set()),
    ],
    ids=lambda one: getattr(one, "name", None),
)
def test_stand_ins_are_of_ones_own_unit_and_others_are_not_told_from_nobody(house, actor, offered):
    house.kv.set_many("accounts", STAFF)
    for id, above in (("u1", None), ("u2", "u1"), ("u3", None)):
        house.records.create("unit", {"name": id, "kind": "bureau", "parent": above}, SYSTEM, id=id)
    desk = house.notices
    assert set(desk.wishes(actor)["people"]) == offered
    for name in offered:
        desk.set_wishes(actor, {"backup": name})
    said = set()
    for name in {*ACCOUNTS, *STAFF, "nobody"} - offered:
        with pytest.raises(BadInput) as wrong:
            desk.set_wishes(actor, {"backup": name})
        said.add(str(wrong.value).replace(name, ""))
    assert len(said) == 1


def test_a_stand_in_who_is_kept_stays_when_the_rest_is_changed(house):
    desk = house.notices
    desk.set_wishes(LIN, {"backup": "chen"})
    house.kv.set("accounts", "chen", {**ACCOUNTS["chen"], "disabled": True})
    assert "chen" not in desk.wishes(LIN)["people"]
    desk.set_wishes(LIN, {"backup": "chen", "throttle": 7})
    assert desk.wishes(LIN)["subscription"]["throttle"] == 7
