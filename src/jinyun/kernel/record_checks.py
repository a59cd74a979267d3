"""Declarations of record types are checked when they are made: an error names the type, the place and the mistake."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinyun.kernel.records import ClockRule, Field, Procedure, RecordType, Transition

LENGTH = "@length:"
"""Before the list field whose length a step sets."""
NO_IDENTITY = ("place", "json", "long_text", "file", "bool")
_ESCALATION = re.compile(r"\d{1,3}%|\+\d{1,5}h")


def check_type(kind: RecordType) -> None:
    """Raises `ValueError` at the first thing in a declaration that cannot stand."""
    check_fields(kind.id, kind.fields)
    names = {one.name for one in kind.fields}
    if kind.title != "name":
        _known(f"{kind.id}: title", [kind.title], names, "field")
    _known(f"{kind.id}: listed", kind.listed, names, "field")
    if kind.owner:
        _known(f"{kind.id}: owner", [kind.owner], names, "field")
    _check_jurisdiction(kind)
    if kind.procedures and kind.procedure is None:
        raise ValueError(f"{kind.id}: older procedures without a newest one")
    versions = [one.version for one in kind.versions]
    _once(f"{kind.id}: procedure version", [str(one) for one in versions])
    if versions and max(versions) != kind.versions[0].version:
        raise ValueError(f"{kind.id}: `procedure` is version {versions[0]}, not the newest {max(versions)}")
    for one in kind.versions:
        where = f"{kind.id} procedure {one.version}" if len(versions) > 1 else kind.id
        _check_procedure(where, kind, one)


def check_fields(where: str, fields: Sequence[Field]) -> None:
    """Fields of a type or of a step."""
    from jinyun.kernel.record_values import MONEY_PLACES, NUMBERS
    from jinyun.kernel.records import KINDS

    _once(f"{where}: field", [one.name for one in fields])
    for one in fields:
        place = f"{where}.{one.name}"
        if one.kind not in KINDS:
            raise ValueError(f"{place}: unknown kind {one.kind!r}; known: {', '.join(KINDS)}")
        if one.kind == "code" and not one.codes:
            raise ValueError(f"{place}: a code without codes")
        if one.kind == "money" and one.unit not in ("", *MONEY_PLACES):
            raise ValueError(f"{place}: money is in {' or '.join(MONEY_PLACES)}, not {one.unit!r}")
        if one.identifies and (one.many or one.secret or one.kind in NO_IDENTITY):
            raise ValueError(f"{place}: a {'secret' if one.secret else one.kind}{' list' * one.many} cannot identify")
        if (one.minimum or one.maximum) and one.kind not in NUMBERS:
            raise ValueError(f"{place}: bounds are for numbers, not for {one.kind}")


def _check_jurisdiction(kind: RecordType) -> None:
    if not kind.jurisdiction:
        return
    first, dot, _ = kind.jurisdiction.partition(".")
    spec = {one.name: one for one in kind.fields}.get(first)
    if spec is None:
        _known(f"{kind.id}: jurisdiction", [first], {one.name for one in kind.fields}, "field")
    elif dot and (spec.kind != "reference" or spec.many):
        raise ValueError(f"{kind.id}: jurisdiction goes through {first!r}, which is no single reference")


def _check_procedure(where: str, kind: RecordType, procedure: Procedure) -> None:
    states = procedure.states
    if procedure.version < 1:
        raise ValueError(f"{where}: version {procedure.version}; versions count from 1")
    _known(f"{where}: initial", [procedure.initial], states, "state")
    _once(f"{where}: step", [one.name for one in procedure.transitions])
    for step in procedure.transitions:
        _check_step(f"{where}.{step.name}", kind, procedure, step)
    reached, before = {procedure.initial}, 0
    while len(reached) > before:
        before = len(reached)
        reached |= {step.target for step in procedure.transitions if step.target and reached & set(step.sources)}
    if lost := [one for one in states if one not in reached]:
        raise ValueError(f"{where}: no step leads to {', '.join(map(repr, lost))}")
    _known(f"{where}: moves to", procedure.moves.values(), states, "state")
    _once(f"{where}: clock", [one.name for one in procedure.clocks])
    for clock in procedure.clocks:
        _check_clock(f"{where}: clock {clock.name}", kind, procedure, clock)


def _check_step(where: str, kind: RecordType, procedure: Procedure, step: Transition) -> None:
    if step.name in ("create", "update", "delete", "move"):
        raise ValueError(f"{where}: the name is taken by the engine itself")
    if not step.sources:
        raise ValueError(f"{where}: it starts from no state")
    if not step.by:
        raise ValueError(f"{where}: nobody may take it")
    _known(f"{where}: source", step.sources, procedure.states, "state")
    if step.target:
        _known(f"{where}: target", [step.target], procedure.states, "state")
    check_fields(where, step.fields)
    filled = {one.name for one in step.fields}
    own = {one.name: one for one in kind.fields}
    _known(f"{where}: needs", step.needs, filled, "field of the step")
    _known(f"{where}: sets", [*step.sets, *step.appends], own, "field")
    lengths = [one.removeprefix(LENGTH) for one in step.sets.values() if one.startswith(LENGTH)]
    _known(f"{where}: sets from the length of", lengths, own, "field")
    named = [one for one in step.sets.values() if one not in ("@now", "@actor", "@none") and not one.startswith(LENGTH)]
    sources = [*named, *step.appends.values()]
    _known(f"{where}: sets from", sources, filled, "field of the step")
    for name in step.appends:
        if not own[name].many:
            raise ValueError(f"{where}: it appends to {name!r}, which is no list")
    if step.only not in ("", "owner", "second"):
        raise ValueError(f"{where}: only {step.only!r}; known: owner, second")
    if step.only == "owner" and not kind.owner:
        raise ValueError(f"{where}: only the owner, but {kind.id} names no owner field")
    if (step.only == "second") != bool(step.second_of):
        raise ValueError(f'{where}: `only="second"` and `second_of` belong together')
    if step.second_of:
        _known(f"{where}: second_of", [step.second_of], ["create", *(t.name for t in procedure.transitions)], "step")


def _check_clock(where: str, kind: RecordType, procedure: Procedure, clock: ClockRule) -> None:
    from jinyun.kernel.records import CLOCK_UNITS

    if clock.unit not in CLOCK_UNITS:
        raise ValueError(f"{where}: unit {clock.unit!r}; known: {', '.join(CLOCK_UNITS)}")
    if not clock.rule and not clock.by_level and clock.amount is None:
        raise ValueError(f"{where}: it says no time: give amount, rule or by_level")
    if any(one < 1 for one in (*clock.by_level.values(), *([] if clock.amount is None else [clock.amount]))):
        raise ValueError(f"{where}: its time must be at least 1 {clock.unit}")
    if clock.by_level and "level" not in {one.name for one in kind.fields}:
        raise ValueError(f"{where}: time by level, but {kind.id} has no field 'level'")
    if not clock.starts:
        raise ValueError(f"{where}: nothing starts it")
    _known(f"{where}: where", clock.where, {one.name for one in kind.fields}, "field")
    moments = [*procedure.states, *(one.name for one in procedure.transitions)]
    _known(f"{where}: starts", clock.starts, moments, "state or step")
    _known(f"{where}: stops", clock.stops, moments, "state or step")
    _known(f"{where}: pauses", clock.pauses, procedure.states, "state")
    _check_extensions(where, procedure, clock)
    _once(f"{where}: escalation", [one.name for one in clock.escalate])
    for one in clock.escalate:
        if not _ESCALATION.fullmatch(one.at):
            raise ValueError(f"{where}: escalation {one.name} at {one.at!r}; write a share, 80%, or hours, +24h")


def _check_extensions(where: str, procedure: Procedure, clock: ClockRule) -> None:
    steps = {one.name: one for one in procedure.transitions}
    _once(f"{where}: extension by", [one.step for one in clock.extends])
    for one in clock.extends:
        _known(f"{where}: extension by", [one.step], steps, "step")
        if sum((one.amount is not None, bool(one.rule), bool(one.given))) != 1:
            raise ValueError(f"{where}: extension by {one.step}: give one of amount, rule, given")
        if one.most < 1 or (one.amount is not None and one.amount < 1):
            raise ValueError(f"{where}: extension by {one.step}: amount and most count from 1")
        if "reason" not in steps[one.step].needs:
            raise ValueError(f"{where}: extension by {one.step}: the step needs a 'reason'")
        if one.given:
            spec = {each.name: each for each in steps[one.step].fields}.get(one.given)
            if spec is None or spec.kind != "integer" or not spec.minimum or not spec.maximum or int(spec.minimum) < 1:
                raise ValueError(
                    f"{where}: extension by {one.step}: {one.given!r} must be a whole number of the step, "
                    "with a minimum from 1 and a maximum"
                )


def _known(where: str, names: Iterable[str], known: Iterable[str], what: str) -> None:
    known = list(known)
    for name in names:
        if name not in known:
            raise ValueError(f"{where}: {name!r} is no {what}; known: {', '.join(known) or 'none'}")


def _once(where: str, names: Sequence[str]) -> None:
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise ValueError(f"{where} {twice[0]!r} is declared twice")
