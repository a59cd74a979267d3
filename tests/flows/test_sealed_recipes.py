"""The recipes of docs/sensorthings.md, run as they stand there: DuckDB and pandas over the sealed files alone."""

from __future__ import annotations

import os
import re
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from jinyun.kernel.ports import MICRO, Block
from jinyun.kernel.terms import Origin, Period, SeriesKey, Stat
from jinyun.store.database import open_database
from jinyun.store.readings import DuckReadings

DOC = Path(__file__).parents[2] / "docs" / "sensorthings.md"
START = 1_767_225_600 - 28_800


def recipes():
    text = DOC.read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text[text.index("## Reading the sealed files") :], re.DOTALL)


@pytest.fixture
def node_folder(tmp_path):
    """Two days of two factors, one hour corrected after it was sealed, one flagged."""
    folder = tmp_path / "var"
    folder.mkdir()
    database = open_database(folder / "records.sqlite")
    store = DuckReadings(folder, database)
    series = store.series_ids([SeriesKey("s-up", one, Stat.AVG, Period.HOUR) for one in ("ph", "cod_mn")])
    for hour in range(48):
        flags = np.array([0, 4 if hour == 30 else 0], np.uint8)
        values = np.array([7 * MICRO + hour, (2 + hour) * MICRO], np.int64)
        _put(store, START + hour * 3600, series, values, flags)
        if hour == 25:
            store.flush()
            store.seal()
    store.flush()
    store.seal()
    _put(store, START, series[1:], np.array([26 * MICRO]), np.zeros(1, np.uint8))
    store.flush()
    store.seal()
    store.compact("2026-01-02")  # replaces files: the manifest alone says which count
    store.close()
    database.dispose()
    return folder


def _put(store, time, series, values, flags):
    store.put(
        Block(
            time=time, series=series, values=values, flags=flags, received_at=time * MICRO, origin=Origin.LIVE, mn="m",
            site="s-up", ref=None, period=Period.HOUR,
        )
    )  # fmt: skip


def test_duckdb_and_pandas_read_what_the_manifest_names(node_folder, monkeypatch):
    monkeypatch.chdir(node_folder.parent)
    assert os.path.isdir("var")
    first, second = recipes()
    names: dict[str, object] = {}
    exec(compile(first, str(DOC), "exec"), names)
    ph, cod = sorted(names["series"])
    day = (START + 28_800) // 86_400
    daily = {(series, at - day): (mean, n) for series, at, mean, n in names["daily"]}
    assert {key: n for key, (_, n) in daily.items()} == {(ph, 0): 24, (ph, 1): 24, (cod, 0): 24, (cod, 1): 23}
    corrected = [26, *range(3, 26)]
    assert daily[cod, 0][0] == pytest.approx(sum(corrected) / 24)
    pytest.importorskip("pandas", reason="pandas is not installed (dev extra)")
    exec(compile(second, str(DOC), "exec"), names)
    hourly = names["hourly"]
    assert list(hourly.columns) == ["ph", "cod_mn"]
    assert len(hourly) == 48
    assert hourly["cod_mn"].iloc[0] == Decimal(26)
    assert str(hourly.index[0]) == "2026-01-01 00:00:00+08:00"
