"""Rejects: all kept, counted by reason, a replay says nothing twice."""

from jinyun.kernel.terms import JournalRef, Reject
from jinyun.store.rejects import SqlRejects


def reject(n=0, reason="crc", ref=None, **changes):
    fields = {"at": n, "link": "hj212:1", "peer": "10.0.0.1:5", "mn": "M1", "reason": reason, "sentence": f"no {n}"}
    return Reject(**{**fields, "data": bytes([n, 0, 255]), "ref": ref, **changes})


def test_they_come_back_newest_first_with_their_bytes(database):
    store = SqlRejects(database)
    store.add([reject(1), reject(2, mn="M2", reason="range", ref=JournalRef(3, 40))])
    store.add([reject(3)])
    newest, second, _ = store.find()
    assert (newest["at"], newest["data"], newest["ref"]) == (3, b"\x03\x00\xff", None)
    assert (second["reason"], second["ref"], second["sentence"]) == ("range", JournalRef(3, 40), "no 2")
    assert [r["at"] for r in store.find(mn="M1")] == [3, 1]
    assert len(store.find(limit=1)) == 1
    assert store.counts() == {"crc": 2, "range": 1}
    store.close()
    again = SqlRejects(database)
    assert again.counts() == {"crc": 2, "range": 1}
    again.close()


def test_the_same_message_replayed_is_not_said_twice(database):
    store = SqlRejects(database)
    one = reject(1, ref=JournalRef(1, 16))
    store.add([one, one, reject(1, ref=JournalRef(1, 16), sentence="another value of it")])
    store.flush()
    store.add([one, reject(1, ref=JournalRef(1, 99))])
    assert len(store.find()) == 3
    assert store.counts() == {"crc": 3}
    store.add([reject(1), reject(1)])  # without a place in the journal each is its own
    assert store.counts() == {"crc": 5}
    store.close()


def test_what_no_text_column_takes_is_made_harmless(database):
    store = SqlRejects(database)
    store.add([reject(1, mn="a\x00b\udcff" + "x" * 300, sentence="s\x00" * 9, peer="p\ud800")])
    (kept,) = store.find()
    assert kept["mn"].startswith("a␀b?")
    assert store.find(mn="a\x00b\udcff" + "x" * 300) == [kept]
    store.close()
