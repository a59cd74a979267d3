"""`jinyun records`: any register, by its declaration."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from jinyun.app.local import open_registers
from jinyun.app.services.registers.local import as_file, check_sheet, open_sheets
from jinyun.app.services.words import csv_bytes
from jinyun.app.tables import read_rows
from jinyun.cli.common import DEFAULT_FOLDER, AsJson, Folder, new_app, print_json, print_table, progress_line
from jinyun.kernel.errors import BadInput

app = new_app("Registers of a node; works beside a running node and on a stopped one.")
AsOf = Annotated[str, typer.Option("--as-of", help="as they stood then: 2026-11-01T08:00 or seconds since 1970")]
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
    as_of: AsOf = "",
    as_json: AsJson = False,
) -> None:
    """Records of a type."""
    with open_registers(folder, as_of) as registers:
        found = registers.find(type_id, text=q, state=state, where=_filters(where), limit=limit)
        if as_json:
            print_json(found["items"])
            return
        print_table(found["items"], ("id", *registers.declaration(type_id)["listed"]))
    if found["total"] > len(found["items"]):
        print(f"{len(found['items'])} of {found['total']}; --limit shows more", file=sys.stderr)


@app.command()
def show(
    type_id: Type,
    record: Annotated[str, typer.Argument(metavar="ID")],
    folder: Folder = DEFAULT_FOLDER,
    as_of: AsOf = "",
) -> None:
    """One record with its history, as JSON."""
    with open_registers(folder, as_of) as registers:
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


Where = Annotated[list[str] | None, typer.Option(help="field=value of an indexed field; may be repeated")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="file, .xlsx or .csv; else the terminal")]
PROBLEMS = 1


@app.command(
    epilog="""Examples: jinyun records template complaint -o complaints.xlsx --- an Excel file to fill in, whose second
    sheet says what each column takes; jinyun records template site -o sites.csv --- the headings alone."""
)
def template(type_id: Type, output: Output = None, folder: Folder = DEFAULT_FOLDER) -> None:
    """A sheet to fill in: headings, lists of codes, what each column takes."""
    with open_sheets(folder) as sheets:
        _write(as_file(sheets.template(type_id), output), output)


@app.command(
    "import",
    epilog="""Examples: jinyun records import complaint complaints.xlsx --dry-run --- what would become of each row,
    nothing is stored; jinyun records import complaint complaints.xlsx --refused refused.xlsx --- store what is new or
    changed, and write the refused rows with their reasons into a file, to be mended and given again; jinyun records
    import site sites.csv --strict --- end with 1 when a row is refused.""",
)
def import_records(
    *,
    type_id: Type,
    file: Annotated[Path, typer.Argument(metavar="FILE", help=".xlsx or .csv with headings, see `records template`")],
    folder: Folder = DEFAULT_FOLDER,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="say what would become of each row, store nothing")
    ] = False,
    refused: Annotated[Path | None, typer.Option(help="write the refused rows with their reasons here")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="exit code 1 when a row is refused")] = False,
    as_json: AsJson = False,
) -> None:
    """Create and change records from a sheet, row by row: a refused row keeps no other back. The same file again
    changes nothing. A row finds its record by 编号, else by what identifies it, else by its whole content."""
    check_sheet(file)
    say = progress_line()
    with open_sheets(folder) as sheets:
        sheet = sheets.sheet(type_id, file, say)
        told = sheet.preview()
        rows = told["rows"]
        if not dry_run:
            done = sheet.accept()
            told = told | {name: done[name] for name in COUNTS}
            rows = done["rows"]  # one may have been refused as late as now
        if refused is not None and told["refused"]:
            refused.write_bytes(as_file(sheet.refused(), refused))
        say("", 0, 0)
    if as_json:
        print_json(told | {"rows": rows, "stored": not dry_run})
    else:
        _show_rows(told, rows, dry_run=dry_run)
    if strict and told["refused"]:
        raise typer.Exit(PROBLEMS)


COUNTS = ("total", "new", "changed", "same", "refused")
SHOWN = 50


def _show_rows(told: dict[str, Any], rows: list[dict[str, Any]], *, dry_run: bool) -> None:
    if told["unknown"]:
        print(f"left alone, no fields of this register: {', '.join(told['unknown'])}", file=sys.stderr)
    shown = [{"row": one["row"], "id": one["id"], "what": one["what"], "why": _why(one)} for one in rows[:SHOWN]]
    if shown:
        print_table(shown, ("row", "id", "what", "why"))
    if len(rows) > SHOWN:
        print(f"and {len(rows) - SHOWN} rows more; --json or --refused tells them all", file=sys.stderr)
    done = "would be created" if dry_run else "created"
    print(f"{told['total']} rows: {told['new']} {done}, {told['changed']} changed, {told['same']} the same, "
          f"{told['refused']} refused")  # fmt: skip


def _why(row: dict[str, Any]) -> str:
    """The rules a row breaks, or what it changes."""
    if row["problems"]:
        return "; ".join(f"{heading}: {rule}" for heading, rule in row["problems"].items())
    return "; ".join(f"{one['zh']}: {one['before']} → {one['after']}" for one in row["changes"])


@app.command(
    epilog="""Examples: jinyun records export site --output sites.csv; jinyun records export complaint --output
    open.xlsx --state registered,taken_up --where channel=12345 --columns title,address,owner --- Excel, which the
    import reads back."""
)
def export(
    *,
    type_id: Type,
    folder: Folder = DEFAULT_FOLDER,
    output: Output = None,
    q: Annotated[str, typer.Option("--search", "-q", help="words to look for")] = "",
    state: Annotated[str, typer.Option(help="states, with commas")] = "",
    where: Where = None,
    columns: Annotated[str, typer.Option(help="fields, with commas; of .xlsx; empty: all")] = "",
    as_of: AsOf = "",
    as_json: AsJson = False,
) -> None:
    """Records of a type as Excel (a file called .xlsx), CSV (UTF-8 with BOM) or JSON. Secrets stay in the house."""
    if output is not None and output.suffix.lower() == ".xlsx" and not as_json:
        if as_of:
            raise BadInput("a moment of the past is exported as CSV or JSON", field="--as-of", hint="say .csv")
        asked = {"q": q, "state": state, "columns": columns, "order": "id"}
        with open_sheets(folder) as sheets:
            _write(sheets.exported(type_id, asked, _filters(where)), output)
        return
    rows: list[dict[str, Any]] = []
    with open_registers(folder, as_of) as registers:
        while True:
            page = registers.find(
                type_id, text=q, state=state, where=_filters(where), order="id", limit=5000, offset=len(rows)
            )
            rows += page["items"]
            if len(rows) >= page["total"] or not page["items"]:
                break
        labels = {f["name"]: f["zh"] for f in registers.declaration(type_id)["fields"]}
    if as_json:
        import json

        body = json.dumps(rows, ensure_ascii=False, indent=1).encode()
    else:
        body = csv_bytes(rows, labels)
    _write(body, output, f"{len(rows)} records")


def _filters(where: list[str] | None) -> dict[str, str]:
    filters = {}
    for one in where or ():
        name, equals, value = one.partition("=")
        if not equals:
            raise BadInput(f"--where {one!r} has no '='", hint="write field=value")
        filters[name] = value
    return filters


def _write(body: bytes, output: Path | None, what: str = "") -> None:
    if output is None:
        sys.stdout.buffer.write(body)
        return
    output.write_bytes(body)
    print(f"{what} to {output}".strip(), file=sys.stderr)
