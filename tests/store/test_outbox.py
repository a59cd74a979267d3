"""The outbox on both databases: with the change that caused it, once for each key, and honest about a doubt."""

import pytest

from jinyun.kernel.errors import NotFound
from jinyun.kernel.notices import FAILED, HELD, PAGE, QUEUED, SENDING, SENT, Notice, NoticeEvent
from jinyun.kernel.ports import SYSTEM
from jinyun.kernel.records import Field, RecordType
from jinyun.store.outbox import SqlOutbox
from jinyun.store.records import SqlRecords

THING = RecordType(id="thing", zh="物", en="Thing", fields=(Field("name", "名", "Name", required=True),))
OTHER = RecordType(id="other", zh="别", en="Other", fields=(Field("name", "名", "Name"),))


def told(kind, record, entry):
    return [NoticeEvent(f"{kind.id}/{record.id}/{record.version}", "news", entry.at, facts={"step": entry.step})]


def happened(key: str, **more) -> NoticeEvent:
    return NoticeEvent(key, "news", 5, **more)


@pytest.fixture
def outbox(database):
    return SqlOutbox(database)


@pytest.fixture
def records(database, outbox, steady_clock):
    made = SqlRecords(database, {"thing": THING, "other": OTHER}, steady_clock)
    made.witnesses.append(outbox.witness(told, lambda kind: kind.id == "thing"))
    return made


def test_an_event_is_kept_with_the_change_that_caused_it(records, outbox):
    one = records.create("thing", {"name": "a"}, SYSTEM)
    records.update("thing", one.id, {"name": "b"}, SYSTEM)
    records.create("other", {"name": "c"}, SYSTEM)
    assert [(e.key, e.facts["step"]) for e in outbox.unplanned()] == [
        (f"thing/{one.id}/1", "create"),
        (f"thing/{one.id}/2", "update"),
    ]


def test_a_change_that_fails_tells_nothing(records, outbox):
    def breaks(*_):
        raise KeyError("after the outbox")

    records.witnesses.append(breaks)
    with pytest.raises(KeyError):
        records.create("thing", {"name": "a"}, SYSTEM, id="x")
    assert outbox.unplanned() == []
    with pytest.raises(NotFound):
        records.get("thing", "x")


