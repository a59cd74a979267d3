"""Replaying tables: what goes out is what the table says, to the digit."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path

import pytest

from jinyun.domains.registry import DOMAIN
from jinyun.kernel.errors import BadInput
from jinyun.sense.hj212 import compose
from jinyun.sense.hj212.framing import Framer
from jinyun.sense.hj212.packet import parse
from jinyun.sim.clock import clock_of
from jinyun.sim.replay import Replay, devices_of, load, replay, write_registry
from jinyun.sim.tables_in import plain, read_tables

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
T0 = 1_772_294_400  # 2026-03-01T00:00:00+08:00

TABLE = """\
site,time,cod_mn,nh3_n,tp,remark
S1,2026-03-01T00:00:00+08:00,4.10,0.62,0.110,first
S1,2026-03-01 01:00:00,4.20,,0.120,no ammonia
S2,2026-03-01T00:00:00+08:00,6.50,1.20,0.250,over
S2,sometime,6.50,1.20,0.250,no time
S2,2026-03-01T02:00:00+08:00,,,,no figure
"""
SITES = """\
site,name,lon,lat,kind
S1,上断面,106.41,29.82,water_section
S2,下微站,106.42,29.84,water_micro
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "river.csv").write_text(TABLE, encoding="utf-8")
    (tmp_path / "sites.csv").write_text(SITES, encoding="utf-8-sig")
    return tmp_path


def test_a_plain_table_is_read_row_by_row(folder):
    tables = read_tables(folder)
    assert [(one.site, one.time) for one in tables.rows] == [("RP-S1", T0), ("RP-S2", T0), ("RP-S1", T0 + 3600)]
    assert [(factor.id, text) for factor, text in tables.rows[2].figures] == [("cod_mn", "4.20"), ("tp", "0.120")]
    assert tables.skipped == 2
    spot = tables.spots["RP-S2"]
    assert (spot.name, spot.kind, spot.lon, spot.lat, spot.system) == ("下微站", "water_micro", 106.42, 29.84, "21")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.20", "1.20"),
        ("1e-3", "0.001"),
        ("", None),
        ("--", None),
        ("nan", None),
        ("0.12345678", "0.123457"),
        ("-3", "-3"),
    ],
)
def test_figures_stay_as_written(text, expected):
    assert plain(text) == expected


def test_the_registry_is_accepted_by_the_registers(folder, tmp_path):
    types = {one.id: one for one in DOMAIN.records}
    for path in write_registry(read_tables(folder), tmp_path / "out"):
        for row in json.loads(path.read_text(encoding="utf-8")):
            types[path.stem].validate({k: v for k, v in row.items() if k != "id"})
            if path.stem == "device":
                assert row["id"] == row["mn"]


def test_everything_goes_through_a_socket_once(folder):
    got = []
    ready, port = threading.Event(), []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        framer = Framer()
        while data := await reader.read(65536):
            for frame in framer.feed(data):
                packet = parse(frame)
                got.append((packet.mn, packet.cn, packet.cp))
                writer.write(compose.answer(packet, "9014"))
        writer.close()

    async def serve(stop: asyncio.Event) -> None:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        port.append(server.sockets[0].getsockname()[1])
        ready.set()
        await stop.wait()
        server.close()

    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(stop),))
    thread.start()
    ready.wait(10)
    lines: list[str] = []
    try:
        sent = replay(Replay(folder=folder, port=port[0], speed=1e6), lines.append)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
    tables = read_tables(folder)
    first, second = tables.spots["RP-S1"].mn, tables.spots["RP-S2"].mn
    assert sent == 3
    assert sorted(got) == sorted(
        [
            (first, "2061", "DataTime=20260301000000;w01019-Avg=4.10,w01019-Flag=N;w21003-Avg=0.62,w21003-Flag=N;"
             "w21011-Avg=0.110,w21011-Flag=N"),
            (first, "2061", "DataTime=20260301010000;w01019-Avg=4.20,w01019-Flag=N;w21011-Avg=0.120,w21011-Flag=N"),
            (second, "2061", "DataTime=20260301000000;w01019-Avg=6.50,w01019-Flag=N;w21003-Avg=1.20,w21003-Flag=N;"
             "w21011-Avg=0.250,w21011-Flag=N"),
        ]
    )  # fmt: skip
    assert any("3 records of 2 sites (2 rows" in one for one in lines)


def test_shifted_by_whole_days_to_end_now(folder):
    asked = Replay(folder=folder, to_now=True, clock="2026-05-10T12:30:00+08:00,2026-01-01T00:00:00+00:00,0.000001")
    tables = load(asked)
    assert all((a.time - b.time) % 86400 == 0 for a, b in zip(tables.rows, read_tables(folder).rows, strict=True))
    now = clock_of(asked.clock).now() // 1_000_000
    assert 0 <= now - (tables.rows[-1].time + 3600) < 86400


def test_what_was_played_can_be_asked_for_again(folder):
    device = next(one for one in devices_of(read_tables(folder)) if one.spot.id == "RP-S1")
    order = compose.command(
        "2061", mn=device.mn, st="21", pw="123456", qn="20260302000000000",
        params={"BeginTime": "20260301000000", "EndTime": "20260301230000"},
    )  # fmt: skip

    def answers() -> list[str]:
        return [parse(one).cn for one in Framer().feed(b"".join(device.receive(order, T0 * 1_000_000)))]

    assert answers() == ["9011", "9012"]
    device.upload(device.rows[0], T0 * 1_000_000)
    assert answers() == ["9011", "2061", "9012"]


def test_what_does_not_fit_is_named(tmp_path):
    with pytest.raises(BadInput, match=r"no \.parquet or \.csv"):
        read_tables(tmp_path)
    (tmp_path / "a.csv").write_text("place,when,value\n", encoding="utf-8")
    with pytest.raises(BadInput, match="columns site, time"):
        read_tables(tmp_path)
    with pytest.raises(BadInput, match="no mapping 'mine'"):
        read_tables(tmp_path, "mine")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data sets lie beside the repository, not in it")
def test_real_tables_of_chongqing():
    water = read_tables(SHARED / "water-cn-auto", only={"province": "重庆市"}, glob="national_4h_*")
    assert len(water.spots) == 45  # its README
    row = next(r for r in water.rows if water.spots[r.site].name == "北温泉")
    assert all(len(text) <= 7 for _, text in row.figures)  # as published, not 0.02500000037252903
    air = read_tables(SHARED / "air-cn-stations", only={"city": "重庆"}, glob="national_hourly_*")
    assert len(air.spots) == 17
    names = {one.name: (one.lon, one.lat) for one in air.spots.values()}
    assert names["缙云山"] == (106.379, 29.8272)
