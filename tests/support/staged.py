"""A live node whose hours go by as they are told: what a section measures for days, within a test of seconds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest
from live import Live, Row, register
from web_rows import ROWS, SECTION_MN

from jinyun.app import assemble
from jinyun.kernel.terms import CHINA
from jinyun.sense.hj212 import compose

MONDAY = int(datetime(2026, 3, 2, tzinfo=CHINA).timestamp())
HOUR = 3600
CLASS_3, CLASS_4 = "0.61", "1.20"  # NH3-N [mg/L]: GB 3838-2002 Class III to 1.0, Class IV to 1.5
UNITS = [
    ("unit", "u-town", {"name": "天生街道", "kind": "township", "jurisdictions": ["500109"]}),
    ("unit", "u-water", {"name": "北碚区水利局", "kind": "department", "jurisdictions": ["5001"]}),
    ("duty", "d1", {"unit": "u-town", "person": "zhao", "from": "2026-03-02T00:00:00+08:00",
                    "to": "2026-03-09T00:00:00+08:00"}),
    ("cell", "c1", {"name": "滨江网格", "owner": "u-water", "kinds": ["section_class"],
                    "ring": [[106.42, 29.81], [106.44, 29.81], [106.44, 29.83], [106.42, 29.83]]}),
]  # fmt: skip


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
