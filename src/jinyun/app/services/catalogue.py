"""Catalogue of what is kept: every series with owner, quality grade, update rule, freshness and completeness.

Answers come from maintained columns by series id (newest time, count, first time, counts of days and hours); a page of
tens of thousands of series is a few array operations and the fifty rows that are shown.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jinyun.app.services.tally import Tally
from jinyun.app.services.words import PERIODS, STATS, factor_unit, factor_words
from jinyun.app.then import stamped
from jinyun.domains.warehouse.catalogue import (
    CLOSED,
    CYCLES,
    FRESH,
    FRESHNESS,
    GRADES,
    LATE,
    NO_RULE,
    STALE,
    Selection,
    grades_of_kinds,
    natural_interval,
    rules,
)
from jinyun.kernel.errors import BadInput, NotFound
from jinyun.kernel.ports import DeviceProfile, Record
from jinyun.kernel.terms import LENGTHS, Period, SeriesKey, Stat

if TYPE_CHECKING:
    from jinyun.app.assemble import House

ALL = 1_000_000
STATES = (FRESH, LATE, STALE, CLOSED, NO_RULE)
CLOSED_INTERVAL, NO_INTERVAL = -1, 0
SOURCES = {
    "dataset": ("数据集规定", "the data set's rule"),
    "device": ("设备档案", "the device's record"),
    "period": ("按周期推定", "taken from the period"),
    "none": ("无", "none"),
}
RESTS_ON = frozenset({"site", "device", "enterprise", "outlet", "dataset"})
ORDERS = ("series", "site", "age", "completeness", "completeness_24h", "rows", "first", "last")
COUNTED_AT_ONCE = 5_000_000
"""Up to so many readings the first question counts them itself; of more the background does."""
DAY = LENGTHS[Period.DAY]


class _Facts:
    """What is known of each series from registers, as columns by series id."""

    def __init__(self) -> None:
        self.keys: list[SeriesKey] = []
        self.interval: list[int] = []
        self.source: list[str] = []
        self.owner: list[str] = []
        self.grade: list[str] = []
        self.datasets: list[tuple[str, ...]] = []


class Catalogue:
    """Series and data sets of one house."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.tally = Tally(house)
        self._lock = threading.Lock()
        self._stale = True
        self._facts = _Facts()
        self._columns: dict[str, np.ndarray] = {}
        self._profiles: dict[str, list[DeviceProfile]] = {}
        self._sets: list[tuple[Record, Selection]] = []
        self._owners: dict[str, str] = {}
        house.records.listeners.append(self._changed)

    def tick(self) -> None:
        """Job: keep the counts up to date."""
        self.tally.refresh(politely=True)

    def _changed(self, type_id: str, _: str) -> None:
        if type_id in RESTS_ON:
            self._stale = True

    # --- facts --------------------------------------------------------------------------------------------------------

    def _now_facts(self) -> _Facts:
        with self._lock:
            keys = self._house.readings.series_keys()
            if self._stale:
                self._stale = False
                self._read_registers()
                self._facts, self._columns = _Facts(), {}
            if len(self._facts.keys) < len(keys):
                for key in list(keys[len(self._facts.keys) :]):
                    self._add(key)
                self._columns = {}
            return self._facts

    def _read_registers(self) -> None:
        records = self._house.records
        self._profiles = {}
        for profile in self._house.directory.all():
            self._profiles.setdefault(profile.site, []).append(profile)
        found = records.find("dataset", limit=ALL)
        self._sets = [(one, Selection.of(one.data)) for one in sorted(found, key=lambda one: one.id)]
        enterprises = {one.id: str(one.data.get("name")) for one in records.find("enterprise", limit=ALL)}
        self._owners = {}
        for one in records.find("outlet", limit=ALL):
            name = enterprises.get(str(one.data.get("enterprise") or ""))
            if name:
                self._owners[str(one.data.get("site"))] = name
        for one in records.find("site", limit=ALL):
            name = enterprises.get(str(one.data.get("enterprise") or ""))
            if name:
                self._owners[one.id] = name

    def _add(self, key: SeriesKey) -> None:
        house, facts = self._house, self._facts
        site = house.sites.get(key.site)
        kind = site.kind if site else ""
        mine = [one for one, chosen in self._sets
                if chosen.takes(key.site, kind, key.factor, key.stat.name, key.period.name)]  # fmt: skip
        data: Mapping[str, Any] = mine[0].data if mine else {}
        interval, source = self._interval(key, data)
        facts.keys.append(key)
        facts.interval.append(interval)
        facts.source.append(source)
        facts.owner.append(str(data.get("owner") or self._owners.get(key.site) or house.settings.issuer))
        facts.grade.append(str(data.get("grade") or grades_of_kinds().get(kind, "unknown")))
        facts.datasets.append(tuple(one.id for one in mine))

    def _interval(self, key: SeriesKey, data: Mapping[str, Any]) -> tuple[int, str]:
        """How often a series is due [s] and who says so; `NO_INTERVAL` when nobody does, `CLOSED_INTERVAL` never."""
        cycle = data.get("update_cycle")
        if cycle == "closed":
            return CLOSED_INTERVAL, "dataset"
        if cycle == "irregular":
            return NO_INTERVAL, "dataset"
        if cycle == "interval" and data.get("interval_s"):
            return int(data["interval_s"]), "dataset"
        return interval_of(key, self._profiles.get(key.site, ()))

    def _arrays(self, facts: _Facts) -> dict[str, np.ndarray]:
        with self._lock:
            if not self._columns:
                self._columns = {
                    "interval": np.array(facts.interval, np.int64),
                    "period": np.array([int(one.period) for one in facts.keys], np.int64),
                    "stat": np.array([int(one.stat) for one in facts.keys], np.int64),
                    **{name: np.array(values, dtype=object) for name, values in (
                        ("site", [one.site for one in facts.keys]), ("factor", [one.factor for one in facts.keys]),
                        ("owner", facts.owner), ("grade", facts.grade))},
                }  # fmt: skip
                for name in ("site", "factor", "owner", "grade"):
                    words, codes = np.unique(self._columns[name].astype(str), return_inverse=True)
                    self._columns[name], self._columns[f"{name}s"] = codes, words
            return self._columns

    def _state(self, facts: _Facts) -> dict[str, np.ndarray]:
        """Columns that move with time: newest, first, count, age, freshness, completeness."""
        size, readings = len(facts.keys), self._house.readings
        columns = self._arrays(facts)
        interval, period = columns["interval"], columns["period"]
        if not self.tally.ready and readings.counts.total() <= COUNTED_AT_ONCE:
            self.tally.refresh()
        newest = readings.latest_columns()
        inside = newest.series < size
        last = np.full(size, -1, np.int64)
        last[newest.series[inside]] = newest.time[inside]
        count, first = readings.counts.of(np.arange(size))
        now = self._house.clock.now() // 1_000_000
        lengths = np.array([LENGTHS.get(one, 0) for one in Period], np.int64)
        age = np.where(last >= 0, now - last - lengths[period], -1)
        return {
            "last": last, "first": first, "count": count, "age": age,
            "freshness": _freshness(age, interval, last), **self._shares(size, interval, first),
        }  # fmt: skip

    def _shares(self, size: int, interval: np.ndarray, first: np.ndarray) -> dict[str, np.ndarray]:
        """Readings there by those due, of the last 24 whole hours and 30 whole days; NaN: none is due."""
        lately, since, until = self.tally.lately(size)
        yesterday, y_since, y_until = self.tally.days(size, 1)
        month, m_since, m_until = self.tally.days(size)
        daily = interval >= DAY
        short = np.where(daily, _share(yesterday, interval, first, y_since, y_until),
                         _share(lately, interval, first, since, until))  # fmt: skip
        return {"completeness_24h": short, "completeness": _share(month, interval, first, m_since, m_until)}

    # --- what pages and verbs ask -------------------------------------------------------------------------------------

    def series(
        self, *, q: str = "", where: Mapping[str, str] | None = None, order: str = "series", limit: int = 100,
        offset: int = 0,
    ) -> dict[str, Any]:  # fmt: skip
        """A page of series. `where`: site, kind, factor, stat, period, owner, grade, dataset, state.

        `order` is one of `ORDERS`, led by ``-`` for descending.
        """
        facts = self._now_facts()
        columns, state = self._arrays(facts), self._state(facts)
        mask = self._mask(facts, columns, state, q, where or {})
        name = order.removeprefix("-")
        if name not in ORDERS:
            raise BadInput(f"no order {order!r}", field="order", hint=f"one of {', '.join(ORDERS)}")
        chosen = np.flatnonzero(mask)
        if name == "site":
            chosen = chosen[np.lexsort((columns["factor"][chosen], columns["site"][chosen]))]
        elif name != "series":
            chosen = chosen[np.argsort(state[{"rows": "count"}.get(name, name)][chosen], kind="stable")]
        if order.startswith("-"):
            chosen = chosen[::-1]
        counts = np.bincount(state["freshness"][mask], minlength=len(STATES)).tolist()
        told = {
            "items": [self._row(facts, state, int(one)) for one in chosen[offset : offset + limit]],
            "total": len(chosen), "counts": dict(zip(STATES, counts, strict=True)),
            "rows": int(state["count"][mask].sum()), "counted": self.tally.ready,
            "now": self._house.clock.now() // 1_000_000,
        }  # fmt: skip
        return stamped(self._house, told)

    def _mask(
        self, facts: _Facts, columns: Mapping[str, np.ndarray], state: Mapping[str, np.ndarray], q: str,
        where: Mapping[str, str],
    ) -> np.ndarray:  # fmt: skip
        mask = state["last"] >= 0
        for name, value in where.items():
            if not value:
                continue
            wanted = value.split(",")
            if name in ("site", "factor", "owner", "grade"):
                mask &= np.isin(columns[f"{name}s"], wanted)[columns[name]]
            elif name == "kind":
                mask &= self._of_sites(columns, lambda _, kind, wanted=wanted: kind in wanted)
            elif name in ("period", "stat"):
                known = (Period if name == "period" else Stat).__members__
                numbers = [int(known[one.upper()]) for one in wanted if one.upper() in known]
                mask &= np.isin(columns[name], numbers)
            elif name == "state":
                mask &= np.isin(state["freshness"], [STATES.index(one) for one in wanted if one in STATES])
            elif name == "dataset":
                mask &= np.fromiter((bool(set(wanted) & set(one)) for one in facts.datasets), bool, len(facts.keys))
            else:
                raise BadInput(f"series cannot be chosen by {name!r}", field=name)
        if q:
            text = q.casefold()
            sites = self._of_sites(columns, lambda name, _: text in name)
            names = [" ".join(map(str, (one, *factor_words(str(one))[:2]))).casefold() for one in columns["factors"]]
            factors = np.array([text in one for one in names], bool)
            mask &= sites | (factors[columns["factor"]] if len(factors) else False)
        return mask

    def _of_sites(self, columns: Mapping[str, np.ndarray], takes: Any) -> np.ndarray:
        said = []
        for one in columns["sites"].tolist():
            site = self._house.sites.get(one)
            said.append(bool(takes(f"{one} {site.name if site else ''}".casefold(), site.kind if site else "")))
        return np.array(said, bool)[columns["site"]] if said else np.zeros(0, bool)

    def _row(self, facts: _Facts, state: Mapping[str, np.ndarray], id: int) -> dict[str, Any]:
        key = facts.keys[id]
        zh, en, _, _ = factor_words(key.factor)
        site = self._house.sites.get(key.site)
        fresh = STATES[int(state["freshness"][id])]
        grade, interval = facts.grade[id], facts.interval[id]
        source = SOURCES[facts.source[id]]
        return {
            "series": id, "site": key.site, "site_name": site.name if site else key.site,
            "kind": site.kind if site else "", "factor": key.factor, "zh": zh, "en": en,
            "unit": factor_unit(key.factor, key.stat), "stat": key.stat.name, "stat_zh": STATS[key.stat][0],
            "stat_en": STATS[key.stat][1], "period": key.period.name, "period_zh": PERIODS[key.period][0],
            "period_en": PERIODS[key.period][1], "owner": facts.owner[id], "grade": grade,
            "grade_zh": GRADES[grade][0], "grade_en": GRADES[grade][1],
            "interval_s": interval if interval > 0 else None,
            "rule": facts.source[id], "rule_zh": source[0], "rule_en": source[1], "freshness": fresh,
            "freshness_zh": FRESHNESS[fresh][0], "freshness_en": FRESHNESS[fresh][1], "age_s": int(state["age"][id]),
            "completeness_24h": _number(state["completeness_24h"][id]),
            "completeness_30d": _number(state["completeness"][id]), "first": int(state["first"][id]),
            "last": int(state["last"][id]), "rows": int(state["count"][id]), "datasets": list(facts.datasets[id]),
        }  # fmt: skip

    def one(self, series: int) -> dict[str, Any]:
        """One series, with the data sets it belongs to."""
        facts = self._now_facts()
        state = self._state(facts)
        if not 0 <= series < len(facts.keys) or state["last"][series] < 0:
            raise NotFound("series", series)
        sets = {one.id: one for one, _ in self._sets}
        told = self._row(facts, state, series)
        told = stamped(self._house, told)
        return told | {"sets": [self._set_row(sets[one]) for one in facts.datasets[series] if one in sets]}

    def datasets(self) -> dict[str, Any]:
        """Data sets with how many series they hold, how fresh and how complete these are."""
        facts = self._now_facts()
        state = self._state(facts)
        rows = []
        for record, _ in self._sets:
            mine = np.fromiter((record.id in one for one in facts.datasets), bool, len(facts.keys))
            mine &= state["last"] >= 0
            rows.append(self._set_row(record) | _summary(facts, state, np.flatnonzero(mine)))
        return stamped(self._house, {"items": rows, "total": len(rows)})

    def _set_row(self, record: Record) -> dict[str, Any]:
        data = record.data
        cycle = CYCLES.get(str(data.get("update_cycle") or "device"), ("", ""))
        grade = GRADES.get(str(data.get("grade") or "unknown"), ("", ""))
        names = ("name", "code", "owner", "description", "licence", "grade", "update_cycle", "interval_s", "sharing")
        return {
            "id": record.id, **{name: data.get(name) for name in names}, "cycle_zh": cycle[0], "cycle_en": cycle[1],
            "grade_zh": grade[0], "grade_en": grade[1],
        }  # fmt: skip

    def key(self, series: int) -> tuple[SeriesKey, int | None]:
        """Key of a series and how often it is due [s]."""
        facts = self._now_facts()
        if not 0 <= series < len(facts.keys):
            raise NotFound("series", series)
        interval = facts.interval[series]
        return facts.keys[series], interval if interval > 0 else None


