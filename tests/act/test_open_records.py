"""Records that are open, kept at hand: what is read again, and what is not."""

import pytest

from jinyun.act.open_records import AT_ONCE, OpenRecords
from jinyun.domains.supervision.records import CASE
from jinyun.kernel.errors import NotFound
from jinyun.kernel.ports import SYSTEM, Actor
from jinyun.store.records import SqlRecords

LI = Actor("li", ("officer",))
OPEN = ("opened", "acknowledged")


@pytest.fixture
def records(sqlite, steady_clock):
    return SqlRecords(sqlite, {"case": CASE}, steady_clock)


def case(records, id):
    return records.create(
        "case", {"title": id, "kind": "complaint", "opened_at": "2026-03-01T08:00:00+08:00"}, SYSTEM, id=id
    )


def test_a_change_reads_one_record_again(records, monkeypatch):
    for id in ("a", "b"):
        case(records, id)
    kept = OpenRecords(records, "case", OPEN)
    assert kept.read() == ({"a": records.get("case", "a"), "b": records.get("case", "b")}, None)
    monkeypatch.setattr(records, "find", None)  # from here on nothing may read them all
    assert kept.read()[1] == frozenset()
    records.update("case", "a", {"level": 1}, SYSTEM)
    found, looked_at = kept.read()
    assert (found["a"].data["level"], looked_at) == (1, {"a"})


def test_who_leaves_the_states_leaves_the_list(records):
    for id in ("a", "b", "c"):
        case(records, id)
    kept = OpenRecords(records, "case", OPEN)
    kept.read()
    before = kept.version
    records.step("case", "a", "acknowledge", {}, LI)
    records.step("case", "a", "dispatch", {"owner": "u"}, LI)
    records.delete("case", "b", SYSTEM)
    found, looked_at = kept.read()
    assert (set(found), looked_at) == ({"c"}, {"a", "b"})
    assert kept.version > before
    with pytest.raises(NotFound):
        records.get("case", "b")


def test_many_changes_or_being_asked_to_read_all_anew(records):
    kept = OpenRecords(records, "case", OPEN)
    kept.read()
    assert kept.read(anew=True)[1] is None
    for n in range(AT_ONCE + 1):
        case(records, f"c{n}")
    found, looked_at = kept.read()
    assert len(found) == AT_ONCE + 1
    assert looked_at == set(found)


def test_what_nobody_told_is_seen_by_its_version(records, monkeypatch):
    for id in ("a", "b", "c", "d"):
        case(records, id)
    kept = OpenRecords(records, "case", OPEN)
    kept.read()
    monkeypatch.setattr(records, "listeners", [])  # as when another process changes them
    records.update("case", "a", {"level": 1}, SYSTEM)
    records.delete("case", "b", SYSTEM)
    case(records, "e")
    assert set(kept.read()[0]) == {"a", "b", "c", "d"}
    monkeypatch.setattr("jinyun.act.open_records.WHOLE_S", 0.0)
    monkeypatch.setattr(records, "find", None)  # nothing reads them all
    found, looked_at = kept.read()
    assert (set(found), looked_at) == ({"a", "c", "d", "e"}, {"a", "b", "e"})
    assert found["a"].data["level"] == 1


def test_a_failed_read_loses_no_change(records, monkeypatch):
    case(records, "a")
    kept = OpenRecords(records, "case", OPEN)
    kept.read()
    records.update("case", "a", {"level": 1}, SYSTEM)
    with monkeypatch.context() as broken:
        broken.setattr(records, "load", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            kept.read()
    assert kept.read()[0]["a"].data["level"] == 1
