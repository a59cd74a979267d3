"""Edits that a phone queued while it had no network, each carried out once whatever is sent again.

An edit is known by (device, key). Its answer is kept in the transaction of the change (`store.field_sync`), so a repeat
- sent again after a lost answer, three at once, out of order - finds it and is told the same. Refusals are kept too:
a device that was told "no" asks again under a new key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from jinyun.app.services.fieldwork.uploads import FieldUploads, UploadMissing
from jinyun.kernel.errors import (
    BadInput,
    Conflict,
    InvalidRecord,
    JinyunError,
    NotFound,
    NotPermitted,
    Refused,
    UnknownFactor,
)
from jinyun.kernel.ports import Actor
from jinyun.kernel.records import Field
from jinyun.kernel.terms import china_time
from jinyun.store.field_sync import DONE, FieldEdit, SqlFieldEdits, answered, done_answer

if TYPE_CHECKING:
    from jinyun.app.use_cases import UseCases

OPS = ("create", "update", "step")
FINAL = (BadInput, Conflict, InvalidRecord, NotFound, NotPermitted, Refused, UnknownFactor)
"""Errors that another try of the same would meet again."""
UPLOAD = "upload:"
"""Before the id of an upload where a record has a file."""


class EditWaits(JinyunError):
    """The edit it follows has not come, or was refused."""

    code, status_hint = "edit-waits", 409


class KeyUsed(JinyunError):
    """The same device and key with something else."""

    code, status_hint = "key-used", 422


@dataclass(frozen=True, slots=True)
class Edit:
    """What a device sends. `after` is the key of an edit of the same record that comes before it: where `version` is
    not said, the edit is meant for what that one made. `at` and `sent_at`: the device's clock. [µs]"""

    device: str
    key: str
    op: str
    type: str
    id: str
    at: int
    sent_at: int
    data: Mapping[str, Any] = field(default_factory=dict)
    step: str = ""
    version: int | None = None
    after: str = ""
    note: str = ""

    def digest(self) -> str:
        """SHA-256 of what is asked; when it is sent again only `sent_at` is another."""
        asked = {name: getattr(self, name) for name in self.__slots__ if name != "sent_at"}
        return hashlib.sha256(msgspec.json.encode(asked, order="deterministic")).hexdigest()