def interval_of(key: SeriesKey, profiles: Sequence[DeviceProfile]) -> tuple[int, str]:
    """How often a series is due by its devices' records, else by its period; and which of them says so."""
    for profile in profiles:
        if key.period is Period.REALTIME:
            return profile.realtime_interval, "device"
        if key.period is Period.MINUTE:
            return max(1, profile.minute_interval) * LENGTHS[Period.MINUTE], "device"
        if key.period in profile.periods:
            return LENGTHS[key.period], "device"
    natural = natural_interval(key.period)
    return (natural, "period") if natural else (NO_INTERVAL, "none")


def _freshness(age: np.ndarray, interval: np.ndarray, last: np.ndarray) -> np.ndarray:
    """As `domains.warehouse.catalogue.freshness`, column by column."""
    chosen = rules()
    codes = np.full(len(age), STATES.index(STALE), np.int64)
    codes[age <= chosen["late_intervals"] * interval + chosen["patience"]] = STATES.index(LATE)
    codes[age <= chosen["fresh_intervals"] * interval + chosen["patience"]] = STATES.index(FRESH)
    codes[interval == NO_INTERVAL] = STATES.index(NO_RULE)
    codes[interval == CLOSED_INTERVAL] = STATES.index(CLOSED)
    codes[last < 0] = STATES.index(NO_RULE)
    return codes


