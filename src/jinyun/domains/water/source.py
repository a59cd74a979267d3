"""Drinking-water sources 集中式饮用水水源: does each judged item keep class III or its table value. From memory. Pure.

Which items are judged is data (`source_items.csv`, all of it memory only): for cities and counties 61 surface items (23
of table 1 without COD, 5 of table 2, 33 chosen ones of table 3), for townships and villages the 28 of tables 1 and 2;
for groundwater the 39 common items of GB/T 14848. Temperature, total nitrogen and faecal coliforms are reported apart.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from jinyun.domains.water.groundwater import judge_groundwater
from jinyun.domains.water.items import PACKAGE, by_code, code_of, in_house, item, subject_and
from jinyun.domains.water.limits import Edition, ItemLimits, edition, edition_row, rule
from jinyun.domains.water.quality import item_class as class_of
from jinyun.domains.water.section import ItemValue, day_window, judge_single
from jinyun.kernel.errors import BadInput
from jinyun.kernel.tables import csv_rows
from jinyun.kernel.terms import Status, Verdict, VerdictItem, Window
from jinyun.methods.measured import both
from jinyun.methods.statistics import round_fraction
from jinyun.methods.wording import listed, window_words

PLACES: Mapping[str, str] = {"city": "city", "county": "city", "township": "township", "village": "township"}
"""Where a source serves, and the set of items it is judged by."""

KINDS = ("surface", "groundwater")


def source_items(place: str, kind: str, day: date) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Items judged for a source, and those reported apart.

    Raises
    ------
    BadInput
        For an unknown place or kind.
    """
    if place not in PLACES:
        raise BadInput(f"unknown place {place!r}", field="place", hint=f"one of {', '.join(PLACES)}")
    if kind not in KINDS:
        raise BadInput(f"unknown kind of source {kind!r}", field="kind", hint=f"one of {', '.join(KINDS)}")
    rows = csv_rows(PACKAGE, edition_row("source_items", day)["table"])
    mine = [row for row in rows if row["place"] == PLACES[place] and row["kind"] == kind]
    judged, apart = (tuple(row["item_code"] for row in mine if row["part"] == part) for part in ("judged", "apart"))
    return judged, apart


def _limits(table: Edition, code: str, level: int) -> ItemLimits:
    """The one limit a source is held to: class III of table 1, or the value of table 2 or 3."""
    one = table.source_items.get(code)
    if one is not None:
        return one
    classes = table.item(code)
    lows = classes.lows[level - 1 : level] if classes.lows else ()
    return replace(classes, limits=classes.limits[level - 1 : level], lows=lows, saturation=None)


def _keeps(limits: ItemLimits, code: str, one: ItemValue) -> VerdictItem:
    """Pass or over; dissolved oxygen and pH compare the other way."""
    if limits.op == "le" or one.value is None:
        return judge_single(limits, code, one)
    passed = class_of(limits, one.value) == 1
    status = Status.CANNOT_JUDGE if one.non_detect else Status.ATTAINS if passed else Status.EXCEEDS
    figure = judge_single(limits, code, replace(one, non_detect=False)).figure
    return VerdictItem(code, figure, limits.unit, status, limits.printed(1), clause=limits.clause, reason=one.note)


