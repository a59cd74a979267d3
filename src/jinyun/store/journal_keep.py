"""Which journal segments there are: recovery at start, sealing, index, retention."""

from __future__ import annotations

import contextlib
import threading
import time
from array import array
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import structlog

from jinyun.kernel.errors import Unavailable
from jinyun.kernel.terms import JournalRef, RawMessage
from jinyun.store import segments
from jinyun.store.disk import sha256_of, sync_file, sync_folder, write_durably

log = structlog.get_logger(__name__)


class SegmentInfo:
    """What is known of one segment. `index` holds, per MN, received_at and offset in turn, while it is not sealed."""

    def __init__(self, folder: Path, number: int) -> None:
        self.number = number
        self.path = folder / f"segment-{number:08d}.jnl"
        self.end = segments.FIRST
        self.records = 0
        self.first_at, self.last_at = (1 << 63) - 1, 0
        self.sealed = False
        self.bytes_on_disk = 0
        self.index: dict[str, array[int]] | None = {}
        self.sha256 = ""
        self.cut = 0  # bytes of a torn tail

    def note(self, entries: Sequence[tuple[str, int, int]]) -> None:
        """Record (mn, received_at, offset) of new records."""
        index = self.index
        assert index is not None
        self.records += len(entries)
        for mn, received_at, offset in entries:
            hits = index.get(mn)
            if hits is None:
                hits = index[mn] = array("q")
            hits.append(received_at)
            hits.append(offset)
        self.first_at = min(self.first_at, min((entry[1] for entry in entries), default=self.first_at))
        self.last_at = max(self.last_at, max((entry[1] for entry in entries), default=0))


class SealNote(msgspec.Struct):
    """The side file of a sealed segment: its presence is what makes it sealed."""

    segment: int
    end: int
    records: int
    first_at: int
    last_at: int
    sha256_raw: str
    sha256: str
    sha256_index: str


