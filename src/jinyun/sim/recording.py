"""The bytes a district would send, without sockets: for tests of determinism and for looking at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from jinyun.sim.device import MICROS, SimDevice
from jinyun.sim.wheel import Wheel


def messages(devices: Sequence[SimDevice], start: int, seconds: int) -> Iterator[tuple[int, SimDevice, bytes]]:
    """(time [µs], device, bytes) of every report from `start` [µs] on, in the order of their leaving.

    Nobody answers, so nothing is sent again; a device whose link is down sends nothing.
    """
    wheel = Wheel(devices, start)
    end = start + seconds * MICROS
    while wheel.next_due() < end:
        report = wheel.pop()
        if report is None:
            continue
        due, number, period, label = report
        device = devices[number]
        if not device.offline(due):
            data = b"".join(device.report(period, label, due))
            if data:
                yield due, device, data


def record(devices: Sequence[SimDevice], start: int, seconds: int, path: Path) -> tuple[int, int]:
    """Write them to a file, one after the other; (messages, bytes)."""
    count = size = 0
    with path.open("wb") as out:
        for _, _, data in messages(devices, start, seconds):
            count, size = count + 1, size + out.write(data)
    return count, size
