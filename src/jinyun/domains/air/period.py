"""Evaluation of a month, quarter, year or any range by HJ 663 and GB 3095, in one edition. Pure.

An item attains a year when its annual mean *and* its percentile do; the year when all six items do. For a shorter
period the standards set no limit: the same comparison is made, and called indicative.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from jinyun.domains.air.composite import CompositeIndex, composite_index
from jinyun.domains.air.days import DayValues
from jinyun.domains.air.evaluation import (
    SIX,
    Enough,
    Evaluation,
    Statistic,
    enough_days,
    evaluation,
    natural,
    number,
    window_days,
)
from jinyun.domains.air.good_days import GoodDays, count_days
from jinyun.domains.air.limits import item as item_of
from jinyun.domains.air.limits import limit_row, limits_edition
from jinyun.domains.air.period_words import period_sentences
from jinyun.domains.air.reference import Rebased, rebase
from jinyun.kernel.errors import BadInput
from jinyun.kernel.rounding import round_gb
from jinyun.kernel.terms import Period, Status, Verdict, VerdictItem, Window
from jinyun.methods import statistics
from jinyun.methods.measured import both

__all__ = [
    "DayValues", "Figure", "ItemEvaluation", "PeriodEvaluation", "PeriodFigures", "Setting", "evaluate",
    "evaluate_item",
]  # fmt: skip

JUDGE = "air.period"

EXTRA_ITEMS = ("nox", "tsp", "pb", "benzo_a_pyrene")
"""Items of GB 3095 table 2: judged too where they are measured."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One statistic of an item against its limit. `attains` None: no limit, so nothing to compare."""

    kind: str  # "mean" or "percentile"
    per_cent: Decimal | None
    value: Decimal  # as printed by the edition
    exact: Fraction
    limit: Decimal | None
    limit_period: str
    clause: str
    attains: bool | None
    multiple: Decimal | None  # 超标倍数, only when it exceeds


@dataclass(frozen=True, slots=True)
class ItemEvaluation:
    """One item over a period."""

    item: str
    unit: str
    enough: Enough
    figures: tuple[Figure, ...]
    days: int  # valid
    attaining: int  # of them at or below the daily limit; 0 where there is none
    attain_rate: Decimal | None  # [%]; None: no valid day, or no daily limit
    daily_limit: Decimal | None
    status: Status

    def figure(self, kind: str) -> Figure | None:
        """Its ``mean`` or ``percentile``."""
        return next((one for one in self.figures if one.kind == kind), None)

    @property
    def mean(self) -> Decimal | None:
        """Mean as printed, None for an item that is not judged by one (CO, O3) or has no valid day."""
        found = self.figure("mean")
        return None if found is None else found.value

    @property
    def percentile(self) -> Decimal | None:
        """Percentile as printed, None likewise."""
        found = self.figure("percentile")
        return None if found is None else found.value

    @property
    def attains(self) -> bool | None:
        """None: cannot be judged."""
        return None if self.status is Status.CANNOT_JUDGE else self.status is Status.ATTAINS


@dataclass(frozen=True, slots=True)
class PeriodFigures:
    """All figures over one choice of days."""

    items: Mapping[str, ItemEvaluation]
    good_days: GoodDays
    index: CompositeIndex


@dataclass(frozen=True, slots=True)
class Setting:
    """What may be chosen beside the edition."""

    leave_out_stamps: tuple[str, ...] = ()
    not_monitored: tuple[str, ...] = ()  # items left out by plan: see `planned`
    places: Mapping[str, int] | None = None  # of statistics, instead of the edition's
    round_terms: bool = False
    weights: Mapping[str, Decimal] | str | None = None
    rebased: bool = False  # the days already are in one reference state


@dataclass(frozen=True, slots=True)
class PeriodEvaluation:
    """A judged period. `figures` are what the verdict rests on; both other sets are kept so that both can be shown."""

    name: str
    window: Window
    on: date
    grade: str
    days: tuple[DayValues, ...]  # those given inside the window, as they came
    verdict: Verdict
    figures: PeriodFigures
    all_days: PeriodFigures  # stamped days counted
    without_stamped: PeriodFigures | None  # stamped days left out; None: no day is stamped
    rebased: Rebased
    setting: Setting

    @property
    def items(self) -> Mapping[str, ItemEvaluation]:
        """By item, in the order of HJ 663; those of table 2 behind, where measured."""
        return self.figures.items

    @property
    def good_days(self) -> GoodDays:
        """Good days that the verdict rests on."""
        return self.figures.good_days

    @property
    def index(self) -> CompositeIndex:
        """Composite index that the verdict rests on."""
        return self.figures.index


