"""Places on the earth: what lies in a ring of corners, how far two places are apart. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import asin, cos, radians, sin, sqrt
from typing import Any

import shapely
from shapely.geometry import Point, Polygon

EARTH_KM = 6371.0088
"""Mean radius of the earth (IUGG). [km]"""
CORNERS = 3


def covers(ring: Sequence[Sequence[Any]], place: Mapping[str, Any] | None) -> bool:
    """Whether a place ``{lon, lat}`` [°] lies in a ring of corners [longitude, latitude], its border included."""
    if place is None or len(ring) < CORNERS:
        return False
    area = Polygon([(float(lon), float(lat)) for lon, lat in ring])
    return bool(shapely.covers(area if area.is_valid else area.buffer(0), Point(place["lon"], place["lat"])))


def kilometres(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    """Great-circle distance of two places ``{lon, lat}`` [°] on a sphere. [km]"""
    lat, lat2 = radians(float(one["lat"])), radians(float(other["lat"]))
    lon, lon2 = radians(float(one["lon"])), radians(float(other["lon"]))
    h = sin((lat2 - lat) / 2) ** 2 + cos(lat) * cos(lat2) * sin((lon2 - lon) / 2) ** 2
    return 2 * EARTH_KM * asin(min(1.0, sqrt(h)))
