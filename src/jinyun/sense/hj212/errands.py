"""What the centre does of itself: commands out and answers in, first set-up, clocks, gaps, house-keeping.

Runs on the event loop's thread; asking the store for history runs in a helper thread.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

import structlog

from jinyun.kernel.ports import DeviceProfile
from jinyun.kernel.terms import JournalRef, Period, Reject
from jinyun.sense.hj212 import compose
from jinyun.sense.hj212.commands import Command
from jinyun.sense.hj212.content import china_text
from jinyun.sense.hj212.gaps import COMMANDS, Request, Track, step_of
from jinyun.sense.hj212.gaps import SPACE as GAPS
from jinyun.sense.hj212.links import Link, Seen
from jinyun.sense.hj212.packet import Packet
from jinyun.sense.hj212.session import Session

if TYPE_CHECKING:
    from jinyun.sense.hj212.centre import Centre

log = structlog.get_logger("hj212")

STATE = "hj212.state"
SET_UP = "hj212.setup"
SAVE_SEEN_EVERY = 60.0
CHECKPOINT_BEHIND = 30.0
PASSES = 5  # idle connections and gaps are looked through in so many turns of the sweep
PROCESS_SYSTEMS = ("51", "52")  # ST with treatment facilities to report on


class Errands:
    """Sends, matches, sweeps."""

    def __init__(self, centre: Centre) -> None:
        self.centre = centre
        self.settings = centre.settings
        self.last_qn = 0
        self.turn = 0
        self.to_follow: deque[str] = deque()
        self.following: set[str] = set()
        self.idle_queue: list[Session] = []
        self.gap_queue: list[str] = []
        self.seen_saved = 0.0
        self.positions: deque[tuple[float, JournalRef]] = deque()  # (when, decoded up to)
        self.asking = 0  # back-fill requests in flight
        self.known_version = -1
        self.rate = 0.0  # messages answered per second, over the last turns
        self.rate_at = (0.0, 0)

    # commands out

    def new_qn(self) -> str:
        """Request number: the house's time in ms, never the same twice."""
        self.last_qn = max(self.centre.clock.now() // 1000, self.last_qn + 1)
        return compose.qn_of(self.last_qn * 1000)

    def pump(self, mn: str) -> None:
        """Send the next command of a connected device when none is in flight."""
        centre = self.centre
        session = centre.traffic.current.get(mn)
        if session is None or not session.alive:
            return
        command = centre.desk.due(mn, self.new_qn, centre.clock.now(), centre.tick())
        if command is not None:
            self._send(session, command)

    def _send(self, session: Session, command: Command) -> None:
        centre = self.centre
        mn, now = command.mn, centre.clock.now()
        profile, link = centre.devices.get(mn), centre.book.of(mn)
        params = dict(command.params)
        if params.get("SystemTime") in ("now", ""):
            params["SystemTime"] = china_text(now // 1_000_000)
        edition = self.edition(profile, link)
        try:
            data = compose.command(
                command.cn, mn=mn, st=(profile.system if profile else "") or link.system or "32",
                pw=(profile.password if profile else "") or link.pw or "123456", qn=command.qn, edition=edition,
                params={name: str(value) for name, value in params.items()}, crc=profile.crc if profile else "hj212",
                sm4_key=profile.sm4_key if profile and edition == 2025 else b"",
            )  # fmt: skip
        except Exception as error:  # a value that cannot be written in a frame: say so on the command
            centre.desk.failed(command, now, f"无法组成命令：{error}", f"cannot be composed: {error}")
            return
        session.write(data)
        link.frames.append(Seen(now, "out", None, data, "", ""))
        centre.book.changed.add(mn)

    @staticmethod
    def edition(profile: DeviceProfile | None, link: Link) -> int:
        """Edition to speak to a device: its record's, else what it mostly speaks."""
        if profile is not None and profile.edition.isdigit():
            return int(profile.edition)
        return link.versions.most_common(1)[0][0] if link.versions else 2017

    # answers in

    def answered(self, mn: str, one: Packet) -> None:
        """9011, 9012, 9013 or 9014 from a device: matched by QN, then by CN (rules 7, 16 #18)."""
        centre = self.centre
        command = centre.desk.match(mn, one.qn, one.get("CN"))
        if command is None:
            centre.book.of(mn).counts["answers-unmatched"] += 1
            return
        now, tick = centre.clock.now(), centre.tick()
        qn_rtn, exe_rtn = _code(one.get("QnRtn")), _code(one.get("ExeRtn"))
        if one.cn == "9012" or exe_rtn is not None:
            centre.desk.executed(command, exe_rtn, now)
        elif one.cn == "9011" or qn_rtn is not None:
            centre.desk.accepted(command, qn_rtn, now, tick)
        elif one.cn == "9013" and command.cn in centre.desk.notify:
            centre.desk.executed(command, None, now)
        centre.book.changed.add(mn)

    def ended(self, command: Command) -> None:
        """A command came to its end: tell the ledger, whoever waits, and send the next."""
        centre = self.centre
        if isinstance(command.tag, Request):
            self.asking = max(0, self.asking - 1)
            outcome = {"done": "done", "no_data": "no_data"}.get(command.state, command.note_en or command.state)
            if command.state == "unreachable" and command.mn not in centre.traffic.current:
                outcome = "link"
            centre.gaps.answered(command.tag, outcome, centre.clock.now() // 1_000_000)
        elif command.tag == "set-up" and command.state != "done":
            log.info("set-up step not done", mn=command.mn, cn=command.cn, state=command.state, note=command.note_en)
        for waiter in centre.waiters.pop(command.id, ()):
            if not waiter.done():
                waiter.set_result(command.as_dict())
        centre.book.changed.add(command.mn)
        if centre.loop is not None and not centre.loop.is_closed():
            again = isinstance(command.tag, Request) and command.state in ("done", "no_data")
            centre.loop.call_soon_threadsafe(self._go_on, command.mn, again)

    def _go_on(self, mn: str, ask: bool) -> None:
        self.pump(mn)
        if ask and self.settings.backfill:
            self.ask(mn, self.centre.clock.now() // 1_000_000)

    # a device is there

    def arrived(self, mn: str) -> None:
        """A device came on a new connection."""
        profile = self.centre.devices.get(mn)
        if profile is not None and profile.site:
            if profile.set_up:
                self._set_up(profile)
            if mn not in self.following:
                self.following.add(mn)
                self.to_follow.append(mn)
        self.pump(mn)

    def _set_up(self, profile: DeviceProfile) -> None:
        """HJ 212-2017 7.3: clock, timeout and retries, intervals, uploads on. Again when the record changes."""
        centre, settings = self.centre, self.settings
        steps: list[tuple[str, dict[str, str]]] = [
            ("1012", {"SystemTime": "now"}),
            ("1000", {"OverTime": str(int(settings.answer_timeout)), "ReCount": str(settings.resends)}),
        ]
        if Period.REALTIME in profile.periods:
            steps.append(("1062", {"RtdInterval": str(profile.realtime_interval)}))
        if Period.MINUTE in profile.periods and profile.edition != "2005":
            steps.append(("1064", {"MinInterval": str(profile.minute_interval)}))
        steps.append(("2011" if Period.REALTIME in profile.periods else "2012", {}))
        if profile.system in PROCESS_SYSTEMS:
            steps.append(("2021", {}))
        mark = hashlib.sha256(repr(steps).encode()).hexdigest()[:16]
        if centre.set_up_done.get(profile.mn) == mark:
            return
        centre.set_up_done[profile.mn] = mark
        centre.clerk.keep(SET_UP, profile.mn, mark)
        for cn, params in steps:
            centre.desk.add(profile.mn, cn, params, "system", centre.clock.now(), tag="set-up")

    def check_clock(self, mn: str, link: Link, profile: DeviceProfile) -> None:
        """Send 1012 when the device's clock is off by more than the limit, if its record allows it."""
        offset, tick = link.clock_offset, self.centre.tick()
        if offset is None or abs(offset) <= self.settings.clock_limit or not profile.set_clock:
            return
        if tick - link.clock_sent < self.settings.clock_repeat:
            return
        link.clock_sent = tick
        link.counts["clock-set"] += 1
        link.offsets.clear()
        self.centre.desk.add(
            mn, "1012", {"SystemTime": "now"}, "system", self.centre.clock.now(), tag="clock", first=True
        )
        self.pump(mn)

    # house-keeping

    def sweep(self) -> None:
        """One turn, each second or so. Each part is short; long lists are gone through in several turns."""
        centre = self.centre
        now, tick = centre.clock.now(), centre.tick()
        self.turn += 1
        then, answered = self.rate_at
        if tick - then >= 5.0:
            self.rate = round((centre.ingest.answered - answered) / (tick - then), 1) if then else 0.0
            self.rate_at = tick, centre.ingest.answered
        for part in (
            self._connections,
            self._resends,
            self._devices,
            self._gaps,
            self._refusals,
            self._publish,
            self._save,
        ):
            try:
                part(now, tick)
            except Exception:
                log.exception("house-keeping failed", part=part.__name__)

    def _connections(self, _now: int, tick: float) -> None:
        if not self.idle_queue:
            self.idle_queue = list(self.centre.traffic.sessions)
        share = max(500, len(self.centre.traffic.sessions) // PASSES)
        for session in self.idle_queue[-share:]:
            if session.alive and (reason := session.overdue(tick)):
                session.turn_away(reason)
        del self.idle_queue[-share:]

    def _resends(self, now: int, tick: float) -> None:
        centre = self.centre
        for command in centre.desk.overdue(now, tick):
            session = centre.traffic.current.get(command.mn)
            if session is not None and session.alive:
                self._send(session, command)

    def _devices(self, now: int, _tick: float) -> None:
        """Registered, changed or removed devices; histories asked for in the helper thread."""
        centre = self.centre
        version = centre.devices.version
        if version != self.known_version:
            self.known_version = version
            gone = [mn for mn in self.following if centre.devices.get(mn) is None]
            centre.gaps.forget(gone)
            self.following.difference_update(gone)
            self.to_follow.extend(mn for mn in self.following if self._differs(mn))
            for mn in list(centre.traffic.current):
                if mn not in self.following and (profile := centre.devices.get(mn)) is not None and profile.site:
                    self.arrived(mn)
            for mn in list(centre.held.held):
                if (profile := centre.devices.get(mn)) is not None and profile.site:
                    centre.helper.submit(centre.adopt, mn)
        wanted = [self.to_follow.popleft() for _ in range(min(200, len(self.to_follow)))]
        profiles = [profile for mn in wanted if (profile := centre.devices.get(mn)) is not None]
        if profiles:
            centre.helper.submit(self._prepare, profiles, now // 1_000_000)

    def _differs(self, mn: str) -> bool:
        """The record asks for other periods or intervals than are followed."""
        profile, tracks = self.centre.devices.get(mn), self.centre.gaps.tracks
        return profile is not None and any(
            (track := tracks.get((mn, period))) is None or track.step != step_of(profile, period)
            for period in profile.periods
            if period in COMMANDS
        )

    def _prepare(self, profiles: Iterable[DeviceProfile], now: int) -> None:
        """In the helper thread: what the store has of these devices, then over to the loop."""
        for profile in profiles:
            try:
                tracks: list[Track] = self.centre.gaps.prepare(profile, now)
            except Exception:
                log.exception("history not read", mn=profile.mn)
                continue
            if self.centre.loop is not None and not self.centre.loop.is_closed():
                self.centre.loop.call_soon_threadsafe(self.centre.gaps.follow, tracks)

    def _gaps(self, now: int, _tick: float) -> None:
        """Find gaps of some devices; ask connected ones, newest gap first, live data first."""
        centre, settings = self.centre, self.settings
        seconds = now // 1_000_000
        if not self.gap_queue:
            self.gap_queue = list(self.following)
        turns = max(1, int(settings.gap_scan / settings.sweep))
        share = max(20, len(self.following) // turns)
        some = self.gap_queue[-share:]
        del self.gap_queue[-share:]
        quiet = settings.backfill and centre.ingest.in_hand < settings.queue_limit // 10
        for mn in some:
            centre.gaps.scan(mn, seconds)
            link = centre.book.of(mn)
            link.gaps = centre.gaps.count(mn, seconds)
            if quiet and link.gaps:
                self.ask(mn, seconds)

    def ask(self, mn: str, now: int) -> bool:
        """Ask a connected, idle device for its newest gap. [now: s]"""
        centre = self.centre
        if (
            self.asking >= self.settings.backfill_parallel
            or mn not in centre.traffic.current
            or not centre.desk.idle(mn)
        ):
            return False
        profile, request = centre.devices.get(mn), centre.gaps.next_request(mn, now)
        if request is None or profile is None:
            return False
        shift = step_of(profile, request.period) if profile.label_end else 0
        params = {"BeginTime": china_text(request.begin + shift), "EndTime": china_text(request.end + shift)}
        centre.gaps.asked(request, now)
        self.asking += 1
        centre.desk.add(mn, request.cn, params, "system", centre.clock.now(), tag=request)
        self.pump(mn)
        return True

    def _refusals(self, now: int, tick: float) -> None:
        """Tell how many refusals were only counted, and which split records stayed incomplete."""
        centre = self.centre
        for who, reason, count in centre.gate.summaries(tick):
            mn = who if centre.devices.get(who) is not None else ""
            sentence = f"{count} more of the same kind within a minute were counted, not kept (同类 {count} 条仅计数)"
            centre.clerk.refuse(Reject(now, centre.link_name, "" if mn else who, mn, reason, sentence, b""))
        for key, missing in centre.joiner.expire(tick):
            mn, _, cn = key[:3]
            parts = ", ".join(map(str, missing))
            sentence = f"a split {cn} record stayed incomplete, part {parts} never came (分包不完整，缺第 {parts} 包)"
            reject = Reject(now, centre.link_name, "", mn, "split-incomplete", sentence, b"")
            centre.book.of(mn).refused(reject)
            centre.clerk.refuse(reject)

    def _publish(self, now: int, tick: float) -> None:
        """Tell pages of links: what changed at once, what only counts on now and then."""
        centre, book = self.centre, self.centre.book
        room = self.settings.link_events
        for mns, apart in ((book.changed, 1.0), (book.dirty, self.settings.link_event)):
            for mn in list(mns):
                if room <= 0:
                    return
                link = book.links.get(mn)
                if link is None:
                    mns.discard(mn)
                elif tick - link.published >= apart:
                    mns.discard(mn)
                    link.published = tick
                    room -= 1
                    centre.bus.publish("link", {"at": now, **centre.row(mn, now)})

    def _save(self, _now: int, tick: float) -> None:
        """Hand what must outlive us to the clerk; the journal position last."""
        centre = self.centre
        if self.turn % 5:
            return
        self.save()
        if tick - self.seen_saved >= SAVE_SEEN_EVERY:
            self.seen_saved = tick
            centre.clerk.keep(STATE, "seen", centre.book.saved())

    def save(self) -> None:
        """The position kept lies `CHECKPOINT_BEHIND` seconds back, so that a start announces again what may not have
        been judged."""
        centre = self.centre
        centre.clerk.keep_many(GAPS, centre.gaps.changes())
        centre.held.save(centre.clerk.keep)
        if centre.checkpoint is None:
            return
        tick = centre.tick()
        if not self.positions or self.positions[-1][1] != centre.checkpoint:
            self.positions.append((tick, centre.checkpoint))
        while len(self.positions) > 1 and self.positions[1][0] <= tick - CHECKPOINT_BEHIND:
            self.positions.popleft()
        position = self.positions[0][1]
        centre.clerk.keep(STATE, "checkpoint", [position.segment, position.offset])


def _code(text: str) -> int | None:
    return int(text) if text.strip().isdigit() else None
