"""Pages of current readings by any condition and order, and how many there are: for foreign queries.

Pages in the order of time look only at as much time as a page needs (counts say how dense a series is), so that the
first and the last page of years cost the same; a page begins after a row, never after so many rows. Values are
compared as exact decimals; only division is in binary floats.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import duckdb
import numpy as np
import pyarrow as pa

from jinyun.kernel.conditions import COLUMNS, FALSE, TRUE, Condition, Term, conjuncts
from jinyun.kernel.errors import BadInput
from jinyun.kernel.terms import LENGTHS, Period
from jinyun.store.counts import SeriesCounts
from jinyun.store.hot import MICRO_SQL, HotFile, lent
from jinyun.store.ingest import LatestArrays
from jinyun.store.manifest import Manifest
from jinyun.store.query import Found, Snapshot, snapshot
from jinyun.store.series import SeriesBook

FAR = 1 << 40
"""Later than any time of a reading. [s]"""
CHINA_S = 28_800
LEAST_SPAN_S = 7200
_COMPARE = {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_ARITHMETIC = {"add": "+", "sub": "-", "mul": "*", "div": "/", "mod": "%"}
_MONTHS = {Period.MONTH: 1, Period.QUARTER: 3, Period.YEAR: 12}


@dataclass(frozen=True, slots=True)
class Page:
    """A question: series (None: all), condition, order as (column, descending) ending in a unique one, the order's
    columns of the row to begin after, rows to skip, rows to give."""

    series: tuple[int, ...] | None = None
    where: Condition = TRUE
    order: tuple[tuple[str, bool], ...] = (("time", False), ("series", False))
    after: tuple[Decimal | None, ...] | None = None
    skip: int = 0
    limit: int = 100


class Pages:
    """Answers from one store. May be used from any thread."""

    def __init__(
        self, book: SeriesBook, hot: HotFile, manifest: Manifest, latest: LatestArrays, counts: SeriesCounts
    ) -> None:
        self._book, self._hot, self._manifest = book, hot, manifest
        self._latest, self._counts = latest, counts

    def page(self, asked: Page) -> Found:
        """Rows in order."""
        chosen, where = self._narrow(asked.series, asked.where)
        if not asked.limit or not len(chosen) or where == FALSE:
            return _empty()
        low, high = self._bounds(chosen, where)
        first, descending = asked.order[0]
        if first == "series" and len(chosen) == 1 and len(asked.order) > 1:
            first, descending = asked.order[1]
        with snapshot(self._hot, self._manifest) as state:
            if first != "time":
                return self._take(state, chosen, where, asked, (low, high))
            if asked.after is not None:
                edge = asked.after[[name for name, _ in asked.order].index("time")]
                if edge is not None:
                    low, high = (low, min(high, int(edge) + 1)) if descending else (max(low, int(edge)), high)
            for begin, end in self._spans(chosen, asked, low, high, descending):
                found = self._take(state, chosen, where, asked, (begin, end))
                if len(found) >= asked.limit or (begin <= low and end >= high):
                    return found
        return _empty()

    def pages(self, asked: Page) -> dict[int, Found]:
        """The question for each of its series by itself."""
        if asked.after is not None or asked.series is None:
            raise BadInput("pages of several series begin at their first rows")
        chosen, where = self._narrow(asked.series, asked.where)
        answer: dict[int, Found] = {}
        if not asked.limit or where == FALSE:
            return answer
        first, descending = next(((n, d) for n, d in asked.order if n != "series"), asked.order[0])
        with snapshot(self._hot, self._manifest) as state:
            while len(chosen):
                low, high = self._bounds(chosen, where)
                spans = [(low, high)]
                if first == "time":
                    spans = self._spans(chosen, asked, low, high, descending, each=True)
                for begin, end in spans:
                    found = self._take(state, chosen, where, asked, (begin, end), each=True)
                    whole = begin <= low and end >= high
                    order = np.argsort(found.series, kind="stable")
                    numbers, starts = np.unique(found.series[order], return_index=True)
                    done = []
                    for number, places in zip(numbers.tolist(), np.split(order, starts[1:]), strict=True):
                        if len(places) >= asked.limit or whole:
                            answer[number] = found.take(places)
                            done.append(number)
                    chosen = chosen[~np.isin(chosen, done)]
                    if whole or not len(chosen):
                        return answer
        return answer

    def span(self, series: int) -> tuple[int, int, int]:
        """(how many, first time, last time [s]) of one series; times mean nothing when there are none."""
        count, first = self._counts.one(series)
        return (count, first, int(self._latest.time[series])) if count else (0, 0, 0)

    def received(self, seqs: Sequence[int]) -> dict[int, int]:
        """When the messages of some sequence numbers came. [µs]"""
        if not len(seqs):
            return {}
        with snapshot(self._hot, self._manifest) as state:
            ids, at = state.received(np.unique(np.asarray(seqs, np.int64)))
        return dict(zip(ids.tolist(), at.tolist(), strict=True))

    def latest(self, series: Sequence[int] | None) -> Found:
        """The newest row of each series, newest first, from memory; of all series (None) only the very newest."""
        chosen, _ = self._narrow(series, TRUE)
        times, values, flags, seqs = self._latest.copy(chosen)
        order = np.lexsort((chosen, -times))[: len(chosen) if series is not None else 1]
        return Found(chosen[order], times[order], values[order], flags[order], seqs[order])

    def current_of(self, series: np.ndarray, time: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of distinct keys: whether known, value, flag."""
        with snapshot(self._hot, self._manifest) as state:
            return state.current_of(series, time)

    def count(self, series: Sequence[int] | None, where: Condition) -> int:
        """How many rows; without a condition on rows from what is maintained."""
        chosen, rest = self._narrow(series, where)
        if rest == TRUE:
            return int(self._counts.of(chosen)[0].sum())
        return sum(self._count(chosen, rest).values())

    def counts(self, series: Sequence[int], where: Condition) -> Mapping[int, int]:
        """How many rows of each of some series."""
        chosen, rest = self._narrow(series, where)
        found: dict[int, int] = dict.fromkeys(series, 0)
        if rest == TRUE:
            return found | dict(zip(chosen.tolist(), self._counts.of(chosen)[0].tolist(), strict=True))
        return found | self._count(chosen, rest)

    def _count(self, chosen: np.ndarray, where: Condition) -> dict[int, int]:
        if not len(chosen) or where == FALSE:
            return {}
        with snapshot(self._hot, self._manifest) as state:
            rows = self._rows_sql(state, chosen, where, self._bounds(chosen, where))
            found = self._ask(state, chosen, f"SELECT series, count(*) AS n FROM ({rows}) GROUP BY series")
        return dict(zip(found["series"].tolist(), found["n"].tolist(), strict=True))

    # --- what to look at ----------------------------------------------------------------------------------------------

    def _narrow(self, series: Sequence[int] | None, where: Condition) -> tuple[np.ndarray, Condition]:
        """The series that a condition leaves, and the rest of the condition. Series without readings are left out."""
        count, _ = self._counts.of(slice(None))
        keep = count > 0
        if series is not None:
            mine = np.zeros(len(keep), bool)
            wanted = np.asarray(series, np.int64)
            mine[wanted[(wanted >= 0) & (wanted < len(keep))]] = True
            keep &= mine
        rest: list[Condition] = []
        for one in conjuncts(where):
            named = _series_of(one)
            if named is None:
                rest.append(one)
                continue
            mine = np.zeros(len(keep), bool)
            mine[named[(named >= 0) & (named < len(keep))]] = True
            keep &= mine
        left: Condition = TRUE if not rest else rest[0] if len(rest) == 1 else ("and", *rest)
        return np.flatnonzero(keep), left

    def _newest(self, chosen: np.ndarray) -> np.ndarray:
        """Time of the last row of each. [s]"""
        return self._latest.copy(chosen)[0]

    def _bounds(self, chosen: np.ndarray, where: Condition) -> tuple[int, int]:
        """Event times [low, high) outside of which no row can be."""
        low = int(self._counts.of(chosen)[1].min()) if len(chosen) else 0
        high = int(self._newest(chosen).max()) + 1 if len(chosen) else 0
        for one in conjuncts(where):
            if one[0] in _COMPARE and one[1] == ("col", "time") and one[2][0] == "num":
                edge = int(one[2][1])  # towards zero; a time is never negative
                if one[0] in ("ge", "gt", "eq"):
                    low = max(low, edge)
                if one[0] in ("le", "lt", "eq"):
                    high = min(high, edge + 1)
        return low, max(low, high)

    def _spans(
        self, chosen: np.ndarray, asked: Page, low: int, high: int, descending: bool, *, each: bool = False
    ) -> list[tuple[int, int]]:
        """Growing stretches of time from the order's end on, the last of them whole."""
        count, first = self._counts.of(chosen)
        newest = self._newest(chosen)
        stretch = np.maximum(newest - first, 1)
        need = (asked.skip + asked.limit) * 1.3 + 2
        if each:
            span = float(np.max(need * stretch / np.maximum(count, 1)))
        else:
            span = need / max(float(np.sum(count / stretch)), 1e-9)
        length = max(LEAST_SPAN_S, int(min(span, FAR)))
        spans = []
        edge = int(newest.max() if descending else first.min())
        while True:
            begin, end = (edge - length, high) if descending else (low, edge + length)
            begin, end = max(low, begin), min(high, end)
            if begin < end:
                spans.append((begin, end))
            if begin <= low and end >= high:
                return spans or [(low, high)]
            length *= 8

    # --- SQL ----------------------------------------------------------------------------------------------------------

    def _take(
        self,
        state: Snapshot,
        chosen: np.ndarray,
        where: Condition,
        asked: Page,
        span: tuple[int, int],
        *,
        each: bool = False,
    ) -> Found:
        if span[0] >= span[1]:
            return _empty()
        order = [part for name, descending in asked.order for part in _order_sql(name, descending)]
        rows = self._rows_sql(state, chosen, where, span, [name for name, _ in asked.order])
        if asked.after is not None:
            rows = f"SELECT * FROM ({rows}) WHERE {_after_sql(asked.order, asked.after)}"
        columns = f"series, time, {MICRO_SQL} AS micro, flag, seq"
        if each:
            ranked = f"row_number() OVER (PARTITION BY series ORDER BY {', '.join(order)}) AS place"
            query = (
                f"SELECT {columns}, place FROM (SELECT *, {ranked} FROM ({rows})) "
                f"WHERE place > {asked.skip} AND place <= {asked.skip + asked.limit} ORDER BY series, place"
            )
        else:
            query = (
                f"SELECT {columns} FROM ({rows}) ORDER BY {', '.join(order)} LIMIT {asked.limit} OFFSET {asked.skip}"
            )
        found = self._ask(state, chosen, query)
        return Found(*(found[name] for name in ("series", "time", "micro", "flag", "seq")))

    def _rows_sql(
        self, state: Snapshot, chosen: np.ndarray, where: Condition, span: tuple[int, int], also: Sequence[str] = ()
    ) -> str:
        """SELECT of current rows that hold; with the column `end` when something asks for it."""
        rows = state.current_sql(state.plan(*span), self._series_sql(chosen))
        if "end" in also or _speaks_of(where, "end"):
            rows = f'SELECT v.*, {_END_SQL} AS "end" FROM ({rows}) v JOIN periods p USING (series)'
        return rows if where == TRUE else f"SELECT * FROM ({rows}) WHERE {_condition_sql(where)}"

    def _series_sql(self, chosen: np.ndarray) -> str:
        first, last = int(chosen[0]), int(chosen[-1])
        within = f"series BETWEEN {first} AND {last}"
        if last - first + 1 == len(chosen):
            return within
        if len(chosen) <= 500:
            return f"series IN ({', '.join(map(str, chosen.tolist()))})"
        return f"{within} AND series IN (SELECT series FROM chosen)"

    def _ask(self, state: Snapshot, chosen: np.ndarray, query: str) -> dict[str, np.ndarray]:
        tables = {}
        if "FROM chosen" in query:
            tables["chosen"] = pa.table({"series": chosen.astype(np.int32)})
        if "JOIN periods" in query:
            periods = [int(self._book.key(one).period) for one in chosen.tolist()]
            tables["periods"] = pa.table({"series": chosen.astype(np.int32), "period": pa.array(periods, pa.int32())})
        try:
            with lent(state.cursor, **tables):
                found = state.cursor.execute(query).fetchnumpy()
        except (duckdb.OutOfRangeException, duckdb.ConversionException, duckdb.BinderException) as wrong:
            raise BadInput(
                f"this condition cannot be computed: {str(wrong).splitlines()[0][:200]}", hint="use smaller numbers"
            ) from None
        return {name: np.asarray(column) for name, column in found.items()}


