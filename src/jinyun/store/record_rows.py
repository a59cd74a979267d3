"""Rights to rows as SQL: `kernel.rows` over the side index, so that lists, counts and pages know nothing else."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, false, not_, or_, select, union

from jinyun.kernel.rows import Clause, Rows
from jinyun.store.schema import record as current
from jinyun.store.schema import record_index as side

KEY = "@rows"
"""The key of `where` that carries `Rows`; no field can be called so."""


def rows_condition(type_id: str, rows: Rows) -> Any:
    """One condition on `current`, whose records are of `type_id`; equal to `Rows.holds` of each record."""
    told = [one for one in rows.clauses if one.values]
    own = [one for one in told if not one.hops and one.field == "id"]
    led = [_along(one, type_id, one.hops) for one in told if one not in own]
    some = [_takes(one, current.c.id) for one in own]
    if led:  # one set of ids: a database goes through it, or looks each record up in it, as it sees fit
        some.append(current.c.id.in_(union(*led) if len(led) > 1 else led[0]))
    either = or_(false(), *some)
    return not_(either) if rows.outside else either


def _along(one: Clause, type_id: str, hops: tuple[tuple[str, str], ...]) -> Select[Any]:
    """Ids of `type_id` whose index entries lead on: found once, from the far end, not asked of every record."""
    entry = side.alias()
    ids = select(entry.c.id).where(entry.c.type == type_id)
    if not hops:
        return ids.where(entry.c.field == one.field, _takes(one, entry.c.value))
    (name, target), rest = hops[0], hops[1:]
    mine = ids.where(entry.c.field == name)
    if not rest and one.field == "id":
        return mine.where(_takes(one, entry.c.value))
    return mine.where(entry.c.value.in_(_along(one, target, rest)))


def _takes(one: Clause, column: Any) -> Any:
    if one.prefix:
        return or_(*(column.startswith(value, autoescape=True) for value in one.values))
    return column.in_(one.values)