class SegmentKeeper:
    """The segments of a folder, oldest first. One owner; safe for use by several threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._segments: dict[int, SegmentInfo] = {}
        self._lock = threading.RLock()
        self._sealing = threading.Lock()
        self._open: OrderedDict[int, segments.SealedSegment] = OrderedDict()
        self._next = 1

    def recover(self) -> SegmentInfo | None:
        """Take stock at start; cut a torn tail (kept aside as evidence). The segment to go on with, if any."""
        for half in (*self.folder.glob("*.tmp"),):
            half.unlink()
        for side in sorted(self.folder.glob("segment-*.json")):
            note = msgspec.json.decode(side.read_bytes(), type=SealNote)
            info = SegmentInfo(self.folder, note.segment)
            self._become_sealed(info, note)
            info.path.unlink(missing_ok=True)
            self._segments[info.number] = info
        raw = sorted(self.folder.glob("segment-*.jnl"))
        for path in raw:
            info = SegmentInfo(self.folder, int(path.stem.removeprefix("segment-")))
            self._recover_open(info)
            self._segments[info.number] = info
        self._next = max(self._segments, default=0) + 1
        newest = self._segments.get(self._next - 1)
        return newest if newest is not None and not newest.sealed else None

    def _recover_open(self, info: SegmentInfo) -> None:
        size = info.path.stat().st_size
        head = info.path.open("rb").read(segments.FIRST)
        if head != segments.segment_head(info.number):
            if size > segments.FIRST:
                raise Unavailable(f"{info.path} is no journal segment; move it away to start")
            info.path.write_bytes(segments.segment_head(info.number))  # killed while it was being made
            sync_file(info.path)
            return
        found: list[tuple[str, int, int]] = []
        info.end = segments.first_broken(info.path, size, lambda at, one: found.append((one.mn, one.received_at, at)))
        info.note(found)
        if info.end < size:
            info.cut = size - info.end
            with info.path.open("r+b") as file:
                file.seek(info.end)
                write_durably(self.folder / f"torn-{info.number:08d}-{info.end}.bin", file.read())
                file.truncate(info.end)
                file.flush()
            sync_file(info.path)
            log.warning("journal.torn_tail", segment=info.number, offset=info.end, bytes=info.cut)

    def begin(self) -> SegmentInfo:
        """The next segment, not yet among the known."""
        return SegmentInfo(self.folder, self._next)

    def add(self, info: SegmentInfo) -> None:
        with self._lock:
            self._segments[info.number] = info
            self._next = info.number + 1

    def get(self, number: int) -> SegmentInfo | None:
        with self._lock:
            return self._segments.get(number)

    def all(self) -> list[SegmentInfo]:
        with self._lock:
            return [self._segments[number] for number in sorted(self._segments)]

    # --- reading ------------------------------------------------------------------------------------------------------

    def messages(self, info: SegmentInfo, start: int) -> Iterator[tuple[int, RawMessage]]:
        """(offset, message) of a segment, also while it is being sealed."""
        at = start
        if not info.sealed:
            try:
                for offset, message, following in segments.read_open(info.path, at, info.end):
                    yield offset, message
                    at = following
                return
            except FileNotFoundError:
                pass
        yield from self.sealed_segment(info).read(at)

    def sealed_segment(self, info: SegmentInfo) -> segments.SealedSegment:
        with self._lock:
            known = self._open.get(info.number)
            if known is None:
                known = self._open[info.number] = segments.SealedSegment(info.path.with_suffix(".jz"))
            self._open.move_to_end(info.number)
            while len(self._open) > 64:
                self._open.popitem(last=False)
            return known

    def index_of(self, info: SegmentInfo, mn: str) -> array[int] | list[int]:
        """received_at and offset in turn of a device's messages."""
        index = info.index
        if index is not None:
            hits = array("q", index.get(mn, ()))
            return hits[: len(hits) // 2 * 2]  # the journal's thread may be between the two entries of a message
        table = pq.read_table(self._index_path(info), filters=[("mn", "=", mn)], columns=["received_at", "offset"])
        pairs: Any = zip(table["received_at"].to_pylist(), table["offset"].to_pylist(), strict=True)
        return [value for pair in pairs for value in pair]

    # --- sealing ------------------------------------------------------------------------------------------------------

    def seal(self, info: SegmentInfo) -> bool:
        """Compress one finished segment; False when it is so already. A kill at any point leaves one form whole."""
        with self._sealing:
            if info.sealed or not info.path.exists():
                return False
            target = info.path.with_suffix(".jz")
            aside = target.with_name(target.name + ".tmp")
            columns: tuple[list[str], list[int], list[int]] = ([], [], [])

            def note(offset: int, message: RawMessage) -> None:
                columns[0].append(message.mn)
                columns[1].append(message.received_at)
                columns[2].append(offset)

            raw, packed = segments.write_sealed(info.path, aside, info.end, note, lambda: time.sleep(0.001))
            aside.replace(target)
            self._write_index(info, columns)
            note_file = SealNote(
                info.number, info.end, info.records, info.first_at, info.last_at, raw, packed,
                sha256_of(self._index_path(info)),
            )  # fmt: skip
            write_durably(info.path.with_suffix(".json"), msgspec.json.encode(note_file))
            with self._lock:
                self._become_sealed(info, note_file)
            info.path.unlink()
            sync_folder(self.folder)
            log.info("journal.sealed", segment=info.number, records=info.records, bytes=info.bytes_on_disk)
            return True

    def _write_index(self, info: SegmentInfo, columns: tuple[list[str], list[int], list[int]]) -> None:
        table = pa.table(
            {
                "mn": pa.array([mn.encode("utf-8", "replace").decode() for mn in columns[0]], pa.string()),
                "received_at": pa.array(columns[1], pa.int64()),
                "offset": pa.array(columns[2], pa.int64()),
            }
        ).sort_by([("mn", "ascending"), ("received_at", "ascending"), ("offset", "ascending")])
        aside = info.path.with_suffix(".index.parquet.tmp")
        pq.write_table(table, aside, compression="zstd", row_group_size=20_000)
        sync_file(aside)
        aside.replace(self._index_path(info))

    def _index_path(self, info: SegmentInfo) -> Path:
        return info.path.with_suffix(".index.parquet")

    def _become_sealed(self, info: SegmentInfo, note: SealNote) -> None:
        info.end, info.records, info.first_at, info.last_at = note.end, note.records, note.first_at, note.last_at
        info.sha256 = note.sha256
        info.bytes_on_disk = info.path.with_suffix(".jz").stat().st_size
        info.sealed, info.index = True, None

    def expire(self, before: int, keep_from: JournalRef | None, max_bytes: int | None) -> list[int]:
        """See `FileJournal.expire`."""
        with self._sealing:
            kept = self.all()
            total = sum(one.bytes_on_disk or one.end for one in kept)
            chosen: list[int] = []
            for info in kept:
                needed = keep_from is None or info.number >= keep_from.segment
                too_much = max_bytes is not None and total > max_bytes
                if not needed and info.sealed and (info.last_at < before or too_much):
                    total -= info.bytes_on_disk
                    chosen.append(info.number)
            return self._drop(chosen, keep_from)

    def drop(self, numbers: Sequence[int], keep_from: JournalRef | None) -> list[int]:
        """See `FileJournal.drop`."""
        with self._sealing:
            return self._drop(numbers, keep_from)

    def _drop(self, numbers: Sequence[int], keep_from: JournalRef | None) -> list[int]:
        dropped: list[int] = []
        for number in numbers:
            info = self.get(number)
            if info is None or not info.sealed or keep_from is None or number >= keep_from.segment:
                continue
            with self._lock:
                del self._segments[number]
                self._open.pop(number, None)
            for suffix in (".json", ".jz", ".index.parquet"):
                with contextlib.suppress(FileNotFoundError):
                    info.path.with_suffix(suffix).unlink()
            dropped.append(number)
        sync_folder(self.folder)
        return dropped

    def verify(self) -> list[str]:
        wrong = []
        for info in self.all():
            if info.sealed:
                path = info.path.with_suffix(".jz")
                if not path.exists():
                    wrong.append(f"{path.name} is missing")
                elif sha256_of(path) != info.sha256:
                    wrong.append(f"{path.name} does not have the sha256 recorded when it was sealed")
        return wrong

    def state(self) -> Mapping[str, Any]:
        kept = self.all()
        return {
            "segments": len(kept),
            "segments_sealed": sum(one.sealed for one in kept),
            "bytes_on_disk": sum(one.bytes_on_disk if one.sealed else one.end for one in kept),
            "torn_bytes_cut": sum(one.cut for one in kept),
            "oldest_at": min((one.first_at for one in kept if one.records), default=None),
        }
