"""Restore of a backup into a new folder: whole or not there.

Files go to ``FOLDER.restoring`` beside it, each checked against its sha256; the last step is one rename. Killed at any
point, the same command goes on where it was: files that are there and right are not copied again.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from jinyun.app.care.snapshot import copy_tables
from jinyun.app.care.targets import opened, pieces, read_manifest
from jinyun.kernel.errors import BadInput, Busy, Unavailable
from jinyun.store.database import make_engine, migrate, reading
from jinyun.store.disk import sha256_of, sync_folder
from jinyun.store.lock import FolderLock

Progress = Callable[[str, int, int], None]
_DATABASE_LINE = re.compile(r"(?m)^\s*database\s*=.*$\n?")


def restore(
    place: Path, folder: Path, *, name: str = "", database: str = "", progress: Progress | None = None,
    on_step: Callable[[str], None] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Restore the backup `name` (default: the newest) at `place` into `folder`.

    Parameters
    ----------
    place : path
        Folder of backups, or a tar file.
    folder : path
        New or empty.
    database : str
        URL of an empty PostgreSQL database to hold the records; empty: SQLite in the folder, whatever the node that was
        backed up used, so that a restored node never writes into the database of the running one.
    on_step : callable
        Told of every step; tests kill the process at each.

    Returns
    -------
    dict
        The manifest without its files, and ``files``, ``bytes``, ``reused``, ``folder``.

    Raises
    ------
    Busy
        When the folder is used already, or another restore into it runs.
    Unavailable
        When a file of the backup is missing or damaged: names it; nothing is left at `folder`.
    """
    say, step = progress or _silent, on_step or _silent
    manifest = read_manifest(place, name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Busy(f"{folder} is used already: a backup is restored into a new or empty folder only")
    if database and not database.startswith(("postgresql:", "postgresql+")):
        raise BadInput(
            "--database takes postgresql://…", field="database", hint="leave it out for SQLite in the folder"
        )
    staging = folder.with_name(folder.name + ".restoring")
    if staging.resolve().is_relative_to(place.resolve()):
        raise BadInput(f"{folder} lies in the backup itself", hint="name a folder elsewhere")
    total, done, reused = sum(one["bytes"] for one in manifest["files"]), 0, 0
    with FolderLock(staging), opened(place) as source:
        _note_which(staging, manifest)
        for one in manifest["files"]:
            path = _inside(staging, one["path"])
            if _is_there(path, one):
                reused += 1
            else:
                _fetch(source(one["sha256"]), path, one)
            done += one["bytes"]
            say(one["path"], done, total)
            step("file")
        _remove_strangers(staging, {one["path"] for one in manifest["files"]})
        _set_database(staging, database)
        step("before-rename")
        for part in sorted({p.parent for p in staging.rglob("*")} | {staging}):
            sync_folder(part)
        for own in ("node.lock", "restoring.json"):
            (staging / own).unlink(missing_ok=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            staging.replace(folder)
        except OSError as wrong:
            raise Unavailable(
                f"{staging} is whole but cannot become {folder}: {wrong.strerror}; rename it yourself, or name a "
                "folder inside the mounted disk"
            ) from wrong
        sync_folder(folder.parent)
        step("renamed")
    return {k: v for k, v in manifest.items() if k != "files"} | {
        "files": len(manifest["files"]), "bytes": total, "reused": reused, "folder": str(folder),
    }  # fmt: skip


def _silent(*_: object) -> None:
    """Says nothing."""


def _note_which(staging: Path, manifest: dict[str, Any]) -> None:
    """Half of another backup in the same place is begun anew."""
    note = staging / "restoring.json"
    if not note.is_file() or note.read_text(encoding="utf-8") != manifest["digest"]:
        for one in staging.iterdir():
            if one.is_dir():
                shutil.rmtree(one)
            elif one.name != "node.lock":
                one.unlink()
        note.write_text(manifest["digest"], encoding="utf-8")


def _inside(folder: Path, path: str) -> Path:
    """A path of the manifest, which may not lead out of the folder."""
    place = folder / path
    if os.path.isabs(path) or ".." in Path(path).parts:
        raise BadInput(f"the backup names a file outside its folder: {path!r}")
    return place


def _is_there(path: Path, one: dict[str, Any]) -> bool:
    return path.is_file() and path.stat().st_size == one["bytes"] and sha256_of(path) == one["sha256"]


def _fetch(source: BinaryIO, path: Path, one: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with source, path.open("wb") as out:
        try:
            for piece in pieces(source, one["bytes"]):
                digest.update(piece)
                out.write(piece)
            out.flush()
            os.fsync(out.fileno())
        except OSError as wrong:
            raise Unavailable(f"{path} cannot be written: {wrong.strerror}; run it again once there is room") from wrong
    if digest.hexdigest() != one["sha256"]:
        raise Unavailable(f"the backup is damaged: {one['path']} does not have its sha256; verify the backup")


def _remove_strangers(staging: Path, known: set[str]) -> None:
    for path in staging.rglob("*"):
        own = path.name in ("node.lock", "restoring.json")
        if path.is_file() and not own and path.relative_to(staging).as_posix() not in known:
            path.unlink()


def _set_database(staging: Path, url: str) -> None:
    """Put the records where they shall be, and make jinyun.toml say so."""
    settings = staging / "jinyun.toml"
    text = settings.read_text(encoding="utf-8") if settings.is_file() else ""
    head, table, tail = text.partition("\n[")
    head = _DATABASE_LINE.sub("", head)
    if url:
        source = make_engine(staging / "records.sqlite")
        target = make_engine(url)
        try:
            with reading(source) as connection:
                from jinyun.store.database import current_revision

                migrate(target, current_revision(connection) or "head")
                copy_tables(connection, target)
        finally:
            source.dispose()
            target.dispose()
        for one in staging.glob("records.sqlite*"):
            one.unlink()
        head = f'database = "{url}"\n' + head
    new = head + table + tail
    if new != text:
        settings.write_text(new, encoding="utf-8")
