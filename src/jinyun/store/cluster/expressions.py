"""Windows, verdict figures and indicators as expressions of tables: the same ones run on every engine.

Rules that keep the engines equal: whole numbers only (millionths; sums doubled, so that a non-detect at half its limit
stays whole, and in two limbs, so that no sum of anything the store holds passes 63 bits), no division, no times but
seconds, `NO_VALUE` instead of NULL. Figures of the standards come in as rows of small tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import ibis

from jinyun.domains.air.judges import AQI_DAY
from jinyun.domains.water.judges import SECTION_CLASS_DAY
from jinyun.kernel.flags import COUNTS
from jinyun.kernel.ports import NO_VALUE
from jinyun.kernel.terms import Flag, Period, Stat, china_time, period_start
from jinyun.methods.windows import Level
from jinyun.store.cluster import facts as known
from jinyun.store.cluster.facts import AIR, DAY_S, HOUR_S, MINUTE_S, WATER, Facts

Table = Any
"""An Ibis table expression."""

CHINA_AHEAD = -period_start(Period.DAY, 0)
LIMB = 30
"""Bits of the lower limb of a sum: see `finish.totals`."""
CAP = 10**15
"""Millionths that a reading counts for at most in an 8 h maximum, the one sum that engines compare themselves. Beyond
any break point, so that the index of such a day is the same."""
NONE = int(NO_VALUE)
MEANS = (int(Stat.AVG), int(Stat.RTD), int(Stat.ZS_AVG), int(Stat.ZS_RTD))
FINE = (int(Period.REALTIME), int(Period.MINUTE), int(Period.TEN_MINUTE))


@dataclass(frozen=True, slots=True)
class Warehouse:
    """Readings of all nodes and the small tables, as an engine has them.

    Readings have the columns series (of the cluster), time [s], micro [1e-6; `NO_VALUE` for none], flag, seq.
    """

    alone: Table  # each key once, current as it stands
    mixed: Table  # the newest version of a key is the current one
    past: Table  # superseded versions
    facts: Facts
    tables: Mapping[str, Table]


def number(value: int) -> Any:
    """A whole number of 64 bits."""
    return ibis.literal(int(value), "int64")


# --- parts of expressions --------------------------------------------------------------------------------------------


def current(w: Warehouse) -> Table:
    """Current versions: the highest seq of each (series, time)."""
    newest = w.mixed.group_by("series", "time").agg(
        micro=w.mixed.micro.argmax(w.mixed.seq), flag=w.mixed.flag.argmax(w.mixed.seq), seq=w.mixed.seq.max()
    )
    columns = ("series", "time", "micro", "flag", "seq")
    return ibis.union(w.alone.select(*columns), newest.select(*columns), distinct=False)


def _of(w: Warehouse, *, periods: tuple[int, ...], stats: tuple[int, ...] = MEANS, **chosen: Any) -> Table:
    """Current versions of some series, with day, hour and whether they count."""
    s = w.tables["series"]
    s = s.filter(s.period.isin(periods), s.stat.isin(stats))
    for name, value in chosen.items():
        s = s.filter(s[name].isin(value)) if isinstance(value, tuple) else s.filter(s[name] == number(value))
    rows = current(w).inner_join(s.select("series"), "series").select("series", "time", "micro", "flag")
    local = rows.time + number(CHINA_AHEAD)
    there = (rows.micro != number(NONE)) & rows.flag.isin([int(flag) for flag in COUNTS])
    plain = ibis.ifelse(there, rows.micro, number(0))  # twice NO_VALUE would not fit
    return rows.mutate(
        hour=rows.time - local % number(HOUR_S),
        day=rows.time - local % number(DAY_S),
        good=there,
        plain=plain,
        doubled=ibis.ifelse(rows.flag == number(Flag.NON_DETECT), plain, plain * number(2)),
        nd=(rows.flag == number(Flag.NON_DETECT)).cast("int64"),
        unflagged=(rows.flag == number(Flag.UNKNOWN)).cast("int64"),
    )


def _sums(rows: Table) -> dict[str, Any]:
    """What a window of readings adds up to."""
    good = rows.good
    return {
        "present": rows.count(),
        "n": _some(good.cast("int64").sum()),
        "nd": _some(rows.nd.sum(where=good)),
        "unflagged": _some(rows.unflagged.sum(where=good)),
        "upper2": _some((rows.doubled >> ibis.literal(LIMB, "int32")).sum(where=good)),
        "lower2": _some((rows.doubled & number((1 << LIMB) - 1)).sum(where=good)),
        "low": rows.micro.min(where=good).fill_null(number(NONE)),
        "high": rows.micro.max(where=good).fill_null(number(NONE)),
    }


def _again(part: Table) -> dict[str, Any]:
    """`_sums` of sums."""
    added = {name: part[name].sum() for name in ("present", "n", "nd", "unflagged", "upper2", "lower2")}
    there = part.low != number(NONE)
    return {
        **added,
        "low": part.low.min(where=there).fill_null(number(NONE)),
        "high": part.high.max(where=there).fill_null(number(NONE)),
    }


def _some(value: Any) -> Any:
    return value.fill_null(number(0))


def _ruled(w: Warehouse, windows: Table, start: str, level: Level) -> Table:
    """Windows with the rule in force at their start; those without one are not made."""
    s, r = w.tables["series"], w.tables["rules"]
    found = windows.inner_join(s.select("series", "class"), "series")
    r = r.filter(r.level == number(level)).select("class", "since", "until", "rule", "need", "hours")
    found = found.inner_join(r, "class")
    return found.filter(found[start] >= found.since, found[start] < found.until)


SUMS = ("present", "n", "nd", "unflagged", "upper2", "lower2", "low", "high")


def _days(w: Warehouse, **chosen: Any) -> Table:
    """Sums of each series' hours by day, and the most decimals that one of them has."""
    rows = _of(w, periods=(int(Period.HOUR),), **chosen)
    # How many zeros a value ends with tells its places; half of a non-detect is five tenths of a millionth each.
    halves = rows.nd == number(1)
    cases = []
    for places in range(6):
        step = 10 ** (6 - places)
        whole = ibis.ifelse(halves, rows.plain * number(5) % number(10 * step), rows.plain % number(step))
        cases.append((whole == number(0), number(places)))
    zeros = ibis.cases(*cases, else_=number(6))
    rows = rows.mutate(places=zeros)
    return rows.group_by("series", "day").agg(**_sums(rows), places=_some(rows.places.max(where=rows.good)))


