"""The transactional store: schema by Alembic on both engines, write locks, clear errors."""

import sqlite3
import threading

import pytest
from alembic import command
from sqlalchemy import inspect, text

from jinyun.kernel.errors import BadInput, Busy, Unavailable
from jinyun.store.database import (
    alembic_config,
    current_revision,
    make_engine,
    migrate,
    open_database,
    reading,
    writing,
)
from jinyun.store.schema import metadata


@pytest.fixture(autouse=True)
def migrations(ready_schema, monkeypatch):
    """Here every database goes through the migrations themselves."""
    monkeypatch.setattr("jinyun.store.database.migrate", ready_schema)


def test_open_makes_the_declared_schema_and_alembic_finds_nothing_to_do(database):
    config = alembic_config()
    with writing(database) as connection:
        assert current_revision(connection) is not None
        config.attributes["connection"] = connection
        command.check(config)  # raises when the models and the database differ
    assert set(metadata.tables) <= set(inspect(database).get_table_names())


def test_downgrade_takes_everything_away_and_upgrade_brings_it_back(database):
    migrate(database, "base")
    assert not set(metadata.tables) & set(inspect(database).get_table_names())
    migrate(database)
    assert set(metadata.tables) <= set(inspect(database).get_table_names())


def test_opening_again_keeps_what_is_there(database_url):
    first = open_database(database_url)
    with writing(first) as connection:
        connection.execute(text("INSERT INTO key_value VALUES ('a', 'b', '1')"))
    first.dispose()
    again = open_database(database_url)
    with reading(again) as connection:
        assert connection.execute(text("SELECT value FROM key_value")).scalar() == "1"
    again.dispose()


def test_a_failed_transaction_leaves_nothing(database):
    def half() -> None:
        with writing(database) as connection:
            connection.execute(text("INSERT INTO key_value VALUES ('a', 'b', '1')"))
            raise KeyError("half-way")

    with pytest.raises(KeyError):
        half()
    with reading(database) as connection:
        assert connection.execute(text("SELECT count(*) FROM key_value")).scalar() == 0


def test_sqlite_is_durable_and_checks_foreign_keys(sqlite):
    with reading(sqlite) as connection:
        values = [
            connection.exec_driver_sql(f"PRAGMA {p}").scalar()
            for p in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    assert values == ["wal", 2, 1, 5000]


def test_writers_queue_instead_of_failing(sqlite):
    """Ten threads read, then write what they read plus one: BEGIN IMMEDIATE makes that exact."""

    def one_more() -> None:
        for _ in range(10):
            with writing(sqlite) as connection:
                seen = connection.execute(text("SELECT value FROM key_value WHERE space = 'n'")).scalar()
                connection.execute(text("UPDATE key_value SET value = :v WHERE space = 'n'"), {"v": str(int(seen) + 1)})

    with writing(sqlite) as connection:
        connection.execute(text("INSERT INTO key_value VALUES ('n', 'n', '0')"))
    threads = [threading.Thread(target=one_more) for _ in range(10)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    with reading(sqlite) as connection:
        assert connection.execute(text("SELECT value FROM key_value")).scalar() == "100"


def test_a_lock_that_is_not_had_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr("jinyun.store.database.BUSY_MS", 50)
    engine = open_database(tmp_path / "a.db")
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Busy, match="another writer"), writing(engine):
        pass
    other.close()
    engine.dispose()


def test_other_databases_are_refused():
    with pytest.raises(BadInput, match="use SQLite"):
        make_engine("mysql://a/b")
    with pytest.raises(BadInput, match="not a database URL"):
        make_engine("://")


def test_a_server_that_is_not_there_is_said():
    with pytest.raises(Unavailable, match="cannot be opened"):
        open_database("postgresql://nobody@127.0.0.1:1/none")
