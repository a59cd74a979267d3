"""Backup of a running node and restore: every figure as of the backup, nothing invented after it, killed anywhere."""

from __future__ import annotations

import json
import os
import shutil
import threading

import pytest
from cared import SECTION_MN, digests, fill, journal_frames, officer_note, started_and_settled, take_in

from jinyun.app.assemble import House
from jinyun.app.care.backup import backup
from jinyun.app.care.restore import restore
from jinyun.app.care.targets import backup_names, read_manifest
from jinyun.app.settings import Settings
from jinyun.kernel.errors import BadInput, Busy, NotFound, Unavailable

FIRST = 1_767_225_600  # 2026-01-01T00:00Z
HOURS = 60


@pytest.fixture
def house(filled, tmp_path):
    shutil.copytree(filled, tmp_path / "var")
    one = reopened(tmp_path / "var")
    one.journal._segment_bytes = 12_000
    yield one
    one.close()


def reopened(folder):
    return House(Settings.load(folder, http_port=0, hj212_port=0))


@pytest.mark.parametrize("out", ["backups", "one.tar"])
def test_restored_node_has_the_same_readings_verdicts_records_and_raw_messages(house, tmp_path, out):
    before = digests(house)
    assert int(before["readings"].split(":")[0]) == HOURS * (5 + 3)
    assert int(before["verdict"].split(":")[0]) > HOURS
    told = backup(house, tmp_path / out)
    assert told["problems"] == []
    assert told["as_of"]["seq"] == house.readings.intake.seq
    # after the backup point the node goes on
    journal_frames(house, FIRST + HOURS * 3600, 3)
    take_in(house)
    officer_note(house, "later")
    assert digests(house) != before

    restore(tmp_path / out, tmp_path / "new")
    again = reopened(tmp_path / "new")
    try:
        assert digests(again) == before
        assert again.settings.bureau == "示范区生态环境局"
        assert again.care.retention.keep["journal"].days == 500
        assert again.readings.verify() == [] == again.journal.verify()
        started_and_settled(again)
    finally:
        again.close()
    third = reopened(tmp_path / "new")
    try:
        assert {k: v for k, v in digests(third).items() if k in ("readings", "frames", "journal")} == {
            k: v for k, v in before.items() if k in ("readings", "frames", "journal")
        }
        journal_frames(third, FIRST + HOURS * 3600, 1)  # and it goes on: the journal takes more behind the restored end
        take_in(third)
        assert int(digests(third)["readings"].split(":")[0]) == (HOURS + 1) * 8
    finally:
        third.close()


def test_second_backup_copies_only_what_is_new(house, tmp_path):
    out = tmp_path / "backups"
    first = backup(house, out)
    again = backup(house, out)
    assert len(backup_names(out)) == 2
    assert again["copied_bytes"] < first["copied_bytes"]
    sealed = [one for one in read_manifest(out, again["name"])["files"] if one["path"].startswith("sealed/")]
    assert sealed
    assert again["copied_files"] <= 3  # hot file, database, and the journal's open segment at most
    third = backup(house, out, keep=1)
    assert backup_names(out) == [third["name"]]
    used = {one["sha256"] for one in read_manifest(out)["files"]}
    assert {path.name for path in (out / "pool").glob("??/*")} == used


def test_cut_short_it_is_no_backup_and_the_next_one_takes_over_what_was_copied(house, tmp_path):
    out = tmp_path / "backups"
    seen = 0

    def stop(what, done, total):
        nonlocal seen
        seen += 1
        if done > total * 0.985:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backup(house, out, progress=stop)
    assert backup_names(out) == []
    with pytest.raises(NotFound):
        restore(out, tmp_path / "new")
    there = len(list((out / "pool").glob("??/*")))
    assert there > 0
    told = backup(house, out)
    assert told["copied_files"] < told["files"]
    assert not list(out.glob(".backup-*"))
    restore(out, tmp_path / "new")


def test_consistent_while_messages_come_and_verdicts_are_given(house, tmp_path):
    stop = threading.Event()
    wrong: list[BaseException] = []
    hours = [HOURS]

    def live():
        try:
            while not stop.is_set():
                journal_frames(house, FIRST + hours[0] * 3600, 1)
                hours[0] += 1
                take_in(house)
                if hours[0] % 3 == 0:
                    house.readings.seal()
        except BaseException as error:
            wrong.append(error)

    worker = threading.Thread(target=live)
    worker.start()
    try:
        names = [backup(house, tmp_path / "b")["name"] for _ in range(3)]
    finally:
        stop.set()
        worker.join(60)
    assert not wrong
    for name in names:
        new = tmp_path / f"new-{name}"
        restore(tmp_path / "b", new, name=name)
        again = reopened(new)
        try:
            manifest = read_manifest(tmp_path / "b", name)
            assert again.readings.intake.seq == manifest["as_of"]["seq"]
            assert str(again.journal.end) == manifest["as_of"]["journal_end"]
            assert again.readings.verify() == [] == again.journal.verify()
            raw = [one for _, one in again.journal.scan()]
            take_in(again)
            # a section's hour has five readings, an outlet's three; the backup may lie between the two of an hour
            assert int(digests(again)["readings"].split(":")[0]) == sum(5 if one.mn == SECTION_MN else 3 for one in raw)
            for verdict in again.verdicts.find(limit=500):
                for item in verdict.items:
                    for ref in item.readings:
                        versions = again.readings.versions(ref.series, ref.time)
                        assert ref.seq in {one.seq for one in versions}
        finally:
            again.close()


