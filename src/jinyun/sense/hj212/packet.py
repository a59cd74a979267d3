"""Header of a data segment: who, what, which edition. Tolerant as the field needs; nothing is judged here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from jinyun.kernel.errors import JinyunError
from jinyun.sense.hj212 import crc as crcs
from jinyun.sense.hj212.rawframe import RawFrame, decrypted, mn_of

VERSIONS = {0: 2005, 1: 2017, 2: 2025}
"""Edition by the upper six bits of Flag."""


class BadPacket(JinyunError):
    """A frame whose CRC fits but which cannot be read. `code` is the reason, `sentence` says what would work."""

    status_hint = 422

    def __init__(self, code: str, sentence: str, *, mn: str = "") -> None:
        self.code, self.sentence, self.mn = code, sentence, mn
        super().__init__(sentence)


class Header(NamedTuple):
    """What stands before CP. Absent fields are None (flag) or "" in attributes; `fields` says what was really there."""

    st: str
    cn: str
    pw: str
    mn: str
    flag: int | None
    version: int
    answer_wanted: bool
    split: tuple[int, int] | None  # (PNUM, PNO)
    rf: bool
    qn: str
    fields: Mapping[str, str]  # by upper-case name, as sent
    odd: tuple[str, ...]


class Packet:
    """A parsed header, and the data area as bytes and text."""

    __slots__ = (
        "answer_wanted", "area", "cn", "cp", "encrypted", "flag", "frame", "head", "mn", "odd", "pw", "qn", "qn_in_cp",
        "rf", "split", "st", "version",
    )  # fmt: skip
    frame: RawFrame
    head: Header
    qn: str  # as sent; of 2005 answers and uploads the QN inside CP; "" when there is none
    qn_in_cp: bool  # the 2005 habit
    st: str
    cn: str
    pw: str
    mn: str  # trimmed; "" when absent or empty
    flag: int | None
    version: int  # 2005, 2017, 2025 by the Flag's version bits; 2005 when there is no Flag
    answer_wanted: bool  # bit A of Flag
    split: tuple[int, int] | None  # (PNUM, PNO); None when they are not there
    rf: bool  # 2025: re-sent
    area: bytes  # data area, decrypted
    cp: str  # data area as text
    encrypted: bool
    odd: tuple[str, ...]  # oddities tolerated

    @property
    def header(self) -> dict[str, str]:
        """All header fields as sent, by upper-case name."""
        fields = dict(self.head.fields)
        if self.qn and not self.qn_in_cp:
            fields = {"QN": self.qn, **fields}
        return fields

    def pairs(self) -> list[tuple[str, str]]:
        """Names and values of CP in order, duplicates kept; log text between ``//`` is one value, whatever is in it."""
        return [(name, value) for name, value, _ in split_area(self.cp)]

    def get(self, name: str, default: str = "") -> str:
        """First value of a field of CP, e.g. ``"QnRtn"``; case does not matter."""
        wanted = name.lower()
        return next((value for one, value in self.pairs() if one.lower() == wanted), default)

    def __repr__(self) -> str:
        return f"<Packet MN={self.mn} ST={self.st} CN={self.cn} QN={self.qn} {self.version}>"


_LOG = re.compile(r"//(.*?)//(?=\s*(?:[;,&]|$))", re.DOTALL)
_ITEM = re.compile(r"\s*([^=;,]*?)\s*(?:=([^;,]*))?([;,]|\Z)")


def split_area(cp: str) -> list[tuple[str, str, str]]:
    """(name, value, separator behind) of every field of a data area; a word without ``=`` has the name ""."""
    logs: list[str] = []
    if "//" in cp:

        def out(found: re.Match[str]) -> str:
            logs.append(found[1])
            return f"\0{len(logs) - 1}\0"

        cp = _LOG.sub(out, cp)
    fields = []
    for found in _ITEM.finditer(cp):
        name, value, mark = found[1], found[2], found[3]
        if value is None:
            if name:
                fields.append(("", name, mark))
            continue
        value = value.strip(" ")
        if logs and value.startswith("\0"):
            number = value.strip("\0")
            value = f"//{logs[int(number)]}//" if number.isdigit() and int(number) < len(logs) else value
        fields.append((name, value, mark))
    return fields


_FIELD = re.compile(rb"\s*([A-Za-z][A-Za-z0-9]{0,15})\s*=\s*([^;,]*)")
_QN_IN_CP = re.compile(rb"(?:^|[;,])\s*QN\s*=\s*(\d{1,20})")
_PART_IN_CP = re.compile(rb"(?:^|[;,])\s*(PNUM|PNO)\s*=\s*(\d{1,9})")
_heads: dict[bytes, Header] = {}
_HEADS_KEPT = 8192


def read_header(segment: bytes) -> Header:
    """Header of a data segment, however odd; fields not there are "" or None. Never raises."""
    head, _, area = segment.partition(b"CP=&&")
    if b"&&" in area and not area.endswith(b"&&"):
        head += b";" + area.rpartition(b"&&")[2]  # Flag written behind CP
    if not area and b"CP=" in head:
        head = head.partition(b"CP=")[0]
    return _read_head(head)


