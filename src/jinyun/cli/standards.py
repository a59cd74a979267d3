"""`jinyun standards`: which standards we hold, what they say, and a user's own beside them."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Annotated

import typer

from jinyun.cli.common import DEFAULT_FOLDER, AsJson, Folder, new_app, print_json, print_table
from jinyun.cli.judge import day_of
from jinyun.kernel.errors import BadInput

app = new_app("Standards as dated data: list, show, and check or add your own.")

LISTED = ("domain", "standard", "part", "stage", "valid_from", "valid_to", "rows", "verified")
NARROW = ("note",)
"""Columns that a terminal is spared; CSV and JSON have them."""


@app.command("list")
def list_standards(
    *,
    domain: Annotated[str, typer.Option(help="air, water, noise, soil or emission")] = "",
    folder: Annotated[Path | None, typer.Option("--folder", help="a node: its own limits are listed too")] = None,
    as_json: AsJson = False,
) -> None:
    """All standards and editions, with the days they are in force and how well they are verified."""
    from jinyun.app.standards import added, listed

    rows = listed(domain)
    if folder is not None:
        own: dict[str, int] = {}
        for one in added(folder):
            own[str(one.get("standard"))] = own.get(str(one.get("standard")), 0) + 1
        rows += [{"domain": "emission", "standard": name, "part": "added", "rows": count,
                  "verified": "entered by the user"} for name, count in own.items()]  # fmt: skip
    if as_json:
        print_json(rows)
    else:
        print_table(rows, LISTED)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="GB3838, 'GB 3838-2002', gb3095, hj633 …")],
    *,
    day: Annotated[str, typer.Option("--date", help="what was in force on this day [default: all editions]")] = "",
    item: Annotated[str, typer.Option(help="one item: tp, 总磷, w21011 …")] = "",
    part: Annotated[str, typer.Option(help="one part: limits, evaluation, composite …")] = "",
    form: Annotated[str, typer.Option("--format", help="table, csv or json")] = "table",
) -> None:
    """Limits with unit, clause, source and verified mark; without a day all editions side by side."""
    from jinyun.app.standards import shown

    if form not in ("table", "csv", "json"):
        raise BadInput(f"--format {form!r} is unknown", hint="table, csv or json")
    found = shown(name, day=day_of(day, "--date"), item=item, part=part)
    if form == "json":
        print_json({"editions": found.told, "parts": {block.part: block.rows for block in found.blocks}})
        return
    for line in found.told:
        print(line, file=sys.stderr if form == "csv" else sys.stdout)
    if form == "csv":
        columns = list(dict.fromkeys(name for block in found.blocks for name in block.columns))
        out = csv.DictWriter(sys.stdout, ["part", *columns], extrasaction="ignore", lineterminator="\n")
        out.writeheader()
        for block in found.blocks:
            out.writerows({"part": block.part, **row} for row in block.rows)
        return
    for block in found.blocks:
        print(f"\n{block.part}")
        print_table(block.rows, [name for name in block.columns if name not in NARROW])
    if any("memory only" in line for line in found.told) or any(
        row.get("verified") == "memory only" for block in found.blocks for row in block.rows
    ):
        print("\nwhat is marked 'memory only' was recalled, not read: check it before you rely on it")


@app.command()
def check(files: Annotated[list[Path], typer.Argument(help="CSV of a local standard or of permit limits")]) -> None:
    """What is wrong with a file of limits, by row and column, and what would work. Exit code 1 when anything is."""
    from jinyun.app.standards import check as look

    bad = False
    for path in files:
        found = look(path)
        for problem in found.problems:
            print(f"{path}: {problem}")
        what = "permit limits" if found.permit else ", ".join(found.standards) or "nothing"
        print(f"{path}: {found.rows} rows of {what}, {len(found.problems)} problems")
        bad = bad or bool(found.problems)
    if bad:
        raise typer.Exit(1)


@app.command()
def add(
    file: Annotated[Path, typer.Argument(help="CSV of a local standard; see `standards check`")],
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Check a file of limits and store its rows in a node, running or stopped; unchanged rows are left alone."""
    from jinyun.app.standards import add as store

    rows, changed = store(file, folder)
    print(f"{rows} rows checked, {changed} limits created or changed")
    print("an outlet is judged by them when its record names the standard", file=sys.stderr)
