"""One day of minutes of 75,000 series (108 million rows) through the store, beside PostgreSQL and SQLite.

    python benchmarks/warehouse.py [--scale 0.05] [--parts ours,postgres,sqlite] [--folder DIR]

Ours: `Block`s of 15 rows (one frame of one station and minute) → group commits in the hot file → sealed by the hour →
merged by the day. Roll-up and P95 run over the *current versions*, as the manifest lets them be found, not over a bare
table; the frames are stored and counted in the bytes. PostgreSQL: series, time, value, flag alone, no versions and no
frames; day partition, COPY in one transaction (frozen), BRIN on time and btree on (series, time). `--numeric` gives its
values the exact type ours have instead of double precision. SQLite: a tenth of the size, WAL, index (series, time).
"""

from __future__ import annotations

import argparse
import contextlib
import glob
import os
import resource
import shutil
import socket
import sqlite3
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from minutes import FACTORS, MINUTES, START, Minutes

from jinyun.kernel.ports import Block
from jinyun.kernel.terms import JournalRef, Origin, Period, SeriesKey, Stat
from jinyun.store.database import open_database
from jinyun.store.readings import DuckReadings
from jinyun.store.rollups import ROLLED

END = START + 86_400
LOOKS = 20


def main() -> None:
    """Run the parts asked for and print the figures."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--scale", type=float, default=0.05, help="1 is 5,000 stations × 15 series")
    asked.add_argument("--parts", default="ours,postgres,sqlite")
    asked.add_argument("--folder", default=None)
    asked.add_argument("--numeric", action="store_true", help="PostgreSQL: numeric(18,6) instead of double precision")
    options = asked.parse_args()
    stations = max(10, round(5000 * options.scale))
    show("rows", f"{stations * FACTORS * MINUTES:,} of {stations * FACTORS:,} series; load {os.getloadavg()[0]:.1f}")
    figures: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="jinyun-warehouse-", dir=options.folder) as aside:
        os.chmod(aside, 0o755)
        parts = options.parts.split(",")
        if "ours" in parts:
            figures["ours"] = ours(Path(aside), stations)
        if "postgres" in parts:
            figures["postgres"] = postgres(Path(aside), stations, numeric=options.numeric)
        if "sqlite" in parts:
            figures["sqlite"] = sqlite(Path(aside), max(10, stations // 10))
    if {"ours", "postgres"} <= figures.keys():
        mine, theirs = figures["ours"], figures["postgres"]
        for name in ("roll-up", "roll-up, CPU", "P95", "P95, CPU", "bytes"):
            show(f"PostgreSQL / ours: {name}", f"{theirs[name] / mine[name]:.1f}")
        for name in ("sum", "kept", "p95"):
            same = abs(mine[name] - theirs[name]) <= 1e-9 * abs(mine[name])
            show(f"same answer: {name}", "yes" if same else f"NO: {mine[name]} {theirs[name]}")


# --- ours -------------------------------------------------------------------------------------------------------------


def blocks(day: Minutes, minutes: int, series: np.ndarray) -> tuple[list[Block], int, int]:
    """Blocks of the next minutes, in the order of arrival; what their unflagged values add up to, and how many."""
    made = []
    total = kept = 0
    for _ in range(minutes):
        minute = day.minute
        values, flags, order = day.next()
        good = flags == 0
        total, kept = total + int(values[good].sum()), kept + int(good.sum())
        at = START + 60 * minute
        received = (at + 61) * 1_000_000 + np.sort(np.random.default_rng(minute).integers(0, 50_000_000, len(order)))
        for place, station in enumerate(order.tolist()):
            number = minute * day.stations + place
            made.append(
                Block(
                    at, series[station], values[station], flags[station], int(received[place]), Origin.LIVE,
                    f"MN{station:022d}", f"site{station}", JournalRef(1 + number // 65_536, number % 65_536 * 391 + 16),
                    period=Period.MINUTE,
                )
            )  # fmt: skip
    return made, total, kept


def ours(folder: Path, stations: int) -> dict[str, float]:
    """All figures of our store."""
    database = open_database(folder / "jinyun.db")
    store = DuckReadings(folder / "readings", database)
    keys = [SeriesKey(f"site{s}", f"f{f}", Stat.AVG, Period.MINUTE) for s in range(stations) for f in range(FACTORS)]
    series = store.series_ids(keys).reshape(stations, FACTORS)
    day, rows = Minutes(stations), stations * FACTORS * MINUTES
    taking = sealing = 0.0
    total = kept = 0
    for _ in range(24):
        made, some, good = blocks(day, 60, series)
        total, kept = total + some, kept + good
        started = time.perf_counter()
        for one in made:
            store.put(one)
        store.flush()
        taken = time.perf_counter()
        store.seal()
        taking, sealing = taking + taken - started, sealing + time.perf_counter() - taken
    state = store.state()
    assert (state["sealed_rows"], state["frames"]) == (rows, stations * MINUTES), state
    show("ours: blocks committed, rows/s", f"{rows / taking:,.0f} in {taking:.1f} s")
    show("ours: sealed by the hour, rows/s", f"{rows / sealing:,.0f} in {sealing:.1f} s")
    show("ours: as sealed, bytes/row with its frame", f"{state['sealed_bytes'] / rows:.2f}")
    answers(store, folder, "as sealed", stations)
    took, merged = timed(lambda: store.compact("2030-01-01"))
    show("ours: merged by the day", f"{merged} groups in {took:.1f} s")
    found = answers(store, folder, "merged", stations)
    show("ours: merged, bytes/row with its frame", f"{found['bytes']:.2f}")
    truth = total / 1e6, kept
    show("ours: sum and count equal the generator's", "yes" if (found["sum"], found["kept"]) == truth else "NO")
    for wrong in store.verify():
        show("WRONG", wrong)
    show("ours: peak RSS", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")
    store.close()
    database.dispose()
    return found


def answers(store: DuckReadings, folder: Path, name: str, stations: int) -> dict[str, float]:
    """What the store says, and how fast."""
    dice = np.random.default_rng(1)
    looks = [
        timed(lambda one=one: store.read_columns([one], START, END))[0]
        for one in dice.integers(0, stations * FACTORS, LOOKS).tolist()
    ]
    show(f"ours: {name}, one series, one day, p50 / worst", ms([statistics.median(looks), max(looks)]))
    looks = [timed(store.latest_columns)[0] for _ in range(LOOKS)]
    show("ours: latest of all from the maintained table, p50 / worst", ms([statistics.median(looks), max(looks)]))
    looks = [timed(store.latest)[0] for _ in range(3)]
    show("ours: latest of all as readings by site, first / again", ms([looks[0], looks[-1]]))
    target = folder / "hourly.parquet"

    def rolled_up() -> tuple[Decimal, int]:
        total, kept = Decimal(0), 0
        with pq.ParquetWriter(target, ROLLED, compression="zstd") as out:
            for table in store.rollup(START, END):
                out.write_table(table)
                total += _sum(table)
                kept += int(table.column("count").to_numpy().sum())
        return total, kept

    cpu = time.process_time()
    rolling, (total, kept) = timed(rolled_up)
    rolling_cpu = time.process_time() - cpu
    show(f"ours: {name}, hourly roll-up of the current versions, written out", both(rolling, rolling_cpu))
    cpu = time.process_time()
    parts: list[float] = []
    percentiles, _ = timed(
        lambda: parts.extend(float(value.sum()) / 1e6 for _, value, _ in store.percentile(Decimal("0.95"), START, END))
    )
    percentiles_cpu = time.process_time() - cpu
    show(f"ours: {name}, exact P95 of each series", both(percentiles, percentiles_cpu))
    state = store.state()
    return {
        "roll-up": rolling, "P95": percentiles, "roll-up, CPU": rolling_cpu, "P95, CPU": percentiles_cpu,
        "bytes": state["sealed_bytes"] / state["sealed_rows"],
        "sum": float(total), "kept": kept, "p95": sum(parts),
    }  # fmt: skip


def _sum(table: Any) -> Decimal:
    return pc.sum(table.column("total")).as_py() or Decimal(0)


# --- PostgreSQL -------------------------------------------------------------------------------------------------------

COPY_ROW = np.dtype(
    [("n", ">i2"), ("ls", ">i4"), ("series", ">i4"), ("lt", ">i4"), ("time", ">i8"),
     ("lv", ">i4"), ("value", ">f8"), ("lf", ">i4"), ("flag", ">i2")]
)  # fmt: skip


def postgres(folder: Path, stations: int, *, numeric: bool) -> dict[str, float]:
    """The same day in a cluster of its own."""
    import psycopg

    rows = stations * FACTORS * MINUTES
    binaries = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    if not binaries:
        raise SystemExit("PostgreSQL is not installed: leave it out with --parts ours,sqlite")
    server = Cluster(Path(binaries[-1]), folder / "pg")
    with server as address, psycopg.connect(address, autocommit=True) as link:
        show("PostgreSQL", str(link.execute("SHOW server_version").fetchone()[0]))
        column = "numeric(18,6)" if numeric else "double precision"
        with link.transaction():
            link.execute(
                f"CREATE TABLE readings (series int NOT NULL, time bigint NOT NULL, value {column}, "
                "flag smallint NOT NULL) PARTITION BY RANGE (time)"
            )
            link.execute(f"CREATE TABLE day PARTITION OF readings FOR VALUES FROM ({START}) TO ({END})")
            copying = 0.0
            day = Minutes(stations)
            ids = np.arange(stations * FACTORS, dtype=np.int32).reshape(stations, FACTORS)
            for _ in range(24):
                made = b"".join(copied(day, ids, numeric=numeric) for _ in range(60))
                started = time.perf_counter()
                with link.cursor().copy(
                    f"COPY day FROM STDIN WITH (FREEZE, FORMAT {'text' if numeric else 'binary'})"
                ) as into:
                    into.write(b"" if numeric else b"PGCOPY\n\xff\r\n\0" + bytes(8))
                    into.write(made)
                    into.write(b"" if numeric else b"\xff\xff")
                copying += time.perf_counter() - started
        indexing, _ = timed(
            lambda: (
                link.execute("CREATE INDEX ON day USING brin (time)"),
                link.execute("CREATE INDEX ON day (series, time)"),
                link.execute("ANALYZE day"),
            )
        )
        show("PostgreSQL: COPY / indexes", f"{copying:.1f} s ({rows / copying:,.0f} rows/s) / {indexing:.1f} s")
        size = link.execute("SELECT pg_total_relation_size('day')").fetchone()[0]
        show("PostgreSQL: bytes/row", f"{size / rows:.1f}")
        dice = np.random.default_rng(1)
        look = "SELECT time, value, flag FROM readings WHERE series = %s AND time >= %s AND time < %s ORDER BY time"
        looks = [
            timed(lambda one=one: link.execute(look, (one, START, END)).fetchall())[0]
            for one in dice.integers(0, stations * FACTORS, LOOKS).tolist()
        ]
        show("PostgreSQL: one series, one day, p50 / worst", ms([statistics.median(looks), max(looks)]))
        latest = (
            "SELECT s, r.* FROM generate_series(0, %s) s, LATERAL (SELECT time, value, flag FROM readings "
            "WHERE series = s ORDER BY time DESC LIMIT 1) r"
        )
        took, _ = timed(lambda: link.execute(latest, (stations * FACTORS - 1,)).fetchall())
        show("PostgreSQL: latest of all by index", f"{took:.2f} s")
        cpu = server.cpu()
        rolling, _ = timed(
            lambda: link.execute(
                "CREATE TABLE hourly AS SELECT series, time - time % 3600 AS start, avg(value) AS mean, "
                "min(value) AS least, max(value) AS greatest, count(*) AS count FROM readings "
                "WHERE flag = 0 GROUP BY 1, 2"
            )
        )
        rolling_cpu = server.cpu() - cpu
        show("PostgreSQL: hourly roll-up, written out", both(rolling, rolling_cpu))
        total, kept = link.execute("SELECT sum(mean * count), sum(count) FROM hourly").fetchone()
        cpu = server.cpu()
        percentiles, p95 = timed(
            lambda: link.execute(
                "SELECT sum(p) FROM (SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY value) AS p "
                "FROM readings WHERE flag = 0 GROUP BY series) AS each"
            ).fetchone()[0]
        )
        percentiles_cpu = server.cpu() - cpu
        show("PostgreSQL: exact P95 of each series", both(percentiles, percentiles_cpu))
    return {
        "roll-up": rolling, "P95": percentiles, "roll-up, CPU": rolling_cpu, "P95, CPU": percentiles_cpu,
        "bytes": size / rows, "sum": float(total), "kept": int(kept),
        "p95": float(p95),
    }  # fmt: skip


def copied(day: Minutes, ids: np.ndarray, *, numeric: bool) -> bytes:
    """One minute for COPY, in the order of arrival."""
    at = START + 60 * day.minute
    values, flags, order = day.next()
    series, micro, flag = (column[order].reshape(-1) for column in (ids, values, flags))
    if numeric:
        return "".join(
            f"{s}\t{at}\t{m // 1_000_000}.{m % 1_000_000:06d}\t{f}\n"
            for s, m, f in zip(series.tolist(), micro.tolist(), flag.tolist(), strict=True)
        ).encode()
    rows = np.zeros(len(series), COPY_ROW)
    rows["n"], rows["ls"], rows["lt"], rows["lv"], rows["lf"] = 4, 4, 8, 8, 2
    rows["series"], rows["time"], rows["value"], rows["flag"] = series, at, micro / 1e6, flag
    return rows.tobytes()


class Cluster:
    """A PostgreSQL of our own in a folder, on a port of its own; as `postgres` when we are root."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self._binaries, self._folder = binaries, folder
        self._as = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []

    def __enter__(self) -> str:
        folder = self._folder
        folder.mkdir(mode=0o700)
        if self._as:
            shutil.chown(folder, "postgres")
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"}
        words = ["-D", str(folder / "data"), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C"]
        subprocess.run([*self._as, str(self._binaries / "initdb"), *words], check=True, **quiet)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        settings = {
            "shared_buffers": "2GB", "work_mem": "256MB", "maintenance_work_mem": "1GB", "max_wal_size": "16GB",
            "wal_level": "minimal", "max_wal_senders": "0", "effective_cache_size": "8GB", "listen_addresses": "",
            "max_parallel_workers_per_gather": "2", "max_parallel_maintenance_workers": "2", "port": str(port),
            "unix_socket_directories": str(folder), "checkpoint_timeout": "30min",
        }  # fmt: skip
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self._server = subprocess.Popen(
            [*self._as, str(self._binaries / "postgres"), "-D", str(folder / "data"), *options], **quiet
        )
        address = f"host={folder} port={port} user=postgres dbname=postgres"
        ready = [*self._as, str(self._binaries / "pg_isready"), "-h", str(folder), "-p", str(port)]
        for _ in range(300):
            if subprocess.run(ready, check=False, **quiet).returncode == 0:
                return address
            time.sleep(0.2)
        self.__exit__()
        raise SystemExit("PostgreSQL did not start")

    def cpu(self) -> float:
        """CPU seconds of all the server's processes, those that ended too."""
        root = int((self._folder / "data" / "postmaster.pid").read_text().split()[0])
        ticks = 0
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                fields = (process / "stat").read_text().rpartition(")")[2].split()
                if int(process.name) == root or int(fields[1]) == root:
                    ticks += sum(map(int, fields[11 : 15 if int(process.name) == root else 13]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def __exit__(self, *_: object) -> None:
        stop = [*self._as, str(self._binaries / "pg_ctl"), "-D", str(self._folder / "data"), "-m", "immediate", "stop"]
        subprocess.run(stop, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
        self._server.wait(60)


# --- SQLite -----------------------------------------------------------------------------------------------------------


def sqlite(folder: Path, stations: int) -> dict[str, float]:
    """A tenth of the day."""
    rows = stations * FACTORS * MINUTES
    path = folder / "readings.sqlite"
    link = sqlite3.connect(path, isolation_level=None)
    link.execute("PRAGMA journal_mode=WAL")
    link.execute("PRAGMA cache_size=-524288")
    link.execute("CREATE TABLE readings (series INTEGER, time INTEGER, value REAL, flag INTEGER)")
    link.execute("CREATE INDEX by_series ON readings (series, time)")
    day = Minutes(stations)
    ids = np.arange(stations * FACTORS).reshape(stations, FACTORS)

    def hour() -> Iterator[tuple[int, int, float, int]]:
        for _ in range(60):
            at = START + 60 * day.minute
            values, flags, order = day.next()
            series, value, flag = (column[order].reshape(-1).tolist() for column in (ids, values / 1e6, flags))
            yield from ((s, at, v, f) for s, v, f in zip(series, value, flag, strict=True))

    taking = 0.0
    for _ in range(24):
        made = list(hour())
        started = time.perf_counter()
        link.execute("BEGIN")
        link.executemany("INSERT INTO readings VALUES (?, ?, ?, ?)", made)
        link.execute("COMMIT")
        taking += time.perf_counter() - started
    show("SQLite (a tenth): rows, rows/s", f"{rows:,}, {rows / taking:,.0f}")
    link.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    show("SQLite (a tenth): bytes/row", f"{path.stat().st_size / rows:.1f}")
    rolling, _ = timed(
        lambda: link.execute(
            "CREATE TABLE hourly AS SELECT series, time - time % 3600 AS start, avg(value), min(value), max(value), "
            "count(*) FROM readings WHERE flag = 0 GROUP BY 1, 2"
        )
    )
    show("SQLite (a tenth): hourly roll-up", f"{rolling:.2f} s ({rolling * 1e9 / rows:,.0f} ns/row)")
    percentiles, _ = timed(
        lambda: link.execute(
            "SELECT sum(value) FROM (SELECT value, row_number() OVER (PARTITION BY series ORDER BY value) AS rank, "
            "count(*) OVER (PARTITION BY series) AS n FROM readings WHERE flag = 0) WHERE rank = (n * 95 + 99) / 100"
        ).fetchone()
    )
    show("SQLite (a tenth): P95 by nearest rank", f"{percentiles:.2f} s ({percentiles * 1e9 / rows:,.0f} ns/row)")
    link.close()
    return {"roll-up": rolling, "P95": percentiles}


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds and answer."""
    started = time.perf_counter()
    answer = work()
    return time.perf_counter() - started, answer


def both(seconds: float, cpu: float) -> str:
    return f"{seconds:.2f} s ({cpu:.2f} s CPU)"


def ms(values: list[float]) -> str:
    return " / ".join(f"{value * 1000:,.1f}" for value in values) + " ms"


def show(name: str, figure: str) -> None:
    print(f"{name:72} {figure}", flush=True)


if __name__ == "__main__":
    main()
