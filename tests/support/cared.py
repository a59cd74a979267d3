"""A folder with history for the care tests: readings over days, verdicts, records, sealed files, several segments."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

from live import register
from sqlalchemy import select

from jinyun.app.assemble import House
from jinyun.app.settings import Settings
from jinyun.kernel.ports import SYSTEM
from jinyun.kernel.terms import RawMessage
from jinyun.sense.hj212 import compose
from jinyun.store import schema

OUTLET_MN, SECTION_MN = "CARE0000OUTLET1", "CARE0000SECTIO1"
ROWS: list[tuple[str, str, dict[str, Any]]] = [
    ("enterprise", "e1", {"name": "甲厂"}),
    ("site", "s1", {"name": "一号断面", "kind": "water_section", "target_class": 3, "body": "river"}),
    ("site", "o1", {"name": "甲厂废水口", "kind": "water_outlet", "enterprise": "e1"}),
    ("outlet", "out1", {"name": "甲厂总排口", "kind": "water", "site": "o1", "enterprise": "e1"}),
    ("permit_limit", "pl1", {"outlet": "out1", "factor": "cod_cr", "period": "hour", "limit": "60", "unit": "mg/L",
                             "valid_from": "2020-01-01", "valid_to": "2040-01-01", "basis": "许可证 1 号"}),
    ("device", SECTION_MN, {"mn": SECTION_MN, "name": "数采仪", "site": "s1", "password": "123456"}),
    ("device", OUTLET_MN, {"mn": OUTLET_MN, "name": "数采仪二", "site": "o1", "password": "123456"}),
]  # fmt: skip


def frames(at: int, number: int) -> list[tuple[str, bytes]]:
    """(mn, frame) of the hour that begins at `at` [s]: a section of class II, an outlet over its limit."""
    section = [
        compose.item("w01001", "N", Avg="7.8"), compose.item("w01009", "N", Avg="8.2"),
        compose.item("w01019", "N", Avg=f"1.{number % 10}"), compose.item("w21003", "N", Avg="0.31"),
        compose.item("w21011", "N", Avg="0.081"),
    ]  # fmt: skip
    outlet = [compose.item("w01018", "N", Avg=f"{70 + number % 20}.5", Min="60", Max="99")]
    found = []
    for mn, st, items in ((SECTION_MN, "21", section), (OUTLET_MN, "32", outlet)):
        for frame in compose.upload("2061", mn=mn, st=st, items=items, time=at, qn=compose.qn_of(at * 1_000_000)):
            found.append((mn, frame))
    return found


def journal_frames(house: House, first: int, hours: int, *, at: int | None = None) -> None:
    """Put frames of `hours` hours into the journal, as if they had just been acknowledged."""
    for number in range(hours):
        hour = first + number * 3600
        for mn, frame in frames(hour, number):
            received = (hour + 3700) * 1_000_000 if at is None else at
            house.journal.append(RawMessage(received, "hj212:9212", "127.0.0.1:5000", mn, frame)).result(10)


def take_in(house: House) -> None:
    """What is in the journal and not yet stored: decoded, stored, judged and acted on."""
    house.sites.refresh()
    house.directory.refresh()
    house.centre.replay()
    house.settle()


def fill(folder: Path, *, first: int, hours: int = 60, **settings: Any) -> House:
    """A house, not started, with `hours` hours from `first` [s]: part sealed, part hot, judged."""
    house = House(Settings.load(folder, **{"journal_segment_mb": 256, **settings}))
    house.journal._segment_bytes = 12_000  # many small segments, as a year has many large ones
    register(house, ROWS)
    journal_frames(house, first, hours * 2 // 3)
    take_in(house)
    house.readings.seal()
    journal_frames(house, first + hours * 2 // 3 * 3600, hours - hours * 2 // 3)
    take_in(house)
    house.journal.seal()
    return house


def digests(house: House) -> dict[str, str]:
    """What must be the same after a restore: each store as one digest, rows in order."""
    found = {}
    cursor = house.readings.hot_cursor()
    view = house.readings.sealed_files()
    sources = [f"SELECT series, time, value, flag, seq FROM rows WHERE seq > {view.sealed}"]
    frames_in = [f'SELECT id, received_at, origin, mn, segment, "offset" FROM frames WHERE id > {view.sealed}']
    for one in view.rows:
        sources.append(f"SELECT series, time, value, flag, seq FROM read_parquet('{house.readings.sealed_path(one)}')")
    for one in view.frames:
        path = house.readings.sealed_path(one)
        frames_in.append(f"SELECT id, received_at, origin, mn, segment, \"offset\" FROM read_parquet('{path}')")
    rows = cursor.execute(" UNION ALL ".join(sources) + " ORDER BY series, time, seq").fetchall()
    found["readings"] = _digest(rows)
    found["frames"] = _digest(cursor.execute(" UNION ALL ".join(frames_in) + " ORDER BY id").fetchall())
    cursor.close()
    with house.database.connect() as connection:
        for name in ("record", "record_history", "record_index", "verdict", "verdict_key", "series", "reject", "seal"):
            table = schema.metadata.tables[name]
            order = list(table.primary_key.columns)
            columns = [
                one for one in table.columns if (name, one.name) != ("record", "number")
            ]  # given anew at a start
            found[name] = _digest([tuple(row) for row in connection.execute(select(*columns).order_by(*order))])
    found["journal"] = _digest([(str(ref), one.received_at, one.mn, one.data) for ref, one in house.journal.scan()])
    return found


def _digest(rows: list[Any]) -> str:
    return f"{len(rows)}:" + hashlib.sha256("\n".join(map(repr, rows)).encode()).hexdigest()


def officer_note(house: House, text: str) -> None:
    house.records.update("site", "s1", {"note": text}, SYSTEM)


def started_and_settled(house: House) -> None:
    """Start, settle, stop: as a node does that is run once."""

    async def run() -> None:
        await house.start()
        await asyncio.to_thread(house.settle)
        await house.stop()

    asyncio.run(run())
