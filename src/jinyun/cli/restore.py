"""`jinyun restore`: a backup into a new folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jinyun.cli.common import AsJson, new_app, print_json, print_table, progress_line

app = new_app("Restore a backup into a new or empty folder: whole or not there; a used folder is refused.")


@app.command()
def restore(
    *,
    place: Annotated[Path, typer.Argument(metavar="BACKUP", help="folder of backups, or a tar file")],
    folder: Annotated[Path | None, typer.Option("--folder", help="new folder of the node")] = None,
    name: Annotated[str, typer.Option(help="which backup of the folder [default: the newest]")] = "",
    database: Annotated[str, typer.Option(help="postgresql://… an empty database for the records")] = "",
    show: Annotated[bool, typer.Option("--list", help="list the backups there and end")] = False,
    as_json: AsJson = False,
) -> None:
    """Killed half-way, the same command goes on where it was."""
    from jinyun.app.care.restore import restore as run
    from jinyun.app.care.targets import backup_names, read_manifest
    from jinyun.kernel.errors import BadInput

    if show:
        rows = []
        for one in backup_names(place):
            manifest = read_manifest(place, one)
            rows.append({
                "name": one, "files": len(manifest["files"]), "bytes": sum(f["bytes"] for f in manifest["files"]),
                "seq": manifest["as_of"]["seq"], "jinyun": manifest["jinyun"], "schema": manifest["schema"],
            })  # fmt: skip
        if as_json:
            print_json(rows)
        else:
            print_table(rows, ("name", "files", "bytes", "seq", "jinyun", "schema"))
        return
    if folder is None:
        raise BadInput("where to? give --folder NEW", field="folder", hint="a new or empty folder")
    told = run(place, folder, name=name, database=database, progress=progress_line())
    if as_json:
        print_json(told)
        return
    print(f"{told['name']} restored to {told['folder']}: {told['files']} files, {told['bytes'] / 1e6:.1f} MB")
    if told["database"] == "postgresql" and not database:
        print("its records were on PostgreSQL and are in SQLite now; --database postgresql://… puts them there again")
    print(f"next: jinyun verify --folder {told['folder']}, then jinyun serve --folder {told['folder']}")
