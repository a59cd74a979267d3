"""The physical world, unrounded: what is really in the water and the air at any site and time.

Everything is a function of (seed, site, factor, time) alone, so that any hour, past or future, is had at once and
always the same. Times are multiples of `STEP_S`. Levels stay inside bounds by construction: without a scripted
event no outlet passes its permit, no section leaves its target class, no AQI passes 100.
"""

from __future__ import annotations

from collections import OrderedDict
from decimal import Decimal

import numpy as np

from jinyun.kernel.tables import toml_table
from jinyun.sim.chance import bump, key, noise
from jinyun.sim.channels import factors_of
from jinyun.sim.district import PACKAGE, District, Place
from jinyun.sim.events import Scene
from jinyun.sim.script import Plan
from jinyun.sim.weather import Weather

STEP_S = 30
"""Loggers sample twice a minute; every mean is of these samples."""
BLOCK = 120  # samples in an hour
HOUR_S = 3600
KEPT_BLOCKS = 24

# Natural water at the head and its growth per kilometre, clear of any outlet. [mg/L, mg/L/km]
NATURAL = {"cod_mn": (2.3, 0.045), "nh3_n": (0.16, 0.012), "tp": (0.050, 0.0022), "tn": (1.6, 0.05)}
COD_MN_PER_COD_CR = 0.35
DECAY_PER_DAY = {"cod_mn": "0.18", "nh3_n": "0.22", "tp": "0.08", "tn": "0.05"}
WET_FLOW = 0.6  # a fully wet catchment carries this much more water


