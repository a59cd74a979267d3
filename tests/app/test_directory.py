"""Directories follow the registers: a change is seen at the next look-up, by whoever makes it."""

import pytest

from jinyun.app.directory import Devices, SiteDirectory
from jinyun.app.discover import record_types
from jinyun.kernel.ports import Actor
from jinyun.kernel.terms import Period
from jinyun.store.database import open_database
from jinyun.store.records import SqlRecords

OFFICER = Actor("li", ("officer", "admin"))


class Ticks:
    """A clock that moves one microsecond a look."""

    def __init__(self) -> None:
        self.at = 1_700_000_000_000_000

    def now(self) -> int:
        self.at += 1
        return self.at


@pytest.fixture
def records(tmp_path):
    engine = open_database(tmp_path / "records.sqlite")
    yield SqlRecords(engine, record_types(), Ticks())
    engine.dispose()


def test_a_device_takes_its_kind_from_its_site(records):
    sites = SiteDirectory(records)
    devices = Devices(records, sites)
    records.listeners.append(lambda *_: (sites.refresh(), devices.refresh()))
    records.create(
        "site", {"name": "北温泉", "kind": "water_section", "place": {"lon": 106.4, "lat": 29.85}}, OFFICER, id="s1"
    )
    before = devices.version
    records.create(
        "device",
        {"mn": "A110000_0001", "name": "数采仪", "site": "s1", "crc": "modbus", "minute_interval": 5,
         "periods": ["realtime", "hour"], "sm4_key": "30" * 16},
        OFFICER, id="A110000_0001",
    )  # fmt: skip
    profile = devices.get("A110000_0001")
    assert (profile.site_kind, profile.crc, profile.minute_interval) == ("water_section", "modbus", 5)
    assert profile.periods == (Period.REALTIME, Period.HOUR)
    assert profile.sm4_key == b"0" * 16
    assert profile.edition == "auto"
    assert devices.version > before
    assert sites.get("s1").lon == 106.4
    assert devices.get("unknown") is None


def test_listeners_hear_type_and_id_and_versions_rise(records):
    heard = []
    records.listeners.append(lambda *what: heard.append(what))
    made = records.create("enterprise", {"name": "甲厂"}, OFFICER)
    records.update("enterprise", made.id, {"name": "乙厂"}, OFFICER)
    assert records.put_many("enterprise", [(made.id, {"name": "乙厂"})], OFFICER) == 0  # unchanged: nobody is woken
    assert heard == [("enterprise", made.id)] * 2
    assert records.versions == {"enterprise": 2}
