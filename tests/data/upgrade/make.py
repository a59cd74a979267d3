"""Makes tests/data/upgrade/var-0001.tar.xz with the code of the release whose schema is 0001. Run once:

git worktree add /tmp/old 538c46d
PYTHONPATH=/tmp/old/src:/tmp/old/tests/support python tests/data/upgrade/make.py OUT_FOLDER
"""

from __future__ import annotations

import hashlib
import json
import sys
import tarfile
import tempfile
from pathlib import Path

from live import register
from sqlalchemy import select

from jinyun.app.assemble import House
from jinyun.app.settings import Settings
from jinyun.kernel.ports import SYSTEM
from jinyun.kernel.terms import RawMessage
from jinyun.sense.hj212 import compose
from jinyun.store import schema
from jinyun.store.database import current_revision

FIRST = 1_767_225_600  # 2026-01-01T00:00Z
OUTLET_MN, SECTION_MN = "UPGRADE0OUTLET1", "UPGRADE0SECTIO1"
ROWS = [
    ("enterprise", "e1", {"name": "甲厂"}),
    ("site", "s1", {"name": "一号断面", "kind": "water_section", "target_class": 3, "body": "river"}),
    ("site", "o1", {"name": "甲厂废水口", "kind": "water_outlet", "enterprise": "e1"}),
    ("device", SECTION_MN, {"mn": SECTION_MN, "name": "数采仪", "site": "s1", "password": "123456"}),
    ("device", OUTLET_MN, {"mn": OUTLET_MN, "name": "数采仪二", "site": "o1", "password": "123456"}),
]
TABLES = ("record", "record_history", "record_index", "verdict", "verdict_key", "series", "reject", "seal")


def send(house, first, hours):
    for number in range(hours):
        at = first + number * 3600
        section = [
            compose.item("w01001", "N", Avg="7.8"),
            compose.item("w01009", "N", Avg="8.2"),
            compose.item("w01019", "N", Avg=f"1.{number % 10}"),
            compose.item("w21003", "N", Avg="0.31"),
            compose.item("w21011", "N", Avg="0.081"),
        ]
        outlet = [compose.item("w01018", "N", Avg=f"{70 + number}.5", Min="60", Max="99")]
        for mn, st, items in ((SECTION_MN, "21", section), (OUTLET_MN, "32", outlet)):
            for frame in compose.upload("2061", mn=mn, st=st, items=items, time=at, qn=compose.qn_of(at * 1_000_000)):
                raw = RawMessage((at + 3700) * 1_000_000, "hj212:9212", "127.0.0.1:5000", mn, frame)
                house.journal.append(raw).result(10)
    house.sites.refresh()
    house.directory.refresh()
    house.centre.replay()
    house.settle()


def digest(rows):
    return f"{len(rows)}:" + hashlib.sha256("\n".join(map(repr, rows)).encode()).hexdigest()


def digests(house):
    cursor = house.readings._hot.cursor()
    view = house.readings._manifest.view
    sources = [f"SELECT series, time, value, flag, seq FROM rows WHERE seq > {view.sealed}"]
    sources += [
        f"SELECT series, time, value, flag, seq FROM read_parquet('{house.readings._manifest.path(one)}')"
        for one in view.rows
    ]
    rows = cursor.execute(" UNION ALL ".join(sources) + " ORDER BY series, time, seq").fetchall()
    found = {"readings": digest(rows)}
    with house.database.connect() as connection:
        found["revision"] = current_revision(connection)
        for name in TABLES:
            table = schema.metadata.tables[name]
            rows = connection.execute(select(table).order_by(*table.primary_key.columns))
            found[name] = digest([tuple(row) for row in rows])
    found["journal"] = digest([(str(ref), one.received_at, one.mn, one.data) for ref, one in house.journal.scan()])
    return found


def main(out):
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "var"
        house = House(Settings.load(folder))
        house.journal._segment_bytes = 8_000
        register(house, ROWS)
        send(house, FIRST, 16)
        house.readings.seal()
        send(house, FIRST + 16 * 3600, 14)
        house.records.update("site", "s1", {"note": "第二版"}, SYSTEM)
        house.journal.seal()
        told = digests(house)
        house.close()
        again = House(Settings.load(folder))  # as the files are, read by the code that wrote them
        assert digests(again) == told
        again.close()
        with tarfile.open(out / "var-0001.tar.xz", "w:xz") as tar:
            for path in sorted(folder.rglob("*")):
                if path.is_file() and path.name not in ("node.lock", "node.json"):
                    tar.add(path, arcname=f"var/{path.relative_to(folder).as_posix()}")
        (out / "var-0001.json").write_bytes(json.dumps(told, indent=1).encode() + b"\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
