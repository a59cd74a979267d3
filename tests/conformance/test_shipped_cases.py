"""The case set that comes with the package: made by a second reading of the standards, and passed by ours."""

from __future__ import annotations

import ast
import json
import sys
from decimal import ROUND_HALF_UP, Decimal
from importlib import import_module
from itertools import pairwise
from math import ceil
from pathlib import Path

import pytest

from jinyun.app.conformance import SHIPPED, State, run
from jinyun.domains.air import aqi as air_aqi

TOOLS = Path(__file__).parents[2] / "tools"
FILES = sorted(SHIPPED.glob("*.json"))
NAMES = {path.stem for path in FILES}


@pytest.fixture(scope="module")
def made():
    """The files as the generator would write them now."""
    sys.path.insert(0, str(TOOLS))
    try:
        import make_cases

        yield {name: make_cases.text(*parts, name.removesuffix(".json")) for name, parts in make_cases.files().items()}
    finally:
        sys.path.remove(str(TOOLS))


def cases(path):
    return json.loads(path.read_text("utf-8"))["cases"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_our_functions_pass_the_shipped_cases(path):
    report = run([path])
    assert [case.line for case in report.cases if case.state is not State.PASSED] == []
    assert report.passed == len(cases(path))


def test_there_are_cases_for_every_topic():
    topics = {json.loads(path.read_text("utf-8"))["topic"] for path in FILES}
    assert topics == {"air", "surface_water", "groundwater", "water_indices", "noise", "soil", "emission", "online"}
    assert sum(len(cases(path)) for path in FILES) >= 4000


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_case_says_where_its_figure_comes_from(path):
    ids = [case["id"] for case in cases(path)]
    assert len(set(ids)) == len(ids)
    for case in cases(path):
        assert case["source"], case["id"]
        assert case["kind"] == "derived", case["id"]  # official rows have no licence to be shipped
        assert case["expected"], case["id"]
        assert case.get("rule") or (case.get("standard") and case.get("report")), case["id"]


def test_the_files_are_what_the_generator_makes_of_the_tables(made):
    assert set(made) == {path.name for path in FILES}
    for path in FILES:
        assert path.read_text("utf-8") == made[path.name], f"{path.name}: run python tools/make_cases.py"


def test_the_reference_uses_nothing_of_the_package():
    """Else a fault of ours would be in the expected values too."""
    for path in [TOOLS / "make_cases.py", *(TOOLS / "cases_reference").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.startswith("jinyun")], path.name


# Rules §9, "test inputs that separate good from bad code": each must be among the inputs.
def daily(year, **given):
    return any(
        all(case["input"].get(name) == value for name, value in given.items())
        for case in cases(SHIPPED / f"air_daily_{year}.json")
    )


def hourly(year, **given):
    return any(
        all(case["input"].get(name) == value for name, value in given.items())
        for case in cases(SHIPPED / f"air_hourly_{year}.json")
    )


def ruled(file, rule):
    return [case["input"] for case in cases(SHIPPED / file) if case.get("rule") == rule]


@pytest.mark.parametrize("year", ["2012", "2026"])
def test_the_telling_inputs_of_air_are_there(year):
    top = {"2012": (75, 150), "2026": (60, 120)}[year]
    assert daily(year, pm2_5=top[0])
    assert daily(year, pm2_5=top[0] + 1)
    assert daily(year, pm2_5=top[0] + 0.5)
    assert daily(year, pm2_5=top[0] + 1.5)
    assert daily(year, co=2.2)
    assert all(daily(year, co=c) for c in (0.9, 1, 1.1, 1.9, 2, 2.1, 3.9, 4, 4.1))
    assert all(daily(year, o3=c) for c in (800, 801))
    assert all(hourly(year, so2=c) for c in (800, 801))
    assert daily(year, pm2_5=501)
    assert daily(year, so2=None, no2=None, co=None, o3=None, pm10=None, pm2_5=30)
    assert daily(year, pm2_5=top[0], pm10=top[1])
    found = {case["expected"]["aqi"] for case in cases(SHIPPED / f"air_daily_{year}.json")}
    assert {50, 51, None, 500} <= found


def test_the_telling_inputs_of_the_rest_are_there():
    water = ruled("surface_water.json", "section_class")
    for body in ("river", "lake_reservoir"):
        assert any(one["body"] == body and one["values"].get("tp") == 0.02 for one in water)
    for item, values in {"do": (7.5, 7.4), "ph": (6, 9, 9.1)}.items():
        assert {one["values"].get(item) for one in water} >= set(values)
    shares = ruled("surface_water.json", "river_status")
    assert {one["share_class_1_to_3"] for one in shares} >= {75, 90}
    assert {one["share_worse_than_5"] for one in shares} >= {20, 40}
    assert 5 in {one["sections"] for one in shares}
    assert {(one["values"]["do"], one.get("do_saturation_pct")) for one in water} >= {(7.2, 90), (7.2, 89.9)}
    assert {len(one["sections"]) for one in ruled("surface_water.json", "river")} >= {4, 5}
    assert {one["tli"] for one in ruled("water_indices.json", "tli_level")} >= {30, 50, 60, 70}
    assert {one["o2_measured_pct"] for one in ruled("emission.json", "oxygen_convertible")} >= {20.9, 21}
    noise = ruled("noise.json", "hj640_grade")
    assert {one["mean_leq"] for one in noise} >= {50.04, 50.06}
    gaps = {round(one["measured"] - one["background"], 1) for one in ruled("noise.json", "background_correction")}
    assert gaps >= {10.0, 10.1, 2.9}
    assert {one["ph"] for one in ruled("soil.json", "farmland")} >= {5.5, 6.5, 7.5, 7.51}


# The set is there to tell good code from bad: faults that peers have, planted into ours, must be found.


def strict(item_class):
    """A value equal to a limit breaks it, as where < stands for <=."""
    return lambda limits, value, *more: item_class(
        limits, value + Decimal("1e-9") * (-1 if limits.op == "ge" else 1), *more
    )


def by_floats(last_step):
    """Interpolation in binary floats, as packages do it, ended by `last_step`."""

    def index(pollutant, averaging, value, edition):
        points = edition.points[pollutant, averaging]
        value = float(air_aqi.rounded(pollutant, value, edition))
        ladder = [(float(c), i) for c, i in zip(points.concentration, points.iaqi, strict=True)]
        for (low, low_index), (high, high_index) in pairwise(ladder):
            if value <= high:
                return last_step((high_index - low_index) / (high - low) * (value - low) + low_index)
        return points.above_top

    return lambda _: index


FAULTS = {
    "half to even in place of the ceiling": (
        "jinyun.domains.air.aqi", "iaqi", by_floats(round), "air_daily_2026"),
    "no rounding before the look-up": (
        "jinyun.domains.air.aqi", "rounded", lambda _: lambda name, value, edition: value, "air_daily_2026"),
    "concentrations cut down": (
        "jinyun.domains.air.aqi", "rounded", lambda _: lambda name, value, edition: Decimal(int(value)),
        "air_hourly_2012"),
    "ceiling of a float": (
        "jinyun.domains.air.aqi", "iaqi", by_floats(ceil), "air_hourly_2026"),
    "equality does not comply": ("jinyun.domains.water.quality", "item_class", strict, "surface_water"),
    "halves always up": (
        "jinyun.domains.noise.city", "round_gb",
        lambda _: lambda value, places: value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP), "noise"),
}  # fmt: skip


@pytest.mark.parametrize(("module", "name", "wrong", "file"), FAULTS.values(), ids=FAULTS)
def test_a_fault_of_a_peer_is_found(monkeypatch, module, name, wrong, file):
    where = import_module(module)
    monkeypatch.setattr(where, name, wrong(getattr(where, name)))
    assert run([SHIPPED / f"{file}.json"]).failed >= 2
