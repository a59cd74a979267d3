"""What loggers see of the world, and every mean they report, in exact whole numbers. Hidden from the node.

The rules, so that a stored figure can be compared with the truth digit for digit. All figures of a factor are whole
numbers of 10^-d of its unit, d from `channels.DECIMALS`; every division is rounded half to even (GB/T 8170-2008):

- a *sample* is the world at a multiple of 30 s, rounded to d places; a real-time value is a sample;
- a *minute* value of M minutes is the mean of its 2·M samples;
- an *hour* is the mean of its six 10-minute values, each rounded; a *day* the mean of its 24 hours, each rounded;
- Min and Max are those of the samples inside; so Min ≤ Avg ≤ Max always;
- a *converted* sample is C·(21−O2ref)/(21−O2), rounded; its means go the same way;
- an *amount* (-Cou) of a minute value is mean concentration × mean flow × time, kg with 4 and m³ with 2 decimals;
  an hour is the sum of its six 10-minute amounts, a day the sum of its hours;
- sound levels are no means: a *Leq* of samples, or a day's of its hours, is their energy mean to 0.1 dB, the largest
  level is the largest, LN of a minute value or an hour is a sample (the N-th of 100), of a day the mean of its hours;
- a period's flag is N unless scripted: for water any sample that is not N gives the period its letter, for flue gas
  the period stays N with at least 75 % of samples N, else D (HJ 212-2017 Annex D).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import NamedTuple

import numpy as np

from jinyun.kernel.terms import Period, Stat
from jinyun.sim.channels import AMOUNT_DECIMALS, EXCEEDED, FLOWS, VOLUME_DECIMALS, Channel, channels
from jinyun.sim.district import District
from jinyun.sim.script import Plan, Script
from jinyun.sim.world import BLOCK, HOUR_S, STEP_S, World

TEN_S = 600
TEN = TEN_S // STEP_S  # samples in ten minutes
KEPT_HOURS = 26  # summaries kept per site: a day and a bit


def half_even(total: np.ndarray, parts: np.ndarray | int) -> np.ndarray:
    """total / parts, rounded half to even, in whole numbers."""
    quotient = total // parts
    rest = total - quotient * parts
    up = (2 * rest > parts) | ((2 * rest == parts) & (quotient % 2 == 1))
    rounded: np.ndarray = quotient + up
    return rounded


LOUDEST = 1200  # tenths of a dB: above it the sum of a day's energies would not fit 64 bits


@cache
def _energies() -> tuple[np.ndarray, np.ndarray]:
    """10^(0.1 L)·10^4 in whole numbers for L = 0, 0.1, … dB, and for the middles between them."""
    exact, middles = [], []
    for k in range(LOUDEST + 1):
        exact.append(int((Decimal(10) ** (Decimal(k) / 100) * 10_000).to_integral_value()))
        middles.append(int((Decimal(10) ** (Decimal(2 * k + 1) / 200) * 10_000).to_integral_value()))
    return np.array(exact, np.int64), np.array(middles, np.int64)


def energy_mean(levels: np.ndarray) -> int:
    """Leq of levels in tenths of a dB, to the nearest tenth, by whole numbers alone so that machines agree."""
    energies, middles = _energies()
    total = int(energies[np.clip(levels, 0, LOUDEST)].sum())
    return int(np.searchsorted(middles * len(levels), total))


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures of one site over one period: a row per statistic, a column per channel (0 where it has none)."""

    numbers: np.ndarray

    def _row(self, statistic: int) -> np.ndarray:
        row: np.ndarray = self.numbers[statistic]
        return row

    @property
    def avg(self) -> np.ndarray:
        return self._row(0)

    @property
    def low(self) -> np.ndarray:
        return self._row(1)

    @property
    def high(self) -> np.ndarray:
        return self._row(2)

    @property
    def amount(self) -> np.ndarray:
        """kg·10^4, or m³·10^2 of the flow itself."""
        return self._row(3)

    @property
    def zs_avg(self) -> np.ndarray:
        return self._row(4)

    @property
    def zs_low(self) -> np.ndarray:
        return self._row(5)

    @property
    def zs_high(self) -> np.ndarray:
        return self._row(6)


