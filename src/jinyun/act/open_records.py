"""Records of one type that are in certain states, kept at hand: a change of one reads that one again and no other."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence

from jinyun.kernel.ports import Record, RecordStore

MOST = 100_000
AT_ONCE = 200
"""With more records changed since they were asked for, all are looked at."""
WHOLE_S = 60.0
"""All are looked at after so long at the latest: another process may have changed one."""


class OpenRecords:
    """Records of one type in the states given. One thread at a time reads; changes are heard from any."""

    def __init__(self, records: RecordStore, type_id: str, states: Sequence[str]) -> None:
        self._records, self._type, self._states = records, type_id, frozenset(states)
        self._lock = threading.Lock()  # of the notes below: the listener must be quick
        self._changed: set[str] = set()
        self.version = 0
        """Rises with each change heard of."""
        self._kept: dict[str, Record] | None = None
        self._made = 0.0
        records.listeners.append(self._hear)

    def _hear(self, type_id: str, record_id: str) -> None:
        if type_id == self._type:
            with self._lock:
                self._changed.add(record_id)
                self.version += 1

    def read(self, *, anew: bool = False) -> tuple[dict[str, Record], frozenset[str] | None]:
        """All of them by id, and which ids were looked at again since the last time; None: all were."""
        with self._lock:
            changed, self._changed = self._changed, set()
        kept, self._kept = self._kept, None  # should reading fail, the next time reads all
        now = time.monotonic()
        if kept is None or anew:
            found = self._records.find(self._type, states=sorted(self._states), limit=MOST)
            self._kept, self._made = {one.id: one for one in found}, now
            return self._kept, None
        if now - self._made >= WHOLE_S or "" in changed or len(changed) > AT_ONCE:
            changed, self._made = self._differing(kept), now
        if changed:
            present = {one.id: one for one in self._records.load(self._type, sorted(changed))}
            for record_id in changed:
                record = present.get(record_id)
                if record is not None and record.state in self._states:
                    kept[record_id] = record
                else:
                    kept.pop(record_id, None)
        self._kept = kept
        return kept, frozenset(changed)

    def _differing(self, kept: Mapping[str, Record]) -> set[str]:
        """Ids of those that came, went or changed, by their versions."""
        heads = self._records.heads(self._type, states=sorted(self._states))
        gone = kept.keys() - heads.keys()
        return gone | {id for id, version in heads.items() if id not in kept or kept[id].version != version}
