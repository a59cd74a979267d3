"""What of a batch of blocks is new: pure numpy, no disk. One call per group commit, never Python per value."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from jinyun.kernel.ports import NO_VALUE, Block

LARGEST = 10**18 - 1
"""Millionths that DECIMAL(18,6) can hold."""

NEVER = np.iinfo(np.int64).min

Lookup = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""(series, times) of distinct keys -> (known: bool, value: int64, flag: uint8) of their current versions."""


class LatestArrays:
    """The newest time of each series and its current version, as columns by series id. Grown as series come.

    The committing thread alone writes (`update`, after its commit); others read copies under the lock.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.time = np.empty(0, np.int64)
        self.value = np.empty(0, np.int64)
        self.flag = np.empty(0, np.uint8)
        self.seq = np.empty(0, np.int64)

    def grow(self, size: int) -> None:
        """Have room for series ids below `size`."""
        have = len(self.time)
        if size <= have:
            return
        room = max(size, have * 2, 1024)
        with self.lock:
            for name, filler in (("time", NEVER), ("value", NO_VALUE), ("flag", 0), ("seq", NEVER)):
                old = getattr(self, name)
                new = np.full(room, filler, old.dtype)
                new[:have] = old
                setattr(self, name, new)

    def update(
        self, series: np.ndarray, time: np.ndarray, value: np.ndarray, flag: np.ndarray, seq: np.ndarray
    ) -> None:
        """Take over rows, one per series, that are not older than what is known."""
        with self.lock:
            self.time[series], self.value[series], self.flag[series], self.seq[series] = time, value, flag, seq

    def copy(self, series: np.ndarray | slice) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """time, value, flag, seq of some series, as they are together."""
        with self.lock:
            return (
                self.time[series].copy(),
                self.value[series].copy(),
                self.flag[series].copy(),
                self.seq[series].copy(),
            )


@dataclass(slots=True)
class Rows:
    """New rows in the order of arrival, the blocks that carried them, and what the latest arrays become."""

    series: np.ndarray
    time: np.ndarray
    value: np.ndarray
    flag: np.ndarray
    frame: np.ndarray  # place in `blocks`
    blocks: list[Block]
    newest: np.ndarray  # places in the rows: per series the newest, where not older than the latest known
    repeats: int  # same value and flag again: in the journal only
    out_of_range: list[tuple[Block, int, int]]  # (block, series, value) that DECIMAL(18,6) cannot hold
    fresh: np.ndarray  # places in the rows: one per (series, time) not known before


def new_rows(blocks: Sequence[Block], latest: LatestArrays, look_up: Lookup) -> Rows:
    """Compare a batch with what is known. Later blocks are later versions, inside the batch too."""
    series = np.concatenate([b.series for b in blocks]).astype(np.int32, copy=False)
    value = np.concatenate([b.values for b in blocks]).astype(np.int64, copy=False)
    flag = np.concatenate([b.flags for b in blocks]).astype(np.uint8, copy=False)
    lengths = np.fromiter((len(b.series) for b in blocks), np.int64, len(blocks))
    time = np.repeat(np.fromiter((b.time for b in blocks), np.int64, len(blocks)), lengths)
    owner = np.repeat(np.arange(len(blocks), dtype=np.int64), lengths)

    refused: list[tuple[Block, int, int]] = []
    bad = (np.abs(value) > LARGEST) & (value != NO_VALUE)
    if bad.any():
        refused = [(blocks[owner[i]], int(series[i]), int(value[i])) for i in np.flatnonzero(bad)]
        series, value, flag, time, owner = (column[~bad] for column in (series, value, flag, time, owner))

    order = _by_key(series, time)  # blocks in their order within a key: the sort is stable
    s, t, v, f, o = series[order], time[order], value[order], flag[order], owner[order]
    again = np.zeros(len(s), bool)  # same key as the row before
    again[1:] = (s[1:] == s[:-1]) & (t[1:] == t[:-1])
    if again[1:].any() and (again[1:] & (o[1:] == o[:-1])).any():
        return new_rows(_apart(blocks), latest, look_up)

    keep = np.ones(len(s), bool)
    keep[1:][again[1:] & (v[1:] == v[:-1]) & (f[1:] == f[:-1])] = False
    first = np.flatnonzero(~again)
    known_time = latest.time[s[first]]
    same = first[(t[first] == known_time) & (v[first] == latest.value[s[first]]) & (f[first] == latest.flag[s[first]])]
    keep[same] = False
    older = first[t[first] < known_time]
    fresh = first[t[first] > known_time]
    if len(older):
        known, known_value, known_flag = look_up(s[older], t[older])
        fresh = np.concatenate([fresh, older[~known]])
        keep[older[known & (known_value == v[older]) & (known_flag == f[older])]] = False

    # per series the last kept row in key order is its newest; it counts when not older than the latest known
    kept = np.flatnonzero(keep)
    last = np.ones(len(kept), bool)
    last[:-1] = s[kept][1:] != s[kept][:-1]
    tops = kept[last]
    tops = tops[t[tops] >= latest.time[s[tops]]]

    stays = np.zeros(len(order), bool)  # in the order of arrival
    stays[order[kept]] = True
    arrival = np.flatnonzero(stays)
    place = np.cumsum(stays) - 1  # of what stays, among the new rows
    owner = owner[arrival]
    begins = np.ones(len(owner), bool)
    begins[1:] = owner[1:] != owner[:-1]
    return Rows(
        series[arrival], time[arrival], value[arrival], flag[arrival], np.cumsum(begins) - 1,
        [blocks[i] for i in owner[begins].tolist()], place[order[tops]], len(s) - len(kept), refused,
        place[order[fresh]],
    )  # fmt: skip


def _by_key(series: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Stable order by (series, time)."""
    if len(time) and (span := int(time.max()) - (first := int(time.min()))) < 1 << 32:
        return np.argsort(series.astype(np.int64) * (span + 1) + (time - first), kind="stable")
    return np.lexsort((time, series))


def _apart(blocks: Sequence[Block]) -> list[Block]:
    """Blocks that say a series twice, split: the second word is a later version."""
    split: list[Block] = []
    for block in blocks:
        rest = np.arange(len(block.series))
        while len(rest):
            _, firsts = np.unique(block.series[rest], return_index=True)
            now = rest[np.sort(firsts)]
            if len(now) == len(block.series):
                split.append(block)
                break
            split.append(replace(block, series=block.series[now], values=block.values[now], flags=block.flags[now]))
            rest = np.setdiff1d(rest, now)
    return split
