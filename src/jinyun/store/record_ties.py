"""What ties records to one another and to files: references, identifying values, attachments. Inside a transaction."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, and_, func, insert, or_, select, update

from jinyun.kernel.errors import InvalidRecord
from jinyun.kernel.ports import Record
from jinyun.kernel.records import RecordType
from jinyun.store import record_rules as rules
from jinyun.store.schema import attachment, attachment_use
from jinyun.store.schema import record as current
from jinyun.store.schema import record_index as side

CHUNK = 500
"""Values asked for in one statement."""


@dataclass(slots=True)
class Change:
    """One record's way from `before` (None: it is new) to `data`."""

    id: str
    before: Record | None
    data: dict[str, Any]
    state: str
    step: str
    procedure: int = 1
    deleted: bool = False
    given: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, None] = field(default_factory=dict)  # attachments given at the step

    @property
    def old(self) -> Mapping[str, Any]:
        """What a living record held before."""
        return self.before.data if self.before and not self.before.deleted else {}


def check_references(connection: Connection, kind: RecordType, changes: Sequence[Change]) -> None:
    """Every record newly referred to is there; raises `InvalidRecord`."""
    problems: dict[str, str] = {}
    for spec in (f for f in kind.fields if f.kind == "reference" and f.to):
        users: dict[str, str] = {}
        for one in changes:
            value = one.data.get(spec.name)
            if value is not None and value != one.old.get(spec.name):
                users.update(dict.fromkeys(value if spec.many else [value], one.id))
        there: set[str] = set()
        for part in _parts(list(users)):
            query = select(current.c.id).where(
                current.c.type == spec.to, current.c.id.in_(part), current.c.deleted.is_(False)
            )
            held = query.order_by(current.c.id).with_for_update(read=True)  # nobody deletes one before we are done
            there.update(connection.execute(held).scalars())
        for target, user in users.items():
            if target not in there:
                problems[_place(changes, user, spec.name)] = f"there is no {spec.to} {target!r}"
    if problems:
        raise InvalidRecord(kind.id, problems)


def lock_identities(connection: Connection, kind: RecordType) -> None:
    """Writers of a type with identifying fields queue, so that no two of them take one value. SQLite has one writer."""
    if rules.identifying_fields(kind) and connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(zlib.crc32(f"jinyun identity {kind.id}".encode()))))


def check_identities(connection: Connection, kind: RecordType, changes: Sequence[Change]) -> None:
    """No other living record has a value that identifies; asked after the index is written. Raises `InvalidRecord`."""
    problems: dict[str, str] = {}
    for name, spec in rules.identifying_fields(kind).items():
        owners: dict[str, str] = {}
        for one in changes:
            value = one.data.get(name)
            if value is not None and value != one.old.get(name):
                owners[rules.index_text(spec, value)] = one.id
        for part in _parts(list(owners)):
            query = (
                select(side.c.value)
                .where(side.c.type == kind.id, side.c.field == name, side.c.value.in_(part))
                .group_by(side.c.value)
                .having(func.count() > 1)
            )
            for value in connection.execute(query).scalars():
                problems[_place(changes, owners[value], name)] = (
                    f"{value!r} identifies another {kind.en.lower()} already; {spec.en} must be its own"
                )
    if problems:
        raise InvalidRecord(kind.id, problems)


def use_files(connection: Connection, kind: RecordType, changes: Sequence[Change]) -> None:
    """Every file newly named is there, and knows from now on which record has it; raises `InvalidRecord`."""
    wanted: dict[tuple[str, str], str] = {}  # (attachment, record) -> field
    for one in changes:
        old = {name: {file for spec, file in rules.file_ids(kind.fields, one.old) if spec == name} for name in one.data}
        for name, file in rules.file_ids(kind.fields, one.data):
            if file not in old.get(name, ()):
                wanted[file, one.id] = name
        wanted.update({(file, one.id): one.step for file in one.files})
    if not wanted:
        return
    files = list(dict.fromkeys(file for file, _ in wanted))
    there: set[str] = set()
    used: set[tuple[str, str]] = set()
    for part in _parts(files):
        there.update(connection.execute(select(attachment.c.id).where(attachment.c.id.in_(part))).scalars())
        mine = and_(attachment_use.c.attachment.in_(part), attachment_use.c.type == kind.id)
        used.update(
            (file, record) for file, record in connection.execute(
                select(attachment_use.c.attachment, attachment_use.c.id).where(mine)
            )
        )  # fmt: skip
    problems = {
        _place(changes, record, name): f"there is no attachment {file!r}; upload it first"
        for (file, record), name in wanted.items()
        if file not in there
    }
    if problems:
        raise InvalidRecord(kind.id, problems)
    fresh = [
        {"attachment": file, "type": kind.id, "id": record} for file, record in wanted if (file, record) not in used
    ]
    if fresh:
        connection.execute(insert(attachment_use), fresh)
        for part in _parts(files):
            connection.execute(update(attachment).where(attachment.c.id.in_(part)).values(used=True))


def lock(connection: Connection, type_id: str, record_id: str) -> None:
    """Hold a record's row until the transaction ends. SQLite has one writer anyway."""
    mine = select(current.c.id).where(current.c.type == type_id, current.c.id == record_id)
    connection.execute(mine.with_for_update())


def users(
    connection: Connection, types: Mapping[str, RecordType], type_id: str, record_id: str
) -> list[tuple[str, str]]:
    """(type, id) of records that refer to one, at most twenty."""
    fields = [
        and_(side.c.type == kind.id, side.c.field == f.name)
        for kind in types.values()
        for f in kind.fields
        if f.kind == "reference" and f.to == type_id
    ]
    if not fields:
        return []
    query = select(side.c.type, side.c.id).where(side.c.value == record_id, or_(*fields)).distinct().limit(20)
    return [(one, other) for one, other in connection.execute(query) if (one, other) != (type_id, record_id)]


def _place(changes: Sequence[Change], record_id: str, name: str) -> str:
    return name if len(changes) == 1 else f"{record_id}.{name}"


def _parts(values: Sequence[str]) -> list[Sequence[str]]:
    return [values[start : start + CHUNK] for start in range(0, len(values), CHUNK)]
