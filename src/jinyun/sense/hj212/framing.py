"""From a byte stream to frames, and back on the track after damage. Sans-I/O: TCP, serial and replayed files share it.

A frame is `##`, a length, the data segment and four CRC digits (HJ 212-2017 6.1); CR LF behind it is optional here.
`##` is trusted only with digits and a field name behind it and with a right CRC. Whatever the chunks, the same frames
come out: every decision waits for the bytes it needs, except that a frame is given up as soon as a later whole, good
frame has begun inside it (and outside of log text, which may quote frames).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable

from jinyun.sense.hj212 import crc as crcs
from jinyun.sense.hj212 import sm4
from jinyun.sense.hj212.crc import crc16
from jinyun.sense.hj212.noise import NoiseMeter, Refusal, crc_refusal, cut_refusal
from jinyun.sense.hj212.rawframe import RawFrame, decrypted, mn_of

__all__ = ["Framer", "RawFrame", "Refusal", "examine"]


_HEADER = re.compile(rb"##(\d{2,6})(?=[;,\s]{0,3}[A-Za-z]{2,8}\s?=)")
_BEGUN = re.compile(rb"#(?:#(?:\d{1,6}|\d{2,6}[;,\s]{0,3}[A-Za-z]{0,8}\s?)?)?\Z")
_HEX4 = re.compile(rb"[0-9A-Fa-f]{4}")
_CLOSED = re.compile(rb"&&(?=[0-9A-Fa-f]{4})")
_FLAG_2025 = re.compile(rb";\s*Flag\s*=\s*(?:8|9|10|11)\b.*?CP=&&", re.DOTALL)
_BINARY = re.compile(rb"[^\t\r\n -~]")
_ANNEX_CIPHER = re.compile(rb"([^{]{0,200}CP=&&)\{((?:0x[0-9A-Fa-f]{2},?)+)\}([^#]{0,16}&&)([0-9A-Fa-f]{4})")

_SHORTER = (12, 10, 6, 4, 2, 1)
"""Lengths that count too much: the whole frame, it without CR LF, CRC and CR LF, the CRC, two, one. [bytes]"""
_LONGER = (1, 2)
_MOST_INNER = 32  # frame beginnings looked at inside one unfinished frame
_TEXTS = {
    form.encode(): (value, form) for value in crcs.VALUES for form in (f"{value:04X}", f"{value:04x}")
}  # the 256 possible CRCs as sent


_LENGTHS = {b"%04d" % length: length for length in range(10_000)}
_STARTS = (b"QN=", b"ST=")
_new = tuple.__new__  # a NamedTuple made without its Python-level constructor: three times as fast


class _Wait(Exception):
    """More bytes are needed to decide."""


class Framer:
    """One per connection. `feed` what arrived, take whole frames; then `rejects`.

    Parameters
    ----------
    max_size : int
        Longest data segment accepted. [bytes]
    crc : str or callable
        Dialect accepted beside the standard ("hj212": none), or a function MN → dialect, since one socket may carry
        several devices. May be changed any time.
    sm4_key : bytes or callable
        Key of HJ 212-2025 (b"": unknown), or a function MN → key. Only checks the CRC of encrypted frames; one that
        cannot be checked comes out with `crc_dialect` "unchecked" and `packet.parse` refuses it.
    """

    def __init__(
        self,
        *,
        max_size: int = 8192,
        crc: str | Callable[[str], str] = "hj212",
        sm4_key: bytes | Callable[[str], bytes] = b"",
    ) -> None:
        self.max_size, self.crc, self.sm4_key = max_size, crc, sm4_key
        self.frames = self.lengths_wrong = 0
        self._held = b""
        self._noise = NoiseMeter()

    def feed(self, data: bytes) -> list[RawFrame]:
        """Take in bytes; frames that are now whole, in order."""
        return self._scan(self._held + data if self._held else bytes(data), final=False)

    def close(self) -> list[RawFrame]:
        """The connection ended: frames still to be had; a rest is refused as cut off."""
        found = self._scan(self._held, final=True)
        self._noise.end_run()
        return found

    def rejects(self) -> list[Refusal]:
        """What was refused since last asked (takes and clears)."""
        return self._noise.take()

    @property
    def noise(self) -> int:
        """Bytes that belonged to no frame so far; line ends between frames are not counted."""
        return self._noise.total

    @property
    def waiting(self) -> int:
        """Bytes held for a frame that is not whole yet."""
        return len(self._held)

    def _scan(self, buf: bytes, *, final: bool) -> list[RawFrame]:
        frames: list[RawFrame] = []
        at, size = 0, len(buf)
        while at < size:
            # The common clean frame: four-digit length, the usual first field, standard CRC.
            length = _LENGTHS.get(buf[at + 2 : at + 6])
            if length is not None and buf.startswith(_STARTS, at + 6) and buf.startswith(b"##", at):
                stop = at + 6 + length
                sent = _TEXTS.get(buf[stop : stop + 4])
                if sent is not None and length <= self.max_size:
                    segment = buf[at + 6 : stop]
                    if sent[0] == crc16(segment) and segment.isascii():
                        if self._noise.running:
                            self._noise.end_run()
                        fields = (buf[at : stop + 4], segment, length, True, sent[1], "hj212", True, None)
                        frames.append(_new(RawFrame, fields))
                        at = stop + 6 if buf.startswith(b"\r\n", stop + 4) else stop + 4
                        continue
            step = self._slow(buf, at, frames, final=final)
            if step < 0:
                at = -1 - step
                break
            at = step
        self.frames += len(frames)
        self._held = buf[at:] if at < size else b""
        return frames

    def _slow(self, buf: bytes, at: int, frames: list[RawFrame], *, final: bool) -> int:
        """Go on from `at`: the next position, or ``-1 - position`` when the rest must be held."""
        start, size = buf.find(b"##", at), len(buf)
        if start < 0:
            keep = not final and buf.endswith(b"#")
            self._noise.add(buf[at : size - keep])
            return -1 - (size - keep)
        self._noise.add(buf[at:start])
        head = _HEADER.match(buf, start)
        if head is None:
            if not final and _BEGUN.match(buf, start):
                return -1 - start
            # On to the next header, or to what may become one: "###" hides a header, so from the next byte on.
            ahead = _HEADER.search(buf, start + 1) or (None if final else _BEGUN.search(buf, max(start + 1, size - 24)))
            stop = ahead.start() if ahead is not None else size
            self._noise.add(buf[start:stop])
            return stop
        self._noise.end_run()
        try:
            frame = self._frame_at(buf, head, final=final)
        except _Wait:
            return self._unfinished(buf, head)
        if frame is not None:
            self.lengths_wrong += not frame.length_ok
            frames.append(frame)
            return start + len(frame.data)
        return self._refuse(buf, head, final=final)

    # ------------------------------------------------------------------------------------------- one frame

    def _frame_at(self, buf: bytes, head: re.Match[bytes], *, final: bool) -> RawFrame | None:
        """The frame whose header matched; None when there is none.

        Raises
        ------
        _Wait
            When bytes are missing to decide, and more may come.
        """
        start, base, size = head.start(), head.end(), len(buf)
        declared = int(head[1])
        if declared > self.max_size:
            return None
        end = base + declared
        exact_ok = len(head[1]) == 4

        def fit(stop: int, *, length_ok: bool = False) -> RawFrame | None:
            return self._fit(buf, start, base, stop, declared, length_ok=length_ok)

        for less in _SHORTER:
            stop = end - less
            if base + 8 <= stop <= size - 4 and buf[stop - 2 : stop] == b"&&" and (found := fit(stop)):
                return found
        patient = not final and size - start <= 2 * self.max_size + 64
        if end + 4 > size:
            if b"CP=&&{0x" in buf[base : base + 220] and (found := self._annex_cipher(buf, head)):
                return found
            if patient:
                raise _Wait
        else:
            if found := fit(end, length_ok=exact_ok):
                return found
            landed = buf[end - 2 : end] == b"&&" and _HEX4.match(buf, end)
            if landed:  # the length is right, only the CRC is not
                return None
        for less in reversed(_SHORTER):
            stop = end - less
            if base + 8 <= stop <= size - 4 and (found := fit(stop)):
                return found
        for more in _LONGER:
            if end + more + 4 <= size:
                if found := fit(end + more):
                    return found
            elif patient and not _HEADER.search(buf, base):
                raise _Wait
        if b"CP=&&{0x" in buf[base : base + 220]:
            return self._annex_cipher(buf, head, patient=patient)
        return self._in_characters(buf, head, patient=patient)

    def _in_characters(self, buf: bytes, head: re.Match[bytes], *, patient: bool) -> RawFrame | None:
        """A frame whose length counts characters of UTF-8 or GB18030 text instead of bytes."""
        base, declared = head.end(), int(head[1])
        following = _following(buf, head)  # the text of this frame cannot reach beyond the next one
        stop = len(buf) if following is None else following
        if not _BINARY.search(buf, base, min(base + declared, stop)):
            return None
        for count, mark in enumerate(_CLOSED.finditer(buf, base + declared, stop)):
            segment = buf[base : mark.end()]
            if any(_characters(segment, codec) == declared for codec in ("utf-8", "gb18030")) and (
                found := self._fit(buf, head.start(), base, mark.end(), declared, length_ok=False)
            ):
                return found
            if mark.end() - base > 4 * declared or count > _MOST_INNER:
                return None
        rest = buf[base : base + 4 * declared + 16]
        if (
            patient
            and following is None
            and min(len(rest.decode(codec, "ignore")) for codec in ("utf-8", "gb18030")) < declared + 4
        ):
            raise _Wait
        return None

    def _annex_cipher(self, buf: bytes, head: re.Match[bytes], *, patient: bool = False) -> RawFrame | None:
        """Ciphertext written as HJ 212-2025 Annex A.2 prints it, ``{0xE4,0x3E,…}``, the length counting raw bytes."""
        written = _ANNEX_CIPHER.match(buf, head.end())
        if written is None:
            if patient and len(buf) - head.end() < self.max_size:
                raise _Wait
            return None
        segment = _unwritten(written)
        if len(segment) != int(head[1]):
            return None
        data = buf[head.start() : written.end()]
        return self._encrypted(data, segment, len(segment), False, written[4].decode())

    def _fit(self, buf: bytes, start: int, base: int, stop: int, declared: int, *, length_ok: bool) -> RawFrame | None:
        """The frame with its segment in [base, stop), if the CRC behind it is acceptable."""
        digits = buf[stop : stop + 4]
        if not _HEX4.fullmatch(digits):
            return None
        segment, sent = buf[base:stop], digits.decode()
        data = buf[start : stop + 4]
        if int(digits, 16) == crc16(segment):
            # There are 256 CRCs only: one ciphertext in 256 has that of its plaintext, and is none for all that.
            if not segment.isascii() and segment.endswith(b"&&") and _FLAG_2025.search(segment[:200]):
                coded = self._encrypted(data, segment, declared, length_ok, sent)
                if coded is not None and coded.plain is not None:
                    return coded
            return RawFrame(data, segment, declared, length_ok, sent, "hj212", True)
        dialect = self.crc if isinstance(self.crc, str) else self.crc(mn_of(segment))
        if dialect not in ("hj212", "") and sent.upper() == crcs.text(segment, dialect):
            return RawFrame(data, segment, declared, length_ok, sent, dialect, False)
        if segment.endswith(b"&&") and _FLAG_2025.search(segment[:200]):
            return self._encrypted(data, segment, declared, length_ok, sent)
        return None

    def _encrypted(self, data: bytes, segment: bytes, declared: int, length_ok: bool, sent: str) -> RawFrame | None:
        """An HJ 212-2025 frame with encrypted data area, or None when it does not look like one."""
        key = self.sm4_key if isinstance(self.sm4_key, bytes) else self.sm4_key(mn_of(segment))
        plain = decrypted(segment, key) if key else None
        if plain is not None and int(sent, 16) == crc16(plain):
            return RawFrame(data, segment, declared, length_ok, sent, "hj212_plaintext", True, plain)
        area = segment[segment.find(b"CP=&&") + 5 : -2]
        if len(area) >= sm4.GROUP and int(sent, 16) in crcs.VALUES and _BINARY.search(area):
            return RawFrame(data, segment, declared, length_ok, sent, "unchecked", False)
        return None

    # ------------------------------------------------------------------------------------------- refusing

    def _unfinished(self, buf: bytes, head: re.Match[bytes]) -> int:
        """Bytes are missing. Hold what is there, unless a later whole frame shows that this one was cut off."""
        start = head.start()
        for count, inner in enumerate(_HEADER.finditer(buf, head.end())):
            whole = None
            if inner.end() + int(inner[1]) - max(_SHORTER) + 4 <= len(buf):  # it may be whole
                if _log_open(buf[start : inner.start()]):
                    continue
                with contextlib.suppress(_Wait):
                    whole = self._frame_at(buf, inner, final=False)
            if whole is not None or count > _MOST_INNER:
                self._noise.refuse(cut_refusal(buf[start : inner.start()], head.end() - start, int(head[1])))
                return inner.start()
        return -1 - start

    def _refuse(self, buf: bytes, head: re.Match[bytes], *, final: bool) -> int:
        """No frame here. Say why, and go on at the next beginning inside it, or behind it."""
        start, base, declared = head.start(), head.end(), int(head[1])
        end = base + declared
        if declared > self.max_size:
            raw = buf[start : start + 96]
            sentence = f"length {declared} is over the limit of {self.max_size} bytes; long records must be split"
            self._noise.refuse(Refusal(raw, "too-long", sentence, mn_of(raw)))
            return base
        inner = _next_beginning(buf, start + 2, end + 4, final=final)
        landed = buf[end - 2 : end] == b"&&" and _HEX4.match(buf, end) and end + 4 <= len(buf)
        if not landed:
            if inner is not None or end + 4 > len(buf):
                stop = inner if inner is not None else len(buf)
                self._noise.refuse(cut_refusal(buf[start:stop], base - start, declared))
                return stop
            raw = buf[start : end + 4]
            sentence = (
                f"declares {declared} bytes, but there is no right CRC at or near that place; "
                "the length must count the bytes between it and the CRC"
            )
            self._noise.refuse(Refusal(raw, "length-wrong", sentence, mn_of(raw)))
            return end + 4
        segment, sent = buf[base:end], buf[end : end + 4].decode()
        self._noise.refuse(crc_refusal(buf[start : end + 4], segment, sent))
        return inner if inner is not None else end + 4


# ------------------------------------------------------------------------------------------------- helpers


def _unwritten(written: re.Match[bytes]) -> bytes:
    cipher = bytes(int(one, 16) for one in written[2].split(b",") if one)
    return written[1] + cipher + written[3]


def _characters(segment: bytes, codec: str) -> int:
    try:
        return len(segment.decode(codec))
    except UnicodeDecodeError:
        return -1


def _log_open(text: bytes) -> bool:
    """True inside ``-Info=//…``: log text may quote whole frames."""
    begun = text.rfind(b"-Info=//")
    return begun >= 0 and text.find(b"//", begun + 8) < 0


