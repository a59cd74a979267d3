"""Many loggers on real sockets against a small centre of the same codec."""

from __future__ import annotations

import asyncio
import time

import pytest

from jinyun.sense.hj212 import compose
from jinyun.sense.hj212.framing import Framer
from jinyun.sense.hj212.packet import BadPacket, Packet, parse
from jinyun.sim.clock import ScaledClock
from jinyun.sim.district import build
from jinyun.sim.fleet import Fleet
from jinyun.sim.run import devices_of
from jinyun.sim.script import parse_script
from jinyun.sim.truth import Truth

T0 = 1_772_294_400  # 2026-03-01T00:00:00+08:00
SPEED = 60.0


class Centre:
    """Reads, remembers and acknowledges; may refuse to answer for a while."""

    def __init__(self, district) -> None:
        self.keys = {one.mn: one.sm4_key for one in district.loggers}
        self.packets: list[Packet] = []
        self.transports: dict[str, asyncio.WriteTransport] = {}
        self.open = self.most = 0
        self.answers = True
        self.port = 0

    async def __aenter__(self) -> Centre:
        self.server = await asyncio.get_running_loop().create_server(lambda: _Door(self), "127.0.0.1", 0, backlog=500)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()

    def of(self, mn: str, cn: str) -> list[Packet]:
        return [one for one in self.packets if one.mn == mn and one.cn == cn]


class _Door(asyncio.Protocol):
    def __init__(self, centre: Centre) -> None:
        self.centre = centre
        self.framer = Framer(sm4_key=lambda mn: centre.keys.get(mn, b""))

    def connection_made(self, transport) -> None:
        self.transport = transport
        self.centre.open += 1
        self.centre.most = max(self.centre.most, self.centre.open)

    def connection_lost(self, exc) -> None:
        self.centre.open -= 1

    def data_received(self, data: bytes) -> None:
        for frame in self.framer.feed(data):
            try:
                packet = parse(frame)
                if packet.encrypted:
                    packet = parse(frame, sm4_key=self.centre.keys[packet.mn])
            except BadPacket as wrong:
                packet = parse(frame, sm4_key=self.centre.keys[wrong.mn])
            self.centre.packets.append(packet)
            self.centre.transports[packet.mn] = self.transport
            if packet.answer_wanted and self.centre.answers:
                self.transport.write(compose.answer(packet, "9014"))


def a_fleet(district, port: int, script: str = "") -> Fleet:
    truth = Truth(district, parse_script(script) if script else None, T0)
    clock = ScaledClock.starting(T0, SPEED)
    return Fleet(devices_of(truth, realtime_s=60, minute=10, overtime=10 * SPEED), "127.0.0.1", port, clock)


@pytest.fixture(scope="module")
def district():
    return build("small", 7)


async def until(holds, seconds: float = 20.0) -> None:
    """Wait for a condition; a slow machine only makes it longer."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.02)


async def test_all_connect_report_and_are_acknowledged(district):
    async with Centre(district) as centre:
        fleet = a_fleet(district, centre.port)
        running = asyncio.create_task(fleet.run(fleet.turn()))
        await until(lambda: {one.mn for one in centre.packets if one.cn == "2011"} == {o.mn for o in district.loggers})
        assert centre.most == district.connections() < len(district.loggers)
        answered = [one.device for one in fleet.devices if one.logger.edition != 2005]
        await until(lambda: sum(one.acknowledged for one in answered) > 200)
        await until(lambda: sum(len(one.pending) for one in answered) < 20)
        fleet.stop()
        await running
        await until(lambda: centre.open == 0)


async def test_a_cut_link_goes_and_comes_back_and_others_stay(district):
    """Cut from minute 3 to 6 of fast time."""
    script = '[[fault]]\nkind="cut"\ndevice=["WS01", "WS02"]\nfrom="+3m"\nuntil="+6m"\n'
    async with Centre(district) as centre:
        fleet = a_fleet(district, centre.port, script)
        cut = [one for one in fleet.links if one.devices[0].logger.site in ("WS01", "WS02")]
        running = asyncio.create_task(fleet.run(fleet.turn()))
        await until(lambda: all(one.transport is not None for one in fleet.links))
        await until(lambda: all(one.transport is None for one in cut))
        assert T0 + 180 <= fleet.now() / 1e6 < T0 + 360
        assert fleet.tally.connections == district.connections() - 2
        await until(lambda: all(one.transport is not None for one in cut))
        assert fleet.now() / 1e6 >= T0 + 360
        assert fleet.tally.reconnects == 0
        fleet.stop()
        await running


async def test_a_centre_that_went_is_found_again(district):
    async with Centre(district) as centre:
        fleet = a_fleet(district, centre.port)
        running = asyncio.create_task(fleet.run(fleet.turn()))
        await until(lambda: len(set(centre.transports.values())) == district.connections())
        for transport in set(centre.transports.values()):
            transport.abort()
        await until(lambda: fleet.tally.reconnects == district.connections())
        await until(lambda: fleet.tally.connections == district.connections())
        fleet.stop()
        await running
        assert fleet.tally.reconnects == district.connections()  # each came back once, none of them twice


async def test_a_gateway_routes_commands_to_the_device_they_name(district):
    counts: dict[int, list] = {}
    for one in district.loggers:
        counts.setdefault(one.connection, []).append(one)
    together = next(group for group in counts.values() if len(group) > 1)
    asked = together[-1]
    async with Centre(district) as centre:
        fleet = a_fleet(district, centre.port)
        running = asyncio.create_task(fleet.run(fleet.turn()))
        await until(lambda: centre.of(asked.mn, "2011"))
        order = compose.command(
            "2061", mn=asked.mn, st=asked.system, pw=asked.password, qn="20260301000000100", edition=asked.edition,
            params={"BeginTime": "20260228200000", "EndTime": "20260228210000"}, sm4_key=b"",
        )  # fmt: skip
        centre.transports[asked.mn].write(order)
        await until(lambda: centre.of(asked.mn, "9012"))
        assert centre.of(asked.mn, "9012")[0].get("ExeRtn") == "1"
        assert {one.get("DataTime") for one in centre.of(asked.mn, "2061")} == {"20260228200000", "20260228210000"}
        assert all(not centre.of(one.mn, "9012") for one in together if one is not asked)
        fleet.stop()
        await running
