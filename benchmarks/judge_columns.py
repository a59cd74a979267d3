"""How fast whole columns are judged on one core, beside python-aqi a row: hourly AQI of ten million rows.

    PYTHONPATH=src python benchmarks/judge_columns.py [--rows 10000000] [--peers-python /path/to/venv/bin/python]

Both editions; random hours with 3 % missing values, made in blocks outside the clock so that memory stays bounded. Each
block is also spot-checked against the function that judges one row. Without the peers' Python that part is skipped.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import time
from datetime import date
from pathlib import Path

import numpy as np

from jinyun.domains.air.aqi import aqi_hourly
from jinyun.domains.air.columns import NA, AqiColumns, aqi_columns
from jinyun.domains.air.limits import IndexEdition, index_edition
from jinyun.methods.columns import MICRO, MISSING, Column, decimal_at

BLOCK = 1_000_000
TOPS = {"so2": 60, "no2": 150, "co": 3, "o3": 300, "pm10": 400, "pm2_5": 300}
RUNNER = Path(__file__).with_name("peers_air_runner.py")
FLOOR = 20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--peers-python", default=os.environ.get("JINYUN_PEERS_PYTHON", ""))
    asked = parser.parse_args()
    rng = np.random.default_rng(20260301)
    print(f"| hourly AQI, {asked.rows:,} rows | s | rows/s | µs a row |\n|---|---:|---:|---:|")
    slowest = 0.0
    for day in (date(2026, 2, 28), date(2026, 3, 1)):
        edition = index_edition(day)
        seconds = columns(rng, asked.rows, edition)
        slowest = max(slowest, seconds / asked.rows)
        line(f"columns, {edition.standard}", asked.rows, seconds)
    count, seconds = one_by_one(rng, index_edition(date(2026, 3, 1)))
    line(f"one by one, HJ 633-2026 ({count:,} rows)", count, seconds)
    print(f"largest memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    peer = python_aqi(rng, asked.peers_python)
    if peer is None:
        return 0
    print(
        f"python-aqi 0.6.1: {1e6 * peer:.1f} µs a row; columns are {peer / slowest:,.0f} times as fast (floor {FLOOR})"
    )
    return 0 if peer / slowest >= FLOOR else 1


def line(what: str, rows: int, seconds: float) -> None:
    print(f"| {what} | {seconds:.2f} | {rows / seconds:,.0f} | {1e6 * seconds / rows:.3f} |")


def block(rng: np.random.Generator, rows: int, missing: float = 0.03) -> dict[str, Column]:
    """Hours with one decimal, so that halves of both parities come too."""
    found = {}
    for name, top in TOPS.items():
        values = rng.integers(0, top * 10, rows) * (MICRO // 10)
        values[rng.random(rows) < missing] = MISSING
        found[name] = values
    return found


def columns(rng: np.random.Generator, rows: int, edition: IndexEdition) -> float:
    seconds = 0.0
    for first in range(0, rows, BLOCK):
        values = block(rng, min(BLOCK, rows - first))
        started = time.process_time()  # of this process: what else the machine does is not counted
        found = aqi_columns(values, edition)
        seconds += time.process_time() - started
        check(found, values, edition)
    return seconds


def check(found: AqiColumns, values: dict[str, Column], edition: IndexEdition) -> None:
    """Fifty rows of a block against the function for one row."""
    for row in range(0, len(found.aqi), max(1, len(found.aqi) // 50)):
        one = aqi_hourly({name: decimal_at(column, row) for name, column in values.items()}, edition)
        assert found.aqi[row] == (NA if one.value is None else one.value)
        assert set(found.names(int(found.primary[row]))) == set(one.primary)


def one_by_one(rng: np.random.Generator, edition: IndexEdition, rows: int = 20_000) -> tuple[int, float]:
    values = block(rng, rows)
    given = [{name: decimal_at(column, row) for name, column in values.items()} for row in range(rows)]
    started = time.process_time()
    for one in given:
        aqi_hourly(one, edition)
    return rows, time.process_time() - started


def python_aqi(rng: np.random.Generator, python: str, rows: int = 20_000) -> float | None:
    """Seconds a row of python-aqi on rows of the same kind, none missing (it would raise when all are)."""
    if not python or not Path(python).is_file():
        print(f"python-aqi skipped: no Python of the peers at {python!r} (--peers-python or JINYUN_PEERS_PYTHON)")
        return None
    values = block(rng, rows, missing=0)
    asks = [
        {"peer": "python-aqi", "ask": "hourly",
         "values": {name: str(decimal_at(column, row).normalize()) for name, column in values.items()}}
        for row in range(rows)
    ]  # fmt: skip
    done = subprocess.run([python, str(RUNNER)], input=json.dumps(asks), capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"python-aqi skipped: {done.stderr.strip().splitlines()[-1]}")
        return None
    return json.loads(done.stdout)["seconds"]["python-aqi"] / rows


if __name__ == "__main__":
    raise SystemExit(main())
