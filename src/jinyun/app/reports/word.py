"""A report as a Word file like official documents: A4, 仿宋 body, 黑体 headings, 宋体 tables, page numbers."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

from jinyun.app.reports.charts import EMU_PER_MM, add_chart_part, drawing_xml
from jinyun.app.reports.model import Chart, Column, Paragraph, Report, Table
from jinyun.app.reports.packing import repacked, xml_text
from jinyun.app.reports.palette import ink_on

BODY, TABLE, HEAD, SECOND, LATIN = "仿宋", "宋体", "黑体", "楷体", "Times New Roman"
FALLBACK = {
    "仿宋": "FangSong,仿宋_GB2312,STFangsong,Noto Serif CJK SC",
    "宋体": "SimSun,STSong,Noto Serif CJK SC",
    "黑体": "SimHei,STHeiti,Noto Sans CJK SC",
    "楷体": "KaiTi,楷体_GB2312,STKaiti,Noto Serif CJK SC",
}
"""Names tried where a machine lacks the font; Word reads them from the font table."""

MARGINS_MM = {"top": 30, "bottom": 28, "left": 27, "right": 25}  # near GB/T 9704, a little wider for tables
PAGE_MM = (210, 297)
TEXT_MM = PAGE_MM[0] - MARGINS_MM["left"] - MARGINS_MM["right"]
CHART_HEIGHT_MM = 78
KEPT_WHOLE = 14  # rows; a table up to here is not parted between pages
HEAD_FILL = "E8EEF2"
NUMERALS = "一二三四五六七八九十"
TWIPS_PER_MM = 56.7
_CHINESE = re.compile("[\u2160-\u217f\u4e00-\u9fff]")


def word_bytes(report: Report) -> bytes:
    """The report as a ``.docx``; the same report gives the same bytes."""
    import docx

    document = docx.Document()
    _properties(document, report)
    _styles(document, report.lang)
    _page(document, report)
    writer = WordWriter(document, report.lang)
    writer.title_page(report)
    for number, section in enumerate(report.sections):
        lead = f"{NUMERALS[number]}、" if report.lang == "zh" and number < len(NUMERALS) else f"{number + 1}. "
        heading = document.add_heading(lead + section.heading, 1)
        heading.paragraph_format.page_break_before = number == 0
        for block in section.blocks:
            writer.add(block)
    return saved(document)


def text_width_mm(document: Any) -> float:
    """Width of the first section's lines. [mm]"""
    one = document.sections[0]
    wide = (one.page_width or 0) - (one.left_margin or 0) - (one.right_margin or 0)
    return wide / EMU_PER_MM if wide > 0 else TEXT_MM


def saved(document: Any) -> bytes:
    out = io.BytesIO()
    document.save(out)
    return repacked(out.getvalue())


