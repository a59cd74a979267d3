"""A real node inside the test's process: House, HJ 212 centre and uvicorn on loopback, in one loop on a thread."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from jinyun.app.assemble import House
from jinyun.app.settings import Settings
from jinyun.kernel.ports import SYSTEM
from jinyun.sense.hj212 import compose
from jinyun.web import create_app

Row = tuple[str, str, Mapping[str, Any]]
"""Type, id and fields of a record."""


class Live:
    """`house` with its doors open at `url` and `hj212_port`; leaves nothing behind."""

    def __init__(self, folder: Path, prepare: Callable[[House], None] | None = None, **settings: Any) -> None:
        self._listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # else Nagle waits
        self._listening.bind(("127.0.0.1", 0))
        port = self._listening.getsockname()[1]
        self.house = House(Settings.load(folder, http_port=port, hj212_port=0, **settings))
        self.house.jobs.start = lambda: None  # type: ignore[method-assign]  # `settle` judges and acts, nobody beside it
        if prepare is not None:
            prepare(self.house)
        self._ready = threading.Event()
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="live", daemon=True)
        self._thread.start()
        assert self._ready.wait(60)
        if self._problem is not None:
            raise self._problem
        self.cases = self.app.state.cases
        self.password = self.cases.accounts.first_password() or ""

    async def _run(self) -> None:
        try:
            await self.house.start()
            self.hj212_port = self.house.centre.port
            self.app = create_app(self.house)
            self._stop = asyncio.Event()
            self._loop = asyncio.get_running_loop()
            with self._listening as listening:
                self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
                server = uvicorn.Server(
                    uvicorn.Config(self.app, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
                )
                server.install_signal_handlers = lambda: None  # type: ignore[method-assign]
                server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]
                serving = asyncio.create_task(server.serve(sockets=[listening]))
                while not server.started:
                    await asyncio.sleep(0.01)
                self._ready.set()
                await self._stop.wait()
                server.should_exit = True
                await serving
        except BaseException as wrong:
            self._problem = wrong
        finally:
            self._ready.set()
            await self.house.stop()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)
        assert not self._thread.is_alive()

    def client(self, *, log_in: bool = True) -> httpx.Client:
        """A browser, logged in, that sends the CSRF token."""
        client = httpx.Client(base_url=self.url, timeout=30, trust_env=False)
        if log_in:
            answer = client.post("/api/session", json={"name": "admin", "password": self.password})
            assert answer.status_code == 200, answer.text
            client.headers["X-Jinyun-CSRF"] = answer.json()["csrf"]
        return client

    def send(self, mn: str, cn: str, at: int, items: Sequence[str], *, st: str = "32") -> list[bytes]:
        """One upload over a real socket; returns the frames once they are acknowledged."""
        now = self.house.clock.now()
        frames = compose.upload(cn, mn=mn, st=st, items=list(items), time=at, qn=compose.qn_of(now))
        with socket.create_connection(("127.0.0.1", self.hj212_port), timeout=10) as link:
            link.settimeout(10)
            for frame in frames:
                link.sendall(frame)
                heard = b""
                while b"CN=9014" not in heard:
                    got = link.recv(4096)
                    assert got, f"closed before it was acknowledged: {heard!r}"
                    heard += got
        return frames

    def flush(self) -> None:
        """Until all that was acknowledged is decoded and can be read."""
        end = time.monotonic() + 30
        while (told := self.house.centre.state())["received"] != told["decoded"] and time.monotonic() < end:
            time.sleep(0.01)  # `in_hand` is zero for a moment between the answer and the decoder's queue
        self.house.readings.flush()

    def settle(self) -> None:
        """Until all that arrived is stored, judged and acted on."""
        self.flush()
        self.house.settle()


def register(house: House, rows: Sequence[Row]) -> None:
    """Records in the order they refer to one another."""
    for type_id, record_id, data in rows:
        house.records.put_many(type_id, [(record_id, data)], SYSTEM)


QUIET_SITE = Path(__file__).parents[1] / "data" / "registers" / "quiet_site.py"
"""A register of one file."""


@contextlib.contextmanager
def living(
    folder: Path, prepare: Callable[[House], None] | Sequence[Row], *, registers: Sequence[Path] = (), **settings: Any
) -> Iterator[Live]:
    """A node that is closed at the end; `prepare`: what to do to its house before the start, or records to begin with;
    `registers`: files for its folder of registers."""
    for one in registers:
        (folder / "registers").mkdir(parents=True, exist_ok=True)
        shutil.copy(one, folder / "registers")
    live = Live(folder, prepare if callable(prepare) else lambda house: register(house, prepare), **settings)
    try:
        yield live
    finally:
        live.close()
