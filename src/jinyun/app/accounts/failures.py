"""Failed log-ins: waiting grows per name and peer, a name is locked over all peers; in memory, oldest forgotten."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from jinyun.app.accounts.settings import Security
from jinyun.kernel.errors import JinyunError

PEER_FAILURES = 30  # per peer over all names
LONGEST_WAIT = 900.0  # [s]
REMEMBERED = 4096  # failure counters kept


class TooManyAttempts(JinyunError):
    """Log-in refused for a while after failures."""

    code, status_hint = "too-many-attempts", 429

    def __init__(self, wait: float) -> None:
        self.wait = max(1, int(wait + 0.999))
        super().__init__(f"too many failed log-ins; try again in {self.wait} s")

    def details(self) -> Mapping[str, Any]:
        return {"retry_after": self.wait}


class Failures:
    """Counts and waits."""

    def __init__(self, wall: Callable[[], float], security: Callable[[], Security]) -> None:
        self._wall, self._security = wall, security
        self._lock = threading.Lock()
        self._counts: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()

    def check(self, name: str, peer: str) -> None:
        """Raise `TooManyAttempts` while it is too early."""
        now, rules = self._wall(), self._security()
        with self._lock:
            waits = [
                wait_after(count - free) - (now - last)
                for (count, last), free in (
                    (self._counts.get((name, peer), (0, 0.0)), rules.free_failures),
                    (self._counts.get(("", peer), (0, 0.0)), PEER_FAILURES),
                )
            ]
            count, last = self._counts.get((name, "*"), (0, 0.0))
        if count >= rules.lock_failures:
            waits.append(rules.lock_minutes * 60 - (now - last))
        if (wait := max(waits)) > 0:
            raise TooManyAttempts(wait)

    def add(self, name: str, peer: str) -> None:
        now = self._wall()
        with self._lock:
            for key in ((name, peer), ("", peer), (name, "*")):
                count, last = self._counts.pop(key, (0, 0.0))
                count = 0 if now - last > 2 * LONGEST_WAIT else count  # long ago is forgiven
                self._counts[key] = (count + 1, now)
            while len(self._counts) > REMEMBERED:
                self._counts.popitem(last=False)

    def forgive(self, name: str, peer: str | None = None) -> None:
        """A good log-in from `peer`, or (None) a new password: of everywhere."""
        with self._lock:
            for key in [k for k in self._counts if k[0] == name and (peer is None or k[1] in (peer, "*"))]:
                del self._counts[key]


def wait_after(over: int) -> float:
    """Seconds to wait after `over` failures beyond the free ones: 2, 4, 8 … at most fifteen minutes."""
    return 0.0 if over < 0 else min(LONGEST_WAIT, 2.0 ** min(over + 1, 20))
