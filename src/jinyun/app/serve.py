"""Runs a node: the house, its page and, for the demo, the simulator beside it."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from jinyun.app.accounts import Accounts
from jinyun.app.assemble import House
from jinyun.app.demo import Simulator, fill_desks, prepare
from jinyun.app.demo_work import people
from jinyun.app.logs import set_up_logs
from jinyun.app.settings import Settings


def run(settings: Settings, create_app: Callable[[House], Any]) -> None:
    """Start the node and serve until Ctrl-C or SIGTERM.

    Raises
    ------
    Busy
        When another node holds the folder, or a port is taken.
    """
    set_up_logs(settings.folder)
    house = House(settings)
    asyncio.run(_serve(house, create_app))


KEEP_ALIVE_S = 75
"""An idle connection of a page stays open so long: what is closed as a person clicks costs a new one, or an error."""


SETTLED_S = (10.0, 60.0)
"""After the start: when what stays for the life of the node has been made, and when lists were asked for."""


async def _spare_what_stays() -> None:
    """Take what lives as long as the node out of the collector's rounds: it looked through all of it again and again,
    everybody waiting 0.2 to 0.4 s meanwhile. Two rounds at fixed moments pay for that."""
    began = 0.0
    for moment in SETTLED_S:
        await asyncio.sleep(moment - began)
        began = moment
        gc.collect()
        gc.freeze()


class _Server(uvicorn.Server):
    """Leaves signals to us: the house closes in its own order."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _serve(house: House, create_app: Callable[[House], Any]) -> None:
    settings = house.settings
    story = await asyncio.to_thread(prepare, house) if settings.demo else None
    accounts = Accounts(house.kv)
    password = await asyncio.to_thread(accounts.first_password)
    staff = await asyncio.to_thread(people, house, accounts) if story is not None and password else None
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, stopping.set)
    await house.start()
    server = _Server(
        uvicorn.Config(
            create_app(house), host=settings.host, port=settings.http_port, log_level="warning", access_log=False,
            timeout_graceful_shutdown=3, timeout_keep_alive=KEEP_ALIVE_S, lifespan="off",
        )
    )  # fmt: skip
    serving = asyncio.create_task(server.serve())
    simulator = desks = None
    try:
        while not server.started and not serving.done():
            await asyncio.sleep(0.02)
        if server.started:
            if story is not None:
                simulator = Simulator(house, story)
            _greet(house, password, staff)
            desks = asyncio.create_task(asyncio.to_thread(fill_desks, house, story)) if story is not None else None
            sparing = asyncio.create_task(_spare_what_stays())
            await asyncio.wait([serving, asyncio.create_task(stopping.wait())], return_when=asyncio.FIRST_COMPLETED)
            sparing.cancel()
    finally:
        if desks is not None:
            await asyncio.wait([desks])
        if simulator is not None:
            await asyncio.to_thread(simulator.stop)
        server.should_exit = True
        await asyncio.wait([serving], timeout=10)
        await house.stop()


def _greet(house: House, password: str | None, staff: tuple[list[tuple[str, str]], str] | None = None) -> None:
    settings = house.settings
    lines = [
        "",
        f"  缙云 Jinyun   http://{settings.host}:{settings.http_port}",
        f"  HJ 212        {settings.hj212_host}:{house.centre.port}",
    ]
    if password:
        lines.append(f"  log-in        admin / {password}   (shown once; `jinyun account reset admin` makes a new one)")
    else:
        lines.append("  log-in        admin (password as printed at the first start)")
    if staff:
        who = ", ".join(f"{name} ({role})" for name, role in staff[0])
        lines.append(f"  demo people   {who}: all with {staff[1]} (shown once)")
    lines += ["  Ctrl-C stops it; the data stay in " + str(settings.folder), ""]
    print("\n".join(lines), flush=True, file=sys.stdout)
