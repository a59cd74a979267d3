"""Class of groundwater, GB/T 14848-2017: 93 items, the worst one gives the class. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from jinyun.domains.water.items import by_code, code_of, house_unit, in_house, items, subject_and
from jinyun.domains.water.limits import CLASSES, LABELS_EN, LABELS_ZH, edition_row, rule, table_rows
from jinyun.domains.water.section import NOT_DETECTED, day_window, joined
from jinyun.kernel.errors import BadInput, UnknownFactor
from jinyun.kernel.factors import factors
from jinyun.kernel.terms import Status, Verdict, VerdictItem, Window
from jinyun.kernel.units import convert
from jinyun.methods.limit_rows import LimitRow
from jinyun.methods.measured import both
from jinyun.methods.statistics import multiple, printed
from jinyun.methods.wording import listed, unit_words, window_words

WORST = len(CLASSES)

TEXTS: Mapping[str, str] = {
    "none": "none", "no": "none", "无": "none", "0": "none", "absent": "none",
    "present": "present", "yes": "present", "有": "present", "1": "present",
}  # fmt: skip
"""Words for odour and visible matter, and the table's."""

TEXT_ZH: Mapping[str, str] = {"none": "无", "present": "有"}

Value = Decimal | str | None


@dataclass(frozen=True, slots=True)
class GroundItem:
    """Limits of one item, best class first, in the item's unit (`items.house_unit`)."""

    code: str
    zh: str
    en: str
    unit: str
    table_unit: str
    rows: tuple[LimitRow, ...]  # in the table's unit
    clause: str

    @property
    def is_text(self) -> bool:
        """True for odour and visible matter: none or present."""
        return not self.unit

    def limit(self, level: int) -> str:
        """The limit of a class as printed, in the item's unit."""
        texts = []
        for row in self.rows:
            if row.group != CLASSES[level - 1]:
                continue
            if row.op == "text" or row.value is None:
                texts.append(TEXT_ZH.get(row.printed, row.printed))
            elif row.op == "range":
                texts.append(row.printed)
            else:
                value = format(convert(row.value, self.table_unit, self.unit), "f")
                texts.append(value if row.op == "le" else f"> {value}")
        return "、".join(texts)

    def span(self, value: Decimal, *, non_detect: bool = False) -> tuple[int, int]:
        """Best and worst class that a value [the item's unit] can have; both the same for most.

        Apart are a non-detect, which meets every limit from its detection limit upwards, and radioactivity above class
        III, where classes IV and V need an analysis of nuclides.
        """
        exact = convert(value, self.unit, self.table_unit)
        if non_detect:
            if any(row.op == "not_detected" for row in self.rows):
                return 1, 1
            return 1, self._first(exact)
        level = self._first(exact)
        row = next((one for one in self.rows if one.group == CLASSES[level - 1]), None)
        last = CLASSES.index(self.rows[-1].group) + 1
        return level, WORST if row is not None and row.op == "gt" and level == last < WORST else level

    def text_class(self, word: str) -> int:
        """Class of an item in words: the best class whose row says the same."""
        return next(CLASSES.index(row.group) + 1 for row in self.rows if row.text == word)

    def _first(self, value: Decimal) -> int:
        return next((CLASSES.index(row.group) + 1 for row in self.rows if row.met_by(value)), WORST)


@cache
def ground_items(table: str) -> Mapping[str, GroundItem]:
    """All items of a groundwater table by code."""
    found = {}
    rows = table_rows(table)
    for code in dict.fromkeys(row.item_code for row in rows):
        mine = tuple(sorted((row for row in rows if row.item_code == code), key=lambda row: row.group))
        sent = mine[0].unit
        unit = house_unit(code, "1" if sent == "dimensionless" else sent) if sent else ""
        found[code] = GroundItem(
            code,
            mine[0].item_zh,
            items()[code].en,
            unit,
            "1" if sent == "dimensionless" else sent,
            mine,
            mine[0].clause,
        )
    return found


@dataclass(frozen=True, slots=True)
class GroundClass:
    """Class span of one item as found."""

    item: GroundItem
    figure: str
    best: int
    level: int
    multiple: Decimal | None
    non_detect: bool
    value: Decimal | None


