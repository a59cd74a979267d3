"""What packets say: exact values in canonical units, flags by edition, and what is done with odd values."""

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from jinyun.kernel.ports import NO_VALUE, DeviceProfile
from jinyun.kernel.terms import CHINA, Flag, Period, Stat
from jinyun.sense.hj212.content import china_seconds, china_text, decode
from jinyun.sense.hj212.framing import examine
from jinyun.sense.hj212.packet import parse

ROWS = {
    row["id"]: row
    for row in map(json.loads, (Path(__file__).parents[2] / "data" / "hj212" / "packets.jsonl").open(encoding="utf-8"))
}


def of(name, **given):
    return decode(parse(examine(ROWS[name]["raw"].encode())), **given)


def told(cp, *, cn="2011", st="32", flag=";Flag=5", **given):
    text = f"QN=20260301080000123;ST={st};CN={cn};PW=1;MN=m{flag};CP=&&{cp}&&"
    return decode(parse(examine(f"##{len(text):04}{text}0000".encode())), **given)


def one(value, code="w01018", **given):
    """Value and flag of a single real-time figure."""
    content = told(f"DataTime=20260301080000;{code}-Rtd={value},{code}-Flag=N", **given)
    number = None if content.values[0] == NO_VALUE else Decimal(content.values[0]) / 1_000_000
    return number, Flag(content.flags[0]), [refusal.reason for refusal in content.refused]


def values(content):
    return {
        (factor, stat): None if value == NO_VALUE else Decimal(value) / 1_000_000
        for (factor, stat), value in zip(content.keys, content.values, strict=True)
    }


def profile(**given):
    return DeviceProfile(mn="m", site="s", site_kind=given.pop("site_kind", "water_outlet"), **given)


def test_minute_data_as_printed():
    content = of("p065")  # HJ 212-2017 C.20
    assert (content.kind, content.period, content.cn) == ("data", Period.MINUTE, "2051")
    assert content.time == int(datetime(2016, 8, 1, 8, 40, tzinfo=CHINA).timestamp())
    assert values(content) == {
        ("wastewater_flow", Stat.COU): Decimal("10.5"), ("wastewater_flow", Stat.MIN): Decimal("16.4"),
        ("wastewater_flow", Stat.AVG): Decimal("17.5"), ("wastewater_flow", Stat.MAX): Decimal("20.1"),
        ("ph", Stat.MIN): Decimal("7.1"), ("ph", Stat.AVG): Decimal("7.5"), ("ph", Stat.MAX): Decimal("7.8"),
        ("cod_cr", Stat.COU): Decimal("10.5"), ("cod_cr", Stat.MIN): Decimal("40.1"),
        ("cod_cr", Stat.AVG): Decimal("40.1"), ("cod_cr", Stat.MAX): Decimal("40.1"),
    }  # fmt: skip
    assert set(content.flags) == {Flag.NORMAL}
    assert (content.refused, content.doubts, content.unknown, content.notes) == ([], [], (), ())


@pytest.mark.parametrize(
    ("name", "kind", "period"),
    [("p053", "data", Period.REALTIME), ("p061", "data", Period.DAY), ("p069", "data", Period.HOUR),
     ("p057", "state", Period.REALTIME), ("p033", "state", Period.DAY), ("p024", "log", None), ("p085", "log", None),
     ("p048", "parameter", None), ("p078", "parameter", None), ("p082", "parameter", None), ("p027", "parameter", None),
     ("p213", "notice", None), ("p207", "notice", None), ("p022", "alarm", None), ("p090", "answer", None),
     ("p025", "answer", None), ("p051", "command", None), ("p059", "command", None), ("p124", "other", None)],
)  # fmt: skip
def test_kinds(name, kind, period):
    content = of(name)
    assert (content.kind, content.period) == (kind, period)


def test_facility_states_and_hours():
    assert values(of("p057")) == {("SB1", Stat.STATE): 1, ("SB2", Stat.STATE): 0}
    assert values(of("p033")) == {("SB1", Stat.RUN_HOURS): Decimal("1.1"), ("SB2", Stat.RUN_HOURS): Decimal("2.1")}
    assert of("p057").unknown == ()


def test_what_is_no_reading_comes_as_text():
    assert of("p053").extras == [("w01018-SampleTime", "20160801070000"), ("w01018-EFlag", "A01")]
    assert of("p024").extras == [("PolId", "w01018"), ("i11001-Info", "//清洗管路//")]
    assert of("p091").extras == [("ExeRtn", "1")]


