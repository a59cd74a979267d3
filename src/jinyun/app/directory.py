"""Who is registered, held in memory: looked up at every message, refreshed when a record changes."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from jinyun.kernel.ports import DeviceProfile, Record, RecordStore
from jinyun.kernel.terms import Period, Site

EVERYTHING = 1_000_000


class SiteDirectory:
    """Sites by id."""

    def __init__(self, records: RecordStore) -> None:
        self._records = records
        self._sites: Mapping[str, Site] = {}
        self.version = 0
        self._lock = threading.Lock()

    def refresh(self) -> None:
        with self._lock:
            self._sites = {r.id: site_of(r) for r in self._records.find("site", limit=EVERYTHING, order="id")}
            self.version += 1

    def get(self, site: str) -> Site | None:
        return self._sites.get(site)

    def known(self, site: str) -> bool:
        """Whether there is such a site."""
        return site in self._sites

    def all(self) -> Sequence[Site]:
        return list(self._sites.values())


class Devices:
    """The `DeviceDirectory` port over `device` records."""

    def __init__(self, records: RecordStore, sites: SiteDirectory) -> None:
        self._records = records
        self._sites = sites
        self._profiles: Mapping[str, DeviceProfile] = {}
        self.version = 0
        self._lock = threading.Lock()

    def refresh(self) -> None:
        with self._lock:
            found = self._records.find("device", limit=EVERYTHING, order="id")
            self._profiles = {r.id: profile_of(r.id, r.data, self._sites) for r in found}
            self.version += 1

    def get(self, mn: str) -> DeviceProfile | None:
        return self._profiles.get(mn)

    def all(self) -> Sequence[DeviceProfile]:
        return list(self._profiles.values())


def site_of(record: Record) -> Site:
    """The `Site` term of a `site` record."""
    data = record.data
    place = data.get("place") or {}
    return Site(
        id=record.id, name=str(data.get("name", record.id)), kind=str(data.get("kind", "")),
        lon=place.get("lon"), lat=place.get("lat"), jurisdiction=str(data.get("jurisdiction") or ""), data=data,
    )  # fmt: skip


def profile_of(mn: str, data: Mapping[str, Any], sites: SiteDirectory) -> DeviceProfile:
    """The profile that a `device` record gives; what it leaves out keeps the profile's default."""
    site_id = str(data.get("site") or "")
    site = sites.get(site_id)
    given: dict[str, Any] = {}
    for name in ("name", "system", "edition", "password", "crc", "pm_unit", "encoding"):
        if data.get(name):
            given[name] = str(data[name])
    for name in ("realtime_interval", "minute_interval"):
        if data.get(name) is not None:
            given[name] = int(data[name])
    for name in ("always_answer", "label_end", "set_up", "set_clock"):
        if data.get(name) is not None:
            given[name] = bool(data[name])
    if data.get("sm4_key"):
        given["sm4_key"] = bytes.fromhex(str(data["sm4_key"]))
    if data.get("periods"):
        given["periods"] = tuple(Period[str(name).upper()] for name in data["periods"])
    return DeviceProfile(mn=mn, site=site_id, site_kind=site.kind if site else "", **given)
