"""Verdicts: append-only revisions, current by window, latest in memory; all fields come back as given."""

from dataclasses import replace

import pytest

from jinyun.kernel.errors import NotFound
from jinyun.kernel.terms import Period, ReadingRef, Status, Verdict, VerdictItem, Window
from jinyun.store.verdicts import SqlVerdicts

HOUR = 3600
ITEM = VerdictItem(
    "nh3_n", "1.2", "mg/L", Status.EXCEEDS, "1.0", "4", "0.2", "GB 3838-2002 表1", "", (ReadingRef(3, 7200, 9),)
)


def verdict(subject="s1", start=0, level=3, judge="water.section_class", **changes):
    one = Verdict(
        judge, subject, Window(Period.HOUR, start, start + HOUR), Status.EXCEEDS, str(level), "class", "3",
        "GB 3838-2002 表1", "GB 3838-2002", level, "Ⅳ类", "Class IV", ("nh3_n",),
        (ITEM, VerdictItem("tp", None, "mg/L", Status.CANNOT_JUDGE, reason="缺数")), "氨氮超Ⅲ类", "Ammonia above III",
        computed_at=5, code_version="1", extra={"why": ["x", 1, None]},
    )  # fmt: skip
    return replace(one, **changes)


def test_all_fields_come_back(database):
    store = SqlVerdicts(database)
    given = verdict()
    (kept,) = store.add([given])
    assert kept == replace(given, id=kept.id)
    assert kept.id > 0
    assert SqlVerdicts(database).get(kept.id) == kept
    none = verdict(level=None, figure=None, limit=None, status=Status.CANNOT_JUDGE, items=(), deciding=(), extra={})
    (kept,) = store.add([none])
    assert store.get(kept.id) == replace(none, id=kept.id)
    with pytest.raises(NotFound):
        store.get(999)


def test_a_window_judged_again_supersedes_and_nothing_is_lost(database):
    store = SqlVerdicts(database)
    first, other = store.add([verdict(level=3), verdict(level=2, start=HOUR)])
    (second,) = store.add([verdict(level=4)])
    third, fourth = store.add([verdict(level=5), verdict(level=6)])  # twice in one batch: the later one counts
    assert store.current("water.section_class", "s1", first.window) == fourth
    assert store.revisions("water.section_class", "s1", first.window) == [first, second, third, fourth]
    assert store.find(subject="s1") == [other, fourth]
    assert store.latest()["s1", "water.section_class"] == other
    again = SqlVerdicts(database)
    (fifth,) = again.add([verdict(level=1)])
    assert again.current("water.section_class", "s1", first.window) == fifth
    assert again.latest()["s1", "water.section_class"] == other
    (newer,) = again.add([verdict(level=1, start=HOUR)])
    assert again.latest()["s1", "water.section_class"] == newer == SqlVerdicts(database).latest()[
        "s1", "water.section_class"
    ]  # fmt: skip


def test_find_by_subject_judge_and_window_start(database):
    store = SqlVerdicts(database)
    store.add([verdict(s, h * HOUR, judge=j) for s in ("a", "b") for h in range(5) for j in ("j.x", "j.y")])

    def found(**kwargs):
        return [(v.subject, v.judge, v.window.start // HOUR) for v in store.find(**kwargs)]

    assert found(subject="a", judge="j.x") == [("a", "j.x", h) for h in (4, 3, 2, 1, 0)]
    assert found(subject="a", judge="j.x", start=HOUR, end=3 * HOUR) == [("a", "j.x", 2), ("a", "j.x", 1)]
    assert sorted(found(judge="j.y", start=4 * HOUR)) == [("a", "j.y", 4), ("b", "j.y", 4)]
    assert len(found()) == 20
    assert len(found(limit=7)) == 7
    assert [h for _, _, h in found(limit=7)] == [4, 4, 4, 4, 3, 3, 3]
    assert found(subject="c") == [] == found(judge="j.z")
    assert store.current("j.x", "c", Window(Period.HOUR, 0, HOUR)) is None
    assert store.current("j.x", "a", Window(Period.HOUR, 99 * HOUR, 100 * HOUR)) is None


def test_an_hour_of_a_district_is_one_quick_transaction(database):
    """1,300 outlets and two judges; then the same hour judged again."""
    store = SqlVerdicts(database)
    batch = [verdict(f"o{n}", judge=j) for n in range(1300) for j in ("a", "b")]
    store.add(batch)
    again = store.add([replace(v, level=1) for v in batch])
    assert len(store.latest()) == 2600
    assert {v.level for v in store.latest().values()} == {1}
    assert store.find(subject="o7", judge="a") == [v for v in again if (v.subject, v.judge) == ("o7", "a")]
    assert store.add([]) == []


def test_briefs_are_the_current_verdicts_of_one_judge_without_their_readings(database):
    store = SqlVerdicts(database)
    heard = []
    store.listeners.append(heard.extend)
    store.add([verdict(s, h * HOUR, judge=j) for s in ("b", "a", "c") for h in range(4) for j in ("j.x", "j.y")])
    (again,) = store.add([verdict("a", 2 * HOUR, judge="j.x", level=5, label_zh="Ⅴ类")])
    found = store.briefs("j.x", ["a", "b"], HOUR, 3 * HOUR)
    assert [(one.subject, one.start // HOUR, one.level) for one in found] == [
        ("a", 1, 3), ("a", 2, 5), ("b", 1, 3), ("b", 2, 3),
    ]  # fmt: skip
    one = found[1]
    assert (one.id, one.status, one.figure, one.label_zh, one.edition) == (
        again.id, Status.EXCEEDS, "5", "Ⅴ类", "GB 3838-2002",
    )  # fmt: skip
    assert one.deciding == ("nh3_n",)
    assert one.values == (("nh3_n", "1.2", "mg/L", ""), ("tp", None, "mg/L", "缺数"))
    assert {(one.subject) for one in store.briefs("j.y", None, 0, 9 * HOUR)} == {"a", "b", "c"}
    assert store.briefs("j.x", [], 0, 9 * HOUR) == [] == store.briefs("j.z", None, 0, 9 * HOUR)
    assert len(heard) == 25
    assert heard[-1] == again
