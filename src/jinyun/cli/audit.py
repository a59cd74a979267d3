"""`jinyun audit`: who did what, and whether the log of it still holds."""

from __future__ import annotations

from typing import Annotated

import typer

from jinyun.app.rights.local import audit_rows, audit_verified
from jinyun.cli.common import DEFAULT_FOLDER, AsJson, Folder, new_app, print_json, print_table

app = new_app("The audit log of a node; works beside a running node and on a stopped one.")
COLUMNS = ("n", "time", "who", "peer", "action", "call", "object", "result")


@app.command()
def verify(folder: Folder = DEFAULT_FOLDER, as_json: AsJson = False) -> None:
    """Check every row: changed, removed, put in and moved rows are found. Exit code 1 when the log does not hold."""
    told = audit_verified(folder)
    if as_json:
        print_json(told)
    else:
        print(f"{told['rows']} rows: " + ("the log holds" if told["holds"] else "THE LOG DOES NOT HOLD"))
        for one in told["problems"]:
            print(f"  row {one['n']}: {one['en']}")
    if not told["holds"]:
        raise typer.Exit(1)


@app.command()
def show(
    folder: Folder = DEFAULT_FOLDER,
    *,
    who: Annotated[str, typer.Option(help="account")] = "",
    action: Annotated[str, typer.Option(help="e.g. account.write")] = "",
    object: Annotated[str, typer.Option(help="how the object's name begins, e.g. case/")] = "",
    result: Annotated[str, typer.Option(help="e.g. ok, refused 403")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """Rows, newest first."""
    rows = audit_rows(folder, who=who, action=action, object=object, result=result, limit=limit)
    if as_json:
        print_json(rows)
    else:
        print_table(rows, COLUMNS)
