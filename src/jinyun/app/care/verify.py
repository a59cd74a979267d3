"""Is the store what it says it is? Manifest, digests, raw messages, records, watermark, evidence. Changes nothing.

Works on the files of a stopped node, inside a running one, and on a backup (laid out by links, then checked like a
folder). Each thing that is wrong is one sentence that names it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow.parquet as pq
from sqlalchemy import Connection, Engine, create_engine, inspect, text

from jinyun.app.care.evidence import check_evidence
from jinyun.app.care.raw import check_journal
from jinyun.app.care.targets import opened, pieces, read_manifest
from jinyun.app.settings import Settings
from jinyun.kernel.errors import BadInput, Busy, JinyunError
from jinyun.store.database import make_engine
from jinyun.store.disk import sha256_of

if TYPE_CHECKING:
    from jinyun.app.assemble import House

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as it should be."""

    check: str  # sealed, journal, records, watermark, evidence, figures, backup
    what: str
    level: str = "bad"  # bad, warn


@dataclass(slots=True)
class Report:
    """What was checked and what was found."""

    subject: str
    problems: list[Problem] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        return not any(one.level == "bad" for one in self.problems)

    def add(self, check: str, what: str, level: str = "bad") -> None:
        self.problems.append(Problem(check, what, level))

    def count(self, name: str, n: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + n

    def as_dict(self) -> dict[str, Any]:
        return {
            "subject": self.subject, "good": self.good, "counts": self.counts,
            "problems": [asdict(one) for one in self.problems],
        }  # fmt: skip


@dataclass(slots=True)
class Store:
    """What is looked at. `journal_end`: (segment, offset) behind the last durable message of a running node."""

    folder: Path
    connection: Connection | None
    hot: duckdb.DuckDBPyConnection | None
    running: bool = False
    watermark: tuple[int, int] | None = None  # of a running node, taken before `journal_end`
    journal_end: tuple[int, int] | None = None
    rehash: bool = True  # of a backup the files were read for their sha256 just before


def verify_house(house: House, *, everything: bool = False, progress: Progress | None = None) -> Report:
    """A running node looks at itself; it goes on meanwhile."""
    report = Report(str(house.settings.folder))
    with house.care.lock, house.readings.pinned(), ExitStack() as stack:
        connection = stack.enter_context(house.database.connect())
        cursor = house.readings.hot_cursor()
        stack.callback(cursor.close)
        stored = house.readings.committed()
        end = house.journal.end
        store = Store(
            house.settings.folder, connection, cursor, running=True, journal_end=(end.segment, end.offset),
            watermark=(stored.segment, stored.offset) if stored is not None else None,
        )  # fmt: skip
        _check(store, report, everything=everything, say=progress or _silent)
    return report


def verify_folder(folder: Path, *, everything: bool = False, progress: Progress | None = None) -> Report:
    """The files of a stopped node.

    Raises
    ------
    BadInput
        When there is no node's folder.
    Busy
        When a node holds it.
    """
    from jinyun.store.lock import FolderLock

    if not folder.is_dir() or not ((folder / "records.sqlite").exists() or (folder / "jinyun.toml").exists()):
        raise BadInput(f"{folder} is no node's folder", hint="name one with --folder")
    report = Report(str(folder))
    with FolderLock(folder), _opened_files(folder, report) as store:
        _check(store, report, everything=everything, say=progress or _silent)
    return report


def verify_backup(place: Path, *, name: str = "", everything: bool = False, progress: Progress | None = None) -> Report:
    """A backup: each file against its sha256, then the set as a folder would be."""
    say = progress or _silent
    manifest = read_manifest(place, name)
    report = Report(f"{place} {manifest['name']}")
    report.problems += [Problem("backup", f"when it was made: {one}", "warn") for one in manifest["problems"]]
    with tempfile.TemporaryDirectory(prefix="jinyun-verify-") as scratch, opened(place) as source:
        folder = Path(scratch) / "var"
        folder.mkdir()
        for one in manifest["files"]:
            say(one["path"])
            report.count("files")
            path = folder / one["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            pooled = place / "pool" / one["sha256"][:2] / one["sha256"]
            try:
                found = _lay_out(source(one["sha256"]), path, pooled if place.is_dir() else None, one["bytes"])
            except (JinyunError, OSError) as wrong:
                report.add("backup", f"{one['path']}: {wrong}")
                continue
            if found != one["sha256"]:
                report.add("backup", f"{one['path']} does not have its sha256: the copy is damaged")
        settings = folder / "jinyun.toml"
        if settings.exists():
            settings.unlink()  # its database may be another one: the copy in the backup is what is looked at
        if report.good:
            with _opened_files(folder, report) as store:
                store.rehash = False
                _check(store, report, everything=everything, say=say)
    return report


def _silent(_: str) -> None:
    """Says nothing."""


def _lay_out(source: Any, path: Path, pooled: Path | None, size: int) -> str:
    """Bring a file of the backup to `path` (a link where it lies in a folder); its sha256."""
    import hashlib

    digest = hashlib.sha256()
    with source, ExitStack() as stack:
        out = None if pooled is not None else stack.enter_context(path.open("wb"))
        for piece in pieces(source, size):
            digest.update(piece)
            if out is not None:
                out.write(piece)
        if source.read(1):
            return "longer than the manifest says"
    if pooled is not None:
        path.symlink_to(pooled.resolve())
    return digest.hexdigest()


@contextmanager
def _opened_files(folder: Path, report: Report) -> Iterator[Store]:
    """The files of a stopped node, opened for reading only; what cannot be opened is a problem and left out."""
    with ExitStack() as stack:
        connection: Connection | None = None
        hot: duckdb.DuckDBPyConnection | None = None
        try:
            engine = _read_only_engine(folder)
            stack.callback(engine.dispose)
            connection = stack.enter_context(engine.connect())
            connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        except Exception as wrong:
            connection = None
            report.add("records", f"the database cannot be read: {_first_line(wrong)}")
        path = folder / "hot.duckdb"
        if path.exists():
            try:
                hot = duckdb.connect(str(path), read_only=True)
                stack.callback(hot.close)
                hot.execute("SELECT * FROM progress, sealing").fetchall()
            except duckdb.Error as wrong:
                if "lock" in str(wrong):
                    raise Busy(f"{path} is open in another process") from wrong
                hot = None
                report.add("watermark", f"{path.name} cannot be read: {_first_line(wrong)}")
        elif (folder / "sealed").is_dir() or (folder / "journal").is_dir():
            report.add(
                "watermark", "hot.duckdb is missing: a start makes a new one and replays the whole journal", "warn"
            )
        yield Store(folder, connection, hot)


def _read_only_engine(folder: Path) -> Engine:
    url = Settings.load(folder).database if (folder / "jinyun.toml").is_file() else ""
    if url:
        return make_engine(url)
    path = (folder / "records.sqlite").resolve()
    if not path.is_file():
        raise FileNotFoundError("records.sqlite is missing")
    return create_engine("sqlite://", creator=lambda: sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5))


def _first_line(wrong: BaseException) -> str:
    return (str(getattr(wrong, "orig", None) or wrong).splitlines() or [type(wrong).__name__])[0]


# --- the checks -------------------------------------------------------------------------------------------------------


def _check(store: Store, report: Report, *, everything: bool, say: Progress) -> None:
    files: list[Any] = []
    if store.connection is not None:
        say("records")
        _guarded(report, "records", lambda: _check_records(store, report))
        say("sealed files")
        _guarded(report, "sealed", lambda: files.extend(_check_sealed(store, report, say)))
    say("journal")
    tables = _tables(store.connection)
    gone: set[str] = set()
    if store.connection is not None and "dropped" in tables:
        gone = {one for (one,) in store.connection.execute(text("SELECT path FROM dropped"))}
    watermark = _guarded(report, "watermark", lambda: _check_watermark(store, report))
    _guarded(report, "journal", lambda: check_journal(store, report, gone, watermark, everything=everything, say=say))
    if (
        store.connection is not None
        and store.hot is not None
        and not any(one.check == "sealed" and one.level == "bad" for one in report.problems)
    ):
        say("evidence of verdicts")
        _guarded(report, "evidence", lambda: check_evidence(store, report, files, everything=everything))
    if store.connection is not None and "publication" in tables:
        say("published figures")
        _guarded(report, "figures", lambda: _check_figures(store, report))


def _guarded(report: Report, check: str, work: Callable[[], Any]) -> Any:
    """One check that fails altogether is one problem, not the end of the others."""
    try:
        return work()
    except Exception as wrong:
        report.add(check, f"cannot be checked: {type(wrong).__name__}: {_first_line(wrong)}")
        return None


def _tables(connection: Connection | None) -> set[str]:
    return set(inspect(connection).get_table_names()) if connection is not None else set()


def _check_records(store: Store, report: Report) -> None:
    """The database's own checks, every record's version against its history, references that lead nowhere."""
    connection = store.connection
    assert connection is not None
    if connection.dialect.name == "sqlite":
        found = [str(row[0]) for row in connection.execute(text("PRAGMA integrity_check"))]
        if found != ["ok"]:
            for one in found[:20]:
                report.add("records", f"database: {one}")
        for row in connection.execute(text("PRAGMA foreign_key_check")).fetchmany(20):
            report.add("records", f"row {row[1]} of {row[0]} refers to a row of {row[2]} that is not there")
    report.count("records", connection.execute(text("SELECT count(*) FROM record")).scalar() or 0)
    report.count("verdicts", connection.execute(text("SELECT count(*) FROM verdict")).scalar() or 0)
    query = text(
        "SELECT r.type, r.id, r.version, max(h.version) AS known, count(h.version) AS entries FROM record r "
        "LEFT JOIN record_history h ON h.type = r.type AND h.id = r.id GROUP BY r.type, r.id, r.version "
        "HAVING max(h.version) IS NULL OR max(h.version) <> r.version OR count(h.version) <> r.version"
    )
    for row in connection.execute(query).fetchmany(20):
        report.add(
            "records",
            f"{row.type} {row.id} is at version {row.version}, its history has {row.entries} up to {row.known}",
        )
    query = text("SELECT count(*) FROM record_index i LEFT JOIN record r ON r.type = i.type AND r.id = i.id "
                 "WHERE r.id IS NULL")  # fmt: skip
    if lost := connection.execute(query).scalar():
        report.add("records", f"{lost} index entries belong to no record")
    query = text("SELECT count(*) FROM verdict v LEFT JOIN verdict_key k ON k.id = v.key_id WHERE k.id IS NULL")
    if lost := connection.execute(query).scalar():
        report.add("records", f"{lost} verdicts have no judge and subject")


def _check_sealed(store: Store, report: Report, say: Progress) -> list[Any]:
    """Each file the manifest names is there and is what it was; none is there that it does not name."""
    connection, folder = store.connection, store.folder / "sealed"
    assert connection is not None
    before = {path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet") if "orphans" not in path.parts}
    if connection.in_transaction():
        connection.rollback()  # see what is committed now, not what was when records were looked at
    rows = list(connection.execute(text("SELECT * FROM manifest ORDER BY id")))
    sealed = list(connection.execute(text("SELECT seq_from, seq_to, rows FROM seal ORDER BY seq_from")))
    known = {row.path for row in rows}
    for row in rows:
        path = folder / row.path
        if row.state == "dropped":
            if path.exists():
                report.add("sealed", f"{row.path} was dropped by retention but is still there", "warn")
            continue
        if row.state != "live":
            continue
        report.count("sealed_files")
        report.count("sealed_bytes", row.bytes)
        if not path.exists():
            report.add("sealed", f"{row.path} is missing: {row.rows} {row.kind} of {row.day}")
            continue
        say(f"sealed/{row.path}")
        if path.stat().st_size != row.bytes or (store.rehash and sha256_of(path) != row.sha256):
            report.add("sealed", f"{row.path} does not have the size and sha256 recorded when it was sealed")
            continue
        inside = pq.read_metadata(path).num_rows
        if inside != row.rows:
            report.add("sealed", f"{row.path} has {inside} rows, the manifest says {row.rows}")
    for stranger in sorted(before - known):
        if not store.running:  # of a running node: sealed at this moment
            report.add("sealed", f"{stranger} is not in the manifest; the next start sets it aside", "warn")
    after = 0
    for span in sealed:
        if span.seq_from != after + 1:
            report.add(
                "sealed", f"sealing goes from sequence {after} to {span.seq_from}: what lies between is not sealed"
            )
        after = span.seq_to
    total = sum(span.rows for span in sealed)
    kept = sum(row.rows for row in rows if row.kind == "rows" and row.state in ("live", "dropped"))
    if total != kept:
        report.add("sealed", f"{total} readings were sealed, the manifest's files have {kept}")
    report.count("sealed_rows", sum(row.rows for row in rows if row.kind == "rows" and row.state == "live"))
    return [row for row in rows if row.state in ("live", "dropped")]


def _check_watermark(store: Store, report: Report) -> tuple[int, int] | None:
    """The hot file fits the manifest; its place in the journal."""
    if store.hot is None:
        return None
    store.hot.begin()
    try:
        found = store.hot.execute('SELECT seq, segment, "offset", trimmed FROM progress, sealing').fetchall()[0]
        rows = store.hot.execute("SELECT count(*), min(seq), max(seq) FROM rows").fetchall()[0]
        lost = store.hot.execute("SELECT count(*) FROM rows WHERE seq NOT IN (SELECT id FROM frames)").fetchall()[0][0]
    finally:
        store.hot.commit()
    seq, segment, offset, trimmed = found
    report.count("hot_rows", rows[0])
    if rows[0] and rows[2] > seq:
        report.add("watermark", f"the hot file has rows up to sequence {rows[2]}, beyond its progress {seq}")
    if lost:
        report.add("watermark", f"{lost} hot rows have no frame: where they came from is not known")
    if store.connection is not None:
        if store.connection.in_transaction():
            store.connection.rollback()  # the manifest as it is after the hot file was looked at
        sealed = store.connection.execute(text("SELECT max(seq_to) FROM seal")).scalar() or 0
        if trimmed > sealed:
            report.add(
                "watermark",
                f"the hot file was trimmed up to sequence {trimmed}, but the manifest has sealed only up to {sealed}: "
                "they are not of one moment, restore both from one backup",
            )
        elif seq < sealed:
            report.add(
                "watermark", f"the hot file ends at sequence {seq}, older than what is sealed ({sealed})", "warn"
            )
    if store.running:
        return store.watermark
    return None if segment is None else (int(segment), int(offset))


def _check_figures(store: Store, report: Report) -> None:
    """Every publication can be unpacked, and the verdicts it names are there."""
    import json

    import zstandard

    connection = store.connection
    assert connection is not None
    for row in connection.execute(text("SELECT id, body FROM publication")):
        report.count("publications")
        try:
            json.loads(zstandard.ZstdDecompressor().decompress(bytes(row.body)))
        except (zstandard.ZstdError, ValueError) as wrong:
            report.add("figures", f"publication {row.id} cannot be read: {wrong}")
    query = text(
        "SELECT i.publication, count(*) AS lost FROM publication_input i LEFT JOIN verdict v ON v.id = i.verdict "
        "WHERE v.id IS NULL GROUP BY i.publication"
    )
    for row in connection.execute(query).fetchmany(20):
        report.add("figures", f"publication {row.publication} rests on {row.lost} verdicts that are not there")


def open_files(folder: Path) -> contextlib.AbstractContextManager[Store]:
    """For the doctor: the files of a stopped node, as far as they open."""
    return _opened_files(folder, Report(os.fspath(folder)))
