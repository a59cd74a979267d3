"""The journal's bytes on disk: records, the open segment file, and the sealed one in independent zstd blocks.

Open segment ``segment-00000001.jnl``: a 16-byte head, then records back to back. Record: crc32 (of all that follows),
length of data, received_at [µs], lengths of link, peer and mn, those three texts, the data. Little endian.

Sealed segment ``segment-00000001.jz``: zstd blocks of whole records, then the compressed block table, then a trailer.
An offset is always the one in the open file, so a reference stays good after sealing.
"""

from __future__ import annotations

import bisect
import hashlib
import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import msgspec
import zstandard

from jinyun.kernel.errors import Unavailable
from jinyun.kernel.terms import RawMessage

SEGMENT_HEAD = struct.Struct("<8sII")
HEAD_MAGIC = b"JINYUN-J"
FIRST = SEGMENT_HEAD.size
CRC = struct.Struct("<I")
HEAD = struct.Struct("<IqHHH")
PREFIX = CRC.size + HEAD.size
_TRAILER = struct.Struct("<QI8s")
_SEALED_MAGIC = b"JINYUN-Z"
BLOCK_BYTES = 256 * 1024
MAX_DATA = 64 * 1024 * 1024
"""No message is larger; a length beyond it in a record head is damage."""


def segment_head(number: int) -> bytes:
    return SEGMENT_HEAD.pack(HEAD_MAGIC, 1, number)


def record_at(buffer: bytes | memoryview, at: int) -> tuple[RawMessage, int] | None:
    """The record that starts at `at` and where the next one starts; None when it is cut off or its CRC is wrong."""
    if at + PREFIX > len(buffer):
        return None
    (crc,) = CRC.unpack_from(buffer, at)
    size, received_at, link, peer, mn = HEAD.unpack_from(buffer, at + CRC.size)
    body = at + PREFIX
    end = body + link + peer + mn + size
    if size > MAX_DATA or end > len(buffer) or crc32(buffer[at + CRC.size : end]) != crc:
        return None
    texts = bytes(buffer[body : end - size]).decode("utf-8", "surrogateescape")
    if len(texts) == link + peer + mn:  # all ASCII: byte lengths are text lengths
        names: tuple[str, ...] = texts[:link], texts[link : link + peer], texts[link + peer :]
    else:
        names = tuple(
            bytes(buffer[a : a + n]).decode("utf-8", "surrogateescape")
            for a, n in ((body, link), (body + link, peer), (body + link + peer, mn))
        )
    return RawMessage(received_at, names[0], names[1], names[2], bytes(buffer[end - size : end])), end


def read_open(path: Path, start: int, end: int, *, chunk: int = 4 << 20) -> Iterator[tuple[int, RawMessage, int]]:
    """(offset, message, next offset) of an open segment from `start` up to `end`; stops at the first broken record."""
    with path.open("rb") as file:
        at, buffer, base = start, b"", start
        while at < end:
            found = record_at(buffer, at - base)
            if found is None:
                left = buffer[at - base :]
                file.seek(base + len(buffer))
                more = file.read(min(chunk, end - base - len(buffer)))
                if not more:
                    return
                buffer, base = left + more, at
                continue
            yield at, found[0], base + found[1]
            at = base + found[1]


def first_broken(path: Path, size: int, note: Callable[[int, RawMessage], None]) -> int:
    """Offset behind the last whole record; `note` is told every whole one."""
    at = FIRST
    for offset, message, following in read_open(path, FIRST, size):
        note(offset, message)
        at = following
    return at


@dataclass(frozen=True, slots=True)
class BlockTable:
    """Where the blocks of a sealed segment lie: first raw offset, place in the file, length there."""

    raw: list[int]
    place: list[int]
    size: list[int]
    end: int  # raw offset behind the last record


class SealedSegment:
    """Reads one sealed segment."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            file.seek(-_TRAILER.size, os.SEEK_END)
            place, length, magic = _TRAILER.unpack(file.read(_TRAILER.size))
            if magic != _SEALED_MAGIC:
                raise Unavailable(f"{path.name} is damaged: it does not end as a sealed segment")
            file.seek(place)
            packed = zstandard.ZstdDecompressor().decompress(file.read(length))
        self.table = msgspec.json.decode(packed, type=BlockTable)

    def block(self, number: int) -> bytes:
        """Raw records of one block."""
        with self.path.open("rb") as file:
            file.seek(self.table.place[number])
            packed = file.read(self.table.size[number])
        return zstandard.ZstdDecompressor().decompress(packed, max_output_size=MAX_DATA + BLOCK_BYTES)

    def number_of(self, offset: int) -> int:
        """Block that holds a raw offset."""
        return bisect.bisect_right(self.table.raw, offset) - 1

    def read(self, start: int) -> Iterator[tuple[int, RawMessage]]:
        """(offset, message) from raw offset `start`."""
        for number in range(max(0, self.number_of(start)), len(self.table.raw)):
            base, at, buffer = self.table.raw[number], 0, self.block(number)
            while at < len(buffer):
                found = record_at(buffer, at)
                if found is None:
                    raise Unavailable(f"{self.path.name} is damaged in block {number}")
                if base + at >= start:
                    yield base + at, found[0]
                at = found[1]


def write_sealed(
    source: Path, target: Path, end: int, note: Callable[[int, RawMessage], None], pause: Callable[[], None]
) -> tuple[str, str]:
    """Write the sealed form of `source` (its records up to raw offset `end`) to `target`, on disk when it returns.

    Returns
    -------
    tuple
        sha256 of the raw records, sha256 of the sealed file.
    """
    packer = zstandard.ZstdCompressor(level=3, write_content_size=True)
    raw_hash, file_hash = hashlib.sha256(), hashlib.sha256()
    table = BlockTable([], [], [], end)
    with source.open("rb") as raw, target.open("wb") as out:
        pending_from = at = FIRST

        def put(piece: bytes) -> None:
            file_hash.update(piece)
            out.write(piece)

        def flush_block(until: int) -> None:
            raw.seek(pending_from)
            block = raw.read(until - pending_from)
            raw_hash.update(block)
            packed = packer.compress(block)
            table.raw.append(pending_from)
            table.place.append(out.tell())
            table.size.append(len(packed))
            put(packed)
            pause()

        for offset, message, following in read_open(source, FIRST, end):
            note(offset, message)
            at = following
            if at - pending_from >= BLOCK_BYTES:
                flush_block(at)
                pending_from = at
        if at != end:
            raise Unavailable(f"{source.name} is damaged at {at}: not sealed")
        if at > pending_from:
            flush_block(at)
        footer = packer.compress(msgspec.json.encode(table))
        place = out.tell()
        put(footer)
        put(_TRAILER.pack(place, len(footer), _SEALED_MAGIC))
        out.flush()
        os.fsync(out.fileno())
    return raw_hash.hexdigest(), file_hash.hexdigest()