def _max_8h(w: Warehouse) -> Table:
    """Ozone: of each day the number of 8 h means with enough hours, and the largest [1e-6 / COMMON]."""
    rows = _of(
        w, periods=(int(Period.HOUR),), stats=(int(Stat.AVG),), factor=w.facts.factor_number("o3")
    ).filter(ibis._.good)  # fmt: skip
    rows = rows.mutate(second=rows.hour - rows.day)
    spread = rows.inner_join(w.tables["spans"], "second")
    capped = ibis.least(ibis.greatest(spread.micro, number(-CAP)), number(CAP))
    sums = spread.group_by("series", "day", "ends").agg(count=spread.count(), total=capped.sum())
    sums = _ruled(w, sums, "day", Level.MAX_8H)
    sums = sums.filter(sums["count"] >= sums.hours).inner_join(w.tables["parts"], "count")
    sums = sums.mutate(scaled=sums.total * sums.part)
    return sums.group_by("series", "day").agg(windows=sums.count(), best=sums.scaled.max())


# --- expressions -----------------------------------------------------------------------------------------------------


def all_current(w: Warehouse) -> Table:
    return current(w)


def latest(w: Warehouse) -> Table:
    rows = current(w)
    return rows.group_by("series").agg(
        time=rows.time.max(), micro=rows.micro.argmax(rows.time), flag=rows.flag.argmax(rows.time),
        seq=rows.seq.argmax(rows.time),
    )  # fmt: skip


