"""Alarm records from episodes: opened, kept up to date, ended, resumed, withdrawn. One alarm per matter at a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jinyun.act.episodes import Episode
from jinyun.act.rules import Rule
from jinyun.act.sentences import alarm_sentences
from jinyun.kernel.errors import NotFound
from jinyun.kernel.ports import MICRO, SYSTEM, Bus, Clock, Record, RecordStore
from jinyun.kernel.terms import china_time

STEP_WORDS: Mapping[str, tuple[str, str]] = {
    "open": ("报警", "Alarm"),
    "resume": ("再次报警", "Alarm again"),
    "update": ("报警加重", "Alarm grew worse"),
    "end": ("报警解除", "Alarm ended"),
    "withdraw": ("报警撤销", "Alarm withdrawn"),
}


def iso(at: int | None) -> str | None:
    """An instant as records keep it. [s]"""
    return None if at is None else china_time(at).isoformat()


def seconds(text: Any) -> int | None:
    """The instant of a record's datetime field. [s]"""
    return None if not text else int(datetime.fromisoformat(str(text)).timestamp())


class Sites:
    """Facts of sites, read when needed and forgotten at each tick: an edit shows within seconds."""

    def __init__(self, records: RecordStore) -> None:
        self._records = records
        self._known: dict[str, Mapping[str, Any] | None] = {}

    def get(self, site: str) -> Mapping[str, Any] | None:
        """Data of the `site` record, or None when there is none."""
        if site not in self._known:
            try:
                self._known[site] = self._records.get("site", site).data
            except NotFound:
                self._known[site] = None
        return self._known[site]

    def name(self, site: str) -> str:
        return str((self.get(site) or {}).get("name") or site)

    def forget(self) -> None:
        self._known.clear()


class AlarmDesk:
    """Writes alarm records. Every write is a difference: telling it the same twice changes nothing."""

    def __init__(self, records: RecordStore, sites: Sites, clock: Clock, bus: Bus) -> None:
        self._records, self._sites, self._clock, self._bus = records, sites, clock, bus

    def of_matter(self, matter: str) -> Record | None:
        """The open alarm of a matter, else the one that began last."""
        found = self._records.find("alarm", {"matter": matter}, order="-started_at", limit=50)
        kept = [one for one in found if one.data.get("end_reason") not in ("corrected", "merged")]
        return next((one for one in kept if one.state == "open"), kept[0] if kept else None)

    def write(self, record: Record | None, rule: Rule, matter: str, subject: str, episode: Episode) -> Record:
        """The record of `matter` as `episode` has it; `record` None opens a new one."""
        fields = self.fields(rule, matter, subject, episode)
        if record is None:
            fields["opened_at"] = iso(self._clock.now() // MICRO)
            record = self._records.create("alarm", fields, SYSTEM, note=rule.zh)
            self._tell(record, "open")
            if episode.ended_at is None:
                return record
        if episode.ended_at is None and record.state == "ended":
            cleared = {"ended_at": None, "end_reason": None, "verdict_end": None}
            record = self._records.step("alarm", record.id, "resume", {}, SYSTEM, changes={**fields, **cleared})
            self._tell(record, "resume")
        elif episode.ended_at is not None and record.state == "open":
            record = self._records.step("alarm", record.id, "end", {}, SYSTEM, changes=fields)
            self._tell(record, "end")
        else:
            before = record.data.get("level")
            record = self._records.update("alarm", record.id, fields, SYSTEM)
            if before is not None and record.data["level"] < before:
                self._tell(record, "update")
        return record

    def withdraw(self, record: Record, reason: str, note: str) -> Record:
        """An alarm that corrected data no longer bear out, or that went into another one."""
        if record.state == "ended":
            return self._records.update("alarm", record.id, {"end_reason": reason}, SYSTEM, note=note)
        changes = {"end_reason": reason, "ended_at": record.data.get("last_at") or record.data.get("started_at")}
        record = self._records.step("alarm", record.id, "end", {}, SYSTEM, changes=changes, note=note)
        self._tell(record, "withdraw")
        return record

    def fields(self, rule: Rule, matter: str, subject: str, episode: Episode) -> dict[str, Any]:
        """What an alarm record says of an episode."""
        zh, en = alarm_sentences(rule, self._sites.name(subject), episode)
        peak, last, ended = episode.peak, episode.last, episode.ended
        fields: dict[str, Any] = {
            "rule": rule.id, "matter": matter, "subject": subject if self._sites.get(subject) is not None else None,
            "judge": episode.first.judge, "factor": peak.factor or None, "level": episode.level,
            "started_at": iso(episode.started_at),
            "peak_figure": peak.figure, "peak_at": iso(peak.start),
            "last_figure": last.figure, "last_at": iso(last.start),
            "unit": peak.unit or None, "limit": peak.limit,
            "verdict_open": episode.opened.verdict or None, "verdict_peak": peak.verdict or None,
            "sentence_zh": zh, "sentence_en": en,
        }  # fmt: skip
        if ended is not None:
            fields |= {
                "ended_at": iso(episode.ended_at), "end_reason": "recovered", "verdict_end": ended.verdict or None,
            }  # fmt: skip
        return fields

    def _tell(self, record: Record, step: str) -> None:
        self._bus.publish("alarm", alarm_event(record, step, self._clock.now()))


def alarm_event(record: Record, step: str, now: int) -> dict[str, Any]:
    """What live pages are told of an alarm. `now` [µs]"""
    zh, en = STEP_WORDS[step]
    data = record.data
    return {
        "at": now, "id": record.id, "ref": record.id, "step": step, "state": record.state, "rule": data["rule"],
        "matter": data["matter"], "subject": data.get("subject"), "level": data.get("level"),
        "zh": f"{zh}：{data.get('sentence_zh')}", "en": f"{en}: {data.get('sentence_en')}", "version": record.version,
    }  # fmt: skip
