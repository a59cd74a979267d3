"""Accounts and the audit log as verbs ask for them: of a running node over its local door, or of the files of one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinyun.app.accounts import Accounts
from jinyun.app.local import running_node, stopped_node
from jinyun.app.rights.trail import verified
from jinyun.kernel.errors import Busy
from jinyun.kernel.ports import SYSTEM
from jinyun.kernel.terms import china_time
from jinyun.store.audit import Entry, SqlAudit


def audit_verified(folder: Path) -> dict[str, Any]:
    """Whether the audit log of the node in `folder` holds."""
    remote = running_node(folder)
    if remote is not None:
        return dict(remote.ask("GET", "/api/audit/verify"))
    with stopped_node(folder) as house:
        return verified(*SqlAudit(house.database, house.settings.folder).verify())


def audit_rows(folder: Path, **asked: Any) -> list[dict[str, Any]]:
    """Rows of the audit log, newest first, each with its time in words."""
    remote = running_node(folder)
    if remote is not None:
        rows = remote.ask("GET", "/api/audit?" + urlencode({k: v for k, v in asked.items() if v}))["items"]
    else:
        with stopped_node(folder) as house:
            rows, _ = SqlAudit(house.database, house.settings.folder).find(**asked)
    return [{**one, "time": china_time(one["at"] // 1_000_000).strftime("%Y-%m-%d %H:%M:%S")} for one in rows]


# --- accounts ---------------------------------------------------------------------------------------------------------


def _accounts(house: Any) -> Accounts:
    return Accounts(house.kv, folder=house.settings.folder)


def _noted(house: Any, action: str, object: str) -> None:
    """A verb's change of a stopped node, in the audit log."""
    entry = Entry("local", action, "jinyun account (node stopped)", object)
    SqlAudit(house.database, house.settings.folder).append(time.time_ns() // 1000, entry)


def account_rows(folder: Path) -> list[dict[str, Any]]:
    """All accounts of the node in `folder`."""
    remote = running_node(folder)
    if remote is not None:
        return list(remote.ask("GET", "/api/accounts"))
    with stopped_node(folder) as house:
        return _accounts(house).all()


def add_account(folder: Path, name: str, given: Mapping[str, Any]) -> str:
    """A new account; its generated password."""
    remote = running_node(folder)
    if remote is not None:
        return str(remote.ask("POST", "/api/accounts", {"name": name, **given})["password"])
    with stopped_node(folder) as house:
        more = {key: value for key, value in given.items() if key != "roles"}
        password = _accounts(house).create(name, roles=tuple(given["roles"]), by="local", must_change=True, **more)
        _noted(house, "account.write", name)
        return password


def set_account(folder: Path, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Change an account."""
    remote = running_node(folder)
    if remote is not None:
        return dict(remote.ask("PATCH", f"/api/accounts/{quote(name, safe='')}", dict(given)))
    with stopped_node(folder) as house:
        told = _accounts(house).change(name, given, SYSTEM)
        _noted(house, "account.write", name)
        return told


def separate(folder: Path, on: bool) -> None:
    """Switch the separation of the three administrators; off only of a stopped node.

    Raises
    ------
    Busy
        When it is to be switched off while the node runs.
    """
    remote = running_node(folder)
    if remote is not None:
        if not on:
            raise Busy("stop the node first: separation is switched off on the machine itself only")
        remote.ask("POST", "/api/security/separation", {"on": True})
        return
    with stopped_node(folder) as house:
        _accounts(house).separate(on)
        _noted(house, "account.write", f"separation {'on' if on else 'off'}")


def reset_password(folder: Path, name: str) -> str:
    """A new password of an account."""
    remote = running_node(folder)
    if remote is not None:
        return str(remote.ask("POST", f"/api/accounts/{quote(name, safe='')}/reset", {})["password"])
    with stopped_node(folder) as house:
        password = _accounts(house).reset(name)
        _noted(house, "account.write", name)
        return password
