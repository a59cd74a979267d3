"""`jinyun account`: who may log in, as what."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from jinyun.app.rights.local import account_rows, add_account, reset_password, separate, set_account
from jinyun.cli.common import DEFAULT_FOLDER, AsJson, Folder, new_app, print_json, print_table

app = new_app("Accounts of a node; works beside a running node and on a stopped one.")
Name = Annotated[str, typer.Argument(help="name of the account")]
Role = Annotated[list[str], typer.Option("--role", help="a role of docs/rights.md; may be given several times")]
Place = Annotated[list[str], typer.Option("--jurisdiction", help="division code, cell:ID, or * for all; several times")]
Unit = Annotated[str, typer.Option(help="id of its unit")]
Enterprise = Annotated[str, typer.Option(help="id of its enterprise")]
COLUMNS = ("name", "roles", "unit", "jurisdictions", "enterprise", "disabled", "second_factor")


@app.command("list")
def list_accounts(
    folder: Folder = DEFAULT_FOLDER,
    long: Annotated[bool, typer.Option("--long", help="with roles and jurisdictions")] = False,
    as_json: AsJson = False,
) -> None:
    """Names of all accounts."""
    rows = account_rows(folder)
    if as_json:
        print_json(rows)
    elif long:
        print_table(rows, COLUMNS)
    else:
        for one in rows:
            print(one["name"])


@app.command()
def add(  # noqa: PLR0917
    name: Name, role: Role, jurisdiction: Place = [], unit: Unit = "", enterprise: Enterprise = "",  # noqa: B006
    folder: Folder = DEFAULT_FOLDER,
) -> None:  # fmt: skip
    """A new account with a generated password, printed this once; it must be changed at the first log-in."""
    given = {"roles": role, "jurisdictions": jurisdiction, "unit": unit, "enterprise": enterprise}
    print(f"{name} / {add_account(folder, name, given)}")


@app.command("set")
def change(  # noqa: PLR0917
    name: Name,
    role: Role = [],  # noqa: B006
    jurisdiction: Place = [],  # noqa: B006
    unit: Annotated[str | None, typer.Option(help="id of its unit")] = None,
    disabled: Annotated[bool | None, typer.Option("--disable/--enable", help="whether it may log in")] = None,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Change roles, jurisdictions, unit, or disable an account; what is not given stays."""
    given: dict[str, Any] = {}
    if role:
        given["roles"] = role
    if jurisdiction:
        given["jurisdictions"] = jurisdiction
    if unit is not None:
        given["unit"] = unit
    if disabled is not None:
        given["disabled"] = disabled
    print_json(set_account(folder, name, given))


@app.command("separate")
def separation(
    folder: Folder = DEFAULT_FOLDER,
    off: Annotated[bool, typer.Option("--off", help="of a stopped node only")] = False,
) -> None:
    """Part the three administrators: the set-up role counts for nothing from then on."""
    separate(folder, not off)
    print("the three administrators are " + ("no longer separated" if off else "separated"))


@app.command()
def reset(name: Name, folder: Folder = DEFAULT_FOLDER) -> None:
    """Give an account a new generated password, print it, and end the account's sessions."""
    print(f"{name} / {reset_password(folder, name)}")
