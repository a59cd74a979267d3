"""A period against the same one before 同比, both judged again by one edition; the three-year average. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from datetime import time as midnight
from decimal import Decimal
from fractions import Fraction

from jinyun.domains.air.days import DayValues
from jinyun.domains.air.evaluation import evaluation, name_of, natural, number, window_days
from jinyun.domains.air.limits import PACKAGE
from jinyun.domains.air.period import PeriodEvaluation, Setting, evaluate
from jinyun.domains.air.period_words import span_words
from jinyun.kernel.errors import BadInput
from jinyun.kernel.tables import csv_rows
from jinyun.kernel.terms import Period, Window, instant, window_of
from jinyun.methods.statistics import round_fraction
from jinyun.methods.wording import unit_words


@dataclass(frozen=True, slots=True)
class Change:
    """One figure now and before. `per_cent` None: not defined (before was zero, or one of both is missing)."""

    key: str  # pm2_5 mean: "pm2_5"; composite index: "composite"; "good_ratio", "heavy_days"
    now: Decimal | None
    before: Decimal | None
    difference: Decimal | None  # of a share: points 百分点
    per_cent: Decimal | None
    unit: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class YearOnYear:
    """Both periods by one edition; `changes` by key."""

    now: PeriodEvaluation
    before: PeriodEvaluation
    edition: str
    index_standard: str
    changes: Mapping[str, Change]
    sentence_zh: str
    sentence_en: str


def year_on_year(
    now: PeriodEvaluation | Sequence[DayValues],
    before: PeriodEvaluation | Sequence[DayValues],
    *,
    on: date,
    name: str = "",
    window: Window | None = None,
    before_window: Window | None = None,
    setting: Setting | None = None,
) -> YearOnYear:
    """Compare a period with an earlier one; both are judged again by the editions in force on `on`, and it says so.

    Parameters
    ----------
    now, before : PeriodEvaluation or Sequence[DayValues]
        What was judged (by whatever edition) or the bare days.
    window, before_window : Window, optional
        The periods; default: that of the evaluation, or the dates the days span (a whole month, quarter or year when
        they are just that).
    setting : Setting, optional
        For bare days.

    Notes
    -----
    Points of a share come from the exact shares, rounded once; per cent of a mean from the printed means, as bureaus
    reckon them.
    """
    later = _judged(now, on, name, window, setting)
    earlier = _judged(before, on, name or later.name, before_window, setting)
    changes = {one.key: one for one in _changes(later, earlier)}
    rules, index = evaluation(on), later.good_days.index_standard
    zh, en = _sentences(later, earlier, changes, rules.standard, index)
    return YearOnYear(later, earlier, rules.standard, index, changes, zh, en)


def _judged(
    what: PeriodEvaluation | Sequence[DayValues], on: date, name: str, window: Window | None, setting: Setting | None
) -> PeriodEvaluation:
    if isinstance(what, PeriodEvaluation):
        same = (name in ("", what.name), window in (None, what.window), setting in (None, what.setting), what.on == on)
        if all(same):
            return what  # judged by these editions already
        return evaluate(
            name or what.name,
            what.days,
            window or what.window,
            on=on,
            grade=what.grade,
            setting=setting or what.setting,
        )
    return evaluate(name, what, window or spanned(what), on=on, setting=setting)


def spanned(days: Sequence[DayValues]) -> Window:
    """The window from the first to the last of some days: the calendar's own month, quarter or year when it is one.

    Raises
    ------
    BadInput
        When there are no days.
    """
    if not days:
        raise BadInput("no days to compare", field="days", hint="name the window, or give at least one day")
    first, last = min(one.day for one in days), max(one.day for one in days)
    start = instant(datetime.combine(first, midnight.min))
    whole = Window(Period.DAY, start, instant(datetime.combine(last, midnight.min)) + 86400)
    for period in (Period.MONTH, Period.QUARTER, Period.YEAR):
        own = window_of(period, start)
        if (own.start, own.end) == (whole.start, whole.end):
            return own
    return whole


def _changes(now: PeriodEvaluation, before: PeriodEvaluation) -> list[Change]:
    found = [_points(now, before)]
    for name, one in now.items.items():
        other = before.items.get(name)
        known = evaluation(now.on).statistics[name]
        mean = any(figure.kind == "mean" for figure in known)
        value = one.mean if mean else one.percentile
        old = None if other is None else other.mean if mean else other.percentile
        zh, en = name_of(name), name_of(name, english=True)
        share = known[-1].per_cent
        zh, en = (f"{zh}均值", f"mean {en}") if mean else (f"{zh}第{share}百分位数", f"{en} P{share}")
        found.append(_relative(name, value, old, one.unit, (zh, en)))
    found.append(_relative("composite", now.index.total, before.index.total, "", ("综合指数", "composite index")))
    heavy = Decimal(now.good_days.heavy), Decimal(before.good_days.heavy)
    found.append(
        Change("heavy_days", *heavy, heavy[0] - heavy[1], None, "d", "重度及以上污染天数", "heavily polluted days")
    )
    return found


def _points(now: PeriodEvaluation, before: PeriodEvaluation) -> Change:
    a, b = now.good_days, before.good_days
    difference = None
    if a.exact is not None and b.exact is not None:
        difference = round_fraction(a.exact - b.exact, number("decimals_change"))
    return Change("good_ratio", a.ratio, b.ratio, difference, None, "%", "优良天数比例", "share of good days")


def _relative(key: str, now: Decimal | None, before: Decimal | None, unit: str, words: tuple[str, str]) -> Change:
    difference = per_cent = None
    if now is not None and before is not None:
        difference = now - before
        if before:
            per_cent = round_fraction(Fraction(difference * 100) / Fraction(before), number("decimals_change"))
    return Change(key, now, before, difference, per_cent, unit, *words)


def change_words(change: Change, against: str = "同比") -> tuple[str, str]:
    """One change as a bureau prints it: 优良天数比例94.5%，同比提高2.1个百分点; PM2.5均值36 μg/m³，同比下降5.3%."""
    if change.now is None:
        return f"{change.zh}无有效数据", f"{change.en}: no valid data"
    share = change.key == "good_ratio"
    figure = f"{change.now}{'%' if share else unit_words(change.unit) if change.unit != 'd' else ''}"
    zh_unit = "天" if change.unit == "d" else ""
    step = change.difference if share or change.unit == "d" else change.per_cent
    zh, en = f"{change.zh}{figure}{zh_unit}", f"{change.en} {figure}"
    if step is None:
        return f"{zh}，无法比较", f"{en}, not comparable"
    if not step:
        return f"{zh}，{against}持平", f"{en}, unchanged"
    size = abs(step)
    if share:
        word = ("提高", "up") if step > 0 else ("下降", "down")
        return f"{zh}，{against}{word[0]}{size}个百分点", f"{en}, {word[1]} {size} points"
    if change.unit == "d":
        word = ("增加", "more") if step > 0 else ("减少", "fewer")
        return f"{zh}，{against}{word[0]}{size}天", f"{en}, {size} {word[1]}"
    word = ("上升", "up") if step > 0 else ("下降", "down")
    return f"{zh}，{against}{word[0]}{size}%", f"{en}, {word[1]} {size} %"


def _sentences(
    now: PeriodEvaluation, before: PeriodEvaluation, changes: Mapping[str, Change], standard: str, index: str
) -> tuple[str, str]:
    (zh, en), (old_zh, old_en) = span_words(now.window), span_words(before.window)
    shown = [changes[key] for key in ("good_ratio", "pm2_5", "composite", "heavy_days") if key in changes]
    against = "同比" if before.window == same_period_last_year(now.window) else "较对比期"
    words = [change_words(one, against) for one in shown]
    return (
        f"{now.name}{zh}" + "；".join(one for one, _ in words)
        + f"（与{old_zh}相比，两期均按{standard}和{index}评价）。",
        f"{now.name}, {en}: " + "; ".join(one for _, one in words)
        + f" (against {old_en}, both by {standard} and {index}).",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ThreeYears:
    """Mean of the annual means of a year and the two before. `value` None: one of them is missing."""

    value: Fraction | None
    printed: Decimal | None
    years: tuple[int, ...]
    missing: tuple[int, ...]
    note_zh: str = "三年滑动平均：HJ 663-2026 引入，原文未见，仅供参考"
    note_en: str = "three-year moving average: brought in by HJ 663-2026, whose text was not seen; for information only"


def three_year_average(annual: Mapping[int, Decimal | None], year: int, *, item: str, on: date) -> ThreeYears:
    """Three-year moving average of annual means [µg/m³; CO mg/m³], all in one reference state (see `reference.rebase`).

    A hook: the rule of HJ 663-2026 was not seen, so nothing is judged by it.
    """
    rows = csv_rows(PACKAGE, "hj663_evaluation.csv")
    span = next(int(row["value"]) for row in rows if row["rule_code"] == "three_year_moving_average")
    years = tuple(range(year - span + 1, year + 1))
    missing = tuple(one for one in years if annual.get(one) is None)
    if missing:
        return ThreeYears(None, None, years, missing)
    value = sum((Fraction(annual[one] or 0) for one in years), Fraction(0)) / span
    return ThreeYears(value, round_fraction(value, evaluation(on).places.get(item, 0)), years, ())


def same_period_last_year(window: Window) -> Window:
    """The same calendar period one year earlier; for a range the same dates (29 February becomes the 28th)."""
    days = window_days(window)
    first, last = _year_before(days[0]), _year_before(days[-1])
    start = instant(datetime.combine(first, midnight.min))
    if natural(window):
        return window_of(window.period, start)
    return Window(window.period, start, instant(datetime.combine(last, midnight.min)) + 86400)


def _year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:  # 29 February
        return day.replace(year=day.year - 1, day=day.day - 1)
