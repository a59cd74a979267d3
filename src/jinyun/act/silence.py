"""Devices that send nothing: late, silent, gone, and back again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jinyun.act.alarms import Sites, alarm_event, iso, seconds
from jinyun.act.failures import Failures
from jinyun.act.rules import SilenceRule
from jinyun.act.sentences import moment
from jinyun.kernel.errors import NotFound, Refused
from jinyun.kernel.ports import MICRO, SYSTEM, Bus, Clock, DeviceDirectory, DeviceProfile, Record, RecordStore
from jinyun.kernel.terms import LENGTHS, Period

STAGES_IN_WORDS: Mapping[str, tuple[str, str]] = {
    "late": ("数据迟到", "data is late"),
    "silent": ("设备无数据", "device is silent"),
    "gone": ("设备失联", "device is gone"),
}


@dataclass(slots=True)
class _Quiet:
    """An open alarm on a device."""

    alarm: str
    since: int  # [s]
    stage: str
    subject: str


class SilenceWatch:
    """Looks at every registered device at each tick. One never heard of is not missed yet: its link page says so."""

    def __init__(
        self,
        rules: tuple[SilenceRule, ...],
        records: RecordStore,
        sites: Sites,
        clock: Clock,
        bus: Bus,
        *,
        profiles: DeviceDirectory,
        last_seen: Callable[[], Mapping[str, int]],
    ) -> None:
        self._rules, self._records, self._sites = rules, records, sites
        self._clock, self._bus = clock, bus
        self._profiles, self._last_seen = profiles, last_seen
        self._open: dict[str, _Quiet] = {}  # by matter
        self._born = clock.now() // MICRO

    def recover(self) -> None:
        """Read the open alarms. Silence counts from now at the earliest: while the node was away nobody was heard."""
        self._born = self._clock.now() // MICRO
        self._open = {}
        for rule in self._rules:
            for record in self._records.find("alarm", {"rule": rule.id}, states=("open",), limit=100_000):
                since = seconds(record.data.get("started_at")) or self._born
                stage = str(record.data.get("peak_figure") or rule.open_at)
                self._open[record.data["matter"]] = _Quiet(record.id, since, stage, record.data.get("subject") or "")

    def tick(self, failures: Failures) -> None:
        now, seen = self._clock.now() // MICRO, self._last_seen()
        present: set[str] = set()
        for rule in self._rules:
            for profile in self._profiles.all():
                if not rule.site_kinds or profile.site_kind in rule.site_kinds:
                    matter = f"{rule.id}|{profile.mn}"
                    present.add(matter)
                    with failures.of("silence rule", rule=rule.id, mn=profile.mn):
                        self._look(rule, profile, matter, seen.get(profile.mn), now)
        for matter in [one for one in self._open if one not in present]:
            with failures.of("silence rule", matter=matter):
                self._end(matter, now, "unregistered")

    def _look(self, rule: SilenceRule, profile: DeviceProfile, matter: str, seen: int | None, now: int) -> None:
        quiet = self._open.get(matter)
        heard = None if seen is None else seen // MICRO
        if quiet is not None:
            if heard is not None and heard > quiet.since:
                if rule.stage(now - heard, interval(profile)) == "online":
                    self._end(matter, heard, "recovered")
                    return
                quiet.since = heard
            stage = rule.stage(now - quiet.since, interval(profile))
            if _later(stage, quiet.stage):
                self._escalate(rule, matter, quiet, stage, now)
            return
        if heard is None:
            return
        stage = rule.stage(now - max(heard, self._born), interval(profile))
        if stage == rule.open_at or _later(stage, rule.open_at):
            self._begin(rule, profile, heard=heard, stage=stage, now=now)

    def _begin(self, rule: SilenceRule, profile: DeviceProfile, *, heard: int, stage: str, now: int) -> None:
        matter = f"{rule.id}|{profile.mn}"
        last = next(iter(self._records.find("alarm", {"matter": matter}, order="-started_at", limit=1)), None)
        ended = seconds(last.data.get("ended_at")) if last else None
        subject = profile.site if self._sites.get(profile.site) is not None else None
        zh, en = _sentences(self._sites.name(profile.site) if profile.site else "", profile, heard, stage)
        told = {
            "level": rule.level[stage], "peak_figure": stage, "peak_at": iso(now), "last_figure": stage,
            "last_at": iso(heard), "sentence_zh": zh, "sentence_en": en,
        }  # fmt: skip
        if last is not None and last.state == "ended" and ended is not None and heard < ended + rule.cool_down:
            changes = {**told, "ended_at": None, "end_reason": None}
            record = self._records.step("alarm", last.id, "resume", {}, SYSTEM, changes=changes)
            self._open[matter] = _Quiet(record.id, heard, stage, profile.site)
            self._tell(record, "resume")
            return
        data = {"rule": rule.id, "matter": matter, "subject": subject, "opened_at": iso(now), "started_at": iso(heard)}
        record = self._records.create("alarm", data | told, SYSTEM, note=rule.zh)
        self._open[matter] = _Quiet(record.id, heard, stage, profile.site)
        self._tell(record, "open")

    def _escalate(self, rule: SilenceRule, matter: str, quiet: _Quiet, stage: str, now: int) -> None:
        mn = matter.partition("|")[2]
        profile = self._profiles.get(mn)
        name = self._sites.name(quiet.subject) if quiet.subject else ""
        zh, en = _sentences(name, profile or DeviceProfile(mn, quiet.subject, ""), quiet.since, stage)
        changes = {
            "level": rule.level[stage], "peak_figure": stage, "peak_at": iso(now), "last_figure": stage,
            "sentence_zh": zh, "sentence_en": en,
        }  # fmt: skip
        record = self._records.update("alarm", quiet.alarm, changes, SYSTEM)
        self._open[matter] = _Quiet(quiet.alarm, quiet.since, stage, quiet.subject)
        self._tell(record, "update")

    def _end(self, matter: str, at: int, reason: str) -> None:
        quiet = self._open[matter]
        changes = {
            "ended_at": iso(at),
            "end_reason": reason,
            "last_figure": "online" if reason == "recovered" else None,
        }
        try:
            record = self._records.step("alarm", quiet.alarm, "end", {}, SYSTEM, changes=changes)
        except (NotFound, Refused):  # it is over already: nothing is left to be said
            del self._open[matter]
            return
        del self._open[matter]
        self._tell(record, "end")

    def _tell(self, record: Record, step: str) -> None:
        self._bus.publish("alarm", alarm_event(record, step, self._clock.now()))


def interval(profile: DeviceProfile) -> int:
    """How often something should come from a device. [s]"""
    lengths = {Period.REALTIME: profile.realtime_interval, Period.MINUTE: profile.minute_interval * 60, **_COARSE}
    return min((lengths[one] for one in profile.periods if one in lengths), default=LENGTHS[Period.HOUR])


_COARSE = {Period.HOUR: LENGTHS[Period.HOUR], Period.DAY: LENGTHS[Period.DAY]}
_ORDER = ("online", "late", "silent", "gone")


def _later(stage: str, than: str) -> bool:
    return _ORDER.index(stage) > (_ORDER.index(than) if than in _ORDER else 0)


def _sentences(site: str, profile: DeviceProfile, heard: int, stage: str) -> tuple[str, str]:
    zh, en = STAGES_IN_WORDS[stage]
    name = profile.name or profile.mn
    return (
        f"{site}{zh}：{name}（MN {profile.mn}）自{moment(heard)}起没有数据。",
        f"{site + ': ' if site else ''}{en}, {name} (MN {profile.mn}) has sent nothing since {moment(heard)}.",
    )
