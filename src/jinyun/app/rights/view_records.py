"""Registers within a reach: lists are filtered by the store, single records asked one by one, fields masked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jinyun.app.rights.checks import CHECKS
from jinyun.app.rights.rights import masked_fields
from jinyun.app.services.words import MASK
from jinyun.kernel.errors import NotFound, NotPermitted
from jinyun.kernel.ports import Actor, HistoryEntry, Record
from jinyun.kernel.records import RecordType

if TYPE_CHECKING:
    from jinyun.app.rights.view import View

FIND = CHECKS.point("records.find", "lists and counts of a register hold rows within reach")
GET = CHECKS.point("records.get", "a record is within reach")
HISTORY = CHECKS.point("records.history", "the history shown is of a record within reach")
BEFORE = CHECKS.point("records.change", "a record that is changed, deleted or stepped is within reach")
AFTER = CHECKS.point("records.written", "what is written lies within reach afterwards")
PERSONAL = CHECKS.point("fields.personal", "personal fields are masked for roles without the right",
                        ("removed", "inverted"))  # fmt: skip
PROBE = CHECKS.point("fields.personal_filter", "nobody filters, orders or searches by what is masked for them",
                     ("removed",))  # fmt: skip
ROWS = "@rows"


class ViewRecords:
    """The `RecordStore` port."""

    def __init__(self, view: View) -> None:
        self._view, self._records = view, view.house.records
        self.listeners: list[Callable[[str, str], None]] = []
        self.versions = self._records.versions
        self.heard = self._heard

    def __getattr__(self, name: str) -> Any:
        raise NotPermitted(f"registers: {name} is not open to somebody who sees a part of the node only")

    def _heard(self, type_id: str, record_id: str) -> None:
        for one in list(self.listeners):
            one(type_id, record_id)

    # --- asking -------------------------------------------------------------------------------------------------------

    def get(self, type_id: str, id: str) -> Record:
        return self._shown(self._reached(GET, type_id, id))

    def find(
        self,
        type_id: str,
        where: Mapping[str, Any] | None = None,
        *,
        states: Sequence[str] = (),
        text: str = "",
        order: str = "-updated_at",
        limit: int = 1000,
        offset: int = 0,
    ) -> list[Record]:
        self._no_probing(type_id, where, text, order)
        found = self._records.find(
            type_id, self._within(type_id, where), states=states, text=text, order=order, limit=limit, offset=offset
        )
        return [self._shown(one) for one in found]

    def count(
        self, type_id: str, where: Mapping[str, Any] | None = None, *, states: Sequence[str] = (), text: str = ""
    ) -> int:
        self._no_probing(type_id, where, text, "")
        found: int = self._records.count(type_id, self._within(type_id, where), states=states, text=text)
        return found

    def heads(
        self, type_id: str, where: Mapping[str, Any] | None = None, *, states: Sequence[str] = ()
    ) -> dict[str, int]:
        """Versions of all that `find` would give, by id."""
        self._no_probing(type_id, where, "", "")
        found: dict[str, int] = self._records.heads(type_id, self._within(type_id, where), states=states)
        return found

    def holding(self, text: str, types: Sequence[str]) -> frozenset[str]:
        """Types in which it is worth asking. Those whose text is closed are not looked into, and asking them is
        refused."""
        closed, asked = set(), []
        for one in types:
            try:
                self._no_probing(one, None, text, "")
            except NotPermitted:
                closed.add(one)
            else:
                asked.append(one)
        return frozenset(self._records.holding(text, asked) | closed)

    def ids(
        self,
        type_id: str,
        where: Mapping[str, Any] | None = None,
        *,
        states: Sequence[str] = (),
        text: str = "",
        order: str = "-updated_at",
    ) -> list[str]:
        """Ids of all that `find` would give, in order."""
        self._no_probing(type_id, where, text, order)
        found: list[str] = self._records.ids(
            type_id, self._within(type_id, where), states=states, text=text, order=order
        )
        return found

    def load(self, type_id: str, ids: Sequence[str]) -> list[Record]:
        """Living records of these ids, in this order; those out of reach are left out."""
        kind = self._kind(type_id)
        return [self._shown(one) for one in self._records.load(type_id, ids) if self._sees(GET, kind, one)]

    def history(self, type_id: str, id: str) -> list[HistoryEntry]:
        self._reached(HISTORY, type_id, id)
        hide = self._hidden(self._kind(type_id))
        return [
            replace(one, before=_masked(one.before, hide), after=_masked(one.after, hide))
            for one in self._records.history(type_id, id)
        ]

    def histories(self, type_id: str, ids: Sequence[str]) -> Mapping[str, Sequence[HistoryEntry]]:
        """`history` of many; those out of reach are left out."""
        kind = self._kind(type_id)
        mine = [one.id for one in self._records.load(type_id, ids) if self._sees(HISTORY, kind, one)]
        hide = self._hidden(kind)
        if not hide:
            return dict(self._records.histories(type_id, mine))
        return {
            id: [replace(one, before=_masked(one.before, hide), after=_masked(one.after, hide)) for one in entries]
            for id, entries in self._records.histories(type_id, mine).items()
        }

    # --- changing -----------------------------------------------------------------------------------------------------

    def create(
        self, type_id: str, data: Mapping[str, Any], actor: Actor, *, id: str | None = None, note: str = ""
    ) -> Record:
        self._may_write(type_id, id or "", data)
        return self._shown(self._records.create(type_id, data, actor, id=id, note=note))

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
        before = self._reached(BEFORE, type_id, id)
        self._may_write(type_id, id, {**before.data, **changes})
        return self._shown(self._records.update(type_id, id, changes, actor, version=version, note=note))

    def delete(self, type_id: str, id: str, actor: Actor, *, note: str = "") -> None:
        self._reached(BEFORE, type_id, id)
        self._records.delete(type_id, id, actor, note=note)

    def step(self, type_id: str, id: str, name: str, given: Mapping[str, Any], actor: Actor, **more: Any) -> Record:
        before = self._reached(BEFORE, type_id, id)
        self._may_write(type_id, id, {**before.data, **(more.get("changes") or {})})
        return self._shown(self._records.step(type_id, id, name, given, actor, **more))

    def move(self, type_id: str, id: str, to: int, actor: Actor, **more: Any) -> Record:
        """Go on by another version of the procedure."""
        self._reached(BEFORE, type_id, id)
        return self._shown(self._records.move(type_id, id, to, actor, **more))

    def put_many(self, type_id: str, rows: Iterable[tuple[str, Mapping[str, Any]]], actor: Actor) -> int:
        wanted = list(rows)
        for record_id, data in wanted:
            self.check_put(type_id, record_id, data)
        written: int = self._records.put_many(type_id, wanted, actor)
        return written

    def check_put(self, type_id: str, record_id: str, data: Mapping[str, Any]) -> None:
        """Raise what `put_many` would for a row out of reach, before it or afterwards."""
        try:
            before: Mapping[str, Any] = self._records.get(type_id, record_id).data
        except NotFound:
            before = {}
        else:
            self._reached(BEFORE, type_id, record_id)
        self._may_write(type_id, record_id, {**before, **data})

    def together(self) -> AbstractContextManager[None]:
        """One transaction; each change in it is checked as always."""
        whole: AbstractContextManager[None] = self._records.together()
        return whole

    # --- inside -------------------------------------------------------------------------------------------------------

    def _kind(self, type_id: str) -> RecordType:
        found: RecordType = self._records.type(type_id)
        return found

    def _reached(self, point: str, type_id: str, record_id: str) -> Record:
        kind = self._kind(type_id)
        record: Record = self._records.get(type_id, record_id)
        rights, data = self._view.rights, record.data
        store: Any = self._records
        if self._view.house.as_of is not None:  # rights are those of now, so what is there now is asked
            held: Record | None = store.present(type_id, record_id)
            data = held.data if held is not None else data
        if not CHECKS.ask(point, self._view.reach, lambda mine: rights.sees(mine, kind, record.id, data)):
            raise NotFound(type_id, record_id)
        return record

    def _sees(self, point: str, kind: RecordType, record: Record) -> bool:
        rights = self._view.rights
        return CHECKS.ask(point, self._view.reach, lambda mine: rights.sees(mine, kind, record.id, record.data))

    def _within(self, type_id: str, where: Mapping[str, Any] | None) -> Mapping[str, Any]:
        kind = self._kind(type_id)
        rows = CHECKS.rows(FIND, self._view.reach, lambda mine: self._view.rights.rows(mine, kind))
        return dict(where or {}) if rows is None else {**(where or {}), ROWS: rows}

    def _may_write(self, type_id: str, record_id: str, data: Mapping[str, Any]) -> None:
        kind, rights = self._kind(type_id), self._view.rights
        if not CHECKS.ask(AFTER, self._view.reach, lambda mine: rights.sees(mine, kind, record_id, data)):
            raise NotPermitted(f"this {type_id} would lie outside your jurisdiction or unit")

    def _hidden(self, kind: RecordType) -> frozenset[str]:
        personal = CHECKS.ask(PERSONAL, self._view.reach, lambda mine: mine.personal)
        return masked_fields(kind, personal) - {one.name for one in kind.fields if one.secret}

    def _shown(self, record: Record) -> Record:
        hide = self._hidden(self._kind(record.type))
        return replace(record, data=_masked(record.data, hide)) if hide else record

    def _no_probing(self, type_id: str, where: Mapping[str, Any] | None, text: str, order: str) -> None:
        """A masked value is found out by filtering for it: refused."""
        kind = self._kind(type_id)
        hide = masked_fields(kind, False)
        used = {*(where or {}), order.removeprefix("-")} & hide
        if text and any(one.name in hide and (one.indexed or one.name == kind.title) for one in kind.fields):
            used |= {"q"}
        if used and not CHECKS.ask(PROBE, self._view.reach, lambda mine: mine.personal):
            raise NotPermitted(f"{type_id} cannot be searched or ordered by {', '.join(sorted(used))}: personal data")


def _masked(data: Mapping[str, Any], hide: frozenset[str]) -> dict[str, Any]:
    return {name: MASK if name in hide and value not in (None, "") else value for name, value in data.items()}
