"""kill -9 during load: nothing acknowledged lost, nothing doubled, the figures of an undisturbed run."""

import random
import re
import socket
import threading
import time
from decimal import Decimal

from nodes import Node, register

from jinyun.app.assemble import House
from jinyun.app.settings import Settings
from jinyun.kernel.terms import Period
from jinyun.sense.hj212 import compose

DEVICES = 12
HOURS = 60
KILLS = 10
START = int(time.time()) // 3600 * 3600 - (HOURS + 6) * 3600  # some days back: back-filled, and every hour closed


def mn_of(number: int) -> str:
    return f"KILL{number:010d}"


def rows():
    yield "enterprise", "e1", {"name": "试验厂"}
    for number in range(DEVICES):
        site = f"s{number}"
        yield "site", site, {"name": f"试验排口{number}", "kind": "water_outlet", "enterprise": "e1"}
        yield "outlet", f"o{number}", {"name": f"试验排口{number}", "kind": "water", "site": site, "enterprise": "e1"}
        yield (
            "permit_limit",
            f"l{number}",
            {"outlet": f"o{number}", "factor": "cod_cr", "period": "hour", "limit": "50", "unit": "mg/L",
             "converted": False, "valid_from": "2026-01-01", "basis": "test"},
        )  # fmt: skip
        yield (
            "device", mn_of(number),
            {"mn": mn_of(number), "name": f"数采仪{number}", "site": site, "edition": "2017", "periods": ["hour"],
             "set_clock": False},
        )  # fmt: skip


def value(number: int, hour: int) -> Decimal:
    """Deterministic; above the limit of 50 now and then."""
    return Decimal(random.Random(number * 1000 + hour).randrange(200, 560)) / 10


class Logger(threading.Thread):
    """A data logger that keeps each hour until it is acknowledged, over as many connections as that takes."""

    def __init__(self, number: int, port: int, pause: float) -> None:
        super().__init__(daemon=True)
        self.number, self.port, self.pause = number, port, pause
        self.acknowledged: list[int] = []
        self.give_up = time.monotonic() + 240

    def run(self) -> None:
        hour = 0
        while hour < HOURS and time.monotonic() < self.give_up:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=3) as link:
                    link.settimeout(3)
                    while hour < HOURS:
                        self._send(link, hour)
                        self.acknowledged.append(hour)
                        hour += 1
                        time.sleep(self.pause)
            except OSError:
                time.sleep(0.1)

    def _send(self, link: socket.socket, hour: int) -> None:
        at = START + hour * 3600
        text = str(value(self.number, hour))
        qn = compose.qn_of((at + 1) * 1_000_000)
        for frame in compose.upload(
            "2061", mn=mn_of(self.number), st="32", time=at, qn=qn,
            items=[compose.item("w01018", "N", Avg=text, Min=text, Max=text)],
        ):  # fmt: skip
            link.sendall(frame)
            heard = b""
            while not re.search(rb"QN=" + qn.encode() + rb";[^#]*CN=9014", heard):
                got = link.recv(4096)
                if not got:
                    raise ConnectionError("closed before it was acknowledged")
                heard += got


def load(port: int, pause: float) -> list[Logger]:
    loggers = [Logger(number, port, pause) for number in range(DEVICES)]
    for one in loggers:
        one.start()
    return loggers


def contents(folder):
    """Every reading with all its versions, and the current hour verdicts, read from the stopped node's files."""
    house = House(Settings.load(folder))
    try:
        house.sites.refresh()
        house.directory.refresh()
        house.centre.replay()
        house.judge.recover()
        house.settle()
        readings, doubled, verdicts = {}, [], {}
        for number in range(DEVICES):
            for one in house.readings.read(f"s{number}", periods=[Period.HOUR], start=START, end=START + HOURS * 3600):
                readings[number, one.time, one.stat] = one.value
                if len(house.readings.versions(one.series, one.time)) != 1:
                    doubled.append((number, one.time))
            for verdict in house.verdicts.find(subject=f"s{number}", judge="emission.outlet_hour", limit=10_000):
                verdicts[number, verdict.window.start] = (verdict.status, verdict.figure)
        return readings, doubled, verdicts
    finally:
        house.close()


def test_kill_nine_loses_and_doubles_nothing(tmp_path):
    calm = tmp_path / "calm"
    register(calm, rows())
    with Node(calm) as node:
        for one in load(node.hj212, 0.0):
            one.join(120)
            assert len(one.acknowledged) == HOURS

    rough = tmp_path / "rough"
    register(rough, rows())
    node = Node(rough).start()
    chance = random.Random(1)
    loggers = load(node.hj212, 0.15)
    kills = 0
    try:
        while kills < KILLS and any(one.is_alive() for one in loggers):
            time.sleep(chance.uniform(0.05, 0.8))
            node.kill()
            kills += 1
            node.start()
        for one in loggers:
            one.join(240)
    finally:
        node.stop()
    assert kills == KILLS, f"the load ended after {kills} kills: slow it down"
    assert all(len(one.acknowledged) == HOURS for one in loggers)

    want = {(number, START + hour * 3600): value(number, hour) for number in range(DEVICES) for hour in range(HOURS)}
    readings, doubled, verdicts = contents(rough)
    missing = [key for key in want if not any((*key, stat) in readings for stat in range(5))]
    assert missing == []
    assert {(n, t): v for (n, t, stat), v in readings.items() if stat == 1} == want
    assert doubled == []
    calm_readings, calm_doubled, calm_verdicts = contents(calm)
    assert calm_doubled == []
    assert readings == calm_readings
    assert verdicts == calm_verdicts
    assert len(verdicts) == DEVICES * HOURS
