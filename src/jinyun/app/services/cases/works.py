"""The works ledger and the tree of rectification items, with what is computed from them as of a day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from jinyun.domains.supervision import rectification as rules
from jinyun.domains.supervision.records_rectification import CONDITION_WORDS, conditions_met
from jinyun.domains.supervision.records_works import lag_of
from jinyun.kernel.errors import BadInput
from jinyun.kernel.ports import MICRO, Actor, Record
from jinyun.kernel.terms import china_time

if TYPE_CHECKING:
    from jinyun.app.assemble import House
    from jinyun.app.services.registers import Registers

MOST = 5000
BEFORE_DAYS = 30
"""Days of readings shown before the works began and after they ended."""
DEPTH = 6


class Works:
    """Projects and rectification items within reach."""

    def __init__(self, house: House, registers: Registers) -> None:
        self._house, self._registers = house, registers

    def ledger(self, actor: Actor, *, day: str = "", owner: str = "", light: str = "") -> dict[str, Any]:
        """All projects with their lag at the end of a day (today): due, ratio, light, reasons; red ones first."""
        when = self._day(day)
        asked = {"owner": owner} if owner else {}
        found = self._registers.find("project", actor, where=asked, limit=MOST)
        rows = [one | {"lag": self._lag(one, when)} for one in found["items"]]
        rows = [one for one in rows if light in ("", (one["lag"] or {}).get("light"))]
        order = {"red": 0, "yellow": 1, "green": 2}
        rows.sort(key=lambda one: order.get((one["lag"] or {}).get("light", ""), 3))
        return {"items": rows, "total": len(rows), "day": when.isoformat()}

    def project(self, project_id: str, actor: Actor, *, day: str = "") -> dict[str, Any]:
        """One project: lag, both curves, and the span of readings before and after that show what it brought."""
        shown = self._registers.get("project", project_id, actor)
        when = self._day(day)
        spans = {}
        if shown.get("site") and shown.get("started"):
            began = date.fromisoformat(str(shown["started"]))
            ended = date.fromisoformat(str(shown["finished"])) if shown.get("finished") else None
            spans["before"] = {"from": (began - timedelta(BEFORE_DAYS)).isoformat(), "to": began.isoformat()}
            if ended is not None:
                spans["after"] = {"from": ended.isoformat(), "to": (ended + timedelta(BEFORE_DAYS)).isoformat()}
        return {"project": shown, "lag": self._lag(shown, when), "day": when.isoformat(), "readings": spans}

    def _lag(self, shown: dict[str, Any], when: date) -> dict[str, Any] | None:
        if shown.get("state") == "dropped":
            return None
        lag = lag_of(shown, when)
        if lag is None:
            return None
        return {
            "due": str(lag.due), "ratio": None if lag.ratio is None else str(lag.ratio), "light": lag.light,
            "reasons": list(lag.reasons), "stuck": shown.get("state") == "stuck",
        }  # fmt: skip

    # --- rectification ------------------------------------------------------------------------------------------------

    def tree(self, item_id: str, actor: Actor) -> dict[str, Any]:
        """An item with its sub-plans: state, conditions, late, and how many below are closed."""
        return self._branch(self._house.records.get("rectification", item_id), actor, DEPTH)

    def _branch(self, record: Record, actor: Actor, depth: int) -> dict[str, Any]:
        below = self._house.records.find("rectification", {"parent": record.id}, order="deadline", limit=MOST)
        parts = [self._branch(one, actor, depth - 1) for one in below] if depth else []
        closed = sum(1 for one in parts if one["item"]["state"] == "closed")
        met = conditions_met(record.data)
        return {
            "item": self._registers.get("rectification", record.id, actor),
            "conditions": [{"name": name, "zh": zh, "en": en, "met": met[name]}
                           for name, (zh, en) in CONDITION_WORDS.items()],
            "late": self._late(record), "parts": parts, "closed": closed, "of": len(parts),
        }  # fmt: skip

    def _late(self, record: Record) -> bool:
        """Closed after the deadline, or open after it."""
        closed = record.data.get("closed_on") if record.state == rules.CLOSED else None
        day = date.fromisoformat(str(closed)[:10]) if closed else self._day("")
        return day > date.fromisoformat(str(record.data["deadline"]))

    def _day(self, text: str) -> date:
        if not text:
            return china_time(self._house.clock.now() // MICRO).date()
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise BadInput(f"{text!r} is no day", field="day", hint="2026-03-01") from None
