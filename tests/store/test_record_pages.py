"""Pages, text and reach of larger registers on both databases, against the same asked of plain Python."""

import random

import pytest

from jinyun.kernel.ports import SYSTEM
from jinyun.kernel.records import Field, RecordType
from jinyun.kernel.rows import Clause, Rows
from jinyun.store import record_answers, record_pages
from jinyun.store.kv import SqlKeyValue
from jinyun.store.record_reindex import reindex
from jinyun.store.record_text import complete
from jinyun.store.records import SqlRecords

SITE = RecordType("site", "点位", "Site", (Field("name", "名称", "Name"), Field("town", "镇", "Town", indexed=True)))
CASE = RecordType(
    "case", "工单", "Case",
    (
        Field("title", "标题", "Title", required=True),
        Field("site", "点位", "Site", "reference", to="site"),
        Field("owner", "承办", "Owner", indexed=True),
        Field("level", "级别", "Level", "integer", indexed=True),
    ),
    title="title", jurisdiction="site.town", owner="owner",
)  # fmt: skip
BARE = RecordType("case", "工单", "Case", CASE.fields, title="title")
WORDS = ("梁滩河", "氨氮", "超标", "电镀厂", "ⅳ类", "100%", "a_b", "总磷")


@pytest.fixture
def filled(database, steady_clock):
    chance = random.Random(3)
    records = SqlRecords(database, {one.id: one for one in (SITE, CASE)}, steady_clock)
    records.put_many("site", [(f"s{n}", {"name": f"断面{n}", "town": f"50010910{n}"}) for n in range(6)], SYSTEM)
    rows = {}
    for n in range(300):
        rows[f"c{n:03d}"] = {
            "title": "".join(chance.sample(WORDS, 3)), "site": f"s{chance.randrange(6)}",
            "owner": chance.choice(("u1", "u2", None)), "level": chance.choice((1, 2, 10, None)),
        }  # fmt: skip
    records.put_many("case", rows.items(), SYSTEM)
    return records, rows, database


@pytest.mark.parametrize(
    "word", ["超标", "超", "梁滩河", "河氨", "100%", "%", "_", "类a", "超标 总磷", "没有", "c01", "C017", '"']
)
def test_a_word_is_found_wherever_it_stands(filled, word):
    records, rows, _ = filled
    texts = {one: f"{one}\n{data['title']}\n{data['owner'] or ''}\n{data['level'] or ''}" for one, data in rows.items()}
    wanted = {one for one, held in texts.items() if all(part in held for part in word.lower().split())}
    assert {one.id for one in records.find("case", text=word)} == wanted
    assert records.count("case", text=word) == len(records.find("case", text=word))


@pytest.mark.parametrize("word", ["超标", "超", "断面3", "断", "%", "没有", "c017", "C017", "s2", '"', "超标 断面"])
def test_registers_that_hold_a_word_are_told_in_one_question(filled, word):
    records, _, _ = filled
    found = {one for one in ("case", "site") if records.find(one, text=word) or word in records.heads(one)}
    assert records.holding(word, ["case", "site"]) == found
    assert records.holding(word, ["site"]) == found & {"site"}
    assert records.holding(word, []) == frozenset()


def test_heads_are_the_versions_of_what_a_list_holds(filled):
    records, _, _ = filled
    records.update("case", "c007", {"owner": "u9"}, SYSTEM)
    records.delete("case", "c008", SYSTEM)
    for where in (None, {"owner": "u9"}, {"owner": "u1"}):
        assert records.heads("case", where) == {one.id: one.version for one in records.find("case", where)}
    assert records.heads("case", {"owner": "u9"}) == {"c007": 2}


def test_the_text_follows_changes_deletion_and_return(filled):
    records, _, _ = filled
    records.update("case", "c007", {"title": "塑料颗粒泄漏"}, SYSTEM)
    assert [one.id for one in records.find("case", text="料颗")] == ["c007"]
    records.update("case", "c007", {"title": "另一件"}, SYSTEM)
    assert records.count("case", text="料颗") == 0
    records.delete("case", "c007", SYSTEM)
    assert records.count("case", text="另一件") == 0
    records.create("case", {"title": "又一件"}, SYSTEM, id="c007")
    assert [one.id for one in records.find("case", text="又一件")] == ["c007"]
    assert records.count("site", text="又一件") == 0


@pytest.mark.parametrize(
    ("looked_through", "sorted_to"), [(2000, 60_000), (0, 60_000), (45, 60_000), (110, 60_000), (0, 10)]
)
def test_pages_by_a_field_hold_each_record_once_in_order(filled, monkeypatch, looked_through, sorted_to):
    records, rows, _ = filled
    for module in (record_pages, record_answers):
        monkeypatch.setattr(module, "SORTED", sorted_to)
    monkeypatch.setattr(record_pages, "LOOKED_THROUGH", looked_through)
    every = Rows((Clause("town", ("500109",), True, (("site", "site"),)),))  # leaves nothing out
    for where in (None, {"owner": "u1"}, {"@rows": every}):
        mine = {one: data for one, data in rows.items() if where != {"owner": "u1"} or data["owner"] == "u1"}
        for down in (False, True):
            got = []
            while page := records.find("case", where, order=f"{'-' * down}level", limit=37, offset=len(got)):
                got += [one.id for one in page]
            sign = -1 if down else 1
            assert got == sorted(mine, key=lambda one: (sign * (mine[one]["level"] or 0), one))


