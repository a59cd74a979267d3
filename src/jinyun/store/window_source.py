"""What windows ask of readings: which hours were touched after a sequence, and the current rows of some windows.

Hot ∪ sealed, by one snapshot, as all questions to readings are asked (see `query`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from jinyun.store.hot import MICRO_SQL, lent
from jinyun.store.query import Found, Snapshot

CHINA = 28_800
HOUR = 3600
FAR = 6 * HOUR
"""Windows further apart than this are read separately. [s]"""


def last_seq(state: Snapshot) -> int:
    """The sequence of the newest row, hot or sealed."""
    hot = state.cursor.execute("SELECT seq FROM progress").fetchall()[0][0]
    return max(int(hot), state.view.sealed)


def touched(state: Snapshot, after: int, upto: int, series: Sequence[int] = ()) -> tuple[np.ndarray, np.ndarray]:
    """(series, hour) of the rows stored after sequence `after`, up to and with `upto`, of some `series` (none: of all);
    distinct, by hour and series."""
    within = f"seq > {after} AND seq <= {upto}"
    if series:
        within += f" AND series IN ({', '.join(str(int(one)) for one in series)})"
    columns = f"series, time - time % {HOUR} AS hour"  # China's hours are UTC's
    parameters: list[object] = []
    text = f"SELECT {columns} FROM rows WHERE seq > {state.view.sealed} AND {within}"
    if files := [one for one in state.view.rows if one.seq_to > after and one.seq_from <= upto]:
        text += f" UNION ALL SELECT {columns} FROM read_parquet(?) WHERE {within}"
        parameters.append(state.paths(files))
    return _pairs(state, text, parameters)


def hours_of(state: Snapshot, series: np.ndarray, start: int, end: int) -> tuple[np.ndarray, np.ndarray]:
    """(series, hour) of all rows of some series (none: of all) with event time in [start, end)."""
    source, parameters = state.source(start, end, "series, time")
    text = f"SELECT series, time - time % {HOUR} AS hour FROM ({source})"
    if len(series):
        with lent(state.cursor, chosen=pa.table({"series": pa.array(series.astype(np.int32))})):
            return _pairs(state, text + " WHERE series IN (SELECT series FROM chosen)", parameters)
    return _pairs(state, text, parameters)


def _pairs(state: Snapshot, text: str, parameters: list[object]) -> tuple[np.ndarray, np.ndarray]:
    found = state.cursor.execute(f"SELECT DISTINCT series, hour FROM ({text})", parameters).fetchnumpy()
    series, hour = np.asarray(found["series"]).astype(np.int64), np.asarray(found["hour"]).astype(np.int64)
    order = np.lexsort((series, hour))
    return series[order], hour[order]


def times(state: Snapshot) -> tuple[int, int] | None:
    """Event times of the oldest and the newest row. [s]"""
    low, high = state.cursor.execute(
        f"SELECT min(time), max(time) FROM rows WHERE seq > {state.view.sealed}"
    ).fetchall()[0]
    all_low = [one.time_from for one in state.view.rows] + ([low] if low is not None else [])
    all_high = [one.time_to for one in state.view.rows] + ([high] if high is not None else [])
    return (min(all_low), max(all_high)) if all_low else None


def read_windows(state: Snapshot, series: np.ndarray, start: np.ndarray, length: int) -> Found:
    """Current rows of windows [start, start + length) of some series, by (series, time). `length`: an hour or a day."""
    order = np.argsort(start, kind="stable")
    series, start = series[order], start[order]
    cuts = np.flatnonzero(np.diff(start) > max(FAR, length)) + 1
    parts = [
        _read(state, who, when, length)
        for who, when in zip(np.split(series, cuts), np.split(start, cuts), strict=True)
        if len(who)
    ]
    if not parts:
        return Found(*(np.empty(0, np.int64) for _ in range(5)))
    found = Found(
        *(np.concatenate([getattr(one, name) for one in parts]) for name in ("series", "time", "value", "flag", "seq"))
    )
    return found if len(parts) == 1 else newest(found)


def _read(state: Snapshot, series: np.ndarray, start: np.ndarray, length: int) -> Found:
    low, high = int(start.min()), int(start.max()) + length
    source, parameters = state.source(low, high)
    wanted = pa.table({"series": pa.array(series.astype(np.int32)), "start": pa.array(start)})
    among = f"series BETWEEN {series.min()} AND {series.max()}"  # sealed files are sorted by series
    with lent(state.cursor, wanted=wanted):
        rows = state.cursor.execute(
            f"SELECT r.series AS series, time, {MICRO_SQL} AS micro, flag, seq "
            f"FROM (SELECT * FROM ({source}) WHERE {among}) r JOIN wanted w "
            f"ON r.series = w.series AND time - (time + {CHINA}) % {length} = w.start",
            parameters,
        ).fetchnumpy()
    found = Found(*(np.asarray(rows[name]) for name in ("series", "time", "micro", "flag", "seq")))
    return newest(found)


def newest(found: Found) -> Found:
    """The last version of each (series, time), by (series, time)."""
    if not len(found):
        return found
    key = found.series.astype(np.int64) << 33 | found.time  # an instant has less than 33 bits
    order = np.argsort(key, kind="stable")
    ranked = key[order]
    again = ranked[1:] == ranked[:-1]
    if again.any():
        order = np.lexsort((found.seq, key))
        ranked = key[order]
        order = order[np.append(ranked[1:] != ranked[:-1], True)]
    return found.take(order)
