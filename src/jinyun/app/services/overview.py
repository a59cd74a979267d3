"""The duty page's one question: what is wrong now, where, whose turn, and what changed in the last hour."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from jinyun.app.services.cache import Cached, packed
from jinyun.app.services.open_list import OpenList
from jinyun.app.services.words import record_dict
from jinyun.app.then import stamped
from jinyun.domains.supervision.records import OPEN_STATES
from jinyun.kernel.ports import SYSTEM, Record
from jinyun.kernel.terms import Verdict

if TYPE_CHECKING:
    from jinyun.app.assemble import House
    from jinyun.app.bus import Event

HOUR_US = 3_600_000_000
OPEN_CASES = OPEN_STATES
PRIMARY: Mapping[str, tuple[str, ...]] = {
    "water": ("water.section_class", "water.section_class_day"),
    "air": ("air.aqi_hour", "air.aqi_day"),
    "outlet": ("emission.outlet_now", "emission.outlet_hour", "emission.outlet_day"),
    "noise": ("noise.boundary_hour", "noise.zone_night", "noise.zone_day"),
}
"""Judges whose verdict colours a site on the map, by group of kinds; first the one that speaks of now."""
GROUPS: Mapping[str, str] = {
    "water_section": "water",
    "water_micro": "water",
    "air_station": "air",
    "air_micro": "air",
    "water_outlet": "outlet",
    "stack_outlet": "outlet",
    "river_outlet": "outlet",
    "noise_station": "noise",
    "noise_boundary": "noise",
}
WATER_BEYOND_WARN = 1  # one class beyond the target warns, more is bad
AIR_WARN, AIR_BAD = 3, 4  # AQI levels: light pollution warns, from medium on bad
SILENT_LINKS = frozenset({"silent", "gone"})
FRESH_S = 60
STALE_S = {"MINUTE": 3600, "REALTIME": 3600, "HOUR": 3 * 3600, "DAY": 50 * 3600}
"""A verdict whose window ended longer ago no longer says how a site is now. [s]"""
MOST = 100_000
WORST = 200
"""Open alarms and cases on the duty page; `counts` says how many there are, the lists have them all."""
_UNKNOWN: Any = object()
LINK_STATES: Mapping[str, tuple[str, str]] = {
    "online": ("恢复在线", "on line again"),
    "late": ("数据迟到", "late"),
    "silent": ("无数据", "silent"),
    "gone": ("失联", "gone"),
    "quarantine": ("未登记设备上报", "an unregistered device sends"),
}


@dataclass(slots=True)
class _Row:
    """One site on the duty page, and what it was made from."""

    key: tuple[Any, ...]
    told: dict[str, Any]
    encoded: msgspec.Raw


class Overview:
    """Answers from memory: each part is made anew only when what it rests on changed."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._changes: deque[dict[str, Any]] = deque(maxlen=500)
        self._states: dict[tuple[str, str, str], Any] = {}
        versions = house.records.versions
        self._places = Cached(
            self._read_places,
            seconds=3600,
            key=lambda: tuple(versions.get(t, 0) for t in ("site", "enterprise", "outlet")),
        )
        self.alarms = self._open("alarm", ("open",), _alarm_rank)
        self.cases = self._open("case", OPEN_CASES, _case_rank)
        self.links = Cached(self._read_links, seconds=2)
        self.seen = Cached(lambda: seen_by_site(self.links.get()), seconds=2)
        self.verdicts = Cached(self._read_verdicts, seconds=1)
        self._verdicts_by_site = Cached(self._group_verdicts, seconds=1)
        self._rows: dict[str, _Row] = {}
        self.answer = Cached(self._encode, seconds=1)
        self.packed = Cached(lambda: packed(self.answer.get()), seconds=1, key=lambda: self.answer.made)
        house.bus.taps.append(self._hear)
        self._seed_changes()

    def _open(self, type_id: str, states: Sequence[str], rank: Callable[[Record], Any]) -> Cached[list[dict[str, Any]]]:
        """A list of what is open, read when something of it changed."""
        rows = OpenList(self._house, type_id, states, shown=self._named, rank=rank, beside=self._place_key)
        return Cached(rows.read, seconds=60, key=lambda: (rows.version, self._place_key()))

    def _place_key(self) -> Any:
        """What names, places and reach of open matters rest on."""
        versions = self._house.records.versions
        return tuple(versions.get(one, 0) for one in ("site", "outlet", "enterprise"))

    # -- parts ---------------------------------------------------------------------------------------------------

    def _read_places(self) -> dict[str, dict[str, Any]]:
        """What of a site changes seldom, by site id."""
        records = self._house.records
        companies = {one.id: str(one.data.get("name") or one.id) for one in records.find("enterprise", limit=MOST)}
        places = {}
        for one in records.find("site", limit=MOST, order="id"):
            data = one.data
            place = data.get("place") or {}
            places[one.id] = {
                "id": one.id,
                "name": data.get("name") or one.id,
                "kind": data.get("kind") or "",
                "lon": place.get("lon"),
                "lat": place.get("lat"),
                "enterprise": data.get("enterprise"),
                "enterprise_name": companies.get(str(data.get("enterprise") or "")),
                "river": data.get("river"),
                "order_km": data.get("order_km"),
                "target_class": data.get("target_class"),
            }
        return places

    def _named(self, record: Record) -> dict[str, Any]:
        shown = record_dict(record, self._house.types[record.type], SYSTEM.roles)
        place = self._places.get().get(str(record.data.get("subject") or ""))
        return shown | {
            "subject_name": place["name"] if place else record.data.get("subject"),
            "subject_kind": place["kind"] if place else None,
            "lon": place["lon"] if place else None,
            "lat": place["lat"] if place else None,
        }

    def _read_links(self) -> list[dict[str, Any]]:
        return [dict(one) for one in self._house.centre.links()]

    def _read_verdicts(self) -> dict[tuple[str, str], Verdict]:
        """Newest verdict by (site, judge), the indicative ones of this moment included."""
        newest = dict(self._house.verdicts.latest())
        for verdict in self._house.judge.now_verdicts().values():
            key = (verdict.subject, verdict.judge)
            held = newest.get(key)
            if held is None or (held.window.start, held.computed_at) <= (verdict.window.start, verdict.computed_at):
                newest[key] = verdict
        return newest

    def _group_verdicts(self) -> dict[str, tuple[Verdict, ...]]:
        grouped: dict[str, tuple[Verdict, ...]] = {}
        for (site, _), verdict in self.verdicts.get().items():
            grouped[site] = (*grouped.get(site, ()), verdict)
        return grouped

    def sites(self, now: int) -> list[_Row]:
        """One row per site. A row is made anew only when its verdicts, its link or its place changed; that a verdict
        grows stale is seen within `FRESH_S`."""
        seen, verdicts = self.seen.get(), self._verdicts_by_site.get()
        turn, rows = now // 1_000_000 // FRESH_S, []
        for site, place in self._places.get().items():
            link, mine = seen.get(site), verdicts.get(site, ())
            quiet = link is not None and link[0] in SILENT_LINKS
            key = (place, mine, link[0] if link else None, now // 1_000_000 if quiet else turn)
            row = self._rows.get(site)
            if row is None or row.key != key:
                told = _site_now(place, {(v.subject, v.judge): v for v in mine}, link, now)
                row = self._rows[site] = _Row(key, told, msgspec.Raw(msgspec.json.encode(told)))
            rows.append(row)
        return rows

    # -- the answer ----------------------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """All of the duty page; sites as encoded JSON."""
        house = self._house
        now = house.clock.now()
        links = self.links.get()
        sites = self.sites(now)
        alarms, cases = self.alarms.get(), self.cases.get()
        for case in cases:
            case["overdue"] = _overdue(case, now)
        told = {
            "now": now,
            "jurisdiction": {"code": house.settings.jurisdiction, "name": house.settings.jurisdiction_name},
            "sites": [one.encoded for one in sites],
            "alarms": alarms[:WORST],
            "cases": cases[:WORST],
            "changes": self.changes(now),
            "counts": {
                "sites": len(sites),
                "online": sum(1 for one in links if one.get("state") == "online"),
                "silent": sum(1 for one in sites if one.told["status"] == "silent"),
                "alarms": len(alarms),
                "cases": len(cases),
                "overdue": sum(1 for one in cases if one["overdue"]),
                "links": len(links),
            },
        }
        return stamped(house, told)

    def _encode(self) -> bytes:
        return msgspec.json.encode(self.snapshot())

    def changes(self, now: int) -> list[dict[str, Any]]:
        """What changed in the last hour, newest first."""
        return [one for one in reversed(list(self._changes)) if one["at"] >= now - HOUR_US]

    # -- what changed -------------------------------------------------------------------------------------------

    def _seed_changes(self) -> None:
        """After a start: alarms and cases that moved within the last hour."""
        now = self._house.clock.now()
        recent = []
        for type_id in ("alarm", "case"):
            kind = self._house.types.get(type_id)
            if kind is None:
                continue
            for one in self._house.records.find(type_id, order="-updated_at", limit=100):
                if one.updated_at < now - HOUR_US:
                    break
                zh, en = kind.state_words(one.state, one.procedure) or (one.state, one.state)
                title = str(one.data.get("sentence_zh") or one.data.get("title") or one.id)
                recent.append(
                    {
                        "at": one.updated_at,
                        "topic": type_id,
                        "zh": f"{title}:{zh}",
                        "en": f"{one.data.get('sentence_en') or title}: {en}",
                        "subject": one.data.get("subject"),
                        "ref": one.id,
                    }
                )
        self._changes.extend(sorted(recent, key=lambda one: one["at"]))

    def _hear(self, event: Event) -> None:
        """Tap of the bus: any thread, must be quick."""
        data = event.data
        if event.topic == "verdict":
            if not self._changed(("verdict", str(data.get("site")), str(data.get("judge"))), data.get("level")):
                return
        elif event.topic == "link":
            if not self._changed(("link", str(data.get("mn")), ""), data.get("state")):
                return
        elif event.topic in ("alarm", "case"):
            self.answer.forget()
            self.packed.forget()
        else:
            return
        zh, en = _told(event.topic, data)
        self._changes.append(
            {
                "at": data.get("at") or self._house.clock.now(),
                "topic": event.topic,
                "zh": zh,
                "en": en,
                "subject": data.get("subject") or data.get("site"),
                "ref": data.get("id") or data.get("mn"),
            }
        )

    def _changed(self, key: tuple[str, str, str], after: Any) -> bool:
        """Whether a state that pages know moved; the first word of it after a start is no change."""
        before = self._states.get(key, _UNKNOWN)
        self._states[key] = after
        return before is not _UNKNOWN and before != after


def site_status(place: Mapping[str, Any], verdict: Verdict | None) -> str:
    """Colour of a site by its verdict: ok, warn, bad, unknown. An indicative exceedance warns, an hour's is bad."""
    if verdict is None or str(verdict.status) == "cannot_judge" or verdict.level is None:
        return "unknown"
    group = GROUPS.get(str(place.get("kind")), "outlet")
    level = verdict.level
    if group == "water":
        beyond = level - int(place.get("target_class") or _default_target())
        return "ok" if beyond <= 0 else "warn" if beyond <= WATER_BEYOND_WARN else "bad"
    if group == "air":
        return "bad" if level >= AIR_BAD else "warn" if level >= AIR_WARN else "ok"
    if str(verdict.status) == "attains":
        return "ok"
    return "warn" if verdict.judge == "emission.outlet_now" else "bad"


@cache
def _default_target() -> int:
    """The class a section has to keep where its record names none."""
    from jinyun.domains.water.limits import rule

    return int(rule("default_target"))


def pick_verdict(place: Mapping[str, Any], verdicts: Mapping[tuple[str, str], Verdict], now_s: int) -> Verdict | None:
    """The verdict that speaks for a site now: the worst recent one of an outlet, else the first recent one."""
    group = GROUPS.get(str(place.get("kind")), "")
    found = [v for judge in PRIMARY.get(group, ()) if (v := verdicts.get((place["id"], judge))) is not None]
    recent = [v for v in found if now_s - v.window.end < STALE_S.get(v.window.period.name, 3600)]
    if not recent:
        return found[0] if found else None
    if group in ("outlet", "noise"):
        order = {"bad": 0, "warn": 1, "ok": 2, "unknown": 3}
        return min(recent, key=lambda v: order[site_status(place, v)])
    if recent[0] is found[0]:
        return recent[0]
    # the hour's verdict is old: the day speaks, unless it says nothing
    return next((v for v in recent if v.level is not None), found[0])


def _site_now(
    place: Mapping[str, Any], verdicts: Mapping[tuple[str, str], Verdict], seen: tuple[str, int] | None, now: int
) -> dict[str, Any]:
    verdict = pick_verdict(place, verdicts, now // 1_000_000)
    silent_for: int | None = None
    if seen is not None and seen[0] in SILENT_LINKS:
        silent_for = max(0, (now - seen[1]) // 1_000_000) if seen[1] else None
    silent = seen is not None and seen[0] in SILENT_LINKS
    return {
        **place,
        "status": "silent" if silent else site_status(place, verdict),
        "level": verdict.level if verdict else None,
        "judge": verdict.judge if verdict else None,
        "figure": verdict.figure if verdict else None,
        "unit": verdict.unit if verdict else "",
        "label_zh": verdict.label_zh if verdict else "",
        "label_en": verdict.label_en if verdict else "",
        "deciding": list(verdict.deciding) if verdict else [],
        "at": verdict.window.start if verdict else None,
        "verdict": verdict.id or None if verdict else None,
        "silent_for": silent_for,
    }


def seen_by_site(links: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, int]]:
    """State and time [µs] of the liveliest device of each site."""
    rank = {"online": 3, "late": 2, "silent": 1, "gone": 0}
    seen: dict[str, tuple[str, int]] = {}
    for one in links:
        site, state = str(one.get("site") or ""), str(one.get("state") or "")
        if not site or state not in rank:
            continue
        held = seen.get(site)
        if held is None or rank[state] > rank[held[0]]:
            seen[site] = (state, int(one.get("last_at") or 0))
    return seen


def _told(topic: str, data: Mapping[str, Any]) -> tuple[str, str]:
    if topic == "link":
        words = LINK_STATES.get(str(data.get("state")), ("", ""))
        name = data.get("name") or data.get("mn")
        return f"{name} {words[0]}", f"{name} {words[1]}"
    zh = str(data.get("zh") or data.get("sentence_zh") or data.get("title") or "")
    return zh, str(data.get("en") or data.get("sentence_en") or zh)


def _alarm_rank(record: Record) -> tuple[int, int]:
    return int(record.data.get("level") or 4), -record.created_at


def _case_rank(record: Record) -> tuple[int, int, str]:
    """Reopened and unconfirmed first, then by level, then by deadline."""
    waiting = {"reopened": 0, "opened": 0, "returned": 0, "reported": 2, "verified": 2, "suspended": 2, "observing": 3}
    return waiting.get(record.state, 1), int(record.data.get("level") or 4), str(record.data.get("deadline") or "9")


def _overdue(case: Mapping[str, Any], now: int) -> bool:
    deadline = case.get("deadline")
    if not deadline or case["state"] in ("observing", "closed"):
        return False
    return datetime.fromisoformat(str(deadline)).timestamp() * 1_000_000 < now
