"""The rows of an uploaded file: an Excel workbook or a CSV."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from jinyun.app.services.registers.sheets import DATA
from jinyun.kernel.errors import BadInput

MOST_ROWS = 20_000
PACKED = (b"PK", b"\xd0\xcf\x11\xe0")
"""How workbooks begin: .xlsx and .ods, .xls."""
NO_TABLE = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"{\\rt", b"<htm", b"<!DO")
"""How files begin that people take for a table; some of them would pass for text."""
GUARDED = ("'=", "'+", "'-", "'@", "'\t", "'\r")
"""How an exported CSV begins a text that a spreadsheet would run as a formula."""


def cell_text(cell: Any) -> str:
    """What a cell says."""
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, float):
        try:
            return format(Decimal(format(cell, ".15g")), "f")
        except InvalidOperation:
            return str(cell)
    return "" if cell is None else str(cell)


def read_sheet(path: Path) -> tuple[list[str], list[tuple[int, Sequence[Any]]]]:
    """Headings and (row number, cells) of the sheet 数据, else of the first; or of a CSV. Raises `BadInput`."""
    with path.open("rb") as file:
        head = file.read(4)
    if head.startswith(NO_TABLE):
        raise _no_table()
    rows = _workbook(path) if head.startswith(PACKED) else _csv(path)
    if not rows or not any(cell not in ("", None) for cell in rows[0]):
        raise BadInput("the first row has no headings", field="file", hint="begin with the template")
    body: list[tuple[int, Sequence[Any]]] = [
        (number, row) for number, row in enumerate(rows[1:], 2) if any(cell not in ("", None) for cell in row)
    ]
    if len(body) > MOST_ROWS:
        raise BadInput(f"the sheet has {len(body)} rows", field="file", hint=f"at most {MOST_ROWS}; part it")
    return [cell_text(cell).strip() for cell in rows[0]], body


def _workbook(path: Path) -> list[list[Any]]:
    import python_calamine as calamine

    try:
        book = calamine.CalamineWorkbook.from_path(str(path))
        names = book.sheet_names
        if not names:
            raise BadInput("the workbook has no sheet", field="file")
        name = DATA if DATA in names else names[0]
        rows: list[list[Any]] = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except (calamine.CalamineError, calamine.ZipError, calamine.XmlError, OSError) as wrong:
        raise BadInput(f"the file is no Excel workbook that can be read: {wrong}", field="file") from wrong
    return rows


def _no_table() -> BadInput:
    return BadInput("the file is no Excel workbook and no CSV", field="file", hint="UTF-8 text, or .xlsx")


def _csv(path: Path) -> list[list[Any]]:
    """Rows of a CSV in UTF-8 or GB 18030, parted by comma, semicolon or tab, whichever its first line has most of."""
    raw = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        with contextlib.suppress(UnicodeDecodeError):
            text = raw.decode(encoding)
            break
    else:
        text = "\0"
    if "\0" in text:
        raise _no_table()
    first = text.partition("\n")[0]
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), strict=True))
    except csv.Error as wrong:
        raise BadInput(f"the CSV cannot be read: {wrong}", field="file") from wrong
    return [[cell[1:] if cell.startswith(GUARDED) else cell for cell in row] for row in rows]
