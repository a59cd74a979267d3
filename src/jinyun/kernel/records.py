"""Declaring record types and procedures: what a domain says; the rooms give storage, forms, API, rights and history."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from jinyun.kernel.errors import InvalidRecord, NotFound

KINDS = ("text", "long_text", "number", "integer", "date", "datetime", "code", "place", "reference", "bool", "json")
"""`code` takes one of `Field.codes`, `place` is ``{"lon": …, "lat": …}``, `reference` an id of type `Field.to`."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record type."""

    name: str
    zh: str
    en: str
    kind: str = "text"
    required: bool = False
    unit: str = ""
    codes: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # code -> (zh, en)
    to: str = ""  # record type that a reference points at
    many: bool = False  # a list of such values
    pattern: str = ""
    minimum: str = ""
    maximum: str = ""
    personal: bool = False  # masked for those without the right
    indexed: bool = False  # can be filtered on
    secret: bool = False  # never shown again once set, e.g. a device password
    help_zh: str = ""
    help_en: str = ""
    check: Callable[[Any], str] | None = None  # pure: canonical value -> what is wrong, "" when nothing is


@dataclass(frozen=True, slots=True)
class Missing:
    """What a guard still waits for."""

    code: str
    zh: str
    en: str

    def as_dict(self) -> dict[str, str]:
        return {"code": self.code, "zh": self.zh, "en": self.en}


Guard = Callable[[Mapping[str, Any], Mapping[str, Any]], Sequence[Missing]]
"""Pure: (record data, context) -> what is missing; empty: the step may be taken. The app builds the context."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One step of a procedure. `by` names roles; the role ``system`` is the house itself and nobody else."""

    name: str
    zh: str
    en: str
    sources: tuple[str, ...]
    target: str  # "" stays in the state it is in
    by: tuple[str, ...] = ("officer",)
    needs: tuple[str, ...] = ()  # names of `fields` that must be given
    fields: tuple[Field, ...] = ()  # what the person fills in at this step; kept in the history entry
    guards: tuple[Guard, ...] = ()
    sets: Mapping[str, str] = field(default_factory=dict)  # record field <- name in `fields`, or "@now" / "@actor"
    appends: Mapping[str, str] = field(default_factory=dict)  # list field <- name in `fields`: adds {text, at, by}


@dataclass(frozen=True, slots=True)
class Procedure:
    """States and steps of a record type."""

    initial: str
    states: Mapping[str, tuple[str, str]]  # state -> (zh, en)
    transitions: tuple[Transition, ...]
    version: int = 1

    def transition(self, name: str) -> Transition:
        for step in self.transitions:
            if step.name == name:
                return step
        raise NotFound("step", name, known=[step.name for step in self.transitions])

    def available(self, state: str, roles: Sequence[str]) -> list[Transition]:
        """Steps that `roles` may take from `state`; guards are not asked."""
        return [t for t in self.transitions if state in t.sources and set(roles) & set(t.by)]


@dataclass(frozen=True, slots=True)
class RecordType:
    """One register."""

    id: str
    zh: str
    en: str
    fields: tuple[Field, ...]
    title: str = "name"  # field shown as the record's name
    procedure: Procedure | None = None
    listed: tuple[str, ...] = ()  # columns of the generic list; default: the first six
    fixed: bool = False  # once made never updated or deleted: only steps of its procedure move it

    def __post_init__(self) -> None:
        for one in self.fields:
            if one.kind not in KINDS:
                raise ValueError(f"{self.id}.{one.name}: unknown kind {one.kind!r}")

    def field(self, name: str) -> Field:
        for one in self.fields:
            if one.name == name:
                return one
        raise NotFound("field", f"{self.id}.{name}", known=[f.name for f in self.fields])

    def validate(self, data: Mapping[str, Any], *, partial: bool = False) -> dict[str, Any]:
        """`data` in canonical form (numbers as plain decimal text, dates ISO 8601).

        Raises
        ------
        InvalidRecord
            Naming every field that breaks a rule, and the rule.
        """
        return validate_fields(self.id, self.fields, data, partial=partial)


def validate_fields(
    where: str, fields: Sequence[Field], data: Mapping[str, Any], *, partial: bool = False
) -> dict[str, Any]:
    """Check `data` against `fields`; see `RecordType.validate`."""
    known = {f.name: f for f in fields}
    problems: dict[str, str] = {
        name: f"unknown field; {where} has {', '.join(known)}" for name in data if name not in known
    }
    clean: dict[str, Any] = {}
    for name, spec in known.items():
        if name not in data:
            if spec.required and not partial:
                problems[name] = "required"
            continue
        value = data[name]
        if value is None or value == "":
            if spec.required:
                problems[name] = "required"
            else:
                clean[name] = None
            continue
        try:
            if spec.many:
                if not isinstance(value, list | tuple):
                    raise ValueError("must be a list")
                clean[name] = [_checked(spec, one) for one in value]
            else:
                clean[name] = _checked(spec, value)
        except (ValueError, TypeError) as wrong:
            problems[name] = str(wrong)
    if problems:
        raise InvalidRecord(where, problems)
    return clean


def _checked(spec: Field, value: Any) -> Any:
    clean = _canonical(spec, value)
    if spec.check and (wrong := spec.check(clean)):
        raise ValueError(wrong)
    return clean


def _canonical(spec: Field, value: Any) -> Any:  # one branch per kind, each two lines
    kind = spec.kind
    if kind in ("number", "integer"):
        return _number(spec, value)
    if kind == "bool":
        if not isinstance(value, bool):
            raise ValueError("must be true or false")
        return value
    if kind == "code":
        if value not in spec.codes:
            raise ValueError(f"{value!r} is not one of {', '.join(spec.codes)}")
        return value
    if kind == "place":
        lon, lat = float(value["lon"]), float(value["lat"])
        if not (-180 <= lon <= 180 and -90 <= lat <= 90):
            raise ValueError("longitude must lie in -180…180 and latitude in -90…90")
        return {"lon": lon, "lat": lat}
    if kind == "date":
        return date.fromisoformat(str(value)).isoformat()
    if kind == "datetime":
        moment = datetime.fromisoformat(str(value))
        if moment.tzinfo is None:
            raise ValueError("must say its time zone, e.g. 2026-03-01T08:00:00+08:00")
        return moment.isoformat()
    if kind == "json":
        return value
    if not isinstance(value, str):
        raise ValueError("must be text")
    if spec.pattern and not re.fullmatch(spec.pattern, value):
        raise ValueError(f"{value!r} does not have the form {spec.pattern}")
    return value


def _number(spec: Field, value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{value!r} is not a number") from None
    if not number.is_finite():
        raise ValueError("must be a finite number")
    if spec.minimum and number < Decimal(spec.minimum):
        raise ValueError(f"{number} is below {spec.minimum}")
    if spec.maximum and number > Decimal(spec.maximum):
        raise ValueError(f"{number} is above {spec.maximum}")
    if spec.kind == "integer":
        if number != number.to_integral_value():
            raise ValueError(f"{number} is not a whole number")
        return int(number)
    return format(number, "f")
