"""Shipped expressions of `jinyun cluster` on DuckDB and on a Spark cluster of two workers started here.

Two nodes with real stores, by default 5.8 million rows: minutes of some days and hours of a quarter. Prints rows, wall
and CPU seconds of each expression on both engines, and whether the digests are equal. CPU of Spark: master, workers,
executors and driver. Asked once, so the first has the warming of the JVM in it; `--twice` asks again.

    python benchmarks/cluster.py [--minute-days 3] [--hour-days 90] [--only hours,p95] [--twice]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from jinyun.app import cluster
from jinyun.app.discover import record_types
from jinyun.kernel.ports import MICRO, SYSTEM, Block
from jinyun.kernel.terms import Origin, Period, SeriesKey, Stat
from jinyun.store.cluster.engines import DuckEngine, SparkEngine
from jinyun.store.cluster.local import LocalCluster
from jinyun.store.cluster.run import Run
from jinyun.store.database import open_database
from jinyun.store.readings import DuckReadings
from jinyun.store.records import SqlRecords

START = 1_772_294_400  # 2026-03-01T00:00 in China [s]
AIR = {"so2": 12, "no2": 40, "co": 0.9, "o3": 90, "pm10": 70, "pm2_5": 40}
WATER = {"ph": 7.6, "do": 7.1, "cod_mn": 3.9, "nh3_n": 0.6, "tp": 0.12, "water_temp": 18.4}
STACK = {"so2": 20, "nox": 60, "o2": 8}
STATIONS, SECTIONS, STACKS = 60, 30, 30


class Clock:
    """After the data."""

    def now(self) -> int:
        return (START + 400 * 86_400) * MICRO


def make(folder: Path, name: str, *, minute_days: int, hour_days: int, seed: int) -> None:
    """One node's folder, sealed and merged by day."""
    rng = np.random.default_rng(seed)
    database = open_database(folder / "records.sqlite")
    sites = (
        [(f"{name}-a{n}", "air_station", AIR) for n in range(STATIONS)]
        + [(f"{name}-w{n}", "water_section", WATER) for n in range(SECTIONS)]
        + [(f"{name}-s{n}", "stack_outlet", STACK) for n in range(STACKS)]
    )
    records = SqlRecords(database, record_types(), Clock())
    body = {"water_section": {"body": "river"}}
    records.put_many("site", [(id, {"name": id, "kind": kind, **body.get(kind, {})}) for id, kind, _ in sites], SYSTEM)
    stacks = [id for id, kind, _ in sites if kind == "stack_outlet"]
    outlets = [(f"{id}-o", {"name": id, "code": "DA001", "kind": "stack", "site": id}) for id in stacks]
    records.put_many("outlet", outlets, SYSTEM)
    limits = [
        (f"{id}-{factor}", {"outlet": f"{id}-o", "factor": factor, "period": "hour", "limit": limit, "unit": "mg/m3"})
        for id in stacks
        for factor, limit in (("so2", 35), ("nox", 100))
    ]
    records.put_many("permit_limit", limits, SYSTEM)
    store = DuckReadings(folder, database, clock=Clock())
    hours = [
        (SeriesKey(id, f, Stat.AVG, Period.HOUR), level) for id, _, factors in sites for f, level in factors.items()
    ]
    minutes = [
        (SeriesKey(key.site, key.factor, Stat.AVG, Period.MINUTE), level)
        for key, level in hours
        if key.site.startswith(f"{name}-a")
    ]
    received = START * MICRO
    for keys, step, days in ((minutes, 60, minute_days), (hours, 3600, hour_days)):
        ids = store.series_ids([key for key, _ in keys])
        level = np.array([one for _, one in keys])
        noise = np.zeros(len(keys))
        for n, at in enumerate(range(START, START + days * 86_400, step)):
            noise = 0.9 * noise + rng.standard_normal(len(keys)) * 0.1
            values = (np.round(level * (1 + noise) * 10).astype(np.int64)) * 100_000
            flags = np.where(rng.random(len(keys)) < 0.01, 5, 0).astype(np.uint8)
            received += 1_000_000
            store.put(Block(at, ids, values, flags, received, Origin.LIVE, "MN", name, None, period=keys[0][0].period))
            if n % 20_000 == 19_999:
                store.flush()
        store.flush()
        store.seal()
    store.compact("2027-12-31")
    store.close()
    database.dispose()


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--minute-days", type=int, default=3)
    words.add_argument("--hour-days", type=int, default=90)
    words.add_argument("--memory-mb", type=int, default=3072, help="of each Spark worker")
    words.add_argument("--folder", default="", help="keep the nodes here, and use them when they are there")
    words.add_argument("--only", default="")
    words.add_argument("--twice", action="store_true")
    words.add_argument("--json", action="store_true")
    given = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="jinyun-cluster-bench-") as aside:
        began, folder = time.perf_counter(), given.folder or aside
        for n, name in enumerate(("north", "south")):
            if (Path(folder) / name).exists():
                continue
            make(Path(folder) / name, name, minute_days=given.minute_days, hour_days=given.hour_days, seed=n)
        run = Run(cluster.open_nodes([Path(folder) / "north", Path(folder) / "south"]), cluster.rule_book())
        rows, size = sum(one.rows for one in run.nodes), sum(one.bytes for one in run.nodes)
        print(f"{rows:,} rows in 2 nodes, {size / rows:.2f} B/row, made in {time.perf_counter() - began:.0f} s",
              file=sys.stderr)  # fmt: skip
        names = given.only.split(",") if given.only else [one["name"] for one in cluster.expressions()]
        table = _measure(run, names, rows, given)
        if given.json:
            print(json.dumps({"rows": rows, "bytes": size, "expressions": table}, indent=1))


def _measure(run: Run, names: list[str], rows: int, given: argparse.Namespace) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    duck = DuckEngine(memory_mb=2048)
    with LocalCluster(2, memory_mb=given.memory_mb) as local:
        began = time.perf_counter()
        spark = SparkEngine(local.url, pids=local.pids, settings={"spark.executor.memory": f"{given.memory_mb - 512}m"})
        print(f"session {time.perf_counter() - began:.0f} s", file=sys.stderr)
        try:
            for name in names:
                for _ in range(2 if given.twice else 1):
                    here, there = run.ask(duck, name), run.ask(spark, name)
                row: dict[str, object] = {
                    "expression": name, "rows": here.rows, "equal": here.digest == there.digest,
                    "duckdb_wall_s": round(here.wall, 2), "duckdb_cpu_s": round(here.cpu, 2),
                    "spark_wall_s": round(there.wall, 2), "spark_cpu_s": round(there.cpu, 2),
                    "duckdb_us_per_row": round(here.cpu / rows * 1e6, 3),
                    "spark_us_per_row": round(there.cpu / rows * 1e6, 3),
                }  # fmt: skip
                found.append(row)
                print("  ".join(f"{key} {value}" for key, value in row.items()), file=sys.stderr, flush=True)
        finally:
            spark.close()
            duck.close()
    return found


if __name__ == "__main__":
    main()
