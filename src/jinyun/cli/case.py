"""`jinyun case`: hand a case over as a sealed file, verify one, evaluate units."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jinyun.app.services.cases.handover import verify
from jinyun.app.services.cases.local import evaluated, sealed
from jinyun.cli.common import DEFAULT_FOLDER, AsJson, Folder, new_app, print_json, print_table

app = new_app("Cases: sealed hand-over and its check, evaluation of units. Beside a running node and on a stopped one.")
FIGURES = ("on_time", "recovered", "relapsed")


@app.command("hand-over")
def hand_over(
    case: Annotated[str, typer.Argument(metavar="ID")],
    out: Annotated[Path, typer.Option("--out", "-o", help="the file to write")],
    to: Annotated[str, typer.Option(help="police, prosecutor or court")] = "police",
    note: Annotated[str, typer.Option(help="why")] = "",
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Seal a case with its evidence for police, prosecutor or court; the case keeps who got it and the digest."""
    data = sealed(folder, case, to, note)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(data)
    told = verify(data)
    print(f"{out}: {len(data)} bytes, {len(told['parts'])} parts\npublic key {told['public_key']}")


@app.command("verify")
def verify_file(
    file: Annotated[Path, typer.Argument(help="a sealed hand-over")],
    key: Annotated[str, typer.Option(help="public key of the node it must come from, 64 hex digits")] = "",
    as_json: AsJson = False,
) -> None:
    """Check a sealed hand-over: its signature and every part."""
    told = verify(file.read_bytes(), public_key=key)
    if as_json:
        print_json(told)
        return
    print(f"{told['title']} ({told['case']}) → {told['to_zh']}, {told['made_at']} {told['made_by']}: all parts hold")
    print_table(told["parts"], ("name", "bytes", "lines", "sha256"))


@app.command()
def evaluate(
    start: Annotated[str, typer.Option("--from", help="2026-03-01")],
    end: Annotated[str, typer.Option("--to", help="2026-03-31, included")],
    unit: Annotated[str, typer.Option(help="one unit only")] = "",
    folder: Folder = DEFAULT_FOLDER,
    as_json: AsJson = False,
) -> None:
    """On time, recovered, relapsed by unit, with the definitions."""
    told = evaluated(folder, start, end, unit)
    if as_json:
        print_json(told)
        return
    rows = [
        {"unit": row["unit"] or "—"}
        | {name: f"{row[name]['part']}/{row[name]['whole']} {row[name]['percent'] or '—'}%" for name in FIGURES}
        for row in told["items"]
    ]
    print_table(rows, ("unit", *FIGURES))
    for one in told["definitions"].values():
        print(f"- {one['zh']}\n  {one['en']}")