class WordWriter:
    """Puts blocks into an open document, at its end or after a given paragraph."""

    def __init__(self, document: Any, lang: str, *, width_mm: float = TEXT_MM) -> None:
        self.document, self.lang, self.width_mm = document, lang, width_mm
        self.tables = 0
        used = [str(part.partname) for part in document.part.package.iter_parts()]
        self.charts = sum(name.startswith("/word/charts/chart") for name in used)

    def title_page(self, report: Report) -> None:
        document = self.document
        document.add_paragraph("\n".join(report.title_lines or [report.title]), style="Title")
        document.add_paragraph(f"（{report.period}）" if self.lang == "zh" else report.period, style="Subtitle")
        issuer = document.add_paragraph(report.bureau, style="Jinyun Cover")
        issuer.paragraph_format.space_before = self.document.styles["Title"].paragraph_format.space_before * 3 // 2
        document.add_paragraph(report.compiled_text, style="Jinyun Cover")

    def add(self, block: Any, after: Any = None) -> Any:
        """Adds a block; `after` is an element that it follows. Returns the last element put in."""
        made: list[Any] = []
        if isinstance(block, Paragraph):
            made = [self._paragraph(block.text, "Jinyun Note" if block.note else "Jinyun Body")]
        elif isinstance(block, Table):
            made = self._table(block)
        elif isinstance(block, Chart):
            made = self._chart(block)
        if after is None:
            return made[-1]
        for element in made:
            after.addnext(element)
            after = element
        return after

    def _paragraph(self, text: str, style: str) -> Any:
        made = self.document.add_paragraph(xml_text(text), style=style)
        if _CHINESE.search(text):
            from docx.oxml.ns import qn

            for run in made.runs:
                run._r.get_or_add_rPr().get_or_add_rFonts().set(qn("w:hint"), "eastAsia")
        return made._p

    def _chart(self, chart: Chart) -> list[Any]:
        from docx.opc.constants import RELATIONSHIP_TYPE
        from docx.oxml import parse_xml

        self.charts += 1
        part = add_chart_part(self.document.part.package, chart, self.charts, font=TABLE)
        relation = self.document.part.relate_to(part, RELATIONSHIP_TYPE.CHART)
        holder = self.document.add_paragraph(style="Jinyun Chart")
        xml = drawing_xml(relation, chart, self.charts, width_mm=self.width_mm, height_mm=CHART_HEIGHT_MM)
        holder.add_run()._r.append(parse_xml(xml))
        made = [holder._p]
        if chart.note:
            made.append(self._paragraph(chart.note, "Jinyun Note"))
        return made

    def _table(self, table: Table) -> list[Any]:
        from docx.enum.table import WD_TABLE_ALIGNMENT
        from docx.shared import Mm

        self.tables += 1
        lead = f"表{self.tables}  " if self.lang == "zh" else f"Table {self.tables}  "
        made = [self._paragraph(lead + table.title, "Jinyun Caption")]
        grid = self.document.add_table(rows=1 + len(table.rows), cols=len(table.columns))
        grid.alignment, grid.autofit = WD_TABLE_ALIGNMENT.CENTER, False
        _borders(grid)
        widths = _widths(table.columns, self.width_mm)
        for place, wide in zip(grid._tbl.tblGrid.gridCol_lst, widths, strict=True):
            place.w = Mm(wide)
        head = grid.rows[0]._tr
        for cell, column, wide in zip(head.tc_lst, table.columns, widths, strict=True):
            _fill_cell(cell, column.head, wide, "center", bold=True, fill=HEAD_FILL, keep=True)
        _repeat(head)
        small = len(table.rows) <= KEPT_WHOLE
        for number, (row, cells) in enumerate(zip(grid._tbl.tr_lst[1:], table.rows, strict=True), 1):
            keep = small and (number < len(table.rows) or bool(table.note))
            for cell, one, column, wide in zip(row.tc_lst, cells, table.columns, widths, strict=True):
                _fill_cell(cell, one.text, wide, column.align, fill=one.fill, keep=keep)
            _keep_whole(row)
        made.append(grid._tbl)
        made.append(self._paragraph(table.note, "Jinyun Note"))  # also keeps two tables apart
        return made


def _widths(columns: Sequence[Column], line_mm: float) -> list[float]:
    """Widths of columns that fill the line. [mm]"""
    whole = sum(one.width for one in columns)
    return [line_mm * one.width / whole for one in columns]


def _fill_cell(
    cell: Any, text: str, wide_mm: float, align: str, *, bold: bool = False, fill: str = "", keep: bool = False
) -> None:
    """Writes a cell as XML: python-docx's own way takes seconds for a long table."""
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    for child in list(cell):
        cell.remove(child)
    shade = f'<w:shd w:val="clear" w:color="auto" w:fill="{fill}"/>' if fill else ""
    ink = f'<w:color w:val="{ink_on(fill)}"/>' if fill else ""
    cell.append(parse_xml(
        f'<w:tcPr {nsdecls("w")}><w:tcW w:w="{round(wide_mm * TWIPS_PER_MM)}" w:type="dxa"/>{shade}'
        '<w:vAlign w:val="center"/></w:tcPr>'
    ))  # fmt: skip
    lines = "<w:br/>".join(f'<w:t xml:space="preserve">{escape(one)}</w:t>' for one in xml_text(text).split("\n"))
    cell.append(parse_xml(
        f'<w:p {nsdecls("w")}><w:pPr><w:pStyle w:val="JinyunCell"/>{"<w:keepNext/>" if keep else ""}'
        f'<w:jc w:val="{align}"/></w:pPr>'
        f'<w:r><w:rPr>{_hint(text)}{"<w:b/>" if bold else ""}{ink}</w:rPr>{lines}</w:r></w:p>'
    ))  # fmt: skip


