"""From a byte stream to frames, and back on the track after damage. Sans-I/O: TCP, serial and replayed files share it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class RawFrame(NamedTuple):
    """One frame as it came."""

    data: bytes  # from "##" to the last CRC digit
    segment: bytes  # data segment as sent (2025: still encrypted)
    declared_len: int | None
    length_ok: bool  # four digits that count the bytes of the segment
    crc_text: str  # as sent
    crc_dialect: str  # hj212, hj212_plaintext, modbus, modbus_swapped, arc; unchecked: encrypted, no fitting key
    valid_crc: bool  # the standard CRC (2025: of the plaintext)


class Refusal(NamedTuple):
    """Bytes that are no frame, and why. Never silent."""

    raw: bytes
    code: str  # noise, crc-wrong, crc-dialect, cut-off, too-long, length-wrong, many-refusals
    sentence: str
    mn: str = ""  # when it could be read
    dialect: str = ""  # the CRC dialect that would fit


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

    crc: str | Callable[[str], str]
    sm4_key: bytes | Callable[[str], bytes]
    noise: int  # bytes that belonged to no frame, so far
    frames: int
    lengths_wrong: int

    def __init__(
        self,
        *,
        max_size: int = 8192,
        crc: str | Callable[[str], str] = "hj212",
        sm4_key: bytes | Callable[[str], bytes] = b"",
    ) -> None:
        raise NotImplementedError

    def feed(self, data: bytes) -> list[RawFrame]:
        """Take in bytes; frames that are now whole, in order."""
        raise NotImplementedError

    def close(self) -> list[RawFrame]:
        """The connection ended: frames still to be had; a rest is refused as cut off."""
        raise NotImplementedError

    def rejects(self) -> list[Refusal]:
        """What was refused since last asked (takes and clears)."""
        raise NotImplementedError

    @property
    def waiting(self) -> int:
        """Bytes held for a frame that is not whole yet."""
        raise NotImplementedError


def examine(data: bytes, *, sm4_key: bytes = b"") -> RawFrame:
    """Look at one packet on its own, however wrong: nothing is refused, everything is said in the fields.

    `crc_dialect` is then also "mismatch" (no dialect fits) or "none" (no CRC).
    """
    raise NotImplementedError
