"""The works ledger and the tree of rectification items, with what is computed from them as of a day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from jinyun.app.services.cases.effects import Effects
from jinyun.domains.supervision import rectification as rules
from jinyun.domains.supervision.records_rectification import CONDITION_WORDS, conditions_met
from jinyun.domains.supervision.records_works import lag_of
from jinyun.domains.supervision.rules import rule, rule_rows
from jinyun.kernel.errors import BadInput
from jinyun.kernel.ports import MICRO, Actor, Record
from jinyun.kernel.terms import china_time

if TYPE_CHECKING:
    from jinyun.app.assemble import House
    from jinyun.app.services.registers import Registers

MOST = 5000
DEPTH = 6
PAGE = 10_000


class Works:
    """Projects and rectification items within reach."""

    def __init__(self, house: House, registers: Registers) -> None:
        self._house, self._registers = house, registers
        self.effects = Effects(house)

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
            span = timedelta(int(rule("effect", "span_days")))
            spans["before"] = {"from": (began - span).isoformat(), "to": began.isoformat()}
            if ended is not None:
                spans["after"] = {"from": ended.isoformat(), "to": (ended + span).isoformat()}
        record = self._house.records.get("project", project_id)
        return {
            "project": shown, "lag": self._lag(shown, when), "day": when.isoformat(), "readings": spans,
            "effect": self.effects.of(record), "recovery": self.effects.recovery(record),
        }  # fmt: skip

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

    def items(self, actor: Actor, *, day: str = "", light: str = "") -> dict[str, Any]:
        """All items within reach with their light at the end of a day (today), by deadline, and how many of each."""
        if light and light not in rules.LIGHTS:
            raise BadInput(f"no light {light!r}", field="light", hint=f"one of {', '.join(rules.LIGHTS)}")
        when, rows, page = self._day(day), list[dict[str, Any]](), PAGE
        while page == PAGE:
            found = self._registers.find("rectification", actor, order="deadline", limit=PAGE, offset=len(rows))
            page = len(found["items"])
            rows += [one | {"light": _light(one["state"], one.get("deadline"), when)} for one in found["items"]]
        counts = {name: sum(1 for one in rows if one["light"] == name) for name in rules.LIGHTS}
        rows = [one for one in rows if light in ("", one["light"])]
        soon = rule_rows("rectification_light")["soon"]
        return {
            "items": rows, "total": len(rows), "day": when.isoformat(), "counts": counts,
            "rule": {"soon_days": int(soon["value"]), "source": soon["source"]},
        }  # fmt: skip

    def tree(self, item_id: str, actor: Actor) -> dict[str, Any]:
        """An item with its sub-plans: state, conditions, late, light, what was measured before and after, and how many
        below are closed."""
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
            "light": _light(record.state, record.data.get("deadline"), self._day("")),
            "effect": self.effects.of(record), "recovery": self.effects.recovery(record),
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


def _light(state: str, deadline: Any, day: date) -> str:
    return rules.light_of(state, date.fromisoformat(str(deadline)) if deadline else None, day)
