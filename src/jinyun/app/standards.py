"""Standards as data: which editions we hold, their limits side by side or on a day, and a user's own beside them."""

from __future__ import annotations

import hashlib
import pkgutil
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import jinyun.domains
from jinyun.app.judging import limit_file
from jinyun.app.judging.headings import key
from jinyun.domains.emission.outlet_limits import record_of
from jinyun.kernel.errors import BadInput, NotFound
from jinyun.kernel.factors import factors
from jinyun.kernel.tables import csv_rows
from jinyun.methods.limit_rows import LimitRow, limit_rows

RECORD = "standard_limit"


@dataclass(frozen=True, slots=True)
class Edition:
    """One row of a domain's ``editions.csv``: a standard, or one part or stage of it."""

    domain: str
    standard: str
    part: str
    table: str
    stage: str
    valid_from: str  # empty: always
    valid_to: str  # empty: still
    note: str
    source: str
    verified: str

    def holds(self, day: date) -> bool:
        return self.valid_from <= day.isoformat() <= (self.valid_to or "9999")

    @property
    def span(self) -> str:
        return f"{self.valid_from or '…'} – {self.valid_to or 'now'}"

    @property
    def label(self) -> str:
        """Its name beside others: the standard, and the stage where it has one."""
        stage = self.stage.removeprefix(self.standard).strip()
        return f"{self.standard} {stage}".strip()


@cache
def editions() -> tuple[Edition, ...]:
    """All editions of all domains."""
    found = []
    for module in pkgutil.iter_modules(jinyun.domains.__path__):
        try:
            rows = csv_rows(f"jinyun.domains.{module.name}", "editions.csv")
        except NotFound:
            continue
        for row in rows:
            names = ("standard", "part", "table", "stage", "valid_from", "valid_to", "note", "source", "verified")
            found.append(Edition(module.name, *(row.get(name) or "" for name in names)))
    return tuple(found)


def listed(domain: str = "") -> list[dict[str, Any]]:
    """A row per standard and part, by domain.

    Raises
    ------
    NotFound
        For a domain that has no standards.
    """
    known = list(dict.fromkeys(one.domain for one in editions()))
    if domain and domain not in known:
        raise NotFound("domain with standards", domain, known=known)
    return [
        {
            "domain": one.domain, "standard": one.standard, "part": one.part, "stage": one.stage,
            "valid_from": one.valid_from, "valid_to": one.valid_to, "rows": len(rows_of(one)),
            "verified": one.verified, "note": one.note, "source": one.source,
        }
        for one in editions() if not domain or one.domain == domain
    ]  # fmt: skip


def rows_of(edition: Edition) -> list[dict[str, str]]:
    """The rows of the edition's table that belong to it."""
    rows = csv_rows(f"jinyun.domains.{edition.domain}", edition.table)
    if not rows:
        return []
    mine = rows
    if "standard" in rows[0]:
        names = {edition.standard, edition.stage} - {""}
        mine = tuple(row for row in rows if row["standard"] in names) or rows
    if edition.stage and any(row.get("stage") == edition.stage for row in mine):
        mine = tuple(row for row in mine if row.get("stage") in (edition.stage, ""))
    return [dict(row) for row in mine]


def named(name: str) -> list[Edition]:
    """Editions of a standard: ``GB3838``, ``GB 3838-2002``, ``gb3095``, ``14848``.

    Raises
    ------
    NotFound
        With the nearest name there is.
    """
    wanted = _plain(name)
    every = editions()
    for fits in (
        lambda one: _plain(one) == wanted,
        lambda one: _plain(one).startswith(wanted) and _base(one) == wanted,
        lambda one: _base(one).replace("t", "") == wanted.replace("t", ""),
        lambda one: _plain(one).replace("t", "") == wanted.replace("t", ""),
        lambda one: wanted.isdigit() and re.search(rf"[a-z]{wanted}$", _base(one)),
        lambda one: len(wanted) > 2 and wanted in _plain(one),
    ):
        found = [one for one in every if fits(one.standard)]
        if found:
            return found
    raise NotFound("standard", name, known=list(dict.fromkeys(_base(one.standard) for one in every)))


def _plain(name: str) -> str:
    return re.sub(r"[^0-9a-z\u4e00-\u9fff]", "", name.casefold())


def _base(name: str) -> str:
    """A name without its year: ``GB 3838-2002`` is ``gb3838``."""
    return _plain(re.sub(r"-\d{4}\b.*$", "", name))


# --- what is shown ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of one part of a standard, and the columns worth showing."""

    part: str
    rows: list[dict[str, str]]
    columns: list[str]


