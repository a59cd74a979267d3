"""Whose a matter is: by cell, river reach and division, and who is on duty there. Pure but for the map of divisions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

import shapely
from shapely.geometry import Point, shape

from jinyun.kernel.ports import Record
from jinyun.methods.places import covers

CELL, REACH, DIVISION = 3, 2, 1
"""The nearer ground is heavier."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the place of a matter."""

    kind: str
    place: Mapping[str, Any] | None = None  # {lon, lat}
    jurisdiction: str = ""
    river: str = ""
    order_km: Decimal | None = None


@dataclass(slots=True)
class Suggestion:
    """A unit for a matter, with the grounds."""

    owner: str
    name: str
    weight: tuple[int, int]
    person: str = ""
    grounds: list[dict[str, str]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {"owner": self.owner, "name": self.name, "person": self.person, "grounds": self.grounds}


def division_at(place: Mapping[str, Any] | None) -> str:
    """GB/T 2260 code of the district that holds a place, of those on the shipped map; "" outside it."""
    if place is None:
        return ""
    tree, codes = _districts()
    found = tree.query(Point(place["lon"], place["lat"]), predicate="intersects")
    return codes[int(found[0])] if len(found) else ""


@cache
def _districts() -> tuple[shapely.STRtree, tuple[str, ...]]:
    text = files("jinyun.app").joinpath("basemap/districts.geojson").read_text(encoding="utf-8")
    features = json.loads(text)["features"]
    shapes = [shape(one["geometry"]) for one in features]
    return shapely.STRtree(shapes), tuple(str(one["properties"]["code"]) for one in features)


def suggestions(
    facts: Facts,
    *,
    cells: Iterable[Record],
    reaches: Iterable[Record],
    units: Sequence[Record],
    duties: Iterable[Record],
    now: datetime,
) -> list[Suggestion]:
    """Units for a matter, the nearest ground first, each with who is on duty for its kind."""
    names = {one.id: str(one.data.get("name") or one.id) for one in units}
    ids = {name: id for id, name in names.items()}
    found: dict[str, Suggestion] = {}

    def add(owner: Any, weight: tuple[int, int], zh: str, en: str) -> None:
        if not owner:
            return
        unit = ids.get(str(owner), str(owner))
        one = found.setdefault(unit, Suggestion(unit, names.get(unit, str(owner)), weight))
        one.weight = max(one.weight, weight)
        one.grounds.append({"zh": zh, "en": en})

    for cell in cells:
        if _takes(cell.data, facts.kind) and covers(cell.data.get("ring") or (), facts.place):
            name = cell.data["name"]
            add(cell.data.get("owner"), (CELL, 0), f"位于网格“{name}”", f"it lies in the cell {name}")
    for reach in reaches:
        if _takes(reach.data, facts.kind) and _on_reach(reach.data, facts):
            name = reach.data["name"]
            add(reach.data.get("owner"), (REACH, 0), f"位于河段“{name}”", f"it lies on the reach {name}")
    division = facts.jurisdiction or division_at(facts.place)
    for unit in units:
        own = [one for one in unit.data.get("jurisdictions") or () if one.isdigit() and division.startswith(one)]
        if division and own:
            longest = max(own, key=len)
            add(unit.id, (DIVISION, len(longest)), f"辖区 {longest} 包含 {division}", f"{longest} covers {division}")
    for duty in duties:
        one = found.get(str(duty.data["unit"]))
        if one is not None and not one.person and _on_duty(duty.data, facts.kind, now):
            one.person = str(duty.data["person"])
            one.grounds.append({"zh": f"{one.person}值班", "en": f"{one.person} is on duty"})
    return sorted(found.values(), key=lambda one: (one.weight, bool(one.person)), reverse=True)


def _takes(data: Mapping[str, Any], kind: str) -> bool:
    kinds = data.get("kinds") or ()
    return not kinds or kind in kinds


def _on_reach(data: Mapping[str, Any], facts: Facts) -> bool:
    if not facts.river or data.get("river") != facts.river or facts.order_km is None:
        return False
    return Decimal(str(data["from_km"])) <= facts.order_km < Decimal(str(data["to_km"]))


def _on_duty(data: Mapping[str, Any], kind: str, now: datetime) -> bool:
    begun, ended = (datetime.fromisoformat(str(data[name])) for name in ("from", "to"))
    return _takes(data, kind) and begun <= now < ended
