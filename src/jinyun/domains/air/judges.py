"""Judges of ambient air: AQI by the hour and by the day, in the edition of the data's date."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from jinyun.domains.air.aqi import Aqi, aqi_daily, aqi_hourly, rounded
from jinyun.domains.air.health import health_text, sensitive_groups
from jinyun.domains.air.limits import (
    IndexEdition,
    Key,
    Validity,
    index_edition,
    limit,
    limits_edition,
    validity,
)
from jinyun.domains.air.means import HOURS, SPAN, max_8h
from jinyun.kernel.declare import Judge, JudgeInput
from jinyun.kernel.factors import factor as factor_of
from jinyun.kernel.terms import LENGTHS, Flag, Period, Reading, Stat, Status, Verdict, VerdictItem
from jinyun.methods.measured import (
    MISSING_EN,
    MISSING_ZH,
    Index,
    Measured,
    day_value,
    hour_value,
    index,
    ref,
    refused,
    seen,
    usable,
)
from jinyun.methods.statistics import round_fraction
from jinyun.methods.wording import listed, unit_words, window_words

KINDS = ("air_station", "air_micro")

CATEGORY_EN: Mapping[str, str] = {
    "优": "excellent", "良": "good", "轻度污染": "lightly polluted", "中度污染": "moderately polluted",
    "重度污染": "heavily polluted", "严重污染": "severely polluted",
}  # fmt: skip

CLASS_1_AREAS = frozenset({"1", "level1", "一类", "一类区", "一类功能区"})
"""How a site's `zone` names a class-1 area (reserves, parks): its limits are level 1; all others have level 2."""

O3_HOUR = "o3_1h"


@dataclass(frozen=True, slots=True)
class Report:
    """What an hourly and a daily report differ in."""

    judge: str
    measured: Mapping[str, Measured]  # by pollutant; the daily maximum 1 h mean of O3 under `O3_HOUR`
    result: Aqi
    limits: Mapping[str, Decimal | None]  # by the same keys


def pollutants(table: IndexEdition) -> tuple[str, ...]:
    """The items of the edition, in its order."""
    return tuple(dict.fromkeys(name for name, _ in table.items["daily"]))


def grade_of(site_data: Mapping[str, Any]) -> str:
    """Which level of limits holds at a site."""
    return "level1" if str(site_data.get("zone") or "") in CLASS_1_AREAS else "level2"


def left_out(given: JudgeInput, table: IndexEdition, here: Collection[str]) -> frozenset[str]:
    """Items that a site does not monitor by plan.

    A national or local station measures all items but those its record names (`not_monitored`, HJ 633-2026 5.3; see
    `planned`), so a silent one is missing. A micro-station measures what it has: an item it has not reported lately is
    not monitored, and its AQI is indicative only.
    """
    planned = frozenset(given.site.data.get("not_monitored") or ()) & set(pollutants(table))
    if given.site.kind != "air_micro":
        return planned
    return planned | (set(pollutants(table)) - set(here) - (given.monitored or frozenset()))


def judge_hour(given: JudgeInput) -> Verdict | None:
    """`air.aqi_hour`: six 1 h values, as published since 2018 and as HJ 633-2026 says."""
    day = given.day
    table, rules, groups = index_edition(day), validity(day), index(given.readings)
    here = seen(groups) & set(pollutants(table))
    if not here:
        return None
    out = left_out(given, table, here)
    measured = {
        name: _not_negative(
            hour_value(groups, name, given.window, least_minutes=rules.hour_minutes, places=table.places.get(name, 0)),
            table,
        )
        for name in pollutants(table)
        if name not in out
    }
    values = {name: one.value for name, one in measured.items()}
    grade = grade_of(given.site.data)
    limits = {name: limit(name, "hourly", day, grade) for name in measured}
    report = Report("air.aqi_hour", measured, aqi_hourly(values, table, not_monitored=out), limits)
    return _verdict(given, day, table, report)


def judge_day(given: JudgeInput) -> Verdict | None:
    """`air.aqi_day`: daily means of valid hours, O3 by its daily maximum 8 h mean (2012: and 1 h mean)."""
    day = given.day
    table, rules, groups = index_edition(day), validity(day), index(given.readings)
    here = seen(groups) & set(pollutants(table))
    if not here:
        return None
    out = left_out(given, table, here)
    grade = grade_of(given.site.data)
    measured: dict[str, Measured] = {}
    limits: dict[str, Decimal | None] = {}
    for name in pollutants(table):
        if name in out:
            continue
        if name == "o3":
            limits[name] = limit(name, "daily_max_8h", day, grade)
            measured[name] = _o3_day(groups, given, table, rules=rules, line=limits[name])
            if ("o3", "1h") in table.items["daily"]:
                limits[O3_HOUR] = limit(name, "hourly", day, grade)
                measured[O3_HOUR] = _o3_hour(groups, table)
            continue
        limits[name] = limit(name, "daily", day, grade)
        places = table.places.get(name, 0)
        measured[name] = _not_negative(day_value(groups, name, least_hours=rules.day_hours, places=places), table)
    values = {name: one.value for name, one in measured.items()}
    return _verdict(
        given, day, table, Report("air.aqi_day", measured, aqi_daily(values, table, not_monitored=out), limits)
    )


