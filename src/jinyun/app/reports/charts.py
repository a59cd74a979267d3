"""Native charts for Word: DrawingML chart parts with cached values and an embedded workbook for "edit data".

python-docx knows no charts; its packages do know parts and relationships, and more is not needed: a chart is a part
``/word/charts/chartN.xml`` that the document names in an inline drawing, and a workbook part that the chart names.
"""

from __future__ import annotations

import io
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from xml.sax import saxutils
from xml.sax.saxutils import quoteattr

from jinyun.app.reports.model import Chart, ChartSeries
from jinyun.app.reports.packing import repacked, xml_text

if TYPE_CHECKING:
    from docx.opc.part import Part

CHART_TYPE = "application/vnd.openxmlformats-officedocument.drawingml.chart+xml"
BOOK_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
NAMESPACES = (
    'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
)
EMU_PER_MM = 36_000
SERIES_COLOURS = ("0B6FA4", "A9BFCB", "4F9D86", "C98A1B", "7A5BA6", "B92222")
MANY_CATEGORIES = 12  # from here labels stand on a slant
MOST_LABELS = 16  # up to so many points carry their figure
CATEGORY_AXIS, VALUE_AXIS = 111_111_111, 222_222_222
SHEET = "Sheet1"
MOST_PERCENT, NEAR_TOP = 100, 80


def escape(text: str) -> str:
    return saxutils.escape(xml_text(text))


def chart_xml(chart: Chart, *, font: str = "宋体", workbook: str = "") -> bytes:
    """The part's XML. `workbook` is the relationship id of the embedded workbook, if there is one."""
    data = f'<c:externalData r:id="{workbook}"><c:autoUpdate val="0"/></c:externalData>' if workbook else ""
    plot = _pie(chart) if chart.kind == "pie" else _axes_plot(chart)
    several = chart.kind == "pie" or len(chart.series) > 1
    legend = (
        f'<c:legend><c:legendPos val="b"/><c:overlay val="0"/>{_text_properties(900, font)}</c:legend>'
        if several
        else ""
    )
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        f'<c:chartSpace {NAMESPACES}><c:date1904 val="0"/><c:roundedCorners val="0"/><c:chart>'
        f'<c:title><c:tx><c:rich><a:bodyPr/><a:p><a:pPr><a:defRPr sz="1050" b="1"/></a:pPr>'
        f'<a:r><a:rPr lang="zh-CN" sz="1050" b="1"/><a:t>{escape(chart.title)}</a:t></a:r></a:p></c:rich></c:tx>'
        f'<c:overlay val="0"/></c:title><c:autoTitleDeleted val="0"/>'
        f"<c:plotArea><c:layout/>{plot}</c:plotArea>{legend}"
        '<c:plotVisOnly val="1"/><c:dispBlanksAs val="gap"/></c:chart>'
        '<c:spPr><a:solidFill><a:srgbClr val="FFFFFF"/></a:solidFill><a:ln><a:noFill/></a:ln></c:spPr>'
        f"{_text_properties(900, font)}{data}</c:chartSpace>"
    ).encode()


def _text_properties(size: int, font: str) -> str:
    """`size` in hundredths of a point."""
    face = f'<a:latin typeface="Times New Roman"/><a:ea typeface={quoteattr(font)}/>'
    return (
        f'<c:txPr><a:bodyPr/><a:p><a:pPr><a:defRPr sz="{size}"><a:solidFill><a:srgbClr val="262626"/></a:solidFill>'
        f'{face}</a:defRPr></a:pPr><a:endParaRPr lang="zh-CN"/></a:p></c:txPr>'
    )


def _fill(colour: str) -> str:
    return f'<a:solidFill><a:srgbClr val="{colour}"/></a:solidFill>'


def _column_name(number: int) -> str:
    """Spreadsheet name of column `number`, A being 0."""
    name, number = "", number + 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(65 + rest) + name
    return name


def _categories(chart: Chart) -> str:
    points = "".join(f'<c:pt idx="{i}"><c:v>{escape(name)}</c:v></c:pt>' for i, name in enumerate(chart.categories))
    count = len(chart.categories)
    return (
        f"<c:cat><c:strRef><c:f>{SHEET}!$A$2:$A${count + 1}</c:f><c:strCache>"
        f'<c:ptCount val="{count}"/>{points}</c:strCache></c:strRef></c:cat>'
    )


