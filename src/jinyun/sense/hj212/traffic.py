"""What the centre does with each frame: who sent it, whether it may pass, its answer, and what it says."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from jinyun.kernel.errors import Unavailable
from jinyun.kernel.ports import Arrival, DeviceProfile
from jinyun.kernel.terms import Period, Reject
from jinyun.sense.hj212 import codes, compose
from jinyun.sense.hj212.content import Content, china_seconds
from jinyun.sense.hj212.crc import DIALECTS
from jinyun.sense.hj212.defence import TokenBucket
from jinyun.sense.hj212.framing import RawFrame, Refusal
from jinyun.sense.hj212.gaps import Request
from jinyun.sense.hj212.ingest import Item
from jinyun.sense.hj212.links import Link, Seen
from jinyun.sense.hj212.packet import BadPacket, Packet
from jinyun.sense.hj212.reading import SeriesWanted, parse
from jinyun.sense.hj212.session import Session

if TYPE_CHECKING:
    from jinyun.sense.hj212.centre import Centre

log = structlog.get_logger("hj212")

READ_SIZE = 16 * 1024  # read at a time: bounds how long crafted noise can hold the loop
NOISE_SHARE, NOISE_AT_ONCE = 0.2, 0.1  # of one core that bytes without frames may cost, and seconds of it at once
NOISE_REST_MOST = 30.0
RAW_KEPT = 8192
CODES_LISTED = 50
WRONG_PASSWORD = ("password", "PW is not the one in the device's record (访问密码与设备档案不符)")
KEEP_IN_JOURNAL = frozenset({"crc-wrong", "crc-dialect", "length-wrong"})
"""Refusals that look like frames: their bytes go to the journal too."""
HEARTBEATS = frozenset({"9015", "9021"})  # outside 2017, seen in use (rules 6)


def answer_kind(cn: str) -> str:
    """CN of the centre's answer to what a device sends: 9014 to data, 9013 to notices, "" to answers (rules 7.1)."""
    known = codes.COMMANDS.get(cn)
    if known is not None and known.up in ("U", "N", "A"):
        return {"U": "9014", "N": "9013", "A": ""}[known.up]
    if cn in HEARTBEATS:
        return "9013"
    if cn.startswith("90"):
        return ""
    return "9013" if cn.startswith("1") else "9014"


