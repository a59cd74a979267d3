"""The house as it was known at an earlier moment: verdicts computed by then, and the clock standing there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from jinyun.app.then import Standing
from jinyun.store.verdicts_then import VerdictsThen

if TYPE_CHECKING:
    from jinyun.app.assemble import House


def house_over(house: House, verdicts: Any, *, now: int | None = None) -> Any:
    """What period figures ask of a house, over other verdicts; `now` [µs] where the clock shall stand still."""
    clock = house.clock if now is None else Standing(now)
    return SimpleNamespace(verdicts=verdicts, sites=house.sites, settings=house.settings, clock=clock)


def house_as_of(house: House, as_of: int) -> Any:
    """What period figures ask of a house, as it was known at `as_of` [µs]."""
    return house_over(house, VerdictsThen(house.verdicts, as_of), now=min(as_of, house.clock.now()))
