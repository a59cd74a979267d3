"""Verdict on one section of a river or one point of a lake: GB 3838-2002 by 环办[2011]22号. Pure.

`judge_section` is the door for values in hand; the judges of the node come through `judge_items` with the readings
that each value rests on. Both give the same verdict for the same values.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from jinyun.domains.water.items import by_code, code_of, house_unit, in_house, item
from jinyun.domains.water.limits import (
    LABELS_EN,
    LABELS_ZH,
    RIVER,
    WORSE,
    Edition,
    ItemLimits,
    edition,
    rule,
    status_words,
)
from jinyun.domains.water.quality import (
    SectionClass,
    class_span,
    item_class,
    multiple_over,
    oxygen_saturation,
    section_class,
)
from jinyun.domains.water.telling import Told, indicator_words, section_sentences
from jinyun.kernel.errors import BadInput
from jinyun.kernel.terms import Period, ReadingRef, Status, Verdict, VerdictItem, Window, instant, window_of
from jinyun.methods.measured import both
from jinyun.methods.statistics import multiple, printed

NOT_DETECTED = both("未检出，按检出限比较", "not detected, compared by its detection limit")


@dataclass(frozen=True, slots=True)
class ItemValue:
    """One item as found. `value` None: due, but there is no valid value; of a non-detect: its detection limit."""

    value: Decimal | None
    non_detect: bool = False
    note: str = ""  # how it came about, Chinese and English as `methods.measured.both` joins them
    refs: tuple[ReadingRef, ...] = ()


def day_window(day: date) -> Window:
    """The day as a window, in China civil time."""
    return window_of(Period.DAY, instant(datetime.combine(day, time())))


def unit_of(name: str, day: date, body: str = RIVER) -> str:
    """The unit in which `judge_section` takes an item's values: ``ug/L`` for mercury, ``mg/L`` for benzene.

    Raises
    ------
    BadInput
        For a name that no table of the edition has.
    """
    table = edition(day, body)
    code = code_of(name) or name
    limits = table.items.get(code) or table.source_items.get(code)
    if limits is not None:
        return limits.unit
    if code == "water_temp":
        return table.temperature["rise"].unit
    if code == "tn":
        return house_unit("tn", "mg/L")
    raise BadInput(f"{table.standard} has no item {name!r}", field="item")


def judge_section(
    name: str,
    values: Mapping[str, Decimal | None],
    *,
    day: date,
    body: str = "river",
    window: Window | None = None,
    target: int | None = None,
    non_detects: Collection[str] = (),
    units: Mapping[str, str] | None = None,
    subject: str | None = None,
    temperature_rise: Decimal | None = None,
    temperature_fall: Decimal | None = None,
    oxygen_by_saturation: bool | None = None,
) -> Verdict:
    """Class of a section against its target class, GB 3838-2002 and 环办[2011]22号.

    The class is that of the worst of the 21 items of table 1 that are evaluated. Apart from it, and never part of it:
    faecal coliforms, and in lakes total nitrogen, as reference items; items of tables 2 and 3 (pass or over); weekly
    temperature change. Total nitrogen of a river is not judged at all; `extra["not_judged"]` says so, and names
    every value that no table limits.

    Parameters
    ----------
    name : str
        As the sentence calls the section.
    values : Mapping[str, Decimal | None]
        By item code or factor id, in the item's unit (`unit_of`); None: due, but no valid value; of a non-detect its
        detection limit.
    day : date
        Of the data: it chooses the edition.
    body : str
        ``river`` (also a river-type reservoir), ``lake`` or ``reservoir``.
    window : Window, optional
        Period the values stand for; without it the day.
    target : int, optional
        Class that the section has to keep, 1…5; without it the table's default (III).
    non_detects : collection of str
        Items that were not detected. A lone non-detect meets every limit from its detection limit upwards; a better
        class cannot be told.
    units : Mapping[str, str], optional
        Unit of a value where it is not the item's own, e.g. ``{"hg": "mg/L"}``.
    temperature_rise, temperature_fall : Decimal, optional
        Man-made change of the weekly mean water temperature. [degC]
    oxygen_by_saturation : bool, optional
        Whether 90 % saturation makes dissolved oxygen class I (needs ``water_temp``); without it the table's setting.

    Returns
    -------
    Verdict
        `figure` and `level` the class (6: worse than V), `status` against `target`; cannot be judged when a due item
        is missing, or a non-detect leaves it open, unless the rest is worse than the target anyway.

    Raises
    ------
    BadInput
        A target that is no class, an unknown body or unit, a non-detect without its limit, a value that is negative or
        no number, an item given twice.
    NoEdition
        For a day before the first edition we hold.
    """
    table = edition(day, body)
    given: dict[str, ItemValue] = {}
    lost = {code_of(one) or one for one in non_detects}
    for key, code in by_code(values).items():
        value = values[key]
        limits = table.items.get(code) or table.source_items.get(code)
        if value is not None and limits is not None:
            value = in_house(key, value, limits.table_unit, (units or {}).get(key))
            if value < 0:
                raise BadInput(f"{name}: {code} is negative ({value})", field=code, hint="leave out what is not valid")
        given[code] = ItemValue(value, code in lost)
    if wrong := sorted(code for code in lost if code not in given or given[code].value is None):
        raise BadInput(
            f"{name}: non-detect {', '.join(wrong)} without a detection limit", field=wrong[0],
            hint="give the detection limit as its value",
        )  # fmt: skip
    return judge_items(
        "water.section", subject or name, name, given, table, window=window or day_window(day), target=target,
        temperature_rise=temperature_rise, temperature_fall=temperature_fall,
        oxygen_by_saturation=oxygen_by_saturation,
    )  # fmt: skip


def judge_items(
    judge: str,
    subject: str,
    name: str,
    given: Mapping[str, ItemValue],
    table: Edition,
    *,
    window: Window,
    target: int | None = None,
    temperature_rise: Decimal | None = None,
    temperature_fall: Decimal | None = None,
    oxygen_by_saturation: bool | None = None,
) -> Verdict:
    """The verdict of `judge_section` from values that are in the items' units already and may name their readings.

    Parameters
    ----------
    given : Mapping[str, ItemValue]
        By item code.
    temperature_rise, temperature_fall : Decimal, optional
        As in `judge_section`. [degC]

    Raises
    ------
    BadInput
        For a target that is no class.
    """
    target = int(rule("default_target")) if target is None else target
    if target not in LABELS_ZH or target == WORSE:
        raise BadInput(f"{name}: {target} is no target class", field="target", hint="1 to 5")
    by_saturation = bool(rule("oxygen_by_saturation")) if oxygen_by_saturation is None else oxygen_by_saturation
    saturation = _saturation(given) if by_saturation else None
    due = {code: one for code, one in given.items() if code in table.evaluated}
    values = {code: one.value for code, one in due.items() if one.value is not None}
    lost = {code for code, one in due.items() if one.non_detect}
    found = section_class(values, table, saturation=saturation, non_detects=lost)
    temperature = given.get("water_temp")
    items = [
        _classed(table, code, due[code], found, target=target, saturation=saturation, temperature=temperature)
        for code in table.evaluated
        if code in due
    ]
    reference = [_reference(table, code, given[code]) for code in table.reference if code in given]
    reference += _temperature(table, temperature_rise, temperature_fall)
    sources = [_source(table, code, given[code]) for code in table.source_items if code in given]
    told = Told(
        name=name, window=window, table=table, found=found, target=target,
        missing=tuple(code for code, one in due.items() if one.value is None),
        figures={one.factor: one.figure or "" for one in items},
        over=tuple(one.factor for one in sources if one.status is Status.EXCEEDS),
        sources=len(sources), reference_over=tuple(one.factor for one in reference if one.status is Status.EXCEEDS),
    )  # fmt: skip
    return _verdict(judge, subject, told, [*items, *reference, *sources], _not_judged(table, given))


def _saturation(given: Mapping[str, ItemValue]) -> Decimal | None:
    """Saturation of dissolved oxygen when the temperature is known too. [%]"""
    oxygen, temperature = given.get("do"), given.get("water_temp")
    if oxygen is None or temperature is None or oxygen.value is None or temperature.value is None or oxygen.non_detect:
        return None
    return oxygen_saturation(oxygen.value, temperature.value)


def _classed(
    table: Edition,
    code: str,
    one: ItemValue,
    found: SectionClass | None,
    *,
    target: int,
    saturation: Decimal | None,
    temperature: ItemValue | None,
) -> VerdictItem:
    """What one of the 21 items did: its class, against the limit of the target class."""
    limits = table.item(code)
    limit, refs, reason = limits.printed(target), one.refs, one.note
    if one.value is None or found is None:
        return VerdictItem(
            code, None, limits.unit, Status.CANNOT_JUDGE, limit, clause=limits.clause,
            reason=reason or both("缺少有效数据", "no valid data"),
        )  # fmt: skip
    what = found.items[code]
    status = Status.CANNOT_JUDGE
    if what.level <= target:
        status = Status.ATTAINS
    elif what.best > target:
        status = Status.EXCEEDS
    if code == "do" and temperature is not None and saturation is not None:
        refs = (*refs, *temperature.refs)
        if what.level == 1 and item_class(limits, one.value) > 1:
            reason = both(f"饱和率{saturation}%，按饱和率达到Ⅰ类", f"class I by saturation, {saturation} %")
    if what.non_detect:
        reason = joined(reason or NOT_DETECTED, _open_words(what.best, what.level))
    over = None if what.non_detect else multiple_over(table, code, one.value, target)
    return VerdictItem(
        factor=code,
        figure=_figure(code, one),
        unit=limits.unit,
        status=status,
        limit=limit,
        grade=str(what.level),
        multiple=None if over is None else str(over),
        clause=limits.clause,
        reason=reason,
        readings=refs,
    )


def _figure(code: str, one: ItemValue) -> str:
    assert one.value is not None
    text = printed(one.value, item(code).places)
    return f"<{text}" if one.non_detect and not one.refs else text


def _open_words(best: int, level: int) -> str:
    """Which classes a non-detect leaves open; "" when none."""
    if best == level:
        return ""
    zh = "、".join(LABELS_ZH[n] for n in range(best, level))
    en = ", ".join(LABELS_EN[n].removeprefix("Class ") for n in range(best, level))
    return both(f"是否达到{zh}类无法判断", f"whether class {en} is met cannot be told")


def joined(*notes: str) -> str:
    """Notes in both languages as one."""
    pairs = [note.partition(" | ") for note in notes if note]
    return both("；".join(zh for zh, _, _ in pairs), "; ".join(en for _, _, en in pairs)) if pairs else ""


def _reference(table: Edition, code: str, one: ItemValue) -> VerdictItem:
    """Faecal coliform, and TN of a lake: shown with its class, never part of the section's."""
    limits = table.item(code)
    note = both("参考指标，不参与定类", "reference item, not part of the class")
    if one.value is None:
        return VerdictItem(code, None, limits.unit, Status.CANNOT_JUDGE, clause=limits.clause, reason=note)
    level = class_span(limits, one.value)[1] if one.non_detect else item_class(limits, one.value)
    return VerdictItem(
        code, _figure(code, one), limits.unit, Status.ATTAINS, None, str(level), clause=limits.clause,
        reason=note, readings=one.refs,
    )  # fmt: skip


