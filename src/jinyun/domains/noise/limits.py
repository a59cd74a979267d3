"""The limits and rules of noise, read from the tables: zones, boundaries, rooms, city grades. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache

from jinyun.kernel.errors import BadInput
from jinyun.kernel.tables import csv_rows
from jinyun.methods.editions import edition_on
from jinyun.methods.limit_rows import LimitRow, limit_rows, pick

PACKAGE = "jinyun.domains.noise"

DAY, NIGHT = "day", "night"
PERIODS: Mapping[str, tuple[str, str]] = {DAY: ("昼间", "day"), NIGHT: ("夜间", "night")}


@cache
def rule(name: str, item: str = "") -> str:
    """One figure of ``rules.csv``, as written there.

    Raises
    ------
    BadInput
        When there is no such rule.
    """
    for row in csv_rows(PACKAGE, "rules.csv"):
        if row["rule"] == name and row["item"] == item:
            return row["value"]
    raise BadInput(f"{PACKAGE} rules.csv has no rule {name!r} {item!r}")


def number(name: str, item: str = "") -> int:
    """A whole-numbered rule of ``rules.csv``."""
    return int(rule(name, item))


@dataclass(frozen=True, slots=True)
class Edition:
    """The rows of one standard's table in force on a day."""

    standard: str
    rows: tuple[LimitRow, ...]


@cache
def _rows(table: str) -> tuple[LimitRow, ...]:
    return limit_rows(csv_rows(PACKAGE, table), name=table)


def edition(part: str, day: date) -> Edition:
    """Limits of a part (``zone``, ``factory``, ``social``, ``construction``) in force on the day of the data.

    Raises
    ------
    NoEdition
        For a day before the first edition that we hold.
    """
    row = edition_on(csv_rows(PACKAGE, "editions.csv"), part, day)
    return Edition(row["standard"], _rows(row["table"]))


@dataclass(frozen=True, slots=True)
class Zone:
    """One kind of acoustic function zone 声环境功能区."""

    id: str  # the table's word: zone_0 … zone_4b; zone_4 in boundary standards
    code: str  # 0 … 4b
    zh: str
    en: str


@cache
def zones() -> Mapping[str, Zone]:
    """All zones by id."""
    return {r["zone"]: Zone(r["zone"], r["code"], r["zh"], r["en"]) for r in csv_rows(PACKAGE, "zones.csv")}


@cache
def _zone_words() -> Mapping[str, str]:
    words: dict[str, str] = {}
    for row in csv_rows(PACKAGE, "zones.csv"):
        for word in (row["zone"], row["code"], row["zh"], *row["alias"].split(";")):
            words[word.lower()] = row["zone"]
    return words


def zone_of(word: str) -> Zone:
    """The zone that a record, a file or a person means: ``zone_4a``, ``4a``, ``4a类``, ``4a类区``.

    Raises
    ------
    BadInput
        For a word that names none.
    """
    found = _zone_words().get("".join(str(word).split()).lower())
    if found is None:
        raise BadInput(f"no noise zone {word!r}", field="zone", hint="one of 0, 1, 2, 3, 4a, 4b")
    return zones()[found]


def period_of(word: str) -> str:
    """``day`` or ``night``, also from 昼间 and 夜间.

    Raises
    ------
    BadInput
        For any other word.
    """
    found = {"day": DAY, "昼间": DAY, "昼": DAY, "night": NIGHT, "夜间": NIGHT, "夜": NIGHT}.get(
        str(word).strip().lower()
    )
    if found is None:
        raise BadInput(f"no part of a day {word!r}", field="period", hint="day (昼间) or night (夜间)")
    return found


def one_row(limits: Edition, *, item: str, group: str, period: str, condition: str = "") -> LimitRow:
    """The one row of an item for a zone and part of the day.

    Raises
    ------
    BadInput
        When the standard sets no such limit.
    """
    found = pick(limits.rows, item=item, group=group, period=period, condition=condition)
    if not found:
        known = ", ".join(dict.fromkeys(r.group for r in limits.rows if r.item_code == item and r.value is not None))
        what = f"{item} in {group or '(no zone)'} by {period}" + (f" for {condition}" if condition else "")
        raise BadInput(f"{limits.standard} sets no limit for {what}", field="zone", hint=f"it has {known}")
    return found[0]


def value_of(row: LimitRow) -> Decimal:
    """The number of a row that has one.

    Raises
    ------
    BadInput
        For a row of text.
    """
    if row.value is None:
        raise BadInput(f"{row.clause}: {row.item_code} has no number but {row.text!r}")
    return row.value


@cache
def grades(day: date) -> tuple[str, tuple[Mapping[str, str], ...]]:
    """Standard and rows of the city grades in force on a day."""
    row = edition_on(csv_rows(PACKAGE, "editions.csv"), "city", day)
    return row["standard"], csv_rows(PACKAGE, row["table"])
