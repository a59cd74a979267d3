"""Every shipped expression against what the node itself says of the same readings."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, time
from decimal import Decimal
from fractions import Fraction

import pytest
from cluster_nodes import DAY, HOUR, START, registers

from jinyun.app import cluster
from jinyun.app.discover import judges
from jinyun.domains.air.limits import limit, validity
from jinyun.domains.air.means import max_8h
from jinyun.kernel.declare import JudgeInput
from jinyun.kernel.flags import COUNTS
from jinyun.kernel.ports import MICRO
from jinyun.kernel.terms import CHINA, Flag, Period, Reading, Site, Stat, Window, china_time, instant, window_of
from jinyun.methods.measured import hour_value, index
from jinyun.methods.statistics import percentile, round_fraction
from jinyun.methods.windows import Level, Part, State, figure
from jinyun.store.database import open_database
from jinyun.store.readings import DuckReadings

DAYS = 4
END = START + DAYS * DAY
BASES = {Period.REALTIME: 1, Period.MINUTE: 1, Period.TEN_MINUTE: 10}


@pytest.fixture(scope="module")
def stores(node_folders):
    """The nodes' own stores, by name."""
    opened = {}
    engines = []
    for folder in node_folders:
        engines.append(open_database(folder / "records.sqlite"))
        opened[folder.name] = DuckReadings(folder, engines[-1])
    yield opened
    for one in opened.values():
        one.close()
    for one in engines:
        one.dispose()


@pytest.fixture(scope="module")
def readings(stores) -> dict[tuple[str, str], list[Reading]]:
    """Current readings of each site, by node and site."""
    return {
        (name, site): store.read(site, start=START - DAY, end=END + DAY)
        for name, store in stores.items()
        for site in store.latest()
    }


def key_of(row) -> tuple:
    return row["node"], row["site"], row["factor"], Stat[row["stat"].upper()], Period[row["period"].upper()]


def by_series(readings):
    found = defaultdict(list)
    for (node, site), rows in readings.items():
        for row in rows:
            found[node, site, row.factor, row.stat, row.period].append(row)
    return found


def good(row: Reading) -> bool:
    """Has a number and a flag that counts; garbage of 9e11 too."""
    return row.value is not None and row.flag in COUNTS


def part(row: Reading) -> Part:
    micro = None if row.value is None else int(row.value * MICRO)
    return Part(row.time, micro, good(row), row.flag is Flag.NON_DETECT, row.flag is Flag.UNKNOWN)


def kinds():
    return {id: data["kind"] for name in ("north", "south") for id, data in registers(name)["site"]}


def site_of(node: str, id: str) -> Site:
    data = dict(registers(node)["site"])[id]
    return Site(id, data["name"], data["kind"], jurisdiction=data.get("jurisdiction", ""), data=data)


def test_current_versions_are_those_of_the_store(finished, readings):
    expected = {
        (*key, row.time): (row.value, row.flag, row.seq) for key, rows in by_series(readings).items() for row in rows
    }
    found = {
        (*key_of(row), int(row["time"].timestamp())): (row["value"], Flag[row["flag"].upper()], row["seq"])
        for row in finished("current")
    }
    assert found == expected


def test_latest_is_that_of_the_store(finished, stores):
    expected = {
        (name, site, row.factor, row.stat, row.period): (row.time, row.value, row.seq)
        for name, store in stores.items()
        for site, rows in store.latest().items()
        for row in rows
    }
    found = {key_of(row): (int(row["time"].timestamp()), row["value"], row["seq"]) for row in finished("latest")}
    assert found == expected


