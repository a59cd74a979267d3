"""The judge room: arrivals make windows dirty; dirty windows are judged; what changed is kept and told.

**When.** A window is judged (a) once it is over, soon after data of its own period came for it; (b) while it runs, soon
after data of any period came, if the judge asks to be told at arrival; (c) when it closes, a grace after its end; (d)
again whenever late data comes for it. Marks on one window are joined, so a burst costs one judgement.

**What is kept.** A verdict is stored, and told to the house, when it differs in substance from the one its window has.
While a window still runs its means move with every reading: then only a change of status, level or deciding factors
counts, and "cannot be judged" is not stored at all, since the window may still fill. The same holds for indicative
judges (`Judge.newest_only`), whose newest verdicts are in `now_verdicts`.

**After a kill.** Nothing is queued on disk. A watermark says up to which moment everything that had arrived was judged;
`recover` marks again every window that took data or closed since then; judging again what was judged already changes
nothing, because the same verdict is not stored twice.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from jinyun import __version__
from jinyun.judge.marks import HOUR, Key, Touch, Touched, Waiting, batches, hour_of, window
from jinyun.judge.reader import Reader
from jinyun.judge.site_records import SiteRecords
from jinyun.judge.standing import Standing
from jinyun.judge.stretch import Stretch
from jinyun.judge.substance import voided
from jinyun.kernel.declare import Judge, JudgeInput
from jinyun.kernel.ports import Arrival, Clock, KeyValue, ReadingStore, RecordStore, VerdictStore
from jinyun.kernel.terms import LENGTHS, Period, Site, Verdict, Window, period_start

log = structlog.get_logger(__name__)

SPACE, WATERMARK = "judge", "watermark"
_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Pace:
    """How eagerly the room works. [s]"""

    arrival_interval_s: float = 5.0  # an on-arrival judge of one site at most this often
    settle_s: float = 2.0  # data of one window often comes in several messages: wait for the rest
    late_settle_s: float = 10.0  # back-fill comes by the hundred: wait until the day's share is in
    recent_s: int = 2 * 86400  # windows that began longer ago wait until the younger ones are judged
    close_after_s: int = 300  # a window closes this long after its end
    watermark_every_s: float = 30.0
    recover_days: int = 7  # how far back a start looks at most
    recover_hours: int = 3  # how far back without a watermark
    chunk: int = 400  # sites read at once


class JudgeRoom:
    """Runs the domains' judges.

    Parameters
    ----------
    on_verdict : callable
        Told of each verdict that was stored, with the one it supersedes in its window (None for a new window).
    kv : KeyValue, optional
        Keeps the watermark; without it a start looks back `Pace.recover_hours`.
    """

    def __init__(
        self,
        *,
        judges: Sequence[Judge],
        readings: ReadingStore,
        records: RecordStore,
        verdicts: VerdictStore,
        sites: Callable[[str], Site | None],
        clock: Clock,
        on_verdict: Callable[[Verdict, Verdict | None], None],
        kv: KeyValue | None = None,
        pace: Pace | None = None,
    ) -> None:
        self.judges = {judge.id: judge for judge in judges}
        self.pace = pace or Pace()
        self._by_kind: dict[str, tuple[Judge, ...]] = {}
        for judge in judges:
            for kind in judge.site_kinds:
                self._by_kind[kind] = (*self._by_kind.get(kind, ()), judge)
        self._store, self._reader = readings, Reader(readings)
        self._verdicts, self._sites, self._clock, self._kv = verdicts, sites, clock, kv
        self._stands = Standing(verdicts)
        self._tell = on_verdict
        self._records = SiteRecords(records, {kind for judge in judges for kind in judge.needs_records})
        self._touched, self._waiting = Touched(), Waiting()
        self._now: dict[tuple[str, str], Verdict] = {}
        self._judged_at: dict[tuple[str, str], float] = {}
        self._untold: deque[tuple[Verdict, Verdict | None]] = deque()
        self._problems: deque[dict[str, Any]] = deque(maxlen=50)
        self._again: set[Key] = set()  # marked by `rejudge_windows`
        self._again_left: set[Key] = set()  # of them, those not judged yet
        self._again_lock = threading.Lock()
        self._marked_at = 0.0
        self._running = threading.Lock()
        self._counts = {"arrivals": 0, "judged": 0, "stored": 0, "failed": 0, "runs": 0}
        self._last_run_s = 0.0

    # --- marking ------------------------------------------------------------------------------------------------------

    def touch(self, arrival: Arrival) -> None:
        """Say that readings came. Cheap and safe from any thread; called for every message."""
        self._counts["arrivals"] += 1
        self._touched.add(arrival.site, int(arrival.period), arrival.time)

    def records_changed(self, type_id: str, id: str) -> None:
        """Say that a record changed: its site's running windows are judged again. Verdicts on closed windows stay as
        they were given; `rejudge` does them again."""
        self._records.changed(type_id, id)

    def rejudge(self, site: str, start: int, end: int) -> None:
        """Mark all windows of a site in [start, end) that have readings. [s]"""
        for hour in range(hour_of(start), end, HOUR):
            for period in Period:
                self._touched.add(site, int(period), hour)

    def rejudge_windows(self, judges: Sequence[str], sites: Sequence[str], start: int, end: int) -> int:
        """Mark the windows in [start, end) that have a verdict of one of `judges`; how many. Any thread. [s]"""
        marked = {
            Key(one.start, judge, one.subject)
            for judge in judges
            for one in self._verdicts.briefs(judge, sites, start, end)
        }
        with self._again_lock:
            self._again |= marked
            self._again_left |= marked
        return len(marked)

    def waits_for_again(self) -> int:
        """How many of the windows marked by `rejudge_windows` are still to be judged."""
        with self._again_lock:
            return len(self._again_left)

    def judge_windows(self, pieces: Iterable[Sequence[Key]], readings: Any = None) -> int:
        """Judge exactly these windows now, in the caller's thread; how many. What differs is stored and told.

        `readings` is read instead of the store (it may hold a stretch in memory). Between two pieces the room's own
        runs may come in. A window in which there is nothing to judge any more gets a verdict that says so.
        """
        self._store.flush()
        reader = Reader(self._store if readings is None else readings)
        done = 0
        for keys in pieces:
            with self._running:
                self._retell()
                self._refresh_records(self._clock.now())
                mine = batches(sorted(keys), self.pace.chunk)
                fresh = [one for batch in mine for one in self._differing(batch, reader, voids=True)]
                if fresh:
                    self._keep(fresh)  # one transaction for the whole piece
            done += len(keys)
        return done

    def _refresh_records(self, now: int) -> None:
        for id in self._records.refresh():
            for period in Period:
                self._touched.add(id, int(period), now // _US)

    def _absorb(self, now: int, monotonic: float) -> None:
        """Turn what was touched into windows that wait."""
        self._refresh_records(now)
        with self._again_lock:
            again, self._again = self._again, set()
        for key in again:
            self._waiting.soon(key, 0.0)
        for touch in self._touched.take():
            site = self._sites(touch.site)
            for judge in self._by_kind.get(site.kind, ()) if site is not None else ():
                if touch.period in judge.reading_periods:
                    self._mark(judge, touch, now, monotonic)

    def _mark(self, judge: Judge, touch: Touch, now: int, monotonic: float) -> None:
        start = period_start(judge.period, touch.hour - judge.offset_s) + judge.offset_s
        end = start + LENGTHS[judge.period]
        key = Key(start, judge.id, touch.site)
        closes = (end + self.pace.close_after_s) * _US
        if closes <= now:
            if not judge.newest_only:  # an indication of a time gone by helps nobody
                late = self.pace.settle_s if judge.period is Period.HOUR else self.pace.late_settle_s
                self._waiting.soon(key, monotonic + late)
            return
        if touch.period >= judge.period and end * _US <= now:
            self._waiting.soon(key, monotonic + self.pace.settle_s)
        elif judge.on_arrival:
            self._waiting.soon(key, max(monotonic, self._last_judged(key) + self.pace.arrival_interval_s))
        if not judge.newest_only:
            self._waiting.at_close(key, closes)

    def _last_judged(self, key: Key) -> float:
        return self._judged_at.get((key.judge, key.site), 0.0)

    # --- judging ------------------------------------------------------------------------------------------------------

    def run(self, budget_s: float = 2.0, *, settled: bool = True) -> int:
        """Judge what is due, for about `budget_s`; how many windows were judged.

        With `settled` False also those that wait for more data or for their turn: then 0 means that nothing is left but
        windows that have not closed. One run at a time: a second caller waits for the first.
        """
        with self._running:
            return self._run(budget_s, settled)

    def _run(self, budget_s: float, settled: bool) -> int:
        began = time.monotonic()
        self._counts["runs"] += 1
        now = self._clock.now()
        self._retell()
        self._absorb(now, began)
        keys = self._waiting.due(now, began if settled else None)
        done = 0
        if keys:
            self._store.flush()  # what was touched can be read from here on
            old = now // _US - self.pace.recent_s
            keys.sort(key=lambda key: (key.start < old, key))  # back-fill of long ago lets what is live go first
            mine = list(batches(keys, self.pace.chunk))
            stretch = Stretch(self._store, self.judges)
            for n, batch in enumerate(mine):
                if n and time.monotonic() - began > budget_s:
                    self._put_back(mine[n:])
                    break
                try:
                    reader = stretch.reader(batch, mine[n:]) if batch[0].start < old else None
                    done += self._judge(batch, reader)
                except BaseException:
                    self._put_back(mine[n:])  # a store that failed: nothing is lost, the next run tries again
                    raise
        self._last_run_s = time.monotonic() - began
        self._keep_watermark(now, began)
        return done

    def _put_back(self, batches: Iterable[Sequence[Key]]) -> None:
        for batch in batches:
            for key in batch:
                self._waiting.soon(key, 0.0)

    def settle(self, timeout_s: float = 60.0) -> int:
        """Judge until nothing is left but windows that have not closed; how many were judged."""
        end, total = time.monotonic() + timeout_s, 0
        while (done := self.run(settled=False)) and time.monotonic() < end:
            total += done
        return total

    def _judge(self, keys: Sequence[Key], reader: Reader | None = None) -> int:
        """Judge one window of one judge at many sites, and keep what changed."""
        fresh = self._differing(keys, reader)
        if fresh:
            self._keep(fresh)
        if self._again_left:
            with self._again_lock:
                self._again_left.difference_update(keys)
        return len(keys)

    def _differing(
        self, keys: Sequence[Key], reader: Reader | None = None, *, voids: bool = False
    ) -> list[tuple[Key, Verdict]]:
        """Verdicts on one window of one judge at many sites that differ from those stored.

        With `voids` a window that has a verdict, but nothing left to judge, gets one that says so.
        """
        judge = self.judges[keys[0].judge]
        where = window(judge.period, keys[0].start)
        inputs = (reader or self._reader).read(judge, where, [key.site for key in keys])
        self._stands.look_up(judge, where, keys)
        now = self._clock.now()
        fresh: list[tuple[Key, Verdict]] = []
        for key in keys:
            if judge.on_arrival:
                self._judged_at[key.judge, key.site] = time.monotonic()
            mine, site = inputs.get(key.site), self._sites(key.site)
            if mine is None or site is None:
                continue
            given = JudgeInput(
                site, where, mine.readings, self._records.of(key.site, judge.needs_records), mine.monitored
            )
            try:
                verdict = judge.run(given)
            except Exception as wrong:
                self._failed(judge, key, wrong)
                continue
            if verdict is None and voids and (stands := self._stands.current(key, where)) is not None:
                verdict = voided(stands)  # a correction took away what it rested on
            if verdict is None:
                continue
            verdict = replace(verdict, computed_at=now, code_version=__version__)
            if judge.newest_only:
                self._now[key.site, judge.id] = verdict
            if self._stands.differs(judge, key, verdict, now // _US):
                fresh.append((key, verdict))
        self._counts["judged"] += len(keys)
        return fresh

    def _failed(self, judge: Judge, key: Key, wrong: Exception) -> None:
        self._counts["failed"] += 1
        self._problems.append(
            {"at": self._clock.now(), "judge": judge.id, "site": key.site, "start": key.start, "problem": str(wrong)}
        )
        log.warning("judge.failed", judge=judge.id, site=key.site, start=key.start, problem=str(wrong), exc_info=True)

    # --- keeping ------------------------------------------------------------------------------------------------------

    def _keep(self, fresh: Sequence[tuple[Key, Verdict]]) -> None:
        before = [self._stands.before(key, verdict.window) for key, verdict in fresh]
        stored = self._verdicts.add([verdict for _, verdict in fresh])
        self._counts["stored"] += len(stored)
        for (key, _), previous, verdict in zip(fresh, before, stored, strict=True):
            self._stands.remember(key, verdict)
            if self.judges[key.judge].newest_only:
                self._now[key.site, key.judge] = verdict
            self._untold.append((verdict, previous))
        self._retell()

    def _retell(self) -> None:
        """Tell the house; what it could not take is told again at the next run, in order."""
        while self._untold:
            verdict, previous = self._untold[0]
            try:
                self._tell(verdict, previous)
            except Exception as wrong:
                log.exception("judge.not_told", verdict=verdict.id)
                self._problems.append(
                    {"at": self._clock.now(), "judge": verdict.judge, "site": verdict.subject,
                     "start": verdict.window.start, "problem": f"the house could not take the verdict: {wrong}"}
                )  # fmt: skip
                return
            self._untold.popleft()

    # --- asking -------------------------------------------------------------------------------------------------------

    def now_verdicts(self) -> Mapping[tuple[str, str], Verdict]:
        """Newest verdict of each indicative judge, by (site, judge); from memory, so empty after a start."""
        return dict(self._now)

    def judge_now(self, judge_id: str, site: str, where: Window) -> Verdict | None:
        """What a judge says of a window at this moment; nothing is stored."""
        judge, place = self.judges[judge_id], self._sites(site)
        self._records.refresh()
        mine = self._reader.read(judge, where, [site]).get(site)
        if mine is None or place is None:
            return None
        records = self._records.of(site, judge.needs_records)
        verdict = judge.run(JudgeInput(place, where, mine.readings, records, mine.monitored))
        return verdict and replace(verdict, computed_at=self._clock.now(), code_version=__version__)

    def state(self) -> Mapping[str, Any]:
        """Figures for the system page."""
        return {
            **self._counts,
            "touched": len(self._touched),
            "ready": len(self._waiting.ready),
            "closing": self._waiting.closing,
            "untold": len(self._untold),
            "last_run_s": round(self._last_run_s, 4),
            "problems": list(self._problems),
        }

    # --- surviving ----------------------------------------------------------------------------------------------------

    def _keep_watermark(self, now: int, monotonic: float) -> None:
        """Once nothing that arrived before `now` waits to be judged, a start need not look further back."""
        if self._kv is None or self._waiting.ready or self._untold:
            return
        if not self._marked_at or monotonic - self._marked_at >= self.pace.watermark_every_s:
            self._kv.set(SPACE, WATERMARK, now)
            self._marked_at = monotonic

    def recover(self) -> int:
        """Mark again what took data or closed since the watermark; how many marks. Call once, before the first `run`.

        The newest reading of each series says how far a site's data goes; every hour from the watermark up to it is
        marked, and so is every hour, however old, that took data since the watermark (back-fill).
        """
        now = self._clock.now()
        kept = self._kv.get(SPACE, WATERMARK) if self._kv is not None else None
        since = now - self.pace.recover_hours * HOUR * _US if kept is None else int(kept)
        arrived = since - int(2 * self.pace.watermark_every_s) * _US  # what was on its way when the mark was set
        since = max(since, now - self.pace.recover_days * 24 * HOUR * _US)
        first = hour_of(since // _US - self.pace.close_after_s - HOUR)
        marks = set()
        for site, newest in self._store.latest().items():
            for period in {one.period for one in newest}:
                last = max(one.time for one in newest if one.period is period)
                start = first if period < Period.DAY else period_start(Period.DAY, first)
                marks |= {(site, period, hour) for hour in range(start, last + 1, HOUR)}
        marks |= {(site, period, hour_of(at)) for site, period, at in self._store.arrivals_since(arrived)}
        for site, period, hour in marks:
            self._touched.add(site, int(period), hour)
        return len(marks)
