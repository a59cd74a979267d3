"""City values: the mean of valid assessment points; background and roadside points are left out (HJ 663). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from jinyun.domains.air.days import DayValues
from jinyun.domains.air.evaluation import evaluation
from jinyun.methods.columns import PLACES
from jinyun.methods.statistics import mean, round_fraction

ASSESSMENT = "assessment"
"""Kind of the points a city is judged by; any other (``background``, ``roadside``, ``control``) is left out."""


def kind_of(site_data: Mapping[str, Any]) -> str:
    """Kind of a point by its record's `point_kind`; one that names none is an assessment point."""
    return str(site_data.get("point_kind") or ASSESSMENT)


@dataclass(frozen=True, slots=True)
class Point:
    """One point's valid mean of an hour or a day; None: not valid."""

    value: Decimal | None
    kind: str = ASSESSMENT
    name: str = ""


@dataclass(frozen=True, slots=True)
class CityValue:
    """`value` None: too few valid points. Exact; round it by the edition when it is shown or judged."""

    value: Fraction | None
    valid: int  # assessment points with a value
    points: int  # assessment points in all
    left_out: int  # background, roadside…
    least_share: Decimal  # [%]
    note_zh: str = ""
    note_en: str = ""


def city_value(
    points: Iterable[Point | Decimal | None], minimum_share: Decimal | None = None, *, day: date
) -> CityValue:
    """City value of one item in one hour or day: arithmetic mean over its assessment points.

    Parameters
    ----------
    points : Iterable[Point | Decimal | None]
        A bare number or None stands for an assessment point.
    minimum_share : Decimal, optional
        Least share of assessment points that must be valid [%]; default: the edition's (75, recalled).
    day : date
        Chooses the edition of HJ 663.
    """
    least = evaluation(day).city_share if minimum_share is None else minimum_share
    every = [one if isinstance(one, Point) else Point(one) for one in points]
    judged = [one for one in every if one.kind == ASSESSMENT]
    values = [one.value for one in judged if one.value is not None]
    found = CityValue(None, len(values), len(judged), len(every) - len(judged), least)
    if not judged or not values or Fraction(len(values) * 100, len(judged)) < Fraction(least):
        return CityValue(
            None, found.valid, found.points, found.left_out, least,
            f"有效评价点位{found.valid}/{found.points}，不足{least}%",
            f"{found.valid} of {found.points} assessment points valid, less than {least} %",
        )  # fmt: skip
    return CityValue(mean(values), found.valid, found.points, found.left_out, least)


def city_days(points: Mapping[str, Sequence[DayValues]], kinds: Mapping[str, str] | None = None) -> list[DayValues]:
    """Days of a city from those of its points: each item of each day by `city_value`, in the edition of that day.

    A point without a row for a day counts as a point without a valid value. A day has the stamps any point gave it.

    Parameters
    ----------
    points : Mapping[str, Sequence[DayValues]]
        By name of the point.
    kinds : Mapping[str, str], optional
        Kind by name; a point not named is an assessment point.
    """
    by_day: dict[date, dict[str, DayValues]] = {}
    for name, days in points.items():
        for one in days:
            by_day.setdefault(one.day, {})[name] = one
    kinds, out = kinds or {}, []
    for day in sorted(by_day):
        here = by_day[day]
        items = dict.fromkeys(item for one in here.values() for item in one.values)
        values: dict[str, Decimal | None] = {}
        for item in items:
            found = city_value(
                [
                    Point(here[name].of(item) if name in here else None, kinds.get(name, ASSESSMENT), name)
                    for name in points
                ],
                day=day,
            )
            values[item] = None if found.value is None else round_fraction(found.value, PLACES)
        stamps = frozenset(stamp for one in here.values() for stamp in one.stamps)
        out.append(DayValues(day, values, stamps))
    return out
