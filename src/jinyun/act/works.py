"""Works and rectifications held by what is measured where they serve: before acceptance, and after it.

The conditions are those of cases (`domains.supervision.recovery`), over the same verdicts; here they are looked up.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jinyun.act.alarms import seconds
from jinyun.act.case_recovery import Recovery, recovery_of
from jinyun.act.failures import Failures
from jinyun.act.open_records import OpenRecords
from jinyun.domains.supervision.effects import (
    Served,
    broken_after,
    by_verdicts,
    effect_conditions,
    figure_of,
    named_sites,
)
from jinyun.domains.supervision.recovery import DAY, Condition
from jinyun.domains.supervision.rectification import CLOSED
from jinyun.kernel.errors import Conflict, NotFound, Refused
from jinyun.kernel.ports import MICRO, SYSTEM, Clock, Record, RecordStore, VerdictStore
from jinyun.kernel.terms import Verdict, china_time
from jinyun.methods.places import covers

LINE = 2000
MOST = 100_000
NEAR = 1000
"""Sites of one water body or cell."""
WATCHED: Mapping[str, tuple[str, str]] = {
    "rectification": (CLOSED, "closed_on"),
    "project": ("accepted", "accepted_on"),
}
"""Register -> the state in which an item is watched, and the field that says since when."""

Line = tuple[str, str]
"""Judge and subject of verdicts that follow one another."""
JudgeOf = Callable[[str, str], str]
"""(kind of site, factor) -> the judge whose verdicts by the day speak for it, "" when none does."""


def no_judge(_kind: str, _factor: str) -> str:
    """Where nobody says which judges there are."""
    return ""


class WorksWatch:
    """What items serve, how far their figure is, and whether it broke after they were accepted."""

    def __init__(
        self, records: RecordStore, verdicts: VerdictStore, *, clock: Clock, judge_of: JudgeOf, late_days: int
    ) -> None:
        """`late_days`: windows that ended longer ago reopen nothing, as with alarms."""
        self._records, self._verdicts, self._clock = records, verdicts, clock
        self._judge_of, self._late = judge_of, late_days * DAY
        self._items: dict[str, OpenRecords] = {}  # from the first tick on
        self._keys: dict[tuple[str, str], frozenset[Line]] = {}  # lines that each item looked at rests on
        self._hour: int | None = None  # in which all were looked at; None: all have to be
        self._heard: set[tuple[Line, int]] = set()  # lines with a new verdict, and when its window ends [s]
        self._hearing = threading.Lock()

    def heard(self, verdict: Verdict) -> None:
        """A verdict was stored, on any thread: items that rest on its line are looked at once its window is over."""
        with self._hearing:
            self._heard.add(((verdict.judge, verdict.subject), verdict.window.end))

    def served(self, data: Mapping[str, Any]) -> list[Served]:
        """Sites that an item names; without any, those of its water body and cell that were ever judged."""
        factor = str(data.get("factor") or "")
        named = named_sites(data)
        if named:
            return [Served(one, self._judge(one, factor)) for one in named]
        found = []
        for site in self._near(data):
            judge = self._judge_of(str(site.data.get("kind") or ""), factor)
            if judge and self._verdicts.find(judge=judge, subject=site.id, limit=1, evidence=False):
                found.append(Served(site.id, judge, named=False))
        return found

    def _near(self, data: Mapping[str, Any]) -> list[Record]:
        found: dict[str, Record] = {}
        if data.get("river"):
            along = self._records.find("site", {"river": data["river"]}, limit=NEAR, order="id")
            found |= {one.id: one for one in along}
        if data.get("cell"):
            try:
                ring = self._records.get("cell", str(data["cell"])).data.get("ring") or ()
            except NotFound:
                ring = ()
            every = self._records.find("site", limit=MOST, order="id") if ring else []
            found |= {one.id: one for one in every if covers(ring, one.data.get("place"))}
        return list(found.values())

    def _judge(self, site: str, factor: str) -> str:
        try:
            kind = str(self._records.get("site", site).data.get("kind") or "")
        except NotFound:
            return ""
        return self._judge_of(kind, factor)

    def conditions(self, data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """What must hold for an item, on which verdicts."""
        return effect_conditions(data, self.served(data))

    def recovery(self, record: Record, *, evidence: bool = False) -> Recovery:
        """How far an item is."""
        conditions = [Condition.of(one) for one in self.conditions(record.data)]
        return recovery_of(conditions, self._line(conditions, evidence), self._now())

    def context(self, record: Record, *, oldest: int | None = None) -> dict[str, Any]:
        """What the guards of an item look at; a break in a window that ended before `oldest` [s] is not among it."""
        data = record.data
        if not by_verdicts(data):
            return {}
        recovery = self.recovery(record)
        conditions = [one.as_json() for one in recovery.conditions]
        told: dict[str, Any] = {"conditions": conditions, "verdicts": list(recovery.line), "now": recovery.now}
        since = seconds(data.get(WATCHED[record.type][1]))
        if since is not None and record.state == WATCHED[record.type][0]:
            ended = [one for one in recovery.line if (oldest or 0) <= one.window.end <= recovery.now]
            told["broken"] = broken_after(conditions, ended, since)
        return told

    def tick(self, failures: Failures) -> None:
        """Reopen what came back. An item is looked at while a window of its watch may still be judged: when it was
        changed, when a verdict of its lines came, and every hour (sites come to a river, days pass)."""
        now = self._now()
        hour, last, self._hour = now // 3600, self._hour, None  # should one fail, the next time looks at all
        failed = len(failures.found)
        lines = self._lines_over(now)
        for type_id, (state, field) in WATCHED.items():
            if type_id not in self._items:
                self._items[type_id] = OpenRecords(self._records, type_id, (state,))
            found, changed = self._items[type_id].read()
            for record in list(found.values()):
                same = changed is not None and record.id not in changed and hour == last
                if same and not lines & self._keys.get((type_id, record.id), frozenset()):
                    continue
                since = seconds(record.data.get(field))
                with failures.of(type_id, id=record.id):
                    if since is not None and now <= since + self._watch(record) + self._late:
                        self._look(record)
        if len(failures.found) == failed:
            self._hour = hour

    def _lines_over(self, now: int) -> set[Line]:
        """Lines with a verdict heard of whose window is over; the others wait."""
        with self._hearing:
            over = {one for one in self._heard if one[1] <= now}
            self._heard -= over
        return {line for line, _ in over}

    def _watch(self, record: Record) -> int:
        """How long an item is watched. [s]"""
        figure = figure_of(record.data.get("figure"))
        found = [Condition.of(one) for one in self.conditions(record.data)] if by_verdicts(record.data) else []
        self._keys[record.type, record.id] = frozenset((one.judge, one.subject) for one in found)
        return max(figure.watch_days if figure else 0, *(one.observe_days for one in found), 0) * DAY

    def _look(self, record: Record) -> None:
        given: dict[str, Any] = {}
        note = ""
        context: dict[str, Any] = {"today": china_time(self._now()).date().isoformat()}
        if by_verdicts(record.data):
            context |= self.context(record, oldest=self._now() - self._late)
            broken: Verdict | None = context.get("broken")
            if broken is None:
                return
            given, note = {"verdict": broken.id}, broken.sentence_zh
        elif record.type != "rectification" or not record.data.get("readings"):
            return
        times = int(record.data.get("relapses") or 0) + 1
        try:
            self._records.step(
                record.type, record.id, "relapse", given, SYSTEM,
                context=context, changes={"relapses": times}, note=note,
            )  # fmt: skip
        except (Conflict, Refused):  # its readings do not break it, or somebody was quicker: that change looks again
            return

    def _line(self, conditions: Sequence[Condition], evidence: bool) -> list[Verdict]:
        line: dict[int, Verdict] = {}
        for judge, subject in dict.fromkeys((one.judge, one.subject) for one in conditions):
            found = self._verdicts.find(judge=judge, subject=subject, limit=LINE, evidence=evidence)
            line |= {one.id: one for one in found}
        return sorted(line.values(), key=lambda v: (v.window.end, v.window.start))

    def _now(self) -> int:
        return self._clock.now() // MICRO
