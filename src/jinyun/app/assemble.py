"""The only file that knows every class: builds one node from its settings and takes it apart again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

from jinyun.act.room import ActRoom
from jinyun.act.rules import load_rules
from jinyun.app.bus import LocalBus
from jinyun.app.care.watch import Care
from jinyun.app.clock import clock_of
from jinyun.app.directory import Devices, SiteDirectory
from jinyun.app.discover import domains, judge_by_day, judges, own_domain, record_types
from jinyun.app.jobs import ThreadJobs
from jinyun.app.life import BEAT_S, LifeLedger
from jinyun.app.services.notices import Notices
from jinyun.app.services.registers.clocks import kept_clocks, with_hours
from jinyun.app.settings import Settings
from jinyun.app.windowing import knowledge
from jinyun.judge.room import JudgeRoom
from jinyun.kernel.ports import Arrival, Block
from jinyun.kernel.terms import Reject, Verdict
from jinyun.sense.hj212.centre import Centre
from jinyun.store.attachments import SqlAttachments
from jinyun.store.database import open_database
from jinyun.store.journal import FileJournal
from jinyun.store.kv import SqlKeyValue
from jinyun.store.lock import FolderLock
from jinyun.store.readings import DuckReadings
from jinyun.store.record_reindex import reindex
from jinyun.store.records import SqlRecords
from jinyun.store.rejects import SqlRejects
from jinyun.store.verdicts import SqlVerdicts
from jinyun.store.windows import Windows

log = structlog.get_logger("house")
JUDGED_BY = frozenset({"site", "outlet", "permit_limit", "standard_limit"})
"""Record types that judging rests on."""


class House:
    """One node: every room wired to the ports it asks for. `start` and `stop` once each."""

    as_of: int | None = None
    """The moment it is asked about [µs]; None: now. See `app.then`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = self.wall = clock_of(settings.clock)  # `wall` goes on where `clock` stands in the past
        self.started_at = 0
        folder = settings.folder
        folder.mkdir(parents=True, exist_ok=True)
        self.lock = FolderLock(folder)  # a second node on the same folder is refused here
        try:
            self._build()
        except BaseException:
            self.lock.release()
            raise

    def _build(self) -> None:
        settings, folder = self.settings, self.settings.folder
        self.domains = domains()
        rules = load_rules(*own_rules(folder), judges=judges())
        self.types = record_types([*self.domains.values(), own_domain(folder)])
        hours = {one.case.kind: one.case.hours for one in rules.verdict if one.case}
        self.types["case"] = with_hours(self.types["case"], hours)
        self.database = open_database(settings.database or folder / "records.sqlite")
        self.bus = LocalBus()
        self.jobs = ThreadJobs()
        self.records = SqlRecords(self.database, self.types, self.clock)
        self.attachments = SqlAttachments(self.database, folder / "attachments")
        self.verdicts = SqlVerdicts(self.database)
        self.rejects = SqlRejects(self.database)
        self.kv = SqlKeyValue(self.database)
        reindex(self.database, self.types, self.kv)
        self.record_clocks = kept_clocks(self)
        self.life = LifeLedger(self.kv, self.clock)
        self.at_stop: list[Callable[[], None]] = []  # what works in threads of its own ends here
        self.journal = FileJournal(
            folder / "journal",
            segment_bytes=settings.journal_segment_mb << 20,
            floor_bytes=settings.disk_floor_mb << 20,
        )
        self.readings = DuckReadings(
            folder,
            self.database,
            memory_mb=settings.hot_memory_mb,
            out_of_range=self._out_of_range,
            before_commit=self.rejects.flush,
            clock=self.clock,
        )
        self.sites = SiteDirectory(self.records)
        self.directory = Devices(self.records, self.sites)
        self.windows = Windows(folder, self.readings, knowledge(self.sites.get))
        self.judge = JudgeRoom(
            judges=tuple(judges().values()),
            readings=self.readings,
            records=self.records,
            verdicts=self.verdicts,
            sites=self.sites.get,
            clock=self.clock,
            on_verdict=self._on_verdict,
            kv=self.kv,
        )
        self.centre = Centre(
            journal=self.journal,
            readings=self.readings,
            rejects=self.rejects,
            kv=self.kv,
            devices=self.directory,
            clock=self.clock,
            on_arrival=self._on_arrival,
            bus=self.bus,
            settings=settings,
        )
        self.act = ActRoom(
            records=self.records,
            verdicts=self.verdicts,
            rules=rules,
            kv=self.kv,
            clock=self.clock,
            bus=self.bus,
            profiles=self.directory,
            last_seen=self._last_seen,
            judge_of=judge_by_day,
        )
        self.records.listeners.append(self._on_record)
        self.notices = Notices(self)
        self.care = Care(self)

    # --- what rooms say to one another -------------------------------------------------------------------------

    def _on_arrival(self, arrival: Arrival) -> None:
        self.judge.touch(arrival)
        self.bus.publish("arrival", {"site": arrival.site, "mn": arrival.mn, "period": arrival.period})

    def _on_verdict(self, new: Verdict, previous: Verdict | None) -> None:
        self.act.on_verdict(new, previous)
        # History that is back-filled is no news: it would push what is live out of every page's sight.
        late = new.window.end < self.clock.now() // 1_000_000 - self.act.rules.late_days * 86400
        self.bus.publish("verdict_late" if late else "verdict", verdict_event(new))

    def _last_seen(self) -> dict[str, int]:
        """When each registered device was last heard. [µs]"""
        heard = ((profile.mn, self.centre.last_seen(profile.mn)) for profile in self.directory.all())
        return {mn: at for mn, at in heard if at is not None}

    def _on_record(self, type_id: str, id: str) -> None:
        if type_id == "site":
            self.sites.refresh()
            self.directory.refresh()
            self.windows.site_changed(id)
        elif type_id == "device":
            self.directory.refresh()
        if type_id in JUDGED_BY:
            self.judge.records_changed(type_id, id)

    def _out_of_range(self, block: Block, series: int, millionths: int) -> None:
        key = self.readings.series_key(series)
        self.rejects.add(
            [
                Reject(
                    at=block.received_at, link="store", peer="", mn=block.mn, reason="out-of-range",
                    sentence=f"{key.site} {key.factor} {key.stat.name}: {millionths} millionths do not fit "
                    "DECIMAL(18,6); check the unit the device sends",
                    data=b"", ref=block.ref,
                )
            ]
        )  # fmt: skip

    # --- life -------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Recover, then open the doors: judging and acting are ready before the first socket is."""
        self.started_at = self.clock.now()
        self.life.started()
        self.sites.refresh()
        self.directory.refresh()
        await asyncio.to_thread(self.centre.replay)
        await asyncio.to_thread(self.judge.recover)
        await asyncio.to_thread(self.act.recover)
        await asyncio.to_thread(self._resume_corrections)
        self._register_jobs()
        self.jobs.start()
        await self.centre.start(self.settings.hj212_host, self.settings.hj212_port)
        log.info("node started", folder=str(self.settings.folder), hj212_port=self.centre.port)

    def _resume_corrections(self) -> None:
        """Accepted corrections whose cascade a kill cut short are done to their end."""
        if self.records.count("correction", {"cascade": "pending"}, states=("accepted",)):
            from jinyun.app.services.corrections import Corrections

            Corrections(self).resume()

    def _register_jobs(self) -> None:
        settings = self.settings
        self.jobs.every(1.0, "judge", self.judge.run)
        self.jobs.every(5.0, "act", self.act.tick)
        self.jobs.every(2.0, "windows", self.windows.run)
        self.jobs.every(settings.seal_every_s, "seal", self._seal)
        self.jobs.every(3600.0, "compact", self.readings.compact)
        self.jobs.every(60.0, "journal", self.journal.seal)
        self.jobs.every(2.0, "notices", self.notices.tell)
        self.jobs.every(2.0, "notices_out", self.notices.deliver)
        self.jobs.every(30.0, "care", self.care.tick)
        self.jobs.every(BEAT_S, "life", self.life.beat)

    def _seal(self) -> None:
        if self.clock.now() - self.started_at >= self.settings.seal_every_s * 1_000_000:
            self.readings.seal()  # not at the very start: many small files would come of frequent restarts

    async def stop(self) -> None:
        """Close the doors first, then let everything accepted reach the disk."""
        await self.centre.stop()
        self.windows.end()
        self.notices.end()
        await asyncio.to_thread(self.jobs.stop)
        for one in self.at_stop:
            await asyncio.to_thread(one)
        self.life.stopped()
        await asyncio.to_thread(self.close)
        log.info("node stopped")

    def close(self) -> None:
        """Close files and let go of the folder: for a house built but never started, or at the end of `stop`."""
        self.windows.close()
        self.readings.close()
        self.rejects.close()
        self.journal.close()
        self.database.dispose()
        self.lock.release()

    def settle(self, timeout_s: float = 60.0) -> None:
        """Return when all that has arrived so far is stored, judged and acted on (for tests and tools)."""
        end = time.monotonic() + timeout_s
        self.readings.flush()
        self.windows.catch_up()
        self.judge.settle(max(0.0, end - time.monotonic()))
        self.act.tick()


def own_rules(folder: Path) -> list[Path]:
    """The node's own alarm rules, when it has any."""
    path = folder / "rules.toml"
    return [path] if path.is_file() else []


def verdict_event(verdict: Verdict) -> dict[str, Any]:
    """What a live page is told of a verdict."""
    return {
        "id": verdict.id, "judge": verdict.judge, "site": verdict.subject, "status": verdict.status,
        "level": verdict.level, "figure": verdict.figure, "unit": verdict.unit, "label_zh": verdict.label_zh,
        "label_en": verdict.label_en, "start": verdict.window.start, "end": verdict.window.end,
        "period": verdict.window.period.name, "sentence_zh": verdict.sentence_zh, "sentence_en": verdict.sentence_en,
        "at": verdict.computed_at,
    }  # fmt: skip
