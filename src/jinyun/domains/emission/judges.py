"""Judges of outlets: now (indicative), by the hour and by the day, against the outlet's permit limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from jinyun.domains.emission import values
from jinyun.domains.emission.limits import BadLimit, Limit
from jinyun.domains.emission.outlet_limits import limits_in_force
from jinyun.domains.emission.rules import rule, rule_text, rules
from jinyun.domains.emission.values import Context, mean_of
from jinyun.kernel.declare import Judge, JudgeInput
from jinyun.kernel.factors import factor as factor_of
from jinyun.kernel.factors import factors
from jinyun.kernel.terms import Period, Stat, Status, Verdict, VerdictItem
from jinyun.methods.measured import Index, Measured, both, index
from jinyun.methods.statistics import multiple, printed
from jinyun.methods.wording import listed, unit_words, window_words

KINDS = ("water_outlet", "stack_outlet", "river_outlet")
NEEDS = ("outlet", "permit_limit", "standard_limit")


@dataclass(frozen=True, slots=True)
class Judged:
    """One limit with the value held against it."""

    limit: Limit
    measured: Measured
    over: bool
    ratio: Decimal  # value / limit, for order only
    item: VerdictItem


Chosen = Callable[[Sequence[Limit], bool], list[Limit]]


def _hourly(limits: Sequence[Limit], stack: bool) -> list[Limit]:
    """Hour limits, and the pH of water, which each reading must keep whatever the period of its limit."""
    hour = [one for one in limits if one.period == "hour"]
    have = {one.factor for one in hour}
    return hour + [one for one in limits if not stack and one.factor == "ph" and "ph" not in have]


def _daily(limits: Sequence[Limit], _: bool) -> list[Limit]:
    """Day limits; gas is judged by every valid hour, so its hour limits are no part of the day."""
    return [one for one in limits if one.period == "day"]


def _nearest(limits: Sequence[Limit], _: bool) -> list[Limit]:
    """For an indication the hour limit, and where there is none the day limit."""
    hour = [one for one in limits if one.period == "hour"]
    have = {one.factor for one in hour}
    return hour + [one for one in limits if one.period == "day" and one.factor not in have]


def _judge(
    judge_id: str, choose: Chosen, measure: Callable[[Limit, Context], Measured], period: str
) -> Callable[[JudgeInput], Verdict | None]:
    def run(given: JudgeInput) -> Verdict | None:
        if not given.readings:
            return None
        day, stack = given.day, given.site.kind == "stack_outlet"
        outlets = given.records.get("outlet", ())
        groups = index(given.readings)
        here, due = {name for name, _, _ in groups}, given.monitored
        found, bad = limits_in_force(
            day, given.records.get("permit_limit", ()), outlets, given.records.get("standard_limit", ()),
            jurisdiction=given.site.jurisdiction, stack=stack, facts=_facts(groups),
        )  # fmt: skip
        limits = choose([one for one in found if _may_be_judged(one, here, due, judge_id)], stack)
        bad = [one for one in bad if one.period == period and (not one.reason or one.factor in here or not one.factor)]
        if not limits and not bad:
            return None
        context = Context(groups, given.window, rules(day, stack=stack), stack)
        clause = clause_of(judge_id, context)
        judged: list[Judged] = []
        absent: list[str] = []
        for limit in limits:
            if due is not None and limit.factor not in here and limit.factor not in due:
                absent.append(limit.factor)  # never measured online: not the same as missing
                continue
            judged.append(_held(limit, measure(limit, context), clause, daily=limit.period == "day"))
        if not judged and not bad:
            return None
        return _verdict(judge_id, given, context, judged=judged, bad=bad, absent=absent, clause=clause)

    return run


def _may_be_judged(limit: Limit, here: set[str], due: frozenset[str] | None, judge_id: str) -> bool:
    """A standard limits far more than an outlet measures online: what it never measures is no part of the verdict."""
    if not limit.standard:
        return True
    seen = here | (due or frozenset())
    if limit.kind == "rate":
        return judge_id == "emission.outlet_hour" and {limit.factor, rule_text("flow", "stack")} <= seen
    return limit.factor in seen


def _facts(groups: Index) -> dict[str, Decimal]:
    """What the readings themselves say that a limit may depend on: the water's temperature."""
    temperature = mean_of(groups, "water_temp")
    return {} if temperature is None else {"water_temp": temperature}