def test_a_count_that_is_older_than_the_page_lets_nothing_through(filled, monkeypatch):
    records, rows, _ = filled
    monkeypatch.setattr(record_pages, "SORTED", 10)
    monkeypatch.setattr(record_answers, "SORTED", 10)
    mine = {"@rows": Rows((Clause("town", ("500109",), True, (("site", "site"),)),))}
    assert records.count("case", mine) == len(rows)
    monkeypatch.setattr(records, "count", lambda *_, **__: len(rows))  # kept from before a case came from elsewhere
    records.update("site", "s0", {"town": "510100001"}, SYSTEM)
    near = {one for one, data in rows.items() if data["site"] != "s0"}
    assert {one.id for one in records.find("case", mine, order="-level")} == near


@pytest.mark.parametrize("copied", [True, False])
def test_reach_by_places_and_owners_is_one_set(filled, copied, steady_clock):
    records, rows, database = filled
    if not copied:  # a type that says neither: the store asks the index entries
        records = SqlRecords(database, {"site": SITE, "case": BARE}, steady_clock)
    rows_of = Rows((Clause("town", ("500109101",), True, (("site", "site"),)), Clause("owner", ("u2",))))
    wanted = {one for one, data in rows.items() if data["site"] == "s1" or data["owner"] == "u2"}
    assert {one.id for one in records.find("case", {"@rows": rows_of})} == wanted
    assert records.count("case", {"@rows": rows_of}) == len(wanted)
    outside = Rows(rows_of.clauses, outside=True)
    assert {one.id for one in records.find("case", {"@rows": outside})} == set(rows) - wanted


def test_the_reach_follows_the_site_and_the_case(filled):
    records, rows, _ = filled
    town = Rows((Clause("town", ("500109109",), True, (("site", "site"),)),))
    assert records.count("case", {"@rows": town}) == 0
    records.update("site", "s3", {"town": "500109109"}, SYSTEM)
    mine = {one for one, data in rows.items() if data["site"] == "s3"}
    assert {one.id for one in records.find("case", {"@rows": town})} == mine
    moved = sorted(mine)[0]
    records.update("case", moved, {"site": "s4"}, SYSTEM)
    assert set(records.ids("case", {"@rows": town}, order="level")) == mine - {moved}
    by_id = Rows((Clause("id", ("s4",), False, (("site", "site"),)), Clause("owner", ("u" * 130, ""))))
    wanted = {one for one, data in rows.items() if data["site"] == "s4"} | {moved}
    assert {one.id for one in records.find("case", {"@rows": by_id})} == wanted


def test_long_owners_are_told_apart_behind_the_copy(filled):
    records, _, _ = filled
    for n in range(2):
        records.update("case", f"c00{n}", {"owner": "署" * 125 + str(n)}, SYSTEM)
    for n in range(2):
        rows = Rows((Clause("owner", ("署" * 125 + str(n),)),))
        assert [one.id for one in records.find("case", {"@rows": rows})] == [f"c00{n}"]
    cut = Rows((Clause("owner", ("署" * 120, "署" * 119)),))
    assert records.count("case", {"@rows": cut}) == 0


ORDERS = ("updated_at", "-updated_at", "id", "-id", "-state", "-created_at", "level", "-owner")


def test_deep_pages_read_from_the_nearer_end_hold_the_same(filled, monkeypatch):
    records = filled[0]
    reach = Rows((Clause("town", ("500109102", "500109105"), True, (("site", "site"),)), Clause("owner", ("u1",))))
    near = {}
    for order in ORDERS:
        for where in (None, {"@rows": reach}):
            near[order, where is None] = found = [one.id for one in records.find("case", where, order=order)]
            assert records.ids("case", where, order=order) == found
    monkeypatch.setattr(record_pages, "DEEP", 0)
    monkeypatch.setattr(record_pages, "SORTED", 10)
    for (order, every), held in near.items():
        where = None if every else {"@rows": reach}
        for offset in (0, 30, len(held) // 2, len(held) // 2 + 1, len(held) - 20, len(held) - 1, len(held)):
            page = records.find("case", where, order=order, offset=offset, limit=40)
            assert [one.id for one in page] == held[offset : offset + 40], (order, offset)
        assert records.ids("case", where, order=order) == held


def test_copies_of_older_records_are_made_at_the_start(filled):
    records, rows, database = filled
    kv = SqlKeyValue(database)
    types = {"site": SITE, "case": CASE}
    reindex(database, types, kv)
    with database.begin() as connection:  # as the revision leaves them
        connection.exec_driver_sql("UPDATE record SET anchor = '', owner = ''")
    reindex(database, types, kv)
    mine = Rows((Clause("owner", ("u2",)), Clause("id", ("s1",), False, (("site", "site"),))))
    assert records.count("case", {"@rows": mine}) == 0  # noted as made: nothing is done again
    for type_id in types:
        kv.delete("records.columns", type_id)
    reindex(database, types, kv)
    wanted = {one for one, data in rows.items() if data["owner"] == "u2" or data["site"] == "s1"}
    assert {one.id for one in records.find("case", {"@rows": mine})} == wanted


def test_a_restored_register_is_indexed_again(filled):
    records, _, database = filled
    if database.dialect.name != "sqlite":
        assert complete(database) == 0
        return
    before = records.count("case", text="超标")
    with database.begin() as connection:
        connection.exec_driver_sql("INSERT INTO record_grams(record_grams) VALUES ('delete-all')")
    assert not records.find("case", text="超标")
    assert complete(database) == 306
    assert len(records.find("case", text="超标")) == before > 0
    assert complete(database) == 0
