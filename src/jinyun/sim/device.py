"""One simulated data logger: sees the truth by its own clock, speaks HJ 212, and has the faults its script gives it.

No sockets here: it gives frames and takes bytes, so the fleet can run it live and a recording can run it without.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jinyun.kernel.terms import LENGTHS, Period
from jinyun.sense.hj212 import codes
from jinyun.sense.hj212.device import Device
from jinyun.sim.chance import key, unit
from jinyun.sim.district import Logger
from jinyun.sim.items import CN_OF, PERIOD_OF, means, realtime
from jinyun.sim.script import LinkFault
from jinyun.sim.truth import Truth
from jinyun.sim.world import STEP_S

MICROS = 1_000_000
CHINA_S = 28800
NOISES = (b"AT+CSQ\r\n+CSQ: 21,99\r\nOK\r\n", b"\x00\xff\xfe##", b"##12ab;broken\r\n")
KEPT_DAYS = 400  # how long a logger keeps its figures


class SimDevice:
    """Sends what falls due, answers what it is asked. Times are µs of the true (simulated) clock."""

    def __init__(
        self, logger: Logger, truth: Truth, *, realtime_s: int = 30, minute: int = 10, overtime: float = 10.0
    ) -> None:
        self.logger, self.truth, self.overtime = logger, truth, overtime
        self.mn, self.connection, self.sm4_key = logger.mn, logger.connection, logger.sm4_key
        self.stream = key(truth.district.seed, "device", logger.mn)
        self._faults = {one.kind for one in truth.plan.links.get(logger.mn, ())}
        self._times_set = 0
        self._sample_wanted = False
        self.micro = truth.district.places[logger.site].kind.endswith("micro")
        self.device = Device(
            logger.mn, st=logger.system, pw=logger.password, edition=logger.edition, sm4_key=logger.sm4_key,
            answer=logger.edition != 2005, history=self._history, action=self._act, overtime=overtime,
            realtime_interval=realtime_s, minute_interval=minute,
        )  # fmt: skip
        self._now = 0

    # --- its clock ---------------------------------------------------------------------------------------------

    @property
    def skew_s(self) -> int:
        """How far its clock is ahead, in whole samples; less than half of one is nothing. [s]"""
        return (self.device.clock_offset + STEP_S * MICROS // 2) // (STEP_S * MICROS) * STEP_S

    def clock_s(self, now: int) -> int:
        """What its clock shows [s]. A skewed one runs off again and again until the centre sets it."""
        if "skew" in self._faults:
            fault = self._fault("skew", now)
            obeyed = self.device.times_set > self._times_set and (fault is None or fault.params.get("obeys", True))
            if not obeyed:
                self.device.clock_offset = int(fault.params.get("seconds", 0)) * MICROS if fault else 0
        return now // MICROS + self.skew_s

    def true_s(self, label: int) -> int:
        """True time of a label of its clock, on the sample grid. [s]"""
        return (label - self.skew_s) // STEP_S * STEP_S

    # --- what it sends -----------------------------------------------------------------------------------------

    def length(self, period: Period) -> int:
        """Length of a period it reports, as it is set now. [s]"""
        if period is Period.REALTIME:
            return int(self.device.realtime_interval)
        if period is Period.MINUTE:
            return 60 * int(self.device.minute_interval)
        return LENGTHS[period]

    def first(self, period: Period, now: int) -> int:
        """Label of the period it reports next: the one that its clock is in."""
        length = self.length(period)
        return (self.clock_s(now) + CHINA_S) // length * length - CHINA_S

    def due(self, period: Period, label: int) -> int:
        """When the report of `label` leaves: after its end by the device's own delay. [µs]"""
        length = self.length(period)
        chance = unit(self.stream, 1 + period)
        if (
            period is Period.REALTIME
        ):  # without a QN the DataTime is all that shows a 2005 logger's clock: soon after it
            spread = length - 1.0 if self.logger.edition != 2005 else 3.0
            return (label - self.skew_s) * MICROS + int((0.5 + spread * chance) * MICROS)
        low, high = {
            Period.MINUTE: (2.0, min(60.0, 0.5 * length)), Period.HOUR: (8.0, 100.0), Period.DAY: (20.0, 300.0),
        }[period]  # fmt: skip
        return (label + length - self.skew_s) * MICROS + int((low + (high - low) * chance) * MICROS)

    def periods(self) -> tuple[Period, ...]:
        """What it reports of its own accord."""
        always = (Period.REALTIME, Period.MINUTE, Period.HOUR)
        return always if self.micro else (*always, Period.DAY)

    def has_outages(self) -> bool:
        """Its script may take its link down."""
        return bool(self._faults & {"silent", "cut"})

    def offline(self, now: int) -> bool:
        """No link at all now: switched off, or cut."""
        if not self.has_outages():
            return False
        silent = self._fault("silent", now)
        return (silent is not None and not silent.params.get("connected")) or self._fault("cut", now) is not None

    def mute(self, now: int) -> bool:
        """Connected or not, says nothing and hears nothing."""
        return "silent" in self._faults and self._fault("silent", now) is not None

    def report(self, period: Period, label: int, now: int) -> list[bytes]:
        """Frames of the report of `label`, with the faults of the moment; [] when it is mute or told to be."""
        if self.mute(now) or (period is Period.REALTIME and not self.device.sending):
            return []
        return self._spoil(self._upload(period, label, now), f"{period}/{label}", now)

    def keep(self, period: Period, label: int, now: int) -> None:
        """The link is down: a 2025 logger lays a report by and sends it of its own accord later, marked RF=1.

        Others keep figures, not frames: they are asked for them (2051, 2061, 2031).
        """
        if self.logger.edition == 2025 and period is not Period.REALTIME and not self.mute(now):
            self._upload(period, label, now)

    def _upload(self, period: Period, label: int, now: int) -> list[bytes]:
        items = self._items(period, label)
        if not self._faults:
            return self.device.upload(CN_OF[period], items, label, now)
        dialect = self._fault("dialect", now)
        self.device.crc = str(dialect.params.get("crc", "modbus")) if dialect else "hj212"
        split = self._fault("split", now)
        if split is None:
            return self.device.upload(CN_OF[period], items, label, now)
        size = max(200, 150 + sum(map(len, items)) // max(1, int(split.params.get("parts", 2))))
        return self.device.upload(CN_OF[period], items, label, now, max_segment=size)

    def _items(self, period: Period, label: int) -> list[str]:
        at = self.true_s(label)
        if period is Period.REALTIME:
            return realtime(self.truth, self.logger, at)
        return means(self.truth, self.logger, period, at, self.length(Period.MINUTE) // 60)

    # --- what it hears -----------------------------------------------------------------------------------------

    def connected(self, now: int) -> list[bytes]:
        return [] if self.mute(now) else self.device.connected(now)

    def receive(self, data: bytes, now: int) -> list[bytes]:
        """Answers to the centre's bytes."""
        if self.mute(now):
            return []
        self._now = now
        self.clock_s(now)
        out = self.device.receive(data, now)
        self.device.overtime = max(self.device.overtime, self.overtime)  # in fast time an answer takes longer
        if self._sample_wanted:
            self._sample_wanted = False
            out += self._upload(Period.REALTIME, self.clock_s(now) // STEP_S * STEP_S, now)
        return out

    def tick(self, now: int) -> list[bytes]:
        """Re-sends that are due."""
        return [] if self.mute(now) else self.device.tick(now)

    def _act(self, cn: str, _fields: dict[str, str], _now: int) -> int:
        """3011 to 3024: all succeed; an immediate sample (3012) follows as a real-time value."""
        self._sample_wanted = self._sample_wanted or cn == "3012"
        return codes.DONE

    def _history(self, cn: str, begin: int, end: int) -> Iterator[tuple[int, Sequence[str]]]:
        """What it kept: every finished period with its label in [begin, end], except when it was switched off."""
        period = PERIOD_OF.get(cn)
        if period is None or (period is Period.DAY and self.micro):
            return
        length = self.length(period)
        clock = self.clock_s(self._now)
        if period is Period.REALTIME:  # asked to begin: with what it sees now
            yield clock // STEP_S * STEP_S, self._items(period, clock // STEP_S * STEP_S)
            return
        label = -((-max(begin, clock - KEPT_DAYS * 86400) - CHINA_S) // length) * length - CHINA_S
        while label <= end and label + length <= clock:
            off = "silent" in self._faults and self._fault("silent", (label + length - self.skew_s) * MICROS - 1)
            if not off:
                yield label, self._items(period, label)
            label += length

    # --- faults ------------------------------------------------------------------------------------------------

    def _fault(self, kind: str, now: int) -> LinkFault | None:
        return self.truth.plan.link(self.logger.mn, kind, now // MICROS)

    def _spoil(self, frames: list[bytes], what: str, now: int) -> list[bytes]:
        """What the script does to frames on their way out. An unanswered one is sent again, whole, by `tick`."""
        if not self._faults:
            return frames
        for kind in ("half", "bad_crc", "noise", "duplicate"):
            fault = self._fault(kind, now) if kind in self._faults else None
            if fault is not None and fault.strikes(what):
                frames = [part for frame in frames for part in _SPOILERS[kind](frame, what)]
        return frames


def _half(frame: bytes, _what: str) -> list[bytes]:
    return [frame[: len(frame) // 2]]


def _bad_crc(frame: bytes, _what: str) -> list[bytes]:
    """The last CRC digit is wrong."""
    at = len(frame.rstrip(b"\r\n")) - 1
    return [frame[:at] + (b"1" if frame[at : at + 1] != b"1" else b"0") + frame[at + 1 :]]


def _noise(frame: bytes, what: str) -> list[bytes]:
    return [NOISES[key("noise", what) % len(NOISES)], frame]


def _duplicate(frame: bytes, _what: str) -> list[bytes]:
    return [frame, frame]


_SPOILERS = {"half": _half, "bad_crc": _bad_crc, "noise": _noise, "duplicate": _duplicate}
