"""Reports opened again by other readers (python-docx, openpyxl, an XML parser): they say what the figures say."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date
from decimal import Decimal
from xml.etree import ElementTree

import docx
import openpyxl
import pytest
from period_dicts import StandIn, air, noise, water

from jinyun.app.reports import Reports
from jinyun.kernel.errors import BadInput

COMPILED = date(2026, 11, 5)
ASKED = {"air": ("month", "2026-10"), "water": ("month", "2026-10"), "noise": ("quarter", "2026-Q3")}
TOLD = {"air": air, "water": water, "noise": noise}
CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
MAIN = "{http://schemas.openxmlformats.org/drawingml/2006/main}"


def made(medium, format="docx", *, change=None, **more):
    kind, at = ASKED[medium]
    given = {"period": kind, "at": at, "compiled": COMPILED, **more}
    return Reports(StandIn(change), bureau="示范区生态环境局").file(medium, format=format, **given)


def opened(file):
    return docx.Document(io.BytesIO(file.data))


def text(document):
    return "\n".join(one.text for one in document.paragraphs)


def table(document, head):
    """Rows of the table whose first heading cells are `head`, without line breaks."""
    for one in document.tables:
        rows = [[cell.text.replace("\n", "") for cell in row.cells] for row in one.rows]
        if rows[0][: len(head)] == list(head):
            return rows
    raise AssertionError(f"no table {head}")


def parts(file):
    with zipfile.ZipFile(io.BytesIO(file.data)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


# --- prose ----------------------------------------------------------------------------------------------------------


def test_air_summary_is_bureau_prose():
    said = text(opened(made("air")))
    assert (
        "2026年10月，示范区环境空气质量优良天数比率为93.5%，同比提高3.2个百分点"
        "（有效监测31天，优良29天，重度及以上污染0天）。" in said
    )
    assert "PM2.5平均浓度为28微克/立方米，同比下降6.7%；" in said
    assert "PM10平均浓度为46微克/立方米，同比持平；" in said
    assert "SO2平均浓度为7微克/立方米，同比无数据；" in said
    assert "NO2平均浓度无有效数据（有效日均值不足27天）；" in said
    assert "CO日均值第95百分位数浓度为0.9毫克/立方米，同比下降18.2%；" in said
    assert "环境空气质量综合指数为3.02，同比下降2.9%。" in said


def test_water_summary_prints_the_42_sections_as_a_bureau_does():
    said = text(opened(made("water")))
    assert (
        "2026年10月，示范区42个断面中Ⅰ～Ⅲ类断面41个，占97.6%，同比提高7.1个百分点；Ⅳ类断面1个；无劣Ⅴ类断面，同比持平。"
        in said
    )
    assert "总体水质状况为优，与上年同期相比无明显变化。" in said
    # 0.26 over the class III limit of 0.2 for rivers: 0.3 times
    assert "劣于Ⅲ类的断面1个：黑水滩河31号断面（Ⅳ类，总磷(0.3)）。" in said


def test_noise_summary_has_day_and_night():
    said = text(opened(made("noise")))
    assert (
        "2026年第三季度，示范区功能区声环境昼间达标率为97.3%，同比提高1.2个百分点；夜间达标率为84.0%，同比提高1.9个百分点。"
        in said
    )
    assert "昼间等效声级平均值为59.3分贝，同比下降0.5分贝；夜间等效声级平均值为49.8分贝，同比持平。" in said


def test_nothing_valid_is_said_and_not_invented():
    def nothing(told):
        for one in told["figures"]:
            one.update(figure=None, before=None, change=None, change_percent=None, reason_zh="", reason_en="")
        for one in told.get("classes", ()):
            one.update(sections=0, before=0)
        told["rows"], told["units"] = [], {"asked": 4, "valid": 0, "left_out": []}

    assert "优良天数比率无有效数据" in text(opened(made("air", change=nothing)))
    assert "示范区地表水断面无有效数据。" in text(opened(made("water", change=nothing)))
    assert "昼间达标率无有效数据；夜间达标率无有效数据。" in text(opened(made("noise", change=nothing)))
    for medium in ASKED:
        assert made(medium, "xlsx", change=nothing).data


def test_title_page_and_the_closing_pages():
    document = opened(made("air"))
    said = text(document)
    for line in ("示范区环境空气质量月报", "（2026年10月）", "示范区生态环境局", "2026年11月5日"):
        assert line in said
    assert "评价依据：GB 3095-2026（过渡期）；HJ 633-2026。本期与上年同期均按本期（2026-10-31）执行的标准评价。" in said
    assert "有效点位：应评价4个，有效3个；上年同期应评价4个，有效4个。" in said
    assert "GB/T 8170-2008" in said
    assert table(document, ["点位", "原因"])[1] == ["蔡家站", "有效日数不足27天"]
    assert "/api/periods/air/days?scope=all&period=month&at=2026-10" in said
    assert "/api/verdicts/" in said


def test_english_variant_has_no_chinese_words_of_ours():
    said = text(opened(made("water", lang="en")))
    assert "41 of 42 sections were class I–III, 97.6% (up 7.1 percentage points on last year)" in said
    left = set(re.findall(r"[\u4e00-\u9fff]+", said))
    assert left <= {"示范区生态环境局", "黑水滩河", "号断面"}  # names stay as they are registered


# --- tables ---------------------------------------------------------------------------------------------------------


def test_section_table_equals_the_figures_and_has_last_month_and_last_year():
    told = water()
    rows = table(opened(made("water")), ["序号", "河流", "断面"])
    assert rows[0] == ["序号", "河流", "断面", "水质目标", "本期类别", "上月", "上年同期", "是否达标",
                       "主要污染指标（超标倍数）", "有效天数"]  # fmt: skip
    names = ["", "Ⅰ类", "Ⅱ类", "Ⅲ类", "Ⅳ类", "Ⅴ类", "劣Ⅴ类"]
    for row, one in zip(rows[1:], told["rows"], strict=True):
        assert row[1:3] == [one["river"], one["name"]]
        month_before = min(6, one["level"] + 1)  # what the stand-in answers for 2026-09
        assert row[3:8] == [names[3], names[one["level"]], names[month_before], names[one["before_level"]],
                            "是" if one["level"] <= 3 else "否"]  # fmt: skip
    assert rows[-1][8] == "总磷(0.3)"


def test_river_table_asks_each_river():
    rows = table(opened(made("water")), ["河流", "评价断面数"])
    assert {row[0]: row[1] for row in rows[1:]} == {"嘉陵江": "6", "梁滩河": "3", "璧北河": "2", "黑水滩河": "31"}


def test_station_table_equals_the_figures():
    rows = table(opened(made("air")), ["点位", "有效天数"])
    for row, one in zip(rows[1:], air()["rows"], strict=True):
        assert row == [one["name"], f"{one['valid_days']}/31", *one["values"].values(), one["index"], "PM2.5"]


def test_zone_table_equals_the_figures():
    rows = table(opened(made("noise")), ["功能区", "点位数"])
    for row, one in zip(rows[1:], noise()["zones"], strict=True):
        assert row == [one["zh"], str(one["sites"]), one["day_rate"], one["before_day_rate"], one["night_rate"],
                       one["before_night_rate"]]  # fmt: skip


def test_a_year_has_no_column_of_a_period_before():
    heads = table(opened(made("water", period="year", at="2026")), ["序号", "河流", "断面"])[0]
    assert "上月" not in heads
    assert "上年同期" in heads


def test_heads_repeat_rows_stay_whole_and_pages_are_numbered():
    file = made("water")
    document = opened(file)
    for one in document.tables:
        assert one.rows[0]._tr.trPr.xpath("w:tblHeader")
        assert all(row._tr.trPr.xpath("w:cantSplit") for row in one.rows)
    section = document.sections[0]
    assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
    assert "PAGE" in section.footer._element.xml
    assert "示范区地表水环境质量月报" in section.header.paragraphs[0].text
    order = [one.tag.rpartition("}")[2] for one in section.header.paragraphs[0]._p.pPr]
    assert order == ["pStyle", "pBdr", "jc"]  # as the schema wants them: Word refuses some files that mix them


# --- charts ---------------------------------------------------------------------------------------------------------


def chart_of(file, title):
    for name, data in parts(file).items():
        if re.match(r"(word|xl)/charts/chart\d+\.xml", name):
            root = ElementTree.fromstring(data)
            if title in "".join(one.text or "" for one in root.iter(f"{MAIN}t")):
                return name, root
    raise AssertionError(f"no chart {title}")


def cached(series, what):
    """(index, text) of a series' cached points."""
    return {
        int(p.get("idx")): p.find(f"{CHART}v").text for p in series.iter(f"{CHART}{what}") for p in p.iter(f"{CHART}pt")
    }


