"""A batch of rows as a verb sees it: figures in the standard's unit, days, words, and what is wrong with each row.

Every column is looked at once per *different* cell, however many rows there are: real tables hold few different
figures. The same reading serves the columns that are judged a million rows at a time and the rows judged one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from jinyun.app.judging.cells import MISSING, Cell, Kind, NoDate, When, number, text_of, when
from jinyun.app.judging.files_in import Batch
from jinyun.app.judging.headings import Column, Want
from jinyun.kernel.errors import BadInput
from jinyun.kernel.ports import MICRO, NO_VALUE

Problem = tuple[str, str]
"""Reason code and sentence."""

MEMO = 200_000
"""Different cells kept per column between batches."""

CLOCK_PARTS = ("year", "month", "month_day", "hour")


@dataclass(slots=True)
class Coded:
    """A column by its different cells: ``cells[codes[n]]`` is row n's."""

    codes: NDArray[np.int64]
    cells: list[Any]

    def at(self, row: int) -> Any:
        return self.cells[self.codes[row]]

    def lut(self, of: Callable[[Any], Any], dtype: Any) -> NDArray[Any]:
        """Row by row what `of` says of the cell."""
        return np.array([of(cell) for cell in self.cells], dtype=dtype)[self.codes]


@dataclass(slots=True)
class Reader:
    """What is kept between the batches of one file."""

    columns: Mapping[str, Column]
    wants: Mapping[str, Want]
    given_day: date | None = None  # --date
    as_on: date | None = None  # --edition-on
    hour_ends: bool = False  # a label names the end of its hour: 00:00 belongs to the day before
    detection: Mapping[str, Decimal] = field(default_factory=dict)  # limits for a bare ND, in the wanted unit
    memo: dict[str, dict[Any, Any]] = field(default_factory=dict)

    def rows(self, batch: Batch) -> Rows:
        return Rows(self, batch)


