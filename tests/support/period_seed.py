"""A district with more than a year of day verdicts, for pages and reports of periods.

Three air stations, seven sections on two rivers, three noise stations. The last full day of one station comes by
HJ 212, so that it can be judged again."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from days import air_day, day_verdict, days_from, start_of, water_day
from live import Live

from jinyun.app.assemble import House
from jinyun.domains.air.aqi import aqi_daily
from jinyun.domains.air.limits import index_edition
from jinyun.domains.water.limits import LABELS_EN, LABELS_ZH, edition
from jinyun.domains.water.quality import section_class
from jinyun.kernel.ports import SYSTEM
from jinyun.kernel.terms import Status, Verdict, china_time
from jinyun.sense.hj212 import compose

AIR = {"p-a1": "缙云山站", "p-a2": "天生站", "p-a3": "新城站"}
SECTIONS = {
    "p-w1": ("嘉陵江", "草街断面", 4),
    "p-w2": ("嘉陵江", "北温泉断面", 18),
    "p-w3": ("嘉陵江", "朝阳桥断面", 26),
    "p-w4": ("嘉陵江", "梨园村断面", 39),
    "p-w5": ("嘉陵江", "大沱口断面", 52),
    "p-w6": ("梁滩河", "龙凤桥断面", 33),
    "p-w7": ("梁滩河", "童家溪断面", 41),
}
NOISE = {"p-n1": ("朝阳小学", "1"), "p-n2": ("天生路", "2"), "p-n3": ("碚金路", "4a")}
AIR_MN = "WEBTEST0000021"
CODES = {"so2": "a21026", "no2": "a21004", "co": "a21005", "o3": "a05024", "pm10": "a34002", "pm2_5": "a34004"}
LAST_DAY = {"so2": "8", "no2": "30", "co": "0.7", "o3": "60", "pm10": "80", "pm2_5": "55"}
"""Every hour of the last day: PM2.5 55 is good by the transition limits (60) and over the final one (50)."""


@cache
def today() -> date:
    """China's date when this process first asked: the same for a node and its tests across midnight."""
    return china_time(int(time.time())).date()


def register_sites(house: House) -> None:
    rows: list[tuple[str, dict[str, Any]]] = [
        (id, {"name": name, "kind": "air_station", "jurisdiction": "500109"}) for id, name in AIR.items()
    ]
    rows += [
        (
            id,
            {
                "name": name,
                "kind": "water_section",
                "river": river,
                "order_km": km,
                "target_class": 3,
                "jurisdiction": "500109",
            },
        )
        for id, (river, name, km) in SECTIONS.items()
    ]
    rows += [
        (id, {"name": name, "kind": "noise_station", "zone": zone, "jurisdiction": "500109"})
        for id, (name, zone) in NOISE.items()
    ]
    house.records.put_many("site", rows, SYSTEM)
    device = {
        "mn": AIR_MN,
        "name": "空气站数采仪",
        "site": "p-a2",
        "edition": "2017",
        "periods": ["hour"],
        "set_clock": False,
    }
    house.records.put_many("device", [(AIR_MN, device)], SYSTEM)


def seed(house: House, until: date | None = None, days: int = 460) -> date:
    """Sites, and verdicts of `days` days before `until` (today); the last day of p-a2 is left to `send_last_day`."""
    last = until or today()
    register_sites(house)
    chance = random.Random(11)
    made: list[Verdict] = []
    for day in days_from(last - timedelta(days), last):
        season = math.cos((day.timetuple().tm_yday - 10) / 365 * 2 * math.pi)  # 1 in January, -1 in July
        for number, site in enumerate(AIR):
            if site == "p-a2" and day == last - timedelta(1):
                continue
            made.append(_air(site, day, chance, season, number))
        for number, site in enumerate(SECTIONS):
            if chance.random() < 0.97:
                made.append(_water(site, day, chance, number))
        for number, (site, (_, zone)) in enumerate(NOISE.items()):
            made += _noise(site, zone, day, chance, number)
    for start in range(0, len(made), 2000):
        house.verdicts.add(made[start : start + 2000])
    return last - timedelta(1)


