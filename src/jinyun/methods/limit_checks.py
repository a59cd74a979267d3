"""The one checker of standards kept as data: shipped tables and what a user adds go through the same rules. Pure.

Three kinds of tables: limits (`check_rows`), rules with figures (`check_rule_rows`) and editions (`check_editions`).
Every problem names the row (as a spreadsheet counts: the header is row 1), the column, what is wrong and what would
work, so that a user can mend a file without reading code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import pairwise

from jinyun.kernel.errors import BadInput
from jinyun.methods.limit_rows import NEEDED, USER_VERIFIED, VERIFIED, LimitRow, limit_rows

MARKS = (*VERIFIED, USER_VERIFIED)

LADDERS: Sequence[re.Pattern[str]] = (
    re.compile(r"(?P<kind>(?:rate_)?grade_)(?P<step>\d+[a-z]?)$"),
    re.compile(r"(?P<kind>(?:land_)?class_)(?P<step>\d+)$"),
    re.compile(r"(?P<kind>level)(?P<step>\d+)$"),
    re.compile(r"(?P<kind>zone_)(?P<step>\d[a-z]?)(?:_\d)*$"),
)
"""Groups whose names say their order: a limit of a later step is never stricter than that of an earlier one."""

STACK = re.compile(r"stack (?P<metres>\d+(?:\.\d+)?) m(?P<rest>.*)$")
"""Conditions that name a stack's height: a higher stack is never held to less."""

FIGURES = "a finite number as the standard prints it; a range from low to high"

LAXER = "limits of later grades, zones and stages, higher stacks, shorter times and daytime are equal or laxer"

STAGES: Sequence[Sequence[str]] = (("special", "new", "in_use"), ("final", "transition"), ("screening", "control"))
"""Stages in order, strictest first."""

PERIODS: Sequence[Sequence[str]] = (("annual", "quarterly", "monthly", "daily", "hourly"), ("night", "day"))
"""Averaging times in order, strictest first: a mean over a longer time, and noise by night, is held to less."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a table: where, what, and what would work."""

    row: int  # as a spreadsheet counts, the header being row 1
    column: str
    what: str
    hint: str

    def __str__(self) -> str:
        return f"row {self.row}, {self.column}: {self.what}" + (f"; {self.hint}" if self.hint else "")


def check_rows(rows: Iterable[Mapping[str, str]], *, user: bool = False) -> list[Problem]:
    """Problems of a table of limits, or of a local standard or permit file in the same columns; none: empty.

    Checked: needed columns, unit and source of every figure, known comparison and mark, numbers that can be read,
    ``valid_from`` before ``valid_to``, the same limit given twice for the same days, and limits that do not ascend
    over grades, classes or stages whose order is known.

    Parameters
    ----------
    rows : iterable of mappings
        Column to text, as ``csv.DictReader`` gives them.
    user : bool
        Rows that a user adds: ``verified`` may be empty, it is then "entered by the user".
    """
    given = [dict(row) for row in rows]
    if not given:
        return [Problem(1, "", "the table has no rows", f"give at least {', '.join(NEEDED)}, value and unit")]
    absent = [name for name in (*NEEDED, "value", "unit") if name not in given[0] and not (user and name == "verified")]
    if absent:
        return [Problem(1, name, "this column is absent", f"columns needed: {', '.join(NEEDED)}, value, unit")
                for name in absent]  # fmt: skip
    problems: list[Problem] = []
    good: list[tuple[int, LimitRow, Mapping[str, str]]] = []
    for number, row in enumerate(given, 2):
        if user and not (row.get("verified") or "").strip():
            row["verified"] = USER_VERIFIED
        problems += _dates(number, row)
        if row["verified"].strip() and row["verified"] not in MARKS:
            problems.append(
                Problem(number, "verified", f"mark {row['verified']!r} is unknown", "one of " + ", ".join(MARKS))
            )
        try:
            (read,) = limit_rows([row])
        except BadInput as wrong:
            what = str(wrong).partition(": ")[2].partition("; ")[0]
            problems.append(Problem(number, wrong.field or "", what, wrong.hint or FIGURES))
            continue
        good.append((number, read, row))
    return sorted(problems + _twice(good, user) + _ladders(good), key=lambda one: (one.row, one.column))


def _date(row: Mapping[str, str], column: str) -> date | None:
    text = (row.get(column) or "").strip()
    return date.fromisoformat(text) if text else None


def _dates(number: int, row: Mapping[str, str]) -> list[Problem]:
    found = []
    for column in ("valid_from", "valid_to"):
        try:
            _date(row, column)
        except ValueError:
            found.append(Problem(number, column, f"{row[column]!r} is no date", "write it as 2026-03-01"))
    if not found:
        start, end = _date(row, "valid_from"), _date(row, "valid_to")
        if start and end and end < start:
            found.append(Problem(number, "valid_to", f"{end} is before valid_from {start}", "dates ascend"))
    return found


def _span(row: Mapping[str, str]) -> tuple[str, str]:
    return (row.get("valid_from") or "").strip(), (row.get("valid_to") or "").strip() or "9999"


