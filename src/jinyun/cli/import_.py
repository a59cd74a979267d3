"""`jinyun import`: readings from a table, with preview, into a running or a stopped node."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from jinyun.cli.common import DEFAULT_FOLDER, AsJson, Folder, new_app, print_json, print_table
from jinyun.kernel.errors import BadInput

app = new_app("Import readings from CSV, Excel or Parquet; works beside a running node and on a stopped one.")
COLUMNS = ("row", "site", "factor", "time", "value", "unit", "flag", "state")
PROBLEMS = 1


@app.command()
def import_(
    *,
    file: Annotated[Path, typer.Argument(help=".csv, .xlsx or .parquet")],
    folder: Folder = DEFAULT_FOLDER,
    site: Annotated[str, typer.Option(help="whose data they are, when no column says it: id or name")] = "",
    maps: Annotated[
        list[str] | None, typer.Option("--map", help='"heading=factor[unit]"; "heading=-" leaves it')
    ] = None,
    site_maps: Annotated[list[str] | None, typer.Option("--site-map", help='"text in the file=site id"')] = None,
    detection: Annotated[
        list[str] | None, typer.Option("--detection-limit", help='"factor=0.01" for a bare ND')
    ] = None,
    period: Annotated[
        str, typer.Option(help="realtime, minute, ten_minute, hour, day, month, quarter or year")
    ] = "hour",
    stat: Annotated[str, typer.Option(help="avg, min, max, rtd, cou, zs_avg, …")] = "avg",
    label: Annotated[str, typer.Option(help="what a time names of its period: begin or end")] = "begin",
    zone: Annotated[str, typer.Option(help="UTC offset of times that name none")] = "+08:00",
    form: Annotated[str, typer.Option(help="wide: a column per factor; long: factor and value columns; auto")] = "auto",
    flag: Annotated[str, typer.Option(help="of values without a flag column: normal or unknown")] = "normal",
    different: Annotated[str, typer.Option(help="values that differ from what is stored: keep or replace")] = "keep",
    sheet: Annotated[str, typer.Option(help="sheet of an Excel file")] = "",
    header_row: Annotated[int, typer.Option(help="row that holds the headings")] = 1,
    reason: Annotated[str, typer.Option(help="why; kept with every value")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="preview only")] = False,
    errors: Annotated[Path | None, typer.Option(help="write refused rows and values to this CSV")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="exit code 1 when something was refused")] = False,
    as_json: AsJson = False,
) -> None:
    """Read FILE, show what would be stored, and store what is new."""
    from jinyun.app.services.imports.local import check_file, open_imports
    from jinyun.app.services.imports.options import options_of

    check_file(file)
    options = options_of({
        "site": site, "maps": maps or [], "sites": site_maps or [], "detection": detection or [], "period": period,
        "stat": stat, "label": label, "zone": zone, "form": form, "flag": flag, "different": different,
        "sheet": sheet, "header_row": header_row,
    }).as_dict()  # fmt: skip
    with open_imports(folder) as imports:
        told = imports.wait(str(imports.upload(file, options, reason)["id"]), _progress)
        id = str(told["id"])
        if errors is not None and told["state"] != "failed":
            errors.write_bytes(imports.errors(id))
        if told["state"] == "failed":
            raise BadInput(str(told["problem"]))
        if not as_json:
            _show(told)
        if dry_run:
            imports.drop(id)
        elif told["state"] == "ready":
            imports.accept(id)
            told = imports.wait(id, _progress)
            if told["state"] == "failed":
                raise BadInput(str(told["problem"]))
        if as_json:
            print_json(told)
        elif not dry_run:
            print(told["sentence_en"])
            if not imports.running and told["counts"].get("stored"):
                print("the node is stopped: verdicts follow when it starts", file=sys.stderr)
    if strict and told["counts"].get("refused"):
        raise typer.Exit(PROBLEMS)


def _progress(told: dict[str, Any]) -> None:
    if sys.stderr.isatty():
        print(f"\r{told['state']} {told.get('progress', 0):.0%} ", end="", file=sys.stderr, flush=True)


def _show(told: dict[str, Any]) -> None:
    preview = told.get("preview")
    if not preview:
        return
    taken = [
        f"{one['heading']} = {one['meaning']}"
        + (f" [{one['unit']}{', assumed' if one['assumed'] else ''}]" if one["unit"] else "")
        for one in preview["columns"]
        if one["meaning"]
    ]
    left = [one["heading"] for one in preview["columns"] if not one["meaning"]]
    print(f"columns: {', '.join(taken)}" + (f"; left alone: {', '.join(left)}" if left else ""), file=sys.stderr)
    for note in preview["notes"]:
        print(f"note: {note}", file=sys.stderr)
    print_table(preview["preview"][:20], COLUMNS)
    print(told["sentence_en"])
    if preview["reasons"]:
        print(
            "refused: " + ", ".join(f"{name} × {count}" for name, count in preview["reasons"].items()), file=sys.stderr
        )