def _not_negative(one: Measured, table: IndexEdition) -> Measured:
    if one.value is None or rounded(one.factor, one.value, table) >= 0:
        return one
    return Measured(one.factor, why="negative", note_zh="负值，无效", note_en="below zero: not valid")


def _o3_rows(groups: Index) -> list[Reading]:
    return [row for row in groups.get(("o3", Stat.AVG, Period.HOUR), ()) if usable(row)]


def _o3_day(
    groups: Index, given: JudgeInput, table: IndexEdition, *, rules: Validity, line: Decimal | None
) -> Measured:
    rows: list[Reading | None] = [None] * HOURS
    for row in _o3_rows(groups):
        rows[(row.time - given.window.start) // LENGTHS[Period.HOUR]] = row
    sent = groups.get(("o3", Stat.AVG, Period.HOUR), ())
    if not sent:
        return Measured("o3", why="missing", note_zh=MISSING_ZH, note_en=MISSING_EN)
    found = max_8h([None if row is None else row.value for row in rows], line or Decimal(0), rules)
    if found.value is None and not any(rows):
        return refused("o3", sent)
    if found.value is None or not found.valid:
        return Measured(
            "o3", why="few", note_zh=f"有效8小时均值仅{found.windows}个，不足{rules.day_windows}个",
            note_en=f"only {found.windows} valid 8 h means of the {rules.day_windows} needed",
        )  # fmt: skip
    used = [row for row in rows[found.last_hour - SPAN : found.last_hour] if row is not None]
    return Measured(
        "o3", round_fraction(found.value, table.places.get("o3", 0)), "max_8h", len(used),
        refs=tuple(ref(row) for row in used), unflagged=any(row.flag is Flag.UNKNOWN for row in used),
        note_zh=f"日最大8小时平均（{found.last_hour - SPAN}–{found.last_hour}时），有效滑动均值{found.windows}个",
        note_en=f"daily maximum 8 h mean ({found.last_hour - SPAN}–{found.last_hour} h), {found.windows} valid means",
    )  # fmt: skip


def _o3_hour(groups: Index, table: IndexEdition) -> Measured:
    rows = _o3_rows(groups)
    if not rows:
        return Measured("o3", why="missing", note_zh=MISSING_ZH, note_en=MISSING_EN)
    top = max(rows, key=lambda row: row.value or Decimal(0))
    assert top.value is not None
    return Measured(
        "o3", rounded("o3", top.value, table), "max_1h", 1, refs=(ref(top),), unflagged=top.flag is Flag.UNKNOWN,
        note_zh="日最大1小时平均", note_en="daily maximum 1 h mean",
    )  # fmt: skip


def _item(table: IndexEdition, key: str, one: Measured, report: Report) -> VerdictItem:
    name, unit = one.factor, factor_of(one.factor).unit
    top = report.limits.get(key)
    limit_text = None if top is None else format(top, "f")
    clause = "HJ 633 / GB 3095"
    if one.value is None:
        return VerdictItem(name, None, unit, Status.CANNOT_JUDGE, limit_text, clause=clause, reason=one.reason)
    figure = rounded(name, one.value, table)
    keys: list[Key] = [k for k in report.result.iaqi if k[0] == name and (k == ("o3", "1h")) == (key == O3_HOUR)]
    if report.judge == "air.aqi_hour":
        keys = [k for k in report.result.iaqi if k[0] == name]
    part = max((report.result.iaqi[k] for k in keys), default=None)
    over = top is not None and figure > top
    if top is None and part is not None:
        over = part > table.good_up_to  # PM has no hourly limit: its index says it
    return VerdictItem(
        factor=name,
        figure=format(figure, "f"),
        unit=unit,
        status=Status.EXCEEDS if over else Status.ATTAINS,
        limit=limit_text,
        grade=None if part is None else str(part),
        clause=clause,
        reason=one.reason,
        readings=one.refs,
    )


def _verdict(given: JudgeInput, day: date, table: IndexEdition, report: Report) -> Verdict:
    result = report.result
    items = tuple(_item(table, key, one, report) for key, one in report.measured.items())
    standard, stage = limits_edition(day)
    daily = report.judge == "air.aqi_day"
    # The day attains by concentration (the 2026 text has no more exceedance pollutants); the hour by its index.
    over = any(item.status is Status.EXCEEDS for item in items) if daily else False
    good = result.value is not None and result.value <= table.good_up_to
    if over or (not daily and result.value is not None and not good):
        status = Status.EXCEEDS
    else:
        status = Status.ATTAINS if result.value is not None else Status.CANNOT_JUDGE
    zh, en = _sentences(given, report, items)
    level = result.level
    extra: dict[str, Any] = {
        "aqi": result.value, "missing": list(result.missing), "not_monitored": list(result.not_monitored),
        "exceeding": list(result.exceeding), "limits": standard, "stage": stage, "zone": grade_of(given.site.data),
        "indicative": given.site.kind == "air_micro",
    }  # fmt: skip
    if level is not None:
        text = health_text(level.level)
        extra |= {
            "level_zh": level.level_zh, "colour": level.hex, "health_zh": text.effect_zh, "health_en": text.effect_en,
            "advice_zh": text.advice_zh, "advice_en": text.advice_en,
        }  # fmt: skip
        if result.primary and level.level > table.good_level:
            zh_groups, en_groups = sensitive_groups(result.primary)
            extra |= {"sensitive_zh": list(zh_groups), "sensitive_en": list(en_groups)}
    return Verdict(
        judge=report.judge,
        subject=given.site.id,
        window=given.window,
        status=status,
        figure=None if result.value is None else str(result.value),
        unit="",
        limit=str(table.good_up_to),
        clause=f"{table.standard}；{standard}"
        + (f"（{'过渡' if stage == 'transition' else '最终'}阶段）" if stage else ""),
        edition=table.standard,
        level=level.level if level else None,
        label_zh=level.category_zh if level else "NA",
        label_en=CATEGORY_EN[level.category_zh] if level else "NA",
        deciding=result.primary,
        items=items,
        sentence_zh=zh,
        sentence_en=en,
        extra=extra,
    )


def _sentences(given: JudgeInput, report: Report, items: tuple[VerdictItem, ...]) -> tuple[str, str]:
    """Two sentences that can be read out."""
    result, (when_zh, when_en) = report.result, window_words(given.window)
    micro = given.site.kind == "air_micro"
    zh = f"{given.site.name}{'（微站，指示性）' if micro else ''}{when_zh}"
    en = f"{given.site.name}{' (micro-station, indicative)' if micro else ''}, {when_en}: "
    lost_zh = listed(factor_of(name).zh for name in result.missing)
    lost_en = listed((factor_of(name).en for name in result.missing), english=True)
    if result.value is None or result.level is None:
        cause_zh = f"{lost_zh}有效数据不足" if lost_zh else "无有效数据"
        return (
            f"{zh}AQI不发布（NA）：{cause_zh}。",
            f"{en}no AQI (NA), not enough valid data for {lost_en or 'any item'}.",
        )
    category = result.level.category_zh
    zh += f"AQI {result.value}，{category}（{result.level.level_zh}）"
    en += f"AQI {result.value}, {CATEGORY_EN[category]}"
    if result.primary:
        best = {item.factor: item for item in reversed(items) if item.grade == str(result.value)}
        parts = [(factor_of(p), best[p].figure) for p in result.primary if p in best]
        zh += "，首要污染物：" + listed(f"{f.zh} {figure}{unit_words(f.unit)}" for f, figure in parts)
        en += "; primary pollutant " + listed((f"{f.en} {n}{unit_words(f.unit)}" for f, n in parts), english=True)
    if result.missing:
        zh, en = f"{zh}；{lost_zh}有效数据不足", f"{en}; not enough valid data for {lost_en}"
    if result.not_monitored and not micro:
        zh += f"；{listed(factor_of(name).zh for name in result.not_monitored)}按计划不监测（/）"
        en += f"; not monitored by plan (/): {listed((factor_of(n).en for n in result.not_monitored), english=True)}"
    return f"{zh}。", f"{en}."


AQI_HOUR = Judge(
    id="air.aqi_hour",
    zh="空气质量指数（小时）",
    en="AQI, hourly",
    site_kinds=KINDS,
    period=Period.HOUR,
    reading_periods=(Period.HOUR, Period.MINUTE, Period.TEN_MINUTE, Period.REALTIME),
    stats=(Stat.AVG, Stat.RTD),
    factors=("so2", "no2", "co", "o3", "pm10", "pm2_5"),
    run=judge_hour,
)

AQI_DAY = Judge(
    id="air.aqi_day",
    zh="空气质量指数（日）",
    en="AQI, daily",
    site_kinds=KINDS,
    period=Period.DAY,
    reading_periods=(Period.HOUR, Period.DAY),
    stats=(Stat.AVG,),
    factors=("so2", "no2", "co", "o3", "pm10", "pm2_5"),
    run=judge_day,
)
