"""What one person can choose for their subscription: only what can arrive, only places they may see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from jinyun.act.notify.people import NAMED_ONLY
from jinyun.act.notify.topics import STEP, Topics
from jinyun.domains.registry.divisions import division
from jinyun.domains.supervision.records import CASE_KINDS
from jinyun.kernel.errors import BadInput
from jinyun.kernel.ports import Actor
from jinyun.kernel.records import RecordType

if TYPE_CHECKING:
    from jinyun.app.assemble import House
    from jinyun.app.rights import Rights

READS = {"alarm": "matter.read", "case": "matter.read"}
"""The action that reads a type; `register.read` for all others."""
MATTERS = ("alarm", "case")


def may_read(rights: Rights, actor: Actor, type_id: str) -> bool:
    """Whether records of a type are open to an actor at all."""
    return rights.may(actor, READS.get(type_id, "register.read"), type_id).allowed


def topic_choices(house: House, topics: Topics, rights: Rights, actor: Actor) -> list[dict[str, Any]]:
    """Topics that can reach a subscriber who may read what they are about: shipped ones, those of the node, and steps
    that emit a topic of their own. Those meant for named people alone are left out."""
    found: dict[str, tuple[str, str, str]] = {}
    for one in topics.every.values():
        if one.id not in NAMED_ONLY and one.id != STEP and one.type in house.types:
            found[one.id] = (one.type, one.zh, one.en)
    for kind in house.types.values():
        for id, zh, en in _emitted(kind):
            if id not in NAMED_ONLY and (id not in topics.every or id not in found):
                found.setdefault(id, (kind.id, f"{kind.zh}·{zh}", f"{kind.en}: {en}"))
    open_types = {type_id for type_id, _, _ in found.values() if may_read(rights, actor, type_id)}
    order = {id: place for place, id in enumerate((*MATTERS, *house.types))}
    chosen = [(id, *one) for id, one in found.items() if one[0] in open_types]
    chosen.sort(key=lambda one: order[one[1]] if one[1] not in MATTERS else MATTERS.index(one[1]))
    return [
        {"id": id, "zh": zh, "en": en, "type": type_id, "type_zh": house.types[type_id].zh,
         "type_en": house.types[type_id].en}
        for id, type_id, zh, en in chosen
    ]  # fmt: skip


def _emitted(kind: RecordType) -> Iterable[tuple[str, str, str]]:
    """(topic, words) of steps that emit, newest procedure first."""
    for procedure in reversed(kind.versions):
        for step in procedure.transitions:
            if step.emits:
                yield step.emits, step.zh, step.en


def kind_choices(house: House, rights: Rights, actor: Actor) -> list[dict[str, Any]]:
    """What `kinds` of a subscription can name: alarm rules, kinds of cases, kinds of other registers that tell
    something. Each with the type that it is of."""
    rows: list[tuple[str, str, str, str]] = []
    if may_read(rights, actor, "alarm"):
        rules = house.act.rules
        rows += [("alarm", one.id, one.zh, one.en) for one in rules.verdict]
        rows += [("alarm", one.id, one.zh, one.en) for one in rules.silence]
    if may_read(rights, actor, "case"):
        rows += [("case", id, zh, en) for id, (zh, en) in CASE_KINDS.items()]
    for kind in house.types.values():
        if kind.id in MATTERS or not any(_emitted(kind)) or not may_read(rights, actor, kind.id):
            continue
        codes: Mapping[str, tuple[str, str]] = next((one.codes for one in kind.fields if one.name == "kind"), {})
        rows += [(kind.id, id, zh, en) for id, (zh, en) in codes.items()]
    seen: set[str] = set()
    told = []
    for type_id, id, zh, en in rows:
        if id not in seen:  # a kind of cases that another register has too is one choice
            seen.add(id)
            told.append({"id": id, "zh": zh, "en": en, "type": type_id, "type_zh": house.types[type_id].zh,
                         "type_en": house.types[type_id].en})  # fmt: skip
    return told


def place_choices(house: House, rights: Rights, actor: Actor) -> dict[str, Any]:
    """Sites within the actor's reach, and the jurisdictions they lie in with those above them."""
    reach = rights.reach(actor)
    mine = rights.sites(reach) if rights.may(actor, "site.read").allowed else frozenset()
    sites = sorted(
        (one for one in house.sites.all() if one.id in mine), key=lambda one: str(one.data.get("name") or "")
    )
    codes = {str(one.data["jurisdiction"]) for one in sites if one.data.get("jurisdiction")}
    above = {code[:6] for code in codes if len(code) > 6}
    return {
        "sites": [{"id": one.id, "name": one.data.get("name") or one.id} for one in sites],
        "jurisdictions": [{"id": code, "name": division(code).name or code} for code in sorted(codes | above)],
    }


def stand_in_choices(rights: Rights, actor: Actor, accounts: Mapping[str, Actor]) -> list[str]:
    """Who can stand in for an actor: of the enabled `accounts` those that see places, of the actor's unit and those
    below it; of any unit for whoever sees the whole node. Nobody for an enterprise, a neighbour, a key."""
    reach = rights.reach(actor)
    if actor.name not in accounts:
        return []
    units = set(reach.owners) - {actor.name}
    fitting = (one for one in accounts.values() if reach.whole or one.unit in units)
    return sorted(one.name for one in fitting if rights.reach(one).placed)


def check_choice(given: Mapping[str, Any], chosen: Mapping[str, Any], kept: Mapping[str, Any]) -> None:
    """Refuse topics, kinds, sites and a stand-in that were not offered. What is kept already stays: a rule that is gone
    since is no reason to refuse the rest. A site or person out of reach and one that is not there get the same answer.

    Raises
    ------
    BadInput
        Naming the field and what is not offered.
    """
    hint = "see what is offered in GET /api/notices/wishes"
    for name in ("topics", "kinds", "sites"):
        offered = {one["id"] for one in chosen[name]} | set(kept.get(name) or ())
        wrong = [str(one) for one in given.get(name) or () if one not in offered]
        if wrong:
            raise BadInput(f"cannot be subscribed to: {', '.join(wrong)}", field=name, hint=hint)
    if (backup := given.get("backup")) and backup not in (*chosen["people"], kept.get("backup")):
        raise BadInput(f"cannot stand in for you: {backup}", field="backup", hint=hint)
