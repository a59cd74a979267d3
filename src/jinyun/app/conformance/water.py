"""Worked cases of surface water and its indices: GB 3838, 环办[2011]22号, TLI, CWQI."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from jinyun.app.conformance.compare import DATES, Answer, Case, Given, number, optional
from jinyun.domains.water import cwqi, quality, river, tli
from jinyun.domains.water import limits as water_limits
from jinyun.kernel.factors import factor
from jinyun.kernel.units import convert


def _section(case: Case) -> Mapping[str, Any]:
    given: Given = case["input"]
    edition = water_limits.edition(DATES["2012"], given["body"])
    # Cases give table units (mg/L); inside the house a factor has one unit of its own.
    values = {name: _canonical(name, number(value)) for name, value in given["values"].items()}
    found = quality.section_class(values, edition, saturation=optional(given.get("do_saturation_pct")))
    if found is None:
        return {}
    reference = int(water_limits.rule("reference_class"))
    return {
        "class": found.level,
        "class_label": water_limits.LABELS_ZH[found.level],
        "status_zh": found.status_zh,
        "item_class": {name: item.level for name, item in found.items.items()},
        "exceed_multiple": {name: i.multiple for name, i in found.items.items() if i.level > reference},
        "main_indicators": list(found.main_indicators),
    }


def _canonical(name: str, value: Decimal) -> Decimal:
    unit = factor(name).unit
    return convert(value, "mg/L", unit) if unit.endswith("g/L") else value


def _river(case: Case) -> Mapping[str, Any]:
    given: Given = case["input"]
    good, worse = number(given["share_class_1_to_3"]), number(given["share_worse_than_5"])
    return {"status_zh": river.river_status(good, worse, given["sections"])}


def _trend(case: Case) -> Mapping[str, Any]:
    g: Given = case["input"]
    change = river.share_change(
        (number(g["good_before"]), number(g["good_after"])), (number(g["worse5_before"]), number(g["worse5_after"]))
    )
    return {"dG_minus_dD": change.points, "label_zh": change.label_zh}


def _tli(case: Case) -> Mapping[str, Any]:
    found = tli.tli({name: number(value) for name, value in case["input"].items()})
    return {"tli_j": found.parts, "tli": found.total, "level_zh": found.level_zh}


def _cwqi(case: Case) -> Mapping[str, Any]:
    given: Given = case["input"]
    found: dict[str, Any] = {}
    indices = {}
    for body in ("river", "lake"):
        if body in given:
            values = {name: _canonical(name, number(value)) for name, value in given[body].items()}
            indices[body] = found[f"{body}_cwqi"] = cwqi.cwqi(values, body=body).total
    found["city_cwqi"] = cwqi.city_cwqi(
        indices.get("river"), indices.get("lake"), river_sections=given.get("river_sections", 0),
        lake_points=given.get("lake_points", 0),
    )  # fmt: skip
    return found


ANSWERS: Mapping[tuple[str, str], Answer] = {
    ("surface_water", "section_class"): _section,
    ("surface_water", "river_status"): _river,
    ("surface_water", "trend_class_share"): _trend,
    ("water_indices", "tli"): _tli,
    ("water_indices", "cwqi"): _cwqi,
}
"""(topic, rule) -> what answers it. A rule that the domain learns adds a line here."""