def _twice(rows: Sequence[tuple[int, LimitRow, Mapping[str, str]]], user: bool) -> list[Problem]:
    """The same limit for the same days a second time. In a shipped table a note may part two limits (kinds of area)."""
    seen: dict[tuple[str, ...], list[tuple[int, tuple[str, str]]]] = {}
    found = []
    for number, row, raw in rows:
        # A figure for a value to lie in may come in two bands (pH), and a lower bound beside an upper one.
        side = row.op if row.op != "range" else f"range {row.value}"
        outlet, note = str(raw.get("outlet") or ""), "" if user else row.note
        key = (
            row.standard,
            row.table_no,
            row.item_code,
            row.group,
            row.condition,
            row.period,
            row.stage,
            side,
            outlet,
            note,
        )
        span = _span(raw)
        for before, other in seen.get(key, ()):
            if span[0] <= other[1] and other[0] <= span[1]:
                found.append(
                    Problem(number, "item_code", f"the same limit of {row.item_code} as in row {before}",
                            "keep one, or part them by condition, stage or dates")
                )  # fmt: skip
                break
        seen.setdefault(key, []).append((number, span))
    return found


def _ladders(rows: Sequence[tuple[int, LimitRow, Mapping[str, str]]]) -> list[Problem]:
    """Limits that get stricter where the table's own order says they get laxer."""
    ladders: dict[tuple[object, ...], list[tuple[str, int, LimitRow]]] = {}
    for number, row, raw in rows:
        if row.value is None or row.op not in ("le", "lt", "ge", "gt"):
            continue
        rest = (row.standard, row.item_code, row.condition, row.period, row.op, row.unit, _span(raw))
        if hit := STACK.match(row.condition):
            height = ("condition", hit["rest"], row.group, row.stage, row.table_no, *rest[:2], *rest[3:])
            ladders.setdefault(height, []).append((f"{Decimal(hit['metres']):012.3f}", number, row))
        for order in PERIODS:
            if row.period in order:
                period = ("period", order[0], row.group, row.stage, row.table_no, *rest[:3], *rest[4:])
                ladders.setdefault(period, []).append((str(order.index(row.period)), number, row))
        for pattern in LADDERS:
            if hit := pattern.fullmatch(row.group):
                group = ("group", hit["kind"], row.table_no, row.stage, *rest)
                ladders.setdefault(group, []).append((hit["step"], number, row))
        for order in STAGES:
            if row.stage in order:
                stage = ("stage", order[0], row.group, "", *rest)
                ladders.setdefault(stage, []).append((str(order.index(row.stage)), number, row))
    found = []
    for (column, *_), steps in ladders.items():
        for (_, before, first), (_, number, second) in pairwise(sorted(steps, key=lambda step: (step[0], step[1]))):
            assert first.value is not None
            assert second.value is not None
            rises = second.value >= first.value if first.op in ("le", "lt") else second.value <= first.value
            if not rises:
                at = getattr(second, str(column))
                found.append(
                    Problem(number, "value", f"{second.item_code} {second.printed} of {at} is stricter than "
                            f"{first.printed} in row {before}", LAXER)
                )  # fmt: skip
    return found


def check_rule_rows(rows: Iterable[Mapping[str, str]], *, value: str = "value") -> list[Problem]:
    """Problems of a table of rules: every row has a source and a known mark, every figure a unit."""
    found = []
    for number, row in enumerate(rows, 2):
        for column in ("source", "verified"):
            if not (row.get(column) or "").strip():
                found.append(Problem(number, column, "is empty", "say where the rule comes from"))
        if row.get("verified") and row["verified"] not in MARKS:
            found.append(
                Problem(number, "verified", f"mark {row['verified']!r} is unknown", "one of " + ", ".join(MARKS))
            )
        if _is_number(row.get(value)) and not (row.get("unit") or "").strip():
            found.append(Problem(number, "unit", f"the figure {row[value]} has no unit", "a figure needs a unit"))
        found += _dates(number, row)
    return found


def check_editions(rows: Iterable[Mapping[str, str]]) -> list[Problem]:
    """Problems of an ``editions.csv``: dates that can be read and ascend, and no two editions of a part at once."""
    given = list(enumerate(rows, 2))
    found: list[Problem] = []
    parts: dict[tuple[str, str], list[tuple[tuple[str, str], int]]] = {}
    for number, row in given:
        for column in ("standard", "part", "source", "verified"):
            if not (row.get(column) or "").strip():
                found.append(Problem(number, column, "is empty", "every edition says what it is and who says so"))
        wrong = _dates(number, row)
        found += wrong
        if not wrong:
            parts.setdefault((row.get("part") or "", row.get("stage") or ""), []).append((_span(row), number))
    for (part, _), spans in parts.items():
        for (first, before), (second, number) in pairwise(sorted(spans)):
            if second[0] <= first[1]:
                found.append(
                    Problem(number, "valid_from", f"{part} begins {second[0] or 'always'} while row {before} holds "
                            f"to {first[1]}", "let the earlier end the day before")
                )  # fmt: skip
    return sorted(found, key=lambda one: one.row)


def _is_number(text: str | None) -> bool:
    try:
        return Decimal(text or "").is_finite()
    except InvalidOperation:
        return False
