"""What a framer could not use: counted, sampled, bounded, never silent."""

from __future__ import annotations

import re
from typing import NamedTuple

from jinyun.sense.hj212 import crc as crcs
from jinyun.sense.hj212.rawframe import mn_of


class Refusal(NamedTuple):
    """Bytes that are no frame, and why."""

    raw: bytes
    code: str  # noise, crc-wrong, crc-dialect, cut-off, too-long, length-wrong, many-refusals
    sentence: str
    mn: str = ""  # when it could be read
    dialect: str = ""  # the CRC dialect that would fit


SAMPLE = 256  # bytes kept of a run of noise
RUN = 4096  # a longer run is reported in pieces
PENDING = 256  # refusals kept until taken
_QUIET = b"\r\n\t \0*"  # line ends and fill between frames

_KNOWN = (
    (b"GET ", "an HTTP request"), (b"POST ", "an HTTP request"), (b"HEAD ", "an HTTP request"),
    (b"OPTIONS ", "an HTTP request"), (b"\x16\x03", "a TLS hello"), (b"AT", "modem text"), (b"+++", "modem text"),
    (b"CONNECT", "modem text"), (b"OK", "modem text"), (b"SSH-", "an SSH client"), (b"PROXY ", "a load balancer"),
)  # fmt: skip


class NoiseMeter:
    """Counts bytes outside of frames and keeps refusals until they are taken."""

    def __init__(self) -> None:
        self.total = 0
        self.running = 0  # bytes of the run going on
        self._sample = b""
        self._refusals: list[Refusal] = []
        self._lost = 0

    def add(self, data: bytes) -> None:
        """Bytes between frames."""
        if not self.running:
            data = data.lstrip(_QUIET)
        if not data:
            return
        self.total += len(data)
        self.running += len(data)
        if len(self._sample) < SAMPLE:
            self._sample += data[: SAMPLE - len(self._sample)]
        if self.running >= RUN:
            self.end_run()

    def end_run(self) -> None:
        """A frame begins, or the connection ended: report the run of noise before it."""
        if not self.running:
            return
        sample, count = self._sample, self.running
        self.running, self._sample = 0, b""
        like = next((f"; it looks like {what}" for start, what in _KNOWN if sample.startswith(start)), "")
        sentence = f"{count} bytes before or between frames are not HJ 212{like}; a frame begins with ## and its length"
        self.refuse(Refusal(sample, "noise", sentence))

    def refuse(self, refusal: Refusal) -> None:
        if len(self._refusals) < PENDING:
            self._refusals.append(refusal)
        else:
            self._lost += 1

    def take(self) -> list[Refusal]:
        taken, self._refusals = self._refusals, []
        if self._lost:
            sentence = f"{self._lost} more refusals at once were counted, not kept"
            taken.append(Refusal(b"", "many-refusals", sentence))
            self._lost = 0
        return taken


_CLOSED = re.compile(rb"&&([0-9A-Fa-f]{4})")


def cut_refusal(raw: bytes, base: int, declared: int) -> Refusal:
    """The refusal of a frame with another one inside its declared length: cut off, or its length is wrong.

    `base` is where the segment begins in `raw`. The sentence says how long the segment really is when it is whole.
    """
    for found in _CLOSED.finditer(raw, base):
        segment, sent = raw[base : found.start() + 2], found[1].decode()
        if crcs.guess(segment, sent) != "mismatch":
            sentence = (
                f"the length says {declared}, but the segment has {len(segment)} bytes, with a right CRC behind it; "
                "the length must count the bytes between it and the CRC"
            )
            return Refusal(raw, "length-wrong", sentence, mn_of(raw))
    sentence = f"the frame declares {declared} bytes but ends after {len(raw) - base}; it was cut off, send it again"
    return Refusal(raw, "cut-off", sentence, mn_of(raw))


def crc_refusal(raw: bytes, segment: bytes, sent: str) -> Refusal:
    """The refusal of a frame whose length is right and whose CRC is not; names the dialect that would fit."""
    fits, right, mn = crcs.guess(segment, sent), crcs.text(segment), mn_of(segment)
    if fits == "mismatch":
        return Refusal(raw, "crc-wrong", f"CRC {sent} fits no known dialect; the standard one is {right}", mn)
    sentence = f"CRC {sent} is {fits}, not the standard's {right}; set crc={fits} on the device, or mend the device"
    return Refusal(raw, "crc-dialect", sentence, mn, fits)