def _values(chart: Chart, number: int, series: ChartSeries) -> str:
    points = "".join(
        f'<c:pt idx="{i}"><c:v>{value}</c:v></c:pt>' for i, value in enumerate(series.values) if value is not None
    )
    column = _column_name(number + 1)
    return (
        f"<c:val><c:numRef><c:f>{SHEET}!${column}$2:${column}${len(series.values) + 1}</c:f><c:numCache>"
        f'<c:formatCode>{_format(chart)}</c:formatCode><c:ptCount val="{len(series.values)}"/>{points}'
        "</c:numCache></c:numRef></c:val>"
    )


def _format(chart: Chart) -> str:
    return "0" + ("." + "0" * chart.places if chart.places else "")


def _name(number: int, series: ChartSeries) -> str:
    return (
        f'<c:idx val="{number}"/><c:order val="{number}"/><c:tx><c:strRef>'
        f"<c:f>{SHEET}!${_column_name(number + 1)}$1</c:f><c:strCache>"
        f'<c:ptCount val="1"/><c:pt idx="0"><c:v>{escape(series.name)}</c:v></c:pt></c:strCache></c:strRef></c:tx>'
    )


def _colour(number: int, series: ChartSeries) -> str:
    return series.colour or SERIES_COLOURS[number % len(SERIES_COLOURS)]


def _labels(chart: Chart, where: str, *, shown: bool, percent: bool = False) -> str:
    """`shown` false writes the labels off, which some readers need said."""
    if not shown:
        flags = ("LegendKey", "Val", "CatName", "SerName", "Percent", "BubbleSize")
        return "<c:dLbls>" + "".join(f'<c:show{one} val="0"/>' for one in flags) + "</c:dLbls>"
    size = '<c:txPr><a:bodyPr/><a:p><a:pPr><a:defRPr sz="800"/></a:pPr><a:endParaRPr lang="zh-CN"/></a:p></c:txPr>'
    place = f'<c:dLblPos val="{where}"/>' if where else ""
    form = "0.0%" if percent else _format(chart)
    return (
        f'<c:dLbls><c:numFmt formatCode="{form}" sourceLinked="0"/><c:spPr><a:noFill/></c:spPr>{size}{place}'
        f'<c:showLegendKey val="0"/><c:showVal val="{int(not percent)}"/><c:showCatName val="{int(percent)}"/>'
        f'<c:showSerName val="0"/><c:showPercent val="{int(percent)}"/><c:showBubbleSize val="0"/>'
        + ("<c:separator> </c:separator>" if percent else "")
        + "</c:dLbls>"
    )


def _bar_series(chart: Chart, number: int, series: ChartSeries) -> str:
    points = "".join(
        f'<c:dPt><c:idx val="{i}"/><c:invertIfNegative val="0"/><c:bubble3D val="0"/>'
        f"<c:spPr>{_fill(colour)}</c:spPr></c:dPt>"
        for i, colour in enumerate(series.colours)
        if colour
    )
    stacked = chart.kind == "stacked"
    few = len(chart.categories) * len(chart.series) <= MOST_LABELS and not stacked
    return (
        f"<c:ser>{_name(number, series)}<c:spPr>{_fill(_colour(number, series))}</c:spPr>"
        f'<c:invertIfNegative val="0"/>{points}{_labels(chart, "outEnd", shown=few)}'
        f"{_categories(chart)}{_values(chart, number, series)}</c:ser>"
    )


def _line_series(chart: Chart, number: int, series: ChartSeries) -> str:
    colour = _colour(number, series)
    dash = '<a:prstDash val="dash"/>' if series.dashed else ""
    mark = (
        '<c:marker><c:symbol val="none"/></c:marker>'
        if series.dashed or len(chart.categories) > 2 * MOST_LABELS
        else f'<c:marker><c:symbol val="circle"/><c:size val="5"/><c:spPr>{_fill(colour)}</c:spPr></c:marker>'
    )
    return (
        f"<c:ser>{_name(number, series)}<c:spPr>"
        f'<a:ln w="22225" cap="rnd">{_fill(colour)}{dash}<a:round/></a:ln></c:spPr>'
        f"{mark}{_labels(chart, '', shown=False)}{_categories(chart)}{_values(chart, number, series)}"
        '<c:smooth val="0"/></c:ser>'
    )


