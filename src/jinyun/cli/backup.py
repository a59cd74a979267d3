"""`jinyun backup`: a consistent copy of a node, while it runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from jinyun.app.care.verbs import back_up
from jinyun.cli.common import DEFAULT_FOLDER, AsJson, Folder, new_app, print_json, progress_line

app = new_app("Back a node up while it runs (or stopped): one consistent set, only what the target lacks.")


@app.command()
def backup(
    *,
    out: Annotated[Path, typer.Option(help="folder of backups, or a file that ends in .tar")],
    link: Annotated[bool, typer.Option("--link", help="hard links of sealed files: same disk only")] = False,
    keep: Annotated[int, typer.Option(min=0, help="afterwards drop all but the newest so many; 0: none")] = 0,
    folder: Folder = DEFAULT_FOLDER,
    as_json: AsJson = False,
) -> None:
    """Exit code 1 when the copy is complete but a file was damaged already."""
    told = back_up(folder, out, link=link, keep=keep, progress=progress_line())
    if as_json:
        print_json(told)
    else:
        _show(told)
    if told["problems"]:
        raise typer.Exit(1)


def _show(told: dict[str, Any]) -> None:
    asof = told["as_of"]
    print(
        f"{told['name']}  {told['files']} files, {told['bytes'] / 1e6:.1f} MB; copied {told['copied_files']} files, "
        f"{told['copied_bytes'] / 1e6:.1f} MB in {told['seconds']} s"
    )
    print(f"as of sequence {asof['seq']}, raw journal {asof['journal_end']}; restore with:")
    print(f"  jinyun restore {told['out']} --name {told['name']} --folder NEW")
    if told["dropped_backups"]:
        print(f"dropped: {', '.join(told['dropped_backups'])}")
    if told["same_disk"]:
        print("jinyun: the backup lies on the disk of the node itself: it does not outlive that disk", file=sys.stderr)
    for one in told["problems"]:
        print(f"jinyun: {one}", file=sys.stderr)
