"""A district's past: what its stations measured before the story began, sent by their own loggers on their live links.

Hour values of air and noise stations and 4-hourly values of river sections, a day at a time, at a bounded rate and
never more than a few frames ahead of the centre's acknowledgements. A small file keeps how far it is: a simulator that
is started again goes on where the last one stopped.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jinyun.kernel.errors import BadInput
from jinyun.kernel.terms import LENGTHS, Period
from jinyun.sim.district import District
from jinyun.sim.fleet import Fleet
from jinyun.sim.items import CN_OF, means
from jinyun.sim.truth import Truth
from jinyun.sim.world import HOUR_S

DAY_S = LENGTHS[Period.DAY]
CHINA_S = 28_800
EVERY_H: Mapping[str, int] = {"air_station": 1, "noise_station": 1, "water_section": 4}
"""Kinds of stations with a past, and every how many hours they have a value."""
MOST_DAYS = 3660
SETTLE_S = 20.0  # the live part comes first: real seconds between the last connection and the first old frame
LINK_S = 60.0  # how long a link that is down is waited for
MOST_WAITING = 12
"""Frames of one logger sent ahead of their acknowledgement."""
ANSWER_S = 30.0

NEAR_D, YEAR_D = 62, 365
"""The last two months and the same weeks of the year before come first, so that a month can soon be compared."""

Say = Callable[[str], None]


def day_order(days: int) -> list[int]:
    """The order in which days are sent, counted back from the live one: 0 is yesterday."""
    first = [n for n in range(days) if n < NEAR_D or n >= YEAR_D]
    return [*first, *range(NEAR_D, min(days, YEAR_D))]


@dataclass(slots=True)
class Progress:
    """How far the back-fill is: kept in a file, shown by the node."""

    seed: int
    scale: str
    until: int  # start of the day that is live: the past ends there [s]
    days: int  # asked for
    done: int = 0  # whole days sent and acknowledged, in the order of `day_order`
    frames: int = 0
    missed: int = 0  # frames that no link could take
    started_at: int = 0  # [s]
    updated_at: int = 0

    @classmethod
    def read(cls, path: Path | None, fresh: Progress) -> Progress:
        """What the file says, if it is of the same district and story; else `fresh`."""
        try:
            kept = cls(**json.loads(path.read_text(encoding="utf-8"))) if path is not None else None
        except (OSError, ValueError, TypeError):
            return fresh
        if kept is None or (kept.seed, kept.scale, kept.until) != (fresh.seed, fresh.scale, fresh.until):
            return fresh
        if kept.days != fresh.days:
            return fresh  # another order of days; what is there already is stored once only
        return kept

    def write(self, path: Path | None) -> None:
        if path is not None:
            new = path.with_suffix(".new")
            new.write_text(json.dumps(asdict(self)), encoding="utf-8")
            os.replace(new, path)


def day_start(at: int) -> int:
    """Start of the China day that holds an instant. [s]"""
    return (at + CHINA_S) // DAY_S * DAY_S - CHINA_S


def hours_of(district: District, site: str, day: int) -> Iterator[int]:
    """Starts of the hours of a day for which a station has a value; none for a kind without a past. [s]"""
    every = EVERY_H.get(district.places[site].kind)
    if every:
        yield from range(day, day + DAY_S, every * HOUR_S)


class History:
    """Feeds the past into the live links of a fleet."""

    def __init__(
        self,
        fleet: Fleet,
        district: District,
        origin: int,
        *,
        days: int,
        rate: float = 80.0,
        path: Path | None = None,
        say: Say = print,
    ) -> None:
        """`origin`: when the story began [s]; `rate`: frames per real second at most."""
        if not 0 <= days <= MOST_DAYS:
            raise BadInput(f"{days} days of history", field="history", hint=f"0 to {MOST_DAYS}")
        if not 0 < rate <= 10_000:
            raise BadInput(f"{rate:g} frames of history in a second", field="history-rate", hint="above 0, to 10000")
        self._fleet, self._path, self._say, self._rate = fleet, path, say, rate
        self._truth = Truth(district)  # its own: the live one keeps only what is near in time
        self._numbers = [n for n, one in enumerate(fleet.devices) if district.places[one.logger.site].kind in EVERY_H]
        fresh = Progress(district.seed, district.scale, day_start(origin), days)
        self.progress = Progress.read(path, fresh)
        self._next = 0.0  # loop time of the next frame

    async def run(self) -> None:
        """Send what is still to be sent; returns when the whole past is acknowledged."""
        progress = self.progress
        if progress.done >= progress.days or not self._numbers:
            return
        await self._live()
        progress.started_at = progress.started_at or self._now()
        progress.write(self._path)
        self._say(f"history: {progress.done} of {progress.days} days are there; going on at {self._rate:g} frames/s")
        for back in day_order(progress.days)[progress.done :]:
            await self._day(progress.until - (back + 1) * DAY_S)
            progress.done += 1
            progress.updated_at = self._now()
            progress.write(self._path)
        self._say(f"history: {progress.days} days, {progress.frames} frames sent, {progress.missed} missed")

    def _now(self) -> int:
        return self._fleet.now() // 1_000_000

    async def _live(self) -> None:
        """Wait until the district is on line and has had time to say what is now."""
        wanted = sum(1 for link in self._fleet.links if link.wanted)
        for _ in range(120):
            if wanted and self._fleet.tally.connections >= 0.9 * wanted:
                break
            await asyncio.sleep(0.5)
            wanted = sum(1 for link in self._fleet.links if link.wanted)
        await asyncio.sleep(SETTLE_S)

    async def _day(self, day: int) -> None:
        sent: list[int] = []
        for number in self._numbers:
            if await self._station(number, day):
                sent.append(number)
        loop = asyncio.get_running_loop()
        until = loop.time() + ANSWER_S
        while any(self._waiting(number) > 2 for number in sent) and loop.time() < until:
            await asyncio.sleep(0.05)

    def _waiting(self, number: int) -> int:
        return len(self._fleet.devices[number].device.pending)

    async def _station(self, number: int, day: int) -> bool:
        """One day of one station; False when its link stayed down."""
        device = self._fleet.devices[number]
        hours = list(hours_of(self._truth.district, device.logger.site, day))
        if not await self._linked(number):
            self.progress.missed += len(hours)
            return False
        for at in hours:
            items = means(self._truth, device.logger, Period.HOUR, at, 10)
            await self._turn(number)
            now = self._fleet.now()
            frames = device.device.upload(CN_OF[Period.HOUR], items, at, now)
            if self._fleet.send(number, frames, now):
                self.progress.frames += len(frames)
            else:
                self.progress.missed += len(frames)
        return True

    async def _linked(self, number: int) -> bool:
        end = asyncio.get_running_loop().time() + LINK_S
        while self._fleet.link_of[number].transport is None:
            if asyncio.get_running_loop().time() > end:
                return False
            await asyncio.sleep(0.5)
        return True

    async def _turn(self, number: int) -> None:
        """Wait for this frame's turn at the rate, and for the centre to have answered enough of the earlier ones."""
        loop = asyncio.get_running_loop()
        self._next = max(self._next + 1.0 / self._rate, loop.time() - 0.05)
        await asyncio.sleep(max(0.0, self._next - loop.time()))
        end = loop.time() + ANSWER_S
        while self._waiting(number) >= MOST_WAITING and loop.time() < end:
            await asyncio.sleep(0.02)


def told(path: Path) -> dict[str, Any] | None:
    """What the file of a back-fill says, for the node's system page; None when there is none."""
    try:
        kept = Progress(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    running = kept.done < kept.days
    zh = f"正在补传历史数据：已完成{kept.done}/{kept.days}天" if running else f"历史数据已补传{kept.days}天"
    en = f"history is being back-filled: {kept.done} of {kept.days} days" if running else (
        f"{kept.days} days of history are back-filled"
    )  # fmt: skip
    return {**asdict(kept), "running": running, "zh": zh, "en": en}
