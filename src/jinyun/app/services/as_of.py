"""The house as it was known at an earlier moment: verdicts computed by then, and the clock standing there."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from jinyun.kernel.ports import VerdictBrief
from jinyun.kernel.terms import Verdict

if TYPE_CHECKING:
    from jinyun.app.assemble import House


class VerdictsAsOf:
    """A verdict store in which nothing computed after `as_of` [µs] is there. It hears of no news."""

    def __init__(self, store: Any, as_of: int) -> None:
        self._store, self._as_of, self._up_to = store, as_of, store.newest_id_at(as_of)
        self.listeners: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def find(self, **asked: Any) -> list[Verdict]:
        """As `VerdictStore.find`."""
        found: list[Verdict] = self._store.find(**{**asked, "as_of": self._as_of})
        return found

    def briefs(self, judge: str, subjects: Sequence[str] | None, start: int, end: int) -> list[VerdictBrief]:
        """As `VerdictStore.briefs`."""
        found: list[VerdictBrief] = self._store.briefs(judge, subjects, start, end, up_to=self._up_to)
        return found


class _Standing:
    def __init__(self, now: int) -> None:
        self._now = now

    def now(self) -> int:
        return self._now


def house_over(house: House, verdicts: Any, *, now: int | None = None) -> Any:
    """What period figures ask of a house, over other verdicts; `now` [µs] where the clock shall stand still."""
    clock = house.clock if now is None else _Standing(now)
    return SimpleNamespace(verdicts=verdicts, sites=house.sites, settings=house.settings, clock=clock)


def house_as_of(house: House, as_of: int) -> Any:
    """What period figures ask of a house, as it was known at `as_of` [µs]."""
    return house_over(house, VerdictsAsOf(house.verdicts, as_of), now=min(as_of, house.clock.now()))
