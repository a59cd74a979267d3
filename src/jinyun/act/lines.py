"""Whole-window rules: episodes by event time. In order they grow verdict by verdict; a late or corrected verdict makes
the line be read again from the store and the alarm records follow, so that the same verdicts give the same alarms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from jinyun.act.alarms import AlarmDesk, Sites, seconds
from jinyun.act.cases import CaseDesk
from jinyun.act.episodes import Episode, Observation, Sight, WindowFold, observe, observe_item, worst_of
from jinyun.act.line import Key, Line
from jinyun.act.line_store import ALL, LineStore
from jinyun.act.retelling import Told, alike, end_of, matching, overlap, past_episode, standing
from jinyun.act.rules import Rule, Rules
from jinyun.kernel.ports import Record, RecordStore, VerdictStore
from jinyun.kernel.terms import Status, Verdict, Window

NEWEST = 2000
"""Alarms that a start looks at."""
NEVER = 1 << 60
Before = Mapping[int, Verdict | None]
"""What verdicts on windows, by their start [s], were; None: there was none."""


class Lines:
    """All whole-window rules on all subjects."""

    def __init__(
        self,
        rules: Rules,
        records: RecordStore,
        verdicts: VerdictStore,
        *,
        sites: Sites,
        alarms: AlarmDesk,
        cases: CaseDesk,
        settled: Callable[[Verdict], bool],
        oldest: Callable[[], int] = lambda: 0,
    ) -> None:
        """`oldest`: a window that ended before opens no alarm. [s]"""
        self._rules, self._records, self._verdicts = rules, records, verdicts
        self._sites, self._alarms, self._cases, self._settled = sites, alarms, cases, settled
        self._by_judge = {
            judge: kept for judge, found in rules.by_judge().items() if (kept := tuple(r for r in found if not r.live))
        }
        self._keep_levels = {
            judge: max(rule.open.drop_hours for rule in found if rule.open.drop) * 3600
            for judge, found in self._by_judge.items()
            if any(rule.open.drop for rule in found)
        }
        self._by_status = {
            judge for judge, found in self._by_judge.items() if all(r.open.status == Status.EXCEEDS for r in found)
        }
        self._kept = LineStore(records, verdicts, settled)
        self._oldest = oldest
        self._first_alarm: dict[Key, int] = {}  # when the first alarm of a line began; far ahead when there is none
        self._lines: dict[Key, Line] = {}
        self._cursor: dict[Key, tuple[int, int]] = {}
        self._touched: dict[Key, int] = {}

    def over(self, kind: type[Lines], verdicts: Any, alarms: Any) -> Lines:
        """Lines of `kind` with the same rules over other verdicts, writing to another desk."""
        return kind(
            self._rules, self._records, verdicts, sites=self._sites, alarms=alarms, cases=self._cases,
            settled=self._settled, oldest=self._oldest,
        )  # fmt: skip

    @property
    def verdicts(self) -> VerdictStore:
        return self._verdicts

    @property
    def desk(self) -> AlarmDesk:
        return self._alarms

    def judges(self) -> frozenset[str]:
        return frozenset(self._by_judge)

    def may_matter(self, verdict: Verdict) -> bool:
        """Whether a verdict can do more than end what is open."""
        judge = verdict.judge
        return judge in self._by_judge and (judge not in self._by_status or verdict.status is Status.EXCEEDS)

    # --- one verdict --------------------------------------------------------------------------------------------------

    def take(self, verdict: Verdict, previous: Verdict | None) -> None:
        """One settled verdict. With nothing open and an attaining figure this is a few look-ups in memory."""
        key, window = (verdict.judge, verdict.subject), verdict.window
        if verdict.judge not in self._by_judge:
            return
        mark = (window.end, window.start)
        late = mark <= self._cursor.get(key, (0, 0))
        if not late:
            self._cursor[key] = mark
        line = self._lines.get(key)
        quiet = line is None or not line.busy
        fine = verdict.status is not Status.EXCEEDS and verdict.judge in self._by_status
        if (not late and quiet and fine) or (late and not self._bears(key, verdict, previous, quiet=quiet, fine=fine)):
            return
        rules = self._fitting(verdict.judge, verdict.subject)
        if not rules or self._history(key, window):
            return
        if not late:
            self._step(key, verdict, rules)
        else:
            self.read_again(key, window.start, {window.start: previous})

    def _history(self, key: Key, window: Window) -> bool:
        """A window that is too old to open an alarm and bears on none there is: back-filled history."""
        if window.end >= self._oldest():
            return False
        first = self._first_alarm.get(key)
        if first is None:
            known = self._kept.alarms(key, self._by_judge[key[0]])
            first = min((seconds(one.data["started_at"]) or 0 for one in known), default=NEVER)
            self._first_alarm[key] = first
        reach = max(rule.reach(window.end - window.start) for rule in self._by_judge[key[0]])
        return window.end + reach < first

    def _bears(self, key: Key, verdict: Verdict, previous: Verdict | None, *, quiet: bool, fine: bool) -> bool:
        """Whether a late verdict can change an alarm."""
        if not quiet or verdict.judge in self._keep_levels or not fine:
            return True
        if previous is not None and previous.status is not Status.ATTAINS:
            return True
        window = verdict.window
        reach = max(rule.reach(window.end - window.start) for rule in self._by_judge[verdict.judge])
        return window.start <= self._touched.get(key, -reach) + reach

    def is_late(self, verdict: Verdict) -> bool:
        """Whether its window is not after all those taken so far."""
        window = verdict.window
        return (window.end, window.start) <= self._cursor.get((verdict.judge, verdict.subject), (0, 0))

    def concerns(self, verdict: Verdict, previous: Verdict | None) -> bool:
        """Whether a verdict on a window gone by can change an alarm: what `take` asks before it reads a line again."""
        key = (verdict.judge, verdict.subject)
        if key[0] not in self._by_judge or not self._fitting(*key):
            return False
        line = self._lines.get(key)
        quiet = line is None or not line.busy
        fine = verdict.status is not Status.EXCEEDS and verdict.judge in self._by_status
        return self._bears(key, verdict, previous, quiet=quiet, fine=fine) and not self._history(key, verdict.window)

    def _step(self, key: Key, verdict: Verdict, rules: Sequence[Rule]) -> None:
        line = self._lines.get(key)
        if line is None:
            line = Line()
            if verdict.judge in self._keep_levels:
                self._fill_levels(key, line, verdict.window.start)
        self._lines[key] = line
        for rule in rules:
            for matter, fold, seen in self._see(rule, verdict, line, lasting=True):
                if seen.sight is Sight.BAD:
                    self._touched[key] = max(self._touched.get(key, 0), seen.start)
                what = fold.take(seen)
                if line.stray or what == "resumed":  # the whole of the earlier stretch is needed to go on with it
                    self.read_again(key, verdict.window.start)
                    return
                if what:
                    self._sync(line, matter, fold, what, verdict.subject)
        self._keep_level(line, verdict)
        self._lay_aside(key, line)

    def _see(
        self, rule: Rule, verdict: Verdict, line: Line, *, lasting: bool
    ) -> Iterator[tuple[str, WindowFold, Observation]]:
        """What the verdict says on each matter of the rule that it touches. `lasting`: folds learn of past alarms."""
        start = f"{rule.id}|{verdict.subject}|"
        if rule.by == "subject":
            matter = start.rstrip("|")
            fold = line.folds.get(matter)
            base = self._base(rule, verdict, line, fold)
            target = verdict.extra.get("target_class") or (self._sites.get(verdict.subject) or {}).get("target_class")
            seen = observe(rule, verdict, target=target, base=base)
            if fold is None and seen.sight is not Sight.BAD:
                return
            fold = fold or self._fold(rule, matter, line, lasting=lasting)
            if seen.sight is Sight.BAD and not fold.busy:
                fold.base = base
            yield matter, fold, seen
            return
        groups: dict[str, list[Observation]] = {}
        for item in verdict.items:
            group = item.factor if rule.by == "factor" else self._rules.group_of(item.factor)
            groups.setdefault(group, []).append(observe_item(rule, verdict, item))
        for group, observations in groups.items():
            seen, matter = worst_of(observations), start + group
            if matter in line.folds or seen.sight is Sight.BAD:
                yield matter, self._fold(rule, matter, line, lasting=lasting), seen

    def _fold(self, rule: Rule, matter: str, line: Line, *, lasting: bool) -> WindowFold:
        fold = line.folds.get(matter)
        if fold is None:
            fold = line.folds[matter] = WindowFold(rule)
            if lasting and (past := self._alarms.of_matter(matter)):
                line.alarms[matter] = past.id
                line.stray = line.stray or past.state == "open"
                fold.past = past_episode(past)
        return fold

    @staticmethod
    def _base(rule: Rule, verdict: Verdict, line: Line, fold: WindowFold | None) -> int | None:
        if rule.open.drop is None:
            return None
        if fold is not None and fold.busy:
            return fold.base
        oldest = verdict.window.start - rule.open.drop_hours * 3600
        return min((level for start, level in line.recent if start >= oldest), default=None)

    def _lay_aside(self, key: Key, line: Line) -> None:
        """Forget a line on which nothing is going on: what it needs of the past is looked up when something begins."""
        if not line.busy and key[0] not in self._keep_levels:
            self._lines.pop(key, None)

    def forget(self, key: Key) -> None:
        """After a failure: the next look reads the line again."""
        self._lines.pop(key, None)

    def _sync(self, line: Line, matter: str, fold: WindowFold, what: str, subject: str) -> None:
        episode = fold.past if what == "ended" else fold.episode
        assert episode is not None
        known = None if what == "opened" else line.alarms.get(matter)
        record = self._records.get("alarm", known) if known else None
        self.write(line, matter, fold.rule, subject, episode=episode, record=record)

    def write(
        self,
        line: Line,
        matter: str,
        rule: Rule,
        subject: str,
        *,
        episode: Episode,
        record: Record | None,
        thorough: bool = False,
    ) -> Record:
        """Bring alarm and case to what the episode is; `thorough`: the case too where the alarm did not change."""
        before = record.data.get("level") if record else None
        began = record is None or (record.state == "ended" and episode.ended_at is None)
        alarm = self._alarms.write(record, rule, matter, subject, episode)
        line.alarms[matter] = alarm.id
        key = (episode.first.judge, subject)
        if key in self._first_alarm:
            self._first_alarm[key] = min(self._first_alarm[key], episode.started_at)
        if rule.case is not None and (began or not alarm.data.get("case")):
            self._cases.take(alarm, rule, subject, episode.run_start)
        elif thorough or (before is not None and alarm.data["level"] < before):
            self._cases.grew_worse(alarm, rule)
        return alarm

    # --- levels of the last day, for drop rules -----------------------------------------------------------------------

    def _keep_level(self, line: Line, verdict: Verdict) -> None:
        if (kept := self._keep_levels.get(verdict.judge)) is not None:
            line.keep_level(verdict, kept)

    def _fill_levels(self, key: Key, line: Line, before: int) -> None:
        for verdict in self._kept.verdicts(key, before - self._keep_levels[key[0]]):
            if verdict.window.start < before:
                self._keep_level(line, verdict)

    # --- reading a line again -----------------------------------------------------------------------------------------

    def read_again(self, key: Key, around: int, before: Before | None = None) -> None:
        """Fold the stored verdicts anew from before `around`, and let the alarm records follow: to the newest, or,
        where it is known what all that is another was `before`, to where both have come to the same."""
        judge, subject = key
        rules = self._fitting(judge, subject)
        if not rules:
            return
        known = self._kept.alarms(key, rules)
        start = self._kept.safe_start(key, rules, known, around)
        line, told, newest = Line(), dict[str, Told](), (0, 0)
        upto, stands = NEVER, frozenset[str]()
        then, since, until = line, min(before, default=NEVER) if before else NEVER, max(before) if before else NEVER
        for verdict in self._kept.verdicts(key, start, in_parts=bool(before)):
            at = verdict.window.start
            if then is line and at >= since:
                then = line.copy()  # up to here they are the same
            if at > until and line.recent == then.recent and alike(line.folds, then.folds, at):
                found = standing(known, line.folds, at)
                if found is not None:
                    upto, stands = at, found
                    break
            if before and then is not line and (was := before.get(at, verdict)) is not None:
                self._relive(then, was, rules)
            for rule in rules:
                for matter, fold, seen in self._see(rule, verdict, line, lasting=False):
                    if seen.sight is Sight.BAD:
                        self._touched[key] = max(self._touched.get(key, 0), seen.start)
                    what = fold.take(seen)
                    story = told.setdefault(matter, Told(rule))
                    if what == "opened":
                        story.episodes.append(_of(fold))
                    elif what == "resumed":
                        story.episodes[-1] = _of(fold)
            self._keep_level(line, verdict)
            newest = max(newest, (verdict.window.end, verdict.window.start))
        mine = [
            one
            for one in known
            if end_of(one) >= start and (seconds(one.data["started_at"]) or 0) < upto and one.id not in stands
        ]
        if upto != NEVER:
            for matter, fold in line.folds.items():
                if fold.episode is not None:  # it goes on as it did, and so does what is told of it
                    told[matter].episodes.pop()
        self._follow(line, told, mine, subject)
        if upto != NEVER:
            return  # what is remembered is of later windows, and they are as they were
        self._lines[key] = line
        self._cursor[key] = max(newest, self._cursor.get(key, (0, 0)))
        self._lay_aside(key, line)

    def _relive(self, line: Line, verdict: Verdict, rules: Sequence[Rule]) -> None:
        """Fold a verdict, telling nobody."""
        for rule in rules:
            for _, fold, seen in self._see(rule, verdict, line, lasting=False):
                fold.take(seen)
        self._keep_level(line, verdict)

    def _follow(self, line: Line, told: dict[str, Told], known: list[Record], subject: str) -> None:
        by_id = self._rules.by_id()
        for matter in dict.fromkeys([*told, *(one.data["matter"] for one in known)]):
            mine = [one for one in known if one.data["matter"] == matter]
            rule = told[matter].rule if matter in told else by_id[mine[0].data["rule"]]
            free = list(mine)
            for episode in told[matter].episodes if matter in told else ():
                record = matching(episode, free)
                if record is not None:
                    free.remove(record)
                elif episode.last.end < self._oldest():
                    continue  # nobody was told of it when it was news
                self.write(line, matter, rule, subject, episode=episode, record=record, thorough=True)
            for record in free:
                if record.data.get("end_reason") not in ("corrected", "merged"):
                    kept = [one for one in (told[matter].episodes if matter in told else ()) if overlap(one, record)]
                    if kept:
                        self._alarms.withdraw(record, "merged", "补报数据表明与另一报警为同一过程")
                    else:
                        self._alarms.withdraw(record, "corrected", "数据更正后不再成立")

    # --- start --------------------------------------------------------------------------------------------------------

    def recover(self, missed: Iterable[Verdict] = ()) -> None:
        """Build the memory anew from verdicts and alarm records; `missed` were stored but perhaps not acted on."""
        self._lines, self._cursor, self._touched, self._first_alarm = {}, {}, {}, {}
        again: dict[Key, int] = {}
        for verdict in missed:
            key = (verdict.judge, verdict.subject)
            if key[0] in self._by_judge and not self._history(key, verdict.window):
                again[key] = min(again.get(key, verdict.window.start), verdict.window.start)
        by_id = self._rules.by_id()
        for (subject, judge), verdict in self._verdicts.latest().items():
            if judge not in self._by_judge:
                continue
            key = (judge, subject)
            settled = self._settled(verdict)
            if settled:
                self._cursor[key] = (verdict.window.end, verdict.window.start)
            fine = settled and verdict.status is Status.ATTAINS and judge in self._by_status
            if not fine and not self._history(key, verdict.window):
                again[key] = min(again.get(key, verdict.window.start), verdict.window.start)
        still_open = self._records.find("alarm", states=("open",), limit=ALL)
        for record in {one.id: one for one in [*self._records.find("alarm", limit=NEWEST), *still_open]}.values():
            key, rule = (
                (record.data.get("judge") or "", record.data.get("subject") or ""),
                by_id.get(record.data["rule"]),
            )
            if key[0] not in self._by_judge or rule is None or rule.live:
                continue
            self._touched[key] = max(self._touched.get(key, 0), min(end_of(record), self._cursor.get(key, (0, 0))[1]))
            if record.state == "open" or (rule.case and not record.data.get("case")):
                began = seconds(record.data["started_at"]) or 0
                again[key] = min(again.get(key, began), began)
        for key, around in again.items():
            self.read_again(key, around)

    def _fitting(self, judge: str, subject: str) -> tuple[Rule, ...]:
        kind = str((self._sites.get(subject) or {}).get("kind") or "")
        return tuple(rule for rule in self._by_judge.get(judge, ()) if kind in rule.site_kinds)


def _of(fold: WindowFold) -> Episode:
    assert fold.episode is not None
    return fold.episode