def judge_source(
    name: str,
    values: Mapping[str, Decimal | None],
    *,
    day: date,
    kind: str = "surface",
    place: str = "city",
    body: str = "river",
    window: Window | None = None,
    non_detects: Collection[str] = (),
    units: Mapping[str, str] | None = None,
    full: bool = False,
    subject: str | None = None,
) -> Verdict:
    """Whether a drinking-water source attains.

    Parameters
    ----------
    values : Mapping[str, Decimal | None]
        By item code or factor id, in the item's unit; None: due, but no valid value; of a non-detect its detection
        limit. Items of the set that are not there were not measured: the sentence says how many were.
    kind : str
        ``surface`` or ``groundwater``.
    place : str
        ``city``, ``county``, ``township`` or ``village``: it chooses the set of items.
    body : str
        ``river`` or ``lake``, for total phosphorus.
    full : bool
        Judge also the items of table 3 outside the set (the yearly full analysis).

    Returns
    -------
    Verdict
        `figure` the number of items over, `level` 1 or 5, `deciding` the items over their limit; temperature, total
        nitrogen and faecal coliforms are items with the note that they are reported apart.

    Raises
    ------
    BadInput
        For an unknown place, kind, body or unit, or a non-detect without its limit.
    """
    judged, apart = source_items(place, kind, day)
    if kind == "groundwater":
        return _ground(name, values, judged, day=day, window=window, non_detects=non_detects, units=units,
                       place=place, subject=subject or name)  # fmt: skip
    table, where, level = edition(day, body), window or day_window(day), int(rule("source_class"))
    if full:
        judged = (*judged, *(code for code in table.source_items if code not in judged))
    lost = {code_of(one) or one for one in non_detects}
    given: dict[str, ItemValue] = {}
    for key, code in by_code(values).items():
        value = values[key]
        if code not in judged and code not in apart:
            continue
        limits = table.source_items.get(code) or table.items.get(code)
        if value is not None and limits is not None:
            value = in_house(key, value, limits.table_unit, (units or {}).get(key))
        given[code] = ItemValue(value, code in lost)
    if wrong := sorted(code for code in lost if code in judged and (code not in given or given[code].value is None)):
        raise BadInput(
            f"{name}: non-detect {', '.join(wrong)} without a detection limit", field=wrong[0],
            hint="give the detection limit as its value",
        )  # fmt: skip
    items = [_keeps(_limits(table, code, level), code, given[code]) for code in judged if code in given]
    note = both("单独报告，不参与达标评价", "reported apart, no part of the compliance")
    beside = []
    for code in apart:
        if code in given and code in table.items:
            one = _keeps(_limits(table, code, level), code, given[code])
            beside.append(replace(one, status=Status.ATTAINS, reason=note))
        elif code in given and (value := given[code].value) is not None:
            unit = "degC" if code == "water_temp" else "mg/L"
            beside.append(VerdictItem(code, str(value), unit, Status.ATTAINS, reason=note, clause=table.standard))
    unknown = [key for key in values if (code_of(key) or key) not in given]
    clause = f"{table.standard} 表1、表2、表3"
    return _told(name, subject or name, where, items, beside=beside, judged=judged, edition=table.standard,
                 clause=clause, place=place, kind=kind, unknown=unknown)  # fmt: skip


def _ground(
    name: str,
    values: Mapping[str, Decimal | None],
    judged: Sequence[str],
    *,
    day: date,
    window: Window | None,
    non_detects: Collection[str],
    units: Mapping[str, str] | None,
    place: str,
    subject: str,
) -> Verdict:
    mine = {key: value for key, value in values.items() if (code_of(key) or key) in judged}
    verdict = judge_groundwater(
        name, mine, day=day, window=window, target=int(rule("source_class")), units=units,
        non_detects=[one for one in non_detects if (code_of(one) or one) in judged],
    )  # fmt: skip
    unknown = [key for key in values if key not in mine]
    return _told(name, subject, verdict.window, list(verdict.items), beside=[], judged=judged, edition=verdict.edition,
                 clause=f"{verdict.edition} 表1", place=place, kind="groundwater", unknown=unknown)  # fmt: skip


