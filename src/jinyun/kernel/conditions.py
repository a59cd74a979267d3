"""Conditions on rows of readings, as plain nested tuples: what a foreign query means, before any engine's language.

A condition is one of ``("and", a, …)``, ``("or", a, …)``, ``("not", a)``, ``("true",)``, ``("false",)``,
``("in", column, ids)``, ``("null", term)`` or a comparison ``(op, term, term)`` with `op` of `COMPARISONS`.

A term is ``("col", name)`` with `name` of `COLUMNS`, ``("num", Decimal)``, ``("neg", term)``, ``(op, term, term)`` with
`op` of `ARITHMETIC`, or ``(function, term)`` with `function` of `FUNCTIONS`; date parts are those of China civil time.
"""

from __future__ import annotations

from typing import Any

Condition = tuple[Any, ...]
Term = tuple[Any, ...]

COLUMNS = ("series", "time", "end", "value", "flag", "seq")
"""`time` and `end` [s since the epoch]: the period [time, end); `end` of a real-time reading is its moment."""
COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
ARITHMETIC = ("add", "sub", "mul", "div", "mod")
FUNCTIONS = (
    "round", "floor", "ceiling", "year", "month", "day", "hour", "minute", "second", "date", "time_of_day",
)  # fmt: skip
"""`date`: the day's first second; `time_of_day`: seconds since it."""

TRUE: Condition = ("true",)
FALSE: Condition = ("false",)


def both(*parts: Condition) -> Condition:
    """Conjunction, simplified."""
    flat: list[Condition] = []
    for one in parts:
        if one == FALSE:
            return FALSE
        flat += one[1:] if one[0] == "and" else () if one == TRUE else (one,)
    return TRUE if not flat else flat[0] if len(flat) == 1 else ("and", *flat)


def either(*parts: Condition) -> Condition:
    """Disjunction, simplified."""
    flat: list[Condition] = []
    for one in parts:
        if one == TRUE:
            return TRUE
        flat += one[1:] if one[0] == "or" else () if one == FALSE else (one,)
    return FALSE if not flat else flat[0] if len(flat) == 1 else ("or", *flat)


def conjuncts(condition: Condition) -> tuple[Condition, ...]:
    """The parts that must all hold."""
    if condition == TRUE:
        return ()
    return condition[1:] if condition[0] == "and" else (condition,)
