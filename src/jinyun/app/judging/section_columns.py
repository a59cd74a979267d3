"""Sections judged a million rows at a time: the same answers as `water.WaterSection.one`, row by row.

The class comes from `domains.water.columns`; classes and multiples of single items from each item's few different
figures; only the order of the main indicators is worked out row by row, where water is worse than class III.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from jinyun.app.judging.cells import Kind
from jinyun.app.judging.files_in import Arrow
from jinyun.app.judging.rows import Coded, Rows
from jinyun.app.judging.verb import Piece
from jinyun.app.judging.verdicts import JOIN, picked
from jinyun.domains.water.columns import SectionColumns, section_classes
from jinyun.domains.water.limits import LABELS_ZH, RIVER, Edition, edition, rule, status_words
from jinyun.domains.water.quality import (
    ItemClass,
    SectionClass,
    item_class,
    main_indicators,
    multiple_over,
)
from jinyun.domains.water.telling import indicator_words
from jinyun.kernel.errors import JinyunError
from jinyun.kernel.ports import MICRO
from jinyun.kernel.terms import Status

if TYPE_CHECKING:
    from jinyun.app.judging.water import WaterSection

WATER = (-5 * MICRO, 60 * MICRO)
"""Temperatures of water that go by columns; what lies outside is looked at one by one."""

Rowing = NDArray[np.int64]


class SectionBatch:
    """One batch of rows."""

    def __init__(self, verb: WaterSection, rows: Rows) -> None:
        self.verb, self.rows = verb, rows
        self.evaluated = edition(date.max).evaluated
        self.values: dict[str, Rowing] = {}
        self.plain = np.ones(rows.count, bool)
        self.plain[list(rows.problems)] = False

    def judge(self) -> dict[str, Arrow]:
        """The judged columns."""
        self._figures()
        pieces: list[Piece] = []
        for table, target, mine in self._groups():
            found = section_classes({code: column[mine] for code, column in self.values.items()}, table)
            some = np.flatnonzero(found.level > 0)
            if len(some) == len(mine):
                pieces.append((mine, self._piece(table, target, mine, found)))
            elif len(some):
                kept = SectionColumns(found.level[some], found.deciding[some], found.evaluated[some], found.items)
                pieces.append((mine[some], self._piece(table, target, mine[some], kept)))
        return self.verb.together(self.rows, pieces)

    def _figures(self) -> None:
        """Columns of millionths, and which rows they can judge: those of plain figures of evaluated items."""
        for code in self.verb.items:
            column, fits = self.rows.micros(code)
            self.plain &= fits
            if code in self.evaluated or code == "water_temp":
                self.values[code] = column
            if code == "water_temp":
                self.plain &= ~self._there(code) | ((column >= WATER[0]) & (column <= WATER[1]))

    def _there(self, code: str) -> NDArray[np.bool_]:
        return self.rows.figures(code).lut(lambda cell: cell.kind is not Kind.MISSING, bool)

    def _groups(self) -> list[tuple[Edition, int, Rowing]]:
        """Rows that one edition for one kind of water body and one target judges."""
        days = self.rows.days()
        bodies, targets = self._words("body", self.verb.body_word), self._words("target", self.verb.target_word)
        tables: dict[tuple[str, ...], Edition] = {}
        by_day: dict[tuple[int, int], tuple[str, ...]] = {}
        for n, day in enumerate(days.cells):
            for m, body in enumerate(bodies.cells):
                if day is None or body is None:
                    continue
                try:
                    table = edition(day, body)
                except JinyunError:
                    continue  # said row by row
                key: tuple[str, ...] = (table.standard, table.evaluation, table.body)
                tables[key], by_day[n, m] = table, key
        numbers = {key: n for n, key in enumerate(tables)}
        grid = np.full((len(days.cells), len(bodies.cells)), -1, np.int64)
        for (n, m), key in by_day.items():
            grid[n, m] = numbers[key]
        which = grid[days.codes, bodies.codes]
        goal = targets.lut(lambda one: -1 if one is None else one, np.int64)
        out = []
        for mark, table in tables.items():
            judged = self.plain & (which == numbers[mark])
            for code in self.verb.items:  # what is measured for drinking water is told of one by one
                known = code in self.values or code in table.reference or (code == "tn" and table.body == RIVER)
                if not known:
                    judged &= ~self._there(code)
            for target in np.unique(goal[judged]).tolist():
                if target > 0:
                    out.append((table, target, np.flatnonzero(judged & (goal == target))))
        return out

    def _words(self, meaning: str, read: Any) -> Coded:
        """What the words of a column choose; None for those that choose nothing."""

        def value(word: str) -> Any:
            try:
                return read(word)
            except JinyunError:
                return None

        coded = self.rows.words(meaning)
        return Coded(coded.codes, [value(word) for word in coded.cells])

    # --- the columns of one piece ---------------------------------------------------------------------------------

    def _piece(self, table: Edition, target: int, mine: Rowing, found: SectionColumns) -> dict[str, Any]:
        common = self.verb.one(self.rows, int(mine[0]))
        here = [code for code in table.evaluated if code in self.values]
        items = {code: self._item(table, target, code, mine) for code in here}
        beside = [self._reference(table, code, mine) for code in table.reference if code in self.verb.items]
        level = found.level.astype(np.int64)
        words = [None, *(status_words()[n][0] for n in sorted(LABELS_ZH))]
        labels = [None, *(LABELS_ZH[n] for n in sorted(LABELS_ZH))]
        masks, back = np.unique(found.deciding, return_inverse=True)
        deciding = [JOIN.join(code for n, code in enumerate(found.items) if int(m) >> n & 1) or None for m in masks]
        states = [Status.ATTAINS.value, Status.EXCEEDS.value]
        of = len(table.evaluated)
        used = [f"{n} of {of}" for n in range(of + 1)]
        whole = pa.array(found.level.astype(np.int32))
        count = len(mine)
        return {
            "judged_class": whole,
            "judged_class_label": picked(labels, level),
            "judged_level": whole,
            "judged_category": picked(words, level),
            "deciding_factors": picked(deciding, back.reshape(-1)),
            "judged_main_indicators": self._indicators(table, items, level),
            "judged_exceed_multiple": _joined([picked(one.multiples, one.codes) for one in items.values()], count),
            "judged_item_classes": _joined(
                [*(picked(one.grades, one.codes) for one in items.values()), *beside], count
            ),
            "judged_items_used": picked(used, found.evaluated.astype(np.int64)),
            "judged_missing": self._missing(mine),
            "judged_status": picked(states, (level > target).astype(np.int64)),
            **{
                name: pa.repeat(pa.scalar(common[name]), count)
                for name in ("judged_limit", "judged_edition", "judged_clause")
            },
        }

    def _item(self, table: Edition, target: int, code: str, mine: Rowing) -> _Item:
        """Class and multiple of each different figure of an item."""
        reference = int(rule("reference_class"))
        if code == "do":
            return self._oxygen(table, mine, reference)
        coded = self.rows.figures(code)
        codes = coded.codes[mine]
        here = np.zeros(len(coded.cells), bool)
        here[codes] = True
        grades: list[str | None] = []
        multiples: list[str | None] = []
        classes: list[ItemClass | None] = []
        for cell, seen in zip(coded.cells, here.tolist(), strict=True):
            value = cell.value if seen else None
            if value is None:
                grades.append(None)
                multiples.append(None)
                classes.append(None)
                continue
            level = item_class(table.item(code), value)
            over = multiple_over(table, code, value, target)
            grades.append(f"{code}={level}")
            multiples.append(None if over is None else f"{code}={over}")
            above = multiple_over(table, code, value, reference) if level > reference else None
            classes.append(ItemClass(code, value, level, above, level) if level > reference else None)
        return _Item(grades, multiples, classes, codes)

    def _reference(self, table: Edition, code: str, mine: Rowing) -> Arrow:
        """Faecal coliforms, and total nitrogen of a lake: their class is told, and is no part of the section's."""
        coded = self.rows.figures(code)
        values = [cell.value if cell.kind is Kind.VALUE else None for cell in coded.cells]
        grades = [None if value is None else f"{code}={item_class(table.item(code), value)}" for value in values]
        return picked(grades, coded.codes[mine])

    def _oxygen(self, table: Edition, mine: Rowing, reference: int) -> _Item:
        """Dissolved oxygen has a class by its figure or by its saturation, and never a multiple."""
        columns: dict[str, Rowing] = {
            code: self.values[code][mine] for code in ("do", "water_temp") if code in self.values
        }
        level = section_classes(columns, table).level.astype(np.int64)
        levels = range(len(LABELS_ZH) + 1)
        return _Item(
            [f"do={n}" if n else None for n in levels],
            [None for _ in levels],
            [ItemClass("do", Decimal(0), n, None, n) if n > reference else None for n in levels],
            level,
        )

    def _indicators(self, table: Edition, items: dict[str, _Item], level: Rowing) -> Arrow:
        """Main indicators of the rows worse than class III."""
        out: list[str | None] = [None] * len(level)
        reference = int(rule("reference_class"))
        known: dict[tuple[int, ...], str | None] = {}
        worse = np.flatnonzero(level > reference)
        columns = [one.codes[worse].tolist() for one in items.values()]
        for row, key in zip(worse.tolist(), zip(*columns, strict=True), strict=True):
            if key not in known:
                over = {
                    code: found for (code, one), n in zip(items.items(), key, strict=True) if (found := one.classes[n])
                }
                told = SectionClass(0, "", over, (), main_indicators(over), len(over), len(table.evaluated), 0)
                known[key] = "、".join(indicator_words(told)) or None
            out[row] = known[key]
        return pa.array(out, pa.string())

    def _missing(self, mine: Rowing) -> Arrow:
        """Items whose column holds nothing in a row."""
        parts = []
        for code in self.verb.items:
            gone = ~self._there(code)[mine]
            if gone.any():
                parts.append(picked([None, code], gone.astype(np.int64)))
        return _joined(parts, len(mine))


class _Item:
    """One item of a piece: what each different figure gives, and where each row's is."""

    def __init__(
        self, grades: list[str | None], multiples: list[str | None], classes: list[ItemClass | None], codes: Rowing
    ) -> None:
        self.grades, self.multiples, self.classes, self.codes = grades, multiples, classes, codes


def _joined(parts: Sequence[Arrow], count: int) -> Arrow:
    """Texts joined row by row, nulls left out; null where nothing is left."""
    if not parts:
        return pa.nulls(count, pa.string())
    # A first part that is never null: pyarrow 26 drops the rows in which all parts are skipped.
    text: Any = pc.binary_join_element_wise(pa.repeat(pa.scalar(""), count), *parts, JOIN, null_handling="skip")
    return pc.if_else(pc.equal(text, pa.scalar("")), pa.scalar(None, pa.string()), pc.utf8_ltrim(text, JOIN))
