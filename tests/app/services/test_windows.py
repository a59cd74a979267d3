"""Windows as asked for: judged means are the windows' figures, sources in a judge's order, labels, files, verbs."""

import csv
import io
import time
from decimal import Decimal

import numpy as np
import pyarrow.parquet as pq
import pytest

from jinyun.app.assemble import House
from jinyun.app.services.windows import COARSE_AFTER_S, WindowFigures, flat_rows
from jinyun.app.settings import Settings
from jinyun.app.window_door import write
from jinyun.cli.main import run
from jinyun.kernel.errors import BadInput, NotFound
from jinyun.kernel.factors import factor as factor_of
from jinyun.kernel.ports import MICRO, SYSTEM, Arrival, Block
from jinyun.kernel.rounding import round_gb
from jinyun.kernel.terms import Origin, Period, SeriesKey, Stat
from jinyun.methods.windows import State

DAY = 1_775_059_200  # 2026-04-02T00:00 in China [s]
SITES = {
    "air1": {"name": "空气站", "kind": "air_station"},
    "out1": {"name": "废水口", "kind": "water_outlet"},
    "noise1": {"name": "声站", "kind": "noise_station", "zone": "2"},
    "stack1": {"name": "烟囱", "kind": "stack_outlet"},
}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    house = House(Settings.load(tmp_path_factory.mktemp("windows") / "var"))
    for id, data in SITES.items():
        house.records.create("site", data, SYSTEM, id=id)
    house.records.create("outlet", {"name": "口", "code": "1", "kind": "water", "site": "out1"}, SYSTEM, id="o1")
    house.records.create(
        "permit_limit",
        {"outlet": "o1", "factor": "cod_cr", "period": "day", "limit": "50", "unit": "mg/L"}, SYSTEM, id="l1",
    )  # fmt: skip
    house.sites.refresh()
    house.directory.refresh()
    dice = np.random.default_rng(42)
    for minute in range(24 * 60):
        at = DAY + 60 * minute
        put(house, "air1", at, Period.MINUTE, {"no2": dice.integers(20, 900, endpoint=True) / 10, "pm10": 61.25})
        put(house, "noise1", at, Period.MINUTE, {"leq": dice.integers(400, 650) / 10})
    for hour in range(24):
        at = DAY + 3600 * hour
        values = {name: dice.integers(50, 1500) / 10 for name in ("so2", "o3", "co", "pm2_5")}
        put(house, "air1", at, Period.HOUR, values, flag=2 if hour == 3 else 0)
        put(house, "out1", at, Period.HOUR, {"cod_cr": dice.integers(200, 600) / 10, "wastewater_flow": hour % 5 + 0.5})
        put(house, "out1", at, Period.HOUR, {"cod_cr": 1.5}, stat=Stat.COU)
    house.readings.flush()
    for site, periods in (
        ("air1", (Period.MINUTE, Period.HOUR)),
        ("out1", (Period.HOUR,)),
        ("noise1", (Period.MINUTE,)),
    ):
        for hour in range(24):
            for period in periods:
                house.judge.touch(Arrival(site, "MN", period, DAY + 3600 * hour, (DAY + 3 * 86400) * 1_000_000))
    house.settle()
    yield house
    house.close()


def put(house, site, at, period, values, *, stat=Stat.AVG, flag=0):
    keys = [SeriesKey(site, name, stat, period) for name in values]
    micro = np.array([round(Decimal(str(v)) * MICRO) for v in values.values()], np.int64)
    house.readings.put(
        Block(
            at, house.readings.series_ids(keys), micro, np.full(len(keys), flag, np.uint8), at * 1_000_000,
            Origin.LIVE, "MN", site, None, period=period,
        )
    )  # fmt: skip


@pytest.fixture
def windows(house):
    return WindowFigures(house)


def figures(windows, site, factor, period, **more):
    return windows.figures(site, factor=factor, period=period, start=DAY, end=DAY + 86400, **more)["items"]


