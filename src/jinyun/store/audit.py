"""The audit log: append-only, each row sealed over the one before it with a key that is not in the database.

A row's seal is HMAC-SHA256(key, seal of the row before ‖ the row as canonical JSON). The number and seal of the newest
row also lie in a file beside the database, so that rows cut off at the end are missed as well.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Column, Engine, Index, Integer, String, Table, Text, func, insert, select

from jinyun.kernel.errors import BadInput
from jinyun.store.database import reading, writing
from jinyun.store.schema import metadata

KEY_FILE, HEAD_FILE = "audit.key", "audit.head"
GENESIS = "0" * 64
SEALED = ("n", "at", "who", "roles", "peer", "action", "call", "object", "result", "detail")
PAGE = 2000
SHOWN = 200

audit = Table(
    "audit",
    metadata,
    Column("n", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),  # [µs] wall clock
    Column("who", String(120), nullable=False),
    Column("roles", String(200), nullable=False),
    Column("peer", String(80), nullable=False),
    Column("action", String(60), nullable=False),
    Column("call", String(300), nullable=False),
    Column("object", String(300), nullable=False),
    Column("result", String(60), nullable=False),
    Column("detail", Text, nullable=False),
    Column("seal", String(64), nullable=False),
    Index(None, "who", "n"),
    Index(None, "action", "n"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened: who, from where, which call on what, how it ended; `detail` e.g. digests before and after."""

    who: str
    action: str
    call: str
    object: str = ""
    result: str = "ok"
    roles: Sequence[str] = ()
    peer: str = ""
    detail: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Broken:
    """Where the chain does not hold."""

    n: int
    zh: str
    en: str

    def as_dict(self) -> dict[str, Any]:
        return {"n": self.n, "zh": self.zh, "en": self.en}


@dataclass(slots=True)
class _Waiting:
    """A row that is to be written."""

    row: dict[str, Any]
    over: bool = False
    wrong: Exception | None = None


