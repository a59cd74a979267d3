"""Records that tell the house when one of them changed: directories refresh, pages hear of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from jinyun.kernel.ports import Actor, HistoryEntry, Record, RecordStore

Listener = Callable[[str, str], None]
"""Called with (record type, id) after a change is committed; id "" means many of that type."""


class WatchedRecords:
    """The `RecordStore` port around another one, with listeners."""

    def __init__(self, inner: RecordStore) -> None:
        self.inner = inner
        self.listeners: list[Listener] = []
        self.versions: dict[str, int] = {}
        """Rises with each change of a type: pages cache by it."""

    def _changed(self, type_id: str, id: str) -> None:
        self.versions[type_id] = self.versions.get(type_id, 0) + 1
        for listener in self.listeners:
            listener(type_id, id)

    def create(
        self, type_id: str, data: Mapping[str, Any], actor: Actor, *, id: str | None = None, note: str = ""
    ) -> Record:
        record = self.inner.create(type_id, data, actor, id=id, note=note)
        self._changed(type_id, record.id)
        return record

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
        record = self.inner.update(type_id, id, changes, actor, version=version, note=note)
        self._changed(type_id, id)
        return record

    def delete(self, type_id: str, id: str, actor: Actor, *, note: str = "") -> None:
        self.inner.delete(type_id, id, actor, note=note)
        self._changed(type_id, id)

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
        record = self.inner.step(
            type_id, id, name, given, actor, context=context, changes=changes, version=version, note=note
        )
        self._changed(type_id, id)
        return record

    def put_many(self, type_id: str, rows: Iterable[tuple[str, Mapping[str, Any]]], actor: Actor) -> int:
        count = self.inner.put_many(type_id, rows, actor)
        if count:
            self._changed(type_id, "")
        return count

    def get(self, type_id: str, id: str) -> Record:
        return self.inner.get(type_id, id)

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
        return self.inner.find(type_id, where, states=states, text=text, order=order, limit=limit, offset=offset)

    def count(
        self, type_id: str, where: Mapping[str, Any] | None = None, *, states: Sequence[str] = (), text: str = ""
    ) -> int:
        return self.inner.count(type_id, where, states=states, text=text)

    def history(self, type_id: str, id: str) -> list[HistoryEntry]:
        return self.inner.history(type_id, id)
