"""Rights to rows as SQL: `kernel.rows` over the side index, so that lists, counts and pages know nothing else."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, exists, false, not_, or_

from jinyun.kernel.rows import Clause, Rows
from jinyun.store.schema import record as current
from jinyun.store.schema import record_index as side

KEY = "@rows"
"""The key of `where` that carries `Rows`; no field can be called so."""


def rows_condition(rows: Rows) -> Any:
    """One condition on `current`, equal to `Rows.holds` of each record."""
    some = or_(false(), *(_clause(one) for one in rows.clauses))
    return not_(some) if rows.outside else some


def _clause(one: Clause) -> Any:
    if not one.values:
        return false()
    if not one.hops and one.field == "id":
        return _takes(one, current.c.id)
    return _along(one, current.c.type, current.c.id, one.hops)


def _along(one: Clause, type_id: Any, record_id: Any, hops: tuple[tuple[str, str], ...]) -> Any:
    """EXISTS an index entry of (type, id) that leads on."""
    entry = side.alias()
    mine = and_(entry.c.type == type_id, entry.c.id == record_id)
    if not hops:
        return exists().where(mine, entry.c.field == one.field, _takes(one, entry.c.value))
    (name, target), rest = hops[0], hops[1:]
    if not rest and one.field == "id":
        return exists().where(mine, entry.c.field == name, _takes(one, entry.c.value))
    return exists().where(mine, entry.c.field == name, _along(one, target, entry.c.value, rest))


def _takes(one: Clause, column: Any) -> Any:
    if one.prefix:
        return or_(*(column.startswith(value, autoescape=True) for value in one.values))
    return column.in_(one.values)