@dataclass(frozen=True, slots=True)
class _Scale:
    """How one set of channels is turned into whole numbers."""

    factor: np.ndarray  # 10^decimals
    convert: np.ndarray  # rows that are converted
    o2: int  # row of oxygen; -1 when nothing is converted
    amounts: tuple[np.ndarray, np.ndarray]  # rows with -Cou, and what their product is divided by


def _scale_of(all_channels: tuple[Channel, ...]) -> _Scale:
    convert = [i for i, c in enumerate(all_channels) if c.converted]
    o2 = next((i for i, c in enumerate(all_channels) if c.factor.id == "o2"), -1)
    rows = [i for i, c in enumerate(all_channels) if c.amount]
    flow = all_channels[0]
    down = [10 ** (all_channels[i].decimals + flow.decimals + 6 - AMOUNT_DECIMALS) for i in rows]
    if rows:  # the flow itself, always the first channel: m³·10^2 of its product with ten times the seconds
        down[0] = 10_000 if flow.factor.id == "wastewater_flow" else 1
    return _Scale(
        np.array([10.0**c.decimals for c in all_channels]), np.array(convert, np.int64), o2 if convert else -1,
        (np.array(rows, np.int64), np.array(down, np.int64)),
    )  # fmt: skip


class TruthRow(NamedTuple):
    """One figure that an undisturbed store must hold."""

    site: str
    mn: str
    factor: str
    stat: Stat
    period: Period
    time: int  # start of the period [s]
    value: Decimal
    flag: str  # letter


