"""The audit log: every way to change, remove, reorder or cut rows is found; the key stays out of the database."""

from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy import delete, event, select, update
from sqlalchemy.exc import IntegrityError

from jinyun.store.audit import HEAD_FILE, KEY_FILE, Entry, SqlAudit, audit
from jinyun.store.database import open_database, writing

AT = 1_800_000_000_000_000


@pytest.fixture
def engine(tmp_path):
    engine = open_database(tmp_path / "records.sqlite")
    yield engine
    engine.dispose()


@pytest.fixture
def log(engine, tmp_path):
    log = SqlAudit(engine, tmp_path)
    for n in range(5):
        log.append(AT + n, Entry("a", "register.write", "PATCH /x", f"site/s{n}", detail={"after": str(n)}))
    return log


def test_an_untouched_log_holds_and_goes_on_after_a_restart(log, engine, tmp_path):
    assert log.verify() == (5, [])
    again = SqlAudit(engine, tmp_path)
    assert again.append(AT + 9, Entry("b", "x.y", "GET /y")) == 6
    assert again.verify() == (6, [])


@pytest.mark.parametrize(
    "column", ["at", "who", "roles", "peer", "action", "call", "object", "result", "detail", "seal"]
)
def test_a_changed_field_is_found_where_it_is(log, engine, column):
    with writing(engine) as connection:
        value = AT if column == "at" else "0" * 64 if column == "seal" else "other"
        connection.execute(update(audit).where(audit.c.n == 3).values({column: value}))
    _, problems = log.verify()
    assert problems[0].n == 3


@pytest.mark.parametrize("gone", [1, 3, 5])
def test_a_removed_row_is_found(log, engine, gone):
    with writing(engine) as connection:
        connection.execute(delete(audit).where(audit.c.n == gone))
    _, problems = log.verify()
    assert problems[0].n == gone


def test_a_removed_row_with_the_rest_numbered_anew_is_found(log, engine):
    with writing(engine) as connection:
        connection.execute(delete(audit).where(audit.c.n == 3))
        for n in (4, 5):
            connection.execute(update(audit).where(audit.c.n == n).values(n=n - 1))
    assert log.verify()[1][0].n == 3


def test_swapped_rows_are_found(log, engine):
    with writing(engine) as connection:
        rows = {row.n: dict(row._mapping) for row in connection.execute(select(audit).where(audit.c.n.in_((2, 3))))}
        for one, other in ((2, 3), (3, 2)):
            values = {name: value for name, value in rows[other].items() if name != "n"}
            connection.execute(update(audit).where(audit.c.n == one).values(values))
    assert log.verify()[1][0].n == 2


def test_a_row_put_in_by_somebody_without_the_key_is_found(log, engine, tmp_path):
    forger = SqlAudit(engine, tmp_path / "elsewhere")
    (tmp_path / "elsewhere").mkdir()
    assert forger.append(AT, Entry("c", "x.y", "GET /z")) == 6
    assert [one.n for one in log.verify()[1]] == [6]


def test_the_key_is_for_its_owner_and_not_in_the_database(log, tmp_path):
    key = tmp_path / KEY_FILE
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.read_text().strip().encode() not in (tmp_path / "records.sqlite").read_bytes()
    (tmp_path / HEAD_FILE).unlink()
    assert log.verify()[1]


def test_rows_are_found_by_who_what_and_when(log):
    log.append(AT + 50, Entry("b", "session.own", "POST /api/session", result="refused 401"))
    rows, total = log.find(who="a", limit=2)
    assert (len(rows), total, rows[0]["n"]) == (2, 5, 5)
    assert log.find(object="site/s3")[0][0]["detail"] == {"after": "3"}
    assert log.find(start=AT + 50)[1] == log.find(result="refused 401")[1] == 1


