"""From a change of a record to what arrives, over real stores and real servers; killed at the worst moment too."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from sinks import HookSink, MailSink

from jinyun.act.notify.people import Roster
from jinyun.act.notify.post import PostOffice
from jinyun.act.notify.room import NoticeRoom
from jinyun.act.notify.topics import load_topics, words
from jinyun.app.discover import record_types
from jinyun.kernel.errors import BadInput
from jinyun.kernel.notices import FAILED, HELD, QUEUED, SENDING, SENT, NoticeEvent
from jinyun.kernel.ports import SYSTEM, Actor, HistoryEntry, Record
from jinyun.kernel.records import Field, Procedure, RecordType, Transition
from jinyun.store.database import open_database
from jinyun.store.outbox import SqlOutbox
from jinyun.store.records import SqlRecords

MINUTE = 60_000_000
NOON = int(datetime.fromisoformat("2026-11-22T12:00:00+08:00").timestamp()) * 1_000_000
WANG = Actor("wang", ("officer",))
BOSS = Actor("boss", ("leader",))


class Heard:
    def __init__(self):
        self.events = []

    def publish(self, topic, data):
        self.events.append((topic, dict(data)))


class World:
    """Registers, outbox and room over one database; `sinks` are where mail and webhooks go."""

    def __init__(self, database, clock, notify):
        self.clock, self.bus = clock, Heard()
        self.topics = load_topics()
        self.records = SqlRecords(database, record_types(), clock)
        self.outbox = SqlOutbox(database)
        self.records.witnesses.append(self.outbox.witness(self.topics.events_of, self.topics.watches))
        self.actors = {"wang": WANG, "boss": BOSS}
        self.office = PostOffice.of(notify)
        self.room = self.fresh_room()
        self.records.create("site", {"name": "石马河断面", "kind": "water_section"}, SYSTEM, id="s1")

    def fresh_room(self):
        return NoticeRoom(
            outbox=self.outbox, topics=self.topics, records=self.records, roster=self.roster,
            sees=lambda *_: True, post=self.office, clock=self.clock, bus=self.bus,
            site_name=lambda id: self.records.get("site", id).data["name"],
        )  # fmt: skip

    def roster(self):
        def by_person(type_id):
            found = {}
            for one in self.records.find(type_id, order="id"):
                if one.data.get("active") is not False:
                    found.setdefault(one.data["person"], []).append(one)
            return found

        return Roster(
            self.actors, by_person("subscription"), by_person("channel"), self.records.find("duty"), {},
            lambda _: "500109", self.topics.defaults,
        )  # fmt: skip

    def channel(self, kind, address, id="c1", person="wang", **more):
        return self.records.create(
            "channel", {"name": id, "person": person, "kind": kind, "address": address, **more}, SYSTEM, id=id
        )

    def subscribe(self, person="wang", **data):
        return self.records.create("subscription", {"person": person, **data}, SYSTEM)

    def alarm(self, id="a1", level=2, **more):
        at = datetime.fromtimestamp(self.clock.at / 1e6).astimezone().isoformat(timespec="seconds")
        return self.records.create(
            "alarm",
            {"rule": "r", "matter": f"r|{id}", "subject": "s1", "level": level, "started_at": at, "last_at": at,
             "sentence_zh": f"氨氮超标{id}。", "sentence_en": f"Ammonia over {id}.", **more},
            SYSTEM, id=id,
        )  # fmt: skip

    def states(self, channel="c1"):
        return [one.state for one, _ in reversed(self.outbox.find()) if one.channel == channel]


@pytest.fixture
def mails():
    with MailSink() as sink:
        yield sink


def notify_of(mails, **more):
    return {
        "smtp_host": "127.0.0.1", "smtp_port": mails.port, "smtp_security": "none", "smtp_from": "b@eco.example",
        "allow": ["127.0.0.0/8"], "plain_http": True, **more,
    }  # fmt: skip


@pytest.fixture
def world(tmp_path, steady_clock, mails):
    steady_clock.at = NOON
    database = open_database(tmp_path / "r.sqlite")
    yield World(database, steady_clock, notify_of(mails))
    database.dispose()


def test_an_alarm_reaches_inbox_mail_and_webhook_once(world, mails):
    with HookSink() as hooks:
        world.channel("email", "wang@eco.example")
        world.channel("webhook", f"http://127.0.0.1:{hooks.port}/in", "c2", secret="k")
        world.subscribe(channels=["c1", "c2"], topics=["alarm_opened", "alarm_ended"])
        world.alarm()
        assert world.room.tick() == {"passed_on": 0, "planned": 1, "sent": 2, "failed": 0}
        assert world.room.tick() == {"passed_on": 0, "planned": 0, "sent": 0, "failed": 0}
    assert [one["Subject"] for one in mails.mails] == ["二级报警：石马河断面"]
    assert [json.loads(body)["items"][0]["text"] for _, _, body in hooks.posts] == ["氨氮超标a1。"]
    ((notice, event),), total = world.outbox.inbox("wang")
    assert (total, notice.reason, event.topic) == (1, "subscription", "alarm_opened")
    assert [data["subject"] for topic, data in world.bus.events if topic == "notice"] == ["s1"]


def test_each_step_of_a_case_has_its_topic(world):
    given = {"title": "石马河断面水质超标", "kind": "section_class", "level": 2, "subject": "s1", "owner": "wang"}
    world.records.create("case", given, SYSTEM, id="k")
    for step, data in (
        ("acknowledge", {}),
        ("dispatch", {"owner": "wang", "note": "速查"}),
        ("report", {"text": "已查"}),
    ):
        world.records.step("case", "k", step, data, Actor("lin", ("officer",)))
    world.records.update("case", "k", {"overdue": True}, SYSTEM)
    topics = [one.topic for one in world.outbox.unplanned()]
    assert topics == ["case_opened", "case_dispatched", "case_reported", "case_overdue"]
    dispatched = world.outbox.unplanned()[1]
    assert dispatched.to == ("wang",)
    assert "速查" in words(world.topics, dispatched)[1]


def test_silent_gone_and_back_and_worse(world):
    world.alarm("d", 4, peak_figure="silent")
    world.records.update("alarm", "d", {"peak_figure": "gone", "last_figure": "gone", "level": 3}, SYSTEM)
    world.records.step("alarm", "d", "end", {}, SYSTEM, changes={"last_figure": "online"})
    world.alarm("e", 3, peak_figure="1.2")
    world.records.update("alarm", "e", {"level": 2}, SYSTEM)
    world.records.update("alarm", "e", {"last_figure": "1.1"}, SYSTEM)
    assert [one.topic for one in world.outbox.unplanned()] == [
        "link_silent", "link_gone", "link_back", "alarm_opened", "alarm_worse",
    ]  # fmt: skip


def test_quiet_hours_hold_what_is_mild_and_send_it_as_one_message(world, mails):
    world.channel("email", "w@e.example")
    world.subscribe(channels=["c1"], quiet_from="11:00", quiet_to="14:00")
    world.alarm("a1", 3)
    world.alarm("a2", 4)
    world.alarm("a3", 1)
    world.room.tick()
    assert world.states() == [HELD, HELD, SENT]
    assert ["一级" in one["Subject"] for one in mails.mails] == [True]
    assert world.outbox.unread("wang") == 3  # the inbox waits for nobody
    world.clock.at = NOON + 2 * 60 * MINUTE
    world.room.tick()
    assert world.states() == [SENT, SENT, SENT]
    text = mails.mails[1].get_body(("plain",)).get_content()
    assert "a1" in text
    assert "a2" in text
    assert len(mails.mails) == 2


def test_a_storm_becomes_one_message(world, mails):
    world.channel("email", "w@e.example")
    world.subscribe(channels=["c1"])
    for n in range(40):
        world.alarm(f"a{n}")
    world.room.tick()
    assert len(mails.mails) == 1
    assert mails.mails[0]["Subject"] == "40 条通知，最高 2 级"
    assert world.states() == [SENT] * 40


def test_an_alarm_that_comes_and_goes_is_throttled(world, mails):
    world.channel("email", "w@e.example")
    world.subscribe(channels=["c1"], throttle=30)
    world.alarm()
    world.room.tick()
    for _ in range(3):
        world.clock.at += 4 * MINUTE
        world.records.step("alarm", "a1", "end", {}, SYSTEM)
        world.records.step("alarm", "a1", "resume", {}, SYSTEM)
        world.room.tick()
    opened = [one for one in mails.mails if "解除" not in one["Subject"]]
    assert len(opened) == 1
    world.clock.at += 31 * MINUTE
    world.room.tick()
    assert "3 条通知" in mails.mails[-1]["Subject"] or "2 条通知" in mails.mails[-1]["Subject"]
    assert set(world.states()) == {SENT}


def test_back_off_then_success_under_one_message_id(world, mails):
    answers = ["451 later", "451 later", "250 ok"]
    mails.answer = lambda _: answers.pop(0)
    world.channel("email", "w@e.example")
    world.subscribe(channels=["c1"])
    world.alarm()
    world.room.tick()
    assert world.states() == [QUEUED]
    world.room.tick()  # not before its time
    assert len(answers) == 2
    world.clock.at += 16_000_000
    world.room.tick()
    world.clock.at += 61_000_000
    world.room.tick()
    assert world.states() == [SENT]
    ((notice, _),) = [one for one in world.outbox.find() if one[0].channel == "c1"]
    assert notice.attempts == 3
    assert notice.message in mails.ids()[0]
    assert not notice.doubt


def test_what_cannot_arrive_is_told_to_the_person_in_the_inbox(world, mails):
    mails.answer = lambda _: "550 no such box"
    world.channel("email", "w@e.example")
    world.subscribe(channels=["c1"])
    world.alarm()
    world.room.tick()
    world.room.tick()
    assert world.states() == [FAILED]
    newest = world.outbox.inbox("wang")[0][0][1]
    assert newest.topic == "undelivered"
    assert "550" in words(world.topics, newest)[1]


def test_what_is_tried_anew_and_fails_again_is_told_again(world, mails):
    mails.answer = lambda _: "550 no such box"
    world.channel("email", "w@e.example")
    world.subscribe(channels=["c1"])
    world.alarm()
    for rounds in (1, 2):
        world.room.tick()
        world.room.tick()
        told = [event for _, event in world.outbox.inbox("wang")[0] if event.topic == "undelivered"]
        assert len(told) == rounds
        world.clock.at += MINUTE
        world.outbox.revive([one.id for one, _ in world.outbox.find(states=[FAILED])], world.clock.at)


@pytest.mark.parametrize("how", ["off", "removed"])
def test_what_waited_for_a_channel_that_is_gone_is_said_in_the_inbox_once(world, how):
    world.channel("email", "w@e.example")
    mine = world.subscribe(channels=["c1"], quiet_from="11:00", quiet_to="14:00")
    world.alarm("a1", 3)
    world.alarm("a2", 3)
    world.room.tick()
    if how == "off":
        world.records.update("channel", "c1", {"active": False, "name": "邮箱"}, SYSTEM)
    else:
        world.records.update("channel", "c1", {"name": "邮箱"}, SYSTEM)
        world.records.update("subscription", mine.id, {"channels": None}, SYSTEM)
        world.records.delete("channel", "c1", SYSTEM)
    world.clock.at += 3 * 60 * MINUTE
    world.room.tick()
    world.room.tick()
    assert world.states() == [FAILED, FAILED]
    (told,) = [event for _, event in world.outbox.inbox("wang")[0] if event.topic == "undelivered"]
    assert words(world.topics, told)[0] == "通知未送达：邮箱"
    assert told.facts["count"] == 2


def test_a_server_that_hangs_holds_up_no_inbox_and_what_is_being_sent_is_not_doubted(world, mails):
    came, hold = threading.Event(), threading.Event()
    mails.before_ok = lambda _: came.set() or hold.wait(10)
    world.channel("email", "w@e.example")
    world.subscribe(channels=["c1"], throttle=0)
    world.alarm("a1", 1)
    world.room.tell()
    sending = threading.Thread(target=world.room.deliver)
    sending.start()
    try:
        assert came.wait(10)
        world.alarm("a2")
        assert world.room.tell() == {"passed_on": 0, "planned": 1}
        assert world.outbox.unread("wang") == 2
        assert world.states() == [SENDING, QUEUED]
    finally:
        hold.set()
        sending.join(20)
    world.room.deliver()
    assert world.states() == [SENT, SENT]
    assert [one["X-Jinyun-Repeat"] for one in mails.mails] == [None, None]


def test_at_the_end_the_message_under_way_goes_and_the_rest_waits_for_the_next_start(world, mails):
    world.channel("email", "w@e.example")
    world.subscribe(channels=["c1"], throttle=0)
    for n in range(3):
        world.alarm(f"a{n}")
    mails.before_ok = lambda _: world.room.end()
    world.room.tick()
    assert world.states() == [SENT, QUEUED, QUEUED]
    world.fresh_room().tick()
    assert world.states() == [SENT, SENT, SENT]


def test_a_removed_channel_is_given_up_and_others_go_on(world, mails):
    world.channel("email", "w@e.example")
    world.channel("email", "x@e.example", "c2")
    world.subscribe(channels=["c1", "c2"], quiet_from="11:00", quiet_to="14:00")
    world.alarm(level=3)
    world.room.tick()
    world.records.update("channel", "c1", {"active": False}, SYSTEM)
    world.clock.at += 3 * 60 * MINUTE
    world.room.tick()
    assert (world.states("c1"), world.states("c2")) == ([FAILED], [SENT])


def test_a_server_that_is_away_is_asked_once_a_round(world, mails):
    asked = []
    mails.answer = lambda to: asked.append(to) or "451 no"
    world.channel("email", "w@e.example")
    world.subscribe(channels=["c1"], throttle=0)
    for n in range(4):
        world.alarm(f"a{n}")
    world.room.tick()
    assert len(asked) == 1


def test_nobody_acknowledges_so_the_next_one_is_told(world, mails):
    world.channel("email", "w@e.example")
    world.channel("email", "boss@e.example", "c2", person="boss")
    world.subscribe(channels=["c1"], backup="boss")
    world.records.create(
        "unit", {"name": "局", "kind": "bureau"}, SYSTEM, id="u"
    )  # fmt: skip
    world.records.create(
        "duty",
        {"unit": "u", "person": "wang", "from": "2026-11-22T08:00:00+08:00", "to": "2026-11-23T08:00:00+08:00"}, SYSTEM,
    )  # fmt: skip
    world.alarm(level=1)
    world.room.tick()
    world.clock.at += 14 * MINUTE
    assert world.room.tick()["passed_on"] == 0
    world.clock.at += 2 * MINUTE
    assert world.room.tick()["passed_on"] == 1
    assert [one["To"] for one in mails.mails] == ["w@e.example", "boss@e.example"]
    text = mails.mails[1].get_body(("plain",)).get_content()
    assert "16 分钟内无人确认" in text
    assert "wang" in text
    world.clock.at += 60 * MINUTE
    world.room.tick()
    assert len(mails.mails) == 2  # nobody is left


@pytest.mark.parametrize("how", ["record", "notice", "ended"])
def test_an_acknowledged_one_is_not_passed_on(world, how):
    world.subscribe(backup="boss")
    world.alarm(level=1)
    world.room.tick()
    if how == "record":
        world.records.step("alarm", "a1", "acknowledge", {}, WANG)
    elif how == "ended":
        world.records.step("alarm", "a1", "end", {}, SYSTEM)
    else:
        world.outbox.acknowledge("wang", world.outbox.inbox("wang")[0][0][0].id, world.clock.at)
    world.clock.at += 60 * MINUTE
    assert world.room.tick()["passed_on"] == 0


def test_loaded_history_goes_to_the_inbox_only(world, mails):
    world.channel("email", "w@e.example")
    world.subscribe(channels=["c1"])
    world.alarm(started_at="2026-01-02T00:00:00+08:00", last_at="2026-01-02T05:00:00+08:00")
    world.room.tick()
    assert mails.mails == []
    assert world.outbox.unread("wang") == 1


def test_a_robot_is_not_called_too_often(world):
    with HookSink() as hooks:
        world.office = PostOffice.of({"allow": ["127.0.0.0/8"], "plain_http": True})
        world.room = world.fresh_room()
        world.channel("wecom", f"http://127.0.0.1:{hooks.port}/send?key=k")
        world.subscribe(channels=["c1"], throttle=0)
        for n in range(25):
            world.alarm(f"a{n}")
            world.room.tick()
    assert len(hooks.posts) == 18
    assert world.states().count(QUEUED) == 7


def test_a_step_that_emits_is_told_in_its_own_words_without_personal_fields(world):
    kind = RecordType(
        id="house", zh="搬迁户", en="Household", title="name", owner="who",
        fields=(
            Field("name", "户名", "Name"), Field("phone", "电话", "Phone", personal=True), Field("who", "承办", "Owner")
        ),
        procedure=Procedure(
            "open", {"open": ("办理中", "Open"), "done": ("已办结", "Done")},
            (Transition("finish", "办结", "Finish", ("open",), "done", emits="house_done",
                        fields=(Field("bank", "账号", "Account", personal=True), Field("text", "说明", "Text"))),),
        ),
    )  # fmt: skip
    record = Record("house", "h", 2, "done", {"name": "三号院", "phone": "13812345678", "who": "wang"}, 0, 0, "lin")
    entry = HistoryEntry("house", "h", 2, 5, "lin", "finish", "open", "done", {}, {}, {"bank": "6222", "text": "已付"})
    assert world.topics.watches(kind)
    (event,) = world.topics.events_of(kind, record, entry)
    assert (event.topic, event.key) == ("house_done", "house/h/2")
    assert "13812345678" not in str(event.facts)
    assert "6222" not in str(event.facts)
    assert words(world.topics, event)[0] == "办结：三号院"
    assert "已付" in words(world.topics, event)[1]
    assert world.topics.events_of(kind, record, replace(entry, step="update")) == []


def test_a_templates_braces_reach_no_attribute(tmp_path):
    path = tmp_path / "notices.toml"
    topic = 'zh="x"\nen="x"\ntitle_en=""\ntext_zh=""\ntext_en=""\n'
    path.write_text(f'[[topic]]\nid = "x"\ntitle_zh = "{{title.__class__}}"\n{topic}')
    with pytest.raises(BadInput, match="only names"):
        load_topics(path)
    path.write_text(f'[[topic]]\nid = "x"\ntitle_zh = "a"\nshape = 1\n{topic}')
    with pytest.raises(BadInput, match="shape"):
        load_topics(path)


def test_every_topic_has_words_in_both_tongues():
    topics = load_topics()
    for one in topics.every.values():
        assert all((one.zh, one.en, one.title_zh, one.title_en, one.text_zh, one.text_en)), one.id
        event = NoticeEvent("k", one.id, 0, facts={})
        assert words(topics, event, "zh")[0]


# --- kill -9 ----------------------------------------------------------------------------------------------------------

CHILD = """
import sys
sys.path.insert(0, sys.argv[3])
import json, os, time
from test_room import World, NOON
from jinyun.app.clock import SystemClock
from jinyun.store.database import open_database

