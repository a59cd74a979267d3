"""Official publications recomputed: hourly AQI of national stations. Water: `test_official_water.py`.

The data has no free licence, so it is read from ``../shared`` and never copied here.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from jinyun.domains.air.columns import aqi_columns
from jinyun.domains.air.limits import index_edition
from jinyun.methods.columns import from_floats

DATA = Path(__file__).parents[3] / "shared" / "data"
AIR = DATA / "air-cn-stations"

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
    ("name", "rows", "unexplained"),
    # One row of 2020 names PM10 as primary whose value was not published: benchmarks/official_air.py prints it.
    [("official_hourly_snapshots_2018_2019", 10_000, 0), ("national_hourly_2020-03-26_2020-04-05", 213_366, 1)],
)
def test_every_published_hourly_aqi_is_reproduced(name, rows, unexplained):
    """All rows with an AQI: value and category without exception, primary pollutants of all with their values there."""
    edition = index_edition(date(2019, 7, 18))
    table = pq.read_table(AIR / f"{name}.parquet", columns=["aqi", "quality", "primary", *COLUMNS.values()])
    values = {key: from_floats(table[column].to_numpy(), name=column) for key, column in COLUMNS.items()}
    found = aqi_columns(values, edition)
    aqi = table["aqi"].to_numpy()
    there = ~np.isnan(aqi)
    assert there.sum() == rows
    assert (found.aqi[there] == aqi[there]).all()
    words = np.array([None, *(level.category_zh for level in edition.levels)], dtype=object)
    assert (words[found.level[there]] == np.array(table["quality"].to_pylist(), dtype=object)[there]).all()
    named = {None: 0}
    for text in set(table["primary"].to_pylist()) - {None}:
        named[text] = sum(1 << found.pollutants.index(WORDS[word]) for word in text.split(","))
    primary = np.array([named[text] for text in table["primary"].to_pylist()])
    wrong = there & (found.primary != primary)
    assert wrong.sum() == unexplained
    assert (found.missing[wrong] & primary[wrong] != 0).all()
