"""When the node was up: what was not received while it was down was lost by us, and that is said of every gap.

A start, a clean stop and a heartbeat are kept in the key-value store. After a kill the last heartbeat is the last
moment that the node is known to have lived.
"""

from __future__ import annotations

from typing import Any

from jinyun.kernel.ports import Clock, KeyValue

SPACE = "node.life"
BEAT_S = 15.0
KEPT = 2000
Span = tuple[int, int, str]
"""From and to [s], and how it ended: ``stopped`` or ``killed``."""


class LifeLedger:
    """Down times of one node. `started` once at the start, `beat` every `BEAT_S`, `stopped` at a clean stop."""

    def __init__(self, kv: KeyValue, clock: Clock) -> None:
        self._kv, self._clock = kv, clock
        self.up_since: int | None = None

    def started(self) -> None:
        """The node is up; the time since it was last known to be is a down time."""
        now = self._now()
        last = self._kv.get(SPACE, "last")
        if last is not None and now > int(last["at"]):
            down: list[Any] = self._kv.get(SPACE, "down") or []
            down.append([int(last["at"]), now, "stopped" if last["stopped"] else "killed"])
            self._kv.set(SPACE, "down", down[-KEPT:])
        if self._kv.get(SPACE, "first") is None:
            self._kv.set(SPACE, "first", now)
        self.up_since = now
        self._kv.set(SPACE, "last", {"at": now, "stopped": False})

    def beat(self) -> None:
        self._kv.set(SPACE, "last", {"at": self._now(), "stopped": False})

    def stopped(self) -> None:
        if self.up_since is not None:
            self._kv.set(SPACE, "last", {"at": self._now(), "stopped": True})

    def downs(self, start: int, end: int) -> list[Span]:
        """Down times that touch [start, end), oldest first; of a node that is down now, the one that lasts. [s]"""
        found = [(int(a), int(b), str(how)) for a, b, how in self._kv.get(SPACE, "down") or []]
        last = self._kv.get(SPACE, "last")
        if self.up_since is None and last is not None:
            found.append((int(last["at"]), self._now(), "stopped" if last["stopped"] else "killed"))
        return [one for one in found if one[0] < end and one[1] > start]

    def first(self) -> int | None:
        """When the node first ran; before that nothing could be received. [s]"""
        first = self._kv.get(SPACE, "first")
        return None if first is None else int(first)

    def _now(self) -> int:
        return self._clock.now() // 1_000_000
