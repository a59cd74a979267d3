"""Checking the codec against files of test vectors, and decoding captures. Files only, no clock, no socket.

The forms of packets.jsonl and streams.jsonl are those of the README beside the shared vectors: a packet has ``raw`` or
``raw_b64`` and what is true of it; a stream has ``chunks_b64`` and the frames it must give, ``frames_b64``.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from jinyun.kernel.errors import BadInput
from jinyun.kernel.ports import MICRO, NO_VALUE
from jinyun.kernel.terms import Flag, china_time
from jinyun.sense.hj212.codes import COMMANDS
from jinyun.sense.hj212.content import decode
from jinyun.sense.hj212.framing import Framer, RawFrame, Refusal, examine
from jinyun.sense.hj212.packet import BadPacket, parse, read_header
from jinyun.sense.hj212.plan import factor_words

SAMPLE_KEY = b"0" * 16
"""The key of both encrypted examples of HJ 212-2025 Annex A.2, sixteen bytes 0x30. Public: it protects nothing."""


class Case(NamedTuple):
    """One checked vector."""

    id: str
    passed: bool
    detail: str  # what differs; "" when it passed


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as wrong:
        raise BadInput(f"cannot read {path}: {wrong}", field="path") from wrong
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise ValueError("not a JSON object")
            except ValueError as wrong:
                where = f"{path.name} line {number}: {wrong}"
                raise BadInput(where, field="path", hint="one JSON object per line") from wrong
            yield number, row


def _bytes(row: dict[str, Any]) -> bytes:
    if row.get("raw") is not None:
        return str(row["raw"]).encode("utf-8")
    try:
        return base64.b64decode(row["raw_b64"], validate=True)
    except (KeyError, TypeError, binascii.Error) as wrong:
        raise BadInput(f"packet {row.get('id', '?')} has neither raw nor base64 in raw_b64", field="raw") from wrong


def check_packets(path: Path) -> list[Case]:
    """Agreement on valid_crc, crc_dialect, length_ok, st, cn and mn, packet by packet.

    Raises
    ------
    BadInput
        When the file is not one of packets.
    """
    cases = []
    for number, row in _lines(path):
        frame = examine(_bytes(row), sm4_key=SAMPLE_KEY)
        fields = read_header(frame.plain or frame.segment).fields
        found = {
            "valid_crc": frame.valid_crc, "crc_dialect": frame.crc_dialect, "length_ok": frame.length_ok,
            "st": fields.get("ST"), "cn": fields.get("CN"), "mn": fields.get("MN"),
        }  # fmt: skip
        wrong = [f"{name}: {value!r}, not {row.get(name)!r}" for name, value in found.items() if value != row.get(name)]
        cases.append(Case(str(row.get("id", number)), not wrong, "; ".join(wrong)))
    return cases


def check_streams(path: Path) -> list[Case]:
    """Whether exactly the expected frames come out of each stream, in its own chunks, whole, and byte by byte.

    Raises
    ------
    BadInput
        When the file is not one of streams.
    """
    cases = []
    for number, row in _lines(path):
        try:
            chunks = [base64.b64decode(one, validate=True) for one in row["chunks_b64"]]
            expected = [base64.b64decode(one, validate=True) for one in row["frames_b64"]]
        except (KeyError, TypeError, binascii.Error) as wrong:
            name = row.get("id", number)
            raise BadInput(f"stream {name} needs chunks_b64 and frames_b64", field="chunks_b64") from wrong
        whole = b"".join(chunks)
        ways = {"as sent": chunks, "in one": [whole], "byte by byte": [whole[at : at + 1] for at in range(len(whole))]}
        wrong_ways = []
        for name, way in ways.items():
            framer = Framer(sm4_key=SAMPLE_KEY)
            got = [frame.data for chunk in way for frame in framer.feed(chunk)]
            got += [frame.data for frame in framer.close()]
            if got != expected:
                wrong_ways.append(f"{name}: {len(got)} frames, should be {len(expected)}")
        cases.append(Case(str(row.get("id", number)), not wrong_ways, "; ".join(wrong_ways)))
    return cases


# ------------------------------------------------------------------------------------------------- decoding


def decode_lines(stream: BinaryIO | Iterable[bytes], *, sm4_key: bytes = b"") -> Iterator[dict[str, Any]]:
    """A capture (raw bytes), or lines of packets.jsonl, as one dict per frame or refusal, ready for JSON.

    The first byte decides: ``{`` means JSON lines. A packet of JSON lines is examined on its own and comes out whatever
    it is; a raw capture goes through the framer, and what it refuses comes out with ``"refused"``.
    """
    blocks = _blocks(stream)
    first = next(blocks, b"")
    if first.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"{":
        yield from _decode_json(_joined_lines(first, blocks), sm4_key or SAMPLE_KEY)
        return
    framer = Framer(sm4_key=sm4_key)
    for block in (first, *blocks) if first else ():
        yield from (shown(frame, sm4_key=sm4_key) for frame in framer.feed(block))
        yield from map(refused, framer.rejects())
    yield from (shown(frame, sm4_key=sm4_key) for frame in framer.close())
    yield from map(refused, framer.rejects())


def _blocks(stream: BinaryIO | Iterable[bytes]) -> Iterator[bytes]:
    read = getattr(stream, "read", None)
    if read is None:
        yield from (block for block in stream if block)
        return
    while block := read(65536):
        yield block


def _joined_lines(first: bytes, blocks: Iterator[bytes]) -> Iterator[bytes]:
    rest = first
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        yield from lines
    yield from rest.split(b"\n")


def _decode_json(lines: Iterable[bytes], sm4_key: bytes) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode("utf-8-sig"))
            raw = _bytes(row)
        except (ValueError, AttributeError, BadInput) as wrong:
            yield {"refused": "bad-line", "sentence": f"line {number}: {wrong}"}
            continue
        yield {"id": row.get("id", number), **shown(examine(raw, sm4_key=sm4_key), sm4_key=sm4_key)}


def refused(refusal: Refusal) -> dict[str, Any]:
    """A refusal for people and programs; at most 256 of its bytes."""
    return {
        "refused": refusal.code, "sentence": refusal.sentence, "mn": refusal.mn or None,
        "dialect": refusal.dialect or None, "hex": refusal.raw[:256].hex(),
    }  # fmt: skip


def shown(frame: RawFrame, *, sm4_key: bytes = b"") -> dict[str, Any]:
    """A frame for people and programs: header, kind, readings in canonical units, what was refused and why."""
    told: dict[str, Any] = {
        "valid_crc": frame.valid_crc, "crc_dialect": frame.crc_dialect, "crc": frame.crc_text,
        "length_ok": frame.length_ok, "declared_len": frame.declared_len, "actual_len": len(frame.segment),
    }  # fmt: skip
    fields = read_header(frame.plain or frame.segment).fields
    told |= {"st": fields.get("ST"), "cn": fields.get("CN"), "mn": fields.get("MN")}
    try:
        packet = parse(frame, sm4_key=sm4_key)
    except BadPacket as wrong:
        return {**told, "refused": wrong.code, "sentence": wrong.sentence}
    content = decode(packet)
    command = COMMANDS.get(packet.cn)
    told |= {
        "qn": packet.qn or None, "pw": packet.pw or None, "flag": packet.flag, "version": packet.version,
        "answer_wanted": packet.answer_wanted, "encrypted": packet.encrypted,
        "pnum": packet.split[0] if packet.split else None, "pno": packet.split[1] if packet.split else None,
        "kind": content.kind, "zh": command.zh if command else "", "en": command.en if command else "",
        "time": china_time(content.time).isoformat() if content.time is not None else None,
        "period": content.period.name.lower() if content.period is not None else None,
        "values": [
            {**words, "value": exact(value), "flag": Flag(flag).name}
            for words, value, flag in zip(factor_words(content.plan), content.values, content.flags, strict=True)
        ],
        "fields": [list(pair) for pair in content.extras],
    }  # fmt: skip
    if content.refused:
        told["not_read"] = [one._asdict() for one in content.refused]
    if content.doubts:
        told["doubts"] = [one._asdict() for one in content.doubts]
    if content.unknown:
        told["unknown"] = list(content.unknown)
    if notes := [*packet.odd, *content.notes]:
        told["notes"] = notes
    return told


def exact(micro: int) -> str | None:
    """Millionths as plain decimal text without needless zeros; None for no value."""
    if micro == NO_VALUE:
        return None
    whole, part = divmod(abs(micro), MICRO)
    text = f"{whole}.{part:06}".rstrip("0").rstrip(".") if part else str(whole)
    return f"-{text}" if micro < 0 else text