def _temperature(table: Edition, rise: Decimal | None, fall: Decimal | None) -> list[VerdictItem]:
    """Weekly temperature change against table 1; judged apart."""
    words = {
        "rise": ("周平均最大温升", "greatest rise of the weekly mean"),
        "fall": ("周平均最大温降", "greatest fall"),
    }
    found = []
    for kind, value in (("rise", rise), ("fall", fall)):
        if value is None:
            continue
        limits = table.temperature[kind]
        over = value > limits.limits[0]
        zh, en = words[kind]
        found.append(
            VerdictItem(
                "water_temp", printed(value, 1), limits.unit, Status.EXCEEDS if over else Status.ATTAINS,
                limits.printed(1), clause=limits.clause,
                reason=both(f"{zh}，单独评价，不参与定类", f"{en}, judged apart, not part of the class"),
            )
        )  # fmt: skip
    return found


def judge_single(limits: ItemLimits, code: str, one: ItemValue, note: str = "") -> VerdictItem:
    """An item that has one limit: pass or over. A non-detect whose detection limit lies above it cannot be told."""
    limit = limits.printed(1)
    if one.value is None:
        reason = one.note or both("缺少有效数据", "no valid data")
        return VerdictItem(code, None, limits.unit, Status.CANNOT_JUDGE, limit, clause=limits.clause, reason=reason)
    over, times, notes = one.value > limits.limits[0], None, [one.note]
    status = Status.EXCEEDS if over else Status.ATTAINS
    if one.non_detect:
        notes = [one.note or NOT_DETECTED]
        if over:
            status = Status.CANNOT_JUDGE
            notes.append(both("检出限高于限值，无法判断", "its detection limit is above the limit: cannot be told"))
    elif over:
        times = str(multiple(one.value, limits.limits[0], int(rule("multiple_places"))))
    return VerdictItem(
        code, _figure(code, one), limits.unit, status, limit, None, times, limits.clause, joined(*notes, note), one.refs
    )


