"""`verify` names each fault and finds none in a sound store; on a stopped node, a running one and a backup."""

from __future__ import annotations

import shutil
import sqlite3

import duckdb
import msgspec
import pytest

from jinyun.app.assemble import House
from jinyun.app.care.backup import backup
from jinyun.app.care.verify import verify_backup, verify_folder, verify_house
from jinyun.app.settings import Settings
from jinyun.kernel.errors import BadInput, Busy


@pytest.fixture
def folder(filled, tmp_path):
    shutil.copytree(filled, tmp_path / "var")
    return tmp_path / "var"


def bad(report):
    return [f"{one.check}: {one.what}" for one in report.problems if one.level == "bad"]


def flip(path, at=None):
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if at is None else at] ^= 1
    path.write_bytes(data)


def test_sound_store_has_no_problem_stopped_running_and_backed_up(folder, tmp_path):
    report = verify_folder(folder, everything=True)
    assert report.problems == []
    assert report.counts["raw_messages"] == 120
    assert report.counts["sealed_rows"] + report.counts["hot_rows"] == 480
    assert report.counts["readings_checked"] > 100
    house = House(Settings.load(folder, http_port=0, hj212_port=0))
    try:
        assert verify_house(house, everything=True).problems == []
        backup(house, tmp_path / "b")
        backup(house, tmp_path / "one.tar")
        with pytest.raises(Busy):
            verify_folder(folder)
    finally:
        house.close()
    for place in (tmp_path / "b", tmp_path / "one.tar"):
        found = verify_backup(place, everything=True)
        assert found.problems == []
        assert found.counts["readings_checked"] == report.counts["readings_checked"]


def test_not_a_node(tmp_path):
    with pytest.raises(BadInput):
        verify_folder(tmp_path)


def test_one_flipped_bit_in_any_sealed_file_is_found(folder):
    path = sorted((folder / "sealed").rglob("*.parquet"))[3]
    flip(path)
    assert any(path.name in one for one in bad(verify_folder(folder)))


def test_missing_sealed_file(folder):
    path = next((folder / "sealed").rglob("rows-*.parquet"))
    path.unlink()
    assert any(path.name in one and "missing" in one for one in bad(verify_folder(folder)))


def test_flipped_bit_in_a_sealed_segment_and_its_index(folder):
    flip(folder / "journal" / "segment-00000001.jz")
    flip(folder / "journal" / "segment-00000002.index.parquet")
    found = bad(verify_folder(folder))
    assert any("segment-00000001.jz" in one and "sha256" in one for one in found)
    assert any("segment-00000002.index.parquet" in one for one in found)


def test_flipped_bit_in_the_open_segment_is_found_at_its_record(folder):
    path = max((folder / "journal").glob("*.jnl"))
    flip(path)
    assert any(path.name in one for one in bad(verify_folder(folder)))


def test_torn_tail_of_a_kill_is_no_damage(folder):
    path = max((folder / "journal").glob("*.jnl"))
    with path.open("ab") as file:
        file.write(b"\x12\x34\x56\x78half a record")
    report = verify_folder(folder)
    assert bad(report) == []
    assert any("behind the last whole record" in one.what for one in report.problems)


def test_missing_segment_is_told_from_a_dropped_one(folder):
    for path in (folder / "journal").glob("segment-00000001.*"):
        path.unlink()
    assert any("segment 1 is missing" in one for one in bad(verify_folder(folder)))
    with sqlite3.connect(folder / "records.sqlite") as database:
        database.execute(
            "INSERT INTO dropped VALUES ('journal/segment-00000001.jz', 'journal', 1, 'x', 1, 0, 0, 0, 'age')"
        )
    assert bad(verify_folder(folder)) == []


def test_journal_shorter_than_the_store(folder):
    path = max((folder / "journal").glob("*.jnl"))
    path.write_bytes(path.read_bytes()[:200])
    assert any(one.startswith("watermark") for one in bad(verify_folder(folder)))


def test_record_without_its_history_and_reference_to_nothing(folder):
    with sqlite3.connect(folder / "records.sqlite") as database:
        database.execute("UPDATE record SET version = 7 WHERE type = 'site' AND id = 's1'")
        database.execute("DELETE FROM record WHERE type = 'enterprise'")
    found = bad(verify_folder(folder))
    assert any("site s1 is at version 7" in one for one in found)
    assert any("refers to a row of record that is not there" in one for one in found)


def test_torn_database(folder):
    data = bytearray((folder / "records.sqlite").read_bytes())
    data[5 * 4096 : 6 * 4096] = bytes(4096)
    (folder / "records.sqlite").write_bytes(data)
    assert any(one.startswith("records") for one in bad(verify_folder(folder)))
    (folder / "records.sqlite").unlink()
    assert any("records.sqlite is missing" in one for one in bad(verify_folder(folder)))


def test_evidence_that_is_gone_is_named_with_its_verdict(folder):
    with duckdb.connect(str(folder / "hot.duckdb")) as hot:
        seq = hot.execute("SELECT min(seq) FROM rows").fetchall()[0][0]
        hot.execute("DELETE FROM rows WHERE seq = ?", [seq])
    found = [one for one in bad(verify_folder(folder, everything=True)) if one.startswith("evidence")]
    assert any(f"sequence {seq}" in one for one in found)


def test_hot_file_and_manifest_of_two_moments(folder):
    with sqlite3.connect(folder / "records.sqlite") as database:
        database.execute("DELETE FROM seal")
        database.execute("DELETE FROM manifest")
    assert any("not of one moment" in one for one in bad(verify_folder(folder)))


def test_stranger_in_the_sealed_folder_is_a_note(folder):
    shutil.copy(next((folder / "sealed").rglob("rows-*.parquet")), folder / "sealed" / "rows-99999999.parquet")
    report = verify_folder(folder)
    assert report.good
    assert any("rows-99999999" in one.what for one in report.problems)


def test_damaged_backup(folder, tmp_path):
    house = House(Settings.load(folder, http_port=0, hj212_port=0))
    try:
        backup(house, tmp_path / "b")
    finally:
        house.close()
    pool = sorted((tmp_path / "b" / "pool").glob("??/*"), key=lambda one: one.stat().st_size)
    flip(pool[-1])
    pool[0].unlink()
    assert len(bad(verify_backup(tmp_path / "b"))) == 2


def test_note_of_a_sealed_segment_that_lies(folder):
    side = folder / "journal" / "segment-00000001.json"
    note = msgspec.json.decode(side.read_bytes())
    side.write_bytes(msgspec.json.encode(note | {"records": note["records"] + 1}))
    assert any("its note says" in one for one in bad(verify_folder(folder, everything=True)))
