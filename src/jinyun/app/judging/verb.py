"""What the engine asks of a verb: what it can use, which columns it gives, and the judging itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from jinyun.app.judging.headings import Recognised, Want
from jinyun.app.judging.rows import Rows
from jinyun.app.judging.verdicts import LAST, SENTENCES, arrays
from jinyun.kernel.errors import BadInput, JinyunError


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line said, beside the files."""

    date: date | None = None
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

    def check(self, found: Recognised) -> None:
        """Raise `BadInput` when what was recognised is not enough."""

    def columns(self, found: Recognised) -> dict[str, pa.DataType]:
        """The judged columns, in order."""
        raise NotImplementedError

    # Of verbs that judge row by row:

    def judge(self, rows: Rows) -> dict[str, pa.Array]:
        """The judged columns of a batch. A row with a problem is not judged."""
        found = [None if row in rows.problems else self._one(rows, row) for row in range(rows.count)]
        return arrays(found, self.given)

    def _one(self, rows: Rows, row: int) -> dict[str, Any] | None:
        try:
            return self.one(rows, row)
        except JinyunError as wrong:
            rows.problem(row, wrong.code, str(wrong))
            return None

    def one(self, rows: Rows, row: int) -> dict[str, Any]:
        """The judged columns of one row."""
        raise NotImplementedError

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
        self.given = self.columns(found)

    def tail(self) -> dict[str, pa.DataType]:
        """The columns that all verbs end with."""
        return {**LAST, **(SENTENCES if self.options.sentences else {})}


TIMES = (
    Want("time"), Want("year"), Want("month"), Want("month_day"), Want("hour"),
)  # fmt: skip


def any_of(found: Recognised, meanings: Sequence[str], what: str) -> None:
    """At least one of some columns is needed."""
    if not any(meaning in found.columns for meaning in meanings):
        listed = ", ".join(f"{c.meaning} = {c.heading!r}" for c in found.columns.values()) or "nothing"
        left = ", ".join(repr(heading) for heading in found.left[:20]) or "none"
        raise BadInput(f"no column of {what} was recognised; recognised: {listed}; not used: {left}", field=meanings[0],
                       hint=f'name one with --map "your heading={meanings[0]}"; any of {", ".join(meanings)} works')  # fmt: skip
