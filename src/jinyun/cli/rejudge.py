"""`jinyun rejudge`: what verdicts would be under another edition, or judge again for real."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from jinyun.app.local import open_editions
from jinyun.app.services.words import csv_bytes
from jinyun.cli.common import DEFAULT_FOLDER, AsJson, Folder, new_app, print_json
from jinyun.kernel.errors import BadInput

app = new_app("Judge stored days again, as if another day's editions held; or for real with --store.")
app.info.no_args_is_help = True
SHOWN = 60


@app.command()
def rejudge(
    *,
    first: Annotated[str, typer.Option("--from", help="first day, e.g. 2026-01-01")],
    last: Annotated[str, typer.Option("--to", help="last day, inside")],
    as_on: Annotated[str, typer.Option(help="the day whose editions shall hold, e.g. 2031-01-01")] = "",
    store: Annotated[bool, typer.Option("--store", help="judge again for real; what differs is kept")] = False,
    judge: Annotated[list[str] | None, typer.Option(help="judge id; may be repeated [default: all of days]")] = None,
    site: Annotated[list[str] | None, typer.Option(help="site id; may be repeated [default: all]")] = None,
    out: Annotated[Path | None, typer.Option(help="write what differs to this CSV file")] = None,
    everything: Annotated[bool, typer.Option("--all", help="also what changes no status and no level")] = False,
    folder: Folder = DEFAULT_FOLDER,
    as_json: AsJson = False,
) -> None:
    """Compares with the current verdicts and lists each flip. Without --store nothing is stored."""
    if store == bool(as_on):
        raise BadInput("give either --as-on DAY or --store", hint="--as-on 2031-01-01 asks what would be")
    with open_editions(folder) as editions:
        answer = editions.run(
            as_on=as_on, first=first, last=last, judges=judge or [], sites=site or [], store=store,
            flips_only=not everything, progress=_progress if sys.stderr.isatty() else None,
        )  # fmt: skip
    if out is not None:
        out.write_bytes(csv_bytes(answer["flat"]))
    if as_json:
        print_json({name: value for name, value in answer.items() if name != "flat"})
        return
    _print(answer)
    if out is not None:
        print(f"{len(answer['flat'])} rows to {out}", file=sys.stderr)


def _progress(state: dict[str, Any]) -> None:
    print(f"\r{state['done']} of {state['total']} windows", end="", file=sys.stderr, flush=True)


def _print(answer: dict[str, Any]) -> None:
    counts = answer["counts"]
    print(answer["sentence_zh"])
    print(answer["sentence_en"])
    print(
        f"{counts['judged']} judged, {counts['same']} the same, {counts['changed']} differ, {counts['flips']} flip "
        f"(status {counts['status']}, level {counts['level']}), {counts['failed']} failed"
    )
    for one in answer["by_change"]:
        print(f"  {one['from']} -> {one['to']}: {one['count']}")
    for row in answer["items"][:SHOWN]:
        print(
            f"{row['site']}  {row['judge']}  {row['was']['edition']} -> {row['would']['edition']}  {row['sentence_zh']}"
        )
    rest = answer["total_rows"] - min(SHOWN, len(answer["items"]))
    if rest > 0:
        print(f"… and {rest} more; --out FILE.csv has them all", file=sys.stderr)
