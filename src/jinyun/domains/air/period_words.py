"""The sentences of a judged period, as a bureau would read them out: Chinese and English. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from jinyun.domains.air.evaluation import name_of, natural
from jinyun.kernel.terms import Period, Status, Window, china_time
from jinyun.methods.wording import listed, unit_words, window_words

if TYPE_CHECKING:
    from jinyun.domains.air.good_days import GoodDays
    from jinyun.domains.air.period import Figure, ItemEvaluation, PeriodEvaluation


def span_words(window: Window) -> tuple[str, str]:
    """A month, quarter or year by its name; any other range by its first and last date."""
    if natural(window):
        return window_words(window)
    first, last = china_time(window.start).date(), china_time(window.end).date() - timedelta(days=1)
    zh = f"{first.year}年{first.month}月{first.day}日"
    if last == first:
        return zh, first.isoformat()
    return f"{zh}至{last.year}年{last.month}月{last.day}日", f"{first.isoformat()} to {last.isoformat()}"


def good_words(good: GoodDays) -> tuple[str, str]:
    """Good days with what they are counted of: the missing and the left-out days are said, never swallowed."""
    if good.ratio is None:
        return "无有效天数", "no valid day"
    zh = f"优良天数{good.good}天，优良天数比例{good.ratio}%（有效{good.valid}天，日历{good.calendar}天"
    en = f"{good.good} good days, {good.ratio} % ({good.valid} valid of {good.calendar} days"
    if good.missing:
        zh, en = f"{zh}，缺{good.missing}天", f"{en}, {good.missing} missing"
    if good.left_out:
        zh, en = f"{zh}，剔除{good.left_out}天", f"{en}, {good.left_out} left out"
    return f"{zh}），重度及以上污染{good.heavy}天", f"{en}), {good.heavy} heavily polluted"


def period_sentences(
    found: PeriodEvaluation, status: Status, over: Sequence[str], unknown: Sequence[str], *, indicative: bool
) -> tuple[str, str]:
    """Two sentences that can be read out."""
    figures, (when_zh, when_en) = found.figures, span_words(found.window)
    label_zh = {Status.ATTAINS: "达标", Status.EXCEEDS: "超标", Status.CANNOT_JUDGE: "有效数据不足，无法评价"}[status]
    label_en = {
        Status.ATTAINS: "attains", Status.EXCEEDS: "does not attain", Status.CANNOT_JUDGE: "cannot be judged"
    }[status]  # fmt: skip
    parts_zh = [f"{found.name}{when_zh}环境空气质量{label_zh}{'（指示性评价）' if indicative else ''}"]
    parts_en = [f"{found.name}, {when_en}: air quality {label_en}{' (indicative)' if indicative else ''}"]
    worst = [_worst(figures.items[name]) for name in over]
    if worst:
        parts_zh.append("超标项目：" + listed(_over(*pair) for pair in worst))
        parts_en.append("over the limit: " + listed((_over(*pair, english=True) for pair in worst), english=True))
    if unknown:
        parts_zh.append(f"{listed(name_of(name) for name in unknown)}有效数据不足")
        parts_en.append(
            f"not enough valid data for {listed((name_of(n, english=True) for n in unknown), english=True)}"
        )
    zh, en = good_words(figures.good_days)
    parts_zh.append(zh)
    parts_en.append(en)
    pm = figures.items.get("pm2_5")
    if pm is not None and pm.mean is not None:
        mean = f"{pm.mean}{unit_words(pm.unit)}"
        kind = "年均" if found.window.period is Period.YEAR and natural(found.window) else "均"
        parts_zh.append(f"PM2.5{kind}浓度{mean}")
        parts_en.append(f"mean PM2.5 {mean}")
    if figures.index.total is not None:
        parts_zh.append(f"综合指数{figures.index.total}，首要污染物{listed(name_of(n) for n in figures.index.main)}")
        main = listed((name_of(name, english=True) for name in figures.index.main), english=True)
        parts_en.append(f"composite index {figures.index.total}, led by {main}")
    zh, en = _stamped(found)
    if zh:
        parts_zh.append(zh)
        parts_en.append(en)
    if found.rebased.changed:
        parts_zh.append(found.rebased.note_zh)
        parts_en.append(found.rebased.note_en)
    if indicative:
        parts_zh.append("标准未规定该时段均值限值，均值与年均限值比较")
        parts_en.append("no limit is set for a mean over such a period, so the annual one is compared")
    return "；".join(parts_zh) + "。", "; ".join(parts_en) + "."


def _stamped(found: PeriodEvaluation) -> tuple[str, str]:
    """Both ratios, whichever the verdict rests on."""
    if found.without_stamped is None:
        return "", ""
    with_, without = found.all_days.good_days, found.without_stamped.good_days
    return (
        f"计入沙尘等标记日{with_.ratio}%，剔除标记日{without.left_out}天后{without.ratio}%",
        f"{with_.ratio} % with stamped days, {without.ratio} % without the {without.left_out} stamped days",
    )


def _worst(one: ItemEvaluation) -> tuple[ItemEvaluation, Figure]:
    over = [figure for figure in one.figures if figure.attains is False]
    return one, max(over, key=lambda figure: figure.multiple or 0)


def _over(one: ItemEvaluation, figure: Figure, *, english: bool = False) -> str:
    """``PM2.5均值38 μg/m³（限值35，超标0.09倍）``"""
    value, name = f"{figure.value}{unit_words(one.unit)}", name_of(one.item, english=english)
    if english:
        kind = "mean" if figure.per_cent is None else f"P{figure.per_cent}"
        return f"{name} {kind} {value} (limit {figure.limit}, {figure.multiple} times over)"
    kind = "均值" if figure.per_cent is None else f"第{figure.per_cent}百分位数"
    return f"{name}{kind}{value}（限值{figure.limit}，超标{figure.multiple}倍）"
