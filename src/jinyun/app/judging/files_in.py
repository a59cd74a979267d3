"""Tables from files, batch by batch: CSV, Excel, Parquet. Nothing is changed on the way; text stays as it is typed.

CSV and Parquet are streamed; an Excel sheet is held in memory as a whole, as its format wants it.
"""

from __future__ import annotations

import codecs
import csv
import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from jinyun.kernel.errors import BadInput

BATCH = 65_536

Arrow = Any
"""A pyarrow array; its stubs know too little of it to name the type."""
KINDS = {".csv": "csv", ".txt": "csv", ".tsv": "csv", ".xlsx": "xlsx", ".parquet": "parquet", ".pq": "parquet"}
EXCEL_DIGITS = ".15g"
"""Excel keeps fifteen digits: what lies behind them is dust of the binary number."""

csv.field_size_limit(1 << 24)


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of a file. `first` is the number of its first row, as a spreadsheet counts it."""

    columns: Sequence[Arrow]
    rows: int
    first: int
    problems: dict[int, tuple[str, str]] = field(default_factory=dict)  # row in the batch -> reason code, sentence
    done: float | None = None  # share of the file read

    def row_number(self, row: int) -> int:
        return self.first + row


class Source:
    """An open table: `headings`, `types`, what is to be told of it, and its batches."""

    headings: list[str]
    types: list[pa.DataType]
    rows: int | None = None  # where it is known beforehand

    def __init__(self) -> None:
        self.told: list[str] = []

    def batches(self) -> Iterator[Batch]:
        raise NotImplementedError


def kind_of(path: Path) -> str:
    """``csv``, ``xlsx`` or ``parquet`` by the file's extension."""
    kind = KINDS.get(path.suffix.casefold())
    if kind is None:
        hint = "write .csv, .xlsx or .parquet"
        if path.suffix.casefold() == ".xls":
            hint = "save it as .xlsx first"
        raise BadInput(
            f"{path.name}: tables of the kind {path.suffix or 'without extension'!r} are not read", hint=hint
        )
    return kind


def open_table(path: Path, *, sheet: str = "", header_row: int = 1) -> Source:
    """The table in a file.

    Parameters
    ----------
    header_row : int
        Row that holds the headings, counted from 1; those above it are left out.
    """
    kind = kind_of(path)
    if not path.is_file():
        raise BadInput(f"there is no file {path}")
    if sheet and kind != "xlsx":
        raise BadInput(f"--sheet belongs to an Excel file, not to {path.name}")
    source: Source
    try:
        if kind == "csv":
            source = CsvSource(path, header_row)
        else:
            source = ExcelSource(path, sheet, header_row) if kind == "xlsx" else ParquetSource(path)
    except OSError as wrong:
        raise BadInput(f"cannot read {path}: {wrong.strerror or wrong}") from None
    if not source.headings or not any(source.headings):
        raise BadInput(
            f"{path.name} has no headings", hint="the first row names the columns; --header-row says another"
        )
    _tidy(source)
    return source


def _tidy(source: Source) -> None:
    """Every column needs a name of its own to be written to any kind of file."""
    seen: set[str] = set()
    for n, heading in enumerate(source.headings):
        name = heading.strip() or f"column_{n + 1}"
        base, count = name, 1
        while name in seen:
            count += 1
            name = f"{base}_{count}"
        if name != heading and (not heading.strip() or name != heading.strip()):
            source.told.append(f"column {n + 1} {heading!r} is called {name!r} in the output")
        seen.add(name)
        source.headings[n] = name


# --- CSV ----------------------------------------------------------------------------------------------------------


