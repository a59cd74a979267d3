"""Warning of heavy pollution 重污染天气预警: the level that a forecast of daily means reaches. Pure.

``heavy_pollution_warnings.csv`` holds the plans' sentences, ``warning_conditions.csv`` the same as conditions: one row
is one way to reach a level (so many days running above a value, among them so many above a peak).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from jinyun.domains.supervision.rules import PACKAGE, compares, rule
from jinyun.kernel.errors import BadInput
from jinyun.kernel.tables import csv_rows

CONDITIONS, LEVELS = "warning_conditions.csv", "warning_levels.csv"
NONE = "none"

Days = Sequence[Decimal | None]
"""Daily means, one after the other; None: no forecast for that day, which ends a run."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to reach a level: `days` running beyond `value`, and `peak_days` running among them beyond `peak`."""

    level: str
    item: str
    op: str
    value: Decimal
    days: int
    peak_op: str
    peak: Decimal | None
    peak_days: int
    unit: str
    verified: str

    @property
    def words(self) -> str:
        """The condition in signs."""
        signs = {"gt": ">", "ge": "≥"}
        said = f"{self.item} {signs[self.op]} {self.value} {self.unit}, {self.days} d"
        return said if self.peak is None else f"{said}, {signs[self.peak_op]} {self.peak} {self.peak_days} d"


@dataclass(frozen=True, slots=True)
class Warned:
    """A warning level and what it rests on."""

    level: str  # none, blue, yellow, orange, red
    zh: str
    en: str
    ways: tuple[Way, ...]  # those of this level that are met
    first: int | None  # day of the forecast on which the earliest of them begins, from 0


def schemes() -> tuple[str, ...]:
    """Plans whose conditions are held."""
    return tuple(dict.fromkeys(row["scheme"] for row in csv_rows(PACKAGE, CONDITIONS)))


def warning_level(scheme: str, forecast: Mapping[str, Days], *, joined: bool = False) -> Warned:
    """The highest level that a forecast reaches by the plan `scheme`.

    Parameters
    ----------
    forecast : mapping
        Daily values by ``aqi``, ``pm2_5`` [ug/m3], ``o3_8h`` [ug/m3], all over the same days. An item that is left out
        meets no condition.
    joined : bool
        Two episodes with a gap of one cleaner day, which did not end the first, count as one; the gap counts in it.

    Raises
    ------
    BadInput
        For an unknown plan or item, or items of different lengths.
    """
    ways = _ways(scheme)
    known = {way.item for all_ in _all().values() for way in all_}
    for item in forecast:
        if item not in known:
            raise BadInput(f"forecast of {item!r}", field=item, hint=f"known: {', '.join(sorted(known))}")
    if len({len(days) for days in forecast.values()}) > 1:
        lengths = ", ".join(f"{item} {len(days)}" for item, days in forecast.items())
        raise BadInput(f"the forecast has different numbers of days: {lengths}", field="forecast")
    met = [(way, at) for way in ways if (at := _begins(way, forecast.get(way.item, ()), joined)) is not None]
    rank = max((int(_level(way.level)["rank"]) for way, _ in met), default=0)
    row = next(one for one in csv_rows(PACKAGE, LEVELS) if int(one["rank"]) == rank)
    mine = [(way, at) for way, at in met if way.level == row["level"]]
    first = min((at for _, at in mine), default=None)
    return Warned(row["level"], row["zh"], row["en"], tuple(way for way, _ in mine), first)


@cache
def _all() -> Mapping[str, tuple[Way, ...]]:
    found: dict[str, list[Way]] = {}
    for row in csv_rows(PACKAGE, CONDITIONS):
        peak = Decimal(row["peak"]) if row["peak"] else None
        found.setdefault(row["scheme"], []).append(
            Way(
                row["level"], row["item"], row["op"], Decimal(row["value"]), int(row["days"]), row["peak_op"], peak,
                int(row["peak_days"] or 0), row["unit"], row["verified"],
            )
        )  # fmt: skip
    return {name: tuple(ways) for name, ways in found.items()}


def _ways(scheme: str) -> tuple[Way, ...]:
    if scheme not in _all():
        raise BadInput(f"warning plan {scheme!r}", field="scheme", hint=f"known: {', '.join(_all())}")
    return _all()[scheme]


def _level(name: str) -> Mapping[str, str]:
    return next(row for row in csv_rows(PACKAGE, LEVELS) if row["level"] == name)


def _begins(way: Way, days: Days, joined: bool) -> int | None:
    """The day on which the first run that meets `way` begins."""
    beyond = [day is not None and compares(way.op, day, way.value) for day in days]
    if joined:
        beyond = _bridged(beyond, days)
    for start, end in _runs(beyond):
        if end - start < way.days:
            continue
        if way.peak is None:
            return start
        peaks = [day is not None and compares(way.peak_op, day, way.peak) for day in days[start:end]]
        if any(b - a >= way.peak_days for a, b in _runs(peaks)):
            return start
    return None


def _runs(marks: Sequence[bool]) -> list[tuple[int, int]]:
    """Spans of consecutive true marks, the end not in them."""
    found, start = [], None
    for place, mark in enumerate([*marks, False]):
        if mark and start is None:
            start = place
        elif not mark and start is not None:
            found.append((start, place))
            start = None
    return found


def _bridged(marks: Sequence[bool], days: Days) -> list[bool]:
    """The same with short gaps filled; a gap whose values are not known is none that could be judged."""
    gap, filled = int(rule("warning_gap_days", "joined")), list(marks)
    for (_, end), (start, _) in zip(_runs(marks), _runs(marks)[1:], strict=False):
        if start - end <= gap and None not in days[end:start]:
            filled[end:start] = [True] * (start - end)
    return filled
