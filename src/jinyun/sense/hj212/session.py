"""Sockets of the centre: the door that accepts, and one session per connection. No HJ 212 meaning is decided here."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable
from typing import Protocol, cast

from jinyun.sense.hj212.defence import CLOSING, Patience, TokenBucket, probe
from jinyun.sense.hj212.framing import Framer, RawFrame, Refusal
from jinyun.sense.hj212.settings import CentreSettings

OUT_LIMIT = 64 * 1024
SEND_BUFFER = 64 * 1024  # of the kernel: answers are short, and a peer that reads none shall not grow it to megabytes
ACCEPTS_AT_ONCE = 64


class Owner(Protocol):
    """What a session asks of the centre. All calls come on the event loop."""

    settings: CentreSettings
    read_buffer: memoryview  # one for all sessions: asyncio fills it and hands it over at once

    def tick(self) -> float: ...
    def opened(self, session: Session) -> bool: ...
    def frames(self, session: Session, frames: list[RawFrame]) -> None: ...
    def refusals(self, session: Session, refusals: list[Refusal]) -> None: ...
    def turned_away(self, session: Session, reason: str, sentence: str, data: bytes) -> None: ...
    def closed(self, session: Session) -> None: ...
    def congested(self, session: Session) -> bool: ...
    def noisy(self, seconds: float) -> float: ...


class Session(asyncio.BufferedProtocol):
    """One connection. Memory is bounded: one unfinished frame in, `OUT_LIMIT` of answers out."""

    __slots__ = (
        "clogged_at", "close_at", "close_reason", "framer", "last_in", "mns", "number", "opened_at", "owner",
        "patience", "peer", "resting",
        "started", "transport",
    )  # fmt: skip

    def __init__(self, owner: Owner, framer: Framer, number: int) -> None:
        self.owner, self.framer, self.number = owner, framer, number  # a newer connection has a higher number
        self.patience = Patience(owner.settings.noise_limit, owner.settings.partial_timeout)
        self.transport: asyncio.Transport | None = None
        self.peer = ""
        self.mns: set[str] = set()
        self.started = self.resting = False
        self.opened_at = self.last_in = owner.tick()
        self.clogged_at: float | None = None
        self.close_at: float | None = None
        self.close_reason = ""

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        name = transport.get_extra_info("peername")
        self.peer = f"{name[0]}:{name[1]}" if isinstance(name, tuple) and len(name) >= 2 else ""
        self.transport.set_write_buffer_limits(high=OUT_LIMIT)
        if not self.owner.opened(self):
            self.turn_away("too-many-connections")

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio names it
        return self.owner.read_buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        data = bytes(self.owner.read_buffer[:nbytes])
        now = self.last_in = self.owner.tick()
        if not self.started:
            if found := probe(data):
                self.turn_away(found[0], found[1], data[:512])
                return
            self.started = True
        frames = self.framer.feed(data)
        if frames:
            self.owner.frames(self, frames)
        if refused := self.framer.rejects():
            self.owner.refusals(self, refused)
        if reason := self.patience.received(nbytes, len(frames), self.framer.waiting, now):
            self.turn_away(reason, data=data[:512])
        elif not frames and (rest := self.owner.noisy(self.owner.tick() - now)):
            self.resting = True
            self.transport.pause_reading()
            asyncio.get_running_loop().call_later(rest, self._wake)
        elif self.owner.congested(self):
            self.transport.pause_reading()

    def _wake(self) -> None:
        self.resting = False
        self.resume()

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        """The other side does not read: stop listening to it until it does."""
        self.clogged_at = self.owner.tick()
        if self.transport is not None:
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        self.clogged_at = None
        self.resume()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        frames = self.framer.close()
        if frames:
            self.owner.frames(self, frames)
        if refused := self.framer.rejects():
            self.owner.refusals(self, refused)
        self.owner.closed(self)
        self.transport = None

    # the centre's side

    @property
    def alive(self) -> bool:
        return self.transport is not None and not self.transport.is_closing()

    def write(self, data: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def resume(self) -> None:
        """Go on reading after a pause of ours."""
        if self.alive and self.clogged_at is None and not self.resting and self.transport is not None:
            with contextlib.suppress(RuntimeError):  # it was not paused
                self.transport.resume_reading()

    def turn_away(self, reason: str, sentence: str = "", data: bytes = b"") -> None:
        """Close, and say why in the reject table."""
        if self.alive and self.transport is not None:
            self.close_reason = reason
            self.owner.turned_away(self, reason, sentence or CLOSING.get(reason, reason), data)
            self.transport.abort()

    def overdue(self, now: float) -> str:
        """Why this connection should end now, or ""."""
        settings = self.owner.settings
        if self.close_at is not None and now >= self.close_at:
            return "replaced"
        if self.clogged_at is not None and now - self.clogged_at > settings.clogged_timeout:
            return "clogged"
        if self.patience.overdue(now):
            return "slow-sender"
        if now - self.last_in > settings.idle_timeout:
            return "idle"
        return ""


class Door:
    """A listening socket that accepts at a bounded rate; the rest waits in the kernel's queue (reconnect storms)."""

    def __init__(self, make: Callable[[], Session], *, rate: float, burst: float) -> None:
        self.make = make
        self.bucket = TokenBucket(rate, burst)
        self.socket: socket.socket | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.tasks: set[asyncio.Task[object]] = set()
        self.accepted = 0
        self.timer: asyncio.TimerHandle | None = None

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1]) if self.socket is not None else 0

    def open(self, host: str, port: int) -> None:
        """Listen; port 0 takes a free one. Raises OSError when the address cannot be had."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen(4096)
            listener.setblocking(False)
        except OSError:
            listener.close()
            raise
        self.socket, self.loop = listener, asyncio.get_running_loop()
        self._watch()

    def _watch(self) -> None:
        self.timer = None
        if self.socket is not None and self.loop is not None:
            self.loop.add_reader(self.socket.fileno(), self._accept)

    def _rest(self, seconds: float) -> None:
        if self.socket is not None and self.loop is not None:
            self.loop.remove_reader(self.socket.fileno())
            self.timer = self.loop.call_later(seconds, self._watch)

    def _accept(self) -> None:
        if self.socket is None or self.loop is None:
            return
        for _ in range(ACCEPTS_AT_ONCE):
            if not self.bucket.take(self.loop.time()):
                self._rest(0.05)
                return
            try:
                connection, _ = self.socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    self._rest(1.0)  # out of files: those who wait are served when others leave
                    return
                raise
            self.accepted += 1
            connection.setblocking(False)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = self.loop.create_task(self._hand_over(connection))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def _hand_over(self, connection: socket.socket) -> None:
        assert self.loop is not None
        try:
            await self.loop.connect_accepted_socket(self.make, connection)
        except (OSError, asyncio.CancelledError):
            connection.close()

    def close(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
        if self.socket is not None and self.loop is not None:
            self.loop.remove_reader(self.socket.fileno())
            self.socket.close()
            self.socket = None
