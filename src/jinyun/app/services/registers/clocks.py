"""Clocks of records, computed from their history at the moment of asking. No due date is stored."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jinyun.app.work_calendar import NodeCalendar
from jinyun.domains.supervision.clock_ledgers import ledger
from jinyun.domains.supervision.deadlines import resolved
from jinyun.kernel.errors import BadInput
from jinyun.kernel.ports import HistoryEntry, Record
from jinyun.kernel.records import ClockRule, Procedure, RecordType
from jinyun.methods.clock_ledger import ClockEvent
from jinyun.methods.clocks import ClockState, clock_state
from jinyun.methods.workdays import WorkCalendar
from jinyun.store.record_clocks import NONE, Moments, RecordClocks

if TYPE_CHECKING:
    from jinyun.app.assemble import House

UNITS: Mapping[str, tuple[str, str]] = {
    "workday": ("个工作日", "workdays"),
    "day": ("天", "days"),
    "hour": ("小时", "hours"),
}
DAY_US, HOUR_US = 86_400_000_000, 3_600_000_000


def with_hours(kind: RecordType, hours: Mapping[str, Mapping[int, int]]) -> RecordType:
    """A type whose clocks allow what the alarm rules of the node do: pages, late lists and notices then say what the
    acting room does. `hours`: kind of record -> level -> natural hours."""

    def ruled(procedure: Procedure) -> Procedure:
        return replace(procedure, clocks=tuple(one for clock in procedure.clocks for one in _by_kind(clock, hours)))

    newest = ruled(kind.procedure) if kind.procedure else None
    return replace(kind, procedure=newest, procedures=tuple(ruled(one) for one in kind.procedures))


def _by_kind(clock: ClockRule, hours: Mapping[str, Mapping[int, int]]) -> list[ClockRule]:
    """A clock for the kinds that it holds for as it is, and one for each kind with other hours."""
    kinds = clock.where.get("kind", ())
    given = {one: {str(level): amount for level, amount in hours[one].items()} for one in kinds if one in hours}
    given = {one: levels for one, levels in given.items() if levels != dict(clock.by_level)}
    if not given:
        return [clock]
    rest = tuple(one for one in kinds if one not in given)
    own = [
        replace(
            clock, name=f"{clock.name}_{one}" if len(kinds) > 1 else clock.name, by_level=levels,
            where={**clock.where, "kind": (one,)},
        )
        for one, levels in given.items()
    ]  # fmt: skip
    return [replace(clock, where={**clock.where, "kind": rest}), *own] if rest else own


class Clocks:
    """Clocks of the records of one house."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.kept = KeptLedgers()
        self._calendar = NodeCalendar(house.settings.folder)

    def calendar(self) -> WorkCalendar:
        """Working days: the node's own table, else the shipped one."""
        return self._calendar()

    def of(self, kind: RecordType, records: Sequence[Record], now: int) -> dict[str, list[dict[str, Any]]]:
        """Clocks of many records by id; those whose procedure has none are left out. `now` [µs]."""
        timed = [one for one in records if (p := kind.procedure_at(one.procedure)) is not None and p.clocks]
        if not timed:
            return {}
        known = {one.id: held for one in timed if (held := self.kept.get(kind.id, one)) is not None}
        unknown = [one for one in timed if one.id not in known]
        histories = self._house.records.histories(kind.id, [one.id for one in unknown]) if unknown else {}
        for one in unknown:
            known[one.id] = ledgers_of(kind, one, histories.get(one.id, ()))
            if one.id in histories:
                self.kept.put(kind.id, one, known[one.id])
        calendar = self.calendar()
        return {one.id: _shown(known[one.id], now, calendar) for one in timed}


Ledgers = Sequence[tuple[ClockRule, Sequence[ClockEvent]]]
"""What a record's clocks were told, clock by clock."""


class KeptLedgers:
    """Ledgers of records by version: a history is read again only when it grew. The same for every reader."""

    def __init__(self, most: int = 20_000) -> None:
        self._most, self._lock = most, threading.Lock()
        self._kept: OrderedDict[tuple[str, str], tuple[int, int, Ledgers]] = OrderedDict()

    def get(self, type_id: str, record: Record) -> Ledgers | None:
        with self._lock:
            held = self._kept.get((type_id, record.id))
            if held is None or held[:2] != (record.version, record.updated_at):
                return None
            self._kept.move_to_end((type_id, record.id))
            return held[2]

    def put(self, type_id: str, record: Record, ledgers: Ledgers) -> None:
        with self._lock:
            self._kept[type_id, record.id] = record.version, record.updated_at, ledgers
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)


def ledgers_of(kind: RecordType, record: Record, history: Iterable[HistoryEntry]) -> Ledgers:
    """Of every clock that counts for a record."""
    procedure, entries = kind.procedure_at(record.procedure), list(history)
    rules = [one for one in procedure.clocks if one.counts_for(record.data)] if procedure else []
    return [(one, ledger(one, entries)) for one in rules]


