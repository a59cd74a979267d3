"""Live rules: what is wrong at this moment, before an hour is over. Indicative: no case, no reading of the past."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from jinyun.act.alarms import AlarmDesk, Sites, seconds
from jinyun.act.episodes import Episode, LiveFold, Observation, Sight, number, observe, observe_item, worst_of
from jinyun.act.failures import Failures
from jinyun.act.rules import Rule, Rules
from jinyun.kernel.ports import MICRO, Clock, DeviceDirectory, KeyValue, RecordStore
from jinyun.kernel.terms import LENGTHS, Period, ReadingRef, Status, Verdict

SPACE = "act.live"
PAST = LENGTHS[Period.HOUR]
"""A verdict older than this is history, not the present: the whole-window rules judge it. [s]"""

DISORDER = 900
"""Verdicts of different periods may come this much out of order. [s]"""


class LiveWatch:
    """All live rules. State that a restart needs is in the key-value store, written only when something changes."""

    def __init__(
        self,
        rules: Rules,
        records: RecordStore,
        kv: KeyValue,
        *,
        sites: Sites,
        alarms: AlarmDesk,
        clock: Clock,
        profiles: DeviceDirectory,
        last_seen: Callable[[], Mapping[str, int]],
    ) -> None:
        self._rules, self._records, self._kv = rules, records, kv
        self._sites, self._alarms, self._clock = sites, alarms, clock
        self._profiles, self._last_seen = profiles, last_seen
        self._by_judge = {
            judge: kept for judge, found in rules.by_judge().items() if (kept := tuple(r for r in found if r.live))
        }
        self._folds: dict[tuple[str, str], dict[str, LiveFold]] = {}  # (judge, subject) -> matter -> fold
        self._ids: dict[str, str] = {}  # matter -> its open or last alarm
        self._written: dict[str, int] = {}  # matter -> event time of the last refresh

    def judges(self) -> frozenset[str]:
        return frozenset(self._by_judge)

    def take(self, verdict: Verdict) -> None:
        """One verdict as it arrived."""
        rules = self._by_judge.get(verdict.judge)
        if not rules:
            return
        key = (verdict.judge, verdict.subject)
        folds = self._folds.get(key)
        if not folds and verdict.status is not Status.EXCEEDS and all(r.open.status == Status.EXCEEDS for r in rules):
            return
        kind = str((self._sites.get(verdict.subject) or {}).get("kind") or "")
        for rule in rules:
            if kind in rule.site_kinds:
                for matter, seen in self._seen(rule, verdict, folds or {}).items():
                    if seen.start < self._clock.now() // MICRO - PAST:
                        continue
                    fold = self._fold(key, rule, matter)
                    if fold.latest is not None and seen.start < fold.latest.start - DISORDER:
                        continue
                    self._sync(verdict.subject, matter, fold, fold.take(seen))
        self._lay_aside(key)

    def _seen(self, rule: Rule, verdict: Verdict, folds: Mapping[str, LiveFold]) -> dict[str, Observation]:
        start = f"{rule.id}|{verdict.subject}"
        if rule.by == "subject":
            target = (self._sites.get(verdict.subject) or {}).get("target_class")
            found = {start: _dated(observe(rule, verdict, target=target), verdict, verdict.evidence())}
        else:
            groups: dict[str, list[Observation]] = {}
            for item in verdict.items:
                group = item.factor if rule.by == "factor" else self._rules.group_of(item.factor)
                seen = _dated(observe_item(rule, verdict, item), verdict, item.readings)
                groups.setdefault(f"{start}|{group}", []).append(seen)
            found = {matter: worst_of(seen) for matter, seen in groups.items()}
        return {matter: seen for matter, seen in found.items() if matter in folds or seen.sight is Sight.BAD}

    def _fold(self, key: tuple[str, str], rule: Rule, matter: str) -> LiveFold:
        folds = self._folds.setdefault(key, {})
        if matter not in folds:
            fold = folds[matter] = LiveFold(rule)
            if record := self._alarms.of_matter(matter):
                self._ids[matter] = record.id
                started, ended = seconds(record.data.get("started_at")), seconds(record.data.get("ended_at"))
                if record.state == "ended" and started is not None and ended is not None:
                    fold.past = _remembered(rule, record.data, started, ended)
        return folds[matter]

    def tick(self, failures: Failures) -> None:
        """Time passes: where the device goes on sending and nothing changed, a state lasts."""
        if not any(self._folds.values()):
            return
        seen, now = self._last_seen(), self._clock.now() // MICRO
        heard: dict[str, int] = {}
        for profile in self._profiles.all():
            at = seen.get(profile.mn, 0) // MICRO
            heard[profile.site] = max(heard.get(profile.site, 0), min(at, now))
        for key in list(self._folds):
            with failures.of("live rule", judge=key[0], subject=key[1]):
                self._settle(key, heard.get(key[1], 0))

    def _settle(self, key: tuple[str, str], heard: int) -> None:
        try:
            for matter, fold in list(self._folds[key].items()):
                if fold.since is not None:
                    self._sync(key[1], matter, fold, fold.settle(heard))
        except Exception:
            self.forget(*key)  # the fold is ahead of what was written
            raise
        self._lay_aside(key)

    def _sync(self, subject: str, matter: str, fold: LiveFold, what: str) -> None:
        episode = fold.past if what == "ended" else fold.episode
        if what and episode is not None:
            last = self._written.get(matter)
            graver = what != "updated"
            if graver or last is None or episode.last.start - last >= fold.rule.refresh:
                known = None if what == "opened" else self._ids.get(matter)
                record = self._records.get("alarm", known) if known else None
                self._ids[matter] = self._alarms.write(record, fold.rule, matter, subject, episode).id
                self._written[matter] = episode.last.start
        if fold.busy:
            self._kv.set(SPACE, matter, saved(fold))
        else:
            self._kv.delete(SPACE, matter)

    def _lay_aside(self, key: tuple[str, str]) -> None:
        folds = self._folds.get(key, {})
        for matter in [name for name, fold in folds.items() if not fold.busy]:
            del folds[matter]
            self._ids.pop(matter, None)
            self._written.pop(matter, None)
        if not folds:
            self._folds.pop(key, None)

    def forget(self, judge: str, subject: str) -> None:
        """After a failure: start from what the stores say."""
        self._folds.pop((judge, subject), None)
        self._load(lambda rule, of: judge in rule.on and of == subject)

    def recover(self) -> None:
        self._folds = {}
        self._load(lambda _rule, _subject: True)

    def _load(self, wanted: Callable[[Rule, str], bool]) -> None:
        by_id = self._rules.by_id()
        for matter, data in self._kv.items(SPACE).items():
            rule_id, subject, *_ = [*matter.split("|"), ""]
            rule = by_id.get(rule_id)
            if rule is None or not rule.live:
                self._kv.delete(SPACE, matter)
            elif wanted(rule, subject):
                fold = restored(rule, data)
                if record := self._alarms.of_matter(matter):
                    self._ids[matter] = record.id
                    if fold.episode is not None:  # a kill between the two stores: the record follows the fold
                        self._alarms.write(record, rule, matter, subject, fold.episode)
                elif fold.episode is not None:
                    self._ids[matter] = self._alarms.write(None, rule, matter, subject, fold.episode).id
                for judge in rule.on:
                    self._folds.setdefault((judge, subject), {})[matter] = fold


def _dated(seen: Observation, verdict: Verdict, readings: Sequence[ReadingRef]) -> Observation:
    """The observation at the moment of its newest reading, not of the window that the judge files it under."""
    at = max((one.time for one in readings), default=0) or verdict.computed_at // MICRO or verdict.window.start
    return replace(seen, start=at, end=at)


def _remembered(rule: Rule, data: Mapping[str, Any], started: int, ended: int) -> Episode:
    """The episode of an ended alarm record, for a resumption soon after it."""
    first = Observation(start=started, end=started, sight=Sight.BAD, judge=data.get("judge") or "")
    at = seconds(data.get("peak_at")) or started
    figure, limit = number(data.get("peak_figure")), number(data.get("limit"))
    over = str((figure - limit) / limit) if rule.by != "subject" and figure is not None and limit else None
    peak = Observation(
        multiple=over, start=at, end=at, sight=Sight.BAD, level=data["level"], figure=data.get("peak_figure"),
        unit=data.get("unit") or "", limit=data.get("limit"), factor=data.get("factor") or "",
        judge=data.get("judge") or "", verdict=data.get("verdict_peak") or 0,
    )  # fmt: skip
    opened = Observation(start=started, end=started, sight=Sight.BAD, verdict=data.get("verdict_open") or 0)
    return Episode(first, opened, peak, peak, data["level"], ended_at=ended)


def saved(fold: LiveFold) -> dict[str, Any]:
    """A fold as JSON."""
    one = fold.episode
    return {
        "since": fold.since.as_json() if fold.since else None,
        "worst": fold.worst.as_json() if fold.worst else None,
        "latest": fold.latest.as_json() if fold.latest else None,
        "episode": one
        and {
            "first": one.first.as_json(), "opened": one.opened.as_json(), "peak": one.peak.as_json(),
            "last": one.last.as_json(), "level": one.level, "run_start": one.run_start,
        },
    }  # fmt: skip


def restored(rule: Rule, data: Mapping[str, Any]) -> LiveFold:
    """The fold of `saved`."""

    def seen(name: str, of: Mapping[str, Any] = data) -> Observation | None:
        return Observation.of(of[name]) if of.get(name) else None

    fold = LiveFold(rule, since=seen("since"), worst=seen("worst"), latest=seen("latest"))
    if one := data.get("episode"):
        first, opened, peak, last = (Observation.of(one[name]) for name in ("first", "opened", "peak", "last"))
        fold.episode = Episode(first, opened, peak, last, one["level"], run_start=one["run_start"])
    return fold
