"""Registers: list, find, create, change and step records of any declared type, with secrets masked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jinyun.app.services.words import MASK, history_dict, record_dict, transition_dict, type_dict
from jinyun.kernel.errors import BadInput, NotFound, NotPermitted
from jinyun.kernel.ports import Actor, Record
from jinyun.kernel.records import RecordType, Transition

if TYPE_CHECKING:
    from jinyun.app.assemble import House

MOST = 10_000  # records one answer may hold
SYSTEM_ONLY = frozenset({"alarm", "case", "correction"})
"""Types that only the house creates or edits; people move them by their procedure."""
BOOKKEEPING = frozenset(
    {"id", "type", "version", "state", "state_zh", "state_en", "created_at", "updated_at", "updated_by"}
)
WRITERS = frozenset({"officer", "admin", "system"})


class Registers:
    """Every register of the house, by declaration."""

    def __init__(self, house: House) -> None:
        self._house = house

    def kind(self, type_id: str) -> RecordType:
        types: Mapping[str, RecordType] = self._house.types
        if type_id not in types:
            raise NotFound("record type", type_id, known=types)
        return types[type_id]

    def types(self) -> list[dict[str, Any]]:
        """All registers with how many records each holds."""
        return [
            {"id": one.id, "zh": one.zh, "en": one.en, "count": self._house.records.count(one.id)}
            for one in self._house.types.values()
        ]

    def declaration(self, type_id: str) -> dict[str, Any]:
        return type_dict(self.kind(type_id)) | {"editable": type_id not in SYSTEM_ONLY and not self.kind(type_id).fixed}

    def labels(self, type_id: str) -> dict[str, str]:
        """Chinese headings of a register's columns, for exports."""
        return {one.name: f"{one.zh}({one.unit})" if one.unit else one.zh for one in self.kind(type_id).fields}

    def find(
        self,
        type_id: str,
        actor: Actor,
        *,
        where: Mapping[str, str] | None = None,
        states: Sequence[str] = (),
        text: str = "",
        order: str = "-updated_at",
        limit: int = 100,
        offset: int = 0,
    ) -> dict[str, Any]:
        """A page of records and how many there are in all; `where` filters on indexed fields, by their text."""
        kind = self.kind(type_id)
        wanted = {name: _choices(kind, name, value) for name, value in (where or {}).items()}
        known = kind.procedure.states if kind.procedure else {}
        for state in states:
            if state not in known:
                hint = f"one of {', '.join(known)}" if known else f"{kind.id} has no procedure"
                raise BadInput(f"{kind.id} has no state {state!r}", field="state", hint=hint)
        records = self._house.records
        found = records.find(
            type_id, wanted, states=states, text=text, order=order, limit=min(limit, MOST), offset=offset
        )
        return {
            "items": [record_dict(one, kind, actor.roles) for one in found],
            "total": records.count(type_id, wanted, states=states, text=text),
        }

    def get(self, type_id: str, record_id: str, actor: Actor) -> dict[str, Any]:
        kind = self.kind(type_id)
        return record_dict(self._house.records.get(type_id, record_id), kind, actor.roles)

    def create(
        self, type_id: str, data: Mapping[str, Any], actor: Actor, *, record_id: str | None = None, note: str = ""
    ) -> dict[str, Any]:
        kind = self._editable(type_id, actor)
        if type_id == "device":  # the id of a device is its MN
            record_id = record_id or (str(data["mn"]) if data.get("mn") else None)
        record = self._house.records.create(type_id, data, actor, id=record_id, note=note)
        return record_dict(record, kind, actor.roles)

    def create_from(self, type_id: str, body: Mapping[str, Any], actor: Actor) -> dict[str, Any]:
        """`create` from what a page sent: the fields, or {id, data, note} with the fields in ``data``."""
        sent = _opened(self.kind(type_id), body)
        return self.create(type_id, sent["data"], actor, record_id=sent["id"], note=sent["note"])

    def update_from(
        self, type_id: str, record_id: str, body: Mapping[str, Any], actor: Actor, *, version: int | None = None
    ) -> dict[str, Any]:
        """`update` from what a page sent: the fields, or {data, version, note}."""
        sent = _opened(self.kind(type_id), body)
        wanted = sent["version"] if version is None else version
        return self.update(type_id, record_id, sent["data"], actor, version=wanted, note=sent["note"])

    def update(
        self,
        type_id: str,
        record_id: str,
        changes: Mapping[str, Any],
        actor: Actor,
        *,
        version: int | None = None,
        note: str = "",
    ) -> dict[str, Any]:
        """Change fields; a masked value that comes back from a form is left as it is."""
        kind = self._editable(type_id, actor)
        hidden = {one.name for one in kind.fields if one.personal}  # secrets: the store itself knows its mask
        clean = {name: value for name, value in changes.items() if not (name in hidden and value == MASK)}
        record = self._house.records.update(type_id, record_id, clean, actor, version=version, note=note)
        return record_dict(record, kind, actor.roles)

    def delete(self, type_id: str, record_id: str, actor: Actor, *, note: str = "") -> None:
        """Take a record off the register; its history stays. Refused while others refer to it."""
        self._editable(type_id, actor)
        self._house.records.delete(type_id, record_id, actor, note=note)

    def load(self, type_id: str, rows: Sequence[Mapping[str, Any]], actor: Actor) -> int:
        """Create or update many, all or none; each row holds its ``id``. Returns how many were created or changed."""
        kind = self._editable(type_id, actor)
        declared = {one.name for one in kind.fields}
        pairs = []
        for number, row in enumerate(rows, 1):
            record_id = row.get("id") or (row.get("mn") if type_id == "device" else None)
            if not isinstance(record_id, str):
                raise BadInput(f"row {number} has no id", field="id", hint="every row needs an id of its own")
            fields = {name: value for name, value in row.items() if name in declared or name not in BOOKKEEPING}
            pairs.append((record_id, fields))
        return self._house.records.put_many(type_id, pairs, actor)

    def history(self, type_id: str, record_id: str, actor: Actor) -> dict[str, Any]:
        kind = self.kind(type_id)
        entries = self._house.records.history(type_id, record_id)
        return {"items": [history_dict(one, kind, actor.roles) for one in entries], "total": len(entries)}

    def step(
        self,
        type_id: str,
        record_id: str,
        step: str,
        given: Mapping[str, Any],
        actor: Actor,
        *,
        version: int | None = None,
        note: str = "",
    ) -> dict[str, Any]:
        """Take a step of the procedure; refused with what is missing while a guard does not hold."""
        kind = self.kind(type_id)
        if kind.procedure is None:
            raise NotFound("step", step)
        kind.procedure.transition(step)
        record = self._house.records.step(
            type_id, record_id, step, given, actor, context=self.context(type_id, record_id), version=version, note=note
        )
        if type_id in SYSTEM_ONLY:  # topics that live pages listen to
            taken = kind.procedure.transition(step)
            self._house.bus.publish(type_id, _step_event(record, taken, actor, self._house.clock.now()))
        return record_dict(record, kind, actor.roles)

    def steps(self, record: Record, actor: Actor) -> list[dict[str, Any]]:
        """Steps that lead on from the record's state, each with whether it may be taken now and what is missing."""
        kind = self.kind(record.type)
        if kind.procedure is None:
            return []
        context = self.context(record.type, record.id)
        out = []
        for step in kind.procedure.transitions:
            if record.state not in step.sources or tuple(step.by) == ("system",):
                continue
            missing = [m.as_dict() for guard in step.guards for m in guard(record.as_dict(), context)]
            permitted = bool(set(step.by) & set(actor.roles))
            if not permitted:
                roles = ", ".join(step.by)
                missing.append({"code": "role", "zh": f"需要角色:{roles}", "en": f"needs the role {roles}"})
            out.append(transition_dict(step) | {"allowed": permitted and not missing, "missing": missing})
        return out

    def context(self, type_id: str, record_id: str) -> Mapping[str, Any]:
        """What guards may look at."""
        if type_id == "case":
            context: Mapping[str, Any] = self._house.act.case_context(record_id)
            return context
        return {}

    def _editable(self, type_id: str, actor: Actor) -> RecordType:
        kind = self.kind(type_id)
        if not WRITERS & set(actor.roles):
            raise NotPermitted(f"changing records of {type_id} needs one of the roles {', '.join(sorted(WRITERS))}")
        if type_id in SYSTEM_ONLY or kind.fixed:
            raise NotPermitted(f"records of {type_id} are opened by the house; move them by their steps")
        return kind


