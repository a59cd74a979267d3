"""Excel or CSV into a register: every row is looked at before anything is written, and says what would become of it.

The same file gives the same answer, so it can be accepted twice: rows that stand already are left alone.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinyun.app.services.registers.naming import titled
from jinyun.app.services.registers.sheet_file import cell_text, read_sheet
from jinyun.app.services.registers.sheets import (
    CLEAR,
    ID_HEADING,
    LEFT,
    PARTED,
    REASON,
    code_of,
    columns_of,
    heading,
    plain_heading,
    refused,
)
from jinyun.app.services.words import MASK
from jinyun.app.tables import FALSE, TRUE
from jinyun.kernel.errors import BadInput, InvalidRecord, JinyunError, NotFound, NotPermitted
from jinyun.kernel.ports import Actor, Record
from jinyun.kernel.records import Field, RecordType
from jinyun.kernel.terms import CHINA

if TYPE_CHECKING:
    from jinyun.app.services.registers.service import Registers

PART = 500
"""Rows written in one transaction."""
SAY_EACH = 100
Say = Callable[[str, int, int], None]
"""Hears what is done now, how much of how much."""
NEW, CHANGED, SAME, REFUSED = "new", "changed", "same", "refused"


def silent(_what: str, _done: int, _total: int) -> None:
    """Nobody listens."""


@dataclass(slots=True)
class Row:
    """One row of a sheet and what would become of it."""

    number: int  # as the sheet counts, the heading is 1
    cells: Sequence[Any]
    id: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)  # heading -> rule
    before: Record | None = None
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    @property
    def what(self) -> str:
        """new, changed, same or refused."""
        if self.problems:
            return REFUSED
        if self.before is None:
            return NEW
        return CHANGED if self.changes else SAME

    def why(self) -> str:
        return "；".join(f"{name}：{rule}" for name, rule in self.problems.items())


class SheetImport:
    """A sheet, read against a register by one actor."""

    def __init__(
        self, registers: Registers, house: Any, kind: RecordType, actor: Actor, path: Path, *, say: Say = silent
    ) -> None:
        self._registers, self._house, self._kind, self._actor = registers, house, kind, actor
        self._say = say
        self.headings, body = read_sheet(path)
        self.fields, self.unknown = self._columns()
        self._found: dict[tuple[str, str, str], list[str]] = {}
        self.rows = [Row(number, cells) for number, cells in body]
        for done, row in enumerate(self.rows):
            if done % SAY_EACH == 0:
                say(" rows read", done, len(self.rows))
            self._read(row)
        self._check_twins()

    # --- what is asked of it ------------------------------------------------------------------------------------------

    def preview(self, limit: int = 500) -> dict[str, Any]:
        """Counts, and the rows that are not the same, the refused first."""
        order = {REFUSED: 0, CHANGED: 1, NEW: 2}
        told = sorted((one for one in self.rows if one.what != SAME), key=lambda one: order[one.what])
        return {
            **self.counts(), "unknown": self.unknown,
            "columns": [{"name": one.name, "zh": one.zh, "en": one.en} for one in self.fields.values()],
            "rows": [self._told(one) for one in told[:limit]], "cut": len(told) > limit,
        }  # fmt: skip

    def counts(self) -> dict[str, Any]:
        """How many rows are new, changed, the same, refused."""
        return {"total": len(self.rows)} | {
            what: sum(one.what == what for one in self.rows) for what in (NEW, CHANGED, SAME, REFUSED)
        }

    def accept(self) -> dict[str, Any]:
        """Write what is new or changed; a row that the store refuses after all is refused alone."""
        before = self.counts()
        todo = [one for one in self.rows if one.what in (NEW, CHANGED)]
        for start in range(0, len(todo), PART):
            self._say(" rows stored", start, len(todo))
            self._write(todo[start : start + PART])
        late = [one for one in todo if one.problems]
        return {
            **before, NEW: before[NEW] - sum(one.before is None for one in late),
            CHANGED: before[CHANGED] - sum(one.before is not None for one in late),
            REFUSED: before[REFUSED] + len(late),
            "rows": [self._told(one) for one in self.rows if one.what == REFUSED][:500],
        }  # fmt: skip

    def refused(self) -> bytes:
        """The refused rows as an Excel file."""
        rows = [(one.cells, one.why()) for one in self.rows if one.what == REFUSED]
        return refused(self._kind, self.headings, rows)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _write(self, rows: Sequence[Row]) -> None:
        records = self._house.records
        try:
            records.put_many(self._kind.id, [(one.id, one.data) for one in rows], self._actor)
        except JinyunError as wrong:
            if len(rows) == 1:
                rows[0].problems[ID_HEADING] = str(wrong)
                return
            for one in rows:
                self._write([one])

    def _told(self, row: Row) -> dict[str, Any]:
        return {
            "row": row.number, "id": row.id, "what": row.what, "problems": row.problems,
            "changes": [
                {"field": one.name, "zh": one.zh, "en": one.en, "before": row.changes[one.name][0],
                 "after": row.changes[one.name][1]}
                for one in self._kind.fields if one.name in row.changes
            ],
            "data": row.data if row.before is None else {},
        }  # fmt: skip

    def _columns(self) -> tuple[dict[int, Field], list[str]]:
        """Column -> field; headings that are none of this register's."""
        names: dict[str, Field] = {}
        for spec in columns_of(self._kind):
            for text in (spec.name, spec.en, spec.zh, heading(spec)):
                names.setdefault(plain_heading(text), spec)
        found: dict[int, Field] = {}
        unknown = []
        for column, text in enumerate(self.headings):
            bare = plain_heading(text)
            if not bare or bare in (ID_HEADING, "id", REASON):
                continue
            if bare not in names:
                unknown.append(text)
            elif (spec := names[bare]) in found.values():
                raise BadInput(f"two columns are called {text!r}", field=spec.name, hint="leave one of them out")
            else:
                found[column] = spec
        if not found:
            known = "、".join(heading(one) for one in columns_of(self._kind))
            raise BadInput(f"no heading of the sheet is a field of {self._kind.id}", hint=f"headings are {known}")
        return found, unknown

    def _read(self, row: Row) -> None:
        raw: dict[str, Any] = {}
        for column, spec in self.fields.items():
            cell = row.cells[column] if column < len(row.cells) else None
            text = cell.strip() if isinstance(cell, str) else cell
            if text in (None, "", MASK, LEFT):
                continue
            try:
                raw[spec.name] = None if text == CLEAR else self._value(spec, text)
            except (ValueError, TypeError, KeyError, RecursionError) as wrong:
                row.problems[heading(spec)] = str(wrong)
        given = next((row.cells[n] for n, text in enumerate(self.headings)
                      if plain_heading(text) in (ID_HEADING, "id") and n < len(row.cells)), None)  # fmt: skip
        row.id = cell_text(given).strip() if given not in (None, "") else ""
        row.before = self._existing(row, raw)
        try:
            clean = self._kind.validate(raw, partial=row.before is not None)
        except InvalidRecord as wrong:
            for name, why in wrong.problems.items():
                row.problems.setdefault(self._heading(name), why)
            return
        if row.problems:
            return
        row.data = clean
        if row.before is None:
            row.id = row.id or _id_of(self._kind, clean)
            row.before = self._record(row.id)
        if row.before is not None:
            self._compare(row)
        if row.what in (NEW, CHANGED):
            self._check_reach(row)

    def _check_reach(self, row: Row) -> None:
        """What the store would refuse to this actor is refused while reading, so that every answer says the same."""
        try:
            self._house.records.check_put(self._kind.id, row.id, row.data)
        except (NotFound, NotPermitted) as wrong:
            row.problems[ID_HEADING] = str(wrong)

    def _compare(self, row: Row) -> None:
        assert row.before is not None
        before = self._registers.gate.shown(row.before, self._kind, self._actor)
        for name, value in list(row.data.items()):
            spec, old = self._kind.field(name), row.before.data.get(name)
            if _equal(spec, old, value):
                del row.data[name]
            elif value is None and spec.required:
                row.problems[heading(spec)] = "required"
            else:
                row.changes[name] = (before.get(name), value)
        if row.changes and self._kind.fixed:
            row.problems[ID_HEADING] = "cannot be changed once it is made"

    def _existing(self, row: Row, raw: Mapping[str, Any]) -> Record | None:
        """The record a row is about: by its id, else by what identifies it."""
        if row.id:
            return self._record(row.id)
        for spec in self._kind.fields:
            if spec.identifies and raw.get(spec.name) not in (None, ""):
                ids = self._ids(self._kind.id, spec.name, str(raw[spec.name]))
                if ids:
                    row.id = ids[0]
                    return self._record(ids[0])
        return None

    def _record(self, record_id: str) -> Record | None:
        found = self._house.records.find(self._kind.id, {"id": record_id}, limit=1)
        return found[0] if found else None

    def _check_twins(self) -> None:
        """Rows about one record, and identifying values that another record or row has."""
        seen: dict[tuple[str, str], Row] = {}
        for row in self.rows:
            if row.problems:
                continue
            keys = [(ID_HEADING, row.id)]
            for spec in self._kind.fields:
                value = row.data.get(spec.name)
                if spec.identifies and value is not None:
                    keys.append((heading(spec), str(value)))
                    if any(one != row.id for one in self._ids(self._kind.id, spec.name, str(value))):
                        row.problems[heading(spec)] = f"{value!r} identifies another record already"
            for key in keys:
                if (first := seen.setdefault(key, row)) is not row:
                    row.problems[key[0]] = f"row {first.number} is about the same record"

    def _value(self, spec: Field, cell: Any) -> Any:
        if not spec.many:
            return self._one(spec, cell)
        text = cell_text(cell).strip()
        if text.startswith("["):  # as an export writes lists that hold what parts them
            values = json.loads(text)
            return [self._reference(spec, str(one)) for one in values] if spec.kind == "reference" else values
        parts = [one.strip() for one in PARTED.split(text) if one.strip()]
        return [self._one(spec, one) for one in parts]

    def _one(self, spec: Field, cell: Any) -> Any:
        text = cell_text(cell).strip()
        if spec.kind in ("number", "integer", "money"):
            return text.replace("，", "").replace(",", "")
        if spec.kind == "bool":
            word = text.casefold()
            if word not in TRUE | FALSE:
                raise ValueError(f"{text!r} is neither 是 nor 否")
            return word in TRUE
        if spec.kind == "code":
            return code_of(spec, text)
        if spec.kind == "place" and not text.startswith("{"):
            lon, _, lat = text.replace("，", ",").partition(",")
            return {"lon": float(lon), "lat": float(lat)}
        if spec.kind == "date":
            return _day(cell, text)
        if spec.kind == "datetime":
            moment = cell if isinstance(cell, datetime) else datetime.fromisoformat(text.replace("/", "-"))
            return (moment if moment.tzinfo else moment.replace(tzinfo=CHINA)).isoformat()
        if spec.kind in ("json", "place"):
            return json.loads(text)
        return self._reference(spec, text) if spec.kind == "reference" else text

    def _reference(self, spec: Field, text: str) -> str:
        """A record by its id, what identifies it, or its title when only one has it."""
        target = self._registers.kind(spec.to)
        if self._ids(spec.to, "id", text):
            return text
        for other in target.fields:
            if other.identifies and (ids := self._ids(spec.to, other.name, text)):
                return ids[0]
        ids = self._titled(target, text)
        if len(ids) == 1:
            return ids[0]
        if ids:
            raise ValueError(f"{len(ids)} records of {spec.to} are called {text!r}; give the id")
        raise ValueError(f"there is no {spec.to} {text!r}")

    def _ids(self, type_id: str, name: str, text: str) -> list[str]:
        key = (type_id, name, text)
        if key not in self._found:
            self._found[key] = [one.id for one in self._house.records.find(type_id, {name: text}, limit=3)]
        return self._found[key]

    def _titled(self, kind: RecordType, text: str) -> list[str]:
        """Records of that very name."""
        key = (kind.id, "", text)
        if key not in self._found:
            self._found[key] = titled(self._house.records, kind, text)
        return self._found[key]

    def _heading(self, name: str) -> str:
        return next((heading(one) for one in self._kind.fields if one.name == name), name)


def _equal(spec: Field, old: Any, new: Any) -> bool:
    if old is not None and new is not None and spec.kind in ("number", "money") and not spec.many:
        return Decimal(old) == Decimal(new)
    if isinstance(old, str) and spec.kind in ("text", "long_text"):
        return bool(old.strip() == new)  # the blanks around a text are none of a sheet's business
    return bool((old if old != [] else None) == (new if new != [] else None))


def _id_of(kind: RecordType, data: Mapping[str, Any]) -> str:
    """An id of a row's content: the same row again is the same record."""
    body = json.dumps([kind.id, dict(sorted(data.items()))], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(body.encode()).hexdigest()[:16]


def _day(cell: Any, text: str) -> str:
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    found = re.fullmatch(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?", text) or re.fullmatch(
        r"(\d{4})(\d\d)(\d\d)", text
    )
    if not found:
        raise ValueError(f"{text!r} is no date; write 2026-03-01")
    return date(*map(int, found.groups())).isoformat()