def _windows(readings, level: Level, periods) -> dict:
    """Windows by the plain arithmetic of `methods.windows`, one by one."""
    book, kind = cluster.rule_book(), kinds()
    length = HOUR if level is Level.HOUR else DAY
    found = {}
    for key, rows in by_series(readings).items():
        _, site, factor, stat, period = key
        if period not in periods:
            continue
        parts = defaultdict(list)
        for row in rows:
            parts[(row.time + 28_800) // length * length - 28_800].append(row)
        for start, mine in parts.items():
            base = "minute" if level is Level.HOUR else ""
            rule = book.find(kind[site], factor, stat, level, base=base, day=china_time(start).date())
            if rule is None or rule.how != "mean" or rule.drop_negative:
                continue
            made = figure(rule, start, start + length, [part(row) for row in mine], step=BASES.get(period, 1))
            found[*key, start] = (made, rule.id)
    return found


@pytest.mark.parametrize(("name", "level"), [("hours", Level.HOUR), ("days", Level.DAY)])
def test_windows_are_those_of_the_plain_arithmetic(finished, readings, name, level):
    periods = tuple(BASES) if level is Level.HOUR else (Period.HOUR,)
    expected = _windows(readings, level, periods)
    rows = finished(name)
    assert len(rows) == len(expected) > 150
    states = Counter()
    for row in rows:
        start = (
            int(row["hour"].timestamp())
            if level is Level.HOUR
            else instant(datetime.combine(row["day"], time(), CHINA))
        )
        made, rule = expected[*key_of(row), start]
        states[made.state] += 1
        value = None if made.value is None else Decimal(made.value).scaleb(-6)
        low, high = (None if one is None else Decimal(one).scaleb(-6) for one in (made.low, made.high))
        got = (row["value"], row["low"], row["high"], row["count"], row["present"], row["valid"], row["state"])
        assert got == (value, low, high, made.count, made.present, made.valid, made.state.name.lower()), row
        assert row["rule"] == rule
        assert row["marks"] == made.marks
    assert states[State.VALID] > 20
    assert states[State.FEW] > 0


def test_valid_hours_are_the_judges_hour_values(finished, readings):
    """Where an hour of air is computed from minutes, the judge's own figure kept to six decimals is the same."""
    groups = {}
    compared = 0
    for row in finished("hours"):
        if row["period"] != "minute" or row["count"] < 2 or row["state"] != "valid":
            continue
        start = int(row["hour"].timestamp())
        key = (row["node"], row["site"], start)
        if key not in groups:
            mine = [one for one in readings[row["node"], row["site"]] if start <= one.time < start + HOUR]
            groups[key] = index(one for one in mine if one.period is not Period.HOUR)
        window, rules = Window(Period.HOUR, start, start + HOUR), validity(china_time(start).date())
        told = hour_value(groups[key], row["factor"], window, least_minutes=rules.hour_minutes, places=6)
        assert told.value == row["value"]
        compared += 1
    assert compared > 50


def test_max_8h_is_that_of_the_domain(finished, readings):
    compared = 0
    for row in finished("max_8h"):
        start = instant(datetime.combine(row["day"], time(), CHINA))
        hours = [None] * 24
        for one in readings[row["node"], row["site"]]:
            if one.factor == "o3" and one.period is Period.HOUR and start <= one.time < start + DAY and good(one):
                hours[(one.time - start) // HOUR] = one.value
        site = site_of(row["node"], row["site"])
        grade = "level1" if site.data.get("zone") else "level2"
        told = max_8h(hours, limit("o3", "daily_max_8h", row["day"], grade), validity(row["day"]))
        assert row["value"] == round_fraction(told.value, 6)
        assert (row["windows"], row["state"] == "valid") == (told.windows, told.valid)
        compared += 1
    assert compared == 4 * DAYS


def test_p95_is_exact(finished, readings):
    rows = {key_of(row): row for row in finished("p95")}
    compared = 0
    for key, mine in by_series(readings).items():
        if key[4] is Period.HOUR and key[3] is Stat.AVG:
            values = [row.value for row in mine if good(row)]
            assert rows[key]["value"] == round_fraction(percentile(values, Decimal(95)), 6)
            assert rows[key]["count"] == len(values)
            compared += 1
    assert compared == len(rows) > 40


def _judged(judge_id: str, node: str, site: Site, rows, window: Window, records=None):
    judge = judges()[judge_id]
    mine = [
        row
        for row in rows
        if window.start <= row.time < window.end
        and row.period in judge.reading_periods
        and row.stat in judge.stats
        and (not judge.factors or row.factor in judge.factors)
    ]
    given = JudgeInput(
        site=site,
        window=window,
        readings=tuple(mine),
        records=records or {},
        monitored=frozenset(r.factor for r in rows),
    )
    return judge.run(given)


def test_aqi_days_are_the_judges(finished, readings):
    levels = Counter()
    rows = finished("aqi_days")
    for row in rows:
        start = instant(datetime.combine(row["day"], time(), CHINA))
        window = window_of(Period.DAY, start)
        told = _judged(
            "air.aqi_day", row["node"], site_of(row["node"], row["site"]), readings[row["node"], row["site"]], window
        )
        assert (row["aqi"], row["level"], row["edition"]) == (told.extra["aqi"], told.level, told.edition)
        assert set(filter(None, row["primary"].split(";"))) == set(told.deciding)
        levels[row["level"]] += 1
    assert len(rows) == 4 * DAYS
    assert levels[None] > 0  # days that must not be published
    assert sum(n for level, n in levels.items() if level) > 4

    months = finished("good_days")
    for row in months:
        mine = [one["level"] for one in rows if (one["node"], one["site"]) == (row["node"], row["site"])]
        valid = [level for level in mine if level]
        assert (row["good"], row["valid"]) == (sum(level <= 2 for level in valid), len(valid))
        if valid:
            assert row["ratio"] == round_fraction(Fraction(100 * row["good"], len(valid)), 1)


def test_section_days_are_the_judges(finished, readings):
    rows = finished("section_days")
    assert len(rows) == 4 * DAYS
    classes = set()
    for row in rows:
        window = window_of(Period.DAY, instant(datetime.combine(row["day"], time(), CHINA)))
        site = site_of(row["node"], row["site"])
        told = _judged("water.section_class_day", row["node"], site, readings[row["node"], row["site"]], window)
        assert row["level"] == told.level
        assert set(filter(None, row["deciding"].split(";"))) == set(told.deciding)
        classes.add(row["level"])
    assert len(classes) > 1


def test_outlet_hours_are_the_judges(finished, readings):
    """Exceedances of each limit, counted over the verdicts of every hour."""
    over, judged = Counter(), Counter()
    for (node, id), rows in readings.items():
        site = site_of(node, id)
        if site.kind not in ("stack_outlet", "water_outlet"):
            continue
        data = registers(node)
        mine = {one for one, outlet in data["outlet"] if outlet["site"] == id}
        records = {
            "outlet": [{**outlet, "id": one} for one, outlet in data["outlet"] if one in mine],
            "permit_limit": [{**one, "id": n} for n, one in data["permit_limit"] if one["outlet"] in mine],
        }
        for start in range(START, END, HOUR):
            told = _judged("emission.outlet_hour", node, site, rows, Window(Period.HOUR, start, start + HOUR), records)
            if told is None:
                continue
            sent = {row.factor: row for row in rows if row.time == start}
            for item in told.items:
                limited = any(
                    row.factor == item.factor and (row.stat is Stat.ZS_AVG or site.kind == "water_outlet")
                    for row in rows
                    if row.time == start
                )
                if not limited or item.factor not in sent or item.figure is None:
                    continue  # the cluster takes the means that were sent; the judge would compute one
                judged[node, id, item.factor, item.limit] += 1
                over[node, id, item.factor, item.limit] += item.status == "exceeds"
    found = {(row["node"], row["site"], row["factor"], row["limit"]): row for row in finished("outlet_hours")}
    assert {key: row["over"] for key, row in found.items()} == {key: over[key] for key in found}
    assert {key: row["judged"] for key, row in found.items()} == {key: judged[key] for key in found}
    assert sum(over.values()) > 50
    assert len(found) == 10


def test_coverage_counts_versions_and_hours(finished, stores, readings):
    rows = finished("coverage")
    versions = present = 0
    for store in stores.values():
        ids = list(range(len(store._book)))
        versions += len(store.read_versions(ids, START - DAY, END + DAY))
        present += len(store.read_columns(ids, START - DAY, END + DAY))
    assert sum(row["present"] for row in rows) == present
    assert sum(row["present"] + row["superseded"] for row in rows) == versions > present
    row = rows[0]
    mine = [one for one in by_series(readings)[key_of(row)] if china_time(one.time).date() == row["day"]]
    assert row["hours"] == len({one.time // HOUR for one in mine})
    assert row["valid_hours"] == len({one.time // HOUR for one in mine if good(one)})
    assert row["completeness"] == round_fraction(Fraction(100 * row["valid_hours"], 24), 1)


def test_the_zone_of_the_tests(finished):
    assert finished("current")[0]["time"].tzinfo is not None
    assert china_time(START) == datetime(2026, 3, 1, tzinfo=CHINA)