def _following(buf: bytes, head: re.Match[bytes]) -> int | None:
    """Where the next header after `head` stands that no log text quotes."""
    for count, inner in enumerate(_HEADER.finditer(buf, head.end())):
        if count > _MOST_INNER or not _log_open(buf[head.start() : inner.start()]):
            return inner.start()
    return None


def _next_beginning(buf: bytes, at: int, stop: int, *, final: bool) -> int | None:
    """Where in [at, stop) a frame begins, or may begin with bytes to come."""
    while True:
        at = buf.find(b"#", at, stop)
        if at < 0:
            return None
        if _HEADER.match(buf, at) or (not final and _BEGUN.match(buf, at)):
            return at
        at += 1


_WHOLE = re.compile(rb"(?:##)?(\d{1,6})?(.*)", re.DOTALL)


def examine(data: bytes, *, sm4_key: bytes = b"") -> RawFrame:
    """Look at one packet on its own, however wrong: nothing is refused, everything is said in the fields.

    `crc_dialect` is then also "mismatch" (no dialect fits) or "none" (no CRC). Without `##` in front, a packet is read
    as one only when length and CRC are right; else all of it counts as segment.
    """
    parts = _WHOLE.match(data)
    assert parts is not None  # the pattern matches anything
    digits, body = parts[1] or b"", parts[2]
    headed = data.startswith(b"##")
    declared = int(digits) if digits else None
    probe = Framer(sm4_key=sm4_key)
    if declared is not None and _HEX4.match(body, declared):  # the length leads to a CRC: binary areas need that
        base = 2 + len(digits)
        exact = probe._fit(b"##" + digits + body, 0, base, base + declared, declared, length_ok=True)
        if exact is not None:
            return exact._replace(data=data[: len(data) - len(body) + declared + 4], length_ok=len(digits) == 4)
    if not headed:
        return RawFrame(data, data.rstrip(b"\r\n"), None, False, "", "none", False)
    written = _ANNEX_CIPHER.match(body)
    if written is not None:
        found = probe._encrypted(data, _unwritten(written), declared or 0, False, written[4].decode())
        if found is not None:
            return found._replace(declared_len=declared)
    body = body.rstrip(b"\r\n")
    segment, sent, fits = body, "", "none"
    if len(body) >= 4 and _HEX4.fullmatch(body[-4:]):
        segment, sent = body[:-4], body[-4:].decode()
        fits = crcs.guess(segment, sent)
        if fits == "mismatch" and declared == len(body):  # the length takes them in: they are no CRC
            segment, sent, fits = body, "", "none"
    length_ok = len(digits) == 4 and declared == len(segment)
    whole = data[: len(data) - len(data[2 + len(digits) :]) + len(body)]
    return RawFrame(whole, segment, declared, length_ok, sent, fits, fits == "hj212")