def _empty() -> Found:
    return Found(*(np.empty(0, np.int64) for _ in range(5)))


def _series_of(one: Condition) -> np.ndarray | None:
    """Series that a conjunct names, when that is all it says."""
    if one == FALSE:
        return np.empty(0, np.int64)
    if one[0] == "in" and one[1] == "series":
        return np.asarray(one[2], np.int64)
    if one[0] == "eq" and one[1] == ("col", "series") and one[2][0] == "num":
        number = one[2][1]
        return np.array([int(number)] if number == int(number) else [], np.int64)
    return None


def _speaks_of(condition: Condition, column: str) -> bool:
    if condition == ("col", column):
        return True
    return any(isinstance(one, tuple) and _speaks_of(one, column) for one in condition)


_END_SQL = (
    "CASE p.period "
    + " ".join(f"WHEN {int(period)} THEN time + {length}" for period, length in LENGTHS.items())
    + " "
    + " ".join(
        f"WHEN {int(period)} THEN epoch_ms(make_timestamp((time + {CHINA_S}) * 1000000) + INTERVAL {months} MONTH) "
        f"// 1000 - {CHINA_S}"
        for period, months in _MONTHS.items()
    )
    + " ELSE time END"
)


def _condition_sql(condition: Condition) -> str:
    match condition:
        case ("true",):
            return "true"
        case ("false",):
            return "false"
        case ("and", *parts):
            return "(" + " AND ".join(map(_condition_sql, parts)) + ")"
        case ("or", *parts):
            return "(" + " OR ".join(map(_condition_sql, parts)) + ")"
        case ("not", part):
            return f"(NOT {_condition_sql(part)})"
        case ("in", column, ids) if column in COLUMNS:
            return f"({_column(column)} IN ({', '.join(str(int(one)) for one in ids)}))" if ids else "false"
        case ("null", term):
            return f"({_term_sql(term)} IS NULL)"
        case (name, left, right) if name in _COMPARE:
            return f"coalesce({_term_sql(left)} {_COMPARE[name]} {_term_sql(right)}, false)"
    raise BadInput(f"no condition {condition[0]!r}")


