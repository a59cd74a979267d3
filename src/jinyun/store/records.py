"""All registers, by declaration: current state, full history, side index, procedure steps; nothing is hand-made."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, and_, delete, insert, update
from sqlalchemy.exc import IntegrityError

from jinyun.kernel.errors import Conflict, InvalidRecord, NotPermitted, Refused
from jinyun.kernel.ports import Actor, Clock, Record
from jinyun.kernel.record_moves import difference
from jinyun.kernel.records import RecordType
from jinyun.store import record_rules as rules
from jinyun.store import record_text
from jinyun.store import record_ties as ties
from jinyun.store.database import writing
from jinyun.store.record_answers import RecordAnswers
from jinyun.store.record_ties import Change as _Change
from jinyun.store.schema import record as current
from jinyun.store.schema import record_history as history_table
from jinyun.store.schema import record_index as side

_CHANGED = "jinyun-records-changed"

Witness = Callable[[Connection, RecordType, Sequence[Record], Sequence[Mapping[str, Any]]], None]
"""Called with (connection, type, records, history rows as written)."""
Listener = Callable[[str, str], None]
"""Called with (record type, id) after a change is committed; id "" means many of that type."""
Tracer = Callable[[str, Sequence[str]], None]
"""Called with (record type, ids) of all rows that were written, once committed and before any listener."""


class SqlRecords(RecordAnswers):
    """The `RecordStore` port on SQLite or PostgreSQL.

    `Record.data` has every declared field, None where not set. Numbers are plain decimal text, dates ISO 8601.
    A record that others refer to cannot be deleted; an id that was deleted can be created again, its history goes on.
    """

    def __init__(self, engine: Engine, types: Mapping[str, RecordType], clock: Clock) -> None:
        super().__init__(engine, types)
        self._clock = clock
        self.listeners: list[Listener] = []
        self.tracers: list[Tracer] = []
        self.witnesses: list[Witness] = []
        """Called inside the transaction with what is written: what they write stands or falls with it."""

    # --- changing -----------------------------------------------------------------------------------------------------

    def create(
        self, type_id: str, data: Mapping[str, Any], actor: Actor, *, id: str | None = None, note: str = ""
    ) -> Record:
        """A new record; raises `InvalidRecord`, or `Conflict` when the id is taken."""
        kind = self.type(type_id)
        clean = rules.merged(kind, {}, rules.canonical(kind, data))
        record_id = id or new_id()
        _check_id(kind, record_id)
        with self._writing(type_id, record_id) as connection:
            before = self.load_rows(connection, type_id, [record_id]).get(record_id)
            if before is not None and not before.deleted:
                raise Conflict(f"there is a {type_id} {record_id!r} already; change that one or choose another id")
            return self._write(connection, kind, [_new(kind, record_id, before, clean)], actor, note)[0]

    def update(
        self,
        type_id: str,
        id: str,
        changes: Mapping[str, Any],
        actor: Actor,
        *,
        version: int | None = None,
        note: str = "",
    ) -> Record:
        """Change fields (None clears one); nothing changed is no new version."""
        kind = self.type(type_id)
        _check_not_fixed(kind, id)
        clean = rules.canonical(kind, changes, partial=True)
        with self._writing(type_id, id) as connection:
            before = self._present(connection, type_id, id, version)
            data = rules.merged(kind, _set(before.data), clean)
            if data == _set(before.data):
                return before
            change = _Change(id, before, data, before.state, "update", before.procedure)
            return self._write(connection, kind, [change], actor, note)[0]

    def delete(self, type_id: str, id: str, actor: Actor, *, note: str = "") -> None:
        """Take a record out of all lists; its history stays.

        Raises
        ------
        Refused
            When records refer to it; `missing` names them. A type that is fixed: always.
        """
        kind = self.type(type_id)
        _check_not_fixed(kind, id)
        with self._writing(type_id, id) as connection:
            ties.lock(connection, type_id, id)  # who is just about to refer to it is waited for
            before = self._present(connection, type_id, id, None)
            users = ties.users(connection, self._types, type_id, id)
            if users:
                named = ", ".join(f"{one} {other}" for one, other in users[:5])
                raise Refused(
                    f"{type_id} {id!r} is referred to by {named}; change those first",
                    missing=[
                        {"code": "referred", "zh": f"仍被 {one} {other} 引用", "en": f"referred to by {one} {other}"}
                        for one, other in users
                    ],
                )
            change = _Change(
                id, before, _set(before.data), before.state, "delete", before.procedure, deleted=True
            )  # fmt: skip
            self._write(connection, kind, [change], actor, note)

    def step(
        self,
        type_id: str,
        id: str,
        name: str,
        given: Mapping[str, Any],
        actor: Actor,
        *,
        context: Mapping[str, Any] | None = None,
        changes: Mapping[str, Any] | None = None,
        version: int | None = None,
        note: str = "",
    ) -> Record:
        """Take a step of the procedure the record runs on. Guards see the record's flat form and `context`; `changes`
        are record fields that the app sets along with it, e.g. a longer list of causes."""
        kind = self.type(type_id)
        extra = rules.canonical(kind, changes or {}, partial=True)
        with self._writing(type_id, id) as connection:
            before = self._present(connection, type_id, id, version)
            step = rules.may_step(kind, before, name, actor)
            if step.only:
                taker = self._taken_by(connection, type_id, id, step.second_of) if step.second_of else None
                if (not_you := rules.person_missing(kind, step, before.data, actor, taker)) is not None:
                    raise NotPermitted(f"{actor.name}: {not_you.en}")
            filled = rules.given_fields(kind, step, given)
            missing = [one for guard in step.guards for one in guard(before.as_dict(), context or {})]
            missing += rules.extension_refused(kind, step, before, lambda: self._history(connection, type_id, id))
            if missing:
                raise Refused(
                    f"{step.en}: " + "; ".join(one.en for one in missing), missing=[one.as_dict() for one in missing]
                )
            own = rules.set_by_step(kind, step, before.data, filled, actor, now=self._clock.now())
            own |= rules.appended_by_step(step, before.data, filled, actor, self._clock.now())
            data = rules.merged(kind, _set(before.data), {**rules.canonical(kind, own, partial=True), **extra})
            change = _Change(id, before, data, step.target or before.state, name, before.procedure, given=filled)
            change.files = dict.fromkeys(one for _, one in rules.file_ids(step.fields, filled))
            return self._write(connection, kind, [change], actor, note)[0]

    def move(
        self, type_id: str, id: str, to: int, actor: Actor, *, state: str = "", version: int | None = None,
        note: str = "",
    ) -> Record:  # fmt: skip
        """Go on by version `to` of the procedure; the history entry keeps what differed.

        Raises
        ------
        Refused
            It runs on that version, or the new one has no place for its state and `state` names none.
        """
        kind = self.type(type_id)
        with self._writing(type_id, id) as connection:
            before = self._present(connection, type_id, id, version)
            old, new = kind.procedure_at(before.procedure), kind.procedure_at(to)
            if old is None or new is None or old is new:
                raise Refused(f"{type_id} {id!r} runs on version {before.procedure} already")
            told = difference(old, new, before.state)
            target = state or told.becomes
            if target not in new.states:
                raise Refused(
                    f"version {to} has no state {target or before.state!r}; choose one of {', '.join(new.states)}",
                    missing=[
                        {"code": "state", "zh": "请选择新版本中的状态", "en": "choose a state of the new version"}
                    ],
                )
            change = _Change(id, before, _set(before.data), target, "move", to, given=told.as_dict())
            return self._write(connection, kind, [change], actor, note)[0]

    def put_many(self, type_id: str, rows: Iterable[tuple[str, Mapping[str, Any]]], actor: Actor) -> int:
        """Create or update many in one transaction; unchanged rows are left alone. Rows may refer to one another.

        Returns
        -------
        int
            How many were created or changed.
        """
        kind = self.type(type_id)
        wanted: dict[str, dict[str, Any]] = {}
        problems: dict[str, str] = {}
        for record_id, data in rows:
            try:
                _check_id(kind, record_id)
                wanted.setdefault(record_id, {}).update(rules.canonical(kind, data, partial=True))
            except InvalidRecord as wrong:
                problems.update({f"{record_id}.{name}": why for name, why in wrong.problems.items()})
        if problems:
            raise InvalidRecord(type_id, problems)
        with self._writing(type_id, "") as connection:
            known = self.load_rows(connection, type_id, list(wanted))
            todo: list[_Change] = []
            for record_id, data in wanted.items():
                before = known.get(record_id)
                if before is None or before.deleted:
                    todo.append(_new(kind, record_id, before, rules.merged(kind, {}, data)))
                elif (after := rules.merged(kind, _set(before.data), data)) != _set(before.data):
                    _check_not_fixed(kind, record_id)
                    todo.append(_Change(record_id, before, after, before.state, "update", before.procedure))
            self._write(connection, kind, todo, actor, "")
        return len(todo)

    def check_put(self, type_id: str, record_id: str, data: Mapping[str, Any]) -> None:
        """Whether `put_many` would refuse a row to whoever asks: the store itself sees everything."""

    @contextmanager
    def together(self) -> Iterator[None]:
        """What this thread changes inside is one transaction: all of it stands or none. What it asks meanwhile of the
        registers counts what it changed; listeners hear of it afterwards. One inside another is the same one."""
        if self._mine.connection is not None:
            yield
            return
        heard: dict[tuple[str, str], list[str]] = {}
        try:
            with writing(self._engine) as connection:
                self._mine.connection, self._mine.heard = connection, heard
                try:
                    yield
                finally:
                    self._mine.connection, self._mine.heard = None, {}
        except IntegrityError as wrong:  # some are only found at the end
            raise Conflict("somebody else changed one of the records at the same moment; read them again") from wrong
        self._tell(heard)

    # --- inside -------------------------------------------------------------------------------------------------------

    @contextmanager
    def _writing(self, type_id: str, record_id: str) -> Iterator[Connection]:
        changed: Sequence[str] = ()
        mine = self._mine.connection
        try:
            with writing(self._engine) if mine is None else _part_of(mine) as connection:
                connection.info.pop(_CHANGED, None)
                yield connection
                changed = connection.info.pop(_CHANGED, ())
        except IntegrityError as wrong:
            raise Conflict(
                f"{type_id} {record_id} was changed by somebody else at the same moment; read it again"
            ) from wrong
        if changed and mine is None:
            self._tell({(type_id, record_id): changed})
        elif changed:
            self._mine.heard.setdefault((type_id, record_id), []).extend(changed)

    def _tell(self, changed: Mapping[tuple[str, str], Sequence[str]]) -> None:
        """Listeners hear what was committed."""
        for (type_id, _), ids in changed.items():
            for tracer in self.tracers:
                tracer(type_id, ids)
        for type_id, record_id in changed:
            self.versions[type_id] = self.versions.get(type_id, 0) + 1
            for listener in self.listeners:
                listener(type_id, record_id)

    def _write(
        self, connection: Connection, kind: RecordType, changes: Sequence[_Change], actor: Actor, note: str
    ) -> list[Record]:
        now = self._clock.now()
        fresh: list[dict[str, Any]] = []
        entries: list[dict[str, Any]] = []
        index: list[dict[str, Any]] = []
        written: list[Record] = []
        ties.lock_identities(connection, kind)
        indexed = record_text.held(connection, kind.id, [one.id for one in changes if one.before])
        searched: list[tuple[str, str, bool]] = []
        for one in changes:
            before = one.before
            version = before.version + 1 if before else 1
            revived = before is None or before.deleted
            old_data = {} if before is None or before.deleted else _set(before.data)
            created_at = now if before is None or before.deleted else before.created_at
            text = rules.search_text(kind, one.id, one.data)
            row = {
                "type": kind.id, "id": one.id, "version": version, "state": one.state, "data": _json(one.data),
                "search": text, "created_at": created_at, "updated_at": now,
                "updated_by": actor.name, "deleted": one.deleted, "procedure": one.procedure,
                **rules.copies(kind, one.data),
            }  # fmt: skip
            searched.append((one.id, text, one.deleted))
            if before is None:
                fresh.append(row)
            else:
                same = and_(current.c.type == kind.id, current.c.id == one.id, current.c.version == before.version)
                if connection.execute(update(current).where(same).values(row)).rowcount != 1:
                    raise Conflict(
                        f"{kind.id} {one.id!r} was changed by somebody else at the same moment; read it again"
                    )
                connection.execute(delete(side).where(side.c.type == kind.id, side.c.id == one.id))
            was, is_now = ({}, {}) if one.deleted else rules.changed(old_data, one.data)
            entries.append({
                "type": kind.id, "id": one.id, "version": version, "at": now, "actor": actor.name, "step": one.step,
                "state_before": "" if before is None or revived else before.state,
                "state_after": "" if one.deleted else one.state,
                "before": _json(old_data if one.deleted else was), "after": _json(is_now), "given": _json(one.given),
                "note": rules.storable(note),
            })  # fmt: skip
            if not one.deleted:
                index.extend(
                    {"type": kind.id, "id": one.id, "field": name, "value": value, "number": number}
                    for name, value, number in rules.index_entries(kind, one.data)
                )
            written.append(
                Record(
                    kind.id, one.id, version, one.state, rules.full(kind, one.data), created_at, now, actor.name,
                    one.deleted, one.procedure,
                )
            )  # fmt: skip
        if changes:
            connection.info[_CHANGED] = [one.id for one in changes]
        for table, rows in ((current, fresh), (history_table, entries), (side, index)):
            if rows:
                connection.execute(insert(table), rows)
        record_text.follow(connection, kind.id, indexed, searched)
        standing = [one for one in changes if not one.deleted]
        ties.check_references(connection, kind, standing)
        ties.check_identities(connection, kind, standing)
        ties.use_files(connection, kind, standing)
        for witness in self.witnesses:
            witness(connection, kind, written, entries)
        return written


@contextmanager
def _part_of(connection: Connection) -> Iterator[Connection]:
    """A change within a transaction: what fails of it is undone alone, so that the caller may go on."""
    with connection.begin_nested():
        yield connection


def _new(kind: RecordType, record_id: str, before: Record | None, data: dict[str, Any]) -> _Change:
    """A new record runs on the newest version of its procedure."""
    newest = kind.procedure
    return _Change(
        record_id, before, data, newest.initial if newest else "", "create", newest.version if newest else 1
    )  # fmt: skip


def new_id() -> str:
    """An id that nobody chose: 16 characters, fit for a path."""
    return secrets.token_hex(8)


def _check_not_fixed(kind: RecordType, record_id: str) -> None:
    if kind.fixed:
        steps = ", ".join(step.name for step in kind.procedure.transitions) if kind.procedure else ""
        raise Refused(
            f"{kind.id} {record_id!r} cannot be changed once it is made"
            + (f"; there are steps: {steps}" if steps else "")
        )


def _check_id(kind: RecordType, record_id: str) -> None:
    if not record_id or len(record_id) > 120 or not record_id.isprintable() or "/" in record_id:
        raise InvalidRecord(kind.id, {"id": f"{record_id!r} must be 1 to 120 printable characters without '/'"})


def _set(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if value is not None}


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
