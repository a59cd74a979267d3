"""Minute data as stations send it: a daily cycle with AR(1) noise, one value in a hundred flagged, each factor with the
decimals it is reported in. The same seed gives the same day to every store that is compared."""

from __future__ import annotations

import numpy as np

from jinyun.kernel.ports import MICRO

FACTORS = 15
MINUTES = 1440
START = 1_767_225_600 - 28_800  # 2026-01-01T00:00 in China [s]
DECIMALS = np.array([0, 0, 0, 0, 1, 2, 3, 3, 2, 1, 2, 3, 4, 1, 2])
LEVELS = np.array([60, 35, 90, 40, 8.5, 8, 0.4, 0.05, 2.5, 18, 7.2, 0.3, 0.02, 55, 12])


class Minutes:
    """Stations in turn of minutes: `next` gives values [1e-6], flags (station × factor) and the order of arrival."""

    def __init__(self, stations: int, *, seed: int = 212) -> None:
        self.stations, self.minute = stations, 0
        self._dice = dice = np.random.default_rng(seed)
        self._base = LEVELS * np.exp(dice.normal(0, 0.3, (stations, FACTORS)))
        self._swing = dice.uniform(0.1, 0.4, (stations, FACTORS))
        self._phase = dice.uniform(-1, 1, (stations, 1))
        self._noise = np.zeros((stations, FACTORS))
        self._scale = 10.0**DECIMALS
        self._unit = MICRO // 10**DECIMALS

    def next(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """One more minute."""
        dice = self._dice
        self._noise = 0.97 * self._noise + dice.normal(0, 0.01, self._noise.shape)
        cycle = 1 + self._swing * np.sin(2 * np.pi * self.minute / MINUTES + self._phase)
        values = np.rint(np.maximum(self._base * (cycle + self._noise), 0) * self._scale).astype(np.int64) * self._unit
        flags = (dice.random(values.shape) < 0.01).astype(np.uint8)
        self.minute += 1
        return values, flags, dice.permutation(self.stations)
