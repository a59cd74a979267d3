"""Options of a request or of a `$expand`: `$filter`, `$select`, `$expand`, `$orderby`, `$top`, `$skip`, `$count`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from jinyun.share.sensorthings.errors import BadQuery, NoSuchEntity
from jinyun.share.sensorthings.expressions import Expression, Path, parse_expression
from jinyun.share.sensorthings.model import Kind

PAGE = 100
"""Entities of a page when `$top` is not given."""
MOST_TOP = 1000
"""Entities of a page at most: a larger `$top` is answered by pages (`@iot.nextLink`)."""
MOST_SKIP = 10_000_000
MOST_EXPANDED = 6
KNOWN = ("$filter", "$select", "$expand", "$orderby", "$top", "$skip", "$count", "$skiptoken", "$resultFormat")


@dataclass(slots=True)
class Options:
    """One level's options. `given` keeps the texts, for links to the next page."""

    filter: Expression | None = None
    select: tuple[str, ...] = ()
    expand: dict[str, Options] = field(default_factory=dict)
    order: tuple[tuple[Expression, bool], ...] = ()  # (what, descending)
    top: int | None = None
    skip: int = 0
    count: bool = False
    token: str = ""
    data_array: bool = False
    given: list[tuple[str, str]] = field(default_factory=list)
    written: str | None = None

    @property
    def limit(self) -> int:
        return min(PAGE if self.top is None else self.top, MOST_TOP)

    def query(self, **changed: str) -> str:
        """The query string with `$skip` and `$skiptoken` replaced by what is given (names without the dollar)."""
        if self.written is None:
            kept = [(name, text) for name, text in self.given if name not in ("$skip", "$skiptoken")]
            self.written = urlencode(kept, safe="$/(),;:='@", quote_via=quote)
        return "&".join(filter(None, (self.written, *(f"${name}={text}" for name, text in changed.items()))))


def parse_options(pairs: Iterable[tuple[str, str]], *, nested: int = 0) -> Options:
    """Options of (name, text) pairs.

    Raises
    ------
    BadQuery
        When one is unknown, given twice or not readable.
    """
    made = Options()
    seen: set[str] = set()
    for name, text in pairs:
        if name not in KNOWN:
            raise BadQuery(f"there is no query option {name!r}; known: {', '.join(KNOWN)}")
        if name in seen:
            raise BadQuery(f"{name} is given twice")
        seen.add(name)
        made.given.append((name, text))
        match name:
            case "$filter":
                made.filter = parse_expression(text)
            case "$select":
                made.select = tuple(one.strip() for one in text.split(",") if one.strip())
                if not made.select:
                    raise BadQuery("$select names no property")
            case "$expand":
                made.expand = _expand(text, nested)
            case "$orderby":
                made.order = tuple(_order(one) for one in _split(text, ","))
            case "$top":
                made.top = _whole(name, text, 1_000_000_000)
            case "$skip":
                made.skip = _whole(name, text, MOST_SKIP)
            case "$count":
                if text not in ("true", "false"):
                    raise BadQuery(f"$count is true or false, not {text!r}")
                made.count = text == "true"
            case "$skiptoken":
                made.token = text
            case _:
                if text != "dataArray":
                    raise BadQuery(f"$resultFormat may be dataArray, not {text!r}")
                made.data_array = True
    return made


def _whole(name: str, text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 12 or int(text) > most:
        raise BadQuery(f"{name} is a whole number from 0 to {most}, not {text[:30]!r}")
    return int(text)


def _order(text: str) -> tuple[Expression, bool]:
    words = text.strip()
    descending = False
    head, _, last = words.rpartition(" ")
    if head and last.lower() in ("asc", "desc"):
        words, descending = head.strip(), last.lower() == "desc"
    if not words:
        raise BadQuery("$orderby names no property")
    return parse_expression(words), descending


def _split(text: str, mark: str) -> list[str]:
    """Parts between marks that stand outside of brackets and quotes."""
    parts, depth, quoted, begin = [], 0, False, 0
    for place, letter in enumerate(text):
        if letter == "'":
            quoted = not quoted
        elif not quoted and letter in "()":
            depth += 1 if letter == "(" else -1
        elif letter == mark and not quoted and depth == 0:
            parts.append(text[begin:place])
            begin = place + 1
    if depth or quoted:
        raise BadQuery(f"a bracket or quote of {text[:60]!r} is not closed")
    return [*parts, text[begin:]]


def _expand(text: str, nested: int) -> dict[str, Options]:
    """``Datastreams($top=1;$expand=Sensor),Locations`` and ``Datastreams/Thing`` (the same as a nested expand)."""
    if nested >= MOST_EXPANDED:
        raise BadQuery(f"$expand goes at most {MOST_EXPANDED} levels deep")
    found: dict[str, Options] = {}
    for part in _split(text, ","):
        written = part.strip()
        name, bracket, rest = written.partition("(")
        if bracket and not rest.endswith(")"):
            raise BadQuery(f"the bracket of {written[:60]!r} is not closed")
        levels = name.strip().split("/")
        if not all(levels):
            raise BadQuery(f"$expand: {written[:60]!r} names no relation")
        pairs = []
        for one in _split(rest[:-1], ";") if bracket else ():
            option, equals, given = one.strip().partition("=")
            if not equals:
                raise BadQuery(f"{one.strip()[:60]!r} of $expand is no option; write Observations($top=1;$count=true)")
            pairs.append((option.strip(), given))
        here = found
        for depth, level in enumerate(levels):
            last = depth == len(levels) - 1
            if level not in here:
                deeper = nested + depth + 1
                here[level] = parse_options(pairs, nested=deeper) if last else Options()
            elif last and pairs:  # named before by a longer path
                made = parse_options(pairs, nested=nested + depth + 1)
                made.expand = {**here[level].expand, **made.expand}
                here[level] = made
            if nested + depth >= MOST_EXPANDED:
                raise BadQuery(f"$expand goes at most {MOST_EXPANDED} levels deep")
            here = here[level].expand
    return found


def check_names(kind: Kind, options: Options, kinds: dict[str, Kind]) -> None:
    """Raises `BadQuery` for relations and selected properties that the entity type does not have."""
    for name in options.select:
        head = name.split("/")[0]
        if head not in (*kind.properties, *kind.relations, "id", "@iot.id", "@iot.selfLink"):
            raise BadQuery(f"{kind.singular} has no {name!r}; known: {', '.join((*kind.properties, *kind.relations))}")
    for name, deeper in options.expand.items():
        if name not in kind.relations:
            raise BadQuery(f"{kind.singular} has no relation {name!r}; known: {', '.join(kind.relations)}")
        check_names(kinds[kind.relations[name][0]], deeper, kinds)


def check_path(kind: Kind, path: Path, kinds: dict[str, Kind]) -> None:
    """Raises `NoSuchEntity` for a path of an expression that leads nowhere."""
    here = kind
    for place, part in enumerate(path.parts):
        if part in here.relations:
            here = kinds[here.relations[part][0]]
            if place == len(path.parts) - 1:
                raise BadQuery(f"{path} is an entity, not a value; write {path}/id")
        elif part in here.properties or part in ("id", "@iot.id", "@iot.selfLink"):
            return
        else:
            known = (*here.properties, *here.relations, "id")
            raise BadQuery(f"{here.singular} has no property {part!r} ({path}); known: {', '.join(known)}")
    raise NoSuchEntity(f"{path} names nothing")
