"""What falls due next, for all loggers at once: one queue instead of thousands of sleeping tasks."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from jinyun.kernel.terms import Period
from jinyun.sim.device import CHINA_S, MICROS, SimDevice


class Wheel:
    """Reports of many devices in the order of their times. Deterministic: ties go by the device's number."""

    def __init__(self, devices: Sequence[SimDevice], start: int) -> None:
        """`start` [µs]: reports of the periods that run then are the first; a real-time value follows at once."""
        self.devices = devices
        self._queue: list[tuple[int, int, int, int]] = []  # due [µs], device, period, label
        spread = min(10.0, len(devices) / 300) / max(1, len(devices))
        for number, one in enumerate(devices):
            for period in one.periods():
                label = one.first(period, start)
                due = one.due(period, label)
                if period is Period.REALTIME:
                    due = min(due, start + int((0.5 + number * spread) * MICROS)) if due > start else due
                    due = max(due, start)
                self._queue.append((due, number, int(period), label))
        heapq.heapify(self._queue)

    def next_due(self) -> int:
        """[µs]"""
        return self._queue[0][0]

    def pop(self) -> tuple[int, int, Period, int] | None:
        """The next report (due, device number, period, label), and put the one after it on the wheel.

        None when it was moved instead: its device's clock was set, or its interval changed.
        """
        due, number, kind, label = heapq.heappop(self._queue)
        period, device = Period(kind), self.devices[number]
        length, clock = device.length(period), device.clock_s(due)
        if period is Period.REALTIME:
            if label > clock or clock - label > 2 * length or (label + CHINA_S) % length:
                label = device.first(period, due)
        else:
            if (label + CHINA_S) % length:  # another interval: on to the new grid
                label = device.first(period, due)
            if label + length > clock:  # not over yet by the device's clock
                heapq.heappush(self._queue, (max(device.due(period, label), due + 1), number, kind, label))
                return None
        following = label + length
        heapq.heappush(self._queue, (max(device.due(period, following), due + 1), number, kind, following))
        return due, number, period, label
