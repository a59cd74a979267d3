"""Readings as they were known at an earlier moment: nothing of a message that came after it is there.

Messages are numbered as they came, but for a few that overtook one another on their way in, so what was known is "up to
this number, but for those" (`Known`): one condition on rows, by which files of later messages are not even opened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from jinyun.kernel.errors import BadInput, NotFound, Refused
from jinyun.kernel.terms import Frame, Origin, Period, Reading
from jinyun.store.counts import LATER
from jinyun.store.hot import MICRO_SQL
from jinyun.store.query import Found, Snapshot

if TYPE_CHECKING:
    from jinyun.store.readings import DuckReadings

US = 1_000_000
BACK_S = (86_400, 32 * 86_400, 400 * 86_400)
"""The newest readings are looked for in so much time before the moment, then in more. [s]"""
MOST_ROWS = 400_000_000
"""Rows of the files that one count may go through."""
PASSED = frozenset({
    "series_ids", "known_series", "series_key", "series_keys", "correction_sessions", "state", "flush", "backlog",
})  # fmt: skip
"""What is the same at any moment."""


_BY_DEVICE = ", ".join(str(int(one)) for one in (Origin.LIVE, Origin.BACKFILL))


@dataclass(frozen=True, slots=True)
class Known:
    """Messages that had come: those below `first`, and of the later ones the numbers within `besides`."""

    first: int
    besides: tuple[tuple[int, int], ...]  # inclusive

    @property
    def last(self) -> int:
        """The highest number that had come."""
        return max([self.first - 1, *(high for _, high in self.besides)])

    def sql(self, column: str = "seq") -> str:
        """The condition."""
        later = (f" OR {column} BETWEEN {low} AND {high}" for low, high in self.besides)
        return f"({column} < {self.first}{''.join(later)})"


def known(state: Snapshot, as_of: int) -> Known:
    """What had come at `as_of` [µs]."""
    files = state.view.frames
    after = [one for one in files if one.time_from > as_of]
    asked = [one for one in files if one.time_from <= as_of < one.time_to]
    first = min((one.seq_from for one in after), default=LATER)
    late, early = _split(state, asked, as_of)
    if len(late):
        first = min(first, int(late[0]))
    besides = [(one.seq_from, one.seq_to) for one in files if one.time_to <= as_of and one.seq_to >= first]
    besides = [(max(low, first), high) for low, high in besides]
    early = early[early >= first]
    if len(early):
        breaks = np.flatnonzero(np.diff(early) > 1) + 1
        besides += [(int(one[0]), int(one[-1])) for one in np.split(early, breaks)]
    return Known(first, tuple(besides))


def _split(state: Snapshot, files: Sequence[Any], as_of: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of messages of some files and of the hot rows that came after, and that came by then."""
    source, parameters = state.frames_source(files, "id, received_at", "true")
    found = state.cursor.execute(f"SELECT id, received_at > {as_of} AS late FROM ({source}) ORDER BY id", parameters)
    columns = found.fetchnumpy()
    ids, late = np.asarray(columns["id"]), np.asarray(columns["late"], bool)
    return ids[late], ids[~late]