def _step_event(record: Record, step: Transition, actor: Actor, now: int) -> dict[str, Any]:
    title = record.data.get("title") or record.data.get("sentence_zh") or record.id
    return {
        "at": now,
        "id": record.id,
        "ref": record.id,
        "state": record.state,
        "step": step.name,
        "actor": actor.name,
        "subject": record.data.get("subject"),
        "title": title,
        "zh": f"{step.zh}:{title}",
        "en": f"{step.en}: {title}",
        "version": record.version,
    }


def _opened(kind: RecordType, body: Mapping[str, Any]) -> dict[str, Any]:
    """Fields, id, version and note of a sent record; what a record carries beside its fields is not a change."""
    declared = {one.name for one in kind.fields}
    envelope = isinstance(body.get("data"), Mapping) and "data" not in declared
    source: Mapping[str, Any] = body["data"] if envelope else body
    beside = body if envelope else {name: value for name, value in body.items() if name not in declared}
    version, record_id, note = beside.get("version"), beside.get("id"), beside.get("note")
    if version is not None and (not isinstance(version, int) or isinstance(version, bool) or version < 1):
        raise BadInput(f"{version!r} is no version", field="version", hint="a whole number from 1")
    if record_id is not None and not isinstance(record_id, str):
        raise BadInput(f"{record_id!r} is no id", field="id", hint="text")
    return {
        "data": {name: value for name, value in source.items() if name in declared or name not in BOOKKEEPING},
        "id": record_id or None,
        "version": version,
        "note": str(note or "")[:2000],
    }


def _choices(kind: RecordType, name: str, text: str) -> str | list[str]:
    """A filter's value; codes, references and ids may be several, with commas between."""
    several = name == "id" or any(f.name == name and f.kind in ("code", "reference") for f in kind.fields)
    return text.split(",") if several and "," in text else text
