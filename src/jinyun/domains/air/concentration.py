"""Single concentrations against GB 3095: an hour, a day, a quarter or a year of any item that has a limit. Pure.

The 2026 edition judges attainment by concentration, not by index: after 2031-01-01 a day of PM2.5 = 55 has an index
below 100 and is over the limit all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from datetime import time as midnight
from decimal import Decimal

from jinyun.domains.air.evaluation import evaluation, name_of, number
from jinyun.domains.air.limits import item as item_of
from jinyun.domains.air.limits import limit_row, limits_edition
from jinyun.kernel.errors import BadInput
from jinyun.kernel.rounding import round_gb
from jinyun.kernel.terms import Period, Status, Verdict, VerdictItem, Window, instant, window_of
from jinyun.methods import statistics
from jinyun.methods.measured import MISSING_EN, MISSING_ZH, both
from jinyun.methods.wording import listed, unit_words, window_words

JUDGE = "air.concentration"

PERIODS: Mapping[str, Period] = {
    "hourly": Period.HOUR, "daily": Period.DAY, "daily_max_8h": Period.DAY, "monthly": Period.MONTH,
    "quarterly": Period.QUARTER, "annual": Period.YEAR,
}  # fmt: skip
"""Averaging times of GB 3095 and the window each is judged over."""


def judge_concentration(
    name: str,
    values: Mapping[str, Decimal | None],
    *,
    averaging: str,
    day: date,
    grade: str = "level2",
    window: Window | None = None,
) -> Verdict:
    """Judge means of one averaging time against their limits; a value equal to its limit complies.

    Parameters
    ----------
    values : Mapping[str, Decimal | None]
        By item of GB 3095 (see `limits.items`); None is missing. With ``daily`` O3 is its daily maximum 8 h mean.
        Rounded once to the edition's places, then compared. [µg/m³; CO mg/m³]
    averaging : str
        ``hourly``, ``daily``, ``daily_max_8h``, ``quarterly`` or ``annual``.
    day : date
        Date of the data: chooses edition and stage.
    grade : str
        ``level1``, ``level2``; ``reference``: values of annex A, which bind nobody and are called so.

    Raises
    ------
    UnknownFactor
        For an item that GB 3095 does not know.
    BadInput
        For an unknown averaging time.

    References
    ----------
    .. [1] GB 3095, tables 1, 2 and A.1.
    """
    if averaging not in PERIODS:
        raise BadInput(f"unknown averaging {averaging!r}", field="averaging", hint=f"one of {', '.join(PERIODS)}")
    standard, stage = limits_edition(day)
    items = tuple(_item(key, value, averaging, day, grade) for key, value in values.items())
    over = tuple(one.factor for one in items if one.status is Status.EXCEEDS)
    judged = [one for one in items if one.status is not Status.CANNOT_JUDGE]
    status = Status.EXCEEDS if over else Status.ATTAINS if len(judged) == len(items) > 0 else Status.CANNOT_JUDGE
    window = window or window_of(PERIODS[averaging], instant(datetime.combine(day, midnight.min)))
    zh, en = _sentences(name, window, items, status)
    lone = items[0] if len(items) == 1 else None
    return Verdict(
        judge=JUDGE,
        subject=name,
        window=window,
        status=status,
        figure=None if lone is None else lone.figure,
        unit="" if lone is None else lone.unit,
        limit=None if lone is None else lone.limit,
        clause=standard + (f"（{'过渡' if stage == 'transition' else '最终'}阶段）" if stage else ""),
        edition=standard,
        level={Status.ATTAINS: number("level_attains"), Status.EXCEEDS: number("level_exceeds")}.get(status),
        label_zh={Status.ATTAINS: "达标", Status.EXCEEDS: "超标", Status.CANNOT_JUDGE: "无法评价"}[status],
        label_en={Status.ATTAINS: "attains", Status.EXCEEDS: "exceeds", Status.CANNOT_JUDGE: "cannot be judged"}[
            status
        ],
        deciding=over,
        items=items,
        sentence_zh=zh,
        sentence_en=en,
        extra={"stage": stage, "grade": grade, "averaging": averaging, "indicative": grade == "reference"},
    )


def _item(name: str, value: Decimal | None, averaging: str, day: date, grade: str) -> VerdictItem:
    rules = evaluation(day)
    unit = item_of(name).unit
    period = "daily_max_8h" if name == "o3" and averaging == "daily" else averaging
    row = limit_row(name, period, day, grade)
    text = None if row is None else format(row.value or 0, "f")
    clause = "" if row is None else row.clause
    if value is None:
        return VerdictItem(
            name, None, unit, Status.CANNOT_JUDGE, text, clause=clause, reason=both(MISSING_ZH, MISSING_EN)
        )
    if value < 0:
        return VerdictItem(
            name,
            None,
            unit,
            Status.CANNOT_JUDGE,
            text,
            clause=clause,
            reason=both("负值，无效", "below zero: not valid"),
        )
    long = PERIODS[averaging] in (Period.MONTH, Period.QUARTER, Period.YEAR)
    places = rules.places if long else rules.value_places
    figure = round_gb(value, places[name]) if name in places else value
    if row is None or row.value is None:
        reason = both("标准未规定该项限值", "the standard sets no such limit")
        return VerdictItem(name, format(figure, "f"), unit, Status.CANNOT_JUDGE, reason=reason)
    met = row.met_by(figure)
    multiple = None if met else str(statistics.multiple(figure, row.value, rules.multiple_places))
    return VerdictItem(
        name,
        format(figure, "f"),
        unit,
        Status.ATTAINS if met else Status.EXCEEDS,
        text,
        multiple=multiple,
        clause=clause,
    )


def _sentences(name: str, window: Window, items: tuple[VerdictItem, ...], status: Status) -> tuple[str, str]:
    when_zh, when_en = window_words(window)
    if status is Status.CANNOT_JUDGE:
        lost = [one for one in items if one.status is Status.CANNOT_JUDGE]
        zh = "；".join(f"{name_of(one.factor)}：{one.reason.partition(' | ')[0]}" for one in lost) or "无数据"
        en = "; ".join(f"{name_of(o.factor, english=True)}: {o.reason.partition(' | ')[2]}" for o in lost) or "no data"
        return f"{name}{when_zh}无法评价：{zh}。", f"{name}, {when_en}: cannot be judged: {en}."
    shown = [_words(one) for one in items if one.status is status]
    zh, en = listed(one for one, _ in shown), listed((one for _, one in shown), english=True)
    if status is Status.EXCEEDS:
        return f"{name}{when_zh}超标：{zh}。", f"{name}, {when_en}: over the limit: {en}."
    return f"{name}{when_zh}达标：{zh}。", f"{name}, {when_en}: attains: {en}."


def _words(one: VerdictItem) -> tuple[str, str]:
    """``PM2.5浓度62 μg/m³（限值60，超标0.03倍）``"""
    figure = f"{one.figure}{unit_words(one.unit)}"
    over_zh, over_en = ("", "") if one.multiple is None else (f"，超标{one.multiple}倍", f", {one.multiple} times over")
    return (
        f"{name_of(one.factor)}浓度{figure}（限值{one.limit}{over_zh}）",
        f"{name_of(one.factor, english=True)} {figure} (limit {one.limit}{over_en})",
    )
