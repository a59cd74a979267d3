"""What this room asks of the rest of the house: entities from the registers, rows of readings, and a place to put new
ones. Wired by the app."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, Protocol

from jinyun.kernel.conditions import TRUE, Condition
from jinyun.kernel.terms import LENGTHS, Flag, Period, SeriesKey, window_of
from jinyun.share.sensorthings.model import Entity, Id


class Row(NamedTuple):
    """The current version of one reading."""

    series: int
    time: int  # start of its period [s]
    end: int | None  # its end [s]; None when it is a moment
    value: Decimal | None
    flag: Flag
    seq: int


@dataclass(frozen=True, slots=True)
class Ask:
    """A question for rows: of which series (None: all), with what condition, in what order, after which row."""

    series: tuple[int, ...] | None = None
    where: Condition = TRUE
    order: tuple[tuple[str, bool], ...] = (("time", False), ("series", False))
    """(column, descending); the last ones make it unique."""
    after: tuple[Decimal | None, ...] | None = None
    """The order's columns in the last row of the page before."""
    skip: int = 0
    limit: int = 100


@dataclass(frozen=True, slots=True)
class New:
    """One Observation to be created."""

    series: int
    time: int  # [s]
    value: Decimal
    flag: Flag
    reason: str = ""


class Source(Protocol):
    """Entities of the small kinds are in memory; Observations are asked for by pages."""

    def now(self) -> datetime: ...
    def all(self, kind: str) -> Sequence[Entity]:
        """All entities of a kind but Observations, in a lasting order."""
        ...

    def get(self, kind: str, id: Id) -> Entity | None: ...
    def related(self, entity: Entity, relation: str) -> Sequence[Entity]:
        """Targets of a relation, but Observations."""
        ...

    def key_of(self, series: int) -> SeriesKey: ...
    def series_of(self, entity: Entity) -> tuple[int, ...]:
        """Series behind a Datastream or a FeatureOfInterest."""
        ...

    def all_series(self) -> Sequence[int]: ...
    def page(self, ask: Ask) -> list[Row]:
        """Rows in order; at most `limit`."""
        ...

    def pages(self, ask: Ask) -> Mapping[int, Sequence[Row]]:
        """The same for each of the asked series by itself, by series."""
        ...

    def latest(self, series: Sequence[int] | None) -> Sequence[Row]:
        """The newest row of each of some series, newest first; of all series (None) only the very newest."""
        ...

    def count(self, series: Sequence[int] | None, where: Condition) -> int: ...
    def counts(self, series: Sequence[int], where: Condition) -> Mapping[int, int]: ...
    def row(self, series: int, time: int) -> Row | None: ...
    def received(self, seqs: Sequence[int]) -> Mapping[int, int]:
        """When the message of each sequence number was received. [µs]"""
        ...

    def create(self, new: Sequence[New], author: str) -> Sequence[bool]:
        """Store durably; for each whether it was new (not the same value and flag again)."""
        ...


def period_end(period: Period, start: int) -> int | None:
    """End of the period that begins at `start` [s]; None for a moment."""
    if period is Period.REALTIME:
        return None
    length = LENGTHS.get(period)
    return window_of(period, start).end if length is None else start + length
