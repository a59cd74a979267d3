"""The present end of each record's clocks, kept beside it so that "what is late" and "what is due for a look" are
questions to an index. The history stays the truth: what is kept is computed from it in the transaction that writes
it, by the function the house gives, and can be computed again at any time (`rebuild`, `differing`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, and_, delete, insert, select

from jinyun.kernel.ports import HistoryEntry, KeyValue, Record
from jinyun.kernel.records import RecordType
from jinyun.store.database import reading, writing
from jinyun.store.record_answers import CHUNK, RecordAnswers
from jinyun.store.schema import record as current
from jinyun.store.schema import record_clock as kept

SPACE = "records.clocks"


@dataclass(frozen=True, slots=True)
class Moments:
    """What a record's clocks come to while nothing changes. [µs]"""

    late_from: int | None = None
    """First moment at which one has run out; None: none runs towards its end."""
    look_at: int | None = None
    """First moment of an escalation that is still to be told; None: none is known."""


NONE = Moments()
Timer = Callable[[RecordType, Record, Sequence[HistoryEntry], int], Moments]
"""(type, record, its history, moment from which on escalations count) -> what its clocks come to."""


class RecordClocks:
    """Keeps `record_clock`. `witness` belongs into `SqlRecords.witnesses`."""

    def __init__(self, engine: Engine, records: RecordAnswers, types: Mapping[str, RecordType], timer: Timer) -> None:
        self._engine, self._records, self._types, self._timer = engine, records, types, timer

    def witness(
        self,
        connection: Connection,
        kind: RecordType,
        records: Sequence[Record],
        entries: Sequence[Mapping[str, Any]],  # noqa: ARG002
    ) -> None:
        """Inside the transaction of a change."""
        if timed(kind):
            self._keep(connection, kind, records, 0)

    def due(self, type_id: str, now: int, *, limit: int) -> list[str]:
        """Ids of records whose clocks have something to tell at `now` [µs], longest waiting first."""
        query = select(kept.c.id).where(kept.c.type == type_id, kept.c.look_at <= now)
        with reading(self._engine) as connection:
            return list(connection.execute(query.order_by(kept.c.look_at, kept.c.id).limit(limit)).scalars())

    def told(self, type_id: str, ids: Sequence[str], now: int) -> None:
        """What these records' clocks had to tell by `now` [µs] is told: they wait for what comes after it."""
        kind = self._types[type_id]
        with writing(self._engine) as connection:
            self._keep(connection, kind, self._held(connection, type_id, ids), now + 1)

    def rebuild(self, type_id: str) -> int:
        """Compute a type's anew from the histories: after a change of calendar or rules. Returns how many records.

        Escalations that were told are looked at once more; their notices know that they were sent.
        """
        kind, count = self._types[type_id], 0
        if not timed(kind):
            with writing(self._engine) as connection:
                connection.execute(delete(kept).where(kept.c.type == type_id))
            return 0
        for ids in self._parts(type_id):
            with writing(self._engine) as connection:
                self._keep(connection, kind, self._held(connection, type_id, ids), 0)
            count += len(ids)
        return count

    def follow(self, kv: KeyValue, signature: Callable[[RecordType], str]) -> dict[str, int]:
        """Rebuild the types that were computed by another `signature` (of clock rules and calendar): records, by type.
        What a kill interrupts is done again: it is noted last."""
        noted, done = kv.items(SPACE), {}
        for type_id, kind in self._types.items():
            wanted = signature(kind) if timed(kind) else ""
            if noted.get(type_id, "") != wanted:
                done[type_id] = self.rebuild(type_id)
                kv.set(SPACE, type_id, wanted)
        return {type_id: count for type_id, count in done.items() if count}

    def differing(self, type_id: str) -> list[str]:
        """Ids whose kept end is another than their history says now: for checks; empty is right."""
        kind, wrong = self._types[type_id], []
        for ids in self._parts(type_id):
            with reading(self._engine) as connection:
                records = self._records.load_rows(connection, type_id, ids)
                histories = self._records.histories_in(connection, type_id, ids)
                query = select(kept).where(kept.c.type == type_id, kept.c.id.in_(ids))
                held = {row.id: (row.version, row.late_from) for row in connection.execute(query)}
            for one in records.values():
                made = self._timer(kind, one, histories.get(one.id, ()), 0)
                if held.get(one.id) != (None if made == NONE else (one.version, made.late_from)):
                    wrong.append(one.id)
        return wrong

    def _parts(self, type_id: str) -> Iterator[list[str]]:
        last = ""
        while True:
            mine = and_(current.c.type == type_id, current.c.id > last, current.c.deleted.is_(False))
            with reading(self._engine) as connection:
                query = select(current.c.id).where(mine).order_by(current.c.id).limit(CHUNK)
                ids = list(connection.execute(query).scalars())
            if not ids:
                return
            yield ids
            last = ids[-1]

    def _held(self, connection: Connection, type_id: str, ids: Sequence[str]) -> list[Record]:
        """Living records as they are now; who changes one waits (SQLite has one writer anyway)."""
        rows = select(current.c.id).where(current.c.type == type_id, current.c.id.in_(ids)).order_by(current.c.id)
        connection.execute(rows.with_for_update())
        return list(self._records.load_rows(connection, type_id, ids).values())

    def _keep(self, connection: Connection, kind: RecordType, records: Sequence[Record], since: int) -> None:
        living = [one for one in records if not one.deleted]
        histories = self._records.histories_in(connection, kind.id, [one.id for one in living])
        rows = []
        for one in living:
            made = self._timer(kind, one, histories.get(one.id, ()), since)
            if made != NONE:
                rows.append({
                    "type": kind.id, "id": one.id, "version": one.version, "late_from": made.late_from,
                    "look_at": made.look_at,
                })  # fmt: skip
        ids = [one.id for one in records]
        for start in range(0, len(ids), CHUNK):
            part = ids[start : start + CHUNK]
            connection.execute(delete(kept).where(kept.c.type == kind.id, kept.c.id.in_(part)))
        if rows:
            connection.execute(insert(kept), rows)


def timed(kind: RecordType) -> bool:
    """Whether records of a type can have a clock."""
    return any(one.clocks for one in kind.versions)