class CsvSource(Source):
    """A text table; all its columns are text."""

    def __init__(self, path: Path, header_row: int) -> None:
        super().__init__()
        self._path, self._size = path, path.stat().st_size
        self.encoding = encoding_of(path)
        if self.encoding == "gb18030":
            self.told.append("the file is not UTF-8; it was read as GB18030")
        self._file = path.open(encoding=self.encoding, newline="")
        lines = [self._file.readline() for _ in range(header_row)]
        self._delimiter = _delimiter(lines[-1])
        if self._delimiter != ",":
            self.told.append(f"the columns are parted by {'tabs' if self._delimiter == chr(9) else self._delimiter!r}")
        self._file.seek(0)
        for _ in range(header_row - 1):
            self._file.readline()
        self._reader = csv.reader(self._file, delimiter=self._delimiter)
        self._skipped = header_row - 1
        self.headings = [cell.strip() for cell in next(self._reader, [])]
        self.types = [pa.string()] * len(self.headings)

    def batches(self) -> Iterator[Batch]:
        width, first = len(self.headings), self._skipped + 2
        with self._file:
            while True:
                problems: dict[int, tuple[str, str]] = {}
                with no_collection():
                    columns = self._columns(width, problems)
                if not columns:
                    return
                done = os.lseek(self._file.fileno(), 0, os.SEEK_CUR) / self._size if self._size else 1.0
                yield Batch(columns, len(columns[0]), first, problems, min(done, 1.0))
                first += len(columns[0])

    def _columns(self, width: int, problems: dict[int, tuple[str, str]]) -> list[Arrow]:
        """The next rows, column by column; none at the end of the file."""
        try:
            rows = list(islice(self._reader, BATCH))
        except (csv.Error, UnicodeDecodeError) as wrong:
            raise BadInput(f"{self._path.name} near line {self._reader.line_num}: {wrong}") from None
        if rows and set(map(len, rows)) != {width}:
            self._mend(rows, width, problems)
        return [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]

    @staticmethod
    def _mend(rows: list[list[str]], width: int, problems: dict[int, tuple[str, str]]) -> None:
        """Rows with too few or too many cells stay in their place, refused; empty cells at the end are no fault."""
        for n, row in enumerate(rows):
            if len(row) == width:
                continue
            if len(row) > width and not any(cell.strip() for cell in row[width:]):
                rows[n] = row[:width]
                continue
            if row:
                problems[n] = ("wrong-cells", f"the row has {len(row)} cells, the heading has {width}")
            else:
                problems[n] = ("empty-row", "the row is empty")
            rows[n] = (row + [""] * width)[:width]


