"""Search across everything: every register, sites, cases and alarms among them, and the factor dictionary.

Asked with the registers of whoever asks: rows out of reach are not found, masked fields stay masked, and a register
whose index holds personal data is left out for those who may not read it, and named as left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jinyun.app.services.registers import Registers
from jinyun.app.then import stamped
from jinyun.kernel.errors import BadInput, NotFound, NotPermitted
from jinyun.kernel.factors import Factor, factors
from jinyun.kernel.ports import Actor, Record
from jinyun.kernel.records import RecordType

if TYPE_CHECKING:
    from jinyun.app.assemble import House

MOST_WORDS = 200  # characters
MOST_EACH = 50
FIRST = (
    "site", "case", "alarm", "complaint", "task", "rectification", "project", "enterprise", "outlet", "device",
    "inspection_finding", "patrol",
)  # fmt: skip
"""Order of groups that hold equally good finds; registers not named follow in their own order."""
FACTOR = "factor"
UNDER = ("name", "subject", "site", "owner", "address", "number", "enterprise", "factor", "channel", "batch")
"""Fields that tell records of like titles apart, in this order; two are shown."""
SHOWN_UNDER = 2
CODE = {"name": "code", "label_zh": "HJ 212 编码", "label_en": "HJ 212 code"}


def search(
    house: House, registers: Registers, words: str, actor: Actor, *, may: Callable[[str], bool], each: int = 6
) -> dict[str, Any]:
    """Finds by group, the group with the best find first.

    Parameters
    ----------
    words : str
        What to look for; every word of it must occur.
    may : callable
        Whether the actor may read a register, by its type.
    each : int
        Most finds of a group; ``more`` says that there are others.

    Returns
    -------
    dict
        ``q``, ``groups`` of {type, zh, en, items, more}, ``left_out`` {type, zh, en} (registers not open to search).

    Raises
    ------
    BadInput
        Without words, or with too many.
    """
    text = " ".join(words.split())
    if not text:
        raise BadInput("nothing to search for", field="q", hint="a name, a number, an id, a factor")
    if len(text) > MOST_WORDS:
        raise BadInput(f"at most {MOST_WORDS} characters are searched for", field="q")
    each = max(1, min(each, MOST_EACH))
    kinds = [one for one in house.types.values() if may(one.id)]
    holding = house.records.holding(text, [one.id for one in kinds])
    asked = _Asked(house, registers, actor, text, each, holding)
    groups, left_out = [], []
    for kind in kinds:
        try:
            found = _records(asked, kind)
        except NotPermitted:
            left_out.append({"type": kind.id, "zh": kind.zh, "en": kind.en})
            continue
        if found["items"]:
            groups.append(found)
    if (dictionary := _factors(text, each))["items"]:
        groups.append(dictionary)
    groups.sort(key=lambda one: (one["items"][0]["rank"], _place(one["type"])))
    return stamped(house, {"q": text, "groups": groups, "left_out": left_out})


def _place(type_id: str) -> int:
    return FIRST.index(type_id) if type_id in FIRST else len(FIRST)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who asks what of whom."""

    house: House
    registers: Registers
    actor: Actor
    text: str
    each: int
    holding: frozenset[str]
    """Registers in which there may be something."""


def _records(asked: _Asked, kind: RecordType) -> dict[str, Any]:
    records, each = asked.house.records, asked.each
    asked.registers.gate.where(asked.actor, kind)  # raises when the register is closed to the actor
    if kind.id not in asked.holding:
        return {"type": kind.id, "zh": kind.zh, "en": kind.en, "items": [], "more": False}
    found = records.find(kind.id, text=asked.text, limit=each + 1)
    try:  # an id is found as it is written, whatever the index holds
        exact = records.get(kind.id, asked.text)
    except (NotFound, BadInput):
        exact = None
    if exact is not None:
        found = [exact, *(one for one in found if one.id != exact.id)]
    items = [_find(asked, one, kind) for one in found[:each]]
    items.sort(key=lambda one: one["rank"])
    return {"type": kind.id, "zh": kind.zh, "en": kind.en, "items": items, "more": len(found) > each}


def _find(asked: _Asked, record: Record, kind: RecordType) -> dict[str, Any]:
    shown = asked.registers.gate.shown(record, kind, asked.actor)
    title = str(shown.get(kind.title) or record.id)
    made = {
        "id": record.id,
        "title": title,
        "under": _under(asked.house, shown, kind),
        "rank": _rank(asked.text, (record.id, title)),
        "updated_at": record.updated_at,
    }
    for name in ("state", "state_zh", "state_en"):
        if shown.get(name):
            made[name] = shown[name]
    return made


def _under(house: House, shown: Mapping[str, Any], kind: RecordType) -> list[dict[str, Any]]:
    """A few fields beside the title, with their words: what tells like names apart."""
    fields = {one.name: one for one in kind.fields}
    told: list[dict[str, Any]] = []
    for name in (*UNDER, *kind.listed):
        one = fields.get(name)
        if one is None or name == kind.title or shown.get(name) in (None, "", []) or one.many or one.kind == "json":
            continue
        if any(each["name"] == name for each in told):
            continue
        value = str(shown[name])
        zh, en = one.codes.get(value, (value, value))
        if one.to == "site" and (site := house.sites.get(value)) is not None:
            zh = en = site.name
        told.append({"name": name, "label_zh": one.zh, "label_en": one.en, "zh": zh, "en": en})
        if len(told) == SHOWN_UNDER:
            break
    return told


def _rank(text: str, names: Sequence[str]) -> int:
    """0: is one of the names; 1: one begins with it; 2: one holds it; 3: it is in another field."""
    wanted = text.casefold()
    held = [one.casefold() for one in names if one]
    if wanted in held:
        return 0
    if any(one.startswith(wanted) for one in held):
        return 1
    return 2 if any(wanted in one for one in held) else 3


def _factors(text: str, each: int) -> dict[str, Any]:
    parts = text.casefold().split()
    found = [one for one in factors().values() if all(any(p in name for name in _names(one)) for p in parts)]
    items = [
        {
            "id": one.id,
            "title": one.zh,
            "title_en": one.en,
            "under": [CODE | {"zh": one.code, "en": one.code}] if one.code else [],
            "rank": _rank(text, (one.id, one.zh, one.en, one.code, one.code_2005)),
        }
        for one in found
    ]  # fmt: skip
    items.sort(key=lambda one: (one["rank"], one["id"]))
    return {"type": FACTOR, "zh": "因子", "en": "Factor", "items": items[:each], "more": len(items) > each}


def _names(one: Factor) -> tuple[str, ...]:
    return tuple(name.casefold() for name in (one.id, one.zh, one.en, one.code, one.code_2005) if name)
