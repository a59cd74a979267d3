"""Backup of a node while it runs: one consistent set, only what the target lacks, resumable.

The set is journal, hot file, sealed files, database and settings as of one moment (`snapshot.hold`). What the target
has already, by the sha256 of the content, is not copied again; a backup that was cut short leaves its copied files
for the next one. Only the manifest, written last, makes it a backup.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from jinyun import __version__
from jinyun.app.care.sizes import class_of
from jinyun.app.care.snapshot import Held, Part, hold
from jinyun.app.care.targets import FORMAT, FolderTarget, backup_names, target_of
from jinyun.kernel.errors import BadInput
from jinyun.store.disk import sha256_of

if TYPE_CHECKING:
    from jinyun.app.assemble import House

log = structlog.get_logger("care")
Progress = Callable[[str, int, int], None]
"""Told what is done now, how many bytes of how many."""

_NOT_COPIED = (
    "node.lock",
    "node.json",
    "node.new",
    "node.log",
    "audit.head",
    "records.sqlite",
    "hot.duckdb",
    "windows.duckdb",
)
_OWN_FOLDERS = ("journal", "sealed")


def backup(
    house: House, out: Path, *, link: bool = False, keep: int = 0, progress: Progress | None = None
) -> dict[str, Any]:
    """Back `house` up to `out`.

    Parameters
    ----------
    out : path
        Folder of backups (made when absent), or a file that ends in .tar.
    link : bool
        Hard links of sealed files and segments instead of copies: fast and without space, on the same file system
        only, and no help when that disk dies.
    keep : int
        Of a folder: drop all but the newest so many backups afterwards; 0 keeps all.

    Returns
    -------
    dict
        The manifest without its files, with ``files``, ``bytes``, ``copied_files``, ``copied_bytes``, ``problems``.

    Raises
    ------
    BadInput
        When the target lies in the node's own folder.
    Unavailable
        When the target cannot be written.
    """
    started = time.monotonic()
    folder = house.settings.folder.resolve()
    if out.resolve().is_relative_to(folder):
        raise BadInput(f"{out} lies in the node's own folder {folder}", hint="name a place on another disk")
    target = target_of(out)
    if link and not isinstance(target, FolderTarget):
        raise BadInput("links need a folder of backups", field="link", hint="leave --link out, or name a folder")
    say = progress or _silent
    with house.care.lock, contextlib.ExitStack() as stack:  # nothing is dropped while it is copied
        if not isinstance(target, FolderTarget):
            stack.callback(target.give_up)
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".backup-", dir=_work_place(out))))
        windows = house.care.retention.keep["readings"].days is not None  # else they are made again from readings
        held = stack.enter_context(hold(house, windows=windows))
        parts = [*_copies(held, work), *held.parts, *_settings(folder)]
        manifest, told = _take(parts, target, say, link=link)
        at = held.at
        manifest = {
            "format": FORMAT, "name": _name(out, target), "made_at": at, "jinyun": __version__, "schema": held.schema,
            "database": house.database.dialect.name,
            "as_of": {
                "at": at, "seq": held.seq, "sealed_seq": held.sealed_seq,
                "journal_committed": str(held.committed) if held.committed else None,
                "journal_end": str(held.journal_end),
            },
            **manifest,
        }  # fmt: skip
        target.finish(manifest)
    dropped = target.prune(keep) if keep > 0 and isinstance(target, FolderTarget) else []
    summary = {name: value for name, value in manifest.items() if name != "files"} | told
    summary |= {
        "out": str(out), "files": len(manifest["files"]), "bytes": sum(one["bytes"] for one in manifest["files"]),
        "seconds": round(time.monotonic() - started, 2), "dropped_backups": dropped,
        "same_disk": _same_disk(folder, out),
    }  # fmt: skip
    house.care.note_backup({
        "at": at, "out": str(out), "name": manifest["name"], "files": summary["files"], "bytes": summary["bytes"],
        "seconds": summary["seconds"], "problems": len(manifest["problems"]), "same_disk": summary["same_disk"],
    })  # fmt: skip
    log.info("care.backup", **{k: summary[k] for k in ("name", "out", "files", "bytes", "copied_bytes", "seconds")})
    return summary


def _silent(*_: object) -> None:
    """Says nothing."""


def _work_place(out: Path) -> Path:
    """Copies of the stores are made where the backup goes: the node's own disk may have no room."""
    return out if out.is_dir() else out.parent