class Truth:
    """The rounded world. Blocks of samples and summaries are kept for a while, only to be quick."""

    def __init__(self, district: District, script: Script | None = None, origin: int = 0) -> None:
        self.district = district
        self.plan = script.bind(district, origin) if script else Plan()
        self.world = World(district, self.plan)
        self._blocks: dict[str, OrderedDict[int, tuple[np.ndarray, np.ndarray]]] = {}
        self._hours: dict[str, OrderedDict[int, Summary]] = {}
        self._scales: dict[str, _Scale] = {}

    def channels(self, site: str) -> tuple[Channel, ...]:
        return channels(self.district.places[site])

    def samples(self, site: str, start: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        """(values, converted values): whole numbers, channels × `count` samples from `start` (a multiple of 30 s)."""
        if start % STEP_S:
            raise ValueError(f"samples lie on multiples of {STEP_S} s, not at {start}")
        hour = start // HOUR_S * HOUR_S
        cut = (start - hour) // STEP_S
        values, converted = self._block(site, hour)
        if cut + count <= BLOCK:
            return values[:, cut : cut + count], converted[:, cut : cut + count]
        parts, zs = [values[:, cut:]], [converted[:, cut:]]
        have = BLOCK - cut
        while have < count:
            hour += HOUR_S
            values, converted = self._block(site, hour)
            parts.append(values[:, : count - have])
            zs.append(converted[:, : count - have])
            have += BLOCK
        return np.concatenate(parts, axis=1), np.concatenate(zs, axis=1)

    def sample(self, site: str, at: int) -> tuple[list[int], list[int]]:
        """The real-time values at `at`, cut to the last sample."""
        hour = at // HOUR_S * HOUR_S
        values, converted = self._block(site, hour)
        i = (at - hour) // STEP_S
        return values[:, i].tolist(), converted[:, i].tolist()

    def minute(self, site: str, start: int, seconds: int) -> Summary:
        """The value of a period that is cut straight from samples."""
        values, converted = self.samples(site, start, seconds // STEP_S)
        return self._of_samples(site, values, converted, seconds)

    def hour(self, site: str, start: int) -> Summary:
        """The hour from `start` on (any multiple of 30 s: a clock may be off)."""
        kept = self._hours.setdefault(site, OrderedDict())
        known = kept.get(start)
        if known is None:
            known = self._make_hour(site, start)
            kept[start] = known
            if len(kept) > KEPT_HOURS:
                kept.popitem(last=False)
        return known

    def day(self, site: str, start: int) -> Summary:
        """The day from `start` on."""
        hours = np.array([self.hour(site, start + HOUR_S * h).numbers for h in range(24)])
        out = half_even(hours.sum(axis=0), 24)
        for row in (1, 5):
            out[row] = hours[:, row].min(axis=0)
        for row in (2, 6):
            out[row] = hours[:, row].max(axis=0)
        out[3] = hours[:, 3].sum(axis=0)
        if self._hears(site):
            out[0, :2] = energy_mean(hours[:, 0, 0]), hours[:, 0, 1].max()
        return Summary(out)

    def summary(self, site: str, period: Period, start: int, *, minute: int = 10) -> Summary:
        if period is Period.DAY:
            return self.day(site, start)
        if period is Period.HOUR:
            return self.hour(site, start)
        return self.minute(site, start, minute * 60)

    def flag(self, site: str, factor: str, start: int, seconds: int) -> str:
        """Flag of a factor over a period; of a sample when `seconds` is 0."""
        found = self.plan.flags(site, start, start + max(1, seconds))
        for one in found:
            if one.factors and factor not in one.factors:
                continue
            if self.district.places[site].kind != "stack_outlet" or not seconds:
                return one.letter
            covered = sum(
                min(end, start + seconds) - max(begin, start) for begin, end in one.span.during(start, start + seconds)
            )
            if 4 * covered > seconds:
                return "D"
        return "N"

    # --- making -------------------------------------------------------------------------------------------------

    def _block(self, site: str, hour: int) -> tuple[np.ndarray, np.ndarray]:
        kept = self._blocks.setdefault(site, OrderedDict())
        known = kept.get(hour)
        if known is None:
            known = self._make_block(site, hour)
            kept[hour] = known
            if len(kept) > 2:
                kept.popitem(last=False)
        return known

    def _make_block(self, site: str, hour: int) -> tuple[np.ndarray, np.ndarray]:
        place, scale = self.district.places[site], self._scale(site)
        values = np.rint(self.world.block(place, hour) * scale.factor[:, None]).astype(np.int64)
        if scale.o2 < 0:
            return values, np.zeros((0, BLOCK), np.int64)
        reference = int(place.reference_o2 * 10) if place.reference_o2 is not None else 0
        oxygen = values[scale.o2]  # tenths of a per cent
        return values, half_even(values[scale.convert] * (210 - reference), 210 - oxygen[None, :])

    def _scale(self, site: str) -> _Scale:
        known = self._scales.get(site)
        if known is None:
            known = self._scales[site] = _scale_of(self.channels(site))
        return known

    def _of_samples(self, site: str, values: np.ndarray, converted: np.ndarray, seconds: int) -> Summary:
        avg = half_even(values.sum(axis=1), values.shape[1])
        zs = half_even(converted.sum(axis=1), values.shape[1])
        return self._summary(site, values, converted, avg, zs, self._amounts(site, avg, seconds))

    def _make_hour(self, site: str, start: int) -> Summary:
        values, converted = self.samples(site, start, BLOCK)
        tens = half_even(values.reshape(-1, 6, TEN).sum(axis=2), TEN)
        zs_tens = half_even(converted.reshape(-1, 6, TEN).sum(axis=2), TEN)
        amount = self._amounts(site, tens, TEN_S).sum(axis=1)
        avg, zs = half_even(tens.sum(axis=1), 6), half_even(zs_tens.sum(axis=1), 6)
        return self._summary(site, values, converted, avg, zs, amount)

    def _summary(self, site: str, values: np.ndarray, converted: np.ndarray, *means: np.ndarray) -> Summary:
        avg, zs, amount = means
        out = np.zeros((7, len(values)), np.int64)
        out[0], out[1], out[2], out[3] = avg, values.min(axis=1), values.max(axis=1), amount
        if self._hears(site):
            out[0] = self._levels(site, values)
        rows = self._scale(site).convert
        if len(rows):
            out[4, rows], out[5, rows], out[6, rows] = zs, converted.min(axis=1), converted.max(axis=1)
        return Summary(out)

    def _hears(self, site: str) -> bool:
        return self.district.places[site].kind == "noise_station"

    def _levels(self, site: str, values: np.ndarray) -> list[int]:
        """Leq, largest level and LN of the samples of a noise station, in the order of its channels."""
        out = []
        for row, channel in zip(values, self.channels(site), strict=True):
            percent = EXCEEDED.get(channel.factor.id)
            if percent is not None:
                out.append(int(np.sort(row)[len(row) - -(-percent * len(row) // 100)]))
            else:
                out.append(energy_mean(row) if channel.factor.id == "leq" else int(row.max()))
        return out

    def _amounts(self, site: str, avg: np.ndarray, seconds: int) -> np.ndarray:
        """kg·10^4 of pollutants, m³·10^2 of the flow itself; `avg` is channels (× periods)."""
        rows, down = self._scale(site).amounts
        out = np.zeros_like(avg)
        if len(rows):  # L/s·10^2 -> m³·10^2; mg/L × L/s, or mg/m³ × m³/s, is mg/s either way
            shape = (-1,) + (1,) * (avg.ndim - 1)
            carried = avg[rows] * avg[0] * seconds
            carried[0] = avg[0] * seconds * 10
            out[rows] = half_even(carried, down.reshape(shape))
        return out


PERIODS = (Period.MINUTE, Period.HOUR, Period.DAY)


def figures(
    truth: Truth, site: str, summary: Summary, *, edition: int = 2017
) -> Iterator[tuple[Channel, Stat, Decimal]]:
    """All figures of a summary as decimals."""
    for i, channel in enumerate(truth.channels(site)):
        if edition == 2005 and not channel.factor.code_2005:
            continue
        d = -channel.decimals
        yield channel, Stat.AVG, Decimal(int(summary.avg[i])).scaleb(d)
        yield channel, Stat.MIN, Decimal(int(summary.low[i])).scaleb(d)
        yield channel, Stat.MAX, Decimal(int(summary.high[i])).scaleb(d)
        if channel.amount:
            places = VOLUME_DECIMALS if channel.factor.id in FLOWS else AMOUNT_DECIMALS
            yield channel, Stat.COU, Decimal(int(summary.amount[i])).scaleb(-places)
        if channel.converted:
            yield channel, Stat.ZS_AVG, Decimal(int(summary.zs_avg[i])).scaleb(d)
            yield channel, Stat.ZS_MIN, Decimal(int(summary.zs_low[i])).scaleb(d)
            yield channel, Stat.ZS_MAX, Decimal(int(summary.zs_high[i])).scaleb(d)


def table(
    truth: Truth, start: int, end: int, *, minute: int = 10, periods: tuple[Period, ...] = PERIODS
) -> Iterator[TruthRow]:
    """Every figure of every registered site for the periods that lie wholly in [start, end)."""
    lengths = {Period.MINUTE: minute * 60, Period.HOUR: HOUR_S, Period.DAY: 86400}
    for logger in truth.district.loggers:
        micro = truth.district.places[logger.site].kind.endswith("micro")
        for period in periods:
            if period is Period.DAY and micro:
                continue
            length = lengths[period]
            at = -((-start - 28800) // length) * length - 28800
            while at + length <= end:
                summary = truth.summary(logger.site, period, at, minute=minute)
                for channel, stat, value in figures(truth, logger.site, summary, edition=logger.edition):
                    flag = truth.flag(logger.site, channel.factor.id, at, length)
                    yield TruthRow(logger.site, logger.mn, channel.factor.id, stat, period, at, value, flag)
                at += length
