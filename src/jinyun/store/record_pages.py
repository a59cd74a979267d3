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
    connection: Connection, type_id: str, conditions: Sequence[Any], name: str, *, down: bool, limit: int, offset: int,
    total: int | None = None,
) -> Select[Any]:  # fmt: skip
    """The rows of a page. One that lies behind the middle is read from the end. `total`: how many fit, when that is
    known."""
    ordered = by_column(name, down)
    ids = select(current.c.id).where(*conditions)
    if offset < DEEP:
        ids = ids.order_by(*ordered).limit(limit).offset(offset)
    else:
        behind = (_count(connection, ids) if total is None else total) - offset
        if behind > offset:
            ids = ids.order_by(*ordered).limit(limit).offset(offset)
        else:  # the last of these, by the order turned round
            turned = [current.c[name].asc() if down else current.c[name].desc()]
            turned += [] if name == "id" else [current.c.id.desc()]
            ids = ids.order_by(*turned).limit(max(0, min(limit, behind))).offset(max(0, behind - limit))
    page = ids.subquery()
    rows = select(current).join(page, and_(current.c.type == type_id, current.c.id == page.c.id))
    return rows.order_by(*ordered)


def ids_by_column(conditions: Sequence[Any], name: str, *, down: bool) -> Select[Any]:
    """All ids in order."""
    return select(current.c.id).where(*conditions).order_by(*by_column(name, down))


def ids_by_field(
    connection: Connection, kind: RecordType, conditions: Sequence[Any], name: str, *, down: bool, limit: int | None,
    offset: int, total: int | None = None,
) -> list[str]:  # fmt: skip
    """Ids of a page ordered by an indexed field: numbers as numbers, a list by its least; those without the field
    come before all others, so last when it goes down. Ties go by id. `limit` None: all; `total`: how many fit, when
    that is known."""
    every = select(current.c.id).where(*conditions)
    total = _count(connection, every) if total is None else total
    limit = total if limit is None else limit
    if limit <= 0 or offset >= total:
        return []
    here = connection.dialect.name == "sqlite"  # a server finds words by what it computes of each row looked at
    if here and down and not kind.field(name).many and LOOKED_THROUGH < total <= SORTED:
        found = list(connection.execute(_soon(kind, conditions, name).limit(limit).offset(offset)).scalars())
        if len(found) == limit:
            return found
    if kind.field(name).many or total <= SORTED:
        query = _sorted(kind, every, name, down).limit(limit).offset(offset)
        return list(connection.execute(query).scalars())
    if len(conditions) > ALWAYS and total == _living(connection, kind):
        conditions = conditions[:ALWAYS]  # the others leave nothing out
    entries, without = _entries(kind, conditions, name, down), _without(kind, conditions, name)
    some_lack = _lacking(connection, kind, name) > 0
    first, second = (entries, without) if down or not some_lack else (without, entries)
    found = list(connection.execute(first.limit(limit).offset(offset)).scalars())
    if len(found) < limit and some_lack:  # the page goes on, or lies, behind the first of the two
        lacking = _count(connection, without)
        border = total - lacking if down else lacking
        rest = second.limit(limit - len(found)).offset(max(0, offset - border))
        found += connection.execute(rest).scalars()
    return found


def _count(connection: Connection, query: Select[Any]) -> int:
    counted = select(func.count()).select_from(query.order_by(None).subquery())
    found: int = connection.execute(counted).scalar_one()
    return found


def _sorted(kind: RecordType, every: Select[Any], name: str, down: bool) -> Select[Any]:
    """The entry is looked up for each record of those that the conditions leave."""
    spec = kind.field(name)
    if spec.many:
        least = [func.min(side.c.number).label("number"), func.min(side.c.value).label("value")]
        entry = select(side.c.id, *least).where(side.c.type == kind.id, side.c.field == name).group_by(side.c.id)
        entries: Any = entry.subquery()
        query = every.outerjoin(entries, entries.c.id == current.c.id)
    else:
        entries = side
        mine = and_(side.c.type == kind.id, side.c.id == current.c.id, side.c.field == name)
        if spec.kind in rules.NUMBERS:
            mine = and_(mine, side.c.number.is_not(None))  # so it is read from the index of numbers alone
        query = every.outerjoin(side, mine).with_hint(
            side, "INDEXED BY ix_record_index_type_id_field_value_number", "sqlite"
        )
    keys = [entries.c.number, entries.c.value] if spec.kind in rules.NUMBERS else [entries.c.value]
    return query.order_by(*(one.desc().nulls_last() if down else one.asc().nulls_first() for one in keys), current.c.id)


def _entries(kind: RecordType, conditions: Sequence[Any], name: str, down: bool) -> Select[Any]:
    """Along the entries of the field, each record looked at on the way; a page's length is enough of them."""
    query = select(side.c.id).where(*_of_field(kind, name)).order_by(*_order(kind, name, side.c, down))
    return query.where(_fits(conditions, side)) if len(conditions) > ALWAYS else query  # only the living have entries


def _soon(kind: RecordType, conditions: Sequence[Any], name: str) -> Select[Any]:
    """What fits among the greatest entries: when they are a page, all others need not be sorted."""
    first = select(side.c.id, side.c.number, side.c.value).where(*_of_field(kind, name))
    looked = first.order_by(*_order(kind, name, side.c, True)).limit(LOOKED_THROUGH).subquery()
    return select(looked.c.id).where(_fits(conditions, looked)).order_by(*_order(kind, name, looked.c, True))


def _of_field(kind: RecordType, name: str) -> list[Any]:
    numeric = kind.field(name).kind in rules.NUMBERS
    return [side.c.type == kind.id, side.c.field == name, *([side.c.number.is_not(None)] if numeric else [])]


def _order(kind: RecordType, name: str, columns: Any, down: bool) -> list[Any]:
    keys = [columns.number, columns.value] if kind.field(name).kind in rules.NUMBERS else [columns.value]
    return [*(one.desc() if down else one.asc() for one in keys), columns.id]


def _fits(conditions: Sequence[Any], entries: Any) -> Any:
    """The record of an entry is one that is asked for; not the long rows are read for it."""
    fits = select(current.c.id).where(current.c.id == entries.c.id, *conditions).correlate(entries)
    return fits.with_hint(current, "INDEXED BY ix_record_by_id", "sqlite").exists()


def _without(kind: RecordType, conditions: Sequence[Any], name: str) -> Select[Any]:
    held = select(side.c.id).where(side.c.type == kind.id, side.c.id == current.c.id, side.c.field == name)
    return select(current.c.id).where(*conditions, ~held.correlate(current).exists()).order_by(current.c.id)


def _lacking(connection: Connection, kind: RecordType, name: str) -> int:
    """How many records of the type have no entry of the field, which has one value."""
    held = select(side.c.id).where(side.c.type == kind.id, side.c.field == name)
    return _living(connection, kind) - _count(connection, held)


def _living(connection: Connection, kind: RecordType) -> int:
    return _count(connection, select(current.c.id).where(current.c.type == kind.id, current.c.deleted.is_(False)))


ALWAYS = 2
"""Conditions that every question has: the type, and that the record lives."""
DEEP = 2_000
"""From this place on it is asked how many there are, so as to read from the nearer end."""
LOOKED_THROUGH = 2_000
"""Entries of a field that are looked through for a page before its records are sorted."""
SORTED = 60_000
"""So many are sorted by looking each one's entry up; of more, the entries are gone along."""
