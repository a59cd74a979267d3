"""Clocks of running cases: escalation, and the copy of the due moment that lists sort by. The truth is history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jinyun.domains.supervision.clock_ledgers import ledger
from jinyun.domains.supervision.deadlines import work_calendar
from jinyun.domains.supervision.records import CASE
from jinyun.kernel.errors import BadInput
from jinyun.kernel.ports import MICRO, Record, RecordStore
from jinyun.kernel.records import ClockRule
from jinyun.kernel.terms import china_time
from jinyun.methods.clocks import ClockState, clock_state

AT_ONCE = 2000
"""Cases whose history is read in one tick."""


@dataclass(slots=True)
class _Kept:
    version: int
    rule: ClockRule | None
    state: ClockState | None
    again: int | None  # moment at which it is another without a change of the case [µs]


class CaseClocks:
    """What the clocks of open cases say now. Histories are read again only when a case changed."""

    def __init__(self, records: RecordStore, hours: Mapping[str, Mapping[int, int]]) -> None:
        """`hours`: kind of case -> level -> natural hours, of the alarm rules in force."""
        self._records, self._hours = records, hours
        self._kept: dict[str, _Kept] = {}

    def due(self, cases: Sequence[Record], now: int) -> dict[str, tuple[ClockRule, ClockState]]:
        """Clocks that are other than when last asked, by case. `now` [µs]. Cases of version 1 have none."""
        running = {one.id: one for one in cases if one.procedure > 1}
        self._kept = {id: kept for id, kept in self._kept.items() if id in running}
        stale = [one for one in running.values() if self._is_stale(one, now)][:AT_ONCE]
        histories = self._records.histories("case", [one.id for one in stale]) if stale else {}
        found = {}
        for one in stale:
            rule = self.rule(one)
            state = None
            if rule is not None:
                try:
                    state = clock_state(ledger(rule, histories.get(one.id, ())), rule, now, work_calendar())
                except BadInput:
                    state = None
            self._kept[one.id] = _Kept(one.version, rule, state, state.coming.at if state and state.coming else None)
            if rule is not None and state is not None and state.started is not None:
                found[one.id] = rule, state
        return found

    def forget(self, case_id: str) -> None:
        """What was said of a case could not be acted on: it is said again."""
        self._kept.pop(case_id, None)

    def rule(self, case: Record) -> ClockRule | None:
        """The clock that is for a case, with the hours of the alarm rules in force."""
        procedure = CASE.procedure_at(case.procedure)
        rules = procedure.clocks if procedure else ()
        rule = next((one for one in rules if one.counts_for(case.data)), None)
        hours = self._hours.get(str(case.data.get("kind")))
        if rule is None or hours is None:
            return rule
        return replace(rule, by_level={str(level): amount for level, amount in hours.items()})

    def _is_stale(self, case: Record, now: int) -> bool:
        kept = self._kept.get(case.id)
        return kept is None or kept.version != case.version or (kept.again is not None and now >= kept.again)


def new_escalations(case: Record, rule: ClockRule, state: ClockState) -> list[dict[str, Any]]:
    """Escalations reached and not yet told since the clock began: what the step `escalate` is given."""
    assert state.started is not None
    begun = china_time(state.started // MICRO).isoformat()
    told = {one["text"] for one in case.data.get("escalated") or () if str(one["at"]) >= begun}
    words = {one.name: one for one in rule.escalate}
    return [{"name": words[one.name].zh, "to": one.to} for one in state.escalations if words[one.name].zh not in told]
