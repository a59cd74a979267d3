"""What the store knows no more when retention drops sealed files: readings and first times of each series.

Counted from the dropped files alone, so that it costs what is dropped, not what is kept, and nobody waits meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pyarrow as pa

from jinyun.store.counts import LATER
from jinyun.store.current import plan
from jinyun.store.hot import lent
from jinyun.store.manifest import SealedFile
from jinyun.store.query import Snapshot


@dataclass(slots=True)
class Loss:
    """By series: how many current readings go, and the first time [s] of those that stay (`LATER`: none was found)."""

    series: np.ndarray
    count: np.ndarray
    first: np.ndarray


def loss(state: Snapshot, files: Sequence[SealedFile]) -> Loss:
    """What goes with sealed files of rows. A key that has a version elsewhere, hot or sealed, stays."""
    gone = {one.id for one in files}
    lost: dict[int, int] = {}
    for _, same_day in groupby(sorted(files, key=lambda one: (one.day, one.id)), key=lambda one: one.day):
        day = list(same_day)
        start, end = min(one.time_from for one in day), max(one.time_to for one in day) + 1
        before, hot = state.view.rows_between(start, end), state.hot_hours(start, end)
        after = [one for one in before if one.id not in gone]
        for sign, kept in ((1, before), (-1, after)):
            rows = state.current_sql(plan(kept, hot, start, end))
            query = f"SELECT series, count(*) FROM ({rows}) GROUP BY series"
            for series, count in state.cursor.execute(query).fetchall():
                lost[series] = lost.get(series, 0) + sign * count
    series = np.array(sorted(one for one, count in lost.items() if count), np.int64)
    count = np.array([lost[one] for one in series.tolist()], np.int64)
    return Loss(series, count, _firsts(state, gone, series))


def _firsts(state: Snapshot, gone: set[int], series: np.ndarray) -> np.ndarray:
    """The first times of some series in what stays: days in order, until each has one."""
    first = np.full(len(series), LATER, np.int64)
    hot = f"SELECT series, min(time) AS first FROM rows WHERE seq > {state.view.sealed} GROUP BY series"
    _lower(state, series, first, hot, [])
    left = sorted((one for one in state.view.rows if one.id not in gone), key=lambda one: (one.day, one.id))
    open_ = np.ones(len(series), bool)  # no sealed row was found
    for _, same_day in groupby(left, key=lambda one: one.day):
        if not open_.any():
            break
        query = "SELECT series, min(time) AS first FROM read_parquet(?) SEMI JOIN wanted USING (series) GROUP BY series"
        part, mine = series[open_], first[open_]
        found = _lower(state, part, mine, query, [state.paths(list(same_day))])
        places = np.flatnonzero(open_)
        first[places] = mine
        open_[places[found]] = False
    return first


def _lower(state: Snapshot, series: np.ndarray, first: np.ndarray, query: str, given: list[object]) -> np.ndarray:
    """Lower `first` by what a question finds; which places it found."""
    with lent(state.cursor, wanted=pa.table({"series": series.astype(np.int32)})):
        answer = state.cursor.execute(query, given).fetchnumpy()
    who, when = np.asarray(answer["series"]).astype(np.int64), np.asarray(answer["first"]).astype(np.int64)
    known = np.isin(who, series)
    places = np.searchsorted(series, who[known])
    first[places] = np.minimum(first[places], when[known])
    return places


def changed_since(state: Snapshot, seq: int, files: Sequence[SealedFile]) -> bool:
    """Whether rows of the files' times were committed after `seq`."""
    low, high = min(one.time_from for one in files), max(one.time_to for one in files)
    query = f"SELECT count(*) FROM (SELECT 1 FROM rows WHERE seq > {seq} AND time BETWEEN {low} AND {high} LIMIT 1)"
    return bool(state.cursor.execute(query).fetchall()[0][0])
