"""Surface water over a period: the class of each section by its mean values, rivers and basins by shares or means.

A month's value of an item is the mean of its day values; a longer period's the mean of its monthly values. Each section
is then classified **once** by those values: classes themselves are never averaged (环办[2011]22号).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any

from jinyun.app.services.periods.days import Once
from jinyun.app.services.periods.scopes import Scope, km
from jinyun.app.services.periods.shapes import (
    NO_DAYS,
    PERCENT,
    factor_names,
    figure,
    left_out,
    share,
    units,
    values_of,
)
from jinyun.app.services.periods.spans import Span, day_of
from jinyun.app.services.words import factor_words, verdict_dict
from jinyun.domains.water.change import class_change, status_change
from jinyun.domains.water.judges import target_of
from jinyun.domains.water.limits import LABELS_EN, LABELS_ZH, STATUS_EN, WORSE, edition, rule, status_words
from jinyun.domains.water.means import Means, Sample, mean_of, mean_samples, samples_needed
from jinyun.domains.water.river import evaluate_river, point_change, share_change, shares, shares_of
from jinyun.domains.water.section import ItemValue, judge_items
from jinyun.kernel.ports import VerdictBrief
from jinyun.kernel.terms import Period, Site, Status, Verdict
from jinyun.methods.measured import both
from jinyun.methods.wording import window_words

JUDGES = ("water.section_class_day",)
Days = Mapping[str, Sequence[VerdictBrief]]
NONE = Means({}, {}, frozenset())


@dataclass(frozen=True, slots=True)
class SectionPeriod:
    """One section over one span. `verdict` None: it had no valid day."""

    site: Site
    means: Means
    verdict: Verdict | None
    valid_days: int
    months: int  # with data
    months_needed: int

    @property
    def level(self) -> int | None:
        return self.verdict.level if self.verdict else None

    @property
    def sample(self) -> Sample | None:
        """As a river's evaluation takes it; an item with too few months is due, and missing."""
        if self.verdict is None:
            return None
        values: dict[str, Decimal | None] = {**self.means.values, **dict.fromkeys(self.means.too_few)}
        return Sample(values, self.means.non_detects)

    @property
    def reason(self) -> tuple[str, str]:
        if self.verdict is None:
            return NO_DAYS
        if self.months < self.months_needed:
            return _few_words(self.months, self.months_needed)
        if self.level is None:
            return "有项目缺少有效数据", "an item lacks valid data"
        return "", ""


def day_sample(row: VerdictBrief) -> Sample | None:
    """The values of one day; None without any. A figure that begins with ``<`` is a non-detect."""
    texts = values_of(row)
    if not texts:
        return None
    lost = frozenset(name for name, text in texts.items() if text.startswith("<"))
    return Sample({name: _number(text) for name, text in texts.items()}, lost)


@lru_cache(20_000)
def _number(text: str) -> Decimal:
    return Decimal(text.removeprefix("<"))


def months_needed(span: Span) -> int:
    """Monthly values that the span needs: by the rule of its kind, and of what has begun at most all.

    A year to date needs each of its months, as a year needs its twelve.
    """
    begun = sum(first < span.until for first, _ in span.months())
    by_rule = {"month": 1, "quarter": samples_needed(Period.QUARTER), "year": samples_needed(Period.YEAR)}
    return max(1, min(begun, by_rule.get(span.kind, begun)))


def averaged(samples: Sequence[Sample], least: int = 1) -> Means:
    """As `mean_samples`, but kept to the decimals that the figures are printed with: 2.0 and 7.0 make 4.5, not 4."""
    found = mean_samples(samples, least=least)
    half = rule("non_detect_share")
    values = dict(found.values)
    for code in values:
        here = [(v, code in one.non_detects) for one in samples if (v := one.values.get(code)) is not None]
        if code not in found.non_detects:
            places = max([factor_words(code)[3] or 0, *(_places(value) for value, _ in here)])
            values[code] = mean_of([v * half if lost else v for v, lost in here], item=code, places=places)
    return replace(found, values=values)


