"""What came from devices in the field: one answer for each (device, key), kept in the transaction of the change itself;
uploads that are under way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, delete, insert, select, update

from jinyun.kernel.errors import NotFound
from jinyun.kernel.ports import Record
from jinyun.kernel.records import RecordType
from jinyun.store.database import insert_new, reading, writing
from jinyun.store.schema import attachment, field_edit, field_upload

DONE = "done"


@dataclass(frozen=True, slots=True)
class FieldEdit:
    """One edit and how it was answered. `at` and `sent_at` are the device's moments, `received_at` the node's. [µs]"""

    device: str
    key: str
    actor: str
    op: str
    type: str
    record: str
    digest: str
    at: int
    sent_at: int
    received_at: int
    outcome: str = ""
    version: int = 0
    answer: str = ""


@dataclass(slots=True)
class _Pending:
    """The edit that this thread is carrying out."""

    edit: FieldEdit
    noted: bool = False


_PENDING: ContextVar[_Pending | None] = ContextVar("jinyun_field_edit", default=None)


class SqlFieldEdits:
    """Answers by (device, key). `witness` belongs into `SqlRecords.witnesses`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def witness(
        self, connection: Connection, kind: RecordType, records: Sequence[Record], _: Sequence[Mapping[str, Any]]
    ) -> None:
        """Keep the answer with the change: both stand or both fall. A key that is known breaks the transaction."""
        pending = _PENDING.get()
        if pending is None or pending.noted or kind.id != pending.edit.type:
            return
        for one in records:
            if one.id == pending.edit.record:
                pending.noted = True
                connection.execute(insert(field_edit).values(_row(_done(pending.edit, one))))

    def find(self, device: str, key: str) -> FieldEdit | None:
        query = select(field_edit).where(field_edit.c.device == device, field_edit.c.key == key)
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else FieldEdit(**row._mapping)

    def under(self, edit: FieldEdit) -> _Under:
        """``with edits.under(edit):`` the first change of the edit's record carries its answer."""
        return _Under(edit)

    def keep(self, edit: FieldEdit) -> None:
        """Keep an answer of what changed nothing, unless there is one."""
        statement = insert_new(self._engine, field_edit).values(_row(edit)).on_conflict_do_nothing()
        with writing(self._engine) as connection:
            connection.execute(statement)

    def of(self, actor: str, device: str = "", limit: int = 200) -> list[FieldEdit]:
        """Newest edits of a person."""
        query = select(field_edit).where(field_edit.c.actor == actor)
        if device:
            query = query.where(field_edit.c.device == device)
        query = query.order_by(field_edit.c.received_at.desc(), field_edit.c.key).limit(limit)
        with reading(self._engine) as connection:
            return [FieldEdit(**row._mapping) for row in connection.execute(query)]


class _Under:
    def __init__(self, edit: FieldEdit) -> None:
        self._edit = edit

    def __enter__(self) -> None:
        self._token = _PENDING.set(_Pending(self._edit))

    def __exit__(self, *_: object) -> None:
        _PENDING.reset(self._token)


def _done(edit: FieldEdit, record: Record) -> FieldEdit:
    return answered(edit, DONE, done_answer(edit, record.version, record.state), record.version)


def answered(edit: FieldEdit, outcome: str, answer: Mapping[str, Any], version: int = 0) -> FieldEdit:
    """The edit with its answer."""
    return replace(edit, outcome=outcome, version=version, answer=msgspec.json.encode(answer).decode())


def done_answer(edit: FieldEdit, version: int, state: str) -> dict[str, Any]:
    """What the device is told of a change that stands."""
    return {
        "outcome": DONE, "key": edit.key, "type": edit.type, "id": edit.record, "version": version, "state": state,
        "at": edit.at, "sent_at": edit.sent_at, "received_at": edit.received_at,
    }  # fmt: skip


def _row(one: FieldEdit | FieldUpload) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__slots__}


# --- uploads ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FieldUpload:
    """A file that comes in parts. `meta` is what the device says of it; `attachment` "" until it is whole."""

    id: str
    device: str
    actor: str
    name: str
    bytes: int
    sha256: str
    meta: str
    begun_at: int  # [µs]
    attachment: str = ""


class SqlFieldUploads:
    """Rows of uploads; their parts lie on the disk."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, wanted: FieldUpload) -> FieldUpload:
        """Make it known; one that is known is given back as it is."""
        statement = insert_new(self._engine, field_upload).values(_row(wanted)).on_conflict_do_nothing()
        with writing(self._engine) as connection:
            connection.execute(statement)
        return self.get(wanted.id)

    def get(self, id: str) -> FieldUpload:
        with reading(self._engine) as connection:
            row = connection.execute(select(field_upload).where(field_upload.c.id == id)).one_or_none()
        if row is None:
            raise NotFound("upload", id)
        return FieldUpload(**row._mapping)

    def finish(self, id: str, made: str) -> None:
        """It became an attachment, which from now on says what the device said: one transaction."""
        with writing(self._engine) as connection:
            said = connection.execute(select(field_upload.c.meta).where(field_upload.c.id == id)).scalar_one()
            known = connection.execute(select(attachment.c.meta).where(attachment.c.id == made)).scalar_one()
            meta = msgspec.json.decode(known) | {"field": msgspec.json.decode(said)}
            text = msgspec.json.encode(meta).decode()
            connection.execute(update(attachment).where(attachment.c.id == made).values(meta=text))
            connection.execute(update(field_upload).where(field_upload.c.id == id).values(attachment=made))

    def reopen(self, id: str) -> None:
        """Its attachment is gone: it has to come again."""
        with writing(self._engine) as connection:
            connection.execute(update(field_upload).where(field_upload.c.id == id).values(attachment=""))

    def under_way(self, actor: str) -> int:
        """How many of a person's uploads are not whole yet."""
        query = select(field_upload.c.id).where(field_upload.c.actor == actor, field_upload.c.attachment == "")
        with reading(self._engine) as connection:
            return len(connection.execute(query).all())

    def forget(self, before: int) -> list[str]:
        """Ids of uploads begun before a moment [µs] that never became whole; they are forgotten."""
        old = (field_upload.c.begun_at < before) & (field_upload.c.attachment == "")
        with writing(self._engine) as connection:
            ids = list(connection.execute(select(field_upload.c.id).where(old)).scalars())
            connection.execute(delete(field_upload).where(old))
        return ids