def evaluate(
    name: str,
    days: Sequence[DayValues],
    window: Window,
    *,
    on: date,
    grade: str = "level2",
    leave_out_stamps: Collection[str] = (),
    setting: Setting | None = None,
) -> PeriodEvaluation:
    """Evaluate a period of one place.

    Parameters
    ----------
    name : str
        Who is judged, as printed.
    days : Sequence[DayValues]
        At most one per date; those outside the window are not looked at. A date without one is a missing day: it
        shrinks the denominators and is shown. [µg/m³; CO mg/m³]
    window : Window
        Month, quarter, year (the calendar's own), or any other range of whole days.
    on : date
        Chooses the editions of GB 3095, HJ 633 and HJ 663 for all days; gases are brought to its reference state.
    grade : str
        ``level1`` in class-1 areas, else ``level2``.
    leave_out_stamps : Collection[str]
        Stamps, e.g. ``sand_dust``, whose days the verdict leaves out. Both sets of figures are kept anyway.

    Returns
    -------
    PeriodEvaluation
        With `verdict`: attains, exceeds, or cannot be judged for want of valid days.

    Raises
    ------
    BadInput
        For two rows of one date, or an item that GB 3095 does not know.
    """
    setting = setting or Setting()
    if leave_out_stamps:
        setting = replace(setting, leave_out_stamps=tuple(leave_out_stamps))
    dates = window_days(window)
    inside = _inside(days, dates)
    turned = Rebased(inside, 0, Decimal(0), "", "") if setting.rebased else rebase(inside, on)
    stamps = set(setting.leave_out_stamps) or {stamp for one in inside for stamp in one.stamps}
    stamped = {one.day for one in turned.days if one.stamps & stamps}
    every = _figures(turned.days, window, 0, on=on, grade=grade, setting=setting)
    fewer = None
    if stamped:
        kept = [one for one in turned.days if one.day not in stamped]
        fewer = _figures(kept, window, len(stamped), on=on, grade=grade, setting=setting)
    figures = fewer if fewer is not None and setting.leave_out_stamps else every
    found = PeriodEvaluation(
        name, window, on, grade, inside, _no_verdict(window), figures, every, fewer, turned, setting
    )
    return replace(found, verdict=_verdict(found))


def _inside(days: Sequence[DayValues], dates: Sequence[date]) -> tuple[DayValues, ...]:
    wanted, seen = set(dates), set()
    for one in days:
        if one.day in seen:
            raise BadInput(f"{one.day} is given twice", field="days", hint="one row per date")
        seen.add(one.day)
        for name in one.values:
            item_of(name.removesuffix("_1h"))
    return tuple(sorted((one for one in days if one.day in wanted), key=lambda one: one.day))


def _figures(
    days: Sequence[DayValues], window: Window, left_out: int, *, on: date, grade: str, setting: Setting
) -> PeriodFigures:
    rules = evaluation(on)
    if setting.places:
        rules = replace(rules, places={**rules.places, **setting.places})
    names = [name for name in SIX if name not in setting.not_monitored]
    names += [name for name in EXTRA_ITEMS if any(one.of(name) is not None for one in days)]
    items = {name: evaluate_item(name, days, window, rules, on=on, grade=grade) for name in names}
    good = count_days(
        days, on=on, calendar=len(window_days(window)), left_out=left_out, not_monitored=setting.not_monitored
    )
    terms = {name: _for_index(items[name]) for name in SIX if name in items}
    index = composite_index(terms, on, round_terms=setting.round_terms, weights=setting.weights)
    return PeriodFigures(items, good, index)


def _for_index(one: ItemEvaluation) -> Decimal | None:
    return one.mean if one.mean is not None else one.percentile


def evaluate_item(
    name: str, days: Sequence[DayValues], window: Window, rules: Evaluation, *, on: date, grade: str = "level2"
) -> ItemEvaluation:
    """One item over a period: its statistics, each against its limit, and the days at or below the daily limit.

    A value below zero is not valid. A figure is rounded once to the edition's places, then compared.
    """
    places = rules.value_places.get(name, 0)
    values = {one.day: value for one in days if (value := one.of(name)) is not None and round_gb(value, places) >= 0}
    enough = enough_days(name, list(values), window, rules)
    figures = tuple(
        _figure(name, one, list(values.values()), window, rules, on=on, grade=grade)
        for one in rules.statistics[name]
        if values
    )
    row = limit_row(name, "daily_max_8h" if name == "o3" else "daily", on, grade)
    daily = None if row is None else row.value
    below = 0 if daily is None else sum(round_gb(value, places) <= daily for value in values.values())
    rate = None
    if values and daily is not None:
        rate = statistics.round_fraction(Fraction(below * 100, len(values)), rules.rate_places)
    known = [one.attains for one in figures if one.attains is not None]
    if not known or enough.valid is False:
        status = Status.CANNOT_JUDGE
    else:
        status = Status.ATTAINS if all(known) else Status.EXCEEDS
    return ItemEvaluation(name, item_of(name).unit, enough, figures, len(values), below, rate, daily, status)