def _places(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def section_means(rows: Sequence[VerdictBrief], span: Span) -> tuple[Means, int, int]:
    """(mean per item, valid days, months with data) of one section."""
    by_month: dict[tuple[int, int], list[Sample]] = {}
    for row in rows:
        sample = day_sample(row)
        if sample is not None:
            day = day_of(row.start)
            by_month.setdefault((day.year, day.month), []).append(sample)
    monthly = [averaged(days) for days in by_month.values()]
    days = sum(map(len, by_month.values()))
    if not monthly:
        return NONE, 0, 0
    if span.kind == "month":
        return monthly[0], days, 1
    samples = [Sample(one.values, one.non_detects) for one in monthly]
    return averaged(samples, months_needed(span)), days, len(monthly)


def evaluate_section(site: Site, rows: Sequence[VerdictBrief], span: Span, on: date) -> SectionPeriod:
    """Class of one section over a span, in the edition of `on`."""
    found, days, months = section_means(rows, span)
    verdict = None
    if days:
        given = {code: ItemValue(value, code in found.non_detects) for code, value in found.values.items()}
        given |= {code: ItemValue(None, note=both(*_few(months, span))) for code in found.too_few}
        table = edition(on, str(site.data.get("body") or ""))
        verdict = judge_items(
            "water.section_period", site.id, site.name, given, table, window=span.window, target=target_of(site.data)
        )
        verdict = _said(verdict, span, _few(months, span) if verdict.level is None and found.too_few else None)
    return SectionPeriod(site, found, verdict, days, months, months_needed(span))


def _few(months: int, span: Span) -> tuple[str, str]:
    return _few_words(months, months_needed(span))


def _few_words(have: int, need: int) -> tuple[str, str]:
    return f"仅{have}个月有数据，需{need}个月", f"{have} months with data of the {need} needed"


def _said(verdict: Verdict, span: Span, why: tuple[str, str] | None = None) -> Verdict:
    """With sentences that name the span itself (1—10月, not the year), and why it cannot be judged."""
    told = []
    for text, window, own, end, reason in zip(
        (verdict.sentence_zh, verdict.sentence_en), window_words(span.window), span.words(), "。.", why or ("", ""),
        strict=True,
    ):  # fmt: skip
        sentence = text.replace(window, own, 1)
        told.append(f"{sentence.removesuffix(end)}（{reason}）{end}" if reason and end == "。" else
                    f"{sentence.removesuffix(end)} ({reason}){end}" if reason else sentence)  # fmt: skip
    return replace(verdict, sentence_zh=told[0], sentence_en=told[1])


def answer(
    scope: Scope, span: Span, now: Mapping[str, Days], before: Mapping[str, Days], *, on: date, once: Once
) -> dict[str, Any]:
    """The parts of `figures` that are of water; `now` and `before` by judge, then site."""
    (judge,) = JUDGES

    def of(when: Span, days: Days) -> list[SectionPeriod]:
        return [
            once(site, when, days[site.id], partial(evaluate_section, site, days[site.id], when, on))
            for site in scope.sites
        ]

    after, earlier = of(span, now[judge]), of(span.year_before(), before[judge])
    table = edition(on)
    told: dict[str, Any] = {
        "edition_zh": f"{table.standard}；{table.evaluation}",
        "edition_en": f"{table.standard}; {table.evaluation}",
        "rows": [_row(a, b, span) for a, b in zip(after, earlier, strict=True)],
        "classes": _classes(after, earlier),
        "units": _units(scope, after),
        "units_before": _units(scope, earlier),
    }
    if scope.kind == "site":
        return told | _of_one(after[0], earlier[0])
    return told | _of_many(scope, span, after, earlier, on)


def _of_one(after: SectionPeriod, earlier: SectionPeriod) -> dict[str, Any]:
    now, before = (None if one.level is None else str(one.level) for one in (after, earlier))
    target = target_of(after.site.data)
    told: dict[str, Any] = {
        "figures": [
            figure(
                "class", "水质类别", "Class", now=now, before=before, limit=str(target),
                status=str(after.verdict.status) if after.verdict else None, lower_is_better=True, reason=after.reason,
                reason_before=earlier.reason,
            )
        ],
        "verdict": verdict_dict(after.verdict) if after.verdict else None,
    }  # fmt: skip
    if after.verdict:
        told |= {"sentence_zh": after.verdict.sentence_zh, "sentence_en": after.verdict.sentence_en}
    if after.level is not None and earlier.level is not None:
        change = class_change(earlier.level, after.level)
        told |= {"change_zh": change.label_zh, "change_en": change.label_en}
    return told


def _river(scope: Scope, span: Span, sections: Sequence[SectionPeriod], on: date, before: Sequence[int | None] | None
           ) -> Verdict | None:  # fmt: skip
    """The verdict on all sections together; None when not one had a valid day."""
    if all(one.verdict is None for one in sections):
        return None
    names = [one.site.name for one in sections]
    keys = [
        name if names.count(name) == 1 else f"{name}（{one.site.id}）"
        for name, one in zip(names, sections, strict=True)
    ]
    found = evaluate_river(
        scope.zh, {key: one.sample for key, one in zip(keys, sections, strict=True)}, day=on, window=span.window,
        before=before, subject=scope.id,
    )  # fmt: skip
    return _said(replace(found, judge="water.river_period"), span)


def _of_many(
    scope: Scope, span: Span, after: Sequence[SectionPeriod], earlier: Sequence[SectionPeriod], on: date
) -> dict[str, Any]:
    levels_before = [one.level for one in earlier]
    verdict = _river(scope, span, after, on, levels_before if any(levels_before) else None)
    then = _river(scope, span.year_before(), earlier, on, None)
    now_shares, then_shares = shares_of([one.level for one in after]), shares_of(levels_before)
    word, word_before = _word(verdict), _word(then)
    reason = after[0].reason if len(after) == 1 else ("无可评价断面", "no section could be evaluated")
    if verdict is not None and word is None:
        reason = (verdict.sentence_zh, verdict.sentence_en)
    status = figure("status", "水质状况", "Status", now=None, before=None) | {
        "figure": word, "before": word_before, "status": None if verdict is None else str(verdict.status),
        "figure_en": STATUS_EN.get(word or ""), "before_en": STATUS_EN.get(word_before or ""),
        "reason_zh": "" if word else reason[0], "reason_en": "" if word else reason[1],
    }  # fmt: skip
    good = _share_figure("good_ratio", ("Ⅰ～Ⅲ类断面比例", "Share of class I–III"), now_shares, then_shares, False)
    worse = _share_figure("worse_ratio", ("劣Ⅴ类断面比例", "Share worse than V"), now_shares, then_shares, True)
    met, met_before = (
        share(sum(o.level <= target_of(o.site.data) for o in some if o.level), sum(o.level is not None for o in some))
        for some in (after, earlier)
    )
    told: dict[str, Any] = {
        "figures": [
            status, good, worse,
            figure("target_ratio", "达到目标断面比例", "Share meeting their target", unit=PERCENT, now=met,
                   before=met_before, lower_is_better=False, reason=reason),
            figure("sections", "评价断面数", "Sections evaluated", now=str(now_shares.total),
                   before=str(then_shares.total)),
        ],
        "verdict": verdict_dict(verdict) if verdict else None,
        "sentence_zh": verdict.sentence_zh if verdict else "", "sentence_en": verdict.sentence_en if verdict else "",
    }  # fmt: skip
    least = int(rule("river_sections_min"))
    if min(now_shares.total, then_shares.total) >= least:
        after_shares, before_shares = (
            shares([n for n in levels if n is not None]) for levels in ([o.level for o in after], levels_before)
        )
        change = share_change((before_shares[0], after_shares[0]), (before_shares[1], after_shares[1]))
        told |= {"change_zh": change.label_zh, "change_en": change.label_en}
    elif word is not None and word_before is not None:
        by_word = status_change(word_before, word)
        told |= {"change_zh": by_word.label_zh, "change_en": by_word.label_en}
    return told


def _word(verdict: Verdict | None) -> str | None:
    if verdict is None or verdict.status is Status.CANNOT_JUDGE:
        return None
    return str(verdict.extra["status_zh"])


def _share_figure(id: str, words: tuple[str, str], now: Any, then: Any, lower_is_better: bool) -> dict[str, Any]:
    """A share with its change in points, from the exact shares (point_change), as a bureau prints it."""

    def of(one: Any) -> Any:
        return None if not one.total else one.good_share if id == "good_ratio" else one.worse_share

    exact, before = of(now), of(then)
    told = figure(
        id, *words, unit=PERCENT, now=None if exact is None else now.printed(exact),
        before=None if before is None else then.printed(before), lower_is_better=lower_is_better,
        reason=("无可评价断面", "no section could be evaluated"),
    )  # fmt: skip
    if exact is not None and before is not None:
        points = point_change(exact, before)
        told |= {"change": f"{points:+f}" if points else format(points, "f")}
    return told


def _row(after: SectionPeriod, earlier: SectionPeriod, span: Span) -> dict[str, Any]:
    site, found, level = after.site, after.verdict, after.level
    extra = found.extra if found else {}
    target = target_of(site.data)
    deciding = list(found.deciding) if found else []
    zh, en = factor_names(deciding)
    change = None if level is None or earlier.level is None else class_change(earlier.level, level)
    word = status_words()[level][0] if level else ""
    return {
        "site": site.id, "name": site.name, "river": site.data.get("river"), "km": str(km(site) or "") or None,
        "status": str(found.status) if found else str(Status.CANNOT_JUDGE), "level": level,
        "figure": None if level is None else str(level), "unit": "",
        "label_zh": found.label_zh if found else "无法判定",
        "label_en": found.label_en if found else "cannot be judged",
        "status_zh": word, "status_en": STATUS_EN.get(word, ""),
        "before_level": earlier.level, "before_label_zh": _label(earlier.level, LABELS_ZH, "类"),
        "before_label_en": _label(earlier.level, LABELS_EN, ""),
        "change_zh": change.label_zh if change else "", "change_en": change.label_en if change else "",
        "deciding": deciding, "deciding_zh": zh, "deciding_en": en,
        "main_indicators": list(extra.get("main_indicators", ())),
        "main_indicators_zh": extra.get("main_indicators_zh", ""),
        "target": target, "target_met": None if level is None else level <= target,
        "valid_days": after.valid_days, "days": span.days, "months": after.months,
        "values": {code: format(value, "f") for code, value in after.means.values.items()},
        "sentence_zh": found.sentence_zh if found else "", "sentence_en": found.sentence_en if found else "",
        "reason_zh": after.reason[0], "reason_en": after.reason[1],
    }  # fmt: skip


def _label(level: int | None, words: Mapping[int, str], after: str) -> str:
    return "" if level is None else words[level] + after


def _classes(after: Sequence[SectionPeriod], earlier: Sequence[SectionPeriod]) -> list[dict[str, Any]]:
    now, then = ([one.level for one in some] for some in (after, earlier))
    return [
        {
            "level": n, "zh": f"{LABELS_ZH[n]}类", "en": LABELS_EN[n], "sections": now.count(n),
            "before": then.count(n),
        }
        for n in range(1, WORSE + 1)
    ]  # fmt: skip


def _units(scope: Scope, sections: Sequence[SectionPeriod]) -> dict[str, Any]:
    out = [left_out(one.site, *one.reason) for one in sections if one.level is None]
    return units(scope.sites, len(sections) - len(out), out)
