"""Entities of the sensing profile: properties, relations, and the forms of their values in JSON. OGC 18-088 8.2."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import msgspec

from jinyun.kernel.terms import china_time
from jinyun.share.sensorthings.expressions import Interval

Id = str | int


@dataclass(frozen=True, slots=True)
class Kind:
    """One entity type. `relations` by name: (plural of the target, whether it has many)."""

    plural: str
    singular: str
    properties: tuple[str, ...]
    relations: Mapping[str, tuple[str, bool]]


KINDS: Mapping[str, Kind] = {
    one.plural: one
    for one in (
        Kind(
            "Things", "Thing", ("name", "description", "properties"),
            {
                "Locations": ("Locations", True), "HistoricalLocations": ("HistoricalLocations", True),
                "Datastreams": ("Datastreams", True),
            },
        ),
        Kind(
            "Locations", "Location", ("name", "description", "encodingType", "location", "properties"),
            {"Things": ("Things", True), "HistoricalLocations": ("HistoricalLocations", True)},
        ),
        Kind(
            "HistoricalLocations", "HistoricalLocation", ("time",),
            {"Thing": ("Things", False), "Locations": ("Locations", True)},
        ),
        Kind(
            "Datastreams", "Datastream",
            (
                "name", "description", "unitOfMeasurement", "observationType", "observedArea", "phenomenonTime",
                "resultTime", "properties",
            ),
            {
                "Thing": ("Things", False), "Sensor": ("Sensors", False),
                "ObservedProperty": ("ObservedProperties", False), "Observations": ("Observations", True),
            },
        ),
        Kind(
            "Sensors", "Sensor", ("name", "description", "encodingType", "metadata", "properties"),
            {"Datastreams": ("Datastreams", True)},
        ),
        Kind(
            "ObservedProperties", "ObservedProperty", ("name", "definition", "description", "properties"),
            {"Datastreams": ("Datastreams", True)},
        ),
        Kind(
            "Observations", "Observation",
            ("phenomenonTime", "resultTime", "result", "resultQuality", "validTime", "parameters"),
            {"Datastream": ("Datastreams", False), "FeatureOfInterest": ("FeaturesOfInterest", False)},
        ),
        Kind(
            "FeaturesOfInterest", "FeatureOfInterest",
            ("name", "description", "encodingType", "feature", "properties"),
            {"Observations": ("Observations", True)},
        ),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity. A value in `data` may be a function without arguments: it is asked only when somebody wants it."""

    kind: Kind
    id: Id
    data: Mapping[str, Any | Callable[[], Any]]
    series: int = -1  # of an Observation: the Datastream it belongs to
    shown: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """JSON forms of properties that do not change while the entity lives."""

    def json(self, name: str) -> Any:
        """A property in the form the JSON encoder takes."""
        found = self.shown.get(name)
        if found is None:
            value = self.data.get(name)
            if callable(value):
                return to_json(value())
            found = self.shown[name] = to_json(value)
        return found

    def get(self, name: str) -> Any:
        value = self.data.get(name)
        return value() if callable(value) else value

    @property
    def address(self) -> str:
        """``Things('x')``, for a URL."""
        found: str | None = self.shown.get("@address")
        if found is None:
            found = self.shown["@address"] = f"{self.kind.plural}({quote_id(self.id)})"
        return found


@lru_cache(8192)
def stretch(start: int, end: int) -> Interval:
    """[start, end) on China's clock, of seconds; the newest readings of many series share it."""
    return Interval(china_time(start), china_time(end))


@lru_cache(8192)
def _moment_text(value: datetime, _zone: object) -> str:
    return value.isoformat()


def _moment(value: datetime) -> str:
    return _moment_text(value, value.tzinfo)  # equal instants of other zones are told otherwise


_PLAIN = str.maketrans(":-_@.", "00000")


def quote_id(id: Id) -> str:
    """An id as it stands in a URL."""
    if isinstance(id, int) or (id.isascii() and id.translate(_PLAIN).isalnum()):
        return str(id) if isinstance(id, int) else f"'{id}'"
    return "'" + quote(id.replace("'", "''"), safe="':@.,;~-_") + "'"


def plain_number(value: Decimal) -> str:
    """A decimal as a JSON number without idle zeros and without an exponent."""
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def to_json(value: Any) -> Any:
    """A value in the form the JSON encoder takes: exact decimals, RFC 3339 times, intervals with a slash."""
    made = _FORMS.get(type(value))
    if made is not None:
        return made(value)
    if isinstance(value, Mapping):
        return _object(value)
    if isinstance(value, datetime):
        return _moment(value)
    return value


def _object(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: to_json(one() if callable(one) else one) for key, one in value.items()}


def _same(value: Any) -> Any:
    return value


def _list(value: Sequence[Any]) -> list[Any]:
    return [to_json(one) for one in value]


_FORMS: Mapping[type, Callable[[Any], Any]] = {
    str: _same, int: _same, type(None): _same, bool: _same, float: _same,
    Decimal: lambda value: msgspec.Raw(plain_number(value).encode()),
    datetime: _moment,
    Interval: lambda value: f"{_moment(value.start)}/{_moment(value.end)}",
    dict: _object, list: _list, tuple: _list,
}  # fmt: skip