@dataclass(frozen=True, slots=True)
class Shown:
    """What there is to show of a standard: words on its editions, and its parts."""

    told: list[str]
    blocks: list[Block]


LIMIT_COLUMNS = (
    "standard", "stage", "table_no", "item_code", "item_zh", "group", "condition", "period", "limit", "unit", "clause",
    "source", "verified", "note",
)  # fmt: skip
LIMIT_KEYS = ("table_no", "item_code", "item_zh", "group", "condition", "period", "unit")
VALUES = ("value", "concentration", "denominator")
"""Columns that hold the figure of a table that is none of limits."""
NO_KEYS = frozenset({"standard", "stage", "source", "verified", "note", "used_for", "above_top", *VALUES})


def shown(name: str, *, day: date | None = None, item: str = "", part: str = "") -> Shown:
    """Limits and rules of a standard: those in force on a day, or all editions side by side.

    Raises
    ------
    NotFound
        For a standard we do not hold, or a part it does not have.
    BadInput
        When no edition was in force on the day, or for an item it does not have.
    """
    mine = named(name)
    parts = list(dict.fromkeys(one.part for one in mine))
    if part and part not in parts:
        raise NotFound("part", part, known=parts)
    mine = [one for one in mine if not part or one.part == part]
    if day is not None:
        mine, told = _on(mine, day)
    else:
        told = [_told(one) for one in mine]
    blocks = []
    for one in dict.fromkeys(edition.part for edition in mine):
        family = [edition for edition in mine if edition.part == one]
        beside = _side_by_side(family, item) if day is None else None
        block = Block(one, *(beside or _listed(family, item)))
        if block.rows:
            blocks.append(block)
    if not blocks:
        items = _items(mine)
        raise BadInput(f"{mine[0].standard} has no item {item!r}", field="item",
                       hint=f"it has {', '.join(items[:40])}" + (" …" if len(items) > 40 else ""))  # fmt: skip
    here = {block.part for block in blocks}
    if item and day is None:
        told = [_told(one) for one in mine if one.part in here]
    return Shown(told, blocks)


def _told(one: Edition) -> str:
    return f"{one.label} ({one.part}): {one.span}; {one.verified}" + (f"; {one.note}" if one.note else "")


def _is_limits(edition: Edition) -> bool:
    rows = csv_rows(f"jinyun.domains.{edition.domain}", edition.table)
    return bool(rows) and "op" in rows[0] and "item_code" in rows[0]


def _on(mine: Sequence[Edition], day: date) -> tuple[list[Edition], list[str]]:
    """What was in force on a day, with what was before it and what comes after."""
    bases, parts = {_base(one.standard) for one in mine}, dict.fromkeys((one.domain, one.part) for one in mine)
    family = [one for one in editions() if (one.domain, one.part) in parts and _base(one.standard) in bases]
    now = [one for one in family if one.holds(day)]
    if not now:
        raise BadInput(f"no edition was in force on {day}", hint="; ".join(f"{o.label}: {o.span}" for o in family))
    told = []
    for domain, part in parts:
        row = sorted((o for o in family if (o.domain, o.part) == (domain, part)), key=lambda one: one.valid_from)
        here = [one for one in row if one.holds(day)]
        names = ", ".join(f"{one.label} ({one.span}; {one.verified})" for one in here) or "nothing"
        told.append(f"in force on {day} ({part}): {names}")
        past = [one for one in row if one.valid_to and one.valid_to < day.isoformat()]
        coming = [one for one in row if one.valid_from > day.isoformat()]
        told += [f"  before it: {past[-1].label} ({past[-1].span})"] if past else []
        told += [f"  after it: {coming[0].label} (from {coming[0].valid_from})"] if coming else []
    return now, told


def _listed(mine: Sequence[Edition], item: str) -> tuple[list[dict[str, str]], list[str]]:
    rows: list[dict[str, str]] = []
    columns: list[str] = []
    for one in mine:
        raw = [row for row in rows_of(one) if _fits(row, item)]
        if _is_limits(one):
            rows += [_limit(row) for row in limit_rows(raw, name=one.table)]
            columns += [name for name in LIMIT_COLUMNS if name not in columns]
        else:
            rows += [{"standard": one.standard, **row} for row in raw]
            columns += [name for row in raw[:1] for name in row if name not in columns]
    return rows, [name for name in columns if any(row.get(name) for row in rows)]


def _limit(row: LimitRow) -> dict[str, str]:
    found = {name: str(getattr(row, name, "")) for name in LIMIT_COLUMNS if name != "limit"}
    return {**found, "limit": row.printed if row.obtained else "not obtained"}


