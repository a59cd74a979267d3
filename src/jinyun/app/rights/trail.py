"""The audit trail of calls: who did what on which object, with digests of each record before and after.

A call is noted when it changes something, is refused, exports, or shows personal fields. The row is on disk before the
answer leaves; when it cannot be written the answer is an error that says so.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from jinyun.kernel.errors import NotFound
from jinyun.store.audit import Broken, Entry, SqlAudit

if TYPE_CHECKING:
    from jinyun.app.assemble import House

AGAIN_S = 600.0
"""The same reading of personal fields, or the same refusal, is noted once in so many seconds."""
REMEMBERED = 4096
MOST_TOUCHED = 50


@dataclass(slots=True)
class Call:
    """One call under way."""

    who: str = ""
    roles: Sequence[str] = ()
    peer: str = ""
    action: str = ""
    call: str = ""
    object: str = ""
    reads_personal: bool = False
    exports: bool = False
    changes: bool = False
    refused: str = ""  # why, of a call that is refused by an answer that is no error: a page that says so
    detail: dict[str, Any] = field(default_factory=dict)  # what was asked for; never a password or another secret
    touched: dict[tuple[str, str], None] = field(default_factory=dict)
    once: tuple[str, ...] = ()  # by what the next one like it is known


CALL: ContextVar[Call | None] = ContextVar("jinyun_call", default=None)


class Trail:
    """Notes calls of one house in its audit log."""

    def __init__(self, house: House, wall: Callable[[], float] = time.time) -> None:
        self._house, self._wall = house, wall
        self.log = SqlAudit(house.database, house.settings.folder)
        self._lock = threading.Lock()
        self._noted: OrderedDict[tuple[str, ...], float] = OrderedDict()
        house.records.tracers.append(self._touched)

    def _touched(self, type_id: str, ids: Sequence[str]) -> None:
        """Records were changed, in the thread of the call that did it."""
        call = CALL.get()
        if call is not None:
            call.touched.update(dict.fromkeys((type_id, one) for one in ids))

    def wanted(self, call: Call, status: int) -> bool:
        """Whether a call that ends so is noted."""
        if call.refused or status in (401, 403, 429):
            who = "" if status == 429 else call.who  # a peer that has to wait may give another name each time
            return self._first(call, "refused", who, call.peer, call.call, call.refused or str(status))
        if call.changes or call.exports or call.touched:
            return True
        return call.reads_personal and status < 400 and self._first(call, "read", call.who, call.call, call.object)

    def close(self, call: Call, status: int) -> None:
        """Write the row of a call that is over; blocks until it is on disk."""
        result = "ok" if status < 400 else f"refused {status}" if status < 500 else f"failed {status}"
        detail = dict(call.detail)
        if call.refused:
            result = f"refused {call.refused}"
        if call.touched:
            detail["records"] = [self._change(*one) for one in islice(call.touched, MOST_TOUCHED)]
            if len(call.touched) > MOST_TOUCHED:
                detail["changed"] = len(call.touched)
        if call.reads_personal and not call.changes:
            detail["personal"] = True
        try:
            self.note(Entry(call.who, call.action, call.call, call.object, result, call.roles, call.peer, detail))
        except Exception:
            with self._lock:  # it is not noted, so the next one like it is the first
                self._noted.pop(call.once, None)
            raise

    def note(self, entry: Entry) -> int:
        """Write one row."""
        return self.log.append(int(self._wall() * 1_000_000), entry)

    def find(self, **asked: Any) -> dict[str, Any]:
        """Rows, newest first; see `SqlAudit.find`."""
        rows, total = self.log.find(**asked)
        return {"items": rows, "total": total}

    def verify(self) -> dict[str, Any]:
        """Whether the chain holds, and where not."""
        rows, problems = self.log.verify()
        return verified(rows, problems)

    def _change(self, type_id: str, record_id: str) -> dict[str, Any]:
        """What the newest entry of a record's history says, as digests."""
        told: dict[str, Any] = {"type": type_id, "id": record_id}
        try:
            entry = self._house.records.history(type_id, record_id)[-1]
        except NotFound:
            return told
        return told | {
            "version": entry.version, "step": entry.step, "before": digest(entry.before), "after": digest(entry.after),
        }  # fmt: skip

    def _first(self, call: Call, *key: str) -> bool:
        now, call.once = self._wall(), key
        with self._lock:
            last = self._noted.pop(key, None)
            again = last is not None and now - last < AGAIN_S
            self._noted[key] = last if again and last is not None else now
            while len(self._noted) > REMEMBERED:
                self._noted.popitem(last=False)
        return not again


def digest(data: Mapping[str, Any]) -> str:
    """SHA-256 of fields, whatever their order."""
    return hashlib.sha256(msgspec.json.encode(dict(data), order="deterministic")).hexdigest()


def verified(rows: int, problems: Sequence[Broken]) -> dict[str, Any]:
    """The answer of a verification."""
    return {"rows": rows, "holds": not problems, "problems": [one.as_dict() for one in problems]}
