"""Answers about registers: one record, lists by indexed fields and text, history."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, bindparam, func, select

from jinyun.kernel.errors import Conflict, NotFound
from jinyun.kernel.ports import HistoryEntry, Record
from jinyun.kernel.records import RecordType
from jinyun.store import record_rules as rules
from jinyun.store.database import reading
from jinyun.store.record_pages import ALWAYS, COLUMNS, DEEP, SORTED, ids_by_column, ids_by_field, page_by_column
from jinyun.store.record_search import conditions_of, not_indexed
from jinyun.store.record_text import types_holding
from jinyun.store.records_then import RecordsThen
from jinyun.store.schema import record as current
from jinyun.store.schema import record_history as history_table

CHUNK = 500
"""Ids asked for in one statement."""
COUNT_KEPT, COUNT_KEPT_S, COUNTS = 2_000, 10.0, 500
"""A count of so many records is answered again for so long, while nothing is changed here; another process's change is
seen after it. So many are kept."""


_ONE = select(current).where(current.c.type == bindparam("of_type"), current.c.id == bindparam("of_id"))
_ENTRIES = (
    select(history_table)
    .where(history_table.c.type == bindparam("of_type"), history_table.c.id == bindparam("of_id"))
    .order_by(history_table.c.version)
)
"""Asked by every page: to put them together anew takes as long as to answer them."""


class _Mine(threading.local):
    """The transaction that this thread has open, see `SqlRecords.together`."""

    def __init__(self) -> None:
        self.connection: Connection | None = None
        self.heard: dict[tuple[str, str], list[str]] = {}


class RecordAnswers:
    """The asking half of the `RecordStore` port."""

    def __init__(self, engine: Engine, types: Mapping[str, RecordType]) -> None:
        self._engine, self._types = engine, types
        self.versions: dict[str, int] = {}
        """Rises with each committed change of a type: pages cache by it."""
        self._counted: dict[str, tuple[int, float, int]] = {}
        self._mine = _Mine()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """One state of the store; inside `together` the one of this thread's transaction."""
        if self._mine.connection is not None:
            yield self._mine.connection
            return
        with reading(self._engine) as connection:
            yield connection

    def at(self, as_of: int) -> RecordsThen:
        """The registers as they stood at a moment [µs], for asking only."""
        return RecordsThen(self, as_of)

    @property
    def engine(self) -> Engine:
        """The database."""
        return self._engine

    def type(self, type_id: str) -> RecordType:
        """The declaration of a type."""
        try:
            return self._types[type_id]
        except KeyError:
            raise NotFound("record type", type_id, known=self._types) from None

    def heads(
        self, type_id: str, where: Mapping[str, Any] | None = None, *, states: Sequence[str] = ()
    ) -> dict[str, int]:
        """Versions of all that `find` would give, by id: to see cheaply which are not as they were."""
        conditions = conditions_of(self.type(type_id), where, states, "", self._engine.dialect.name)
        with self._reading() as connection:
            query = select(current.c.id, current.c.version).where(*conditions)
            return {row.id: row.version for row in connection.execute(query)}

    def holding(self, text: str, types: Sequence[str]) -> frozenset[str]:
        """Of `types` those that hold a record with these words or this id: too many rather than too few."""
        with self._reading() as connection:
            return types_holding(connection, text, types)

    def get(self, type_id: str, id: str) -> Record:
        with self._reading() as connection:
            return self._present(connection, type_id, id, None)

    def find(
        self,
        type_id: str,
        where: Mapping[str, Any] | None = None,
        *,
        states: Sequence[str] = (),
        text: str = "",
        order: str = "-updated_at",
        limit: int = 1000,
        offset: int = 0,
    ) -> list[Record]:
        """Records whose indexed fields equal `where` (a list: any of them; None: not set). `order` is updated_at,
        created_at, id, state or an indexed field, with ``-`` before it for descending; ties go by id."""
        kind = self.type(type_id)
        name, down = order.removeprefix("-"), order.startswith("-")
        by_field = "" if name in COLUMNS else name
        conditions = conditions_of(kind, where, states, text, self._engine.dialect.name, order=by_field)
        if name in COLUMNS:
            total = None if offset < DEEP else self.count(type_id, where, states=states, text=text)
            with self._reading() as connection:
                query = page_by_column(
                    connection, kind.id, conditions, name, down=down, limit=limit, offset=offset, total=total
                )
                return [self.record_of(row) for row in connection.execute(query)]
        if name not in rules.indexed_fields(kind):
            raise not_indexed(kind, name)
        total = self.count(type_id, where, states=states, text=text)  # which a page asks for too
        with self._reading() as connection:
            ids = ids_by_field(connection, kind, conditions, name, down=down, limit=limit, offset=offset, total=total)
            # where the count may have told to leave conditions out, they are asked again: it may be older than the rows
            again = conditions[ALWAYS:] if total > SORTED else ()
            found = self.load_rows(connection, kind.id, ids, again)
        return [found[one] for one in ids if one in found]

    def ids(
        self,
        type_id: str,
        where: Mapping[str, Any] | None = None,
        *,
        states: Sequence[str] = (),
        text: str = "",
        order: str = "-updated_at",
    ) -> list[str]:
        """Ids of all that `find` would give, in order: for what is too long for one page, with `load`."""
        kind = self.type(type_id)
        name, down = order.removeprefix("-"), order.startswith("-")
        by_field = "" if name in COLUMNS else name
        conditions = conditions_of(kind, where, states, text, self._engine.dialect.name, order=by_field)
        if by_field and by_field not in rules.indexed_fields(kind):
            raise not_indexed(kind, name)
        with self._reading() as connection:
            if by_field:
                return ids_by_field(connection, kind, conditions, name, down=down, limit=None, offset=0)
            return list(connection.execute(ids_by_column(conditions, name, down=down)).scalars())

    def load(self, type_id: str, ids: Sequence[str]) -> list[Record]:
        """Living records of these ids, in this order."""
        with self._reading() as connection:
            found = self.load_rows(connection, type_id, ids)
        return [found[one] for one in ids if one in found and not found[one].deleted]

    def count(
        self,
        type_id: str,
        where: Mapping[str, Any] | None = None,
        *,
        states: Sequence[str] = (),
        text: str = "",
    ) -> int:
        conditions = conditions_of(self.type(type_id), where, states, text, self._engine.dialect.name)
        asked = repr((type_id, sorted((where or {}).items()), tuple(states), text))
        changed = sum(self.versions.values())
        kept = self._counted.get(asked)
        mine = self._mine.connection is not None  # what it changed is not committed: no answer for others
        if not mine and kept is not None and kept[0] == changed and time.monotonic() - kept[1] < COUNT_KEPT_S:
            return kept[2]
        with self._reading() as connection:
            query = select(func.count()).select_from(current).where(*conditions)
            found: int = connection.execute(query).scalar_one()
        if found >= COUNT_KEPT and not mine:
            if len(self._counted) >= COUNTS:
                self._counted.clear()
            self._counted[asked] = changed, time.monotonic(), found
        return found

    def history(self, type_id: str, id: str) -> list[HistoryEntry]:
        """Oldest first; of a deleted record too."""
        self.type(type_id)
        with self._reading() as connection:
            entries = self._history(connection, type_id, id)
        if not entries:
            raise NotFound(type_id, id)
        return entries

    def _history(self, connection: Connection, type_id: str, record_id: str) -> list[HistoryEntry]:
        return [_entry(row) for row in connection.execute(_ENTRIES, {"of_type": type_id, "of_id": record_id})]

    def histories(self, type_id: str, ids: Sequence[str]) -> dict[str, list[HistoryEntry]]:
        """`history` of many; an id without one is left out."""
        self.type(type_id)
        with self._reading() as connection:
            return self.histories_in(connection, type_id, ids)

    def histories_in(self, connection: Connection, type_id: str, ids: Sequence[str]) -> dict[str, list[HistoryEntry]]:
        """`histories` inside a transaction."""
        table, found = history_table, defaultdict[str, list[HistoryEntry]](list)
        for start in range(0, len(ids), CHUNK):
            part = ids[start : start + CHUNK]
            query = select(table).where(table.c.type == type_id, table.c.id.in_(part)).order_by(table.c.version)
            for row in connection.execute(query):
                found[row.id].append(_entry(row))
        return dict(found)

    def taken_by(self, type_id: str, id: str, step: str) -> str | None:
        """Who last took `step` of a record; None: nobody yet."""
        with self._reading() as connection:
            return self._taken_by(connection, type_id, id, step)

    def _taken_by(self, connection: Connection, type_id: str, record_id: str, step: str) -> str | None:
        table = history_table
        query = select(table.c.actor).where(table.c.type == type_id, table.c.id == record_id, table.c.step == step)
        return connection.execute(query.order_by(table.c.version.desc()).limit(1)).scalar()

    def load_rows(
        self, connection: Connection, type_id: str, ids: Sequence[str], more: Sequence[Any] = ()
    ) -> dict[str, Record]:
        """Records by id, deleted ones too; with `more` conditions those that fit."""
        found: dict[str, Record] = {}
        for start in range(0, len(ids), CHUNK):
            query = select(current).where(
                current.c.type == type_id, current.c.id.in_(ids[start : start + CHUNK]), *more
            )
            found.update({row.id: self.record_of(row) for row in connection.execute(query)})
        return found

    def _present(self, connection: Connection, type_id: str, record_id: str, version: int | None) -> Record:
        self.type(type_id)
        row = connection.execute(_ONE, {"of_type": type_id, "of_id": record_id}).first()
        found = None if row is None else self.record_of(row)
        if found is None or found.deleted:
            raise NotFound(type_id, record_id)
        if version is not None and version != found.version:
            raise Conflict(
                f"{type_id} {record_id!r} is at version {found.version} now (by {found.updated_by}), not {version}; "
                "read it again, then change it"
            )
        return found

    def record_of(self, row: Any) -> Record:
        """A row of the table as a record."""
        data = rules.full(self._types.get(row.type), msgspec.json.decode(row.data))
        return Record(
            row.type, row.id, row.version, row.state, data, row.created_at, row.updated_at, row.updated_by, row.deleted,
            row.procedure,
        )  # fmt: skip


def _entry(row: Any) -> HistoryEntry:
    load = msgspec.json.decode
    return HistoryEntry(
        row.type, row.id, row.version, row.at, row.actor, row.step, row.state_before, row.state_after,
        load(row.before), load(row.after), load(row.given), row.note,
    )  # fmt: skip
