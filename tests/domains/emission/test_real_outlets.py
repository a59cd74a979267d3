"""Real online data beside the repo: an outfall of 2021–2022 and a gas turbine of 2011–2013 (../shared/data)."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest

from jinyun.domains.emission import validity
from jinyun.domains.emission.outlet import judge_outlet
from jinyun.domains.emission.standards import limits_of
from jinyun.domains.emission.substitution import AmountHour, fill_hours
from jinyun.domains.emission.validity import Sample
from jinyun.kernel.terms import Status

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
OUTFALL = DATA / "outfall-changlong" / "outfall_hourly_2021-01_2022-01.parquet"
TURBINE = DATA / "emission-gasturbine-pems" / "gt_2011_2013.parquet"

VALUE = "case when isnan(value) then null else value::decimal(18,3) end"  # printed with two decimals, kept as float32

needs_outfall = pytest.mark.skipif(not OUTFALL.is_file(), reason="shared data of the outfall is not beside the repo")
needs_turbine = pytest.mark.skipif(not TURBINE.is_file(), reason="shared data of the turbine is not beside the repo")


@pytest.fixture(scope="module")
def outfall():
    """(time, value as printed text or None) in time order."""
    return duckdb.sql(f"select time, {VALUE} from read_parquet('{OUTFALL}') order by time").fetchall()


@needs_outfall
def test_days_of_a_real_outfall_against_sql(outfall):
    """Which days are valid, and their means: our function against SQL on the same file (sum over count)."""
    days = defaultdict(list)
    for time, value in outfall:
        days[time.date()].append(Sample(value))
    ours = {day: validity.water_day(samples, max(day, date(2020, 3, 24))) for day, samples in days.items()}
    sql = duckdb.sql(
        f"""select time::date as day, count(v) filter (v >= 0) as n, sum(v) filter (v >= 0) as total
            from (select time, {VALUE} as v from read_parquet('{OUTFALL}')) group by day"""
    ).fetchall()
    assert len(sql) == len(ours)
    for day, n, total in sql:
        assert ours[day].valid is (n >= 18)  # 75 % of 24
        if n:
            assert ours[day].exact == Fraction(total) / n
    counted = Counter(mean.valid for mean in ours.values())
    assert counted[True] > 50
    assert counted[False] > 0


@needs_outfall
def test_flat_lines_of_a_real_outfall(outfall):
    """Runs of one value by our function against islands of equal values in SQL on the same file."""
    ours = validity.constant_runs([value for _, value in outfall])
    sql = duckdb.sql(
        f"""with given as (select time, {VALUE} as v from read_parquet('{OUTFALL}')),
                 numbered as (select row_number() over (order by time) - 1 as place, v from given),
                 marked as (select place, v, place - row_number() over (partition by v order by place) as island
                            from numbered)
            select min(place), count(*) as n, any_value(v) from marked where v is not null
            group by v, island having n >= 6 order by 1"""
    ).fetchall()
    assert [(run.start, run.length, run.value) for run in ours] == sql
    longest = max(ours, key=lambda run: run.length)
    assert (longest.value, longest.length) == (Decimal("2.13"), 104)  # 21 to 25 December 2021
    assert len(ours) > 50


@pytest.fixture(scope="module")
def turbine():
    rows = duckdb.sql(f"select year, seq, nox, co from read_parquet('{TURBINE}') order by year, seq").fetchall()
    return [(year, Decimal(repr(nox)), Decimal(repr(co))) for year, _, nox, co in rows]


@needs_turbine
def test_hours_of_a_real_turbine_against_gb_13223(turbine):
    """NOx of natural gas: 50 mg/m3 at 15 % O2; how many hours of 2011 are above, as SQL counts them."""
    limits = limits_of(
        "GB 13223-2011", group="gas_turbine", stage="new", on=date(2026, 3, 1), facts={"fuel": "natural_gas"}
    )
    nox = [limit for limit in limits if limit.item == "nox"]
    some = [value for year, value, _ in turbine if year == 2011][:1500]
    over = sum(
        judge_outlet("gt", {"stack_nox": value}, nox, day=date(2026, 3, 1), converted={"stack_nox"}).status
        is Status.EXCEEDS
        for value in some
    )
    ((want,),) = duckdb.sql(
        f"""select count(*) from (select nox from read_parquet('{TURBINE}') where year = 2011 order by seq limit 1500)
            where nox::decimal(18,6) > 50"""
    ).fetchall()
    assert over == want > 0


@needs_turbine
def test_substitution_on_a_real_turbine(turbine):
    """A fault of 24 h after 180 real hours takes their maximum, one of 25 h that of 720: by SQL-free max()."""
    co = [value for _, _, value in turbine[:2000]]
    hours = [AmountHour(3600 * n, value) for n, value in enumerate(co)]
    for length, look in ((24, 180), (25, 720)):
        run = [AmountHour(3600 * (1000 + n), None, "invalid") for n in range(length)]
        found = fill_hours(run, Decimal(95), on=date(2026, 3, 1), history=hours[:1000])
        assert found.filled == max(co[1000 - look : 1000]) * length
    days = [co[n : n + 24] for n in range(0, 480, 24)]
    for values in days:
        mean = validity.gas_day([Sample(value) for value in values], date(2026, 3, 1))
        assert mean.exact == sum(map(Fraction, values)) / 24
