"""Writes refusals and small state in a thread of its own, so that no transaction ever holds up the sockets."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

import structlog

from jinyun.kernel.ports import KeyValue, RejectStore
from jinyun.kernel.terms import Reject

log = structlog.get_logger("hj212.clerk")

MOST_WAITING = 20_000
PAUSE = 0.1
LAST = "hj212.state"
"""Written after all other spaces: it holds the journal position up to which they are complete."""


class Clerk:
    """`refuse`, `keep` and `drop` return at once; what they were given is committed within about `PAUSE` seconds."""

    def __init__(self, rejects: RejectStore, kv: KeyValue) -> None:
        self.rejects, self.kv = rejects, kv
        self.waiting: list[Reject] = []
        self.values: dict[tuple[str, str], Any] = {}
        self.lost = 0
        self.failures = 0
        self._lock = threading.Lock()
        self._work = threading.Lock()
        self._wake = threading.Event()
        self._stop = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._thread is None:
            self._stop = False
            self._thread = threading.Thread(target=self._run, name="hj212-clerk", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Commit what waits, then end."""
        if self._thread is not None:
            self._stop = True
            self._wake.set()
            self._thread.join(30)
            self._thread = None
        self.flush()

    def refuse(self, reject: Reject) -> None:
        with self._lock:
            if len(self.waiting) >= MOST_WAITING:
                self.lost += 1
                return
            self.waiting.append(reject)
        self._wake.set()

    def keep(self, space: str, key: str, value: Any) -> None:
        """Set a value; None deletes it. Later values of a key win."""
        with self._lock:
            self.values[space, key] = value
        self._wake.set()

    def keep_many(self, space: str, values: Mapping[str, Any]) -> None:
        if values:
            with self._lock:
                self.values.update({(space, key): value for key, value in values.items()})
            self._wake.set()

    def flush(self) -> None:
        """Commit what waits now, in this thread. Raises what the store raises."""
        with self._work:
            with self._lock:
                rejects, self.waiting = self.waiting, []
                values, self.values = self.values, {}
            try:
                if rejects:
                    self.rejects.add(rejects)
                    rejects = []
                if (write := getattr(self.rejects, "flush", None)) is not None:
                    write()  # before the journal position is kept, below
                spaces: dict[str, dict[str, Any]] = {}
                for (space, key), value in values.items():
                    if value is None:
                        self.kv.delete(space, key)
                    else:
                        spaces.setdefault(space, {})[key] = value
                for space in sorted(spaces, key=lambda name: name == LAST):
                    self.kv.set_many(space, spaces[space])
            except BaseException:
                with self._lock:
                    self.waiting = [*rejects, *self.waiting][:MOST_WAITING]
                    self.values = {**values, **self.values}
                raise

    def _run(self) -> None:
        while not self._stop:
            self._wake.wait()
            self._wake.clear()
            if not self._stop:
                time.sleep(PAUSE)
            try:
                self.flush()
            except Exception as error:  # the records' database is away or busy: keep what waits and try again
                self.failures += 1
                log.warning("state not written, will try again", error=str(error), waiting=len(self.waiting))
                if not self._stop:
                    time.sleep(1.0)
                    self._wake.set()
