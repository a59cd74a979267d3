"""Status of a river, reach or basin by its sections: 环办[2011]22号. Pure.

Five sections or more: by the share of class I–III and of worse than V. Fewer: each item is averaged over the sections
and classified once. Classes are never averaged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from jinyun.domains.water.change import ShareChange, share_change
from jinyun.domains.water.items import item, subject_and
from jinyun.domains.water.limits import LABELS_ZH, STATUS_EN, WORSE, Edition, edition, rule, status_words
from jinyun.domains.water.means import Sample, mean_samples
from jinyun.domains.water.quality import SectionClass, section_class
from jinyun.domains.water.section import ItemValue, day_window, judge_items
from jinyun.domains.water.shares import (
    GoodRatio,
    Shares,
    good_ratio,
    point_change,
    ratio_sentence,
    rule_group,
    shares_of,
    within,
)
from jinyun.kernel.errors import BadInput
from jinyun.kernel.terms import Status, Verdict, VerdictItem, Window
from jinyun.methods.statistics import round_fraction
from jinyun.methods.wording import listed, window_words

__all__ = [
    "GoodRatio", "ShareChange", "Shares", "evaluate_river", "good_ratio", "point_change", "ratio_sentence",
    "river_indicators", "river_status", "share_change", "shares", "shares_of",
]  # fmt: skip

Section = Sample | Mapping[str, Decimal | None] | int | None
"""A section of a river: its values, a sample with non-detects, its class where only that is known, None: no data."""


def _condition(worse: Fraction, text: str) -> bool:
    """Read the second condition of a row, e.g. ``20 <= worse_than_class_5 share < 40``."""
    if not text:
        return True
    left, _, right = text.partition("worse_than_class_5 share")
    low = left.replace("<=", "").strip()
    op, _, high = right.strip().partition(" ")
    limit = Fraction(high or "0")
    upper = {"<": worse < limit, ">=": worse >= limit, "": True}[op]
    return upper and (not low or worse >= Fraction(low))


def river_status(good_share: Decimal | Fraction, worse_share: Decimal | Fraction, sections: int) -> str:
    """Status word (Chinese) of a river with enough sections.

    Parameters
    ----------
    good_share, worse_share : Decimal or Fraction
        Share of sections of class I–III, and worse than class V; a share on a bound reaches it. [%]

    Raises
    ------
    BadInput
        With fewer sections than shares need: average each item over the sections and classify once instead.
    """
    least = int(rule("river_sections_min"))
    if sections < least:
        raise BadInput(
            f"{sections} sections are too few for shares", field="sections",
            hint=f"below {least} sections average each item over them and classify once",
        )  # fmt: skip
    for row in rule_group("river_basin_status"):
        if within(good_share, row) and _condition(Fraction(worse_share), row["condition"]):
            return row["label_zh"]
    raise BadInput(f"shares {good_share} % and {worse_share} % fit no row of the table", hint="they are 0 to 100 each")


def shares(levels: Sequence[int]) -> tuple[Decimal, Decimal]:
    """Share of class I–III and of worse than class V among sections' classes. [%], not rounded

    Raises
    ------
    BadInput
        Without a section, or for a number that is no class.
    """
    found = shares_of(levels)
    if not found.total:
        raise BadInput("no section, no share")
    return Decimal(found.good * 100) / found.total, Decimal(found.worse * 100) / found.total


def river_indicators(item_levels: Sequence[Mapping[str, int]]) -> list[tuple[str, Fraction]]:
    """Main indicators of a river: items by the share of sections where they are worse than class III; three are kept.

    Parameters
    ----------
    item_levels : sequence of mappings
        Class of each item, for each section; a section without any item is not counted.

    Returns
    -------
    list of (item code, share)
        Share of all the sections, largest first; of equal ones in the order they come. [%]
    """
    reference, sections = int(rule("reference_class")), [levels for levels in item_levels if levels]
    found = []
    for code in dict.fromkeys(code for levels in sections for code in levels):
        if over := sum(levels.get(code, 0) > reference for levels in sections):
            found.append((code, Fraction(over * 100, len(sections))))
    found.sort(key=lambda pair: -pair[1])
    return found[: int(rule("main_indicators_max"))]


@dataclass(frozen=True, slots=True)
class _Judged:
    """One section with what is known of it."""

    level: int | None
    items: Mapping[str, int]
    sample: Sample | None


def _judged(section: Section, table: Edition) -> _Judged:
    if section is None:
        return _Judged(None, {}, None)
    if isinstance(section, int):
        shares_of([section])  # refuses what is no class
        return _Judged(section, {}, None)
    sample = section if isinstance(section, Sample) else Sample(section)
    values = {code: value for code, value in sample.values.items() if value is not None}
    found = section_class(values, table, non_detects=sample.non_detects)
    if found is None:
        return _Judged(None, {}, sample)
    due = any(value is None and code in table.evaluated for code, value in sample.values.items())
    items = {code: one.level for code, one in found.items.items() if not one.non_detect}
    return _Judged(_certain(found, missing=due), items, sample)


def _certain(found: SectionClass, *, missing: bool) -> int | None:
    """The class that a section counts with; None where it is open to which side of a share it belongs.

    A non-detect may leave the class open within I to III, or within IV and V: then the worst it can be counts. A
    missing item can only make it worse: a section that is worse than III without it counts with what it has.
    """
    reference = int(rule("reference_class"))
    if missing:
        return found.best if found.best > reference else None
    sides = [0 if level <= reference else 2 if level == WORSE else 1 for level in (found.best, found.level)]
    return found.level if sides[0] == sides[1] else None


def evaluate_river(
    name: str,
    sections: Mapping[str, Section],
    *,
    day: date,
    body: str = "river",
    window: Window | None = None,
    target: int | None = None,
    before: Sequence[int | None] | None = None,
    ph: str = "values",
    subject: str | None = None,
) -> Verdict:
    """Status of a river, reach or basin, with the sentence a bureau prints.

    Parameters
    ----------
    sections : mapping of section name to its values, `Sample`, class (1…6) or None
        Values by item code in the item's unit. A section whose class is open (None, an item due but missing, a
        non-detect above a limit) is counted apart, in no share.
    day : date
        Of the data: it chooses the edition.
    window : Window, optional
        Period the values stand for; without it the day.
    target : int, optional
        Class that a river judged by its mean is held to; by shares a river has no target of its own.
    before : sequence of int or None, optional
        Classes of the sections in the same period of the year before: the sentence then tells the change.
    ph : str
        How pH is averaged, ``values`` or ``hydrogen``.

    Returns
    -------
    Verdict
        By shares: `figure` the share of class I–III [%], `level` 1 优, 3 良好, 4, 5, 6 (the class with that status
        word), `items` one per section (`grade` its class). By mean: as `section.judge_section`.

    Raises
    ------
    BadInput
        Without sections; with too few sections when one gives a class only, since classes are never averaged.
    """
    if not sections:
        raise BadInput(f"{name} has no sections", field="sections")
    table, where = edition(day, body), window or day_window(day)
    judged = {key: _judged(section, table) for key, section in sections.items()}
    if len(sections) < int(rule("river_sections_min")):
        return _by_mean(name, judged, table, window=where, target=target, ph=ph, subject=subject or name)
    return _by_share(name, judged, table, window=where, before=before, subject=subject or name)


def _by_mean(
    name: str,
    judged: Mapping[str, _Judged],
    table: Edition,
    *,
    window: Window,
    target: int | None,
    ph: str,
    subject: str,
) -> Verdict:
    if only := [key for key, one in judged.items() if one.level is not None and one.sample is None]:
        raise BadInput(
            f"{name}: {', '.join(only)} gives its class only", field="sections",
            hint=f"below {rule('river_sections_min')} sections the values are averaged, never the classes",
        )  # fmt: skip
    samples = [one.sample for one in judged.values() if one.sample is not None]
    means = mean_samples(samples, ph=ph)
    given = {code: ItemValue(value, code in means.non_detects) for code, value in means.values.items()}
    given |= {code: ItemValue(None) for code in means.too_few}
    verdict = judge_items("water.river", subject, name, given, table, window=window, target=target)
    lost = [key for key, one in judged.items() if one.sample is None]
    note_zh = f"按{len(samples)}个断面各项目均值评价" + (f"，{listed(lost)}无数据" if lost else "")
    note_en = f"by the mean of each item over {len(samples)} sections" + (
        f", no data of {listed(lost, english=True)}" if lost else ""
    )
    extra: dict[str, Any] = {
        **verdict.extra, "method": "mean", "sections": len(judged), "unjudged": lost, "ph_mean": ph,
        "classes": {key: one.level for key, one in judged.items()},
    }  # fmt: skip
    return replace(
        verdict, extra=extra, sentence_zh=f"{verdict.sentence_zh.removesuffix('。')}；{note_zh}。",
        sentence_en=f"{verdict.sentence_en.removesuffix('.')}; {note_en}.",
    )  # fmt: skip


def _by_share(
    name: str,
    judged: Mapping[str, _Judged],
    table: Edition,
    *,
    window: Window,
    before: Sequence[int | None] | None,
    subject: str,
) -> Verdict:
    found = shares_of([one.level for one in judged.values()])
    enough = found.total >= int(rule("river_sections_min"))
    reference = int(rule("reference_class"))
    clause = f"{table.standard} 表1；{table.evaluation}"
    items = tuple(
        VerdictItem(
            key, None if one.level is None else LABELS_ZH[one.level], "",
            Status.CANNOT_JUDGE if one.level is None else Status.EXCEEDS if one.level > reference else Status.ATTAINS,
            str(reference), None if one.level is None else str(one.level), clause=clause,
            reason="" if one.level is not None else "无法判定类别 | its class cannot be told",
        )
        for key, one in judged.items()
    )  # fmt: skip
    when_zh, when_en = window_words(window)
    extra: dict[str, Any] = {
        "method": "share", "sections": len(judged), "unjudged": [k for k, one in judged.items() if one.level is None],
        "classes": {key: one.level for key, one in judged.items()},
        "counts": {str(level): number for level, number in found.counts.items()},
        "evaluation": table.evaluation, "body": table.body,
    }  # fmt: skip
    if not enough:
        zh = f"{subject_and(name, when_zh)}水质无法判定：{len(judged)}个断面中仅{found.total}个可判定类别。"
        en = (f"{name}, {when_en}: water quality cannot be judged: only {found.total} of {len(judged)} sections "
              "have a class.")  # fmt: skip
        return Verdict(
            "water.river", subject, window, Status.CANNOT_JUDGE, None, "%", None, clause, table.standard, None,
            "无法判定", "cannot be judged", (), items, zh, en, extra=extra,
        )  # fmt: skip
    word = river_status(found.good_share, found.worse_share, found.total)
    level = _level_of(word)
    main = [] if level <= reference else river_indicators([one.items for one in judged.values()])
    now = good_ratio([one.level for one in judged.values()])
    then = None if before is None or not any(before) else good_ratio(before)
    tail_zh, tail_en = ratio_sentence(now, then)
    zh, en = f"{subject_and(name, when_zh)}水质为{word}，{tail_zh}", f"{name}, {when_en}: {STATUS_EN[word]}; {tail_en}"
    if now.worse:
        zh, en = (
            f"{zh}；劣Ⅴ类{now.worse}个，占{now.worse_printed}%",
            f"{en}; worse than Class V: {now.worse}, {now.worse_printed} %",
        )
    if then is not None:
        change = share_change(
            (round_fraction(then.percent, 6), round_fraction(now.percent, 6)),
            (round_fraction(shares_of(before or ()).worse_share, 6), round_fraction(found.worse_share, 6)),
        )
        extra |= {"points": str(point_change(now, then)), "change_zh": change.label_zh, "change_en": change.label_en}
    if main:
        words = [f"{item(code).zh}（{found.printed(share)}%断面）" for code, share in main]
        zh = f"{zh}；主要污染指标为{listed(words)}"
        english = [f"{item(code).en} ({found.printed(share)} % of sections)" for code, share in main]
        en = f"{en}; main indicators: {listed(english, english=True)}"
    extra |= {
        "good": now.good, "good_share": now.printed, "worse": now.worse, "worse_share": now.worse_printed,
        "main_indicators": [code for code, _ in main], "status_zh": word,
        "indicator_shares": {code: found.printed(share) for code, share in main},
    }  # fmt: skip
    return Verdict(
        "water.river", subject, window, Status.EXCEEDS if level > reference else Status.ATTAINS, now.printed, "%", None,
        clause, table.standard, level, word, STATUS_EN[word], tuple(code for code, _ in main), items, f"{zh}。",
        f"{en}.", extra=extra,
    )  # fmt: skip


def _level_of(word: str) -> int:
    """The class that has this status word; 优 is 1."""
    return next(level for level, (zh, _) in status_words().items() if zh == word)
