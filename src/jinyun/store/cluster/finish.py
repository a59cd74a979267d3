"""What is done once, after the engine, on the rows it gave: division, rounding, validity, classes, indices.

Every function takes the engine's whole numbers and gives a table for people: names instead of numbers, figures as
DECIMAL(18,6). All of it is columns of int64; the rules are the domains' own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from jinyun.domains.air.columns import aqi_columns
from jinyun.domains.air.evaluation import evaluation
from jinyun.domains.air.judges import pollutants
from jinyun.domains.air.limits import index_edition, validity
from jinyun.domains.water.columns import section_classes
from jinyun.domains.water.limits import LABELS_ZH, Edition, edition
from jinyun.kernel.ports import NO_VALUE
from jinyun.kernel.terms import Flag, Period, china_time
from jinyun.methods.window_columns import local
from jinyun.methods.windows import HOUR_S, HOURS, MINUTE_S, NON_DETECT, UNFLAGGED, State
from jinyun.store.cluster.facts import COMMON, Facts, eight_hour_limit
from jinyun.store.hot import decimals

Columns = dict[str, np.ndarray]
NONE = int(NO_VALUE)
MINUTES = HOUR_S // MINUTE_S
PLACES = 6
LIMB = 30  # as `expressions.LIMB`: bits of the lower limb of sums
_SAFE = 2**60


def columns_of(raw: pa.Table) -> Columns:
    """An engine's answer as int64 columns, by their first two columns in order: engines give rows in any order."""
    columns = {name: raw[name].to_numpy().astype(np.int64) for name in raw.column_names}
    order = np.lexsort(tuple(reversed(list(columns.values()))))
    return {name: column[order] for name, column in columns.items()}


def totals(raw: Columns) -> Any:
    """Twice the sum of the values [1e-6], a lone non-detect at its full limit; Python integers where int64 is short."""
    upper, lower = raw["upper2"], raw["lower2"]
    if len(upper) and int(np.abs(upper).max()) >= _SAFE >> LIMB:
        upper, lower = upper.astype(object), lower.astype(object)
    total = upper * (1 << LIMB) + lower
    return np.where((raw["n"] == 1) & (raw["nd"] == 1), 2 * total, total)


def divided(total: Any, weight: np.ndarray, places: np.ndarray | int = PLACES) -> np.ndarray:
    """total / weight kept to `places` decimals, half to even, rounded once. [1e-6]; `NO_VALUE` where weight is 0."""
    step = np.power(10, PLACES - np.asarray(places, np.int64))
    by = np.where(weight > 0, weight * step, 1)
    quotient = total // by
    twice = 2 * (total - quotient * by)
    up = (twice > by) | ((twice == by) & (quotient % 2 == 1))
    return np.where(weight > 0, (quotient + up.astype(np.int64)) * step, NONE).astype(np.int64)


def _names(facts: Facts, series: np.ndarray) -> dict[str, Any]:
    """Node, site, factor, statistic and period of series."""
    ids, back = np.unique(series, return_inverse=True)
    keys = [facts.keys[one] for one in ids.tolist()]
    columns: dict[str, Sequence[str]] = {
        "node": [facts.sites[facts.site_of[one]].node for one in ids.tolist()],
        "site": [key.site for key in keys],
        "factor": [key.factor for key in keys],
        "stat": [key.stat.name.lower() for key in keys],
        "period": [key.period.name.lower() for key in keys],
    }
    return {name: _spread(values, back) for name, values in columns.items()}


def _spread(values: Sequence[str], back: np.ndarray) -> Any:
    return pa.array(values, pa.string()).dictionary_encode().take(pa.array(back)).dictionary_decode()


def _sites(facts: Facts, sites: np.ndarray) -> dict[str, Any]:
    ids, back = np.unique(sites, return_inverse=True)
    found = [facts.sites[one] for one in ids.tolist()]
    return {
        "node": _spread([one.node for one in found], back),
        "site": _spread([one.id for one in found], back),
        "name": _spread([one.name for one in found], back),
    }


def _dates(days: np.ndarray) -> Any:
    return pa.array(local(days).astype("M8[D]"), pa.date32())


def _times(times: np.ndarray) -> Any:
    """Instants, to be read in China civil time."""
    return pa.array(times.astype("M8[s]"), pa.timestamp("s", "UTC")).cast(pa.timestamp("s", "Asia/Shanghai"))


