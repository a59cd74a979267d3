"""Readings as they would be with some versions laid over them; nothing is stored.

A long stretch is read once (`Overlay.hold`) and cut from memory for each of its windows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from jinyun.kernel.ports import NO_VALUE, ReadingStore
from jinyun.kernel.terms import Flag, Period, Reading, Stat

PROVISIONAL = 1 << 52
"""Sequence of a version that is not stored."""

_FLAGS = {int(flag): flag for flag in Flag}


@dataclass(slots=True)
class Columns:
    """Readings as columns; `value` in millionths, `NO_VALUE` for none."""

    series: np.ndarray
    time: np.ndarray
    value: np.ndarray
    flag: np.ndarray
    seq: np.ndarray

    def __len__(self) -> int:
        return len(self.series)

    def take(self, which: np.ndarray | slice) -> Columns:
        return Columns(self.series[which], self.time[which], self.value[which], self.flag[which], self.seq[which])

    @classmethod
    def of(cls, found: Any) -> Columns:
        """From anything that has these columns."""
        return cls(
            np.asarray(found.series, np.int64), np.asarray(found.time, np.int64), np.asarray(found.value, np.int64),
            np.asarray(found.flag, np.uint8), np.asarray(found.seq, np.int64),
        )  # fmt: skip

    @classmethod
    def none(cls) -> Columns:
        empty = np.empty(0, np.int64)
        return cls(empty, empty, empty, np.empty(0, np.uint8), empty)


def joined(parts: Sequence[Columns]) -> Columns:
    """All rows of `parts`; where a (series, time) comes twice the later part has it. By (time, series)."""
    whole = Columns(*(np.concatenate([getattr(one, name) for one in parts]) for name in Columns.__slots__))
    part = np.repeat(np.arange(len(parts)), [len(one) for one in parts])
    order = np.lexsort((part, whole.series, whole.time))
    whole = whole.take(order)
    last = np.ones(len(whole), bool)
    last[:-1] = (whole.series[1:] != whole.series[:-1]) | (whole.time[1:] != whole.time[:-1])
    return whole.take(last)


class Overlay:
    """A `ReadingStore` to read from: the current versions of `store` with `rows` over them."""

    def __init__(self, store: ReadingStore, rows: Columns | None = None) -> None:
        self._store = store
        self._rows = rows if rows is not None else Columns.none()
        self._touched = np.unique(self._rows.series)
        self._held: tuple[int, int, frozenset[int], Columns] | None = None
        self._latest: dict[str, Sequence[Reading]] = {}

    def hold(self, series: Sequence[int], start: int, end: int) -> None:
        """Read some series over [start, end) now; questions inside are answered from memory. [s]"""
        self._held = (start, end, frozenset(series), self._laid_over(series, start, end))

    def read_columns(self, series: Sequence[int], start: int, end: int) -> Columns:
        """Current versions in [start, end) with the overlay, by (time, series). [s]"""
        held = self._held
        if held is None or start < held[0] or end > held[1] or not held[2].issuperset(series):
            return self._laid_over(series, start, end)
        found = held[3]
        part = found.take(slice(*np.searchsorted(found.time, (start, end))))
        if len(series) == len(held[2]):
            return part
        return part.take(np.isin(part.series, np.asarray(series)))

    def _laid_over(self, series: Sequence[int], start: int, end: int) -> Columns:
        base = Columns.of(self._store.read_columns(series, start, end))  # type: ignore[attr-defined]
        rows = self._rows
        if not len(rows) or not np.isin(self._touched, np.asarray(series)).any():
            return base
        mine = (rows.time >= start) & (rows.time < end) & np.isin(rows.series, np.asarray(series))
        return joined([base, rows.take(mine)]) if mine.any() else base

    def read(
        self,
        site: str,
        *,
        factors: Sequence[str] = (),
        stats: Sequence[Stat] = (),
        periods: Sequence[Period] = (),
        start: int,
        end: int,
        as_of: int | None = None,
    ) -> list[Reading]:
        """As `ReadingStore.read` for series that the site has sent; `as_of` has no meaning over an overlay."""
        if as_of is not None:
            raise ValueError("what would be has no earlier state")
        like = {
            one.series: one
            for one in self.latest([site]).get(site, ())
            if (not factors or one.factor in factors)
            and (not stats or one.stat in stats)
            and (not periods or one.period in periods)
        }
        return readings_of(self.read_columns(sorted(like), start, end), like) if like else []

    def latest(self, sites: Sequence[str] | None = None) -> Mapping[str, Sequence[Reading]]:
        """The newest reading of each series, with the overlay; as it was when first asked."""
        if sites is None:
            return self._over_latest(self._store.latest(None))
        lacking = [site for site in sites if site not in self._latest]
        if lacking:
            self._latest |= dict.fromkeys(lacking, ())
            self._latest |= self._over_latest(self._store.latest(lacking))
        return {site: self._latest[site] for site in sites if self._latest[site]}

    def _over_latest(self, newest: Mapping[str, Sequence[Reading]]) -> Mapping[str, Sequence[Reading]]:
        if not len(self._rows):
            return newest
        tops = {int(s): int(np.flatnonzero(self._rows.series == s)[-1]) for s in self._touched}
        rows = self._rows

        def over(one: Reading) -> Reading:
            place = tops.get(one.series)
            if place is None or rows.time[place] < one.time:
                return one
            return _reading(one, *(int(getattr(rows, n)[place]) for n in ("time", "value", "flag", "seq")))

        return {
            site: [over(one) for one in mine] if any(one.series in tops for one in mine) else mine
            for site, mine in newest.items()
        }

    def flush(self) -> None:
        self._store.flush()


def readings_of(found: Columns, like: Mapping[int, Reading]) -> list[Reading]:
    """Columns as readings; `like` tells what each series is."""
    parts = (getattr(found, name).tolist() for name in ("series", "time", "value", "flag", "seq"))
    return [_reading(like[one], *rest) for one, *rest in zip(*parts, strict=True)]


def _reading(like: Reading, time: int, value: int, flag: int, seq: int) -> Reading:
    number = None if value == NO_VALUE else Decimal(value).scaleb(-6)
    return Reading(like.series, like.factor, like.stat, like.period, time, number, _FLAGS[flag], seq, seq)
