"""Official publications recomputed: hourly AQI of national stations, class of national river sections.

The data has no free licence, so it is read from ``../shared`` and never copied here.
"""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from jinyun.domains.air.aqi import aqi_hourly
from jinyun.domains.air.limits import index_edition
from jinyun.domains.water.limits import LABELS_ZH, edition
from jinyun.domains.water.quality import section_class

DATA = Path(__file__).parents[3] / "shared" / "data"
AIR, WATER = DATA / "air-cn-stations", DATA / "water-cn-auto"

COLUMNS = {"pm2_5": "pm25", "pm10": "pm10", "so2": "so2", "no2": "no2", "co": "co", "o3": "o3"}
WORDS = {
    "细颗粒物(PM2.5)": "pm2_5", "颗粒物(PM10)": "pm10", "二氧化硫": "so2", "二氧化氮": "no2", "一氧化碳": "co",
    "臭氧1小时": "o3",
}  # fmt: skip


def every_nth(path, step):
    table = pq.read_table(path)
    return table.take(list(range(0, table.num_rows, step))).to_pylist()


def number(value):
    """The printed figure behind a 32-bit float; None for NaN."""
    return None if value is None or value != value else Decimal(f"{value:.6g}")


@pytest.mark.skipif(not AIR.is_dir(), reason="needs ../shared/data/air-cn-stations")
@pytest.mark.parametrize(
    ("name", "every", "least"),
    [("official_hourly_snapshots_2018_2019", 1, 10_000), ("national_hourly_2020-03-26_2020-04-05", 40, 5_000)],
)
def test_every_published_hourly_aqi_is_reproduced(name, every, least):
    table = index_edition(date(2019, 7, 18))
    rows = every_nth(AIR / f"{name}.parquet", every)
    done = 0
    for row in rows:
        if number(row["aqi"]) is None:
            continue
        found = aqi_hourly({key: number(row[column]) for key, column in COLUMNS.items()}, table)
        assert found.value == int(row["aqi"]), row
        assert found.level.category_zh == row["quality"], row
        if row["primary"] and found.value > 50:
            assert {WORDS[word] for word in row["primary"].split(",")} == set(found.primary), row
        done += 1
    assert done >= least


@pytest.mark.skipif(not WATER.is_dir(), reason="needs ../shared/data/water-cn-auto")
def test_classes_of_national_sections_agree():
    """The data's own check: 94.9 % with river limits, 99.0 % with river or lake free; ours on all rows: 98.6 %."""
    with (WATER / "sections.csv").open(encoding="utf-8", newline="") as file:
        bodies = {row["section"]: row["tp_rule"] for row in csv.DictReader(file)}
    tables = {body: edition(date(2021, 4, 1), body) for body in ("river", "lake")}
    levels = {label: level for level, label in LABELS_ZH.items()}
    columns = {"ph": "ph", "do": "do", "cod_mn": "codmn", "nh3_n": "nh3n", "tp": "tp"}
    agree = total = 0
    for row in every_nth(WATER / "national_4h_2021-04-01_2021-04-05.parquet", 3):
        table = tables.get(bodies.get(row["section"], ""))
        if row["wq_class"] not in levels or table is None:
            continue
        values = {key: value for key, column in columns.items() if (value := number(row[column])) is not None}
        found = section_class(values, table)
        total += 1
        agree += found is not None and found.level == levels[row["wq_class"]]
    assert total > 9_000
    assert agree / total > 0.98
