"""A house without doors for corrections: an outlet over its limit, a section, an air station with days of data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from jinyun.app.assemble import House
from jinyun.app.services.corrections import Corrections
from jinyun.app.settings import Settings
from jinyun.judge.marks import hour_of
from jinyun.judge.substance import substance
from jinyun.kernel.ports import MICRO, NO_VALUE, SYSTEM, Actor, Arrival, Block
from jinyun.kernel.terms import Origin, Period, SeriesKey, Stat, Verdict, window_of

OFFICER = Actor("li.officer", ("officer",))
DAY, HOUR = 86400, 3600

RECORDS: Sequence[tuple[str, str, Mapping[str, Any]]] = (
    ("site", "w", {"name": "甲厂总排口", "kind": "water_outlet"}),
    ("site", "b", {"name": "北温泉", "kind": "water_section", "target_class": 3, "river": "嘉陵江"}),
    ("site", "a", {"name": "天生", "kind": "air_station"}),
    ("site", "m", {"name": "微站", "kind": "air_micro"}),
    ("outlet", "o", {"name": "总排口", "kind": "water", "site": "w"}),
    ("permit_limit", "p", {"outlet": "o", "factor": "cod_cr", "period": "hour", "limit": "50", "unit": "mg/L"}),
)


def open_house(folder: Path) -> House:
    """A house, not started; the same folder again is the same node after a restart."""
    house = House(Settings.load(folder, http_port=0, hj212_port=0))
    for type_id, id, data in RECORDS:
        house.records.put_many(type_id, [(id, data)], SYSTEM)
    house.sites.refresh()
    house.directory.refresh()
    return house


def this_hour(house: House) -> int:
    """Start of the running hour. [s]"""
    return hour_of(house.clock.now() // 1_000_000)


def send(
    house: House,
    site: str,
    period: Period,
    times: Sequence[int],
    values: Mapping[str, Sequence[Any]],
    *,
    stat: Stat = Stat.AVG,
    touch: bool = True,
) -> None:
    """Readings as a device sends them: per time one frame of all factors."""
    ids = house.readings.series_ids([SeriesKey(site, factor, stat, period) for factor in values])
    for n, time in enumerate(times):
        row = [column[n] for column in values.values()]
        micro = np.array([NO_VALUE if v is None else int(Decimal(str(v)) * MICRO) for v in row], np.int64)
        there = micro != NO_VALUE
        house.readings.put(
            Block(
                time, ids[there], micro[there], np.zeros(int(there.sum()), np.uint8), house.clock.now(), Origin.LIVE,
                site, site, None, period=period,
            )
        )  # fmt: skip
        if touch:
            house.judge.touch(Arrival(site, site, period, time, house.clock.now()))


def settle(house: House) -> None:
    house.readings.flush()
    while house.judge.run(settled=False):
        pass
    house.act.tick()


def correct(
    service: Corrections, *edits: Mapping[str, Any], reason: str = "entry_error", accept: bool = True
) -> dict[str, Any]:
    """A session of these edits, previewed and accepted; what its preview said."""
    made = service.create(
        {
            "title": "更正",
            "reason": reason,
            "reason_text": "比对复核",
            "edits": list(edits),
            "evidence": ["比对记录 7"],
        },
        OFFICER,
    )
    told = service.preview(made["id"], OFFICER, wait=True)
    assert told["work"]["state"] == "done", told["work"]
    if accept:
        done = service.accept(made["id"], OFFICER, wait=True)
        assert (done["work"]["state"], done["cascade"]) == ("done", "done"), done["work"]
    return told


def current(house: House, judge: str, site: str, time: int) -> Verdict | None:
    period = house.judge.judges[judge].period
    return house.verdicts.current(judge, site, window_of(period, time))


def value(house: House, site: str, factor: str, period: Period, time: int, as_of: int | None = None) -> Any:
    """(value, flag) of a reading."""
    found = house.readings.read(site, factors=[factor], periods=[period], start=time, end=time + 1, as_of=as_of)
    return (found[0].value, found[0].flag) if found else None


def unlike_recomputed(house: House, start: int, end: int) -> list[str]:
    """Windows whose stored verdict is not what judging everything again gives: one by one, by the room's own reader."""
    wrong = []
    for judge in house.judge.judges.values():
        if judge.newest_only:
            continue
        for site in house.sites.all():
            for one in house.verdicts.find(judge=judge.id, subject=site.id, start=start, end=end, limit=100_000):
                again = house.judge.judge_now(judge.id, site.id, one.window)
                if one.extra.get("void") and again is None:
                    continue
                if again is None or substance(again) != substance(one):
                    wrong.append(f"{judge.id} {site.id} {one.window.start}: {one.figure} / {again and again.figure}")
    return wrong
