"""Judges of surface water: the class of a section by the hour and by the day."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from jinyun.domains.water.limits import (
    LABELS_EN,
    LABELS_ZH,
    STATUS_EN,
    Edition,
    edition,
    rule,
    status_words,
)
from jinyun.domains.water.quality import (
    ItemClass,
    SectionClass,
    item_class,
    multiple_over,
    oxygen_saturation,
    section_class,
)
from jinyun.kernel.declare import Judge, JudgeInput
from jinyun.kernel.factors import factor as factor_of
from jinyun.kernel.terms import Period, Stat, Status, Verdict, VerdictItem
from jinyun.methods.measured import Index, Measured, both, day_value, hour_value, index, seen
from jinyun.methods.statistics import printed
from jinyun.methods.wording import listed, unit_words, window_words

KINDS = ("water_section", "water_micro")


def target_of(site_data: Mapping[str, Any]) -> int:
    """Class a section has to keep: its record's, else the table's default."""
    return int(site_data.get("target_class") or rule("default_target"))


def _judge(
    judge_id: str, measure: Callable[[Index, str, JudgeInput], Measured]
) -> Callable[[JudgeInput], Verdict | None]:
    def run(given: JudgeInput) -> Verdict | None:
        table = edition(given.day, str(given.site.data.get("body") or ""))
        target = target_of(given.site.data)
        groups = index(given.readings)
        here = seen(groups)
        measured = {factor: measure(groups, factor, given) for factor in table.evaluated if factor in here}
        if not measured:
            return None  # nothing that could give a class was sent
        for factor in table.evaluated:
            if given.monitored and factor in given.monitored and factor not in measured:
                measured[factor] = measure(groups, factor, given)  # due, and missing: not the same as not measured
        temperature = measure(groups, "water_temp", given) if "do" in measured else None
        saturation = None
        if temperature is not None and temperature.value is not None and measured["do"].value is not None:
            saturation = oxygen_saturation(measured["do"].value, temperature.value)
        values = {factor: one.value for factor, one in measured.items() if one.value is not None}
        found = section_class(values, table, saturation=saturation)
        items = [
            _item(table, one, found, target, saturation=saturation, temperature=temperature)
            for one in measured.values()
        ]
        items += _reference_items(table, groups, given, measure)
        return _verdict(judge_id, given, table, found=found, measured=measured, items=items)

    return run


def _item(
    table: Edition,
    one: Measured,
    found: SectionClass | None,
    target: int,
    *,
    saturation: Decimal | None,
    temperature: Measured | None,
) -> VerdictItem:
    """What one factor did: its class, against the limit of the target class."""
    limits, name = table.item(one.factor), factor_of(one.factor)
    clause = f"{table.standard} 表1"
    limit = _limit_text(table, one.factor, target)
    refs, reason = one.refs, one.reason
    if one.value is None or found is None:
        return VerdictItem(one.factor, None, name.unit, Status.CANNOT_JUDGE, limit, clause=clause, reason=one.reason)
    level = found.items[one.factor].level
    if one.factor == "do" and temperature is not None and saturation is not None:
        refs = (*refs, *temperature.refs)
        if level == 1 and item_class(limits, one.value) > 1:
            reason = both(f"饱和率{saturation}%，按饱和率达到Ⅰ类", f"class I by saturation, {saturation} %")
    over = multiple_over(table, one.factor, one.value, target)
    return VerdictItem(
        factor=one.factor,
        figure=printed(one.value, name.decimals or 0),
        unit=name.unit,
        status=Status.EXCEEDS if level > target else Status.ATTAINS,
        limit=limit,
        grade=str(level),
        multiple=None if over is None else str(over),
        clause=clause,
        reason=reason,
        readings=refs,
    )


def _limit_text(table: Edition, factor: str, target: int) -> str:
    limits = table.item(factor)
    limit = format(limits.limits[target - 1], "f")
    return f"{limits.lows[target - 1]:f}–{limit}" if limits.op == "range" else limit


def _reference_items(
    table: Edition, groups: Index, given: JudgeInput, measure: Callable[[Index, str, JudgeInput], Measured]
) -> list[VerdictItem]:
    """TN and faecal coliform of a lake: shown with their class, never part of the section's. A river has none."""
    items = []
    for factor in table.reference if table.body != "river" else ():
        if factor not in seen(groups):
            continue
        one, name = measure(groups, factor, given), factor_of(factor)
        if one.value is None:
            continue
        level = item_class(table.item(factor), one.value)
        items.append(
            VerdictItem(
                factor, printed(one.value, name.decimals or 0), name.unit, Status.ATTAINS, None, str(level),
                clause=f"{table.standard} 表1", readings=one.refs,
                reason=both("参考指标，不参与定类", "reference item, not part of the class"),
            )
        )  # fmt: skip
    return items


