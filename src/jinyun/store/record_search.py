"""Questions to registers: conditions over indexed fields, state and text, as SQL expressions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import false, or_, select

from jinyun.kernel.errors import BadInput, InvalidRecord
from jinyun.kernel.records import RecordType
from jinyun.store import record_rules as rules
from jinyun.store.record_rows import KEY, rows_condition
from jinyun.store.record_text import text_conditions
from jinyun.store.schema import record as current
from jinyun.store.schema import record_clock as clock
from jinyun.store.schema import record_index as side

LATE = "@late"
"""The key of `where` that carries a moment [µs]: only records with a clock that has run out by then."""


def conditions_of(
    kind: RecordType,
    where: Mapping[str, Any] | None,
    states: Sequence[str],
    text: str,
    dialect: str,
    *,
    order: str = "",
) -> list[Any]:
    """What `RecordStore.find` asks for; raises `BadInput` for a field that is not indexed. `order`: the indexed field
    whose entries may lead to the records."""
    conditions: list[Any] = [current.c.type == kind.id, current.c.deleted.is_(False)]
    if states:
        conditions.append(current.c.state.in_(list(states)))
    conditions += text_conditions(dialect, kind.id, text, alone=not (states or where or order))
    fields = rules.indexed_fields(kind)
    for name, wanted in (where or {}).items():
        if name == KEY:
            conditions.append(rows_condition(kind, wanted))
            continue
        if name == LATE:
            own = select(clock.c.id).where(clock.c.type == kind.id, clock.c.id == current.c.id)
            own = own.with_hint(clock, "INDEXED BY ix_record_clock_type_id_late_from", "sqlite")
            conditions.append(own.where(clock.c.late_from <= wanted).correlate(current).exists())
            continue
        values = list(wanted) if isinstance(wanted, list | tuple | set | frozenset) else [wanted]
        if name == "id":
            conditions.append(current.c.id.in_([one for one in values if rules.storable(str(one)) == str(one)]))
            continue
        if name not in fields:
            raise not_indexed(kind, name)
        mine = select(side.c.id).where(side.c.type == kind.id, side.c.field == name)  # found once, not for each record
        some = [index_value(kind, name, one) for one in values if one is not None]
        choices: list[Any] = [current.c.id.in_(mine.where(side.c.value.in_(some)))] if some else [false()]
        if None in values:
            choices.append(current.c.id.not_in(mine))
        conditions.append(or_(*choices))
    return conditions


def index_value(kind: RecordType, name: str, value: Any) -> str:
    """How the index holds a value that is asked for."""
    spec = kind.field(name)
    if spec.kind == "bool" and value in ("true", "false"):
        return str(value)
    try:
        clean = kind.validate({name: [value] if spec.many else value}, partial=True)[name]
    except InvalidRecord:
        return index_miss(value)
    return rules.index_text(spec, clean[0] if spec.many else clean)


def not_indexed(kind: RecordType, name: str) -> BadInput:
    """Says which fields would work."""
    known = ", ".join(("id", *rules.indexed_fields(kind)))
    return BadInput(f"{kind.id} cannot be filtered or ordered by {name!r}", field=name, hint=f"use one of {known}")


def index_miss(value: Any) -> str:
    """A value no field of this form can have: it finds nothing."""
    return rules.storable(f"∅{value}")
