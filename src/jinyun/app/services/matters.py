"""Matters: alarms and cases, a case's evidence, its recovery condition and how far it is, the steps that lead on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from jinyun.app.services.cache import Cached, Ready
from jinyun.app.services.cases import CaseWork, Complaints, Evaluation, HandOver, Works
from jinyun.app.services.overview import OPEN_CASES, Overview
from jinyun.app.services.registers import Registers
from jinyun.app.services.words import history_dict, record_dict, verdict_dict, verdict_head
from jinyun.app.then import stamped
from jinyun.domains.supervision.guards import conditions_of
from jinyun.kernel.errors import BadInput, NotFound
from jinyun.kernel.ports import Actor, Record
from jinyun.kernel.terms import Verdict

if TYPE_CHECKING:
    from jinyun.app.assemble import House

ALARM_STATES = {"open": ("open",), "ended": ("ended",), "all": ()}
CASE_STATES = {"open": OPEN_CASES, "closed": ("closed", "merged"), "all": ()}
OPEN_PAGE = 500
"""Open alarms and cases that a page asks for at once."""
CASE_VERDICTS = 60  # newest verdicts shown with a case


class Matters:
    """What a page may ask of alarms and cases."""

    def __init__(self, house: House, overview: Overview, registers: Registers) -> None:
        self._house, self._overview, self._registers = house, overview, registers
        self.work = CaseWork(house)
        self.evaluation = Evaluation(house)
        self.hand_over = HandOver(house, registers)
        self.works = Works(house, registers)
        self.complaints = Complaints(house, registers)
        self.open_cases = Ready(partial(self._open, overview.cases), overview.cases)
        self.open_alarms = Ready(partial(self._open, overview.alarms), overview.alarms)

    def alarms(
        self, actor: Actor, *, state: str = "open", subject: str = "", limit: int = 500, offset: int = 0
    ) -> dict[str, Any]:
        return self._list("alarm", ALARM_STATES, actor, state=state, subject=subject, limit=limit, offset=offset)

    def cases(
        self, actor: Actor, *, state: str = "open", subject: str = "", limit: int = 500, offset: int = 0
    ) -> dict[str, Any]:
        return self._list("case", CASE_STATES, actor, state=state, subject=subject, limit=limit, offset=offset)

    def _list(
        self, type_id: str, known: Any, actor: Actor, *, state: str, subject: str, limit: int, offset: int
    ) -> dict[str, Any]:
        if state not in known:
            raise BadInput(f"no list of {type_id}s {state!r}", field="state", hint=f"one of {', '.join(known)}")
        if state == "open" and not subject:
            return self._open(self._overview.alarms if type_id == "alarm" else self._overview.cases, limit, offset)
        kind = self._house.types[type_id]
        where = {"subject": subject} if subject else {}
        found = self._house.records.find(type_id, where, states=known[state], limit=limit, offset=offset)
        told = {
            "items": [self._named(record_dict(one, kind, actor.roles)) for one in found],
            "total": self._house.records.count(type_id, where, states=known[state]),
        }
        return stamped(self._house, told)

    def _open(self, rows: Cached[list[dict[str, Any]]], limit: int = OPEN_PAGE, offset: int = 0) -> dict[str, Any]:
        """Kept ready, worst first."""
        ready = rows.get()
        return stamped(self._house, {"items": ready[offset : offset + limit], "total": len(ready)})

    def _named(self, shown: dict[str, Any]) -> dict[str, Any]:
        site = self._house.sites.get(str(shown.get("subject") or ""))
        return shown | {"subject_name": site.name if site else shown.get("subject")}

    def alarm(self, alarm_id: str, actor: Actor) -> dict[str, Any]:
        """One alarm with its verdicts, its case and the steps it may take."""
        record = self._house.records.get("alarm", alarm_id)
        ids = [record.data.get(name) for name in ("verdict_open", "verdict_peak", "verdict_end")]
        told = {
            "alarm": self._named(record_dict(record, self._house.types["alarm"], actor.roles)),
            "verdicts": [verdict_dict(one) for one in self._verdicts(ids)],
            "case": self._case_of(record, actor),
            "history": self._history("alarm", alarm_id, actor),
            "steps": self._registers.steps(record, actor),
        }
        return stamped(self._house, told)

    def _case_of(self, alarm: Record, actor: Actor) -> dict[str, Any] | None:
        case_id = alarm.data.get("case")
        if not case_id:
            return None
        try:
            case = self._house.records.get("case", str(case_id))
        except NotFound:
            return None
        return self._named(record_dict(case, self._house.types["case"], actor.roles))

    def case(self, case_id: str, actor: Actor) -> dict[str, Any]:
        """One case: timeline, alarms, verdicts, recovery and steps."""
        house = self._house
        record = house.records.get("case", case_id)
        alarms = [a for alarm_id in record.data.get("alarms") or () if (a := self._alarm(str(alarm_id))) is not None]
        recovery = house.act.recovery(record)
        told = {
            "case": self._named(record_dict(record, house.types["case"], actor.roles)),
            "history": self._history("case", case_id, actor),
            "alarms": [self._named(record_dict(one, house.types["alarm"], actor.roles)) for one in alarms],
            "verdicts": self._case_verdicts(record, alarms),
            "recovery": recovery_dict(recovery),
            "steps": self._registers.steps(record, actor),
            "clocks": self._registers.clocks.of(house.types["case"], [record], house.clock.now()).get(case_id, []),
            "contests": self._contests(record),
            "related": self._related(record, actor),
            "tasks": self._registers.find("task", actor, where={"case": case_id}, limit=200)["items"],
            "procedure_version": record.procedure,
        }
        return stamped(house, told)

    def _contests(self, case: Record) -> list[dict[str, Any]]:
        """Every contest with its reply, each with the verdict as it was and as it was after the review."""
        told: list[dict[str, Any]] = []
        for entry in self._house.records.history("case", case.id):
            given = entry.given
            if entry.step == "contest_it":
                told.append({"at": entry.at, "by": entry.actor, "text": given.get("text"),
                             "files": given.get("files") or [], "before": self._head(given.get("verdict")),
                             "reply": None})  # fmt: skip
            elif entry.step == "answer_contest" and told:
                told[-1]["reply"] = {
                    "at": entry.at, "by": entry.actor, "text": given.get("text"), "outcome": given.get("outcome"),
                    "after": self._head(given.get("verdict")),
                }  # fmt: skip
        return told

    def _head(self, verdict: Any) -> dict[str, Any] | None:
        return next((verdict_head(one) for one in self._verdicts([verdict])), None)

    def _related(self, case: Record, actor: Actor) -> list[dict[str, Any]]:
        """Cases it was merged with, split from or into, and the one before it, each with how."""
        records = self._house.records
        ways = [(one, "merged_from") for one in case.data.get("merged_from") or ()]
        ways += [(case.data[name], name) for name in ("merged_into", "split_from", "previous") if case.data.get(name)]
        ways += [(one.id, "split_into") for one in records.find("case", {"split_from": case.id}, limit=50)]
        told = []
        for case_id, how in ways:
            try:
                other = records.get("case", case_id)
            except NotFound:
                continue
            shown = record_dict(other, self._house.types["case"], actor.roles)
            told.append({"how": how, **{n: shown.get(n) for n in ("id", "title", "state", "state_zh", "state_en")}})
        return told

    def _alarm(self, alarm_id: str) -> Record | None:
        try:
            return self._house.records.get("alarm", alarm_id)
        except NotFound:
            return None

    def _history(self, type_id: str, record_id: str, actor: Actor) -> list[dict[str, Any]]:
        kind = self._house.types[type_id]
        return [history_dict(one, kind, actor.roles) for one in self._house.records.history(type_id, record_id)]

    def _case_verdicts(self, case: Record, alarms: Sequence[Record]) -> list[dict[str, Any]]:
        """Verdicts of the case's judges since it opened, newest first, those that opened and closed it and those cited
        among them."""
        found: list[Verdict] = []
        start = case.created_at // 1_000_000 - 6 * 3600
        for one in conditions_of(case.data):
            found += self._house.verdicts.find(
                subject=str(one["subject"]), judge=one["judge"], start=start, limit=CASE_VERDICTS
            )
        ids = [case.data.get("verdict_open"), case.data.get("verdict_close"), *(case.data.get("verdicts") or ())]
        ids += [one.data.get(name) for one in alarms for name in ("verdict_open", "verdict_peak", "verdict_end")]
        known = {one.id for one in found}
        extra = self._verdicts(i for i in ids if i and int(i) not in known)
        factors = {str(one.data["factor"]) for one in alarms if one.data.get("factor")}
        factor = factors.pop() if len(factors) == 1 else ""
        return [about(one, factor) for one in sorted([*found, *extra], key=lambda v: (-v.window.start, -v.id))]

    def _verdicts(self, ids: Iterable[Any]) -> list[Verdict]:
        found = []
        for one in dict.fromkeys(int(i) for i in ids if i):
            try:
                found.append(self._house.verdicts.get(one))
            except NotFound:
                continue
        return found


def about(verdict: Verdict, factor: str) -> dict[str, Any]:
    """A verdict's head with the figure of the factor a case is about, where that factor shares its outcome:
    the headline of an outlet within its limits may be another factor's."""
    head = verdict_head(verdict)
    for item in verdict.items:
        if item.factor == factor and item.status is verdict.status:
            head |= {"factor": factor, "figure": item.figure, "unit": item.unit, "limit": item.limit}
    return head


def recovery_dict(recovery: Any) -> dict[str, Any] | None:
    """The act room's answer in the page's shape: {condition, have, need, held, missing}."""
    if recovery is None:
        return None
    shown = dict(recovery if isinstance(recovery, Mapping) else recovery.as_context())
    shown.pop("verdicts", None)  # all that were looked at: the case lists them itself
    shown["have"] = [verdict_head(one) if isinstance(one, Verdict) else one for one in shown.get("have") or ()]
    shown["missing"] = [one if isinstance(one, dict) else one.as_dict() for one in shown.get("missing") or ()]
    return shown