def test_refuses_a_used_folder_its_own_folder_and_a_damaged_backup(house, tmp_path):
    out = tmp_path / "backups"
    with pytest.raises(BadInput, match="own folder"):
        backup(house, tmp_path / "var" / "backups")
    with pytest.raises(BadInput, match="is the disk mounted"):
        backup(house, tmp_path / "absent" / "backups")
    with pytest.raises(BadInput, match="other things"):
        backup(house, tmp_path)
    backup(house, out)
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "x").write_text("x")
    with pytest.raises(Busy, match="used already"):
        restore(out, tmp_path / "used")
    one = next(one for one in read_manifest(out)["files"] if one["path"].startswith("sealed/"))
    path = out / "pool" / one["sha256"][:2] / one["sha256"]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(Unavailable, match=one["path"]):
        restore(out, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    manifest = out / "backups" / f"{backup_names(out)[0]}.json"
    manifest.write_text(manifest.read_text("utf-8").replace('"bytes": ', '"bytes": 1', 1), "utf-8")
    with pytest.raises(BadInput, match="damaged"):
        restore(out, tmp_path / "new")


def test_hard_links_on_request(house, tmp_path):
    told = backup(house, tmp_path / "b", link=True)
    assert told["same_disk"]
    for one in read_manifest(tmp_path / "b")["files"]:
        path = tmp_path / "b" / "pool" / one["sha256"][:2] / one["sha256"]
        source = tmp_path / "var" / one["path"]
        linked = one["path"].startswith("sealed/") or (
            one["path"].startswith("journal/") and not one["path"].endswith(".jnl")
        )
        assert (path.stat().st_ino == source.stat().st_ino) == linked, one["path"]


def test_a_damaged_sealed_file_is_named_and_the_rest_is_backed_up(house, tmp_path):
    path = next((tmp_path / "var" / "sealed").rglob("rows-*.parquet"))
    path.write_bytes(path.read_bytes()[:-8] + b"damaged!")
    told = backup(house, tmp_path / "b")
    assert len(told["problems"]) == 1
    assert path.name in told["problems"][0]


@pytest.mark.parametrize("step", [0, 9, 17])
def test_restore_killed_goes_on_where_it_was(house, tmp_path, step):
    backup(house, tmp_path / "b")
    pid = os.fork()
    if not pid:
        seen = 0

        def die(name):
            nonlocal seen
            seen += 1
            if seen > step:
                os._exit(9)

        try:
            restore(tmp_path / "b", tmp_path / "new", on_step=die)
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
    assert not (tmp_path / "new").exists()
    told = restore(tmp_path / "b", tmp_path / "new")
    assert told["reused"] >= step
    again = reopened(tmp_path / "new")
    try:
        assert digests(again) == digests(house)
    finally:
        again.close()


@pytest.mark.postgres
def test_records_on_postgresql_are_backed_up_and_restored_into_either(postgres_server, postgres_url, tmp_path):
    from sqlalchemy import text

    from jinyun.store.database import make_engine

    house = fill(tmp_path / "var", first=FIRST, hours=6, database=postgres_url)
    (tmp_path / "var" / "jinyun.toml").write_text(f'database = "{postgres_url}"\n', "utf-8")
    name = f"restored_{os.getpid()}"
    admin = make_engine(f"{postgres_server}/postgres")
    try:
        before = digests(house)
        backup(house, tmp_path / "b")
        restore(tmp_path / "b", tmp_path / "lite")
        lite = House(Settings.load(tmp_path / "lite", http_port=0, hj212_port=0))
        assert not lite.settings.database  # never the running node's own
        assert digests(lite) == before
        lite.close()
        with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        restore(tmp_path / "b", tmp_path / "pg", database=f"{postgres_server}/{name}")
        assert not (tmp_path / "pg" / "records.sqlite").exists()
        again = House(Settings.load(tmp_path / "pg", http_port=0, hj212_port=0))
        assert digests(again) == before
        again.rejects.flush()
        again.close()
        with pytest.raises(Busy, match="not empty"):
            restore(tmp_path / "b", tmp_path / "pg2", database=f"{postgres_server}/{name}")
    finally:
        house.close()
        with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        admin.dispose()


def test_manifest_says_when_and_up_to_where(house, tmp_path):
    told = backup(house, tmp_path / "b")
    manifest = json.loads((tmp_path / "b" / "backups" / f"{told['name']}.json").read_text("utf-8"))
    assert manifest["as_of"]["journal_end"] == str(house.journal.end)
    assert manifest["as_of"]["sealed_seq"] == house.readings.sealed_files().sealed
    assert manifest["schema"]
    assert house.care.last_backup["name"] == told["name"]
    assert {"journal", "readings", "hot", "records"} <= {one["class"] for one in manifest["files"]}
