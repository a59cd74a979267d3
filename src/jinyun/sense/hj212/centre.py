"""The centre (上位机): one asyncio TCP server for all data loggers of the node, and the door for the rest of the house.

Sockets, answers and decoding live on one event loop; `links`, `link`, `command`, `adopt`, `state` may be called from
any thread. Parts: `session` (sockets), `traffic` (frames), `ingest` (journal and decoder queues), `errands` (commands,
clocks, gaps), `recovery` (replay), `views` (pages).
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog

from jinyun.kernel.errors import NotFound
from jinyun.kernel.ports import (
    Actor,
    ArrivalSink,
    Bus,
    Clock,
    DeviceDirectory,
    Journal,
    KeyValue,
    ReadingStore,
    RejectStore,
)
from jinyun.kernel.terms import JournalRef, Period
from jinyun.sense.hj212 import recovery, views
from jinyun.sense.hj212.clerk import Clerk
from jinyun.sense.hj212.commands import SPACE as COMMANDS
from jinyun.sense.hj212.commands import Desk
from jinyun.sense.hj212.defence import RefusalGate
from jinyun.sense.hj212.errands import SET_UP, STATE, Errands
from jinyun.sense.hj212.framing import Framer
from jinyun.sense.hj212.gaps import GapLedger
from jinyun.sense.hj212.ingest import Ingest
from jinyun.sense.hj212.links import LinkBook
from jinyun.sense.hj212.quarantine import Quarantine
from jinyun.sense.hj212.reading import Reader
from jinyun.sense.hj212.session import Door, Session
from jinyun.sense.hj212.settings import CentreSettings
from jinyun.sense.hj212.splitting import Joiner
from jinyun.sense.hj212.traffic import Traffic

log = structlog.get_logger("hj212")

SWITCH_INTERVAL = 0.0005
"""How long a thread of pure Python (judging, sealing) may keep the loop from the interpreter [s]. The loop lets go
of it at each send and receive; with Python's default of 5 ms one busy thread would leave about 100 answers a second."""


