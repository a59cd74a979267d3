"""The gap ledger: for each series the stretches without usable readings, whose they are, and the evidence.

Evidence is what the house kept: frames of other factors, the device's flags, its answers to back-fill requests, refused
messages, and the times when the node was down.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from jinyun.app.services.catalogue import Catalogue
from jinyun.app.services.words import factor_words
from jinyun.domains.warehouse.catalogue import rules
from jinyun.domains.warehouse.gap_verdicts import CAUSES, VERDICTS, Clues, cause_of, verdict_of
from jinyun.kernel.errors import BadInput
from jinyun.kernel.ports import NO_VALUE
from jinyun.kernel.terms import CHINA, Flag, Period, SeriesKey
from jinyun.sense.hj212.gaps import CHUNKS, COMMANDS
from jinyun.sense.hj212.gaps import SPACE as LEDGER

if TYPE_CHECKING:
    from jinyun.app.assemble import House

SETTLED = "gaps.settled"
KEPT = 2000
MOST_SLOTS = 600_000
STOPPED = (Flag.STOPPED, Flag.SOURCE_STOPPED, Flag.POWER_FAILURE, Flag.NO_LINK)
NEAR_S = 5
CHINA_S = int(CHINA.utcoffset(None).total_seconds())
US = 1_000_000


@dataclass(slots=True)
class _Kept:
    """What the house kept about one series' device and time."""

    answers: Sequence[Mapping[str, Any]]  # settled requests
    asking: set[int]  # starts of chunks that are asked for
    downs: Sequence[tuple[int, int, str]]
    rejects: Sequence[Mapping[str, Any]]
    first_run: int | None
    others: np.ndarray  # times at which the site's series of that period have readings
    flagged: dict[int, int]  # slot -> seq of the reading that said "stopped"
    before: tuple[np.ndarray, np.ndarray]  # slots with a reading, and whether it said "stopped"


