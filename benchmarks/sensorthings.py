"""SensorThings over 10 M observations: count, latest, pages, filters, of a running node, over a socket.

    python benchmarks/sensorthings.py [--folder DIR] [--rows 10000000] [--times 15]

Builds minute data of 1,000 series straight into the store, seals it, starts `jinyun serve` in a process of its own and
asks. Prints the median and the slowest of each question, in ms; the first asking of each is told apart (cold).
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import numpy as np
import psutil

from jinyun.app.assemble import House
from jinyun.app.settings import Settings
from jinyun.kernel.ports import MICRO, SYSTEM, Block
from jinyun.kernel.terms import Origin, Period, SeriesKey, Stat, china_time

SITES = 100
FACTORS = ("so2", "no2", "co", "o3", "pm10", "pm2_5", "temperature", "humidity", "wind_speed", "wind_direction")


def main() -> None:
    """Build when the folder is new, then measure."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--folder", default=None)
    asked.add_argument("--rows", type=int, default=10_000_000)
    asked.add_argument("--times", type=int, default=15)
    options = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="jinyun-bench-") as aside:
        folder = Path(options.folder or aside) / "var"
        start = int(time.time()) // 86400 * 86400 - 28_800 - 8 * 86400
        if not (folder / "records.sqlite").exists():
            build(folder, options.rows, start)
        with_node(folder, options.times, start)


def build(folder: Path, rows: int, start: int) -> None:
    """Minute data, two decimals, a daily cycle, one in a hundred flagged."""
    house = House(Settings.load(folder, http_port=0, hj212_port=0))
    dice = np.random.default_rng(18088)
    sites = [f"site-{n:03d}" for n in range(SITES)]
    house.records.put_many(
        "site",
        [
            (
                id,
                {
                    "name": f"站点 {n}",
                    "kind": "air_station",
                    "place": {"lon": 106 + n % 10 / 10, "lat": 29 + n // 10 / 10},
                },
            )
            for n, id in enumerate(sites)
        ],
        SYSTEM,
    )
    series = house.readings.series_ids([SeriesKey(s, f, Stat.AVG, Period.MINUTE) for s in sites for f in FACTORS])
    base = np.abs(dice.normal(40, 15, len(series)))
    began = time.perf_counter()
    minutes = rows // len(series)
    for minute in range(minutes):
        noise = 1 + 0.2 * np.sin(minute / 230) + 0.02 * dice.normal(size=len(series))
        values = (np.round(base * noise, 2) * 100).round().astype(np.int64) * (MICRO // 100)
        flags = (dice.random(len(series)) < 0.01).astype(np.uint8)
        at = start + 60 * minute
        house.readings.put(
            Block(
                time=at, series=series, values=values, flags=flags, received_at=(at + 70) * MICRO, origin=Origin.LIVE,
                mn="bench", site=sites[0], ref=None, period=Period.MINUTE,
            )
        )  # fmt: skip
    house.readings.flush()
    put = time.perf_counter() - began
    house.readings.seal()
    house.readings.compact("9999-12-31")
    print(f"built {minutes * len(series):,} observations of {len(series)} series: {put:.1f} s, sealed and merged after "
          f"{time.perf_counter() - began:.1f} s")  # fmt: skip
    house.close()


def with_node(folder: Path, times: int, start: int) -> None:
    """Start a node over the folder, ask it, stop it."""
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        ports = one.getsockname()[1], two.getsockname()[1]
    command = [sys.executable, "-m", "jinyun", "serve", "--folder", str(folder), "--empty",
               "--port", str(ports[0]), "--hj212-port", str(ports[1])]  # fmt: skip
    began = time.perf_counter()
    node = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{ports[0]}/sta/v1.1", trust_env=False, timeout=120) as client:
            wait(client, folder, node)
            print(f"node answers after {time.perf_counter() - began:.1f} s")
            measure(client, times, start, psutil.Process(node.pid))
    finally:
        node.send_signal(signal.SIGTERM)
        node.wait(60)


def wait(client: httpx.Client, folder: Path, node: subprocess.Popen[bytes]) -> None:
    while node.poll() is None:
        try:
            client.headers["authorization"] = f"Bearer {json.loads((folder / 'node.json').read_text())['token']}"
            if client.get("").status_code == 200:
                return
        except (OSError, ValueError, httpx.HTTPError):
            pass
        time.sleep(0.1)
    raise SystemExit("the node did not start")


def measure(client: httpx.Client, times: int, start: int, node: psutil.Process) -> None:
    """Wall time, and the node's CPU time per question (which a busy machine does not stretch as much)."""
    day = china_time(start + 3 * 86400)
    until = china_time(start + 4 * 86400)
    span = f"phenomenonTime ge {day.isoformat()} and phenomenonTime lt {until.isoformat()}"
    questions = {
        "count of all": ("/Observations", {"$count": "true", "$top": "0"}),
        "Observations/$count": ("/Observations/$count", {}),
        "count of one Datastream": ("/Datastreams(17)/Observations", {"$count": "true", "$top": "0"}),
        "newest of all": ("/Observations", {"$top": "1", "$orderby": "phenomenonTime desc"}),
        "newest of 100 Datastreams": ("/Datastreams", {"$expand": "Observations($top=1;$orderby=phenomenonTime desc)"}),
        "newest of 1,000 Datastreams": (
            "/Datastreams",
            {"$top": "1000", "$expand": "Observations($top=1;$orderby=phenomenonTime desc)"},
        ),
        "newest and count of 100": (
            "/Datastreams",
            {"$expand": "Observations($top=1;$orderby=phenomenonTime desc;$count=true)"},
        ),
        "100 newest of one": ("/Datastreams(17)/Observations", {"$orderby": "phenomenonTime desc"}),
        "first page of all": ("/Observations", {}),
        "a day of one, 1,000 a page": ("/Datastreams(17)/Observations", {"$top": "1000", "$filter": span}),
        "count of a day of one": ("/Datastreams(17)/Observations", {"$count": "true", "$top": "0", "$filter": span}),
        "count of a day of all": ("/Observations", {"$count": "true", "$top": "0", "$filter": span}),
        "count of all above 60": ("/Observations", {"$count": "true", "$top": "0", "$filter": "result gt 60"}),
        "10 highest of all": ("/Observations", {"$top": "10", "$orderby": "result desc"}),
    }
    print(f"{'question':34}{'cold ms':>9}{'median':>9}{'slowest':>9}{'CPU ms':>9}   (load {os.getloadavg()[0]:.1f})")
    for name, (path, query) in questions.items():
        took, before = [], sum(node.cpu_times()[:2])
        for _ in range(times + 1):
            began = time.perf_counter()
            answer = client.get(path, params=query)
            took.append((time.perf_counter() - began) * 1000)
            if answer.status_code != 200:
                raise SystemExit(f"{name}: {answer.status_code} {answer.text[:300]}")
        spent = (sum(node.cpu_times()[:2]) - before) * 1000 / len(took)
        print(f"{name:34}{took[0]:9.1f}{statistics.median(took[1:]):9.1f}{max(took[1:]):9.1f}{spent:9.1f}")
    began, pages, link, seen = time.perf_counter(), 0, "/Datastreams(17)/Observations?$top=1000", 0
    while link and pages < 12:
        body = client.get(link).json()
        seen, pages, link = seen + len(body["value"]), pages + 1, body.get("@iot.nextLink", "")
    took_ms = (time.perf_counter() - began) * 1000 / pages
    print(f"{'a page of 1,000 by nextLink':34}{'':9}{took_ms:9.1f}   ({pages} pages, {seen:,} observations)")


if __name__ == "__main__":
    main()
