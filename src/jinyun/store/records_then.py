"""Registers as they stood at an earlier moment: what has not changed since as it is, the rest out of its history.

A record that was not touched after the moment stands as it stood, so lists look it up by the same indexes as ever; only
those that changed since are folded from their history, and asked in memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cmp_to_key
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Select, func, select

from jinyun.kernel.errors import BadInput, NotFound, Refused
from jinyun.kernel.ports import HistoryEntry, Record
from jinyun.kernel.records import RecordType
from jinyun.store import record_rules as rules
from jinyun.store.database import reading
from jinyun.store.record_pages import COLUMNS, ids_by_field, page_by_column
from jinyun.store.record_rows import KEY, rows_condition
from jinyun.store.record_search import conditions_of, index_value, not_indexed
from jinyun.store.schema import record as current
from jinyun.store.schema import record_history as history_table

if TYPE_CHECKING:
    from jinyun.store.record_answers import RecordAnswers

MOST_CHANGED = 200_000
"""Entries of history that one register's question may fold."""
_CHUNK = 500


class RecordsThen:
    """The asking half of the `RecordStore` port at a moment [µs], by when changes were recorded."""

    def __init__(self, store: RecordAnswers, as_of: int) -> None:
        self._store, self.as_of = store, as_of
        self.versions = store.versions
        self.listeners: list[Any] = []
        self._folded: dict[str, dict[str, Record]] = {}

    def __getattr__(self, name: str) -> Any:
        if name in ("create", "update", "delete", "step", "move", "put_many"):
            raise Refused("what was known at an earlier moment is not changed; change what stands now")
        raise AttributeError(name)

    def type(self, type_id: str) -> RecordType:
        """The declaration of a type."""
        return self._store.type(type_id)

    def get(self, type_id: str, id: str) -> Record:
        """One record, also when it was deleted since. Raises `NotFound` when it was not there then."""
        kind = self.type(type_id)
        with reading(self._store.engine) as connection:
            row = connection.execute(select(current).where(current.c.type == type_id, current.c.id == id)).first()
            if row is not None and row.updated_at <= self.as_of:
                if not row.deleted:
                    return self._store.record_of(row)
            elif row is not None:
                mine = history_table.c.type == type_id, history_table.c.id == id, history_table.c.at <= self.as_of
                query = select(history_table).where(*mine).order_by(history_table.c.version)
                then = _fold(kind, connection.execute(query).fetchall(), self._procedures(type_id, [id]))
                if then is not None:
                    return then
        raise NotFound(f"{type_id} at that moment", id)

    def present(self, type_id: str, id: str) -> Record | None:
        """The record as it is now; None when it was deleted since."""
        try:
            return self._store.get(type_id, id)
        except NotFound:
            return None

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
        """As `RecordStore.find`, of what stood then. Rights to rows (`@rows`) are those of now."""
        kind = self.type(type_id)
        name, down = order.removeprefix("-"), order.startswith("-")
        if name not in COLUMNS and name not in rules.indexed_fields(kind):
            raise not_indexed(kind, name)
        conditions = self._conditions(kind, where, states, text)
        fitting = self._fitting(kind, where, states, text)
        # those that changed since may lie before any of the page
        first, most = (offset, limit) if not fitting else (0, offset + limit)
        with reading(self._store.engine) as connection:
            if name in COLUMNS:
                page = page_by_column(connection, kind.id, conditions, name, down=down, limit=most, offset=first)
                found = [self._store.record_of(row) for row in connection.execute(page)]
            else:
                ids = ids_by_field(connection, kind, conditions, name, down=down, limit=most, offset=first)
                held = self._store.load_rows(connection, kind.id, ids)
                found = [held[one] for one in ids if one in held]
        if not fitting:
            return found
        key = cmp_to_key(_order(kind, name, down))
        return sorted([*found, *fitting], key=key)[offset : offset + limit]

    def ids(self, type_id: str, where: Mapping[str, Any] | None = None, **asked: Any) -> list[str]:
        """Ids of all that `find` would give, in order."""
        return [one.id for one in self.find(type_id, where, limit=1_000_000, **asked)]

    def count(
        self, type_id: str, where: Mapping[str, Any] | None = None, *, states: Sequence[str] = (), text: str = ""
    ) -> int:
        """How many `find` would give without a limit."""
        kind = self.type(type_id)
        query = select(func.count()).select_from(current).where(*self._conditions(kind, where, states, text))
        with reading(self._store.engine) as connection:
            unchanged: int = connection.execute(query).scalar_one()
        return unchanged + len(self._fitting(kind, where, states, text))

    def heads(
        self, type_id: str, where: Mapping[str, Any] | None = None, *, states: Sequence[str] = ()
    ) -> dict[str, int]:
        """Versions of all that `find` would give, by id."""
        return {one.id: one.version for one in self.find(type_id, where, states=states, limit=1_000_000)}

    def holding(self, text: str, types: Sequence[str]) -> frozenset[str]:  # noqa: ARG002 - see below
        """All of `types`: the index of words knows no time."""
        return frozenset(types)

    def load(self, type_id: str, ids: Sequence[str]) -> list[Record]:
        """Those of some ids that were there, in this order."""
        found = {one.id: one for one in self.find(type_id, {"id": list(ids)}, limit=len(ids))} if ids else {}
        return [found[one] for one in ids if one in found]

    def history(self, type_id: str, id: str) -> list[HistoryEntry]:
        """Changes up to the moment, oldest first."""
        entries = [one for one in self._store.history(type_id, id) if one.at <= self.as_of]
        if not entries:
            raise NotFound(f"{type_id} at that moment", id)
        return entries

    def histories(self, type_id: str, ids: Sequence[str]) -> dict[str, list[HistoryEntry]]:
        """`history` of many; an id without one is left out."""
        told = {}
        for id, entries in self._store.histories(type_id, ids).items():
            if mine := [one for one in entries if one.at <= self.as_of]:
                told[id] = mine
        return told

    # --- inside -------------------------------------------------------------------------------------------------------

    def _conditions(
        self, kind: RecordType, where: Mapping[str, Any] | None, states: Sequence[str], text: str
    ) -> list[Any]:
        """What finds those that have not changed since."""
        found = conditions_of(kind, where, states, text, self._store.engine.dialect.name)
        return [*found, current.c.updated_at <= self.as_of]

    def _fitting(
        self, kind: RecordType, where: Mapping[str, Any] | None, states: Sequence[str], text: str
    ) -> list[Record]:
        """Those that changed since and fitted the question then."""
        changed = self._changed(kind)
        if not changed:
            return []
        asked = dict(where or {})
        rows = asked.pop(KEY, None)
        wanted = _wanted(kind, asked)
        words = text.lower().replace("\x00", "").split()
        found = [one for one in changed.values() if _fits(kind, one, wanted, states, words)]
        return found if rows is None else self._within(kind, found, rows)

    def _within(self, kind: RecordType, found: Sequence[Record], rows: Any) -> list[Record]:
        """Those that the rights of now reach: by the record of now, and one that was deleted since by what it was."""
        living: set[str] = set()
        seen: set[str] = set()
        ids = [one.id for one in found]
        mine = rows_condition(kind, rows)
        with reading(self._store.engine) as connection:
            for start in range(0, len(ids), _CHUNK):
                asked = select(current.c.id).where(
                    current.c.type == kind.id, current.c.deleted.is_(False), current.c.id.in_(ids[start:start + _CHUNK])
                )  # fmt: skip
                living |= set(connection.execute(asked).scalars())
                seen |= set(connection.execute(asked.where(mine)).scalars())

        def follow(type_id: str, record_id: str) -> Mapping[str, Any] | None:
            held = self.present(type_id, record_id)
            return held.data if held is not None else None

        return [
            one for one in found if one.id in seen or (one.id not in living and rows.holds(one.id, one.data, follow))
        ]

    def _changed(self, kind: RecordType) -> dict[str, Record]:
        """All of a type that were there then and have changed since, as they were."""
        held = self._folded.get(kind.id)
        if held is None:
            table = history_table
            since = select(current.c.id).where(current.c.type == kind.id, current.c.updated_at > self.as_of)
            mine = table.c.type == kind.id, table.c.at <= self.as_of, table.c.id.in_(since)
            query = select(table).where(*mine).order_by(table.c.id, table.c.version).limit(MOST_CHANGED + 1)
            with reading(self._store.engine) as connection:
                rows = connection.execute(query).fetchall()
            if len(rows) > MOST_CHANGED:
                raise BadInput(
                    f"too many records of {kind.id} have changed since then", field="as_of",
                    hint="ask for single records, or for a later moment",
                )  # fmt: skip
            lines: dict[str, list[Any]] = {}
            for row in rows:
                lines.setdefault(row.id, []).append(row)
            ran = self._procedures(kind.id, list(lines))
            made = {id: _fold(kind, line, ran) for id, line in lines.items()}
            held = self._folded[kind.id] = {id: one for id, one in made.items() if one is not None}
        return held

    def _procedures(self, type_id: str, ids: Sequence[str]) -> dict[str, int]:
        """Version of the procedure that each ran on: that of now, before the first move since then."""
        ran: dict[str, int] = {}
        if len(self.type(type_id).versions) < 2:
            return ran
        table = history_table
        with reading(self._store.engine) as connection:
            for start in range(0, len(ids), _CHUNK):
                part = ids[start : start + _CHUNK]
                now: Select[Any] = select(current.c.id, current.c.procedure).where(
                    current.c.type == type_id, current.c.id.in_(part)
                )
                ran |= {row.id: row.procedure for row in connection.execute(now)}
                mine = table.c.type == type_id, table.c.id.in_(part), table.c.step == "move", table.c.at > self.as_of
                moves = select(table.c.id, table.c.given).where(*mine).order_by(table.c.version.desc())
                ran |= {row.id: int(msgspec.json.decode(row.given)["old"]) for row in connection.execute(moves)}
        return ran


