"""What is written in a cell: a number, nothing, "not detected", a day or a moment, or something that is none of these.

Missing, not detected and zero are three different things here as everywhere. Numbers are decimals of the text as it is
printed; a binary float from Parquet or Excel is taken at its shortest text, which is the number that was typed.
"""

from __future__ import annotations

import enum
import math
import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from jinyun.kernel.tables import csv_rows
from jinyun.kernel.terms import CHINA

PACKAGE = "jinyun.app.judging"

NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,2})?")
BELOW = re.compile(r"(?:<=?|≤|小于|低于)\s*(?P<a>[\d.]+(?:e-?\d+)?)l?|(?P<b>[\d.]+(?:e-?\d+)?)\s*(?:l|nd|<)")
LARGEST = 30
"""Powers of ten a number may have: beyond is no measurement."""


class Kind(enum.IntEnum):
    VALUE = 0
    MISSING = 1
    NON_DETECT = 2  # the value is the detection limit; None where the cell does not say it
    BAD = 3


class Cell(NamedTuple):
    """A cell that should hold a number. `problem` is a reason code and a sentence where it holds none."""

    kind: Kind
    value: Decimal | None = None
    problem: tuple[str, str] | None = None


MISSING = Cell(Kind.MISSING)


@cache
def words(meaning: str) -> frozenset[str]:
    """Words of ``cell_words.csv`` that mean ``missing`` or ``not detected``, in small letters without spaces."""
    rows = csv_rows(PACKAGE, "cell_words.csv")
    return frozenset(plain(row["word"]) for row in rows if row["meaning"] == meaning)


def plain(text: str) -> str:
    """Text in one width and case, without spaces."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def text_of(value: Any) -> str:
    """A cell as text: what a person would have typed; empty for nothing."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        return format(value, ".0f") if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value)


def number(text: str, *, signed: bool = False) -> Cell:
    """A cell as a number.

    Parameters
    ----------
    signed : bool
        True for what may be below zero (a temperature); a concentration or a level may not.
    """
    word = plain(text)
    if word in words("missing"):
        return MISSING
    if NUMBER.fullmatch(unicodedata.normalize("NFKC", text).strip().casefold()):  # "1 2" is no twelve
        value = Decimal(word)
        if abs(value.adjusted()) > LARGEST:
            return _bad("bad-number", f"{text!r} is too large or too small for a measured value")
        if value < 0 and not signed:
            return _bad("negative", f"{text.strip()} is below zero, so it is not a valid value")
        return Cell(Kind.VALUE, value)
    if word in words("not detected"):
        return Cell(Kind.NON_DETECT)
    bare = word
    for one in words("not detected"):
        bare = bare.removeprefix(one).removesuffix(one) or bare
    bare = bare.strip("()[]:,;")
    below = BELOW.fullmatch(bare) or (BELOW.fullmatch("<" + bare) if bare != word else None)
    if below:
        figure = below["a"] or below["b"]
        if NUMBER.fullmatch(figure):
            return Cell(Kind.NON_DETECT, Decimal(figure))
    return _bad("bad-number", f"{text!r} is no number; write the figure alone, or <figure for not detected")


def _bad(code: str, sentence: str) -> Cell:
    return Cell(Kind.BAD, None, (code, sentence))


# --- days and moments ---------------------------------------------------------------------------------------------

DAY = r"(?P<y>\d{4})(?:[-/.年])(?P<m>\d{1,2})(?:(?:[-/.月])(?P<d>\d{1,2})日?|月?)"
CLOCK = r"(?P<H>\d{1,2})(?:[:时点](?:(?P<M>\d{1,2})(?:[:分](?P<S>\d{1,2})(?:\.\d+)?秒?|分)?)?)?"
ZONE = r"(?P<zone>z|[+-]\d{2}:?\d{2})?"
SPELLED = re.compile(DAY + r"(?:[t\s]*" + CLOCK + r"\s*" + ZONE + r")?")
PACKED = re.compile(
    r"(?P<y>\d{4})(?P<m>\d{2})(?:(?P<d>\d{2})(?:t?(?P<H>\d{2})(?:(?P<M>\d{2})(?P<S>\d{2})?)?)?)?(?:\d{3})?"
)


@dataclass(frozen=True, slots=True)
class When:
    """A day, and the second of it where the cell says one; `whole` is ``day``, ``month`` or ``moment``."""

    day: date
    second: int | None = None  # China time, 0…86400: 24:00 is the end of the day
    whole: str = "day"


class NoDate(ValueError):
    """The sentence says what would work."""


def when(value: Any) -> When | None:
    """A cell as a day or a moment in China time; None when it is empty.

    Raises
    ------
    NoDate
        When it is neither.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, date):
        return When(value)
    text = unicodedata.normalize("NFKC", str(value)).strip().casefold()
    if plain(text) in words("missing"):
        return None
    spelled = SPELLED.fullmatch(text)
    found = spelled or PACKED.fullmatch(text.removesuffix(".0"))
    if found is None:
        raise NoDate(f"{value!r} is no date; 2026-03-01, 2026/3/1 08:00 and 2026年3月1日8时 are read")
    given = found.groupdict()
    try:
        day = date(int(given["y"]), int(given["m"]), int(given["d"] or 1))
    except ValueError:
        raise NoDate(f"{value!r} is no day of the calendar") from None
    if given["H"] is None:
        return When(day, None, "day" if given["d"] else "month")
    hour, minute, second = int(given["H"]), int(given["M"] or 0), int(given["S"] or 0)
    clock = hour * 3600 + minute * 60 + second
    if minute > 59 or second > 60 or clock > 86400:
        raise NoDate(f"{value!r} is no time of the day")
    zone = given.get("zone")
    if zone:
        moment = datetime.combine(day, datetime.min.time()) + timedelta(seconds=clock)
        if zone != "z":
            sign = -1 if zone[0] == "-" else 1
            moment -= sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        moment += timedelta(hours=8)
        return When(moment.date(), moment.hour * 3600 + moment.minute * 60 + moment.second, "moment")
    return When(day, clock, "moment")


def _moment(value: datetime) -> When:
    if value.tzinfo is not None:
        value = value.astimezone(CHINA)
    return When(value.date(), value.hour * 3600 + value.minute * 60 + value.second, "moment")