class ReadingsThen:
    """The asking half of the `ReadingStore` port at a moment [µs], and what catalogue and export ask."""

    def __init__(self, readings: DuckReadings, as_of: int) -> None:
        self._readings, self.as_of = readings, as_of
        self.counts = _Counts(self)
        self.exports = _Exports(self)
        self._all: Mapping[str, np.ndarray] | None = None
        self._kept: dict[str, list[Reading]] = {}
        self._known: Known | None = None
        self.pages = _NoPages()

    def __getattr__(self, name: str) -> Any:
        if name in PASSED:
            return getattr(self._readings, name)
        if name == "put":
            raise Refused("what was known at an earlier moment is not changed")
        raise AttributeError(name)

    # --- rows ---------------------------------------------------------------------------------------------------------

    def read(self, site: str, *, as_of: int | None = None, **asked: Any) -> list[Reading]:
        """As `ReadingStore.read`."""
        return self._readings.read(site, as_of=self._earlier(as_of), **asked)

    def read_columns(self, series: Sequence[int], start: int, end: int, as_of: int | None = None) -> Found:
        """As `read`, for series ids, as columns."""
        return self._readings.read_columns(series, start, end, self._earlier(as_of))

    def times(self, site: str, period: Period, start: int, end: int) -> list[int]:
        """Distinct times at which the site had readings of `period`."""
        series = self._readings.of_site(site, periods=[period])
        return [int(one) for one in np.unique(self.read_columns(series, start, end).time)]

    def versions(self, series: int, time: int) -> list[Reading]:
        """Versions of one key that were known, oldest first."""
        return self._came(self._readings.versions(series, time))

    def versions_of(self, keys: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Sequence[Reading]]:
        """`versions` of many; keys without any are left out."""
        found = self._readings.versions_of(keys)
        with self._state() as (_, mine):
            told = {key: _within(mine, versions) for key, versions in found.items()}
        return {key: versions for key, versions in told.items() if versions}

    def frame(self, frame: int) -> Frame:
        return self.frames([frame])[frame]

    def frames(self, ids: Sequence[int]) -> Mapping[int, Frame]:
        """Messages by number; `NotFound` when one had not come."""
        found = self._readings.frames(ids)
        for id, one in found.items():
            if one.received_at > self.as_of:
                raise NotFound("frame at that moment", id)
        return found

    # --- newest -------------------------------------------------------------------------------------------------------

    def latest(self, sites: Sequence[str] | None = None) -> dict[str, Sequence[Reading]]:
        """The newest reading of each series that was known, by site."""
        book = self._readings
        asked = book.sites() if sites is None else list(sites)
        fresh = {one: book.of_site(one) for one in asked if one not in self._kept}
        site_of = {one: site for site, ids in fresh.items() for one in ids}
        self._kept |= {one: [] for one in fresh}
        if site_of:
            for one in book.readings_of(self._newest(np.array(list(site_of), np.int64))):
                self._kept[site_of[one.series]].append(one)
        return {one: self._kept[one] for one in asked if self._kept[one]}

    def heard(self, devices: Sequence[str]) -> dict[str, int]:
        """When the last message with readings came of each of some devices (MN) [µs]; without those never heard."""
        left, found = set(devices), dict[str, int]()
        with self._state() as (state, _):
            until = self.as_of
            for back in (*BACK_S, None):
                since = 0 if back is None else max(0, self.as_of - back * US)
                if not left:
                    break
                files = [one for one in state.view.frames if one.time_from <= until and one.time_to >= since]
                where = f"received_at BETWEEN {since} AND {until} AND origin IN ({_BY_DEVICE})"
                source, parameters = state.frames_source(files, "mn, received_at", where)
                query = f"SELECT mn, max(received_at) FROM ({source}) GROUP BY mn"
                for mn, at in state.cursor.execute(query, parameters).fetchall():
                    if mn in left:
                        found[mn] = at
                left -= set(found)
                until = since
        return found

    def latest_columns(self) -> Found:
        """The newest reading of every series, as columns by series id."""
        kept = self._everything()
        return Found(*(kept[name] for name in ("series", "time", "value", "flag", "seq")))

    def _newest(self, series: np.ndarray) -> Found:
        """Of some series, by id: looked for shortly before the moment, and for those not found further back."""
        parts: list[Found] = []
        left = np.unique(series)
        until = LATER
        with self._state() as (state, mine):
            for back in (*BACK_S, None):
                if not len(left):
                    break
                since = 0 if back is None else max(0, self.as_of // US - back)
                if since < until:
                    found = _newest(state, mine, left, since, until)
                    parts.append(found)
                    left = left[~np.isin(left, found.series)]
                    until = since
        names = ("series", "time", "value", "flag", "seq")
        columns = {name: [getattr(one, name) for one in parts] for name in names}
        whole = Found(*(np.concatenate(columns[name]) if parts else np.empty(0, np.int64) for name in names))
        return whole.take(np.argsort(whole.series))

    # --- counts -------------------------------------------------------------------------------------------------------

    def rollup(
        self, start: int, end: int, *, step: int = 3600, offset: int = 28_800, flags: Sequence[int] = (0,),
        series: tuple[int, int] | None = None,
    ) -> Iterator[pa.Table]:  # fmt: skip
        """How many readings were known, by series and window of `step` [s]: columns series, start, count."""
        with self._state() as (state, mine):
            source, parameters = known_source(state, mine, start, end, "series, time, value, flag, seq")
            among = f"series BETWEEN {series[0]} AND {series[1]}" if series else "true"
            last = (
                f"SELECT series, time, arg_max(flag, seq) AS flag FROM ({source}) WHERE {among} GROUP BY series, time"
            )
            query = (
                f"SELECT series, time - (time + {offset}) % {step} AS start, count(*) AS count FROM ({last}) "
                f"WHERE flag IN ({', '.join(map(str, flags))}) GROUP BY ALL ORDER BY ALL"
            )
            found = state.cursor.execute(query, parameters).fetchnumpy()
        yield pa.table({name: np.asarray(column) for name, column in found.items()})

    def _everything(self) -> Mapping[str, np.ndarray]:
        """Of every series that had readings: how many, the first time, the newest reading; found once."""
        if self._all is None:
            with self._state() as (state, mine):
                rows = sum(one.rows for one in state.view.rows if one.seq_from <= mine.last)
                if rows > MOST_ROWS:
                    hint = "ask for single sites, or for what is known now"
                    raise BadInput(f"{rows} readings are too many to count as of a moment", field="as_of", hint=hint)
                source, parameters = known_source(state, mine, 0, LATER)
                keys = f"SELECT series, time, max({_LAST}) AS last FROM ({source}) GROUP BY series, time"
                query = (
                    "SELECT series, count(*) AS n, min(time) AS first, max(time) AS time, arg_max(last.micro, time) AS "
                    "value, arg_max(last.flag, time) AS flag, arg_max(last.seq, time) AS seq "
                    f"FROM ({keys}) GROUP BY series ORDER BY series"
                )
                found = state.cursor.execute(query, parameters).fetchnumpy()
            self._all = {name: np.asarray(column) for name, column in found.items()}
        return self._all

    # --- inside -------------------------------------------------------------------------------------------------------

    def _earlier(self, as_of: int | None) -> int:
        return self.as_of if as_of is None else min(as_of, self.as_of)

    @contextmanager
    def _state(self) -> Iterator[tuple[Snapshot, Known]]:
        with self._readings.snapshot() as state:
            if self._known is None:
                self._known = known(state, self.as_of)
            yield state, self._known

    def _came(self, versions: Sequence[Reading]) -> list[Reading]:
        with self._state() as (_, mine):
            return _within(mine, versions)


_LAST = "{'seq': seq, 'micro': micro, 'flag': flag}"


def known_source(
    state: Snapshot, mine: Known, start: int, end: int, columns: str = f"series, time, {MICRO_SQL} AS micro, flag, seq"
) -> tuple[str, list[object]]:
    """SQL of all versions with event time in [start, end) that had come, and its parameters."""
    where = f"time >= {start} AND time < {end} AND {mine.sql()}"
    text = f"SELECT {columns} FROM rows WHERE seq > {state.view.sealed} AND {where}"
    files = [one for one in state.view.rows_between(start, end) if one.seq_from <= mine.last]
    if not files:
        return text, []
    return f"{text} UNION ALL SELECT {columns} FROM read_parquet(?) WHERE {where}", [state.paths(files)]


def _newest(state: Snapshot, mine: Known, series: np.ndarray, start: int, end: int) -> Found:
    source, parameters = known_source(state, mine, start, end)
    query = (
        "SELECT series, max({'time': time, 'seq': seq, 'micro': micro, 'flag': flag}) AS last "
        f"FROM ({source}) WHERE series IN ({', '.join(map(str, series.tolist()))}) GROUP BY series"
    )
    names = "series, last.time AS time, last.micro AS micro, last.flag AS flag, last.seq AS seq"
    found = state.cursor.execute(f"SELECT {names} FROM ({query})", parameters).fetchnumpy()
    return Found(*(np.asarray(found[name]) for name in ("series", "time", "micro", "flag", "seq")))


def _within(mine: Known, versions: Sequence[Reading]) -> list[Reading]:
    def came(seq: int) -> bool:
        return seq < mine.first or any(low <= seq <= high for low, high in mine.besides)

    return [one for one in versions if came(one.seq)]


class _NoPages:
    """Foreign queries look at what is known now."""

    def __getattr__(self, name: str) -> Any:
        raise BadInput("foreign queries are answered of what is known now", field="as_of", hint="leave it out")


class _Counts:
    """How many readings series had."""

    def __init__(self, then: ReadingsThen) -> None:
        self._then = then

    def of(self, series: Any) -> tuple[np.ndarray, np.ndarray]:
        """(count, first time [s]) of some series."""
        kept = self._then._everything()
        size = len(self._then.series_keys())
        count, first = np.zeros(size, np.int64), np.full(size, LATER, np.int64)
        there = kept["series"] < size
        count[kept["series"][there]], first[kept["series"][there]] = kept["n"][there], kept["first"][there]
        if isinstance(series, slice):
            return count[series], first[series]
        wanted = np.asarray(series, np.int64)
        inside = wanted < size
        places = np.where(inside, wanted, 0) if size else wanted
        if not size:
            return np.zeros(len(wanted), np.int64), np.full(len(wanted), LATER, np.int64)
        return np.where(inside, count[places], 0), np.where(inside, first[places], LATER)

    def total(self) -> int:
        """Of all series."""
        return int(self._then._everything()["n"].sum())


class _Exports:
    """Readings in pieces."""

    def __init__(self, then: ReadingsThen) -> None:
        self._then, self._exports = then, then._readings.exports

    def bounds(self, series: Sequence[int]) -> tuple[int, int]:
        """As `Exports.bounds`, of what is known now: what was known lies within."""
        return self._exports.bounds(series)

    def pieces(self, series: Sequence[int], start: int, end: int, **more: Any) -> Iterator[pa.Table]:
        """As `Exports.pieces`."""
        return self._exports.pieces(series, start, end, **{**more, "as_of": self._then._earlier(more.get("as_of"))})
