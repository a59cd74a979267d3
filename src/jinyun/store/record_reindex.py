"""The side index follows the declarations: a field that a new release can filter by is found in old records too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Engine, and_, delete, func, insert, select, update

from jinyun.kernel.ports import KeyValue
from jinyun.kernel.records import RecordType
from jinyun.store import record_rules as rules
from jinyun.store import record_text
from jinyun.store.database import reading, writing
from jinyun.store.schema import record as current
from jinyun.store.schema import record_index as side

SPACE = "records.index"
COLUMNS = "records.columns"
FORMS = {"datetime": "datetime in China"}
"""Kinds whose index text is another than it once was: older entries are made again."""
PART = 1000
"""Records indexed in one transaction."""


def reindex(engine: Engine, types: Mapping[str, RecordType], kv: KeyValue) -> dict[str, int]:
    """Index again the types whose indexed fields are not those they were last indexed by: records done, by type.

    What a kill interrupts is done again at the next start: the fields are noted last.
    """
    record_text.complete(engine)
    noted, copied = kv.items(SPACE), kv.items(COLUMNS)
    done: dict[str, int] = {}
    for kind in types.values():
        wanted = _signature(kind)
        if noted.get(kind.id) != wanted:
            done[kind.id] = _again(engine, kind)
            kv.set(SPACE, kind.id, wanted)
        columns = [one.name if one else "" for one in (rules.anchor_field(kind), rules.owner_field(kind))]
        if copied.get(kind.id) != columns:
            _copy(engine, kind, columns)
            kv.set(COLUMNS, kind.id, columns)
    return {type_id: count for type_id, count in done.items() if count}


def _copy(engine: Engine, kind: RecordType, columns: Sequence[str]) -> None:
    """The columns beside the records follow the declaration: out of the index, whose entries are whole by now."""

    def entry(name: str) -> Any:
        mine = and_(side.c.type == kind.id, side.c.id == current.c.id, side.c.field == name)
        value = select(func.min(func.substr(side.c.value, 1, rules.COPY_LENGTH))).where(mine).correlate(current)
        return func.coalesce(value.scalar_subquery(), "") if name else ""

    anchor, owner = (entry(name) for name in columns)
    with writing(engine) as connection:
        connection.execute(update(current).where(current.c.type == kind.id).values(anchor=anchor, owner=owner))


def _signature(kind: RecordType) -> list[str]:
    indexed = sorted(
        f"{name}:{FORMS.get(spec.kind, spec.kind)}{'*' * spec.many}"
        for name, spec in rules.indexed_fields(kind).items()
    )
    searched = sorted(f"?{one.name}" for one in kind.fields if one.name == kind.title or one.indexed or one.identifies)
    return indexed + searched


def _again(engine: Engine, kind: RecordType) -> int:
    last, count = "", 0
    while True:
        mine = and_(current.c.type == kind.id, current.c.id > last, current.c.deleted.is_(False))
        with reading(engine) as connection:
            ids = list(
                connection.execute(select(current.c.id).where(mine).order_by(current.c.id).limit(PART)).scalars()
            )
        if not ids:
            return count
        with writing(engine) as connection:
            among = and_(current.c.type == kind.id, current.c.id.in_(ids), current.c.deleted.is_(False))
            rows = list(connection.execute(select(current.c.id, current.c.data, current.c.search).where(among)))
            connection.execute(delete(side).where(side.c.type == kind.id, side.c.id.in_(ids)))
            entries: list[dict[str, Any]] = []
            indexed = record_text.held(connection, kind.id, ids)
            searched: list[tuple[str, str, bool]] = []
            for row in rows:
                data = msgspec.json.decode(row.data)
                entries += [
                    {"type": kind.id, "id": row.id, "field": name, "value": value, "number": number}
                    for name, value, number in rules.index_entries(kind, data)
                ]
                search = rules.search_text(kind, row.id, data)
                if search != row.search:
                    same = and_(current.c.type == kind.id, current.c.id == row.id)
                    connection.execute(update(current).where(same).values(search=search))
                    searched.append((row.id, search, False))
            record_text.follow(connection, kind.id, indexed, searched)
            if entries:
                connection.execute(insert(side), entries)
        count += len(rows)
        last = ids[-1]
