"""District scale, steady state: 3,000 connections for ten minutes; nothing lost, CPU, memory, socket-to-browser time.

    python benchmarks/district_steady.py [--minutes 10] [--warm 180] [--realtime 30] [--minute 10] [--scale district]

A node and the simulator run as processes of their own, as at a bureau. After the connections stand and the first
look-back is through (`--warm`), the node's CPU and memory are sampled. A probe among the loggers sends values of its
own every two seconds, and a page on the live stream waits for them: that is the time from the socket to the browser. At
the end the store's minute figures are compared with the hidden truth.
Prints one line per floor of issue 2 and exits 1 when one is missed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any
from urllib.request import Request

import psutil

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests" / "support")]

from nodes import Node, register  # noqa: E402

from jinyun.kernel.terms import Period  # noqa: E402
from jinyun.sense.hj212 import compose  # noqa: E402
from jinyun.sim.district import build  # noqa: E402
from jinyun.sim.truth import Truth, table  # noqa: E402

CPU_FLOOR, RSS_FLOOR_GB, LATENCY_FLOOR_S = 1.0, 1.2, 3.0
SEED = 7


PROBE = "PROBE00000000001"


def probe_records() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        ("site", PROBE, {"name": "测时点", "kind": "water_outlet"}),
        ("device", PROBE, {"mn": PROBE, "site": PROBE, "edition": "2017", "periods": ["realtime"], "set_clock": False}),
    ]  # fmt: skip


def _drain(link: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while link.recv(4096):
            pass


class Probe(threading.Thread):
    """A logger of our own among the others: each two seconds a value that was never sent before, and when it left."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.port, self.left = port, {}

    def run(self) -> None:
        with contextlib.suppress(ConnectionError), socket.create_connection(("127.0.0.1", self.port)) as link:
            link.setblocking(True)
            threading.Thread(target=_drain, args=(link,), daemon=True).start()
            for number in range(1, 100_000):
                now = time.time()
                text = f"{number / 10:.1f}"
                (frame,) = compose.upload(
                    "2011", mn=PROBE, st="32", time=int(now), qn=compose.qn_of(int(now * 1e6)),
                    items=[compose.item("w01018", "N", Rtd=text)],
                )  # fmt: skip
                self.left[number] = time.time()
                link.sendall(frame)
                time.sleep(2.0)


class Page(threading.Thread):
    """A browser on the live stream: when does the probe's value come?"""

    def __init__(self, node: Node, probe: Probe) -> None:
        super().__init__(daemon=True)
        self.node, self.probe, self.ages, self.measuring, self.events = node, probe, [], False, 0
        self.problem = ""

    def run(self) -> None:
        try:
            request = Request(f"http://127.0.0.1:{self.node.http}/api/events?topics=reading")
            with self.node._opener.open(request, timeout=120) as stream:
                for line in stream:
                    if line.startswith(b"data:") and self.measuring:
                        self.events += 1
                        if PROBE.encode() in line:
                            self.note(json.loads(line[5:]))
        except Exception as wrong:
            self.problem = repr(wrong)

    def note(self, event: dict[str, Any]) -> None:
        for one in event["values"]:
            left = self.probe.left.pop(round(float(one["value"]) * 10), None)
            if left is not None:
                self.ages.append(time.time() - left)


