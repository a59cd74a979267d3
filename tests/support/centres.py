"""A real centre over a real store in a folder, and a bare data logger that composes its frames without our codec."""

from __future__ import annotations

import asyncio
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jinyun.kernel.ports import DeviceProfile
from jinyun.sense.hj212 import crc
from jinyun.sense.hj212.centre import Centre
from jinyun.sense.hj212.settings import CentreSettings
from jinyun.store.database import open_database
from jinyun.store.journal import FileJournal
from jinyun.store.kv import SqlKeyValue
from jinyun.store.readings import DuckReadings
from jinyun.store.rejects import SqlRejects

MN = "010000A8900016F000169DC0"


class Devices:
    """The device directory on a dict."""

    def __init__(self, *profiles: DeviceProfile) -> None:
        self.version, self.profiles = 1, {p.mn: p for p in profiles}

    def get(self, mn: str) -> DeviceProfile | None:
        return self.profiles.get(mn)

    def all(self) -> list[DeviceProfile]:
        return list(self.profiles.values())

    def put(self, profile: DeviceProfile) -> None:
        self.profiles[profile.mn] = profile
        self.version += 1


class Clock:
    """The system's clock, shifted at will."""

    shift = 0

    def now(self) -> int:
        return time.time_ns() // 1000 + self.shift


class Bus:
    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []

    def publish(self, topic: str, event: Any) -> None:
        self.events.append((topic, event))


class Bench:
    """Store, centre and what it said. `start` and `stop` may follow each other: a stop keeps the folder."""

    def __init__(self, folder: Path, *profiles: DeviceProfile, **settings: Any) -> None:
        self.folder, self.devices, self.clock, self.bus = folder, Devices(*profiles), Clock(), Bus()
        self.settings = CentreSettings(
            # the full two periods of the rule before a slot counts as a gap, so that tests know which slots do
            **{"backfill": False, "sweep": 0.05, "gap_scan": 0.1, "gap_longest_wait": 7 * 86_400, **settings}
        )
        self.arrivals: list[Any] = []

    def build(self) -> Centre:
        self.database = open_database(self.folder / "records.sqlite")
        self.journal = FileJournal(self.folder / "journal", gather=0.0)
        self.readings = DuckReadings(self.folder, self.database, commit_seconds=0.02)
        self.rejects = SqlRejects(self.database)
        self.kv = SqlKeyValue(self.database)
        self.centre = Centre(
            journal=self.journal, readings=self.readings, rejects=self.rejects, kv=self.kv, devices=self.devices,
            clock=self.clock, on_arrival=self.arrivals.append, bus=self.bus, settings=self.settings,
        )  # fmt: skip
        return self.centre

    async def start(self) -> Centre:
        centre = self.build()
        centre.replay()
        await centre.start("127.0.0.1", 0)
        return centre

    async def stop(self) -> None:
        await self.centre.stop()
        self.close()

    def close(self) -> None:
        self.readings.close()
        self.journal.close()
        self.database.dispose()

    async def settle(self) -> None:
        """All that arrived is decoded, stored and written."""
        await self.centre.ingest.drain()
        await asyncio.to_thread(self.readings.flush)
        await asyncio.to_thread(self.centre.clerk.flush)

    async def until(self, holds: Any, seconds: float = 10.0) -> Any:
        end = time.monotonic() + seconds
        while not (found := holds()):
            assert time.monotonic() < end, "it never came true"
            await asyncio.sleep(0.01)
        return found

    def values(self, site: str = "s1", **chosen: Any) -> dict[tuple[str, str, int], str | None]:
        """(factor, statistic, time) → value as text."""
        found = self.readings.read(site, start=0, end=1 << 33, **chosen)
        return {(r.factor, r.stat.name, r.time): None if r.value is None else f"{r.value.normalize():f}" for r in found}


def china(text: str) -> int:
    """``YYYYMMDDhhmmss`` in China time → seconds."""
    naive = datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    return int((naive - timedelta(hours=8)).timestamp())


def china_text(seconds: float) -> str:
    return (datetime.fromtimestamp(seconds, UTC) + timedelta(hours=8)).strftime("%Y%m%d%H%M%S")


def framed(segment: str | bytes, dialect: str = "hj212") -> bytes:
    data = segment.encode() if isinstance(segment, str) else segment
    return b"##%04d%b%b\r\n" % (len(data), data, crc.text(data, dialect).encode())


def fields(data: bytes) -> dict[str, str]:
    """Header and CP fields of one frame, as text."""
    text = data[6:-6].decode()
    head, _, cp = text.partition("CP=&&")
    pairs = [p.partition("=") for p in re.split("[;,]", head + ";" + cp.removesuffix("&&")) if p]
    return {name: value for name, _, value in pairs} | {"CP": cp.removesuffix("&&")}


class Logger:
    """A data logger on a socket, as bare as one can be."""

    def __init__(self, port: int, mn: str = MN, st: str = "32", pw: str = "123456") -> None:
        self.port, self.mn, self.st, self.pw = port, mn, st, pw
        self.buffer = b""

    async def connect(self) -> Logger:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def __aenter__(self) -> Logger:
        return await self.connect()

    async def __aexit__(self, *why: object) -> None:
        self.writer.close()

    def segment(self, cn: str, cp: str, *, flag: int | None = 5, qn: str | None = None, more: str = "") -> str:
        qn = f"{china_text(time.time())}{time.time_ns() // 1_000_000 % 1000:03d}" if qn is None else qn
        head = f"QN={qn};" if qn else ""
        tail = f"Flag={flag};" if flag is not None else ""
        return f"{head}ST={self.st};CN={cn};PW={self.pw};MN={self.mn};{tail}{more}CP=&&{cp}&&"

    async def send(self, cn: str, cp: str, *, dialect: str = "hj212", **more: Any) -> None:
        await self.raw(framed(self.segment(cn, cp, **more), dialect))

    async def raw(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def hear(self, seconds: float = 5.0) -> dict[str, str]:
        """The next frame from the centre."""
        return fields(await asyncio.wait_for(self._frame(), seconds))

    async def _frame(self) -> bytes:
        while b"\r\n" not in self.buffer:
            data = await self.reader.read(4096)
            if not data:
                raise ConnectionResetError("closed by the centre")
            self.buffer += data
        frame, _, self.buffer = self.buffer.partition(b"\r\n")
        assert crc.text(frame[6:-4]) == frame[-4:].decode()
        assert int(frame[2:6]) == len(frame) - 10
        return frame + b"\r\n"

    async def silent(self, seconds: float = 0.3) -> bool:
        """Nothing more comes."""
        try:
            await asyncio.wait_for(self._frame(), seconds)
        except TimeoutError:
            return True
        return False

    async def closed(self, seconds: float = 5.0) -> bool:
        try:
            while await asyncio.wait_for(self.reader.read(4096), seconds):
                pass
        except (ConnectionError, OSError):
            return True
        return True