def test_the_same_shape_has_the_same_plan():
    first, second = told("DataTime=20260301080000;w01018-Rtd=1"), told("DataTime=20260301080030;w01018-Rtd=2")
    assert first.plan is second.plan
    assert {first.plan: 1}[second.plan] == 1
    assert told("DataTime=20260301080000;w01018-Rtd=1", st="21").plan is not first.plan
    assert first.values == [1_000_000]
    assert second.values == [2_000_000]


# ---------------------------------------------------------------- units and codes


def test_2005_units_become_canonical():
    # HJ/T 212-2005 has Hg (020) and Pb (027) in mg/L, S08 in MPa; canonical µg/L and kPa
    cp = "DataTime=20260301080000;020-Rtd=0.05,020-Flag=N;027-Rtd=1,027-Flag=N;S08-Rtd=0.0013,S08-Flag=N"
    content = told(cp, flag="")
    assert values(content) == {
        ("hg", Stat.RTD): 50, ("pb", Stat.RTD): 1000, ("flue_pressure", Stat.RTD): Decimal("1.3"),
    }  # fmt: skip
    # an old code in a frame of 2017 still has the old unit, unless the device is known to be of 2017
    assert values(told(cp))["hg", Stat.RTD] == 50
    assert values(told(cp, profile=profile(edition="2017")))["hg", Stat.RTD] == Decimal("0.05")
    # a new code in a frame without Flag has the new unit, unless the device is known to be of 2005
    new = "DataTime=20260301080000;w20111-Rtd=0.05"
    assert values(told(new, flag=""))["hg", Stat.RTD] == Decimal("0.05")
    assert values(told(new, flag="", profile=profile(edition="2005")))["hg", Stat.RTD] == 50


@pytest.mark.parametrize(("unit", "expected"), [("ug/m3", "35"), ("mg/m3", "35000"), ("ng/m3", "0.035")])
def test_unit_of_dust_is_the_devices(unit, expected):
    cp = "DataTime=20260301080000;a34004-Rtd=35;a34002-Rtd=35;a21026-Rtd=35"
    content = told(cp, st="22", profile=profile(pm_unit=unit, site_kind="air_station"))
    assert values(content) == {
        ("pm2_5", Stat.RTD): Decimal(expected), ("pm10", Stat.RTD): Decimal(expected), ("so2", Stat.RTD): 35,
    }  # fmt: skip


def test_a_unit_of_dust_that_is_none_is_noted_and_nothing_breaks():
    content = told("DataTime=20260301080000;a34004-Rtd=35", st="22", profile=profile(pm_unit="furlong"))
    assert values(content) == {("pm2_5", Stat.RTD): 35}
    assert "furlong" in content.notes[0]


def test_a_code_means_flue_gas_at_a_stack_whatever_st_says():
    cp = "DataTime=20260301080000;a21026-Rtd=35"
    assert [key[0] for key in told(cp, st="31").keys] == ["stack_so2"]
    assert [key[0] for key in told(cp, st="22").keys] == ["so2"]
    assert [key[0] for key in told(cp, st="22", site_kind="stack_outlet").keys] == ["stack_so2"]
    assert [key[0] for key in told(cp, st="31", profile=profile(site_kind="air_station")).keys] == ["so2"]


def test_unknown_codes_are_kept_under_their_own_name_and_listed():
    content = told("DataTime=20260301080000;PM25-Rtd=5.0;w01018-Rtd=1;TEMP-Rtd=20.6")
    assert values(content)["PM25", Stat.RTD] == 5
    assert content.unknown == ("PM25", "TEMP")


@pytest.mark.parametrize(
    ("name", "factor"),
    [
        ("01018-Rtd", "cod_cr"),
        ("W01018-Rtd", "cod_cr"),
        ("LA-td", "la"),
        ("LA-Rtd-Rtd", "la"),
        (" w01018-Rtd ", "cod_cr"),
    ],
)
def test_misprints_makers_copied(name, factor):
    assert values(told(f"DataTime=20260301080000;{name}=7.5")) == {(factor, Stat.RTD): Decimal("7.5")}


def test_day_and_night_levels_are_figures_of_their_own():
    got = values(of("p021"))  # HJ 212-2017 noise, day data
    assert len(got) == len(of("p021").keys) == 24
    assert got["l50_day", Stat.AVG] == 52
    assert got["l50_night", Stat.AVG] == 52
    assert got["l50", Stat.AVG] == 49
    assert got["ld", Stat.AVG] == Decimal("52.5")


