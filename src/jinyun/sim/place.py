"""Where things are along the river: a point for each kilometre of its course."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, radians, sqrt

Point = tuple[float, float]  # lon, lat; WGS84 degrees


@dataclass(frozen=True, slots=True)
class Course:
    """A river's line with its official length, which is longer than the drawn one because of small bends."""

    points: tuple[Point, ...]
    length_km: float

    def at(self, km: float) -> Point:
        """The point `km` kilometres below the head, rounded to 5 decimals."""
        spans = [_distance(a, b) for a, b in zip(self.points, self.points[1:], strict=False)]
        left = max(0.0, min(1.0, km / self.length_km)) * sum(spans)
        for (a, b), span in zip(zip(self.points, self.points[1:], strict=False), spans, strict=True):
            if left <= span:
                f = left / span
                return round(a[0] + (b[0] - a[0]) * f, 5), round(a[1] + (b[1] - a[1]) * f, 5)
            left -= span
        return self.points[-1]


def course(points: Sequence[Sequence[float]], length_km: float) -> Course:
    return Course(tuple((float(p[0]), float(p[1])) for p in points), length_km)


def _distance(a: Point, b: Point) -> float:
    """Kilometres, flat: good to a metre at this size."""
    x = (b[0] - a[0]) * 111.32 * cos(radians((a[1] + b[1]) / 2))
    y = (b[1] - a[1]) * 110.57
    return sqrt(x * x + y * y)
