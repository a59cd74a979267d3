"""Saved views of registers: a name for a filter, columns and an order; a person's own, or shared with the unit."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jinyun.kernel.errors import BadInput, NotFound
from jinyun.kernel.ports import Actor
from jinyun.store.record_rules import indexed_fields

if TYPE_CHECKING:
    from jinyun.app.services.registers.service import Registers

SPACE = "register.views"
MOST = 200
"""Views one person may keep."""


class Views:
    """Saved views."""

    def __init__(self, registers: Registers, house: Any) -> None:
        self._registers, self._house = registers, house

    def find(self, type_id: str, actor: Actor) -> list[dict[str, Any]]:
        """Views of a register that the actor saved, and those shared in the actor's unit, by name."""
        self._registers.gate.read(actor, self._registers.kind(type_id))
        seen = [
            {**one, "mine": one["person"] == actor.name}
            for one in self._house.kv.items(SPACE).values()
            if one["type"] == type_id and (one["person"] == actor.name or (one["shared"] and one["unit"] == actor.unit))
        ]
        return sorted(seen, key=lambda one: (str(one["name"]), str(one["id"])))

    def save(
        self, type_id: str, actor: Actor, *, name: str, q: str = "", states: Sequence[str] = (),
        where: Mapping[str, str] | None = None, columns: Sequence[str] = (), order: str = "-updated_at",
        shared: bool = False,
    ) -> dict[str, Any]:  # fmt: skip
        """Save a view; one of the actor's own with that name is replaced.

        Raises
        ------
        BadInput
            A column, filter, state or order that the register does not have.
        """
        kind = self._registers.kind(type_id)
        self._registers.gate.read(actor, kind)
        known, indexed = {one.name for one in kind.fields}, indexed_fields(kind)
        _known("columns", columns, known)
        _known("where", where or {}, indexed)
        _known("states", states, kind.states())
        _known("order", [order.removeprefix("-")], {"updated_at", "created_at", "id", "state", *indexed})
        mine = [one for one in self.find(type_id, actor) if one["mine"]]
        if len(mine) >= MOST:
            raise BadInput(f"you have {len(mine)} views of {type_id}", hint="delete some")
        same = next((one["id"] for one in mine if one["name"] == name), None)
        made = {
            "id": same or secrets.token_hex(8), "type": type_id, "name": name, "person": actor.name, "unit": actor.unit,
            "shared": shared, "q": q, "states": list(states), "where": dict(where or {}), "columns": list(columns),
            "order": order, "at": self._house.clock.now(),
        }  # fmt: skip
        self._house.kv.set(SPACE, made["id"], made)
        return made | {"mine": True}

    def drop(self, type_id: str, view: str, actor: Actor) -> None:
        """Delete a view of one's own."""
        found = self._house.kv.get(SPACE, view)
        if not found or found["type"] != type_id or found["person"] != actor.name:
            raise NotFound("view", view)
        self._house.kv.delete(SPACE, view)


def _known(where: str, names: Any, known: Any) -> None:
    for name in names:
        if name not in known:
            raise BadInput(f"{name!r} is not known", field=where, hint=f"one of {', '.join(sorted(known))}")
