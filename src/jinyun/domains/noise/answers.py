"""From judged levels to the one shape of a verdict: what zones, boundaries and rooms share. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from jinyun.domains.noise.limits import number
from jinyun.kernel.rounding import round_gb
from jinyun.kernel.terms import CHINA, Period, ReadingRef, Status, Verdict, VerdictItem, Window, instant, window_of
from jinyun.methods.measured import both
from jinyun.methods.wording import unit_words, window_words

LABELS: Mapping[Status, tuple[str, str]] = {
    Status.ATTAINS: ("达标", "attains"),
    Status.EXCEEDS: ("超标", "exceeds"),
    Status.CANNOT_JUDGE: ("无法判定", "cannot be judged"),
}
LEVELS: Mapping[Status, str] = {Status.ATTAINS: "level_attains", Status.EXCEEDS: "level_exceeds"}


@dataclass(frozen=True, slots=True)
class Compared:
    """One level beside its limit; `value` None: `why` says why not, in both languages."""

    factor: str
    words: tuple[str, str]  # what is compared, zh and en
    value: Decimal | None
    limit: Decimal | None
    unit: str
    clause: str
    why: tuple[str, str] = ("", "")
    note: tuple[str, str] = ("", "")
    readings: tuple[ReadingRef, ...] = ()
    optional: bool = False  # what is not known of it does not hold up the rest
    decides: bool = True  # False: shown for reference

    @property
    def status(self) -> Status:
        """A value equal to the limit complies."""
        if self.value is None or self.limit is None:
            return Status.CANNOT_JUDGE
        return Status.EXCEEDS if self.value > self.limit else Status.ATTAINS

    @property
    def excess(self) -> Decimal | None:
        """How far above the limit; negative below it. [dB]"""
        return None if self.value is None or self.limit is None else self.value - self.limit

    def item(self) -> VerdictItem:
        """Its part in a verdict."""
        zh, en = self.why if self.value is None or self.limit is None else self.note
        if self.status is Status.EXCEEDS:
            over = (
                f"超标{self.excess}{unit_words(self.unit)}",
                f"{self.excess}{unit_words(self.unit)} above the limit",
            )
            zh, en = "；".join(filter(None, (over[0], zh))), "; ".join(filter(None, (over[1], en)))
        return VerdictItem(
            self.factor, None if self.value is None else format(self.value, "f"), self.unit, self.status,
            None if self.limit is None else format(self.limit, "f"), clause=self.clause,
            reason=both(zh, en) if zh else "", readings=self.readings,
        )  # fmt: skip

    def said(self) -> tuple[str, str]:
        """Its part of the sentence."""
        unit = unit_words(self.unit)
        limit_zh, limit_en = f"（限值 {self.limit}{unit}）", f" (limit {self.limit}{unit})"
        zh, en = self.words
        if self.value is None or self.limit is None:
            return f"{zh}无法判定：{self.why[0]}", f"{en} cannot be judged: {self.why[1]}"
        if self.status is Status.ATTAINS:
            return f"{zh} {self.value}{unit}，达标{limit_zh}", f"{en} {self.value}{unit}, attains{limit_en}"
        return (
            f"{zh} {self.value}{unit}，超标 {self.excess}{unit}{limit_zh}",
            f"{en} {self.value}{unit}, {self.excess}{unit} above the limit{limit_en}",
        )


def printed_level(value: Decimal | None) -> Decimal | None:
    """A level as printed and compared: at 0.1 dB, half to even, once (HJ 640-2012). [dB]"""
    return None if value is None else round_gb(value, number("places"))


def day_window(day: date) -> Window:
    """The DAY window of a date, China time."""
    return window_of(Period.DAY, instant(datetime.combine(day, time(), CHINA)))


def verdict(
    judge: str,
    name: tuple[str, str, str],
    window: Window,
    parts: Sequence[Compared],
    *,
    edition: str,
    extra: Mapping[str, Any],
    notes: Sequence[tuple[str, str]] = (),
) -> Verdict:
    """The verdict on one point: it exceeds when any part does, and cannot be judged when a needed part cannot.

    `name`: the subject, and how a sentence calls it in Chinese and in English.
    """
    states = [one.status for one in parts if one.decides and not (one.optional and one.status is Status.CANNOT_JUDGE)]
    if Status.EXCEEDS in states:
        status = Status.EXCEEDS
    else:
        status = Status.CANNOT_JUDGE if Status.CANNOT_JUDGE in states or not states else Status.ATTAINS
    judged = [one for one in parts if one.decides and one.excess is not None]
    head = max(judged, key=lambda one: one.excess or Decimal(0), default=None)
    over = tuple(one.factor for one in parts if one.decides and one.status is Status.EXCEEDS)
    when_zh, when_en = window_words(window)
    said = [one.said() for one in parts] + list(notes)
    subject, called_zh, called_en = name
    label_zh, label_en = LABELS[status]
    return Verdict(
        judge=judge,
        subject=subject,
        window=window,
        status=status,
        figure=None if head is None else format(head.value or Decimal(0), "f"),
        unit="" if head is None else head.unit,
        limit=None if head is None or head.limit is None else format(head.limit, "f"),
        clause="；".join(dict.fromkeys(one.clause for one in parts if one.clause)),
        edition=edition,
        level=number(LEVELS[status]) if status in LEVELS else None,
        label_zh=label_zh,
        label_en=label_en,
        deciding=over,
        items=tuple(one.item() for one in parts),
        sentence_zh=f"{called_zh}{when_zh}{'；'.join(zh for zh, _ in said)}。",
        sentence_en=f"{called_en}, {when_en}: {'; '.join(en for _, en in said)}.",
        extra=dict(extra),
    )