def _hint(text: str) -> str:
    """Tells Word that signs of both scripts (Ⅲ, quotes, dashes) are Chinese here, where Chinese stands beside them."""
    return '<w:rFonts w:hint="eastAsia"/>' if _CHINESE.search(text) else ""


def _borders(grid: Any) -> None:
    """Own lines: a bureau's template need not know any table style."""
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls, qn

    sides = "".join(
        f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="595959"/>'
        for side in ("top", "left", "bottom", "right", "insideH", "insideV")
    )
    layout = grid._tbl.tblPr.find(qn("w:tblLayout"))
    made = parse_xml(f"<w:tblBorders {nsdecls('w')}>{sides}</w:tblBorders>")
    layout.addprevious(made)


def _row_property(row: Any, name: str) -> None:
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    row.get_or_add_trPr().append(parse_xml(f"<w:{name} {nsdecls('w')}/>"))


def _repeat(row: Any) -> None:
    _keep_whole(row)
    _row_property(row, "tblHeader")


def _keep_whole(row: Any) -> None:
    _row_property(row, "cantSplit")


def _properties(document: Any, report: Report) -> None:
    """Properties of the file; its dates are the day it was compiled, so that the same data give the same bytes."""
    core = document.core_properties
    at = datetime(report.compiled.year, report.compiled.month, report.compiled.day)  # noqa: DTZ001
    core.title, core.author, core.comments = f"{report.title} {report.period}", report.bureau, ""
    core.last_modified_by, core.created, core.modified, core.revision = report.bureau, at, at, 1
    core.language = "zh-CN" if report.lang == "zh" else "en-GB"
    package = document.part.package
    for key, relation in list(package.rels.items()):
        if relation.reltype.endswith("/thumbnail"):  # of python-docx's own empty page
            del package.rels[key]
    for part in package.iter_parts():
        if str(part.partname) == "/word/fontTable.xml":
            part._blob = _font_table()
        elif str(part.partname) == "/docProps/app.xml":
            part._blob = part.blob.replace(b"Microsoft Macintosh Word", b"Jinyun")


def _font_table() -> bytes:
    fonts = "".join(
        f'<w:font w:name="{name}"><w:altName w:val="{other}"/><w:charset w:val="86"/><w:family w:val="auto"/></w:font>'
        for name, other in FALLBACK.items()
    )
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        '<w:fonts xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
        f'<w:font w:name="{LATIN}"><w:charset w:val="00"/><w:family w:val="roman"/></w:font>{fonts}</w:fonts>'
    ).encode()


def _styles(document: Any, lang: str) -> None:
    """The document's common styles, for a file of our own."""
    _style(document, "Normal", BODY, 14)
    _style(document, "Title", HEAD, 32, align="center", before=150, after=18, line=46)
    _style(document, "Subtitle", BODY, 22, align="center", line=34)
    _style(document, "Heading 1", HEAD, 16, before=12, after=6, line=28, keep=True)
    _style(document, "Heading 2", SECOND, 15, bold=True, before=6, after=4, line=26, keep=True)
    _no_border(document.styles["Title"])
    ensure_styles(document, lang)


def ensure_styles(document: Any, lang: str) -> None:
    """The styles that our paragraphs, captions and cells name; the document's own stay as they are."""
    wide = lang == "zh"
    _style(document, "Jinyun Cover", BODY, 18, align="center", line=30)
    _style(document, "Jinyun Body", BODY, 14, align="both", indent=28 if wide else 0, line=26 if wide else 22, after=4)
    _style(document, "Jinyun Note", TABLE, 9, line=14, after=8)
    _style(document, "Jinyun Caption", HEAD, 11, align="center", before=8, after=4, keep=True)
    _style(document, "Jinyun Chart", TABLE, 9, align="center", before=4, after=8)
    _style(document, "Jinyun Cell", TABLE, 9, align="center", line=14)


