"""Readings against a plain dict: versions, repeats, states of knowledge and latest, through seals, merges, restarts."""

import shutil
import tempfile
from decimal import ROUND_FLOOR, Decimal
from pathlib import Path

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from jinyun.kernel.ports import MICRO, NO_VALUE, Block
from jinyun.kernel.terms import Flag, Origin, Period, SeriesKey, Stat
from jinyun.store.database import open_database
from jinyun.store.readings import DuckReadings

SITES = ("a", "b")
KEYS = [SeriesKey(site, factor, Stat.AVG, Period.HOUR) for site in SITES for factor in ("cod_cr", "tp")]
BASE = 1_767_225_600 - 28_800 - 3600  # an hour before a China day begins, so that two days are used
VALUES = (None, Decimal(0), Decimal("0.000001"), Decimal("-7.5"), Decimal("999999999999.999999"))
TIMES = st.integers(0, 5).map(lambda n: BASE + n * 1800)


class Clock:
    def now(self) -> int:
        return (BASE + 9 * 86_400) * 1_000_000


class ReadingsMachine(RuleBasedStateMachine):
    """The model: per (series, time) the list of (value, flag, received_at) in the order of ingest."""

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="jinyun-readings-"))
        self.database = open_database(self.folder / "jinyun.db")
        self.model: dict[tuple[int, int], list[tuple[Decimal | None, int, int]]] = {}
        self.store = self.open()
        assert self.store.series_ids(KEYS).tolist() == [0, 1, 2, 3]

    def open(self) -> DuckReadings:
        return DuckReadings(self.folder / "r", self.database, commit_seconds=60, threads=1, clock=Clock())

    @rule(
        batch=st.lists(
            st.tuples(
                TIMES,
                st.integers(1, 40),
                st.lists(st.tuples(st.integers(0, 3), st.sampled_from(VALUES), st.integers(0, 2)), max_size=4),
            ),
            min_size=1,
            max_size=6,
        )
    )
    def put(self, batch) -> None:
        for time, received, rows in batch:
            micro = [NO_VALUE if v is None else int(v * MICRO) for _, v, _ in rows]
            self.store.put(
                Block(
                    time, np.array([s for s, _, _ in rows], np.int32), np.array(micro, np.int64),
                    np.array([f for _, _, f in rows], np.uint8), received, Origin.LIVE, f"M{received}", "", None,
                )
            )  # fmt: skip
            for series, value, flag in rows:
                versions = self.model.setdefault((series, time), [])
                if not versions or versions[-1][:2] != (value, flag):
                    versions.append((value, flag, received))
        self.store.flush()

    @rule()
    def seal(self) -> None:
        self.store.seal()
        assert self.store.verify() == []

    @rule(day=st.sampled_from(["2026-01-01", "2026-01-02", "2030-01-01"]))
    def merge(self, day) -> None:
        self.store.compact(day)
        assert self.store.verify() == []

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.store = self.open()

    @rule(as_of=st.integers(0, 41))
    def as_known_then(self, as_of) -> None:
        for place, site in enumerate(SITES):
            expected = []
            for (series, time), versions in self.model.items():
                known = [one for one in versions if one[2] <= as_of]
                if known and series // 2 == place:
                    expected.append((time, series, *known[-1][:2]))
            got = self.store.read(site, start=BASE, end=BASE + 9000, as_of=as_of)
            assert [(r.time, r.series, r.value, r.flag) for r in got] == sorted(
                (e for e in expected if e[0] < BASE + 9000), key=lambda e: e[:2]
            )

    @rule(series=st.integers(0, 3), time=TIMES)
    def every_version(self, series, time) -> None:
        got = self.store.versions(series, time)
        frames = self.store.frames([r.frame for r in got])
        assert [(r.value, r.flag, frames[r.frame].received_at) for r in got] == self.model.get((series, time), [])
        assert [frames[r.frame].mn for r in got] == [f"M{one[2]}" for one in self.model.get((series, time), [])]

    @rule(
        step=st.sampled_from([1800, 3600, 86_400]),
        start=st.integers(-1, 3),
        flags=st.sampled_from([(0,), (0, 1, 2)]),
    )
    def rolled_up(self, step, start, flags) -> None:
        """Sums, extremes, counts and the exact P95 of current versions, against the plain dict."""
        begin, end = BASE + start * 1800, BASE + 4 * 1800 + 1
        windows, whole = {}, {}
        for (series, time), versions in self.model.items():
            value, flag, _ = versions[-1]
            if begin <= time < end and value is not None and flag in flags:
                windows.setdefault((series, time - (time + 28_800) % step), []).append(value)
                whole.setdefault(series, []).append(value)
        got = {
            (row["series"], row["start"]): (row["total"], row["least"], row["greatest"], row["count"])
            for table in self.store.rollup(begin, end, step=step, flags=flags)
            for row in table.to_pylist()
        }
        assert got == {key: (sum(some), min(some), max(some), len(some)) for key, some in windows.items()}
        for parts in self.store.percentile(Decimal("0.95"), begin, end, flags=flags):
            for series, micro, count in zip(*(part.tolist() for part in parts), strict=True):
                some = sorted(whole.pop(series))
                rank = (len(some) - 1) * Decimal("0.95")
                low, high = some[int(rank)], some[min(int(rank) + 1, len(some) - 1)]
                exact = low + (high - low) * (rank - int(rank))
                assert (micro, count) == (exact.scaleb(6).to_integral_value(ROUND_FLOOR), len(some))
        assert whole == {}

    @invariant()
    def current_and_latest(self) -> None:
        if not hasattr(self, "store"):
            return
        latest = self.store.latest()
        for place, site in enumerate(SITES):
            mine = {key: versions[-1] for key, versions in self.model.items() if key[0] // 2 == place}
            got = [(r.time, r.series, r.value, r.flag) for r in self.store.read(site, start=0, end=1 << 40)]
            expected = [(time, series, v, Flag(f)) for (series, time), (v, f, _) in mine.items()]
            assert got == sorted(expected, key=lambda one: one[:2])
            newest = {}
            for (series, time), (value, flag, _) in sorted(mine.items(), key=lambda item: item[0][1]):
                newest[series] = (time, value, flag)
            assert {r.series: (r.time, r.value, r.flag) for r in latest.get(site, ())} == newest
            assert self.store.times(site, Period.HOUR, 0, 1 << 40) == sorted({time for _, time in mine})

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.database.dispose()
            shutil.rmtree(self.folder)


TestReadings = ReadingsMachine.TestCase
TestReadings.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)
