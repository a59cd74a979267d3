"""The transactional store: SQLAlchemy over SQLite (default) or PostgreSQL, schema by Alembic at open."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, create_engine, event, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.sql import Insert

from jinyun.kernel.errors import BadInput, Busy, Unavailable

BUSY_MS = 5_000
CONNECTIONS = 48
"""At most, as many as threads that may ask at once. To a SQLite file all are kept open once they were needed: to open
one anew, with its settings and the schema to read, takes longer than most answers."""
SERVER_KEPT = 12
"""Of them to a server, which has some for others too."""
MAPPED = 1 << 30
"""Bytes of a SQLite file that are read where the operating system holds them, instead of being copied page by page."""
POSTGRESQL = "-c jit=off -c max_parallel_workers_per_gather=0 -c work_mem=32MB -c random_page_cost=1.1"
"""Of our sessions, unless the URL says `options`: many short questions to indexes, on solid disks; to compile
them, or to start helpers for them, takes longer than the answer."""
_MIGRATIONS = Path(__file__).parent / "migrations"
_QUEUES: WeakKeyDictionary[Engine, threading.RLock] = WeakKeyDictionary()
"""Where the writers of this process to one SQLite file wait for one another."""


def open_database(url_or_path: str | Path) -> Engine:
    """An engine whose schema is the newest.

    `url_or_path` is a file path (SQLite) or a URL: ``sqlite:///…``, ``postgresql://…`` (psycopg 3 is the driver).

    Raises
    ------
    BadInput
        A URL of another kind of database.
    Unavailable
        The server does not answer or the file cannot be written.
    """
    engine = make_engine(url_or_path)
    try:
        engine.connect().close()
        migrate(engine)
    except DBAPIError as wrong:
        engine.dispose()
        reason = str(wrong.orig).splitlines()[0]
        raise Unavailable(f"the database {engine.url.render_as_string()} cannot be opened: {reason}") from wrong
    return engine


def make_engine(url_or_path: str | Path) -> Engine:
    """The engine alone, schema untouched."""
    text = str(url_or_path)
    if "://" not in text:
        Path(text).parent.mkdir(parents=True, exist_ok=True)
        text = f"sqlite:///{text}"
    try:
        url = make_url(text)
    except ArgumentError as wrong:
        raise BadInput(f"{text!r} is not a database URL", hint="give a file path or postgresql://…") from wrong
    if url.get_backend_name() == "sqlite":
        own = {"timeout": BUSY_MS / 1000, "check_same_thread": False}
        engine = create_engine(url, pool_size=CONNECTIONS, connect_args=own)
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        _QUEUES[engine] = threading.RLock()
        return engine
    if url.get_backend_name() == "postgresql":
        options = {} if "options" in url.query else {"options": POSTGRESQL}
        return create_engine(
            url.set(drivername="postgresql+psycopg"), pool_pre_ping=True, pool_size=SERVER_KEPT,
            max_overflow=CONNECTIONS - SERVER_KEPT, connect_args=options,
        )  # fmt: skip
    raise BadInput(f"{url.get_backend_name()} is not supported", hint="use SQLite (a file path) or postgresql://…")


def migrate(engine: Engine, revision: str = "head") -> None:
    """Bring the schema to `revision`; an older one than the present runs the downgrades."""
    from alembic import command
    from alembic.script import ScriptDirectory

    config = alembic_config()
    script = ScriptDirectory.from_config(config)
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        now = current_revision(connection)
        if revision == "base":
            down = now is not None
        else:
            wanted = {one.revision for one in script.iterate_revisions(revision, "base")}
            if now == script.get_current_head() and revision == "head":
                return
            down = now is not None and now not in wanted
        (command.downgrade if down else command.upgrade)(config, revision)


def alembic_config() -> Any:
    """Alembic's settings without an .ini file; the connection is passed in ``attributes``."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config


def current_revision(connection: Connection) -> str | None:
    """The schema's revision in this database."""
    from alembic.migration import MigrationContext

    return MigrationContext.configure(connection).get_current_revision()


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that will write: on SQLite it takes the write lock at its start (BEGIN IMMEDIATE), so that two
    writers queue instead of one failing half-way. Writers of this process queue here: SQLite has no queue, it lets them
    try again after ever longer sleeps, and each would hold a connection meanwhile.

    Raises
    ------
    Busy
        The lock was not had within 5 s.
    Unavailable
        Disk full, server gone.
    """
    queue = _QUEUES.get(engine)
    if queue is not None and not queue.acquire(timeout=BUSY_MS / 1000):
        raise Busy("the database is held by another writer; try again")
    try:
        with engine.execution_options(jinyun_write=True).connect() as connection, connection.begin():
            yield connection
    except OperationalError as wrong:
        if "locked" in str(wrong.orig):
            raise Busy("the database is held by another writer; try again") from wrong
        raise Unavailable(f"the database does not take the change: {wrong.orig}") from wrong
    finally:
        if queue is not None:
            queue.release()


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads: one state of the store throughout."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":  # each statement would see a state of its own
            connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            yield connection


def insert_new(engine: Engine, table: Any) -> Any:
    """An INSERT that can take ``on_conflict_do_nothing`` / ``_update``, in the engine's dialect."""
    if engine.dialect.name == "sqlite":
        return sqlite.insert(table)
    if engine.dialect.name == "postgresql":
        return postgresql.insert(table)
    statement: Insert = insert(table)
    return statement


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, below
    cursor = connection.cursor()
    pragmas = (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_MS}",
        f"mmap_size={MAPPED}",
    )
    for pragma in pragmas:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("jinyun_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