def _fold(kind: RecordType, rows: Sequence[Any], ran: Mapping[str, int]) -> Record | None:
    """A record from its history, oldest first; None: it was not there."""
    data: dict[str, Any] = {}
    created = 0
    for row in rows:
        if row.step in ("create", "delete"):
            data, created = {}, row.at
        if row.step == "delete":
            continue
        for name in msgspec.json.decode(row.before):
            data.pop(name, None)
        data |= msgspec.json.decode(row.after)
    if not rows or rows[-1].step == "delete":
        return None
    last, newest = rows[-1], kind.procedure.version if kind.procedure else 1
    return Record(
        kind.id, last.id, last.version, last.state_after, rules.full(kind, data), created, last.at, last.actor,
        procedure=ran.get(last.id, newest),
    )  # fmt: skip


def _wanted(kind: RecordType, where: Mapping[str, Any]) -> dict[str, tuple[frozenset[str], bool]]:
    """By field: the index texts asked for, and whether "not set" is."""
    fields, wanted = rules.indexed_fields(kind), {}
    for name, value in where.items():
        values = list(value) if isinstance(value, list | tuple | set | frozenset) else [value]
        if name != "id" and name not in fields:
            raise not_indexed(kind, name)
        texts = [str(one) if name == "id" else index_value(kind, name, one) for one in values if one is not None]
        wanted[name] = frozenset(texts), None in values
    return wanted


