"""Files that belong to records: kept once by their sha256 below the node's folder, known by id in the database."""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Engine, and_, delete, insert, select

from jinyun.kernel.errors import NotFound
from jinyun.store.database import reading, writing
from jinyun.store.disk import sync_file, sync_folder
from jinyun.store.schema import attachment, attachment_use

HALF_AGE_S = 24 * 3600
"""An upload that was cut short is given up after this long."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """One file. `meta` is what was taken out of it, e.g. time and place of a photo."""

    id: str
    sha256: str
    name: str
    media: str
    bytes: int
    at: int  # [µs]
    actor: str
    meta: Mapping[str, Any]
    used: bool

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


class SqlAttachments:
    """Files on the disk, their rows in the database. One owner: the node's process."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine, self.folder = engine, folder
        self._lock = threading.Lock()
        """A file is never taken away between its coming and its row."""

    def aside(self) -> Path:
        """Where an upload is written until it is whole."""
        place = self.folder / "incoming"
        place.mkdir(parents=True, exist_ok=True)
        return place / f"{secrets.token_hex(8)}.tmp"

    def put(self, file: Path, *, name: str, media: str, actor: str, at: int, meta: Mapping[str, Any]) -> Attachment:
        """Take over a whole file: durable, then known. Its name on the disk is its content's. `at` [µs]."""
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        made = Attachment(secrets.token_hex(8), digest, name, media, file.stat().st_size, at, actor, dict(meta), False)
        target = self.path(digest)
        with self._lock:
            if target.is_file():
                file.unlink()
            else:
                sync_file(file)
                target.parent.mkdir(parents=True, exist_ok=True)
                file.replace(target)
                sync_folder(target.parent)
                sync_folder(self.folder)
            row = made.as_dict() | {"meta": msgspec.json.encode(made.meta).decode()}
            with writing(self._engine) as connection:
                connection.execute(insert(attachment).values(row))
        return made

    def path(self, sha256: str) -> Path:
        """Where the content with this digest lies."""
        return self.folder / sha256[:2] / sha256

    def get(self, id: str) -> Attachment:
        with reading(self._engine) as connection:
            row = connection.execute(select(attachment).where(attachment.c.id == id)).one_or_none()
        if row is None:
            raise NotFound("attachment", id)
        return Attachment(**{**row._mapping, "meta": msgspec.json.decode(row.meta)})

    def uses(self, id: str) -> list[tuple[str, str]]:
        """(type, id) of the records that have it or once had it."""
        query = select(attachment_use.c.type, attachment_use.c.id).where(attachment_use.c.attachment == id)
        with reading(self._engine) as connection:
            return [(type_id, record) for type_id, record in connection.execute(query)]

    def sweep(self, before: int) -> tuple[int, int]:
        """Take away what no record ever named and what came before a moment [µs]: (files, bytes) gone."""
        old = and_(attachment.c.used.is_(False), attachment.c.at < before)
        gone, freed = 0, 0
        with self._lock:
            with writing(self._engine) as connection:
                lost = set(connection.execute(select(attachment.c.sha256).where(old)).scalars())
                connection.execute(delete(attachment).where(old))
                kept = set(
                    connection.execute(select(attachment.c.sha256).where(attachment.c.sha256.in_(lost))).scalars()
                )
            for digest in lost - kept:
                path = self.path(digest)
                if path.is_file():
                    freed += path.stat().st_size
                    path.unlink()
                    gone += 1
        for half in (self.folder / "incoming").glob("*.tmp"):
            if time.time() - os.path.getmtime(half) > HALF_AGE_S:
                half.unlink(missing_ok=True)
        return gone, freed
