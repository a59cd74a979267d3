"""Which row of an emission standard holds: groups, stages and conditions, each spelled in a table. Pure.

A row's ``condition`` is text; ``;`` parts what must hold together. ``selectors.csv`` says what each part asks of the
facts (province, day of building, water temperature, fuel…) and what an unknown fact means: ``yes`` the part holds,
``no`` an exception nobody claimed does not, ``open`` the limit is not determined. A part that is not in the table holds
only when the caller names it ("leather", "皮革", "works boundary"), wholly or by one of its words between commas.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from functools import cache
from typing import Any

from jinyun.domains.emission.rules import PACKAGE
from jinyun.kernel.errors import BadInput
from jinyun.kernel.tables import csv_rows
from jinyun.methods.limit_rows import LimitRow

NAMED = 3
"""Rank of a part that the caller names: more special than what holds by itself, less than special regions."""

Facts = Mapping[str, Any]

COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether a row holds: True, False, or None when a fact that nobody gave decides."""

    holds: bool | None
    rank: int = 0
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """A kind of outlet as people say it, and the groups of the table that belong to it."""

    name: str
    zh: str
    includes: tuple[str, ...]
    reference_o2: str | None  # group of the reference-oxygen row; None: measured values are judged
    items: tuple[str, ...]  # limited items; empty: all
    medium: str


def known(fact: Any) -> bool:
    """True when somebody gave this fact."""
    return fact is not None and fact != ""


def compare(fact: Any, op: str, value: str, name: str) -> bool:
    """One fact against a selector. Dates and numbers by order, ``in`` by the beginning of one of several words.

    Raises
    ------
    BadInput
        When the fact is no date or number where one is asked.
    """
    if op == "eq":
        return str(fact) == value
    if op == "in":
        return any(str(fact).casefold().startswith(word.casefold()) for word in value.split())
    try:
        left: Any
        right: Any
        if value.count("-") == 2:
            left, right = (fact if isinstance(fact, date) else date.fromisoformat(str(fact))), date.fromisoformat(value)
        else:
            left, right = Decimal(str(fact)), Decimal(value)
    except (ValueError, InvalidOperation):
        what = f"{name} {fact!r} cannot be compared with {value}"
        raise BadInput(what, field=name, hint=f"write it as {value}") from None
    return COMPARE[op](left, right)


@cache
def selectors(standard: str) -> Mapping[str, Sequence[Mapping[str, str]]]:
    """Parts of conditions of a standard with what they ask."""
    found: dict[str, list[Mapping[str, str]]] = {}
    for row in csv_rows(PACKAGE, "selectors.csv"):
        if row["standard"] == standard:
            found.setdefault(row["condition"], []).append(row)
    return found


@cache
def words_of(part: str) -> frozenset[str]:
    """How a part may be named: as the table writes it, in Chinese, or by one of its words between commas."""
    texts = {part}
    for row in csv_rows(PACKAGE, "condition_words.csv"):
        if row["condition"] == part:
            texts |= {row["zh"], row["zh"].removesuffix("工业")}
    found = {word.strip() for text in texts for word in (text, *text.split(","), *text.split("、"))}
    return frozenset(word.casefold() for word in found if word)


def named(part: str, conditions: Iterable[str]) -> bool:
    """True when the caller named this part, or one of its words between commas, in English or Chinese."""
    words = words_of(part)
    return any(condition.strip().casefold() in words for condition in conditions)


@cache
def parts_of(condition: str) -> Sequence[str]:
    """What must hold together, as the table parts it by ``;``."""
    return tuple(part.strip() for part in condition.split(";") if part.strip())


def fit(row: LimitRow, facts: Facts, conditions: Sequence[str]) -> Fit:
    """Whether a row's condition holds for these facts."""
    rank, unknown = 0, []
    known_parts = selectors(row.standard)
    for part in parts_of(row.condition):
        if conditions and (named(part, conditions) or named(row.condition, conditions)):
            known_rank = max((int(one["rank"]) for one in known_parts.get(part, ())), default=0)
            rank += max(NAMED, known_rank)
            continue
        asked = known_parts.get(part)
        if asked is None:
            return Fit(False)
        rank += int(asked[0]["rank"])
        for one in asked:
            if not one["fact"]:
                continue
            fact = facts.get(one["fact"])
            if not known(fact):
                if one["if_unknown"] == "no":
                    return Fit(False)
                if one["if_unknown"] == "open":
                    unknown.append(one["fact"])
            elif not compare(fact, one["op"], one["value"], one["fact"]):
                return Fit(False)
    return Fit(None if unknown else True, rank, tuple(dict.fromkeys(unknown)))