class Traffic:
    """The sessions' owner (`session.Owner`). All of it runs on the event loop's thread."""

    def __init__(self, centre: Centre) -> None:
        self.centre = centre
        self.settings = centre.settings
        self.read_buffer = memoryview(bytearray(READ_SIZE))
        self.sessions: set[Session] = set()
        self.current: dict[str, Session] = {}  # MN → the newest connection it came on
        self.kinds: dict[str, str] = {}
        self.strangers = TokenBucket(self.settings.quarantine_rate, self.settings.quarantine_rate * 5)
        self.noise_debt = self.noise_at = 0.0

    # connections

    def tick(self) -> float:
        return self.centre.tick()

    def opened(self, session: Session) -> bool:
        self.sessions.add(session)
        return len(self.sessions) <= self.settings.max_connections

    def closed(self, session: Session) -> None:
        self.sessions.discard(session)
        self.centre.ingest.paused.discard(session)
        now = self.centre.clock.now()
        for mn in session.mns:
            if self.current.get(mn) is session:
                del self.current[mn]
                self.centre.desk.disconnected(mn, now)
                if link := self.centre.book.links.get(mn):
                    link.connected = False
                self.centre.book.changed.add(mn)

    def congested(self, session: Session) -> bool:
        """Too much in hand: `session` is paused until there is less."""
        if not self.centre.ingest.congested():
            return False
        self.centre.ingest.paused.add(session)
        return True

    def noisy(self, seconds: float) -> float:
        """Bytes without a frame took `seconds` to look through: how long their sender shall wait."""
        now = self.tick()
        self.noise_debt = max(0.0, self.noise_debt - (now - self.noise_at) * NOISE_SHARE) + seconds
        self.noise_at = now
        return min(NOISE_REST_MOST, self.noise_debt / NOISE_SHARE) if self.noise_debt > NOISE_AT_ONCE else 0.0

    def _identified(self, session: Session, mn: str, link: Link) -> None:
        """A good frame of this MN came on a connection that does not hold it: from now on it does."""
        older = self.current.get(mn)
        self.current[mn] = session
        session.mns.add(mn)
        link.connected = True
        if older is not None and older.alive:
            link.counts["two-sockets"] += 1
            if not any(self.current.get(one) is older for one in older.mns):
                older.close_at = self.tick() + self.settings.replace_grace
        self.centre.book.changed.add(mn)
        self.centre.errands.arrived(mn)

    # frames in

    def frames(self, session: Session, frames: list[RawFrame]) -> None:
        centre = self.centre
        now, tick, profile_of = centre.clock.now(), centre.tick(), centre.devices.get
        for frame in frames:
            try:
                one, profile = parse(frame, profile_of)
            except BadPacket as bad:
                self._refuse_frame(session, self._reject(session, bad.mn, (bad.code, bad.sentence), frame.data, now))
                continue
            mn = one.mn
            if not mn and len(session.mns) == 1 and one.cn.startswith("90"):
                mn = next(iter(session.mns))  # 2005 answers carry no MN
                profile = profile_of(mn)
            if profile is None or not profile.site:
                profile = None
                if why := self._stranger(mn):
                    self._refuse_frame(session, self._reject(session, mn, why, frame.data, now))
                    continue
            elif profile.password and one.pw != profile.password and (one.pw or not one.cn.startswith("90")):
                self._refuse_frame(session, self._reject(session, mn, WRONG_PASSWORD, frame.data, now))
                continue
            holder = self.current.get(mn)
            if holder is not session and (holder is None or session.number > holder.number):
                self._identified(session, mn, centre.book.of(mn))
            item = Item(session, frame.data, mn, now, tick)
            item.packet, item.profile = one, profile
            centre.ingest.offer(item)

    def _stranger(self, mn: str) -> tuple[str, str] | None:
        """Why an unregistered device's message is not even kept in quarantine, or None."""
        if not mn:
            return "no-mn", "the frame names no MN, so nobody knows whose it is (缺少 MN)"
        if not self.strangers.take(self.tick()) or not self.centre.held.room(mn):
            return (
                "quarantine-full",
                "too many unregistered devices; register or block them (未登记设备过多，隔离区已满)",
            )
        return None

    def refusals(self, session: Session, refusals: list[Refusal]) -> None:
        now = self.centre.clock.now()
        for one in refusals:
            mn = one.mn
            if mn and one.dialect in DIALECTS[1:] and (self._known(mn) or self.strangers.take(self.tick())):
                self.centre.book.of(mn).dialects[one.dialect] += 1  # its CRC fits a dialect: the MN is no accident
            elif not mn and len(session.mns) == 1:
                mn = next(iter(session.mns))
            reject = self._reject(session, mn, (one.code, one.sentence), one.raw, now)
            if one.code in KEEP_IN_JOURNAL:
                self._refuse_frame(session, reject)
            else:
                self.refuse(reject)

    def turned_away(self, session: Session, reason: str, sentence: str, data: bytes) -> None:
        self.refuse(self._reject(session, "", (reason, sentence), data, self.centre.clock.now()))

    def _reject(self, session: Session, mn: str, why: tuple[str, str], data: bytes, at: int) -> Reject:
        return Reject(at, self.centre.link_name, session.peer, mn, why[0], why[1], data[:RAW_KEPT])

    def _refuse_frame(self, session: Session, reject: Reject) -> None:
        """Refused, but a frame: its bytes go to the journal like any other's (sampled), then to the reject table."""
        self._note(reject)
        if self._admitted(reject):
            item = Item(session, reject.data, reject.mn, reject.at, self.tick())
            item.reject = reject
            self.centre.ingest.offer(item)

    def refuse(self, reject: Reject) -> None:
        """Into the reject table, or only counted when there are too many of the kind."""
        self._note(reject)
        if self._admitted(reject):
            self.centre.clerk.refuse(reject)

    def _admitted(self, reject: Reject) -> bool:
        who = reject.mn if reject.mn and self.centre.devices.get(reject.mn) else reject.peer.rpartition(":")[0]
        return self.centre.gate.admit(who, reject.reason, self.tick())

    def _known(self, mn: str) -> bool:
        return mn in self.centre.book.links or self.centre.devices.get(mn) is not None

    def _note(self, reject: Reject) -> None:
        """On the link page, when the MN is one we know of (a broken frame may name any)."""
        if reject.mn and self._known(reject.mn):
            self.centre.book.of(reject.mn).refused(reject)
            self.centre.book.changed.add(reject.mn)

    # durable: answer

    def durable(self, item: Item) -> None:
        """The message is on disk: answer it. Called in the order of arrival."""
        one, profile = item.packet, item.profile
        if one is None:
            if item.reject is not None:
                self.centre.clerk.refuse(replace(item.reject, ref=item.ref))
            return
        cn = one.cn
        reply = self.kinds.get(cn)
        if reply is None:
            if len(self.kinds) > 1000:
                self.kinds.clear()
            reply = self.kinds[cn] = answer_kind(cn)
        if one.version == 2005 and cn == "9012":
            reply = "9014"  # the centre of 2005 acknowledges the result too
        elif not (one.answer_wanted or (profile is not None and profile.always_answer)):
            reply = ""
        if reply:
            dialect = one.frame.crc_dialect
            item.session.write(compose.answer(one, reply, crc=dialect if dialect in DIALECTS else "hj212"))
        link = self.centre.book.of(item.mn)
        link.arrived(item.at, item.session.peer)
        link.frames.append(Seen(item.at, "in", item.ref, b"", reply, ""))
        self._count(link, one, item.at)

    def _count(self, link: Link, one: Packet, at: int) -> None:
        if one.flag is None:
            link.counts["no-flag"] += 1
        link.versions[one.version] += 1
        frame = one.frame
        link.dialects["hj212" if frame.valid_crc else frame.crc_dialect] += 1
        if not frame.length_ok:
            link.counts["length-wrong"] += 1
        if one.pw:
            link.pw = one.pw
        if one.st != "91":
            link.system = one.st
        if not link.total & 3 or len(link.offsets) < 3:
            self._clock(link, one, at)
        book = self.centre.book
        book.dirty.add(link.mn)

    def _clock(self, link: Link, one: Packet, at: int) -> None:
        """Device clock against ours by the request number: the sender's time in ms, unless it echoes ours."""
        qn = one.qn
        flying = self.centre.desk.flying.get(link.mn)
        if len(qn) != 17 or one.cn.startswith("90") or (flying is not None and flying.qn == qn):
            return
        seconds = china_seconds(qn[:14])
        if seconds is not None and qn[14:].isdigit():
            link.offsets.append(seconds + int(qn[14:]) / 1000 - at / 1_000_000)

    # afterwards: store

    def decode(self, item: Item) -> None:
        """Read what a durable message says. Called in the order of arrival. Raises only what says: try it again
        (`Unavailable`, `SeriesWanted`)."""
        one = item.packet
        try:
            if one is not None:
                profile = item.profile or self.centre.devices.get(item.mn)
                if profile is None or not profile.site:
                    assert item.ref is not None
                    peer = item.session.peer
                    self.centre.held.keep(item.mn, item.ref, item.at, peer, system=one.st, version=one.version)
                    self.centre.book.changed.add(item.mn)
                elif one.cn.startswith("90") and one.cn not in HEARTBEATS:
                    self.centre.errands.answered(item.mn, one)
                else:
                    self._store(item, one, profile)
        except (Unavailable, SeriesWanted):
            raise
        except Exception:
            log.exception("message not decoded", mn=item.mn, ref=str(item.ref))
            self._refuse_item(item, ("undecodable", "our decoder failed on it; the raw bytes are kept (解码失败)"))

    def prepare(self, items: list[Item]) -> Future[None]:
        """Make the series that these items need, in the helper's thread."""
        pairs = [
            (item.packet, profile)
            for item in items
            if item.packet is not None and (profile := item.profile or self.centre.devices.get(item.mn)) is not None
        ]
        return self.centre.maker.submit(self.centre.reader.prepare, pairs)

    def _store(self, item: Item, one: Packet, profile: DeviceProfile) -> None:
        centre, mn = self.centre, item.mn
        assert item.ref is not None
        flying = centre.desk.flying.get(mn)
        asked = None
        if flying is not None and flying.cn == one.cn and isinstance(flying.tag, Request):
            asked = flying.tag.begin, flying.tag.end
        outcome = centre.reader.read(one, profile, item.at, item.ref, asked=asked, make=False)
        content, block = outcome.content, outcome.block
        link = centre.book.of(mn)
        if block is not None:
            centre.readings.put(block)
            period = block.period
            if not centre.gaps.arrived(mn, period, block.time):
                link.counts["off-grid"] += 1
            if period is Period.REALTIME and not one.qn and not one.rf:
                link.offsets.append(block.time - item.at / 1_000_000)
            try:
                centre.on_arrival(Arrival(profile.site, mn, period, block.time, item.at))
            except Exception:  # somebody else's trouble must not look like a bad message
                log.exception("arrival not taken", mn=mn)
        if outcome.problems or content.refused or content.unknown or content.doubts:
            self._trouble(item, outcome.problems, content, link)
        if one.split is not None and not centre.joiner.add(one, content.time, centre.tick()):
            link.counts["parts"] += 1
        if flying is not None and flying.cn == one.cn:
            flying.packets += 1
            centre.desk.progress(flying, centre.tick())
            if block is None:
                flying.result.update(content.extras[:CODES_LISTED])
        elif len(link.offsets) >= 3:
            centre.errands.check_clock(mn, link, profile)

    def _trouble(self, item: Item, problems: list[tuple[str, str]], content: Content, link: Link) -> None:
        for why in problems:
            self._refuse_item(item, why)
        for code in content.unknown:
            if code in link.unknown_codes or len(link.unknown_codes) < CODES_LISTED:
                link.unknown_codes[code] = link.unknown_codes.get(code, 0) + 1
        link.counts["doubtful-values"] += len(content.doubts)
        if content.refused:
            link.counts["bad-values"] += len(content.refused)
            told = "; ".join(f"{bad.name}={bad.text[:40]}: {bad.sentence}" for bad in content.refused[:20])
            self._refuse_item(item, (f"value-{content.refused[0].reason}", told))

    def _refuse_item(self, item: Item, why: tuple[str, str]) -> None:
        """Something in a durable message is refused."""
        self.refuse(replace(self._reject(item.session, item.mn, why, item.data, item.at), ref=item.ref))