def test_ld_and_ln_are_the_reverse_in_2005():
    cp = "DataTime=20260301000000;Ld-Data=60;Ln-Data=50"
    assert values(told(cp, cn="2031", st="23")) == {("ld", Stat.AVG): 60, ("ln", Stat.AVG): 50}
    fixed = told(cp, cn="2031", st="23", flag="", profile=profile(edition="2005", site_kind="noise_station"))
    assert values(fixed) == {("ln", Stat.AVG): 60, ("ld", Stat.AVG): 50}


# ---------------------------------------------------------------- flags


@pytest.mark.parametrize(
    ("letter", "edition", "flag"),
    [("N", 2017, Flag.NORMAL), ("F", 2017, Flag.STOPPED), ("F", 2005, Flag.SOURCE_STOPPED),
     ("M", 2017, Flag.MAINTENANCE), ("S", 2017, Flag.MANUAL), ("D", 2017, Flag.FAULT),
     ("C", 2017, Flag.CALIBRATION), ("T", 2017, Flag.OVER_RANGE), ("B", 2017, Flag.NO_LINK),
     ("P", 2005, Flag.POWER_FAILURE), ("n", 2017, Flag.NORMAL), ("", 2017, Flag.UNKNOWN),
     ("Q", 2017, Flag.OTHER), ("B", 2005, Flag.NO_LINK)],
)  # fmt: skip
def test_flags_by_edition(letter, edition, flag):
    code = "011" if edition == 2005 else "w01018"
    content = told(
        f"DataTime=20260301080000;{code}-Rtd=1,{code}-Flag={letter}", flag="" if edition == 2005 else ";Flag=5"
    )
    assert Flag(content.flags[0]) is flag


def test_ambient_air_of_2005_has_digits():
    cp = "DataTime=20260301080000;02-Rtd=1,02-Flag=2;03-Rtd=1,03-Flag=3"
    assert list(told(cp, st="22", flag="").flags) == [Flag.AIR_ABNORMAL, Flag.NORMAL]


def test_a_missing_flag_is_unknown_not_normal():
    assert Flag(told("DataTime=20260301080000;w01018-Rtd=1").flags[0]) is Flag.UNKNOWN


def test_a_flag_without_a_factor_belongs_to_the_one_before():
    content = of("p161")
    assert Flag(content.flags[0]) is Flag.NORMAL
    assert content.notes


def test_a_factor_with_only_a_flag_is_a_record_too():
    content = told("DataTime=20260301080000;w01018-Flag=D;w21003-Rtd=1,w21003-Flag=N")
    assert values(content) == {("nh3_n", Stat.RTD): 1, ("cod_cr", Stat.RTD): None}
    assert [Flag(flag) for flag in content.flags] == [Flag.NORMAL, Flag.FAULT]


# ---------------------------------------------------------------- odd values


@pytest.mark.parametrize(
    ("text", "expected"),
    [("12.345678", "12.345678"), ("-0.5", "-0.5"), ("0", "0"), ("0.00", "0"), ("007", "7"), (".5", "0.5"), ("5.", "5"),
     ("1.5e1", "15"), ("+3.2", "3.2"), ("999999999999.999999", "999999999999.999999"),
     # half to even at the seventh decimal
     ("1.0000005", "1.000000"), ("1.0000015", "1.000002"), ("-1.0000005", "-1.000000"), ("1.00000051", "1.000001"),
     ("235.242599117822", "235.242599")],
)  # fmt: skip
def test_figures_are_exact(text, expected):
    number, flag, refused = one(text, code="xyz")
    assert (number, flag, refused) == (Decimal(expected), Flag.NORMAL, [])


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "empty"), ("NaN", "not-a-number"), ("null", "not-a-number"), ("--", "not-a-number"), ("1_0", "not-a-number"),
     ("1 0", "not-a-number"), ("1.2.3", "not-a-number"), ("-9999", "sentinel"), ("-99", "sentinel"),
     ("-99.0", "sentinel"), ("9999.99", "sentinel"), ("1000000000000", "out-of-decimal"), ("1e30", "out-of-decimal"),
     ("１２", "not-a-number")],
)  # fmt: skip
def test_what_holds_no_number_keeps_its_row_without_a_value(text, reason):
    assert one(text) == (None, Flag.NOT_A_NUMBER, [reason])


def test_a_flag_that_says_more_stays_on_a_missing_value():
    content = told("DataTime=20260301080000;w01018-Rtd=--,w01018-Flag=D")
    assert Flag(content.flags[0]) is Flag.FAULT
    assert content.values == [NO_VALUE]


