"""`jinyun notify`: the outbox of a node: what waits, what failed, try again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from jinyun.app.local import running_node, stopped_node
from jinyun.cli.common import DEFAULT_FOLDER, AsJson, Folder, new_app, print_json, print_table

app = new_app("Notices of a node: how far they are, and failed ones tried again.")


@app.command("list")
def list_(
    folder: Folder = DEFAULT_FOLDER,
    state: Annotated[str, typer.Option("--state", help="queued, held, sending, sent or failed; empty: all")] = "",
    person: Annotated[str, typer.Option("--person", help="account name")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """Notices, newest first, and counts by state."""
    told = _outbox(folder, {"state": state, "person": person, "limit": limit})
    if as_json:
        print_json(told)
        return
    print(", ".join(f"{name} {many}" for name, many in told["counts"].items()) or "nothing yet")
    columns = ("id", "topic", "person", "channel", "state_zh", "attempts", "doubt", "error")
    print_table(told["items"], columns)


@app.command()
def again(
    folder: Folder = DEFAULT_FOLDER,
    ids: Annotated[list[int] | None, typer.Argument(help="numbers of notices; none: all that failed")] = None,
) -> None:
    """Try failed notices anew."""
    body = {"ids": ids or None}
    remote = running_node(folder)
    if remote is not None:
        told: dict[str, Any] = remote.ask("POST", "/api/notices/outbox/again", body)
    else:
        with stopped_node(folder) as house:
            told = house.notices.again(ids or None)
    print(f"{told['revived']} notices are queued again")


def _outbox(folder: Path, asked: dict[str, Any]) -> dict[str, Any]:
    remote = running_node(folder)
    if remote is not None:
        return dict(remote.ask("GET", f"/api/notices/outbox?{urlencode(asked)}"))
    with stopped_node(folder) as house:
        return {"items": house.notices.sent(**asked), **house.notices.state()}
