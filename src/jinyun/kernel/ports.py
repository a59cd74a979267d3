"""Ports: what rooms ask of one another. Implemented in sense, store, judge, act; wired in app/assemble.py only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from jinyun.kernel.terms import (
    Frame,
    JournalRef,
    Origin,
    Period,
    RawMessage,
    Reading,
    Reject,
    SeriesKey,
    Stat,
    Status,
    Verdict,
    Window,
)

MICRO = 1_000_000
"""Values travel on the hot path as whole millionths of the canonical unit: DECIMAL(18,6) without a Decimal object."""

NO_VALUE = np.iinfo(np.int64).min
"""Stands for "no number was sent" in `Block.values`."""


@dataclass(slots=True)
class Block:
    """The readings of one decoded message, ready for the store: one row per series, all at one `time`.

    `series` are ids from `ReadingStore.series_ids`, `values` int64 millionths (`NO_VALUE` for none), `flags` `Flag`.
    """

    time: int  # [s]
    series: np.ndarray  # int32
    values: np.ndarray  # int64 [1e-6 canonical unit]
    flags: np.ndarray  # uint8
    received_at: int  # [µs]
    origin: Origin
    mn: str
    site: str
    ref: JournalRef | None
    author: str = ""
    reason: str = ""
    period: Period = Period.REALTIME
    session: str = ""  # id of the `correction` record that made it


class Journal(Protocol):
    """The raw journal: a message is durable (fdatasync) before its future resolves."""

    def append(self, message: RawMessage) -> Future[JournalRef]: ...
    def append_many(
        self,
        messages: Sequence[RawMessage],
        done: Callable[[list[JournalRef]], None],
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """A batch as one operation; `done` (from the journal's thread) gets the references in order once durable."""
        ...

    def read(self, ref: JournalRef) -> RawMessage: ...
    def scan(self, start: JournalRef | None = None) -> Iterator[tuple[JournalRef, RawMessage]]: ...
    def state(self) -> Mapping[str, Any]: ...


class ReadingStore(Protocol):
    """Readings, bitemporal and append-only."""

    def series_ids(self, keys: Sequence[SeriesKey]) -> np.ndarray:
        """Ids (int32) of series, creating those not known yet."""
        ...

    def series_key(self, series: int) -> SeriesKey: ...

    def put(self, block: Block) -> None:
        """Queue a block for the next group commit; returns at once. Same value and flag again: counted, not stored."""
        ...

    def note(self, ref: JournalRef) -> None:
        """Every journal message up to `ref` was put or needs no rows: the replay watermark may pass it."""
        ...

    def flush(self) -> None:
        """Return when everything put so far is committed and can be read."""
        ...

    def read(
        self,
        site: str,
        *,
        factors: Sequence[str] = (),
        stats: Sequence[Stat] = (),
        periods: Sequence[Period] = (),
        start: int,
        end: int,
        as_of: int | None = None,
    ) -> list[Reading]:
        """Current versions in [start, end), by (time, series); `as_of` (µs) asks for an earlier state of knowledge."""
        ...

    def latest(self, sites: Sequence[str] | None = None) -> Mapping[str, Sequence[Reading]]:
        """The newest reading of each series, maintained, by site."""
        ...

    def versions(self, series: int, time: int) -> list[Reading]: ...
    def versions_of(self, keys: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], Sequence[Reading]]:
        """All versions of many (series, time), in one question: for why-trees."""
        ...

    def frame(self, frame: int) -> Frame: ...
    def frames(self, ids: Sequence[int]) -> Mapping[int, Frame]:
        """Many frames in one question; `NotFound` when one is not there."""
        ...

    def times(self, site: str, period: Period, start: int, end: int) -> list[int]:
        """Distinct times of readings, for gap finding."""
        ...

    def arrivals_since(self, since: int) -> Iterable[tuple[str, Period, int]]:
        """Site, period and hour [s] of readings received at or after `since` [µs], whatever their event time."""
        ...

    def state(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Record:
    """One record as of a version."""

    type: str
    id: str
    version: int
    state: str  # "" when the type has no procedure
    data: Mapping[str, Any]
    created_at: int  # [µs]
    updated_at: int
    updated_by: str
    deleted: bool = False
    procedure: int = 1  # version of the procedure it runs on

    def as_dict(self) -> dict[str, Any]:
        """Flat form for pages: data fields at the top beside id, version, state, …"""
        return {
            **self.data,
            "id": self.id,
            "type": self.type,
            "version": self.version,
            "state": self.state,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "updated_by": self.updated_by,
        }


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One change of a record: nothing is overwritten."""

    type: str
    id: str
    version: int
    at: int  # [µs]
    actor: str
    step: str  # "create", "update", "delete" or the transition's name
    state_before: str
    state_after: str
    before: Mapping[str, Any]  # changed fields only
    after: Mapping[str, Any]
    given: Mapping[str, Any] = field(default_factory=dict)  # fields filled in at the step
    note: str = ""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. The house itself is ``Actor("system", ("system",))``.

    `jurisdictions` are GB/T 2260 codes (a shorter one covers all below it), ``cell:ID`` or ``*``; what an empty list
    means depends on the role, see docs/rights.md. `enterprise` is the record that an enterprise's user belongs to.
    """

    name: str
    roles: tuple[str, ...]
    unit: str = ""
    jurisdictions: tuple[str, ...] = ()
    enterprise: str = ""


SYSTEM = Actor("system", ("system",))


class RecordStore(Protocol):
    """All registers, by declaration."""

    listeners: list[Callable[[str, str], None]]
    """Told of each change, (type, id) - of many at once (type, "") - after it is committed."""

    def create(
        self, type_id: str, data: Mapping[str, Any], actor: Actor, *, id: str | None = None, note: str = ""
    ) -> Record: ...
    def update(
        self,
        type_id: str,
        id: str,
        changes: Mapping[str, Any],
        actor: Actor,
        *,
        version: int | None = None,
        note: str = "",
    ) -> Record: ...
    def delete(self, type_id: str, id: str, actor: Actor, *, note: str = "") -> None: ...
    def step(
        self,
        type_id: str,
        id: str,
        name: str,
        given: Mapping[str, Any],
        actor: Actor,
        *,
        context: Mapping[str, Any] | None = None,
        changes: Mapping[str, Any] | None = None,
        version: int | None = None,
        note: str = "",
    ) -> Record:
        """Take a step of the record's procedure. Raises `Refused` (with what is missing), `NotPermitted`,
        `Conflict`."""
        ...

    def move(
        self, type_id: str, id: str, to: int, actor: Actor, *, state: str = "", version: int | None = None,
        note: str = "",
    ) -> Record:  # fmt: skip
        """Go on by version `to` of the procedure; `state` where the new one has no place for the state at hand."""
        ...

    def get(self, type_id: str, id: str) -> Record: ...
    def load(self, type_id: str, ids: Sequence[str]) -> list[Record]:
        """Living records of these ids, in this order."""
        ...

    def find(
        self,
        type_id: str,
        where: Mapping[str, Any] | None = None,
        *,
        states: Sequence[str] = (),
        text: str = "",
        order: str = "-updated_at",
        limit: int = 1000,
        offset: int = 0,
    ) -> list[Record]:
        """Records whose *indexed* fields equal `where` (a list value: any of them)."""
        ...

    def count(
        self, type_id: str, where: Mapping[str, Any] | None = None, *, states: Sequence[str] = (), text: str = ""
    ) -> int: ...
    def heads(
        self, type_id: str, where: Mapping[str, Any] | None = None, *, states: Sequence[str] = ()
    ) -> Mapping[str, int]:
        """Versions of all that `find` would give, by id: to see cheaply which are not as they were."""
        ...

    def holding(self, text: str, types: Sequence[str]) -> frozenset[str]:
        """Of `types` those that hold a record with these words or this id: too many rather than too few. A question
        to all registers asks those only."""
        ...

    def history(self, type_id: str, id: str) -> list[HistoryEntry]: ...
    def histories(self, type_id: str, ids: Sequence[str]) -> Mapping[str, Sequence[HistoryEntry]]:
        """`history` of many in one question."""
        ...

    def put_many(self, type_id: str, rows: Iterable[tuple[str, Mapping[str, Any]]], actor: Actor) -> int:
        """Create or update many in one transaction; unchanged rows are left alone."""
        ...

    def check_put(self, type_id: str, record_id: str, data: Mapping[str, Any]) -> None:
        """Raise what `put_many` would for a row that whoever asks may not write."""
        ...

    def together(self) -> AbstractContextManager[None]:
        """What this thread changes inside is one transaction: all of it stands or none."""
        ...


@dataclass(frozen=True, slots=True)
class VerdictBrief:
    """What a current verdict says, without what it rests on."""

    id: int
    subject: str
    start: int  # [s]
    end: int
    status: Status
    level: int | None
    figure: str | None
    clause: str
    edition: str
    label_zh: str
    label_en: str
    deciding: tuple[str, ...]
    values: tuple[tuple[str, str | None, str, str], ...]
    """(factor, figure as printed, unit, reason) of each item in its order; the reason is "" when there is a figure."""


class VerdictStore(Protocol):
    """Verdicts are append-only: a re-judged window gives a new verdict that supersedes the older."""

    def add(self, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """Store and return them with ids."""
        ...

    def get(self, id: int) -> Verdict: ...
    def current(self, judge: str, subject: str, window: Window) -> Verdict | None: ...
    def currents(self, judge: str, subjects: Sequence[str], window: Window) -> Mapping[str, Verdict]:
        """`current` of many subjects in one question; those without a verdict are left out."""
        ...

    def find(
        self,
        *,
        subject: str | None = None,
        judge: str | None = None,
        start: int | None = None,
        end: int | None = None,
        limit: int = 500,
        as_of: int | None = None,
        evidence: bool = True,
    ) -> list[Verdict]:
        """Current verdicts, newest window first; `as_of` [µs]: those that stood then. Without `evidence` they do not
        name the readings they rest on: for long lines."""
        ...

    def latest(self) -> Mapping[tuple[str, str], Verdict]:
        """Newest window's verdict per (subject, judge)."""
        ...

    def briefs(self, judge: str, subjects: Sequence[str] | None, start: int, end: int) -> list[VerdictBrief]:
        """Current verdicts of one judge whose window starts in [start, end), by (subject, start); None: all subjects.

        Without readings and sentences: years of days of many sites in one question."""
        ...

    def counted(self, judge: str, subjects: Sequence[str] | None, start: int, end: int) -> int:
        """How many windows that start in [start, end) have a verdict; None: of all subjects."""
        ...

    def bounds(self, judges: Sequence[str], subjects: Sequence[str]) -> tuple[int | None, int | None]:
        """Start of the first and of the last window judged. [s]"""
        ...

    def since(self, id: int, *, limit: int = 1000) -> list[Verdict]:
        """Verdicts with a higher id, superseded ones too, in the order they were stored."""
        ...


class RejectStore(Protocol):
    def add(self, rejects: Sequence[Reject]) -> None: ...
    def find(self, *, mn: str | None = None, limit: int = 200) -> list[Mapping[str, Any]]: ...
    def counts(self) -> Mapping[str, int]: ...


class KeyValue(Protocol):
    """Small durable state of rooms (watermarks, gap ledger, queues): JSON values by (space, key)."""

    def get(self, space: str, key: str) -> Any: ...
    def set(self, space: str, key: str, value: Any) -> None: ...
    def delete(self, space: str, key: str) -> None: ...
    def items(self, space: str) -> Mapping[str, Any]: ...
    def set_many(self, space: str, values: Mapping[str, Any]) -> None: ...


class Bus(Protocol):
    """Fan-out to live pages. `publish` may be called from any thread and never blocks."""

    def publish(self, topic: str, event: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True, slots=True)
class DeviceProfile:
    """What the centre knows of one data logger (数采仪), from its `device` record."""

    mn: str
    site: str
    site_kind: str
    name: str = ""
    system: str = ""  # ST, e.g. "32"; "" accepts what the device says
    edition: str = "auto"  # auto, 2005, 2017, 2025
    password: str = ""  # "" is not compared
    crc: str = "hj212"  # accepted besides the standard: hj212 (none besides), modbus, modbus_swapped, arc
    pm_unit: str = "ug/m3"  # unit of PM2.5, PM10, TSP as sent
    encoding: str = "auto"  # auto: UTF-8, then GB18030
    realtime_interval: int = 30  # [s]
    minute_interval: int = 10  # [min]
    always_answer: bool = False  # answer 9014 even when A=0
    label_end: bool = False  # device stamps the end of the period
    set_up: bool = False  # run the first-connection set-up of HJ 212-2017 7.3
    set_clock: bool = True  # send 1012 when its clock is off
    sm4_key: bytes = b""  # HJ 212-2025
    periods: tuple[Period, ...] = (Period.REALTIME, Period.MINUTE, Period.HOUR)  # what it should send: gap ledger


class DeviceDirectory(Protocol):
    """Who is registered. Looked up per frame, so it must be a dict look-up; `version` rises with each change."""

    version: int

    def get(self, mn: str) -> DeviceProfile | None: ...
    def all(self) -> Sequence[DeviceProfile]: ...


class Jobs(Protocol):
    """Background work. Each job is idempotent and finds its work in stored state, so a kill loses nothing."""

    def every(self, seconds: float, name: str, work: Callable[[], Any]) -> None:
        """Run `work` in the worker thread every `seconds`; a failure is logged and shown, then tried again."""
        ...


class Clock(Protocol):
    def now(self) -> int:
        """Microseconds since the epoch."""
        ...


@dataclass(frozen=True, slots=True)
class Arrival:
    """Said by sense to the house after a message is durable and decoded: what to judge next."""

    site: str
    mn: str
    period: Period
    time: int
    received_at: int


ArrivalSink = Callable[[Arrival], None]
