"""Worked cases of soil: GB 36600, GB 15618."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from jinyun.app.conformance.compare import DATES, Answer, Case, Given, number
from jinyun.domains.soil import construction, farmland
from jinyun.domains.soil.limits import Limits
from jinyun.kernel.terms import Verdict


def _answer(limits: Limits, verdict: Verdict) -> Mapping[str, Any]:
    multiple = verdict.items[0].multiple
    return {
        "screening": limits.screening,
        "control": limits.control,
        "result": verdict.extra["state"],
        "screening_multiple": None if multiple is None else Decimal(multiple),
    }


def _farmland(case: Case) -> Mapping[str, Any]:
    g: Given = case["input"]
    day, ph = DATES["2012"], number(g["ph"])
    limits = farmland.limits_of(g["item"], ph, g["land"], day)
    values = {g["item"]: number(g["mg_kg"])}
    return _answer(limits, farmland.judge_farmland("case", values, ph=ph, land=g["land"], day=day))


def _construction(case: Case) -> Mapping[str, Any]:
    g: Given = case["input"]
    day = DATES["2012"]
    limits = construction.limits_of(g["item"], g["land"], day)
    return _answer(limits, construction.judge_plot("case", {g["item"]: number(g["mg_kg"])}, land=g["land"], day=day))


ANSWERS: Mapping[tuple[str, str], Answer] = {
    ("soil", "farmland"): _farmland,
    ("soil", "construction_land"): _construction,
}
"""(topic, rule) -> what answers it. A rule that the domain learns adds a line here."""
