"""Writes the shipped case set `src/jinyun/app/conformance/cases/*.json`: python tools/make_cases.py

Expected values are computed by `cases_reference`, a second small reading of the standards that uses the CSV tables and
fractions, never the package's functions; so the set can tell a fault of the package, and of any other implementation.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

from cases_reference import air, emission, noise, soil, water

OUT = Path(__file__).parents[1] / "src" / "jinyun" / "app" / "conformance" / "cases"

Case = dict[str, Any]


def files() -> dict[str, tuple[str, str, list[Case]]]:
    """File name -> topic, description, cases."""

    def listed(*parts: Iterable[Case]) -> list[Case]:
        return list(chain(*parts))

    found = {
        f"air_{report}_{standard[-4:]}.json": (
            "air",
            f"AQI by {standard}, {report} report: every break point, one step above, halves, missing items, ties.",
            air.aqi(standard, report),
        )
        for standard in air.TABLES
        for report in air.SPANS
    }
    return found | {
        "air_period.json": (
            "air",
            "Percentiles, O3 daily maximum 8 h, valid means, composite index, good days.",
            listed(air.limits(), air.periods(), air.whole_periods()),
        ),
        "surface_water.json": (
            "surface_water",
            "Class of sections at every limit of the 21 items, rivers by share, change of shares.",
            listed(water.sections(), water.rivers(), water.changes(), water.whole_rivers(), water.spearman()),
        ),
        "groundwater.json": (
            "groundwater",
            "Class of groundwater items at every limit of GB/T 14848-2017.",
            listed(water.groundwater()),
        ),
        "water_indices.json": (
            "water_indices",
            "TLI and CWQI (provisional).",
            listed(water.tli(), water.tli_levels(), water.cwqi()),
        ),
        "noise.json": (
            "noise",
            "Energy means, percent levels, grades at every edge, background correction.",
            listed(noise.means(), noise.grades(), noise.background(), noise.zones(), noise.boundaries()),
        ),
        "soil.json": (
            "soil",
            "Farmland and construction land: each value, at it and one step above.",
            listed(soil.farmland(), soil.construction()),
        ),
        "emission.json": (
            "emission",
            "Reference oxygen, rates by stack height, limits by temperature, date, stage and region.",
            listed(emission.oxygen(), emission.convertible(), emission.rates(), emission.sewage(), emission.boilers()),
        ),
        "online_validity.json": (
            "online",
            "Validity, capture, substitution, marking of online data.",
            listed(emission.online()),
        ),
    }


def text(topic: str, description: str, cases: list[Case], prefix: str) -> str:
    """One case per line, so that a change shows as a line; equal cases once, ids by place."""
    unique = {
        json.dumps({k: c[k] for k in c if k not in ("why", "source")}, sort_keys=True): c for c in reversed(cases)
    }
    lines = [
        json.dumps({"id": f"{prefix}_{n:04}", **case}, ensure_ascii=False)
        for n, case in enumerate(reversed(unique.values()), 1)
    ]
    head = f'{{"topic": {json.dumps(topic)}, "description": {json.dumps(description, ensure_ascii=False)}, "cases": ['
    return head + "\n" + ",\n".join(lines) + "\n]}\n"


def main() -> int:
    OUT.mkdir(parents=True, exist_ok=True)
    made = files()
    for old in OUT.glob("*.json"):
        if old.name not in made:
            old.unlink()
    for name, (topic, description, cases) in made.items():
        whole = text(topic, description, cases, name.removesuffix(".json"))
        (OUT / name).write_text(whole, encoding="utf-8")
        print(f"{name}: {len(json.loads(whole)['cases'])} cases")
    return 0


if __name__ == "__main__":
    sys.exit(main())
