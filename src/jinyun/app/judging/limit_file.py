"""Files of limits that a user brings: a local standard in the columns of the shipped tables, or a permit's limits.

A permit's file has the columns of the register ``permit_limit`` (outlet, factor, period, limit, unit, valid_from …) or
their Chinese labels. Both go through the one checker of `methods.limit_checks`.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path

from jinyun.app.judging.cells import PACKAGE
from jinyun.app.judging.files_in import encoding_of
from jinyun.domains.emission.rules import rule
from jinyun.kernel.errors import BadInput
from jinyun.kernel.factors import factors
from jinyun.kernel.tables import csv_rows
from jinyun.methods.limit_checks import Problem, check_rows
from jinyun.methods.limit_rows import USER_VERIFIED

PERMIT = {"item_code": "factor", "value": "limit", "source": "basis", "standard": "basis"}
"""Columns of a table of limits, and what a permit's file calls them."""

PERIODS = {"hour": "hourly", "day": "daily", "hourly": "hourly", "daily": "daily", "小时": "hourly", "日": "daily",
           "小时均值": "hourly", "日均值": "daily", "": ""}  # fmt: skip
NO_BASIS = "permit"


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV of limits as they stand, column to text.

    Raises
    ------
    BadInput
        When there is no such file, or it is no CSV.
    """
    if not path.is_file():
        raise BadInput(f"there is no file {path}")
    if path.suffix.casefold() != ".csv":
        raise BadInput(f"{path.name}: limits are read from CSV", hint="save the sheet as .csv")
    try:
        with path.open(encoding=encoding_of(path), newline="") as file:
            rows = []
            for number, row in enumerate(csv.DictReader(file), 2):
                if None in row:
                    raise BadInput(f"{path.name} row {number} has more cells than the heading",
                                   hint="put a text with commas in quotes")  # fmt: skip
                rows.append({(name or "").strip(): (cell or "").strip() for name, cell in row.items()})
    except csv.Error as wrong:
        raise BadInput(f"{path.name} is no CSV that can be read: {wrong}") from None
    return [_english(row) for row in rows if any(row.values())]


def _english(row: Mapping[str, str]) -> dict[str, str]:
    """A register's Chinese labels as the names of its columns."""
    names = {one["zh"]: one["column"] for one in csv_rows(PACKAGE, "limit_headings.csv")}
    found = {names.get(name, name): cell for name, cell in row.items()}
    if "item_code" in found and "limit" in found and "value" not in found:
        found["value"] = found.pop("limit")
    return found


def is_permit(rows: Sequence[Mapping[str, str]]) -> bool:
    """True for a permit's file: factors and limits, not items and values."""
    return bool(rows) and "factor" in rows[0] and "limit" in rows[0] and "item_code" not in rows[0]


def as_limits(rows: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """A permit's rows in the columns of a table of limits; others as they are."""
    if not is_permit(rows):
        return [dict(row) for row in rows]
    found = []
    for row in rows:
        factor = row.get("factor", "")
        known = factors().get(factor)
        found.append(
            {
                **row, "standard": row.get("basis") or NO_BASIS, "item_code": factor,
                "item_zh": known.zh if known else "", "op": "ge" if _lower(factor, row.get("limit", "")) else "le",
                "value": row.get("limit", ""), "unit": row.get("unit") or (known.unit if known else ""),
                "period": PERIODS.get(row.get("period", ""), row.get("period", "")),
                "source": row.get("basis") or NO_BASIS, "verified": USER_VERIFIED,
            }
        )  # fmt: skip
    return found


def _lower(factor: str, limit: str) -> bool:
    """True for the lower bound of pH, as permits write it: a limit below neutral."""
    try:
        return factor == "ph" and Decimal(limit) < rule("neutral_ph")
    except InvalidOperation:
        return False


def problems(rows: Sequence[Mapping[str, str]]) -> list[Problem]:
    """What is wrong with a user's rows, in the words of their own columns."""
    permit = is_permit(rows)
    found = check_rows(as_limits(rows), user=True)
    if not permit:
        return found
    found = [replace(one, column=PERMIT.get(one.column, one.column)) for one in found]
    for number, row in enumerate(rows, 2):
        if row.get("factor") and row["factor"] not in factors():
            found.append(
                Problem(number, "factor", f"unknown factor {row['factor']!r}", "an id such as cod_cr, stack_so2")
            )
        if row.get("period", "") not in PERIODS:
            found.append(Problem(number, "period", f"unknown period {row['period']!r}", "hour or day"))
    return sorted(found, key=lambda one: (one.row, one.column))


def limits(path: Path) -> list[dict[str, str]]:
    """Checked rows in the columns of a table of limits.

    Raises
    ------
    BadInput
        With the first problems, each by row and column.
    """
    rows = read(path)
    wrong = problems(rows)
    if wrong:
        more = f" (and {len(wrong) - 3} more; jinyun standards check {path} lists them)" if len(wrong) > 3 else ""
        raise BadInput(f"{path}: " + " | ".join(str(one) for one in wrong[:3]) + more)
    return as_limits(rows)