def test_a_negative_sentinel_is_a_figure_where_figures_can_be_negative():
    assert one("-99", code="a01013", st="31")[0] == -99  # flue gas pressure has no lower bound
    assert one("-9999", code="a01013", st="31")[2] == ["sentinel"]


@pytest.mark.parametrize(
    ("text", "limit"), [("<0.01", "0.01"), ("< 0.01", "0.01"), ("＜0.01", "0.01"), ("0.01L", "0.01"), ("ND", None)]
)
def test_below_the_detection_limit(text, limit):
    number, flag, refused = one(text)
    assert (number, flag, refused) == (Decimal(limit) if limit else None, Flag.NON_DETECT, [])


def test_converted_values_at_the_formats_limit_are_none():
    # HJ 212-2025 8.1.1: with O2 ≥ 21 % the converted value is sent as the format's largest number
    content = told(
        "DataTime=20260301080000;a21026-Rtd=99999,a21026-ZsRtd=9999.9,a21026-Flag=N", st="31", flag=";Flag=9"
    )
    assert values(content) == {("stack_so2", Stat.RTD): 99999, ("stack_so2", Stat.ZS_RTD): None}
    assert content.refused[0].reason == "format-limit"


def test_physically_impossible_values_are_kept_and_doubted():
    content = of("p181")  # pH 91.980
    assert values(content)["ph", Stat.RTD] == Decimal("91.980")
    assert {(doubt.name, doubt.reason) for doubt in content.doubts} == {
        ("w01001-Rtd", "above-range"), ("w01010-Rtd", "above-range"),
    }  # fmt: skip
    assert content.refused == []
    assert [doubt.reason for doubt in told("DataTime=20260301080000;w01018-Rtd=-0.1").doubts] == ["below-range"]
    assert told("DataTime=20260301080000;w01001-Rtd=14;w01018-Rtd=0").doubts == []  # on the bounds


def test_a_name_that_comes_twice_keeps_the_first_and_says_so():
    content = of("p006")  # the annex prints e01001 twice
    assert values(content) == {("e01001", Stat.RTD): Decimal("1.1")}
    assert [(wrong.text, wrong.reason) for wrong in content.refused] == [("2.2", "duplicate")]
    assert told("DataTime=20260301080000;w01018-Rtd=1;w01018-Rtd=1").refused == []


@pytest.mark.parametrize(
    "cp",
    [
        "DataTime=20260301080000;w01018-Rtd=1;",
        "DataTime=20260301080000,w01018-Rtd=1,;",
        "DataTime=20260301080000;;w01018-Rtd=1",
        " DataTime = 20260301080000 ; w01018-Rtd = 1",
    ],
)
def test_separators_and_blanks(cp):
    assert values(told(cp)) == {("cod_cr", Stat.RTD): 1}


# ---------------------------------------------------------------- time


def test_time_is_chinas():
    assert china_seconds("19700101080000") == 0
    assert china_seconds("20260301080000") == int(datetime(2026, 3, 1, 8, tzinfo=CHINA).timestamp())
    assert china_seconds("20210305003817000") == china_seconds("20210305003817")  # 17 digits, from the field
    assert china_text(china_seconds("20240229235959")) == "20240229235959"
    for text in ("", "2026", "20260230080000", "20260301250000", "20260301086000", "2026030108000x", "2026030108000"):
        assert china_seconds(text) is None


def test_bad_and_missing_time_are_named():
    assert [wrong.reason for wrong in told("DataTime=20261301080000;w01018-Rtd=1").refused] == ["bad-time"]
    bare = told("w01018-Rtd=1")
    assert (bare.time, bare.kind) == (None, "data")
    assert [wrong.reason for wrong in bare.refused] == ["no-time"]


@pytest.mark.parametrize(
    ("cn", "expected"), [("2051", "20260301075000"), ("2061", "20260301070000"), ("2011", "20260301080000")]
)
def test_label_at_the_end_of_the_period(cn, expected):
    content = told("DataTime=20260301080000;w01018-Avg=1", cn=cn, profile=profile(label_end=True, minute_interval=10))
    assert china_text(content.time) == expected


def test_time_off_the_grid_is_doubted():
    assert [doubt.reason for doubt in told("DataTime=20260301080001;w01018-Avg=1", cn="2061").doubts] == ["off-grid"]
    assert told("DataTime=20260301000000;w01018-Avg=1", cn="2031").doubts == []