def clause_of(judge_id: str, context: Context) -> str:
    """The rule by which a value is held against the limit."""
    if judge_id == "emission.outlet_now":
        return "实时读数，仅供参考"
    if context.stack:
        return "HJ 942-2018 小时均值" if judge_id == "emission.outlet_hour" else f"{context.rules.standard} 日均值"
    return "小时均值" if judge_id == "emission.outlet_hour" else f"{context.rules.standard} 日均值"


def _held(limit: Limit, measured: Measured, clause: str, *, daily: bool) -> Judged:
    name = factor_of(limit.factor)
    basis = f"{limit.basis}；{clause}" if limit.basis else f"许可限值；{clause}"
    if measured.value is None:
        item = VerdictItem(
            limit.factor, None, limit.unit, Status.CANNOT_JUDGE, limit.text, clause=basis, reason=measured.reason,
            readings=measured.refs,
        )  # fmt: skip
        return Judged(limit, measured, False, Decimal(-1), item)
    over = limit.over(measured.value)
    ratio, times = Decimal(0), None
    if limit.high:
        ratio = measured.value / limit.high
        if over and limit.factor != "ph" and measured.value > limit.high:
            times = str(multiple(measured.value, limit.high, int(rule("multiple_places"))))
    status = Status.EXCEEDS if over else Status.ATTAINS
    reason = measured.reason
    if measured.non_detect and over:
        status, over = Status.CANNOT_JUDGE, False
        reason = both("检出限高于限值，无法判定", "the detection limit is above the limit: cannot be told")
    if limit.undecided(measured.value):
        status, over, reason, times = Status.CANNOT_JUDGE, False, limit.why_open, None
    if limit.converted:
        reason = both("折算值；" + reason.split(" | ")[0], "converted value; " + reason.split(" | ")[-1])
    if daily and measured.basis == "now":
        reason = both(
            "与日均限值比较，仅供参考；" + reason.split(" | ")[0], "against the day limit; " + reason.split(" | ")[-1]
        )
    if limit.kind == "rate":
        reason = both("排放速率；" + reason.split(" | ")[0], "emission rate; " + reason.split(" | ")[-1])
    if limit.beside:
        notes = [reason.split(" | "), limit.beside.split(" | ")] if reason else [limit.beside.split(" | ")]
        reason = both("；".join(note[0] for note in notes), "; ".join(note[-1] for note in notes))
    item = VerdictItem(
        limit.factor, printed(measured.value, name.decimals or 0), limit.unit, status, limit.text, multiple=times,
        clause=basis, reason=reason, readings=measured.refs,
    )  # fmt: skip
    return Judged(limit, measured, over, ratio, item)


def _verdict(
    judge_id: str,
    given: JudgeInput,
    context: Context,
    *,
    judged: list[Judged],
    bad: list[BadLimit],
    absent: list[str],
    clause: str,
) -> Verdict:
    over = sorted((one for one in judged if one.over), key=lambda one: -one.ratio)
    unsure = [one for one in judged if one.item.status is Status.CANNOT_JUDGE]
    status = Status.EXCEEDS if over else Status.ATTAINS
    if not over and (unsure or bad or not judged):
        status = Status.CANNOT_JUDGE  # a limited factor without a valid value is not known to attain
    head = over[0] if over else max(judged, key=lambda one: one.ratio, default=None)
    known = head if head is not None and head.item.figure is not None else None
    level = {Status.EXCEEDS: int(rule("level_exceeds")), Status.ATTAINS: int(rule("level_attains"))}.get(status)
    words = {
        Status.EXCEEDS: ("超标", "exceeds"), Status.ATTAINS: ("达标", "attains"),
        Status.CANNOT_JUDGE: ("无法判定", "cannot be judged"),
    }[status]  # fmt: skip
    refused = [
        VerdictItem(
            one.factor, None, _unit(one.factor), Status.CANNOT_JUDGE, reason=one.reason or both("限值登记有误", one.why)
        )
        for one in bad
    ]
    zh, en = _sentences(given, judge_id, status, judged=judged, over=over, unsure=unsure, bad=bad)
    extra: dict[str, Any] = {
        "limit_records": [one.limit.id for one in judged],
        "not_monitored": absent,
        "missing": [one.limit.factor for one in unsure],
        "indicative": judge_id == "emission.outlet_now",
    }
    basis = known.limit.basis if known else ""
    return Verdict(
        judge=judge_id,
        subject=given.site.id,
        window=given.window,
        status=status,
        figure=known.item.figure if known else None,
        unit=known.item.unit if known else "",
        limit=known.item.limit if known else None,
        clause=f"{basis or '许可限值'}；{clause}",
        edition=context.rules.standard,
        level=level,
        label_zh=words[0],
        label_en=words[1],
        deciding=tuple(one.limit.factor for one in over),
        items=tuple(one.item for one in judged) + tuple(refused),
        sentence_zh=zh,
        sentence_en=en,
        extra=extra,
    )