class SqlAudit:
    """The log of one node, in `folder`'s database. Thread-safe; `append` returns when the row is on disk."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine, self._folder = engine, folder
        self._lock, self._noting = threading.Lock(), threading.Lock()
        self._waiting: list[_Waiting] = []
        self._last: tuple[int, str] | None = None
        self._key: bytes | None = None

    # --- writing ------------------------------------------------------------------------------------------------------

    def append(self, at: int, entry: Entry) -> int:
        """Write one row; its number. `at` [µs]"""
        row: dict[str, Any] = {
            "at": at, "who": entry.who[:120], "roles": " ".join(entry.roles)[:200], "peer": entry.peer[:80],
            "action": entry.action[:60], "call": entry.call[:300], "object": entry.object[:300],
            "result": entry.result[:60],
            "detail": json.dumps(entry.detail or {}, ensure_ascii=True, sort_keys=True, default=str),
        }  # fmt: skip
        mine = _Waiting(row)
        with self._noting:
            self._waiting.append(mine)
        with self._lock:
            if not mine.over:  # else somebody who came before wrote it along with theirs
                with self._noting:
                    waiting, self._waiting = self._waiting, []
                self._write(waiting)
        if mine.wrong is not None:
            raise mine.wrong
        return int(row["n"])

    def _write(self, waiting: list[_Waiting]) -> None:
        """All rows that wait, as one transaction: a crowd of calls pays for one flush of the disk."""
        try:
            with writing(self._engine) as connection:
                last, before = self._last or self._newest(connection)
                for one in waiting:
                    last += 1
                    one.row["n"] = last
                    before = one.row["seal"] = self._seal(before, one.row)
                connection.execute(insert(audit), [one.row for one in waiting])
            self._last = last, before
            self._keep_head(*self._last)
        except Exception as wrong:
            for one in waiting:
                one.wrong = wrong
        finally:
            for one in waiting:
                one.over = True

    def _newest(self, connection: Any) -> tuple[int, str]:
        row = connection.execute(select(audit.c.n, audit.c.seal).order_by(audit.c.n.desc()).limit(1)).first()
        return (0, GENESIS) if row is None else (row.n, row.seal)

    def _seal(self, before: str, row: Mapping[str, Any]) -> str:
        told = [
            row[name] for name in ("n", "at", "who", "roles", "peer", "action", "call", "object", "result", "detail")
        ]
        message = before + json.dumps(told, ensure_ascii=True, separators=(",", ":"))
        return hmac.new(self.key(), message.encode(), hashlib.sha256).hexdigest()

    def _keep_head(self, n: int, seal: str) -> None:
        fresh = self._folder / f"{HEAD_FILE}.new"
        fresh.write_text(f"{n} {seal}\n")
        fresh.replace(self._folder / HEAD_FILE)

    def key(self) -> bytes:
        """The node's key, made on first use, readable by its user only."""
        if self._key is None:
            path = self._folder / KEY_FILE
            if not path.is_file():
                fresh = path.with_suffix(".new")
                fresh.unlink(missing_ok=True)
                with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                    out.write(secrets.token_hex(32))
                    out.flush()
                    os.fsync(out.fileno())
                fresh.replace(path)
            try:
                self._key = bytes.fromhex(path.read_text().strip())
            except ValueError:
                raise BadInput(
                    f"{path} holds no key", hint="restore it from the backup the database came from"
                ) from None
        return self._key

    # --- reading ------------------------------------------------------------------------------------------------------

    def find(
        self, *, who: str = "", action: str = "", object: str = "", result: str = "", start: int | None = None,
        end: int | None = None, limit: int = SHOWN, offset: int = 0,
    ) -> tuple[list[dict[str, Any]], int]:  # fmt: skip
        """Rows, newest first, and how many there are in all; `object` by its beginning, times in µs."""
        where = [column == wanted for column, wanted in (
            (audit.c.who, who), (audit.c.action, action), (audit.c.result, result)) if wanted]  # fmt: skip
        if object:
            where.append(audit.c.object.startswith(object, autoescape=True))
        if start is not None:
            where.append(audit.c.at >= start)
        if end is not None:
            where.append(audit.c.at < end)
        query = select(audit).where(*where).order_by(audit.c.n.desc()).limit(limit).offset(offset)
        with reading(self._engine) as connection:
            rows = [dict(row._mapping) for row in connection.execute(query)]
            total = connection.execute(select(func.count()).select_from(audit).where(*where)).scalar_one()
        for row in rows:
            row["detail"] = json.loads(row["detail"])
        return rows, total

    def verify(self) -> tuple[int, list[Broken]]:
        """How many rows there are, and every place where one was changed, removed, put in or moved."""
        problems: list[Broken] = []
        count, before = 0, GENESIS
        for row in self._rows():
            wanted = count + 1
            if row["n"] != wanted:
                problems.append(
                    Broken(wanted, f"缺少第{wanted}至{row['n'] - 1}行", f"rows {wanted} to {row['n'] - 1} are gone")
                )
            elif not hmac.compare_digest(self._seal(before, row), row["seal"]):
                problems.append(Broken(row["n"], "该行内容或次序被改动", "the row was changed or moved"))
            count, before = row["n"], row["seal"]
        problems += self._against_head(count, before)
        return count, problems

    def _against_head(self, count: int, seal: str) -> list[Broken]:
        path = self._folder / HEAD_FILE
        if not path.is_file():
            return [Broken(count, "缺少链尾文件", f"there is no {HEAD_FILE}, though there are rows")] if count else []
        number, _, kept = path.read_text().strip().partition(" ")
        if not number.isdigit():
            return [Broken(count, "链尾文件损坏", f"{HEAD_FILE} cannot be read")]
        if int(number) > count:
            return [
                Broken(
                    count + 1, f"末尾第{count + 1}至{number}行缺失", f"rows {count + 1} to {number} at the end are gone"
                )
            ]
        if int(number) == count and kept != seal:
            return [Broken(count, "链尾与文件不符", f"the last row is not the one that {HEAD_FILE} names")]
        return []

    def _rows(self) -> Iterator[dict[str, Any]]:
        last = 0
        while True:
            query = select(audit).where(audit.c.n > last).order_by(audit.c.n).limit(PAGE)
            with reading(self._engine) as connection:
                rows = [dict(row._mapping) for row in connection.execute(query)]
            if not rows:
                return
            yield from rows
            last = rows[-1]["n"]