def _told(
    name: str,
    subject: str,
    window: Window,
    items: Sequence[VerdictItem],
    *,
    beside: Sequence[VerdictItem],
    judged: Sequence[str],
    edition: str,
    clause: str,
    place: str,
    kind: str,
    unknown: Sequence[str],
) -> Verdict:
    over = [one for one in items if one.status is Status.EXCEEDS]
    open_ = [one for one in items if one.status is Status.CANNOT_JUDGE]
    status = Status.EXCEEDS if over else Status.CANNOT_JUDGE if open_ or not items else Status.ATTAINS
    when_zh, when_en = window_words(window)
    done, of = len(items) - len(open_), len(judged)
    share_zh, share_en = f"评价{of}项中的{done}项", f"{done} of {of} items judged"
    start_zh, start_en = f"饮用水水源{subject_and(name, when_zh)}水质", f"Drinking-water source {name}, {when_en}: "
    if status is Status.EXCEEDS:
        words_zh = [f"{item(one.factor).zh}" + (f"（超标{one.multiple}倍）" if one.multiple else "") for one in over]
        words_en = [item(one.factor).en + (f" ({one.multiple} times over)" if one.multiple else "") for one in over]
        zh = f"{start_zh}不达标：{listed(words_zh)}。{share_zh}。"
        en = f"{start_en}does not attain: {listed(words_en, english=True)}. {share_en}."
    elif status is Status.ATTAINS:
        zh, en = f"{start_zh}达标。{share_zh}。", f"{start_en}attains. {share_en}."
    else:
        lost_zh = listed(item(one.factor).zh for one in open_) or "全部项目"
        lost_en = listed((item(one.factor).en for one in open_), english=True) or "any item"
        zh = f"{start_zh}无法判定：{lost_zh}没有可比较的数据。{share_zh}。"
        en = f"{start_en}cannot be judged: nothing to compare for {lost_en}. {share_en}."
    words = {Status.ATTAINS: ("达标", "attains"), Status.EXCEEDS: ("不达标", "does not attain")}
    label_zh, label_en = words.get(status, ("无法判定", "cannot be judged"))
    return Verdict(
        judge="water.source", subject=subject, window=window, status=status,
        figure=None if status is Status.CANNOT_JUDGE else str(len(over)), unit="", limit=None, clause=clause,
        edition=edition, level={Status.ATTAINS: 1, Status.EXCEEDS: 5}.get(status), label_zh=label_zh,
        label_en=label_en, deciding=tuple(one.factor for one in over), items=(*items, *beside), sentence_zh=zh,
        sentence_en=en,
        extra={
            "place": place, "kind": kind, "evaluated": done, "of": of, "missing": [one.factor for one in open_],
            "not_measured": [code for code in judged if code not in {one.factor for one in items}],
            "not_judged": list(unknown), "item_set": "memory only",
        },
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SourceRates:
    """Compliance of a place's sources. Shares are exact; None where nothing can be divided."""

    attaining: int
    judged: int
    unjudged: int  # in neither rate
    by_number: Fraction | None
    by_volume: Fraction | None
    number_printed: str | None
    volume_printed: str | None


def source_rates(verdicts: Sequence[Verdict], volumes: Sequence[Decimal] | None = None) -> SourceRates:
    """达标率 by number of sources and by intake volume. [%]

    Parameters
    ----------
    verdicts : sequence of Verdict
        Of `judge_source`; one that cannot be judged is in neither rate, and counted.
    volumes : sequence of Decimal, optional
        Intake of each source in the same order and one unit; without it there is no rate by volume.

    Raises
    ------
    BadInput
        When volumes and verdicts differ in number or a volume is negative.
    """
    if volumes is not None and (len(volumes) != len(verdicts) or any(volume < 0 for volume in volumes)):
        raise BadInput("one volume per source is needed, zero or more", field="volumes")
    judged = [n for n, one in enumerate(verdicts) if one.status is not Status.CANNOT_JUDGE]
    good = [n for n in judged if verdicts[n].status is Status.ATTAINS]
    places = int(rule("source_rate_places"))
    number = Fraction(len(good) * 100, len(judged)) if judged else None
    volume = None
    if volumes is not None and (total := sum(Fraction(volumes[n]) for n in judged)):
        volume = sum((Fraction(volumes[n]) for n in good), Fraction(0)) * 100 / total
    return SourceRates(
        len(good), len(judged), len(verdicts) - len(judged), number, volume,
        None if number is None else str(round_fraction(number, places)),
        None if volume is None else str(round_fraction(volume, places)),
    )  # fmt: skip
