"""Small tables that go with the readings: series with numbers for names, rules of windows, limits of outlets.

Everything the engines see is whole numbers. A series of a cluster is ``node << 32 | id in the node``; a site likewise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from jinyun.domains.air import judges as air_judges
from jinyun.domains.air.evaluation import evaluation
from jinyun.domains.air.limits import limit as air_limit
from jinyun.domains.air.means import HOURS, SPAN
from jinyun.domains.emission import judges as emission_judges
from jinyun.domains.emission.limits import Limit
from jinyun.domains.emission.outlet_limits import limits_in_force
from jinyun.domains.emission.rules import rule
from jinyun.domains.water import judges as water_judges
from jinyun.kernel.errors import BadInput
from jinyun.kernel.ports import NO_VALUE
from jinyun.kernel.terms import CHINA, LENGTHS, Period, SeriesKey, Stat, china_time, instant
from jinyun.methods.columns import micro
from jinyun.methods.window_rules import RuleBook
from jinyun.methods.windows import How, Level, WindowRule
from jinyun.store.cluster.nodes import Node

SHIFT = 32
FOREVER = (-(2**62), 2**62)
AIR, WATER, OUTLET, OTHER = 1, 2, 3, 0
TOPICS: Mapping[str, int] = {
    **dict.fromkeys(air_judges.KINDS, AIR),
    **dict.fromkeys(water_judges.KINDS, WATER),
    **dict.fromkeys(emission_judges.KINDS, OUTLET),
}
DAY_S, HOUR_S, MINUTE_S = LENGTHS[Period.DAY], LENGTHS[Period.HOUR], LENGTHS[Period.MINUTE]
BASES: Mapping[Period, tuple[Level, str]] = {
    Period.REALTIME: (Level.HOUR, "minute"),
    Period.MINUTE: (Level.HOUR, "minute"),
    Period.TEN_MINUTE: (Level.HOUR, "minute"),
    Period.HOUR: (Level.DAY, ""),
}
"""Which window is made of the readings of a period, and how `RuleBook.find` is asked for its rule."""
COMMON = 840
"""A multiple of 1…8: means of so many hours are compared as whole numbers of its parts."""


@dataclass(frozen=True, slots=True)
class ClusterSite:
    """One site of one node."""

    node: str
    id: str
    data: Mapping[str, Any]

    @property
    def kind(self) -> str:
        return str(self.data.get("kind") or "")

    @property
    def name(self) -> str:
        return str(self.data.get("name") or self.id)


@dataclass(slots=True)
class Facts:
    """What numbers in the engines' answers stand for, and the tables the engines join."""

    start: int
    end: int
    nodes: tuple[str, ...]
    keys: dict[int, SeriesKey] = field(default_factory=dict)
    site_of: dict[int, int] = field(default_factory=dict)  # series -> site
    sites: dict[int, ClusterSite] = field(default_factory=dict)
    factors: list[str] = field(default_factory=list)
    rules: list[WindowRule] = field(default_factory=list)
    limits: list[tuple[int, Limit]] = field(default_factory=list)  # site, limit: by number
    tables: dict[str, pa.Table] = field(default_factory=dict)

    def factor_number(self, name: str) -> int:
        """Number of a factor; -1 when no series has it."""
        return self.factors.index(name) if name in self.factors else -1