def item_class(
    name: str, value: Decimal | str, *, day: date, non_detect: bool = False, unit: str | None = None
) -> GroundClass:
    """Class of one groundwater item.

    Parameters
    ----------
    name : str
        Item code or factor id.
    value : Decimal or str
        In the item's unit, or in `unit`; of a non-detect its detection limit; ``none`` (无) or ``present`` (有) for
        odour and visible matter.

    Raises
    ------
    UnknownFactor
        For an item the standard does not have.
    BadInput
        For a word where a figure is needed and the reverse, or a negative figure.
    """
    known = ground_items(edition_row("groundwater", day)["table"])
    code = code_of(name) or name
    if code not in known:
        raise UnknownFactor(name, table=edition_row("groundwater", day)["standard"], known=known)
    one = known[code]
    if one.is_text:
        word = TEXTS.get(str(value).strip().lower())
        if word is None:
            raise BadInput(f"{one.zh}: {value!r} is no answer", field=code, hint="none (无) or present (有)")
        level = one.text_class(word)
        return GroundClass(one, TEXT_ZH[word], level, level, None, False, None)
    if isinstance(value, str):
        raise BadInput(f"{one.zh}: {value!r} is no figure", field=code, hint=f"give a Decimal in {one.unit}")
    number = in_house(name, value, one.table_unit, unit)
    if number < 0:
        raise BadInput(f"{one.zh} is negative ({number})", field=code, hint="leave out what is not valid")
    best, level = one.span(number, non_detect=non_detect)
    over, target = None, int(rule("reference_class"))
    row = next((r for r in one.rows if r.group == CLASSES[target - 1] and r.op == "le"), None)
    if row is not None and row.value and best > target and not non_detect:
        limit = convert(row.value, one.table_unit, one.unit)
        over = multiple(number, limit, int(rule("multiple_places")))
    places = factors()[code].decimals or 0 if code in factors() and factors()[code].medium == "water" else 0
    text = printed(number, places)
    return GroundClass(one, f"<{text}" if non_detect else text, best, level, over, non_detect, number)


def verdict_item(one: GroundClass, target: int) -> VerdictItem:
    """One item against the target class."""
    status = Status.ATTAINS if one.level <= target else Status.EXCEEDS if one.best > target else Status.CANNOT_JUDGE
    notes = [NOT_DETECTED] if one.non_detect else []
    if one.best != one.level and one.non_detect:
        zh = "、".join(LABELS_ZH[n] for n in range(one.best, one.level))
        en = ", ".join(LABELS_EN[n].removeprefix("Class ") for n in range(one.best, one.level))
        notes.append(both(f"是否达到{zh}类无法判断", f"whether class {en} is met cannot be told"))
    elif one.best != one.level:
        notes.append(both("需做核素分析才能区分Ⅳ类与Ⅴ类", "classes IV and V are told apart by an analysis of nuclides"))
    return VerdictItem(
        one.item.code, one.figure, one.item.unit, status, one.item.limit(target), str(one.level),
        None if one.multiple is None else str(one.multiple), one.item.clause, joined(*notes),
    )  # fmt: skip


def judge_groundwater(
    name: str,
    values: Mapping[str, Value],
    *,
    day: date,
    window: Window | None = None,
    target: int | None = None,
    non_detects: Collection[str] = (),
    units: Mapping[str, str] | None = None,
    subject: str | None = None,
) -> Verdict:
    """Class of a well or spring by its worst item, GB/T 14848-2017 (of equal limits the better class).

    Parameters
    ----------
    name : str
        As the sentence calls the well.
    values : Mapping[str, Decimal | str | None]
        By item code or factor id, in the item's unit; odour and visible matter as ``none`` or ``present``; None: due,
        but no valid value; of a non-detect its detection limit.
    day : date
        Of the data: it chooses the edition.
    target : int, optional
        Class to keep, 1…5; without it the table's default (III).
    non_detects : collection of str
        Items that were not detected.
    units : Mapping[str, str], optional
        Unit of a value where it is not the item's own.

    Returns
    -------
    Verdict
        `level` the class 1…5; `extra["not_judged"]` names values the standard does not limit. Cannot be judged when a
        due item is missing, or a non-detect leaves it open, unless the rest is worse than the target anyway.

    Raises
    ------
    BadInput
        See `item_class`; also for no class as target, and a non-detect without its limit.
    NoEdition
        For a day before the edition.
    """
    row, where = edition_row("groundwater", day), window or day_window(day)
    known = ground_items(row["table"])
    target = int(rule("groundwater_target")) if target is None else target
    if not 1 <= target <= WORST:
        raise BadInput(f"{name}: {target} is no target class", field="target", hint="1 to 5")
    lost = {code_of(one) or one for one in non_detects}
    found: dict[str, GroundClass] = {}
    missing, not_judged = [], {}
    codes = by_code(values)
    for key, value in values.items():
        code = codes[key]
        if code not in known:
            not_judged[code] = both(f"{row['standard']}没有此项目", f"{row['standard']} has no such item")
        elif value is None:
            missing.append(code)
        else:
            found[code] = item_class(key, value, day=day, non_detect=code in lost, unit=(units or {}).get(key))
    if wrong := sorted(code for code in lost if code not in found):
        raise BadInput(
            f"{name}: non-detect {', '.join(wrong)} without a detection limit", field=wrong[0],
            hint="give the detection limit as its value",
        )  # fmt: skip
    ordered = [code for code in known if code in found]
    worst = max((found[code].level for code in ordered), default=0)
    best = max((found[code].best for code in ordered), default=0)
    status = Status.CANNOT_JUDGE
    if best > target:
        status = Status.EXCEEDS
    elif found and not missing and worst <= target:
        status = Status.ATTAINS
    level = {Status.ATTAINS: worst, Status.EXCEEDS: best}.get(status)
    certain = {code: found[code].level if status is Status.ATTAINS else found[code].best for code in ordered}
    deciding = tuple(code for code in ordered if level is not None and level > 1 and certain[code] == level)
    items = [verdict_item(found[code], target) for code in ordered]
    items += [
        VerdictItem(
            code, None, known[code].unit, Status.CANNOT_JUDGE, known[code].limit(target), clause=known[code].clause,
            reason=both("缺少有效数据", "no valid data"),
        )
        for code in missing
    ]  # fmt: skip
    kind_zh, kind_en = "", ""
    if best != worst and level is not None:
        kind_zh, kind_en = ("不劣于", "not worse than ") if status is Status.ATTAINS else ("不优于", "not better than ")
    label_zh = f"{kind_zh}{LABELS_ZH[level]}类" if level else "无法判定"
    label_en = f"{kind_en}{LABELS_EN[level]}" if level else "cannot be judged"
    zh, en = _sentences(
        name, where, label_zh=label_zh, label_en=label_en, status=status, target=target, missing=missing, known=known,
        found=found, deciding=deciding, span=(best, worst),
    )  # fmt: skip
    extra: dict[str, Any] = {
        "target_class": target, "evaluated": len(found), "of": len(known), "missing": missing,
        "not_judged": not_judged, "best_class": best, "worst_class": worst,
        "common_items": sum(known[code].clause.endswith("1") for code in found),
    }  # fmt: skip
    return Verdict(
        judge="water.groundwater", subject=subject or name, window=where, status=status,
        figure=str(level) if level else None, unit="", limit=str(target), clause=f"{row['standard']} 表1、表2",
        edition=row["standard"], level=level, label_zh=label_zh, label_en=label_en, deciding=deciding,
        items=tuple(items), sentence_zh=zh, sentence_en=en, extra=extra,
    )  # fmt: skip


