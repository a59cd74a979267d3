"""The rules of windows, read from the domains' ``tables/windows.csv``: how each is made and when it is valid. Pure.

Most figures are not in those tables but in the standard's own, which a row names by `table` and `code`
(``column=value;column~one of a list``); so a figure stands in one place. `condition` rows add to the row before them
that has the same key: ``february``, ``each_month``, ``each_february``, ``span_hours``, ``drop_negative``,
``part_places``, ``places``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from functools import lru_cache
from hashlib import sha256

from jinyun.kernel.errors import BadInput
from jinyun.kernel.tables import csv_rows
from jinyun.kernel.terms import CHINA, LENGTHS, Period, Stat, instant
from jinyun.methods.windows import How, Level, WindowRule

TABLE = "windows.csv"
ALWAYS = (date.min, date.max)
SECONDS = LENGTHS[Period.MINUTE]


@dataclass(frozen=True, slots=True)
class Entry:
    """One rule and what it is for. Empty: for all."""

    site_kinds: frozenset[str]
    factors: frozenset[str]
    stats: frozenset[Stat]
    valid_from: date
    valid_to: date
    rule: WindowRule

    @property
    def rank(self) -> int:
        """The more a row names, the more it has the say."""
        return 2 * bool(self.factors) + bool(self.site_kinds)

    def fits(self, site_kind: str, factor: str, stat: Stat) -> bool:
        """True when it is for such a series."""
        return (
            stat in self.stats
            and (not self.factors or factor in self.factors)
            and (not self.site_kinds or site_kind in self.site_kinds)
        )


class RuleBook:
    """All rules; the most particular one that is in force on the day of the data has the say."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(entries)
        self.by_id: Mapping[str, WindowRule] = {one.rule.id: one.rule for one in self.entries}
        days = {one.valid_from for one in self.entries} | {
            date.fromordinal(one.valid_to.toordinal() + 1) for one in self.entries if one.valid_to != date.max
        }
        self.changes: Sequence[int] = sorted(instant(datetime.combine(d, time(), CHINA)) for d in days - {date.min})
        """Instants at which an edition begins or has ended: between two of them a series keeps its rules. [s]"""
        self.find = lru_cache(maxsize=65536)(self._find)

    @property
    def digest(self) -> str:
        """Equal for equal rules, in any process: changed rules make windows again."""
        told = [
            (sorted(e.site_kinds), sorted(e.factors), sorted(map(int, e.stats)), e.valid_from, e.valid_to, repr(e.rule))
            for e in self.entries
        ]
        return sha256(repr(told).encode()).hexdigest()[:16]

    def ever(self, site_kind: str, factor: str, stat: Stat, level: Level) -> bool:
        """True when a series has such windows on some day."""
        return any(
            one.rule.level is level and one.rule.how is not How.NONE and one.fits(site_kind, factor, stat)
            for one in self.entries
        )

    def _find(
        self, site_kind: str, factor: str, stat: Stat, level: Level, *, base: str, day: date
    ) -> WindowRule | None:
        """The rule of a series' windows, or None: such windows are not made.

        Parameters
        ----------
        base : str
            What the series' own readings are, when the windows are made of them (``minute``, ``hour``, ``day``); else
            "": made of the windows below.
        day : date
            Of the data: chooses the edition.
        """
        own = level.name.lower()
        fits = [
            one
            for one in self.entries
            if one.rule.level is level
            and (one.rule.built_from == base if base else one.rule.built_from not in (own, "minute"))
            and one.valid_from <= day <= one.valid_to
            and one.fits(site_kind, factor, stat)
        ]
        best = max(fits, key=lambda one: one.rank, default=None)
        return None if best is None or best.rule.how is How.NONE else best.rule


def load(packages: Iterable[str]) -> RuleBook:
    """The rules of some domains, by package.

    Raises
    ------
    BadInput
        For a row that cannot be read: which, and why.
    """
    return RuleBook(entry for package in packages for entry in _entries(package))