def _axes_plot(chart: Chart) -> str:
    """Columns, stacked columns and lines over one pair of axes."""
    kinds = [(i, one, one.kind or chart.kind) for i, one in enumerate(chart.series)]
    bars = "".join(_bar_series(chart, i, one) for i, one, kind in kinds if kind in ("column", "stacked"))
    lines = "".join(_line_series(chart, i, one) for i, one, kind in kinds if kind == "line")
    axes = f'<c:axId val="{CATEGORY_AXIS}"/><c:axId val="{VALUE_AXIS}"/>'
    out = ""
    if bars:
        stacked = chart.kind == "stacked"
        out += (
            f'<c:barChart><c:barDir val="col"/><c:grouping val="{"stacked" if stacked else "clustered"}"/>'
            f'<c:varyColors val="0"/>{bars}<c:gapWidth val="60"/><c:overlap val="{100 if stacked else 0}"/>'
            f"{axes}</c:barChart>"
        )
    if lines:
        out += (
            f'<c:lineChart><c:grouping val="standard"/><c:varyColors val="0"/>{lines}<c:marker val="1"/>{axes}'
            "</c:lineChart>"
        )
    return out + _axes(chart)


def tops_at_hundred(chart: Chart) -> bool:
    """A share near 100 % must not get an axis that goes on to 120."""
    highest = max((value for one in chart.series for value in one.values if value is not None), default=Decimal(0))
    return chart.unit == "%" and NEAR_TOP <= highest <= MOST_PERCENT


def _axes(chart: Chart) -> str:
    slant = (
        '<c:txPr><a:bodyPr rot="-2700000" vert="horz"/><a:p><a:pPr><a:defRPr sz="800"/></a:pPr>'
        '<a:endParaRPr lang="zh-CN"/></a:p></c:txPr>'
        if len(chart.categories) > MANY_CATEGORIES and max(map(len, chart.categories), default=0) > 3
        else ""
    )
    line = '<c:spPr><a:ln w="9525"><a:solidFill><a:srgbClr val="8C8C8C"/></a:solidFill></a:ln></c:spPr>'
    pale = '<c:spPr><a:ln w="6350"><a:solidFill><a:srgbClr val="E0E0E0"/></a:solidFill></a:ln></c:spPr>'
    unit = (
        '<c:title><c:tx><c:rich><a:bodyPr rot="-5400000" vert="horz"/><a:p><a:pPr><a:defRPr sz="900" b="0"/></a:pPr>'
        f'<a:r><a:rPr lang="zh-CN" sz="900" b="0"/><a:t>{escape(chart.unit)}</a:t></a:r></a:p></c:rich></c:tx>'
        '<c:overlay val="0"/></c:title>'
        if chart.unit
        else ""
    )
    top = f'<c:max val="{MOST_PERCENT}"/>' if tops_at_hundred(chart) else ""
    step = f'<c:majorUnit val="{chart.step}"/>' if chart.step else ""
    top += '<c:min val="0"/>' if chart.from_zero else ""
    return (
        f'<c:catAx><c:axId val="{CATEGORY_AXIS}"/><c:scaling><c:orientation val="minMax"/></c:scaling>'
        '<c:delete val="0"/><c:axPos val="b"/><c:numFmt formatCode="General" sourceLinked="0"/>'
        '<c:majorTickMark val="none"/><c:minorTickMark val="none"/><c:tickLblPos val="low"/>'
        f'{line}{slant}<c:crossAx val="{VALUE_AXIS}"/><c:crosses val="autoZero"/><c:auto val="0"/>'
        '<c:lblAlgn val="ctr"/><c:lblOffset val="100"/><c:noMultiLvlLbl val="1"/></c:catAx>'
        f'<c:valAx><c:axId val="{VALUE_AXIS}"/><c:scaling><c:orientation val="minMax"/>{top}</c:scaling>'
        f'<c:delete val="0"/><c:axPos val="l"/><c:majorGridlines>{pale}</c:majorGridlines>{unit}'
        '<c:numFmt formatCode="General" sourceLinked="0"/>'
        '<c:majorTickMark val="none"/><c:minorTickMark val="none"/><c:tickLblPos val="nextTo"/>'
        f'<c:spPr><a:ln><a:noFill/></a:ln></c:spPr><c:crossAx val="{CATEGORY_AXIS}"/><c:crosses val="autoZero"/>'
        f'<c:crossBetween val="between"/>{step}</c:valAx>'
    )


