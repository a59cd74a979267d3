"""Windows as they were known at an earlier moment: made from the readings known then, not taken from the kept ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jinyun.methods.windows import Level

if TYPE_CHECKING:
    from jinyun.store.window_answers import WindowAnswers

PASSED = frozenset({"rule", "rule_by_id", "of_site", "facts", "as_part_of_date"})


class WindowsThen:
    """The asking half of `Windows` at a moment [µs]; rules and what they depend on at a site are those of now."""

    def __init__(self, windows: WindowAnswers, as_of: int) -> None:
        self._windows, self.as_of = windows, as_of

    def __getattr__(self, name: str) -> Any:
        if name in PASSED:
            return getattr(self._windows, name)
        raise AttributeError(name)

    def behind(self) -> int:
        """Nothing: they are made when they are asked for."""
        return 0

    def read(self, series: Sequence[int], level: Level, start: int, end: int) -> Any:
        """As `Windows.read`."""
        return self._windows.compute(series, level, start, end, as_of=self.as_of)

    def compute(self, series: Sequence[int], level: Level, start: int, end: int, *, as_of: int | None = None) -> Any:
        """As `Windows.compute`."""
        known = self.as_of if as_of is None else min(as_of, self.as_of)
        return self._windows.compute(series, level, start, end, as_of=known)
