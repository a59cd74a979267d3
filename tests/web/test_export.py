"""Bulk export over HTTP: the three formats say the same, state label, zone and units, and take bounded memory."""

from __future__ import annotations

import csv
import io
import json
from contextlib import closing
from decimal import Decimal

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from live import living
from web_rows import ROWS

from jinyun.app.services import export
from jinyun.kernel.ports import MICRO, NO_VALUE, Block
from jinyun.kernel.terms import Flag, Origin, Period, SeriesKey, Stat, china_time

DAY = 86_400
START = 1_767_225_600 - 28_800  # 2026-01-01T00:00 in China
HOURS = 5 * 24


def put(house, series, time, values, *, flags=None, received=None, period=Period.HOUR):
    house.readings.put(
        Block(
            time=time, series=series, values=np.array(values, np.int64),
            flags=np.zeros(len(values), np.uint8) if flags is None else np.array(flags, np.uint8),
            received_at=(time + 4000) * MICRO if received is None else received, origin=Origin.LIVE, mn="m",
            site="s-up", ref=None, period=period,
        )
    )  # fmt: skip


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    with living(tmp_path_factory.mktemp("export") / "var", ROWS) as live:
        house = live.house
        keys = [SeriesKey("s-up", name, Stat.AVG, Period.HOUR) for name in ("ph", "cod_mn", "nh3_n")]
        series = house.readings.series_ids(keys)
        month = house.readings.series_ids([SeriesKey("s-out", "cod_cr", Stat.AVG, Period.MONTH)])
        for hour in range(HOURS):
            values = [7_100_000 + hour, 1_900_000 + hour * 10_000, NO_VALUE if hour == 3 else 610_000]
            flags = [0, 0, int(Flag.NOT_A_NUMBER) if hour == 3 else 0]
            put(house, series, START + hour * 3600, values, flags=flags)
            if hour in (40, 80):
                house.readings.flush()
                house.readings.seal()
        put(house, month, START, [12_345_678], period=Period.MONTH)
        put(house, series[:1], START, [9_000_000], received=(START + 9 * DAY) * MICRO)  # a later word on the first pH
        house.readings.flush()
        yield live


@pytest.fixture(scope="module")
def page(node):
    with closing(node.client()) as client:
        yield client


def get(page, what="readings", **asked):
    answer = page.get(f"/api/export/{what}", params=asked)
    assert answer.status_code == 200, answer.text
    return answer


def parquet(answer):
    return pq.read_table(io.BytesIO(answer.content))


def csv_lines(answer):
    text = answer.content.decode()
    notes = [line for line in text.splitlines() if line.startswith("# ")]
    return notes, list(csv.DictReader(line for line in text.splitlines() if not line.startswith("# ")))


def test_parquet_has_every_current_reading_exactly(node, page):
    answer = get(page)
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    table = parquet(answer)
    assert table.num_rows == HOURS * 3 + 1
    rows = table.to_pylist()
    stored = {
        (one.series, one.time): one
        for site in ("s-up", "s-out")
        for one in node.house.readings.read(site, start=0, end=START + 400 * DAY)
    }
    assert len(rows) == len(stored)
    for row in rows:
        one = stored[row["series"], int(row["time"].timestamp())]
        assert (row["value"], row["flag"], row["seq"]) == (one.value, one.flag.name, one.seq)
        assert (row["factor"], row["stat"], row["period"]) == (one.factor, one.stat.name, one.period.name)
    first = next(row for row in rows if row["factor"] == "ph")
    assert (first["value"], first["unit"], first["site_name"]) == (Decimal("9.000000"), "1", "北碚断面")
    assert first["end"].timestamp() - first["time"].timestamp() == 3600
    assert first["received_at"].timestamp() == START + 9 * DAY
    monthly = next(row for row in rows if row["period"] == "MONTH")
    assert monthly["end"].isoformat() == "2026-02-01T00:00:00+08:00"
    assert sum(row["value"] is None for row in rows) == 1


@pytest.mark.parametrize("format", ["parquet", "arrow", "csv"])
def test_label_zone_and_units_are_stated(page, format):
    answer = get(page, format=format, site="s-up")
    if format == "csv":
        notes, _ = csv_lines(answer)
        told = dict(line[2:].split(": ", 1) for line in notes)
    else:
        schema = (
            pq.read_schema(io.BytesIO(answer.content))
            if format == "parquet"
            else pa.ipc.open_stream(answer.content).schema
        )
        told = {key.decode(): text.decode() for key, text in schema.metadata.items() if key.startswith(b"jinyun.")}
    assert told["jinyun.label"].startswith("start:")
    assert "UTC+08:00" in told["jinyun.time_zone"]
    assert json.loads(told["jinyun.units"]) == {"cod_mn/AVG": "mg/L", "nh3_n/AVG": "mg/L", "ph/AVG": "1"}