def _fits(
    kind: RecordType, one: Record, wanted: Mapping[str, tuple[frozenset[str], bool]], states: Sequence[str],
    words: Sequence[str],
) -> bool:  # fmt: skip
    if states and one.state not in states:
        return False
    if wanted:
        have: dict[str, set[str]] = {"id": {one.id}}
        for name, text, _ in rules.index_entries(kind, one.data):
            have.setdefault(name, set()).add(text)
        for name, (texts, unset) in wanted.items():
            mine = have.get(name)
            if not (mine & texts if mine else unset):
                return False
    if words:
        text = rules.search_text(kind, one.id, one.data)
        return all(word in text for word in words)
    return True


def _order(kind: RecordType, name: str, down: bool) -> Any:
    """Compares records as lists are ordered: by a column or an indexed field (numbers as numbers, a list by its least,
    those without it before all others), ties by id."""

    def key(one: Record) -> Any:
        if name in COLUMNS:
            return getattr(one, name)
        entries = [(text, number) for field, text, number in rules.index_entries(kind, one.data) if field == name]
        if not entries:
            return ()
        if kind.field(name).kind in rules.NUMBERS:
            return (min(number or 0.0 for _, number in entries), min(text for text, _ in entries))
        return (min(text for text, _ in entries),)

    def compare(one: Record, other: Record) -> int:
        mine, its = key(one), key(other)
        if mine != its:
            return -1 if (mine < its) is not down else 1
        return (one.id > other.id) - (one.id < other.id)

    return compare
