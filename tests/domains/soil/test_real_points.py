"""Public soil records beside the repo: every point judged, counts against an independent reading of the tables."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from jinyun.domains.soil.answers import Sample
from jinyun.domains.soil.construction import judge_plot
from jinyun.domains.soil.farmland import judge_farmland

SHARED = Path(__file__).parents[4] / "shared"
DATA, STANDARDS = SHARED / "data", SHARED / "standards"
pytestmark = pytest.mark.skipif(not (DATA / "soil-cumcm2011").is_dir(), reason="needs ../shared/data/soil-cumcm2011")
DAY = date(2026, 3, 2)


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def construction_limits(group):
    """item -> (screening, control) of GB 36600, by the csv module alone."""
    found = {}
    for row in rows(STANDARDS / "gb36600_2018.csv"):
        if row["group"] == group:
            found.setdefault(row["item_code"], {})[row["stage"]] = Decimal(row["value"])
    return {item: (value["screening"], value["control"]) for item, value in found.items()}


def farmland_limits(group, condition):
    """item -> (screening, control) of GB 15618 for a use and a bin: the use's own row, else the one for all."""
    table, found = rows(STANDARDS / "gb15618_2018.csv"), {}
    for row in table:
        if row["stage"] == "screening" and row["condition"] == condition and row["group"] in (group, "all"):
            found[row["item_code"]] = [Decimal(row["value"]), None]
    for row in table:
        if row["stage"] == "control" and row["condition"] == condition:
            found[row["item_code"]][1] = Decimal(row["value"])
    return found


def expected(values, limits, words):
    """The worst word of a sample."""
    worst = 0
    for item, value in values.items():
        if item in limits:
            screening, control = limits[item]
            worst = max(worst, (value > screening) + (control is not None and value > control))
    return words[worst]


CONSTRUCTION = ("negligible", "investigate", "above_control")
FARMLAND = ("low_risk", "safe_use", "strict_control")


def city():
    """id, zone, contents in mg/kg (Cd and Hg come in ng/g)."""
    for row in rows(DATA / "soil-cumcm2011" / "soil_points.csv"):
        values = {
            name[:2].rstrip("_").lower(): Decimal(text) / (1000 if name.endswith("_ngg") else 1)
            for name, text in row.items() if name.endswith(("_ugg", "_ngg"))
        }  # fmt: skip
        yield row["id"], row["zone"], values


@pytest.mark.parametrize(("land", "group"), [("R", "land_class_1"), ("M", "land_class_2")])
def test_city_topsoil_as_construction_land(land, group):
    limits = construction_limits(group)
    found, independent, samples = Counter(), Counter(), []
    for id, _, values in city():
        verdict = judge_plot(id, values, land=land, day=DAY)
        found[verdict.extra["state"]] += 1
        independent[expected(values, limits, CONSTRUCTION)] += 1
        samples.append(Sample(id, values))
        assert {item.factor for item in verdict.items if item.status == "cannot_judge"} == {
            "cr",
            "zn",
        }  # not in GB 36600
    assert found == independent
    assert sum(found.values()) == 255
    whole = judge_plot("城区", samples, land=land, day=DAY)
    assert {state: n for state, n in whole.extra["by_state"].items() if n} == dict(found)
    largest = max(samples, key=lambda one: one.values["cu"])
    assert whole.extra["worst_sample"]["cu"] == largest.id


@pytest.mark.parametrize("condition", ["pH<=5.5", "5.5<pH<=6.5", "6.5<pH<=7.5", "pH>7.5"])
def test_city_topsoil_as_if_it_were_farmland(condition):
    ph = {"pH<=5.5": "5.5", "5.5<pH<=6.5": "6.5", "6.5<pH<=7.5": "7.5", "pH>7.5": "8"}[condition]
    limits = farmland_limits("other", condition)
    found, independent = Counter(), Counter()
    for id, _, values in city():
        found[judge_farmland(id, values, ph=Decimal(ph), land="other", day=DAY).extra["state"]] += 1
        independent[expected(values, limits, FARMLAND)] += 1
    assert found == independent
    assert len(found) > 1


MEUSE = {"cadmium": "cd", "copper": "cu", "lead": "pb", "zinc": "zn"}
JURA = {"Cd": "cd", "Co": "co_metal", "Cr": "cr", "Cu": "cu", "Ni": "ni", "Pb": "pb", "Zn": "zn"}


@pytest.mark.parametrize(
    ("file", "columns", "count"), [("meuse.csv", MEUSE, 155), ("jura_prediction_259.csv", JURA, 259)]
)
def test_meuse_and_jura(file, columns, count):
    farm = farmland_limits("paddy", "6.5<pH<=7.5") | {
        item: limits for item, limits in farmland_limits("other", "6.5<pH<=7.5").items() if item == "cu"
    }
    built = construction_limits("land_class_1")
    found, independent = Counter(), Counter()
    for number, row in enumerate(rows(DATA / "soil-meuse-jura" / file), 1):
        values = {item: Decimal(row[name]) for name, item in columns.items()}
        for verdict in (
            judge_farmland(str(number), values, ph=Decimal(7), land="paddy", day=DAY),
            judge_plot(str(number), values, land="1", day=DAY),
        ):
            found[verdict.judge, verdict.extra["state"]] += 1
        independent["soil.farmland", expected(values, farm, FARMLAND)] += 1
        independent["soil.construction", expected(values, built, CONSTRUCTION)] += 1
    assert found == independent
    assert sum(found.values()) == 2 * count
