"""Chance without history: any number of any stream can be computed on its own, the same on every machine.

Only integers and + − × ÷ are used (no sine, no exponential), so that the same seed gives the same bits everywhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_A, _B = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_UA, _UB, _UGOLDEN = np.uint64(_A), np.uint64(_B), np.uint64(_GOLDEN)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_UNIT = 2.0**-52


def key(*parts: object) -> int:
    """A 64-bit key of a stream, from words such as (seed, site, factor)."""
    text = "\x1f".join(str(p) for p in parts).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")


def mix(number: int) -> int:
    """splitmix64's finaliser: 64 bits in, 64 well-stirred bits out."""
    z = number & MASK
    z = ((z ^ (z >> 30)) * _A) & MASK
    z = ((z ^ (z >> 27)) * _B) & MASK
    return z ^ (z >> 31)


def unit(stream: int, counter: int = 0) -> float:
    """The `counter`-th number of a stream, in [0, 1)."""
    return (mix((stream + counter * _GOLDEN) & MASK) >> 11) * 2.0**-53


def pick(stream: int, counter: int, options: Sequence[object]) -> int:
    """An index into `options`, evenly."""
    return int(unit(stream, counter) * len(options))


def signed(streams: np.ndarray, counters: np.ndarray) -> np.ndarray:
    """Numbers in [-1, 1): one row per stream, one column per counter; both uint64, counters well apart."""
    with np.errstate(over="ignore"):  # wrapping is what a hash does
        z = streams[:, None] + counters[None, :]
        z ^= z >> _S30
        z *= _UA
        z ^= z >> _S27
        z *= _UB
        z ^= z >> _S31
        z >>= _S11
    numbers: np.ndarray = z * _UNIT - 1.0
    return numbers


OCTAVES: tuple[tuple[int, float, int], ...] = ((21600, 0.45, 1), (3600, 0.30, 2), (600, 0.17, 3), (30, 0.08, 4))
"""Correlated noise: (seconds between knots, weight, salt). The weights sum to 1, so that |noise| < 1 always."""


@lru_cache(maxsize=512)
def _grid(start: int, count: int, step: int) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray | None, float]]]:
    """Counters of all octaves' knots in one row, and for each octave: left knots, how far between them, weight."""
    times = start + step * np.arange(count, dtype=np.int64)
    counters, parts, base = [], [], 0
    with np.errstate(over="ignore"):
        for spacing, weight, salt in OCTAVES:
            knots = times // spacing
            first, last = int(knots[0]), int(knots[-1])
            numbers = np.arange(first, last + 2).astype(np.uint64)
            counters.append(numbers * _UGOLDEN + np.uint64(salt * 0x632BE59BD9B4E019 & MASK))
            f = (times - knots * spacing) / spacing
            parts.append((knots - first + base, None if spacing == step else f * f * (3.0 - 2.0 * f), weight))
            base += len(numbers)
    return np.concatenate(counters), parts


def noise(streams: np.ndarray, start: int, count: int, step: int) -> np.ndarray:
    """Correlated noise in (-1, 1) at `start + i·step`, one row per stream; neighbours in time are alike.

    Knots are hashed at four spacings and joined by smooth curves, so that it has the look of an autoregressive
    series, yet any time can be had without the ones before it.
    """
    counters, parts = _grid(start, count, step)
    values = signed(streams, counters)
    total = np.zeros((len(streams), count))
    for index, between, weight in parts:
        left = values[:, index]
        if between is not None:
            left += (values[:, index + 1] - left) * between
        left *= weight
        total += left
    return total


def wave(turns: np.ndarray | float) -> np.ndarray:
    """A smooth wave of period 1, 0 at 0, 1 at ¼, −1 at ¾ (Bhaskara's rational sine: no library sine needed)."""
    f = np.asarray(turns) - np.floor(turns)
    half = np.where(f < 0.5, f * 2.0, f * 2.0 - 1.0)
    p = half * (1.0 - half)
    return np.where(f < 0.5, 1.0, -1.0) * (16.0 * p / (5.0 - 4.0 * p))


def bump(hours: np.ndarray, peak: float, width: float) -> np.ndarray:
    """A daily bump: 1 at `peak` o'clock, 0 from `width` hours away on."""
    d = np.abs((hours - peak + 12.0) % 24.0 - 12.0) / width
    return np.where(d < 1.0, (1.0 - d * d) ** 2, 0.0)
