"""Tables to files, batch by batch: CSV, Excel, Parquet. A file appears under its name only when it is whole."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from jinyun.app.judging.files_in import Arrow, kind_of
from jinyun.kernel.errors import BadInput, Unavailable
from jinyun.kernel.terms import CHINA

PART = ".part"
EXCEL_ROWS = 1_048_576
PLAIN_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.(\d+))?")


class Sink:
    """An open output table. Left well, a ``with`` gives the file its name; left badly, it removes what was written."""

    def __init__(self, path: Path, schema: pa.Schema, numbers: frozenset[str] = frozenset()) -> None:
        self.path, self.schema, self.rows = path, schema, 0
        self.numbers = numbers  # columns of figures that came as text: Excel gets them as numbers
        self.part = path.with_name(path.name + PART)
        try:
            self.open()
        except OSError as wrong:
            raise Unavailable(f"cannot write {path}: {wrong.strerror or wrong}") from None

    def open(self) -> None:
        raise NotImplementedError

    def write(self, columns: Sequence[Arrow]) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Sink:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        try:
            self.close()
            if kind is None:
                self.part.replace(self.path)
        except OSError as wrong:
            if kind is None:
                raise Unavailable(f"cannot write {self.path}: {wrong.strerror or wrong}") from None
        finally:
            self.part.unlink(missing_ok=True)


def open_sink(path: Path, schema: pa.Schema, *, numbers: frozenset[str] = frozenset(), bom: bool = True) -> Sink:
    """A table to write, its kind by the extension."""
    kind = kind_of(path)
    if not path.parent.is_dir():
        raise BadInput(f"there is no folder {path.parent} to write {path.name} into")
    if kind == "csv":
        return CsvSink(path, schema, bom=bom)
    return ExcelSink(path, schema, numbers) if kind == "xlsx" else ParquetSink(path, schema)


class ParquetSink(Sink):
    def open(self) -> None:
        import pyarrow.parquet as pq

        self._writer = pq.ParquetWriter(self.part, self.schema, compression="zstd")

    def write(self, columns: Sequence[Arrow]) -> None:
        self._writer.write_batch(pa.record_batch(list(columns), schema=self.schema))
        self.rows += len(columns[0])

    def close(self) -> None:
        self._writer.close()


class CsvSink(Sink):
    """UTF-8, with the mark that tells Excel so."""

    def __init__(self, path: Path, schema: pa.Schema, *, bom: bool = True) -> None:
        self._bom = bom
        super().__init__(path, schema)

    def open(self) -> None:
        self._file = self.part.open("wb")
        self._options = pcsv.WriteOptions(include_header=False, quoting_style="none")
        head = io.StringIO()
        csv.writer(head, lineterminator="\n").writerow(self.schema.names)
        self._file.write(head.getvalue().encode("utf-8-sig" if self._bom else "utf-8"))

    def write(self, columns: Sequence[Arrow]) -> None:
        texts = [as_text(column) for column in columns]
        table = pa.Table.from_arrays(texts, names=[f"c{n}" for n in range(len(texts))])
        block = io.BytesIO()
        try:
            pcsv.write_csv(table, block, self._options)
            body = block.getvalue()
        except pa.ArrowInvalid:  # some cell needs quotes
            lines = io.StringIO()
            csv.writer(lines, lineterminator="\n").writerows(
                zip(*(["" if cell is None else cell for cell in text.to_pylist()] for text in texts), strict=True)
            )
            body = lines.getvalue().encode()
        self._file.write(body)
        self.rows += len(columns[0])

    def close(self) -> None:
        self._file.close()


class ExcelSink(Sink):
    def open(self) -> None:
        import xlsxwriter

        self._book = xlsxwriter.Workbook(
            str(self.part), {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        )
        self._sheet = self._book.add_worksheet("judged")
        self._sheet.freeze_panes(1, 0)
        bold = self._book.add_format({"bold": True})
        self._formats: dict[str, Any] = {}
        for n, name in enumerate(self.schema.names):
            self._sheet.write_string(0, n, name, bold)
            self._sheet.set_column(n, n, min(30, 4 + sum(2 if ord(c) > 0x2E80 else 1 for c in name)))

    def _format(self, text: str) -> Any:
        if text not in self._formats:
            self._formats[text] = self._book.add_format({"num_format": text})
        return self._formats[text]

    def write(self, columns: Sequence[Arrow]) -> None:
        count = len(columns[0])
        if self.rows + count + 1 > EXCEL_ROWS:
            raise BadInput(f"an Excel sheet holds {EXCEL_ROWS - 1:,} rows, the result has more",
                           hint="write .csv or .parquet")  # fmt: skip
        cells = [column.to_pylist() for column in columns]
        numeric = [name in self.numbers for name in self.schema.names]
        for row in range(count):
            for n, column in enumerate(cells):
                if column[row] is not None:
                    self._cell(self.rows + row + 1, n, column[row], numeric[n])
        self.rows += count

    def _cell(self, row: int, column: int, value: Any, numeric: bool) -> None:
        sheet = self._sheet
        if isinstance(value, str):
            shape = PLAIN_NUMBER.fullmatch(value) if numeric and len(value) <= 15 else None
            if shape is None:
                if len(value) > 32767:
                    value = value[:32766] + "…"  # Excel's limit of a cell
                sheet.write_string(row, column, value)
            else:
                places = len(shape[1] or "")
                sheet.write_number(row, column, float(value), self._format("0." + "0" * places if places else "0"))
        elif isinstance(value, bool):
            sheet.write_boolean(row, column, value)
        elif isinstance(value, int | float | Decimal):
            if math.isfinite(value):
                sheet.write_number(row, column, value)
        elif isinstance(value, datetime):
            when = value.astimezone(CHINA).replace(tzinfo=None) if value.tzinfo else value
            sheet.write_datetime(row, column, when, self._format("yyyy-mm-dd hh:mm:ss"))
        elif isinstance(value, date):
            sheet.write_datetime(row, column, value, self._format("yyyy-mm-dd"))
        else:
            sheet.write_string(row, column, _other(value))

    def close(self) -> None:
        self._book.close()


def as_text(column: Arrow) -> Arrow:
    """A column as the text of a CSV; times in China time, nothing for null and NaN."""
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_integer(kind):
        return column
    if pa.types.is_large_string(kind):
        return column.cast(pa.string())
    if pa.types.is_dictionary(kind):
        return as_text(column.dictionary_decode())
    if pa.types.is_floating(kind):
        return pc.if_else(pc.is_nan(column), pa.scalar(None, pa.string()), column.cast(pa.string()))
    if pa.types.is_timestamp(kind):
        coded = column.dictionary_encode()  # times repeat from site to site
        texts = pa.array([_time_text(one) for one in coded.dictionary.to_pylist()], pa.string())
        return texts.take(coded.indices)
    if pa.types.is_boolean(kind) or pa.types.is_decimal(kind) or pa.types.is_date(kind):
        return column.cast(pa.string())
    return pa.array([None if one is None else _other(one) for one in column.to_pylist()], pa.string())


def _time_text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(" " if moment.tzinfo is None else "T")


def _other(value: Any) -> str:
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