def _figure(
    name: str, one: Statistic, values: Sequence[Decimal], window: Window, rules: Evaluation, *, on: date, grade: str
) -> Figure:
    exact = statistics.mean(values) if one.per_cent is None else statistics.percentile(values, one.per_cent)
    value = statistics.round_fraction(exact, rules.places.get(name, 0))
    period = one.limit_period
    if period == "annual" and window.period is Period.QUARTER and limit_row(name, "quarterly", on, grade):
        period = "quarterly"
    row = limit_row(name, period, on, grade)
    if row is None or row.value is None:
        return Figure(one.kind, one.per_cent, value, exact, None, period, "", None, None)
    attains = row.met_by(value)
    over = None if attains else statistics.multiple(value, row.value, rules.multiple_places)
    return Figure(one.kind, one.per_cent, value, exact, row.value, period, row.clause, attains, over)


def _has_own_limit(window: Window, name: str) -> bool:
    """True where the standard itself limits a mean over such a period: a year, and the quarter of lead."""
    return natural(window) and (
        window.period is Period.YEAR or (window.period is Period.QUARTER and name == "pb")
    )  # fmt: skip


def _no_verdict(window: Window) -> Verdict:
    return Verdict(JUDGE, "", window, Status.CANNOT_JUDGE, None, "%", None, "", "", None, "", "", (), (), "", "")


def _verdict(found: PeriodEvaluation) -> Verdict:
    figures, rules = found.figures, evaluation(found.on)
    standard, stage = limits_edition(found.on)
    judged = figures.items.values()
    over = tuple(one.item for one in judged if one.status is Status.EXCEEDS)
    unknown = tuple(one.item for one in judged if one.status is Status.CANNOT_JUDGE)
    status = Status.EXCEEDS if over else Status.CANNOT_JUDGE if unknown else Status.ATTAINS
    label = {
        Status.ATTAINS: ("达标", "attains"), Status.EXCEEDS: ("不达标", "does not attain"),
        Status.CANNOT_JUDGE: ("无法评价", "cannot be judged"),
    }[status]  # fmt: skip
    level = {Status.ATTAINS: number("level_attains"), Status.EXCEEDS: number("level_exceeds")}.get(status)
    indicative = not (natural(found.window) and found.window.period is Period.YEAR)
    zh, en = period_sentences(found, status, over, unknown, indicative=indicative)
    good = figures.good_days
    return Verdict(
        judge=JUDGE,
        subject=found.name,
        window=found.window,
        status=status,
        figure=None if good.ratio is None else str(good.ratio),
        unit="%",
        limit=None,
        clause=f"{rules.standard}；{standard}"
        + (f"（{'过渡' if stage == 'transition' else '最终'}阶段）" if stage else ""),
        edition=rules.standard,
        level=level,
        label_zh=label[0],
        label_en=label[1],
        deciding=over,
        items=tuple(item for one in judged for item in _items(one, found.window)),
        sentence_zh=zh,
        sentence_en=en,
        extra={
            "indicative": indicative, "limits": standard, "stage": stage, "grade": found.grade,
            "index_standard": good.index_standard, "good_days": good.good, "valid_days": good.valid,
            "calendar_days": good.calendar, "missing_days": good.missing, "left_out_days": good.left_out,
            "heavy_days": good.heavy, "by_level": dict(good.by_level),
            "composite": None if figures.index.total is None else str(figures.index.total),
            "composite_main": list(figures.index.main), "not_judged": list(unknown),
            "rebased_days": found.rebased.changed, "kelvin": str(found.rebased.kelvin),
        },
    )  # fmt: skip


def _items(one: ItemEvaluation, window: Window) -> list[VerdictItem]:
    """One item of the verdict per figure: mean and percentile stand side by side, each with its own limit."""
    if not one.figures:
        reason = both(one.enough.note_zh or "无有效数据", one.enough.note_en or "no valid data")
        return [VerdictItem(one.item, None, one.unit, Status.CANNOT_JUDGE, reason=reason)]
    out = []
    for figure in one.figures:
        status = Status.CANNOT_JUDGE
        if figure.attains is not None and one.enough.valid is not False:
            status = Status.ATTAINS if figure.attains else Status.EXCEEDS
        zh, en = ["均值"], ["mean"]
        if figure.per_cent is not None:
            zh, en = [f"第{figure.per_cent}百分位数"], [f"percentile {figure.per_cent}"]
        elif not _has_own_limit(window, one.item):
            zh.append("标准未规定该时段均值限值，按年均限值比较")
            en.append("no limit is set for such a mean: compared with the annual one")
        if one.enough.note_zh:
            zh.append(one.enough.note_zh)
            en.append(one.enough.note_en)
        out.append(
            VerdictItem(
                one.item,
                format(figure.value, "f"),
                one.unit,
                status,
                None if figure.limit is None else format(figure.limit, "f"),
                grade="mean" if figure.per_cent is None else f"p{figure.per_cent}",
                multiple=None if figure.multiple is None else format(figure.multiple, "f"),
                clause=figure.clause,
                reason=both("；".join(zh), "; ".join(en)),
            )
        )
    return out
