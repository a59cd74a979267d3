"""From a stored value back to the rows of the file it came from: the last node of its why-tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinyun.app.judging.cells import text_of
from jinyun.app.judging.files_in import open_table
from jinyun.app.services.imports import kept_file
from jinyun.kernel.errors import JinyunError, NotFound
from jinyun.kernel.ports import RecordStore
from jinyun.kernel.terms import Frame

MOST_ROWS = 50


def rows_of(reason: str) -> list[int]:
    """Rows that a frame's reason names, as a spreadsheet counts them."""
    _, _, tail = reason.rpartition("| row ")
    return [int(one) for one in tail.split(",") if one.isdigit()][:MOST_ROWS]


def cells_of(path: Path, rows: Sequence[int], *, sheet: str = "", header_row: int = 1) -> dict[int, dict[str, str]]:
    """Heading → cell of some rows of a table."""
    source = open_table(path, sheet=sheet, header_row=header_row)
    wanted, found = set(rows), dict[int, dict[str, str]]()
    for batch in source.batches():
        for row in sorted(wanted):
            if batch.first <= row < batch.first + batch.rows:
                cells = (text_of(column[row - batch.first].as_py()) for column in batch.columns)
                found[row] = dict(zip(source.headings, cells, strict=False))
                wanted.discard(row)
        if not wanted:
            break
    return found


def file_node(records: RecordStore, folder: Path, frame: Frame) -> dict[str, Any] | None:
    """Why-node of an imported frame: the file, its sha256 and the rows as they are written there."""
    try:
        record = records.get("import", frame.session)
    except NotFound:
        return None
    data, rows = record.data, rows_of(frame.reason)
    facts: list[dict[str, Any]] = [
        {"zh": "文件", "en": "file", "value": data["file"]},
        {"zh": "SHA-256", "en": "SHA-256", "value": data["sha256"]},
        {"zh": "导入编号", "en": "import", "value": record.id},
        {"zh": "行", "en": "rows", "value": ", ".join(map(str, rows))},
    ]
    children = []
    options: Mapping[str, Any] = data.get("options") or {}
    path = kept_file(folder, data)
    try:
        found = cells_of(path, rows, sheet=str(options.get("sheet") or ""), header_row=int(options["header_row"]))
    except (JinyunError, OSError) as gone:
        facts.append({"zh": "文件已不可读", "en": "the file cannot be read", "value": str(gone)})
        found = {}
    for row, cells in found.items():
        children.append({
            "kind": "row", "title_zh": f"第 {row} 行", "title_en": f"row {row}", "figure": None, "unit": "",
            "facts": [{"zh": name, "en": name, "value": cell} for name, cell in cells.items() if cell], "children": [],
        })  # fmt: skip
    return {
        "kind": "file", "title_zh": f"导入文件 {data['file']}", "title_en": f"imported file {data['file']}",
        "figure": None, "unit": "", "facts": facts, "children": children, "ref": record.id, "sha256": data["sha256"],
        "rows": rows,
    }  # fmt: skip
