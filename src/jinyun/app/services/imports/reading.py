"""One batch of a table as values of series. A cell or a row that will not do is refused, the rest goes on.

Every column is looked at once per different cell; rows are arrays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np

from jinyun.app.judging.cells import Cell, Kind, number
from jinyun.app.judging.files_in import Batch
from jinyun.app.judging.headings import Column
from jinyun.app.judging.rows import Rows
from jinyun.app.services.imports.columns import Parser
from jinyun.app.services.imports.flags import flag_of
from jinyun.kernel.factors import Factor
from jinyun.kernel.ports import MICRO, NO_VALUE
from jinyun.kernel.terms import Flag

LARGEST = 10**18 - 1
"""Millionths that the store holds."""

Refusal = tuple[int, str, str, str, str]
"""Row of the file, heading, cell, reason code, sentence."""


@dataclass(slots=True)
class Values:
    """Values of one batch; `key` counts into `Parser.keys`, `place` into `Places.ids`, `row` as a spreadsheet does."""

    place: np.ndarray
    key: np.ndarray
    time: np.ndarray
    value: np.ndarray
    flag: np.ndarray
    row: np.ndarray
    refused: list[Refusal]
    counts: Counter[str]  # rows; empty: cells with nothing in them; rounded: values of more than six decimals


def read_batch(parser: Parser, batch: Batch) -> Values:
    """The values of one batch."""
    return _Batch(parser, batch).values()


class _Batch:
    def __init__(self, parser: Parser, batch: Batch) -> None:
        self.parser, self.batch = parser, batch
        self.rows = Rows(parser.reader, batch)
        self.refused: list[Refusal] = []
        self.counts: Counter[str] = Counter(rows=batch.rows)
        self.good = np.ones(batch.rows, bool)
        for n, (code, sentence) in sorted(batch.problems.items()):
            self._refuse(n, "", "", (code, sentence))
            self.good[n] = False
        names = self.rows.words("name")
        self.place = self._numbered(names.codes, names.cells, [parser.place(one) for one in names.cells], "name")
        self.time = self._moments()
        self.parts: list[tuple[np.ndarray, ...]] = []

    def _refuse(self, n: int, heading: str, cell: Any, problem: tuple[str, str]) -> None:
        text = "" if cell is None else str(cell)
        self.refused.append((self.batch.row_number(n), heading, text, *problem))

    def _numbered(self, codes: np.ndarray, cells: Sequence[Any], answers: Sequence[Any], meaning: str) -> np.ndarray:
        """Answers that are numbers, row by row; rows whose answer is a problem are refused."""
        numbers: np.ndarray = np.array([one if isinstance(one, int) else -1 for one in answers], np.int64)[codes]
        bad = np.array([not isinstance(one, int) for one in answers], bool)[codes] & self.good
        heading = self.parser.heading(meaning)
        for n in np.flatnonzero(bad).tolist():
            self._refuse(n, heading, cells[codes[n]], answers[codes[n]])
        self.good &= ~bad
        return numbers

    def _moments(self) -> np.ndarray:
        parser, rows = self.parser, self.rows
        if rows.has("at"):
            coded = rows.words("at")
            return self._numbered(coded.codes, coded.cells, [parser.second(one) for one in coded.cells], "time")
        whens = rows.whens  # year, month, day, hour in columns of their own
        assert whens is not None
        answers = [parser.of_when(one, zoned=False, text="") for one in whens.cells]
        return self._numbered(whens.codes, [""] * len(answers), answers, "time")

    def values(self) -> Values:
        if self.parser.long:
            self._long()
        else:
            self._wide()
        columns = [np.concatenate(one) for one in zip(*self.parts, strict=True)] if self.parts else [_NOTHING] * 6
        place, key, time, value, flag, row = columns
        return Values(place, key, time, value, flag, row, self.refused, self.counts)

    def _flags(self, meaning: str) -> np.ndarray | None:
        if not self.rows.has(meaning):
            return None
        return self.rows.words(meaning).lut(lambda text: int(flag_of(text)), np.int64)

    def _wide(self) -> None:
        common = self._flags("flag")
        for meaning, column in self.parser.found.columns.items():
            if meaning not in self.parser.factors:
                continue
            coded = self.rows.figures(meaning)
            own = self._flags(f"{meaning}.flag")
            made = _Cells(coded.cells, Decimal(1))
            self._take(meaning, column, (made, coded.codes), self.good, own if own is not None else common)

    def _long(self) -> None:
        parser, rows = self.parser, self.rows
        flags, column = self._flags("flag"), parser.found.columns["value"]
        names, units, values = rows.words("factor"), rows.words("unit"), rows.words("value")
        pairs, codes = np.unique(names.codes * len(units.cells) + units.codes, return_inverse=True)
        for place, pair in enumerate(pairs.tolist()):
            mine = self.good & (codes == place)
            if not mine.any():
                continue
            text, unit = names.cells[pair // len(units.cells)], units.cells[pair % len(units.cells)]
            factor, scale = parser.meant(text, unit)
            if not isinstance(factor, Factor):
                for n in np.flatnonzero(mine).tolist():
                    self._refuse(n, parser.heading("factor"), text, (factor, scale))
                continue
            used, own = np.unique(values.codes[mine], return_inverse=True)
            full = np.zeros(self.batch.rows, np.int64)
            full[mine] = own
            signed, floor = factor.minimum is None or factor.minimum < 0, parser.reader.detection.get(factor.id)
            cells = [_floored(number(values.cells[i], signed=signed), floor) for i in used.tolist()]
            self._take(factor.id, column, (_Cells(cells, scale), full), mine, flags)

    def _take(
        self, factor: str, column: Column, cells: tuple[_Cells, np.ndarray], good: np.ndarray, flags: Any
    ) -> None:
        """Take the rows whose cell is a value; refuse the bad ones, count the empty ones."""
        made, codes = cells
        state = made.state[codes]
        for n in np.flatnonzero((state == _BAD) & good).tolist():
            cell = self.batch.columns[column.position][n].as_py()
            self._refuse(n, column.heading, cell, made.problems[int(codes[n])])
        self.counts["empty"] += int(((state == _EMPTY) & good).sum())
        chosen = np.flatnonzero((state == _VALUE) & good)
        mine, place = codes[chosen], self.place[chosen]
        self.counts["rounded"] += int(made.rounded[mine].sum())
        plain = int(Flag[self.parser.options.flag])
        flag = np.full(len(chosen), plain, np.int64) if flags is None else flags[chosen]
        usable = (flag == int(Flag.NORMAL)) | (flag == int(Flag.UNKNOWN))
        flag = np.where(made.below[mine] & usable, int(Flag.NON_DETECT), flag)
        keys = self.parser.key_codes(place, factor)
        self.parts.append((place, keys, self.time[chosen], made.micro[mine], flag, chosen + self.batch.first))


_NOTHING = np.empty(0, np.int64)
_EMPTY, _VALUE, _BAD = 0, 1, 2


def _floored(cell: Cell, floor: Decimal | None) -> Cell:
    if cell.kind is not Kind.NON_DETECT or cell.value is not None:
        return cell
    if floor is not None:
        return Cell(Kind.NON_DETECT, floor)
    sentence = "not detected, without its detection limit; write <limit in the cell, or say it in the options"
    return Cell(Kind.BAD, None, ("no-detection-limit", sentence))


class _Cells:
    """Different cells of a column as arrays: millionths, state, whether not detected."""

    def __init__(self, cells: Sequence[Cell], scale: Decimal) -> None:
        size = len(cells)
        self.micro = np.full(size, NO_VALUE, np.int64)
        self.state = np.zeros(size, np.int8)
        self.below = np.zeros(size, bool)
        self.rounded = np.zeros(size, bool)
        self.problems: dict[int, tuple[str, str]] = {}
        for n, cell in enumerate(cells):
            if cell.kind is Kind.MISSING:
                continue
            if cell.kind is Kind.BAD or cell.value is None:
                self._bad(n, cell.problem or ("bad-number", "no number"))
                continue
            exact = cell.value * scale * MICRO
            whole = exact.to_integral_value(ROUND_HALF_EVEN)
            if abs(whole) > LARGEST:
                self._bad(n, ("too-large", f"{cell.value} is larger than the store can hold; check the unit"))
                continue
            self.micro[n], self.state[n] = int(whole), _VALUE
            self.below[n], self.rounded[n] = cell.kind is Kind.NON_DETECT, whole != exact

    def _bad(self, n: int, problem: tuple[str, str]) -> None:
        self.state[n], self.problems[n] = _BAD, problem
