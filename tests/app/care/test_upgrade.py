"""A folder written by an older release starts with this one, is migrated, and keeps everything.

``tests/data/upgrade/var-0001.tar.xz`` and its digests were made by the code of commit 538c46d (make.py beside it).
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import tarfile
from pathlib import Path

import pytest
from cared import journal_frames, started_and_settled
from sqlalchemy import text

from jinyun.app.assemble import House
from jinyun.app.care.doctor import examine
from jinyun.app.care.doctor_look import schema_head
from jinyun.app.care.verify import verify_folder, verify_house
from jinyun.app.settings import Settings
from jinyun.store.database import current_revision

OLD = Path(__file__).parents[2] / "data" / "upgrade"
EXPECTED = json.loads((OLD / "var-0001.json").read_text())


@pytest.fixture
def folder(tmp_path):
    with tarfile.open(OLD / "var-0001.tar.xz") as tar:
        tar.extractall(tmp_path, filter="data")
    return tmp_path / "var"


def old_columns(folder):
    """Columns of the tables as the older release had them, and its order of rows."""
    found = {}
    with sqlite3.connect(folder / "records.sqlite") as database:
        for name in EXPECTED:
            info = database.execute(f'PRAGMA table_info("{name}")').fetchall()
            if info:
                keys = [row[1] for row in sorted(info, key=lambda row: row[5]) if row[5]]
                found[name] = [row[1] for row in info], keys
    return found


def digest(rows):
    return f"{len(rows)}:" + hashlib.sha256("\n".join(map(repr, rows)).encode()).hexdigest()


def digests(house, columns):
    found = {}
    cursor = house.readings.hot_cursor()
    view = house.readings.sealed_files()
    sources = [f"SELECT series, time, value, flag, seq FROM rows WHERE seq > {view.sealed}"]
    for one in view.rows:
        sources.append(f"SELECT series, time, value, flag, seq FROM read_parquet('{house.readings.sealed_path(one)}')")
    rows = cursor.execute(" UNION ALL ".join(sources) + " ORDER BY series, time, seq").fetchall()
    cursor.close()
    found["readings"] = digest(rows)
    with house.database.connect() as connection:
        for name, (names, keys) in columns.items():
            listed, order = (", ".join(f'"{one}"' for one in some) for some in (names, keys))
            rows = connection.execute(text(f'SELECT {listed} FROM "{name}" ORDER BY {order}')).fetchall()
            booleans = [place for place, one in enumerate(names) if one == "deleted"]
            found[name] = digest([
                tuple(bool(v) if place in booleans else v for place, v in enumerate(row)) for row in rows
            ])  # fmt: skip
    found["journal"] = digest([(str(ref), one.received_at, one.mn, one.data) for ref, one in house.journal.scan()])
    return found


def test_older_store_is_migrated_and_keeps_everything(folder):
    columns = old_columns(folder)
    assert len(columns) == len(EXPECTED) - 3  # all but readings, revision, journal
    before = verify_folder(folder, everything=True)
    assert before.problems == []  # and it was not changed by looking
    page = {one["id"]: one for one in examine(folder)["checks"]}
    assert page["database"]["level"] == "warn"
    assert f"this release wants {schema_head()}" in page["database"]["en"]
    expected = {name: value for name, value in EXPECTED.items() if name != "revision"}
    assert EXPECTED["revision"] == "0001"

    house = House(Settings.load(folder, http_port=0, hj212_port=0))
    try:
        with house.database.connect() as connection:
            assert current_revision(connection) == schema_head()
        assert digests(house, columns) == expected
        assert verify_house(house, everything=True).problems == []
        assert house.readings.compact("2027-01-01") > 0  # old files merge with today's code
        assert digests(house, columns) == expected
        started_and_settled(house)
    finally:
        house.close()
    again = House(Settings.load(folder, http_port=0, hj212_port=0))
    try:
        after = digests(again, columns)
        assert {k: after[k] for k in ("readings", "journal")} == {k: expected[k] for k in ("readings", "journal")}
        assert verify_house(again, everything=True).problems == []
        journal_frames(again, 1_767_225_600, 1)  # devices that are not registered here: held, nothing breaks
        again.centre.replay()
    finally:
        again.close()


def test_upgrade_killed_half_way_is_done_at_the_next_start(folder):
    from jinyun.store.database import make_engine, migrate

    columns = old_columns(folder)
    engine = make_engine(folder / "records.sqlite")
    migrate(engine, "0002")
    engine.dispose()
    house = House(Settings.load(folder, http_port=0, hj212_port=0))
    try:
        assert digests(house, columns)["record"] == EXPECTED["record"]
    finally:
        house.close()