def _style(
    document: Any, name: str, font: str, size: float, *, align: str = "", bold: bool = False, indent: float = 0,
    before: float = 0, after: float = 0, line: float | None = None, keep: bool = False,
) -> None:  # fmt: skip
    """Sets a paragraph style, made when it is not there. Sizes and lines in points."""
    from docx.enum.style import WD_STYLE_TYPE
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt

    styles = document.styles
    known = name in [one.name for one in styles]
    made = styles[name] if known else styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
    if name != "Normal" and "Normal" in [one.name for one in styles]:
        made.base_style = styles["Normal"]
    made.font.size, made.font.bold, made.font.italic, made.font.color.rgb = Pt(size), bold, False, None
    _fonts(made, font)
    form = made.paragraph_format
    form.alignment = {"center": WD_ALIGN_PARAGRAPH.CENTER, "both": WD_ALIGN_PARAGRAPH.JUSTIFY}.get(align)
    form.first_line_indent, form.keep_with_next, form.widow_control = Pt(indent), keep, True
    form.space_before, form.space_after = Pt(before), Pt(after)
    form.line_spacing = Pt(line) if line else None


def _fonts(style: Any, east: str) -> None:
    from docx.oxml.ns import qn

    properties = style.element.get_or_add_rPr()
    fonts = properties.get_or_add_rFonts()
    for name in list(fonts.attrib):
        del fonts.attrib[name]
    for place, font in (("ascii", LATIN), ("hAnsi", LATIN), ("cs", LATIN), ("eastAsia", east)):
        fonts.set(qn(f"w:{place}"), font)
    for name in ("w:spacing", "w:kern"):
        for old in properties.findall(qn(name)):
            properties.remove(old)


def _no_border(style: Any) -> None:
    from docx.oxml.ns import qn

    for old in style.element.get_or_add_pPr().findall(qn("w:pBdr")):
        old.getparent().remove(old)


def _page(document: Any, report: Report) -> None:
    """A4, margins, a head line with the report's name and the page number; the title page has neither."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls
    from docx.shared import Mm, Pt

    section = document.sections[0]
    section.page_width, section.page_height = Mm(PAGE_MM[0]), Mm(PAGE_MM[1])
    section.top_margin, section.bottom_margin = Mm(MARGINS_MM["top"]), Mm(MARGINS_MM["bottom"])
    section.left_margin, section.right_margin = Mm(MARGINS_MM["left"]), Mm(MARGINS_MM["right"])
    section.header_distance, section.footer_distance = Mm(15), Mm(15)
    section.different_first_page_header_footer = True
    head, foot = section.header.paragraphs[0], section.footer.paragraphs[0]
    head.style = foot.style = document.styles["Jinyun Cell"]
    head.alignment = foot.alignment = WD_ALIGN_PARAGRAPH.CENTER
    head.add_run(f"{report.title}  {report.period}").font.size = Pt(9)
    line = parse_xml(
        f'<w:pBdr {nsdecls("w")}><w:bottom w:val="single" w:sz="4" w:space="4" w:color="8C8C8C"/></w:pBdr>'
    )
    head._p.get_or_add_pPr().insert_element_before(line, "w:spacing", "w:ind", "w:jc", "w:rPr")
    for text in ("— ", None, " —"):
        run = foot.add_run(text or "")
        run.font.size = Pt(10.5)
        if text is None:
            for kind in ("begin", "", "end"):
                inner = (
                    f'<w:fldChar {nsdecls("w")} w:fldCharType="{kind}"/>'
                    if kind
                    else f'<w:instrText {nsdecls("w")} xml:space="preserve"> PAGE </w:instrText>'
                )
                run._r.append(parse_xml(inner))
