"""Validity rules of online monitoring of outlets, from the tables, by the day of the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache
from math import ceil

from jinyun.kernel.errors import BadInput
from jinyun.kernel.tables import csv_rows
from jinyun.methods.editions import edition_on

PACKAGE = "jinyun.domains.emission"


@dataclass(frozen=True, slots=True)
class Rules:
    """When a mean of an outlet is valid."""

    standard: str
    hour_minutes: int  # valid minutes of an hour
    day_hours: int  # valid hours of a day


def rules(day: date, *, stack: bool) -> Rules:
    """Rules in force on the day of the data.

    The 45 minutes of HJ 75 are used for water too: HJ 356 as far as seen says nothing on minutes. The valid day of
    water is the share of HJ 356 (75 % of the readings due, here of 24 hour means).

    Raises
    ------
    NoEdition
        For data before the first edition that we hold.
    """
    part = "stack" if stack else "water"
    return _rules(edition_on(csv_rows(PACKAGE, "editions.csv"), part, day)["standard"], stack)


@cache
def _rules(standard: str, stack: bool) -> Rules:
    minutes = int(table_figure("hj75_2017.csv", "valid_hour"))
    if stack:
        return Rules(standard, minutes, int(table_figure("hj75_2017.csv", "valid_day")))
    share, due = table_figure("hj356_2019.csv", "daily_weighted"), rule("day_hours_due")
    return Rules(standard, minutes, ceil(Fraction(share) * Fraction(due) / 100))


def table_figure(table: str, code: str, *, group: str = "", standard: str = "") -> Decimal:
    """The figure of one rule of a table of rules, by its ``rule_code`` (and ``rule_group`` or ``standard``)."""
    return Decimal(table_row(table, code, group=group, standard=standard)["value"])


def table_row(table: str, code: str, *, group: str = "", standard: str = "") -> Mapping[str, str]:
    """One row of a table of rules.

    Raises
    ------
    BadInput
        When the table has no such rule.
    """
    for row in csv_rows(PACKAGE, table):
        fits = (not group or row["rule_group"] == group) and (not standard or row["standard"] == standard)
        if row["rule_code"] == code and fits:
            return row
    raise BadInput(f"{table} has no rule {code!r}")


@cache
def rule_row(name: str, item: str = "") -> Mapping[str, str]:
    """One row of ``rules.csv``; `BadInput` when there is none."""
    for row in csv_rows(PACKAGE, "rules.csv"):
        if row["rule"] == name and row["item"] == item:
            return row
    raise BadInput(f"{PACKAGE} rules.csv has no rule {name!r} {item!r}")


def rule_text(name: str, item: str = "") -> str:
    """One value of ``rules.csv`` as text."""
    return rule_row(name, item)["value"]


@cache
def rule(name: str, item: str = "") -> Decimal:
    """One figure of ``rules.csv``."""
    return Decimal(rule_text(name, item))
