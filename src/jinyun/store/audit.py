"""The audit log: append-only, each row sealed over the one before it with a key that is not in the database.

A row's seal is HMAC-SHA256(key, seal of the row before ‖ the row as canonical JSON). The number and seal of the newest
row also lie in a file beside the database, so that rows cut off at the end are missed as well.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Column, Engine, Index, Integer, String, Table, Text, func, insert, select

from jinyun.kernel.errors import BadInput, Busy, Unavailable
from jinyun.store.database import reading, writing
from jinyun.store.schema import metadata

KEY_FILE, HEAD_FILE = "audit.key", "audit.head"
GENESIS = "0" * 64
SEALED = ("n", "at", "who", "roles", "peer", "action", "call", "object", "result", "detail")
PAGE = 2000
SHOWN = 200
_UNFIT = re.compile("[\0\ud800-\udfff]")
"""What a text of PostgreSQL, or an answer in UTF-8, cannot hold."""

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
            "at": at, "who": _fit(entry.who)[:120], "roles": _fit(" ".join(entry.roles))[:200],
            "peer": _fit(entry.peer)[:80], "action": _fit(entry.action)[:60], "call": _fit(entry.call)[:300],
            "object": _fit(entry.object)[:300], "result": _fit(entry.result)[:60],
            "detail": json.dumps(_fit(entry.detail or {}), ensure_ascii=True, sort_keys=True),
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
        """All rows that wait, as one transaction: a crowd of calls pays for one flush of the disk. When the database
        does not take them together each is tried alone: nobody's row fails for another's."""
        try:
            try:
                self._last = self._insert(waiting)
            except Exception as wrong:
                self._last = None  # whether a commit that failed stands is for the database to say
                if len(waiting) == 1 or isinstance(wrong, (Busy, Unavailable)):
                    raise
                for one in waiting:
                    self._write([one])
            else:
                self._keep_head(*self._last)
        except Exception as wrong:
            for one in waiting:
                one.wrong = wrong
        finally:
            for one in waiting:
                one.over = True

    def _insert(self, waiting: Sequence[_Waiting]) -> tuple[int, str]:
        """Number and seal of the last of the rows, which are then on disk."""
        with writing(self._engine) as connection:
            last, before = self._last or self._newest(connection)
            for one in waiting:
                last += 1
                one.row["n"] = last
                before = one.row["seal"] = self._seal(before, one.row)
            connection.execute(insert(audit), [one.row for one in waiting])
        return last, before

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
        """How many rows there are, and every place where one was changed, removed, put in or moved. Rows may come
        meanwhile: what is newer than the head that is read first has nothing but its chain to hold to."""
        problems: list[Broken] = []
        head = self._head()
        kept_n, _, kept_seal = (head or "").strip().partition(" ")
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
            if str(count) == kept_n and before != kept_seal:
                problems.append(Broken(count, "链尾与文件不符", f"the row is not the one that {HEAD_FILE} names"))
        if head is None:
            with self._lock:  # the log's very first row may be on its way: then the head follows at once
                missing = count and self._head() is None
            if missing:
                problems.append(Broken(count, "缺少链尾文件", f"there is no {HEAD_FILE}, though there are rows"))
        elif not kept_n.isdigit():
            problems.append(Broken(count, "链尾文件损坏", f"{HEAD_FILE} cannot be read"))
        elif int(kept_n) > count:
            gone = count + 1
            problems.append(
                Broken(gone, f"末尾第{gone}至{kept_n}行缺失", f"rows {gone} to {kept_n} at the end are gone")
            )
        return count, problems

    def _head(self) -> str | None:
        """What the file beside the database says of the newest row."""
        try:
            return (self._folder / HEAD_FILE).read_text()
        except FileNotFoundError:
            return None

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


def _fit(value: Any) -> Any:
    """`value` without what cannot be stored or told; what JSON has no form for becomes text."""
    if isinstance(value, Mapping):
        return {_fit(str(name)): _fit(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_fit(one) for one in value]
    return value if value is None or isinstance(value, (bool, int, float)) else _UNFIT.sub("\ufffd", str(value))