def _read_head(head: bytes) -> Header:
    fields: dict[str, str] = {}
    odd: list[str] = []
    for found in _FIELD.finditer(head):
        name, value = found[1].decode().upper(), found[2].decode("utf-8", "replace").strip()
        if name in fields:
            odd.append(f"{name} twice")
        else:
            fields[name] = value
    flag, version = None, 2005
    if (sent := fields.get("FLAG")) is not None:
        if sent.isdecimal() and len(sent) < 7:
            flag = int(sent)
            version = VERSIONS.get(flag >> 2, 0)
            if not version:
                version = 2017
                odd.append(f"Flag={flag} has version bits of no edition")
        else:
            odd.append(f"Flag={sent} is no number")
    split = None
    number, part = fields.get("PNUM", ""), fields.get("PNO", "")
    if number.isdecimal() and part.isdecimal() and len(number) < 10 and len(part) < 10:
        split = int(number), int(part)
        if split[1] > split[0] or not split[1]:
            odd.append("PNO outside of 1…PNUM")
    if flag is not None and bool(flag & 2) != (split is not None):
        odd.append("Flag bit D at odds with PNUM/PNO")
    return Header(
        fields.get("ST", ""), fields.get("CN", ""), fields.get("PW", ""), fields.get("MN", ""), flag, version,
        bool(flag and flag & 1), split, fields.get("RF", "") == "1", fields.get("QN", ""), fields, tuple(odd),
    )  # fmt: skip


def parse(frame: RawFrame, *, sm4_key: bytes = b"", encoding: str = "auto") -> Packet:
    """Read a frame.

    Parameters
    ----------
    encoding : str
        "auto" (UTF-8, then GB18030, noted in `odd`), or a codec's name.

    Raises
    ------
    BadPacket
        no-command, sm4-no-key, sm4-wrong-key.
    """
    packet = Packet()
    packet.frame = frame
    _, segment, _, length_ok, _, dialect, _, _ = frame
    packet.encrypted = False
    odd: tuple[str, ...] = ()
    if dialect != "hj212":
        if frame.plain is not None:
            segment, packet.encrypted = frame.plain, True
        elif dialect == "unchecked":
            segment, packet.encrypted = _open(frame, sm4_key), True
    front, mark, area = segment.partition(b"CP=&&")
    # Everything before CP but QN is the same in all packets of a device and command: read once.
    at = front.find(b"QN=")
    if at < 0:
        qn, rest = "", front
    else:
        stop = front.find(b";", at)
        qn, rest = front[at + 3 : stop].decode("latin-1"), front[:at] + front[stop + 1 :]
    head = _heads.get(rest)
    if head is None or not mark or not area.endswith(b"&&"):
        head = _read_head(front)
        area, extra, late = _irregular(segment, mark, area)
        odd += extra
        if late:
            head = _read_head(front + b";" + late)
        if not head.cn.isdecimal() or len(head.cn) != 4:
            raise BadPacket(
                "no-command", f"there is no four-digit CN in {segment[:80]!r}; a segment needs at least ST, CN and CP",
                mn=head.mn,
            )  # fmt: skip
        if qn == head.qn and not odd and len(rest) < 200:  # as read the long way: may be read the short way next time
            if len(_heads) >= _HEADS_KEPT:
                _heads.clear()
            _heads[rest] = head._replace(qn="", fields={k: v for k, v in head.fields.items() if k != "QN"})
        qn = head.qn
    else:
        area = area[:-2]
    packet.head, packet.area, packet.qn, packet.qn_in_cp = head, area, qn, False
    (
        packet.st, packet.cn, packet.pw, packet.mn, packet.flag, packet.version, packet.answer_wanted, packet.split,
        packet.rf, _, _, noted,
    ) = head  # fmt: skip
    if noted:
        odd += noted
    if not length_ok:
        odd += ("length",)
    if area.isascii():
        packet.cp = area.decode("ascii")
    else:
        packet.cp, note = _text(area, encoding)
        if note:
            odd += (note,)
    packet.odd = odd
    if not qn and b"QN" in area and (inside := _QN_IN_CP.search(area)):
        packet.qn, packet.qn_in_cp = inside[1].decode(), True
    if packet.split is None and b"PNO" in area:
        parts = {name: int(value) for name, value in _PART_IN_CP.findall(area)}
        if len(parts) == 2:
            packet.split = parts[b"PNUM"], parts[b"PNO"]
            packet.odd += ("PNUM and PNO inside CP",)
    return packet


def _irregular(segment: bytes, mark: bytes, area: bytes) -> tuple[bytes, tuple[str, ...], bytes]:
    """Data area of a segment not ended by ``&&`` or without ``CP=&&``: (area, notes, header fields behind it)."""
    if not mark:
        _, mark, area = segment.partition(b"CP=")
        return area.strip(b"&"), ("CP not opened" if mark else "no CP",), b""
    if area.endswith(b"&&"):
        return area[:-2], (), b""
    before, closed, late = area.rpartition(b"&&")
    if closed:
        return before, ("text behind CP",), late
    return area, ("CP not closed",), b""


def _open(frame: RawFrame, key: bytes) -> bytes:
    mn = mn_of(frame.segment)
    if not key:
        raise BadPacket("sm4-no-key", "the data area is encrypted (HJ 212-2025) and no SM4 key is set for it", mn=mn)
    plain = decrypted(frame.segment, key)
    if plain is None or crcs.crc16(plain) != int(frame.crc_text, 16):
        raise BadPacket(
            "sm4-wrong-key", "decrypted with the key of this device the CRC does not fit: wrong key, or damaged", mn=mn
        )
    return plain


def _text(area: bytes, encoding: str) -> tuple[str, str]:
    if encoding != "auto":
        try:
            return area.decode(encoding, "replace"), ""
        except LookupError:
            return area.decode("utf-8", "replace"), f"unknown text encoding {encoding}"
    for codec in ("utf-8", "gb18030"):
        try:
            return area.decode(codec), "" if codec == "utf-8" else "gb18030"
        except UnicodeDecodeError:
            continue
    return area.decode("utf-8", "replace"), "text in no known encoding"
