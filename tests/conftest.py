"""Fixtures shared by all tests: both databases, a clock that stands still until moved; which worker runs which file."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from jinyun.store.database import make_engine, open_database

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


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """URL of a fresh database."""
    name = f"jinyun_{os.getpid()}_{next(_numbers)}"
    engine = make_engine(f"{postgres_server}/postgres")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield f"{postgres_server}/{name}"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh, empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'jinyun.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def database(database_url: str) -> Iterator[Engine]:
    """An open database of either kind, schema in place."""
    engine = open_database(database_url)
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
