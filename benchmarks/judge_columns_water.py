"""How fast classes of section rows are judged on one core, in columns and one by one, beside python-aqi a row.

    PYTHONPATH=src python benchmarks/judge_columns_water.py [--rows 1000000] [--peers-python /path/to/venv/bin/python]

Random sections with 3 % missing values: the five items of an automatic station and all 21, river and lake by row. A
thousand rows of each are checked against the function that judges one row. No package of the peers judges water by a
Chinese standard; python-aqi, which the issue names as the measure, is timed on one hour of six pollutants a row.
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

from jinyun.domains.water.columns import SectionColumns, section_classes
from jinyun.domains.water.limits import Edition, edition
from jinyun.domains.water.quality import section_class
from jinyun.domains.water.section import judge_section
from jinyun.methods.columns import MISSING, Column, decimal_at, micro

DAY = date(2026, 11, 22)
STATION = ("ph", "do", "cod_mn", "nh3_n", "tp")
RUNNER = Path(__file__).with_name("peers_air_runner.py")
FLOOR = 20
CHECKED = 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--peers-python", default=os.environ.get("JINYUN_PEERS_PYTHON", ""))
    asked = parser.parse_args()
    rng = np.random.default_rng(3838)
    tables = (edition(DAY), edition(DAY, "lake"))
    print(f"| class of {asked.rows:,} section rows | s | rows/s | µs a row |\n|---|---:|---:|---:|")
    slowest = 0.0
    for codes, what in ((STATION, "5 items"), (tables[0].evaluated, "21 items")):
        values = sections(rng, asked.rows, codes, tables[0])
        for which, kind in ((None, "river"), (rng.integers(0, 2, asked.rows), "river or lake by row")):
            started = time.process_time()  # of this process: what else the machine does is not counted
            found = section_classes(values, tables[0] if which is None else tables, which)
            seconds = time.process_time() - started
            slowest = max(slowest, seconds / asked.rows)
            line(f"columns, {what}, {kind}", asked.rows, seconds)
            check(found, values, tables, which)
    values = sections(rng, 20_000, STATION, tables[0])
    rows = [row for n in range(20_000) if (row := one_row(values, n))]
    started = time.process_time()
    for row in rows:
        section_class(row, tables[0])
    line("one by one, class only, 5 items", len(rows), time.process_time() - started)
    started = time.process_time()
    for row in rows[:4000]:
        judge_section("断面", row, day=DAY)
    line("one by one, whole verdict with its sentences", 4000, time.process_time() - started)
    print(f"largest memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    peer = python_aqi(rng, asked.peers_python)
    if peer is None:
        return 0
    print(f"python-aqi: {1e6 * peer:.1f} µs a row; columns are {peer / slowest:,.0f} times as fast (floor {FLOOR})")
    return 0 if peer / slowest >= FLOOR else 1


def line(what: str, rows: int, seconds: float) -> None:
    print(f"| {what} | {seconds:.3f} | {rows / seconds:,.0f} | {1e6 * seconds / rows:.3f} |")


def sections(rng: np.random.Generator, rows: int, codes: tuple[str, ...], table: Edition) -> dict[str, Column]:
    """Values up to a quarter beyond the last limit, with as many decimals as a report prints; 3 % missing."""
    found = {}
    for code in codes:
        limits = table.item(code)
        top = micro(max(limits.limits)) * 5 // 4
        step = max(1, top // 2000)
        values = rng.integers(0, 2001, rows) * step
        values[rng.random(rows) < 0.03] = MISSING
        found[code] = values
    return found


def one_row(values: dict[str, Column], row: int) -> dict:
    return {code: value for code, column in values.items() if (value := decimal_at(column, row)) is not None}


def check(found: SectionColumns, values: dict[str, Column], tables: tuple[Edition, ...], which) -> None:
    """The first rows against the function that judges one."""
    for row in range(min(CHECKED, len(found.level))):
        table = tables[0 if which is None else int(which[row])]
        one = section_class(one_row(values, row), table)
        expected = (one.level, one.deciding) if one else (0, ())
        if (int(found.level[row]), found.deciding_of(row)) != expected:
            raise SystemExit(f"row {row}: {found.level[row]} {found.deciding_of(row)} instead of {expected}")


def python_aqi(rng: np.random.Generator, python: str, rows: int = 5000) -> float | None:
    """Seconds a row of python-aqi, on hours of six pollutants."""
    if not python or not Path(python).is_file():
        print(f"python-aqi skipped: no Python of the peers at {python!r} (--peers-python or JINYUN_PEERS_PYTHON)")
        return None
    tops = {"so2": 60, "no2": 150, "co": 3, "o3": 300, "pm10": 400, "pm2_5": 300}
    asks = [
        {
            "peer": "python-aqi",
            "ask": "hourly",
            "values": {name: str(rng.integers(1, top)) for name, top in tops.items()},
        }
        for _ in range(rows)
    ]
    done = subprocess.run([python, str(RUNNER)], input=json.dumps(asks), capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"python-aqi skipped: {done.stderr.strip().splitlines()[-1]}")
        return None
    return json.loads(done.stdout)["seconds"]["python-aqi"] / rows


if __name__ == "__main__":
    raise SystemExit(main())
