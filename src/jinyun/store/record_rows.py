"""Rights to rows as SQL: `kernel.rows` over the side index, so that lists, counts and pages know nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, and_, false, not_, or_, select, union

from jinyun.kernel.records import Field, RecordType
from jinyun.kernel.rows import Clause, Rows
from jinyun.store.record_rules import COPY_LENGTH, anchor_field, owner_field
from jinyun.store.schema import record as current
from jinyun.store.schema import record_index as side

KEY = "@rows"
"""The key of `where` that carries `Rows`; no field can be called so."""


def rows_condition(kind: RecordType, rows: Rows) -> Any:
    """One condition on `current`, whose records are of `kind`; equal to `Rows.holds` of each record.

    What is asked of the field that leads to the place, or of the owner, is asked of the record's own copy of it, out of
    the index that a list is read from: the few places of a reach are found once, the many records are not. All else is
    one set of ids.
    """
    told = [one for one in rows.clauses if one.values]
    some: list[Any] = []
    led: list[Any] = []
    for one in told:
        if not one.hops and one.field == "id":
            some.append(_takes(one, current.c.id))
        elif one.unless:
            some.append(and_(_without(kind, one.unless), current.c.id.in_(_along(one, kind.id, one.hops))))
        elif (beside := _beside(kind, one)) is not None:
            some.append(beside)
        else:
            led.append(_along(one, kind.id, one.hops))
    if led:
        some.append(current.c.id.in_(union(*led) if len(led) > 1 else led[0]))
    either = or_(false(), *some)
    return not_(either) if rows.outside else either


def _beside(kind: RecordType, one: Clause) -> Any:
    """The clause over a copy in the record's row; None: there is none of its field, or it cannot tell."""
    name = one.hops[0][0] if one.hops else one.field
    column = next((current.c[at] for at, spec in _copies(kind) if spec.name == name), None)
    if column is None:
        return None
    if not one.hops or (one.field == "id" and len(one.hops) == 1):
        fits = all(0 < len(value) < COPY_LENGTH for value in one.values)
        return _takes(one, column) if fits else None
    (_, target), rest = one.hops[0], one.hops[1:]
    return column.in_(_along(one, target, rest))  # ids, which are as long as the copy at most


def _without(kind: RecordType, name: str) -> Any:
    """Records that have nothing in a field: by the copy beside them where there is one."""
    column = next((current.c[at] for at, spec in _copies(kind) if spec.name == name), None)
    if column is not None:
        return column == ""
    entry = side.alias()
    return current.c.id.not_in(select(entry.c.id).where(entry.c.type == kind.id, entry.c.field == name))


def _copies(kind: RecordType) -> Iterator[tuple[str, Field]]:
    for column, spec in (("anchor", anchor_field(kind)), ("owner", owner_field(kind))):
        if spec is not None:
            yield column, spec


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