def _share(count: np.ndarray, interval: np.ndarray, first: np.ndarray, start: int, end: int) -> np.ndarray:
    whole = np.maximum(interval, 1)
    due = np.maximum(0, end - np.clip(first, start, end)) // whole
    share = np.divide(count, due, out=np.full(len(count), np.nan), where=due > 0)
    return np.where(interval > 0, np.minimum(share, 1.0), np.nan)


def _number(value: Any) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)


def _summary(facts: _Facts, state: Mapping[str, np.ndarray], mine: np.ndarray) -> dict[str, Any]:
    fresh = state["freshness"][mine]
    share = state["completeness"][mine]
    share = share[~np.isnan(share)]
    some = len(mine) > 0
    return {
        "series": len(mine), "sites": len({facts.keys[int(one)].site for one in mine}),
        "factors": sorted({facts.keys[int(one)].factor for one in mine}),
        "fresh": int((fresh == STATES.index(FRESH)).sum()), "stale": int((fresh == STATES.index(STALE)).sum()),
        "completeness_30d": round(float(share.mean()), 4) if len(share) else None,
        "rows": int(state["count"][mine].sum()), "first": int(state["first"][mine].min()) if some else None,
        "last": int(state["last"][mine].max()) if some else None,
    }  # fmt: skip
