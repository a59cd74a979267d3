"""Reading the journal again: after a kill, and for devices registered after their first messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from jinyun.kernel.errors import NotFound
from jinyun.kernel.ports import Arrival, DeviceProfile
from jinyun.kernel.terms import JournalRef, RawMessage, Reject
from jinyun.sense.hj212.errands import STATE
from jinyun.sense.hj212.packet import BadPacket
from jinyun.sense.hj212.reading import reread

if TYPE_CHECKING:
    from jinyun.sense.hj212.centre import Centre

log = structlog.get_logger("hj212")


def reference(value: Any) -> JournalRef | None:
    """A position as a store or we ourselves wrote it: JournalRef, "1:16" or [1, 16]."""
    if value is None or isinstance(value, JournalRef):
        return value
    first, second = value.split(":") if isinstance(value, str) else value
    return JournalRef(int(first), int(second))


def place(ref: JournalRef) -> tuple[int, int]:
    return ref.segment, ref.offset


def replay(centre: Centre) -> dict[str, int]:
    """Decode what is durable but not yet stored, refused or quarantined. Before the first socket opens; any thread.

    The store says up to which message its readings are committed; our checkpoint lies before all that may not have been
    written or judged (`Errands.save`). What lies between is announced again, not stored again. Reading a message twice
    does no harm: the store knows equal values, refusals are known by their reference.
    """
    committed = reference(centre.readings.state().get("committed"))
    checkpoint = reference(centre.kv.get(STATE, "checkpoint"))
    start = min((committed, checkpoint), key=place) if committed and checkpoint else None
    told = {str(row.get("ref")) for row in centre.rejects.find(limit=1000)}
    counts = {"messages": 0, "stored": 0, "quarantined": 0, "refused": 0}
    for ref, raw in centre.journal.scan(start):
        if not raw.link.startswith("hj212:"):
            continue
        counts["messages"] += 1
        if not centre.errands.positions:  # kept until what is announced now can have been judged
            centre.errands.positions.append((centre.tick(), ref))
        if raw.link.endswith("/refused"):
            if str(ref) not in told:
                counts["refused"] += 1
                centre.clerk.refuse(_lost(raw, ref))
            continue
        what = _again(centre, ref, raw, stored=committed is not None and place(ref) <= place(committed), told=told)
        if what:
            counts[what] += 1
        centre.checkpoint = ref
    if centre.checkpoint is not None:
        centre.readings.note(centre.checkpoint)
    centre.readings.flush()
    if counts["messages"]:
        log.info("journal replayed", **counts, start=str(start))
    return counts


def _lost(raw: RawMessage, ref: JournalRef) -> Reject:
    """A refused message whose reason was not written before the kill: looked at again."""
    from jinyun.sense.hj212.framing import examine

    frame = examine(raw.data)
    if frame.valid_crc:
        reason, sentence = "refused", "refused before a restart; see the device's record and its link page"
    else:
        reason, sentence = "crc-wrong", f"CRC {frame.crc_text} does not fit the standard (dialect: {frame.crc_dialect})"
    return Reject(raw.received_at, raw.link.removesuffix("/refused"), raw.peer, raw.mn, reason, sentence, raw.data, ref)


def _again(centre: Centre, ref: JournalRef, raw: RawMessage, *, stored: bool, told: set[str]) -> str:
    """One message. What became of it: stored, quarantined, refused, or "" when there was nothing to do."""
    link = centre.book.of(raw.mn) if raw.mn else None
    if link is not None and raw.received_at > link.last_at:
        link.first_at, link.last_at, link.peer = link.first_at or raw.received_at, raw.received_at, raw.peer
    try:
        one, profile = reread(raw, centre.devices.get)
    except BadPacket as bad:
        if str(ref) in told:
            return ""
        centre.clerk.refuse(Reject(raw.received_at, raw.link, raw.peer, raw.mn, bad.code, bad.sentence, raw.data, ref))
        return "refused"
    if profile is None or not profile.site:
        if not one.mn:
            return ""
        centre.held.keep(one.mn, ref, raw.received_at, raw.peer, system=one.st, version=one.version)
        return "quarantined"
    outcome = centre.reader.read(one, profile, raw.received_at, ref)
    for reason, sentence in outcome.problems:
        if not stored and str(ref) not in told:
            centre.clerk.refuse(Reject(raw.received_at, raw.link, raw.peer, raw.mn, reason, sentence, raw.data, ref))
    if outcome.block is None:
        return ""
    block = outcome.block
    if not stored:
        centre.readings.put(block)
    # said again even when stored: the kill may have come between the store's commit and the judging
    centre.on_arrival(Arrival(profile.site, profile.mn, block.period, block.time, raw.received_at))
    return "" if stored else "stored"


def adopt(centre: Centre, mn: str) -> int:
    """Store what a device sent before it was registered. Any thread; again after a kill: nothing is doubled.

    Returns how many messages were read. Raises `NotFound` when the MN is not registered at a site.
    """
    profile: DeviceProfile | None = centre.devices.get(mn)
    if profile is None or not profile.site:
        raise NotFound("device registered at a site with MN", mn)
    with centre.adopting:
        refs = centre.held.references(mn)
        count = 0
        for ref in refs:
            try:
                raw = centre.journal.read(ref)
            except NotFound:  # retention has taken it
                continue
            if _again(centre, ref, raw, stored=False, told=set()):
                count += 1
        centre.readings.flush()
        if refs:
            centre.held.forget(mn, centre.clerk.keep)
            log.info("quarantined messages taken in", mn=mn, messages=count)
        return count
