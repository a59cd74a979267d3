"""Publications: what was printed and all it rests on, kept as canonical JSON; and registers as they stood at a moment.

A publication is written once. Which ones rest on a verdict is answered by an index, so that a correction finds the
figures it reaches without reading them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import zstandard
from sqlalchemy import Engine, insert, select

from jinyun.kernel.errors import NotFound
from jinyun.kernel.ports import HistoryEntry
from jinyun.store.database import reading, writing
from jinyun.store.schema import publication, publication_input
from jinyun.store.schema import record_history as history

_CHUNK = 500
_ROWS = 20_000


class SqlPassports:
    """Publications and their inputs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, publications: Sequence[tuple[str, int, Mapping[str, Any], Iterable[int]]]) -> None:
        """Store (id, as-of [µs], content, ids of the verdicts it rests on) of many in one transaction."""
        pack = zstandard.ZstdCompressor(level=6).compress
        heads, inputs = [], []
        for id, at, content, verdicts in publications:
            heads.append({"id": id, "at": at, "body": pack(canonical(content).encode())})
            inputs += [{"verdict": one, "publication": id} for one in sorted(set(verdicts))]
        with writing(self._engine) as connection:
            if heads:
                connection.execute(insert(publication), heads)
            for first in range(0, len(inputs), _ROWS):
                connection.execute(insert(publication_input), inputs[first : first + _ROWS])

    def content(self, id: str) -> dict[str, Any]:
        with reading(self._engine) as connection:
            body = connection.execute(select(publication.c.body).where(publication.c.id == id)).scalar()
        if body is None:
            raise NotFound("publication", id)
        found: dict[str, Any] = json.loads(zstandard.ZstdDecompressor().decompress(body))
        return found

    def resting_on(self, verdicts: Sequence[int]) -> dict[str, list[int]]:
        """Publications that rest on one of these verdicts, each with those of them it rests on."""
        wanted, found = list(dict.fromkeys(verdicts)), dict[str, list[int]]()
        table = publication_input.c
        with reading(self._engine) as connection:
            for first in range(0, len(wanted), _CHUNK):
                query = select(table.publication, table.verdict).where(
                    table.verdict.in_(wanted[first : first + _CHUNK])
                )
                for id, verdict in connection.execute(query.order_by(table.publication, table.verdict)):
                    found.setdefault(id, []).append(verdict)
        return found

    def records_at(self, type_id: str, at: int) -> dict[str, tuple[int, dict[str, Any]]]:
        """(version, data) of all records of a type as they stood at a moment [µs], from their history."""
        found: dict[str, tuple[int, dict[str, Any]]] = {}
        columns = (history.c.id, history.c.version, history.c.step, history.c.before, history.c.after)
        query = select(*columns).where(history.c.type == type_id, history.c.at <= at)
        load = msgspec.json.decode
        with reading(self._engine) as connection:
            for row in connection.execute(query.order_by(history.c.id, history.c.version)):
                if row.step == "delete":
                    found.pop(row.id, None)
                    continue
                data = {} if row.step == "create" else dict(found.get(row.id, (0, {}))[1])
                for name in load(row.before):
                    data.pop(name, None)
                found[row.id] = (row.version, {**data, **load(row.after)})
        return found

    def changes_since(self, type_id: str, at: int) -> list[HistoryEntry]:
        """Changes of records of a type after a moment [µs], in order."""
        query = select(history).where(history.c.type == type_id, history.c.at > at)
        load = msgspec.json.decode
        with reading(self._engine) as connection:
            return [
                HistoryEntry(
                    row.type, row.id, row.version, row.at, row.actor, row.step, row.state_before, row.state_after,
                    load(row.before), load(row.after), load(row.given), row.note,
                )
                for row in connection.execute(query.order_by(history.c.at, history.c.id, history.c.version))
            ]  # fmt: skip


def canonical(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no spaces, characters as they are."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
