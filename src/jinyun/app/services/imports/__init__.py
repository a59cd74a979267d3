"""Column-mapped import of readings from CSV, Excel and Parquet: upload, preview, accept.

A file is kept first, under its sha256, in ``imports/files``; every value that comes of it carries author, reason, the
import's id and its row, so that why-trees lead back to file and row. The id of an import is made of the file's bytes
and its options: the same file again is the same import, goes on where a kill cut it short, and stores nothing twice.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import queue
import secrets
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import structlog

from jinyun.app.judging.files_in import kind_of
from jinyun.app.services.imports.job import ANALYSIS, ERRORS, SPACE, STAGE, Job, Stopped
from jinyun.app.services.imports.options import options_of
from jinyun.kernel.errors import BadInput, JinyunError, NotFound, Refused, Unavailable
from jinyun.kernel.ports import SYSTEM, Actor, Record

if TYPE_CHECKING:
    from jinyun.app.assemble import House

log = structlog.get_logger("imports")

MOST_BYTES = 4 << 30
UNDER_WAY = ("analysing", "running")


class Imports:
    """Imports of one house. `in_thread` False: `upload` and `accept` return when the work is done."""

    def __init__(self, house: House, *, in_thread: bool = True) -> None:
        self._house, self._in_thread = house, in_thread
        self.folder = house.settings.folder / "imports"
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._stopping = False
        self._done: dict[str, float] = {}  # share of the work under way
        house.at_stop.append(self.stop)

    # --- files --------------------------------------------------------------------------------------------------------

    def receive(self, name: str) -> Incoming:
        """A place for a file's bytes; its kind is checked by its name before the first byte comes."""
        kind_of(Path(name))
        return Incoming(self.folder / "files", Path(name).name)

    def upload(self, incoming: Incoming, given: Mapping[str, Any], who: Actor, *, reason: str = "") -> dict[str, Any]:
        """Begin (or begin again) the import of a received file: it is read and previewed, nothing is stored.

        Raises
        ------
        BadInput
            Naming an option that does not do. What is wrong with the file itself is in the import's `problem`.
        """
        try:
            options = options_of(given)
        except JinyunError:
            incoming.drop()
            raise
        sha256, size = incoming.keep()
        id = f"imp-{hashlib.sha256(f'{sha256}|{options.digest()}'.encode()).hexdigest()[:16]}"
        now = self._now()
        data = {
            "file": incoming.name, "sha256": sha256, "bytes": size, "options": options.as_dict(), "author": who.name,
            "reason": reason.strip() or f"导入 {incoming.name}", "uploaded_at": now, "problem": None,
        }  # fmt: skip
        with self._lock:
            try:
                record = self._house.records.get("import", id)
            except NotFound:
                self._house.records.create("import", data, who, id=id)
            else:
                if record.state not in UNDER_WAY:
                    self._house.records.step("import", id, "analyse", {}, SYSTEM, changes=data)
                    if record.state != "failed":
                        self._house.kv.delete(SPACE, id)
        self._work_on(id)
        return self.get(id)

    # --- what pages and verbs ask -------------------------------------------------------------------------------------

    def find(self, *, state: str = "", limit: int = 100, offset: int = 0) -> dict[str, Any]:
        """Imports, the newest first."""
        states = [one for one in state.split(",") if one]
        records = self._house.records
        found = records.find("import", states=states, limit=limit, offset=offset)
        return {"items": [self._row(one) for one in found], "total": records.count("import", states=states)}

    def get(self, id: str) -> dict[str, Any]:
        """An import with its preview, once there is one."""
        record = self._house.records.get("import", id)
        told = self._row(record)
        path = self._of(id) / ANALYSIS
        if path.is_file() and record.state != "analysing":
            analysis = json.loads(path.read_text(encoding="utf-8"))
            told["preview"] = {name: analysis[name] for name in analysis if name != "keys"}
            told["preview"]["series"] = len(analysis["keys"])
        return told

    def accept(self, id: str, who: Actor) -> dict[str, Any]:
        """Store what is new. Raises `Refused` when there is no preview to accept."""
        record = self._house.records.get("import", id)
        if record.state == "done":
            return self.get(id)
        if record.state != "running":
            if record.state != "ready":
                zh, en = f"导入处于“{record.state}”状态，不能接受", f"the import is {record.state}, not ready"
                raise Refused(en, missing=[{"code": "not-ready", "zh": zh, "en": en}])
            changes = {"accepted_by": who.name, "accepted_at": self._now()}
            self._house.records.step("import", id, "accept", {}, SYSTEM, changes=changes)
        self._work_on(id)
        return self.get(id)

    def drop(self, id: str) -> dict[str, Any]:
        """Give an import up before anything of it is stored."""
        self._house.records.step("import", id, "drop", {}, SYSTEM)
        (self._of(id) / STAGE).unlink(missing_ok=True)
        return self.get(id)

    def errors(self, id: str) -> bytes:
        """All refusals, as CSV."""
        self._house.records.get("import", id)
        path = self._of(id) / ERRORS
        return path.read_bytes() if path.is_file() else "\ufeffrow,column,cell,reason,sentence\r\n".encode()

    def _row(self, record: Record) -> dict[str, Any]:
        told = record.as_dict()
        if record.state in UNDER_WAY:
            told["progress"] = round(self._done.get(record.id, 0.0), 3)
        zh, en = sentences(record)
        return told | {"sentence_zh": zh, "sentence_en": en}

    # --- work ---------------------------------------------------------------------------------------------------------

    def resume(self) -> int:
        """Go on with imports that a stop or a kill cut short; how many. Call once, at the start."""
        found = self._house.records.find("import", states=UNDER_WAY, limit=1000, order="updated_at")
        for record in found:
            log.info("import resumed", id=record.id, state=record.state)
            self._work_on(record.id)
        return len(found)

    def stop(self) -> None:
        """End at the next group; the rest is done after the next start."""
        self._stopping = True
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(30)

    def _work_on(self, id: str) -> None:
        if not self._in_thread:
            self._work(id)
            return
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="imports", daemon=True)
                self._thread.start()
        self._queue.put(id)

    def _run(self) -> None:
        while (id := self._queue.get()) is not None and not self._stopping:
            try:
                self._work(id)
            except Exception:
                log.exception("import failed", id=id)

    def _work(self, id: str) -> None:
        """Do what the import's state asks for."""
        record = self._house.records.get("import", id)
        job = Job(self._house, self._of(id), lambda: self._stopping)
        options = options_of(record.data["options"])

        def progress(share: float) -> None:
            self._done[id] = share

        try:
            if record.state == "analysing":
                analysis = job.analyse(self._file(record), options, progress)
                self._house.records.step("import", id, "ready", {}, SYSTEM, changes={"counts": analysis["counts"]})
            elif record.state == "running":
                if not (self._of(id) / STAGE).is_file():  # cut short after the last group, or taken away by hand
                    job.analyse(self._file(record), options, progress)
                counts = job.store(id, options, str(record.data["accepted_by"]), str(record.data["reason"]), progress)
                told = {**(record.data.get("counts") or {}), **counts}
                changes = {"counts": told, "done_at": self._now()}
                self._house.records.step("import", id, "finish", {}, SYSTEM, changes=changes)
                self._house.kv.delete(SPACE, id)
                (self._of(id) / STAGE).unlink(missing_ok=True)
        except Stopped:
            return
        except Exception as wrong:
            if self._stopping:
                return
            if not isinstance(wrong, BadInput | NotFound | Unavailable):
                log.exception("import failed", id=id)
            self._house.records.step("import", id, "fail", {}, SYSTEM, changes={"problem": str(wrong)[:1000]})
        finally:
            self._done.pop(id, None)

    def _of(self, id: str) -> Path:
        return self.folder / id

    def _file(self, record: Record) -> Path:
        return kept_file(self._house.settings.folder, record.data)

    def _now(self) -> str:
        return datetime.fromtimestamp(self._house.clock.now() // 1_000_000, UTC).isoformat()


def kept_file(folder: Path, data: Mapping[str, Any]) -> Path:
    """Where the file of an import lies, by its record's data."""
    suffix = Path(str(data["file"])).suffix.casefold()
    return folder / "imports" / "files" / f"{data['sha256']}{suffix}"


class Incoming:
    """A file that is being received. `keep` makes it durable under its sha256."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name, self._folder = name, folder
        self._path = folder / f".{secrets.token_hex(8)}"
        self._file: BinaryIO = self._path.open("wb")
        self._sum, self._size = hashlib.sha256(), 0

    def write(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > MOST_BYTES:
            self.drop()
            raise BadInput(f"the file holds more than {MOST_BYTES >> 30} GB", hint="part it by year")
        self._sum.update(data)
        self._file.write(data)

    def keep(self) -> tuple[str, int]:
        """sha256 and size, once the bytes are on disk."""
        if not self._size:
            self.drop()
            raise BadInput("the file is empty")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        digest = self._sum.hexdigest()
        self._path.replace(self._folder / f"{digest}{Path(self.name).suffix.casefold()}")
        return digest, self._size

    def drop(self) -> None:
        self._file.close()
        with contextlib.suppress(OSError):
            self._path.unlink()


def sentences(record: Record) -> tuple[str, str]:
    """What came of an import, to read out."""
    name, counts = record.data["file"], record.data.get("counts") or {}
    if record.state == "failed":
        return f"{name}：未能读取。{record.data.get('problem')}", f"{name}: not taken. {record.data.get('problem')}"
    if record.state == "analysing":
        return f"{name}：正在读取。", f"{name} is being read."
    refused, different = counts.get("refused", 0), counts.get("different", 0)
    tail_zh = f"，{different} 个与库中不同，{refused} 个被拒绝。"
    tail_en = f", {different} differ from what is stored, {refused} refused."
    if record.state == "done":
        stored, same = counts.get("stored", 0), counts.get("same", 0)
        if not stored:
            return (
                f"{name}：没有新数据，{same} 个值库中已有{tail_zh}",
                f"{name}: nothing new, {same} were there{tail_en}",
            )
        return (
            f"{name}：入库 {stored} 个值，{same} 个已有{tail_zh}",
            f"{name}: {stored} stored, {same} were there{tail_en}",
        )
    new, same = counts.get("new", 0), counts.get("same", 0)
    if record.state == "dropped":
        return f"{name}：已放弃。", f"{name}: given up."
    return f"{name}：{new} 个新值，{same} 个已有{tail_zh}", f"{name}: {new} new, {same} are there{tail_en}"
