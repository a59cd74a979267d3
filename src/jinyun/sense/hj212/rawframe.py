"""One frame as it came, and what can be told of it before it is parsed."""

from __future__ import annotations

import re
from typing import NamedTuple

from jinyun.kernel.errors import BadInput
from jinyun.sense.hj212 import sm4


class RawFrame(NamedTuple):
    """One frame as it came."""

    data: bytes  # from "##" to the last CRC digit
    segment: bytes  # data segment as sent (2025: still encrypted)
    declared_len: int | None
    length_ok: bool  # four digits that count the bytes of the segment
    crc_text: str  # as sent
    crc_dialect: str  # hj212, hj212_plaintext, modbus, modbus_swapped, arc; unchecked: encrypted, no fitting key
    valid_crc: bool  # the standard CRC (2025: of the plaintext)
    plain: bytes | None = None  # 2025: the segment decrypted, when a key was at hand and the CRC agrees


_MN = re.compile(rb"MN\s*=\s*([^;,&=\s]*)")


def mn_of(segment: bytes) -> str:
    """MN of a segment as text, "" when there is none."""
    found = _MN.search(segment, 0, 300)
    return found[1].decode("ascii", "replace") if found else ""


def decrypted(segment: bytes, key: bytes) -> bytes | None:
    """The segment with its data area decrypted; None when it has none or the key cannot be one."""
    begin = segment.find(b"CP=&&") + 5
    if begin < 5 or not segment.endswith(b"&&") or len(segment) - 2 < begin:
        return None
    try:
        return segment[:begin] + sm4.decrypt(segment[begin:-2], key) + b"&&"
    except BadInput:
        return None