class World:
    """Unrounded series, in hour-long blocks of 120 samples."""

    def __init__(self, district: District, plan: Plan) -> None:
        self.district, self.plan = district, plan
        self.weather = Weather(district.seed, plan.showers)
        geography = toml_table(PACKAGE, "geography.toml")
        self.velocity = float(geography["velocity_km_per_h"])
        head, mouth = float(geography["head_flow_m3_per_s"]), float(geography["mouth_flow_m3_per_s"])
        self._flow = (head, (mouth - head) / float(geography["length_km"]))
        self._streams: dict[str, np.ndarray] = {}
        self._common: OrderedDict[int, tuple[np.ndarray, ...]] = OrderedDict()
        self._loads: OrderedDict[tuple[str, int], dict[str, np.ndarray]] = OrderedDict()
        self._sources = sorted(
            (p for p in district.places.values() if p.km is not None and p.kind in ("river_outlet", "water_outlet")),
            key=lambda p: (p.km or 0.0, p.id),
        )
        self._decay: dict[tuple[str, str, str], float] = {}

    def travel_s(self, from_km: float, to_km: float) -> int:
        """How long water takes, in whole samples. [s]"""
        return round((to_km - from_km) / self.velocity * HOUR_S / STEP_S) * STEP_S

    def river_flow(self, km: float, wet: np.ndarray) -> np.ndarray:
        """[m³/s]"""
        return (self._flow[0] + self._flow[1] * km) * (1.0 + WET_FLOW * wet)

    def block(self, place: Place, start: int) -> np.ndarray:
        """(factors, 120) true values from `start` (a whole hour) on, in the order of `factors_of`."""
        kind = place.kind
        if kind in ("water_section", "water_micro"):
            return self._river(place, start)
        if kind in ("air_station", "air_micro"):
            return self._air(place, start)
        if kind == "stack_outlet":
            return self._stack(place, start)
        if kind == "noise_station":
            return self._sound(place, start)
        return self._outlet(place, start)

    # --- shared pieces --------------------------------------------------------------------------------------------

    def _sky(self, start: int) -> tuple[np.ndarray, ...]:
        """(times, hours, regional noise, rain, wet, air temperature, sun) of an hour; shared by all sites."""
        known = self._common.get(start)
        if known is None:
            times = start + STEP_S * np.arange(BLOCK, dtype=np.int64)
            regional = self.weather.background(start, BLOCK, STEP_S)
            known = (
                times, self.weather.hours(times), regional, self.weather.rain(times), self.weather.wet(times),
                self.weather.air_temp(times, regional), self.weather.sun(times),
            )  # fmt: skip
            self._common[start] = known
            if len(self._common) > 4 * KEPT_BLOCKS:
                self._common.popitem(last=False)
        return known

    def _noise(self, place: Place, start: int, count: int = BLOCK) -> np.ndarray:
        streams = self._streams.get(place.id)
        if streams is None:
            names = factors_of(place)
            streams = np.array([key(self.district.seed, place.id, name) for name in names], np.uint64)
            self._streams[place.id] = streams
        return noise(streams, start, count, STEP_S)

    def _happen(self, place: Place, start: int, out: np.ndarray, n: np.ndarray) -> None:
        """Let scripted events of this hour change what is true."""
        events = self.plan.physical(place.id, start, start + HOUR_S)
        if events:
            times, _, _, rain, wet, *_ = self._sky(start)
            scene = Scene(place, factors_of(place), times, out, n, rain, wet)
            for event in events:
                event.apply(scene)

    # --- kinds of sites -------------------------------------------------------------------------------------------

    def _outlet(self, place: Place, start: int) -> np.ndarray:
        _, hours, _, _, wet, *_ = self._sky(start)
        n = self._noise(place, start)
        names = factors_of(place)
        out = np.empty((len(names), BLOCK))
        work = bump(hours, 14.0, 10.0)
        for i, name in enumerate(names):
            if name == "wastewater_flow":
                storm = 1.2 * wet if place.kind == "river_outlet" else 0.0
                out[i] = place.traits["flow_l_per_s"] * (0.72 + 0.30 * work + 0.08 * n[i] + storm)
            elif name == "ph":
                out[i] = 7.4 + 0.25 * n[i]
            else:
                out[i] = place.traits[name] * (0.96 + 0.10 * work + 0.16 * n[i])
        self._happen(place, start, out, n)
        return out

    def _stack(self, place: Place, start: int) -> np.ndarray:
        _, hours, *_ = self._sky(start)
        n = self._noise(place, start)
        names = factors_of(place)
        work = bump(hours, 14.0, 11.0)
        out = np.empty((len(names), BLOCK))
        load = 0.82 + 0.16 * work
        for i, name in enumerate(names):
            if name == "gas_flow":
                out[i] = place.traits[name] * (load + 0.06 * n[i])
            elif name == "flue_velocity":
                out[i] = 11.0 * (load + 0.06 * n[0])
            elif name == "flue_temp":
                out[i] = 92.0 + 14.0 * load + 5.0 * n[i]
            elif name == "flue_moisture":
                out[i] = 8.5 + 1.4 * n[i]
            elif name == "flue_pressure":
                out[i] = -0.160 + 0.035 * n[i]
            elif name == "o2":
                out[i] = place.traits["o2"] + (0.7 * n[i] if place.reference_o2 is not None else 0.3 * n[i])
            else:
                out[i] = place.traits[name] * (0.94 + 0.10 * work + 0.15 * n[i])
        self._happen(place, start, out, n)
        return out

    def _air(self, place: Place, start: int) -> np.ndarray:
        times, hours, regional, rain, wet, temp, sun = self._sky(start)
        n = self._noise(place, start)
        urban = place.traits["urban"]
        rush = bump(hours, 8.3, 2.6) + 0.9 * bump(hours, 18.6, 3.2)
        winter = 0.5 - 0.5 * self.weather.season(times)
        washed = 1.0 - 0.35 * np.minimum(1.0, rain / 3.0 + wet)
        fine = 20.0 + 9.0 * winter + 6.5 * regional[3] + 5.0 * rush * urban + 3.0 * n[5]
        fine *= (0.55 + 0.45 * urban) * washed
        made = {
            "so2": 7.0 + 1.5 * urban + 1.8 * n[0],
            "no2": urban * (16.0 + 13.0 * rush + 4.0 * n[1]) + 4.0,
            "co": 0.48 + 0.22 * rush * urban + 0.07 * n[2],
            "o3": 34.0 + (52.0 + 30.0 * (1.0 - winter)) * sun - 9.0 * rush * urban + 8.0 * n[3],
            "pm10": 1.5 * fine + 9.0 + 3.0 * n[4],
            "pm2_5": fine,
            "air_temp": temp + 0.5 * n[6],
            "humidity": np.minimum(99.0, 78.0 - 1.1 * (temp - 18.0) + 14.0 * wet + 4.0 * n[7]),
            "pressure": 98.20 - 0.55 * self.weather.season(times) + 0.30 * regional[0],
            "wind_speed": np.maximum(0.2, 1.3 + 0.9 * sun + 0.7 * regional[1]),
            "wind_direction": 180.0 + 60.0 * regional[2] + 45.0 * sun,
        }
        out = np.array([made[name] for name in factors_of(place)])
        self._happen(place, start, out, n)
        return np.maximum(out, 0.1) if place.kind == "air_micro" else out

    def _sound(self, place: Place, start: int) -> np.ndarray:
        """30 s Leq and the largest level in each; LN are counted from the Leq by the truth. [dB(A)]"""
        _, hours, _, rain, *_ = self._sky(start)
        n = self._noise(place, start)
        day, night = place.traits["day"], place.traits["night"]
        awake = np.minimum(1.0, 1.6 * bump(hours, 13.5, 11.0))
        level = night + (day - night) * awake + 1.4 * n[0] + 0.4 * np.minimum(1.0, rain)
        out = np.array([level, level + 6.0 + 2.5 * n[1], level, level, level])
        self._happen(place, start, out, n)
        out[1] = np.maximum(out[1], out[0] + 3.0)  # what is loud on the whole was louder for a moment
        out[2:] = out[0]
        return out

    def _river(self, place: Place, start: int) -> np.ndarray:
        _, _, _, _, wet, temp, sun = self._sky(start)
        km = place.km or 0.0
        n = self._parcel_noise(place, start)
        flow = self.river_flow(km, wet)
        made: dict[str, np.ndarray] = {}
        for i, (name, (head, growth)) in enumerate(NATURAL.items()):
            made[name] = (head + growth * km) * (1.0 + 0.10 * n[i] + 0.06 * wet)
        for name, added in self._arriving(place, start, flow).items():
            made[name] = made[name] + added
        water = 8.0 + 0.55 * temp + 0.4 * n[4]
        spare = np.maximum(0.0, made["nh3_n"] - 0.8)
        made["water_temp"] = water
        made["do"] = 468.0 / (31.6 + water) * (0.90 - 0.0035 * km + 0.05 * sun + 0.02 * n[5]) - 0.3 * spare
        made["ph"] = 7.65 + 0.12 * sun + 0.10 * n[6]
        made["conductivity"] = 380.0 + 6.0 * km + 18.0 * n[7] - 40.0 * wet
        made["turbidity"] = 14.0 + 0.5 * km + 4.0 * n[4] + 90.0 * wet
        out = np.array([made[name] for name in factors_of(place)])
        self._happen(place, start, out, self._noise(place, start))
        return out

    def _parcel_noise(self, place: Place, start: int) -> np.ndarray:
        """Noise that drifts with the water: what passes a station is seen further down, later."""
        streams = self._streams.get("river")
        if streams is None:
            streams = np.array([key(self.district.seed, "river", i) for i in range(8)], np.uint64)
            self._streams["river"] = streams
        drifting = noise(streams, start - self.travel_s(0.0, place.km or 0.0), BLOCK, STEP_S)
        return 0.8 * drifting + 0.2 * self._noise(place, start)[:8]

    def _arriving(self, place: Place, start: int, flow: np.ndarray) -> dict[str, np.ndarray]:
        """What outlets above add, after travel and decay, diluted in the river. [mg/L]"""
        added: dict[str, np.ndarray] = {}
        for source in self._sources:
            if (source.km or 0.0) >= (place.km or 0.0):
                break
            lag = self.travel_s(source.km or 0.0, place.km or 0.0)
            for name, load in self._load(source, start - lag).items():
                share = load * (self._kept(source, place, name, lag) / 1000.0) / flow
                added[name] = added[name] + share if name in added else share
        return added

    def _load(self, source: Place, start: int) -> dict[str, np.ndarray]:
        """Load of an outlet from `start` on (120 samples, any multiple of the step). [mg/s]"""
        hour = start // HOUR_S * HOUR_S
        first = self._load_block(source, hour)
        if start == hour:
            return first
        second, cut = self._load_block(source, hour + HOUR_S), (start - hour) // STEP_S
        return {name: np.concatenate((first[name][cut:], second[name][:cut])) for name in first}

    def _load_block(self, source: Place, hour: int) -> dict[str, np.ndarray]:
        known = self._loads.get((source.id, hour))
        if known is None:
            out, names = self._outlet(source, hour), factors_of(source)
            flow, known = out[0], {}
            for i, name in enumerate(names):
                if name == "cod_cr":
                    known["cod_mn"] = flow * out[i] * COD_MN_PER_COD_CR
                elif name in NATURAL:
                    known[name] = flow * out[i]
            self._loads[(source.id, hour)] = known
            if len(self._loads) > KEPT_BLOCKS * max(1, len(self._sources)):
                self._loads.popitem(last=False)
        return known

    def _kept(self, source: Place, place: Place, name: str, lag: int) -> float:
        """First-order decay on the way: exp(−k·t), by decimal arithmetic so that every machine has the same."""
        at = (source.id, place.id, name)
        known = self._decay.get(at)
        if known is None:
            known = float((-Decimal(DECAY_PER_DAY[name]) * lag / 86400).exp())
            self._decay[at] = known
        return known