def gather(nodes: Sequence[Node], book: RuleBook, start: int, end: int) -> Facts:
    """Facts of all nodes over [start, end). `book`: the rules of windows."""
    facts = Facts(start, end, tuple(one.name for one in nodes))
    facts.factors = sorted({str(name) for node in nodes for name in node.series["factor"].unique().to_pylist()})
    number = {name: n for n, name in enumerate(facts.factors)}
    classes: dict[tuple[str, str, Stat, Period], int] = {}
    rows: list[tuple[int, ...]] = []
    limits: list[tuple[int, ...]] = []
    for n, node in enumerate(nodes):
        data = {one["id"]: one for one in node.records("site")}
        places: dict[str, int] = {}
        for one in node.series.to_pylist():
            key = SeriesKey(one["site"], one["factor"], Stat(one["stat"]), Period(one["period"]))
            if key.site not in places:
                places[key.site] = n << SHIFT | len(places)
                facts.sites[places[key.site]] = ClusterSite(node.name, key.site, data.get(key.site, {}))
            site = places[key.site]
            series = n << SHIFT | one["id"]
            facts.keys[series], facts.site_of[series] = key, site
            kind = facts.sites[site].kind
            mark = (kind, key.factor, key.stat, key.period)
            mine = classes.setdefault(mark, len(classes))
            rows.append((
                series, site, mine, number[key.factor], int(key.stat), int(key.period), TOPICS.get(kind, OTHER)
            ))  # fmt: skip
        limits += _limits(facts, node, places)
    facts.tables = {
        "series": _table(("series", "site", "class", "factor", "stat", "period", "topic"), rows),
        "rules": _table(("class", "level", "since", "until", "rule", "need", "hours"), _rules(facts, book, classes)),
        "limits": _table(
            ("limit", "site", "factor", "stat", "since", "until", "low", "high", "laxest", "strict", "converted"),
            limits,
        ),
        "minutes": _table(("second", "bit"), [(m * MINUTE_S, 1 << m) for m in range(HOUR_S // MINUTE_S)]),
        "spans": _table(
            ("second", "ends"),
            [(h * HOUR_S, e) for h in range(HOURS) for e in range(max(SPAN, h + 1), min(HOURS, h + SPAN) + 1)],
        ),
        "parts": _table(("count", "part"), [(n, COMMON // n) for n in range(1, SPAN + 1)]),
    }  # fmt: skip
    return facts


def _table(names: Sequence[str], rows: Iterable[tuple[int, ...]]) -> pa.Table:
    columns = np.array(list(rows), np.int64).reshape(-1, len(names))
    return pa.table({name: pa.array(columns[:, n]) for n, name in enumerate(names)})


# --- rules of windows ------------------------------------------------------------------------------------------------


def _rules(facts: Facts, book: RuleBook, classes: Mapping[tuple[str, str, Stat, Period], int]) -> list[tuple[int, ...]]:
    """Rules of each class of series between the changes of editions. Arithmetic means and 8 h maxima only: medians,
    energies and flow-weighted means need all their parts, not sums."""
    cuts = [FOREVER[0], *book.changes, FOREVER[1]]
    spans = [(a, b) for a, b in pairwise(cuts) if a < facts.end and b > facts.start]
    numbers: dict[str, int] = {}
    found: list[tuple[int, ...]] = []
    for (kind, factor, stat, period), mine in classes.items():
        if period not in BASES:
            continue
        level, base = BASES[period]
        for since, until in spans:
            day = china_time(max(since, facts.start)).date()
            asked = [(level, base)] + ([(Level.MAX_8H, "")] if level is Level.DAY else [])
            for one, below in asked:
                rule_found = book.find(kind, factor, stat, one, base=below, day=day)
                if rule_found is None or rule_found.how not in (How.MEAN, How.MAX_8H) or rule_found.drop_negative:
                    continue
                n = numbers.setdefault(rule_found.id, len(facts.rules))
                if n == len(facts.rules):
                    facts.rules.append(rule_found)
                need = rule_found.need(_due(one))
                found.append((mine, int(one), since, until, n, need, rule_found.span_hours))
    return found


def _due(level: Level) -> int:
    """Parts due of a window: minutes, hours, or 8 h means."""
    return {Level.HOUR: HOUR_S // MINUTE_S, Level.DAY: HOURS, Level.MAX_8H: HOURS - SPAN + 1}[level]


# --- limits of outlets -----------------------------------------------------------------------------------------------

EACH = (Stat.AVG, Stat.MIN, Stat.MAX)
"""Statistics of an hour that stand for its readings, where each reading is judged (pH)."""


def _limits(facts: Facts, node: Node, places: Mapping[str, int]) -> list[tuple[int, ...]]:
    """Hour limits of the outlets in force within the span, one row for each statistic they are held against."""
    outlets: dict[str, list[dict[str, Any]]] = {}
    for one in node.records("outlet"):
        outlets.setdefault(str(one.get("site") or ""), []).append(one)
    permits: dict[str, list[dict[str, Any]]] = {}
    for one in node.records("permit_limit"):
        permits.setdefault(str(one.get("outlet") or ""), []).append(one)
    local = node.records("standard_limit")
    rows: list[tuple[int, ...]] = []
    for site_id, mine in sorted(outlets.items()):
        site = places.get(site_id)
        if site is None:
            continue
        stack = facts.sites[site].kind == "stack_outlet"
        own = [limit for outlet in mine for limit in permits.get(str(outlet["id"]), ())]
        if not own and not any(outlet.get("standard") for outlet in mine):
            continue
        held: dict[Limit, list[tuple[int, int]]] = {}
        for day in _days(facts.start, facts.end):
            limits, _ = limits_in_force(
                day, own, mine, local, jurisdiction=str(facts.sites[site].data.get("jurisdiction") or ""), stack=stack
            )
            since = instant(datetime.combine(day, time(), CHINA))
            for limit in _hourly(limits, stack=stack):
                spans = held.setdefault(limit, [])
                if spans and spans[-1][1] == since:
                    spans[-1] = (spans[-1][0], since + DAY_S)
                else:
                    spans.append((since, since + DAY_S))
        for limit, spans in held.items():
            number = len(facts.limits)
            facts.limits.append((site, limit))
            factor = facts.factor_number(limit.factor)
            stats = EACH if limit.factor == "ph" else (Stat.ZS_AVG if limit.converted else Stat.AVG,)
            rows += [
                (
                    number, site, factor, int(stat), since, until, _bound(limit.low), _bound(limit.high),
                    _bound(limit.laxest), int(limit.strict), int(limit.converted),
                )
                for since, until in spans
                for stat in stats
                if factor >= 0
            ]  # fmt: skip
    return rows


def _hourly(limits: Sequence[Limit], *, stack: bool) -> list[Limit]:
    """Concentration limits that hour means are held against; the pH of water whatever the period of its limit."""
    hour = [one for one in limits if one.period == "hour" and one.kind == "concentration"]
    have = {one.factor for one in hour}
    return hour + [one for one in limits if not stack and one.factor == "ph" and "ph" not in have]


def _bound(value: Decimal | None) -> int:
    return int(NO_VALUE) if value is None else micro(value)


def oxygen_suspect() -> int:
    """Oxygen content from which a converted value is not used. [1e-6 %]"""
    return micro(rule("oxygen_suspect"))


def _days(start: int, end: int) -> list[date]:
    first, last = china_time(start).date(), china_time(max(start, end - 1)).date()
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def eight_hour_limit(site: ClusterSite, day: date) -> int:
    """The limit of the daily maximum 8 h mean of ozone at a site. [1e-6]"""
    found = air_limit("o3", "daily_max_8h", day, air_judges.grade_of(site.data))
    if found is None:
        raise BadInput(f"no 8 h limit of ozone on {day}")
    return micro(found)


def per_cent(day: date) -> int:
    """The percentile that particles are judged by. [%]"""
    found = [one.per_cent for one in evaluation(day).statistics["pm2_5"] if one.kind == "percentile"]
    return int(found[0] or 0)
