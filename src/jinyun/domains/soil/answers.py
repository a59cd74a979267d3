"""From judged contents to the one shape of a verdict: what construction land and farmland share. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from fractions import Fraction
from typing import Any

from jinyun.domains.soil.limits import Edition, Limits, number
from jinyun.kernel.factors import factors
from jinyun.kernel.terms import CHINA, Period, Status, Verdict, VerdictItem, Window, instant, window_of
from jinyun.methods.measured import both
from jinyun.methods.statistics import multiple, round_fraction
from jinyun.methods.wording import listed, window_words

UNIT = "mg/kg"
UNTOLD = "cannot_judge"


@dataclass(frozen=True, slots=True)
class State:
    """A state an item or a plot can be in: words, and what a sentence says of it."""

    id: str
    zh: str
    en: str
    advice_zh: str
    advice_en: str
    exceeds: bool


@dataclass(frozen=True, slots=True)
class Found:
    """One item of one sample, judged. `state` is "" where it cannot be told: `why` says why."""

    sample: str
    limits: Limits
    value: Decimal | None
    state: str
    multiple: Decimal | None = None  # over the screening value, when above it
    why: tuple[str, str] = ("", "")
    counts: bool = True  # False: what cannot be told of it does not hold up the rest

    @property
    def ratio(self) -> Fraction:
        """Content over the screening value: which sample is the worst."""
        if self.value is None or not self.limits.screening:
            return Fraction(-1)
        return Fraction(self.value) / Fraction(self.limits.screening)


@dataclass(frozen=True, slots=True)
class Sample:
    """One soil sample 样品: contents by item, and what of them was not detected.

    `values`: mg/kg of dry soil, by the standard's item code or Chinese name; None is missing. Of an item named in
    `non_detects` the value is the detection limit. `ph` is needed for farmland.
    """

    id: str
    values: Mapping[str, Decimal | None]
    non_detects: frozenset[str] = field(default_factory=frozenset)
    ph: Decimal | None = None


def over_screening(value: Decimal, screening: Decimal) -> Decimal | None:
    """Multiple over the screening value (C - S) / S, two decimals; None when not above it."""
    return multiple(value, screening, number("multiple_places")) if value > screening else None


def unknown(table: Edition, sample: str, word: str, value: Decimal | None) -> Found:
    """An item that the standard sets no limit for: named, and left out."""
    near = table.near(word)
    zh = f"{table.standard} 未规定{word}" + (f"（是否为 {near}）" if near else "")
    en = f"{table.standard} has no {word}" + (f"; did you mean {near}" if near else "")
    return Found(sample, Limits(word, word, UNIT, table.standard, None, None), value, "", why=(zh, en), counts=False)


def unusable(sample: str, limits: Limits, value: Decimal | None) -> Found | None:
    """A content that is missing or negative; None for a good one. [mg/kg]"""
    if value is None:
        return Found(sample, limits, None, "", why=("缺测", "missing"), counts=False)
    if not value.is_finite() or value < 0:
        return Found(sample, limits, None, "", why=(f"数值{value}无效", f"{value} is no content"))
    return None


def undetected(sample: str, limits: Limits, value: Decimal, best: str) -> Found:
    """A non-detect: below every limit above its detection limit; otherwise it cannot be told."""
    assert limits.screening is not None
    if value <= limits.screening:
        return Found(
            sample, limits, value, best, why=(f"未检出，检出限 {value}", f"not detected, detection limit {value}")
        )
    zh = f"未检出，但检出限 {value} 高于筛选值 {limits.screening}，无法判定"
    en = f"not detected, but its detection limit {value} is above the screening value {limits.screening}"
    return Found(sample, limits, value, "", why=(zh, en))


def day_window(day: date) -> Window:
    """The DAY window of a date, China time."""
    return window_of(Period.DAY, instant(datetime.combine(day, time(), CHINA)))


def _status(one: Found, states: Mapping[str, State]) -> Status:
    if not one.state:
        return Status.CANNOT_JUDGE
    return Status.EXCEEDS if states[one.state].exceeds else Status.ATTAINS


def worst(found: Sequence[Found], order: Sequence[str]) -> Found:
    """What stands for an item, or for a sample: the worst state, then the largest content over its screening value.

    What cannot be told lies between the states that attain and those that exceed (the last two of `order`); what was
    not measured counts least.
    """
    ranks = {state: float(n) for n, state in enumerate(order)}
    untold = ranks[order[-2]] - 0.5

    def rank(one: Found) -> tuple[float, Fraction]:
        return ranks.get(one.state, untold if one.counts else -1.0), one.ratio

    return max(found, key=rank)


def _item(one: Found, all_of_it: Sequence[Found], states: Mapping[str, State]) -> VerdictItem:
    limits = one.limits
    zh, en = [one.why[0]] if one.why[0] else [], [one.why[1]] if one.why[1] else []
    if limits.control is not None:
        zh.append(f"管制值 {limits.control}")
        en.append(f"control value {limits.control}")
    elif limits.screening is not None:
        zh.append("无管制值")
        en.append("no control value")
    told = [other for other in all_of_it if other.state]
    if len(all_of_it) > 1 and told:
        over = sum(1 for other in told if other.multiple is not None)
        of_all = share(over, len(told))
        zh.append(f"最不利样品 {one.sample}；{len(told)}个有效样品中{over}个超筛选值（{of_all}%）")
        en.append(f"worst sample {one.sample}; {over} of {len(told)} valid samples above screening ({of_all} %)")
    return VerdictItem(
        factor=limits.item,
        figure=None if one.value is None else format(one.value, "f"),
        unit=limits.unit,
        status=_status(one, states),
        limit=None if limits.screening is None else format(limits.screening, "f"),
        grade=one.state or None,
        multiple=None if one.multiple is None else str(one.multiple),
        clause=limits.clause,
        reason=both("；".join(zh), "; ".join(en)) if zh else "",
    )


def english(item: str) -> str:
    """An item's English name: the dictionary's, else its code in words."""
    known = factors().get(item)
    return known.en.lower() if known is not None else item.replace("_", " ")


def share(part: int, whole: int) -> Decimal:
    """A share in per cent, one decimal."""
    return round_fraction(Fraction(100 * part, whole), number("share_places"))


def verdict(
    judge: str,
    name: tuple[str, str, str],
    day: date,
    samples: Sequence[str],
    found: Iterable[Found],
    *,
    table: Edition,
    states: Sequence[State],
    window: Window | None,
    extra: Mapping[str, Any],
    measured: tuple[str, str],
) -> Verdict:
    """The verdict of all items of all samples: the worst item gives it.

    `name`: the subject, and how a sentence calls it in Chinese and in English; `states`: best first; `measured`: how
    many items were judged, in words.
    """
    known, order = {state.id: state for state in states}, [state.id for state in states]
    by_item: dict[str, list[Found]] = {}
    for one in found:
        by_item.setdefault(one.limits.item, []).append(one)
    chosen = [(worst(group, order), group) for group in by_item.values()]
    judged = [one for one, _ in chosen if one.state]
    untold = [one for one, _ in chosen if not one.state and one.counts]
    head = worst(judged, order) if judged else None
    state = known[head.state] if head is not None else None
    status = _status(head, known) if head is not None else Status.CANNOT_JUDGE
    if status is Status.ATTAINS and untold:
        status, state, head = Status.CANNOT_JUDGE, None, None
    deciding = sorted(
        (one for one in judged if state is not None and one.state == state.id and known[one.state].exceeds),
        key=lambda one: -one.ratio,
    )
    by_sample: dict[str, list[Found]] = {}
    for group in by_item.values():
        for one in group:
            by_sample.setdefault(one.sample, []).append(one)
    reached = [worst(group, order).state for group in by_sample.values()]
    counts = {id: reached.count(id) for id in order}
    where = window or day_window(day)
    zh, en = _sentences(name, where, deciding, untold, state=state, measured=measured)
    valid = sum(counts.values())
    if len(samples) > 1 and valid:
        over = sum(counts[state.id] for state in states if state.exceeds)
        of_all = share(over, valid)
        zh += f"；{valid}个有效样品中{over}个超筛选值（{of_all}%）"
        en += f"; {over} of {valid} valid samples above screening ({of_all} %)"
    return Verdict(
        judge=judge,
        subject=name[0],
        window=where,
        status=status,
        figure=None if head is None or head.value is None else format(head.value, "f"),
        unit=UNIT if head is not None else "",
        limit=None if head is None or head.limits.screening is None else format(head.limits.screening, "f"),
        clause=table.standard,
        edition=table.standard,
        level=None if state is None else number("level", state.id),
        label_zh=state.zh if state else "无法判定",
        label_en=state.en if state else "cannot be judged",
        deciding=tuple(one.limits.item for one in deciding),
        items=tuple(_item(one, group, known) for one, group in chosen),
        sentence_zh=zh + "。",
        sentence_en=en + ".",
        extra={
            **extra, "state": state.id if state else UNTOLD, "samples": len(samples), "valid_samples": valid,
            "by_state": counts,
            "worst_sample": {one.limits.item: one.sample for one, _ in chosen if one.state},
        },
    )  # fmt: skip


def _sentences(
    name: tuple[str, str, str],
    where: Window,
    deciding: Sequence[Found],
    untold: Sequence[Found],
    *,
    state: State | None,
    measured: tuple[str, str],
) -> tuple[str, str]:
    """What a person can read out, without its full stop."""
    when_zh, when_en = window_words(where)
    zh, en = f"{name[1]}{when_zh}", f"{name[2]}, {when_en}: "
    said_zh, said_en = [], []
    for one in deciding:
        limits = one.limits
        beyond = limits.control is not None and one.value is not None and one.value > limits.control
        limit_zh, limit_en = (
            (f"管制值 {limits.control}", f"control value {limits.control}")
            if beyond
            else (f"筛选值 {limits.screening}", f"screening value {limits.screening}")
        )
        said_zh.append(f"{limits.zh} {one.value} {UNIT}（超过{limit_zh}，超筛选值 {one.multiple} 倍）")
        said_en.append(f"{english(limits.item)} {one.value} {UNIT} (above its {limit_en}, multiple {one.multiple})")
    if said_zh:
        zh, en = zh + "、".join(said_zh) + "，", en + ", ".join(said_en) + ": "
    if state is not None:
        zh, en = f"{zh}{state.zh}，{state.advice_zh}", f"{en}{state.en}, {state.advice_en}"
    else:
        zh, en = f"{zh}无法判定", f"{en}cannot be judged"
    if untold:
        zh += "；" + listed(f"{one.limits.zh}{one.why[0]}" for one in untold)
        en += "; " + listed((f"{english(one.limits.item)}: {one.why[1]}" for one in untold), english=True)
    return f"{zh}（{measured[0]}）", f"{en} ({measured[1]})"