def _side_by_side(mine: Sequence[Edition], item: str) -> tuple[list[dict[str, str]], list[str]] | None:
    """One row per item, group, condition and period, a column per edition; nothing where there is one edition."""
    labels = list(dict.fromkeys(one.label for one in mine))
    if len(labels) < 2:
        return None
    found: dict[tuple[str, ...], dict[str, str]] = {}
    keys: list[str] = []
    for one in mine:
        for names, row, text in _cells(one, item):
            keys += [name for name in names if name not in keys]
            place = tuple(f"{name}={row.get(name, '')}" for name in names)
            cells = found.setdefault(place, {name: row.get(name, "") for name in names})
            cells[one.label] = f"{cells[one.label]}; {text}" if one.label in cells else text
    if not found:
        return None
    rows = list(found.values())
    return rows, [name for name in (*keys, *labels) if any(row.get(name) for row in rows)]


def _cells(edition: Edition, item: str) -> Iterable[tuple[Sequence[str], Mapping[str, str], str]]:
    """Rows of an edition: what they are told apart by, the row, and its figure as text."""
    raw = [row for row in rows_of(edition) if _fits(row, item)]
    if _is_limits(edition):
        for row in limit_rows(raw, name=edition.table):
            yield LIMIT_KEYS, {name: str(getattr(row, name)) for name in LIMIT_KEYS}, _limit(row)["limit"]
        return
    for plain in raw:
        value = next((plain[name] for name in VALUES if plain.get(name)), None)
        if value is not None:
            yield [name for name in plain if name not in NO_KEYS and not name.startswith("weight_")], plain, value


ITEM_COLUMNS = ("item_code", "item_zh", "pollutant", "item", "rule_code", "rule")


def _fits(row: Mapping[str, str], item: str) -> bool:
    if not item:
        return True
    wanted = _meanings(key(item))
    cells = (cell for name in ITEM_COLUMNS for cell in (row.get(name) or "").split(";"))
    return any(key(cell) in wanted for cell in cells if cell)


@cache
def _meanings(wanted: str) -> frozenset[str]:
    """What an item may be called in a table, from any of its usual spellings."""
    found = {wanted}
    for row in csv_rows("jinyun.app.judging", "headings.csv"):
        if key(row["spelling"]) == wanted:
            found.add(key(row["meaning"]))
    for factor in factors().values():
        if wanted in (key(factor.id), key(factor.zh), key(factor.en), key(factor.code)):
            found.add(key(factor.id))
    return frozenset(found)


def _items(mine: Iterable[Edition]) -> list[str]:
    names = dict.fromkeys(
        row[column] for one in mine for row in rows_of(one) for column in ("item_code", "pollutant") if row.get(column)
    )
    return list(names)


# --- what a user adds ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Checked:
    """A user's file of limits, looked at."""

    path: Path
    rows: int
    standards: tuple[str, ...]
    permit: bool
    problems: list[str]


def check(path: Path) -> Checked:
    """Problems of a file of limits by row and column; none: it can be added, or judged by with ``outlet --limits``."""
    rows = limit_file.read(path)
    names = tuple(dict.fromkeys(row.get("standard") or "" for row in limit_file.as_limits(rows)))
    wrong = [str(one) for one in limit_file.problems(rows)]
    return Checked(path, len(rows), names, limit_file.is_permit(rows), wrong)


def records(path: Path) -> list[dict[str, Any]]:
    """The rows of a checked file as ``standard_limit`` records; the same row has the same id every time.

    Raises
    ------
    BadInput
        When the file has problems, or is a permit's.
    """
    if limit_file.is_permit(limit_file.read(path)):
        raise BadInput(f"{path.name} holds a permit's limits, each of one outlet",
                       hint=f"jinyun records load permit_limit {path}")  # fmt: skip
    found = []
    for row in limit_file.limits(path):
        data = record_of(row)
        parts = ("standard", "table_no", "item", "group", "condition", "period", "stage", "op", "valid_from")
        mark = "|".join(str(data.get(name, "")) for name in parts)
        found.append({"id": "sl-" + hashlib.sha256(mark.encode()).hexdigest()[:16], **data})
    return found


def add(path: Path, folder: Path) -> tuple[int, int]:
    """Store a checked file's rows in a node, running or stopped; (rows, how many were created or changed)."""
    from jinyun.app.local import open_registers

    rows = records(path)
    with open_registers(folder) as registers:
        return len(rows), registers.load(RECORD, rows)


def added(folder: Path) -> list[dict[str, Any]]:
    """The limits that a node's users have added."""
    from jinyun.app.local import open_registers

    with open_registers(folder) as registers:
        return list(registers.find(RECORD, order="id", limit=5000)["items"])
