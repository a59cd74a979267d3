"""What a report is made of: figures of its period and of the one before, of the months behind, and the days below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from jinyun.kernel.errors import BadInput, JinyunError

DAYS_AT_ONCE = 5000
MONTHS = 13  # a year and the same month of last year
MEDIA = ("air", "water", "noise")


class PeriodFigures(Protocol):
    """The part of `services.periods.Periods` that reports ask."""

    def figures(self, subject: str, *, scope: str, period: str, at: str, edition_on: str = ...) -> dict[str, Any]: ...
    def days(
        self, subject: str, *, scope: str, period: str, at: str, before: bool = ..., offset: int = ..., limit: int = ...
    ) -> dict[str, Any]: ...
    def months(self, subject: str, *, scope: str, at: str, count: int = ..., edition_on: str = ...) -> Any: ...


@dataclass(frozen=True, slots=True)
class Sources:
    """Dicts as `docs/periods-api.md` has them. `previous` is the month or quarter before; None when there is none."""

    medium: str
    now: Mapping[str, Any]
    previous: Mapping[str, Any] | None = None
    months: Sequence[Mapping[str, Any]] = ()
    days: Sequence[Mapping[str, Any]] = ()
    rivers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # name -> figures of its scope

    @property
    def kind(self) -> str:
        return str(self.now["period"]["kind"])


def gather(periods: PeriodFigures, medium: str, *, scope: str, period: str, at: str, area: str = "") -> Sources:
    """Everything a report of `medium` needs, asked of the service. `area` is the name of all sites together.

    Raises
    ------
    BadInput
        For a medium, period or scope that does not exist, from the service in its own words.
    """
    if medium not in MEDIA:
        raise BadInput(f"no report of {medium!r}", field="medium", hint=f"one of {', '.join(MEDIA)}")
    now = periods.figures(medium, scope=scope, period=period, at=at)
    if area and now["scope"]["kind"] == "all":
        now = {**now, "scope": {**now["scope"], "zh": area, "en": area}}
    at = str(now["period"]["at"])
    before = _before(period, at)
    previous = None
    if before:
        try:
            previous = periods.figures(medium, scope=scope, period=period, at=before)
        except JinyunError:
            previous = None
    last_month = str(now["period"]["until"])[:7]  # of a year that goes on: the newest month that counts
    edition_on = str(now["edition"]["on"])  # the whole trend in one edition
    months = periods.months(medium, scope=scope, at=last_month, count=MONTHS, edition_on=edition_on)
    days: list[Mapping[str, Any]] = []
    while True:
        page = periods.days(medium, scope=scope, period=period, at=at, offset=len(days), limit=DAYS_AT_ONCE)
        days += page["items"]
        if not page["items"] or len(days) >= page["total"]:
            break
    rivers = {}
    if medium == "water" and now["scope"]["kind"] in ("all", "city"):
        for name in sorted({str(row["river"]) for row in now["rows"] if row.get("river")}):
            try:
                rivers[name] = periods.figures(medium, scope=f"river:{name}", period=period, at=at)
            except JinyunError:
                continue
    rows = months["items"] if isinstance(months, Mapping) else months
    return Sources(medium, now, previous, tuple(rows), tuple(days), rivers)


def _before(period: str, at: str) -> str:
    """The month or quarter before `at`; of years and running years there is last year's figure already."""
    year = int(at[:4])
    if period == "month":
        month = int(at[5:7])
        return f"{year - 1}-12" if month == 1 else f"{year}-{month - 1:02d}"
    if period == "quarter":
        quarter = int(at[-1])
        return f"{year - 1}-Q4" if quarter == 1 else f"{year}-Q{quarter - 1}"
    return ""
