"""What a declared type means for storage: canonical data, index values, search text, what changed, masking. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from jinyun.domains.supervision.clock_ledgers import extension_missing
from jinyun.kernel.errors import InvalidRecord, NotPermitted, Refused
from jinyun.kernel.ports import Actor, HistoryEntry, Record
from jinyun.kernel.record_checks import LENGTH
from jinyun.kernel.records import Field, Missing, RecordType, Transition, validate_fields
from jinyun.kernel.terms import CHINA, china_time

MASK = "••••••"
INDEXABLE = ("text", "number", "integer", "money", "date", "datetime", "code", "reference", "person", "bool")
NUMBERS = ("number", "integer", "money")
_INDEX_LENGTH = 300


def indexed_fields(kind: RecordType) -> dict[str, Field]:
    """Fields that can be filtered on; references always, so that what points at a record can be found, and what
    identifies a record, owns it or places it."""
    own = {kind.owner, kind.jurisdiction}
    return {
        f.name: f
        for f in kind.fields
        if f.kind in INDEXABLE and not f.secret
        and (f.indexed or f.identifies or f.kind == "reference" or f.name in own)
    }  # fmt: skip


COPY_LENGTH = 120
"""Length of the copies of two fields beside a record; a value as long as that is told apart by its index entry."""


def anchor_field(kind: RecordType) -> Field | None:
    """The field that leads to a record's place: its own, or the reference at the beginning of the path."""
    return _copied(kind, kind.jurisdiction.partition(".")[0])


def owner_field(kind: RecordType) -> Field | None:
    """The field that names whose turn it is."""
    return _copied(kind, kind.owner)


def _copied(kind: RecordType, name: str) -> Field | None:
    spec = indexed_fields(kind).get(name)
    return None if spec is None or spec.many else spec


def copies(kind: RecordType, data: Mapping[str, Any]) -> dict[str, str]:
    """The columns `anchor` and `owner` of a record; "" where it has none."""
    made = {}
    for column, spec in (("anchor", anchor_field(kind)), ("owner", owner_field(kind))):
        value = None if spec is None else data.get(spec.name)
        made[column] = "" if spec is None or value is None else index_text(spec, value)[:COPY_LENGTH]
    return made


def identifying_fields(kind: RecordType) -> dict[str, Field]:
    """Fields whose value no other living record of the type may have."""
    return {f.name: f for f in kind.fields if f.identifies}


def index_text(spec: Field, value: Any) -> str:
    """A canonical value as the index keeps it: 1.50 and 1.5 are one number."""
    if spec.kind == "bool":
        return "true" if value else "false"
    if spec.kind in ("number", "money"):
        return format(Decimal(value).normalize(), "f")
    if spec.kind == "datetime":
        return _in_china(value)
    return storable(str(value))[:_INDEX_LENGTH]


def _in_china(moment: str) -> str:
    """One moment is one text, and texts are in the order of their moments, whatever offset each was written with."""
    try:
        return datetime.fromisoformat(moment).astimezone(CHINA).isoformat()
    except (ValueError, OverflowError):  # outside the years that have a date everywhere
        return moment


def index_entries(kind: RecordType, data: Mapping[str, Any]) -> Iterator[tuple[str, str, float | None]]:
    """(field, value, number for ordering) of a record."""
    for name, spec in indexed_fields(kind).items():
        value = data.get(name)
        if value is None:
            continue
        values = value if spec.many else (value,)
        for text in dict.fromkeys(index_text(spec, one) for one in values):
            yield name, text, float(text) if spec.kind in NUMBERS else None


def search_text(kind: RecordType, record_id: str, data: Mapping[str, Any]) -> str:
    """Lower-case text that a search looks in: id, title and the indexed text fields, code words included."""
    words: list[str] = [record_id]
    for spec in kind.fields:
        value = data.get(spec.name)
        if value is None or spec.secret or not (spec.name == kind.title or spec.indexed or spec.identifies):
            continue
        for one in value if spec.many else (value,):
            words.extend(spec.codes.get(one, (str(one),)) if spec.kind == "code" else (str(one),))
    return "\n".join(words).replace("\x00", "").lower()


