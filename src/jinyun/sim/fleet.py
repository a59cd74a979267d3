"""Thousands of loggers on real sockets in one asyncio process: one wheel, one protocol object per connection."""

from __future__ import annotations

import asyncio
import heapq
import re
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from jinyun.sense.hj212.framing import Framer
from jinyun.sim.chance import key, unit
from jinyun.sim.clock import ScaledClock, SystemClock
from jinyun.sim.device import MICROS, SimDevice
from jinyun.sim.wheel import Wheel

_MN = re.compile(rb"MN\s*=\s*([^;,&=\s]*)")
MOST_UNSENT = 1 << 20
"""A centre that does not read: beyond this many bytes real-time values are dropped, as a logger would. [bytes]"""
CONNECTS_PER_S = 400.0  # so that a start is no storm
SLICE_S = 0.02  # longest turn before the sockets are served again


class Endpoint(Protocol):
    """What a connection needs of a device; all times µs."""

    @property
    def mn(self) -> str: ...
    @property
    def connection(self) -> int: ...
    @property
    def sm4_key(self) -> bytes: ...
    @property
    def overtime(self) -> float: ...
    def connected(self, now: int) -> list[bytes]: ...
    def receive(self, data: bytes, now: int) -> list[bytes]: ...
    def tick(self, now: int) -> list[bytes]: ...
    def has_outages(self) -> bool: ...
    def offline(self, now: int) -> bool: ...


@dataclass(slots=True)
class Tally:
    """What went over the wire so far."""

    connections: int = 0
    reconnects: int = 0
    frames: int = 0
    bytes_out: int = 0
    bytes_in: int = 0
    dropped: int = 0
    lag_s: float = 0.0  # how late the last report left, real time

    def __str__(self) -> str:
        return (
            f"{self.connections} connections ({self.reconnects} reconnects), {self.frames} frames out, "
            f"{self.bytes_out / 1e6:.1f} MB out, {self.bytes_in / 1e6:.1f} MB in, {self.dropped} dropped, "
            f"{self.lag_s:.2f} s late"
        )


class Link(asyncio.Protocol):
    """One connection with its device, or several behind one gateway."""

    def __init__(self, sockets: Sockets, number: int) -> None:
        self.sockets, self.number = sockets, number
        self.devices: list[Endpoint] = []
        self.by_mn: dict[bytes, Endpoint] = {}
        self.transport: asyncio.Transport | None = None
        self.framer: Framer | None = None
        self.wanted, self.failures = False, 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.failures = transport, 0
        self.sockets.tally.connections += 1
        if len(self.devices) > 1:
            keys = {one.mn: one.sm4_key for one in self.devices}
            self.framer = Framer(sm4_key=lambda mn: keys.get(mn, b""))
        now = self.sockets.now()
        for one in self.devices:
            self.write(one.connected(now))

    def data_received(self, data: bytes) -> None:
        self.sockets.tally.bytes_in += len(data)
        now = self.sockets.now()
        if self.framer is None:
            self.write(self.devices[0].receive(data, now))
            return
        for frame in self.framer.feed(data):
            found = _MN.search(frame.segment)
            addressed = self.by_mn.get(found[1]) if found else None
            for one in [addressed] if addressed else self.devices:
                self.write(one.receive(frame.data + b"\r\n", now))

    def connection_lost(self, _exc: Exception | None) -> None:
        self.transport, self.framer = None, None
        self.sockets.tally.connections -= 1
        if self.wanted:
            self.sockets.lost(self)

    def write(self, frames: Sequence[bytes]) -> None:
        if self.transport is None or not frames:
            return
        data = b"".join(frames)
        tally = self.sockets.tally
        if self.transport.get_write_buffer_size() > MOST_UNSENT:
            tally.dropped += len(frames)
            return
        tally.frames += len(frames)
        tally.bytes_out += len(data)
        self.transport.write(data)

    def close(self) -> None:
        if self.transport is not None:
            self.transport.abort()


