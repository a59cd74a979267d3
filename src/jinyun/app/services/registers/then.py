"""Records as they stood at an earlier moment, worked out from their history, seen as their reader may see it now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from jinyun.app.services.registers.service import Registers
from jinyun.kernel.errors import BadInput, NotFound
from jinyun.kernel.ports import Actor
from jinyun.kernel.terms import CHINA

MICRO = 1_000_000
MOST_AT_ONCE = 5_000
"""Records whose history one list may look through."""
_MICROSECONDS_FROM = 10**13


def parse_as_of(text: str) -> int | None:
    """Seconds, microseconds, or a date and time (China's unless it says its zone) as µs; None: now.

    Raises
    ------
    BadInput
        For anything else.
    """
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) < 19:
        number = int(text)
        return number if number >= _MICROSECONDS_FROM else number * MICRO
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        hint = "2026-11-01T08:00, seconds or microseconds since 1970"
        raise BadInput(f"{text!r} is no moment", field="as_of", hint=hint) from None
    return int((when if when.tzinfo else when.replace(tzinfo=CHINA)).timestamp() * MICRO)


def record_then(registers: Registers, type_id: str, record_id: str, actor: Actor, as_of: int) -> dict[str, Any]:
    """One record as it stood at `as_of` [µs]; one that was deleted since too.

    Raises
    ------
    NotFound
        When it was not there then.
    """
    entries = registers.history(type_id, record_id, actor)["items"]
    stood = folded(type_id, record_id, entries, as_of)
    if stood is None:
        raise NotFound(f"{type_id} at that moment", record_id)
    return stood | {"as_of": as_of}


def records_then(
    registers: Registers,
    type_id: str,
    actor: Actor,
    as_of: int,
    *,
    where: Mapping[str, str],
    states: Sequence[str] = (),
    text: str = "",
    limit: int = 100,
    offset: int = 0,
) -> dict[str, Any]:
    """Records as they stood at `as_of` [µs], by id. `where`, states and text look at what stood then; a record that is
    deleted by now is asked for by its own id."""
    now = registers.find(type_id, actor, order="id", limit=MOST_AT_ONCE)
    if now["total"] > MOST_AT_ONCE:
        hint = "ask for single records, or export the register and its history"
        raise BadInput(f"{now['total']} records are too many to look through", field="as_of", hint=hint)
    found = []
    for one in now["items"]:
        entries = registers.history(type_id, one["id"], actor)["items"]
        stood = folded(type_id, one["id"], entries, as_of)
        if stood is not None and _fits(stood, where, states, text):
            found.append(stood)
    return {"items": found[offset : offset + limit], "total": len(found), "as_of": as_of}


def folded(type_id: str, record_id: str, entries: Iterable[Mapping[str, Any]], as_of: int) -> dict[str, Any] | None:
    """A record from its history up to a moment [µs]; None: it was not there. `entries` oldest first."""
    data: dict[str, Any] = {}
    last: Mapping[str, Any] | None = None
    created = 0
    for entry in entries:
        if entry["at"] > as_of:
            break
        if entry["step"] in ("create", "delete"):
            data, created = {}, entry["at"]
        for name in entry["before"]:
            data.pop(name, None)
        if entry["step"] != "delete":
            data |= entry["after"]
        last = entry
    if last is None or last["step"] == "delete":
        return None
    return data | {
        "id": record_id, "type": type_id, "version": last["version"], "state": last["state_after"],
        "created_at": created, "updated_at": last["at"], "updated_by": last["actor"],
    }  # fmt: skip


def _fits(stood: Mapping[str, Any], where: Mapping[str, str], states: Sequence[str], text: str) -> bool:
    if states and stood["state"] not in states:
        return False
    for name, wanted in where.items():
        value = stood.get(name)
        have = {str(one) for one in value} if isinstance(value, list | tuple) else {str(value)}
        if value is None or not have & set(wanted.split(",")):
            return False
    needle = text.strip().lower()
    return not needle or any(needle in str(value).lower() for value in stood.values())
