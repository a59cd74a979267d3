"""Figures with their change, in the shape pages, reports and exports read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from jinyun.app.services.words import factor_words
from jinyun.kernel.ports import VerdictBrief
from jinyun.kernel.terms import Site
from jinyun.methods.statistics import round_fraction

PERCENT, POINTS = "%", "百分点"
CHANGE_PLACES = 1
NO_DAYS = ("本期无有效日值", "no valid day in this period")


def figure(
    id: str,
    zh: str,
    en: str,
    *,
    now: str | None,
    before: str | None,
    unit: str = "",
    limit: str | None = None,
    status: str | None = None,
    lower_is_better: bool | None = None,
    reason: tuple[str, str] = ("", ""),
    reason_before: tuple[str, str] = ("", ""),
) -> dict[str, Any]:
    """One figure beside the same of the year before; texts are as printed, and changes are of what is printed."""
    change = per_cent = None
    better: bool | None = None
    if now is not None and before is not None:
        step = Decimal(now) - Decimal(before)
        change = signed(step)
        if unit != PERCENT and Decimal(before) != 0:
            share = Fraction(step) / Fraction(Decimal(before)) * 100
            per_cent = signed(round_fraction(share, CHANGE_PLACES))
        if step and lower_is_better is not None:
            better = (step < 0) == lower_is_better
    return {
        "id": id, "zh": zh, "en": en, "figure": now, "unit": unit, "limit": limit, "status": status, "before": before,
        "change": change, "change_unit": POINTS if unit == PERCENT else unit, "change_percent": per_cent,
        "better": better, "reason_zh": reason[0] if now is None else "", "reason_en": reason[1] if now is None else "",
        "reason_before_zh": reason_before[0] if before is None else "",
        "reason_before_en": reason_before[1] if before is None else "",
    }  # fmt: skip


def signed(value: Decimal) -> str:
    """``+7.1``, ``-3``, ``0.0``."""
    return format(value, "f") if not value else format(value, "+f")


def share(part: int, whole: int, places: int = CHANGE_PLACES) -> str | None:
    """part / whole in per cent as printed; None of nothing."""
    return None if not whole else format(round_fraction(Fraction(part * 100, whole), places), "f")


def left_out(site: Site, zh: str, en: str) -> dict[str, str]:
    return {"id": site.id, "zh": site.name, "en": site.name, "reason_zh": zh, "reason_en": en}


def units(asked: Sequence[Site], valid: int, out: Iterable[Mapping[str, str]]) -> dict[str, Any]:
    """Number of valid units and those left out, with why."""
    return {"asked": len(asked), "valid": valid, "left_out": [dict(one) for one in out]}


def factor_names(factors: Iterable[str]) -> tuple[str, str]:
    words = [factor_words(one) for one in factors]
    return "、".join(zh for zh, *_ in words), ", ".join(en for _, en, *_ in words)


def day_row(row: VerdictBrief, name: str, day: str, judge: str) -> dict[str, Any]:
    """One day verdict for the list under a figure; its id leads to the why-tree."""
    return {
        "verdict": row.id, "judge": judge, "site": row.subject, "name": name, "date": day, "start": row.start,
        "status": str(row.status), "level": row.level, "figure": row.figure, "label_zh": row.label_zh,
        "label_en": row.label_en, "edition": row.edition, "values": values_of(row),
    }  # fmt: skip


def values_of(row: VerdictBrief) -> dict[str, str]:
    """The figure of each factor that has one; of two items of one factor (O3 by 8 h and 1 h) the first."""
    found: dict[str, str] = {}
    for factor, text, _, _ in row.values:
        if text is not None:
            found.setdefault(factor, text)
    return found
