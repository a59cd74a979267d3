"""The view of current versions over hot ∪ sealed rows, as SQL: a plain scan wherever one sealed file alone has a
stretch of time and each key once (the manifest knows), a comparison only where files, or the hot rows, meet in time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from jinyun.store.manifest import SealedFile

Span = tuple[int, int]
"""Event times [from, to). [s]"""

COLUMNS = "series, time, value, flag, seq"


@dataclass(slots=True)
class Plan:
    """Which file is read how, and in which stretches of time."""

    alone: dict[SealedFile, list[Span]] = field(default_factory=dict)
    base: dict[SealedFile, list[Span]] = field(default_factory=dict)  # plain, but `late` rows may supersede
    late: dict[SealedFile, list[Span]] = field(default_factory=dict)  # compared by seq
    hot: list[Span] = field(default_factory=list)  # hot rows, compared too


def plan(files: Iterable[SealedFile], hot: Sequence[Span], start: int, end: int) -> Plan:
    """Sweep over the times of the files (without those of superseded versions) and of the hot rows in [start, end)."""
    made = Plan()
    opens: dict[int, list[SealedFile]] = {}
    closes: dict[int, list[SealedFile]] = {}
    edges = {start, end}
    for one in files:
        low, high = max(one.time_from, start), min(one.time_to + 1, end)
        if one.past or low >= high:
            continue
        opens.setdefault(low, []).append(one)
        closes.setdefault(high, []).append(one)
        edges |= {low, high}
    spans = sorted((max(low, start), min(high, end)) for low, high in hot if low < end and high > start)
    edges.update(edge for span in spans for edge in span)
    times = sorted(edges)
    here: dict[int, SealedFile] = {}
    place = 0
    for low, high in pairwise(times):
        for one in closes.get(low, ()):
            here.pop(one.id, None)
        here.update({one.id: one for one in opens.get(low, ())})
        while place < len(spans) and spans[place][1] <= low:
            place += 1
        heated = place < len(spans) and spans[place][0] <= low
        if heated:
            _extend(made.hot, (low, high))
        if not here:
            continue
        first = max(here.values(), key=lambda one: (one.plain, one.rows, -one.id))
        if not first.plain:
            target = None
        elif heated or len(here) > 1:
            target = made.base
        else:
            target = made.alone
        for one in here.values():
            role = target if one is first and target is not None else made.late
            _extend(role.setdefault(one, []), (low, high))
    return made


def _extend(spans: list[Span], span: Span) -> None:
    if spans and spans[-1][1] == span[0]:
        spans[-1] = (spans[-1][0], span[1])
    else:
        spans.append(span)


def current_sql(made: Plan, path: dict[int, str], sealed: int, where: str = "true") -> str:
    """SELECT of the current versions, columns `COLUMNS`; `path` by file id, `where` holds for every row read (on series
    only: what is superseded must not be filtered away by value)."""
    branches = _reads(made.alone, path, where)
    late = _reads(made.late, path, where)
    if made.hot:
        late.append(f"SELECT {COLUMNS} FROM rows WHERE seq > {sealed} AND ({_within(made.hot)}) AND {where}")
    base = _reads(made.base, path, where)
    if not late:
        return " UNION ALL ".join(branches + base) or f"SELECT {COLUMNS} FROM rows WHERE false"
    versions = "SELECT * FROM late"
    if base:
        branches.append("SELECT * FROM base ANTI JOIN late USING (series, time)")
        versions += " UNION ALL SELECT * FROM base SEMI JOIN late USING (series, time)"
    branches.append(
        "SELECT series, time, last.value AS value, last.flag AS flag, last.seq AS seq FROM (SELECT series, time, "
        f"max({{'seq': seq, 'value': value, 'flag': flag}}) AS last FROM ({versions}) GROUP BY series, time)"
    )
    named = f"WITH late AS MATERIALIZED ({' UNION ALL '.join(late)})"
    if base:
        named += f", base AS NOT MATERIALIZED ({' UNION ALL '.join(base)})"
    return f"{named} {' UNION ALL '.join(branches)}"


def _reads(files: dict[SealedFile, list[Span]], path: dict[int, str], where: str) -> list[str]:
    """SELECTs of files: one of all that are read whole, one of each set of files with the same stretches."""
    groups: dict[tuple[Span, ...], list[str]] = {}
    for one, spans in files.items():
        whole = spans[0][0] <= one.time_from and spans[0][1] > one.time_to
        groups.setdefault(() if whole else tuple(spans), []).append(path[one.id])
    return [
        f"SELECT {COLUMNS} FROM read_parquet([{', '.join(map(_text, paths))}]) "
        f"WHERE {f'({_within(spans)})' if spans else 'true'} AND {where}"
        for spans, paths in groups.items()
    ]


def _within(spans: Sequence[Span]) -> str:
    return " OR ".join(f"time >= {low} AND time < {high}" for low, high in spans)


def _text(path: str) -> str:
    return "'" + path.replace("'", "''") + "'"