def _shown(ledgers: Ledgers, now: int, calendar: WorkCalendar) -> list[dict[str, Any]]:
    shown = []
    for rule, events in ledgers:
        try:
            state = clock_state(events, resolved(rule), now, calendar)
        except BadInput as wrong:
            shown.append(_unknown(rule, wrong))
            continue
        if state.started is not None:
            shown.append(clock_dict(rule, state, now))
    return shown


class KeptClocks(RecordClocks):
    """The present ends of clocks of one house, by its calendar."""

    def __init__(self, house: House) -> None:
        calendar = NodeCalendar(house.settings.folder)
        super().__init__(
            house.database, house.records, house.types,
            lambda kind, record, history, since: moments(kind, record, history, since, calendar()),
        )  # fmt: skip
        self._calendar, self._kv = calendar, house.kv
        self._followed: WorkCalendar | None = None

    def follow_calendar(self) -> dict[str, int]:
        """Compute again what rests on another calendar or other rules than now: records, by type."""
        calendar = self._calendar()
        if calendar is self._followed:
            return {}
        done = self.follow(self._kv, lambda kind: signature(kind, calendar))
        self._followed = calendar
        return done


def kept_clocks(house: House) -> KeptClocks:
    """Those of a house, kept from now on with every change."""
    made = KeptClocks(house)
    made.follow_calendar()
    house.records.witnesses.append(made.witness)
    return made


def moments(
    kind: RecordType, record: Record, history: Sequence[HistoryEntry], since: int, calendar: WorkCalendar
) -> Moments:
    """What a record's clocks come to while nothing changes: `late_from` for as long as it stays so, a moment in which
    the calendar is not loaded included; `look_at` from `since` on. [µs]"""
    procedure = kind.procedure_at(record.procedure)
    if procedure is None or not procedure.clocks or not history:
        return NONE
    at = max(history[-1].at, since - 1)
    late: list[int] = []
    look: list[int] = []
    for rule in procedure.clocks:
        if not rule.counts_for(record.data):
            continue
        try:
            state = clock_state(ledger(rule, history), resolved(rule), at, calendar)
        except BadInput:
            continue  # unknown: computed again when the calendar changes
        stopped = state.status == "stopped"
        if state.ends_at is not None and (state.late or not stopped):
            late.append(state.ends_at + (rule.unit == "hour"))  # of hours, the last moment is in time
        if not stopped:
            look += [one.at for one in (*state.escalations, *filter(None, (state.coming,))) if one.at >= since]
    return Moments(min(late, default=None), min(look, default=None))


def signature(kind: RecordType, calendar: WorkCalendar) -> str:
    """Of all that `moments` rests on besides history."""
    rules = [[resolved(rule) for rule in one.clocks] for one in kind.versions]
    told = repr((rules, sorted(calendar.years), sorted(calendar.exceptions.items())))
    return hashlib.sha256(told.encode()).hexdigest()


def clock_dict(rule: ClockRule, state: ClockState, now: int) -> dict[str, Any]:
    """A clock with its words."""
    words = {one.name: one for one in rule.escalate}
    zh, en = _remaining(rule, state, now)
    return {
        **state.as_dict(),
        "name": rule.name, "zh": rule.zh, "en": rule.en, "state": state.status, "paused": state.paused,
        "unit_zh": UNITS[rule.unit][0], "unit_en": UNITS[rule.unit][1],
        "remaining_text": zh, "remaining_text_zh": zh, "remaining_text_en": en,
        "escalations": [
            {"name": one.name, "zh": words[one.name].zh, "en": words[one.name].en, "to": one.to, "at": one.at}
            for one in state.escalations
        ],
    }  # fmt: skip


def _remaining(rule: ClockRule, state: ClockState, now: int) -> tuple[str, str]:
    """How much is left or over, to one decimal of the rule's unit; what is over is counted in natural time."""
    zh, en = UNITS[rule.unit]
    if state.status == "stopped":
        return ("已停止，超期", "stopped, late") if state.late else ("已停止，按期", "stopped, in time")
    if state.late and state.ends_at is not None:
        over = now - state.ends_at
        if rule.unit == "hour":
            return f"超期{_short(over / HOUR_US)}小时", f"{_short(over / HOUR_US)} hours over"
        return f"超期{_short(over / DAY_US)}天", f"{_short(over / DAY_US)} days over"
    if state.left is None:
        return "无期限", "no limit"
    left = _short(float(state.left))
    if state.paused:
        return f"已暂停，剩{left}{zh}", f"paused, {left} {en} left"
    return f"剩{left}{zh}", f"{left} {en} left"


def _short(number: float) -> str:
    """One decimal, rounded down, without an idle zero: what is left is never shown as more than it is."""
    return f"{int(number * 10) / 10:.1f}".removesuffix(".0")


def _unknown(rule: ClockRule, wrong: BadInput) -> dict[str, Any]:
    zh = "工作日历未包含该年份" if wrong.code == "calendar-not-loaded" else "无法计算"
    return {
        "name": rule.name, "zh": rule.zh, "en": rule.en, "unit": rule.unit, "state": "unknown", "due": None,
        "ends_at": None, "late": False, "paused": False, "escalations": [], "due_unknown": wrong.code,
        "remaining_text": zh, "remaining_text_zh": zh, "remaining_text_en": str(wrong),
    }  # fmt: skip
