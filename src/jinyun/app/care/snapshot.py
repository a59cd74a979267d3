"""One state of a node, held while it goes on: hot file, windows and database as of one moment, in their own files.

For some milliseconds nothing is committed or sealed; in them a reading transaction is begun on each store, the manifest
is pinned and the journal's end noted. The copying afterwards reads what those transactions see.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from sqlalchemy import Connection, Engine, insert, select, text

from jinyun.kernel.errors import Busy, Unavailable
from jinyun.kernel.terms import JournalRef
from jinyun.store.database import current_revision, make_engine, migrate, writing
from jinyun.store.manifest import ManifestView
from jinyun.store.schema import metadata

if TYPE_CHECKING:
    from jinyun.app.assemble import House

_ROWS = 5_000


@dataclass(slots=True)
class Part:
    """One file of the set: at `path` below the folder, `size` bytes from `source` (its sha256 where it is known)."""

    path: str
    size: int
    file: Path | None = None
    source: BinaryIO | None = None
    sha256: str = ""


@dataclass(slots=True)
class Held:
    """What was held."""

    at: int  # [µs]
    seq: int
    sealed_seq: int
    committed: JournalRef | None
    journal_end: JournalRef
    manifest: ManifestView
    parts: list[Part]
    schema: str
    copy_database: Callable[[Path], None]
    copy_hot: Callable[[Path], None]
    copy_windows: Callable[[Path], None] | None


@contextmanager
def hold(house: House, *, windows: bool) -> Iterator[Held]:
    """Hold one state of `house`. Leave the block to let it go."""
    readings = house.readings
    with contextlib.suppress(Unavailable):
        readings.flush()  # so that little of the journal is left to replay; not needed for the copy to be right
    house.rejects.flush()
    with ExitStack() as stack:
        with readings.held_still():
            database, schema = _pin_database(house.database, stack)
            hot = _pin_duck(readings.hot_cursor(), "progress", stack)
            window = _pin_duck(house.windows.cursor(), "progress", stack) if windows else None
            view = stack.enter_context(readings.pinned())
            committed, seq, at = readings.committed(), readings.intake.seq, house.clock.now()
            parts, end = _journal_parts(house, stack)
        for one in (*view.rows, *view.frames):
            parts.append(Part(f"sealed/{one.path}", one.bytes, readings.sealed_path(one), sha256=one.sha256))
        if committed is not None and (committed.segment, committed.offset) >= (end.segment, end.offset):
            raise Unavailable(f"the store is at {committed} of the journal, which ends at {end}: verify the folder")
        yield Held(at, seq, view.sealed, committed, end, view, parts, schema, database, hot, window)


def _journal_parts(house: House, stack: ExitStack) -> tuple[list[Part], JournalRef]:
    """Files of the journal; of a segment still open the bytes up to its end, by a handle that outlives its sealing."""
    parts: list[Part] = []
    end = house.journal.end
    for info in house.journal.segments():
        if info.number > end.segment:
            continue
        until = end.offset if info.number == end.segment else info.end
        raw = None
        if not info.sealed:
            with contextlib.suppress(FileNotFoundError):  # sealed at this moment
                raw = stack.enter_context(info.path.open("rb"))
        if raw is not None:
            parts.append(Part(f"journal/{info.path.name}", until, source=raw))
            continue
        for suffix, digest in ((".jz", info.sha256), (".index.parquet", ""), (".json", "")):
            path = info.path.with_suffix(suffix)
            parts.append(Part(f"journal/{path.name}", path.stat().st_size, path, sha256=digest))
    return parts, end


def _pin_duck(cursor: Any, table: str, stack: ExitStack) -> Callable[[Path], None]:
    """Begin a transaction on a DuckDB file; the function copies what it sees."""
    stack.callback(cursor.close)
    cursor.begin()
    name = cursor.execute("SELECT current_database()").fetchall()[0][0]
    cursor.execute(f"SELECT * FROM {table}").fetchall()

    def copy(target: Path) -> None:
        place = str(target).replace("'", "''")
        cursor.execute(f"ATTACH '{place}' AS backup_copy")
        try:
            cursor.execute(f'COPY FROM DATABASE "{name}" TO backup_copy')
            cursor.commit()
        finally:
            cursor.execute("DETACH backup_copy")

    return copy


def _pin_database(engine: Engine, stack: ExitStack) -> tuple[Callable[[Path], None], str]:
    """Begin a transaction on the database; the function copies what it sees into an SQLite file. And the revision."""
    if engine.dialect.name == "sqlite":
        source = sqlite3.connect(str(engine.url.database), isolation_level=None, check_same_thread=False)
        stack.callback(source.close)
        source.execute("BEGIN")
        revision = source.execute("SELECT version_num FROM alembic_version").fetchone()[0]

        def copy(target: Path) -> None:
            with contextlib.closing(sqlite3.connect(str(target), isolation_level=None)) as out:
                source.backup(out, pages=4096)
                out.execute("PRAGMA journal_mode=DELETE")  # one file, no log beside it
            source.close()  # the long copying of sealed files follows: nobody's log shall grow for it

        return copy, revision
    connection = stack.enter_context(engine.connect().execution_options(isolation_level="REPEATABLE READ"))
    stack.enter_context(connection.begin())
    connection.execute(text("SELECT 1 FROM alembic_version"))
    found = current_revision(connection) or ""

    def copy_all(target: Path) -> None:
        _copy_tables(connection, target, found)
        connection.close()

    return copy_all, found


def _copy_tables(source: Connection, target: Path, revision: str) -> None:
    """All tables of ours into a fresh SQLite file."""
    out = make_engine(target)
    try:
        migrate(out, revision)
        copy_tables(source, out)
        with out.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA journal_mode=DELETE")
    finally:
        out.dispose()


def copy_tables(source: Connection, target: Engine, said: Callable[[str, int], None] | None = None) -> None:
    """Copy the rows of all tables into those of `target`, which has the same schema and no rows.

    Raises
    ------
    Busy
        When a table of the target has rows.
    """
    with writing(target) as out:
        for table in metadata.sorted_tables:
            if out.execute(select(table).limit(1)).first() is not None:
                raise Busy(f"the table {table.name} of {target.url.render_as_string()} is not empty: name another one")
            rows = source.execution_options(yield_per=_ROWS).execute(select(table))
            count = 0
            for page in rows.partitions(_ROWS):
                out.execute(insert(table), [dict(row._mapping) for row in page])
                count += len(page)
            if said is not None:
                said(table.name, count)
        if target.dialect.name == "postgresql":  # the one serial column must go on behind what was copied
            out.execute(
                text(
                    "SELECT setval(pg_get_serial_sequence('reject', 'id'), "
                    "(SELECT coalesce(max(id), 0) + 1 FROM reject), false)"
                )
            )
