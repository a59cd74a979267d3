"""Ambient air over a period by HJ 663: a station, or a city by the mean of its stations, all in one edition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any

from jinyun.app.services.periods.days import Once
from jinyun.app.services.periods.scopes import Scope
from jinyun.app.services.periods.shapes import (
    NO_DAYS,
    PERCENT,
    factor_names,
    figure,
    left_out,
    signed,
    units,
)
from jinyun.app.services.periods.spans import Span, day_of
from jinyun.app.services.words import verdict_dict
from jinyun.domains.air.city import city_days, kind_of
from jinyun.domains.air.compare import year_on_year
from jinyun.domains.air.days import DayValues
from jinyun.domains.air.evaluation import Statistic, evaluation, name_of
from jinyun.domains.air.judges import CATEGORY_EN, grade_of
from jinyun.domains.air.limits import index_edition, limits_edition
from jinyun.domains.air.period import ItemEvaluation, PeriodEvaluation, evaluate
from jinyun.domains.air.ranking import rank
from jinyun.kernel.ports import VerdictBrief
from jinyun.kernel.terms import Site, Status, Window

JUDGES = ("air.aqi_day",)
Days = Mapping[str, Sequence[VerdictBrief]]
OZONE = "o3"
OZONE_HOUR = "o3_1h"
MANY = 2


def day_values(rows: Iterable[VerdictBrief]) -> list[DayValues]:
    """Days as HJ 663 takes them. Of two O3 items of a day the first is the 8 h one, the second the 1 h one."""
    found = []
    for row in rows:
        values: dict[str, Decimal | None] = {}
        for factor, text, _, _ in row.values:
            key = OZONE_HOUR if factor == OZONE and OZONE in values else factor
            values[key] = None if text is None else _number(text)
        found.append(DayValues(day_of(row.start), values))
    return found


@lru_cache(20_000)
def _number(text: str) -> Decimal:
    return Decimal(text)


def window_of(span: Span) -> Window:
    """The days of a span that count: the whole calendar period when it is over."""
    return span.window if span.closed or not span.days else Window(span.window.period, span.start, span.stop)


def answer(
    scope: Scope, span: Span, now: Mapping[str, Days], before: Mapping[str, Days], *, on: date, once: Once
) -> dict[str, Any]:
    """The parts of `figures` that are of air; `now` and `before` by judge, then site."""
    (judge,) = JUDGES
    earlier_span = span.year_before()

    def of(when: Span, rows: Days) -> tuple[dict[str, list[DayValues]], dict[str, PeriodEvaluation]]:
        found = {s.id: once(s, when, rows[s.id], partial(_site, s, rows[s.id], when, on)) for s in scope.sites}
        return {id: days for id, (days, _) in found.items()}, {id: one for id, (_, one) in found.items()}

    after_days, after = of(span, now[judge])
    earlier_days, earlier = of(earlier_span, before[judge])
    if len(scope.sites) == 1:
        (site,) = scope.sites
        whole, whole_before = after[site.id], earlier[site.id]
    else:
        kinds = {site.id: kind_of(site.data) for site in scope.sites}
        whole, whole_before = (
            evaluate(scope.zh, city_days(days, kinds) if any(days.values()) else [], window_of(when), on=on)
            for days, when in ((after_days, span), (earlier_days, earlier_span))
        )
    compared = year_on_year(whole, whole_before, on=on)
    edition_zh, edition_en = edition_words(on)
    figures = _figures(whole, whole_before)
    points = compared.changes["good_ratio"].difference
    for one in figures:
        if one["id"] == "good_ratio" and points is not None:
            one["change"] = signed(points)  # from the exact shares, as a bureau prints it
    has_before = whole_before.good_days.valid > 0
    return {
        "edition_zh": edition_zh, "edition_en": edition_en, "verdict": verdict_dict(whole.verdict),
        "figures": figures, "levels": _levels(whole, whole_before, on),
        "primary": [
            {"factor": item, "zh": name_of(item), "en": name_of(item, english=True), "days": days,
             "before": whole_before.good_days.primary.get(item, 0)}
            for item, days in whole.good_days.primary.items()
        ],
        "rows": [_row(s, after[s.id], earlier[s.id], span) for s in scope.sites],
        "units": _units(scope, after), "units_before": _units(scope, earlier),
        "sentence_zh": whole.verdict.sentence_zh, "sentence_en": whole.verdict.sentence_en,
        "change_zh": compared.sentence_zh if has_before else "",
        "change_en": compared.sentence_en if has_before else "",
    }  # fmt: skip


def ranking(scope: Scope, span: Span, now: Days, on: date) -> dict[str, Any]:
    """Cities by composite index when the scope has several, else its stations; smaller is better."""
    days = {site.id: day_values(now[site.id]) for site in scope.sites}
    cities: dict[str, list[Site]] = {}
    for site in scope.sites:
        cities.setdefault(site.jurisdiction[:6], []).append(site)
    if len(cities) >= MANY:
        kinds = {site.id: kind_of(site.data) for site in scope.sites}
        ranked = {code: city_days({s.id: days[s.id] for s in sites}, kinds) for code, sites in cities.items()}
        names = {code: code for code in cities}
    else:
        ranked, names = dict(days), {site.id: site.name for site in scope.sites}
    found = rank(ranked, window_of(span), on=on)
    items = [
        {
            "rank": one.rank, "id": one.name, "name": names[one.name],
            "composite": None if one.index is None else format(one.index, "f"), "main": list(one.main),
            "main_zh": factor_names(one.main)[0], "good_ratio": _text(one.good_ratio), "valid_days": one.valid_days,
            **{_id(item, on): _text(_value(item)) for item in one.evaluation.items.values()},
            "note_zh": one.note_zh, "note_en": one.note_en,
        }
        for one in found.rows
    ]  # fmt: skip
    return {"items": items, "total": len(items), "of": "cities" if len(cities) >= MANY else "stations",
            "edition": found.edition, "note_zh": found.note_zh, "note_en": found.note_en}  # fmt: skip


def edition_words(on: date) -> tuple[str, str]:
    """Standards by which both periods are judged, with the stage of the limits."""
    standard, stage = limits_edition(on)
    others = f"{index_edition(on).standard}{{}}{evaluation(on).standard}"
    zh = {"transition": "（过渡阶段）", "final": "（最终阶段）"}.get(stage, "")
    en = {"transition": " (transition)", "final": " (final)"}.get(stage, "")
    return f"{standard}{zh}；{others.format('；')}", f"{standard}{en}; {others.format('; ')}"


def _site(site: Site, rows: Sequence[VerdictBrief], span: Span, on: date) -> tuple[list[DayValues], PeriodEvaluation]:
    days = day_values(rows)
    return days, evaluate(site.name, days, window_of(span), on=on, grade=grade_of(site.data))


def _text(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")


def _value(item: ItemEvaluation) -> Decimal | None:
    """The figure an item goes by: its mean; CO and O3 their percentile."""
    return item.mean if item.mean is not None else item.percentile


def _id(item: ItemEvaluation, on: date) -> str:
    """Id of the figure an item goes by: ``pm2_5.mean``, ``o3.p90``."""
    by = evaluation(on).statistics[item.item][0]
    return f"{item.item}.{'mean' if by.per_cent is None else f'p{by.per_cent}'}"


def _figures(now: PeriodEvaluation, before: PeriodEvaluation) -> list[dict[str, Any]]:
    good, old = now.good_days, before.good_days
    found = [
        figure("good_ratio", "优良天数比例", "Share of good days", unit=PERCENT, now=_text(good.ratio),
               before=_text(old.ratio), lower_is_better=False, reason=NO_DAYS, reason_before=NO_DAYS),
        _count("good_days", ("优良天数", "Good days"), good.good, old.good if old.valid else None, False),
        _count("valid_days", ("有效天数", "Valid days"), good.valid, old.valid),
        _count("heavy_days", ("重度及以上污染天数", "Heavily polluted days"), good.heavy,
               old.heavy if old.valid else None, True),
    ]  # fmt: skip
    for name, item in now.items.items():
        found += _item_figures(item, before.items.get(name), evaluation(now.on).statistics[name])
    found.append(
        figure(
            "composite", "综合指数", "Composite index", now=_text(now.index.total), before=_text(before.index.total),
            lower_is_better=True, reason=_missing(now), reason_before=_missing(before),
        )
    )  # fmt: skip
    return found


def _missing(one: PeriodEvaluation) -> tuple[str, str]:
    zh, en = factor_names(one.index.missing)
    return f"缺少{zh}", f"without {en}"


def _count(
    id: str, words: tuple[str, str], now: int, before: int | None, lower_is_better: bool | None = None
) -> dict[str, Any]:
    then = None if before is None else str(before)
    return figure(id, *words, unit="d", now=str(now), before=then, lower_is_better=lower_is_better)


def _item_figures(
    now: ItemEvaluation, before: ItemEvaluation | None, statistics: Sequence[Statistic]
) -> list[dict[str, Any]]:
    """Each statistic of an item: ``pm2_5.mean``, ``pm2_5.p95``; one without a valid day says why."""
    told = []
    for statistic in statistics:
        percent = statistic.per_cent
        one, old = now.figure(statistic.kind), before.figure(statistic.kind) if before else None
        zh, en = name_of(now.item), name_of(now.item, english=True)
        words = (f"{zh}均值", f"{en} mean") if percent is None else (f"{zh}第{percent}百分位数", f"{en} P{percent}")
        told.append(
            figure(
                f"{now.item}.{'mean' if percent is None else f'p{percent}'}", *words, unit=now.unit,
                now=_text(one.value) if one else None, before=_text(old.value) if old else None,
                limit=_text(one.limit) if one else None, status=_status(now, one.attains) if one else None,
                lower_is_better=True, reason=_enough(now), reason_before=_enough(before),
            )
            | {"valid_days": now.days, "note_zh": now.enough.note_zh, "note_en": now.enough.note_en}
        )  # fmt: skip
    return told


def _status(item: ItemEvaluation, attains: bool | None) -> str:
    if attains is None or item.enough.valid is False:
        return str(Status.CANNOT_JUDGE)
    return str(Status.ATTAINS if attains else Status.EXCEEDS)


def _enough(item: ItemEvaluation | None) -> tuple[str, str]:
    if item is None or not item.days:
        return NO_DAYS
    return item.enough.note_zh, item.enough.note_en


def _levels(now: PeriodEvaluation, before: PeriodEvaluation, on: date) -> list[dict[str, Any]]:
    return [
        {
            "level": one.level, "zh": one.category_zh, "en": CATEGORY_EN[one.category_zh], "colour": one.hex,
            "days": now.good_days.by_level.get(one.level, 0), "before": before.good_days.by_level.get(one.level, 0),
        }
        for one in index_edition(on).levels
    ]  # fmt: skip


def _row(site: Site, now: PeriodEvaluation, before: PeriodEvaluation, span: Span) -> dict[str, Any]:
    verdict, valid = now.verdict, now.good_days.valid
    zh, en = factor_names(verdict.deciding)
    reason = ("", "") if valid else NO_DAYS
    return {
        "site": site.id, "name": site.name, "status": str(verdict.status), "level": verdict.level,
        "figure": _text(now.good_days.ratio), "unit": PERCENT,
        "label_zh": verdict.label_zh, "label_en": verdict.label_en,
        "before_level": before.verdict.level,
        "before_label_zh": before.verdict.label_zh if before.good_days.valid else "",
        "before_label_en": before.verdict.label_en if before.good_days.valid else "",
        "change_zh": "", "change_en": "",
        "deciding": list(verdict.deciding), "deciding_zh": zh, "deciding_en": en,
        "valid_days": valid, "days": span.days, "index": _text(now.index.total),
        "values": _row_values(now), "before_values": _row_values(before) if before.good_days.valid else {},
        "sentence_zh": verdict.sentence_zh, "sentence_en": verdict.sentence_en,
        "reason_zh": reason[0], "reason_en": reason[1],
    }  # fmt: skip


def _row_values(one: PeriodEvaluation) -> dict[str, str | None]:
    good = one.good_days
    return {
        "good_ratio": _text(good.ratio), "good_days": str(good.good), "valid_days": str(good.valid),
        "heavy_days": str(good.heavy), **{_id(item, one.on): _text(_value(item)) for item in one.items.values()},
        "composite": _text(one.index.total),
    }  # fmt: skip


def _units(scope: Scope, found: Mapping[str, PeriodEvaluation]) -> dict[str, Any]:
    out = [left_out(site, *NO_DAYS) for site in scope.sites if not found[site.id].good_days.valid]
    return units(scope.sites, len(scope.sites) - len(out), out)