def test_word_charts_are_native_with_cached_values_and_a_workbook():
    file = made("air")
    name, root = chart_of(file, "主要污染物浓度与上年同期比较")
    series = list(root.iter(f"{CHART}ser"))
    figures = {one["id"]: one for one in air()["figures"]}
    drawn = ["pm2_5.mean", "pm10.mean", "so2.mean", "no2.mean", "o3.p90"]
    assert cached(series[0], "cat") == dict(enumerate(["PM2.5", "PM10", "SO2", "NO2", "O3-8h"]))
    # NO2 of this month is missing: a gap, not a zero
    assert cached(series[0], "val") == {i: figures[id]["figure"] for i, id in enumerate(drawn) if figures[id]["figure"]}
    assert cached(series[1], "val") == {i: figures[id]["before"] for i, id in enumerate(drawn) if figures[id]["before"]}
    found = parts(file)
    number = re.search(r"\d+", name)[0]
    assert 'Id="rId1"' in found[f"word/charts/_rels/chart{number}.xml.rels"].decode()
    book = openpyxl.load_workbook(io.BytesIO(found[f"word/embeddings/chart{number}.xlsx"]))
    cells = [[cell.value for cell in row] for row in book.active.iter_rows()]
    assert cells[0] == [None, "本期", "上年同期"]
    assert cells[1] == ["PM2.5", 28, 30]
    assert cells[4] == ["NO2", None, 25]
    document = found["word/document.xml"].decode()
    assert document.count("<c:chart ") == len([one for one in found if re.match(r"word/charts/chart\d+\.xml$", one)])
    assert "/word/charts/chart1.xml" in found["[Content_Types].xml"].decode()


