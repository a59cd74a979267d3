"""What the doctor's checks have in common: one line of the page, what is looked at, and what the machine is asked."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import shutil
import socket
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinyun.app.local import Remote
from jinyun.app.settings import Settings
from jinyun.kernel.errors import Unavailable

DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the page. `level`: ok, info (a fact only), warn, bad."""

    id: str
    level: str
    zh: str
    en: str
    do_zh: str = ""
    do_en: str = ""


Found = Iterator[Check]


@dataclass(slots=True)
class Look:
    """A folder, and what was learnt of it so far."""

    folder: Path
    settings: Settings | None = None
    remote: Remote | None = None
    system: Mapping[str, Any] = field(default_factory=dict)
    links: list[Mapping[str, Any]] = field(default_factory=list)


def clock_synchronised() -> bool | None:
    """Whether the kernel's clock is kept by a time source (adjtimex); None where that cannot be asked."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        buffer = ctypes.create_string_buffer(512)  # struct timex, modes = 0: only ask
        state = libc.adjtimex(buffer)
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != 5  # TIME_ERROR: not synchronised


def disk_room(folder: Path) -> tuple[int, int]:
    """Free and total. [bytes]"""
    space = shutil.disk_usage(folder)
    return space.free, space.total


def writable(path: Path) -> bool:
    """Whether this user may write there; a read-only mount counts as no, for root too."""
    return os.access(path, os.R_OK | os.W_OK | (os.X_OK if path.is_dir() else 0)) and not (
        os.statvfs(path).f_flag & os.ST_RDONLY
    )


def port_taken(host: str, port: int) -> str:
    """Why a port cannot be had; "" when it can."""
    if port == 0:
        return ""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host or "0.0.0.0", port))
        except OSError as wrong:
            return "in use" if wrong.errno == errno.EADDRINUSE else str(wrong.strerror)
    return ""


def schema_head() -> str:
    """The revision that this release wants."""
    return schema_known()[-1]


def schema_known() -> list[str]:
    """All revisions this release can upgrade from, oldest first; "" is an empty database."""
    from alembic.script import ScriptDirectory

    from jinyun.store.database import alembic_config

    script = ScriptDirectory.from_config(alembic_config())
    return ["", *[one.revision for one in script.walk_revisions()][::-1]]


def revision(folder: Path, url: str) -> str:
    """Revision of the node's database, which is not changed. Raises what its driver raises."""
    if url:
        from jinyun.store.database import current_revision, make_engine

        engine = make_engine(url)
        try:
            with engine.connect() as connection:
                return current_revision(connection) or ""
        finally:
            engine.dispose()
    path = (folder / "records.sqlite").resolve()
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5) as database:
        found = database.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise Unavailable(found)
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone():
            return ""
        row = database.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else ""


def foreign_order(url: str) -> str:
    """The order of words of a server's database when it is not that of their code points; "" when it is, or unknown."""
    from sqlalchemy import text

    from jinyun.store.database import make_engine

    engine = make_engine(url)
    try:
        if engine.dialect.name != "postgresql":
            return ""
        with engine.connect() as connection:
            query = text("SELECT datlocprovider, datcollate FROM pg_database WHERE datname = current_database()")
            provider, collation = connection.execute(query).one()
    finally:
        engine.dispose()
    plain = provider in ("c", "b") and str(collation).partition(".")[0] in ("C", "POSIX")
    return "" if plain else str(collation if provider == "c" else "ICU")


def kept(folder: Path, key: str) -> Any:
    """A value of care in a stopped node's SQLite; None when there is none."""
    path = (folder / "records.sqlite").resolve()
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5) as database:
            row = database.execute("SELECT value FROM key_value WHERE space = 'care' AND key = ?", [key]).fetchone()
    except sqlite3.Error:
        return None
    return json.loads(row[0]) if row else None


def lock_owner(path: Path) -> str:
    """Process that holds a lock file; "" when none does."""
    import fcntl

    try:
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return file.read(32).decode("ascii", "replace").strip() or "?"
    except OSError:
        return ""
    return ""


def limit_of(pid: int) -> int | None:
    """Open files that a process is allowed."""
    try:
        for line in Path(f"/proc/{pid}/limits").read_text().splitlines():
            if line.startswith("Max open files"):
                return int(line.split()[3])
    except (OSError, ValueError):
        return None
    return None


def some(names: list[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (" …" if len(names) > most else "")
