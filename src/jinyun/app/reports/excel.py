"""A report as a workbook: a sheet per section with text, tables and native charts; chart data on their own sheet."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from jinyun.app.reports.charts import MOST_PERCENT, SERIES_COLOURS, tops_at_hundred
from jinyun.app.reports.model import Cell, Chart, ChartSeries, Column, Paragraph, Report, Section, Table
from jinyun.app.reports.packing import repacked
from jinyun.app.reports.palette import ink_on

TEXT_FONT, HEAD_FONT = "宋体", "黑体"
LINE_UNITS = 96  # width of a sheet's text, in characters, as columns share it
LINE_HEIGHT = 18  # points
CHART_ROWS = 17
CHART_SIZE = {"width": 720, "height": 310}
A4 = 9
ROWS_OF_A_PAGE = 80
PORTRAIT_COLUMNS = 9  # a wider table lies on its side


def excel_bytes(report: Report) -> bytes:
    """The report as an ``.xlsx``; the same report gives the same bytes."""
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    at = datetime(report.compiled.year, report.compiled.month, report.compiled.day)  # noqa: DTZ001
    book.set_properties({"title": f"{report.title} {report.period}", "author": report.bureau, "created": at})
    _Writer(book, report).write()
    book.close()
    return repacked(out.getvalue())


class _Writer:
    def __init__(self, book: Any, report: Report) -> None:
        self.book, self.report = book, report
        self._formats: dict[tuple[Any, ...], Any] = {}
        self.data: Any = None
        self.data_row = 0
        self.data_name = "图表数据" if report.lang == "zh" else "Chart data"
        self.tables = 0
        self.widths: list[float] = []
        self.heads: list[tuple[int, Table]] = []  # of the present sheet

    def write(self) -> None:
        sheets = [(self.book.add_worksheet(section.sheet), section) for section in self.report.sections]
        if any(isinstance(block, Chart) for block in self.report.blocks):
            self.data = self.book.add_worksheet(self.data_name)
            self.data.set_column(0, 0, 24)
        for sheet, section in sheets:
            self._section(sheet, section)

    def _format(self, **properties: Any) -> Any:
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self.book.add_format({"font_name": TEXT_FONT, "font_size": 10.5, **properties})
        return self._formats[key]

    def _section(self, sheet: Any, section: Section) -> None:
        tables = [block for block in section.blocks if isinstance(block, Table)]
        across = max([len(one.columns) for one in tables] or [8])
        self.widths = _column_widths(tables, across)
        for place, wide in enumerate(self.widths):
            sheet.set_column(place, place, wide)
        sheet.set_paper(A4)
        sheet.set_landscape() if across > PORTRAIT_COLUMNS else sheet.set_portrait()
        sheet.center_horizontally()
        sheet.set_footer("&C— &P / &N —")
        sheet.hide_gridlines(2)
        last = across - 1
        report = self.report
        title = self._format(font_name=HEAD_FONT, font_size=16, align="center", valign="vcenter")
        under = self._format(align="center", font_color="595959")
        sheet.merge_range(
            0,
            0,
            0,
            last,
            f"{report.title}（{report.period}）" if report.lang == "zh" else f"{report.title}, {report.period}",
            title,
        )
        sheet.set_row(0, 30)
        sheet.merge_range(1, 0, 1, last, f"{report.bureau}  {report.compiled_text}", under)
        sheet.merge_range(2, 0, 2, last, section.heading, self._format(font_name=HEAD_FONT, font_size=12))
        row, wide = 3, sum(self.widths)
        self.heads = []
        for block in section.blocks:
            if isinstance(block, Paragraph):
                row = self._text(sheet, row, last, wide, block.text, note=block.note)
            elif isinstance(block, Table):
                row = self._table(sheet, row, last, wide, block)
            else:
                row = self._chart(sheet, row, block)
        sheet.fit_to_pages(1, 1 if row <= ROWS_OF_A_PAGE else 0)
        if len(self.heads) == 1:
            at, table = self.heads[0]
            sheet.repeat_rows(at)
            if len(table.rows) > 20 and at < 12:
                sheet.freeze_panes(at + 1, 1)

    def _text(self, sheet: Any, row: int, last: int, wide: float, text: str, *, note: bool = False) -> int:
        if not text:
            return row
        form = self._format(text_wrap=True, valign="top", **({"font_size": 9, "font_color": "595959"} if note else {}))
        sheet.merge_range(row, 0, row, last, text, form)
        lines = sum(max(1, -(-_width(part) // max(int(wide * 0.95), 1))) for part in text.split("\n"))
        sheet.set_row(row, LINE_HEIGHT * lines)
        return row + 1

    def _table(self, sheet: Any, row: int, last: int, wide: float, table: Table) -> int:
        self.tables += 1
        lead = f"表{self.tables}  " if self.report.lang == "zh" else f"Table {self.tables}  "
        sheet.merge_range(row, 0, row, last, lead + table.title, self._format(bold=True, align="center"))
        row += 1
        self.heads.append((row, table))
        head = self._format(bold=True, align="center", valign="vcenter", border=1, bg_color="#E8EEF2", text_wrap=True)
        for place, column in enumerate(table.columns):
            sheet.write_string(row, place, column.head, head)
        sheet.set_row(row, LINE_HEIGHT * max(one.head.count("\n") + 1 for one in table.columns))
        for cells in table.rows:
            row += 1
            lines = max(-(-_width(one.text) // int(wide)) for one, wide in zip(cells, self.widths, strict=False))
            if lines > 1:
                sheet.set_row(row, LINE_HEIGHT * lines)
            for place, (cell, column) in enumerate(zip(cells, table.columns, strict=True)):
                self._cell(sheet, row, place, cell, column)
        return self._text(sheet, row + 1, last, wide, table.note, note=True) + 1

    def _cell(self, sheet: Any, row: int, place: int, cell: Cell, column: Column) -> None:
        look: dict[str, Any] = {"border": 1, "align": column.align, "valign": "vcenter", "text_wrap": True}
        if cell.fill:
            look |= {"bg_color": f"#{cell.fill}", "font_color": f"#{ink_on(cell.fill)}"}
        if cell.number is None:
            sheet.write_string(row, place, cell.text, self._format(**look))
            return
        form = "0" + ("." + "0" * cell.places if cell.places else "")
        if cell.text.startswith("+"):
            form = f"+{form};-{form};{form}"
        sheet.write_number(row, place, float(cell.number), self._format(num_format=form, **look))

    # -- charts -----------------------------------------------------------------------------------------------------

    def _chart(self, sheet: Any, row: int, chart: Chart) -> int:
        top = self._chart_data(chart)
        made = self._made(chart, top)
        sheet.insert_chart(row, 0, made, {"x_offset": 4, "y_offset": 4, "object_position": 2})
        return row + CHART_ROWS + 1

    def _chart_data(self, chart: Chart) -> int:
        """Writes the chart's table below the last one; returns the row of its head."""
        self.data.write_string(self.data_row, 0, chart.title, self._format(bold=True))
        top = self.data_row + 1
        form = self._format(num_format="0" + ("." + "0" * chart.places if chart.places else ""))
        for number, series in enumerate(chart.series, 1):
            self.data.write_string(top, number, series.name, self._format())
        for offset, name in enumerate(chart.categories, 1):
            self.data.write_string(top + offset, 0, name, self._format())
            for number, series in enumerate(chart.series, 1):
                value = series.values[offset - 1]
                if value is not None:
                    self.data.write_number(top + offset, number, float(value), form)
        self.data_row = top + len(chart.categories) + 2
        return top

    def _made(self, chart: Chart, top: int) -> Any:
        bars = [(i, one) for i, one in enumerate(chart.series) if (one.kind or chart.kind) != "line"]
        lines = [(i, one) for i, one in enumerate(chart.series) if (one.kind or chart.kind) == "line"]
        if chart.kind == "pie":
            main = self.book.add_chart({"type": "pie"})
            bars, lines = list(enumerate(chart.series)), []
        elif bars:
            main = self.book.add_chart(
                {"type": "column", **({"subtype": "stacked"} if chart.kind == "stacked" else {})}
            )
        else:
            main = self.book.add_chart({"type": "line"})
        for i, one in bars or lines:
            main.add_series(self._series(chart, one, i, top))
        if bars and lines and chart.kind != "pie":
            over = self.book.add_chart({"type": "line"})
            for i, one in lines:
                over.add_series(self._series(chart, one, i, top))
            main.combine(over)
        font = {"name": TEXT_FONT, "size": 9}
        main.set_title(
            {"name": chart.title, "overlay": False, "name_font": {"name": TEXT_FONT, "size": 11, "bold": True}}
        )
        several = chart.kind == "pie" or len(chart.series) > 1
        main.set_legend({"position": "bottom", "font": font} if several else {"none": True})
        if chart.kind != "pie":
            grid = {"visible": True, "line": {"color": "#E0E0E0", "width": 0.5}}
            main.set_x_axis({"num_font": font, "label_position": "low", "major_tick_mark": "none"})
            main.set_y_axis({
                "name": chart.unit, "name_font": {**font, "bold": False}, "num_font": font, "major_gridlines": grid,
                "line": {"none": True}, "num_format": "General",
                **({"max": MOST_PERCENT} if tops_at_hundred(chart) else {}),
                **({"min": 0} if chart.from_zero else {}),
                **({"major_unit": chart.step} if chart.step else {}),
            })  # fmt: skip
        main.show_blanks_as("gap")
        main.set_size(CHART_SIZE)
        return main

    def _series(self, chart: Chart, series: ChartSeries, number: int, top: int) -> dict[str, Any]:
        first, last = top + 1, top + len(chart.categories)
        colour = f"#{series.colour or SERIES_COLOURS[number % len(SERIES_COLOURS)]}"
        made: dict[str, Any] = {
            "name": [self.data_name, top, number + 1],
            "categories": [self.data_name, first, 0, last, 0],
            "values": [self.data_name, first, number + 1, last, number + 1],
        }
        if (series.kind or chart.kind) == "line":
            made["line"] = {"color": colour, "width": 1.75, **({"dash_type": "dash"} if series.dashed else {})}
            if not series.dashed and len(chart.categories) <= 32:
                mark = {"color": colour}
                made["marker"] = {"type": "circle", "size": 5, "fill": mark, "border": mark}
            return made
        made["fill"] = {"color": colour}
        if series.colours:
            made["points"] = [{"fill": {"color": f"#{one}"}} for one in series.colours]
        if chart.kind == "pie":
            made["data_labels"] = {
                "percentage": True,
                "category": True,
                "num_format": "0.0%",
                "position": "outside_end",
            }
        else:
            made |= {"gap": 60, **({"overlap": 100} if chart.kind == "stacked" else {})}
        return made


def _column_widths(tables: Sequence[Table], across: int) -> list[float]:
    """Widths in characters: the widest table's shares of the line, no narrower than a figure needs."""
    wished = [0.0] * across
    for table in tables:
        whole = sum(one.width for one in table.columns)
        for place, column in enumerate(table.columns):
            wished[place] = max(wished[place], LINE_UNITS * column.width / whole)
    return [max(wide, 8.0) if wide else 12.0 for wide in wished]


def _width(text: str) -> int:
    return sum(2 if ord(one) > 0x2E80 else 1 for one in text)
