"""Nine days of a public noise record beside the repo, against numpy's own arithmetic."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from jinyun.domains.noise.levels import Setting, by_hour, day_from_seconds

DATA = Path(__file__).parents[4] / "shared" / "data" / "noise-laeq"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data/noise-laeq")
CALENDAR = Setting(night="calendar")


def record(name):
    """(starts in s since the epoch, levels); the clock is taken as China's."""
    import pyarrow.parquet as pq

    table = pq.read_table(DATA / name)
    seconds = table["time"].to_numpy().astype("datetime64[s]").astype(np.int64) - 28800
    return seconds, table["laeq"].to_numpy()


def energy(values):
    return 10 * np.log10(np.mean(10 ** (np.asarray(values, np.float64) / 10)))


def near(found, expected):
    """Equal after rounding to 0.1; the float is not asked on a boundary itself."""
    assert abs(expected * 10 - np.floor(expected * 10) - 0.5) > 1e-6
    assert float(found) == round(float(expected), 1)


def test_the_one_second_day():
    times, levels = record("laeq_1s_2025-03-22.parquet")
    levels = levels[:-1].astype(np.float64)  # the file ends with the first second of the next day
    times = times[:-1]
    hours = by_hour(times, levels)
    assert len(hours) == 24
    by_clock = levels.reshape(24, 3600)
    for row, figures in zip(by_clock, hours.values(), strict=True):
        near(figures.leq, energy(row))
        ordered = np.sort(row)[::-1]
        assert [float(figures.ln[n]) for n in (10, 50, 90)] == [round(ordered[36 * n - 1], 1) for n in (10, 50, 90)]
        assert (float(figures.lmax), float(figures.lmin)) == (round(row.max(), 1), round(row.min(), 1))
        near(figures.sd, row.std(ddof=1))
    found = day_from_seconds(times, levels, date(2025, 3, 22), setting=CALENDAR)
    night = np.r_[by_clock[:6], by_clock[22:]]
    near(found.ld, energy(by_clock[6:22]))
    near(found.ln, energy(night))
    near(
        found.ldn,
        10 * np.log10((np.sum(np.mean(10 ** (by_clock[6:22] / 10), axis=1))
                       + 10 * np.sum(np.mean(10 ** (night / 10), axis=1))) / 24),
    )  # fmt: skip
    assert day_from_seconds(times, levels, date(2025, 3, 22)).ln is None  # the night that began lies in the next file


def test_nine_days_of_minutes():
    times, levels = record("laeq_1min_2025-03-21_03-29.parquet")
    wide = levels.astype(np.float64).reshape(9, 24, 60)
    for number in range(9):
        day = date(2025, 3, 21) + timedelta(number)
        found = day_from_seconds(times, levels, day, step_s=60)
        near(found.ld, energy(wide[number, 6:22]))
        if number < 8:
            near(found.ln, energy(np.r_[wide[number, 22:], wide[number + 1, :6]]))
        else:
            assert (found.ln, found.night_used) == (None, 2)
        calendar = day_from_seconds(times, levels, day, step_s=60, setting=CALENDAR)
        near(calendar.ln, energy(np.r_[wide[number, :6], wide[number, 22:]]))
