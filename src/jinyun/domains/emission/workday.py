"""A day of one stack, step by step, as an auditor walks it: rules §7.7. Pure.

flag → minute validity → hour mean → reference oxygen → condition mark → exceedance → amount → rates. Every step leaves
what it did in `WorkHour`, so that each figure of the day can be followed back by hand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from fractions import Fraction

from jinyun.domains.emission import marking, rates, substitution
from jinyun.domains.emission.emission_limit import EmissionLimit
from jinyun.domains.emission.outlet import judge_outlet
from jinyun.domains.emission.rate import emission_rate
from jinyun.domains.emission.rules import rule_text
from jinyun.domains.emission.substitution import AmountHour, Amounts
from jinyun.domains.emission.validity import Mean, Sample, hour_mean
from jinyun.kernel.flags import flag_words
from jinyun.kernel.terms import CHINA, Flag, Period, Status, Verdict, Window, china_time, instant, window_of

Minutes = Mapping[int, Sample]
"""Samples of one factor by the start of their minute. [s]"""

OXYGEN = "o2"
MINUTE_S, HOUR_S = 60, 3600


@dataclass(frozen=True, slots=True)
class WorkHour:
    """One hour of one factor with what each step made of it."""

    start: int  # [s]
    factor: str
    received: int  # samples that came
    flags: Mapping[str, int]  # step 1: by flag, in words
    mean: Mean  # steps 2 and 3
    oxygen: Decimal | None  # step 4 [%]
    effect: marking.Effect  # step 5
    verdict: Verdict | None  # step 6; None: not judged, `why` says why not
    amount: Decimal | None  # step 7 [kg]
    state: str  # valid, stopped, invalid, out_of_control
    why: str = ""

    def line(self, *, english: bool = False) -> str:
        """The hour in words: its number, valid of received samples, mean, judged figure, answer, and why."""
        mean = "—" if self.mean.value is None else f"{self.mean.value:f}"
        item = self.verdict.items[0] if self.verdict and self.verdict.items else None
        label = "" if self.verdict is None else self.verdict.label_en if english else self.verdict.label_zh
        number = china_time(self.start).hour
        figure = item.figure if item and item.figure else "—"
        reason = self.why.split(" | ")[-1 if english else 0]
        head = f"{number:02d} {self.mean.used}/{self.received} {mean} → {figure}"
        return " ".join(part for part in (head, label, reason) if part)


@dataclass(frozen=True, slots=True)
class WorkDay:
    """A day of one stack and one factor."""

    factor: str
    window: Window
    hours: tuple[WorkHour, ...]
    exceeded: tuple[int, ...]  # starts of the hours above the limit [s]
    status: Status
    amounts: Amounts
    transmission: rates.Rate
    valid: rates.Rate
    effective: rates.Rate

    def lines(self, *, english: bool = False) -> list[str]:
        """The day in words, one line per hour, then amounts and rates."""
        found = [hour.line(english=english) for hour in self.hours]
        words = ("measured", "filled", "open hours") if english else ("实测", "替代", "未替代小时")
        done = self.amounts
        measured, filled = (f"{one.normalize():f}" for one in (done.measured, done.filled))
        found.append(f"{words[0]} {measured} kg, {words[1]} {filled} kg, {words[2]} {done.open}")
        for rate in (self.transmission, self.valid, self.effective):
            definition = rate.definition_en if english else rate.definition_zh
            value = "—" if rate.value is None else f"{rate.value:f}"
            found.append(f"{rate.name} {value} % ({definition})")
        return found


def work_day(
    name: str,
    factor: str,
    samples: Mapping[str, Minutes],
    limits: Sequence[EmissionLimit],
    *,
    day: date,
    marks: Sequence[marking.Mark] = (),
    stopped: Collection[int] = (),
    capture: Decimal | Fraction | None = None,
    history: Sequence[AmountHour] = (),
    calibrations: Sequence[int] = (),
    step_minutes: int = 1,
) -> WorkDay:
    """Walk one day of minute data of a stack through the whole order of work.

    Parameters
    ----------
    name : str
        The outlet.
    factor : str
        Judged factor, e.g. ``stack_nox``; its measured dry concentration. [factor's unit]
    samples : mapping
        By factor: the judged one, ``o2`` [%] and ``gas_flow`` (dry standard) [m3/s].
    limits : sequence of EmissionLimit
        Of this factor by the hour; others are passed over.
    stopped : collection of int
        Starts of hours in which the plant did not run: they emit nothing and are not due. [s]
    capture : Decimal or Fraction, optional
        Capture rate of the quarter for substituted amounts; None: of this day. [%]
    history, calibrations
        See `substitution.fill_hours`.
    step_minutes : int
        Minutes a sample stands for. [min]

    References
    ----------
    .. [1] HJ 75-2017; 公告2022年第21号; HJ 942-2018 (any valid hour above the limit is an exceedance).
    """
    window = window_of(Period.DAY, instant(datetime.combine(day, time(), CHINA)))
    mine = [one for one in limits if one.factor == factor and one.period == "hour"]
    hours = [
        _hour(
            name, factor, samples, mine, start=start, day=day, marks=marks, step_minutes=step_minutes,
            stopped=start in stopped,
        )
        for start in range(window.start, window.end, HOUR_S)
    ]  # fmt: skip
    amounts = [AmountHour(hour.start, hour.amount, hour.state) for hour in hours]
    still = sum(1 for hour in hours if hour.state == substitution.STOPPED)
    lost = sum(1 for hour in hours if hour.state not in (substitution.STOPPED, substitution.VALID))
    if capture is None:
        capture = rates.capture_rate(len(hours), still, lost).exact or Fraction(0)
    filled = substitution.fill_hours(amounts, capture, on=day, history=history, calibrations=calibrations)
    running = [hour for hour in hours if hour.state != substitution.STOPPED]
    due = len(running) * HOUR_S // MINUTE_S // step_minutes
    received = sum(hour.received for hour in running)
    transmission = rates.transmission_rate(min(received, due), due)
    valid = rates.valid_rate(sum(hour.mean.used for hour in running), received)
    over = tuple(hour.start for hour in hours if hour.verdict and hour.verdict.status is Status.EXCEEDS)
    judged = [hour for hour in hours if hour.verdict and hour.verdict.status is not Status.CANNOT_JUDGE]
    status = Status.EXCEEDS if over else Status.ATTAINS if judged else Status.CANNOT_JUDGE
    effective = rates.effective_transmission_rate(transmission, valid)
    return WorkDay(factor, window, tuple(hours), over, status, filled, transmission, valid, effective)


def _hour(
    name: str,
    factor: str,
    samples: Mapping[str, Minutes],
    limits: Sequence[EmissionLimit],
    *,
    start: int,
    day: date,
    marks: Sequence[marking.Mark],
    step_minutes: int,
    stopped: bool,
) -> WorkHour:
    def rows(which: str) -> list[Sample]:
        found = samples.get(which, {})
        return [found[at] for at in range(start, start + HOUR_S, step_minutes * MINUTE_S) if at in found]

    got = rows(factor)
    flags = Counter(flag_words(one.flag)[0] for one in got)
    mean = hour_mean(got, day, step_minutes=step_minutes)
    oxygen = hour_mean(rows(OXYGEN), day, step_minutes=step_minutes).value
    flow = hour_mean(rows(rule_text("flow", "stack")), day, step_minutes=step_minutes).value
    effect = marking.effect_on(marks, start, factor)
    state = _state(got, mean, effect, stopped)
    done = WorkHour(start, factor, len(got), dict(flags), mean, oxygen, effect, None, None, state)
    if state == substitution.STOPPED:
        return replace(done, why="停运 | stopped")
    if state != substitution.VALID:
        return replace(done, why=effect.reason or mean.reason)
    assert mean.value is not None
    amount = None if flow is None else emission_rate(mean.value, flow * HOUR_S)
    if amount is None:
        done = replace(done, state=substitution.INVALID)
    if not effect.judged:
        return replace(done, amount=amount, why=effect.reason)
    held = [replace(one, value=effect.limit) for one in limits] if effect.limit is not None else limits
    verdict = judge_outlet(
        name, {factor: mean.value}, held, day=day, window=Window(Period.HOUR, start, start + HOUR_S), oxygen=oxygen,
        judge="emission.outlet_hour",
    )  # fmt: skip
    why = effect.reason or (verdict.items[0].reason if verdict.items else "")
    return replace(done, amount=amount, verdict=verdict, why=why)


def _state(got: Sequence[Sample], mean: Mean, effect: marking.Effect, stopped: bool) -> str:
    """Valid, stopped, invalid or out of control: by the marks first, then by what most samples say.

    An instrument that stopped is not a plant that stopped: only the plant's own flag or word makes an hour emit
    nothing.
    """
    if stopped or (got and all(one.flag is Flag.SOURCE_STOPPED for one in got)):
        return substitution.STOPPED
    if not effect.valid:
        return substitution.INVALID
    if mean.valid:
        return substitution.VALID
    control = sum(1 for one in got if one.flag is Flag.OUT_OF_CONTROL)
    return substitution.OUT_OF_CONTROL if control * 2 > len(got) else substitution.INVALID
