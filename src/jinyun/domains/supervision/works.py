"""Works ledger 工程台账: how far a project lags behind its plan. Pure; lights of ``rules.csv`` (project choice)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from jinyun.domains.supervision.rules import compares, rule, rule_rows
from jinyun.kernel.errors import BadInput
from jinyun.methods.statistics import round_fraction

NOT_STARTED, NOT_FINISHED = "not_started", "not_finished"
WORST = "red"


@dataclass(frozen=True, slots=True)
class PlanPoint:
    """By the end of `date`, `share` of the year's plan is due. [1]"""

    date: date
    share: Decimal


@dataclass(frozen=True, slots=True)
class Lag:
    """Where a project stands."""

    due: Decimal  # money due by the day [10k yuan]
    ratio: Decimal | None  # done over due; None when nothing is due yet
    light: str  # green, yellow, red
    reasons: tuple[str, ...]  # not_started, not_finished: red whatever the money


def project_lag(
    day: date,
    plan: Decimal,
    done: Decimal,
    *,
    curve: Sequence[PlanPoint] = (),
    planned_start: date | None = None,
    started: date | None = None,
    planned_end: date | None = None,
    finished: date | None = None,
) -> Lag:
    """The lag of a project at the end of a day.

    Parameters
    ----------
    plan, done : Decimal
        Investment of the year, planned and done by `day`. [10k yuan]
    curve : sequence of PlanPoint
        Shares due, the last point reached holds until the next; empty: even over the days of the year.

    Raises
    ------
    BadInput
        For money below 0, or a curve that falls or leaves 0…1.

    Notes
    -----
    The light is decided by the exact ratio; what is printed is rounded by GB/T 8170.
    """
    if plan < 0 or done < 0:
        raise BadInput(f"plan {plan}, done {done}: money is not below 0", field="plan" if plan < 0 else "done")
    due = Fraction(plan) * (_on_curve(curve, day) if curve else _even(day))
    ratio = Fraction(done) / due if due else None
    reasons = tuple(
        why
        for why, planned, real in ((NOT_STARTED, planned_start, started), (NOT_FINISHED, planned_end, finished))
        if planned is not None and day > planned and (real is None or real > day)
    )
    return Lag(
        round_fraction(due, int(rule("lag_places", "due"))),
        None if ratio is None else round_fraction(ratio, int(rule("lag_places", "ratio"))),
        WORST if reasons else _light(ratio),
        reasons,
    )


def _even(day: date) -> Fraction:
    days = date(day.year, 12, 31).timetuple().tm_yday
    return Fraction(day.timetuple().tm_yday, days)


def _on_curve(curve: Sequence[PlanPoint], day: date) -> Fraction:
    line = sorted(curve, key=lambda point: point.date)
    shares = [point.share for point in line]
    if shares != sorted(shares) or not 0 <= shares[0] <= shares[-1] <= 1:
        raise BadInput("the curve's shares must rise from 0 to 1", field="curve")
    return max((Fraction(point.share) for point in line if point.date <= day), default=Fraction(0))


def _light(ratio: Fraction | None) -> str:
    if ratio is None:
        return next(iter(rule_rows("lag_light")))
    for light, row in rule_rows("lag_light").items():
        if compares(row["op"], ratio, Fraction(row["value"])):
            return light
    return WORST
