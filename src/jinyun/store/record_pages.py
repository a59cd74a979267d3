"""Pages of registers: the ids of a page out of an index first, its long rows afterwards, however deep it lies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, and_, func, select

from jinyun.kernel.records import RecordType
from jinyun.store import record_rules as rules
from jinyun.store.schema import record as current
from jinyun.store.schema import record_index as side

COLUMNS = ("updated_at", "created_at", "id", "state")
"""What a list can be ordered by besides indexed fields."""


def by_column(name: str, down: bool) -> list[Any]:
    """Order by a column, ties by id."""
    key = current.c[name]
    ordered = [key.desc() if down else key.asc()]
    return ordered if name == "id" else [*ordered, current.c.id]


def page_by_column(
    type_id: str, conditions: Sequence[Any], name: str, *, down: bool, limit: int, offset: int
) -> Select[Any]:
    """The rows of a page."""
    ordered = by_column(name, down)
    page = select(current.c.id).where(*conditions).order_by(*ordered).limit(limit).offset(offset).subquery()
    rows = select(current).join(page, and_(current.c.type == type_id, current.c.id == page.c.id))
    return rows.order_by(*ordered)


def ids_by_field(
    connection: Connection, kind: RecordType, conditions: Sequence[Any], name: str, *, down: bool, limit: int,
    offset: int,
) -> list[str]:  # fmt: skip
    """Ids of a page ordered by an indexed field: numbers as numbers, a list by its least; those without the field
    come before all others, so last when it goes down. Ties go by id."""
    if len(conditions) > ALWAYS:
        ordered = _by_entry(kind, name, down)
        query = select(current.c.id).where(*conditions).order_by(*ordered, current.c.id)
        return list(connection.execute(query.limit(limit).offset(offset)).scalars())
    entries = _entries(kind, name, down)
    without = _without(kind, conditions, name)

    def some(query: Select[Any], most: int, skip: int) -> list[str]:
        return list(connection.execute(query.limit(most).offset(max(0, skip))).scalars()) if most > 0 else []

    def count(query: Select[Any]) -> int:
        return connection.execute(select(func.count()).select_from(query.order_by(None).subquery())).scalar_one()

    if down:
        found = some(entries, limit, offset)
        if len(found) == limit:
            return found
        held = offset + len(found) if found else min(offset, count(entries))
        return found + some(without, limit - len(found), offset - held)
    every = select(current.c.id).where(*conditions)
    lacking = count(every) - count(entries)
    found = some(without, limit, offset) if offset < lacking else []
    return found + some(entries, limit - len(found), offset - lacking)


def _by_entry(kind: RecordType, name: str, down: bool) -> list[Any]:
    """The entry is looked up for each record of those that the conditions leave."""
    mine = and_(side.c.type == kind.id, side.c.id == current.c.id, side.c.field == name)
    keys = [side.c.number, side.c.value] if kind.field(name).kind in rules.NUMBERS else [side.c.value]
    least = [select(func.min(one)).where(mine).correlate(current).scalar_subquery() for one in keys]
    return [one.desc().nulls_last() if down else one.asc().nulls_first() for one in least]


def _entries(kind: RecordType, name: str, down: bool) -> Select[Any]:
    spec = kind.field(name)
    numeric = spec.kind in rules.NUMBERS
    mine = [side.c.type == kind.id, side.c.field == name, *([side.c.number.is_not(None)] if numeric else [])]
    query = select(side.c.id).where(*mine)  # only living records have entries
    keys: list[Any] = [side.c.number, side.c.value] if numeric else [side.c.value]
    if spec.many:
        query, keys = query.group_by(side.c.id), [func.min(one) for one in keys]
    return query.order_by(*(one.desc() if down else one.asc() for one in keys), side.c.id)


def _without(kind: RecordType, conditions: Sequence[Any], name: str) -> Select[Any]:
    held = select(side.c.id).where(side.c.type == kind.id, side.c.field == name)
    return select(current.c.id).where(*conditions, current.c.id.not_in(held)).order_by(current.c.id)


ALWAYS = 2
"""Conditions that every question has: the type, and that the record lives."""
