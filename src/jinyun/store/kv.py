"""Small durable state of rooms, by (space, key). A space is read once and then kept: the store has one owner."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Engine, delete, select

from jinyun.store.database import insert_new, reading, writing
from jinyun.store.schema import key_value


class SqlKeyValue:
    """The `KeyValue` port. Values are whatever JSON can say; a get hands out a fresh copy."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._spaces: dict[str, dict[str, bytes]] = {}
        self._lock = threading.RLock()

    def get(self, space: str, key: str) -> Any:
        """The value, or None."""
        with self._lock:
            packed = self._space(space).get(key)
        return None if packed is None else msgspec.json.decode(packed)

    def set(self, space: str, key: str, value: Any) -> None:
        self.set_many(space, {key: value})

    def set_many(self, space: str, values: Mapping[str, Any]) -> None:
        """All of them in one transaction; what is equal already is not written."""
        packed = {key: msgspec.json.encode(value) for key, value in values.items()}
        with self._lock:
            known = self._space(space)
            changed = {key: value for key, value in packed.items() if known.get(key) != value}
            if not changed:
                return
            statement = insert_new(self._engine, key_value)
            statement = statement.on_conflict_do_update(
                index_elements=["space", "key"], set_={"value": statement.excluded.value}
            )
            rows = [{"space": space, "key": key, "value": value.decode()} for key, value in changed.items()]
            with writing(self._engine) as connection:
                connection.execute(statement, rows)
            known.update(changed)

    def delete(self, space: str, key: str) -> None:
        """A key that is not there is no error."""
        with self._lock:
            known = self._space(space)
            if key not in known:
                return
            with writing(self._engine) as connection:
                connection.execute(delete(key_value).where(key_value.c.space == space, key_value.c.key == key))
            del known[key]

    def items(self, space: str) -> Mapping[str, Any]:
        """All of a space, by key order."""
        with self._lock:
            packed = sorted(self._space(space).items())
        return {key: msgspec.json.decode(value) for key, value in packed}

    def _space(self, space: str) -> dict[str, bytes]:
        if space not in self._spaces:
            query = select(key_value.c.key, key_value.c.value).where(key_value.c.space == space)
            with reading(self._engine) as connection:
                self._spaces[space] = {key: value.encode() for key, value in connection.execute(query)}
        return self._spaces[space]
