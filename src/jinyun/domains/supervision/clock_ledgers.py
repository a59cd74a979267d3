"""The ledger of a record's clock, read from its history: the one truth about what a time limit has used. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from jinyun.kernel.ports import HistoryEntry
from jinyun.kernel.records import ClockRule
from jinyun.methods.clock_ledger import LEVEL, PAUSE, RESUME, START, STOP, ClockEvent


def ledger(rule: ClockRule, history: Iterable[HistoryEntry]) -> list[ClockEvent]:
    """What a record's history says of one clock: starts, pauses, resumes, changes of level, stops."""
    events: list[ClockEvent] = []
    for entry in history:
        entered = entry.state_after if entry.state_after != entry.state_before or entry.step == "create" else ""
        happened = {entry.step, entered} - {""}
        if "level" in entry.after:
            events.append(ClockEvent(entry.at, LEVEL, level=str(entry.after["level"])))
        if entry.state_before in rule.pauses and entry.state_after not in rule.pauses:
            events.append(ClockEvent(entry.at, RESUME))
        if happened & set(rule.starts):
            events.append(ClockEvent(entry.at, START))
        if entered and entered in rule.pauses and entry.state_before not in rule.pauses:
            events.append(ClockEvent(entry.at, PAUSE))
        if happened & set(rule.stops) or entry.step == "delete":
            events.append(ClockEvent(entry.at, STOP))
    return events
