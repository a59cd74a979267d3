"""One day of minutes in order, the same fully reversed, and the same a week late: the same rows and roll-ups; the cost.

    python benchmarks/out_of_order.py [--stations 200]

"A week late" comes after seven later days were taken in, sealed and merged. Compared are all current rows (series,
time, value, flag), the hourly roll-up and the exact P95, before and after merging.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import tempfile
import time
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
from minutes import FACTORS, MINUTES, START, Minutes

from jinyun.kernel.ports import Block
from jinyun.kernel.terms import Origin, Period, SeriesKey, Stat
from jinyun.store.database import open_database
from jinyun.store.readings import DuckReadings

DAY = 86_400
Minute = tuple[np.ndarray, np.ndarray, np.ndarray]


def main() -> None:
    """Run the three and compare."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--stations", type=int, default=200)
    stations = asked.parse_args().stations
    show("rows", f"{stations * FACTORS * MINUTES:,} a day; load {os.getloadavg()[0]:.1f}")
    source = Minutes(stations)
    day = [source.next() for _ in range(MINUTES)]
    said: dict[str, tuple[str, ...]] = {}
    costs: dict[str, float] = {}
    for name, order, later in (
        ("in order", range(MINUTES), 0),
        ("reversed", range(MINUTES - 1, -1, -1), 0),
        ("a week late", range(MINUTES), 7),
    ):
        with tempfile.TemporaryDirectory(prefix="jinyun-order-") as aside:
            said[name], costs[name] = one_way(name, Path(aside), day, order, later)
    same = len(set(said.values())) == 1
    for name in ("reversed", "a week late"):
        show(f"{name}: cost of taking in and sealing against in order", f"{costs[name] / costs['in order']:.2f} times")
    show("current rows, hourly roll-ups and P95 are the same", "yes" if same else f"NO: {said}")
    raise SystemExit(0 if same else 1)


def one_way(
    name: str, folder: Path, day: list[Minute], order: Iterable[int], later: int
) -> tuple[tuple[str, ...], float]:
    """Take the day in; digests of what the store says of it, and the seconds it took."""
    stations = len(day[0][2])
    database = open_database(folder / "jinyun.db")
    store = DuckReadings(folder / "readings", database)
    keys = [SeriesKey(f"site{s}", f"f{f}", Stat.AVG, Period.MINUTE) for s in range(stations) for f in range(FACTORS)]
    series = store.series_ids(keys).reshape(stations, FACTORS)
    if later:
        following = Minutes(stations, seed=1)
        for n in range(1, later + 1):
            for minute in range(0, MINUTES, 10):  # every tenth minute is enough to be later
                put(store, series, START + n * DAY + 60 * minute, following.next())
            store.flush()
            store.seal()
        store.compact("2030-01-01")
    began = time.perf_counter(), time.process_time(), store.state()["looked_up"]
    for done, minute in enumerate(order, 1):
        put(store, series, START + 60 * minute, day[minute])
        if done % 60 == 0:
            store.flush()
            store.seal()
    wall, cpu = time.perf_counter() - began[0], time.process_time() - began[1]
    rows, state = stations * FACTORS * MINUTES, store.state()
    show(f"{name}: taken in and sealed by the hour", f"{wall:.1f} s, {cpu:.1f} s CPU ({cpu * 1e6 / rows:.2f} µs/row)")
    show(f"{name}: rows looked up among stored ones", f"{state['looked_up'] - began[2]:,}")
    before = digests(store)
    started = time.perf_counter()
    store.compact("2030-01-01")
    show(f"{name}: merged", f"{time.perf_counter() - started:.1f} s")
    after = digests(store)
    assert before == after, "merging changed an answer"
    assert store.verify() == []
    with store._manifest.pinned() as view:
        size = sum(one.bytes for one in view.rows if one.day == "2026-01-01")
    show(f"{name}: bytes a row, without frames", f"{size / rows:.2f}")
    store.close()
    database.dispose()
    return after, cpu


def put(store: DuckReadings, series: np.ndarray, at: int, minute: Minute) -> None:
    values, flags, order = minute
    for station in order.tolist():
        store.put(
            Block(at, series[station], values[station], flags[station], time.time_ns() // 1000, Origin.LIVE,
                  f"MN{station}", f"site{station}", None, period=Period.MINUTE)
        )  # fmt: skip


def digests(store: DuckReadings) -> tuple[str, ...]:
    """Of current rows, of the hourly roll-up, of the P95; of the first day alone."""
    rows, rolled, percentiles = hashlib.sha256(), hashlib.sha256(), hashlib.sha256()
    known = store.state()["series"]
    for first in range(0, known, 500):
        found = store.read_columns(range(first, min(known, first + 500)), START, START + DAY)
        for column in (found.series, found.time, found.value, found.flag):
            rows.update(np.ascontiguousarray(column).tobytes())
    for table in store.rollup(START, START + DAY):
        ordered = table.take(pc.sort_indices(table, [("series", "ascending"), ("start", "ascending")]))
        rolled.update("".join(map(str, ordered.to_pylist())).encode())
    for series, value, count in store.percentile(Decimal("0.95"), START, START + DAY):
        percentiles.update(series.tobytes() + value.tobytes() + count.tobytes())
    return rows.hexdigest(), rolled.hexdigest(), percentiles.hexdigest()


def show(name: str, figure: str) -> None:
    print(f"{name:72} {figure}", flush=True)


if __name__ == "__main__":
    main()
