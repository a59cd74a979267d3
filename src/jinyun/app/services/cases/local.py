"""Cases for verbs: of the running node by its local API, of a stopped one by its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinyun.app.local import running_node, stopped_node
from jinyun.kernel.ports import Actor

ACTOR = Actor("local", ("admin", "officer"))


def sealed(folder: Path, case: str, to: str, note: str = "") -> bytes:
    """The sealed file of a case for police, prosecutor or court."""
    remote = running_node(folder)
    if remote is not None:
        import json

        body = json.dumps({"to": to, "note": note}).encode()
        path = f"/api/cases/{quote(case, safe='')}/hand-over"
        return bytes(remote.fetch("POST", path, body, content_type="application/json")[0])
    from jinyun.app.services.cases.handover import HandOver
    from jinyun.app.services.registers import Registers

    with stopped_node(folder) as house:
        return HandOver(house, Registers(house)).make(case, to, ACTOR, note=note).data


def evaluated(folder: Path, start: str, end: str, unit: str = "") -> dict[str, Any]:
    """The evaluation of units over days, both included."""
    remote = running_node(folder)
    if remote is not None:
        return dict(remote.ask("GET", f"/api/evaluation?{urlencode({'from': start, 'to': end, 'unit': unit})}"))
    from jinyun.app.services.cases.evaluation import Evaluation

    with stopped_node(folder) as house:
        return Evaluation(house).of(start, end, unit=unit)