def _entries(package: str) -> list[Entry]:
    found: dict[tuple[str, ...], Entry] = {}
    names = ("site_kind", "factor", "stat", "built_from", "standard")
    for number, row in enumerate(csv_rows(package, TABLE), 2):
        for period in row["period"].split(";"):
            key = (period, *(row[name] for name in names))
            try:
                if row["condition"]:
                    found[key] = replace(found[key], rule=_also(found[key].rule, row, package))
                elif key in found:
                    raise BadInput("is there twice")
                else:
                    found[key] = _entry(row, period, package, number)
            except (BadInput, KeyError, ValueError) as wrong:
                raise BadInput(f"{package} {TABLE} line {number}, {period}: {wrong}") from wrong
    return list(found.values())


def _entry(row: Mapping[str, str], period: str, package: str, number: int) -> Entry:
    first, last = _dates(row, package)
    if row["test"] not in ("least", "share", "missing"):
        raise BadInput(f"no such test {row['test']!r}", hint="least, share or missing")
    unit = row["unit"]
    rule = WindowRule(
        id=f"{package.rsplit('.', 1)[-1]}:{number}:{period}", level=Level[period.upper()], built_from=row["built_from"],
        how=How(row["kind"]), least=_figure(row, package), test=row["test"],
        unit=UNITS.get(row["built_from"], unit) if unit == "%" else unit, standard=row["standard"],
        clause=row["clause"], source=row["source"], verified=row["verified"],
    )  # fmt: skip
    return Entry(
        frozenset(_list(row["site_kind"])), frozenset(_list(row["factor"])),
        frozenset(Stat[one] for one in _list(row["stat"])), first, last, rule,
    )  # fmt: skip


UNITS = {"minute": "minute", "hour": "hour", "day": "day", "month": "month", "max_8h": "day"}
"""What is counted of the parts, where a share of them is asked for."""


def _also(rule: WindowRule, row: Mapping[str, str], package: str) -> WindowRule:
    """A rule with one more condition."""
    match row["condition"]:
        case "drop_negative":
            if row["table"]:
                _row(row, package)
            return replace(rule, drop_negative=True)
        case "part_places":
            return replace(rule, part_places=_figure(row, package))
        case "places":
            return replace(rule, places=_figure(row, package))
        case "february":
            return replace(rule, february=_figure(row, package))
        case "each_month":
            return replace(rule, each_month=_figure(row, package))
        case "each_february":
            return replace(rule, each_february=_figure(row, package))
        case "span_hours":
            return replace(rule, span_hours=_figure(row, package))
    raise BadInput(f"no such condition {row['condition']!r}")


def _figure(row: Mapping[str, str], package: str) -> int:
    """The least number or share: the row's own, or that of the table it names."""
    if not row["table"]:
        return int(row["least"])
    if row["least"]:
        raise BadInput("has a figure of its own and one of a table", hint="let one of them go")
    source = _row(row, package)
    value = int(source["value"])
    if source.get("unit") == "second" and row["unit"] == "minute":
        return -(-value // SECONDS)
    return value


def _row(row: Mapping[str, str], package: str) -> Mapping[str, str]:
    """The one row of a table that `code` tells."""
    rows = [one for one in csv_rows(package, row["table"]) if all(_told(one, part) for part in _list(row["code"]))]
    if len(rows) != 1:
        raise BadInput(f"{row['table']} has {len(rows)} rows with {row['code']}", hint="name columns until one is left")
    return rows[0]


def _told(row: Mapping[str, str], part: str) -> bool:
    name, equal, value = part.partition("=")
    if equal:
        return row[name] == value
    name, _, value = part.partition("~")
    return value in _list(row[name])


def _list(text: str) -> list[str]:
    return [one for one in text.split(";") if one]


def _dates(row: Mapping[str, str], package: str) -> tuple[date, date]:
    """When the rule's standard is in force, by ``editions.csv``; a project choice always is."""
    if not row["part"]:
        return ALWAYS
    for one in csv_rows(package, "editions.csv"):
        if (one["standard"], one["part"]) == (row["standard"], row["part"]):
            return (
                date.fromisoformat(one["valid_from"]) if one["valid_from"] else date.min,
                date.fromisoformat(one["valid_to"]) if one["valid_to"] else date.max,
            )
    raise BadInput(f"editions.csv has no {row['standard']} of part {row['part']!r}")
