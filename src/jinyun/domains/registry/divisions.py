"""Administrative divisions 行政区划 (GB/T 2260) of Chongqing and Sichuan, and townships, with the codes of old records.

Never key on the name: codes are merged and split, and an old record carries the code of its day. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache

from jinyun.kernel.tables import csv_rows

PACKAGE = "jinyun.domains.registry"
NOW, HISTORY = "gb2260_chongqing_sichuan.csv", "gb2260_history_chongqing_sichuan.csv"
TOWNSHIPS, PROVINCES = "townships_pilot_counties.csv", "provinces.csv"
DIVISION, TOWNSHIP = re.compile(r"^[1-9][0-9]{5}$", re.ASCII), re.compile(r"^[1-9][0-9]{8}$", re.ASCII)
CURRENT = ("current", "grouping code")
YEAR = re.compile(r"\d{4}")


@dataclass(frozen=True, slots=True)
class OldName:
    """A name a code had, in the yearly revisions from `first` to `last` that hold it."""

    name: str
    first: int
    last: int | None  # None: to the newest revision that was read (2014)


@dataclass(frozen=True, slots=True)
class Division:
    """What is known of a code."""

    code: str
    known: bool
    name: str = ""
    level: str = ""  # province, prefecture, county, township
    parent: str = ""  # code; empty for a province
    current: bool = False
    county: str = ""  # of a township: the county's name
    listed: bool = True  # False: a township outside the counties whose townships are held
    status: str = ""  # as the table says, e.g. what replaced it
    names: tuple[OldName, ...] = ()  # earlier names of the same code

    def name_on(self, day: date) -> str:
        """The name that the code had on a day, as far as the history tells; else the present one."""
        for old in self.names:
            if old.first <= day.year and (old.last is not None and day.year <= old.last):
                return old.name
        return self.name


def division(code: str) -> Division:
    """What a code of 6 digits (division) or 9 (township) stands for; `known` False when no table holds it."""
    if TOWNSHIP.match(code):
        return _township(code)
    if not DIVISION.match(code):
        return Division(code, False)
    row, old = _now().get(code), _history().get(code, ())
    if row is not None:
        level, parent, status = row["level"], row["parent"], row["status"]
        current = status.startswith(CURRENT)
        return Division(code, True, row["name"], level, parent, current, status=status, names=old)
    if old:
        return Division(code, True, old[-1].name, "county", _parent(code), False, names=old)
    return Division(code, False)


def province_known(two_digits: str) -> bool:
    """Whether two digits are a province's of GB/T 2260."""
    return _provinces().get(two_digits) == "province"


def registering_division_known(code: str) -> bool:
    """Whether the division in a credit code may exist: by the tables where they reach, elsewhere by its province.

    Codes that were dissolved count, since old firms carry them.
    """
    if any(one.startswith(code[:2]) for one in ("50", "51")):
        return division(code).known
    return code[:2] in _provinces()


def _township(code: str) -> Division:
    county = division(code[:6])
    row = _townships().get(code)
    if row is not None:
        return Division(code, True, row, "township", code[:6], county.current, county.name)
    if not county.known or county.level != "county" or code[:6] in _held_counties():
        return Division(code, False)
    # The county is known, its townships are not held: the code can be neither confirmed nor refused.
    return Division(code, True, "", "township", code[:6], county.current, county.name, listed=False)


def _parent(code: str) -> str:
    prefecture = f"{code[:4]}00"
    return prefecture if prefecture in _now() and prefecture != code else f"{code[:2]}0000"


@cache
def _now() -> Mapping[str, Mapping[str, str]]:
    return {row["code"]: row for row in csv_rows(PACKAGE, NOW)}


@cache
def _history() -> Mapping[str, tuple[OldName, ...]]:
    found: dict[str, list[OldName]] = {}
    for row in csv_rows(PACKAGE, HISTORY):
        first, last = row["first_revision"][:4], row["last_revision"]
        old = OldName(row["old_name"], int(first), int(last[:4]) if YEAR.match(last) else None)
        found.setdefault(row["code"], []).append(old)
    return {code: tuple(names) for code, names in found.items()}


@cache
def _townships() -> Mapping[str, str]:
    return {row["code"]: row["name"] for row in csv_rows(PACKAGE, TOWNSHIPS)}


@cache
def _held_counties() -> frozenset[str]:
    return frozenset(row["county"] for row in csv_rows(PACKAGE, TOWNSHIPS))


@cache
def _provinces() -> Mapping[str, str]:
    return {row["code"]: row["kind"] for row in csv_rows(PACKAGE, PROVINCES)}
