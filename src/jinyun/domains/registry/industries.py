"""Industry codes 国民经济行业分类, GB/T 4754-2017: level, name and the chain above a code. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from jinyun.kernel.tables import csv_rows

PACKAGE = "jinyun.domains.registry"
TABLE = "industry_codes_gbt4754.csv"
WITH_SECTION = re.compile(r"^([A-T])([0-9]{2,4})$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Industry:
    """What is known of a code."""

    code: str  # as given
    known: bool
    name: str = ""
    level: int = 0  # 1 section, 2 division, 3 group, 4 class
    section: str = ""
    parents: tuple[str, ...] = ()  # nearest first, the section last
    why: str = ""  # what is wrong, when not known


def industry(code: str) -> Industry:
    """The industry of a code: a section letter, 2 to 4 digits, or those after their section letter (``C3660``)."""
    led = WITH_SECTION.match(code)
    section, plain = (led.group(1), led.group(2)) if led else ("", code)
    row = _table().get(plain)
    if row is None:
        return Industry(code, False, why="not in GB/T 4754-2017")
    if section and row["section"] != section:
        return Industry(code, False, why=f"{plain} belongs to section {row['section']}, not {section}")
    return Industry(code, True, row["name"], int(row["level"]), row["section"], tuple(_parents(row)))


def _parents(row: Mapping[str, str]) -> list[str]:
    found = []
    while row["parent"]:
        found.append(row["parent"])
        row = _table()[row["parent"]]
    return found


@cache
def _table() -> Mapping[str, Mapping[str, str]]:
    return {row["code"]: row for row in csv_rows(PACKAGE, TABLE)}
