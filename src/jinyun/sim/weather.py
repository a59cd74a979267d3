"""The weather over the district: season, day, rain and how wet the ground is. The same for every site."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from jinyun.sim.chance import bump, key, noise, unit, wave

CHINA_S = 28800
YEAR_S = 31556952
SLOT_S = 21600  # a shower begins at most once in six hours
CHANCE_OF_RAIN = 0.10
HEAVIEST_MM_PER_H = 4.0
WET_HOURS = 8
WET_FULL_MM = 18.0  # rain of the last hours that counts as fully wet ground

Showers = Callable[[int, int], Iterable[tuple[int, int, float]]]
"""Scripted rain: (from, to) -> (start, end, mm/h)."""


class Weather:
    """Pure functions of time and seed; wet ground is remembered per half hour only to be quick."""

    def __init__(self, seed: int, showers: Showers | None = None) -> None:
        self._seed = seed
        self._rain_key = key(seed, "rain")
        self._streams = np.array([key(seed, "weather", name) for name in ("temp", "wind", "turn", "haze")], np.uint64)
        self._showers = showers
        self._wet: dict[int, float] = {}

    def rain(self, times: np.ndarray) -> np.ndarray:
        """Rain at each time [mm/h]."""
        out = np.zeros(len(times))
        first, last = int(times[0]), int(times[-1])
        for slot in range(first // SLOT_S - 1, last // SLOT_S + 1):
            if unit(self._rain_key, 4 * slot) >= CHANCE_OF_RAIN:
                continue
            start = slot * SLOT_S + int(unit(self._rain_key, 4 * slot + 1) * 18000)
            length = 3600 + int(unit(self._rain_key, 4 * slot + 2) * 10800)
            self._add(out, times, start, start + length, 1.0 + 3.0 * unit(self._rain_key, 4 * slot + 3))
        if self._showers:
            for start, end, strength in self._showers(first, last + 1):
                self._add(out, times, start, end, strength)
        return out

    @staticmethod
    def _add(out: np.ndarray, times: np.ndarray, start: int, end: int, strength: float) -> None:
        """A shower that swells and fades."""
        f = (times - start) / max(1, end - start)
        inside = (f > 0.0) & (f < 1.0)
        out += np.where(inside, strength * (1.0 - (2.0 * f - 1.0) ** 4), 0.0)

    def wet(self, times: np.ndarray) -> np.ndarray:
        """How wet the ground is, 0 to 1: rain of the last hours, the newer the more."""
        knots = times // 1800
        first, last = int(knots[0]), int(knots[-1])
        values = np.array([self._wet_at(k) for k in range(first, last + 2)])
        index = knots - first
        f = (times - knots * 1800) / 1800.0
        level: np.ndarray = values[index] + (values[index + 1] - values[index]) * f
        return level

    def _wet_at(self, knot: int) -> float:
        known = self._wet.get(knot)
        if known is None:
            steps = 2 * WET_HOURS
            back = np.arange(knot - steps, knot) * 1800 + 900
            share = np.arange(1, steps + 1) / steps  # newest counts fully
            total = 0.0
            for amount in (self.rain(back) * 0.5 * share).tolist():
                total += amount
            known = min(1.0, total / WET_FULL_MM)
            if len(self._wet) > 20000:
                self._wet.clear()
            self._wet[knot] = known
        return known

    def hours(self, times: np.ndarray) -> np.ndarray:
        """China clock, hours of the day."""
        return ((times + CHINA_S) % 86400) / 3600.0

    def season(self, times: np.ndarray) -> np.ndarray:
        """−1 in mid January, +1 in mid July."""
        return wave((times % YEAR_S) / YEAR_S - 0.29)

    def background(self, start: int, count: int, step: int) -> np.ndarray:
        """Regional noise rows: temperature, wind speed, wind turn, haze."""
        return noise(self._streams, start, count, step)

    def air_temp(self, times: np.ndarray, regional: np.ndarray) -> np.ndarray:
        """[°C]"""
        hours = self.hours(times)
        level: np.ndarray = 18.3 + 9.5 * self.season(times) + 3.2 * wave((hours - 9.0) / 24.0) + 1.6 * regional[0]
        return level

    def sun(self, times: np.ndarray) -> np.ndarray:
        """0 at night to 1 in the early afternoon."""
        return bump(self.hours(times), 14.5, 6.5)
