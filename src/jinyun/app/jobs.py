"""Background work in threads of its own: each job finds its work in stored state, so a kill loses nothing.

Why no durable queue yet: docs/adr/0009-jobs.md.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

log = structlog.get_logger("jobs")


@dataclass(slots=True)
class Job:
    """One job and how it fares."""

    name: str
    seconds: float
    work: Callable[[], Any]
    runs: int = 0
    failures: int = 0
    last_error: str = ""
    last_seconds: float = 0.0
    longest_seconds: float = 0.0
    ran_at: float = 0.0
    wake: threading.Event = field(default_factory=threading.Event)


class ThreadJobs:
    """The `Jobs` port: one daemon thread a job, so that a long seal does not hold up judging."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._threads: list[threading.Thread] = []
        self._stop = threading.Event()
        self._started = False

    def every(self, seconds: float, name: str, work: Callable[[], Any]) -> None:
        """Run `work` every `seconds` (from the end of one run to the start of the next)."""
        job = Job(name, seconds, work)
        self._jobs[name] = job
        if self._started:
            self._start(job)

    def start(self) -> None:
        self._started = True
        for job in self._jobs.values():
            self._start(job)

    def stop(self, timeout: float = 30.0) -> None:
        """Let each job finish its present run, then end."""
        self._stop.set()
        for job in self._jobs.values():
            job.wake.set()
        end = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.1, end - time.monotonic()))

    def wake(self, name: str) -> None:
        """Run the job now rather than when its pause ends."""
        self._jobs[name].wake.set()

    def state(self) -> list[Mapping[str, Any]]:
        """For the system page. [s]"""
        return [
            {
                "name": job.name, "every_s": job.seconds, "runs": job.runs, "failures": job.failures,
                "last_error": job.last_error, "last_s": round(job.last_seconds, 4),
                "longest_s": round(job.longest_seconds, 4), "ran_at": int(job.ran_at * 1_000_000),
            }
            for job in self._jobs.values()
        ]  # fmt: skip

    def _start(self, job: Job) -> None:
        thread = threading.Thread(target=self._loop, args=(job,), name=f"job-{job.name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _loop(self, job: Job) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                job.work()
                job.last_error = ""
            except Exception as wrong:  # a job must outlive one bad run; the system page shows it
                job.failures += 1
                job.last_error = f"{type(wrong).__name__}: {wrong}"
                log.exception("job failed", job=job.name)
            job.runs += 1
            job.ran_at = time.time()
            job.last_seconds = time.monotonic() - began
            job.longest_seconds = max(job.longest_seconds, job.last_seconds)
            job.wake.wait(job.seconds)
            job.wake.clear()