def _texts(values: Sequence[Any]) -> Any:
    return pa.array(values, pa.string())


# --- readings --------------------------------------------------------------------------------------------------------

FLAG_WORDS = {int(flag): flag.name.lower() for flag in Flag}


def current(raw: Columns, facts: Facts) -> pa.Table:
    flags, back = np.unique(raw["flag"], return_inverse=True)
    words = [FLAG_WORDS.get(one, str(one)) for one in flags.tolist()]
    return pa.table(
        {
            **_names(facts, raw["series"]), "time": _times(raw["time"]), "value": decimals(raw["micro"]),
            "flag": _spread(words, back), "seq": raw["seq"],
        }
    )  # fmt: skip


# --- windows ---------------------------------------------------------------------------------------------------------


def _figures(raw: Columns) -> tuple[np.ndarray, np.ndarray]:
    """Figure kept to the store's decimals, and marks: as `methods.window_columns.figures`."""
    lone = (raw["n"] == 1) & (raw["nd"] == 1)
    value = divided(totals(raw), 2 * raw["n"])
    return value, np.where(lone, NON_DETECT, 0) | np.where(raw["unflagged"] > 0, UNFLAGGED, 0)


def _states(raw: Columns, enough: np.ndarray) -> np.ndarray:
    return np.where(raw["n"] > 0, np.where(enough, int(State.VALID), int(State.FEW)), int(State.NONE))


def _window_table(
    raw: Columns, facts: Facts, head: Mapping[str, Any], *, due: Any, valid: np.ndarray, enough: np.ndarray,
    present: np.ndarray,
) -> pa.Table:  # fmt: skip
    value, marks = _figures(raw)
    rules, back = np.unique(raw["rule"], return_inverse=True)
    words = [one.name.lower() for one in State]
    return pa.table(
        {
            **_names(facts, raw["series"]), **head, "value": decimals(value), "low": decimals(raw["low"]),
            "high": decimals(raw["high"]), "count": raw["n"], "present": present,
            "valid": valid, "due": np.broadcast_to(due, valid.shape), "need": raw["need"],
            "state": _spread(words, _states(raw, enough)), "marks": marks,
            "rule": _spread([facts.rules[one].id for one in rules.tolist()], back),
        }
    )  # fmt: skip


def _bits(mask: np.ndarray) -> np.ndarray:
    return np.bitwise_count(mask.astype(np.uint64)).astype(np.int64)


def _least_gap(mask: np.ndarray) -> np.ndarray:
    """Shortest distance between two set bits; 0 with fewer than two."""
    gap = np.zeros(len(mask), np.int64)
    for distance in range(MINUTES - 1, 0, -1):
        gap[(mask & (mask >> distance)) != 0] = distance
    return gap