def _column(name: str) -> str:
    return '"end"' if name == "end" else name


def _term_sql(term: Term) -> str:
    match term:
        case ("col", name) if name in COLUMNS:
            return _column(name)
        case ("num", number):
            return _number_sql(number)
        case ("neg", part):
            return f"(- {_term_sql(part)})"
        case (("round" | "floor" | "ceiling") as name, part):
            return f"{name}({_term_sql(part)})"
        case (("year" | "month" | "day" | "hour" | "minute" | "second") as name, part):
            return f"{name}(make_timestamp(CAST(({_term_sql(part)} + {CHINA_S}) * 1000000 AS BIGINT)))"
        case ("date", part):
            inside = _term_sql(part)
            return f"({inside} - ({inside} + {CHINA_S}) % 86400)"
        case ("time_of_day", part):
            return f"(({_term_sql(part)} + {CHINA_S}) % 86400)"
        case (name, left, right) if name in _ARITHMETIC:
            return f"({_term_sql(left)} {_ARITHMETIC[name]} {_term_sql(right)})"
    raise BadInput(f"no term {term[0]!r}")


def _number_sql(number: Decimal) -> str:
    text = format(number, "f")
    digits = text.lstrip("-").replace(".", "")
    if len(digits) > 36:
        raise BadInput(f"{text[:50]} has more digits than a comparison takes", hint="use at most 36 digits")
    return f"({text})"


def _order_sql(name: str, descending: bool) -> list[str]:
    column, word = _column(name), "DESC" if descending else "ASC"
    return ["value IS NULL ASC", f"value {word}"] if name == "value" else [f"{column} {word}"]


def _after_sql(order: Sequence[tuple[str, bool]], after: Sequence[Decimal | None]) -> str:
    """Rows that come after one in an order: past it in some column, and level in all before that."""
    parts: list[str] = []
    level: list[str] = []
    for (name, descending), edge in zip(order, after, strict=True):
        column = _column(name)
        if edge is None:
            past, same = "false", f"{column} IS NULL"  # nulls come last
        else:
            number = _number_sql(edge)
            past, same = f"{column} {'<' if descending else '>'} {number}", f"{column} = {number}"
            if name == "value":
                past = f"({past} OR value IS NULL)"
        parts.append("(" + " AND ".join([*level, past]) + ")")
        level.append(f"({same})")
    return "(" + " OR ".join(parts) + ")"
