"""One page of checks: what is well, what is not, and what to do. With a running node, a stopped one, a broken folder.

Every check stands alone: one that fails says so and the page goes on.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from jinyun.app.care import doctor_machine as machine
from jinyun.app.care import doctor_stores as stores
from jinyun.app.care.doctor_look import Check, Look
from jinyun.kernel.errors import JinyunError

CHECKS = (
    machine.python, machine.folder, machine.settings, machine.node, machine.rights, machine.disk, machine.limits,
    machine.ports, stores.database, stores.hot, stores.journal, stores.jobs, stores.backup, stores.forecast,
    stores.facts, stores.devices, machine.clock, machine.zone, machine.calendar,
)  # fmt: skip


def examine(folder: Path) -> dict[str, Any]:
    """The page: folder, running, level (the worst: ok, warn, bad) and checks of `Check` as dicts."""
    look, found = Look(folder), list[Check]()
    for check in CHECKS:
        try:
            found += check(look)
        except Exception as wrong:  # a broken folder breaks things nobody foresaw; the page must still come
            name = check.__name__
            kind = str(wrong) if isinstance(wrong, JinyunError) else f"{type(wrong).__name__}: {wrong}"
            found.append(Check(name, "bad", f"{name}：检查失败：{kind}", f"{name}: the check failed: {kind}"))
        if any(one.id == "folder" and one.level == "bad" for one in found):
            break
    levels = [one.level for one in found]
    worst = next((level for level in ("bad", "warn") if level in levels), "ok")
    return {
        "folder": str(folder), "running": look.remote is not None, "level": worst,
        "checks": [asdict(one) for one in found],
    }  # fmt: skip