def hours(raw: Columns, facts: Facts) -> pa.Table:
    """Coverage of an hour by its minutes: as `methods.windows.covered`."""
    seen, held = raw["seen"] | raw["seen_off"], raw["held"] | raw["held_off"]
    by_reading = np.array([one.unit == "reading" for one in facts.rules], bool)[raw["rule"]]
    by_minute = np.array([one.unit == "minute" for one in facts.rules], bool)[raw["rule"]]
    spare = MINUTES - np.where(by_minute, raw["need"], 0)
    tens = np.array([int(facts.keys[one].period is Period.TEN_MINUTE) for one in raw["series"].tolist()], np.int64)
    default = np.where(tens == 1, MINUTES // 6, 1)
    gap = _least_gap(seen)
    step = np.where((gap == 0) | (gap > spare), default, gap)
    present, valid = np.minimum(_bits(seen) * step, MINUTES), np.minimum(_bits(held) * step, MINUTES)
    enough = np.where(by_reading, raw["n"], valid) >= raw["need"]
    head = {"hour": _times(raw["hour"])}
    return _window_table(raw, facts, head, due=MINUTES, valid=valid, enough=enough, present=present)


def days(raw: Columns, facts: Facts) -> pa.Table:
    return _window_table(
        raw, facts, {"day": _dates(raw["day"])}, due=HOURS, valid=raw["n"], enough=raw["n"] >= raw["need"],
        present=raw["present"],
    )  # fmt: skip


def _eight(raw: Columns, facts: Facts, need: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Valid 8 h maxima: enough windows, or over the limit anyway; and whether there is one at all."""
    there = raw["windows"] > 0
    line = np.zeros(len(there), np.int64)
    asked: dict[tuple[int, int], int] = {}
    for i, (series, day) in enumerate(zip(raw["series"].tolist(), raw["day"].tolist(), strict=True)):
        if there[i]:
            key = (facts.site_of[series], day)
            if key not in asked:
                asked[key] = eight_hour_limit(facts.sites[key[0]], china_time(day).date())
            line[i] = asked[key]
    over = there & (raw["best"] > line * COMMON)
    return there & ((raw["windows"] >= need) | over), there


def max_8h(raw: Columns, facts: Facts) -> pa.Table:
    valid, there = _eight(raw, facts, raw["need"])
    value = divided(raw["best"], np.where(there, COMMON, 0))
    return pa.table(
        {
            **_names(facts, raw["series"]), "day": _dates(raw["day"]), "value": decimals(value),
            "windows": raw["windows"], "need": raw["need"],
            "state": _spread([one.name.lower() for one in State], np.where(valid, int(State.VALID), int(State.FEW))),
        }
    )  # fmt: skip


def p95(raw: Columns, facts: Facts) -> pa.Table:
    high = np.where(raw["high"] == NONE, raw["low"], raw["high"])
    low, wide = raw["low"].astype(object), high.astype(object)  # few rows; their differences may pass 63 bits
    value = divided(low * 100 + (wide - low) * raw["rest"], np.full(len(high), 100, np.int64))
    return pa.table({**_names(facts, raw["series"]), "value": decimals(value), "count": raw["n"]})


# --- verdict figures and indicators ----------------------------------------------------------------------------------


def _pivot(
    facts: Facts, raw: Columns, columns: Mapping[str, np.ndarray], where: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Sites and days, and one column of millionths for each factor (`columns` by name, taken where `where` holds)."""
    site = np.array([facts.site_of[one] for one in raw["series"].tolist()], np.int64)
    keys = np.unique(np.stack([site, raw["day"]]), axis=1)
    _, place = np.unique(np.stack([site, raw["day"]]), axis=1, return_inverse=True)
    out: dict[str, np.ndarray] = {}
    for name, values in columns.items():
        mine = where[name]
        column = np.full(keys.shape[1], NONE, np.int64)
        column[place.reshape(-1)[mine]] = values[mine]
        out[name] = column
    return keys[0], keys[1], out


def _factor_numbers(facts: Facts, raw: Columns) -> np.ndarray:
    numbers = {name: n for n, name in enumerate(facts.factors)}
    return np.array([numbers[facts.keys[one].factor] for one in raw["series"].tolist()], np.int64)


def _editions(days_column: np.ndarray, asked: Callable[[date], Any]) -> list[tuple[Any, np.ndarray]]:
    """Editions in force on the days, each with its rows."""
    found: dict[int, tuple[Any, list[np.ndarray]]] = {}
    for day in np.unique(days_column).tolist():
        one = asked(china_time(day).date())
        found.setdefault(id(one), (one, []))[1].append(np.flatnonzero(days_column == day))
    return [(one, np.concatenate(rows)) for one, rows in found.values()]


def _daily(raw: Columns, facts: Facts) -> dict[str, np.ndarray]:
    """AQI of each site and day, in the edition of the day."""
    factor = _factor_numbers(facts, raw)
    total2 = totals(raw)
    parts: dict[str, list[np.ndarray]] = {name: [] for name in ("site", "day", "aqi", "level", "primary", "edition")}
    for (table, rules), rows in _editions(raw["day"], lambda day: (index_edition(day), validity(day))):
        mine = {name: column[rows] for name, column in raw.items()}
        names = pollutants(table)
        columns: dict[str, np.ndarray] = {}
        where: dict[str, np.ndarray] = {}
        for name in names:
            where[name] = factor[rows] == facts.factor_number(name)
            places = table.places.get(name, 0)
            if name == "o3":
                valid, _ = _eight(mine, facts, np.full(len(rows), rules.day_windows, np.int64))
                columns[name] = divided(mine["best"], np.where(valid, COMMON, 0), places)
                columns["o3_1h"], where["o3_1h"] = mine["high"], where[name]
                continue
            enough = (mine["n"] >= rules.day_hours) & (mine["n"] > 0)
            columns[name] = divided(total2[rows], np.where(enough, 2 * mine["n"], 0), places)
        if ("o3", "1h") not in table.items["daily"]:
            columns.pop("o3_1h", None)
            where.pop("o3_1h", None)
        sites, at, values = _pivot(facts, mine, columns, where)
        for group, which in _by_plan(facts, sites, values, names):
            some = {name: column[which] for name, column in values.items() if name.removesuffix("_1h") not in group}
            found = aqi_columns(some, table, "daily", not_monitored=group)
            parts["site"].append(sites[which])
            parts["day"].append(at[which])
            parts["aqi"].append(found.aqi.astype(np.int64))
            parts["level"].append(found.level.astype(np.int64))
            words = np.array([";".join(found.names(int(mask))) for mask in found.primary.tolist()], object)
            parts["primary"].append(words)
            parts["edition"].append(np.full(len(which), table.standard, object))
    whole = {name: np.concatenate(found) if found else np.empty(0, np.int64) for name, found in parts.items()}
    order = np.lexsort((whole["day"], whole["site"]))
    return {name: column[order] for name, column in whole.items()}


def _by_plan(
    facts: Facts, sites: np.ndarray, values: Mapping[str, np.ndarray], names: Sequence[str]
) -> list[tuple[frozenset[str], np.ndarray]]:
    """Rows by what their site does not measure: by plan, and at a micro-station what it has no reading of."""
    groups: dict[frozenset[str], list[int]] = {}
    for i, site in enumerate(sites.tolist()):
        one = facts.sites[site]
        out = frozenset(one.data.get("not_monitored") or ()) & set(names)
        if one.kind == "air_micro":
            out |= {name for name in names if name in values and values[name][i] == NONE}
        groups.setdefault(out, []).append(i)
    return [(out, np.array(rows, np.int64)) for out, rows in groups.items()]


def aqi_days(raw: Columns, facts: Facts) -> pa.Table:
    found = _daily(raw, facts)
    none = found["aqi"] < 0
    return pa.table(
        {
            **_sites(facts, found["site"]), "day": _dates(found["day"]),
            "aqi": pa.array(found["aqi"], pa.int64(), mask=none), "level": pa.array(found["level"], mask=none),
            "primary": _texts(found["primary"].tolist()), "edition": _texts(found["edition"].tolist()),
        }
    )  # fmt: skip


def good_days(raw: Columns, facts: Facts) -> pa.Table:
    """Good and heavy days of each site and month, and the ratio as printed. [%]"""
    found = _daily(raw, facts)
    month = local(found["day"]).astype("M8[M]").astype(np.int64)
    keys, place = np.unique(np.stack([found["site"], month]), axis=1, return_inverse=True)
    place, n = place.reshape(-1), keys.shape[1]
    first = [date(1970 + int(m) // 12, int(m) % 12 + 1, 1) for m in keys[1].tolist()]
    good_level = np.array([index_edition(day).good_level for day in first], np.int64)
    heavy_level = np.array([evaluation(day).heavy_level for day in first], np.int64)
    places = np.array([evaluation(day).rate_places for day in first], np.int64)
    level = found["level"]

    def count(which: np.ndarray) -> np.ndarray:
        return np.bincount(place[which], minlength=n).astype(np.int64)

    valid = count(level > 0)
    good = count((level > 0) & (level <= good_level[place]))
    ratio = divided(good * 100 * 10**PLACES, valid, places)
    return pa.table(
        {
            **_sites(facts, keys[0]), "month": _texts([f"{day:%Y-%m}" for day in first]), "good": good,
            "valid": valid, "heavy": count((level > 0) & (level >= heavy_level[place])), "ratio": decimals(ratio),
        }
    )  # fmt: skip


def _water_edition(body: str, day: date) -> Edition:
    return edition(day, body)


def section_days(raw: Columns, facts: Facts) -> pa.Table:
    """Class of each section and day by its worst item; means kept to the decimals of their readings."""
    factor = _factor_numbers(facts, raw)
    lone = (raw["n"] == 1) & (raw["nd"] == 1)
    several = divided(totals(raw), 2 * raw["n"], raw["places"])
    value = np.where(raw["n"] == 1, raw["high"], several)
    value = np.where(raw["n"] > 0, value, NONE)
    site = np.array([facts.site_of[one] for one in raw["series"].tolist()], np.int64)
    bodies, body = np.unique([str(facts.sites[one].data.get("body") or "") for one in site.tolist()] or [""],
                             return_inverse=True)  # fmt: skip
    parts: list[dict[str, Any]] = []
    for number, name in enumerate(bodies.tolist()):
        of_body = np.flatnonzero(body[: len(site)] == number)
        for table, among in _editions(raw["day"][of_body], partial(_water_edition, name)):
            rows = of_body[among]
            mine = {key: column[rows] for key, column in raw.items()}
            wanted = [code for code in (*table.evaluated, "water_temp") if facts.factor_number(code) >= 0]
            where = {code: factor[rows] == facts.factor_number(code) for code in wanted}
            sites, at, values = _pivot(facts, mine, dict.fromkeys(wanted, value[rows]), where)
            unsure = _pivot(facts, mine, {code: lone[rows].astype(np.int64) for code in wanted}, where)[2]
            found = section_classes(values, table)
            marks = np.zeros(len(sites), bool)
            for code in table.evaluated:
                if code in unsure:
                    marks |= unsure[code] == 1
            parts.append({
                "site": sites, "day": at, "level": found.level.astype(np.int64),
                "evaluated": found.evaluated.astype(np.int64), "lone_non_detect": marks,
                "deciding": np.array([";".join(found.deciding_of(i)) for i in range(len(sites))], object),
            })  # fmt: skip
    whole = {
        name: np.concatenate([one[name] for one in parts]) if parts else np.empty(0, np.int64)
        for name in ("site", "day", "level", "evaluated", "lone_non_detect", "deciding")
    }
    whole = {name: column[whole["level"] > 0] for name, column in whole.items()}
    order = np.lexsort((whole["day"], whole["site"]))
    whole = {name: column[order] for name, column in whole.items()}
    return pa.table(
        {
            **_sites(facts, whole["site"]), "day": _dates(whole["day"]), "level": whole["level"],
            "class": _texts([LABELS_ZH[one] for one in whole["level"].tolist()]), "items": whole["evaluated"],
            "deciding": _texts(whole["deciding"].tolist()), "lone_non_detect": whole["lone_non_detect"],
        }
    )  # fmt: skip


def outlet_hours(raw: Columns, facts: Facts) -> pa.Table:
    limits = [facts.limits[one] for one in raw["limit"].tolist()]
    sites = np.array([site for site, _ in limits], np.int64)
    first = raw["first_over"]
    return pa.table(
        {
            **_sites(facts, sites), "outlet": _texts([one.outlet for _, one in limits]),
            "factor": _texts([one.factor for _, one in limits]), "limit": _texts([one.text for _, one in limits]),
            "unit": _texts([one.unit for _, one in limits]),
            "converted": pa.array([one.converted for _, one in limits], pa.bool_()), "sent": raw["sent"],
            "judged": raw["judged"], "over": raw["over"], "undecided": raw["unsure"], "high": decimals(raw["high"]),
            "low": decimals(raw["low"]),
            "first_over": pa.array(np.where(first == NONE, 0, first), pa.int64(), mask=first == NONE)
            .cast(pa.timestamp("s", "UTC")).cast(pa.timestamp("s", "Asia/Shanghai")),
        }
    )  # fmt: skip


def coverage(raw: Columns, facts: Facts) -> pa.Table:
    """Completeness: hours with a valid reading of the 24 of the day. [%], one decimal as transmission rates."""
    share = divided(raw["good_hours"] * 100 * 10**PLACES, np.full(len(raw["day"]), HOURS, np.int64), 1)
    return pa.table(
        {
            **_names(facts, raw["series"]), "day": _dates(raw["day"]), "present": raw["present"], "valid": raw["n"],
            "superseded": raw["versions"] - raw["present"], "hours": raw["hours"], "valid_hours": raw["good_hours"],
            "completeness": decimals(share),
        }
    )  # fmt: skip


FINISH: Mapping[str, Callable[[Columns, Facts], pa.Table]] = {
    "current": current, "hours": hours, "days": days, "max_8h": max_8h, "p95": p95, "aqi_days": aqi_days,
    "good_days": good_days, "section_days": section_days, "outlet_hours": outlet_hours, "coverage": coverage,
}  # fmt: skip
