"""Entities of the SensorThings service out of the registers and the dictionary of series.

Things and FeaturesOfInterest are sites, Locations the places a site has had, Sensors data loggers (数采仪),
ObservedProperties factors, Datastreams series. Ids: of the records, of the factors, the number of the series.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from jinyun.app.directory import EVERYTHING
from jinyun.app.services.words import PERIODS, STATS, factor_unit, factor_words
from jinyun.kernel.errors import NotFound
from jinyun.kernel.factors import factors
from jinyun.kernel.ports import MICRO, Record
from jinyun.kernel.terms import Period, SeriesKey, china_time
from jinyun.share.sensorthings import KINDS, Entity, Interval, period_end, stretch

if TYPE_CHECKING:
    from jinyun.app.assemble import House

GEOJSON = "application/geo+json"
MEASUREMENT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
SITE_SHOWN = ("kind", "jurisdiction", "enterprise", "river", "order_km", "target_class", "body", "zone", "point_kind")
DEVICE_SHOWN = (
    "system",
    "edition",
    "vendor",
    "pm_unit",
    "realtime_interval",
    "minute_interval",
    "label_end",
    "periods",
)
"""Fields of a device that are shown; passwords and keys are not among them."""


class Catalogue:
    """All entities but Observations; built anew when registers change, grown when series come."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._lock = threading.Lock()
        self._state: tuple[int, int] = (-1, -1)
        self._sites: dict[str, Record] = {}
        self._devices: dict[str, Record] = {}
        self._devices_of: dict[str, list[str]] = {}
        self._places: dict[str, tuple[int, list[tuple[int, int, Mapping[str, Any]]]]] = {}
        self._entities: dict[str, dict[Any, Entity]] = {}
        self._series = 0
        self._by_site: dict[str, list[Entity]] = {}
        self._by_factor: dict[str, list[Entity]] = {}
        self._sensors: dict[int, str] = {}

    # --- asking -------------------------------------------------------------------------------------------------------

    def all(self, kind: str) -> Sequence[Entity]:
        return list(self._of(kind).values())

    def get(self, kind: str, id: str | int) -> Entity | None:
        return self._of(kind).get(id)

    def series_of(self, entity: Entity) -> tuple[int, ...]:
        if entity.kind.plural == "Datastreams":
            return (int(entity.id),)
        self._refresh()
        return tuple(int(one.id) for one in self._by_site.get(str(entity.id), ()))

    def related(self, entity: Entity, relation: str) -> Sequence[Entity]:
        """Targets of a relation, but Observations."""
        self._refresh()
        id = str(entity.id)
        match entity.kind.plural, relation:
            case "Things", "Locations":
                return self._locations_of(id)[-1:]  # where it is now
            case "Things", "HistoricalLocations":
                return [self._historical(id, one) for one in reversed(self._history(id))]
            case "Things", "Datastreams":
                return self._by_site.get(id, ())
            case "Locations", "Things":
                site = self._site_of_place(id)
                return [self._thing(site)] if self._locations_of(site)[-1:] == [entity] else []
            case "Locations", "HistoricalLocations":
                site, version = self._site_of_place(id), int(id.rpartition("@")[2])
                return [self._historical(site, one) for one in self._history(site) if one[0] == version]
            case "HistoricalLocations", "Thing":
                return [self._thing(self._site_of_place(id))]
            case "HistoricalLocations", "Locations":
                return [one for one in self._locations_of(self._site_of_place(id)) if one.id == id]
            case "Datastreams", "Thing":
                return [self._thing(self._key(entity).site)]
            case "Datastreams", "Sensor":
                return [self._of("Sensors")[self._sensor_of(int(entity.id))]]
            case "Datastreams", "ObservedProperty":
                return [self._property(self._key(entity).factor)]
            case "Sensors", "Datastreams":
                sites = [str(self._devices[id].data.get("site") or "")] if id in self._devices else [id[5:]]
                found = [one for site in sites for one in self._by_site.get(site, ())]
                return [one for one in found if self._sensor_of(int(one.id)) == id]
            case "ObservedProperties", "Datastreams":
                return self._by_factor.get(id, ())
        raise NotFound("relation", relation)

    def _key(self, datastream: Entity) -> SeriesKey:
        key: SeriesKey = self._house.readings.series_key(int(datastream.id))
        return key

    def _of(self, kind: str) -> Mapping[Any, Entity]:
        self._refresh()
        found = self._entities.get(kind)
        if found is None:
            made = {
                "Locations": self._all_locations,
                "HistoricalLocations": self._all_history,
                "Sensors": self._all_sensors,
            }[kind]()
            found = self._entities[kind] = {one.id: one for one in made}
        return found

    # --- building -----------------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        """Follow the registers and the dictionary of series. Dictionaries are replaced, never emptied."""
        house = self._house
        state = house.sites.version, house.directory.version
        keys = house.readings.series_keys()
        if state == self._state and len(keys) == self._series:
            return
        with self._lock:
            if state == self._state and len(keys) == self._series:
                return  # another thread was quicker
            if state != self._state:
                self._sites = {one.id: one for one in house.records.find("site", limit=EVERYTHING, order="id")}
                self._devices = {one.id: one for one in house.records.find("device", limit=EVERYTHING, order="id")}
                devices_of: dict[str, list[str]] = {}
                for one in self._devices.values():
                    devices_of.setdefault(str(one.data.get("site") or ""), []).append(one.id)
                self._devices_of = devices_of
                self._series, self._by_site, self._by_factor = 0, {}, {}
                things = {id: self._thing(id) for id in self._sites}
                self._entities = {
                    "Things": things, "Datastreams": {}, "ObservedProperties": {},
                    "FeaturesOfInterest": {id: self._feature(id) for id in self._sites},
                }  # fmt: skip
                self._state = state
            have = len(keys)
            for series in range(self._series, have):
                if keys[series].site:  # one that is out of the asker's reach names none
                    self._add_series(series, keys[series])
            self._sensors = {}
            for derived in ("Locations", "HistoricalLocations", "Sensors"):
                self._entities.pop(derived, None)
            self._series = have

    def _add_series(self, series: int, key: SeriesKey) -> None:
        entities = self._entities
        made = self._datastream(series, key)
        entities["Datastreams"][series] = made
        self._by_site.setdefault(key.site, []).append(made)
        self._by_factor.setdefault(key.factor, []).append(made)
        if key.factor not in entities["ObservedProperties"]:
            entities["ObservedProperties"][key.factor] = self._property(key.factor)
        if key.site not in entities["Things"]:  # readings of a site that is not, or no longer, registered
            entities["Things"][key.site] = self._thing(key.site)
            entities["FeaturesOfInterest"][key.site] = self._feature(key.site)

    def _words(self, site: str) -> tuple[str, str, dict[str, Any]]:
        """Name, description, properties of a site."""
        record = self._sites.get(site)
        if record is None:
            return site, "not registered", {}
        kind = self._house.types["site"].field("kind").codes.get(str(record.data.get("kind")), ("", ""))
        shown = {name: record.data[name] for name in SITE_SHOWN if record.data.get(name) not in (None, "", [])}
        described = f"{kind[0]} {kind[1]}".strip() + (f": {note}" if (note := record.data.get("note")) else "")
        return str(record.data.get("name") or site), described or site, shown | {"kind_zh": kind[0], "kind_en": kind[1]}

    def _thing(self, site: str) -> Entity:
        known = self._entities.get("Things", {}).get(site)
        if known is not None:
            return known
        name, described, shown = self._words(site)
        return Entity(KINDS["Things"], site, {"name": name, "description": described, "properties": shown})

    def _feature(self, site: str) -> Entity:
        name, described, shown = self._words(site)
        record = self._sites.get(site)
        place = _point(record.data.get("place") if record else None)
        data = {
            "name": name, "description": described, "encodingType": GEOJSON, "properties": {"site": site},
            "feature": place or {"type": "Feature", "geometry": None, "properties": {"kind": shown.get("kind")}},
        }  # fmt: skip
        return Entity(KINDS["FeaturesOfInterest"], site, data)

    def _property(self, id: str) -> Entity:
        known = self._entities.get("ObservedProperties", {}).get(id)
        if known is not None:
            return known
        zh, en, unit, decimals = factor_words(id)
        told = factors().get(id)
        shown: dict[str, Any] = {"zh": zh, "en": en, "unit": unit, "decimals": decimals}
        if told is not None:
            shown |= {"medium": told.medium, "hj212_code": told.code, "hj212_code_2005": told.code_2005}
        definition = f"urn:hj212:2017:{told.code}" if told is not None and told.code else f"urn:jinyun:factor:{id}"
        data = {
            "name": en, "definition": definition, "description": f"{zh} {en}",
            "properties": {key: one for key, one in shown.items() if one not in (None, "")},
        }  # fmt: skip
        return Entity(KINDS["ObservedProperties"], id, data)

    def _datastream(self, series: int, key: SeriesKey) -> Entity:
        unit = factor_unit(key.factor, key.stat)
        zh, en, _, decimals = factor_words(key.factor)
        stat, period = STATS[key.stat], PERIODS[key.period]
        site = self._words(key.site)[0]
        record = self._sites.get(key.site)
        place = _point(record.data.get("place") if record else None)
        data = {
            "name": f"{site} {zh} {period[0]}{stat[0]}",
            "description": f"{en}, {stat[1]}, {period[1]}, at {key.site}",
            "unitOfMeasurement": {"name": unit or None, "symbol": unit or None, "definition": unit or None},
            "observationType": MEASUREMENT,
            "observedArea": place,
            "phenomenonTime": partial(self._span, series, key.period, "phenomenonTime"),
            "resultTime": partial(self._span, series, key.period, "resultTime"),
            "properties": {
                "site": key.site, "factor": key.factor, "stat": key.stat.name, "period": key.period.name,
                "decimals": decimals, "period_label": "start" if key.period is not Period.REALTIME else "moment",
                "time_zone": "+08:00",
            },
        }  # fmt: skip
        return Entity(KINDS["Datastreams"], series, data)

    def _span(self, series: int, period: Period, name: str) -> Interval | None:
        """From the first to the last reading, from what is maintained."""
        count, begin, last = self._house.readings.pages.span(series)
        if not count:
            return None
        end = period_end(period, last)
        if name == "resultTime":
            begin_end = period_end(period, begin)
            begin = begin if begin_end is None else begin_end
        return stretch(begin, last if end is None else end)

    # --- places -------------------------------------------------------------------------------------------------------

    def _history(self, site: str) -> list[tuple[int, int, Mapping[str, Any]]]:
        """(version, since when [µs], place) for each place a site has had, oldest first."""
        record = self._sites.get(site)
        if record is None:
            return []
        known = self._places.get(site)
        if known is not None and known[0] == record.version:
            return known[1]
        found: list[tuple[int, int, Mapping[str, Any]]] = []
        if record.version == 1:
            if place := record.data.get("place"):
                found = [(1, record.created_at, place)]
        else:
            for entry in sorted(self._house.records.history("site", site), key=lambda one: one.version):
                place = entry.after.get("place")
                if place and (not found or found[-1][2] != place):
                    found.append((entry.version, entry.at, place))
        self._places[site] = record.version, found
        return found

    @staticmethod
    def _site_of_place(id: str) -> str:
        return id.rpartition("@")[0]

    def _locations_of(self, site: str) -> list[Entity]:
        """Its places, oldest first; none when it has none now."""
        record = self._sites.get(site)
        if record is None or not record.data.get("place"):
            return []
        name = self._words(site)[0]
        made = []
        for version, at, place in self._history(site):
            data = {
                "name": name, "description": f"{name} ({site})", "encodingType": GEOJSON, "location": _point(place),
                "properties": {"site": site, "since": china_time(at // MICRO), "crs": "WGS 84"},
            }  # fmt: skip
            made.append(Entity(KINDS["Locations"], f"{site}@{version}", data))
        return made

    def _historical(self, site: str, one: tuple[int, int, Mapping[str, Any]]) -> Entity:
        moment = china_time(one[1] // MICRO).replace(microsecond=one[1] % MICRO)
        return Entity(KINDS["HistoricalLocations"], f"{site}@{one[0]}", {"time": moment})

    def _all_locations(self) -> list[Entity]:
        return [one for site in self._sites for one in self._locations_of(site)]

    def _all_history(self) -> list[Entity]:
        return [self._historical(site, one) for site in self._sites for one in self._history(site)]

    # --- sensors ------------------------------------------------------------------------------------------------------

    def _all_sensors(self) -> list[Entity]:
        made = []
        for record in self._devices.values():
            shown = {name: record.data[name] for name in DEVICE_SHOWN if record.data.get(name) not in (None, "", [])}
            name = str(record.data.get("name") or record.id)
            data = {
                "name": name, "description": f"数采仪 data logger {record.id}", "encodingType": "text/html",
                "metadata": f"HJ 212 data logger, MN {record.id}", "properties": {"mn": record.id, **shown},
            }  # fmt: skip
            made.append(Entity(KINDS["Sensors"], record.id, data))
        for site in self._by_site:
            if not self._devices_of.get(site):
                data = {
                    "name": f"{self._words(site)[0]}: no device registered", "encodingType": "text/html",
                    "description": "readings that were imported, or whose device is not registered",
                    "metadata": "", "properties": {"site": site},
                }  # fmt: skip
                made.append(Entity(KINDS["Sensors"], f"site:{site}", data))
        return made

    def _sensor_of(self, series: int) -> str:
        """The site's only device; of several the one that sent the newest reading."""
        known = self._sensors.get(series)
        if known is not None:
            return known
        site = self._house.readings.series_key(series).site
        devices = self._devices_of.get(site, [])
        if len(devices) <= 1:
            self._sensors[series] = found = devices[0] if devices else f"site:{site}"
            return found
        mine = [int(one.id) for one in self._by_site[site]]
        latest = self._house.readings.pages.latest(mine)
        frames = self._house.readings.frames(sorted(set(latest.seq.tolist())))
        sent = {s: frames[q].mn for s, q in zip(latest.series.tolist(), latest.seq.tolist(), strict=True)}
        self._sensors |= {one: sent[one] if sent.get(one) in devices else devices[0] for one in mine}
        return self._sensors[series]


def _point(place: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not place:
        return None
    return {"type": "Point", "coordinates": [place["lon"], place["lat"]]}
