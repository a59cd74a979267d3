"""Import of readings: recognition, units, sites, times, refusals, doubles, idempotence; a real year with verdicts."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from days import make_house, start_of

from jinyun.app.services.imports import Imports
from jinyun.app.services.imports.options import options_of, zone_seconds
from jinyun.app.services.words import plain
from jinyun.app.why import Why
from jinyun.kernel.errors import BadInput, Refused
from jinyun.kernel.ports import SYSTEM, Actor
from jinyun.kernel.terms import Flag, Origin, Period, SeriesKey, Stat, Window

NOW = "2026-11-22T10:00:00+08:00"
MA = Actor("ma", ("officer",))
PRSA = Path(__file__).parents[3].parent / "shared" / "data" / "air-beijing-prsa" / "prsa_2013-03_2016-02.parquet"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Any]:
    one = make_house(
        tmp_path / "var", NOW,
        {"A1": {"kind": "air_station", "name": "北碚站"}, "A2": {"kind": "air_station", "name": "同名"},
         "A3": {"kind": "air_station", "name": "同名"}, "W1": {"kind": "water_section", "name": "缙溪断面"}},
    )  # fmt: skip
    one.records.put_many("device", [("MN000000000001", {"mn": "MN000000000001", "name": "d", "site": "A1"})], SYSTEM)
    one.directory.refresh()
    yield one
    one.close()


@pytest.fixture
def imports(house: Any) -> Imports:
    return Imports(house, in_thread=False)


def bring(imports: Imports, name: str, data: bytes | str, *, reason: str = "history", **options: Any) -> dict[str, Any]:
    incoming = imports.receive(name)
    incoming.write(data.encode() if isinstance(data, str) else data)
    return imports.upload(incoming, options, MA, reason=reason)


def stored(house: Any, site: str, day: str, **chosen: Any) -> dict[tuple[str, int], tuple[str, Flag]]:
    """(factor, hour) → (value, flag) of one day."""
    start = start_of(date.fromisoformat(day))
    rows = house.readings.read(site, start=start, end=start + 86400, **chosen)
    return {(one.factor, (one.time - start) // 3600): (plain(one.value), one.flag) for one in rows}


def refusals(imports: Imports, id: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(imports.errors(id).decode("utf-8-sig"))))


# --- what a file says ---------------------------------------------------------------------------------------------


def test_a_wide_table_is_previewed_and_then_stored(house, imports):
    table = "时间,站点,PM2.5(μg/m³),CO(μg/m3),备注\n2026-03-01 08:00,北碚站,35,900,x\n2026-03-01 09:00,A1,36.5,,\n"
    told = bring(imports, "hours.csv", table)
    assert told["state"] == "ready", told["problem"]
    preview = told["preview"]
    meanings = {one["heading"]: (one["meaning"], one["unit"]) for one in preview["columns"]}
    assert meanings["CO(μg/m3)"] == ("co", "ug/m3")
    assert meanings["备注"] == ("", "")
    assert (preview["counts"]["new"], preview["counts"]["same"], preview["counts"]["refused"]) == (3, 0, 0)
    shown = [(one["row"], one["site"], one["factor"], one["value"], one["state"]) for one in preview["preview"]]
    assert sorted(shown) == [
        (2, "A1", "co", "0.9", "new"), (2, "A1", "pm2_5", "35", "new"), (3, "A1", "pm2_5", "36.5", "new")
    ]  # fmt: skip
    assert not house.readings.read("A1", start=0, end=2**33)  # a preview stores nothing
    done = imports.accept(told["id"], MA)
    assert (done["state"], done["counts"]["stored"]) == ("done", 3)
    assert stored(house, "A1", "2026-03-01") == {
        ("pm2_5", 8): ("35", Flag.NORMAL), ("co", 8): ("0.9", Flag.NORMAL), ("pm2_5", 9): ("36.5", Flag.NORMAL),
    }  # fmt: skip


def test_the_same_file_twice_stores_nothing_new_and_says_so(house, imports):
    table = "time,pm25\n2026-03-01 08:00,35\n2026-03-01 09:00,36\n"
    first = bring(imports, "a.csv", table, site="A1")
    imports.accept(first["id"], MA)
    before = house.readings.state()["rows"]
    again = bring(imports, "a.csv", table, site="A1")
    assert again["id"] == first["id"]
    assert (again["preview"]["counts"]["new"], again["preview"]["counts"]["same"]) == (0, 2)
    done = imports.accept(again["id"], MA)
    assert (done["counts"]["stored"], done["counts"]["same"]) == (0, 2)
    assert "nothing new" in done["sentence_en"]
    assert "没有新数据" in done["sentence_zh"]
    assert house.readings.state()["rows"] == before


def test_a_long_table_with_units_and_flags(house, imports):
    table = (
        "监测时间\t点位\t污染物\t监测值\t单位\t标记\n"
        "2026-03-01 08:00\tW1\t总磷\t120\tμg/L\tN\n2026-03-01 08:00\tW1\tw21003\t0.5\tmg/L\tM\n"
        "2026-03-01 08:00\tW1\tpH\t7.1\t\t\n2026-03-01 08:00\tW1\t高锰酸盐指数\t<0.5\tmg/L\tN\n"
        "2026-03-01 08:00\tW1\t总氮\t1\tdegC\tN\n2026-03-01 08:00\tW1\t不存在\t1\tmg/L\tN\n"
    )
    told = bring(imports, "long.tsv", table)
    assert told["preview"]["form"] == "long"
    imports.accept(told["id"], MA)
    assert stored(house, "W1", "2026-03-01") == {
        ("tp", 8): ("0.12", Flag.NORMAL), ("nh3_n", 8): ("0.5", Flag.MAINTENANCE), ("ph", 8): ("7.1", Flag.UNKNOWN),
        ("cod_mn", 8): ("0.5", Flag.NON_DETECT),
    }  # fmt: skip
    assert [(one["row"], one["reason"]) for one in refusals(imports, told["id"])] == [
        ("6", "wrong-unit"), ("7", "unknown-factor"),
    ]  # fmt: skip


def test_what_is_wrong_with_rows_is_listed_and_the_rest_goes_on(house, imports):
    table = (
        "时间,站点,PM2.5,PM10\n"
        "2026-03-01 08:00,北碚站,35,abc\n"  # a bad cell: the other value of the row is taken
        "2026-03-01 09:00,nowhere,1,2\n2026-03-01 10:00,同名,1,2\n不是时间,A1,1,2\n2026-03-01,A1,1,2\n"
        "2026-03-01 11:30,A1,1,2\n2031-03-01 11:00,A1,1,2\n2026-03-01 12:00,A1,-5,60\n2026-03-01 13:00,A1,ND,—\n"
        "2026-03-01 14:00,A1,1\n2026-03-01 15:00,A1,9999999999999,1\n"
    )
    told = bring(imports, "rows.csv", table)
    found = {int(one["row"]): (one["column"], one["reason"]) for one in refusals(imports, told["id"])}
    assert found == {
        2: ("PM10", "bad-number"), 3: ("站点", "unknown-site"), 4: ("站点", "ambiguous-site"), 5: ("时间", "bad-time"),
        6: ("时间", "no-time"), 7: ("时间", "off-grid"), 8: ("时间", "in-the-future"), 9: ("PM2.5", "negative"),
        10: ("PM2.5", "no-detection-limit"), 11: ("", "wrong-cells"), 12: ("PM2.5", "too-large"),
    }  # fmt: skip
    assert told["preview"]["counts"]["refused"] == len(found)
    imports.accept(told["id"], MA)
    assert set(stored(house, "A1", "2026-03-01")) == {("pm2_5", 8), ("pm10", 12), ("pm10", 15)}
    rejects = house.rejects.find(mn=told["id"])
    assert {one["reason"] for one in rejects} == {reason for _, reason in found.values()}
    assert any("row 3" in one["sentence"] and "nowhere" in one["sentence"] for one in rejects)


def test_the_list_of_refusals_holds_no_formula(house, imports):
    cells = ("-2+3+cmd|' /C calc'!A0", "-1-1", "=1", "+a", "@a", "-5x")
    table = "时间,站点,PM2.5\n" + "".join(f"2026-03-01 {8 + n:02}:00,A1,{one}\n" for n, one in enumerate(cells))
    told = bring(imports, "rows.csv", table + "2026-03-01 20:00,A1,-5.5\n")
    found = [one["cell"] for one in refusals(imports, told["id"])]
    assert found == [*(f"'{one}" for one in cells), "-5.5"]


@pytest.mark.parametrize(
    ("name", "data", "options", "says"),
    [
        ("a.csv", "time,pm2_5(℃)\n2026-03-01 08:00,1\n", {"site": "A1"}, "degC"),
        ("a.csv", "time,foo\n2026-03-01 08:00,1\n", {"site": "A1"}, "no column was recognised as a factor"),
        ("a.csv", "pm25\n1\n", {"site": "A1"}, "as the time"),
        ("a.csv", "time,pm25\n2026-03-01 08:00,1\n", {}, "no column names the site"),
        ("a.csv", "time,pm25\n2026-03-01 08:00,1\n", {"site": "nobody"}, "no site"),
        ("a.csv", "time,PM1.0(ng/m3)\n2026-03-01 08:00,1\n", {"site": "A1"}, "a34005"),
        ("a.xlsx", b"PK no workbook", {"site": "A1"}, "Excel"),
        ("a.parquet", b"PAR0", {"site": "A1"}, "Parquet"),
    ],
)
def test_a_file_that_will_not_do_is_refused_whole_with_a_reason(imports, name, data, options, says):
    told = bring(imports, name, data, **options)
    assert told["state"] == "failed"
    assert says in told["problem"]
    with pytest.raises(Refused):
        imports.accept(told["id"], MA)


def test_options_are_checked(imports):
    with pytest.raises(BadInput, match="\\.doc"):
        imports.receive("a.doc")
    for given in ({"label": "middle"}, {"zone": "Mars"}, {"period": "week"}, {"colour": "red"}, {"maps": ["x"]}):
        with pytest.raises(BadInput):
            options_of(given)
    assert (zone_seconds("UTC"), zone_seconds("-03:30"), zone_seconds("+8")) == (0, -12600, 28800)
    with pytest.raises(BadInput, match="empty"):
        bring(imports, "a.csv", b"", site="A1")


@pytest.mark.parametrize(
    ("cell", "options", "hour"),
    [
        ("2026-03-01 08:00", {}, 8),
        ("2026-03-01 08:00", {"label": "end"}, 7),
        ("2026-03-02 00:00", {"label": "end"}, 23),
        ("2026-03-01 24:00", {"label": "end"}, 23),
        ("2026-03-01 00:00", {"zone": "UTC"}, 8),
        ("2026-03-01T00:00Z", {}, 8),
        ("2026-03-01T09:00+09:00", {"zone": "UTC"}, 8),
        ("2026030108", {}, 8),
        ("2026年3月1日8时", {}, 8),
    ],
)
def test_labels_and_time_zones(house, imports, cell, options, hour):
    told = bring(imports, "t.csv", f"time,pm25\n{cell},35\n", site="A1", **options)
    imports.accept(told["id"], MA)
    assert list(stored(house, "A1", "2026-03-01")) == [("pm2_5", hour)]


def test_days_months_and_real_time(house, imports):
    for period, cell, start in (
        ("day", "2026-03-01", "2026-03-01"), ("month", "2026-03", "2026-03-01"), ("year", "2025-01-01", "2025-01-01"),
    ):  # fmt: skip
        told = bring(imports, "d.csv", f"time,pm25\n{cell},35\n", site="A1", period=period)
        imports.accept(told["id"], MA)
        assert stored(house, "A1", start, periods=[Period[period.upper()]]) == {("pm2_5", 0): ("35", Flag.NORMAL)}
    told = bring(imports, "d.csv", "time,pm25\n2026-03-02 00:00,36\n", site="A1", period="day", label="end")
    assert told["preview"]["counts"]["different"] == 1  # the end of 1 March, which is stored with 35
    told = bring(imports, "r.csv", "time,pm25\n2026-03-01 08:00:30,36\n", site="A1", period="realtime", stat="rtd")
    imports.accept(told["id"], MA)
    key = SeriesKey("A1", "pm2_5", Stat.RTD, Period.REALTIME)
    series = int(house.readings.known_series([key])[0])
    assert house.readings.versions(series, start_of(date(2026, 3, 1), 8) + 30)[0].value == 36


def test_doubles_in_a_file(house, imports):
    table = "time,pm25\n2026-03-01 08:00,35\n2026-03-01 08:00,35\n2026-03-01 09:00,36\n2026-03-01 09:00,99\n"
    told = bring(imports, "twice.csv", table, site="A1")
    counts = told["preview"]["counts"]
    assert (counts["new"], counts["doubles"], counts["refused"]) == (2, 1, 1)
    assert [(one["row"], one["reason"]) for one in refusals(imports, told["id"])] == [("5", "double")]
    imports.accept(told["id"], MA)
    assert stored(house, "A1", "2026-03-01")["pm2_5", 9][0] == "36"


def test_values_that_differ_are_kept_unless_replaced(house, imports):
    first = bring(imports, "a.csv", "time,pm25\n2026-03-01 08:00,35\n", site="A1")
    imports.accept(first["id"], MA)
    other = "time,pm25\n2026-03-01 08:00,40\n2026-03-01 09:00,41\n"
    told = bring(imports, "b.csv", other, site="A1")
    assert (told["preview"]["counts"]["new"], told["preview"]["counts"]["different"]) == (1, 1)
    assert [one["reason"] for one in refusals(imports, told["id"])] == ["differs"]
    imports.accept(told["id"], MA)
    assert stored(house, "A1", "2026-03-01")["pm2_5", 8][0] == "35"
    told = bring(imports, "b.csv", other, site="A1", different="replace")
    done = imports.accept(told["id"], MA)
    assert (done["counts"]["stored"], done["counts"]["same"]) == (1, 1)
    assert stored(house, "A1", "2026-03-01")["pm2_5", 8][0] == "40"
    series = int(house.readings.known_series([SeriesKey("A1", "pm2_5", Stat.AVG, Period.HOUR)])[0])
    versions = house.readings.versions(series, start_of(date(2026, 3, 1), 8))
    assert [int(one.value) for one in versions] == [35, 40]  # nothing is overwritten


def test_a_site_is_found_by_its_name_among_many_that_hold_it(house, imports):
    def bring_to(name):
        return bring(imports, "rows.csv", "时间,PM2.5\n2026-03-01 08:00,35\n", site=name)

    house.records.put_many(
        "site", [(f"N{n}", {"kind": "air_station", "name": f"北碚站 {n} 号"}) for n in range(30)], SYSTEM
    )
    house.sites.refresh()
    assert bring_to("北碚站")["preview"]["counts"]["new"] == 1
    house.records.put_many("site", [("A9", {"kind": "air_station", "name": "北碚站 3 号"})], SYSTEM)
    assert "no site '北碚站 3 号'" in str(bring_to("北碚站 3 号")["problem"])  # two are called so


def test_sites_by_mn_and_by_a_map(house, imports):
    table = "MN,time,pm25\nMN000000000001,2026-03-01 08:00,35\n老站,2026-03-01 09:00,36\n"
    told = bring(imports, "mn.csv", table, sites={"老站": "A1"}, maps={"MN": "name"})
    assert told["preview"]["counts"]["new"] == 2
    told = bring(imports, "mn.csv", table, site="A2", maps={"MN": "name"})
    assert {one["reason"] for one in refusals(imports, told["id"])} == {"other-site"}
    told = bring(imports, "mn.csv", table, site="A2", maps={"MN": "-"})
    assert (told["preview"]["counts"]["new"], told["preview"]["sites"]) == (2, ["A2"])


def test_excel_and_flags_of_factors(house, imports, tmp_path):
    import xlsxwriter

    path = tmp_path / "t.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["导出表"])
    sheet.write_row(1, 0, ["时间", "a34004-Avg", "a34004-Flag"])
    stamp = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    for n, flag in enumerate(("N", "D", "有效")):
        sheet.write_datetime(2 + n, 0, datetime(2026, 3, 1, 8 + n), stamp)  # noqa: DTZ001
        sheet.write_row(2 + n, 1, [30.1 + n, flag])
    book.close()
    told = bring(imports, "t.xlsx", path.read_bytes(), site="A1", header_row=2)
    assert told["state"] == "ready", told["problem"]
    imports.accept(told["id"], MA)
    assert stored(house, "A1", "2026-03-01") == {
        ("pm2_5", 8): ("30.1", Flag.NORMAL), ("pm2_5", 9): ("31.1", Flag.FAULT), ("pm2_5", 10): ("32.1", Flag.NORMAL),
    }  # fmt: skip


def test_the_why_tree_leads_to_file_and_row(house, imports):
    told = bring(
        imports, "老数据.csv", "time,pm25,x\n2026-03-01 08:00,35,hello\n2026-03-01 09:00,36,there\n", site="A1"
    )
    imports.accept(told["id"], MA)
    series = int(house.readings.known_series([SeriesKey("A1", "pm2_5", Stat.AVG, Period.HOUR)])[0])
    reading = Why(house).reading(series, start_of(date(2026, 3, 1), 9))
    frame = reading["children"][0]
    assert {one["en"]: one["value"] for one in frame["facts"]}["author"] == "ma"
    file = frame["children"][0]
    assert (file["kind"], file["rows"], file["sha256"]) == ("file", [3], told["sha256"])
    cells = {one["en"]: one["value"] for one in file["children"][0]["facts"]}
    assert cells == {"time": "2026-03-01 09:00", "pm25": "36", "x": "there"}
    made = house.readings.frame(reading["seq"])
    assert (made.origin, made.session) == (Origin.IMPORT, told["id"])


def test_dropping_and_listing(imports):
    told = bring(imports, "a.csv", "time,pm25\n2026-03-01 08:00,35\n", site="A1")
    assert imports.drop(told["id"])["state"] == "dropped"
    assert [one["state"] for one in imports.find()["items"]] == ["dropped"]
    again = bring(imports, "a.csv", "time,pm25\n2026-03-01 08:00,35\n", site="A1")
    assert (again["id"], again["state"]) == (told["id"], "ready")


def test_a_cut_in_the_middle_goes_on_without_doubling(house, imports, monkeypatch):
    """Stopped after the second group, once before and once after its commit; the file lies in any order."""
    import random

    from jinyun.app.services.imports.job import Job
    from jinyun.store import staging

    monkeypatch.setattr(staging, "GROUP_ROWS", 2048)
    rows = [f"{date(2025, 1, 1) + timedelta(n // 24)} {n % 24:02}:00,{n % 90},{n % 70}" for n in range(8000)]
    random.Random(7).shuffle(rows)
    told = bring(imports, "many.csv", "time,pm25,pm10\n" + "\n".join(rows) + "\n", site="A1")
    assert told["preview"]["groups"] > 4
    real, calls = Job._touch, []

    def dies(self, *given):
        calls.append(1)
        if len(calls) == 3:  # its rows are committed, its mark of progress is not
            raise KeyboardInterrupt
        real(self, *given)

    monkeypatch.setattr(Job, "_touch", dies)
    with pytest.raises(KeyboardInterrupt):
        imports.accept(told["id"], MA)
    assert house.records.get("import", told["id"]).state == "running"
    monkeypatch.setattr(Job, "_touch", real)
    after = Imports(house, in_thread=False)
    assert after.resume() == 1
    done = after.get(told["id"])
    assert (done["state"], done["counts"]["stored"], done["counts"]["same"]) == ("done", 16_000, 0)
    assert house.readings.state()["rows"] == 16_000


# --- a real year ---------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not PRSA.is_file(), reason=f"{PRSA.name} is not beside the repository")
def test_a_real_year_of_hours_gets_its_day_verdicts(tmp_path):
    import duckdb

    table = tmp_path / "year.parquet"
    duckdb.execute(
        "copy (select time, station, pm25, pm10, so2, no2, co, o3, temp from read_parquet(?) "
        f"where station = 'Changping' and year(time) = 2014) to '{table}' (format parquet)",
        [str(PRSA)],
    )
    house = make_house(
        tmp_path / "var", "2015-03-01T10:00:00+08:00", {"C": {"kind": "air_station", "name": "昌平镇"}}
    )  # fmt: skip
    try:
        imports = Imports(house, in_thread=False)
        told = bring(imports, "year.parquet", table.read_bytes(), sites={"Changping": "C"},
                     maps={"co": "co[ug/m3]", "temp": "-"})  # fmt: skip
        assert told["state"] == "ready", told["problem"]
        assert told["preview"]["counts"]["rows"] == 365 * 24
        done = imports.accept(told["id"], MA)
        there = duckdb.execute("select count(pm25)+count(pm10)+count(so2)+count(no2)+count(co)+count(o3) "
                               f"from '{table}'").fetchall()[0][0]  # fmt: skip
        assert done["counts"]["stored"] == there
        days = [date(2014, 1, 1) + timedelta(n) for n in range(60)]  # the year's other days wait behind these
        end = time.monotonic() + 240
        while time.monotonic() < end and house.verdicts.current("air.aqi_day", "C", day_of(days[-1])) is None:
            house.judge.run(settled=False)
        rows = duckdb.execute(f"select time, pm25, pm10, no2, so2 from '{table}' order by time").fetchall()
        for day in days[::7]:
            verdict = house.verdicts.current("air.aqi_day", "C", day_of(day))
            assert verdict is not None, day
            figures = {one.factor: one.figure for one in verdict.items}
            for place, factor in enumerate(("pm2_5", "pm10", "no2", "so2"), 1):
                hours = [Decimal(str(round(row[place], 3))) for row in rows
                         if row[0].date() == day and row[place] is not None and row[place] == row[place]]  # fmt: skip
                mean = None if len(hours) < 20 else half_even(sum(map(Fraction, hours)) / len(hours))
                assert figures.get(factor) == mean, (day, factor)
            assert verdict.evidence()
        found = house.verdicts.briefs("air.aqi_day", ["C"], start_of(days[0]), start_of(days[-1]) + 1)
        assert len(found) == 60
        assert not house.records.find("alarm")  # history opens no alarm
    finally:
        house.close()


def day_of(day: date) -> Window:
    return Window(Period.DAY, start_of(day), start_of(day) + 86400)


def half_even(value: Fraction) -> str:
    return str(Decimal(round(value)).quantize(Decimal(1), ROUND_HALF_EVEN))
