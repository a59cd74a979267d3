"""Files of records: taken in pieces, their kind seen by content, pictures encoded anew; open to who sees the record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinyun.app.pictures import KINDS, Looked, encoded_anew, look
from jinyun.kernel.errors import BadInput, JinyunError, NotFound, NotPermitted
from jinyun.kernel.ports import Actor
from jinyun.kernel.records import RecordType, Transition
from jinyun.store.attachments import Attachment

if TYPE_CHECKING:
    from jinyun.app.services.registers.service import Registers

ORPHAN_US = 24 * 3600 * 1_000_000
"""An upload that no record names is taken away after this long."""


class TooLargeFile(JinyunError):
    """A file beyond the node's limit."""

    code, status_hint = "too-large", 413


class Incoming:
    """A file on its way in."""

    def __init__(self, path: Path, name: str, most: int) -> None:
        self.path, self.name, self._most, self._size = path, name, most, 0
        self._file = path.open("wb")

    def write(self, piece: bytes) -> None:
        """The next piece; raises `TooLargeFile`."""
        self._size += len(piece)
        if self._size > self._most:
            raise TooLargeFile(f"a file holds at most {self._most >> 20} MB here (attachment_mb of jinyun.toml)")
        self._file.write(piece)

    def whole(self) -> Path:
        """All of it came."""
        self._file.close()
        return self.path

    def drop(self) -> None:
        """Give it up."""
        self._file.close()
        self.path.unlink(missing_ok=True)


class Attachments:
    """Attachments as one actor at a time may use them."""

    def __init__(self, registers: Registers, house: Any) -> None:
        self._registers, self._house = registers, house

    def receive(self, name: str) -> Incoming:
        """Begin to take a file that a person calls `name`."""
        bare = name.replace("\\", "/").rsplit("/", 1)[-1].strip()
        if not bare or not bare.isprintable() or len(bare) > 200:
            raise BadInput(f"{name!r} is no file name", field="name", hint="1 to 200 printable characters")
        most = self._house.settings.attachment_mb << 20
        return Incoming(self._house.attachments.aside(), bare, most)

    def upload(self, incoming: Incoming, actor: Actor) -> dict[str, Any]:
        """Look at a whole file and keep it; raises `BadInput` for a kind that is not taken."""
        path = incoming.whole()
        anew = path.with_name(path.stem + ".anew.tmp")
        try:
            found: Looked = look(path)
            allowed = self._house.settings.attachment_kinds.split()
            if found.kind not in allowed:
                raise BadInput(
                    f"files of the kind {found.kind} are not taken here", field="file",
                    hint=f"attachment_kinds of jinyun.toml says {' '.join(allowed)}; known are {' '.join(KINDS)}",
                )  # fmt: skip
            if found.kind == "image":
                found = encoded_anew(path, anew)
                path.unlink()
                path = anew
            made = self._house.attachments.put(
                path, name=incoming.name, media=found.media, actor=actor.name, at=self._house.clock.now(),
                meta=found.meta,
            )  # fmt: skip
        except BaseException:
            path.unlink(missing_ok=True)
            anew.unlink(missing_ok=True)
            raise
        return attachment_dict(made)

    def get(self, id: str, actor: Actor) -> dict[str, Any]:
        """What is known of a file; `NotFound` for who may see no record that has it."""
        return attachment_dict(self._seen(id, actor))

    def file(self, id: str, actor: Actor) -> tuple[Path, dict[str, Any]]:
        """Where a file lies, and what is known of it."""
        found = self._seen(id, actor)
        path = self._house.attachments.path(found.sha256)
        if not path.is_file():
            raise NotFound("content of attachment", id)
        return path, attachment_dict(found)

    def check(self, kind: RecordType | Transition, data: Mapping[str, Any], actor: Actor) -> None:
        """Nobody puts into a record, or gives at a step, a file that they may not see themselves."""
        for spec in kind.fields:
            if spec.kind == "file":
                for one in filter(str.isprintable, _ids(data.get(spec.name))):  # others are no ids: refused as values
                    self._seen(one, actor)

    def sweep(self) -> tuple[int, int]:
        """Take away old uploads that no record names: (files, bytes)."""
        with self._house.care.lock:  # not while a backup copies
            gone: tuple[int, int] = self._house.attachments.sweep(self._house.clock.now() - ORPHAN_US)
        return gone

    def _seen(self, id: str, actor: Actor) -> Attachment:
        found: Attachment = self._house.attachments.get(id)
        if found.actor == actor.name and not found.used:
            return found
        for type_id, record_id in self._house.attachments.uses(id):
            if id in set(self._shown_in(type_id, record_id, actor)):
                return found
        raise NotFound("attachment", id)

    def _shown_in(self, type_id: str, record_id: str, actor: Actor) -> Iterator[str]:
        """Ids of files that a record and its history show to this actor."""
        kind = self._house.types.get(type_id)
        if kind is None:
            return
        try:
            shown = self._registers.get(type_id, record_id, actor)
            history = self._registers.history(type_id, record_id, actor)["items"]
        except (NotFound, NotPermitted):
            return
        for spec in kind.fields:
            if spec.kind == "file":
                yield from _ids(shown.get(spec.name))
                for entry in history:
                    yield from _ids(entry["before"].get(spec.name))
                    yield from _ids(entry["after"].get(spec.name))
        filled = {one.name for each in kind.versions for step in each.transitions for one in step.fields
                  if one.kind == "file"}  # fmt: skip
        for entry in history:
            for name in filled & set(entry["given"]):
                yield from _ids(entry["given"][name])


def _ids(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [one for one in value if isinstance(one, str)] if isinstance(value, list | tuple) else []


def attachment_dict(found: Attachment) -> dict[str, Any]:
    """An attachment for a page."""
    return {
        "id": found.id, "name": found.name, "media": found.media, "bytes": found.bytes, "sha256": found.sha256,
        "at": found.at, "actor": found.actor, "meta": dict(found.meta), "href": f"/api/attachments/{found.id}",
    }  # fmt: skip
