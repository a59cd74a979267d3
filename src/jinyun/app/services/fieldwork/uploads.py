"""Files that come in parts over a bad network: what arrived stays, the next part begins where the last one ended."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from jinyun.app.services.registers.attachments import TooLargeFile
from jinyun.kernel.errors import BadInput, JinyunError, NotFound
from jinyun.kernel.ports import Actor
from jinyun.store.field_sync import FieldUpload, SqlFieldUploads

if TYPE_CHECKING:
    from jinyun.app.use_cases import UseCases

MOST_OPEN = 200
"""Uploads of one person that are not whole."""
KEPT_US = 30 * 86_400 * 1_000_000
"""A half-sent upload waits so long for the rest."""
PIECE = 1 << 20


class UploadMissing(JinyunError):
    """A record's file that has not come whole."""

    code, status_hint = "upload-missing", 409


class OffsetWrong(JinyunError):
    """The part does not begin where the last one ended; `offset` says where that is."""

    code, status_hint = "offset-wrong", 409

    def __init__(self, message: str, offset: int) -> None:
        self.offset = offset
        super().__init__(message)

    def details(self) -> Mapping[str, Any]:
        return {"offset": self.offset}


@dataclass(frozen=True, slots=True)
class NewUpload:
    """What a device says of a file before it sends it. `meta`: taken_at [µs], place, accuracy_m."""

    id: str
    device: str
    name: str
    bytes: int
    sha256: str
    meta: Mapping[str, Any] = field(default_factory=dict)


class Part:
    """A part on its way in; what was written stays, also when the connection ends half-way."""

    def __init__(self, uploads: FieldUploads, upload: FieldUpload, path: Path) -> None:
        self._uploads, self.upload, self._path = uploads, upload, path

    def write(self, piece: bytes) -> None:
        """The next bytes; raises `OffsetWrong` when the device has begun anew meanwhile."""
        self._uploads._write(self, self._path, piece)


class FieldUploads:
    """Uploads of one house's devices."""

    def __init__(self, house: Any) -> None:
        self._house = house
        self.folder: Path = house.settings.folder / "field-parts"
        self._rows = SqlFieldUploads(house.database)
        self._lock = threading.Lock()
        self._writers: dict[str, Part] = {}
        self._finishing: dict[str, threading.Lock] = {}

    def begin(self, wanted: NewUpload, actor: Actor) -> dict[str, Any]:
        """Make an upload known, or say how far a known one is."""
        most = self._house.settings.attachment_mb << 20
        if wanted.bytes > most:
            raise TooLargeFile(f"a file holds at most {most >> 20} MB here (attachment_mb of jinyun.toml)")
        bare = wanted.name.replace("\\", "/").rsplit("/", 1)[-1].strip()
        if not bare or not bare.isprintable():
            raise BadInput(f"{wanted.name!r} is no file name", field="name", hint="1 to 200 printable characters")
        now = self._house.clock.now()
        meta = msgspec.json.encode({**wanted.meta, "device": wanted.device, "received_at": now}).decode()
        row = FieldUpload(wanted.id, wanted.device, actor.name, bare, wanted.bytes, wanted.sha256, meta, now)
        try:
            known = self._of(wanted.id, actor)
        except NotFound:
            if self._rows.under_way(actor.name) >= MOST_OPEN:
                raise BadInput(f"{MOST_OPEN} uploads are under way", hint="send those to their end first") from None
            known = self._rows.begin(row)
        if (known.actor, known.sha256, known.bytes) != (actor.name, wanted.sha256, wanted.bytes):
            raise BadInput(f"the upload {wanted.id!r} is of another file", field="id", hint="take a new id")
        return self._told(known)

    def show(self, id: str, actor: Actor) -> dict[str, Any]:
        """How far an upload is."""
        return self._told(self._of(id, actor))

    def part(self, id: str, offset: int, actor: Actor) -> Part:
        """Begin a part at `offset`; whoever else was writing writes no more."""
        found = self._of(id, actor)
        with self._lock:
            have = self._have(found)
            if found.attachment or offset != have:
                raise OffsetWrong(f"the upload {id!r} has {have} bytes", have)
            path = self._path(id)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writers[id] = made = Part(self, found, path)
        return made

    def done_with(self, part: Part, cases: UseCases, actor: Actor) -> dict[str, Any]:
        """After a part: how far it is; the last one makes it an attachment.

        Raises
        ------
        BadInput
            All came but it is not what was announced (it has to be sent anew), or a kind of file that is not taken.
        """
        with self._lock:
            if self._writers.get(part.upload.id) is part:
                del self._writers[part.upload.id]
        found = self._of(part.upload.id, actor)
        if not found.attachment and self._have(found) == found.bytes:
            self._finish(found, cases, actor)
        return self.show(found.id, actor)

    def attachment(self, id: str, actor: Actor) -> str:
        """The id of the file that an upload became; "" when it is not whole, or was swept before a record named it."""
        found = self._of(id, actor)
        if found.attachment:
            try:
                self._house.attachments.get(found.attachment)
            except NotFound:
                self._rows.reopen(id)
                return ""
        return found.attachment

    def sweep(self) -> int:
        """Give up what never became whole."""
        gone = self._rows.forget(self._house.clock.now() - KEPT_US)
        for id in gone:
            self._path(id).unlink(missing_ok=True)
        return len(gone)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _of(self, id: str, actor: Actor) -> FieldUpload:
        found = self._rows.get(id)
        if found.actor != actor.name:
            raise NotFound("upload", id)
        return found

    def _path(self, id: str) -> Path:
        """Where the parts lie: by a digest, so that no id is a path; a half, so that no backup takes it along."""
        return self.folder / f"{hashlib.sha256(id.encode()).hexdigest()}.tmp"

    def _have(self, upload: FieldUpload) -> int:
        if upload.attachment:
            return upload.bytes
        try:
            return self._path(upload.id).stat().st_size
        except FileNotFoundError:
            return 0

    def _told(self, upload: FieldUpload) -> dict[str, Any]:
        return {
            "id": upload.id, "name": upload.name, "bytes": upload.bytes, "offset": self._have(upload),
            "attachment": upload.attachment or None,
        }  # fmt: skip

    def _write(self, part: Part, path: Path, piece: bytes) -> None:
        upload = part.upload
        with self._lock:
            have = self._have(upload)
            if self._writers.get(upload.id) is not part:
                raise OffsetWrong(f"the upload {upload.id!r} goes on in another request", have)
            if have + len(piece) > upload.bytes:
                raise BadInput(f"the upload {upload.id!r} was said to have {upload.bytes} bytes", field="bytes")
            with path.open("ab") as file:
                file.write(piece)

    def _finish(self, upload: FieldUpload, cases: UseCases, actor: Actor) -> None:
        """Check it and keep it. The parts stay until the row says so: after a kill in between the next try does it."""
        with self._lock:
            alone = self._finishing.setdefault(upload.id, threading.Lock())
        with alone:
            if self._of(upload.id, actor).attachment:
                return
            path = self._path(upload.id)
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            if digest != upload.sha256:
                path.unlink()
                raise BadInput("what came is not what was announced (sha256)", field="sha256", hint="send it anew")
            files = cases.registers.attachments
            incoming = files.receive(upload.name)
            try:
                with path.open("rb") as file:
                    while piece := file.read(PIECE):
                        incoming.write(piece)
            except BaseException:
                incoming.drop()
                raise
            made = files.upload(incoming, actor)
            self._rows.finish(upload.id, str(made["id"]))
            os.unlink(path)
            with self._lock:
                self._finishing.pop(upload.id, None)