def test_calls_at_once_share_a_transaction_and_the_chain_holds(log, engine):
    commits, numbers, slow = [], [], threading.Event()
    event.listen(engine, "commit", lambda _: commits.append(slow.wait(60)))  # the first one takes its time

    def call(n):
        numbers.append(log.append(AT + n, Entry(f"u{n}", "a.b", "POST /x")))

    threads = [threading.Thread(target=call, args=(n,)) for n in range(20)]
    for one in threads:
        one.start()
    while len(log._waiting) < 19:  # all others have come while it does
        time.sleep(0.001)
    slow.set()
    for one in threads:
        one.join()
    assert len(commits) == 2
    assert sorted(numbers) == list(range(6, 26))
    assert log.verify() == (25, [])


def test_rows_that_cannot_be_written_are_an_error_to_each_caller(log, engine):
    def broken(*_):
        raise OSError("no space left")

    event.listen(engine, "commit", broken)
    with pytest.raises(OSError, match="no space"):
        log.append(AT, Entry("a", "a.b", "POST /x"))
    event.remove(engine, "commit", broken)
    assert log.append(AT, Entry("a", "a.b", "POST /x")) == 6
    assert log.verify() == (6, [])


UNFIT = "a\0b\udc80c"


def test_a_name_that_no_database_takes_is_written_without_what_is_unfit(database, tmp_path):
    log = SqlAudit(database, tmp_path)
    log.append(AT, Entry(UNFIT, UNFIT, UNFIT, UNFIT, UNFIT, (UNFIT,), UNFIT, {UNFIT: [UNFIT, {"x": UNFIT}]}))
    assert log.verify() == (1, [])
    [row], _ = log.find()
    fit = "a\ufffdb\ufffdc"
    assert {row[name] for name in ("who", "action", "call", "object", "result", "roles", "peer")} == {fit}
    assert row["detail"] == {fit: [fit, {"x": fit}]}


def test_a_row_that_is_refused_takes_no_other_down(database, tmp_path):
    log = SqlAudit(database, tmp_path)
    log.append(AT, Entry("first", "a.b", "POST /x"))
    wrong, numbers = [], {}

    def call(name):
        try:
            numbers[name] = log.append(AT if name != "bad" else None, Entry(name, "a.b", "POST /x"))
        except IntegrityError as one:
            wrong.append((name, one))

    threads = [threading.Thread(target=call, args=(name,)) for name in ("good", "bad", "better")]
    with log._lock:  # all of them wait for one another
        for one in threads:
            one.start()
        while len(log._waiting) < 3:
            time.sleep(0.001)
    for one in threads:
        one.join()
    assert [name for name, _ in wrong] == ["bad"]
    assert sorted(numbers.values()) == [2, 3]
    assert log.verify() == (3, [])


def test_rows_that_come_while_it_is_verified_are_no_tampering(log, monkeypatch):
    def rows(found=SqlAudit._rows):
        yield from found(log)
        log.append(AT, Entry("b", "x.y", "GET /y"))  # as when a node is used: after the last row was read

    monkeypatch.setattr(log, "_rows", rows)
    assert log.verify() == (5, [])
    monkeypatch.undo()
    assert log.verify() == (6, [])


def test_the_first_row_may_come_while_it_is_verified(engine, tmp_path, monkeypatch):
    log = SqlAudit(engine, tmp_path)

    def rows(found=SqlAudit._rows):
        log.append(AT, Entry("b", "x.y", "GET /y"))
        yield from found(log)

    monkeypatch.setattr(log, "_rows", rows)
    assert log.verify() == (1, [])


def test_the_row_that_the_head_names_is_looked_at_though_newer_ones_came(log, tmp_path):
    head = (tmp_path / HEAD_FILE).read_text()
    log.append(AT, Entry("b", "x.y", "GET /y"))
    (tmp_path / HEAD_FILE).write_text(head)  # as when it was read before
    assert log.verify() == (6, [])
    (tmp_path / HEAD_FILE).write_text(f"5 {'0' * 64}\n")
    assert [one.n for one in log.verify()[1]] == [5]
