"""Long work of care inside a running node: one at a time, looked at from outside by its id."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog

from jinyun.kernel.errors import Busy, JinyunError, NotFound

if TYPE_CHECKING:
    from jinyun.app.assemble import House

log = structlog.get_logger("care")
KEPT = 20


class CareJobs:
    """Backups and checks that the local verbs ask for."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._jobs: dict[int, dict[str, Any]] = {}

    def backup(self, out: str, *, link: bool, keep: int) -> dict[str, Any]:
        """Start a backup; see `care.backup.backup`."""
        from pathlib import Path

        from jinyun.app.care.backup import backup

        return self._start("backup", lambda say: backup(self._house, Path(out), link=link, keep=keep, progress=say))

    def verify(self, *, everything: bool) -> dict[str, Any]:
        """Start a check of the stores."""
        from jinyun.app.care.verify import verify_house

        def work(say: Callable[[str, int, int], None]) -> dict[str, Any]:
            return verify_house(self._house, everything=everything, progress=lambda what: say(what, 0, 0)).as_dict()

        return self._start("verify", work)

    def state(self, number: int) -> dict[str, Any]:
        """How a job fares: running, done (with ``result``) or failed (with ``error``)."""
        with self._lock:
            if number not in self._jobs:
                raise NotFound("job of care", number)
            return dict(self._jobs[number])

    def _start(self, kind: str, work: Callable[[Callable[[str, int, int], None]], dict[str, Any]]) -> dict[str, Any]:
        with self._lock:
            if running := next((one for one in self._jobs.values() if one["state"] == "running"), None):
                raise Busy(f"a {running['kind']} runs already (job {running['id']}); wait for its end")
            number = next(self._numbers)
            job = {"id": number, "kind": kind, "state": "running", "what": "", "done": 0, "total": 0}
            self._jobs[number] = job
            for old in sorted(self._jobs)[:-KEPT]:
                del self._jobs[old]

        def say(what: str, done: int, total: int) -> None:
            job.update(what=what, done=done, total=total)

        def run() -> None:
            try:
                result = work(say)
            except Exception as wrong:
                if not isinstance(wrong, JinyunError):
                    log.exception("care.job_failed", kind=kind)
                job.update(state="failed", error=str(wrong), code=getattr(wrong, "code", "internal"))
            else:
                job.update(state="done", result=result)

        threading.Thread(target=run, name=f"care-{kind}", daemon=True).start()
        return dict(job)
