"""The ledger of a record's clock, read from its history: the one truth about what a time limit has used. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from jinyun.domains.supervision.deadlines import resolved
from jinyun.kernel.ports import HistoryEntry
from jinyun.kernel.records import ClockRule, Extension, Missing, Procedure
from jinyun.methods.clock_ledger import EXTEND, LEVEL, PAUSE, RESUME, START, STOP, ClockEvent


def ledger(rule: ClockRule, history: Iterable[HistoryEntry]) -> list[ClockEvent]:
    """What a record's history says of one clock: starts, pauses, resumes, changes of level, extensions, stops."""
    extensions = {one.step: one for one in resolved(rule).extends}
    used: dict[str, int] = {}
    alive = False
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
            used, alive = (used if alive else {}), True
        if (one := extensions.get(entry.step)) is not None and used.get(one.step, 0) < one.most:
            more = _more(one, entry.given)
            if more:
                events.append(ClockEvent(entry.at, EXTEND, amount=more))
                used[one.step] = used.get(one.step, 0) + 1
        if entered and entered in rule.pauses and entry.state_before not in rule.pauses:
            events.append(ClockEvent(entry.at, PAUSE))
        if happened & set(rule.stops) or entry.step == "delete":
            events.append(ClockEvent(entry.at, STOP))
            alive = False
    return events


def extension_missing(
    procedure: Procedure, step: str, data: Mapping[str, object], history: Iterable[HistoryEntry]
) -> Missing | None:
    """What stands against extending a clock of a record once more by `step`; None: nothing, or it is no extension.

    A run of the clock counts its own extensions; a step that extends none of the record's running clocks is refused
    too: it would promise time that nothing counts.
    """
    mine = [(rule, one) for rule in procedure.clocks for one in rule.extends if one.step == step]
    if not mine:
        return None
    history = list(history)
    least: int | None = None
    for rule, one in mine:
        if not rule.counts_for(data):
            continue
        events = ledger(rule, history)
        since = _run(events)
        if since is None:
            continue
        taken = sum(1 for event in events[since:] if event.kind == EXTEND)
        if taken < one.most:
            return None
        least = one.most if least is None else max(least, one.most)
    if least is None:
        return Missing("extension-no-clock", "没有正在计时、可以延期的时限", "no running time limit can be extended")
    return Missing(
        "extension-used", f"本次办理已延期{least}次，不能再延", f"extended {least} times already: no more in this run"
    )


def _run(events: list[ClockEvent]) -> int | None:
    """Place of the start of the run that is alive; None: the clock does not run."""
    since: int | None = None
    for place, event in enumerate(events):
        if event.kind == START and since is None:
            since = place
        elif event.kind == STOP:
            since = None
    return since


def _more(one: Extension, given: Mapping[str, object]) -> int:
    """How much an extension adds [unit of the clock]; 0 when the history does not say."""
    if one.given:
        text = str(given.get(one.given) or "")
        return int(text) if text.isdigit() else 0
    return one.amount or 0