def _unit(factor: str) -> str:
    known = factors().get(factor)
    return known.unit if known else ""


def _told(one: Judged, english: bool) -> str:
    name, item = factor_of(one.limit.factor), one.item
    unit = unit_words(item.unit)
    zs_zh, zs_en = ("折算", "converted ") if one.limit.converted else ("", "")
    if one.limit.kind == "rate":
        zs_zh, zs_en = "排放速率", "rate of "
    if english:
        over = f", {item.multiple} times over" if item.multiple else ""
        return f"{zs_en}{name.en} {item.figure}{unit} against {item.limit}{unit}{over}"
    over = f"，超标{item.multiple}倍" if item.multiple else ""
    return f"{name.zh}{zs_zh}{item.figure}{unit}，限值{item.limit}{unit}{over}"


def _sentences(
    given: JudgeInput,
    judge_id: str,
    status: Status,
    *,
    judged: list[Judged],
    over: list[Judged],
    unsure: list[Judged],
    bad: list[BadLimit],
) -> tuple[str, str]:
    """Two sentences that can be read out."""
    when_zh, when_en = window_words(given.window)
    kind_zh, kind_en = {
        "emission.outlet_now": ("最新读数", "newest readings"),
        "emission.outlet_hour": ("小时均值", "hour mean"),
        "emission.outlet_day": ("日均值", "day mean"),
    }[judge_id]
    zh, en = f"{given.site.name}{when_zh}{kind_zh}", f"{given.site.name}, {when_en}, {kind_en}: "
    lost = [factor_of(one.limit.factor) for one in unsure] + [factors()[b.factor] for b in bad if b.factor in factors()]
    lost_zh, lost_en = listed(f.zh for f in lost), listed((f.en for f in lost), english=True)
    if status is Status.EXCEEDS:
        zh += "超标：" + "；".join(_told(one, False) for one in over)
        en += "exceeds, " + "; ".join(_told(one, True) for one in over)
    elif status is Status.ATTAINS:
        top = max(judged, key=lambda one: one.ratio)
        zh += f"{len(judged)}项均达标，最接近限值的是{_told(top, False)}"
        en += f"all {len(judged)} items attain, nearest to its limit {_told(top, True)}"
    else:
        zh += "无法判定"
        en += "cannot be judged"
    if lost:
        zh, en = f"{zh}；{lost_zh}有效数据不足", f"{en}; not enough valid data for {lost_en}"
    return f"{zh}。", f"{en}."


_MEANS = (Stat.AVG, Stat.MIN, Stat.MAX, Stat.ZS_AVG)

OUTLET_NOW = Judge(
    id="emission.outlet_now",
    zh="排放口最新读数（指示性）",
    en="Outlet now (indicative)",
    site_kinds=KINDS,
    period=Period.HOUR,
    reading_periods=(Period.REALTIME, Period.MINUTE, Period.TEN_MINUTE),
    stats=(Stat.RTD, Stat.ZS_RTD, Stat.AVG, Stat.ZS_AVG),
    run=_judge("emission.outlet_now", _nearest, values.now, "hour"),
    needs_records=NEEDS,
    on_arrival=True,
    newest_only=True,
)

OUTLET_HOUR = Judge(
    id="emission.outlet_hour",
    zh="排放口小时均值",
    en="Outlet, hourly",
    site_kinds=KINDS,
    period=Period.HOUR,
    reading_periods=(Period.HOUR, Period.MINUTE, Period.TEN_MINUTE, Period.REALTIME),
    stats=(*_MEANS, Stat.RTD, Stat.ZS_RTD),
    run=_judge("emission.outlet_hour", _hourly, values.hour, "hour"),
    needs_records=NEEDS,
)

OUTLET_DAY = Judge(
    id="emission.outlet_day",
    zh="排放口日均值",
    en="Outlet, daily",
    site_kinds=KINDS,
    period=Period.DAY,
    reading_periods=(Period.HOUR, Period.DAY),
    stats=_MEANS,
    run=_judge("emission.outlet_day", _daily, values.day, "day"),
    needs_records=NEEDS,
)
