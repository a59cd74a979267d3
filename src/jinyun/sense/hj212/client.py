"""An asyncio link for one device: runs it against any centre, and comes back when the link breaks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinyun.sense.hj212.device import Device


class DeviceClient:
    """Runs a `Device` on a socket: connects, connects again when the link breaks (1, 2, 4… up to `longest` s)."""

    def __init__(
        self, device: Device, host: str, port: int, *, clock: Callable[[], int], longest: float = 60.0,
        every: float = 1.0,
    ) -> None:  # fmt: skip
        self.device, self.host, self.port, self.clock = device, host, port, clock
        self.longest, self.every = longest, every
        self.connections = 0
        self._writer: asyncio.StreamWriter | None = None
        self._closed = False
        self._task: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        return self._writer is not None

    async def run(self) -> None:
        """Until `close`."""
        self._task = asyncio.current_task()
        pause = min(1.0, self.longest)
        with contextlib.suppress(asyncio.CancelledError):
            while not self._closed:
                try:
                    reader, self._writer = await asyncio.open_connection(self.host, self.port)
                    self.connections += 1
                    pause = min(1.0, self.longest)
                    await self._talk(reader)
                except OSError:
                    pass
                finally:
                    await self._hang_up()
                if not self._closed:
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, self.longest)

    async def _talk(self, reader: asyncio.StreamReader) -> None:
        self._write(self.device.connected(self.clock()))
        ticking = asyncio.create_task(self._tick())
        try:
            while data := await reader.read(65536):
                self._write(self.device.receive(data, self.clock()))
                await self._drain()
        finally:
            ticking.cancel()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self.every)
            self._write(self.device.tick(self.clock()))

    async def send(self, cn: str, items: Sequence[str], time: int) -> None:
        """Upload; without a link it waits in the device's buffer (when answers are wanted)."""
        self._write(self.device.upload(cn, items, time, self.clock()))
        await self._drain()

    def _write(self, frames: Sequence[bytes]) -> None:
        if frames and self._writer is not None and not self._writer.is_closing():
            self._writer.write(b"".join(frames))

    async def _drain(self) -> None:
        if self._writer is not None:
            with contextlib.suppress(ConnectionError):
                await self._writer.drain()

    async def _hang_up(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def close(self) -> None:
        """Stop for good."""
        self._closed = True
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
