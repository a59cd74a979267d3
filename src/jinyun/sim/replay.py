"""Sending real tables through the same sockets as live devices: hours as HJ 212-2017 uploads, at a chosen pace."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinyun.kernel.terms import LENGTHS, Period
from jinyun.sense.hj212 import compose
from jinyun.sense.hj212.device import Device
from jinyun.sim.clock import clock_of
from jinyun.sim.device import MICROS
from jinyun.sim.fleet import Sockets
from jinyun.sim.items import CN_OF, PERIOD_OF
from jinyun.sim.tables_in import Row, Spot, Tables, read_tables

DAY_S = 86400
PASSWORD = "123456"  # the one that every real logger seems to have
PER_CONNECTION = 40
"""Sites on one socket, as a forwarder between centres has them."""
MOST_WAITING = 100
"""Records of one site sent ahead of their acknowledgement."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Replay:
    """What `jinyun replay` was asked for."""

    folder: Path
    mapping: str = ""
    only: Mapping[str, str] = field(default_factory=dict)
    glob: str = ""
    host: str = "127.0.0.1"
    port: int = 9212
    speed: float = 3600.0  # seconds of data in a real second
    to_now: bool = False  # shift by whole days, so that the last record is of the last day
    clock: str = ""
    limit: int = 0  # records to send; 0: all


class ReplayDevice:
    """One site of the tables as a logger."""

    def __init__(self, spot: Spot, rows: Sequence[Row], period: Period, connection: int) -> None:
        self.spot, self.rows, self.period, self.connection = spot, rows, period, connection
        self.mn, self.sm4_key, self.overtime = spot.mn, b"", 10.0
        self.sent_until = 0  # DataTime of the newest record that is out
        self.device = Device(spot.mn, st=spot.system, pw=PASSWORD, history=self._history)

    def upload(self, row: Row, now: int) -> list[bytes]:
        self.sent_until = max(self.sent_until, row.time)
        return self.device.upload(CN_OF[self.period], items_of(row), row.time, now)

    def connected(self, now: int) -> list[bytes]:
        return self.device.connected(now)

    def receive(self, data: bytes, now: int) -> list[bytes]:
        return self.device.receive(data, now)

    def tick(self, now: int) -> list[bytes]:
        return self.device.tick(now)

    def has_outages(self) -> bool:
        return False

    def offline(self, _now: int) -> bool:
        return False

    def _history(self, cn: str, begin: int, end: int) -> Iterator[tuple[int, Sequence[str]]]:
        """What the table has, as far as it has been played."""
        if PERIOD_OF.get(cn) is self.period:
            for row in self.rows:
                if begin <= row.time <= min(end, self.sent_until):
                    yield row.time, items_of(row)


def items_of(row: Row) -> list[str]:
    return [compose.item(one.code, row.flag, Avg=text) for one, text in row.figures]


def registry(tables: Tables) -> dict[str, list[dict[str, Any]]]:
    """The sites and devices that a node must know, by record type, as `jinyun records load` takes them."""
    sites, devices = [], []
    for spot in sorted(tables.spots.values(), key=lambda s: s.id):
        site: dict[str, Any] = {"id": spot.id, "name": spot.name, "kind": spot.kind, "note": spot.note}
        if spot.lon is not None and spot.lat is not None:
            site["place"] = {"lon": spot.lon, "lat": spot.lat}
        if spot.kind in ("water_section", "water_micro"):
            site["body"] = "river"
        sites.append(site)
        devices.append(
            {
                "id": spot.mn, "mn": spot.mn, "name": spot.name, "site": spot.id, "system": spot.system,
                "edition": "2017", "password": PASSWORD, "crc": "hj212", "pm_unit": "ug/m3",
                "periods": [tables.period.name.lower()], "set_clock": False, "set_up": False, "vendor": "replay",
            }
        )  # fmt: skip
    return {"site": sites, "device": devices}


def write_registry(tables: Tables, folder: Path) -> list[Path]:
    """``site.json`` and ``device.json``; in this order they can be loaded."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for type_id, rows in registry(tables).items():
        path = folder / f"{type_id}.json"
        path.write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8")
        written.append(path)
    return written


def shifted(tables: Tables, now_s: int) -> Tables:
    """Moved by whole days so that the newest record ends within the last day before `now_s`."""
    days = (now_s - LENGTHS[tables.period] - tables.rows[-1].time) // DAY_S
    rows = [Row(one.site, one.time + days * DAY_S, one.figures, one.flag) for one in tables.rows]
    return Tables(tables.spots, rows, tables.period, tables.skipped)


def load(asked: Replay) -> Tables:
    tables = read_tables(asked.folder, asked.mapping, only=asked.only, glob=asked.glob)
    return shifted(tables, clock_of(asked.clock).now() // MICROS) if asked.to_now else tables


def devices_of(tables: Tables) -> list[ReplayDevice]:
    by_site: dict[str, list[Row]] = {}
    for row in tables.rows:
        by_site.setdefault(row.site, []).append(row)
    return [
        ReplayDevice(tables.spots[site], rows, tables.period, number // PER_CONNECTION)
        for number, (site, rows) in enumerate(sorted(by_site.items()))
    ]


def replay(asked: Replay, say: Say = print) -> int:
    """Send everything once, then wait for the last acknowledgements; how many records went out."""
    tables = load(asked)
    devices = devices_of(tables)
    rows = tables.rows[: asked.limit] if asked.limit else tables.rows
    say(
        f"{len(rows)} records of {len(devices)} sites ({tables.skipped} rows without time or figures left out) "
        f"to {asked.host}:{asked.port}"
    )
    sent = asyncio.run(_send(asked, devices, rows))
    say(f"{sent} of {len(rows)} records sent")
    return sent


async def _send(asked: Replay, devices: list[ReplayDevice], rows: Sequence[Row]) -> int:
    clock = clock_of(asked.clock)
    sockets = Sockets(devices, asked.host, asked.port, clock)
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, sockets.stop)
    number_of = {one.spot.id: number for number, one in enumerate(devices)}
    sent = 0

    async def feed() -> None:
        nonlocal sent
        began, first = loop.time(), rows[0].time
        for row in rows:
            wait = began + (row.time - first) / asked.speed - loop.time()
            if wait > 0 or not sent % 200:
                sockets.resend(clock.now())
                await asyncio.sleep(max(0.0, wait))
            number = number_of[row.site]
            while sockets.link_of[number].transport is None:
                await asyncio.sleep(0.05)
            while len(devices[number].device.pending) >= MOST_WAITING:
                await asyncio.sleep(0.02)
                sockets.resend(clock.now())
            now = clock.now()
            sockets.send(number, devices[number].upload(row, now), now)
            sent += 1
        until = loop.time() + 60.0
        while any(one.device.pending for one in devices) and loop.time() < until:
            await asyncio.sleep(0.1)
            sockets.resend(clock.now())

    await sockets.run(feed())
    return sent
