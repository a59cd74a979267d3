"""Lists of what is open, kept ready: a change of one record reads that record again and nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from jinyun.kernel.errors import NotFound
from jinyun.kernel.ports import Record

if TYPE_CHECKING:
    from jinyun.app.assemble import House

MOST = 100_000
AT_ONCE = 200
"""With more records changed since the list was asked for, all are read."""
WHOLE_S = 60.0
"""All are read after so long at the latest: another process may have changed one."""


class OpenList:
    """Records of one type in open states, as pages show them, in order.

    Parameters
    ----------
    shown : callable
        A record as the page has it.
    rank : callable
        What a record is sorted by.
    beside : callable
        A version of what `shown` and reach rest on beside the record: all are read again when it is another.
    """

    def __init__(
        self, house: House, type_id: str, states: Sequence[str], *, shown: Callable[[Record], dict[str, Any]],
        rank: Callable[[Record], Any], beside: Callable[[], Any],
    ) -> None:  # fmt: skip
        self._house, self._type, self._states = house, type_id, frozenset(states)
        self._shown, self._rank, self._beside = shown, rank, beside
        self._lock = threading.Lock()  # of the notes below: the listener must be quick
        self._changed: set[str] = set()
        self.version = 0
        """Rises with each change heard of."""
        self._rows: dict[str, tuple[Any, dict[str, Any]]] | None = None
        self._made: tuple[Any, float] = (None, 0.0)
        house.records.listeners.append(self._hear)

    def _hear(self, type_id: str, record_id: str) -> None:
        if type_id == self._type:
            with self._lock:
                self._changed.add(record_id)
                self.version += 1

    def read(self) -> list[dict[str, Any]]:
        """The list as it is now. One thread at a time."""
        with self._lock:
            changed, self._changed = self._changed, set()
        beside, now = self._beside(), time.monotonic()
        fresh = self._rows is not None and self._made[0] == beside and now - self._made[1] < WHOLE_S
        if self._rows is None or not fresh or "" in changed or len(changed) > AT_ONCE:
            found = self._house.records.find(self._type, states=sorted(self._states), limit=MOST)
            self._rows = {one.id: (self._rank(one), self._shown(one)) for one in found}
            self._made = beside, now
        else:
            for record_id in changed:
                self._read_one(self._rows, record_id)
        return [row for _, row in sorted(self._rows.values(), key=lambda one: one[0])]

    def _read_one(self, rows: dict[str, tuple[Any, dict[str, Any]]], record_id: str) -> None:
        try:
            record = self._house.records.get(self._type, record_id)
        except NotFound:  # deleted, or out of reach now
            rows.pop(record_id, None)
            return
        if record.state in self._states:
            rows[record_id] = self._rank(record), self._shown(record)
        else:
            rows.pop(record_id, None)