@contextmanager
def no_collection() -> Iterator[None]:
    """Without the search for cycles of garbage: rows of text have none, and looking for them is a third of the time."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


def encoding_of(path: Path) -> str:
    """``utf-8-sig``, ``gb18030`` or ``utf-16``, by reading the file through once."""
    with path.open("rb") as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
    for name in ("utf-8-sig", "gb18030"):
        decoder = codecs.getincrementaldecoder(name)()
        with path.open("rb") as file:
            try:
                while block := file.read(1 << 20):
                    decoder.decode(block)
                decoder.decode(b"", True)
            except UnicodeDecodeError:
                continue
        return name
    raise BadInput(f"{path.name} is neither UTF-8 nor GB18030 text", hint="save it as CSV UTF-8")


def _delimiter(header: str) -> str:
    outside = "".join(header.split('"')[::2])
    return max((",", "\t", ";"), key=outside.count)


# --- Excel --------------------------------------------------------------------------------------------------------


class ExcelSource(Source):
    """One sheet of an Excel file. A column of numbers stays one; a mixed one becomes text as it is shown."""

    def __init__(self, path: Path, sheet: str, header_row: int) -> None:
        super().__init__()
        import python_calamine as calamine

        try:
            book = calamine.CalamineWorkbook.from_path(str(path))
        except calamine.PasswordError:
            raise BadInput(f"{path.name} is locked with a password", hint="save it without one") from None
        except (calamine.CalamineError, calamine.ZipError, calamine.XmlError, OSError) as wrong:
            raise BadInput(f"{path.name} is no Excel file that can be read: {wrong}") from None
        names = book.sheet_names
        if sheet and sheet not in names:
            raise BadInput(f"{path.name} has no sheet {sheet!r}", hint=f"it has {', '.join(names)}")
        if not names:
            raise BadInput(f"{path.name} has no sheet")
        if not sheet and len(names) > 1:
            self.told.append(f"the sheet {names[0]!r} was read, of {', '.join(names)}; --sheet names another")
        rows = book.get_sheet_by_name(sheet or names[0]).to_python(skip_empty_area=False)
        first = header_row - 1
        while header_row == 1 and first < len(rows) and not any(cell not in ("", None) for cell in rows[first]):
            first += 1
        body = rows[first + 1 :]
        self.headings = [_shown(cell).strip() for cell in rows[first]] if first < len(rows) else []
        while self.headings and not self.headings[-1] and not any(row[-1] not in ("", None) for row in body):
            self.headings.pop()
            body = [row[:-1] for row in body]
        while body and not any(cell not in ("", None) for cell in body[-1]):
            body.pop()
        self._columns = [_typed([row[n] for row in body]) for n in range(len(self.headings))]
        self.types = [column.type for column in self._columns]
        self.rows, self._first = len(body), first + 2

    def batches(self) -> Iterator[Batch]:
        assert self.rows is not None
        for start in range(0, self.rows, BATCH):
            count = min(BATCH, self.rows - start)
            columns = [column.slice(start, count) for column in self._columns]
            yield Batch(columns, count, self._first + start, {}, (start + count) / self.rows)


def _shown(cell: Any) -> str:
    if cell is None or isinstance(cell, str):
        return cell or ""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return format(cell, ".0f") if cell.is_integer() and abs(cell) < 1e15 else format(cell, EXCEL_DIGITS)
    if isinstance(cell, datetime):
        midnight = cell.time() == time()
        return cell.date().isoformat() if midnight else cell.isoformat(" ")
    return str(cell)


def _typed(cells: list[Any]) -> Arrow:
    cells = [None if cell == "" else cell for cell in cells]
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds and kinds <= {int, float}:
        numbers = [None if cell is None else float(format(cell, EXCEL_DIGITS)) for cell in cells]
        if all(one is None or (one.is_integer() and abs(one) < 1e15) for one in numbers):
            return pa.array([None if one is None else int(one) for one in numbers], pa.int64())
        return pa.array(numbers, pa.float64())
    if kinds == {bool}:
        return pa.array(cells, pa.bool_())
    if kinds == {date}:
        return pa.array(cells, pa.date32())
    if kinds and kinds <= {datetime, date}:
        moments = [datetime(c.year, c.month, c.day) if type(c) is date else c for c in cells]  # noqa: DTZ001
        return pa.array([None if m is None else _whole_second(m) for m in moments], pa.timestamp("s"))
    return pa.array([None if cell is None else _shown(cell) for cell in cells], pa.string())


def _whole_second(moment: datetime) -> datetime:
    """Excel keeps time as a fraction of a day: the nearest second is what was typed."""
    return (moment + timedelta(microseconds=500_000)).replace(microsecond=0)


# --- Parquet ------------------------------------------------------------------------------------------------------


class ParquetSource(Source):
    def __init__(self, path: Path) -> None:
        super().__init__()
        import pyarrow.parquet as pq

        try:
            self._file = pq.ParquetFile(path)
            schema = self._file.schema_arrow
        except (pa.ArrowInvalid, pa.ArrowIOError, OSError) as wrong:
            raise BadInput(f"{path.name} is no Parquet file that can be read: {wrong}") from None
        self.headings, self.types = list(schema.names), list(schema.types)
        self.rows = self._file.metadata.num_rows

    def batches(self) -> Iterator[Batch]:
        first, total = 2, self.rows or 1
        with self._file:
            for block in self._file.iter_batches(BATCH):
                done = (first - 2 + block.num_rows) / total
                yield Batch(block.columns, block.num_rows, first, {}, done)
                first += block.num_rows