class Centre:
    """`replay` once (any thread), then `start` and `stop` on the loop."""

    def __init__(
        self,
        *,
        journal: Journal,
        readings: ReadingStore,
        rejects: RejectStore,
        kv: KeyValue,
        devices: DeviceDirectory,
        clock: Clock,
        on_arrival: ArrivalSink,
        bus: Bus,
        settings: Any = None,
    ) -> None:
        """`settings`: `CentreSettings`, or a node's settings (see `CentreSettings.of`), or None."""
        self.settings = settings = CentreSettings.of(settings)
        self.journal, self.readings, self.rejects, self.kv = journal, readings, rejects, kv
        self.devices, self.clock, self.on_arrival, self.bus = devices, clock, on_arrival, bus
        self.tick = time.monotonic
        self.loop: asyncio.AbstractEventLoop | None = None
        self.link_name = "hj212:0"
        self.checkpoint: JournalRef | None = None
        self.started_at = 0
        self.replayed: Mapping[str, int] = {}
        self.waiters: dict[int, list[asyncio.Future[dict[str, Any]]]] = {}
        self.adopting = threading.Lock()
        self.shared_sites: tuple[int, frozenset[str]] = (-1, frozenset())
        self.helper = ThreadPoolExecutor(1, "hj212-helper")  # histories, adoption: may take long
        self.maker = ThreadPoolExecutor(1, "hj212-series")  # new series: decoding waits for it
        self.sweeper: asyncio.TimerHandle | None = None
        self.sessions_made = 0
        self.clerk = Clerk(rejects, kv)
        self.gate = RefusalGate(keep=settings.refusals_kept)
        self.book = LinkBook(settings.frames_shown)
        self.book.load(kv.get(STATE, "seen") or {})
        self.set_up_done: dict[str, str] = dict(kv.items(SET_UP))
        self.held = Quarantine(kv, devices=settings.quarantine_devices, messages=settings.quarantine_messages)
        self.joiner = Joiner(timeout=settings.joiner_timeout)
        self.reader = Reader(readings, future_limit=settings.future_limit, earliest=settings.earliest)
        self.gaps = GapLedger(
            kv, look_back=settings.look_back, look_back_most=settings.look_back_most,
            attempts=settings.backfill_attempts,
            pause=settings.backfill_pause, history=self._history, longest_wait=settings.gap_longest_wait,
        )  # fmt: skip
        self.traffic = Traffic(self)
        self.errands = Errands(self)
        self.desk = Desk(
            kv, answer_timeout=settings.answer_timeout, resends=settings.resends,
            execute_timeout=settings.execute_timeout,
            slow=settings.slow_commands, slow_timeout=settings.slow_timeout, kept=settings.commands_kept,
            save=lambda key, value: self.clerk.keep(COMMANDS, key, value), ended=self.errands.ended,
        )  # fmt: skip
        self.ingest = Ingest(
            journal, link=lambda: self.link_name, durable=self.traffic.durable, decode=self.traffic.decode,
            limit=settings.queue_limit, slice_seconds=settings.slice_seconds, settled=self._settled,
            store_full=self._store_full, prepare=self.traffic.prepare,
        )  # fmt: skip
        self.door = Door(self._session, rate=settings.accept_rate, burst=settings.accept_burst)

    def _session(self) -> Session:
        self.sessions_made += 1
        framer = Framer(max_size=self.settings.max_frame, crc=self._dialect, sm4_key=self._key)
        return Session(self.traffic, framer, self.sessions_made)

    def _dialect(self, mn: str) -> str:
        profile = self.devices.get(mn)
        return profile.crc if profile is not None else "hj212"

    def _key(self, mn: str) -> bytes:
        profile = self.devices.get(mn)
        return profile.sm4_key if profile is not None else b""

    def _history(self, mn: str, period: Period, start: int, end: int) -> list[int]:
        """Times the store has of a device; none when several devices share its site (theirs cannot be told apart)."""
        profile = self.devices.get(mn)
        if self.shared_sites[0] != self.devices.version:
            sites = Counter(one.site for one in self.devices.all())
            self.shared_sites = self.devices.version, frozenset(site for site, count in sites.items() if count > 1)
        if profile is None or profile.site in self.shared_sites[1]:
            return []
        return self.readings.times(profile.site, period, start, end)

    def _settled(self, ref: JournalRef) -> None:
        """All messages up to `ref` are decoded."""
        self.checkpoint = ref
        self.readings.note(ref)

    def _store_full(self) -> bool:
        return getattr(self.readings, "backlog", 0) > self.settings.store_backlog

    # life

    def replay(self) -> Mapping[str, int]:
        """Decode what was acknowledged before a kill and is not stored yet. Counts of what was found."""
        self.replayed = recovery.replay(self)
        for mn in list(self.held.held):  # registered, but the kill came before its messages were taken in
            profile = self.devices.get(mn)
            if profile is not None and profile.site:
                recovery.adopt(self, mn)
        self.errands.save()
        self.clerk.flush()
        return self.replayed

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises OSError when the address cannot be had."""
        self.loop = self.ingest.loop = asyncio.get_running_loop()
        sys.setswitchinterval(min(sys.getswitchinterval(), SWITCH_INTERVAL))
        self.clerk.start()
        self.door.open(host, port)
        self.link_name = f"hj212:{self.door.port}"
        self.started_at = self.clock.now()
        self._sweep()

    @property
    def port(self) -> int:
        return self.door.port

    def _sweep(self) -> None:
        assert self.loop is not None
        self.errands.sweep()
        self.sweeper = self.loop.call_later(self.settings.sweep, self._sweep)

    async def stop(self) -> None:
        """Close the door, answer and store what is in hand, keep the state."""
        if self.loop is None:
            return
        self.door.close()
        if self.sweeper is not None:
            self.sweeper.cancel()
        for session in list(self.traffic.sessions):
            if session.transport is not None:
                session.transport.pause_reading()
        drained = await self.ingest.drain()
        if not drained:
            log.error("stopped with messages in hand; they are replayed at the next start", count=self.ingest.in_hand)
        for session in list(self.traffic.sessions):
            if session.transport is not None:
                session.transport.close()
        await asyncio.sleep(0)
        await self.loop.run_in_executor(None, self._close)
        self.loop = None

    def _close(self) -> None:
        self.maker.shutdown()
        self.helper.shutdown(wait=True, cancel_futures=True)
        self.readings.flush()
        self.errands.save()
        self.clerk.keep(STATE, "seen", self.book.saved())
        self.clerk.stop()

    # what the house asks

    def links(self) -> list[dict[str, Any]]:
        """One row per device: registered, heard or in quarantine."""
        return views.rows(self)

    def row(self, mn: str, now: int) -> dict[str, Any]:
        return views.row(self, mn, now)

    def link(self, mn: str) -> dict[str, Any]:
        """Everything of one link: last frames decoded, refusals, gaps, commands, advice. Raises `NotFound`."""
        return views.page(self, mn)

    def last_seen(self, mn: str) -> int | None:
        """When a good frame of the device last came [µs], None when never."""
        return self.book.last_seen(mn)

    def command(self, mn: str, cn: str, params: Mapping[str, Any], actor: Actor | str) -> dict[str, Any]:
        """Queue a command; it is durable when this returns and is sent when the device is there. ``["id"]`` names it.

        Raises `NotFound` (MN) and `BadInput` (CN, parameters).
        """
        if self.devices.get(mn) is None and mn not in self.book.links:
            raise NotFound("device", mn)
        texts = views.check_params(cn, params)
        name = actor if isinstance(actor, str) else actor.name
        command = self.desk.add(mn, cn, texts, name, self.clock.now())
        if self.loop is not None:
            self.loop.call_soon_threadsafe(self.errands.pump, mn)
        return command.as_dict()

    def commands(self, mn: str) -> list[dict[str, Any]]:
        """Newest first."""
        return views.commands(self, mn)

    def cancel(self, id: int) -> dict[str, Any]:
        """Take a command back."""
        return self.desk.cancel(id, self.clock.now()).as_dict()

    async def wait(self, id: int, timeout: float = 120.0) -> dict[str, Any]:
        """The command when it has ended, or as it stands after `timeout` seconds. On the centre's loop."""
        command = self.desk.get(id)
        if command.ended_at or self.loop is None:
            return command.as_dict()
        waiter: asyncio.Future[dict[str, Any]] = self.loop.create_future()
        self.waiters.setdefault(id, []).append(waiter)
        try:
            return await asyncio.wait_for(waiter, timeout)
        except TimeoutError:
            return self.desk.get(id).as_dict()

    def quarantine(self) -> list[dict[str, Any]]:
        """Devices that send and are not registered, with how many messages are kept."""
        return self.held.list()

    def adopt(self, mn: str) -> int:
        """Store what a device sent before it was registered; how many messages that was. Raises `NotFound`."""
        return recovery.adopt(self, mn)

    def state(self) -> dict[str, Any]:
        """Figures for the system page. Rates are over the whole run; pages take differences."""
        ingest = self.ingest
        return {
            "connections": len(self.traffic.sessions), "accepted": self.door.accepted,
            "devices_connected": len(self.traffic.current),
            "received": ingest.received, "answered": ingest.answered, "decoded": ingest.decoded,
            "in_hand": ingest.in_hand,
            "waiting_disk": len(ingest.batch) + ingest.committing, "waiting_decode": len(ingest.ready),
            "congested": ingest.congested(), "not_kept": ingest.failures, "last_error": ingest.last_error,
            "answer_lag": ingest.lag(), "refused": dict(self.gate.total), "quarantine": len(self.held.held),
            "commands_waiting": self.desk.waiting(), "backfill_in_flight": self.errands.asking,
            "gaps_open": sum(link.gaps for link in list(self.book.links.values())),
            "state_not_written": self.clerk.failures, "replayed": dict(self.replayed), "rate_per_s": self.errands.rate,
        }  # fmt: skip
