"""Which column is what: the field's usual spellings, units, the user's own word, and errors that help."""

from decimal import Decimal

import pytest

from jinyun.app.judging.air import AirDay, AirHour
from jinyun.app.judging.headings import read_maps, recognise
from jinyun.app.judging.verb import Options
from jinyun.app.judging.water import WaterSection
from jinyun.kernel.errors import BadInput


def found(verb, headings, maps=None):
    made = verb(Options())
    return recognise(headings, made.wants(), made.uses, maps).columns


PM = [
    "PM2.5", "pm25", "pm2_5", "PM₂.₅", "细颗粒物", "细颗粒物(PM2.5)", "PM2.5（细颗粒物）", "a34004", "a34004-Avg",
    "PM2.5(μg/m³)", "PM2.5 [ug/m3]", "pm2_5_ug_m3", "PM2.5浓度(μg/m3)", "PM2.5, µg/m³",
    "细颗粒物（PM2.5）(微克/立方米)",
    "PM2.5 1小时平均", "ＰＭ２.５",
]  # fmt: skip


@pytest.mark.parametrize("heading", PM)
def test_pm25_in_its_usual_spellings(heading):
    column = found(AirHour, [heading])["pm2_5"]
    assert column.scale == 1
    assert column.unit == "ug/m3"


@pytest.mark.parametrize(
    ("heading", "item"),
    [("高锰酸盐指数", "cod_mn"), ("CODMn(mg/L)", "cod_mn"), ("w01019", "cod_mn"), ("氨氮", "nh3_n"), ("NH3-N", "nh3_n"),
     ("氨氮(NH3-N)(mg/L)", "nh3_n"), ("总磷（以P计）", "tp"), ("TP(mg/L)", "tp"), ("溶解氧", "do"),
     ("pH值(无量纲)", "ph"),
     ("铬（六价）", "cr6"), ("化学需氧量(COD)", "cod_cr"), ("五日生化需氧量", "bod5"), ("水温(℃)", "water_temp"),
     ("监测时间", "time"), ("断面名称", "name"), ("所在河流", "river"), ("水质目标", "target"),
     ("三氯甲烷", "chloroform")],
)  # fmt: skip
def test_water_in_its_usual_spellings(heading, item):
    assert item in found(WaterSection, [heading])


def test_units_of_headings_are_converted_exactly():
    columns = found(AirHour, ["PM2.5(mg/m³)", "CO(μg/m3)", "SO2"])
    assert columns["pm2_5"].scale == Decimal(1000)
    assert columns["co"].scale == Decimal("0.001")
    assert columns["so2"].assumed
    mercury = found(WaterSection, ["汞"])["hg"]  # the standard prints mg/L, the house keeps ug/L
    assert (mercury.unit, mercury.scale, mercury.assumed) == ("mg/L", Decimal(1000), True)
    assert found(WaterSection, ["汞(μg/L)"])["hg"].scale == 1


def test_the_eight_hours_of_ozone_belong_to_the_day():
    assert found(AirDay, ["O3", "O3_8h"])["o3"].heading == "O3_8h"
    assert found(AirDay, ["O3"])["o3"].heading == "O3"
    assert found(AirHour, ["O3", "O3_8h"])["o3"].heading == "O3"
    assert "pm2_5" not in found(AirHour, ["PM2.5_24h", "SO2"])  # a rolling mean is no hour


def test_two_columns_for_one_item_are_an_error_that_lists_them():
    with pytest.raises(BadInput, match=r"'PM2\.5' and '细颗粒物' could both be pm2_5"):
        found(AirHour, ["PM2.5", "细颗粒物"])
    assert found(AirHour, ["PM2.5", "细颗粒物"], {"细颗粒物": "-"})["pm2_5"].heading == "PM2.5"
    assert found(AirHour, ["PM2.5", "细颗粒物"], {"细颗粒物": "pm2_5"})["pm2_5"].heading == "细颗粒物"


def test_the_users_word_wins():
    column = found(AirHour, ["浓度一"], {"浓度一": "pm2_5[mg/m3]"})["pm2_5"]
    assert (column.said, column.scale) == (True, Decimal(1000))
    assert found(AirHour, ["a=b"], read_maps(["a=b=PM10"], None))["pm10"].heading == "a=b"


@pytest.mark.parametrize(
    ("maps", "says"),
    [({"y": "pm2_5"}, "the file does not have"), ({"x": "pm26"}, "did you mean 'pm2_5'"),
     ({"x": "pm2_5[degC]"}, "cannot turn 'degC' into 'ug/m3'")],
)  # fmt: skip
def test_a_wrong_map_says_what_would_work(maps, says):
    with pytest.raises(BadInput, match=says):
        found(AirHour, ["x"], maps)


def test_a_unit_that_does_not_fit_is_refused():
    with pytest.raises(BadInput, match=r"'PM2\.5\(℃\)'"):
        found(AirHour, ["PM2.5(℃)"])


def test_maps_from_a_file_and_the_command_line(tmp_path):
    file = tmp_path / "map.toml"
    file.write_text('"细颗粒" = "pm2_5[ug/m3]"\n"粗颗粒" = "pm10"\n', encoding="utf-8")
    assert read_maps(["粗颗粒=-"], file) == {"细颗粒": "pm2_5[ug/m3]", "粗颗粒": "-"}
    with pytest.raises(BadInput, match="is not heading=meaning"):
        read_maps(["x"], None)
    file.write_text("x =", encoding="utf-8")
    with pytest.raises(BadInput, match="cannot read the map"):
        read_maps([], file)
