"""The act room: verdicts and silence become alarms, alarms become cases, and the figure closes them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import structlog

from jinyun.act.alarms import AlarmDesk, Sites
from jinyun.act.case_recovery import Recovery
from jinyun.act.cases import CaseDesk
from jinyun.act.failures import Failures
from jinyun.act.foresight import foresee
from jinyun.act.lines import NEVER, Lines
from jinyun.act.live import LiveWatch
from jinyun.act.rules import Rules
from jinyun.act.silence import SilenceWatch
from jinyun.act.works import JudgeOf, WorksWatch, no_judge
from jinyun.domains.supervision.records import OPEN_STATES
from jinyun.kernel.ports import MICRO, Bus, Clock, DeviceDirectory, KeyValue, Record, RecordStore, VerdictStore
from jinyun.kernel.terms import Period, Verdict

log = structlog.get_logger("act")

SPACE, MARK = "act", "mark"


class ActRoom:
    """Alarms and cases of one node. All state is in verdicts, records and the key-value store: a new room over the same
    stores goes on where the old one stopped. `on_verdict` and `tick` may be called from different threads."""

    def __init__(
        self,
        *,
        records: RecordStore,
        verdicts: VerdictStore,
        rules: Rules,
        kv: KeyValue,
        clock: Clock,
        bus: Bus,
        profiles: DeviceDirectory,
        last_seen: Callable[[], Mapping[str, int]],
        judge_of: JudgeOf = no_judge,
    ) -> None:
        """`last_seen`: when each MN was last heard [µs]; `judge_of`: whose verdicts speak for a kind of site."""
        self.rules = rules
        self._records, self._verdicts, self._kv, self._clock = records, verdicts, kv, clock
        self._lock = threading.RLock()
        self._sites = Sites(records)
        alarms = AlarmDesk(records, self._sites, clock, bus)
        self._cases = CaseDesk(records, verdicts, rules=rules, sites=self._sites, clock=clock, bus=bus)
        self._lines = Lines(
            rules,
            records,
            verdicts,
            sites=self._sites,
            alarms=alarms,
            cases=self._cases,
            settled=self._settled,
            oldest=lambda: clock.now() // MICRO - rules.late_days * 86400,
        )
        self._live = LiveWatch(
            rules, records, kv, sites=self._sites, alarms=alarms, clock=clock, profiles=profiles, last_seen=last_seen
        )
        self._silence = SilenceWatch(
            rules.silence, records, self._sites, clock, bus, profiles=profiles, last_seen=last_seen
        )
        self.works = WorksWatch(records, verdicts, clock=clock, judge_of=judge_of, late_days=rules.late_days)
        self._alarms = alarms
        self._looked_at = self._lines.judges() | self._live.judges()
        self._waiting: dict[tuple[str, str, int], Verdict] = {}  # of windows that have not ended yet
        self._failed: dict[tuple[str, str], int] = {}  # lines to be read again, and from when
        self._told = 0  # highest verdict id heard of
        self._mark = 0  # highest one known to be acted on, as kept
        self._ready = False
        self._held = threading.local()  # of a thread inside `together`: lines to be read again, and from when
        self._holds = 0

    # --- what the house says ------------------------------------------------------------------------------------------

    def on_verdict(self, new: Verdict, previous: Verdict | None) -> None:
        """A verdict was stored; `previous` is the one it supersedes. A failure is kept and tried again at the tick."""
        self.works.heard(new)
        if new.judge in self._looked_at or (new.judge, new.subject) in self._cases.watched or not self._ready:
            with self._lock:
                self._be_ready()
                self._take_live(new)
                self._take_or_wait(new, previous)
        self._told = max(self._told, new.id)

    def _take_or_wait(self, new: Verdict, previous: Verdict | None) -> None:
        place = (new.judge, new.subject, new.window.start)
        if self._settled(new):
            self._waiting.pop(place, None)
            self._take(new, previous)
        else:
            self._waiting[place] = new

    @contextmanager
    def together(self) -> Iterator[None]:
        """Inside, verdicts on windows gone by that this thread tells are acted on at the end, each line read again
        once: a correction must not pass through states that never were. A kill in between is made good by `recover`."""
        held: dict[tuple[str, str], tuple[int, dict[int, Verdict | None]]] = {}
        with self._lock:
            self._holds += 1
        self._held.lines = held
        try:
            yield
        finally:
            self._held.lines = None
            with self._lock:
                self._holds -= 1
                for key, (around, before) in held.items():
                    if around == NEVER:
                        continue
                    try:
                        self._lines.read_again(key, around, None if key in self._failed else before)
                        self._cases.seen(*key)
                    except Exception:
                        log.exception("alarm rule failed; tried again at the next tick", judge=key[0], subject=key[1])
                        self._failed[key] = min(self._failed.get(key, around), around)

    def foresee(self, changes: Sequence[tuple[Verdict, Verdict | None]]) -> dict[str, list[dict[str, Any]]]:
        """Alarms and cases that would change if each verdict took the place of the one beside it; writes nothing."""
        with self._lock:
            self._be_ready()
            return foresee(changes, self._lines, self._cases, self._settled)

    def tick(self) -> None:
        """What time brings: windows that ended, silence, deadlines, observations that are over, retries. What fails
        keeps none of the rest from being done."""
        failures = Failures()
        with self._lock:
            self._be_ready()
            self._sites.forget()
            self._windows_ended()
            self._retry(failures)
            for what, tick in (
                ("live rules", self._live.tick),
                ("silence", self._silence.tick),
                ("cases", self._cases.tick),
                ("works", self.works.tick),
            ):
                with failures.of(what):
                    tick(failures)
            self._keep_mark()
        failures.tell()

    def recover(self) -> None:
        """Build the memory from the stores and catch up; called at the start, before the first verdict."""
        with self._lock:
            self._sites.forget()
            self._end_orphans()
            self._live.recover()
            self._silence.recover()
            cases = self._records.find("case", states=OPEN_STATES, limit=100_000)
            self._cases.watch(cases)
            missed = self._missed()
            for verdict in missed:
                if not self._settled(verdict):
                    self._waiting[(verdict.judge, verdict.subject, verdict.window.start)] = verdict
            self._lines.recover(missed)
            failures = Failures()
            for case in cases:
                with failures.of("case", id=case.id):
                    self._cases.look_again(case.id)
            self._ready = True

    # --- what pages and guards ask ------------------------------------------------------------------------------------

    def recovery(self, case: Record) -> Recovery:
        """How far the recovery of a case is, with the verdicts that count."""
        return self._cases.recovery(case, evidence=True)

    def case_changed(self, case_id: str) -> None:
        """People merged, split or opened a case: what it waits for is watched from now on."""
        with self._lock:
            self._be_ready()
            self._cases.follow(case_id)
            self._cases.progress(case_id)

    def case_context(self, case_id: str) -> dict[str, Any]:
        """For the guards of a case (`verdicts`, `now`, `open_tasks`) and for its page (`condition`, `have`, `need`,
        `held`, `missing`, `since`, `held_at`, `next_possible`); times in s, verdicts as terms."""
        case = self._records.get("case", case_id)
        return self._cases.context(case, self._cases.recovery(case, evidence=True))

    # --- inside -------------------------------------------------------------------------------------------------------

    def _be_ready(self) -> None:
        if not self._ready:
            self.recover()

    def _settled(self, verdict: Verdict) -> bool:
        """Whether its window is over. A device whose clock is fast must not hold back a rule on single moments."""
        return verdict.window.period < Period.HOUR or verdict.window.end <= self._clock.now() // MICRO

    def _take_live(self, new: Verdict) -> None:
        try:
            self._live.take(new)
        except Exception:
            log.exception("live rule failed; it starts from the stores again", judge=new.judge, subject=new.subject)
            self._live.forget(new.judge, new.subject)

    def _take(self, new: Verdict, previous: Verdict | None) -> None:
        key = (new.judge, new.subject)
        held = getattr(self._held, "lines", None)
        if held is not None and self._lines.is_late(new):
            first, before = held.get(key, (NEVER, {}))
            before.setdefault(new.window.start, previous)
            if self._lines.concerns(new, previous) or key in self._cases.watched:
                first = min(first, new.window.start)
            held[key] = (first, before)
            return
        try:
            self._lines.take(new, previous)
            self._cases.seen(*key)
        except Exception:
            log.exception("alarm rule failed; tried again at the next tick", judge=new.judge, subject=new.subject)
            self._lines.forget(key)
            self._failed[key] = min(self._failed.get(key, new.window.start), new.window.start)

    def _windows_ended(self) -> None:
        over = [key for key, verdict in self._waiting.items() if self._settled(verdict)]
        for key in sorted(over, key=lambda one: one[2]):
            self._take(self._waiting.pop(key), None)

    def _retry(self, failures: Failures) -> None:
        for key, around in list(self._failed.items()):
            with failures.of("alarm rule", judge=key[0], subject=key[1]):
                self._lines.read_again(key, around)
                self._cases.seen(*key)
                del self._failed[key]

    def _missed(self) -> list[Verdict]:
        """Verdicts that were stored but perhaps not acted on before a kill."""
        self._mark = self._told = int(self._kv.get(SPACE, MARK) or 0)
        found: list[Verdict] = []
        while page := self._verdicts.since(self._told, limit=1000):
            found += (one for one in page if self._lines.may_matter(one) or not self._settled(one))
            self._told = page[-1].id
        return found

    def _keep_mark(self) -> None:
        """All verdicts up to the mark were acted on; those that wait for the end of their window hold it back."""
        if self._failed or self._holds or not self._told:
            return
        held = min((one.id for one in self._waiting.values()), default=self._told + 1)
        mark = min(self._told, held - 1)
        if mark > self._mark:
            self._kv.set(SPACE, MARK, mark)
            self._mark = mark

    def _end_orphans(self) -> None:
        """Open alarms of rules that are no longer in force."""
        known = set(self.rules.by_id()) | {rule.id for rule in self.rules.silence}
        for record in self._records.find("alarm", states=("open",), limit=100_000):
            if record.data["rule"] not in known:
                self._alarms.withdraw(record, "rule_removed", "报警规则已停用")
