"""The hidden truth: exact means, travel down the river, bounds, and no memory of what was asked before."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

import pytest

from jinyun.kernel.terms import Period, Stat
from jinyun.sim.district import build
from jinyun.sim.script import parse_script
from jinyun.sim.truth import Truth, table

T0 = 1_772_294_400  # 2026-03-01T00:00:00+08:00


@pytest.fixture(scope="module")
def district():
    return build("small", 7)


@pytest.fixture(scope="module")
def truth(district):
    return Truth(district)


def mean(numbers) -> int:
    """Rounded half to even by the decimal module: not our own arithmetic."""
    numbers = list(numbers)
    return int((Decimal(sum(numbers)) / len(numbers)).to_integral_value(ROUND_HALF_EVEN))


@pytest.mark.parametrize("site", ["WS02", "E0002-W1", "E0002-S1", "AS03"])
def test_hour_is_the_mean_of_its_six_tens_and_each_of_its_twenty_samples(truth, site):
    start = T0 + 9 * 3600
    values, _ = truth.samples(site, start, 120)
    hour = truth.hour(site, start)
    for row, avg, low, high in zip(values.tolist(), hour.avg, hour.low, hour.high, strict=True):
        tens = [mean(row[20 * i : 20 * i + 20]) for i in range(6)]
        assert (avg, low, high) == (mean(tens), min(row), max(row))
    for i in range(6):
        ten = truth.minute(site, start + 600 * i, 600)
        assert ten.avg.tolist() == [mean(row[20 * i : 20 * i + 20]) for row in values.tolist()]


def test_day_is_the_mean_of_its_hours_and_the_sum_of_their_amounts(truth):
    day = truth.day("E0002-W1", T0)
    hours = [truth.hour("E0002-W1", T0 + 3600 * h) for h in range(24)]
    for i in range(len(day.avg)):
        assert day.avg[i] == mean(int(h.avg[i]) for h in hours)
        assert day.amount[i] == sum(int(h.amount[i]) for h in hours)
        assert day.low[i] == min(h.low[i] for h in hours)
        assert day.high[i] == max(h.high[i] for h in hours)


def test_amount_is_mean_concentration_times_mean_flow(truth):
    """COD kg of ten minutes = mg/L × L/s × 600 s × 10⁻⁶ (HJ 212-2017 Annex D), to four decimals."""
    ten = truth.minute("E0002-W1", T0 + 600, 600)
    names = [one.factor.id for one in truth.channels("E0002-W1")]
    flow = Decimal(int(ten.avg[0])) / 100
    cod = Decimal(int(ten.avg[names.index("cod_cr")])) / 10
    assert Decimal(int(ten.amount[names.index("cod_cr")])) / 10000 == (cod * flow * 600 / 1000000).quantize(
        Decimal("0.0001"), ROUND_HALF_EVEN
    )
    assert Decimal(int(ten.amount[0])) / 100 == (flow * 600 / 1000).quantize(Decimal("0.01"), ROUND_HALF_EVEN)


def test_gas_amount(truth):
    ten = truth.minute("E0005-S1", T0 + 600, 600)
    names = [one.factor.id for one in truth.channels("E0005-S1")]
    flow, nox = Decimal(int(ten.avg[0])) / 10, Decimal(int(ten.avg[names.index("stack_nox")])) / 10
    assert Decimal(int(ten.amount[0])) / 100 == flow * 600
    assert Decimal(int(ten.amount[names.index("stack_nox")])) / 10000 == (nox * flow * 600 / 1000000).quantize(
        Decimal("0.0001"), ROUND_HALF_EVEN
    )


def test_converted_samples_follow_the_oxygen(truth, district):
    """C·(21−O2ref)/(21−O2), for every sample."""
    reference = district.places["E0005-S1"].reference_o2
    values, converted = truth.samples("E0005-S1", T0, 120)
    names = [one.factor.id for one in truth.channels("E0005-S1")]
    for i in range(120):
        o2 = Decimal(int(values[names.index("o2"), i])) / 10
        so2 = Decimal(int(values[names.index("stack_so2"), i])) / 100
        expected = (so2 * (21 - reference) / (21 - o2)).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
        assert Decimal(int(converted[0, i])) / 100 == expected


def test_any_hour_is_the_same_whatever_was_asked_before(district):
    once, other = Truth(district), Truth(district)
    for h in (400, 3, 77):
        other.hour("WS02", T0 + 3600 * h)
    other.sample("E0001-W1", T0 + 500 * 3600)
    for site in ("WS02", "AS01", "E0005-S1"):
        assert once.hour(site, T0 + 3600 * 5).avg.tolist() == other.hour(site, T0 + 3600 * 5).avg.tolist()


def test_a_window_off_the_hour_is_cut_from_the_same_samples(truth):
    start = T0 + 5 * 3600
    whole, _ = truth.samples("WS02", start, 240)
    shifted = truth.hour("WS02", start + 420)
    for row, avg in zip(whole[:, 14:134].tolist(), shifted.avg, strict=True):
        assert avg == mean(mean(row[20 * i : 20 * i + 20]) for i in range(6))


def test_a_pulse_arrives_downstream_at_its_hour_and_only_there(district):
    """Sent 12:00–13:00 at km 18.4; WS02 is 2.2 km below and water makes 1.8 km/h: 1 h 13 m 30 s on the sample grid."""
    start = T0 + 12 * 3600
    script = parse_script(
        '[[fault]]\nkind="pulse"\nsite="RO01"\nfactor="nh3_n"\nadd=60\nfrom="+12h"\nuntil="+13h"\n', "pulse"
    )
    hit, calm = Truth(district, script, T0), Truth(district)
    names = [one.factor.id for one in hit.channels("WS02")]
    i = names.index("nh3_n")
    added = (hit.samples("WS02", start, 360)[0] - calm.samples("WS02", start, 360)[0])[i]
    first, last = added.nonzero()[0][[0, -1]]
    assert round((20.6 - 18.4) / 1.8 * 120) == first == 147  # samples of 30 s
    assert last == first + 119
    assert hit.samples("WM10", start, 360)[0].tolist() == calm.samples("WM10", start, 360)[0].tolist()
    # dilution: mg/s of the outlet over L/s of the river, less than 2 % decay on the way
    flow = hit.samples("RO01", start, 1)[0][0, 0] / 100
    river = float(hit.world.river_flow(20.6, hit.world.weather.wet(hit.world._sky(start)[0]))[0]) * 1000
    assert added[first] / 100 == pytest.approx(60 * flow / river, rel=0.1)


@pytest.mark.parametrize("seed", [7, 8])
def test_without_a_script_nothing_passes_a_limit(seed):
    """Over some days of a year: no outlet over its permit, no section outside its target class."""
    district = build("small", seed)
    truth = Truth(district)
    thirds = {"cod_mn": 60, "nh3_n": 100, "tp": 20}  # GB 3838-2002 table 1, class III
    seconds = {"cod_mn": 40, "nh3_n": 50, "tp": 10}
    for day in (0, 61, 140, 200, 290):
        for h in (3, 9, 19):
            at = T0 + 86400 * day + 3600 * h
            for place in district.places.values():
                hour = truth.hour(place.id, at)
                names = [one.factor.id for one in truth.channels(place.id)]
                for i, channel in enumerate(truth.channels(place.id)):
                    for limit in place.limits:
                        if limit.factor == channel.factor.id:
                            high = int(hour.zs_high[i]) if limit.converted else int(hour.high[i])
                            assert Decimal(high).scaleb(-channel.decimals) < limit.limit, (place.id, limit)
                if place.target_class:
                    limits = thirds if place.target_class == 3 else seconds
                    assert all(hour.high[names.index(name)] <= most for name, most in limits.items()), place.id
                    assert hour.low[names.index("do")] >= (50 if place.target_class == 3 else 60)
                if place.kind.startswith("air_"):
                    highest = dict(zip(names, hour.high, strict=True))
                    # HJ 633-2026: IAQI 100 at PM2.5 60, PM10 120, O3 1 h 200, NO2 1 h 200
                    assert (highest["pm2_5"], highest["pm10"]) <= (600, 1200)
                    assert (highest["o3"], highest["no2"]) <= (2000, 2000)


def test_the_table_has_each_figure_once_and_in_order(district):
    rows = list(table(Truth(district), T0, T0 + 2 * 3600, periods=(Period.HOUR,)))
    keys = [(r.site, r.factor, r.stat, r.period, r.time) for r in rows]
    assert len(set(keys)) == len(keys)
    assert {r.time for r in rows} == {T0, T0 + 3600}
    assert {r.site for r in rows} == set(district.places)
    by_key = dict(zip(keys, rows, strict=True))
    for site, factor, stat, period, time in keys:
        if stat is Stat.AVG:
            low, high = (by_key[site, factor, s, period, time].value for s in (Stat.MIN, Stat.MAX))
            assert low <= by_key[site, factor, stat, period, time].value <= high


def test_flags_of_a_period(district):
    script = parse_script(
        '[[fault]]\nkind="flag"\nsite="E0002-W1"\nflag="M"\nfactors=["cod_cr"]\nfrom="+10m"\nuntil="+20m"\n'
        '[[fault]]\nkind="flag"\nsite="E0005-S1"\nflag="C"\nfrom="+0m"\nuntil="+15m"\n'
        '[[fault]]\nkind="flag"\nsite="E0006-S1"\nflag="C"\nfrom="+0m"\nuntil="+16m"\n'
    )
    truth = Truth(district, script, T0)
    assert truth.flag("E0002-W1", "cod_cr", T0, 3600) == "M"  # water: one abnormal value is enough
    assert truth.flag("E0002-W1", "nh3_n", T0, 3600) == "N"
    assert truth.flag("E0002-W1", "cod_cr", T0 + 1200, 600) == "N"
    assert truth.flag("E0005-S1", "stack_so2", T0, 3600) == "N"  # 75 % normal
    assert truth.flag("E0006-S1", "stack_so2", T0, 3600) == "D"  # less than 75 %
    assert truth.flag("E0006-S1", "stack_so2", T0 + 30, 0) == "C"  # a sample keeps its letter


def energy_tenths(tenths) -> int:
    """Leq in tenths of a dB by the decimal module."""
    tenths = list(tenths)
    total = sum(Decimal(10) ** (Decimal(int(t)) / 100) for t in tenths) / len(tenths)
    return int((100 * total.log10()).to_integral_value(ROUND_HALF_EVEN))


@pytest.mark.parametrize("site", ["NS01", "NS04"])
def test_a_noise_station_s_levels_are_energy_means_maxima_and_percentiles(truth, site):
    start = T0 + 5 * 3600
    values, _ = truth.samples(site, start, 120)
    hour, ten = truth.hour(site, start), truth.minute(site, start, 600)
    for figures, row, loud in ((hour, values[0], values[1]), (ten, values[0, :20], values[1, :20])):
        down = sorted(row.tolist(), reverse=True)
        n = len(down)
        assert figures.avg.tolist() == [
            energy_tenths(row), loud.max(), down[n // 10 - 1], down[n // 2 - 1], down[9 * n // 10 - 1],
        ]  # fmt: skip
    day, hours = truth.day(site, T0), [truth.hour(site, T0 + 3600 * h) for h in range(24)]
    assert day.avg[0] == energy_tenths(h.avg[0] for h in hours)
    assert day.avg[1] == max(h.avg[1] for h in hours)


# GB 3096-2008 table 1, zones 1, 2, 3 and 4a.
ZONES = {"NS01": ("1", 55, 45), "NS02": ("2", 60, 50), "NS03": ("3", 65, 55), "NS04": ("4a", 70, 55)}


@pytest.mark.parametrize("site", ZONES)
def test_without_a_script_every_zone_keeps_its_day_and_its_night(district, truth, site):
    zone, day_limit, night_limit = ZONES[site]
    assert district.places[site].zone == zone
    assert district.logger_of(site).system == "23"
    for day in (0, 61, 200, 290):
        start = T0 + 86400 * day
        hours = [truth.hour(site, start + 3600 * h) for h in range(30)]
        assert energy_tenths(h.avg[0] for h in hours[6:22]) <= day_limit * 10
        assert energy_tenths(h.avg[0] for h in hours[22:30]) <= night_limit * 10
        assert max(h.avg[1] for h in hours[22:30]) <= (night_limit + 15) * 10


def test_a_scripted_noise_is_in_the_night_s_level(district):
    script = parse_script(
        '[[fault]]\nkind="pulse"\nsite="NS02"\nfactor="leq"\nadd=20\nfrom="+23h"\nuntil="+24h"\n', "works"
    )
    loud, calm = Truth(district, script, T0), Truth(district)
    at = T0 + 23 * 3600
    assert loud.hour("NS02", at).avg[0] - calm.hour("NS02", at).avg[0] == pytest.approx(200, abs=2)
    assert loud.hour("NS02", at).avg[1] >= loud.hour("NS02", at).avg[0] + 20
    assert loud.hour("NS02", at + 3600).avg.tolist() == calm.hour("NS02", at + 3600).avg.tolist()
