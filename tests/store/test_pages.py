"""Pages by any condition and order, over sealed and hot rows with versions, against counting in plain Python."""

from __future__ import annotations

import random
from decimal import Decimal

import numpy as np
import pytest

from jinyun.kernel.ports import MICRO, NO_VALUE, Block
from jinyun.kernel.terms import Origin, Period, SeriesKey, Stat, window_of
from jinyun.store.database import open_database
from jinyun.store.pages import Page
from jinyun.store.readings import DuckReadings

START = 1_767_225_600 - 28_800
PERIODS = (Period.HOUR, Period.HOUR, Period.DAY, Period.MONTH, Period.REALTIME)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """(store, what is current: (series, time) → (value, flag, seq)), made of 400 random blocks and three seals."""
    folder = tmp_path_factory.mktemp("pages")
    store = DuckReadings(folder, open_database(folder / "records.sqlite"))
    series = store.series_ids([SeriesKey("site", f"f{n}", Stat.AVG, p) for n, p in enumerate(PERIODS)])
    dice = random.Random(18088)
    for number in range(400):
        period = dice.choice(sorted(set(PERIODS)))
        mine = [n for n, p in enumerate(PERIODS) if p is period]
        time = window_of(period, START + dice.randrange(0, 90 * 86_400)).start
        store.put(
            Block(
                time=time, series=series[mine], flags=np.array([dice.choice((0, 0, 4)) for _ in mine], np.uint8),
                values=np.array([dice.choice((NO_VALUE, dice.randrange(-50, 50) * MICRO // 4)) for _ in mine]),
                received_at=time * MICRO, origin=Origin.LIVE, mn="m", site="site", ref=None, period=period,
            )
        )  # fmt: skip
        if number in (150, 300):
            store.flush()
            store.seal()
    store.flush()
    current = {}
    for one in store.read("site", start=0, end=START + 400 * 86_400):
        period = PERIODS[one.series]
        end = one.time if period is Period.REALTIME else window_of(period, one.time).end
        current[one.series, one.time] = {
            "series": one.series, "time": one.time, "end": end, "value": one.value, "flag": int(one.flag),
            "seq": one.seq,
        }  # fmt: skip
    yield store, list(current.values())
    store.close()


def number(value):
    return ("num", Decimal(value))


CONDITIONS = [
    (("true",), lambda r: True),
    (("gt", ("col", "value"), number("2.5")), lambda r: r["value"] is not None and r["value"] > Decimal("2.5")),
    (("not", ("gt", ("col", "value"), number("2.5"))), lambda r: not (r["value"] is not None and r["value"] > 2.5)),
    (("null", ("col", "value")), lambda r: r["value"] is None),
    (("ge", ("col", "time"), number(START + 40 * 86_400)), lambda r: r["time"] >= START + 40 * 86_400),
    (
        ("and", ("ge", ("col", "time"), number(START)), ("lt", ("col", "time"), number(START + 7 * 86_400))),
        lambda r: START <= r["time"] < START + 7 * 86_400,
    ),
    (("le", ("col", "end"), number(START + 31 * 86_400)), lambda r: r["end"] <= START + 31 * 86_400),
    (("in", "series", (0, 3)), lambda r: r["series"] in (0, 3)),
    (("or", ("in", "series", (2,)), ("in", "flag", (4,))), lambda r: r["series"] == 2 or r["flag"] == 4),
    (("eq", ("month", ("col", "time")), number(2)), lambda r: START + 31 * 86_400 <= r["time"] < START + 59 * 86_400),
    (("eq", ("mod", ("col", "series"), number(2)), number(1)), lambda r: r["series"] % 2 == 1),
    (
        ("lt", ("add", ("col", "value"), number("0.1")), number("0.3")),
        lambda r: r["value"] is not None and r["value"] + Decimal("0.1") < Decimal("0.3"),
    ),
    (("eq", ("col", "series"), number("1.5")), lambda r: False),
]
ORDERS = [
    (("time", False), ("series", False)),
    (("time", True), ("series", False)),
    (("value", False), ("time", False), ("series", False)),
    (("value", True), ("time", False), ("series", False)),
    (("end", True), ("time", False), ("series", False)),
    (("series", True), ("time", True)),
    (("flag", True), ("seq", False), ("time", False), ("series", False)),
]


def in_order(rows, order):
    rows = list(rows)
    for name, descending in reversed(order):
        rows.sort(key=lambda r: (r[name] is None) != descending if r[name] is None else False)
        there = sorted((r for r in rows if r[name] is not None), key=lambda r: r[name], reverse=descending)
        rows = there + [r for r in rows if r[name] is None]
    return rows


def keys(found):
    return list(zip(found.series.tolist(), found.time.tolist(), strict=True))


@pytest.mark.parametrize(("where", "keeps"), CONDITIONS)
def test_counts_and_pages_are_those_of_plain_python(filled, where, keeps):
    store, rows = filled
    kept = [row for row in rows if keeps(row)]
    assert store.pages.count(None, where) == len(kept)
    by_series = {n: sum(row["series"] == n for row in kept) for n in range(5)}
    assert dict(store.pages.counts(range(5), where)) == by_series
    for order in (ORDERS[0], ORDERS[3]):  # the walk over time, and the one question
        expected = [(row["series"], row["time"]) for row in in_order(kept, order)]
        assert keys(store.pages.page(Page(None, where, order, limit=10_000))) == expected, order
        assert keys(store.pages.page(Page(None, where, order, skip=3, limit=5))) == expected[3:8], order


@pytest.mark.parametrize("order", ORDERS)
def test_keyset_pages_join_to_the_whole(filled, order):
    store, rows = filled
    by_key = {(row["series"], row["time"]): row for row in rows}
    after, seen = None, []
    while page := keys(store.pages.page(Page(None, order=order, after=after, limit=37))):
        seen += page
        last = by_key[page[-1]]
        after = tuple(None if last[name] is None else Decimal(last[name]) for name, _ in order)
    assert seen == [(row["series"], row["time"]) for row in in_order(rows, order)]


@pytest.mark.parametrize("descending", [True, False])
def test_pages_of_each_series(filled, descending):
    store, rows = filled
    order = (("time", descending), ("series", False))
    found = store.pages.pages(Page(tuple(range(5)), order=order, skip=1, limit=4))
    for number_, one in found.items():
        mine = in_order((row for row in rows if row["series"] == number_), order)
        assert keys(one) == [(row["series"], row["time"]) for row in mine[1:5]]
    assert set(found) == set(range(5))


def test_latest_and_span(filled):
    store, rows = filled
    newest = {n: max(row["time"] for row in rows if row["series"] == n) for n in range(5)}
    assert dict(keys(store.pages.latest(range(5)))) == newest
    assert keys(store.pages.latest(None))[0][1] == max(newest.values())
    for n in range(5):
        mine = [row["time"] for row in rows if row["series"] == n]
        assert store.pages.span(n) == (len(mine), min(mine), max(mine))
