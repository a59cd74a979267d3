"""Node folders with real stores for the cluster's tests: late rows, corrections, flags, gaps, and registers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from jinyun.app.discover import record_types
from jinyun.kernel.ports import MICRO, NO_VALUE, SYSTEM, Block
from jinyun.kernel.terms import Flag, Origin, Period, SeriesKey, Stat
from jinyun.store.database import open_database
from jinyun.store.readings import DuckReadings
from jinyun.store.records import SqlRecords

HOUR, DAY = 3600, 86400
START = 1_772_294_400
"""2026-03-01T00:00 in China: the first day of the 2026 editions. [s]"""

AIR = ("so2", "no2", "co", "o3", "pm10", "pm2_5")
WATER = ("ph", "do", "cod_mn", "nh3_n", "tp", "water_temp")
STACK = ("so2", "nox", "o2")
LEVEL = {
    "so2": 12, "no2": 40, "co": 0.9, "o3": 90, "pm10": 70, "pm2_5": 40, "ph": 7.6, "do": 7.1, "cod_mn": 3.9,
    "nh3_n": 0.6, "tp": 0.12, "water_temp": 18.4, "nox": 95, "o2": 8.2, "cod_cr": 48,
}  # fmt: skip
PLACES = {"co": 1, "ph": 2, "do": 1, "cod_mn": 1, "nh3_n": 2, "tp": 3, "water_temp": 1, "cod_cr": 1, "o2": 2}


class Clock:
    """Stands still at a given time."""

    def __init__(self, at: int) -> None:
        self.at = at * MICRO

    def now(self) -> int:
        self.at += 1
        return self.at


def sites(name: str) -> list[tuple[str, dict]]:
    """Sites of a node by id."""
    return [
        (f"{name}-air", {"name": "空气站", "kind": "air_station", "jurisdiction": "500109"}),
        (f"{name}-park", {"name": "公园站", "kind": "air_station", "zone": "一类区", "not_monitored": ["co"]}),
        (f"{name}-river", {"name": "断面", "kind": "water_section", "target_class": 3, "body": "river"}),
        (f"{name}-lake", {"name": "湖库", "kind": "water_section", "target_class": 3, "body": "lake"}),
        (f"{name}-stack", {"name": "烟囱", "kind": "stack_outlet", "jurisdiction": "500109"}),
        (f"{name}-drain", {"name": "废水口", "kind": "water_outlet", "jurisdiction": "500109"}),
    ]


def registers(name: str) -> dict[str, list[tuple[str, dict]]]:
    """Records of a node, by type."""
    return {
        "site": sites(name),
        "outlet": [
            (f"{name}-o1", {"name": "1#", "code": "DA001", "kind": "stack", "site": f"{name}-stack",
                            "reference_o2": 6}),
            (f"{name}-o2", {"name": "2#", "code": "DW001", "kind": "water", "site": f"{name}-drain"}),
        ],
        "permit_limit": [
            (f"{name}-l1", _limit(f"{name}-o1", "so2", "hour", 35, converted=True)),
            (f"{name}-l2", _limit(f"{name}-o1", "nox", "hour", 100, converted=True, valid_to="2026-03-02")),
            (f"{name}-l3", _limit(f"{name}-o1", "nox", "hour", 90, converted=True, valid_from="2026-03-03")),
            (f"{name}-l4", _limit(f"{name}-o2", "cod_cr", "hour", 50)),
            (f"{name}-l5", _limit(f"{name}-o2", "ph", "day", 6, unit="1")),
            (f"{name}-l6", _limit(f"{name}-o2", "ph", "day", 9, unit="1")),
        ],
    }  # fmt: skip


def _limit(outlet: str, factor: str, period: str, limit: float, **more: object) -> dict:
    return {"outlet": outlet, "factor": factor, "period": period, "limit": limit, "unit": "mg/m3" if factor in STACK
            else "mg/L", "converted": False, "basis": "许可证", **more}  # fmt: skip


def keys(name: str, *, minutes: bool = True) -> list[SeriesKey]:
    """Series of a node."""
    found = []
    for site, data in sites(name):
        kind = data["kind"]
        if kind == "air_station":
            found += [SeriesKey(site, one, Stat.AVG, Period.HOUR) for one in AIR]
            if minutes:
                found += [SeriesKey(site, one, Stat.AVG, Period.MINUTE) for one in ("so2", "pm2_5")]
                found.append(SeriesKey(site, "no2", Stat.RTD, Period.REALTIME))
        elif kind == "water_section":
            found += [SeriesKey(site, one, Stat.AVG, Period.HOUR) for one in WATER]
        elif kind == "stack_outlet":
            found += [
                SeriesKey(site, one, stat, Period.HOUR) for one in ("so2", "nox") for stat in (Stat.AVG, Stat.ZS_AVG)
            ]
            found.append(SeriesKey(site, "o2", Stat.AVG, Period.HOUR))
        else:
            found.append(SeriesKey(site, "cod_cr", Stat.AVG, Period.HOUR))
            found += [SeriesKey(site, "ph", stat, Period.HOUR) for stat in (Stat.AVG, Stat.MIN, Stat.MAX)]
    return found


def make_node(
    folder: Path, name: str, *, days: int = 4, seed: int = 7, compact: bool = False, database_url: str = ""
) -> None:
    """A stopped node's folder: `days` of hours and minutes, sealed in several goes."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    if database_url:
        (folder / "jinyun.toml").write_text(f'database = "{database_url}"\n')
    database = open_database(database_url or folder / "records.sqlite")
    records = SqlRecords(database, record_types(), Clock(START))
    for kind, rows in registers(name).items():
        records.put_many(kind, rows, SYSTEM)
    store = DuckReadings(folder, database, clock=Clock(START + days * DAY))
    series = keys(name)
    ids = store.series_ids(series)
    of = {key: int(one) for key, one in zip(series, ids, strict=True)}
    received = START * MICRO
    for day in range(days):
        for hour in range(24):
            at = START + day * DAY + hour * HOUR
            for block in _blocks(rng, series, of, at, received):
                store.put(block)
                received += 1_000_000
        if day % 2 == 0:
            store.flush()
            store.seal()
    _late(rng, store, series, of, days, received)
    store.flush()
    store.seal()
    if compact:
        store.compact("2026-12-31")
        _late(rng, store, series, of, days, received + 10**9)
        store.flush()
        store.seal()
    store.close()
    database.dispose()