def test_slices_have_the_colours_of_their_classes():
    _, root = chart_of(made("water"), "断面水质类别构成")
    colours = {
        int(p.find(f"{CHART}idx").get("val")): p.find(f".//{MAIN}srgbClr").get("val") for p in root.iter(f"{CHART}dPt")
    }
    assert [colours[i] for i in sorted(colours)] == ["5AB4EA", "22A559", "F4D01C"]  # II blue, III green, IV yellow


@pytest.mark.parametrize("medium", list(ASKED))
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_part_is_well_formed(medium, lang):
    for format, root in (("docx", "document"), ("xlsx", "workbook")):
        found = parts(made(medium, format, lang=lang))
        read = {name: ElementTree.fromstring(data) for name, data in found.items() if name.endswith((".xml", ".rels"))}
        main = {"docx": "word/document.xml", "xlsx": "xl/workbook.xml"}[format]
        assert read[main].tag.endswith(f"}}{root}")
        assert read["[Content_Types].xml"].tag.endswith("}Types")
        assert [
            name for name, one in read.items() if name.endswith(".rels") and not one.tag.endswith("}Relationships")
        ] == []


# --- workbook -------------------------------------------------------------------------------------------------------


def test_workbook_holds_numbers_charts_and_every_day():
    file = made("air", "xlsx")
    book = openpyxl.load_workbook(io.BytesIO(file.data))
    assert book.sheetnames == ["概况", "污染物", "点位", "趋势", "说明", "追溯", "日结论", "图表数据"]
    cells = {row[0].value: [cell.value for cell in row] for row in book["点位"].iter_rows() if row[0].value}
    for one in air()["rows"]:
        row = cells[one["name"]]
        assert row[2:9] == [float(value) for value in one["values"].values()]
        assert row[9] == float(one["index"])
    assert len(book["概况"]._charts) == 1
    assert len(book["趋势"]._charts) == 2
    days = [row for row in book["日结论"].iter_rows(values_only=True) if str(row[0]).startswith("2026-10-")]
    assert len(days) == 93
    assert days[0][4] == 1000  # the verdict's number
    _, root = chart_of(file, "主要污染物浓度与上年同期比较")
    assert cached(next(root.iter(f"{CHART}ser")), "val")[0] == "28"


def test_names_from_a_register_cannot_become_formulas_or_break_the_file():
    def hostile(told):
        for row in told["rows"][:1]:
            row["name"] = '=HYPERLINK("x")<&>\x0b'

    book = openpyxl.load_workbook(io.BytesIO(made("air", "xlsx", change=hostile).data))
    found = [cell for sheet in book for row in sheet.iter_rows() for cell in row if "HYPERLINK" in str(cell.value)]
    assert found
    assert {cell.data_type for cell in found} == {"s"}
    assert '=HYPERLINK("x")<&>' in [row[0] for row in table(opened(made("air", change=hostile)), ["点位", "有效天数"])]


# --- the same data, the same bytes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("medium", list(ASKED))
@pytest.mark.parametrize("format", ["docx", "xlsx"])
def test_same_data_same_bytes(medium, format):
    first, second = made(medium, format), made(medium, format)
    assert first.data == second.data
    assert first.name == second.name
    with zipfile.ZipFile(io.BytesIO(first.data)) as packed:
        assert {one.date_time for one in packed.infolist()} == {(1980, 1, 1, 0, 0, 0)}


# --- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [({"format": "pdf"}, "docx, xlsx"), ({"lang": "fr"}, "zh, en"), ({"period": "week"}, "month, quarter, year, ytd")],
)
def test_what_there_is_not_is_refused_with_what_there_is(change, said):
    given = {"period": "month", "at": "2026-10", "compiled": COMPILED} | change
    with pytest.raises(BadInput, match=said):
        Reports(StandIn(), bureau="x").file("air", **given)


def test_an_unknown_medium_is_refused():
    with pytest.raises(BadInput, match="air, water, noise"):
        Reports(StandIn(), bureau="x").file("soil", compiled=COMPILED)


def test_chart_values_are_exact_decimals():
    _, root = chart_of(made("air"), "逐月优良天数比率")
    values = cached(next(root.iter(f"{CHART}ser")), "val")
    assert len(values) == 13
    assert all(Decimal(one).as_tuple().exponent == -1 for one in values.values())
