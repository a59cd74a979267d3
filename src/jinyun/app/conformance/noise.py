"""Worked cases of noise: GB 3096, GB 12348, HJ 640."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinyun.app.conformance.compare import DATES, Answer, Case, Given, number
from jinyun.domains.noise import boundary, city, levels

FINE = 6
"""Decimals asked for where a case has a tolerance below 0.1 dB."""


def _ld_ln_ldn(case: Case) -> Mapping[str, Any]:
    day, night = ([number(v) for v in case["input"][key]] for key in ("day_hours_06_22", "night_hours_22_06"))
    found = levels.day_night(day, night, places=FINE)
    return {"ld": found.ld, "ln": found.ln, "ldn": found.ldn}


def _percent_levels(case: Case) -> Mapping[str, Any]:
    samples = [number(v) for v in case["input"]["samples"]]
    found = levels.percent_levels(samples, places=FINE)
    return {f"l{percent}": level for percent, level in found.items()} | {"leq": levels.leq(samples, places=FINE)}


def _leq(case: Case) -> Mapping[str, Any]:
    given: Given = case["input"]
    weights = [number(v) for v in given["weights"]] if "weights" in given else None
    return {"leq": levels.leq([number(v) for v in given["levels"]], weights, places=FINE)}


def _grade(case: Case) -> Mapping[str, Any]:
    g: Given = case["input"]
    found = city.grade(number(g["mean_leq"]), g["topic"], g["period"], DATES["2012"])
    return {"quality_zh": found.quality_zh, "level_zh": found.level_zh}


def _road(case: Case) -> Mapping[str, Any]:
    values, lengths = ([number(v) for v in case["input"][key]] for key in ("leq", "length_m"))
    return {"mean": city.road_mean(values, lengths, places=FINE)}


def _background(case: Case) -> Mapping[str, Any]:
    g: Given = case["input"]
    return {"corrected": boundary.background_correction(number(g["measured"]), number(g["background"]))}


ANSWERS: Mapping[tuple[str, str], Answer] = {
    ("noise", "ld_ln_ldn"): _ld_ln_ldn,
    ("noise", "percent_levels"): _percent_levels,
    ("noise", "leq"): _leq,
    ("noise", "hj640_grade"): _grade,
    ("noise", "road_length_weighted"): _road,
    ("noise", "background_correction"): _background,
}
"""(topic, rule) -> what answers it. A rule that the domain learns adds a line here."""