def share(values: list[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else float("nan")


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--minutes", type=float, default=10.0)
    words.add_argument("--warm", type=float, default=180.0, help="seconds before measuring")
    words.add_argument("--realtime", type=int, default=30)
    words.add_argument("--minute", type=int, default=10)
    words.add_argument("--scale", default="district")
    words.add_argument("--keep", type=Path, help="folder to work in and leave")
    words.add_argument("--lookback-h", type=int, default=2, help="hours asked for at first sight")
    asked = words.parse_args()
    base = asked.keep or Path(tempfile.mkdtemp(prefix="jinyun-district-"))
    try:
        return run(asked, base)
    finally:
        if asked.keep is None:
            shutil.rmtree(base, ignore_errors=True)


def run(asked: argparse.Namespace, base: Path) -> int:
    district = build(asked.scale, SEED)
    folder = base / "node"
    register(folder, [*district.records(realtime=asked.realtime, minute=asked.minute), *probe_records()])
    (folder / "jinyun.toml").write_text(f"hour_lookback_h = {asked.lookback_h}\nminute_lookback_h = 1\n")
    with Node(folder, "--empty") as node:
        node.log_in()
        simulator = subprocess.Popen(
            [
                sys.executable, "-m", "jinyun", "simulate", "--scale", asked.scale, "--seed", str(SEED),
                "--port", str(node.hj212), "--realtime", str(asked.realtime), "--minute", str(asked.minute),
            ],
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            probe = Probe(node.hj212)
            page = Page(node, probe)
            page.start()
            probe.start()
            print(f"{asked.scale}: {district.connections()} connections, warming up {asked.warm:g} s", flush=True)
            time.sleep(asked.warm)
            figures = measure(asked, node, psutil.Process(simulator.pid), page)
        finally:
            simulator.terminate()
            simulator.wait(30)
        time.sleep(3)
    figures["lost"], figures["compared"] = lost(folder, district, figures, asked.minute)
    return tell(figures, page)


def measure(asked: argparse.Namespace, node: Node, simulator: psutil.Process, page: Page) -> dict[str, Any]:
    assert node.process is not None
    process = psutil.Process(node.process.pid)
    page.measuring = True
    began, cpu, sim_cpu = time.time(), sum(process.cpu_times()[:2]), sum(simulator.cpu_times()[:2])
    rss, online = [], 0
    while time.time() - began < asked.minutes * 60:
        time.sleep(5)
        rss.append(process.memory_info().rss)
        online = len([c for c in process.net_connections("tcp") if c.laddr.port == node.hj212 and c.raddr])
    ended = time.time()
    page.measuring = False
    spent = ended - began
    return {
        "began": int(began), "ended": int(ended), "cpu": (sum(process.cpu_times()[:2]) - cpu) / spent,
        "sim_cpu": (sum(simulator.cpu_times()[:2]) - sim_cpu) / spent, "rss": max(rss), "connections": online,
        "p50": share(page.ages, 0.5), "p95": share(page.ages, 0.95), "events": page.events, "probes": len(page.ages),
        "system": node.ask("GET", "/api/system").get("rates"),
    }  # fmt: skip


def lost(folder: Path, district: Any, figures: dict[str, Any], minute: int) -> tuple[int, int]:
    """Minute figures of the measured time that the store lacks or has otherwise; and how many were compared.

    The last two periods are left out: they may not have been sent when the simulator ended.
    """
    from jinyun.app.assemble import House
    from jinyun.app.settings import Settings

    length = 60 * minute
    start = -(-figures["began"] // length) * length - length
    end = figures["ended"] // length * length - (length if figures["ended"] % length < 90 else 0)
    house = House(Settings.load(folder))
    stored: dict[tuple[Any, ...], Any] = {}
    try:
        house.sites.refresh()
        house.directory.refresh()
        house.centre.replay()
        house.readings.flush()
        for logger in district.loggers:
            for r in house.readings.read(logger.site, periods=[Period.MINUTE], start=start, end=end):
                stored[logger.site, r.factor, r.stat, r.time] = r.value
    finally:
        house.close()
    missing = compared = 0
    for row in table(Truth(district), start, end, minute=minute, periods=(Period.MINUTE,)):
        compared += 1
        missing += stored.get((row.site, row.factor, row.stat, row.time)) != row.value
    return missing, compared


def tell(figures: dict[str, Any], page: Page) -> int:
    checks = [
        ("nothing lost", figures["lost"] == 0 and figures["compared"] > 0,
         f"{figures['lost']} of {figures['compared']} minute figures missing or different"),
        ("node CPU < 1 core", figures["cpu"] < CPU_FLOOR, f"{figures['cpu']:.2f} core"),
        ("node RSS < 1.2 GB", figures["rss"] < RSS_FLOOR_GB * 1e9, f"{figures['rss'] / 1e9:.2f} GB"),
        ("socket to browser p95 < 3 s", figures["p95"] < LATENCY_FLOOR_S,
         f"p50 {figures['p50']:.2f} s, p95 {figures['p95']:.2f} s of {figures['probes']} probes "
         f"({figures['events']} events) {page.problem}"),
    ]  # fmt: skip
    print(f"{figures['ended'] - figures['began']} s, {figures['connections']} connections, rates {figures['system']}")
    print(f"simulator CPU {figures['sim_cpu']:.2f} core; load average {os.getloadavg()[0]:.1f}")
    for name, held, said in checks:
        print(f"{'ok  ' if held else 'MISS'} {name}: {said}")
    return 0 if all(held for _, held, _ in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