def _air(site: str, day: date, chance: random.Random, season: float, number: int) -> Verdict:
    rough = chance.gauss(0, 1)
    values: Mapping[str, Decimal] = {
        "so2": Decimal(max(3, round(7 + number + rough))),
        "no2": Decimal(max(8, round(26 + 8 * season + 3 * number + 4 * rough))),
        "co": Decimal(max(3, round(8 + 2 * season + rough))) / 10,
        "o3": Decimal(max(20, round(95 - 50 * season + 14 * chance.gauss(0, 1)))),
        "pm10": Decimal(max(12, round(52 + 24 * season + 4 * number + 20 * rough))),
        "pm2_5": Decimal(max(6, round(32 + 18 * season + 3 * number + 15 * rough))),
    }
    found = aqi_daily(dict(values), index_edition(day))
    level = found.level
    assert level is not None
    return air_day(
        site,
        day,
        {k: format(v, "f") for k, v in values.items()},
        level=level.level,
        figure=str(found.value),
        status=Status.EXCEEDS if level.level > 2 else Status.ATTAINS,
        label_zh=level.category_zh,
        label_en=f"level {level.level}",
        deciding=found.primary,
    )


def _water(site: str, day: date, chance: random.Random, number: int) -> Verdict:
    dirty = 1.0 if number < 5 else 2.7 if number == 5 else 1.6
    values = {
        "ph": Decimal(round(78 + chance.gauss(0, 1))) / 10,
        "do": Decimal(round(82 - 8 * dirty + chance.gauss(0, 4))) / 10,
        "cod_mn": Decimal(round(19 * dirty + chance.gauss(0, 3))) / 10,
        "nh3_n": Decimal(round(32 * dirty + chance.gauss(0, 6))) / 100,
        "tp": Decimal(round(92 * dirty + chance.gauss(0, 14))) / 1000,
    }
    found = section_class(values, edition(day))
    assert found is not None
    level = found.level
    status = Status.EXCEEDS if level > 3 else Status.ATTAINS
    return water_day(
        site,
        day,
        {k: format(v, "f") for k, v in values.items()},
        level=level,
        status=status,
        deciding=found.deciding,
        label_zh=f"{LABELS_ZH[level]}类",
        label_en=LABELS_EN[level],
    )


def _noise(site: str, zone: str, day: date, chance: random.Random, number: int) -> list[Verdict]:
    found = []
    for part, base, hours in (("day", 52 + 6 * number, (6, 22)), ("night", 44 + 5.5 * number, (22, 30))):
        level = Decimal(round(10 * (base + chance.gauss(0, 1.6)))) / 10
        limit = {"1": (55, 45), "2": (60, 50), "4a": (70, 55)}[zone][part == "night"]  # GB 3096-2008 table 1
        over = level > limit
        found.append(
            day_verdict(
                f"noise.zone_{part}",
                site,
                day,
                {"ld" if part == "day" else "ln": format(level, "f")},
                level=5 if over else 1,
                status=Status.EXCEEDS if over else Status.ATTAINS,
                hours=hours,
                figure=format(level, "f"),
                unit="dB(A)",
                label_zh="超标" if over else "达标",
                label_en="exceeds" if over else "attains",
            )
        )
    return found


def send_last_day(live: Live, day: date) -> None:
    """24 hours of one station over a real socket, so that the day is judged here and can be judged again."""
    items = {code: LAST_DAY[factor] for factor, code in CODES.items()}
    for hour in range(24):
        rows = [compose.item(code, "N", Avg=value) for code, value in items.items()]
        live.send(AIR_MN, "2061", start_of(day, hour), rows, st="22")
    live.settle()