def test_an_outbox_that_fails_stops_the_change(records):
    records.witnesses.insert(0, lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        records.create("thing", {"name": "a"}, SYSTEM, id="x")
    assert records.count("thing") == 0


def test_the_same_event_twice_is_one(outbox):
    assert outbox.add([happened("k"), happened("k"), happened("l")]) == 2
    assert outbox.add([happened("k")]) == 0
    assert [one.key for one in outbox.unplanned()] == ["k", "l"]


def test_an_event_is_planned_once(outbox):
    outbox.add([happened("k", facts={"zh": "水"}, to=("a", "duty"), level=2)])
    (event,) = outbox.unplanned()
    assert (event.facts, event.to, event.level) == ({"zh": "水"}, ("a", "duty"), 2)
    made = outbox.plan(event, [Notice(event.seq, "a", PAGE, "duty"), Notice(event.seq, "a", "c1", "duty")], 99)
    assert len({one.id for one in made}) == 2
    assert outbox.plan(event, [Notice(event.seq, "b", PAGE, "duty")], None) == []
    assert outbox.unplanned() == []
    assert outbox.event(event.seq).ack_by == 99


def planned(outbox, *notices: Notice) -> list[Notice]:
    outbox.add([happened(f"k{len(outbox.unplanned())}-{id(notices)}")])
    event = outbox.unplanned()[-1]
    return outbox.plan(event, [Notice(**{**{n: getattr(o, n) for n in Notice.__slots__}, "event": event.seq})
                               for o in notices], None)  # fmt: skip


def test_states_of_a_notice(outbox):
    now, later = planned(outbox, Notice(0, "a", "c1", "r", not_before=10), Notice(0, "a", "c2", "r", HELD, 20))
    assert [one.id for one in outbox.due(15)] == [now.id]
    assert [one.id for one in outbox.due(20)] == [now.id, later.id]
    outbox.begin([now.id], "m1", 15)
    assert [(one.id, one.message, one.attempts, one.state) for one in outbox.in_doubt()] == [(now.id, "m1", 1, SENDING)]
    assert [one.id for one in outbox.due(20)] == [later.id]  # what is being sent is not taken again
    outbox.again([now.id], 30, "no answer")
    assert [(one.message, one.error, one.attempts) for one in outbox.due(40) if one.id == now.id] == [
        ("m1", "no answer", 1)
    ]
    outbox.begin([now.id], "m1", 40)
    outbox.sent([now.id], 41)
    outbox.sent([later.id], 41)  # was never begun: stays
    assert {one.id: one.state for one, _ in outbox.find()} == {now.id: SENT, later.id: HELD}
    outbox.give_up([later.id], "gone")
    assert outbox.counts() == {SENT: 1, FAILED: 1, "unplanned": 0}
    assert outbox.revive([later.id, now.id], 50) == 1
    assert [one.state for one in outbox.due(50)] == [QUEUED]


def test_a_doubt_is_kept_with_its_message_id(outbox):
    (one,) = planned(outbox, Notice(0, "a", "c1", "r"))
    outbox.begin([one.id], "m1", 1)
    outbox.doubt([one.id])
    (again,) = outbox.due(9)
    assert (again.message, again.doubt, again.state) == ("m1", True, QUEUED)
    assert [n.id for n in outbox.of_message("m1")] == [one.id]


def test_inbox_is_one_persons_own(outbox):
    mine, theirs, mail = planned(
        outbox, Notice(0, "a", PAGE, "r", SENT, sent_at=1), Notice(0, "b", PAGE, "r", SENT, sent_at=1),
        Notice(0, "a", "c1", "r"),
    )  # fmt: skip
    assert [one.id for one, _ in outbox.inbox("a")[0]] == [mine.id]
    assert (outbox.unread("a"), outbox.unread("b"), outbox.unread("c")) == (1, 1, 0)
    assert outbox.read("a", [mine.id, theirs.id, mail.id], 7) == 1
    assert (outbox.unread("a"), outbox.unread("b")) == (0, 1)
    assert outbox.inbox("a", unread=True) == ([], 0)
    with pytest.raises(NotFound):
        outbox.acknowledge("a", theirs.id, 8)
    outbox.acknowledge("b", theirs.id, 8)
    assert outbox.acknowledged([outbox.event(theirs.event).key])
    assert not outbox.acknowledged(["other"])


def test_last_told_counts_what_waits_and_not_what_failed(outbox):
    outbox.add([happened("a1", matter="m"), happened("a2", matter="m")])
    first, second = outbox.unplanned()
    (one,) = outbox.plan(first, [Notice(first.seq, "a", "c1", "r")], None)
    outbox.begin([one.id], "x", 5)
    outbox.sent([one.id], 100)
    assert outbox.last_told("a", "c1", "m", "news") == 100
    (two,) = outbox.plan(second, [Notice(second.seq, "a", "c1", "r", HELD, 900)], None)
    assert outbox.last_told("a", "c1", "m", "news") == 900
    outbox.give_up([two.id], "")
    assert outbox.last_told("a", "c1", "m", "news") == 100
    assert outbox.last_told("a", "c1", "n", "news") is None
    assert outbox.told(["a1", "a2"], ["r"]) == {"a"}
    assert outbox.told(["a1"], ["duty"]) == set()


OLD, CUT, NEW = 1_000, 5_000, 9_000


def test_what_is_owed_is_never_forgotten(outbox):
    """Each way of being owed, made by itself; all of it old."""
    states = {
        "delivered": {"state": SENT, "sent_at": OLD}, "read": {"state": SENT, "sent_at": OLD, "read_at": OLD},
        "given up": {"state": FAILED, "tried_at": OLD}, "queued": {"state": QUEUED}, "sending": {"state": SENDING},
        "held": {"state": HELD, "not_before": NEW}, "sent late": {"state": SENT, "sent_at": NEW},
        "tried late": {"state": FAILED, "tried_at": NEW}, "read late": {"state": SENT, "sent_at": OLD, "read_at": NEW},
        "taken late": {"state": SENT, "sent_at": OLD, "acked_at": NEW},
    }  # fmt: skip
    outbox.add([NoticeEvent(key, "news", OLD, matter=key) for key in states])
    for event in outbox.unplanned():
        outbox.plan(event, [Notice(event.seq, "a", PAGE, "r", **states[event.key]),
                            Notice(event.seq, "b", PAGE, "r", SENT, sent_at=OLD)], None)  # fmt: skip
    outbox.add([
        NoticeEvent("told nobody", "news", OLD, matter="x"), NoticeEvent("waits", "news", OLD, matter="m"),
        NoticeEvent("of the same matter", "news", OLD, matter="m"), NoticeEvent("of today", "news", NEW, matter="y"),
        NoticeEvent("kept", "news", OLD, matter="z"),
    ])  # fmt: skip
    for event in outbox.unplanned():
        outbox.plan(event, [], 7 if event.key == "waits" else None)
    outbox.add([NoticeEvent("new", "news", OLD, matter="w")])
    before = {one.seq: one.key for one in outbox.events(range(1, 50)).values()}
    told = outbox.forget(CUT, keep=lambda event: event.key == "kept")
    gone = set(before.values()) - {one.key for one in outbox.events(range(1, 50)).values()}
    assert gone == {"delivered", "read", "given up", "told nobody"}
    assert (told.events, told.notices, told.first, told.last) == (4, 6, OLD, OLD)
    assert outbox.forget(CUT, keep=lambda event: event.key == "kept").events == 0
    outbox.settle(next(seq for seq, key in before.items() if key == "waits"))
    assert outbox.forget(CUT).events == 3  # acknowledged meanwhile: both of its matter, and what nobody keeps
    assert outbox.counts()["unplanned"] == 1


def test_many_are_forgotten_in_portions(outbox):
    outbox.add([NoticeEvent(f"e{n}", "news", OLD + n, matter=f"m{n}") for n in range(1000)])
    for event in outbox.unplanned(1000):
        outbox.plan(event, [Notice(event.seq, "a", PAGE, "r", SENT, sent_at=event.at)], None)
    told = outbox.forget(OLD + 900, keep=lambda event: event.key in ("e0", "e450"))
    assert (told.events, told.notices, told.first, told.last) == (898, 898, OLD + 1, OLD + 899)
    assert outbox.inbox("a")[1] == 102