def _value(rng: np.random.Generator, key: SeriesKey) -> int:
    level = LEVEL[key.factor] * {Stat.MIN: 0.96, Stat.MAX: 1.05, Stat.ZS_AVG: 0.8}.get(key.stat, 1)
    spread = 0.08 if key.factor in ("ph", "o2", "water_temp") else 0.45
    places = PLACES.get(key.factor, 0)
    number = round(level * (1 + spread * rng.standard_normal()), places)
    return round(number * 10**places) * 10 ** (6 - places)


def _flags(rng: np.random.Generator, n: int) -> np.ndarray:
    kinds = np.array([Flag.NORMAL, Flag.UNKNOWN, Flag.NON_DETECT, Flag.CALIBRATION, Flag.FAULT], np.uint8)
    return rng.choice(kinds, n, p=[0.94, 0.02, 0.02, 0.01, 0.01])


def _blocks(rng, series, of, at, received):
    by_site: dict[str, list[SeriesKey]] = {}
    for key in series:
        by_site.setdefault(key.site, []).append(key)
    for site, mine in by_site.items():
        hourly = [key for key in mine if key.period is Period.HOUR and rng.random() > 0.04]
        if hourly:
            yield _block(rng, hourly, of, at, received, site)
        minute = [key for key in mine if key.period is Period.MINUTE]
        if minute and at % (7 * HOUR):
            step = 600 if rng.random() < 0.3 else 300
            for n in range(0, HOUR, step):
                if rng.random() > 0.12:
                    yield _block(rng, minute, of, at + n, received, site)
        real = [key for key in mine if key.period is Period.REALTIME]
        if real and at // HOUR % 3 == 0:
            for n in range(0, HOUR, 210):  # some fall on a minute, most between
                if rng.random() > 0.1:
                    yield _block(rng, real, of, at + n, received, site)


def _block(rng, keys, of, at, received, site, origin=Origin.LIVE):
    values = np.array([_value(rng, key) for key in keys], np.int64)
    flags = _flags(rng, len(keys))
    lost = rng.random(len(keys)) < 0.01
    values[lost], flags[lost] = NO_VALUE, Flag.NOT_A_NUMBER
    return Block(
        at, np.array([of[key] for key in keys], np.int32), values, flags, received, origin, "MN", site, None,
        period=keys[0].period,
    )  # fmt: skip


def _late(rng, store, series, of, days, received):
    """Corrected values, changed flags and late rows of days that are sealed already."""
    for n in range(60):
        key = series[int(rng.integers(len(series)))]
        step = HOUR if key.period is Period.HOUR else 300
        at = START + int(rng.integers(days * DAY // step)) * step
        store.put(_block(rng, [key], of, at, received + n * 1000, key.site, Origin.CORRECTION))
    garbage = of[series[0]]
    store.put(Block(
        START + DAY + HOUR, np.array([garbage], np.int32), np.array([9 * 10**17], np.int64), np.zeros(1, np.uint8),
        received, Origin.LIVE, "MN", series[0].site, None, period=Period.HOUR,
    ))  # fmt: skip
