"""Where backups lie: a folder that many backups share, or one tar file.

Folder::

    backups/20261122T114500Z.json    manifest of one backup: paths, sizes, sha256, as-of
    pool/ab/ab12…                    files by the sha256 of their content: what two backups share lies there once

Tar: ``manifest.json`` last, ``pool/…`` before it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from jinyun.kernel.errors import BadInput, NotFound, Unavailable
from jinyun.store.disk import sync_folder, write_durably

FORMAT = "jinyun-backup-1"
CHUNK = 1 << 20
_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z(-[0-9]+)?")


class Target(Protocol):
    """Takes the files of one backup."""

    def has(self, sha256: str, size: int) -> bool: ...
    def put(self, source: BinaryIO, size: int, said: Callable[[int], None], *, link: Path | None = None) -> str:
        """Take `size` bytes of `source`; their sha256. With `link` the file at that path may be linked instead."""
        ...

    def finish(self, manifest: dict[str, Any]) -> None: ...


class FolderTarget:
    """A folder of many backups."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not folder.parent.is_dir():
            raise BadInput(f"there is no {folder.parent} to make {folder.name} in", hint="is the disk mounted?")
        if folder.is_dir() and not (folder / "backups").is_dir() and any(folder.iterdir()):
            raise BadInput(f"{folder} holds other things", hint="name a new or empty folder, or one of backups")
        try:
            folder.mkdir(exist_ok=True)
            (folder / "pool").mkdir(exist_ok=True)
            (folder / "backups").mkdir(exist_ok=True)
            for half in (folder / "pool").glob("*.tmp"):
                half.unlink()
        except OSError as wrong:
            raise Unavailable(f"cannot write backups to {folder}: {wrong.strerror}") from wrong

    def place(self, sha256: str) -> Path:
        return self.folder / "pool" / sha256[:2] / sha256

    def has(self, sha256: str, size: int) -> bool:
        try:
            return self.place(sha256).stat().st_size == size
        except OSError:
            return False

    def put(self, source: BinaryIO, size: int, said: Callable[[int], None], *, link: Path | None = None) -> str:
        aside = self.folder / "pool" / f"{os.getpid()}.tmp"
        digest = hashlib.sha256()
        try:
            with aside.open("wb") as out:
                for piece in pieces(source, size):
                    digest.update(piece)
                    if link is None:
                        out.write(piece)
                    said(len(piece))
                out.flush()
                os.fsync(out.fileno())
            name = digest.hexdigest()
            place = self.place(name)
            place.parent.mkdir(exist_ok=True)
            if link is not None:
                aside.unlink()
                os.link(link, aside)
            aside.replace(place)
            sync_folder(place.parent)
        except OSError as wrong:
            aside.unlink(missing_ok=True)
            raise Unavailable(
                f"the backup in {self.folder} cannot be written: {wrong.strerror}; what is copied already is kept, "
                "run it again once there is room"
            ) from wrong
        return name

    def finish(self, manifest: dict[str, Any]) -> None:
        sync_folder(self.folder / "pool")
        write_durably(self.folder / "backups" / f"{manifest['name']}.json", packed(manifest))

    def prune(self, keep: int) -> list[str]:
        """Drop all but the newest `keep` backups, and what only they had; names of those dropped."""
        names = sorted(one.stem for one in (self.folder / "backups").glob("*.json"))
        gone, kept = names[:-keep], names[-keep:]
        if not gone:
            return []
        used = {one["sha256"] for name in kept for one in read_manifest(self.folder, name)["files"]}
        for name in gone:
            (self.folder / "backups" / f"{name}.json").unlink()
        for path in (self.folder / "pool").glob("??/*"):
            if path.name not in used:
                path.unlink()
        return gone


