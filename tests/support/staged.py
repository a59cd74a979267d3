"""A live node whose hours go by as they are told: what a section measures for days, within a test of seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from live import Live, register
from web_rows import ROWS, SECTION_MN

from jinyun.app import assemble
from jinyun.kernel.terms import CHINA
from jinyun.sense.hj212 import compose

MONDAY = int(datetime(2026, 3, 2, tzinfo=CHINA).timestamp())
HOUR = 3600
CLASS_3, CLASS_4 = "0.61", "1.20"  # NH3-N [mg/L]: GB 3838-2002 Class III to 1.0, Class IV to 1.5
Row = tuple[str, str, Mapping[str, Any]]


class StepClock:
    """Moves only when told."""

    speed = 1.0
    seconds = MONDAY

    def now(self) -> int:
        return self.seconds * 1_000_000

    def real_seconds(self, _seconds: float) -> float:
        return 0.01


class Stage:
    """`live` with its clock in hand; from Monday 2 March 2026, midnight in China."""

    def __init__(self, folder: Path, rows: Sequence[Row] = ()) -> None:
        self.clock = StepClock()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(assemble, "clock_of", lambda _: self.clock)
            self.live = Live(folder, lambda house: register(house, [*ROWS, *rows]))
        self._hour = 0

    def measure(self, nh3: str, hours: int = 1) -> None:
        """So many hours go by in which the section measures this."""
        for _ in range(hours):
            at = MONDAY + self._hour * HOUR
            self._hour += 1
            self.clock.seconds = at + HOUR + 60
            items = [("w01001", "7.8"), ("w01009", "8.2"), ("w01019", "1.8"), ("w21003", nh3), ("w21011", "0.081")]
            self.live.send(SECTION_MN, "2061", at, [compose.item(code, "N", Avg=v) for code, v in items], st="21")
        self.live.settle()
