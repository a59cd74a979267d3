"""The ledger of what retention dropped: every file with its digest and the day it went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Engine, func, select

from jinyun.store.database import insert_new, reading, writing
from jinyun.store.schema import dropped as table


@dataclass(frozen=True, slots=True)
class DroppedFile:
    """One file that is gone on purpose."""

    path: str  # below the node's folder
    kind: str  # class of retention: journal, readings
    bytes: int
    sha256: str
    rows: int  # messages or readings
    time_from: int  # [s], inclusive
    time_to: int
    dropped_at: int  # [µs]
    reason: str  # age: older than its class is kept; disk: gone early for want of space


class SqlDropped:
    """The ledger on the transactional store. Said before the file goes, so that a kill leaves no file unexplained."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, files: Sequence[DroppedFile]) -> None:
        """Say again what was said before (a kill came between) does nothing."""
        if files:
            statement = insert_new(self._engine, table).on_conflict_do_nothing(index_elements=["path"])
            with writing(self._engine) as connection:
                connection.execute(statement, [asdict(one) for one in files])

    def find(self, *, kinds: Iterable[str] = (), limit: int = 200, offset: int = 0) -> list[DroppedFile]:
        """Newest first."""
        query = select(table).order_by(table.c.dropped_at.desc(), table.c.path.desc()).limit(limit).offset(offset)
        if wanted := list(kinds):
            query = query.where(table.c.kind.in_(wanted))
        with reading(self._engine) as connection:
            return [DroppedFile(**row._mapping) for row in connection.execute(query)]

    def totals(self) -> Mapping[str, tuple[int, int]]:
        """Files and bytes dropped so far, by class."""
        query = select(table.c.kind, func.count(), func.sum(table.c.bytes)).group_by(table.c.kind)
        with reading(self._engine) as connection:
            return {kind: (int(files), int(size or 0)) for kind, files, size in connection.execute(query)}
