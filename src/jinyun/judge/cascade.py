"""From edited readings and limits to exactly the windows that rest on them, and what their verdicts would become.

The dependency graph: a reading lies in one window of each judge that looks at its series; a limit record bears on the
judged windows of its site inside its time of validity. No other window is looked at: `Foreseen.judged` counts them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

import numpy as np

from jinyun.judge.edits import LimitEdit, Resolved
from jinyun.judge.marks import Key, window
from jinyun.judge.overlay import Columns, Overlay
from jinyun.judge.reader import Reader
from jinyun.judge.reader import asked as asked_by
from jinyun.judge.site_records import SiteRecords
from jinyun.judge.substance import said, voided
from jinyun.kernel.declare import Judge, JudgeInput
from jinyun.kernel.ports import Clock, ReadingStore, RecordStore, VerdictStore
from jinyun.kernel.terms import CHINA, LENGTHS, Reading, Site, Verdict, Window

OFFSET = 28_800  # China civil time against UTC [s]
HELD_ROWS = 400_000
"""Readings held in memory at once while the windows of a stretch are judged."""
BEGIN, END = date(1970, 1, 1), date(9999, 12, 30)


@dataclass(frozen=True, slots=True)
class Change:
    """One window whose verdict would be another. `was` None: there was none; `would` None never comes."""

    judge: str
    site: str
    window: Window
    was: Verdict | None
    would: Verdict
    changed: tuple[str, ...]  # of status, level, figure, deciding, items; empty: only its evidence is renewed

    @property
    def flips(self) -> bool:
        return "status" in self.changed or "level" in self.changed


@dataclass(slots=True)
class Foreseen:
    """What a session would do to verdicts."""

    judged: int = 0  # windows looked at
    same: int = 0
    running: int = 0  # windows that have not ended: the judge room takes them as ever
    changes: list[Change] = field(default_factory=list)
    problems: list[dict[str, Any]] = field(default_factory=list)


class Cascade:
    """Judges' windows over the stores of one house."""

    def __init__(
        self,
        *,
        judges: Mapping[str, Judge],
        readings: ReadingStore,
        records: RecordStore,
        verdicts: VerdictStore,
        sites: Callable[[str], Site | None],
        clock: Clock,
    ) -> None:
        self._judges = {name: one for name, one in judges.items() if not one.newest_only}
        self._readings, self._records, self._verdicts = readings, records, verdicts
        self._sites, self._clock = sites, clock

    # --- which windows ------------------------------------------------------------------------------------------------

    def dirty(self, resolved: Resolved) -> tuple[list[Key], list[Key]]:
        """Windows that rest on what is edited: those that are over, and those that still run."""
        keys = self._of_readings(resolved.rows, resolved.series)
        for limit in resolved.limits:
            keys |= self._of_limit(limit)
        now = self._clock.now() // 1_000_000
        over = {key for key in keys if key.start + LENGTHS[self._judges[key.judge].period] <= now}
        return sorted(over), sorted(keys - over)

    def _of_readings(self, rows: Columns, series: Mapping[int, tuple[str, Reading]]) -> set[Key]:
        keys: set[Key] = set()
        done: set[tuple[str, str, int, int]] = set()
        for number in np.unique(rows.series).tolist():
            site_id, like = series[number]
            site = self._sites(site_id)
            if site is None:
                continue
            times = rows.time[rows.series == number]
            for judge in self._judges.values():
                if site.kind in judge.site_kinds and asked_by(judge, like):
                    length, shift = LENGTHS[judge.period], OFFSET - judge.offset_s
                    starts = np.unique((times + shift) // length * length - shift)
                    mark = (judge.id, site_id, hash(starts.tobytes()), len(starts))
                    if mark not in done:
                        done.add(mark)
                        keys.update(Key(start, judge.id, site_id) for start in starts.tolist())
        return keys

    def _of_limit(self, limit: LimitEdit) -> set[Key]:
        """Judged windows of the record's sites on the days on which it is valid, before the change or after it."""
        keys = set()
        for site_id in self._sites_of(limit):
            site = self._sites(site_id)
            for judge in self._judges.values():
                if site is None or site.kind not in judge.site_kinds or limit.type not in judge.needs_records:
                    continue
                length = LENGTHS[judge.period]
                for start, end in (_valid(limit.before), _valid(limit.after)):
                    # a window counts when any part of it is on such a day
                    found = self._verdicts.briefs(judge.id, [site_id], start - length + 1, end)
                    keys |= {Key(one.start, judge.id, site_id) for one in found}
        return keys

    def _sites_of(self, limit: LimitEdit) -> set[str]:
        found = set()
        for data in (limit.before, limit.after):
            if outlet := data.get("outlet"):
                found.add(str(self._records.get("outlet", str(outlet)).data.get("site") or ""))
            elif standard := data.get("standard"):
                outlets = self._records.find("outlet", limit=100_000)
                found |= {str(o.data.get("site") or "") for o in outlets if _names(o.data.get("standard"), standard)}
        return found - {""}

    # --- what they would become ---------------------------------------------------------------------------------------

    def foresee(
        self,
        resolved: Resolved,
        *,
        progress: Callable[[int, int], None] | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Foreseen:
        """Every dirty window judged over the overlay; nothing is stored."""
        self._readings.flush()
        over, running = self.dirty(resolved)
        told = Foreseen(running=len(running))
        records = self._site_records(resolved, over)
        overlay = Overlay(self._readings, resolved.rows)
        for keys in self.held(overlay, over):
            if stopped():
                break
            self._look(keys, overlay, records, told)
            if progress is not None:
                progress(told.judged, len(over))
        return told

    def held(self, overlay: Overlay, keys: Sequence[Key]) -> Iterator[list[Key]]:
        """`keys` in order of time, in pieces whose readings `overlay` then holds."""
        for site, mine in groupby(sorted(keys, key=lambda key: (key.site, key.start)), key=lambda key: key.site):
            wanted = sorted(mine)
            newest = overlay.latest([site]).get(site, ())
            asked = {self._judges[key.judge].id for key in wanted}
            series = sorted({o.series for o in newest for name in asked if asked_by(self._judges[name], o)})
            if not series:
                yield wanted
                continue
            per_day = sum(86400 // (LENGTHS.get(o.period) or 30) for o in newest if o.series in set(series))
            span = max(86400, HELD_ROWS // max(1, per_day) * 86400)
            while wanted:
                begin = wanted[0].start
                piece = [key for key in wanted if self._end(key) <= begin + span] or wanted[:1]
                # windows far apart are not read as one stretch
                cut = next((i for i in range(1, len(piece)) if piece[i].start - piece[i - 1].start > 86400), len(piece))
                piece = piece[:cut]
                taken = set(piece)
                overlay.hold(series, min(k.start for k in piece), max(self._end(k) for k in piece))
                wanted = [key for key in wanted if key not in taken]
                yield piece

    def _end(self, key: Key) -> int:
        return key.start + LENGTHS[self._judges[key.judge].period]

    def _site_records(self, resolved: Resolved, keys: Sequence[Key]) -> SiteRecords:
        asked = {kind for name in {key.judge for key in keys} for kind in self._judges[name].needs_records}
        over = {(limit.type, limit.id): limit.after for limit in resolved.limits}
        records = SiteRecords(self._records, asked, over=over)
        records.refresh()
        return records

    def _look(self, keys: Sequence[Key], overlay: Overlay, records: SiteRecords, told: Foreseen) -> None:
        reader = Reader(overlay)  # type: ignore[arg-type]
        for (start, judge_id), same in groupby(sorted(keys), key=lambda key: (key.start, key.judge)):
            judge, sites = self._judges[judge_id], [key.site for key in same]
            where = window(judge.period, start)
            was = self._verdicts.currents(judge_id, sites, where)
            inputs = reader.read(judge, where, sites)
            for site_id in sites:
                told.judged += 1
                mine, site = inputs.get(site_id), self._sites(site_id)
                if mine is None or site is None:
                    continue
                given = JudgeInput(site, where, mine.readings, records.of(site_id, judge.needs_records), mine.monitored)
                try:
                    would = judge.run(given)
                except Exception as wrong:  # one odd window must not end a preview
                    problem = f"{type(wrong).__name__}: {wrong}"
                    told.problems.append({"judge": judge_id, "site": site_id, "start": start, "problem": problem})
                    continue
                self._compare(was.get(site_id), would, told)

    @staticmethod
    def _compare(was: Verdict | None, would: Verdict | None, told: Foreseen) -> None:
        if would is None:
            if was is None:
                told.same += 1
                return
            would = voided(was)
        changed = difference(was, would)
        if was is not None and not changed and _evidence(was) == _evidence(would):
            told.same += 1
            return
        told.changes.append(Change(would.judge, would.subject, would.window, was, would, changed))


def difference(was: Verdict | None, would: Verdict) -> tuple[str, ...]:
    """What of a verdict is another: status, level, figure, deciding, items; "new" where there was none."""
    if was is None:
        return ("new", "status")
    pairs = {
        "status": was.status != would.status, "level": was.level != would.level, "figure": was.figure != would.figure,
        "deciding": set(was.deciding) != set(would.deciding),
    }  # fmt: skip
    found = tuple(name for name, differs in pairs.items() if differs)
    return found or (("items",) if said(was) != said(would) else ())


def _evidence(verdict: Verdict) -> frozenset[tuple[int, int, int]]:
    return frozenset((one.series, one.time, one.seq) for one in verdict.evidence())


def _names(given: Any, standard: Any) -> bool:
    """Whether an outlet's field names this standard, however it is spaced."""
    return "".join(str(given or "").split()).upper() == "".join(str(standard).split()).upper()


def _valid(data: Mapping[str, Any]) -> tuple[int, int]:
    """The stretch in which a limit is valid. [s]"""
    first = date.fromisoformat(data["valid_from"]) if data.get("valid_from") else BEGIN
    last = date.fromisoformat(data["valid_to"]) if data.get("valid_to") else END
    return _midnight(first), _midnight(last + timedelta(1))


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=CHINA).timestamp())
