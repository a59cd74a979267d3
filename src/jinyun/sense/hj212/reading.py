"""From a durable message to a block for the store: what live arrival, replay after a kill and adoption share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from jinyun.kernel.ports import Block, DeviceProfile, ReadingStore
from jinyun.kernel.terms import LENGTHS, JournalRef, Origin, Period, RawMessage, SeriesKey
from jinyun.sense.hj212 import content as contents
from jinyun.sense.hj212 import framing, packet
from jinyun.sense.hj212.gaps import WAIT_PERIODS, step_of

PLANS_KEPT = 64
ProfileOf = Callable[[str], DeviceProfile | None]
MN_IN_SEGMENT = re.compile(rb"(?:^|;)\s*MN=([^;]*)", re.IGNORECASE)
STANDARD_DIALECTS = frozenset({"hj212", "hj212_plaintext"})


def mn_of(segment: bytes) -> str:
    """MN of a segment that cannot be parsed yet (encrypted), "" when there is none."""
    found = MN_IN_SEGMENT.search(segment)
    return found[1].decode("ascii", "replace").strip() if found else ""


def parse(frame: framing.RawFrame, profile_of: ProfileOf) -> tuple[packet.Packet, DeviceProfile | None]:
    """Packet and profile of a frame; key and encoding come from the profile. Raises `BadPacket`."""
    if frame.crc_dialect in ("hj212_plaintext", "unchecked"):
        profile = profile_of(mn_of(frame.segment))
        return packet.parse(frame, sm4_key=profile.sm4_key if profile else b""), profile
    one = packet.parse(frame)
    profile = profile_of(one.mn)
    if profile is not None and profile.encoding != "auto" and not frame.segment.isascii():
        one = packet.parse(frame, encoding=profile.encoding)
    return one, profile


@dataclass(slots=True)
class Outcome:
    """What became of one message."""

    content: contents.Content
    block: Block | None
    problems: list[tuple[str, str]] = field(default_factory=list)  # (reason, sentence)


class SeriesWanted(Exception):
    """A device sends something for the first time: its series must be made before the message can be read."""


class Reader:
    """Turns packets of registered devices into blocks. Ids of series are kept by device and plan."""

    def __init__(self, readings: ReadingStore, *, future_limit: int, earliest: int) -> None:
        self.readings = readings
        self.future_limit, self.earliest = future_limit, earliest
        self.ids: dict[tuple[str, str], dict[contents.Plan, np.ndarray]] = {}

    def read(
        self,
        one: packet.Packet,
        profile: DeviceProfile,
        received_at: int,
        ref: JournalRef,
        *,
        asked: tuple[int, int] | None = None,
        make: bool = True,
    ) -> Outcome:
        """Decode; `block` is None when nothing can be stored, and `problems` says why. `asked`: times of a
        back-fill request that is out, both included. New series are made here, in a transaction that may take
        milliseconds; with `make` off `SeriesWanted` is raised instead (then see `prepare`)."""
        content = contents.decode(one, profile=profile, site_kind=profile.site_kind)
        outcome = Outcome(content, None)
        plan = content.plan
        if not plan.keys or plan.period is None:
            return outcome
        time = content.time
        if time is None:  # told among `content.refused`
            return outcome
        now = received_at // 1_000_000
        if time > now + self.future_limit:
            outcome.problems.append((
                "time-future",
                f"DataTime lies {(time - now) / 86_400:.1f} days ahead: set the clock (DataTime 超前一天以上，请校时)",
            ))  # fmt: skip
            return outcome
        if time < self.earliest:
            outcome.problems.append(
                ("time-past", "DataTime is before 2000-01-02: the device clock was reset (设备时钟复位，请校时)")
            )
            return outcome
        period = plan.period
        ids = self._known(profile, plan)
        if ids is None:
            if not make:
                raise SeriesWanted
            ids = self._make([(profile, plan)])
        outcome.block = Block(
            time, ids, np.array(content.values, np.int64), np.frombuffer(content.flags, np.uint8),
            received_at, self._origin(one, profile, period, time=time, now=now, asked=asked), profile.mn, profile.site,
            ref, "", "", period,
        )  # fmt: skip
        return outcome

    def _known(self, profile: DeviceProfile, plan: contents.Plan) -> np.ndarray | None:
        plans = self.ids.get((profile.mn, profile.site))
        return None if plans is None else plans.get(plan)

    def prepare(self, messages: Iterable[tuple[packet.Packet, DeviceProfile]]) -> None:
        """Make the series that these messages need, all in one transaction. Any thread."""
        wanted: dict[tuple[str, str, contents.Plan], tuple[DeviceProfile, contents.Plan]] = {}
        for one, profile in messages:
            plan = contents.decode(one, profile=profile, site_kind=profile.site_kind).plan
            if plan.keys and plan.period is not None and self._known(profile, plan) is None:
                wanted[profile.mn, profile.site, plan] = profile, plan
        if wanted:
            self._make(list(wanted.values()))

    def _make(self, wanted: Sequence[tuple[DeviceProfile, contents.Plan]]) -> np.ndarray:
        keys = [
            SeriesKey(profile.site, factor, stat, plan.period)
            for profile, plan in wanted
            if plan.period is not None
            for factor, stat in plan.keys
        ]
        ids = np.asarray(self.readings.series_ids(keys), np.int32)
        start = 0
        for profile, plan in wanted:
            plans = self.ids.setdefault((profile.mn, profile.site), {})
            if len(plans) >= PLANS_KEPT:
                plans.clear()
            plans[plan] = ids[start : start + len(plan.keys)]
            start += len(plan.keys)
        return ids

    @staticmethod
    def _origin(
        one: packet.Packet,
        profile: DeviceProfile,
        period: Period,
        *,
        time: int,
        now: int,
        asked: tuple[int, int] | None,
    ) -> Origin:
        """Late by more than two periods, re-sent (RF=1) or asked for: back-fill. Replay comes to the same."""
        if one.rf or (asked is not None and asked[0] <= time <= asked[1]):
            return Origin.BACKFILL
        length = (
            max(60, profile.realtime_interval)
            if period is Period.REALTIME
            else (step_of(profile, period) if period in LENGTHS else 0)
        )
        return Origin.BACKFILL if length and now - (time + length) > WAIT_PERIODS * length else Origin.LIVE


def reread(raw: RawMessage, profile_of: ProfileOf) -> tuple[packet.Packet, DeviceProfile | None]:
    """Packet and profile of a message from the journal. Raises `BadPacket`, also for a CRC that is not accepted."""
    key = b""
    if b"MN=" in raw.data and (profile := profile_of(raw.mn)) is not None:
        key = profile.sm4_key
    frame = framing.examine(raw.data, sm4_key=key)
    one, profile = parse(frame, profile_of)
    accepted = frame.valid_crc or (profile is not None and profile.crc == frame.crc_dialect)
    if not accepted:
        raise packet.BadPacket("crc-wrong", "the CRC does not fit", mn=one.mn)
    return one, profile
