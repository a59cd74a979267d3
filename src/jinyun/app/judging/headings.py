"""Which column is what: headings in the field's usual spellings, with their units, and the user's own word for them.

Spellings are data (``tables/headings.csv``, ``qualifiers.csv``, ``units.csv``) beside the factor dictionary's ids,
names and HJ 212 codes and the item names of the standards themselves. What cannot be told apart is an error that lists
what was recognised; a column that nobody asked for passes through untouched.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from jinyun.app.judging.cells import PACKAGE, plain
from jinyun.kernel.errors import BadInput
from jinyun.kernel.factors import factors
from jinyun.kernel.tables import csv_rows
from jinyun.kernel.units import unit_factor

BRACKETS = re.compile(r"[(\[（【{]([^()\[\]（）【】{}]*)[)\]）】}]")
MARKS = re.compile(r"[\s_\-—–·.,，、:：;；/\\'\"“”()\[\]{}（）【】^*#]+")
MAP = re.compile(r"\s*(?P<meaning>[^\[\]]+?)\s*(?:\[(?P<unit>[^\]]*)\])?\s*")

LEAVE = "-"
"""What a heading is mapped to when it is to be left alone."""


@dataclass(frozen=True, slots=True)
class Want:
    """Something a verb can use. `unit` is the one its figures are judged in; empty: text or a time."""

    meaning: str
    unit: str = ""
    needed: bool = False
    signed: bool = False
    spellings: tuple[str, ...] = ()  # beside those of the tables
    assumed: str = ""  # unit of a heading that names none, where it is not `unit`: the standard prints another

    @property
    def is_number(self) -> bool:
        return bool(self.unit)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file that was recognised."""

    meaning: str
    position: int
    heading: str
    unit: str = ""  # of the file's figures
    assumed: bool = False  # the heading names no unit, so the standard's own was taken
    scale: Decimal = Decimal(1)  # wanted = file's × scale, exact
    said: bool = False  # by the user's --map


@dataclass(frozen=True, slots=True)
class Recognised:
    """What was recognised, by meaning, and what is worth telling."""

    columns: Mapping[str, Column]
    notes: tuple[str, ...] = ()
    left: tuple[str, ...] = field(default=())  # headings that pass through

    def sentence(self) -> str:
        parts = []
        for one in self.columns.values():
            unit = f" [{one.unit}{', assumed' if one.assumed else ''}]" if one.unit else ""
            parts.append(f"{one.meaning} = {one.heading!r}{unit}")
        rest = f"; left alone: {', '.join(self.left)}" if self.left else ""
        return "columns: " + ", ".join(parts) + rest


def key(text: str) -> str:
    """A heading without case, width, spaces, brackets and punctuation: ``PM₂.₅`` and ``pm2_5`` are both ``pm25``."""
    text = unicodedata.normalize("NFKC", text).casefold().replace("µ", "μ")
    return MARKS.sub("", text)