class Gaps:
    """Gaps of one house."""

    def __init__(self, house: House, catalogue: Catalogue) -> None:
        self._house, self._catalogue = house, catalogue

    def tick(self) -> None:
        """Job: keep the answers of devices, of which the HJ 212 ledger shows only the last few."""
        centre, kv = self._house.centre, self._house.kv
        for (mn, period), track in list(centre.gaps.tracks.items()):
            settled = list(track.settled)
            if not settled:
                continue
            key = f"{mn}|{period.name}"
            kept: list[Any] = kv.get(SETTLED, key) or []
            known = {(one["start"], one["end"], one["settled_at"]) for one in kept}
            fresh = [one for one in settled if (one["start"], one["end"], one["settled_at"]) not in known]
            if fresh:
                kept += [one | self._command(mn, period, int(one["asked_at"])) for one in fresh]
                kv.set(SETTLED, key, kept[-KEPT:])

    def _command(self, mn: str, period: Period, asked_at: int) -> dict[str, Any]:
        for command in self._house.centre.desk.of(mn):
            if command.cn == COMMANDS[period] and abs(command.sent_at // US - asked_at) <= NEAR_S:
                return {"command": command.id, "qn": command.qn, "exe_rtn": command.exe_rtn}
        return {}

    # --- what pages and verbs ask -------------------------------------------------------------------------------------

    def of_series(self, series: int, start: int | None = None, end: int | None = None) -> dict[str, Any]:
        """Stretches of one series in [start, end) [s], newest first; by default the last 30 days.

        Raises
        ------
        BadInput
            When nobody says how often the series is due, or too much is asked for at once.
        """
        key, interval = self._catalogue.key(series)
        now = self._house.clock.now() // US
        patience = rules()["patience"]
        until = min(now - patience, end if end is not None else now)
        since = start if start is not None else until - rules()["completeness_long"]
        zh, en, _, _ = factor_words(key.factor)
        told = {"series": series, "site": key.site, "factor": key.factor, "zh": zh, "en": en, "stat": key.stat.name,
                "period": key.period.name, "interval_s": interval, "from": since, "to": until}  # fmt: skip
        if interval is None:
            return told | {"items": [], "counts": dict.fromkeys(VERDICTS, 0), "due": 0, "rule": False}
        if key.period > Period.DAY:
            raise BadInput("gaps are kept of periods up to a day", field="period")
        count, first = self._house.readings.counts.of(np.array([series]))
        if int(count[0]):
            since = max(since, int(first[0]))
        many = (until - since) // interval
        if many > MOST_SLOTS:
            raise BadInput(f"{many} slots are too many for one answer", field="from", hint="ask for less time")
        slots = _slots(since, until, interval)
        items = list(self._stretches(series, key, interval, slots))
        counts = {name: sum(one["slots"] for one in items if one["verdict"] == name) for name in VERDICTS}
        return told | {"items": items[::-1], "counts": counts, "due": len(slots), "rule": True}

    def overview(
        self, *, site: str = "", q: str = "", start: int | None = None, end: int | None = None, limit: int = 200
    ) -> dict[str, Any]:
        """Stretches of many series, those that lack most first; series that are complete are left out."""
        found = self._catalogue.series(q=q, where={"site": site}, order="completeness", limit=10_000)
        rows: list[dict[str, Any]] = []
        looked = 0
        for one in found["items"]:
            whole = one["completeness_30d"] in (None, 1.0) and one["completeness_24h"] in (None, 1.0)
            if whole or one["interval_s"] is None or Period[one["period"]] > Period.DAY:
                continue
            looked += 1
            told = self.of_series(one["series"], start, end)
            rows += [row | {"series": one["series"], "site": one["site"], "site_name": one["site_name"],
                            "factor": one["factor"], "zh": one["zh"], "en": one["en"], "stat": one["stat"],
                            "period": one["period"]} for row in told["items"]]  # fmt: skip
            if len(rows) >= limit:
                break
        counts = {name: sum(one["slots"] for one in rows if one["verdict"] == name) for name in VERDICTS}
        return {"items": rows[:limit], "total": len(rows), "counts": counts, "looked_at": looked}

    # --- finding ------------------------------------------------------------------------------------------------------

    def _stretches(self, series: int, key: SeriesKey, interval: int, slots: np.ndarray) -> Iterator[dict[str, Any]]:
        if not len(slots):
            return
        readings = self._house.readings
        start, end = int(slots[0]), int(slots[-1]) + interval
        found = readings.read_columns([series], start - interval, end)
        have = _floor(found.time, interval)
        stopped = np.isin(found.flag, [int(one) for one in STOPPED])
        usable = (found.value != NO_VALUE) & ~stopped
        missing = ~np.isin(slots, have[usable])
        flagged = {int(at): int(seq) for at, seq in zip(have[stopped], found.seq[stopped], strict=True)}
        kept = self._kept(key, interval, start, end)
        kept.flagged, kept.before = flagged, _before(have, stopped)
        group: list[tuple[int, str]] = []
        for at in slots[missing].tolist():
            cause = cause_of(_clues(at, interval, kept, key.period))
            if group and (group[-1][0] + interval != at or group[-1][1] != cause):
                yield self._told(group, interval, kept, key)
                group = []
            group.append((at, cause))
        if group:
            yield self._told(group, interval, kept, key)

    def _kept(self, key: SeriesKey, interval: int, start: int, end: int) -> _Kept:
        house = self._house
        answers: list[Mapping[str, Any]] = []
        asking: set[int] = set()
        rejects: list[Mapping[str, Any]] = []
        patience = rules()["patience"]
        for profile in house.directory.all():
            if profile.site != key.site:
                continue
            name = f"{profile.mn}|{key.period.name}"
            answers += house.kv.get(SETTLED, name) or []
            track = house.centre.gaps.tracks.get((profile.mn, key.period))
            if track is not None:
                answers += list(track.settled)
                asking |= {at for at, one in list(track.chunks.items()) if one.state == "asked" or one.attempts}
            else:
                answers += (house.kv.get(LEDGER, name) or {}).get("settled", [])
            rejects += [
                one for one in house.rejects.find(mn=profile.mn, limit=5000)
                if start * US <= one["at"] < (end + patience) * US
            ]  # fmt: skip
        times = np.array(house.readings.times(key.site, key.period, start, end), np.int64)
        return _Kept(
            answers, asking, house.life.downs(start, end + patience), rejects, house.life.first(),
            np.unique(_floor(times, interval)), {}, (np.empty(0, np.int64), np.empty(0, bool)),
        )  # fmt: skip

    def _told(self, group: Sequence[tuple[int, str]], interval: int, kept: _Kept, key: SeriesKey) -> dict[str, Any]:
        start, cause = group[0]
        end = group[-1][0] + interval
        verdict = verdict_of(cause)
        _, zh, en = CAUSES[cause]
        return {
            "start": start, "end": end, "slots": len(group), "verdict": verdict, "verdict_zh": VERDICTS[verdict][0],
            "verdict_en": VERDICTS[verdict][1], "cause": cause, "cause_zh": zh, "cause_en": en,
            "evidence": self._evidence(cause, (start, end), kept, key),
        }  # fmt: skip

    def _evidence(self, cause: str, span: tuple[int, int], kept: _Kept, key: SeriesKey) -> list[dict[str, Any]]:
        start, end = span
        patience = rules()["patience"]
        if cause == "flagged_stopped":
            return [{"kind": "frame", "id": seq} for at, seq in kept.flagged.items() if start <= at < end][:20]
        if cause == "not_in_message":
            rows = self._house.readings.read(key.site, periods=[key.period], start=start, end=end)
            return [{"kind": "frame", "id": one} for one in dict.fromkeys(row.frame for row in rows)][:20]
        told: list[dict[str, Any]] = []
        if cause in ("device_has_none", "no_answer"):
            names = ("asked_at", "attempts", "result", "settled_at", "command", "qn", "exe_rtn")
            told += [
                {"kind": "answer", **{name: one.get(name) for name in names}}
                for one in kept.answers if one["start"] < end and one["end"] > start
            ][-5:]  # fmt: skip
        if cause == "refused":
            told += [
                {"kind": "reject", "id": one["id"], "reason": one["reason"], "at": one["at"] // US}
                for one in kept.rejects if start * US <= one["at"] < (end + patience) * US
            ][:20]  # fmt: skip
        if cause in ("node_down", "device_has_none"):
            told += [
                {"kind": "node_down", "from": a, "to": b, "how": how} for a, b, how in kept.downs if a < end + patience
                and b > start
            ]  # fmt: skip
        return told


def _clues(at: int, interval: int, kept: _Kept, period: Period) -> Clues:
    ends, patience = at + interval, rules()["patience"]
    answer = _answer(kept.answers, at)
    place = int(np.searchsorted(kept.before[0], at)) - 1
    return Clues(
        flagged_stopped=at in kept.flagged,
        not_in_message=_has(kept.others, at),
        device_has_none=answer is not None and answer["state"] == "missing_at_source",
        refused=any(ends * US <= one["at"] < (ends + patience) * US for one in kept.rejects),
        node_down=any(a <= ends < b for a, b, _ in kept.downs),
        stopped_before=place >= 0 and bool(kept.before[1][place]),
        no_answer=answer is not None and answer["state"] == "given_up",
        asked=any(start <= at < start + CHUNKS.get(period, 0) for start in kept.asking),
        before_first_run=kept.first_run is None or ends <= kept.first_run,
    )


def _slots(start: int, end: int, interval: int) -> np.ndarray:
    """Starts of the periods that lie whole in [start, end), on a grid of China time."""
    first = -((-(start + CHINA_S)) // interval) * interval - CHINA_S
    return np.arange(first, end - interval + 1, interval, dtype=np.int64)


def _floor(times: np.ndarray, interval: int) -> np.ndarray:
    floored: np.ndarray = (times + CHINA_S) // interval * interval - CHINA_S
    return floored


def _before(have: np.ndarray, stopped: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(have, kind="stable")
    return have[order], stopped[order]


def _has(times: np.ndarray, at: int) -> bool:
    place = int(np.searchsorted(times, at))
    return place < len(times) and int(times[place]) == at


def _answer(answers: Sequence[Mapping[str, Any]], at: int) -> Mapping[str, Any] | None:
    mine = [one for one in answers if one["start"] <= at < one["end"] and one["state"] != "filled"]
    return max(mine, key=lambda one: int(one["settled_at"]), default=None)


def _chunk(period: Period) -> int:
    return CHUNKS.get(period, 0)
