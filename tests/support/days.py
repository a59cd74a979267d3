"""Day verdicts as judges give them, made by hand: for tests of what is worked out from days."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from jinyun.app.assemble import House
from jinyun.app.settings import Settings
from jinyun.kernel.ports import SYSTEM
from jinyun.kernel.terms import CHINA, Period, ReadingRef, Status, Verdict, VerdictItem, Window

UNITS = {
    "so2": "ug/m3", "no2": "ug/m3", "co": "mg/m3", "o3": "ug/m3", "pm10": "ug/m3", "pm2_5": "ug/m3", "ph": "1",
    "noise_leq": "dB(A)",
}  # fmt: skip


def start_of(day: date, hour: int = 0) -> int:
    return int(datetime(day.year, day.month, day.day, hour, tzinfo=CHINA).timestamp())


def days_from(first: date, after: date) -> list[date]:
    return [first + timedelta(n) for n in range((after - first).days)]


def day_verdict(
    judge: str,
    site: str,
    day: date,
    values: Mapping[str, str | None],
    *,
    level: int | None = 1,
    readings: int = 0,
    hours: tuple[int, int] = (0, 24),
    **changes: Any,
) -> Verdict:
    """A current verdict on one day with one item per value; None: the item has no figure."""
    items = tuple(
        VerdictItem(
            factor, text, UNITS.get(factor, "mg/L"), Status.CANNOT_JUDGE if text is None else Status.ATTAINS,
            reason="无数据" if text is None else "", clause="表1",
            readings=tuple(ReadingRef(n, start_of(day, n % 24), 10_000 + n) for n in range(readings)),
        )
        for factor, text in values.items()
    )  # fmt: skip
    given: dict[str, Any] = {
        "judge": judge, "subject": site,
        "window": Window(Period.DAY, start_of(day) + hours[0] * 3600, start_of(day) + hours[1] * 3600),
        "status": Status.ATTAINS, "figure": str(level) if level else None, "unit": "", "limit": None, "clause": "表1",
        "edition": "as made", "level": level, "label_zh": f"{level}级", "label_en": f"level {level}", "deciding": (),
        "items": items, "sentence_zh": "。", "sentence_en": ".",
    }  # fmt: skip
    return Verdict(**(given | changes))


def air_day(site: str, day: date, values: Mapping[str, str | None], **changes: Any) -> Verdict:
    return day_verdict("air.aqi_day", site, day, values, **changes)


def water_day(site: str, day: date, values: Mapping[str, str | None], **changes: Any) -> Verdict:
    return day_verdict("water.section_class_day", site, day, values, **changes)


def make_house(folder: Path, at: str, sites: Mapping[str, Mapping[str, Any]], **settings: Any) -> House:
    """A real house (not started) whose clock stands near `at`, ISO 8601, with sites on file."""
    house = House(Settings.load(folder, clock=f"{at},{at},0.000001", **settings))
    rows = [(id, {"name": id, "jurisdiction": "500109", **data}) for id, data in sites.items()]
    house.records.put_many("site", rows, SYSTEM)
    house.sites.refresh()
    return house


def texts(values: Mapping[str, Decimal | None]) -> dict[str, str | None]:
    return {name: None if value is None else format(value, "f") for name, value in values.items()}
