"""Individual index and AQI by HJ 633 in the edition of the data's day. Exact rational arithmetic, no floats. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal

from jinyun.domains.air.limits import IndexEdition, Key, Level
from jinyun.kernel.errors import BadInput, UnknownFactor
from jinyun.kernel.rounding import round_gb

HOURLY_METHODS = ("published", "text_2012")
"""``published``: six 1 h values, PM on the 24 h break points, as practised since 2018 and as the 2026 text says.
``text_2012``: the printed text of 2012 with rolling means of PM (24 h) and O3 (8 h) beside them."""


@dataclass(frozen=True, slots=True)
class Aqi:
    """An AQI with its parts. `value` None: not published (NA), `level` None then too."""

    value: int | None
    level: Level | None
    iaqi: Mapping[Key, int]  # of the items that could be computed
    primary: tuple[str, ...]  # 首要污染物, ties all named; none at 50 or less
    exceeding: tuple[str, ...]  # 超标污染物 (2012 edition only)
    missing: tuple[str, ...]  # items without a valid value
    not_monitored: tuple[str, ...]  # items left out by plan, shown as "/"

    def of(self, pollutant: str) -> int | None:
        """Largest index of a pollutant."""
        return max((n for (name, _), n in self.iaqi.items() if name == pollutant), default=None)


def rounded(pollutant: str, value: Decimal, edition: IndexEdition) -> Decimal:
    """Concentration as it is looked up and printed: integer µg/m³, CO one decimal, half to even."""
    return round_gb(value, edition.places.get(pollutant, 0))


def iaqi(pollutant: str, averaging: str, value: Decimal, edition: IndexEdition) -> int | None:
    """Individual index 分指数 of a concentration; None where the edition computes none above its last break point.

    The concentration is rounded first; the lower end of a segment belongs to the segment before it; the result is the
    ceiling of the exact rational number.

    Parameters
    ----------
    averaging : str
        ``24h``, ``8h`` or ``1h``: which break points.
    value : Decimal
        Not negative. [ug/m3; CO mg/m3]

    Returns
    -------
    int or None
        0 to 500; None: SO2 1 h and O3 8 h above 800 in the edition of 2012.

    Raises
    ------
    UnknownFactor
        When the edition has no break points for the pollutant and averaging time.
    BadInput
        For a value that rounds to less than zero.

    References
    ----------
    .. [1] HJ 633-2012 4.2 and HJ 633-2026 4.2.
    """
    points = edition.points.get((pollutant, averaging))
    if points is None:
        raise UnknownFactor(f"{pollutant} {averaging}", table=edition.standard, known=map(" ".join, edition.points))
    concentration = rounded(pollutant, value, edition)
    if concentration < 0:
        raise BadInput(f"{pollutant} of {value} is below zero", field=pollutant)
    n = bisect_left(points.concentration, concentration)
    if n == 0:
        return points.iaqi[0]
    if n == len(points.concentration):
        return points.above_top
    low, high = points.concentration[n - 1], points.concentration[n]
    # Quotient and rest of Decimals are exact: any rest at all goes up.
    steps, rest = divmod((points.iaqi[n] - points.iaqi[n - 1]) * (concentration - low), high - low)
    return points.iaqi[n - 1] + int(steps) + bool(rest)


def aqi(
    values: Mapping[Key, Decimal | None],
    edition: IndexEdition,
    report: str,
    *,
    rolling: Mapping[Key, Decimal | None] | None = None,
    not_monitored: Collection[str] = (),
) -> Aqi:
    """AQI of one report.

    Parameters
    ----------
    values : Mapping[(pollutant, averaging), Decimal | None]
        Keys as `IndexEdition.items` of the report wants them; None or absent: missing.
    report : str
        ``daily``, ``published`` (hourly) or ``text_2012`` (hourly).
    rolling : Mapping, optional
        Second values on the same break points: the 24 h rolling means of PM in ``text_2012``, and the 24 h mean of SO2
        or the 1 h value of O3 that stand in where the 2012 text computes no index above its last break point.
    not_monitored : Collection[str]
        Pollutants left out by plan; not the same as missing (HJ 633-2026, 5.3).

    Raises
    ------
    BadInput
        When the edition has no such report, or a value is below zero.
    """
    if report not in edition.items:
        raise BadInput(f"{edition.standard} has no {report} report", hint=f"it has {', '.join(edition.items)}")
    parts: dict[Key, int] = {}
    without: list[str] = []
    for key in edition.items[report]:
        if key[0] in not_monitored:
            continue
        given = [one for one in (values.get(key), (rolling or {}).get(key)) if one is not None]
        if not given:
            without.append(key[0])
            continue
        found = [n for n in (iaqi(*key, one, edition) for one in given) if n is not None]
        if found:
            parts[key] = max(found)
        elif (stand_in := _stand_in(key, edition, rolling or {}, values)) is not None:
            parts[key] = stand_in
    have = {name for name, _ in parts}
    missing = tuple(dict.fromkeys(name for name in without if name not in have))
    total = max(parts.values(), default=None)
    line = edition.publish_incomplete_above
    if total is not None and missing and line is not None and total <= line:
        total = None
    primary: tuple[str, ...] = ()
    if total is not None and total > edition.primary_above:
        primary = tuple(dict.fromkeys(name for (name, _), n in parts.items() if n == total))
    exceeding: tuple[str, ...] = ()
    if edition.exceedance_above is not None:
        line = edition.exceedance_above
        exceeding = tuple(dict.fromkeys(name for (name, _), n in parts.items() if n > line))
    return Aqi(
        total,
        edition.level_of(total) if total is not None else None,
        parts,
        primary,
        exceeding,
        missing,
        tuple(dict.fromkeys(name for name, _ in edition.items[report] if name in not_monitored)),
    )


def _stand_in(
    key: Key, edition: IndexEdition, rolling: Mapping[Key, Decimal | None], values: Mapping[Key, Decimal | None]
) -> int | None:
    """HJ 633-2012: SO2 1 h above 800 takes the 24 h index, O3 8 h above 800 the 1 h one, when that value is known."""
    other: Key = (key[0], {"1h": "24h", "8h": "1h"}[key[1]])
    value = rolling.get(other, values.get(other))
    return None if value is None else iaqi(*other, value, edition)


def aqi_daily(
    values: Mapping[str, Decimal | None], edition: IndexEdition, *, not_monitored: Collection[str] = ()
) -> Aqi:
    """Daily AQI.

    Parameters
    ----------
    values : Mapping[str, Decimal | None]
        Daily means by pollutant, ``o3`` the daily maximum 8 h mean and, 2012 only, ``o3_1h`` the daily maximum 1 h mean
        (left out of `missing` when the 8 h one is there). [ug/m3; CO mg/m3]
    """
    keyed: dict[Key, Decimal | None] = {
        key: values.get("o3_1h") if key == ("o3", "1h") else values.get(key[0]) for key in edition.items["daily"]
    }
    return aqi(keyed, edition, "daily", not_monitored=not_monitored)


def aqi_hourly(
    values: Mapping[str, Decimal | None],
    edition: IndexEdition,
    *,
    method: str = "published",
    rolling: Mapping[Key, Decimal | None] | None = None,
    not_monitored: Collection[str] = (),
) -> Aqi:
    """Hourly AQI.

    Parameters
    ----------
    values : Mapping[str, Decimal | None]
        Six 1 h values by pollutant; None or absent: missing. [ug/m3; CO mg/m3]
    method : str
        One of `HOURLY_METHODS`; an edition without a ``text_2012`` of its own answers by ``published``.
    rolling : Mapping[(pollutant, averaging), Decimal | None], optional
        Rolling means, with ``text_2012``: see `aqi`. [ug/m3]

    Raises
    ------
    BadInput
        For an unknown method, or a value below zero.
    """
    if method not in HOURLY_METHODS:
        raise BadInput(f"unknown hourly method {method!r}", hint=f"one of {', '.join(HOURLY_METHODS)}")
    report = method if method in edition.items else "published"
    keyed = {key: None if key[1] == "8h" else values.get(key[0]) for key in edition.items[report]}
    return aqi(keyed, edition, report, rolling=rolling, not_monitored=not_monitored)
