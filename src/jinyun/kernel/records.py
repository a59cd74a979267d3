"""Declaring record types and procedures: what a domain says; the rooms give storage, forms, API, rights and history."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jinyun.kernel.errors import NotFound
from jinyun.kernel.record_checks import check_type
from jinyun.kernel.record_values import validate_fields

__all__ = [
    "KINDS",
    "ClockRule",
    "Escalation",
    "Extension",
    "Field",
    "Guard",
    "Missing",
    "Procedure",
    "RecordType",
    "Transition",
    "validate_fields",
]

KINDS = (
    "text", "long_text", "number", "integer", "money", "date", "datetime", "code", "place", "reference", "person",
    "file", "bool", "json",
)  # fmt: skip
"""`code` takes one of `Field.codes`, `place` is ``{"lon": …, "lat": …}``, `reference` an id of type `Field.to`, `money`
an amount in `Field.unit` (元 or 万元), `person` the name of an account, `file` the id of an attachment."""


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
    identifies: bool = False  # no two living records of the type have the same value
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
    sets: Mapping[str, str] = field(default_factory=dict)
    """Record field <- name in `fields`, or ``@now``, ``@actor``, ``@none`` (cleared), ``@length:`` and a list field of
    the record (how many it has)."""
    appends: Mapping[str, str] = field(default_factory=dict)  # list field <- name in `fields`: adds {text, at, by}
    only: str = ""
    """Who of those in `by`: ``""`` all; ``owner`` whose unit or name is in the record's owner field; ``second`` not the
    person who last took the step `second_of`."""
    second_of: str = ""
    emits: str = ""  # topic of the notification it sends


@dataclass(frozen=True, slots=True)
class Escalation:
    """What happens as a clock runs out."""

    name: str
    zh: str
    en: str
    at: str  # share of the time, e.g. "80%", or hours after its end, e.g. "+24h"
    to: str  # role that is told; ``owner``: the unit and person that the record names

    @property
    def percent(self) -> int | None:
        """Share of the clock's time at which it is reached; None: it counts from the end."""
        return int(self.at[:-1]) if self.at.endswith("%") else None

    @property
    def hours_after(self) -> int | None:
        """Hours after the clock's end; None: it is a share of the time."""
        return int(self.at[1:-1]) if self.at.startswith("+") else None


CLOCK_UNITS = ("workday", "day", "hour")


@dataclass(frozen=True, slots=True)
class Extension:
    """A step that gives a clock more time 延期. Who may is the step's `by`; that the reason is told, its `needs`.

    How much: `amount`, or the row `rule` of the rule table, or the whole number filled in as `given`.
    """

    step: str  # of the procedure; it needs a `reason`
    amount: int | None = None  # [unit of the clock]
    rule: str = ""  # id in rule_deadlines.csv
    given: str = ""  # field of the step, a whole number with a minimum and a maximum [unit of the clock]
    most: int = 1  # how often in one run of the clock; then the step is refused


@dataclass(frozen=True, slots=True)
class ClockRule:
    """Time a procedure allows. Due, remaining and late are computed from the record's history when asked."""

    name: str
    zh: str
    en: str
    unit: str  # one of CLOCK_UNITS
    amount: int | None = None  # [unit]; None: `rule` or `by_level` says it
    rule: str = ""  # id in rule_deadlines.csv
    starts: tuple[str, ...] = ()  # states entered or steps taken that start it
    pauses: tuple[str, ...] = ()  # states in which it stands still
    stops: tuple[str, ...] = ()  # states entered or steps taken that stop it
    by_level: Mapping[str, int] = field(default_factory=dict)  # value of the record's `level` -> amount
    escalate: tuple[Escalation, ...] = ()
    extends: tuple[Extension, ...] = ()
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Field of the record -> the values of it that the clock is for; empty: it is for every record."""

    def counts_for(self, data: Mapping[str, Any]) -> bool:
        """Whether a record of `data` has this clock."""
        return all(data.get(name) in values for name, values in self.where.items())


@dataclass(frozen=True, slots=True)
class Procedure:
    """States and steps of a record type."""

    initial: str
    states: Mapping[str, tuple[str, str]]  # state -> (zh, en)
    transitions: tuple[Transition, ...]
    version: int = 1
    clocks: tuple[ClockRule, ...] = ()
    moves: Mapping[str, str] = field(default_factory=dict)
    """State of an older version -> the state of this one that a record moves to; of the same name: to itself."""

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
    procedures: tuple[Procedure, ...] = ()
    """Older versions beside `procedure`: a record keeps the version it runs on until it is moved."""
    jurisdiction: str = ""
    """How a record's jurisdiction is found: a field of its own, or a path through references, e.g.
    ``subject.jurisdiction``; empty: it is bound to none."""
    owner: str = ""  # field that names the unit or person whose turn it is
    read_roles: tuple[str, ...] = ()  # empty: whoever may read registers
    write_roles: tuple[str, ...] = ()  # empty: whoever may write registers

    def __post_init__(self) -> None:
        check_type(self)

    @property
    def versions(self) -> tuple[Procedure, ...]:
        """All versions of the procedure, the newest first."""
        newest = (self.procedure,) if self.procedure else ()
        return (*newest, *sorted(self.procedures, key=lambda one: -one.version))

    def procedure_at(self, version: int) -> Procedure | None:
        """The procedure of that version; None when the type has none. Raises `NotFound` for one not declared."""
        if self.procedure is None:
            return None
        for one in self.versions:
            if one.version == version:
                return one
        known = [str(one.version) for one in self.versions]
        raise NotFound(f"version of the procedure of {self.id}", version, known=known)

    def state_words(self, state: str, version: int | None = None) -> tuple[str, str] | None:
        """A state's words, as that version says it, else the newest that knows it; None for a state of no version."""
        for one in sorted(self.versions, key=lambda each: (each.version != version, -each.version)):
            if state in one.states:
                return one.states[state]
        return None

    def states(self) -> dict[str, tuple[str, str]]:
        """States of all versions; the newest version's words win."""
        return {state: words for one in reversed(self.versions) for state, words in one.states.items()}

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
