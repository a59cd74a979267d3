"""What verdicts would be under another edition, and judging again for real: jobs beside the node's own work.

A what-if stores nothing. Judging again stores a new revision where the answer differs, as the judge room does by itself
when late data come; its job then lists what changed. One job runs at a time, with a pause after every window as long as
the work took, so that it never has more than half of one core.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import structlog

from jinyun.app.services.edition_rows import again_row, flat_row, revised_row, turn_words
from jinyun.app.services.periods.spans import seconds
from jinyun.judge.what_if import Again, WhatIf
from jinyun.kernel.declare import Judge
from jinyun.kernel.errors import BadInput, Busy, JinyunError, NotFound, Unavailable
from jinyun.kernel.terms import Status, Verdict

if TYPE_CHECKING:
    from jinyun.app.assemble import House

log = structlog.get_logger("editions")

DAYS_AT_MOST = 1100
WINDOWS_AT_MOST = 400_000
KEPT_JOBS = 8
KEPT_ROWS = 20_000
PAGE_AT_MOST = 5_000
SETTLE_S = 600.0  # how long judging again may take for one month of windows
Words = tuple[str, str]


@dataclass(slots=True)
class Job:
    """One run over a range of days."""

    id: str
    kind: str  # what_if, rejudge
    as_on: date | None
    first: date
    last: date
    judges: Sequence[Judge]
    sites: Sequence[str]
    total: int
    by: str
    state: str = "waiting"  # running, done, failed, cancelled
    done: int = 0
    began: float = 0.0
    ended: float = 0.0
    problem: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    by_change: Counter[tuple[str, str]] = field(default_factory=Counter)
    rows: list[dict[str, Any]] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def as_dict(self) -> dict[str, Any]:
        elapsed = (self.ended or time.monotonic()) - self.began if self.began else 0.0
        zh, en = self.sentences()
        return {
            "id": self.id, "kind": self.kind, "state": self.state, "done": self.done, "total": self.total,
            "elapsed_s": round(elapsed, 1), "problem": self.problem,
            "asked": {
                "as_on": self.as_on.isoformat() if self.as_on else None, "from": self.first.isoformat(),
                "to": self.last.isoformat(), "judges": [one.id for one in self.judges], "sites": list(self.sites),
                "by": self.by,
            },
            "counts": {name: self.counts[name] for name in COUNTED},
            "by_change": [
                {"from": was, "to": would, **turn_words(was, would), "count": count}
                for (was, would), count in self.by_change.most_common()
            ],
            "sentence_zh": zh, "sentence_en": en,
        }  # fmt: skip

    def sentences(self) -> Words:
        """What came of it, to read out."""
        judged, flips = self.counts["judged"], self.counts["flips"]
        span_zh, span_en = f"{self.first} 至 {self.last}", f"{self.first} to {self.last}"
        if self.kind == "rejudge":
            zh, en = f"{span_zh}重新判定", f"{span_en} judged again"
        else:
            zh, en = f"{span_zh}按{self.as_on}执行的标准重算", f"{span_en} by the editions in force on {self.as_on}"
        if self.state == "failed":
            return f"{zh}：未完成，{self.problem}。", f"{en}: not finished, {self.problem}."
        tail_zh = "" if self.state == "done" else f"（进行中 {self.done}/{self.total}）"
        tail_en = "" if self.state == "done" else f" ({self.done} of {self.total} so far)"
        if self.kind == "rejudge":
            changed = self.counts["changed"]
            return f"{zh}：{changed}条结论有变化{tail_zh}。", f"{en}: {changed} verdicts changed{tail_en}."
        return (
            f"{zh}：{judged}条结论中{flips}条改变达标状态或级别{tail_zh}。",
            f"{en}: {flips} of {judged} verdicts change their status or level{tail_en}.",
        )


COUNTED = (
    "judged", "same", "changed", "flips", "status", "level", "figure", "deciding", "edition_only", "no_verdict",
    "failed",
)  # fmt: skip


class Editions:
    """Jobs that judge again."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._queue: deque[Job] = deque()
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._worker: threading.Thread | None = None
        self._closed = threading.Event()

    # --- asking -------------------------------------------------------------------------------------------------------

    def ask(
        self,
        *,
        as_on: str = "",
        first: str = "",
        last: str = "",
        judges: Sequence[str] = (),
        sites: Sequence[str] = (),
        store: bool = False,
        by: str = "",
    ) -> dict[str, Any]:
        """Start a job over the windows that begin on `first` to `last` (both inside); its state.

        Raises
        ------
        BadInput
            For days, judges or sites that do not fit, or a range with too many windows.
        Busy
            When too many jobs wait.
        """
        job = self.prepare(as_on=as_on, first=first, last=last, judges=judges, sites=sites, store=store, by=by)
        with self._lock:
            if sum(one.state in ("waiting", "running") for one in self._jobs.values()) >= KEPT_JOBS:
                raise Busy(f"{KEPT_JOBS} jobs wait already; let one finish, or cancel it")
            self._jobs[job.id] = job
            self._queue.append(job)
            for old in [one.id for one in self._jobs.values() if one.state not in ("waiting", "running")]:
                if len(self._jobs) > KEPT_JOBS:
                    del self._jobs[old]
            if self._worker is None:
                self._worker = threading.Thread(target=self._work, name="editions", daemon=True)
                self._worker.start()
        return job.as_dict()

    def prepare(
        self,
        *,
        as_on: str,
        first: str,
        last: str,
        judges: Sequence[str] = (),
        sites: Sequence[str] = (),
        store: bool = False,
        by: str = "",
    ) -> Job:
        """A checked job, not yet started."""
        day = None if store else _day(as_on, "as_on")
        begin, end = _day(first, "from"), _day(last, "to")
        if end < begin:
            raise BadInput(f"from {begin} to {end} is no span", field="to", hint="the first day before the last")
        if (end - begin).days >= DAYS_AT_MOST:
            raise BadInput(
                f"from {begin} to {end} is {(end - begin).days + 1} days", field="from", hint=f"at most {DAYS_AT_MOST}"
            )
        known = {site.id for site in self._house.sites.all()}
        if unknown := [site for site in sites if site not in known]:
            raise NotFound("site", unknown[0], known=known)
        what_if = self._what_if()
        asked = what_if.judges(judges)
        start, stop = seconds(begin), seconds(end + timedelta(1))
        total = what_if.count(asked, list(sites) or None, start, stop)
        if total > WINDOWS_AT_MOST:
            raise BadInput(
                f"{total} windows are too many for one job",
                field="from",
                hint=f"at most {WINDOWS_AT_MOST}: name days, judges or sites",
            )
        kind = "rejudge" if store else "what_if"
        return Job(str(next(self._numbers)), kind, day, begin, end, asked, tuple(sites), total, by)

    def jobs(self) -> list[dict[str, Any]]:
        """All jobs that are remembered, newest first."""
        with self._lock:
            return [job.as_dict() for job in reversed(self._jobs.values())]

    def result(self, id: str, *, offset: int = 0, limit: int = 500, flips_only: bool = True) -> dict[str, Any]:
        """State, counts and a page of what differs, by time."""
        job = self._get(id)
        rows = [one for one in list(job.rows) if one["flip"] or not flips_only]
        items = rows[offset : offset + min(limit, PAGE_AT_MOST)]
        return {**job.as_dict(), "items": items, "total_rows": len(rows), "offset": offset,
                "cut": max(0, job.counts["flips" if flips_only else "changed"] - len(rows))}  # fmt: skip

    def flat(self, id: str, *, flips_only: bool = True) -> list[dict[str, Any]]:
        """All that differs, one flat row each: for CSV."""
        job = self._get(id)
        return [flat_row(one) for one in list(job.rows) if one["flip"] or not flips_only]

    def cancel(self, id: str) -> dict[str, Any]:
        """Stop a job at its next window."""
        job = self._get(id)
        job.stop.set()
        if job.state == "waiting":
            job.state = "cancelled"
        return job.as_dict()

    def _get(self, id: str) -> Job:
        with self._lock:
            job = self._jobs.get(id)
        if job is None:
            raise NotFound("job", id)
        return job

    # --- working ------------------------------------------------------------------------------------------------------

    def _what_if(self) -> WhatIf:
        house = self._house
        return WhatIf(
            judges=house.judge.judges, readings=house.readings, records=house.records, verdicts=house.verdicts,
            sites=house.sites.get,
        )  # fmt: skip

    def _work(self) -> None:
        while True:
            with self._lock:
                job = self._queue.popleft() if self._queue else None
                if job is None:
                    self._worker = None
                    return
            if job.state == "waiting":
                self.run(job)

    def at_once(
        self, job: Job, *, flips_only: bool = True, progress: Callable[[dict[str, Any]], None] | None = None
    ) -> dict[str, Any]:
        """Do a prepared job here and now, in a thread of its own while this one tells of its progress.

        Raises
        ------
        Unavailable
            When it failed.
        """
        self._jobs[job.id] = job
        worker = threading.Thread(target=self.run, args=(job,), kwargs={"gently": False}, daemon=True)
        worker.start()
        try:
            while worker.is_alive():
                worker.join(0.2)
                if progress is not None:
                    progress(job.as_dict())
        except BaseException:
            job.stop.set()
            worker.join()
            raise
        if job.state != "done":
            raise Unavailable(f"judging again {job.state}: {job.problem}")
        told = self.result(job.id, limit=0, flips_only=flips_only)
        rows = [one for one in job.rows if one["flip"] or not flips_only]
        return {**told, "items": rows, "flat": [flat_row(one) for one in rows]}

    def run(self, job: Job, *, gently: bool = True) -> None:
        """Do a job to its end; `gently` leaves half of the time to others."""
        job.state, job.began = "running", time.monotonic()
        try:
            if job.kind == "rejudge":
                self._rejudge(job)
            else:
                self._compare(job, gently)
            job.state = "cancelled" if job.stop.is_set() else "done"
        except JinyunError as wrong:
            job.state, job.problem = "failed", str(wrong)
        except Exception as wrong:  # a job must not take the worker with it
            job.state, job.problem = "failed", f"{type(wrong).__name__}: {wrong}"
            log.exception("judging again failed", job=job.id)
        job.ended = time.monotonic()

    def _compare(self, job: Job, gently: bool) -> None:
        assert job.as_on is not None
        start, end = seconds(job.first), seconds(job.last + timedelta(1))
        began = time.monotonic()
        for many in self._what_if().run(job.judges, job.sites or None, start, end, as_on=job.as_on):
            for one in many:
                self._take(job, one)
            if job.stop.is_set():
                return
            if gently:
                job.stop.wait(min(2.0, time.monotonic() - began))
                began = time.monotonic()

    def _take(self, job: Job, one: Again) -> None:
        job.done += 1
        job.counts["judged"] += 1
        if one.problem:
            job.counts["failed"] += 1
            return
        if not one.changed:
            job.counts["same"] += 1
            return
        job.counts["changed"] += 1
        job.counts["flips"] += one.flips
        job.counts["edition_only"] += one.edition_only
        job.counts["no_verdict"] += one.would is None
        job.counts.update(one.changed)
        would = one.would.status if one.would else Status.CANNOT_JUDGE
        if one.flips:
            job.by_change[str(one.was.status), str(would)] += 1
        if len(job.rows) < KEPT_ROWS:
            job.rows.append(again_row(one))

    def _rejudge(self, job: Job) -> None:
        """Month by month, so that the room's queue stays short; what changed is read back from the store."""
        house = self._house
        sites = job.sites or [site.id for site in house.sites.all()]
        begin = job.first
        while begin <= job.last and not job.stop.is_set():
            after = min(job.last + timedelta(1), (begin.replace(day=1) + timedelta(32)).replace(day=1))
            start, end = seconds(begin), seconds(after)
            mark = house.verdicts.newest_id()
            windows = house.judge.rejudge_windows([one.id for one in job.judges], sites, start, end)
            self._settled(job)
            job.done += windows
            job.counts["judged"] += windows
            self._changed_since(job, mark, frozenset(sites), start, end)
            begin = after
        job.counts["same"] = job.counts["judged"] - job.counts["changed"]

    def _settled(self, job: Job) -> None:
        """Wait until the judge room has judged what was marked; on a house that is not running, judge it here."""
        if not self._house.started_at:
            self._house.judge.settle(SETTLE_S)
            return
        end = time.monotonic() + SETTLE_S
        while self._house.judge.waits_for_again():
            if time.monotonic() > end:
                raise Busy("the judge room did not come to an end; the rest is judged as it gets to it")
            if job.stop.wait(0.1):
                return

    def _changed_since(self, job: Job, mark: int, sites: frozenset[str], start: int, end: int) -> None:
        names = {one.id for one in job.judges}
        while page := self._house.verdicts.since(mark, limit=1000):
            mark = page[-1].id
            for new in page:
                if new.judge not in names or new.subject not in sites or not start <= new.window.start < end:
                    continue
                story = self._house.verdicts.revisions(new.judge, new.subject, new.window)
                older = [one for one in story if one.id < new.id]
                if older:
                    self._stored(job, older[-1], new)

    def _stored(self, job: Job, was: Verdict, new: Verdict) -> None:
        names = tuple(
            name for name in ("status", "level", "figure", "deciding") if getattr(was, name) != getattr(new, name)
        )
        flip = "status" in names or "level" in names
        job.counts["changed"] += 1
        job.counts["flips"] += flip
        job.counts.update(names)
        if flip:
            job.by_change[str(was.status), str(new.status)] += 1
        site = self._house.sites.get(new.subject)
        if len(job.rows) < KEPT_ROWS:
            job.rows.append(revised_row(was, new, site.name if site else new.subject, names))


def _day(text: str, field: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text!r} is no day", field=field, hint="write it like 2026-03-01") from None
