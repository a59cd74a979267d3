"""Period figures as they would be with other day verdicts: for previews. Nothing is stored."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from jinyun.app.services.periods import SITES_KEPT, Periods
from jinyun.app.services.periods.days import DayBook, Memo
from jinyun.kernel.ports import VerdictBrief


class _Book:
    """A `DayBook` with some days in place of its own."""

    def __init__(self, book: DayBook, would: Mapping[str, Iterable[VerdictBrief]]) -> None:
        self._book = book
        self._would = {(judge, row.subject, row.start): row for judge, rows in would.items() for row in rows}

    def version(self, judges: Iterable[str], start: int, end: int) -> tuple[int, ...]:
        """As of the book: what would be does not change."""
        version: tuple[int, ...] = self._book.version(judges, start, end)
        return version

    def days(self, judge: str, subjects: Sequence[str], start: int, end: int) -> Mapping[str, list[VerdictBrief]]:
        """As `DayBook.days`."""
        found = {subject: list(rows) for subject, rows in self._book.days(judge, subjects, start, end).items()}
        for (its_judge, subject, at), row in self._would.items():
            if its_judge == judge and subject in found and start <= at < end:
                rest = (one for one in found[subject] if one.start != at)
                found[subject] = sorted((*rest, row), key=lambda one: one.start)
        return found


class _Memo:
    """What was worked out for days that stay is taken from the memo of what is; the rest is remembered apart."""

    def __init__(self, kept: Memo) -> None:
        self._kept, self._own = kept, Memo(SITES_KEPT)

    def __call__(self, key: Hashable, make: Any) -> Any:
        ids: tuple[int, ...] = key[-1]  # type: ignore[index]
        return (self._own if any(id < 0 for id in ids) else self._kept)(key, make)


def would_be(periods: Periods, would: Mapping[str, Iterable[VerdictBrief]]) -> Periods:
    """`periods` over the day verdicts `would`, by judge, in the places of those that are. Their ids are negative."""
    then = copy.copy(periods)
    then._book = _Book(periods._book, would)  # type: ignore[assignment]
    then._memo = _Memo(periods._memo)  # type: ignore[assignment]
    then._answers = OrderedDict()
    return then
