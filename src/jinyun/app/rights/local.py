"""Accounts and the audit log as verbs ask for them: of a running node over its local door, or of a stopped one's files."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinyun.app.local import running_node, stopped_node
from jinyun.app.rights.trail import verified
from jinyun.kernel.terms import china_time
from jinyun.store.audit import SqlAudit


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