def _source(table: Edition, code: str, one: ItemValue) -> VerdictItem:
    note = both("集中式饮用水源地项目，不参与定类", "item for drinking-water sources, not part of the class")
    return judge_single(table.source_items[code], code, one, note)


def _not_judged(table: Edition, given: Mapping[str, ItemValue]) -> dict[str, str]:
    """Values nobody compares with anything, and why."""
    why = {}
    for code in given:
        if code in table.items or code in table.source_items:
            continue
        if code == "tn":
            why[code] = both("河流总氮不评价", "total nitrogen of a river is never judged")
        elif code == "water_temp":
            why[code] = both("水温只评价人为造成的周平均温升、温降", "only man-made weekly change of it is judged")
        else:
            why[code] = both(f"{table.standard}没有此项目", f"{table.standard} has no such item")
    return why


def _verdict(judge: str, subject: str, told: Told, items: list[VerdictItem], not_judged: Mapping[str, str]) -> Verdict:
    table, found, target = told.table, told.found, told.target
    status = told.status
    level = told.level
    used = found.evaluated if found else 0
    extra: dict[str, Any] = {
        "target_class": target, "evaluated": used, "of": len(table.evaluated), "missing": list(told.missing),
        "main_indicators": list(found.main_indicators) if found else [], "evaluation": table.evaluation,
        "indicative": used < len(table.evaluated), "body": table.body, "source_items": told.sources,
        "source_items_over": list(told.over), "not_judged": dict(not_judged),
    }  # fmt: skip
    if found is not None:
        extra["status_zh"], extra["colour_zh"] = status_words()[level or found.level]
        extra["class_of_valid_items"], extra["best_class"] = found.level, found.best
        extra["main_indicators_zh"] = indicator_words(found)
    sentence_zh, sentence_en = section_sentences(told)
    return Verdict(
        judge=judge,
        subject=subject,
        window=told.window,
        status=status,
        figure=str(level) if level else None,
        unit="",
        limit=str(target),
        clause=f"{table.standard} 表1；{table.evaluation}",
        edition=table.standard,
        level=level,
        label_zh=told.label_zh,
        label_en=told.label_en,
        deciding=told.deciding,
        items=tuple(items),
        sentence_zh=sentence_zh,
        sentence_en=sentence_en,
        extra=extra,
    )
