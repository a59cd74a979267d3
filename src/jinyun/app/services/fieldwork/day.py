"""What a phone takes along: a person's tasks and cases with their steps, forms for what is found, sites for the map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jinyun.kernel.errors import NotFound, NotPermitted
from jinyun.kernel.ports import Actor
from jinyun.kernel.records import RecordType

if TYPE_CHECKING:
    from jinyun.app.use_cases import UseCases

TASKS = ("task", "inspection_finding", "case")
"""Registers whose running records are work for somebody."""
ENTRIES = ("inspection_finding", "patrol", "complaint")
"""Registers that are written on the spot."""
ENDED = frozenset({"done", "checked", "cancelled", "closed", "rejected", "merged"})
"""States in which nobody has anything left to do on the spot."""
MOST_ITEMS = 200
MOST_SITES = 2000
MOST_CHOICES = 200
MINE = ("me", "unit", "")


def day_of(cases: UseCases, whole: UseCases, actor: Actor) -> dict[str, Any]:
    """The bundle. Rows come from `cases`, so none is out of the actor's reach; `whole` only knows units by name."""
    types = whole.house.types
    wanted = [one for one in dict.fromkeys((*TASKS, *ENTRIES)) if one in types]
    readable = [one for one in wanted if whole.rights.may(actor, "register.read", one).allowed]
    units = _units(whole, actor)
    items = [one for type_id in TASKS if type_id in readable for one in _items(cases, types[type_id], actor, units)]
    items.sort(key=lambda one: (MINE.index(one["mine"]), one["record"].get("level") or 9, one["record"]["created_at"]))
    entries = [one for one in ENTRIES if one in readable and whole.rights.may(actor, "register.write", one).allowed]
    kept = dict.fromkeys((*(one["type"] for one in items), *entries))
    return {
        "now": whole.now(),
        "person": {"name": actor.name, "roles": list(actor.roles), "unit": actor.unit, "units": units},
        "defaults": {
            "jurisdiction": next((one for one in actor.jurisdictions if one.isdigit() and len(one) in (6, 9, 12)),
                                 whole.house.settings.jurisdiction),
            "owner": actor.unit,
        },
        "types": {one: cases.registers.declaration(one) for one in kept},
        "entries": entries,
        "editable": [one for one in kept if whole.rights.may(actor, "register.write", one).allowed],
        "items": items,
        "choices": _choices(cases, [types[one] for one in entries], actor),
        "unit_names": _unit_names(whole, [(types[one["type"]], one["record"]) for one in items]),
        "sites": _sites(cases),
        "limits": {"bytes": whole.house.settings.attachment_mb << 20},
    }  # fmt: skip


def _units(whole: UseCases, actor: Actor) -> list[str]:
    """The actor's unit, by id and by name: an owner field says either."""
    if not actor.unit:
        return []
    try:
        name = whole.house.records.get("unit", actor.unit).data.get("name")
    except NotFound:
        name = None
    return [actor.unit, *([str(name)] if name else [])]


def _unit_names(whole: UseCases, shown: Sequence[tuple[RecordType, Mapping[str, Any]]]) -> dict[str, str]:
    """Names of the units that records are in charge of, by id: a phone cannot ask for them later."""
    owners = {owner for kind, record in shown for owner in _many(record.get(kind.owner or "owner"))}
    units = whole.house.records.load("unit", sorted(owners)) if owners else []
    return {one.id: str(one.data.get("name") or one.id) for one in units}


def _items(cases: UseCases, kind: RecordType, actor: Actor, units: Sequence[str]) -> list[dict[str, Any]]:
    if kind.procedure is None:
        return []
    wanted = [state for state in kind.states() if state not in ENDED]
    found = cases.registers.find(kind.id, actor, states=wanted, limit=MOST_ITEMS)["items"]
    made = []
    for shown in found:
        record = cases.house.records.get(kind.id, shown["id"])
        made.append({
            "type": kind.id, "record": shown, "mine": _mine(kind, shown, actor, units),
            "steps": cases.registers.steps(record, actor),
        })  # fmt: skip
    return made


def _mine(kind: RecordType, shown: Mapping[str, Any], actor: Actor, units: Sequence[str]) -> str:
    """Whose a record is: "me", "unit", or "" for somebody else's."""
    people = [value for one in kind.fields if one.kind == "person" for value in _many(shown.get(one.name))]
    owners = _many(shown.get(kind.owner or "owner"))
    if actor.name in people or actor.name in owners:
        return "me"
    return "unit" if set(owners) & set(units) else ""


def _many(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)] if value else []


def _choices(cases: UseCases, kinds: Sequence[RecordType], actor: Actor) -> dict[str, list[dict[str, str]]]:
    """What references of the forms may point to, by register."""
    targets = dict.fromkeys(one.to for kind in kinds for one in kind.fields if one.kind == "reference" and one.to)
    made = {}
    for target in targets:
        try:
            kind = cases.registers.kind(target)
            rows = cases.registers.find(target, actor, limit=MOST_CHOICES)["items"]
        except (NotFound, NotPermitted):
            continue
        made[target] = [{"id": one["id"], "name": str(one.get(kind.title) or one["id"])} for one in rows]
    return made


def _sites(cases: UseCases) -> list[dict[str, Any]]:
    return [
        {"id": one.id, "name": one.name, "kind": one.kind, "lon": one.lon, "lat": one.lat}
        for one in cases.house.sites.all()[:MOST_SITES]
    ]