def check_conditions(rows: Sequence[LimitRow], conditions: Sequence[str]) -> None:
    """Nothing, when some row of the standard knows each named condition; else `BadInput` with those nearest."""
    parts = {part for row in rows for part in parts_of(row.condition)}
    whole = {row.condition.casefold() for row in rows}
    for condition in conditions:
        if condition.strip().casefold() in whole or any(named(part, (condition,)) for part in parts):
            continue
        words = {word for part in parts for word in words_of(part)}
        near = get_close_matches(condition.casefold(), sorted(words), n=3)
        hint = "it has: " + " | ".join(near or sorted(parts)) if parts else "it has no conditions"
        raise BadInput(
            f"{rows[0].standard if rows else 'the standard'} has no condition {condition!r}",
            field="conditions", hint=hint,
        )  # fmt: skip


@cache
def stage_fits(standard: str, in_table: str, stage: str) -> bool:
    """Whether rows that the table marks `in_table` hold for a source of `stage`."""
    if not in_table:
        return True
    for row in csv_rows(PACKAGE, "stages.csv"):
        if row["standard"] == standard and row["stage_in_table"] == in_table:
            return stage in row["stages"].split()
    return in_table == stage


def depends_on_stage(rows: Sequence[LimitRow]) -> bool:
    """True when some row holds for one stage only."""
    return any(
        row.stage or any(one["fact"] == "stage" for part in parts_of(row.condition) for one in _asked(row, part))
        for row in rows
    )


def _asked(row: LimitRow, part: str) -> Sequence[Mapping[str, str]]:
    return selectors(row.standard).get(part, ())


@cache
def groups_of(standard: str) -> Mapping[str, Group]:
    """Kinds of outlets of a standard by name."""
    return {
        row["group"]: Group(
            row["group"], row["zh"], tuple(part.strip() for part in row["includes"].split("|")),
            row["reference_o2"] or None, tuple(row["items"].split()), row["medium"],
        )
        for row in csv_rows(PACKAGE, "groups.csv")
        if row["standard"] == standard
    }  # fmt: skip


def choose_groups(
    rows: Sequence[LimitRow], standard: str, group: str | Sequence[str] | None, facts: Facts
) -> list[Group]:
    """The groups asked for; a grade may follow from the receiving water.

    Raises
    ------
    BadInput
        For an unknown group, or none where the table has several: names those there are.
    """
    shipped = groups_of(standard)
    raw = list(dict.fromkeys(row.group for row in rows if row.item_code != "reference_o2"))
    asked = [group] if isinstance(group, str) and group else list(group or ())
    if not asked and known(facts.get("receiving_class")):
        asked = [grade_for(standard, str(facts["receiving_class"]), protected=bool(facts.get("protected")))]
    if not asked:
        if len([one for one in raw if one]) <= 1:
            asked = [next((one for one in raw if one), "")]
        else:
            raise BadInput(
                f"{standard} has several kinds of outlets", field="group", hint=f"one of {', '.join(shipped or raw)}"
            )
    found = []
    for one in asked:
        if one in shipped:
            found.append(shipped[one])
        elif one in raw or one == "":
            fits = [g for g in shipped.values() if one in g.includes]
            found.append(
                Group(one, "", (one,), fits[0].reference_o2 if fits else one, (), fits[0].medium if fits else "")
            )
        else:
            raise BadInput(
                f"{standard} has no group {one!r}", field="group", hint=f"one of {', '.join(shipped or raw)}"
            )
    return found


def grade_for(standard: str, receiving: str, *, protected: bool = False) -> str:
    """Grade by the receiving water: GB 8978-1996 4.1. `receiving` is a water class 1–5 or ``sewer``.

    Raises
    ------
    BadInput
        Where no outlet may discharge: class I and II, and protected parts of class III.
    """
    rows = {row["receiving"]: row for row in csv_rows(PACKAGE, "grades.csv") if row["standard"] == standard}
    if receiving not in rows:
        raise BadInput(
            f"{standard} has no grade for receiving water {receiving!r}", field="receiving_class",
            hint=f"one of {', '.join(rows)}" if rows else "name the group",
        )  # fmt: skip
    row = rows[receiving]
    if not row["group"] or (protected and row["note"]):
        where = f"water of class {receiving}" + (" (protected part)" if protected else "")
        raise BadInput(
            f"{standard}: no new outlet may discharge into {where}",
            field="receiving_class", hint="judge an old outlet by its permit",
        )  # fmt: skip
    return row["group"]
