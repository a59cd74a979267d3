"""`$filter` and `$orderby` expressions: text to a tree. Grammar: OGC 18-088 (SensorThings 1.1) 9.3.3.5, OData 4.0."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import shapely
from shapely.errors import GEOSException

from jinyun.share.sensorthings.errors import BadQuery

MOST_LETTERS = 20_000
MOST_NESTED = 60

COMPARISONS = ("eq", "ne", "gt", "ge", "lt", "le")
STRING_FUNCTIONS = {
    "substringof": (2, 2), "contains": (2, 2), "endswith": (2, 2), "startswith": (2, 2), "length": (1, 1),
    "indexof": (2, 2), "substring": (2, 3), "tolower": (1, 1), "toupper": (1, 1), "trim": (1, 1), "concat": (2, 2),
}  # fmt: skip
DATE_FUNCTIONS = {
    "year": (1, 1), "month": (1, 1), "day": (1, 1), "hour": (1, 1), "minute": (1, 1), "second": (1, 1),
    "fractionalseconds": (1, 1), "date": (1, 1), "time": (1, 1), "totaloffsetminutes": (1, 1), "now": (0, 0),
    "mindatetime": (0, 0), "maxdatetime": (0, 0),
}  # fmt: skip
MATH_FUNCTIONS = {"round": (1, 1), "floor": (1, 1), "ceiling": (1, 1)}
GEO_FUNCTIONS = {
    "geo.distance": (2, 2), "geo.length": (1, 1), "geo.intersects": (2, 2), "st_equals": (2, 2),
    "st_disjoint": (2, 2), "st_touches": (2, 2), "st_within": (2, 2), "st_overlaps": (2, 2), "st_crosses": (2, 2),
    "st_intersects": (2, 2), "st_contains": (2, 2), "st_relate": (3, 3),
}  # fmt: skip
FUNCTIONS = STRING_FUNCTIONS | DATE_FUNCTIONS | MATH_FUNCTIONS | GEO_FUNCTIONS
"""All functions of the standard's table, with the least and greatest number of arguments."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of time [start, end)."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Literal:
    """A value: str, Decimal, bool, None, datetime (aware), `Interval`, time, timedelta or a shapely geometry."""

    value: Any


@dataclass(frozen=True, slots=True)
class Path:
    """A property, possibly over relations: ``Datastream/Thing/name``."""

    parts: tuple[str, ...]

    def __str__(self) -> str:
        return "/".join(self.parts)


@dataclass(frozen=True, slots=True)
class Call:
    """A function, or an operator by its name: and, or, not, eq…, add, sub, mul, div, mod, neg."""

    name: str
    given: tuple[Expression, ...]


Expression = Literal | Path | Call