def canonical(kind: RecordType, data: Mapping[str, Any], *, partial: bool = False) -> dict[str, Any]:
    """`data` by the type's rules, without the fields that are only a mask; None clears a field.

    Raises
    ------
    InvalidRecord
        Naming every broken field and rule.
    """
    secrets = {f.name for f in kind.fields if f.secret}
    given = {name: value for name, value in data.items() if not (name in secrets and value == MASK)}
    clean = kind.validate(given, partial=partial)
    _check_encodable(kind.id, clean)
    return clean


def merged(kind: RecordType, before: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`before` with `changes` over it; cleared fields are gone."""
    data = {**before, **changes}
    missing = {f.name: "required" for f in kind.fields if f.required and data.get(f.name) is None}
    if missing:
        raise InvalidRecord(kind.id, missing)
    return {name: value for name, value in data.items() if value is not None}


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields that differ, as they were and as they are."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {n: before[n] for n in names if n in before}, {n: after[n] for n in names if n in after}


def masked(
    kind: RecordType, data: Mapping[str, Any], *, secrets: bool = True, personal: bool = False
) -> dict[str, Any]:
    """`data` as a page may show it: set secrets (and, if asked, personal fields) become a mask. Works on a record's
    data, its flat form and the before/after of its history; giving the mask back leaves a secret as it was."""
    hide = {f.name for f in kind.fields if (secrets and f.secret) or (personal and f.personal)}
    return {name: MASK if name in hide and value not in (None, "") else value for name, value in data.items()}


def may_step(kind: RecordType, record: Record, name: str, actor: Actor) -> Transition:
    """The transition `name` of the record's own version of the procedure, when `actor` may take it from its state.

    Raises
    ------
    NotFound, NotPermitted, Refused
        No such step, not this role, or not from this state.
    """
    procedure = kind.procedure_at(record.procedure)
    if procedure is None:
        raise Refused(f"{kind.zh} {kind.en} has no procedure, so no step {name!r}")
    step = procedure.transition(name)
    if not set(actor.roles) & set(step.by):
        raise NotPermitted(
            f"{actor.name} ({', '.join(actor.roles) or 'no role'}) may not {step.en!r} ({step.zh}); "
            f"that is for {', '.join(step.by)}"
        )
    if record.state not in step.sources:
        sources = [procedure.states.get(one, (one, one)) for one in step.sources]
        now = procedure.states.get(record.state, (record.state, record.state))
        zh = f"当前为“{now[0]}”，须在“{'、'.join(s[0] for s in sources)}”时才能{step.zh}"
        en = f"it is {now[1]!r}; {step.en!r} is possible when {' or '.join(repr(s[1]) for s in sources)}"
        raise Refused(en, missing=[{"code": "state", "zh": zh, "en": en}])
    return step


def person_missing(
    kind: RecordType, step: Transition, data: Mapping[str, Any], actor: Actor, taken_by: str | None
) -> Missing | None:
    """What `Transition.only` holds against this person; None: nothing. The house itself is nobody's owner or second.

    Parameters
    ----------
    taken_by : str or None
        Who last took the step `second_of`.
    """
    if not step.only or "system" in actor.roles:
        return None
    if step.only == "owner":
        owner = data.get(kind.owner)
        owners = owner if isinstance(owner, list) else [owner]
        if ({actor.name, actor.unit} - {""}) & set(owners):
            return None
        named = "、".join(map(str, filter(None, owners)))
        return Missing(
            "owner",
            f"只能由承办方（{named or '尚未指定'}）{step.zh}",
            f"{step.en} is for the owner ({named or 'none'})",
        )
    if taken_by != actor.name:
        return None
    return Missing(
        "second", f"须由另一人{step.zh}，不能是{taken_by}本人", f"{step.en} needs a second person, not {taken_by}"
    )


def extension_refused(
    kind: RecordType, step: Transition, record: Record, history: Callable[[], Iterable[HistoryEntry]]
) -> list[Missing]:
    """What stands against a step that extends a clock; `history` is asked only for such a step."""
    procedure = kind.procedure_at(record.procedure)
    if procedure is None or step.name not in {one.step for clock in procedure.clocks for one in clock.extends}:
        return []
    found = extension_missing(procedure, step.name, record.data, history())
    return [] if found is None else [found]


def file_ids(fields: Iterable[Field], data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(field, attachment id) of the files in `data`."""
    for spec in fields:
        if spec.kind == "file" and (value := data.get(spec.name)) is not None:
            for one in value if spec.many else (value,):
                yield spec.name, one


def given_fields(kind: RecordType, step: Transition, given: Mapping[str, Any]) -> dict[str, Any]:
    """What was filled in at a step, checked.

    Raises
    ------
    InvalidRecord
        A value breaks its rule.
    Refused
        A needed one is not there.
    """
    clean = validate_fields(f"{kind.id}.{step.name}", step.fields, given, partial=True)
    _check_encodable(f"{kind.id}.{step.name}", clean)
    specs = {f.name: f for f in step.fields}
    needed = dict.fromkeys([*step.needs, *(f.name for f in step.fields if f.required)])
    missing = [
        {"code": f"field:{name}", "zh": f"请填写{_words(specs, name)[0]}", "en": f"{_words(specs, name)[1]} is needed"}
        for name in needed
        if clean.get(name) in (None, "", [])
    ]
    if missing:
        raise Refused(f"{step.en}: " + "; ".join(m["en"] for m in missing), missing=missing)
    return {name: value for name, value in clean.items() if value is not None}


def set_by_step(
    kind: RecordType, step: Transition, data: Mapping[str, Any], given: Mapping[str, Any], actor: Actor, *, now: int
) -> dict[str, Any]:
    """Record fields that the step itself sets (`Transition.sets`). `now` [µs]."""
    values: dict[str, Any] = {}
    for name, source in step.sets.items():
        if source == "@now":
            spec = kind.field(name)
            values[name] = now if spec.kind == "integer" else china_time(now // 1_000_000).isoformat()
        elif source == "@actor":
            values[name] = actor.name
        elif source == "@none":
            values[name] = None
        elif source.startswith(LENGTH):
            values[name] = len(data.get(source.removeprefix(LENGTH)) or ())
        elif source in given:
            values[name] = given[source]
    return values


def appended_by_step(
    step: Transition, data: Mapping[str, Any], given: Mapping[str, Any], actor: Actor, now: int
) -> dict[str, Any]:
    """List fields that the step makes longer (`Transition.appends`): {text, at, by} joins the end. `now` [µs]."""
    at = china_time(now // 1_000_000).isoformat()
    return {
        name: [*(data.get(name) or ()), {"text": given[source], "at": at, "by": actor.name}]
        for name, source in step.appends.items()
        if source in given
    }


def full(kind: RecordType | None, data: Mapping[str, Any]) -> dict[str, Any]:
    """`data` with every declared field there, None where not set."""
    return {**{f.name: None for f in kind.fields}, **data} if kind else dict(data)


def _words(specs: Mapping[str, Field], name: str) -> Sequence[str]:
    spec = specs.get(name)
    return (spec.zh, spec.en) if spec else (name, name)


def storable(text: str) -> str:
    """A text as both databases take it: PostgreSQL has no NUL, neither has halves of characters."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def _check_encodable(where: str, clean: Mapping[str, Any]) -> None:
    problems = {name: "has characters that are no text" for name, value in clean.items() if not _encodable(value)}
    if problems:
        raise InvalidRecord(where, problems)


def _encodable(value: Any) -> bool:
    try:
        msgspec.json.encode(value)
    except (UnicodeEncodeError, TypeError):
        return False
    return True
