"""Percentiles against the rank formula in exact fractions, and roll-ups whose sums int64 cannot hold."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from jinyun.kernel.errors import BadInput
from jinyun.kernel.ports import Block
from jinyun.kernel.terms import Origin, Period, SeriesKey, Stat
from jinyun.store.readings import DuckReadings
from jinyun.store.rollups import percentile_of

DAY = 1_767_225_600 - 28_800  # 2026-01-01T00:00 in China [s]


@pytest.mark.parametrize("share", ["0", "0.05", "0.5", "0.9", "0.95", "0.98", "1"])
def test_percentiles_are_the_interpolated_ranks_of_hj_663(share):
    dice = np.random.default_rng(3)
    series = dice.integers(0, 9, 500).astype(np.int32)
    value = dice.integers(-(10**9), 10**9, 500)
    ids, found, counts = percentile_of(series, value.copy(), Decimal(share))
    assert ids.tolist() == sorted(set(series.tolist()))
    for one, got, count in zip(ids.tolist(), found.tolist(), counts.tolist(), strict=True):
        mine = sorted(value[series == one].tolist())
        rank = Fraction(share) * (len(mine) - 1)
        low, high = mine[int(rank)], mine[min(int(rank) + 1, len(mine) - 1)]
        assert (got, count) == ((low + (high - low) * (rank - int(rank))).__floor__(), len(mine))


def test_a_share_that_is_none_is_refused():
    for share in ("1.5", "-0.1", "0.12345678"):
        with pytest.raises(BadInput, match="percentile"):
            percentile_of(np.zeros(1, np.int32), np.zeros(1, np.int64), Decimal(share))


@pytest.fixture
def store(tmp_path, sqlite, steady_clock):
    one = DuckReadings(tmp_path / "r", sqlite, clock=steady_clock)
    one.series_ids([SeriesKey("s1", f"f{n}", Stat.AVG, Period.MINUTE) for n in range(3)])
    yield one
    one.close()


def put(store, minute, values, flags=(0, 0, 0)):
    store.put(
        Block(DAY + 60 * minute, np.arange(3, dtype=np.int32), np.array(values, np.int64), np.array(flags, np.uint8), 1,
              Origin.LIVE, "M", "s1", None, period=Period.MINUTE)
    )  # fmt: skip


def rolled(store, **more):
    rows = [row for table in store.rollup(DAY, DAY + 86_400, **more) for row in table.to_pylist()]
    return {(r["series"], r["start"] - DAY): (r["total"], r["least"], r["greatest"], r["count"]) for r in rows}


def test_sums_larger_than_int64_are_exact(store):
    largest = 10**18 - 1
    for minute in range(30):
        put(store, minute, [largest, -largest, 1])
    store.flush()
    store.seal()
    most = Decimal(largest).scaleb(-6)
    assert rolled(store) == {
        (0, 0): (30 * most, most, most, 30), (1, 0): (-30 * most, -most, -most, 30),
        (2, 0): (Decimal("0.000030"), Decimal("0.000001"), Decimal("0.000001"), 30),
    }  # fmt: skip


def test_windows_across_files_and_hot_rows_are_one(store):
    for minute in range(90):
        put(store, minute, [minute * 10**6] * 3, flags=(0, 2, minute % 2))
        if minute in (20, 50, 70):
            store.flush()
            store.seal()
    put(store, 5, [10**9] * 3, flags=(0, 2, 0))  # a late correction, hot
    store.flush()
    sums = sum(range(90)) - 5 + 1000
    assert rolled(store, step=7200)[0, 0] == (sums, 0, 1000, 90)
    assert (1, 0) not in rolled(store, step=7200)  # nothing of it counts
    assert rolled(store, step=7200)[2, 0][3] == 45 + 1
    assert rolled(store, step=7200, flags=(0, 1, 2))[1, 0] == (sums, 0, 1000, 90)
    assert rolled(store)[0, 3600] == (sum(range(60, 90)), 60, 89, 30)
    assert set(rolled(store, series=(1, 2))) == {(2, 0), (2, 3600)}