class Rows:
    """One batch. Problems may be added by whoever judges; a row keeps its first one."""

    def __init__(self, reader: Reader, batch: Batch) -> None:
        self.reader, self.batch, self.count = reader, batch, batch.rows
        self.problems: dict[int, Problem] = dict(batch.problems)
        self._figures: dict[str, Coded] = {}
        self._texts: dict[str, Coded] = {}
        for meaning, want in reader.wants.items():
            if want.is_number and meaning in reader.columns:
                self._note(self.figures(meaning), lambda cell: cell.problem, meaning)
        if self.whens is not None:
            self._note(self.whens, lambda one: one if isinstance(one, tuple) else None, "")

    def _note(self, coded: Coded, problem_of: Callable[[Any], Problem | None], meaning: str) -> None:
        bad = coded.lut(lambda cell: problem_of(cell) is not None, bool)
        for row in np.flatnonzero(bad).tolist():
            problem = problem_of(coded.at(row))
            assert problem is not None
            code, sentence = problem
            self.problem(row, code, f"{meaning}: {sentence}" if meaning else sentence)

    def problem(self, row: int, code: str, sentence: str) -> None:
        self.problems.setdefault(row, (code, sentence))

    def has(self, meaning: str) -> bool:
        return meaning in self.reader.columns

    # --- figures -------------------------------------------------------------------------------------------------

    def figures(self, meaning: str) -> Coded:
        """A column of numbers, in the unit that was wanted."""
        if meaning not in self._figures:
            column, want = self.reader.columns[meaning], self.reader.wants[meaning]
            floor = self.reader.detection.get(meaning)

            def read(value: Any) -> Cell:
                cell = number(text_of(value), signed=want.signed)
                if cell.kind is Kind.NON_DETECT and cell.value is None:
                    return _below(text_of(value), meaning) if floor is None else Cell(Kind.NON_DETECT, floor)
                if cell.value is None or column.scale == 1:
                    return cell
                return Cell(cell.kind, cell.value * column.scale)

            self._figures[meaning] = self._coded(meaning, column, read, MISSING)
        return self._figures[meaning]

    def micros(self, meaning: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """A column in millionths, and where a row fits them (a figure with six decimals at most, or none at all)."""
        if not self.has(meaning):
            return np.full(self.count, NO_VALUE, np.int64), np.ones(self.count, bool)
        coded = self.figures(meaning)
        whole = [_micro(cell) for cell in coded.cells]
        values = np.array([NO_VALUE if one is None else one for one in whole], np.int64)[coded.codes]
        return values, np.array([one is not None for one in whole], bool)[coded.codes]

    def _coded(self, meaning: str, column: Column, read: Callable[[Any], Any], empty: Any) -> Coded:
        array = self.batch.columns[column.position]
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks()
        if pa.types.is_timestamp(array.type) and array.type.unit == "ns":
            array = array.cast(pa.timestamp("us", array.type.tz), safe=False)
        if pa.types.is_float16(array.type):
            array = array.cast(pa.float32())
        single = pa.types.is_float32(array.type)
        if not pa.types.is_dictionary(array.type):
            array = array.dictionary_encode()
        memo = self.reader.memo.setdefault(meaning, {})
        if len(memo) > MEMO:
            memo.clear()
        if single:  # the number that was printed, not the binary one behind it
            values: Sequence[Any] = [str(one) for one in array.dictionary.to_numpy(zero_copy_only=False)]
        else:
            values = array.dictionary.to_pylist()
        cells = []
        for value in values:
            kept = memo.get(value)
            if kept is None:
                kept = memo[value] = read(value)
            cells.append(kept)
        cells.append(empty)
        codes = array.indices.fill_null(len(cells) - 1).to_numpy(zero_copy_only=False).astype(np.int64)
        return Coded(codes, cells)

    # --- words ---------------------------------------------------------------------------------------------------

    def text(self, meaning: str, row: int) -> str:
        """A cell as stripped text; empty where there is no such column or cell."""
        return str(self.words(meaning).at(row)) if self.has(meaning) else ""

    def words(self, meaning: str) -> Coded:
        """A column of stripped texts; one empty text where there is no such column."""
        if meaning not in self._texts:
            column = self.reader.columns.get(meaning)
            if column is None:
                self._texts[meaning] = Coded(np.zeros(self.count, np.int64), [""])
            else:
                self._texts[meaning] = self._coded(f"text {meaning}", column, lambda value: text_of(value).strip(), "")
        return self._texts[meaning]

    # --- days ----------------------------------------------------------------------------------------------------

    @cached_property
    def whens(self) -> Coded | None:
        """When each row was: `When`, or its problem; None for the whole batch without a time column."""
        columns = self.reader.columns
        if "time" in columns and "hour" not in columns:
            return self._coded("time", columns["time"], self._when, self._no_when())
        parts = ["time"] if "time" in columns else [p for p in ("year", "month", "month_day") if p in columns]
        if not parts or (parts[0] != "time" and "month" not in parts):
            return None
        if "hour" in columns:
            parts.append("hour")
        lists = [[self.text(part, row) for row in range(self.count)] for part in parts]
        joined = pa.array([self._join(parts, row) for row in zip(*lists, strict=True)], pa.string())
        batch = Batch((joined,), self.count, self.batch.first)
        return Rows(Reader({}, {}, self.reader.given_day), batch)._coded(
            "time", Column("time", 0, ""), self._when, self._no_when()
        )

    @staticmethod
    def _join(parts: Sequence[str], cells: Sequence[str]) -> str:
        day = "-".join(cell.removesuffix(".0") for part, cell in zip(parts, cells, strict=True) if part != "hour")
        hour = cells[-1].removesuffix(".0") if parts[-1] == "hour" else ""
        if hour and parts[0] == "time" and (":" in day or "时" in day):
            return day  # the time says its hour itself
        return f"{day} {hour}" if hour else day

    def _no_when(self) -> When | Problem:
        if self.reader.given_day is not None:
            return When(self.reader.given_day)
        return ("no-date", "the row has no date")

    def _when(self, value: Any) -> When | Problem:
        try:
            found = when(value)
        except NoDate as wrong:
            return ("bad-date", str(wrong))
        if found is None:
            return self._no_when()
        if found.second is None or not (self.reader.hour_ends and found.second == 0):
            return found
        return When(found.day - timedelta(days=1), 86400, found.whole)

    def when(self, row: int) -> When:
        """When a row was. Raises `BadInput` where the file has no times and no date was given."""
        if self.whens is None:
            return When(self.given_day())
        found = self.whens.at(row)
        return found if isinstance(found, When) else When(date.min)

    def given_day(self) -> date:
        if self.reader.given_day is None and self.reader.as_on is not None:
            return self.reader.as_on
        if self.reader.given_day is None:
            raise BadInput("the file has no column of dates", field="date",
                           hint="give the day of the data with --date 2026-03-01, or name the column with "
                           '--map "heading=time"')  # fmt: skip
        return self.reader.given_day

    def judged_on(self, row: int) -> date:
        """The day that chooses the edition."""
        return self.reader.as_on or self.when(row).day

    def days(self) -> Coded:
        """The day that chooses the edition, row by row."""
        if self.reader.as_on is not None:
            return Coded(np.zeros(self.count, np.int64), [self.reader.as_on])
        if self.whens is None:
            return Coded(np.zeros(self.count, np.int64), [self.given_day()])
        return Coded(self.whens.codes, [one.day if isinstance(one, When) else None for one in self.whens.cells])


def _below(text: str, meaning: str) -> Cell:
    """Not detected, and nobody says below what."""
    hint = f"write <limit in the cell, or give --detection-limit {meaning}=0.01"
    return Cell(Kind.BAD, None, ("no-detection-limit", f"{text!r} without its detection limit; {hint}"))


def _micro(cell: Cell) -> int | None:
    """Millionths of a plain figure; `NO_VALUE` of a missing one; None for what must be judged one by one."""
    if cell.kind is Kind.MISSING:
        return int(NO_VALUE)
    if cell.kind is not Kind.VALUE or cell.value is None:
        return None
    scaled = cell.value * MICRO
    if scaled != int(scaled) or abs(scaled) >= 1 << 53:
        return None
    return int(scaled)