class FieldEdits:
    """Edits of one house's devices."""

    def __init__(self, house: Any, uploads: FieldUploads) -> None:
        self._house, self._uploads = house, uploads
        self._kept = SqlFieldEdits(house.database)
        house.records.witnesses.append(self._kept.witness)

    def take(self, edit: Edit, cases: UseCases, actor: Actor) -> tuple[int, bytes, bool]:
        """Carry out an edit as `actor` may by `cases`: (HTTP status, JSON answer, whether it was known before).

        Raises
        ------
        EditWaits, UploadMissing
            It may be sent again, later and as it is: something it needs has not come.
        KeyUsed
            The key stands for another edit, or for one of somebody else.
        """
        if edit.op not in OPS:
            raise BadInput(f"no edit {edit.op!r}", field="op", hint=f"one of {', '.join(OPS)}")
        if not (edit.type + edit.id).isprintable():  # what cannot be kept cannot be answered again
            raise BadInput("type and id are printable characters", field="id")
        try:
            digest = edit.digest()
        except ValueError as wrong:
            raise BadInput("the edit has characters that are no text", field="data") from wrong
        wanted = FieldEdit(
            edit.device, edit.key, actor.name, edit.op, edit.type, edit.id, digest, edit.at, edit.sent_at,
            self._house.clock.now(),
        )  # fmt: skip
        known = self._known(wanted)
        if known is not None:
            return (*known, True)
        try:
            self._carry_out(edit, wanted, cases, actor)
        except FINAL as wrong:
            outcome = "conflict" if isinstance(wrong, Conflict) else "refused"
            self._keep_refusal(wanted, outcome, wrong)
        found = self._known(wanted)
        assert found is not None
        return (*found, False)

    def of(self, actor: Actor, device: str) -> list[dict[str, Any]]:
        """Newest edits of the actor with their answers, for a device that lost its own memory of them."""
        return [
            {
                "device": one.device, "key": one.key, "op": one.op, "type": one.type, "id": one.record,
                "outcome": one.outcome, "version": one.version, "at": one.at, "sent_at": one.sent_at,
                "received_at": one.received_at,
            }
            for one in self._kept.of(actor.name, device)
        ]  # fmt: skip

    # --- inside -------------------------------------------------------------------------------------------------------

    def _known(self, wanted: FieldEdit) -> tuple[int, bytes] | None:
        found = self._kept.find(wanted.device, wanted.key)
        if found is None:
            return None
        if found.digest != wanted.digest or found.actor != wanted.actor:
            raise KeyUsed(f"the key {wanted.key!r} of this device stands for another edit; take a new one")
        answer = found.answer.encode()
        status = 200 if found.outcome == DONE else int(msgspec.json.decode(answer)["status"])
        return status, answer

    def _keep_refusal(self, wanted: FieldEdit, outcome: str, wrong: JinyunError) -> None:
        told = {
            "outcome": outcome, "status": wrong.status_hint, "key": wanted.key, "type": wanted.type,
            "id": wanted.record, "at": wanted.at, "sent_at": wanted.sent_at, "received_at": wanted.received_at,
        }  # fmt: skip
        error = wrong.as_dict()["error"] | {"outcome": outcome}
        self._kept.keep(answered(wanted, outcome, told | {"error": error}))

    def _carry_out(self, edit: Edit, wanted: FieldEdit, cases: UseCases, actor: Actor) -> None:
        """Do it, by the same rights and rules as on every page."""
        action = "register.step" if edit.op == "step" else "register.write"
        cases.rights.may(actor, action, edit.type).demand()
        kind = cases.registers.kind(edit.type)
        version = edit.version
        if edit.after:
            before = self._kept.find(edit.device, edit.after)
            if before is None or before.outcome != DONE:
                state = "has not come yet" if before is None else "was refused"
                raise EditWaits(f"the edit {edit.after!r} that this one follows {state}")
            version = before.version if version is None else version
        if edit.op == "step":
            procedure = kind.procedure_at(cases.house.records.get(edit.type, edit.id).procedure)
            fields = procedure.transition(edit.step).fields if procedure is not None else ()
        else:
            fields = kind.fields
        data = self._with_files(fields, edit.data, actor)
        note = " ".join(part for part in (_note(edit), edit.note) if part)
        registers = cases.registers
        with self._kept.under(wanted):
            if edit.op == "create":
                made = registers.create(edit.type, data, actor, record_id=edit.id, note=note)
            elif edit.op == "update":
                made = registers.update(edit.type, edit.id, data, actor, version=version, note=note)
            else:
                made = registers.step(edit.type, edit.id, edit.step, data, actor, version=version, note=note)
        if self._kept.find(edit.device, edit.key) is None:  # nothing was to be changed
            told = done_answer(wanted, made["version"], str(made.get("state") or ""))
            self._kept.keep(answered(wanted, DONE, told, made["version"]))

    def _with_files(self, fields: tuple[Field, ...], data: Mapping[str, Any], actor: Actor) -> dict[str, Any]:
        """Ids of uploads replaced by those of the files they became."""
        clean = dict(data)
        for spec in fields:
            value = clean.get(spec.name)
            if spec.kind != "file" or value in (None, "", []):
                continue
            if isinstance(value, list):
                clean[spec.name] = [self._file(one, actor) for one in value]
            else:
                clean[spec.name] = self._file(value, actor)
        return clean

    def _file(self, value: Any, actor: Actor) -> Any:
        if not isinstance(value, str) or not value.startswith(UPLOAD):
            return value
        if not value.isprintable():
            raise BadInput(f"{value!r} is no id of an upload", field="data")
        found = self._uploads.attachment(value.removeprefix(UPLOAD), actor)
        if not found:
            raise UploadMissing(f"the file {value.removeprefix(UPLOAD)!r} has not come whole yet")
        return found


def _note(edit: Edit) -> str:
    """The device's moment, for whoever reads the record's history; the history's own time is the node's."""
    return f"现场填写 {china_time(edit.at // 1_000_000):%Y-%m-%d %H:%M:%S}"