class Sockets:
    """The connections of many devices to one centre, kept up until stopped."""

    def __init__(self, devices: Sequence[Endpoint], host: str, port: int, clock: SystemClock | ScaledClock) -> None:
        self.endpoints, self.host, self.port, self.clock = devices, host, port, clock
        self.tally = Tally()
        self.links: list[Link] = []
        self.link_of: list[Link] = []
        self._ticks: list[tuple[int, int]] = []
        self._ticking: set[int] = set()
        self._connecting: set[asyncio.Task[None]] = set()
        self._stopped = asyncio.Event()
        by_connection: dict[int, Link] = {}
        for one in devices:
            link = by_connection.get(one.connection)
            if link is None:
                link = by_connection[one.connection] = Link(self, len(self.links))
                self.links.append(link)
            link.devices.append(one)
            link.by_mn[one.mn.encode()] = one
            self.link_of.append(link)

    def now(self) -> int:
        return self.clock.now()

    async def run(self, feed: Coroutine[Any, Any, None], seconds: float | None = None) -> None:
        """Connect everything and let `feed` send, until it ends, `stop`, or for so many real seconds."""
        tasks = [asyncio.create_task(self._connect_all())]
        if any(one.has_outages() for one in self.endpoints):
            tasks.append(asyncio.create_task(self._watch_outages()))
        ends = [asyncio.create_task(feed), asyncio.create_task(self._stopped.wait())]
        try:
            done, _ = await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._stopped.set()
            for task in (*tasks, *ends, *self._connecting):
                task.cancel()
            for link in self.links:
                link.wanted = False
                link.close()
            await asyncio.gather(*tasks, *ends, *self._connecting, return_exceptions=True)

    def stop(self) -> None:
        self._stopped.set()

    # --- sending -----------------------------------------------------------------------------------------------

    def send(self, number: int, frames: Sequence[bytes], due: int) -> bool:
        """Frames of one device; False when its link is down. An unacknowledged report is looked for later."""
        link = self.link_of[number]
        if link.transport is None:
            return False
        link.write(frames)
        if frames:
            self._tick_later(number, due)
        return True

    def _tick_later(self, number: int, due: int) -> None:
        """Look for an unacknowledged report when its time is over."""
        if number not in self._ticking:
            self._ticking.add(number)
            heapq.heappush(self._ticks, (due + int((self.endpoints[number].overtime + 0.2) * MICROS), number))

    def resend(self, now: int) -> None:
        while self._ticks and self._ticks[0][0] <= now:
            _, number = heapq.heappop(self._ticks)
            self._ticking.discard(number)
            if self.link_of[number].transport is not None:
                self.send(number, self.endpoints[number].tick(now), now)

    # --- connections -------------------------------------------------------------------------------------------

    async def _connect_all(self) -> None:
        for number, link in enumerate(self.links):
            if not self._offline(link):
                link.wanted = True
                self._connect(link, 0.0)
            if number % 20 == 19:
                await asyncio.sleep(20 / CONNECTS_PER_S)

    def _offline(self, link: Link) -> bool:
        now = self.now()
        return all(one.offline(now) for one in link.devices)

    def _connect(self, link: Link, delay: float) -> None:
        task = asyncio.create_task(self._open(link, delay))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _open(self, link: Link, delay: float) -> None:
        loop = asyncio.get_running_loop()
        while link.wanted and link.transport is None and not self._stopped.is_set():
            await asyncio.sleep(delay)
            try:
                await loop.create_connection(lambda: link, self.host, self.port)
            except OSError:
                link.failures += 1
                delay = self._delay(link)

    def lost(self, link: Link) -> None:
        """A connection broke: try again, later each time, and not all at once."""
        if not self._stopped.is_set():
            self.tally.reconnects += 1
            link.failures += 1
            self._connect(link, self._delay(link))

    def _delay(self, link: Link) -> float:
        chance = unit(key(link.devices[0].mn, link.failures))
        return min(30.0, 0.5 * 2.0 ** min(6, link.failures)) * (0.5 + chance)

    async def _watch_outages(self) -> None:
        """Cut and mend the links that the script says so of."""
        watched = [link for link in self.links if any(one.has_outages() for one in link.devices)]
        while True:
            for link in watched:
                offline = self._offline(link)
                if offline and link.wanted:
                    link.wanted = False
                    link.close()
                elif not offline and not link.wanted:
                    link.wanted = True
                    self._connect(link, 0.0)
            await asyncio.sleep(min(1.0, self.clock.real_seconds(10.0)))


class Fleet(Sockets):
    """A district's loggers: what falls due is on one wheel."""

    def __init__(self, devices: Sequence[SimDevice], host: str, port: int, clock: SystemClock | ScaledClock) -> None:
        super().__init__(devices, host, port, clock)
        self.devices = devices
        self.wheel = Wheel(devices, self.now())

    async def turn(self) -> None:
        """Send what is due, for ever."""
        loop = asyncio.get_running_loop()
        wheel = self.wheel
        while True:
            turn_ends = loop.time() + SLICE_S
            now = self.now()
            while wheel.next_due() <= now and loop.time() < turn_ends:
                report = wheel.pop()
                if report is not None:
                    due, number, period, label = report
                    device = self.devices[number]
                    if self.link_of[number].transport is None:
                        device.keep(period, label, due)
                    else:
                        self.send(number, device.report(period, label, due), due)
                    self.tally.lag_s = self.clock.real_seconds((now - due) / MICROS)
            self.resend(now)
            ahead = self.clock.real_seconds((wheel.next_due() - self.now()) / MICROS)
            await asyncio.sleep(min(0.25, max(0.0, ahead)))
