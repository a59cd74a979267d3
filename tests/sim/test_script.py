"""Fault scripts: times, targets, and clear words for what is wrong."""

from __future__ import annotations

from importlib.resources import files

import pytest

from jinyun.kernel.errors import BadInput
from jinyun.sim.district import build
from jinyun.sim.script import Span, duration, load_script, parse_script
from jinyun.sim.truth import Truth

T0 = 1_772_294_400  # 2026-03-01T00:00:00+08:00
SHIPPED = sorted(f.name[:-5] for f in files("jinyun.sim").joinpath("faults").iterdir() if f.name.endswith(".toml"))


@pytest.fixture(scope="module")
def district():
    return build("small", 7)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("-26h", -93600), ("+1h30m", 5400), ("1d2h", 93600)])
def test_durations(text, seconds):
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "1.5h", "h", "-"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(BadInput, match="not a duration"):
        duration(text)


def test_spans_come_again():
    span = Span(100, 150, 1000)
    assert list(span.during(0, 100)) == []
    assert list(span.during(149, 1101)) == [(100, 150), (1100, 1150)]
    assert span.holds(100)
    assert not span.holds(150)
    assert span.holds(5149)
    assert not span.holds(5150)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_scripts_bind_at_both_scales(name, district):
    for one in (district, build("district", 7)):
        plan = load_script(name).bind(one, T0)
        assert plan.events or plan.links


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('kind="flood"', "no such kind"),
        ('kind="exceedance"\nsite="E0002-W9"\nfactor="cod_cr"', "no site 'E0002-W9'"),
        ('kind="exceedance"\nsite="E0002-W1"\nfactor="stack_so2"', "does not measure 'stack_so2'"),
        ('kind="exceedance"\nsite="E0002-W1"\nfactor="ph"', "no permit limit for 'ph'"),
        ('kind="silent"\ndevice="AM07"\nfrom="+2h"\nuntil="+1h"', "ends before it begins"),
        ('kind="silent"\ndevice="AM07"\nfrom="2026-03-01T08:00:00"', "must say its time zone"),
        ('kind="silent"\ndevice="AM07"\nhours=3', "unknown hours"),
        ('kind="pollution"\nsite="WS02"\ncause="sewage"', "not a river outlet"),
        ('kind="silent"\ndevice="AM07"\nevery="3h"', "`every` needs"),
    ],
)
def test_wrong_scripts_say_what_is_wrong(text, said, district):
    with pytest.raises(BadInput, match=said):
        parse_script(f"[[fault]]\n{text}\n", "mine").bind(district, T0)


def test_no_script_of_that_name():
    with pytest.raises(BadInput, match="demo"):
        load_script("no-such")


def test_targets_by_kind_and_number(district):
    plan = parse_script('[[fault]]\nkind="cut"\ndevice=["air_micro", "water_outlet#2"]\n').bind(district, T0)
    second = district.by_kind("water_outlet")[1]
    assert set(plan.links) == {district.logger_of(p.id).mn for p in (*district.by_kind("air_micro"), second)}


def test_demo_turns_the_lower_section_from_class_three_to_four_and_back(district):
    """GB 3838-2002 table 1: III up to CODMn 6, NH3-N 1.0, TP 0.2; IV up to 10, 1.5, 0.3."""
    truth = Truth(district, load_script("demo"), T0)
    names = [one.factor.id for one in truth.channels("WS02")]

    def figure(hours: int) -> tuple[int, int, int]:
        hour = truth.hour("WS02", T0 + 3600 * hours)
        return tuple(int(hour.avg[names.index(one)]) for one in ("cod_mn", "nh3_n", "tp"))

    before, sewage, both, after = figure(-31), figure(-23), figure(-15), figure(2)
    assert all(v <= most for v, most in zip(before, (60, 100, 20), strict=True))
    assert 100 < sewage[1] <= 150
    assert (sewage[0], sewage[2]) <= (60, 20)
    assert all(low < v <= high for v, low, high in zip(both, (60, 100, 20), (100, 150, 30), strict=True))
    assert all(v <= most for v, most in zip(after, (60, 100, 20), strict=True))


def test_demo_outlets(district):
    truth = Truth(district, load_script("demo"), T0)
    names = [one.factor.id for one in truth.channels("E0002-W1")]
    over = [h for h in range(-36, 3) if truth.hour("E0002-W1", T0 + 3600 * h).avg[names.index("cod_cr")] > 1000]
    assert over == [-26, -25, -24, -23]  # limit 100 mg/L, then repaired
    nox = [one.factor.id for one in truth.channels("E0005-S1")].index("stack_nox")
    boiler = [h for h in range(-6, 8) if truth.hour("E0005-S1", T0 + 3600 * h).zs_avg[nox] > 3000]
    assert boiler == list(range(-2, 5))  # converted NOx over 300 mg/m3, now and for five hours more