_DATE = r"\d{4}-\d\d-\d\d"
_CLOCK = r"\d\d:\d\d(?::\d\d(?:\.\d+)?)?"
_MOMENT = rf"{_DATE}T{_CLOCK}(?:Z|[+\- ]\d\d:?\d\d)"
_TOKEN = re.compile(
    rf"""\s*(?:
    (?P<interval>{_MOMENT}/{_MOMENT})|(?P<moment>{_MOMENT})|(?P<date>{_DATE})|(?P<clock>{_CLOCK})
    |(?P<geo>geography\s*'(?:[^']|'')*')|(?P<duration>duration\s*'[^']*')
    |(?P<text>'(?:[^']|'')*')
    |(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    |(?P<name>[@\w][\w.@]*(?:/[@\w][\w.@]*)*)
    |(?P<mark>[(),-])
    )""",
    re.VERBOSE,
)
_DURATION = re.compile(r"(-)?P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


def parse_moment(text: str) -> datetime:
    """An aware datetime of RFC 3339; a space stands for a plus that a client did not encode."""
    written = text.strip().replace(" ", "+")
    try:
        moment = datetime.fromisoformat(written.replace("Z", "+00:00"))
    except ValueError:
        raise BadQuery(f"{text!r} is no moment; write 2026-01-01T08:00:00+08:00 or 2026-01-01T00:00:00Z") from None
    if moment.tzinfo is None:
        raise BadQuery(f"{text!r} has no time zone; write 2026-01-01T08:00:00+08:00 or 2026-01-01T00:00:00Z")
    return moment


def parse_interval(text: str) -> Interval:
    """Two moments with a slash between them."""
    start, _, end = text.partition("/")
    interval = Interval(parse_moment(start), parse_moment(end))
    if interval.end < interval.start:
        raise BadQuery(f"{text!r} ends before it starts")
    return interval


def parse_expression(text: str) -> Expression:
    """The tree of a whole expression.

    Raises
    ------
    BadQuery
        With the place where it breaks off.
    """
    if len(text) > MOST_LETTERS:
        raise BadQuery(f"an expression has at most {MOST_LETTERS} letters")
    parser = _Parser(text)
    tree = parser.either()
    parser.end()
    return tree


class _Parser:
    """Recursive descent over tokens (kind, text, place)."""

    def __init__(self, text: str) -> None:
        self._text, self._depth, self._at = text, 0, 0
        self._tokens: list[tuple[str, str, int]] = []
        place = 0
        while text[place:].strip():
            found = _TOKEN.match(text, place)
            if found is None:
                raise BadQuery(f"{text!r} cannot be read from {text[place:].strip()[:30]!r} on")
            kind = str(found.lastgroup)
            self._tokens.append((kind, found[kind], found.start(kind)))
            place = found.end()

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at][:2] if self._at < len(self._tokens) else ("end", "")

    def _word(self, *words: str) -> str:
        """The next token when it is a name of `words`, taken; else ""."""
        kind, text = self._peek()
        if kind == "name" and text in words and not (self._at + 1 < len(self._tokens) and self._is_call(text)):
            self._at += 1
            return text
        return ""

    def _is_call(self, text: str) -> bool:
        _, _, place = self._tokens[self._at]
        return text in FUNCTIONS and self._text[place + len(text) : place + len(text) + 1] == "("

    def _wrong(self, wanted: str) -> BadQuery:
        if self._at >= len(self._tokens):
            return BadQuery(f"{self._text!r} breaks off where {wanted} should come")
        rest = self._text[self._tokens[self._at][2] :]
        return BadQuery(f"{self._text!r}: {wanted} should come where {rest[:30]!r} is")

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise self._wrong("an operator or the end")

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MOST_NESTED:
            raise BadQuery(f"an expression is nested at most {MOST_NESTED} deep")

    def either(self) -> Expression:
        self._deeper()
        parts = [self._both()]
        while self._word("or"):
            parts.append(self._both())
        self._depth -= 1
        return parts[0] if len(parts) == 1 else Call("or", tuple(parts))

    def _both(self) -> Expression:
        parts = [self._negated()]
        while self._word("and"):
            parts.append(self._negated())
        return parts[0] if len(parts) == 1 else Call("and", tuple(parts))

    def _negated(self) -> Expression:
        if self._word("not"):
            self._deeper()
            tree = Call("not", (self._negated(),))
            self._depth -= 1
            return tree
        return self._compared()

    def _compared(self) -> Expression:
        left = self._sum()
        if name := self._word(*COMPARISONS):
            return Call(name, (left, self._sum()))
        return left

    def _sum(self) -> Expression:
        tree = self._product()
        while name := self._word("add", "sub"):
            tree = Call(name, (tree, self._product()))
        return tree

    def _product(self) -> Expression:
        tree = self._single()
        while name := self._word("mul", "div", "mod"):
            tree = Call(name, (tree, self._single()))
        return tree

    def _single(self) -> Expression:
        kind, text = self._peek()
        if kind == "end":
            raise self._wrong("a value")
        self._at += 1
        if text == "(":
            tree = self.either()
            self._expect(")")
            return tree
        if text == "-" and kind == "mark":
            self._deeper()
            tree = Call("neg", (self._single(),))
            self._depth -= 1
            return tree
        if kind == "name":
            if self._peek() == ("mark", "("):
                return self._call(text)
            constants: dict[str, Any] = {"true": True, "false": False, "null": None}
            return Literal(constants[text]) if text in constants else Path(tuple(text.split("/")))
        if kind == "mark":
            self._at -= 1
            raise self._wrong("a value")
        return Literal(_literal(kind, text))

    def _call(self, name: str) -> Expression:
        if name not in FUNCTIONS:
            raise BadQuery(f"there is no function {name!r}; known: {', '.join(FUNCTIONS)}")
        self._expect("(")
        given: list[Expression] = []
        if self._peek() != ("mark", ")"):
            given.append(self.either())
            while self._peek() == ("mark", ","):
                self._at += 1
                given.append(self.either())
        self._expect(")")
        least, most = FUNCTIONS[name]
        if not least <= len(given) <= most:
            raise BadQuery(f"{name} takes {least if least == most else f'{least} to {most}'} arguments")
        return Call(name, tuple(given))

    def _expect(self, mark: str) -> None:
        if self._peek() != ("mark", mark):
            raise self._wrong(repr(mark))
        self._at += 1


def _literal(kind: str, text: str) -> Any:
    match kind:
        case "text":
            return text[1:-1].replace("''", "'")
        case "number":
            number = Decimal(text)
            if abs(number.adjusted()) > 30:
                raise BadQuery(f"{text} is out of the range of any value here")
            return number
        case "moment":
            return parse_moment(text)
        case "interval":
            return parse_interval(text)
        case "date":
            return parse_moment(f"{text}T00:00:00+08:00")  # a day of the source, that is of China
        case "clock":
            return time.fromisoformat(text)
        case "duration":
            return _duration(text.partition("'")[2][:-1])
        case _:
            return parse_wkt(text.partition("'")[2][:-1].replace("''", "'"))


def _duration(text: str) -> timedelta:
    found = _DURATION.fullmatch(text)
    if found is None or text in ("P", "-P") or text.endswith("T"):
        raise BadQuery(f"{text!r} is no duration; write P1D, PT8H or PT30M")
    days, hours, minutes, seconds = (float(one or 0) for one in found.groups()[1:])
    try:
        length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        raise BadQuery(f"{text!r} is too long") from None
    return -length if found[1] else length


def parse_wkt(text: str) -> shapely.Geometry:
    """A geometry of well-known text, longitude before latitude; a leading ``SRID=4326;`` is taken."""
    try:
        return shapely.from_wkt(text.removeprefix("SRID=4326;"))
    except GEOSException as wrong:
        raise BadQuery(f"{text[:60]!r} is no well-known text: {wrong}") from None


EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
