"""`jinyun records`: any register, by its declaration."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from jinyun.app.local import open_registers
from jinyun.app.services.words import csv_bytes
from jinyun.app.tables import read_rows
from jinyun.cli.common import DEFAULT_FOLDER, AsJson, Folder, new_app, print_json, print_table
from jinyun.kernel.errors import BadInput

app = new_app("Registers of a node; works beside a running node and on a stopped one.")
Type = Annotated[str, typer.Argument(metavar="TYPE", help="record type, e.g. site; `records types` lists them")]


@app.command()
def types(folder: Folder = DEFAULT_FOLDER) -> None:
    """All registers and how many records each holds."""
    with open_registers(folder) as registers:
        print_table(registers.types(), ("id", "zh", "en", "count"))


@app.command("list")
def list_records(
    *,
    type_id: Type,
    folder: Folder = DEFAULT_FOLDER,
    q: Annotated[str, typer.Option("--search", "-q", help="words to look for")] = "",
    state: Annotated[str, typer.Option(help="states, with commas")] = "",
    where: Annotated[list[str] | None, typer.Option(help="field=value of an indexed field; may be repeated")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """Records of a type."""
    filters = {}
    for one in where or ():
        name, equals, value = one.partition("=")
        if not equals:
            raise BadInput(f"--where {one!r} has no '='", hint="write field=value")
        filters[name] = value
    with open_registers(folder) as registers:
        found = registers.find(type_id, text=q, state=state, where=filters, limit=limit)
        if as_json:
            print_json(found["items"])
            return
        print_table(found["items"], ("id", *registers.declaration(type_id)["listed"]))
    if found["total"] > len(found["items"]):
        print(f"{len(found['items'])} of {found['total']}; --limit shows more", file=sys.stderr)


@app.command()
def show(type_id: Type, record: Annotated[str, typer.Argument(metavar="ID")], folder: Folder = DEFAULT_FOLDER) -> None:
    """One record with its history, as JSON."""
    with open_registers(folder) as registers:
        print_json({"record": registers.get(type_id, record), "history": registers.history(type_id, record)["items"]})


@app.command()
def load(
    type_id: Type,
    file: Annotated[Path, typer.Argument(help="CSV, JSON or JSON lines, each row with an id")],
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Create or update records from a file, all or none; unchanged rows are left alone."""
    with open_registers(folder) as registers:
        rows = read_rows(file, registers.declaration(type_id))
        changed = registers.load(type_id, rows)
    print(f"{len(rows)} rows read, {changed} records created or changed")


@app.command()
def export(
    type_id: Type,
    folder: Folder = DEFAULT_FOLDER,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="file; else the terminal")] = None,
    as_json: AsJson = False,
) -> None:
    """All records of a type as CSV (UTF-8 with BOM) or JSON. Secrets stay in the house."""
    rows: list[dict[str, Any]] = []
    with open_registers(folder) as registers:
        while True:
            page = registers.find(type_id, order="id", limit=5000, offset=len(rows))
            rows += page["items"]
            if len(rows) >= page["total"] or not page["items"]:
                break
        labels = {f["name"]: f["zh"] for f in registers.declaration(type_id)["fields"]}
    if as_json:
        import json

        body = json.dumps(rows, ensure_ascii=False, indent=1).encode()
    else:
        body = csv_bytes(rows, labels)
    if output is None:
        sys.stdout.buffer.write(body)
    else:
        output.write_bytes(body)
        print(f"{len(rows)} records to {output}", file=sys.stderr)