def _pie(chart: Chart) -> str:
    series = chart.series[0]
    points = "".join(
        f'<c:dPt><c:idx val="{i}"/><c:bubble3D val="0"/><c:spPr>{_fill(colour)}'
        '<a:ln w="9525"><a:solidFill><a:srgbClr val="FFFFFF"/></a:solidFill></a:ln></c:spPr></c:dPt>'
        for i, colour in enumerate(series.colours)
    )
    return (
        f'<c:pieChart><c:varyColors val="1"/><c:ser>{_name(0, series)}{points}'
        f"{_labels(chart, 'outEnd', shown=True, percent=True)}{_categories(chart)}{_values(chart, 0, series)}</c:ser>"
        '<c:firstSliceAng val="0"/></c:pieChart>'
    )


def chart_book(chart: Chart) -> bytes:
    """The workbook behind a chart: categories in column A, a column per series."""
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    book.set_properties({"created": _EPOCH})
    sheet = book.add_worksheet(SHEET)
    form = book.add_format({"num_format": _format(chart)})
    for row, name in enumerate(chart.categories, 1):
        sheet.write_string(row, 0, name)
    for number, series in enumerate(chart.series, 1):
        sheet.write_string(0, number, series.name)
        for row, value in enumerate(series.values, 1):
            if value is not None:
                sheet.write_number(row, number, float(value), form)
    book.close()
    return repacked(out.getvalue())


def _epoch() -> Any:
    from datetime import datetime

    return datetime(1980, 1, 1)  # noqa: DTZ001  # a file's property without a zone


_EPOCH = _epoch()


def add_chart_part(package: Any, chart: Chart, number: int, *, font: str = "宋体") -> Part:
    """The chart's part and its workbook in `package`; the caller relates the document to it."""
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.opc.packuri import PackURI
    from docx.opc.part import Part

    part = Part(PackURI(f"/word/charts/chart{number}.xml"), CHART_TYPE, b"", package)
    book = Part(PackURI(f"/word/embeddings/chart{number}.xlsx"), BOOK_TYPE, chart_book(chart), package)
    relation = part.relate_to(book, RELATIONSHIP_TYPE.PACKAGE)
    part._blob = chart_xml(chart, font=font, workbook=relation)
    return part


def drawing_xml(relation: str, chart: Chart, number: int, *, width_mm: float, height_mm: float) -> str:
    """The inline drawing that shows the part `relation` in a run."""
    wide, high = int(width_mm * EMU_PER_MM), int(height_mm * EMU_PER_MM)
    main = "http://schemas.openxmlformats.org/drawingml/2006"
    return (
        '<w:drawing xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
        f'xmlns:wp="{main}/wordprocessingDrawing" xmlns:a="{main}/main" xmlns:c="{main}/chart" '
        'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
        f'<wp:inline distT="0" distB="0" distL="0" distR="0"><wp:extent cx="{wide}" cy="{high}"/>'
        f'<wp:docPr id="{1000 + number}" name="Chart {number}" descr={quoteattr(xml_text(describe(chart)))}/>'
        f'<wp:cNvGraphicFramePr/><a:graphic><a:graphicData uri="{main}/chart">'
        f'<c:chart r:id="{relation}"/></a:graphicData></a:graphic></wp:inline></w:drawing>'
    )


def describe(chart: Chart) -> str:
    """What the chart shows, for those who cannot see it."""
    parts = [
        f"{one.name}: "
        + ", ".join(f"{c} {'—' if v is None else v}" for c, v in zip(chart.categories, one.values, strict=True))
        for one in chart.series
    ]
    text = f"{chart.title}. " + "; ".join(parts)
    return text if len(text) <= 900 else text[:899] + "…"
