"""What lies on the desks of an invented bureau of the invented district, as of its first start. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from jinyun.kernel.errors import BadInput
from jinyun.kernel.tables import toml_table
from jinyun.kernel.terms import china_time
from jinyun.sim.place import Course, course

RELATIVE = re.compile(r"([+-]\d+)(h|d)(?:@(\d\d:\d\d))?")
ALONG = re.compile(r"km (\d+(?:\.\d+)?)")
ZERO = Decimal(0)
STOPS = 24
"""Points of a patrol's route."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account of the node."""

    name: str
    roles: tuple[str, ...]
    unit: str


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a record's procedure, and who takes it. A file is named ``@NAME``: see `Item.pictures`."""

    name: str
    by: Person
    given: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """One record with the steps it has gone."""

    type: str
    id: str
    data: Mapping[str, Any]
    steps: tuple[Step, ...]
    pictures: bool  # with a picture from before the works


@dataclass(frozen=True, slots=True)
class Bureau:
    """Its people, and its records in such an order that no reference points forward."""

    people: tuple[Person, ...]
    items: tuple[Item, ...]


def bureau(now: int) -> Bureau:
    """The bureau as of a moment. [s]"""
    table = toml_table("jinyun.sim", "bureau.toml")
    geography = toml_table("jinyun.sim", "geography.toml")
    line = course(geography["course"], float(geography["length_km"]))
    people = tuple(Person(one["name"], tuple(one["roles"]), one["unit"]) for one in table["person"])
    known = {one.name: one for one in people}
    return Bureau(people, tuple(_items(table["record"], known, line, china_time(now))))


def _items(
    rows: Sequence[Mapping[str, Any]], people: Mapping[str, Person], line: Course, now: datetime
) -> Iterator[Item]:
    for row in rows:
        kinds = _kinds(row["type"])
        data = {name: _value(value, kinds.get(name, ""), line, now) for name, value in row["data"].items()}
        if "walk" in row:
            data |= _walk(row["walk"], datetime.fromisoformat(data["started"]), line)
        if "pace" in row:
            data |= _curves(Decimal(row["pace"]), Decimal(data["plan_year"]), now.date())
        steps = tuple(
            Step(
                one["step"],
                _acting(people[one["by"]], one.get("as", "")),
                {name: _value(value, kinds.get(name, ""), line, now) for name, value in one.get("given", {}).items()},
            )
            for one in row.get("steps", ())
        )
        yield Item(row["type"], row["id"], data, steps, bool(row.get("pictures")))


def _acting(person: Person, role: str) -> Person:
    """Somebody who stands in for another role in this one step."""
    return Person(person.name, (*person.roles, role), person.unit) if role else person


DAYS = frozenset({
    "deadline", "planned_start", "started", "planned_end", "finished", "found_on", "correct_by", "due",
})  # fmt: skip


def _kinds(type_id: str) -> Mapping[str, str]:
    """Which fields are days; a patrol's beginning is a moment."""
    return {name: "day" for name in DAYS if not (type_id == "patrol" and name == "started")}


def _value(value: Any, kind: str, line: Course, now: datetime) -> Any:
    if isinstance(value, str):
        if found := RELATIVE.fullmatch(value):
            return _when(found, kind, now)
        if found := ALONG.fullmatch(value):
            lon, lat = line.at(float(found[1]))
            return {"lon": lon, "lat": lat}
    if isinstance(value, list) and len(value) == 2 and all(isinstance(one, float) for one in value):
        return {"lon": value[0], "lat": value[1]}
    return value


def _when(found: re.Match[str], kind: str, now: datetime) -> str:
    amount = int(found[1])
    moment = now + (timedelta(hours=amount) if found[2] == "h" else timedelta(days=amount))
    if kind == "day":
        return moment.date().isoformat()
    if found[3]:
        hour, minute = found[3].split(":")
        moment = moment.replace(hour=int(hour), minute=int(minute), second=0)
    return moment.isoformat(timespec="seconds")


def _walk(walk: Mapping[str, Any], begun: datetime, line: Course) -> dict[str, Any]:
    """A patrol's end, length and route: [longitude, latitude, moment (ISO 8601)]."""
    first, last, minutes = float(walk["from_km"]), float(walk["to_km"]), int(walk["minutes"])
    route = []
    for stop in range(STOPS + 1):
        lon, lat = line.at(first + (last - first) * stop / STOPS)
        at = begun + timedelta(seconds=minutes * 60 * stop // STOPS)
        route.append([lon, lat, at.isoformat(timespec="seconds")])
    return {
        "ended": (begun + timedelta(minutes=minutes)).isoformat(timespec="seconds"),
        "km": str(Decimal(walk["to_km"]) - Decimal(walk["from_km"])), "route": route,
    }  # fmt: skip


def _curves(pace: Decimal, plan: Decimal, today: date) -> dict[str, Any]:
    """The year's plan by months (a slow begin and end), and the money that was done along it up to today."""
    if pace < 0:
        raise BadInput(f"a pace of {pace} is below 0", field="pace")
    ends = [date(today.year + (month == 12), month % 12 + 1, 1) - timedelta(1) for month in range(1, 13)]
    shares = [_smooth(Decimal(month) / 12) for month in range(1, 13)]
    points = [(day, share) for day, share in zip(ends, shares, strict=True) if day < today]
    points.append((today, max((share for day, share in zip(ends, shares, strict=True) if day <= today), default=ZERO)))
    done = [{"date": day.isoformat(), "money": str((share * pace * plan).quantize(Decimal("0.01")))}
            for day, share in points]  # fmt: skip
    curve = [{"date": day.isoformat(), "share": str(share)} for day, share in zip(ends, shares, strict=True)]
    return {"plan": curve, "done": done}


def _smooth(part: Decimal) -> Decimal:
    return (part * part * (3 - 2 * part)).quantize(Decimal("0.001"))
