"""`jinyun verify`: is the store what it says it is?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from jinyun.cli.common import DEFAULT_FOLDER, AsJson, Folder, new_app, print_json, progress_line

app = new_app(
    "Check a node's stores or a backup: manifest, digests, raw records, watermark, evidence. Changes nothing."
)
app.info.no_args_is_help = False


@app.command()
def verify(
    *,
    folder: Folder = DEFAULT_FOLDER,
    backup: Annotated[Path | None, typer.Option(help="a folder of backups or a tar file, instead of a node")] = None,
    name: Annotated[str, typer.Option(help="which backup of the folder [default: the newest]")] = "",
    everything: Annotated[bool, typer.Option("--all", help="every raw record, all evidence, not a sample")] = False,
    as_json: AsJson = False,
) -> None:
    """Exit code 1 when anything is wrong; each problem is a line."""
    say = progress_line()
    if backup is not None:
        from jinyun.app.care.verify import verify_backup

        told = verify_backup(backup, name=name, everything=everything, progress=lambda what: say(what, 0, 0)).as_dict()
    else:
        from jinyun.app.care.verbs import check

        told = check(folder, everything=everything, progress=say)
    if as_json:
        print_json(told)
    else:
        print("checked: " + ", ".join(f"{count} {what.replace('_', ' ')}" for what, count in told["counts"].items()))
        for one in told["problems"]:
            mark = "BAD " if one["level"] == "bad" else "note"
            print(f"{mark}  {one['check']}: {one['what']}", file=sys.stderr if one["level"] == "bad" else sys.stdout)
        print(f"{told['subject']}: " + ("all is as it should be" if told["good"] else "something is wrong"))
    if not told["good"]:
        raise typer.Exit(1)
