"""Fixtures shared by all tests: both databases, a clock that stands still until moved; which worker runs which file."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from jinyun.store import database as database_module
from jinyun.store.database import make_engine, open_database

MIGRATE = database_module.migrate
_COPYING = threading.Lock()
_numbers = count(1)
_FIRST = ("tests/browser/", "tests/flows/")
"""The longest first, so that no worker is left with one of them at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda one: next((n for n, folder in enumerate(_FIRST) if one.nodeid.startswith(folder)), 9))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A worker takes a whole file, so that its module's node is started once; one worker takes all with a browser.

    Not by xdist's own groups: version 3.8 marks them in the node id, which pytest 9 no longer lets it change.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "browser" if nodeid.startswith(_FIRST[0]) else nodeid.split("::", 1)[0]

    config.option.loadscopereorder = False
    return ByFile(config, log)


class SteadyClock:
    """A `Clock` that shows what it was set to; each look is one µs later, so that order is visible."""

    def __init__(self, now: int = 1_767_225_600_000_000) -> None:  # 2026-01-01T00:00Z
        self.at = now

    def now(self) -> int:
        self.at += 1
        return self.at


@pytest.fixture(scope="session", autouse=True)
def ready_schema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., None]]:
    """A fresh SQLite database gets its schema out of one that was migrated once, instead of by all migrations again.

    Only within this process and for the newest schema. Gives what runs the migrations, for tests of them.
    """
    made: list[sqlite3.Connection] = []

    def ready() -> sqlite3.Connection:
        if not made:
            path = tmp_path_factory.mktemp("schema") / "jinyun.db"
            engine = make_engine(path)
            MIGRATE(engine)
            engine.dispose()
            made.append(sqlite3.connect(path, check_same_thread=False))
        return made[0]

    def migrate(engine: Engine, revision: str = "head") -> None:
        if engine.dialect.name == "sqlite" and revision == "head":
            with contextlib.closing(engine.raw_connection()) as raw:
                target = raw.driver_connection
                assert isinstance(target, sqlite3.Connection)
                with _COPYING:
                    if not target.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                        ready().backup(target)
                        return
        MIGRATE(engine, revision)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database_module, "migrate", migrate)
        yield MIGRATE
    for one in made:
        one.close()


@pytest.fixture(scope="session", autouse=True)
def quick_hashes() -> Iterator[Callable[[], Any]]:
    """Passwords are slow to check on purpose: argon2 with little memory here, in this process only. Gives what makes
    the hasher of a node."""
    from argon2 import PasswordHasher

    from jinyun.app.accounts import passwords

    real, quick = passwords._hasher, PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", lambda: quick)
        yield real


@pytest.fixture
def steady_clock() -> SteadyClock:
    return SteadyClock()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL (without database name) of a private PostgreSQL on loopback, run by a person without rights."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    if not found:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql gives /usr/lib/postgresql/*/bin)")
    programs = found[-1].parent
    folder = Path(tempfile.mkdtemp(prefix="jinyun-pg-"))
    runs_as: dict[str, object] = {}
    if os.geteuid() == 0:  # the server refuses to be root
        user = next((u for u in ("postgres", "nobody") if _exists(u)), None)
        if user is None:
            pytest.skip("running as root and there is no user postgres or nobody to run PostgreSQL as")
        shutil.chown(folder, user)
        runs_as = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
    data = folder / "data"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT, "cwd": folder}
    env = {**os.environ, "LC_ALL": "C.UTF-8", "HOME": str(folder)}
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "jinyun", "-A", "trust", "-E", "UTF8", "--no-sync"],
        check=True, env=env, **quiet, **runs_as,
    )  # fmt: skip
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = ["listen_addresses=127.0.0.1", f"port={port}", "unix_socket_directories=", "fsync=off"]
    command = [str(programs / "postgres"), "-D", str(data), *(part for one in settings for part in ("-c", one))]
    server = subprocess.Popen(command, env=env, **quiet, **runs_as)
    try:
        _wait_for(port, server)
        yield f"postgresql://jinyun@127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _made(server: str, name: str, template: str = "") -> Iterator[str]:
    """A database of its own on the server, and its URL."""
    engine = make_engine(f"{server}/postgres")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else "")))
    yield f"{server}/{name}"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """URL of a fresh database."""
    with _made(postgres_server, f"jinyun_{os.getpid()}_{next(_numbers)}") as url:
        yield url


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> Iterator[str]:
    """Name of a database whose schema is in place, to copy."""
    name = f"jinyun_{os.getpid()}_template"
    with _made(postgres_server, name) as url:
        open_database(url).dispose()
        yield name


@pytest.fixture
def postgres_ready_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """URL of a fresh database, schema in place."""
    with _made(postgres_server, f"jinyun_{os.getpid()}_{next(_numbers)}", postgres_template) as url:
        yield url


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def node_database(request: pytest.FixtureRequest) -> Iterator[str]:
    """Setting `database` of a module's node, once for either kind; empty: SQLite in the node's folder."""
    if request.param == "sqlite":
        yield ""
        return
    server, template = (request.getfixturevalue(f"postgres_{name}") for name in ("server", "template"))
    with _made(server, f"jinyun_{os.getpid()}_{next(_numbers)}", template) as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def database_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh, empty database of either kind."""
    if database_kind == "sqlite":
        return f"sqlite:///{tmp_path / 'jinyun.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def database(database_kind: str, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An open database of either kind, schema in place: the one of `database_url` where a test asks for both."""
    copied = database_kind == "postgresql" and "database_url" not in request.fixturenames
    engine = open_database(request.getfixturevalue("postgres_ready_url" if copied else "database_url"))
    yield engine
    engine.dispose()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Engine]:
    """An open SQLite database, where the kind does not matter."""
    engine = open_database(tmp_path / "jinyun.db")
    yield engine
    engine.dispose()


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    engine = make_engine(f"postgresql://jinyun@127.0.0.1:{port}/postgres")
    while True:
        try:
            engine.connect().close()
            break
        except Exception:
            if server.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    engine.dispose()