@pytest.mark.parametrize("factor", ["no2", "pm10", "so2", "co", "pm2_5", "o3"])
def test_a_judged_hour_is_the_windows_figure(house, windows, factor):
    """Device hours and hours made of minutes alike."""
    verdicts = {v.window.start: v for v in house.verdicts.find(judge="air.aqi_hour", subject="air1")}
    assert len(verdicts) == 24
    for one in figures(windows, "air1", factor, "hour"):
        (item,) = [i for i in verdicts[one["begin"]].items if i.factor == factor]
        places = 1 if factor == "co" else 0  # HJ 663 table 3
        if one["status"] == "valid":
            exact = windows._house.windows.read([one["series"]], windows_level("hour"), one["begin"], one["begin"] + 1)
            (figure,) = exact[one["series"]]
            assert item.figure == format(round_gb(Decimal(figure.total) / figure.weight / MICRO, places), "f")
        else:
            assert item.figure is None


def windows_level(name):
    from jinyun.app.services.windows import parse_level

    return parse_level(name)


@pytest.mark.parametrize(
    ("judge", "site", "factor", "period", "places"),
    [
        ("air.aqi_day", "air1", "so2", "day", 0),
        ("air.aqi_day", "air1", "pm2_5", "day", 0),
        ("air.aqi_day", "air1", "co", "day", 1),
        ("air.aqi_day", "air1", "o3", "max_8h", 0),
        ("emission.outlet_day", "out1", "cod_cr", "day", 1),  # weighted by flow
        ("noise.zone_day", "noise1", "leq", "ld", 1),  # energy mean of energy means
    ],
)
def test_a_judged_day_is_the_windows_figure(house, windows, judge, site, factor, period, places):
    (verdict,) = [v for v in house.verdicts.find(judge=judge, subject=site) if v.window.start == DAY]
    item = next(i for i in verdict.items if i.factor in (factor, period))
    (one,) = figures(windows, site, factor, period)
    assert one["status"] == "valid"
    assert Decimal(item.figure) == round_gb(Decimal(one["value"]), places)
    if site == "out1":
        told = windows.figures(site, factor=factor, period=period, start=DAY, end=DAY + 86400)
        assert told["rules"][one["rule"]]["clause"] == "HJ 356-2019"


def test_the_devices_own_hours_come_before_minutes(house, windows):
    at = DAY + 5 * 3600
    put(house, "air1", at, Period.MINUTE, {"so2": 1})
    house.settle()
    (hour,) = [one for one in figures(windows, "air1", "so2", "hour") if one["begin"] == at]
    assert (hour["built_from"], hour["status"], hour["of"], hour["due"]) == ("HOUR", "valid", "hour", 1)
    (hour,) = figures(windows, "air1", "so2", "hour", source="minute")
    assert (hour["built_from"], hour["status"], hour["valid"], hour["due"]) == ("MINUTE", "few", 1, 60)
    (flagged,) = [one for one in figures(windows, "air1", "so2", "hour") if one["begin"] == DAY + 3 * 3600]
    assert (flagged["status"], flagged["figure"], flagged["present"]) == ("none", None, 1)


def test_amounts_add_up(windows):
    (day,) = figures(windows, "out1", "cod_cr", "day", stat=Stat.COU)
    assert (day["value"], day["status"], day["coverage"]) == ("36", "valid", "1.0000")


def test_every_export_states_label_zone_rule_and_coverage(windows, tmp_path):
    told = windows.figures("air1", factor="so2", period="day", start=DAY, end=DAY + 86400, label="end")
    assert (told["label"], told["time_zone"], told["source_time_zone"]) == ("end", "Asia/Shanghai", "Asia/Shanghai")
    (row,) = flat_rows(told)
    assert (row["time"], row["begin"]) == ("2026-04-03T00:00:00+08:00", "2026-04-02T00:00:00+08:00")
    assert (row["label"], row["need"], row["valid"], row["due"]) == ("end", 20, 23, 24)
    assert (row["coverage"], row["clause"], row["time_zone"]) == ("0.9583", "HJ 663-2026；GB 3095 表4", "Asia/Shanghai")
    write(told, tmp_path / "w.csv")
    (again,) = csv.DictReader(io.StringIO((tmp_path / "w.csv").read_text("utf-8-sig")))
    assert again == {name: "" if value is None else str(value) for name, value in row.items()}
    write(told, tmp_path / "w.parquet")
    table = pq.read_table(tmp_path / "w.parquet")
    assert table.schema.metadata[b"label"] == b"end"
    assert table.to_pylist()[0]["value"] == Decimal(row["value"])
    assert table.to_pylist()[0]["clause"] == row["clause"]
    with pytest.raises(BadInput, match=r"csv or \.parquet"):
        write(told, tmp_path / "w.doc")


