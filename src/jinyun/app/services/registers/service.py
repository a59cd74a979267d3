"""Registers: list, find, create, change and step records of any declared type, with secrets masked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinyun.app.services.cases.contexts import guard_context
from jinyun.app.services.registers.attachments import Attachments
from jinyun.app.services.registers.clocks import Clocks
from jinyun.app.services.registers.gate import SYSTEM_ONLY, Gate
from jinyun.app.services.registers.sheet_in import Say, SheetImport, silent
from jinyun.app.services.registers.sheets import exported, template
from jinyun.app.services.registers.views import Views
from jinyun.app.services.words import MASK, transition_dict, type_dict
from jinyun.app.then import stamped
from jinyun.kernel.errors import BadInput, NotFound
from jinyun.kernel.ports import Actor, HistoryEntry, Record
from jinyun.kernel.record_moves import difference
from jinyun.kernel.records import RecordType, Transition
from jinyun.store.record_clocks import timed
from jinyun.store.record_rules import extension_refused, person_missing
from jinyun.store.record_search import LATE, not_indexed

if TYPE_CHECKING:
    from jinyun.app.assemble import House

MOST = 10_000  # records one answer may hold
FIRST, PORTION = 50, 500
"""Records that an export reads at once: at first few, so that it begins."""
BOOKKEEPING = frozenset({
    "id", "type", "version", "state", "state_zh", "state_en", "created_at", "updated_at", "updated_by", "clocks",
    "procedure_version",
})  # fmt: skip


class Registers:
    """Every register of the house, by declaration."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.gate = Gate(house)
        self.clocks = Clocks(house)
        self.attachments = Attachments(self, house)
        self.views = Views(self, house)

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
        late: bool = False,
    ) -> dict[str, Any]:
        """A page of records and how many there are in all; `where` filters on indexed fields, by their text; `late`:
        only those with a clock that has run out."""
        kind = self.kind(type_id)
        wanted, states = self._wanted(kind, actor, where, states, late)
        records, limit = self._house.records, min(limit, MOST)
        if late and self._house.as_of is not None:
            ids = [one for portion in self._late_then(kind, wanted, states, text, order) for one in portion]
            shown = self._many_shown(records.load(type_id, ids[offset : offset + limit]), kind, actor)
            return stamped(self._house, {"items": shown, "total": len(ids)})
        found = records.find(type_id, wanted, states=states, text=text, order=order, limit=limit, offset=offset)
        total = records.count(type_id, wanted, states=states, text=text)
        return stamped(self._house, {"items": self._many_shown(found, kind, actor), "total": total})

    def every(
        self,
        type_id: str,
        actor: Actor,
        *,
        where: Mapping[str, str] | None = None,
        states: Sequence[str] = (),
        text: str = "",
        order: str = "-updated_at",
        late: bool = False,
    ) -> tuple[list[str], Iterator[list[dict[str, Any]]]]:
        """Columns, and all records of a list in portions, as they are when each portion is read: for exports."""
        kind = self.kind(type_id)
        wanted, states = self._wanted(kind, actor, where, states, late)
        if late and self._house.as_of is not None:
            ids = [one for portion in self._late_then(kind, wanted, states, text, order) for one in portion]
        else:
            ids = self._house.records.ids(type_id, wanted, states=states, text=text, order=order)

        def portions() -> Iterator[list[dict[str, Any]]]:
            for part in (ids[:FIRST], *(ids[at : at + PORTION] for at in range(FIRST, len(ids), PORTION))):
                yield self._many_shown(self._house.records.load(type_id, part), kind, actor)

        blank = Record(type_id, "", 0, "", dict.fromkeys(one.name for one in kind.fields), 0, 0, "")
        columns = [*self.gate.shown(blank, kind, actor), *(["clocks"] if timed(kind) else ())]
        return columns, portions()

    def _late_then(
        self, kind: RecordType, wanted: Mapping[str, Any], states: Sequence[str], text: str, order: str
    ) -> Iterator[list[str]]:
        """Ids of what was late at an earlier moment: kept ends are those of now, so clocks are computed."""
        records, asked = self._house.records, {name: value for name, value in wanted.items() if name != LATE}
        ids = records.ids(kind.id, asked, states=states, text=text, order=order)
        for start in range(0, len(ids), PORTION):
            found = records.load(kind.id, ids[start : start + PORTION])
            clocks = self.clocks.of(kind, found, self._house.clock.now())
            yield [one.id for one in found if any(each["late"] for each in clocks.get(one.id, ()))]

    def _many_shown(self, found: Sequence[Record], kind: RecordType, actor: Actor) -> list[dict[str, Any]]:
        clocks = self.clocks.of(kind, found, self._house.clock.now())
        shown = [self.gate.shown(one, kind, actor) for one in found]
        for one in shown:
            if one["id"] in clocks:
                one["clocks"] = clocks[one["id"]]
        return shown

    def _wanted(
        self, kind: RecordType, actor: Actor, where: Mapping[str, str] | None, states: Sequence[str], late: bool
    ) -> tuple[dict[str, Any], Sequence[str]]:
        """What the store is asked for: conditions and states."""
        wanted: dict[str, Any] = {name: _choices(kind, name, value) for name, value in (where or {}).items()}
        for name in wanted:
            if name.startswith("@"):  # how the house itself asks the store
                raise not_indexed(kind, name)
        known = kind.states()
        for state in states:
            if state not in known:
                hint = f"one of {', '.join(known)}" if known else f"{kind.id} has no procedure"
                raise BadInput(f"{kind.id} has no state {state!r}", field="state", hint=hint)
        wanted |= self.gate.where(actor, kind)
        if late:
            if not timed(kind):
                raise BadInput(f"{kind.id} has no clock", field="late", hint="leave it out")
            wanted[LATE], states = self._house.clock.now(), states or running_states(kind)
        return wanted, states

    def get(self, type_id: str, record_id: str, actor: Actor) -> dict[str, Any]:
        """One record, with its clocks as of now."""
        kind = self.kind(type_id)
        record = self._house.records.get(type_id, record_id)
        self.gate.read(actor, kind, record)
        return stamped(self._house, self._shown(record, kind, actor))

    def _shown(self, record: Record, kind: RecordType, actor: Actor) -> dict[str, Any]:
        clocks = self.clocks.of(kind, [record], self._house.clock.now())
        return self.gate.shown(record, kind, actor) | ({"clocks": clocks[record.id]} if record.id in clocks else {})

    def create(
        self, type_id: str, data: Mapping[str, Any], actor: Actor, *, record_id: str | None = None, note: str = ""
    ) -> dict[str, Any]:
        kind = self.kind(type_id)
        self.gate.edit(actor, kind)
        if type_id == "device":  # the id of a device is its MN
            record_id = record_id or (str(data["mn"]) if data.get("mn") else None)
        self.attachments.check(kind, data, actor)
        record = self._house.records.create(type_id, data, actor, id=record_id, note=note)
        return self._shown(record, kind, actor)

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
        self, type_id: str, record_id: str, changes: Mapping[str, Any], actor: Actor, *, version: int | None = None,
        note: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Change fields; a masked value that comes back from a form is left as it is."""
        kind = self._editable(type_id, record_id, actor)
        hidden = {one.name for one in kind.fields if one.personal}  # secrets: the store itself knows its mask
        clean = {name: value for name, value in changes.items() if not (name in hidden and value == MASK)}
        self.attachments.check(kind, clean, actor)
        record = self._house.records.update(type_id, record_id, clean, actor, version=version, note=note)
        return self._shown(record, kind, actor)

    def delete(self, type_id: str, record_id: str, actor: Actor, *, note: str = "") -> None:
        """Take a record off the register; its history stays. Refused while others refer to it."""
        self._editable(type_id, record_id, actor)
        self._house.records.delete(type_id, record_id, actor, note=note)

    def load(self, type_id: str, rows: Sequence[Mapping[str, Any]], actor: Actor) -> int:
        """Create or update many, all or none; each row holds its ``id``. Returns how many were created or changed."""
        kind = self.kind(type_id)
        self.gate.edit(actor, kind)
        declared = {one.name for one in kind.fields}
        pairs = []
        for number, row in enumerate(rows, 1):
            record_id = row.get("id") or (row.get("mn") if type_id == "device" else None)
            if not isinstance(record_id, str):
                raise BadInput(f"row {number} has no id", field="id", hint="every row needs an id of its own")
            fields = {name: value for name, value in row.items() if name in declared or name not in BOOKKEEPING}
            self.attachments.check(kind, fields, actor)
            pairs.append((record_id, fields))
        return self._house.records.put_many(type_id, pairs, actor)

    def template(self, type_id: str, actor: Actor) -> bytes:
        """An empty Excel file with headings, codes and help."""
        kind = self.kind(type_id)
        self.gate.read(actor, kind)
        return template(kind)

    def exported(self, type_id: str, actor: Actor, *, columns: Sequence[str] = (), **asked: Any) -> bytes:
        """Records as an Excel file; `asked` as in `find`."""
        kind = self.kind(type_id)
        for name in columns:
            kind.field(name)
        found = self.find(type_id, actor, limit=MOST, **asked)
        if found["total"] > MOST:
            raise BadInput(f"{found['total']} records are more than a sheet takes", hint=f"at most {MOST}; filter them")
        return exported(kind, found["items"], columns)

    def sheet(self, type_id: str, file: str, actor: Actor) -> SheetImport:
        """An uploaded workbook or CSV, read against a register."""
        self.gate.edit(actor, self.kind(type_id))
        path, _ = self.attachments.file(file, actor)
        return self.sheet_of(type_id, path, actor)

    def sheet_of(self, type_id: str, path: Path, actor: Actor, *, say: Say = silent) -> SheetImport:
        """A workbook or CSV that lies somewhere, read against a register."""
        kind = self.kind(type_id)
        self.gate.edit(actor, kind)
        return SheetImport(self, self._house, kind, actor, path, say=say)

    def history(self, type_id: str, record_id: str, actor: Actor) -> dict[str, Any]:
        kind = self.kind(type_id)
        self.gate.read(actor, kind)
        entries = self._house.records.history(type_id, record_id)
        return {"items": [self.gate.history(one, kind, actor) for one in entries], "total": len(entries)}

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
        before = self._house.records.get(type_id, record_id)
        self.gate.read(actor, kind, before)
        procedure = kind.procedure_at(before.procedure)
        assert procedure is not None
        taken = procedure.transition(step)
        self.attachments.check(taken, given, actor)
        record = self._house.records.step(
            type_id, record_id, step, given, actor, context=self.context(type_id, record_id), version=version, note=note
        )
        if type_id in SYSTEM_ONLY:  # topics that live pages listen to
            self._house.bus.publish(type_id, _step_event(record, taken, actor, self._house.clock.now()))
        return self._shown(record, kind, actor)

    def move(
        self, type_id: str, record_id: str, to: int, actor: Actor, *, state: str = "", version: int | None = None,
        note: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Let a running record go on by another version of its procedure."""
        kind = self.kind(type_id)
        self.gate.write(actor, kind, self._house.records.get(type_id, record_id))
        moved = self._house.records.move(type_id, record_id, to, actor, state=state, version=version, note=note)
        return self._shown(moved, kind, actor)

    def ways(self, type_id: str, record_id: str, actor: Actor) -> dict[str, Any]:
        """How a record may go on: steps of its procedure, and versions it can move to with what differs."""
        kind = self.kind(type_id)
        record = self._house.records.get(type_id, record_id)
        self.gate.read(actor, kind, record)
        now = kind.procedure_at(record.procedure)
        moves = [difference(now, one, record.state).as_dict() for one in kind.versions if now and one is not now]
        for one in moves:
            wanted = kind.procedure_at(one["new"])
            assert wanted is not None
            one["states"] = {state: {"zh": zh, "en": en} for state, (zh, en) in wanted.states.items()}
        items = self.steps(record, actor)
        return {"items": items, "total": len(items), "version": record.version, "moves": moves}

    def steps(self, record: Record, actor: Actor) -> list[dict[str, Any]]:
        """Steps that lead on from the record's state, each with whether it may be taken now and what is missing."""
        kind = self.kind(record.type)
        procedure = kind.procedure_at(record.procedure)
        if procedure is None or self._house.as_of is not None:  # no step is taken in the past
            return []
        context = self.context(record.type, record.id)
        out = []
        for step in procedure.transitions:
            if record.state not in step.sources or tuple(step.by) == ("system",):
                continue
            missing = [m.as_dict() for guard in step.guards for m in guard(record.as_dict(), context)]
            missing += [one.as_dict() for one in extension_refused(kind, step, record, lambda: self._entries(record))]
            permitted = bool(set(step.by) & set(actor.roles))
            if not permitted:
                roles = ", ".join(step.by)
                missing.append({"code": "role", "zh": f"需要角色:{roles}", "en": f"needs the role {roles}"})
            taker = self._taken_by(record, step.second_of) if step.second_of else None
            if (not_you := person_missing(kind, step, record.data, actor, taker)) is not None:
                missing.append(not_you.as_dict())
                permitted = False
            out.append(transition_dict(step) | {"allowed": permitted and not missing, "missing": missing})
        return out

    def _taken_by(self, record: Record, step: str) -> str | None:
        taken = (one.actor for one in reversed(self._house.records.history(record.type, record.id)) if one.step == step)
        return next(taken, None)

    def _entries(self, record: Record) -> list[HistoryEntry]:
        found: list[HistoryEntry] = self._house.records.history(record.type, record.id)
        return found

    def context(self, type_id: str, record_id: str) -> Mapping[str, Any]:
        """What guards may look at."""
        return guard_context(self._house, type_id, record_id)

    def _editable(self, type_id: str, record_id: str, actor: Actor) -> RecordType:
        kind = self.kind(type_id)
        self.gate.edit(actor, kind)
        self.gate.edit(actor, kind, self._house.records.get(type_id, record_id))
        return kind


def running_states(kind: RecordType) -> list[str]:
    """States in which a clock may still run: those that do not stop all clocks of a version that has them."""
    running = dict.fromkeys(
        state
        for one in kind.versions
        for state in one.states
        if any(state not in clock.stops for clock in one.clocks)
    )  # fmt: skip
    return list(running)


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
