"""The session of a correction is kept with its frame; stores written before that field existed read as before."""

import duckdb
import numpy as np
import pytest

from jinyun.kernel.ports import MICRO, Block
from jinyun.kernel.terms import Origin, Period, SeriesKey, Stat
from jinyun.store.readings import DuckReadings

DAY = 1_767_225_600 - 28_800  # 2026-01-01T00:00 in China [s]


def corrected(value, **more):
    return Block(
        DAY, np.array([0], np.int32), np.array([value * MICRO], np.int64), np.zeros(1, np.uint8), value, ref=None,
        mn="", site="s1", period=Period.HOUR, **{"origin": Origin.LIVE, **more},
    )  # fmt: skip


@pytest.fixture
def open_store(tmp_path, sqlite, steady_clock):
    opened = []

    def go():
        for one in opened:
            one.close()
        opened.append(DuckReadings(tmp_path / "r", sqlite, clock=steady_clock))
        opened[-1].series_ids([SeriesKey("s1", "cod_cr", Stat.AVG, Period.HOUR)])
        return opened[-1]

    yield go
    for one in opened:
        one.close()


def sessions(store):
    return [store.frame(one.frame).session for one in store.versions(0, DAY)]


def test_the_session_survives_sealing_and_merging(open_store):
    store = open_store()
    store.put(corrected(1))
    store.put(corrected(2, origin=Origin.CORRECTION, author="li", reason="calibration", session="c-1"))
    store.flush()
    assert sessions(store) == ["", "c-1"]
    store.seal()
    store.put(corrected(3, origin=Origin.CORRECTION, session="c-2"))
    store.flush()
    store.seal()
    assert sessions(store) == ["", "c-1", "c-2"]
    assert store.compact("2027-01-01") == 2
    store = open_store()
    assert sessions(store) == ["", "c-1", "c-2"]
    store.put(corrected(4, origin=Origin.CORRECTION, session="c-3"))
    store.flush()
    found = store.read_versions([0], DAY, DAY + 1)
    assert (found.value // MICRO).tolist() == [1, 2, 3, 4]
    assert store.correction_sessions(found.seq) == dict(zip(found.seq.tolist()[1:], ["c-1", "c-2", "c-3"], strict=True))
    assert store.correction_sessions(found.seq[:1]) == {}


def test_files_from_before_the_field_read_as_no_session(open_store, tmp_path):
    store = open_store()
    for value in (1, 2):
        store.put(corrected(value))
        store.flush()
        if value == 1:
            store.seal()
    store.close()
    path = next((tmp_path / "r" / "sealed").rglob("frames-*.parquet"))
    old = path.with_suffix(".old")
    duckdb.execute(f"COPY (SELECT * EXCLUDE session FROM read_parquet('{path}')) TO '{old}' (FORMAT parquet)")
    old.replace(path)
    with duckdb.connect(str(tmp_path / "r" / "hot.duckdb")) as hot:
        hot.execute("ALTER TABLE frames DROP COLUMN session")
    store = open_store()
    assert sessions(store) == ["", ""]
    store.put(corrected(3, origin=Origin.CORRECTION, session="c-9"))
    store.flush()
    store.seal()
    assert sessions(store) == ["", "", "c-9"]
    assert store.read("s1", start=0, end=1 << 40, as_of=1)[0].value == 1
    store.compact("2027-01-01")
    assert sessions(store) == ["", "", "c-9"]