def hours(w: Warehouse) -> Table:
    """Which minutes of the hour have a reading, and a good one, comes back as bits; readings between minutes (real-time
    data) are first gathered by their minute."""
    rows = _of(w, periods=FINE)
    rows = rows.mutate(second=rows.time - rows.time % number(MINUTE_S) - rows.hour, off=rows.time % number(MINUTE_S))
    bits = w.tables["minutes"]
    sharp = rows.filter(rows.off == number(0)).inner_join(bits, "second")
    sharp = sharp.group_by("series", "hour").agg(
        **_sums(sharp), seen=sharp.bit.sum(), held=_some(sharp.bit.sum(where=sharp.good))
    )
    sharp = sharp.mutate(seen_off=number(0), held_off=number(0))
    loose = rows.filter(rows.off != number(0))
    loose = loose.group_by("series", "hour", "second").agg(**_sums(loose)).inner_join(bits, "second")
    loose = loose.group_by("series", "hour").agg(
        **_again(loose), seen_off=loose.bit.sum(), held_off=_some(loose.bit.sum(where=loose.n > number(0)))
    )
    loose = loose.mutate(seen=number(0), held=number(0))
    names = ("series", "hour", *SUMS, "seen", "held", "seen_off", "held_off")
    both = ibis.union(sharp.select(*names), loose.select(*names), distinct=False)
    masks = {name: both[name].max() for name in names[-4:]}
    windows = both.group_by("series", "hour").agg(**_again(both), **masks)
    return _ruled(w, windows, "hour", Level.HOUR).select(*names, "rule", "need")


def days(w: Warehouse) -> Table:
    return _ruled(w, _days(w), "day", Level.DAY).select("series", "day", *SUMS, "rule", "need")


def max_8h(w: Warehouse) -> Table:
    return _ruled(w, _max_8h(w), "day", Level.MAX_8H).select("series", "day", "windows", "best", "rule", "need")


def p95(w: Warehouse) -> Table:
    """Order statistics beside k = 1 + (n - 1)p of the valid hours of each series."""
    per_cent = number(known.per_cent(china_time(w.facts.start).date()))
    rows = _of(w, periods=(int(Period.HOUR),), stats=(int(Stat.AVG),)).filter(ibis._.good)
    rows = rows.select("series", "micro")
    ordered = rows.mutate(
        place=ibis.row_number().over(group_by="series", order_by="micro").cast("int64") * number(100),
        n=rows.count().over(group_by="series").cast("int64"),
    )
    k = (ordered.n - number(1)) * per_cent
    lower = (ordered.place <= k) & (k < ordered.place + number(100))
    upper = (ordered.place > k) & (ordered.place <= k + number(100))
    near = ordered.mutate(k=k, lower=lower, upper=upper).filter(lower | upper)
    found = near.group_by("series").agg(
        n=near.n.max(), low=near.micro.max(where=near.lower), rest=(near.k - near.place).max(where=near.lower),
        high=near.micro.max(where=near.upper).fill_null(number(NONE)),
    )  # fmt: skip
    return found.select("series", "n", "low", "high", "rest")


def aqi_days(w: Warehouse) -> Table:
    factors = tuple(w.facts.factor_number(name) for name in AQI_DAY.factors)
    inputs = _days(w, stats=(int(Stat.AVG),), topic=AIR, factor=factors)
    eight = _max_8h(w).rename(series_8h="series", day_8h="day")
    found = inputs.left_join(eight, [inputs.series == eight.series_8h, inputs.day == eight.day_8h])
    return found.select("series", "day", *SUMS, windows=_some(found.windows), best=found.best.fill_null(number(NONE)))


def section_days(w: Warehouse) -> Table:
    stats = tuple(int(one) for one in SECTION_CLASS_DAY.stats)
    return _days(w, stats=stats, topic=WATER).select("series", "day", *SUMS, "places")


