"""Noise of a city 城市声环境 by HJ 640-2012: area and road means, their grades, and the change year on year. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from jinyun.domains.noise.answers import day_window, printed_level
from jinyun.domains.noise.levels import places_kept
from jinyun.domains.noise.limits import PERIODS, grades, number, period_of
from jinyun.kernel.errors import BadInput
from jinyun.kernel.rounding import round_gb
from jinyun.kernel.terms import Status, Verdict, VerdictItem, Window
from jinyun.methods.measured import both
from jinyun.methods.statistics import mean, round_fraction, weighted_mean
from jinyun.methods.wording import window_words

TOPICS: Mapping[str, tuple[str, str, str]] = {
    "area": ("area_noise", "区域环境噪声", "area noise"),
    "road": ("road_traffic_noise", "道路交通噪声", "road traffic noise"),
}
"""What a city is graded by: the table's word, zh, en."""

QUALITY_EN: Mapping[str, str] = {
    "好": "good",
    "较好": "fairly good",
    "一般": "fair",
    "较差": "rather poor",
    "差": "poor",
}


def area_mean(levels: Sequence[Decimal], *, places: int | None = None) -> Decimal:
    """Mean of a city's grid: arithmetic mean of the Leq of all grid points, HJ 640-2012. [dB(A)]

    Raises
    ------
    BadInput
        For no points.
    """
    return round_fraction(mean(list(levels)), places_kept() if places is None else places)


def road_mean(levels: Sequence[Decimal], lengths: Sequence[Decimal], *, places: int | None = None) -> Decimal:
    """Mean of a city's roads: Leq of each section weighted by its length, HJ 640-2012. [dB(A)]

    `lengths`: in any one unit, not negative and not all zero.

    Raises
    ------
    BadInput
        For lengths that do not fit the sections or are negative.
    """
    if len(levels) != len(lengths):
        raise BadInput(f"{len(levels)} road sections have {len(lengths)} lengths", field="lengths")
    if any(length < 0 for length in lengths):
        raise BadInput("a road's length is not negative", field="lengths")
    return round_fraction(weighted_mean(list(levels), list(lengths)), places_kept() if places is None else places)


@dataclass(frozen=True, slots=True)
class Grade:
    """A grade of HJ 640-2012: level 1 (一级, 好) to 5 (五级, 差)."""

    level: int
    level_zh: str
    quality_zh: str
    quality_en: str
    standard: str
    verified: str
    upper: str | None  # its upper end, inside; None for the last [dB(A)]


def grade(value: Decimal, topic: str, period: str, day: date) -> Grade:
    """Grade of a city's mean level. The value is rounded to 0.1 dB first, so that 50.04 is still the first grade.

    Parameters
    ----------
    value : Decimal
        Area or road mean. [dB(A)]
    topic : str
        ``area`` or ``road``.
    period : str
        ``day`` or ``night``; the night's ends are recalled, not read (``verified``).

    Raises
    ------
    BadInput
        For a topic that is neither area nor road, or an unknown part of the day.

    References
    ----------
    .. [1] HJ 640-2012, grades of area noise and of road traffic noise.
    """
    if topic not in TOPICS:
        raise BadInput(f"no city noise {topic!r}", field="topic", hint="area or road")
    standard, rows = grades(day)
    mine = [row for row in rows if (row["topic"], row["period"]) == (TOPICS[topic][0], period_of(period))]
    figure = round_gb(value, number("places"))
    for level, row in enumerate(mine, 1):
        if not row["hi"] or figure <= Decimal(row["hi"]):
            quality = row["quality_zh"]
            return Grade(
                level, row["level_zh"], quality, QUALITY_EN[quality], standard, row["verified"], row["hi"] or None
            )
    raise BadInput(f"{standard} has no grade for {figure}")


def change(now: Decimal, before: Decimal) -> Decimal:
    """Change of a mean level, both rounded to 0.1 dB first, as bureaus print it: 51.3 after 51.8 is -0.5. [dB(A)]"""
    return round_gb(now, number("places")) - round_gb(before, number("places"))


def judge_city(
    name: str,
    topic: str,
    levels: Sequence[Decimal],
    *,
    day: date,
    period: str = "day",
    lengths: Sequence[Decimal] | None = None,
    before: Decimal | None = None,
    window: Window | None = None,
    subject: str | None = None,
) -> Verdict:
    """A city's area or road noise: mean, grade, and the change from `before`, the mean of a year earlier.

    HJ 640 grades and sets no limit: up to 一般 the verdict counts as attaining (``rules.csv``, for colour only).

    Parameters
    ----------
    levels : Sequence[Decimal]
        Leq of the grid points, or of the road sections. [dB(A)]
    lengths : Sequence[Decimal], optional
        Of the road sections, in any one unit; needed for ``road``.

    Raises
    ------
    BadInput
        For road noise without lengths.
    """
    part = period_of(period)
    if topic == "road":
        if lengths is None:
            raise BadInput("road noise is weighted by length", field="lengths", hint="one length per section")
        value = road_mean(levels, lengths)
    else:
        value = area_mean(levels)
    found = grade(value, topic, part, day)
    attains = found.level <= number("city_attains_to")
    _, topic_zh, topic_en = TOPICS[topic]
    part_zh, part_en = PERIODS[part]
    where = window or day_window(day)
    when_zh, when_en = window_words(where)
    zh = f"{name}{when_zh}{part_zh}{topic_zh}平均等效声级 {value} dB(A)，{found.level_zh}（{found.quality_zh}）"
    en = f"{name}, {when_en}: mean {part_en} {topic_en} {value} dB(A), {found.quality_en} (grade {found.level})"
    extra: dict[str, object] = {"topic": topic, "period": part, "points": len(levels), "quality_zh": found.quality_zh}
    if before is not None:
        points = change(value, before)
        zh += "，同比持平" if not points else f"，同比{'上升' if points > 0 else '下降'} {abs(points)} dB(A)"
        en += f", {points:+} dB(A) on the year before" if points else ", as the year before"
        extra |= {"before": str(printed_level(before)), "change": f"{points:+}" if points else str(points)}
    if found.verified == "memory only":
        zh, en = (
            f"{zh}（{part_zh}分级界限未核对原文）",
            f"{en} (the {part_en} grades were not checked against the text)",
        )
    status = Status.ATTAINS if attains else Status.EXCEEDS
    item = VerdictItem(
        "leq", format(value, "f"), "dB(A)", status, found.upper, found.quality_zh, clause=found.standard,
        reason=both(f"{len(levels)}个测点", f"{len(levels)} points"),
    )  # fmt: skip
    return Verdict(
        judge="noise.city", subject=subject or name, window=where, status=status, figure=format(value, "f"),
        unit="dB(A)", limit=None, clause=found.standard, edition=found.standard, level=found.level,
        label_zh=found.quality_zh, label_en=found.quality_en, deciding=(), items=(item,),
        sentence_zh=zh + "。", sentence_en=en + ".", extra=extra,
    )  # fmt: skip
