"""The limits of soil, read from the tables: items, land, pH bins. Pure; all contents in mg/kg of dry soil."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from functools import cache

from jinyun.kernel.errors import BadInput
from jinyun.kernel.tables import csv_rows
from jinyun.methods.editions import edition_on
from jinyun.methods.limit_rows import LimitRow, limit_rows, pick

PACKAGE = "jinyun.domains.soil"
SCREENING, CONTROL = "screening", "control"
BASIC_TABLE = "1"
"""Table 1 of GB 36600: the basic items, which every survey measures; table 2: others."""

_BIN = re.compile(r"(?:(?P<above>[\d.]+)<)?pH(?:<=(?P<upto>[\d.]+)|>(?P<over>[\d.]+))")


@cache
def rule(name: str, item: str = "") -> str:
    """One figure of ``rules.csv``, as written there.

    Raises
    ------
    BadInput
        For a rule that the table does not have.
    """
    for row in csv_rows(PACKAGE, "rules.csv"):
        if row["rule"] == name and row["item"] == item:
            return row["value"]
    raise BadInput(f"{PACKAGE} rules.csv has no rule {name!r} {item!r}")


def number(name: str, item: str = "") -> int:
    """A whole-numbered rule of ``rules.csv``."""
    return int(rule(name, item))


@cache
def background_items() -> frozenset[str]:
    """Items that a natural background above the screening value excuses."""
    return frozenset(row["item"] for row in csv_rows(PACKAGE, "rules.csv") if row["rule"] == "background_exception")


@dataclass(frozen=True, slots=True, eq=False)
class Edition:
    """One standard's rows in force on a day; there is one object of each."""

    standard: str
    rows: tuple[LimitRow, ...]
    items: Mapping[str, str]  # item code -> Chinese name, in the order of the table
    basic: frozenset[str]  # items of table 1
    by_item: Mapping[str, tuple[LimitRow, ...]]

    def item(self, word: str) -> str | None:
        """Code of an item by its code or its Chinese name; None when the standard has no such item."""
        if word in self.items:
            return word
        return next((code for code, zh in self.items.items() if zh == word), None)

    def near(self, word: str) -> str:
        """What may have been meant by an unknown item; "" when nothing is near."""
        return next(iter(get_close_matches(word, self.items, n=1)), "")


def edition(part: str, day: date) -> Edition:
    """Limits of a part (``construction``, ``farmland``) in force on the day of the sample.

    Raises
    ------
    NoEdition
        For a day before 2018-08-01.
    """
    row = edition_on(csv_rows(PACKAGE, "editions.csv"), part, day)
    return _edition(row["standard"], row["table"])


@cache
def _edition(standard: str, table: str) -> Edition:
    rows = limit_rows(csv_rows(PACKAGE, table), name=table)
    items = {row.item_code: row.item_zh for row in rows}
    basic = frozenset(row.item_code for row in rows if row.table_no == BASIC_TABLE)
    return Edition(standard, rows, items, basic, {code: pick(rows, item=code) for code in items})


@dataclass(frozen=True, slots=True)
class Land:
    """A use of land, and the table's group it is judged in."""

    code: str
    zh: str
    en: str
    group: str


@cache
def _lands(standard: str) -> Mapping[str, Land]:
    found: dict[str, Land] = {}
    for row in csv_rows(PACKAGE, "land_uses.csv"):
        if row["standard"] == standard:
            land = Land(row["code"], row["zh"], row["en"], row["group"])
            for word in (row["code"], row["zh"], *filter(None, row["alias"].split(";"))):
                found[word.lower()] = land
    return found


def land_of(word: str | None, standard: str) -> Land:
    """The use of land that a word means: a class (1, 2), a code of GB 50137 (R, A33, M…) or its Chinese name.

    Raises
    ------
    BadInput
        For a word that names none.
    """
    known = _lands(standard)
    found = known.get(str(word).strip().lower())
    if found is None:
        codes = ", ".join(dict.fromkeys(land.code for land in known.values()))
        raise BadInput(f"no land use {word!r} in {standard}", field="land", hint=f"one of {codes}")
    return found


@dataclass(frozen=True, slots=True)
class Limits:
    """Screening value 筛选值 and control value 管制值 of one item; either may be missing in the table. [mg/kg]"""

    item: str
    zh: str
    unit: str
    clause: str
    screening: Decimal | None
    control: Decimal | None
    group: str = ""  # the group whose screening value it is


def in_bin(condition: str, ph: Decimal | None) -> bool:
    """True when a pH lies in the bin of a row, as ``5.5<pH<=6.5``; a row without a bin holds for every pH.

    Raises
    ------
    BadInput
        For a condition that is no pH bin.
    """
    if not condition:
        return True
    hit = _BIN.fullmatch(condition)
    if hit is None:
        raise BadInput(f"{condition!r} is no bin of pH", field="condition", hint="like pH<=5.5, 5.5<pH<=6.5, pH>7.5")
    if ph is None:
        return False
    if hit["over"]:
        return ph > Decimal(hit["over"])
    return ph <= Decimal(hit["upto"]) and (not hit["above"] or ph > Decimal(hit["above"]))