def outlet_hours(w: Warehouse) -> Table:
    """Hours judged, over and undecided of each limit, from the hour means that devices sent."""
    rows = _of(w, periods=(int(Period.HOUR),), stats=(*MEANS, int(Stat.MIN), int(Stat.MAX)), topic=known.OUTLET)
    sites = w.tables["series"].select("series", "site", "factor", "stat")
    rows = rows.inner_join(sites, "series")
    oxygen = rows.filter(
        rows.factor == number(w.facts.factor_number("o2")), rows.stat == number(Stat.AVG), rows.good,
        rows.micro >= number(known.oxygen_suspect()),
    )  # fmt: skip
    oxygen = oxygen.group_by(airy_site=oxygen.site, airy_hour=oxygen.hour).agg(airy=oxygen.count())
    held = rows.inner_join(w.tables["limits"], ["site", "factor", "stat"])
    held = held.filter(held.time >= held.since, held.time < held.until)
    held = held.left_join(oxygen, [held.site == oxygen.airy_site, held.hour == oxygen.airy_hour])
    none, strict = number(NONE), held.strict == number(1)
    above = (held.high != none) & ((held.micro > held.high) | (strict & (held.micro == held.high)))
    below = (held.low != none) & ((held.micro < held.low) | (strict & (held.micro == held.low)))
    air = (held.converted == number(1)) & (_some(held.airy) > number(0))
    open_ = (held.laxest != none) & above & (held.micro <= held.laxest)
    unsure = air | ((above | below) & ((held.nd == number(1)) | open_))
    held = held.mutate(
        usable=held.good & ~air,
        over=held.good & ~unsure & (above | below),
        unsure=held.good & unsure,
    )
    hours_held = held.group_by("limit", "hour").agg(
        usable=_flagged(held.usable), over=_flagged(held.over), unsure=_flagged(held.unsure),
        high=held.micro.max(where=held.usable).fill_null(none), low=held.micro.min(where=held.usable).fill_null(none),
    )  # fmt: skip
    there = hours_held.usable == number(1)
    is_over = hours_held.over == number(1)
    return hours_held.group_by("limit").agg(
        sent=hours_held.count(), judged=hours_held.usable.sum(),
        over=hours_held.over.sum(), unsure=_some(hours_held.unsure.sum(where=~is_over)),
        high=hours_held.high.max(where=there).fill_null(none), low=hours_held.low.min(where=there).fill_null(none),
        first_over=hours_held.hour.min(where=is_over).fill_null(none),
    )  # fmt: skip


def _flagged(condition: Any) -> Any:
    return condition.cast("int64").max()


def coverage(w: Warehouse) -> Table:
    """Versions, current readings, valid ones, and hours with a (valid) one, by series and day."""
    everything = ibis.union(*(part.select("series", "time") for part in (w.alone, w.mixed, w.past)), distinct=False)
    local = everything.time + number(CHINA_AHEAD)
    everything = everything.mutate(day=everything.time - local % number(DAY_S))
    versions = everything.group_by("series", "day").agg(versions=everything.count())
    periods = tuple(int(one) for one in (*Period,))
    stats = tuple(int(one) for one in (*Stat,))
    rows = _of(w, periods=periods, stats=stats)
    by_hour = rows.group_by("series", "day", "hour").agg(present=rows.count(), n=_some(rows.good.cast("int64").sum()))
    by_day = by_hour.group_by("series", "day").agg(
        present=by_hour.present.sum(), n=by_hour.n.sum(), hours=by_hour.count(),
        good_hours=(by_hour.n > number(0)).cast("int64").sum(),
    )  # fmt: skip
    found = versions.inner_join(by_day, ["series", "day"])
    return found.select("series", "day", "versions", "present", "n", "hours", "good_hours")


@dataclass(frozen=True, slots=True)
class Expression:
    """One shipped expression: what the engine does, and how its rows are finished (`finish.FINISH`)."""

    name: str
    build: Callable[[Warehouse], Table]
    finish: str
    zh: str
    en: str


SHIPPED: Mapping[str, Expression] = {
    one.name: one
    for one in (
        Expression("current", all_current, "current", "各时刻的现行值（版本最新者）", "current versions: highest seq"),
        Expression("latest", latest, "current", "各序列最新值", "newest reading of each series"),
        Expression("hours", hours, "hours", "由分钟、实时数据得的小时窗口", "hour windows of minute, real-time data"),
        Expression("days", days, "days", "由小时值得的日窗口与有效性", "day windows of hour values, with validity"),
        Expression("max_8h", max_8h, "max_8h", "臭氧日最大8小时平均", "O3 daily maximum 8 h mean"),
        Expression("p95", p95, "p95", "小时值的精确95百分位数", "exact 95th percentile of hour values"),
        Expression("aqi_days", aqi_days, "aqi_days", "AQI日报：指数、级别、首要污染物", "daily AQI, level, primary"),
        Expression("good_days", aqi_days, "good_days", "各月优良天数", "good days of each month"),
        Expression("section_days", section_days, "section_days", "断面日水质类别", "class of sections by day"),
        Expression("outlet_hours", outlet_hours, "outlet_hours", "排放口小时均值超标数",
                   "exceedances of outlets' hour means"),
        Expression("coverage", coverage, "coverage", "数据完整性与版本数", "completeness and versions by day"),
    )
}  # fmt: skip
"""What `jinyun cluster list` names."""
