"""The memory of one line: what one judge says of one site, verdict by verdict."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from jinyun.act.episodes import WindowFold
from jinyun.kernel.terms import Verdict

Key = tuple[str, str]
"""(judge, subject)."""


@dataclass(slots=True)
class Line:
    """What is remembered of one (judge, subject) between two verdicts."""

    folds: dict[str, WindowFold] = field(default_factory=dict)  # by matter
    alarms: dict[str, str] = field(default_factory=dict)  # matter -> id of its open or last alarm
    recent: deque[tuple[int, int]] = field(default_factory=deque)  # (start, level) of the last day, for drop rules
    stray: bool = False  # an alarm is open of which this line knows nothing

    def copy(self) -> Line:
        """One that goes its own way."""
        folds = {matter: fold.copy() for matter, fold in self.folds.items()}
        return Line(folds, dict(self.alarms), deque(self.recent), self.stray)

    @property
    def busy(self) -> bool:
        return any(fold.busy for fold in self.folds.values())

    def keep_level(self, verdict: Verdict, seconds: int) -> None:
        """Remember its level for so long."""
        if verdict.level is not None:
            self.recent.append((verdict.window.start, verdict.level))
        while self.recent and self.recent[0][0] < verdict.window.start - seconds:
            self.recent.popleft()