def _copies(held: Held, work: Path) -> Iterator[Part]:
    """The stores' own copies."""
    held.copy_hot(work / "hot.duckdb")
    held.copy_database(work / "records.sqlite")
    names = ["hot.duckdb", "records.sqlite"]
    if held.copy_windows is not None:
        held.copy_windows(work / "windows.duckdb")
        names.append("windows.duckdb")
    for name in names:
        yield Part(name, (work / name).stat().st_size, work / name)


def _settings(folder: Path) -> Iterator[Part]:
    """All else in the folder: settings, rules, what other parts keep there. Not locks, tokens, logs or halves."""
    for root, folders, files in os.walk(folder):
        here = Path(root)
        if here == folder:
            folders[:] = [one for one in folders if one not in _OWN_FOLDERS and not one.endswith(".spill")]
            files = [one for one in files if not one.startswith(_NOT_COPIED)]
        for name in sorted(files):
            path = here / name
            if path.is_file() and not path.is_symlink() and path.suffix not in (".tmp", ".lock", ".wal"):
                yield Part(path.relative_to(folder).as_posix(), path.stat().st_size, path)


def _take(parts: list[Part], target: Any, say: Progress, *, link: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Bring all parts to the target: manifest entries and problems; what was copied."""
    total = sum(one.size for one in parts)
    files, problems = [], []
    done = copied_files = copied_bytes = 0
    for part in parts:
        base = done

        def said(size: int, path: str = part.path) -> None:
            nonlocal done
            done += size
            say(path, done, total)

        known = part.sha256 or (sha256_of(part.file) if part.file is not None and part.size < 1 << 20 else "")
        if known and target.has(known, part.size):
            sha256 = known
        else:
            try:
                with contextlib.ExitStack() as stack:
                    source = part.source or stack.enter_context(part.file.open("rb"))  # type: ignore[union-attr]
                    source.seek(0)
                    linked = part.file if link and part.file is not None and _immutable(part.path) else None
                    sha256 = target.put(source, part.size, said, link=linked)
            except FileNotFoundError:
                problems.append(f"{part.path} is missing though the manifest names it: not in the backup")
                done = base + part.size
                continue
            copied_files, copied_bytes = copied_files + 1, copied_bytes + part.size
            if part.sha256 and sha256 != part.sha256:
                problems.append(f"{part.path} does not have the sha256 recorded when it was sealed; backed up as it is")
        done = base + part.size
        files.append({"path": part.path, "bytes": part.size, "sha256": sha256, "class": class_of(part.path)})
    say("", total, total)
    files.sort(key=lambda one: str(one["path"]))
    return {"problems": problems, "files": files}, {"copied_files": copied_files, "copied_bytes": copied_bytes}


def _immutable(path: str) -> bool:
    return path.startswith(("sealed/", "journal/", "attachments/")) and not path.endswith(".jnl")


def _name(out: Path, target: Any) -> str:
    """By the second of the machine's clock, UTC; a second one in it gets a number."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    taken = set(backup_names(out)) if isinstance(target, FolderTarget) else set()
    return next(name for n in range(1, 10_000) if (name := stamp if n == 1 else f"{stamp}-{n}") not in taken)


def _same_disk(folder: Path, out: Path) -> bool:
    with contextlib.suppress(OSError):
        return folder.stat().st_dev == out.stat().st_dev
    return False


def free_for(out: Path) -> int:
    """Bytes free where a backup would go."""
    place = out
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free
