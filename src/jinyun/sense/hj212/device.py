"""The device side (data logger), sans-I/O, and an asyncio client to run one against any centre."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

History = Callable[[str, int, int], Iterable[tuple[int, Sequence[str]]]]
"""(cn, begin, end) [s UTC, both included] → (DataTime, items) in order; items as `compose.item` makes them."""


class Device:
    """One data logger. Feed it bytes from the centre, send what it gives back.

    ``out = device.receive(data, now)``; ``out = device.upload("2011", items, time, now)``; ``out = device.tick(now)``
    (re-sends); `now` is µs. Every returned element is one frame.
    """

    def __init__(
        self, mn: str, *, st: str = "32", pw: str = "123456", edition: int = 2017, crc: str = "hj212",
        sm4_key: bytes = b"", answer: bool = True, history: History | None = None, overtime: float = 10.0,
        recount: int = 3, buffer: int = 2000, realtime_interval: int = 30, minute_interval: int = 10,
    ) -> None:  # fmt: skip
        raise NotImplementedError

    def upload(self, cn: str, items: Sequence[str], time: int, now: int) -> list[bytes]:
        """Frames of a data upload; kept for re-sending until acknowledged when answers are wanted."""
        raise NotImplementedError

    def receive(self, data: bytes, now: int) -> list[bytes]:
        """Bytes from the centre → frames to send."""
        raise NotImplementedError

    def tick(self, now: int) -> list[bytes]:
        """Re-sends that are due."""
        raise NotImplementedError

    def connected(self, now: int) -> list[bytes]:
        """A new connection: forget half frames, offer what was not acknowledged, newest first."""
        raise NotImplementedError


class DeviceClient:
    """Runs a `Device` on a socket with reconnect."""

    def __init__(self, device: Device, host: str, port: int, *, clock: Callable[[], int]) -> None:
        raise NotImplementedError

    async def run(self) -> None: ...
    async def send(self, cn: str, items: Sequence[str], time: int) -> None: ...
    async def close(self) -> None: ...
