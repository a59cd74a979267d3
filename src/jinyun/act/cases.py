"""Cases: opened by rule, watched by the figure, closed by it, reopened on relapse. Every step stays in the history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jinyun.act.alarms import Sites, iso, seconds
from jinyun.act.case_clocks import CaseClocks, new_escalations
from jinyun.act.case_recovery import Recovery, covers, holds, recovered_since, recovery_of, same_run, still_watched
from jinyun.act.failures import Failures
from jinyun.act.open_records import OpenRecords
from jinyun.act.rules import CaseRule, Rule, Rules
from jinyun.act.sentences import factor_words
from jinyun.domains.supervision.deadlines import MILDEST, deadline, deadline_hours, overdue
from jinyun.domains.supervision.guards import conditions_of
from jinyun.domains.supervision.records import ACTING_STATES, OPEN_STATES
from jinyun.domains.supervision.records_tasks import AFTERWARDS, HOLDING, TASK
from jinyun.domains.supervision.recovery import DAY, Condition, Progress
from jinyun.kernel.errors import Conflict, NotFound, Refused
from jinyun.kernel.ports import MICRO, SYSTEM, Bus, Clock, Record, RecordStore, VerdictStore
from jinyun.kernel.records import ClockRule
from jinyun.kernel.terms import Verdict
from jinyun.methods.clocks import ClockState

MOST = 100_000
"""More open cases than any bureau has."""

LINE = 2000
"""Verdicts looked at for one condition: a week of hours many times over."""

STEP_WORDS: Mapping[str, tuple[str, str]] = {
    "open": ("新工单", "New case"),
    "link": ("并入新报警", "Another alarm joined"),
    "recover": ("恢复达标，进入观察期", "Recovered, now under observation"),
    "reopen": ("复发，工单重开", "Relapse, case reopened"),
    "close": ("观察期满，数据保持达标，自动办结", "Observation over and the figure held: closed"),
    "overdue": ("工单超期", "Case overdue"),
    "escalate": ("工单提级", "Case escalated"),
    "progress": ("恢复进度", "Recovery"),
}

KEPT = ("have", "need", "held", "since", "held_at", "verdicts")


class CaseDesk:
    """Opens, links, watches, closes and reopens cases. Telling it the same twice changes nothing."""

    def __init__(
        self, records: RecordStore, verdicts: VerdictStore, *, rules: Rules, sites: Sites, clock: Clock, bus: Bus
    ) -> None:
        self._records, self._verdicts, self._rules = records, verdicts, rules
        self._sites, self._clock, self._bus = sites, clock, bus
        self.watched: dict[tuple[str, str], set[str]] = {}
        """Open cases by the (judge, subject) of their recovery conditions: looked up at every verdict."""
        self._known: dict[str, tuple[tuple[str, str], ...]] = {}  # open cases, each with where it is in `watched`
        self._again: set[str] = set()  # cases whose progress could not be looked at
        self._open_cases: OpenRecords | None = None  # from the first tick on: who only foresees needs none
        self.clocks = CaseClocks(records, {one.case.kind: one.case.hours for one in rules.verdict if one.case})

    # --- from alarms --------------------------------------------------------------------------------------------------

    def take(self, alarm: Record, rule: Rule, subject: str, run_start: int) -> Record | None:
        """The case of an alarm whose latest run of bad figures began at `run_start` [s]: linked, reopened or opened."""
        if rule.case is None:
            return None
        found = self._records.find("case", {"matter": matter_of(rule.case, subject)}, order="-created_at", limit=200)
        found = list({one.id: one for one in map(self._merged_into, found)}.values())
        own = next((one for one in found if holds(one, alarm, run_start)), None)
        present = own or next((one for one in found if one.state in OPEN_STATES), None)
        if present is not None and present.state in OPEN_STATES:
            case = self._join(present, alarm, rule.case, run_start)
        elif covering := own or next((one for one in found if covers(one, run_start)), None):
            case = self._link(covering, alarm)
        elif watched := next((one for one in found if still_watched(one, run_start)), None):
            case = self._join(watched, alarm, rule.case, run_start)
        else:
            case = self._open(alarm, rule, rule.case, subject=subject, previous=found[0].id if found else None)
        if alarm.data.get("case") != case.id:
            self._records.update("alarm", alarm.id, {"case": case.id}, SYSTEM)
        return self.progress(case.id)

    def _merged_into(self, case: Record) -> Record:
        """The case that speaks for a case now: the one it was merged into, and so on."""
        seen = {case.id}
        while case.state == "merged" and (into := case.data.get("merged_into")) and into not in seen:
            seen.add(into)
            case = self._records.get("case", into)
        return case

    def grew_worse(self, alarm: Record, rule: Rule) -> None:
        """The case of an alarm follows it to a more serious level, and its deadline with it."""
        case_id = alarm.data.get("case")
        if rule.case is None or not case_id:
            return
        case = self._merged_into(self._records.get("case", case_id))
        changes = self._graver(case, alarm, rule.case)
        if changes and case.state in OPEN_STATES:
            self._records.update("case", case.id, changes, SYSTEM)

    def _join(self, case: Record, alarm: Record, rule: CaseRule, run_start: int) -> Record:
        since = recovered_since(case)
        relapse = case.state in ("observing", "closed") and since is not None and run_start >= since
        changes = self._links(case, alarm) | self._graver(case, alarm, rule)
        if not relapse:
            return self._link(case, alarm, changes)
        level: int = changes.get("level") or case.data["level"]
        return self._reopen(case, rule.hours[level], changes, note=_told(alarm))

    def _reopen(
        self, case: Record, hours: int, changes: Mapping[str, Any], *, note: str, version: int | None = None
    ) -> Record:
        """A relapse. It needs no line that verdicts are counted from: the bad figure itself breaks the run."""
        changes = {
            **changes, "deadline": iso(deadline(self._now(), hours)), "overdue": False, "observe_until": None,
            "verdict_close": None, "verified_by": None, "closed_at": None, "closed_by": None, "counted_from": None,
            "reopened": (case.data.get("reopened") or 0) + 1,
        }  # fmt: skip
        case = self._records.step("case", case.id, "reopen", {}, SYSTEM, changes=changes, note=note, version=version)
        self._tell(case, "reopen")
        return case

    def _link(self, case: Record, alarm: Record, changes: Mapping[str, Any] | None = None) -> Record:
        changes = self._links(case, alarm) if changes is None else changes
        if not changes:
            return case
        linked = "alarms" in changes
        case = self._records.update("case", case.id, changes, SYSTEM, note=_told(alarm) if linked else "")
        if linked:
            self._tell(case, "link")
        return case

    @staticmethod
    def _links(case: Record, alarm: Record) -> dict[str, Any]:
        alarms = list(case.data.get("alarms") or ())
        return {} if alarm.id in alarms else {"alarms": [*alarms, alarm.id]}

    @staticmethod
    def _graver(case: Record, alarm: Record, rule: CaseRule) -> dict[str, Any]:
        level, now = alarm.data["level"], case.data.get("level") or 4
        if level >= now:
            return {}
        opened = seconds(case.data.get("opened_at"))
        if opened is None:
            return {"level": level}
        sooner = deadline(opened, rule.hours[level])
        present = seconds(case.data.get("deadline"))
        return {"level": level, "deadline": iso(sooner if present is None else min(present, sooner))}

    def _open(self, alarm: Record, rule: Rule, how: CaseRule, *, subject: str, previous: str | None) -> Record:
        site = self._sites.get(subject) or {}
        level, now = alarm.data["level"], self._now()
        owner = self._rules.owner(how.kind, str(site.get("kind") or ""), str(site.get("jurisdiction") or ""))
        condition = how.condition(subject, site.get("target_class"))
        case = self._records.create(
            "case",
            {
                "title": self._title(alarm, rule, subject, site), "kind": how.kind, "matter": matter_of(how, subject),
                "subject": alarm.data.get("subject"), "enterprise": site.get("enterprise"), "owner": owner.zh or None,
                "place": site.get("place"), "jurisdiction": site.get("jurisdiction"),
                "alarms": [alarm.id], "opened_at": iso(now),
                "deadline": iso(deadline(now, how.hours[level])), "overdue": False, "level": level,
                "recovery": condition, "progress": self._kept(self._recovery([condition]).progress),
                "verdict_open": alarm.data.get("verdict_open"), "reopened": 0, "previous": previous,
            },
            SYSTEM,
            note=_told(alarm),
        )  # fmt: skip
        self._watch(case)
        self._tell(case, "open")
        return case

    def _title(self, alarm: Record, rule: Rule, subject: str, site: Mapping[str, Any]) -> str:
        name = self._sites.name(subject)
        if site.get("enterprise"):
            try:
                enterprise = str(self._records.get("enterprise", str(site["enterprise"])).data["name"])
            except NotFound:
                enterprise = ""
            if enterprise not in name:
                name = f"{enterprise}{name}"
        factor = factor_words(str(alarm.data.get("factor") or ""))[0] if rule.by != "subject" else ""
        return f"{name}{factor}{rule.zh}"

    # --- from verdicts ------------------------------------------------------------------------------------------------

    def recovery(self, case: Record, *, evidence: bool = False) -> Recovery:
        """How far the recovery condition of `case` is, by the verdicts as they are now on windows that were not over
        when its round began; with `evidence` its line names the readings too."""
        after = seconds(case.data.get("counted_from"))
        return self._recovery(conditions_of(case.data), after=after, evidence=evidence)

    def open_tasks(self, case_id: str) -> list[dict[str, Any]]:
        """Tasks that hold a case, for its guards."""
        procedure = TASK.procedure
        assert procedure is not None
        return [
            {"id": one.id, "title": one.data.get("title"), "owner": one.data.get("owner"), "state": one.state,
             "state_zh": procedure.states[one.state][0], "state_en": procedure.states[one.state][1]}
            for one in self._records.find("task", {"case": case_id}, states=HOLDING, order="created_at", limit=MOST)
            if one.data.get("kind") not in AFTERWARDS
        ]  # fmt: skip

    def context(self, case: Record, recovery: Recovery) -> dict[str, Any]:
        """What the guards of a case look at."""
        return recovery.as_context() | {"open_tasks": self.open_tasks(case.id)}

    def seeing(self, verdicts: Any) -> CaseDesk:
        """The same desk over other verdicts, to ask what would be."""
        return CaseDesk(self._records, verdicts, rules=self._rules, sites=self._sites, clock=self._clock, bus=self._bus)

    def of(self, judge: str, subject: str) -> list[Record]:
        """Cases, open or closed, whose recovery condition looks at these verdicts."""
        asked = {"judge": judge, "subject": subject}
        known = {one.id: one for one in self._records.find("case", {"subject": subject}, limit=1000)}
        for case_id in sorted(self.watched.get((judge, subject), ())):
            if case_id not in known:
                known[case_id] = self._records.get("case", case_id)
        return [
            case
            for case in known.values()
            if any({name: one.get(name) for name in asked} == asked for one in conditions_of(case.data))
        ]

    def _recovery(
        self, data: Sequence[Mapping[str, Any]], *, after: int | None = None, evidence: bool = False
    ) -> Recovery:
        conditions = [Condition.of(one) for one in data]
        line: dict[int, Verdict] = {}
        for judge, subject in dict.fromkeys((one.judge, one.subject) for one in conditions):
            found = self._verdicts.find(judge=judge, subject=subject, limit=LINE, evidence=evidence)
            line |= {one.id: one for one in found if after is None or one.window.end > after}
        ordered = sorted(line.values(), key=lambda v: (v.window.end, v.window.start))
        return recovery_of(conditions, ordered, self._now())

    def seen(self, judge: str, subject: str) -> None:
        """A verdict came that open cases wait for."""
        failures = Failures()  # said and tried again at the tick: the line it is of has done its part
        for case_id in sorted(self.watched.get((judge, subject), ())):
            with failures.of("case", id=case_id):
                self.look_again(case_id)

    def progress(self, case_id: str) -> Record:
        """Bring the progress of a case up to date; take it into observation when its figure has recovered."""
        case = self._records.get("case", case_id)
        if case.state not in OPEN_STATES:
            return case
        recovery = self.recovery(case)
        progress = recovery.progress
        if progress is None:
            return case
        kept = self._kept(progress)
        first = recovered_since(case) if case.state == "observing" else None
        if first is not None and not case.data.get("matter"):
            broke = recovery.broken(first, self._now() - self._rules.late_days * DAY)
            if broke is not None:
                return self._relapse(case, broke)
        if first is not None or progress.held:
            kept["recovered_since"] = progress.since if first is None else first
        if not progress.held:
            return self._note_progress(case, kept)
        changes: dict[str, Any] = {
            "progress": kept, "verdict_close": progress.verdicts[-1],
            "observe_until": iso((progress.held_at or recovery.now) + recovery.observe_days * DAY),
        }  # fmt: skip
        if case.state in ACTING_STATES:
            try:
                case = self._records.step(
                    "case", case.id, "recover", {}, SYSTEM, context=recovery.as_context(), changes=changes
                )
            except (Conflict, Refused):  # an officer was quicker: the next look will see it
                return self._records.get("case", case_id)
            self._tell(case, "recover")
            return case
        if same_run(case.data.get("progress") or {}, kept):
            return case
        return self._records.update("case", case.id, changes, SYSTEM)

    def _relapse(self, case: Record, broke: Verdict) -> Record:
        """A case of no matter, which no alarm finds again, follows the verdict that broke its condition."""
        hours = deadline_hours(str(case.data["kind"]), int(case.data.get("level") or MILDEST))
        try:
            self._reopen(case, hours, {}, note=broke.sentence_zh, version=case.version)
        except (Conflict, Refused):  # an officer was quicker: the next look will see it
            return self._records.get("case", case.id)
        return self.progress(case.id)

    def _note_progress(self, case: Record, kept: dict[str, Any]) -> Record:
        before = case.data.get("progress") or {}
        if same_run(before, kept):
            return case
        changes: dict[str, Any] = {"progress": kept}
        if case.state == "observing" and before.get("held"):
            changes |= {"verdict_close": None}
        case = self._records.update("case", case.id, changes, SYSTEM)
        if kept["have"] or before:
            self._tell(case, "progress")
        return case

    # --- from time ----------------------------------------------------------------------------------------------------

    def tick(self, failures: Failures) -> None:
        """Marks overdue cases, closes those whose observation is over, and learns of cases others opened or closed."""
        if self._open_cases is None:
            self._open_cases = OpenRecords(self._records, "case", OPEN_STATES)
        found, looked_at = self._open_cases.read()
        known, self._again = set(self._known) - self._again, set()
        if looked_at is None:
            self.watch(found.values())
        else:
            for case_id in looked_at:
                self._watch_again(case_id, found.get(case_id))
        now = self._now()
        told = self.clocks.due([one for one in found.values() if one.state in ACTING_STATES], self._clock.now())
        for case in list(found.values()):
            try:  # not `failures.of`: tens of thousands of them every tick
                began = looked_at is not None and case.id in looked_at and case.data.get("progress") is None
                self._look(case, told.get(case.id), now, new=began or case.id not in known)
            except Exception as wrong:
                failures.add(wrong, "case", id=case.id)

    def _look(self, case: Record, told: tuple[ClockRule, ClockState] | None, now: int, *, new: bool) -> None:
        if told is not None:
            case = self._by_clock(case, *told)
        if new:
            case = self.look_again(case.id)
        if case.state in ACTING_STATES:
            self._mark_overdue(case, now)
        elif case.state == "observing":
            self._close_in_time(case, now)

    def look_again(self, case_id: str) -> Record:
        """`progress` that is tried anew at the next tick when it fails."""
        self._again.add(case_id)
        case = self.progress(case_id)
        self._again.discard(case_id)
        return case

    def watch(self, cases: Iterable[Record]) -> None:
        """These are the cases that are open; `tick` looks at the progress of those that were not among them before."""
        self.watched, self._known = {}, {}
        for case in cases:
            self._watch(case)

    def _watch(self, case: Record) -> None:
        keys = tuple((one["judge"], one["subject"]) for one in conditions_of(case.data))
        self._known[case.id] = (*self._known.get(case.id, ()), *keys)
        for key in keys:
            self.watched.setdefault(key, set()).add(case.id)

    def follow(self, case_id: str) -> None:
        """Watch what a case that was just changed waits for now; `tick` does so for those changed beside it."""
        case = self._records.get("case", case_id)
        self._watch_again(case_id, case if case.state in OPEN_STATES else None)

    def _watch_again(self, case_id: str, case: Record | None) -> None:
        """It was changed, or is no longer open."""
        for key in self._known.pop(case_id, ()):
            if (mine := self.watched.get(key)) is not None:
                mine.discard(case_id)
                if not mine:
                    del self.watched[key]
        if case is not None:
            self._watch(case)

    def _by_clock(self, case: Record, rule: ClockRule, state: ClockState) -> Record:
        """Escalate what its clock has reached, and bring the copy of the due moment up to date after a suspension."""
        try:
            if state.pauses or state.extensions or not case.data.get("deadline"):
                due = None if state.ends_at is None else iso(state.ends_at // MICRO)
                if due != case.data.get("deadline"):
                    overdue_now = bool(case.data.get("overdue")) and state.late
                    case = self._records.update("case", case.id, {"deadline": due, "overdue": overdue_now}, SYSTEM)
            for one in new_escalations(case, rule, state):
                case = self._records.step("case", case.id, "escalate", one, SYSTEM)
                self._tell(case, "escalate")
        except (Conflict, Refused):  # an officer was quicker: the next tick looks again
            return self._records.get("case", case.id)
        except Exception:
            self.clocks.forget(case.id)  # what was not written is said again
            raise
        return case

    def _mark_overdue(self, case: Record, now: int) -> None:
        due = seconds(case.data.get("deadline"))
        if due is not None and overdue(due, now) and not case.data.get("overdue"):
            self._tell(self._records.update("case", case.id, {"overdue": True}, SYSTEM), "overdue")

    def _close_in_time(self, case: Record, now: int) -> None:
        until = seconds(case.data.get("observe_until"))
        if until is None or now < until:
            return
        recovery = self.recovery(case)
        if recovery.progress is not None and not recovery.progress.held:
            return  # the figure does not hold just now: the case waits for it
        changes = {"verdict_close": recovery.progress.verdicts[-1]} if recovery.progress else {}
        try:
            context = self.context(case, recovery)
            case = self._records.step(
                "case", case.id, "close", {}, SYSTEM, context=context, changes=changes, version=case.version
            )
        except (Conflict, Refused):
            return
        self._tell(case, "close")

    # --- inside -------------------------------------------------------------------------------------------------------

    @staticmethod
    def _kept(progress: Progress | None) -> dict[str, Any]:
        """What a case record keeps of its progress; sentences are made anew when asked for."""
        return {name: value for name, value in progress.as_json().items() if name in KEPT} if progress else {}

    def _now(self) -> int:
        return self._clock.now() // MICRO

    def _tell(self, case: Record, step: str) -> None:
        zh, en = STEP_WORDS[step]
        data = case.data
        if step == "progress":
            kept = data["progress"]
            zh, en = f"{zh} {kept['have']}/{kept['need']}", f"{en} {kept['have']}/{kept['need']}"
        self._bus.publish(
            "case",
            {
                "at": self._clock.now(), "id": case.id, "ref": case.id, "step": step, "state": case.state,
                "subject": data.get("subject"), "level": data.get("level"), "title": data.get("title"),
                "deadline": data.get("deadline"), "version": case.version,
                "zh": f"{zh}：{data.get('title')}", "en": f"{en}: {data.get('title')}",
            },
        )  # fmt: skip


def matter_of(rule: CaseRule, subject: str) -> str:
    """One open case each: the kind of case and its subject."""
    return f"{rule.kind}|{subject}"


def _told(alarm: Record) -> str:
    return str(alarm.data.get("sentence_zh") or "")
