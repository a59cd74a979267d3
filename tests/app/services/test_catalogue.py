"""Catalogue: owner, grade, rule, freshness, completeness, data sets; gap ledger with whose each gap is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from days import make_house

from jinyun.app.life import LifeLedger
from jinyun.app.services.catalogue import Catalogue
from jinyun.app.services.gaps import SETTLED, Gaps
from jinyun.domains.warehouse.catalogue import freshness
from jinyun.domains.warehouse.gap_verdicts import CAUSES, VERDICTS, Clues, cause_of
from jinyun.kernel.errors import BadInput, NotFound
from jinyun.kernel.ports import MICRO, NO_VALUE, SYSTEM, Block
from jinyun.kernel.terms import Flag, Origin, Period, Reject, SeriesKey, Stat

NOW = "2026-11-22T10:30:00+08:00"
T = int(datetime.fromisoformat(NOW).timestamp())
HOUR = 3600
TOP = T // HOUR * HOUR  # 10:00
MN = "MN000000000001"


def put(house: Any, site: str, factors: dict[str, int | None], at: int, *, flag: Flag = Flag.NORMAL,
        period: Period = Period.HOUR) -> None:  # fmt: skip
    ids = house.readings.series_ids([SeriesKey(site, one, Stat.AVG, period) for one in factors])
    values = np.array([NO_VALUE if one is None else one * MICRO for one in factors.values()], np.int64)
    flags = np.full(len(values), int(flag), np.uint8)
    house.readings.put(Block(at, ids, values, flags, house.clock.now(), Origin.LIVE, MN, site, None, period=period))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Any]:
    one = make_house(
        tmp_path / "var", NOW, {"A": {"kind": "air_station", "name": "北碚站"}, "M": {"kind": "air_micro"}}
    )  # fmt: skip
    one.records.put_many("device", [(MN, {"mn": MN, "name": "d", "site": "A", "periods": ["hour"]})], SYSTEM)
    one.sites.refresh()
    one.directory.refresh()
    one.kv.set("node.life", "first", T - 90 * 86400)
    yield one
    one.close()


def rows(catalogue: Catalogue, **asked: Any) -> dict[tuple[str, str], dict[str, Any]]:
    return {(one["site"], one["factor"]): one for one in catalogue.series(**asked)["items"]}


def test_freshness_and_completeness_by_hand(house):
    for n in range(1, 49):  # 48 hours up to 09:00, of which PM10 lacks six of the last 24
        there = {"pm2_5": 35} if 3 <= n <= 8 else {"pm2_5": 35, "pm10": 50}
        put(house, "A", there, TOP - n * HOUR)
    put(house, "M", {"pm2_5": 30}, TOP - 20 * HOUR)
    put(house, "M", {"o3": 30}, TOP - 200 * HOUR)
    house.readings.flush()
    found = rows(Catalogue(house))
    one = found["A", "pm2_5"]
    assert (one["freshness"], one["age_s"], one["rows"]) == ("fresh", T - TOP, 48)
    assert (one["completeness_24h"], one["grade"], one["rule"], one["interval_s"]) == (1.0, "standard", "device", HOUR)
    assert found["A", "pm10"]["completeness_24h"] == 0.75
    # whole days only: 20 Nov from 10:00 (14 hours) and 21 Nov (24 hours, six lacking: 02:00 to 07:00 lie on the 22nd)
    assert found["A", "pm10"]["completeness_30d"] == 1.0
    assert (found["M", "pm2_5"]["freshness"], found["M", "pm2_5"]["rule"]) == ("late", "period")
    assert (found["M", "o3"]["freshness"], found["M", "o3"]["grade"]) == ("stale", "indicative")
    assert found["M", "o3"]["completeness_24h"] == 0.0


def test_choosing_ordering_paging(house):
    for factor, age in (("pm2_5", 1), ("pm10", 9), ("o3", 99)):
        put(house, "A", {factor: 1}, TOP - age * HOUR)
    put(house, "M", {"pm2_5": 1}, TOP - 2 * HOUR)
    house.readings.flush()
    catalogue = Catalogue(house)
    assert set(rows(catalogue, q="北碚")) == {("A", "pm2_5"), ("A", "pm10"), ("A", "o3")}
    assert set(rows(catalogue, q="臭氧")) == {("A", "o3")}
    assert set(rows(catalogue, where={"kind": "air_micro"})) == {("M", "pm2_5")}
    assert set(rows(catalogue, where={"state": "stale"})) == {("A", "o3")}
    assert [one["factor"] for one in catalogue.series(order="-age")["items"]] == ["o3", "pm10", "pm2_5", "pm2_5"]
    page = catalogue.series(order="-age", limit=1, offset=1)
    assert ([one["factor"] for one in page["items"]], page["total"]) == (["pm10"], 4)
    with pytest.raises(BadInput):
        catalogue.series(order="colour")
    with pytest.raises(NotFound):
        catalogue.one(99)


def test_a_data_set_gives_owner_grade_and_rule(house):
    put(house, "A", {"pm2_5": 1, "o3": 1}, TOP - 500 * HOUR)
    put(house, "M", {"pm2_5": 1}, TOP - 2 * HOUR)
    house.readings.flush()
    catalogue = Catalogue(house)
    assert rows(catalogue)["A", "pm2_5"]["freshness"] == "stale"
    old = {"name": "历史颗粒物", "owner": "市监测中心", "grade": "historical", "update_cycle": "closed", "sites": ["A"],
           "factors": ["pm2_5"], "licence": "CC BY 4.0"}  # fmt: skip
    house.records.put_many("dataset", [("old", old)], SYSTEM)
    house.records.put_many("dataset", [("slow", {"name": "微站", "owner": "微站公司", "update_cycle": "interval",
                                                 "interval_s": 600, "kinds": ["air_micro"]})], SYSTEM)  # fmt: skip
    found = rows(catalogue)
    one = found["A", "pm2_5"]
    assert (one["owner"], one["grade"], one["freshness"], one["datasets"]) == (
        "市监测中心",
        "historical",
        "closed",
        ["old"],
    )
    assert one["completeness_24h"] is None
    assert (found["M", "pm2_5"]["interval_s"], found["M", "pm2_5"]["freshness"]) == (600, "late")
    assert found["A", "o3"]["owner"] == house.settings.issuer
    sets = {one["id"]: one for one in catalogue.datasets()["items"]}
    assert (sets["old"]["series"], sets["old"]["factors"], sets["old"]["rows"]) == (1, ["pm2_5"], 1)
    assert catalogue.one(one["series"])["sets"][0]["licence"] == "CC BY 4.0"


def test_counts_follow_late_data(house):
    put(house, "A", {"pm2_5": 1}, TOP - 30 * HOUR)
    put(house, "A", {"pm2_5": 1}, TOP - 1 * HOUR)
    house.readings.flush()
    catalogue = Catalogue(house)
    before = rows(catalogue)["A", "pm2_5"]["completeness_24h"]
    assert before == round(1 / 24, 4)
    for n in range(2, 25):
        put(house, "A", {"pm2_5": n}, TOP - n * HOUR)
    house.readings.flush()
    catalogue.tally.refresh()
    assert rows(catalogue)["A", "pm2_5"]["completeness_24h"] == 1.0


def test_a_page_of_75_000_series_is_fast(house):
    size = 75_000
    keys = [SeriesKey(f"S{n // 15}", f"f{n % 15}", Stat.AVG, Period.HOUR) for n in range(size)]
    ids = house.readings.series_ids(keys)
    for n in (2, 1):
        flags = np.zeros(size, np.uint8)
        house.readings.put(Block(TOP - n * HOUR, ids, np.full(size, MICRO, np.int64), flags, house.clock.now(),
                                 Origin.LIVE, MN, "S", None, period=Period.HOUR))  # fmt: skip
    house.readings.flush()
    catalogue = Catalogue(house)
    catalogue.series()  # registers are read and days counted here, once
    began = time.process_time()
    for offset in (0, 50, 37_000):
        assert catalogue.series(order="-age", limit=50, offset=offset, q="S12")["total"]
    spent = (time.process_time() - began) / 3
    assert spent < 0.5, f"{spent:.3f} s of CPU a page"


# --- gaps ----------------------------------------------------------------------------------------------------


def test_rules_in_their_order():
    assert cause_of(Clues()) == "silent"
    assert cause_of(Clues(node_down=True, no_answer=True)) == "node_down"
    assert cause_of(Clues(node_down=True, device_has_none=True)) == "device_has_none"
    assert {verdict for verdict, _, _ in CAUSES.values()} == set(VERDICTS)
    assert (freshness(0, None), freshness(3 * HOUR, HOUR), freshness(25 * HOUR, HOUR)) == ("no_rule", "fresh", "stale")


def test_whose_a_gap_is(house):
    """A day with one gap of each kind; every other hour is there."""
    lacking = {3: "silent", 5: "not_in_message", 8: "refused", 11: "device_has_none", 14: "node_down", 17: "flagged"}
    start = TOP - 24 * HOUR
    for n in range(24):
        at, kind = start + n * HOUR, lacking.get(n)
        if kind is None:
            put(house, "A", {"pm2_5": 1, "pm10": 1}, at)
        elif kind == "not_in_message":
            put(house, "A", {"pm10": 1}, at)
        elif kind == "flagged":
            put(house, "A", {"pm2_5": None, "pm10": None}, at, flag=Flag.POWER_FAILURE)
    house.readings.flush()
    at = {kind: start + n * HOUR for n, kind in lacking.items()}
    house.rejects.add([Reject((at["refused"] + HOUR + 60) * 1_000_000, "hj212:1", "p", MN, "crc-wrong", "bad", b"##")])
    answer = {"period": "HOUR", "start": at["device_has_none"], "end": at["device_has_none"] + HOUR, "attempts": 1,
              "state": "missing_at_source", "asked_at": T - HOUR, "settled_at": T - HOUR, "result": "no_data",
              "command": 7}  # fmt: skip
    house.kv.set(SETTLED, f"{MN}|HOUR", [answer])
    house.kv.set("node.life", "down", [[at["node_down"] + HOUR - 600, at["node_down"] + HOUR + 600, "killed"]])
    gaps = Gaps(house, catalogue := Catalogue(house))
    series = rows(catalogue)["A", "pm2_5"]["series"]
    told = gaps.of_series(series)
    found = {(one["start"] - start) // HOUR: one for one in told["items"]}
    assert {n: one["cause"] for n, one in found.items()} == {
        3: "silent", 5: "not_in_message", 8: "refused", 11: "device_has_none", 14: "node_down", 17: "flagged_stopped",
    }  # fmt: skip
    assert told["counts"] == {"missing_at_source": 3, "lost_by_us": 2, "unknown": 1}
    assert found[8]["evidence"][0]["reason"] == "crc-wrong"
    assert found[11]["evidence"][0]["command"] == 7
    assert found[14]["evidence"][0]["how"] == "killed"
    frame = found[5]["evidence"][0]["id"]
    assert house.readings.frame(frame).mn == MN
    everything = gaps.overview()
    assert {one["factor"] for one in everything["items"]} == {"pm2_5", "pm10"}
    pm10 = gaps.of_series(rows(catalogue)["A", "pm10"]["series"])
    assert [one["cause"] for one in pm10["items"] if (one["start"] - start) // HOUR == 5] == []


def test_down_times_are_kept(house):
    class Clock:
        at = 1_000

        def now(self) -> int:
            return self.at * 1_000_000

    clock = Clock()
    house.kv.delete("node.life", "first")
    life = LifeLedger(house.kv, clock)
    life.started()
    clock.at = 1_100
    life.beat()
    clock.at = 1_200  # killed between
    second = LifeLedger(house.kv, clock)
    second.started()
    clock.at = 1_300
    second.stopped()
    clock.at = 1_400
    assert LifeLedger(house.kv, clock).downs(0, 2_000) == [(1_100, 1_200, "killed"), (1_300, 1_400, "stopped")]
    third = LifeLedger(house.kv, clock)
    third.started()
    assert third.downs(1_250, 1_350) == [(1_300, 1_400, "stopped")]
    assert third.first() == 1_000
