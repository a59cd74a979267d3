"""Putting a simulation together: district, script, clock, devices; live or recorded."""

from __future__ import annotations

import asyncio
import gc
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jinyun.kernel.errors import BadInput
from jinyun.sim.clock import ScaledClock, SystemClock, clock_of
from jinyun.sim.device import MICROS, SimDevice
from jinyun.sim.district import build
from jinyun.sim.export import write_truth
from jinyun.sim.fleet import Fleet
from jinyun.sim.history import History
from jinyun.sim.recording import record
from jinyun.sim.script import load_script
from jinyun.sim.truth import Truth

MINUTES = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)
"""HJ 212-2017: what MinInterval may be. [min]"""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Simulation:
    """What `jinyun simulate` was asked for."""

    scale: str = "small"
    seed: int = 7
    faults: str = ""  # name of a shipped script, or a file
    origin: str = ""  # what the script's times count from: seconds or ISO 8601; "": the start
    clock: str = ""
    speed: float = 1.0  # when there is no clock text
    host: str = "127.0.0.1"
    port: int = 9212
    realtime_s: int = 30
    minute: int = 10
    seconds: float | None = None  # real seconds to run; simulated ones for a recording
    report_every_s: float = 60.0
    history: int = 0  # days of the past that are sent beside the live data
    history_rate: float = 80.0  # frames of them per real second at most
    history_state: Path | None = None  # keeps how far that is

    def make_clock(self) -> SystemClock | ScaledClock:
        if self.clock or self.speed == 1.0:
            return clock_of(self.clock)
        if not 0 < self.speed <= 100_000:
            raise BadInput(f"speed {self.speed:g} is not between 0 and 100000", field="speed")
        return ScaledClock.starting(time.time_ns() // 1_000_000_000, self.speed)


def moment(text: str) -> int:
    """Seconds since the epoch of ``1772294400`` or ISO 8601 with its time zone."""
    if text.isdigit():
        return int(text)
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text!r} is neither seconds since 1970 nor ISO 8601", field="origin") from None
    if when.tzinfo is None:
        raise BadInput(f"{text!r} must say its time zone", field="origin", hint=f"write {text}+08:00")
    return int(when.timestamp())


def devices_of(truth: Truth, *, realtime_s: int, minute: int, overtime: float = 10.0) -> list[SimDevice]:
    """All loggers of the district, and those of the script that are in no register."""
    if not 30 <= realtime_s <= 3600:
        raise BadInput(f"real-time interval {realtime_s} s", hint="HJ 212-2017 allows 30 to 3600", field="realtime")
    if minute not in MINUTES:
        known = ", ".join(map(str, MINUTES))
        raise BadInput(f"minute interval {minute} min", hint=f"HJ 212-2017 allows {known}", field="minute")
    loggers = (*truth.district.loggers, *truth.plan.strangers)
    return [SimDevice(one, truth, realtime_s=realtime_s, minute=minute, overtime=overtime) for one in loggers]


def prepare(asked: Simulation) -> tuple[Truth, list[SimDevice], SystemClock | ScaledClock]:
    clock = asked.make_clock()
    origin = moment(asked.origin) if asked.origin else clock.now() // MICROS
    script = load_script(asked.faults) if asked.faults else None
    truth = Truth(build(asked.scale, asked.seed), script, origin)
    overtime = 10.0 * max(1.0, clock.speed)  # an answer takes the centre real time
    devices = devices_of(truth, realtime_s=asked.realtime_s, minute=asked.minute, overtime=overtime)
    return truth, devices, clock


def record_to(asked: Simulation, path: Path) -> tuple[int, int]:
    """Write what would be sent in `seconds` of simulated time; (messages, bytes)."""
    _, devices, clock = prepare(asked)
    start = moment(asked.origin) * MICROS if asked.origin else clock.now()
    return record(devices, start, int(asked.seconds or 600), path)


def simulate(asked: Simulation, say: Say = print, truth_folder: Path | None = None) -> None:
    """Run until Ctrl-C, SIGTERM or `seconds`; then write the truth of what was reported, when asked to."""
    truth, devices, clock = prepare(asked)
    began = clock.now() // MICROS
    district = truth.district
    say(
        f"{district.scale} district, seed {district.seed}: {len(district.firms)} enterprises, {len(devices)} loggers "
        f"on {len({one.connection for one in devices})} connections to {asked.host}:{asked.port}"
    )
    gc.freeze()  # the district stays: no need to look through it again and again
    asyncio.run(_live(asked, truth, devices, clock, say))
    if truth_folder is not None:
        rows = write_truth(truth, began - 36 * 3600, clock.now() // MICROS, truth_folder, minute=asked.minute)
        say(f"{rows} true figures written to {truth_folder}")


async def _live(
    asked: Simulation, truth: Truth, devices: list[SimDevice], clock: SystemClock | ScaledClock, say: Say
) -> None:
    fleet = Fleet(devices, asked.host, asked.port, clock)
    origin = moment(asked.origin) if asked.origin else clock.now() // MICROS
    history = History(
        fleet, truth.district, origin, days=asked.history, rate=asked.history_rate, path=asked.history_state, say=say
    )
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, fleet.stop)

    async def report() -> None:
        while True:
            await asyncio.sleep(asked.report_every_s)
            say(f"{fleet.tally}; {time.process_time():.0f} s CPU")

    async def past() -> None:
        try:
            await history.run()
        except Exception as wrong:  # the live part goes on without a past
            say(f"history stopped: {type(wrong).__name__}: {wrong}")

    tasks = [asyncio.create_task(report()), asyncio.create_task(past())]
    await fleet.run(fleet.turn(), asked.seconds)
    for task in tasks:
        task.cancel()
    say(f"ended: {fleet.tally}; {time.process_time():.1f} s CPU")