def unit_key(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold().replace("µ", "μ")
    return re.sub(r"[\s()_]", "", text)


@cache
def _units() -> Mapping[str, str]:
    return {unit_key(row["spelling"]): row["unit"] for row in csv_rows(PACKAGE, "units.csv")}


def unit_named(text: str) -> str | None:
    """The unit that a text names, None when it names none."""
    return _units().get(unit_key(text))


@cache
def _qualifiers(uses: frozenset[str]) -> tuple[str, ...]:
    rows = csv_rows(PACKAGE, "qualifiers.csv")
    return tuple(sorted({key(row["word"]) for row in rows if row["use"] in uses}, key=len, reverse=True))


def spellings(wants: Sequence[Want], uses: frozenset[str]) -> dict[str, list[tuple[str, int]]]:
    """Normalised spelling -> meanings with their rank, for what a verb can use."""
    found: dict[str, list[tuple[str, int]]] = {}

    def add(spelling: str, meaning: str, rank: int) -> None:
        rows = found.setdefault(key(spelling), [])
        if all(one != meaning for one, _ in rows):
            rows.append((meaning, rank))

    wanted = {want.meaning for want in wants}
    for row in csv_rows(PACKAGE, "headings.csv"):
        if row["use"] in uses and row["meaning"] in wanted:
            add(row["spelling"], row["meaning"], int(row["rank"]))
    for want in wants:
        for spelling in (want.meaning, *want.spellings):
            add(spelling, want.meaning, 1)
        known = factors().get(want.meaning)
        if known is not None and want.is_number:
            for spelling in (known.zh, known.en, known.code):
                if spelling and not spelling.isdigit():
                    add(spelling, want.meaning, 1)
    return found


@dataclass(frozen=True, slots=True)
class _Read:
    """How a heading was read: what it may mean, best first, and the unit it names."""

    meanings: tuple[tuple[str, int], ...]
    unit: str | None


def read_heading(heading: str, table: Mapping[str, list[tuple[str, int]]], uses: frozenset[str]) -> _Read:
    """Try the heading whole, then without the unit it names, then without words such as 浓度 or -Avg."""
    whole = table.get(key(heading))
    if whole:
        return _Read(tuple(whole), None)
    unit, rest = None, heading
    for found in BRACKETS.finditer(heading):
        named = unit_named(found[1])
        if named is not None and unit is None:
            unit, rest = named, rest.replace(found[0], " ")
    if unit is None:
        cuts = [m.start() for m in re.finditer(r"[\s_,，:：/\-（(]", heading)]
        for cut in cuts:
            named = unit_named(heading[cut + 1 :].replace("_", "/")) or unit_named(heading[cut + 1 :])
            if named is not None and heading[:cut].strip():
                unit, rest = named, heading[:cut]
                break
    bare = key(rest)
    while bare not in table:
        shorter = next(
            (bare.removesuffix(word) or bare.removeprefix(word) for word in _qualifiers(uses)
             if word and bare != word and (bare.endswith(word) or bare.startswith(word))), None
        )  # fmt: skip
        if shorter is None or shorter == bare:
            shorter = next((bare[len(w) :] for w in _qualifiers(uses) if w and bare != w and bare.startswith(w)), None)
        if not shorter or shorter == bare:
            break
        bare = shorter
    if bare in table:
        return _Read(tuple(table[bare]), unit)
    # A bracket may hold the name's other spelling: 二氧化硫(SO2)(μg/m³), or PM2.5（细颗粒物）.
    outside = key(BRACKETS.sub(" ", rest))
    inside = [key(found[1]) for found in BRACKETS.finditer(rest)]
    hits = [table.get(part) for part in (outside, *inside) if part and part not in _qualifiers(uses)]
    if hits and all(hit for hit in hits):
        common = [pair for pair in hits[0] or [] if all(pair[0] in dict(hit or []) for hit in hits)]
        return _Read(tuple(common), unit)
    return _Read((), unit)


def read_maps(pairs: Iterable[str], file: Path | None) -> dict[str, str]:
    """``--map "heading=meaning[unit]"`` and a TOML file of the same pairs; the command line wins."""
    found: dict[str, str] = {}
    if file is not None:
        try:
            table = tomllib.loads(file.read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as wrong:
            raise BadInput(
                f"cannot read the map {file}: {wrong}", hint='lines such as "细颗粒物" = "pm2_5[ug/m3]"'
            ) from None
        for heading, meaning in table.items():
            if not isinstance(meaning, str):
                raise BadInput(f"{file}: {heading!r} is no text", hint='write "heading" = "meaning[unit]"')
            found[heading] = meaning
    for pair in pairs:
        heading, equals, meaning = pair.rpartition("=")
        if not equals or not heading.strip() or not meaning.strip():
            raise BadInput(f"--map {pair!r} is not heading=meaning", hint='such as --map "细颗粒物=pm2_5[ug/m3]"')
        found[heading] = meaning
    return found


def recognise(
    headings: Sequence[str], wants: Sequence[Want], uses: Iterable[str], maps: Mapping[str, str] | None = None
) -> Recognised:
    """Which column is what.

    Raises
    ------
    BadInput
        When a heading of `maps` is not in the file, a unit does not fit, two columns claim the same meaning, or a
        needed column is not there; each lists what was recognised.
    """
    use = frozenset(("any", *uses))
    table, by = spellings(wants, use), {want.meaning: want for want in wants}
    taken: dict[str, Column] = {}
    handled: set[int] = set()
    for heading, text in (maps or {}).items():
        position = _position(heading, headings)
        handled.add(position)
        if text.strip() == LEAVE:
            continue
        column = _mapped(heading, text, position, by, table)
        if column.meaning in taken:
            raise BadInput(f"the map names two columns for {column.meaning}: {taken[column.meaning].heading!r} "
                           f"and {heading!r}", field=column.meaning, hint="keep one")  # fmt: skip
        taken[column.meaning] = column
    claims: dict[str, list[tuple[int, Column]]] = {}
    notes: list[str] = []
    for position, heading in enumerate(headings):
        if position in handled:
            continue
        read = read_heading(heading, table, use)
        meanings = [pair for pair in read.meanings if pair[0] not in taken]
        if not meanings:
            continue
        if len(meanings) > 1:
            names = " or ".join(meaning for meaning, _ in meanings)
            raise BadInput(f"the heading {heading!r} may be {names}", field=heading,
                           hint=f'say which with --map "{heading}={meanings[0][0]}"')  # fmt: skip
        meaning, rank = meanings[0]
        try:
            claims.setdefault(meaning, []).append((rank, _column(by[meaning], position, heading, read.unit)))
        except BadInput as wrong:
            raise BadInput(
                f"the heading {heading!r}: {wrong}", field=heading,
                hint=f'say what it is with --map "{heading}={meaning}[unit]", or leave it with =-',
            ) from None  # fmt: skip
    for meaning, rivals in claims.items():
        best = min(rank for rank, _ in rivals)
        first = [column for rank, column in rivals if rank == best]
        if len(first) > 1 and by[meaning].is_number:
            listed = " and ".join(repr(column.heading) for column in first)
            raise BadInput(
                f"the columns {listed} could both be {meaning}", field=meaning,
                hint=f'say which with --map "{first[0].heading}={meaning}", or leave one alone with '
                f'--map "{first[1].heading}={LEAVE}"',
            )  # fmt: skip
        taken[meaning] = first[0]
        if len(rivals) > 1:
            rest = ", ".join(repr(column.heading) for _, column in rivals if column is not first[0])
            notes.append(f"{meaning} is taken from {first[0].heading!r}, not from {rest}")
    order = {want.meaning: n for n, want in enumerate(wants)}
    columns = dict(sorted(taken.items(), key=lambda pair: order[pair[0]]))
    used = {column.position for column in columns.values()}
    left = tuple(heading for position, heading in enumerate(headings) if position not in used)
    found = Recognised(columns, tuple(notes), left)
    for want in wants:
        if want.needed and want.meaning not in columns:
            raise missing(want.meaning, found, table)
    return found


def missing(what: str, found: Recognised, table: Mapping[str, list[tuple[str, int]]] | None = None) -> BadInput:
    """The error for a column that is needed and not there."""
    near = []
    if table:
        mine = [spelling for spelling, meanings in table.items() if any(meaning == what for meaning, _ in meanings)]
        near = [heading for heading in found.left if get_close_matches(key(heading), mine, n=1, cutoff=0.7)]
    hint = f'name it with --map "{near[0] if near else "your heading"}={what}"'
    listed = ", ".join(f"{c.meaning} = {c.heading!r}" for c in found.columns.values()) or "nothing"
    left = ", ".join(repr(heading) for heading in found.left[:20]) or "none"
    return BadInput(
        f"no column was recognised as {what}; recognised: {listed}; not used: {left}", field=what, hint=hint
    )


def _position(heading: str, headings: Sequence[str]) -> int:
    for wanted in (lambda one: one == heading, lambda one: plain(one) == plain(heading)):
        places = [n for n, one in enumerate(headings) if wanted(one)]
        if places:
            return places[0]
    near = get_close_matches(heading, headings, n=1)
    known = ", ".join(headings[:30])
    raise BadInput(f"the map names the heading {heading!r}, which the file does not have",
                   field=heading, hint=f"did you mean {near[0]!r}?" if near else f"it has {known}")  # fmt: skip


def _mapped(
    heading: str, text: str, position: int, by: Mapping[str, Want], table: Mapping[str, list[tuple[str, int]]]
) -> Column:
    read = MAP.fullmatch(text)
    meaning = read["meaning"] if read else text
    want = by.get(meaning)
    if want is None:
        found = table.get(key(meaning), [])
        want = by[found[0][0]] if len(found) == 1 else None
    if want is None:
        near = get_close_matches(meaning, by, n=1)
        known = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(by)}"
        raise BadInput(f"--map: {meaning!r} is nothing this verb can use", field=heading, hint=known)
    unit = None
    if read and read["unit"] is not None:
        unit = unit_named(read["unit"]) or read["unit"].strip()
    column = _column(want, position, heading, unit)
    return Column(column.meaning, position, heading, column.unit, column.assumed, column.scale, said=True)


def _column(want: Want, position: int, heading: str, unit: str | None) -> Column:
    if not want.is_number:
        return Column(want.meaning, position, heading)
    given = unit if unit is not None else want.assumed or want.unit
    if given == want.unit or {given, want.unit} <= {"1", "dimensionless", ""}:
        return Column(want.meaning, position, heading, want.unit, assumed=unit is None)
    return Column(want.meaning, position, heading, given, assumed=unit is None, scale=unit_factor(given, want.unit))
