"""Why-trees on a month of data: from any verdict to the raw bytes, with the CRC computed anew. Floor: p95 < 200 ms.

    python benchmarks/why.py [--sites 40] [--asked 300] [--folder DIR]

Builds a month of hourly data (frames in the journal, readings in the store, sealed and compacted as in service), with
hour and day verdicts resting on them, then asks for the trees of random verdicts, cold first, through the use case that
the page calls, and checks every raw leaf.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from jinyun.app.assemble import House
from jinyun.app.services.words import plain
from jinyun.app.settings import Settings
from jinyun.app.why import Why
from jinyun.kernel.ports import SYSTEM, Block
from jinyun.kernel.terms import (
    CHINA,
    Origin,
    Period,
    RawMessage,
    Reading,
    ReadingRef,
    SeriesKey,
    Stat,
    Status,
    Verdict,
    VerdictItem,
    window_of,
)
from jinyun.sense.hj212 import compose

DAYS = 30
START = int(datetime(2026, 3, 1, tzinfo=CHINA).timestamp())
FACTORS = {
    "ph": "w01001", "do": "w01009", "cod_mn": "w01019", "cod_cr": "w01018", "bod5": "w01017",
    "nh3_n": "w21003", "tp": "w21011", "tn": "w21001", "turbidity": "w01003", "water_temp": "w01010",
}  # fmt: skip


def fill(house: House, sites: int) -> None:
    """A month of hours: one frame an hour and site, ten factors, each with Avg."""
    chance = random.Random(1)
    house.records.put_many(
        "site", [(f"s{i}", {"name": f"断面{i}", "kind": "water_section"}) for i in range(sites)], SYSTEM
    )
    for site in range(sites):
        keys = [SeriesKey(f"s{site}", factor, Stat.AVG, Period.HOUR) for factor in FACTORS]
        series = house.readings.series_ids(keys)
        refs = []
        for hour in range(DAYS * 24):
            at = START + hour * 3600
            texts = [f"{chance.randrange(10, 9000) / 1000:.3f}" for _ in FACTORS]
            items = [compose.item(code, "N", Avg=text) for code, text in zip(FACTORS.values(), texts, strict=True)]
            received = (at + 3605) * 1_000_000
            (data,) = compose.upload(
                "2061", mn=f"MN{site:012d}", st="21", items=items, time=at, qn=compose.qn_of(received)
            )
            message = RawMessage(received, "hj212:9212", f"10.0.0.{site % 250}:4000", f"MN{site:012d}", data)
            refs.append((at, texts, received, house.journal.append(message)))
        for at, texts, received, ref in refs:
            values = np.array([int(float(text) * 1000 + 0.5) * 1000 for text in texts], np.int64)
            house.readings.put(
                Block(
                    time=at, series=series, values=values, flags=np.zeros(len(values), np.uint8), received_at=received,
                    origin=Origin.LIVE, mn=f"MN{site:012d}", site=f"s{site}", ref=ref.result(), period=Period.HOUR,
                )
            )  # fmt: skip
        house.readings.flush()
    house.readings.seal()
    house.readings.compact()


def judge(house: House, sites: int) -> list[int]:
    """Hour and day verdicts over all that is stored; their ids."""
    ids: list[int] = []
    for site in range(sites):
        rows = house.readings.read(f"s{site}", start=START, end=START + DAYS * 86400)
        for period in (Period.HOUR, Period.DAY):
            groups: dict[Any, list[Reading]] = {}
            for one in rows:
                groups.setdefault(window_of(period, one.time), []).append(one)
            verdicts = [_verdict(f"s{site}", window, group) for window, group in groups.items()]
            ids += [one.id for one in house.verdicts.add(verdicts)]
    return ids


def _verdict(site: str, window: Any, rows: list[Reading]) -> Verdict:
    items = tuple(
        VerdictItem(
            factor, plain(mine[-1].value), "mg/L", Status.ATTAINS,
            readings=tuple(ReadingRef(one.series, one.time, one.seq) for one in mine),
        )
        for factor in FACTORS
        if (mine := [one for one in rows if one.factor == factor])
    )  # fmt: skip
    return Verdict(
        judge="water.section_class" if window.period is Period.HOUR else "water.section_class_day", subject=site,
        window=window, status=Status.ATTAINS, figure="3", unit="", limit="3", clause="GB 3838-2002", edition="2002",
        level=3, label_zh="Ⅲ类", label_en="Class III", deciding=("nh3_n",), items=items, sentence_zh="", sentence_en="",
    )  # fmt: skip


def check(node: dict[str, Any]) -> int:
    """Raw leaves below `node`; each must have the CRC that its bytes give."""
    if node["kind"] == "raw":
        if not node["crc_ok"]:
            raise AssertionError(f"CRC {node['crc_in_frame']} is not {node['crc_computed']}")
        return 1
    if node["kind"] in ("reading", "frame") and len(node["children"]) != 1:
        raise AssertionError(f"{node['kind']} {node['title_en']} leads nowhere")
    return sum(check(child) for child in node["children"])


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--sites", type=int, default=40)
    words.add_argument("--asked", type=int, default=300)
    words.add_argument("--folder", type=Path)
    given = words.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        house = House(Settings.load(given.folder or Path(scratch) / "var"))
        try:
            began = time.monotonic()
            fill(house, given.sites)
            ids = judge(house, given.sites)
            rows = given.sites * DAYS * 24 * len(FACTORS)
            print(f"built: {rows:,} readings, {len(ids):,} verdicts in {time.monotonic() - began:.0f} s", flush=True)
            report(Why(house), ids, given.asked)
        finally:
            house.close()


def report(why: Why, ids: list[int], asked: int) -> None:
    chance, times, raws = random.Random(2), [], 0
    hours = [one for n, one in enumerate(ids) if n % (DAYS * 25) < DAYS * 24]
    days = sorted(set(ids) - set(hours))
    for name, pool, count in (("hour", hours, asked), ("day", days, asked // 3)):
        mine = []
        for one in chance.sample(pool, min(count, len(pool))):
            began = time.perf_counter()
            tree = why.verdict(one)
            mine.append(time.perf_counter() - began)
            raws += check(tree)
        mine.sort()
        times += mine
        print(f"{name:5} verdicts: {len(mine)} trees, p50 {mine[len(mine) // 2] * 1e3:.0f} ms, "
              f"p95 {mine[int(len(mine) * 0.95)] * 1e3:.0f} ms, max {mine[-1] * 1e3:.0f} ms")  # fmt: skip
    times.sort()
    p95 = times[int(len(times) * 0.95)]
    print(f"all   verdicts: {len(times)} trees, {raws:,} raw leaves, CRC right, p95 {p95 * 1e3:.0f} ms (floor 200 ms)")
    sys.exit(0 if p95 < 0.2 else 1)


if __name__ == "__main__":
    main()