folder, notify = sys.argv[1], json.loads(sys.argv[2])
database = open_database(folder + "/r.sqlite")
world = World.__new__(World)
World.open(world, database, SystemClock(), notify)
n = int(sys.argv[4])
out = int(sys.argv[5])
end = int(sys.argv[6])
while n < end or end == 0:
    world.alarm("k%d" % n)
    os.write(out, b"%d\\n" % n)
    n += 1
    world.room.tick()
world.room.tick()
while world.outbox.counts().get("queued") or world.outbox.counts().get("unplanned"):
    world.room.tick()
    time.sleep(0.05)
"""


def _open(self, database, clock, notify):
    """As `World`, on a database where the registers are set up already."""
    self.clock, self.bus = clock, Heard()
    self.topics = load_topics()
    self.records = SqlRecords(database, record_types(), clock)
    self.outbox = SqlOutbox(database)
    self.records.witnesses.append(self.outbox.witness(self.topics.events_of, self.topics.watches))
    self.actors = {"wang": WANG}
    self.office = PostOffice.of(notify)
    self.room = World.fresh_room(self)
    self.clock.at = clock.now()


World.open = _open


def child(tmp_path, notify, first, end, out):
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path), json.dumps(notify), str(Path(__file__).parent), str(first),
         str(out.fileno()), str(end)],
        pass_fds=[out.fileno()],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(Path(__file__).parents[2] / "support")])},
    )  # fmt: skip


def test_killed_between_sending_and_sent_the_repeat_bears_the_same_message_id(tmp_path, steady_clock):
    """The mail server has the mail, its 250 has not gone: kill. Nobody can know; the second says it may be a repeat."""
    came = threading.Event()
    hold = threading.Event()

    def held(_mail):
        came.set()
        hold.wait(30)

    with MailSink(before_ok=held) as mails:
        database = open_database(tmp_path / "r.sqlite")
        world = World(database, steady_clock, notify_of(mails))
        world.channel("email", "w@e.example")
        world.subscribe(channels=["c1"])
        with (tmp_path / "acks").open("wb") as out:
            process = child(tmp_path, notify_of(mails), 0, 1, out)
            assert came.wait(60)
            process.send_signal(signal.SIGKILL)
            process.wait(30)
            assert [one.state for one, _ in world.outbox.find() if one.channel == "c1"] == [SENDING]
            hold.set()
            mails.before_ok = lambda _: None
            process = child(tmp_path, notify_of(mails), 1, 1, out)
            assert process.wait(60) == 0
        assert len(mails.mails) == 2
        assert len(set(mails.ids())) == 1
        assert [one["X-Jinyun-Repeat"] for one in mails.mails] == [None, "possible"]
        assert [(one.state, one.doubt, one.attempts) for one, _ in world.outbox.find() if one.channel == "c1"] == [
            (SENT, True, 2)
        ]
        database.dispose()


def test_killed_again_and_again_every_notice_arrives_and_repeats_only_as_often_as_it_was_killed(tmp_path, steady_clock):
    kills = 2
    with MailSink() as mails:
        database = open_database(tmp_path / "r.sqlite")
        world = World(database, steady_clock, notify_of(mails))
        world.channel("email", "w@e.example")
        world.subscribe(channels=["c1"], throttle=0)
        acknowledged = set()
        for n in range(kills):
            with (tmp_path / f"acks{n}").open("wb") as out:
                process = child(tmp_path, notify_of(mails), n * 100_000, 0, out)
                before = len(mails.mails)
                deadline = time.monotonic() + 60
                while len(mails.mails) < before + 3 + n and time.monotonic() < deadline:
                    time.sleep(0.01)
                process.send_signal(signal.SIGKILL)
                process.wait(30)
            acknowledged |= {int(one) for one in (tmp_path / f"acks{n}").read_text().split()}
        with (tmp_path / "last").open("wb") as out:
            assert child(tmp_path, notify_of(mails), 900_000, 900_001, out).wait(90) == 0
        told = {}
        for one in mails.mails:
            text = one.get_body(("plain",)).get_content()
            keys = frozenset(word.strip("。") for word in text.split() if word.startswith("氨氮超标"))
            told.setdefault(str(one["Message-ID"]), set()).add(keys)
        assert all(len(bodies) == 1 for bodies in told.values())  # one id, one text
        items = [key for bodies in told.values() for keys in bodies for key in keys]
        assert len(items) == len(set(items))  # each alarm in one message only
        assert {f"氨氮超标k{n}" for n in acknowledged} <= set(items)  # none is lost
        assert len(mails.mails) - len(told) <= kills  # at most one repeat for each kill
        assert all(one.state == SENT for one, _ in world.outbox.find(limit=10_000))
        database.dispose()


def test_a_webhook_that_keeps_our_keys_shows_each_once(world):
    with HookSink(answer=lambda: (500, b"") if len(hooks.posts) % 2 else (200, b"")) as hooks:
        world.channel("webhook", f"http://127.0.0.1:{hooks.port}/", secret="k")
        world.subscribe(channels=["c1"])
        world.alarm()
        for _ in range(4):
            world.room.tick()
            world.clock.at += 400_000_000
        seen = {headers["idempotency-key"] for _, headers, _ in hooks.posts}
    assert len(hooks.posts) == 2
    assert len(seen) == 1
    assert world.states() == [SENT]
