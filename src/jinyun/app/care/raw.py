"""Checks the raw journal: digests of sealed segments, the CRC of every record (or a sample), numbers without a hole."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jinyun.kernel.errors import JinyunError
from jinyun.store import segments
from jinyun.store.disk import sha256_of
from jinyun.store.journal_keep import SealNote

if TYPE_CHECKING:
    from jinyun.app.care.verify import Report, Store

BLOCKS = 8
"""Blocks of a sealed segment whose records are looked at one by one, unless all are asked for; its sha256 has all."""


def check_journal(
    store: Store,
    report: Report,
    dropped: set[str],
    watermark: tuple[int, int] | None,
    *,
    everything: bool,
    say: Callable[[str], None],
) -> None:
    """All segments of the folder; `dropped` paths are known to be gone. `watermark`: where the hot file stands."""
    folder = store.folder / "journal"
    numbers: dict[int, int] = {}  # segment -> offset behind its last whole record
    for _ in range(3):  # a segment that is sealed while we look is looked at again
        found = sorted({int(path.stem.split(".")[0].removeprefix("segment-")) for path in folder.glob("segment-*")})
        for number in found:
            if number in numbers or (store.journal_end is not None and number > store.journal_end[0]):
                continue
            say(f"journal segment {number}")
            end = _segment(store, report, folder / f"segment-{number:08d}", number, everything=everything)
            if end is not None:
                numbers[number] = end
                report.count("segments")
        if not store.running:
            break
    for torn in sorted(folder.glob("torn-*.bin")):
        report.add("journal", f"{torn.name}: bytes that a kill cut off, never acknowledged; kept as evidence", "warn")
    _holes(report, numbers, dropped, store.journal_end)
    if watermark is not None and numbers:
        last = max(numbers)
        if watermark[0] not in numbers and watermark[0] >= min(numbers):
            report.add("watermark", f"the store stands at {watermark[0]}:{watermark[1]}, a segment that is missing")
        elif (end := numbers.get(watermark[0])) is not None and watermark[1] >= end:
            report.add(
                "watermark",
                f"the store stands at {watermark[0]}:{watermark[1]}, behind the journal's end {last}:{numbers[last]}: "
                "raw messages are missing",
            )
        elif watermark[0] > last:
            report.add("watermark", f"the store stands at segment {watermark[0]}, the journal ends with {last}")
    elif watermark is not None:
        report.add("watermark", f"the store stands at {watermark[0]}:{watermark[1]} of the journal, which is empty")


def _holes(report: Report, numbers: dict[int, int], dropped: set[str], end: tuple[int, int] | None) -> None:
    if not numbers:
        return
    for number in range(1, max(numbers)):
        path = f"journal/segment-{number:08d}.jz"
        if number not in numbers and path not in dropped and (end is None or number <= end[0]):
            report.add("journal", f"segment {number} is missing and retention did not drop it")


def _segment(store: Store, report: Report, base: Path, number: int, *, everything: bool) -> int | None:
    """Check one segment; the offset behind its last whole record, None when it changed under our eyes."""
    side = base.with_suffix(".json")
    if side.exists():
        return _sealed(report, base, everything=everything, rehash=store.rehash)
    path = base.with_suffix(".jnl")
    try:
        size = path.stat().st_size
        if store.journal_end is not None and number == store.journal_end[0]:
            size = store.journal_end[1]
        if path.open("rb").read(segments.FIRST) != segments.segment_head(number):
            report.add("journal", f"{path.name} does not begin as a journal segment")
            return segments.FIRST
        count = 0

        def note(_offset: int, _message: object) -> None:
            nonlocal count
            count += 1

        end = segments.first_broken(path, size, note)
    except FileNotFoundError:
        if not store.running:
            report.add("journal", f"segment {number} is neither open nor sealed: only parts of it are there")
            return segments.FIRST
        return None
    report.count("raw_messages", count)
    if end < size:
        newest = not any(int(one.stem.removeprefix("segment-")) > number for one in base.parent.glob("segment-*.jnl"))
        if newest and not store.running:
            report.add(
                "journal",
                f"{path.name}: {size - end} bytes behind the last whole record; if a kill cut it off there, the next "
                "start sets them aside (they were never acknowledged), else records are damaged",
                "bad" if _records_beyond(path, end, size) else "warn",
            )
        else:
            report.add("journal", f"{path.name}: the record at {end} has a wrong CRC, {size - end} bytes from it on")
    return end


def _records_beyond(path: Path, broken: int, size: int) -> bool:
    """Whether a whole record follows the broken one: then it is damage, not a torn tail."""
    with path.open("rb") as file:
        file.seek(broken)
        rest = file.read(min(size - broken, 4 << 20))
    return any(segments.record_at(rest, at) is not None for at in range(1, min(len(rest), 200_000)))


def _sealed(report: Report, base: Path, *, everything: bool, rehash: bool) -> int:
    note = msgspec.json.decode(base.with_suffix(".json").read_bytes(), type=SealNote)
    path, index = base.with_suffix(".jz"), base.with_suffix(".index.parquet")
    for one, digest in ((path, note.sha256), (index, note.sha256_index)):
        if not one.exists():
            report.add("journal", f"{one.name} is missing")
        elif rehash and sha256_of(one) != digest:
            report.add("journal", f"{one.name} does not have the sha256 recorded when it was sealed")
    if not path.exists():
        return note.end
    try:
        sealed = segments.SealedSegment(path)
        blocks = list(range(len(sealed.table.raw)))
        chosen = blocks if everything else sorted(random.Random(note.segment).sample(blocks, min(BLOCKS, len(blocks))))
        count = 0
        for number in chosen:
            block, at = sealed.block(number), 0
            while at < len(block):
                found = segments.record_at(block, at)
                if found is None:
                    report.add("journal", f"{path.name}: the record at {sealed.table.raw[number] + at} has a wrong CRC")
                    break
                at, count = found[1], count + 1
        report.count("raw_messages", count)
        if everything and count != note.records:
            report.add("journal", f"{path.name} has {count} records, its note says {note.records}")
        if sealed.table.end != note.end:
            report.add("journal", f"{path.name} ends at {sealed.table.end}, its note says {note.end}")
    except (JinyunError, OSError, ValueError, msgspec.MsgspecError) as wrong:
        report.add("journal", f"{path.name} cannot be read: {wrong}")
    except Exception as wrong:  # zstandard's own error
        report.add("journal", f"{path.name} cannot be unpacked: {wrong}")
    return note.end