def test_as_of_and_wrong_questions(house, windows):
    assert figures(windows, "air1", "so2", "day", as_of=DAY - 1) == []
    early = figures(windows, "air1", "so2", "day", as_of=DAY + 12 * 3600)  # received as measured
    assert (early[0]["present"], early[0]["status"]) == (13, "few")
    for wrong in ({"period": "week"}, {"label": "middle"}, {"source": "SECOND"}):
        with pytest.raises(BadInput):
            windows.figures("air1", **{"factor": "so2", "period": "day", **wrong})
    with pytest.raises(NotFound):
        windows.figures("nowhere", factor="so2")
    with pytest.raises(BadInput):
        windows.figures("air1", factor="so2", start=DAY, end=DAY)


def test_a_long_curve_is_drawn_from_windows(windows):
    told = {
        "stat": "AVG",
        "period": "MINUTE",
        "factor": "no2",
        "from": DAY - 3 * 86400,
        "to": DAY + 86400,
        "points": [],
    }
    curve = windows.curve("air1", told)
    assert (curve["windows"]["period"], len(curve["points"]), curve["points"][0][2]) == ("HOUR", 24, "NORMAL")
    assert windows.curve("air1", told | {"from": DAY - 2 * 86400}) is None
    assert windows.curve("air1", told | {"period": "HOUR", "factor": "so2"}) is None
    year = windows.curve("air1", told | {"from": DAY - COARSE_AFTER_S[0][0] - 86400})
    assert (year["windows"]["period"], len(year["points"])) == ("DAY", 1)


@pytest.mark.parametrize("late", [300, 5 * 3600])
def test_a_curve_is_whole_while_the_kept_windows_lag(house, windows, monkeypatch, late):
    """Of the last hours, or all of them, made from the readings: the same points as when nothing lags."""
    told = {
        "stat": "AVG",
        "period": "MINUTE",
        "factor": "no2",
        "from": DAY - 3 * 86400,
        "to": DAY + 86400,
        "points": [],
    }
    expected = windows.curve("air1", told)["points"]
    since = (DAY + 20 * 3600) * 1_000_000
    monkeypatch.setattr(house.windows, "waiting_since", lambda: since)
    monkeypatch.setattr(house.clock, "now", lambda: since + late * 1_000_000)
    made = []
    compute = house.windows.compute
    monkeypatch.setattr(house.windows, "compute", lambda *given: made.append(given[2]) or compute(*given))
    assert windows.curve("air1", told)["points"] == expected
    assert made == [DAY - 3 * 86400 if late > 7200 else DAY + 18 * 3600]


def test_the_verb_on_a_stopped_node(tmp_path, capsys):
    folder = tmp_path / "var"
    house = House(Settings.load(folder))
    house.records.create("site", SITES["stack1"], SYSTEM, id="stack1")
    for hour in range(20):
        put(house, "stack1", DAY + 3600 * hour, Period.HOUR, {"stack_so2": 30 + hour})
    house.readings.flush()
    house.close()
    words = ["windows", "stack1", "--factor", "stack_so2", "--from", "2026-04-01", "--to", "2026-04-05"]
    assert run([*words, "--period", "day", "--folder", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "39.5" in said
    assert "HJ 75-2017" in said
    assert "时段开始时刻" in said
    assert "0.8333" in said
    out = tmp_path / "x.csv"
    assert run([*words, "--label", "end", "--out", str(out), "--folder", str(folder)]) == 0
    assert len(out.read_text("utf-8-sig").splitlines()) == 21
    capsys.readouterr()
    assert run(["windows", "all", "--rebuild", "--folder", str(folder)]) == 0
    assert '"equal": true' in capsys.readouterr().out
    assert run(["windows", "stack1", "--folder", str(folder)]) == 2


def test_state_of_windows_is_known(house):
    state = house.windows.state()
    assert (state["behind"], State.VALID.name) == (0, "VALID")
    assert state["made"] > 100
    assert factor_of("so2").unit == "ug/m3"
    began = time.perf_counter()
    assert house.windows.rebuild()["equal"]
    assert time.perf_counter() - began < 60
