"""`jinyun account`: who may log in."""

from __future__ import annotations

from typing import Annotated

import typer

from jinyun.app.local import account_names, reset_password
from jinyun.cli.common import DEFAULT_FOLDER, Folder, new_app

app = new_app("Accounts of a node; works beside a running node and on a stopped one.")
Name = Annotated[str, typer.Argument(help="name of the account")]


@app.command("list")
def list_accounts(folder: Folder = DEFAULT_FOLDER) -> None:
    """Names of all accounts."""
    for name in account_names(folder):
        print(name)


@app.command()
def reset(name: Name, folder: Folder = DEFAULT_FOLDER) -> None:
    """Give an account a new generated password, print it, and end the account's sessions."""
    print(f"{name} / {reset_password(folder, name)}")
