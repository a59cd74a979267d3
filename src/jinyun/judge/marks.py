"""Which windows wait to be judged, and when. Marking is cheap and may be done by any thread."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from jinyun.kernel.terms import CHINA, LENGTHS, Period, Window

HOUR = LENGTHS[Period.HOUR]
OFFSET = int(CHINA.utcoffset(None).total_seconds())


class Key(NamedTuple):
    """One window of one judge at one site."""

    start: int  # [s] first, so that sorting puts earlier windows first
    judge: str
    site: str


class Touch(NamedTuple):
    """Data of one period came for one hour of one site."""

    site: str
    period: int
    hour: int  # start of the hour. [s]


def hour_of(time: int) -> int:
    """Start of the hour (China time) that holds an instant. [s]"""
    return (time + OFFSET) // HOUR * HOUR - OFFSET


class Touched:
    """What arrived since it was last taken."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._set: set[Touch] = set()

    def add(self, site: str, period: int, time: int) -> None:
        touch = Touch(site, period, hour_of(time))
        with self._lock:
            self._set.add(touch)

    def take(self) -> set[Touch]:
        with self._lock:
            taken, self._set = self._set, set()
        return taken

    def __len__(self) -> int:
        return len(self._set)


class Waiting:
    """Windows to judge: some as soon as they have settled, some when they close. One thread only."""

    def __init__(self) -> None:
        self.ready: dict[Key, float] = {}  # -> monotonic second from which it may be judged
        self._closing: list[tuple[int, Key]] = []  # heap of (µs when it closes, key)
        self._scheduled: set[Key] = set()

    def soon(self, key: Key, not_before: float) -> None:
        """Judge when `not_before` (monotonic s) has come; a later mark does not put it off."""
        known = self.ready.get(key)
        if known is None or not_before < known:
            self.ready[key] = not_before

    def at_close(self, key: Key, closes: int) -> None:
        """Judge when the house's clock reaches `closes` (µs)."""
        if key not in self._scheduled:
            self._scheduled.add(key)
            heapq.heappush(self._closing, (closes, key))

    def due(self, now: int, monotonic: float | None) -> list[Key]:
        """Take what is due, earlier windows first; `monotonic` None: all that is ready, settled or not."""
        while self._closing and self._closing[0][0] <= now:
            _, key = heapq.heappop(self._closing)
            self._scheduled.discard(key)
            self.ready[key] = 0.0
        keys = sorted(key for key, when in self.ready.items() if monotonic is None or when <= monotonic)
        for key in keys:
            del self.ready[key]
        return keys

    @property
    def closing(self) -> int:
        return len(self._closing)


def window(period: Period, start: int) -> Window:
    """Window of a fixed-length period from its start."""
    return Window(period, start, start + LENGTHS[period])


def batches(keys: Iterable[Key], most: int) -> Iterator[list[Key]]:
    """Neighbours of one window and judge together, at most so many."""
    for _, group in groupby(keys, key=lambda key: (key.start, key.judge)):
        mine = list(group)
        for at in range(0, len(mine), most):
            yield mine[at : at + most]
