"""Rows of records from CSV, JSON or JSON lines, put into the kinds that a register declares."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinyun.kernel.errors import BadInput

TRUE, FALSE = frozenset({"true", "1", "是", "yes"}), frozenset({"false", "0", "否", "no"})


def read_rows(path: Path, declaration: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of a file, each a dict of fields with its ``id``.

    A CSV's headings are field names or their Chinese labels, so an export can be read back. Raises `BadInput` naming
    the row.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as wrong:
        raise BadInput(f"cannot read {path}: {wrong}", hint="a UTF-8 text file is needed") from wrong
    if path.suffix.lower() == ".csv":
        rows = [_from_csv(row, number, declaration) for number, row in enumerate(csv.DictReader(io.StringIO(text)), 2)]
    else:
        rows = _from_json(text, path)
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or not isinstance(row.get("id"), str) or not row["id"]:
            raise BadInput(f"{path}: row {number} has no id", field="id", hint="every row needs an id of its own")
    return rows


def _from_json(text: str, path: Path) -> list[dict[str, Any]]:
    try:
        if text.lstrip().startswith("["):
            rows: list[dict[str, Any]] = json.loads(text)
            return rows
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except ValueError as wrong:
        raise BadInput(f"{path} is no JSON: {wrong}") from wrong


def _from_csv(row: Mapping[str, Any], number: int, declaration: Mapping[str, Any]) -> dict[str, Any]:
    fields = {one["name"]: one for one in declaration["fields"]}
    names = {one["zh"]: one["name"] for one in declaration["fields"]}
    out: dict[str, Any] = {}
    for heading, value in row.items():
        if heading is None:
            raise BadInput(f"row {number} has more cells than the heading")
        name = names.get(heading.strip(), heading.strip())
        if name == "id":
            out["id"] = (value or "").strip()
        elif name in fields and value not in (None, ""):
            out[name] = _cell(fields[name], str(value), number)
    return out


def _cell(field: Mapping[str, Any], text: str, number: int) -> Any:
    if field["many"] or field["kind"] in ("place", "json"):
        try:
            return json.loads(text)
        except ValueError:
            if field["many"]:
                return [part.strip() for part in text.replace("、", ",").split(",") if part.strip()]
            raise BadInput(f"row {number}: {field['name']} is no JSON: {text!r}", field=field["name"]) from None
    if field["kind"] == "bool":
        word = text.strip().lower()
        if word in TRUE or word in FALSE:
            return word in TRUE
        raise BadInput(f"row {number}: {field['name']} is true or false, not {text!r}", field=field["name"])
    return text.removeprefix("'") if text[:2] in ("'=", "'+", "'-", "'@") else text
