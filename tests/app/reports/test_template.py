"""A bureau's own Word template: fields in text, tables, heads; tables and charts in place; unknown fields named."""

import io
from datetime import date

import docx
import pytest
from period_dicts import StandIn

from jinyun.app.reports import Reports
from jinyun.kernel.errors import BadInput


def template(*paragraphs, head="", cell=""):
    document = docx.Document()
    for one in paragraphs:
        document.add_paragraph(one)
    if head:
        document.sections[0].header.paragraphs[0].text = head
    if cell:
        document.add_table(1, 1).rows[0].cells[0].text = cell
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def filled(data, medium="air", **more):
    given = {"period": "month", "at": "2026-10", "compiled": date(2026, 11, 5)} | more
    file = Reports(StandIn(), bureau="示范区生态环境局").file(medium, template=data, **given)
    return docx.Document(io.BytesIO(file.data))


def test_fields_are_replaced_everywhere():
    document = filled(
        template(
            "{{期间}}，优良天数比率{{优良天数比率}}%，{{good_ratio.同比}}。",
            head="{{发布单位}}",
            cell="{{pm2_5.mean}}{{pm2_5.mean.单位}}",
        )
    )
    assert document.paragraphs[0].text == "2026年10月，优良天数比率93.5%，同比提高3.2个百分点。"
    assert document.sections[0].header.paragraphs[0].text == "示范区生态环境局"
    assert document.tables[0].rows[0].cells[0].text == "28μg/m³"


def test_a_field_cut_into_runs_is_read_whole_and_keeps_its_look():
    document = docx.Document()
    paragraph = document.add_paragraph("编制：")
    for piece, bold in (("{{编", True), ("制日", False), ("期}}", False), ("止", False)):
        paragraph.add_run(piece).bold = bold
    out = io.BytesIO()
    document.save(out)
    runs = filled(out.getvalue()).paragraphs[0].runs
    assert [one.text for one in runs] == ["编制：", "2026年11月5日", "", "", "止"]
    assert runs[1].bold


def test_tables_and_charts_stand_where_they_are_asked_for():
    document = filled(template("前", "{{表:levels}}", "中", "{{图:pollutants}}", "后"))
    texts = [one.text for one in document.paragraphs]
    assert "{{" not in "".join(texts)
    assert texts.index("前") < texts.index("表1  空气质量级别天数") < texts.index("中") < texts.index("后")
    assert document.tables[0].rows[1].cells[0].text == "优"
    assert document.element.xml.count("<c:chart ") == 1
    assert any(str(part.partname) == "/word/charts/chart1.xml" for part in document.part.package.iter_parts())


def test_unknown_fields_are_all_named_with_the_nearest():
    with pytest.raises(BadInput) as refused:
        filled(template("{{优良天数比列}} {{期间}}", "{{表:nothing}}", cell="{{月平均气温}}"))
    said = str(refused.value)
    assert "3 unknown" in said
    assert "did you mean 优良天数比率?" in said
    assert "{{表:nothing}}" in said
    assert "{{月平均气温}}" in said


def test_a_field_without_its_end_and_a_table_inside_a_table_are_refused():
    with pytest.raises(BadInput, match="without }}"):
        filled(template("{{期间"))
    with pytest.raises(BadInput, match="paragraph of its own"):
        filled(template("x", cell="{{表:levels}}"))


@pytest.mark.parametrize("data", [b"", b"no zip", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_word_file_is_refused(data):
    with pytest.raises(BadInput, match="no Word file"):
        filled(data)


def test_a_template_has_no_place_in_a_workbook():
    with pytest.raises(BadInput, match="Word file"):
        filled(template("x"), format="xlsx")


def test_every_listed_field_can_be_used():
    fields = Reports(StandIn(), bureau="x").fields("water", period="month", at="2026-10", compiled=date(2026, 11, 5))
    plain = [name for name in fields if not name.startswith(("表:", "图:"))]
    document = filled(template(*("{{" + name + "}}" for name in plain)), "water")
    assert [one.text for one in document.paragraphs] == [
        fields[name] if name != "发布单位" else "示范区生态环境局" for name in plain
    ]
