"""Surface water over a period: the class of each section by its mean values, rivers and basins by shares or means.

A month's value of an item is the mean of its day values; a longer period's the mean of its monthly values. Each section
is then classified **once** by those values: classes themselves are never averaged (环办[2011]22号).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from jinyun.app.services.periods.scopes import Scope, km
from jinyun.app.services.periods.shapes import PERCENT, factor_names, figure, left_out, share, units, values_of
from jinyun.app.services.periods.spans import Span, day_of
from jinyun.domains.water.judges import target_of
from jinyun.domains.water.limits import LABELS_EN, LABELS_ZH, STATUS_EN, WORSE, edition, rule, status_words
from jinyun.domains.water.quality import SectionClass, section_class
from jinyun.domains.water.river import river_status, share_change, shares
from jinyun.kernel.ports import VerdictBrief
from jinyun.kernel.terms import Site
from jinyun.methods.statistics import decimals, mean, round_fraction

JUDGES = ("water.section_class_day",)
Days = Mapping[str, Sequence[VerdictBrief]]
Values = dict[str, Decimal]


@dataclass(frozen=True, slots=True)
class SectionPeriod:
    """One section over one span."""

    site: Site
    values: Values  # mean per item
    found: SectionClass | None
    valid_days: int
    months: int  # with data


def day_values(row: VerdictBrief) -> Values:
    return {factor: Decimal(text) for factor, text in values_of(row).items()}


def means(rows: Sequence[Values]) -> Values:
    """Mean of each item over the rows that have it, kept to the places of its values."""
    found: Values = {}
    for factor in dict.fromkeys(name for row in rows for name in row):
        mine = [row[factor] for row in rows if factor in row]
        found[factor] = round_fraction(mean(mine), max(decimals(value) for value in mine))
    return found


def section_values(rows: Sequence[VerdictBrief], span: Span) -> tuple[Values, int, int]:
    """(mean per item, valid days, months with data) of one section."""
    by_month: dict[tuple[int, int], list[Values]] = {}
    valid = 0
    for row in rows:
        values = day_values(row)
        if values:
            valid += 1
            day = day_of(row.start)
            by_month.setdefault((day.year, day.month), []).append(values)
    monthly = [means(days) for days in by_month.values()]
    if span.kind == "month":
        return (monthly[0] if monthly else {}), valid, len(monthly)
    return means(monthly), valid, len(monthly)


def evaluate_section(site: Site, rows: Sequence[VerdictBrief], span: Span, on: date) -> SectionPeriod:
    values, valid, months = section_values(rows, span)
    found = section_class(values, edition(on, str(site.data.get("body") or "")))
    return SectionPeriod(site, values, found, valid, months)


def answer(scope: Scope, span: Span, now: Mapping[str, Days], before: Mapping[str, Days], on: date) -> dict[str, Any]:
    """The parts of `figures` that are of water; `now` and `before` by judge, then site."""
    (judge,) = JUDGES
    after = [evaluate_section(site, now[judge][site.id], span, on) for site in scope.sites]
    earlier = [evaluate_section(site, before[judge][site.id], span.year_before(), on) for site in scope.sites]
    rows = [_row(a, b, span) for a, b in zip(after, earlier, strict=True)]
    table = edition(on)
    judged, judged_before = [a for a in after if a.found], [b for b in earlier if b.found]
    told: dict[str, Any] = {
        "edition_zh": f"{table.standard}；{table.evaluation}",
        "edition_en": f"{table.standard}; {table.evaluation}",
        "rows": rows,
        "classes": _classes(judged, judged_before),
        "units": _units(scope, after),
        "units_before": _units(scope, earlier),
        "verdict": None,
    }
    if scope.kind == "site":
        return told | _of_one(after[0], earlier[0])
    return told | _of_many(judged, judged_before)


def _levels(sections: Sequence[SectionPeriod]) -> list[int]:
    return [one.found.level for one in sections if one.found]


def _of_one(after: SectionPeriod, earlier: SectionPeriod) -> dict[str, Any]:
    now, before = (str(one.found.level) if one.found else None for one in (after, earlier))
    target = target_of(after.site.data)
    status = None if after.found is None else "attains" if after.found.level <= target else "exceeds"
    figures = [
        figure(
            "class", "水质类别", "Class", now=now, before=before, limit=str(target), status=status,
            lower_is_better=True, reason=("本期无有效日值", "no valid day in this period"),
        )
    ]  # fmt: skip
    return {"figures": figures}


def _of_many(judged: Sequence[SectionPeriod], before: Sequence[SectionPeriod]) -> dict[str, Any]:
    levels, levels_before = _levels(judged), _levels(before)
    good, worse = int(rule("reference_class")), WORSE
    nothing = ("本期无可评价断面", "no section could be evaluated")

    def counted(of: Sequence[int], low: int, high: int) -> str | None:
        return share(sum(low <= n <= high for n in of), len(of))

    met, met_before = (
        share(sum(o.found.level <= target_of(o.site.data) for o in some if o.found), len(some))
        for some in (judged, before)
    )
    status, status_before = _status(judged), _status(before)
    figures = [
        {**figure("status", "水质状况", "Status", now=None, before=None, reason=nothing), "figure": status,
         "before": status_before, "reason_zh": "" if status else nothing[0], "reason_en": "" if status else nothing[1]},
        figure("good_ratio", "Ⅰ～Ⅲ类断面比例", "Share of class I–III", unit=PERCENT, now=counted(levels, 1, good),
               before=counted(levels_before, 1, good), lower_is_better=False, reason=nothing),
        figure("worse_ratio", "劣Ⅴ类断面比例", "Share worse than V", unit=PERCENT,
               now=counted(levels, worse, worse), before=counted(levels_before, worse, worse),
               lower_is_better=True, reason=nothing),
        figure("target_ratio", "达到目标断面比例", "Share meeting their target", unit=PERCENT, now=met,
               before=met_before, lower_is_better=False, reason=nothing),
        figure("sections", "评价断面数", "Sections evaluated", now=str(len(levels)), before=str(len(levels_before))),
    ]  # fmt: skip
    change_zh = ""
    least = int(rule("river_sections_min"))
    if min(len(levels), len(levels_before)) >= least:
        (g1, w1), (g0, w0) = shares(levels), shares(levels_before)
        change_zh = share_change((g0, g1), (w0, w1)).label_zh
    return {"figures": figures, "change_zh": change_zh}


def _status(sections: Sequence[SectionPeriod]) -> str | None:
    levels = _levels(sections)
    if not levels:
        return None
    if len(levels) >= int(rule("river_sections_min")):
        return river_status(*shares(levels), len(levels))
    return status_words()[max(levels)][0]


def _row(after: SectionPeriod, earlier: SectionPeriod, span: Span) -> dict[str, Any]:
    site, found = after.site, after.found
    level, level_before = (one.found.level if one.found else None for one in (after, earlier))
    target = target_of(site.data)
    deciding = list(found.deciding) if found else []
    zh, en = factor_names(deciding)
    return {
        "site": site.id, "name": site.name, "river": site.data.get("river"), "km": str(km(site) or "") or None,
        "status": "cannot_judge" if level is None else "attains" if level <= target else "exceeds",
        "level": level, "figure": None if level is None else str(level), "unit": "",
        "label_zh": _label(level, LABELS_ZH, "类"), "label_en": _label(level, LABELS_EN, ""),
        "status_zh": found.status_zh if found else "", "status_en": STATUS_EN[found.status_zh] if found else "",
        "before_level": level_before, "before_label_zh": _label(level_before, LABELS_ZH, "类"),
        "before_label_en": _label(level_before, LABELS_EN, ""), "change_zh": "", "change_en": "",
        "deciding": deciding, "deciding_zh": zh, "deciding_en": en,
        "main_indicators": list(found.main_indicators) if found else [],
        "target": target, "target_met": None if level is None else level <= target,
        "valid_days": after.valid_days, "days": span.days,
        "values": {factor: format(value, "f") for factor, value in after.values.items()},
        "sentence_zh": "", "sentence_en": "",
        "reason_zh": "" if found else "本期无有效日值", "reason_en": "" if found else "no valid day in this period",
    }  # fmt: skip


def _label(level: int | None, words: Mapping[int, str], after: str) -> str:
    return "" if level is None else words[level] + after


def _classes(judged: Sequence[SectionPeriod], before: Sequence[SectionPeriod]) -> list[dict[str, Any]]:
    now, then = _levels(judged), _levels(before)
    return [
        {"level": n, "zh": f"{LABELS_ZH[n]}类", "en": LABELS_EN[n], "sections": now.count(n), "before": then.count(n)}
        for n in LABELS_ZH
    ]


def _units(scope: Scope, sections: Sequence[SectionPeriod]) -> dict[str, Any]:
    out = [left_out(one.site, "本期无有效日值", "no valid day in this period") for one in sections if one.found is None]
    return units(scope.sites, len(sections) - len(out), out)