def test_the_three_formats_say_the_same(page):
    asked = {"site": "s-up", "from": START + 3600, "to": START + 30 * 3600}
    one = parquet(get(page, **asked))
    two = pa.ipc.open_stream(get(page, format="arrow", **asked).content).read_all()
    assert one.to_pylist() == two.to_pylist()
    notes, rows = csv_lines(get(page, format="csv", **asked))
    assert notes[-1] == f"# end: {one.num_rows} rows"
    for line, row in zip(rows, one.to_pylist(), strict=True):
        assert line["time"] == row["time"].isoformat()
        assert (Decimal(line["value"]) if line["value"] else None) == row["value"]
        assert not ("." in line["value"] and line["value"].endswith("0"))
        assert (line["flag"], line["unit"], line["end"]) == (row["flag"], row["unit"], row["end"].isoformat())


def test_narrowed_by_factor_range_and_knowledge(page):
    asked = {"site": "s-up", "factor": "ph,cod_mn", "from": START, "to": START + 2 * 3600}
    rows = parquet(get(page, **asked)).to_pylist()
    assert [row["factor"] for row in rows] == ["ph", "cod_mn", "ph", "cod_mn"]
    before = parquet(get(page, as_of=START + 8 * DAY, **asked)).to_pylist()
    assert [row["value"] for row in before[:1]] == [Decimal("7.1")]
    assert [row["value"] for row in rows[:1]] == [Decimal(9)]
    early = parquet(get(page, as_of=START + 4100, **asked)).to_pylist()
    assert {row["time"].timestamp() for row in early} == {START}


def test_pieces_are_small_and_in_order(node, monkeypatch):
    monkeypatch.setattr("jinyun.store.exports.LEAST_S", 60)
    pieces = list(node.house.readings.exports.pieces(range(4), 0, START + 400 * DAY, rows=7))
    assert max(one.num_rows for one in pieces) <= 7
    whole = pa.concat_tables(pieces)
    assert whole.num_rows == HOURS * 3 + 1
    keys = list(zip(whole["time"].to_pylist(), whole["series"].to_pylist(), strict=True))
    assert keys == sorted(keys)


def test_bad_questions(page):
    for asked in ({"site": "nowhere"}, {"factor": "nothing"}):
        assert page.get("/api/export/readings", params=asked).status_code == 404
    for asked in ({"format": "xlsx"}, {"from": 10, "to": 5}, {"stat": "MEDIAN"}, {"period": "WEEK"}):
        assert page.get("/api/export/readings", params=asked).status_code == 422
    assert page.get("/api/export/windows", params={"window": "fortnight"}).status_code == 422


def test_an_empty_export_is_a_whole_file(page):
    table = parquet(get(page, site="s-mute"))
    assert (table.num_rows, table.schema.names) == (0, export.READINGS.names)
    notes, rows = csv_lines(get(page, format="csv", site="s-mute"))
    assert (notes[-1], rows) == ("# end: 0 rows", [])


def test_places_are_given_back(page, node):
    for _ in range(export.AT_ONCE * 3):
        get(page, site="s-mute")
    made = [node.cases.exports.readings() for _ in range(export.AT_ONCE)]
    next(made[0].chunks)
    assert page.get("/api/export/readings").status_code == 503
    for one in made:
        one.chunks.close()
    get(page, site="s-mute")


def test_windows_say_coverage_state_and_rule(node, page):
    node.house.windows.catch_up()
    rows = parquet(get(page, "windows", window="day", site="s-up", factor="cod_mn")).to_pylist()
    assert [row["time"].isoformat() for row in rows] == [china_time(START + n * DAY).isoformat() for n in range(5)]
    for day, row in enumerate(rows):
        hours = [Decimal(1_900_000 + (day * 24 + hour) * 10_000) / MICRO for hour in range(24)]
        assert row["value"] == sum(hours) / 24
        assert (row["window"], row["state"], row["valid"]) == ("DAY", "VALID", 24)
        assert row["end"].timestamp() - row["time"].timestamp() == DAY
        assert row["rule"]


def test_duckdb_reads_the_csv_and_the_parquet(page, tmp_path):
    for format in ("csv", "parquet"):
        (tmp_path / f"x.{format}").write_bytes(get(page, format=format, site="s-up").content)
    database = duckdb.connect()
    types = "{'value': 'DECIMAL(18,6)'}"
    read = f"read_csv('{tmp_path}/x.csv', comment='#', types={types})", f"'{tmp_path}/x.parquet'"
    said = [database.sql(f"SELECT count(*), count(value), sum(value) FROM {one}").fetchall() for one in read]
    assert said[0] == said[1]
    assert said[0][0][:2] == (HOURS * 3, HOURS * 3 - 1)
