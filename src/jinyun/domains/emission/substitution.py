"""Substituted emission amounts 排放量替代: HJ 75-2017 for gas, HJ 356-2019 for water. Pure.

Only the *amount* is filled. Concentrations stay missing, and nothing filled is ever judged for exceedance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import groupby

from jinyun.domains.emission.rules import rule, rules, table_row
from jinyun.kernel.errors import BadInput
from jinyun.methods.measured import both

VALID, STOPPED, INVALID, OUT_OF_CONTROL = "valid", "stopped", "invalid", "out_of_control"
STATES = (VALID, STOPPED, INVALID, OUT_OF_CONTROL)
HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class LookBack:
    """How many valid hours before a gap are looked at. `hours` None: the table has no value (capture below 75 %)."""

    hours: int | None
    code: str
    clause: str


@dataclass(frozen=True, slots=True)
class AmountHour:
    """One hour of an outlet: what was emitted, or why that is not known."""

    start: int  # [s]
    amount: Decimal | None  # [kg]
    state: str = VALID
    manual: Decimal | None = None  # amount by manual measurement [kg]


@dataclass(frozen=True, slots=True)
class Filled:
    """One hour or day with its amount, measured or filled."""

    start: int  # hour [s], or ordinal of the day
    amount: Decimal | None  # [kg]; None: could not be filled
    filled: bool
    reason: str = ""  # both languages
    taken_from: int | None = None  # start of the hour (day) whose amount was taken


@dataclass(frozen=True, slots=True)
class Amounts:
    """Amount of a period. `total` = `measured` + `filled`; `open` counts what could not be filled."""

    measured: Decimal  # [kg]
    filled: Decimal  # [kg]
    open: int
    parts: tuple[Filled, ...]

    @property
    def total(self) -> Decimal:
        """What is reported: measured and filled. [kg]"""
        return self.measured + self.filled


def look_back(capture: Decimal | Fraction, bad_hours: int, *, on: date, cause: str = INVALID) -> LookBack:
    """Valid hours whose highest amount stands for each hour of a gap: 180, 720 or 2160. [%, h -> h]

    Parameters
    ----------
    capture : Decimal or Fraction
        Capture rate of the quarter. [%]
    bad_hours : int
        Length of the gap. [h]
    cause : {"invalid", "out_of_control"}
        Fault or maintenance, or an out-of-control period.

    Raises
    ------
    BadInput
        For an unknown cause.

    References
    ----------
    .. [1] HJ 75-2017, substitution table (see ``hj75_2017.csv``).
    """
    rules(on, stack=True)
    if cause not in (INVALID, OUT_OF_CONTROL):
        raise BadInput(f"cause {cause!r} is unknown", field="cause", hint=f"{INVALID} or {OUT_OF_CONTROL}")
    share = Fraction(capture)
    if share < rule("capture_low"):
        return LookBack(None, "", "HJ 75-2017")
    if share < rule("capture_high"):
        code = f"{cause}_low_capture"
    else:
        code = f"{cause}_le_24h" if bad_hours <= rule("gap_short") else f"{cause}_gt_24h"
    row = table_row("hj75_2017.csv", code, group="substitution")
    return LookBack(int(row["value"]), code, row["standard"])


def fill_hours(
    hours: Sequence[AmountHour],
    capture: Decimal | Fraction,
    *,
    on: date,
    history: Sequence[AmountHour] = (),
    calibrations: Sequence[int] = (),
) -> Amounts:
    """Amounts of gas with the gaps filled.

    Each hour of a gap takes the highest amount of the last n valid hours before the fault (before the last good
    calibration when out of control). Where the table has no value a manual amount is taken, else the hour stays open.

    Parameters
    ----------
    hours : sequence of AmountHour
        In time order. Stopped hours emit nothing and end a gap.
    capture : Decimal or Fraction
        Capture rate of the quarter. [%]
    history : sequence of AmountHour
        Hours before the first, in time order.
    calibrations : sequence of int
        Times of good calibrations. [s]
    """
    before = [hour for hour in (*history, *hours) if hour.state == VALID and hour.amount is not None]
    parts: list[Filled] = []
    for state, group in groupby(hours, key=lambda hour: hour.state):
        run = list(group)
        if state == STOPPED:
            parts += [Filled(hour.start, Decimal(0), False, both("停运", "stopped")) for hour in run]
        elif state == VALID:
            parts += [Filled(hour.start, hour.amount, False) for hour in run]
        else:
            parts += _gap(run, state, capture, on=on, before=before, calibrations=calibrations)
    return _amounts(parts)


def _gap(
    run: Sequence[AmountHour], state: str, capture: Decimal | Fraction, *, on: date, before: Sequence[AmountHour],
    calibrations: Sequence[int],
) -> list[Filled]:  # fmt: skip
    back = look_back(capture, len(run), on=on, cause=state)
    moment = run[0].start
    if state == OUT_OF_CONTROL:
        moment = max((one for one in calibrations if one <= moment), default=moment)
    if back.hours is None:
        return [_manual(hour) for hour in run]
    window = [hour for hour in before if hour.start < moment][-back.hours :]
    if not window:
        why = both("之前无有效小时，不能替代", "no valid hour before it to take an amount from")
        return [Filled(hour.start, None, True, why) for hour in run]
    top = max(window, key=lambda hour: hour.amount or Decimal(0))
    short = len(window) < back.hours
    why = both(
        f"缺{len(run)}小时，取之前{len(window)}个有效小时排放量的最大值（应取{back.hours}个，{back.clause}）"
        if short else f"缺{len(run)}小时，取之前{back.hours}个有效小时排放量的最大值（{back.clause}）",
        f"gap of {len(run)} h: highest amount of the last {len(window)} valid hours"
        + (f" (of {back.hours} asked)" if short else "") + f" before it, {back.clause}",
    )  # fmt: skip
    return [Filled(hour.start, top.amount, True, why, top.start) for hour in run]


def _manual(hour: AmountHour) -> Filled:
    if hour.manual is not None:
        return Filled(hour.start, hour.manual, True, both("手工监测数据", "manual measurement"))
    low = rule("capture_low")
    why = both(
        f"捕集率低于{low}%，表中无替代值，须用手工数据或按许可规定",
        f"capture below {low} %: manual figures or the permit's rule",
    )
    return Filled(hour.start, None, True, why)


@dataclass(frozen=True, slots=True)
class LoadDay:
    """One day of water: its load, or why that is not known."""

    day: date
    load: Decimal | None  # [kg]
    state: str = VALID
    manual: Decimal | None = None  # load by manual readings [kg]
    manual_readings: int = 0


def fill_days(
    days: Sequence[LoadDay], *, on: date, history: Sequence[LoadDay] = (), last_good: date | None = None
) -> Amounts:
    """Loads of water with the gaps filled: manual readings first (at least 4 a day), else the highest load of the last
    30 valid days before the last good calibration or check. Concentration and flow stay missing (HJ 356-2019). [kg]"""
    rules(on, stack=False)
    look = int(table_row("hj356_2019.csv", "amount_normal")["value"])
    least = int(rule("manual_readings"))
    known = [one for one in (*history, *days) if one.state == VALID and one.load is not None]
    parts = []
    for one in days:
        start = one.day.toordinal()
        if one.state == STOPPED:
            parts.append(Filled(start, Decimal(0), False, both("停运", "stopped")))
        elif one.state == VALID and one.load is not None:
            parts.append(Filled(start, one.load, False))
        elif one.manual is not None and one.manual_readings >= least:
            why = both(f"手工监测{one.manual_readings}次", f"{one.manual_readings} manual readings")
            parts.append(Filled(start, one.manual, True, why))
        else:
            moment = min(one.day, last_good) if last_good else one.day
            window = [day for day in known if day.day < moment][-look:]
            if not window:
                why = both("之前无有效日，不能替代", "no valid day before it to take a load from")
                parts.append(Filled(start, None, True, why))
                continue
            top = max(window, key=lambda day: day.load or Decimal(0))
            why = both(
                f"取之前{len(window)}个有效日排放量的最大值（HJ 356-2019，应取{look}个）",
                f"highest load of the last {len(window)} valid days ({look} asked), HJ 356-2019",
            )
            parts.append(Filled(start, top.load, True, why, top.day.toordinal()))
    return _amounts(parts)


def _amounts(parts: Sequence[Filled]) -> Amounts:
    measured = sum((part.amount for part in parts if not part.filled and part.amount is not None), Decimal(0))
    filled = sum((part.amount for part in parts if part.filled and part.amount is not None), Decimal(0))
    return Amounts(measured, filled, sum(1 for part in parts if part.amount is None), tuple(parts))
