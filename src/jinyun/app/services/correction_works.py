"""Previews and cascades at work: each session has one thread at most, and says how far it is."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import structlog

from jinyun.kernel.errors import Busy, JinyunError

log = structlog.get_logger("corrections")
KEPT = 24
"""Works that are remembered."""


@dataclass(slots=True)
class Work:
    """A preview or a cascade under way."""

    kind: str  # preview, cascade
    session: str
    state: str = "running"  # done, failed, cancelled
    done: int = 0
    total: int = 0
    problem: str = ""
    began: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)
    stop: threading.Event = field(default_factory=threading.Event)

    def as_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind, "state": self.state, "done": self.done, "total": self.total, "problem": self.problem,
            "seconds": round(self.seconds or time.monotonic() - self.began, 3),
        }  # fmt: skip


class Works:
    """The newest work of each session."""

    def __init__(self) -> None:
        self._works: OrderedDict[str, Work] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, session: str) -> Work | None:
        return self._works.get(session)

    def start(self, kind: str, session: str, what: Callable[[Work], None]) -> Work:
        """Let `what` work in a thread of its own. Raises `Busy` while the session is at work."""
        work = Work(kind, session)
        with self._lock:
            present = self._works.get(session)
            if present is not None and not present.over.is_set():
                raise Busy(f"session {session} is at work: {present.kind} {present.done} of {present.total}")
            self._works[session] = work
            self._works.move_to_end(session)
            while len(self._works) > KEPT:
                self._works.popitem(last=False)

        def run() -> None:
            try:
                what(work)
                work.state = "cancelled" if work.stop.is_set() else "done"
            except JinyunError as wrong:
                work.state, work.problem = "failed", str(wrong)
            except Exception as wrong:  # the session stays as it is and can be tried again
                work.state, work.problem = "failed", f"{type(wrong).__name__}: {wrong}"
                log.exception("correction failed", kind=kind, session=session)
            work.seconds = time.monotonic() - work.began
            work.over.set()

        threading.Thread(target=run, name=f"correction-{kind}", daemon=True).start()
        return work

    def forget(self, session: str) -> None:
        """Stop it where it may be stopped."""
        work = self._works.pop(session, None)
        if work is not None:
            work.stop.set()