def _sentences(
    name: str,
    window: Window,
    *,
    label_zh: str,
    label_en: str,
    status: Status,
    target: int,
    missing: list[str],
    known: Mapping[str, GroundItem],
    found: Mapping[str, GroundClass],
    deciding: tuple[str, ...],
    span: tuple[int, int],
) -> tuple[str, str]:
    when_zh, when_en = window_words(window)
    start_zh, start_en = f"{subject_and(name, when_zh)}地下水质量", f"{name}, {when_en}: groundwater "
    share_zh, share_en = f"评价{len(known)}项中的{len(found)}项", f"{len(found)} of {len(known)} items evaluated"
    lost_zh = listed(known[code].zh for code in missing)
    lost_en = listed((known[code].en for code in missing), english=True)
    if not found:
        return f"{start_zh}无法判定：无有效数据。", f"{start_en}cannot be judged: no valid data."
    if status is Status.CANNOT_JUDGE:
        if missing:
            return (
                f"{start_zh}无法判定：{lost_zh}缺少有效数据；其余{len(found)}项最差为{LABELS_ZH[span[1]]}类。",
                f"{start_en}cannot be judged: no valid data for {lost_en}; the other {len(found)} items are "
                f"{LABELS_EN[span[1]]} at worst.",
            )
        return (
            f"{start_zh}无法判定：有项目未检出，但检出限高于目标{LABELS_ZH[target]}类限值。{share_zh}。",
            f"{start_en}cannot be judged: an item was not detected, but by a detection limit above that of "
            f"{LABELS_EN[target]}. {share_en}.",
        )
    attains = status is Status.ATTAINS
    zh = f"{start_zh}为{label_zh}，{'达到' if attains else '未达到'}目标{LABELS_ZH[target]}类"
    en = f"{start_en}{label_en}, {'meets' if attains else 'does not meet'} the target {LABELS_EN[target]}"
    if deciding:
        told_zh, told_en = [], []
        for code in deciding:
            one = found[code]
            over_zh = "" if one.multiple is None else f"（超Ⅲ类{one.multiple}倍）"
            over_en = "" if one.multiple is None else f" ({one.multiple} times over Class III)"
            told_zh.append(f"{one.item.zh}{one.figure}{unit_words(one.item.unit)}{over_zh}")
            told_en.append(f"{one.item.en} {one.figure}{unit_words(one.item.unit)}{over_en}")
        zh, en = f"{zh}；定类指标：{listed(told_zh)}", f"{en}; decided by {listed(told_en, english=True)}"
    if missing:
        zh, en = f"{zh}；{lost_zh}缺少有效数据", f"{en}; no valid data for {lost_en}"
    return f"{zh}。{share_zh}。", f"{en}. {share_en}."
