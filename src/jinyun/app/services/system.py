"""The system page: rates, lag, disk, journal, store, seal, jobs, process; rejects; figures for Prometheus."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from jinyun import __version__
from jinyun.app.demo import history
from jinyun.app.services.overview import Overview
from jinyun.app.versions import versions
from jinyun.kernel.factors import factors

if TYPE_CHECKING:
    from jinyun.app.assemble import House
    from jinyun.app.bus import Event

RATE_S = 60.0


class Rate:
    """Events per second over the last minute, in one-second bins."""

    def __init__(self) -> None:
        self._bins: deque[tuple[int, int]] = deque(maxlen=int(RATE_S) + 1)
        self._lock = threading.Lock()
        self._since = time.monotonic()
        self.total = 0

    def add(self) -> None:
        second = int(time.monotonic())
        with self._lock:
            self.total += 1
            if self._bins and self._bins[-1][0] == second:
                self._bins[-1] = (second, self._bins[-1][1] + 1)
            else:
                self._bins.append((second, 1))

    def per_second(self) -> float:
        now = time.monotonic()
        with self._lock:
            counted = sum(count for second, count in self._bins if now - second <= RATE_S)
        return round(counted / max(1.0, min(RATE_S, now - self._since)), 2)


class SystemState:
    """How the node itself fares."""

    def __init__(self, house: House, overview: Overview) -> None:
        self._house, self._overview = house, overview
        self._arrivals, self._verdicts = Rate(), Rate()
        house.bus.taps.append(self._hear)
        self._process: Any = None
        self._started = time.time()

    def _hear(self, event: Event) -> None:
        if event.topic == "arrival":
            self._arrivals.add()
        elif event.topic == "verdict":
            self._verdicts.add()

    def state(self) -> dict[str, Any]:
        """All of the system page."""
        house = self._house
        disk = shutil.disk_usage(house.settings.folder)
        store = _told(house.readings.state)
        centre = _told(house.centre.state)
        return {
            "now": house.clock.now(),
            "started_at": house.started_at,
            "rates": {
                "arrivals_per_s": self._arrivals.per_second(),
                "verdicts_per_s": self._verdicts.per_second(),
                "arrivals": self._arrivals.total,
                "verdicts": self._verdicts.total,
                "rejects": dict(house.rejects.counts()),
            },
            "lag": {
                "judge": _told(getattr(house.judge, "state", dict)),
                "act": _told(getattr(house.act, "state", dict)),
                "windows": self._windows(),
            },
            "disk": {"total": disk.total, "free": disk.free, "used": disk.used, "folder": str(house.settings.folder)},
            "care": house.care.state(),
            "journal": _told(house.journal.state),
            "store": store,
            "seal": {name: store.pop(name) for name in list(store) if "seal" in name},
            "hj212": centre,
            "jobs": [dict(one) for one in house.jobs.state()],
            "process": self._process_state(),
            "history": history(house),
            "versions": versions(),
            "settings": {
                "host": house.settings.host,
                "http_port": house.settings.http_port,
                "hj212_port": house.centre.port,
                "demo": house.settings.demo,
                "clock": house.settings.clock,
                "jurisdiction": house.settings.jurisdiction,
                "jurisdiction_name": house.settings.jurisdiction_name,
            },
        }

    def _windows(self) -> dict[str, Any]:
        """How far the kept windows lag: messages, and the age of the first that waits. [s]"""
        told = _told(self._house.windows.state)
        since = told.get("waiting_since")
        behind = 0.0 if since is None else max(0, self._house.clock.now() - since) / 1_000_000
        return {**told, "behind_s": round(behind, 1)}

    def _process_state(self) -> dict[str, Any]:
        import psutil

        if self._process is None:
            self._process = psutil.Process()
            self._process.cpu_percent()
        one = self._process
        return {
            "pid": os.getpid(),
            "cpu_percent": one.cpu_percent(),
            "cpu_s": round(sum(one.cpu_times()[:2]), 2),
            "rss": one.memory_info().rss,
            "threads": one.num_threads(),
            "files": one.num_fds(),
            "up_s": int(time.time() - self._started),
        }

    def rejects(self, *, mn: str = "", limit: int = 200) -> dict[str, Any]:
        """What was refused lately, newest first, and how often for which reason."""
        found = self._house.rejects.find(mn=mn or None, limit=limit)
        return {"items": [_reject(one) for one in found], "counts": dict(self._house.rejects.counts())}

    def factors(self) -> list[dict[str, object]]:
        """The factor dictionary."""
        return [one.as_dict() for one in factors().values()]

    def health(self) -> dict[str, Any]:
        """Alive and who: needs no log-in, so it tells little."""
        return {"status": "ok", "name": "jinyun", "version": __version__, "pid": os.getpid()}

    def metrics(self, pages: int) -> bytes:
        """Figures in Prometheus text form."""
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        state, counts = self.state(), self._overview.snapshot()["counts"]

        class Collector:
            def collect(self) -> Any:
                for name, value in counts.items():
                    yield GaugeMetricFamily(f"jinyun_{name}", f"{name} now", value=value)
                yield GaugeMetricFamily("jinyun_pages", "live pages listening", value=pages)
                yield CounterMetricFamily("jinyun_arrivals", "messages decoded", value=state["rates"]["arrivals"])
                yield CounterMetricFamily("jinyun_verdicts", "verdicts given", value=state["rates"]["verdicts"])
                rejected = CounterMetricFamily("jinyun_rejects", "refused, by reason", labels=["reason"])
                for reason, count in state["rates"]["rejects"].items():
                    rejected.add_metric([reason], count)
                yield rejected
                for room in ("journal", "store", "hj212"):
                    for name, value in state[room].items():
                        if isinstance(value, int | float) and not isinstance(value, bool):
                            yield GaugeMetricFamily(f"jinyun_{room}_{name}", f"{room}: {name}", value=value)
                process = state["process"]
                yield CounterMetricFamily("jinyun_cpu_seconds", "CPU time", value=process["cpu_s"])
                yield GaugeMetricFamily("jinyun_rss_bytes", "resident memory", value=process["rss"])
                yield GaugeMetricFamily("jinyun_disk_free_bytes", "free on the data disk", value=state["disk"]["free"])
                ahead = state["care"]["forecast"]
                if ahead["days_left"] is not None:
                    yield GaugeMetricFamily("jinyun_disk_days_left", "until the disk is full", value=ahead["days_left"])
                lag = state["lag"]["windows"]
                yield GaugeMetricFamily("jinyun_windows_behind", "messages not yet in windows", value=lag["behind"])
                yield GaugeMetricFamily("jinyun_windows_behind_seconds", "age of the first", value=lag["behind_s"])
                failures = CounterMetricFamily("jinyun_job_failures", "failed runs", labels=["job"])
                for job in state["jobs"]:
                    failures.add_metric([str(job["name"])], job["failures"])
                yield failures

        registry = CollectorRegistry(auto_describe=False)
        registry.register(Collector())
        return generate_latest(registry)


def _told(ask: Callable[[], Any]) -> dict[str, Any]:
    told = ask()
    return dict(told) if isinstance(told, Mapping) else {}


def _reject(one: Mapping[str, Any]) -> dict[str, Any]:
    shown = dict(one)
    data = shown.pop("data", None)
    if isinstance(data, bytes | bytearray | memoryview):
        raw = bytes(data)
        shown["hex"] = raw[:4096].hex()
        shown["text"] = raw[:4096].decode("utf-8", "replace")
        shown["bytes"] = len(raw)
    if shown.get("ref") is not None:
        shown["ref"] = str(shown["ref"])
    return shown