def _verdict(
    judge_id: str,
    given: JudgeInput,
    table: Edition,
    *,
    found: SectionClass | None,
    measured: Mapping[str, Measured],
    items: list[VerdictItem],
) -> Verdict:
    target = target_of(given.site.data)
    missing = [factor for factor, one in measured.items() if one.value is None]
    status = Status.CANNOT_JUDGE
    if found is not None and found.level > target:
        status = Status.EXCEEDS  # whatever the missing ones were, the class is no better than this
    elif found is not None and not missing:
        status = Status.ATTAINS
    judged = found if status is not Status.CANNOT_JUDGE else None
    level = judged.level if judged else None
    sentence_zh, sentence_en = _sentences(given, found, status, target=target, items=items, missing=missing)
    extra: dict[str, Any] = {
        "target_class": target, "evaluated": found.evaluated if found else 0, "of": len(table.evaluated),
        "missing": missing, "main_indicators": list(found.main_indicators) if found else [],
        "evaluation": table.evaluation, "indicative": (found.evaluated if found else 0) < len(table.evaluated),
    }  # fmt: skip
    if found is not None:
        extra["status_zh"], extra["colour_zh"] = status_words()[found.level]
        extra["class_of_valid_items"] = found.level
    return Verdict(
        judge=judge_id,
        subject=given.site.id,
        window=given.window,
        status=status,
        figure=str(level) if level else None,
        unit="",
        limit=str(target),
        clause=f"{table.standard} 表1；{table.evaluation}",
        edition=table.standard,
        level=level,
        label_zh=f"{LABELS_ZH[level]}类" if level else "无法判定",
        label_en=LABELS_EN[level] if level else "cannot be judged",
        deciding=judged.deciding if judged else (),
        items=tuple(items),
        sentence_zh=sentence_zh,
        sentence_en=sentence_en,
        extra=extra,
    )


def _told(item: ItemClass, text: str, english: bool) -> str:
    name = factor_of(item.factor)
    over = ""
    if item.multiple is not None:
        over = f", {item.multiple} times over Class III" if english else f"，超Ⅲ类{item.multiple}倍"
    grade = LABELS_EN[item.level] if english else f"{LABELS_ZH[item.level]}类"
    unit = unit_words(name.unit)
    return f"{name.en} {text}{unit} ({grade}{over})" if english else f"{name.zh}{text}{unit}（{grade}{over}）"


def _sentences(
    given: JudgeInput,
    found: SectionClass | None,
    status: Status,
    *,
    target: int,
    items: list[VerdictItem],
    missing: list[str],
) -> tuple[str, str]:
    """Two sentences that can be read out."""
    when_zh, when_en = window_words(given.window)
    start_zh, start_en = f"{given.site.name}{when_zh}水质", f"{given.site.name}, {when_en}: water quality "
    if found is None:
        return f"{start_zh}无法判定：无有效数据。", f"{start_en}cannot be judged: no valid data."
    figures = {item.factor: item.figure or "" for item in items}
    class_zh, class_en = f"{LABELS_ZH[found.level]}类（{found.status_zh}）", LABELS_EN[found.level]
    lost_zh = listed(factor_of(f).zh for f in missing)
    lost_en = listed((factor_of(f).en for f in missing), english=True)
    share_zh = f"评价{found.of}项中的{found.evaluated}项"
    share_en = f"{found.evaluated} of {found.of} items evaluated"
    if status is Status.CANNOT_JUDGE:
        return (
            f"{start_zh}无法判定：{lost_zh}有效数据不足；其余{found.evaluated}项为{class_zh}。",
            f"{start_en}cannot be judged: not enough valid data for {lost_en}; "
            f"the other {found.evaluated} items give {class_en}.",
        )
    zh = f"{start_zh}为{class_zh}，{'达到' if status is Status.ATTAINS else '未达到'}目标{LABELS_ZH[target]}类"
    word = "meets" if status is Status.ATTAINS else "does not meet"
    en = f"{start_en}{class_en} ({STATUS_EN[found.status_zh]}), {word} the target {LABELS_EN[target]}"
    if found.deciding:
        zh += f"；定类因子：{listed(_told(found.items[f], figures[f], False) for f in found.deciding)}"
        en += f"; decided by {listed((_told(found.items[f], figures[f], True) for f in found.deciding), english=True)}"
    if missing:
        zh, en = f"{zh}；{lost_zh}有效数据不足", f"{en}; not enough valid data for {lost_en}"
    return f"{zh}。{share_zh}。", f"{en}. {share_en}."


def _hour(groups: Index, factor: str, given: JudgeInput) -> Measured:
    """No rule sets a least number of minutes for surface water: one valid reading gives an (indicative) class."""
    return hour_value(groups, factor, given.window)


def _day(groups: Index, factor: str, _: JudgeInput) -> Measured:
    return day_value(groups, factor)


SECTION_CLASS = Judge(
    id="water.section_class",
    zh="断面水质类别（小时）",
    en="Class of a section, hourly",
    site_kinds=KINDS,
    period=Period.HOUR,
    reading_periods=(Period.HOUR, Period.MINUTE, Period.TEN_MINUTE, Period.REALTIME),
    stats=(Stat.AVG, Stat.RTD),
    run=_judge("water.section_class", _hour),
    on_arrival=True,
)

SECTION_CLASS_DAY = Judge(
    id="water.section_class_day",
    zh="断面水质类别（日）",
    en="Class of a section, daily",
    site_kinds=KINDS,
    period=Period.DAY,
    reading_periods=(Period.HOUR, Period.DAY),
    stats=(Stat.AVG,),
    run=_judge("water.section_class_day", _day),
)
