"""A year of day verdicts of many sections, judged by the node's own room from readings in its own store.

Each section sends one hour a day; an upload is one block. The clock of the house runs, from `AT` on.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from days import days_from, start_of

from jinyun.app.assemble import House
from jinyun.app.settings import Settings
from jinyun.kernel.ports import MICRO, SYSTEM, Arrival, Block
from jinyun.kernel.terms import CHINA, Flag, Origin, Period, SeriesKey, Stat

AT = "2027-01-05T08:00:00+08:00"
FIRST, AFTER = date(2026, 1, 1), date(2027, 1, 1)
HOURS = (8,)
FACTORS = {"ph": ("7.8", "0.1"), "nh3_n": ("0.31", "0.05"), "tp": ("0.071", "0.01")}
"""Mean and spread of each factor: class II."""


def open_house(folder: Path, at: str = AT) -> House:
    """A house (not started) whose clock began to run from `at` when it was opened."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "jinyun.toml").is_file():  # verbs that open the folder later go by the same clock
        (folder / "jinyun.toml").write_text(f'clock = "{at},{datetime.now(CHINA).isoformat()},1"\n')
    house = House(Settings.load(folder))
    house.sites.refresh()
    house.directory.refresh()
    return house


def section(number: int) -> str:
    return f"w{number:02d}"


def register(house: House, sections: int) -> list[str]:
    ids = [section(n) for n in range(1, sections + 1)]
    rows = [
        (id, {"name": f"{id}断面", "kind": "water_section", "river": f"第{n % 6 + 1}江", "order_km": n,
              "target_class": 3, "jurisdiction": "500109"})
        for n, id in enumerate(ids, 1)
    ]  # fmt: skip
    house.records.put_many("site", rows, SYSTEM)
    house.sites.refresh()
    return ids


def series_of(house: House, site: str, factors: Sequence[str] = tuple(FACTORS)) -> np.ndarray:
    return house.readings.series_ids([SeriesKey(site, one, Stat.AVG, Period.HOUR) for one in factors]).astype(np.int32)


def put(house: House, site: str, at: int, values: Mapping[str, Decimal], **changes: Any) -> None:
    """One upload: hourly means of one section; `flag` and fields of `Block` may be given."""
    given: dict[str, Any] = {
        "received_at": house.clock.now(), "origin": Origin.LIVE, "mn": f"MN{site}", "site": site, "ref": None,
        "period": Period.HOUR,
    }  # fmt: skip
    flags = np.full(len(values), int(changes.pop("flag", Flag.NORMAL)), np.uint8)
    numbers = np.array([int(value * MICRO) for value in values.values()], np.int64)
    series = changes.pop("series", None)
    series = series_of(house, site, tuple(values)) if series is None else series
    house.readings.put(Block(at, series, numbers, flags, **(given | changes)))


def fill(
    house: House, sites: Sequence[str], first: date = FIRST, after: date = AFTER, seed: int = 5
) -> dict[tuple[str, int, str], Decimal]:
    """Readings of all days, then every day judged by the room; what was sent, by (site, time [s], factor)."""
    chance, sent = random.Random(seed), {}
    series = {site: series_of(house, site) for site in sites}
    spread = {factor: (Decimal(mean), Decimal(width) / 100) for factor, (mean, width) in FACTORS.items()}
    for day in days_from(first, after):
        for site in sites:
            for hour in HOURS:
                at = start_of(day, hour)
                values = {f: mean + chance.randint(-100, 100) * width for f, (mean, width) in spread.items()}
                put(house, site, at, values, series=series[site])
                sent |= {(site, at, factor): value for factor, value in values.items()}
    house.readings.flush()
    for day in days_from(first, after):
        for site in sites:
            touch(house, site, day)
    house.judge.settle(300)
    return sent


def touch(house: House, site: str, day: date) -> None:
    """Say that a day has data: only judges of days look at it."""
    house.judge.touch(Arrival(site, f"MN{site}", Period.DAY, start_of(day, 2), house.clock.now()))


def correct(house: House, site: str, day: date, factor: str, value: str, **said: Any) -> None:
    """One corrected reading as the way of a session ends (`said`: author, reason, session); its day is to be judged."""
    put(house, site, start_of(day, HOURS[0]), {factor: Decimal(value)}, origin=Origin.CORRECTION, **said)
    house.readings.flush()
    touch(house, site, day)
