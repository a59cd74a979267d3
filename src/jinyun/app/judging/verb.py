"""What the engine asks of a verb: what it can use, which columns it gives, and the judging itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from jinyun.app.judging.cells import Kind
from jinyun.app.judging.files_in import Arrow
from jinyun.app.judging.headings import Recognised, Want
from jinyun.app.judging.rows import Rows
from jinyun.app.judging.verdicts import LAST, SENTENCES, arrays
from jinyun.kernel.errors import BadInput, JinyunError
from jinyun.kernel.terms import CHINA, Period, Window, instant, window_of

Piece = tuple[NDArray[np.int64], dict[str, Any]]
"""Rows of a batch, and their judged columns."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line said, beside the files."""

    day: date | None = None  # --date
    edition_on: date | None = None
    sentences: bool = False
    exact: bool = False  # one by one even where columns could be judged at once
    detection: Mapping[str, Decimal] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)  # of the verb

    def get(self, name: str, default: Any = None) -> Any:
        value = self.more.get(name)
        return default if value is None else value


class Verb:
    """Base of all verbs. One object judges one file."""

    name = ""
    uses: tuple[str, ...] = ()  # rows of headings.csv that belong to it
    hour_ends = False
    grouped = False  # gives rows of its own instead of the file's

    def __init__(self, options: Options) -> None:
        self.options = options
        self.notes: list[str] = []  # said once, after the run

    def wants(self) -> Sequence[Want]:
        raise NotImplementedError

    def fitting(self, found: Recognised) -> Verb:
        """The verb that fits the columns that were recognised; usually this one."""
        del found
        return self

    def check(self, found: Recognised) -> None:
        """Raise `BadInput` when what was recognised is not enough."""

    def columns(self) -> dict[str, pa.DataType]:
        """The judged columns, in order."""
        raise NotImplementedError

    # Of verbs that judge row by row:

    def judge(self, rows: Rows) -> dict[str, Arrow]:
        """The judged columns of a batch. A row with a problem is not judged."""
        found = [None if row in rows.problems else self._one(rows, row) for row in range(rows.count)]
        return arrays(found, self.given)

    def _one(self, rows: Rows, row: int) -> dict[str, Any] | None:
        try:
            return self.one(rows, row)
        except JinyunError as wrong:
            rows.problem(row, wrong.code, str(wrong))
            return None

    def together(self, rows: Rows, pieces: Sequence[Piece]) -> dict[str, Arrow]:
        """Pieces that were judged by columns, and the rest of the rows one by one, in the order of the batch."""
        place = np.full(rows.count, -1, np.int64)  # where each row's answer lies when all is laid end to end
        start = 0
        for mine, _ in pieces:
            place[mine] = np.arange(start, start + len(mine))
            start += len(mine)
        rest = [row for row in np.flatnonzero(place < 0).tolist() if row not in rows.problems]
        single = arrays([self._one(rows, row) for row in rest], self.given)
        place[rest] = np.arange(start, start + len(rest))
        take = pa.array(place, mask=place < 0)
        whole = len(pieces) == 1 and len(pieces[0][0]) == rows.count
        out = {}
        for name, kind in self.given.items():
            parts = [piece[name] if name in piece else _nulls(len(mine), kind) for mine, piece in pieces]
            laid = pa.concat_arrays([*parts, single[name]])
            out[name] = laid if whole else laid.take(take)
        return out

    def one(self, rows: Rows, row: int) -> dict[str, Any]:
        """The judged columns of one row."""
        raise NotImplementedError

    def finish(self) -> None:
        """Once all rows were judged: what there is to say of them together."""

    # Of verbs that judge groups of rows:

    def take(self, rows: Rows) -> None:
        """Look at a batch; `results` comes when all were taken."""
        raise NotImplementedError

    def results(self) -> list[dict[str, Any]]:
        """Rows of the output."""
        raise NotImplementedError

    # ---------------------------------------------------------------------------------------------------------------

    given: Mapping[str, pa.DataType] = {}

    def prepare(self, found: Recognised) -> None:
        """Once the headings are known."""
        self.check(found)
        self.given = self.columns()

    def tail(self) -> dict[str, pa.DataType]:
        """The columns that all verbs end with."""
        return {**LAST, **(SENTENCES if self.options.sentences else {})}


TIMES = tuple(Want(name) for name in ("time", "year", "month", "month_day", "hour"))


def taken(rows: Rows, row: int, items: Sequence[str]) -> tuple[dict[str, Decimal | None], list[str], list[str]]:
    """Figures of a row by item (None: the cell holds none), the items not detected (with their limit), and the missing
    ones.
    """
    values: dict[str, Decimal | None] = {}
    below, absent = [], []
    for item in items:
        cell = rows.figures(item).at(row)
        values[item] = cell.value
        if cell.kind is Kind.NON_DETECT:
            below.append(item)
        elif cell.value is None:
            absent.append(item)
    return values, below, absent


def day_window(day: date) -> Window:
    """The day as a window, China civil time."""
    return window_of(Period.DAY, instant(datetime.combine(day, time(), CHINA)))


def _nulls(count: int, kind: Any) -> Arrow:
    return pa.nulls(count, kind)


def any_of(found: Recognised, meanings: Sequence[str], what: str) -> None:
    """At least one of some columns is needed."""
    if not any(meaning in found.columns for meaning in meanings):
        listed = ", ".join(f"{c.meaning} = {c.heading!r}" for c in found.columns.values()) or "nothing"
        left = ", ".join(repr(heading) for heading in found.left[:20]) or "none"
        shown = ", ".join(meanings[:30])
        raise BadInput(
            f"no column of {what} was recognised; recognised: {listed}; not used: {left}", field=meanings[0],
            hint=f'name one with --map "your heading={meanings[0]}"; any of {shown} works',
        )  # fmt: skip