class TarTarget:
    """One tar file, whole or not there. Nothing is shared with other backups."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.parent.is_dir():
            raise BadInput(f"there is no {path.parent} to make {path.name} in", hint="is the disk mounted?")
        self._aside = path.with_name(path.name + ".tmp")
        try:
            self._tar = tarfile.open(self._aside, "w", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        except OSError as wrong:
            raise Unavailable(f"cannot write the backup {path}: {wrong.strerror}") from wrong
        self._there: dict[str, int] = {}

    def has(self, sha256: str, size: int) -> bool:
        return self._there.get(sha256) == size

    def put(self, source: BinaryIO, size: int, said: Callable[[int], None], *, link: Path | None = None) -> str:
        assert link is None, "a tar file holds no links"
        counted = _Counted(source, size, said)
        start = source.tell()
        digest = hashlib.sha256()
        for piece in pieces(source, size):
            digest.update(piece)
        source.seek(start)
        name = digest.hexdigest()
        if not self.has(name, size):
            try:
                self._tar.addfile(_member(f"pool/{name[:2]}/{name}", size), counted)
            except OSError as wrong:
                self.give_up()
                raise Unavailable(f"the backup {self.path} cannot be written: {wrong.strerror}") from wrong
            self._there[name] = size
        return name

    def finish(self, manifest: dict[str, Any]) -> None:
        body = packed(manifest)
        self._tar.addfile(_member("manifest.json", len(body)), io.BytesIO(body))
        self._tar.close()
        with self._aside.open("rb") as file:
            os.fsync(file.fileno())
        self._aside.replace(self.path)
        sync_folder(self.path.parent)

    def give_up(self) -> None:
        self._aside.unlink(missing_ok=True)


class _Counted:
    """A source that is read up to `size` and counts."""

    def __init__(self, source: BinaryIO, size: int, said: Callable[[int], None]) -> None:
        self._source, self._left, self._said = source, size, said

    def read(self, size: int = -1) -> bytes:
        piece = self._source.read(min(self._left, size if size >= 0 else self._left))
        self._left -= len(piece)
        self._said(len(piece))
        return piece


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    return member


def pieces(source: BinaryIO, size: int) -> Iterator[bytes]:
    """Exactly `size` bytes of `source`. Raises `Unavailable` when it ends before."""
    left = size
    while left:
        piece = source.read(min(CHUNK, left))
        if not piece:
            raise Unavailable(f"{getattr(source, 'name', 'a file')} ends {left} bytes early: it is damaged")
        left -= len(piece)
        yield piece


def target_of(out: Path) -> FolderTarget | TarTarget:
    """A path that ends in .tar is one file, everything else a folder of backups."""
    if out.suffix == ".tar":
        return TarTarget(out)
    if out.exists() and not out.is_dir():
        raise BadInput(f"{out} is a file", hint="name a folder, or a file that ends in .tar")
    return FolderTarget(out)


# --- reading ----------------------------------------------------------------------------------------------------------


def packed(manifest: dict[str, Any]) -> bytes:
    """A manifest as it is written, with the sha256 of all else in it."""
    body = {name: value for name, value in manifest.items() if name != "digest"}
    return json.dumps({**body, "digest": digest_of(body)}, ensure_ascii=False, indent=1).encode()


def digest_of(body: dict[str, Any]) -> str:
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def read_manifest(place: Path, name: str = "") -> dict[str, Any]:
    """The manifest of a backup: of a tar file, or of `name` (the newest) in a folder.

    Raises
    ------
    NotFound
        When there is no such backup.
    BadInput
        When it is not a manifest of ours or was changed.
    """
    if place.is_file():
        try:
            with tarfile.open(place) as tar:
                member = tar.extractfile("manifest.json")
                body = member.read() if member else b""
        except (tarfile.TarError, KeyError) as wrong:
            raise BadInput(f"{place} is no backup of Jinyun: {wrong}") from wrong
    else:
        names = backup_names(place)
        chosen = name or (names[-1] if names else "")
        if chosen not in names:
            raise NotFound(f"backup in {place}", chosen or "(none at all)", known=names)
        body = (place / "backups" / f"{chosen}.json").read_bytes()
    try:
        manifest: dict[str, Any] = json.loads(body)
        said = manifest["digest"]
        good = manifest["format"] == FORMAT and said == digest_of({k: v for k, v in manifest.items() if k != "digest"})
    except (ValueError, KeyError, TypeError):
        good = False
    if not good:
        raise BadInput(f"the manifest of the backup {name or place} is damaged or not ours")
    return manifest


def backup_names(folder: Path) -> list[str]:
    """Backups in a folder, oldest first."""
    return sorted(one.stem for one in (folder / "backups").glob("*.json") if _NAME.fullmatch(one.stem))


@contextmanager
def opened(place: Path) -> Iterator[Callable[[str], BinaryIO]]:
    """Gives a function that opens a file of the backup by its sha256. Raises `Unavailable` when it is missing."""
    if place.is_file():
        with tarfile.open(place) as tar:

            def member(sha256: str) -> BinaryIO:
                try:
                    found: Any = tar.extractfile(f"pool/{sha256[:2]}/{sha256}")
                except KeyError:
                    raise Unavailable(f"{place} lacks the file {sha256}") from None
                return found  # type: ignore[no-any-return]

            yield member
        return

    def file(sha256: str) -> BinaryIO:
        try:
            return (place / "pool" / sha256[:2] / sha256).open("rb")
        except FileNotFoundError:
            raise Unavailable(f"{place} lacks the file {sha256}") from None

    yield file
