"""What judging costs at the scale of a district: real store files, real judges, one process.

    PYTHONPATH=src python benchmarks/judging.py [--outlets 2600] [--hours 2]

Prints milliseconds per window for the hour judge (device's hour means; and computed from 10-minute data) and for the
indicative judge at arrival, with the share of one core that a steady district needs.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from jinyun.app.discover import judges, record_types
from jinyun.judge.room import JudgeRoom, Pace
from jinyun.kernel.ports import SYSTEM, Arrival, Block
from jinyun.kernel.terms import Flag, Origin, Period, SeriesKey, Site, Stat
from jinyun.store.database import open_database
from jinyun.store.kv import SqlKeyValue
from jinyun.store.readings import DuckReadings
from jinyun.store.records import SqlRecords
from jinyun.store.verdicts import SqlVerdicts

START = 1_795_000_000 // 3600 * 3600
FACTORS = ("stack_so2", "stack_nox", "stack_pm", "o2", "flue_temp", "flue_velocity", "flue_pressure", "flue_moisture")


class SetClock:
    def __init__(self) -> None:
        self.at = START * 1_000_000

    def now(self) -> int:
        return self.at


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--outlets", type=int, default=2600)
    parser.add_argument("--hours", type=int, default=2)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), asked.outlets, asked.hours)


def measure(folder: Path, outlets: int, hours: int) -> None:
    database = open_database(folder / "records.sqlite")
    clock = SetClock()
    records = SqlRecords(database, record_types(), clock)
    readings = DuckReadings(folder, database)
    sites = {f"s{n}": Site(f"s{n}", f"企业{n}废气排放口", "stack_outlet") for n in range(outlets)}
    records.put_many("site", ((s, {"name": one.name, "kind": one.kind}) for s, one in sites.items()), SYSTEM)
    records.put_many(
        "outlet",
        ((f"o{s}", {"name": one.name, "kind": "stack", "site": s, "reference_o2": "9"}) for s, one in sites.items()),
        SYSTEM,
    )
    records.put_many(
        "permit_limit",
        (
            (f"{s}-{f}", {"outlet": f"o{s}", "factor": f, "period": "hour", "limit": "50", "unit": "mg/m3",
                          "converted": f != "stack_pm", "basis": "许可证"})
            for s in sites for f in FACTORS[:3]
        ),
        SYSTEM,
    )  # fmt: skip
    told: list[int] = []
    room = JudgeRoom(
        judges=tuple(judges().values()), readings=readings, records=records, verdicts=SqlVerdicts(database),
        sites=sites.get, clock=clock, on_verdict=lambda new, _: told.append(new.id), kv=SqlKeyValue(database),
        pace=Pace(arrival_interval_s=0, settle_s=0, late_settle_s=0),
    )  # fmt: skip
    rng = np.random.default_rng(1)

    def put(period: Period, stats: tuple[Stat, ...], at: int) -> None:
        for site in sites:
            keys = [SeriesKey(site, f, stat, period) for f in FACTORS for stat in stats]
            values = (rng.uniform(5, 45, len(keys)) * 10).astype(np.int64) * 100_000
            flags = np.full(len(keys), int(Flag.NORMAL), np.uint8)
            ids = readings.series_ids(keys)
            readings.put(Block(at, ids, values, flags, clock.now(), Origin.LIVE, site, site, None, period=period))
            room.touch(Arrival(site, site, period, at, clock.now()))

    def run(title: str) -> float:
        readings.flush()
        before, cpu, began = room.state()["judged"], time.process_time(), time.perf_counter()
        while room.run(settled=False):
            pass
        wall, cpu, done = time.perf_counter() - began, time.process_time() - cpu, room.state()["judged"] - before
        stored = len(told)
        told.clear()
        each_wall, each_cpu = wall * 1e3 / max(done, 1), cpu * 1e3 / max(done, 1)
        print(f"{title:<52} {done:6d} windows {each_wall:7.3f} ms wall {each_cpu:7.3f} ms cpu, {stored} stored")
        return cpu / max(done, 1)

    clock.at = (START + 5) * 1_000_000
    for n in range(6):
        put(Period.MINUTE, (Stat.MIN, Stat.AVG, Stat.MAX, Stat.ZS_AVG), START + 600 * n)
        clock.at = (START + 600 * (n + 1) + 5) * 1_000_000
        if n == 0:
            first = run("indicative, first of the hour (10-minute data)")
        elif n == 1:
            next_one = run("indicative, next arrival")
    clock.at = (START + 3600 + 301) * 1_000_000
    run("hour computed from 10-minute data, at close")
    put(Period.HOUR, (Stat.MIN, Stat.AVG, Stat.MAX, Stat.ZS_AVG), START)
    sent = run("hour as sent by the device (supersedes the former)")
    for n in range(1, hours):
        at = START + 3600 * n
        put(Period.HOUR, (Stat.MIN, Stat.AVG, Stat.MAX, Stat.ZS_AVG), at)
        clock.at = (at + 3600 + 5) * 1_000_000
        run("next hour as sent")
    print(f"first indication {first * 1e3:.3f} ms, later {next_one * 1e3:.3f} ms, hour as sent {sent * 1e3:.3f} ms cpu")
    print(f"a district of {outlets} outlets, an arrival each 30 s and two hour judgements each hour: "
          f"{outlets * (next_one / 30 + 2 * sent / 3600):.3f} of a core")  # fmt: skip
    readings.close()


if __name__ == "__main__":
    main()
