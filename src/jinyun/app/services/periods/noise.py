"""Noise over a period: attainment of function zones in point-times 点次, day and night apart, and mean levels by site.

Each valid day is one point-time of Ld, each valid night one of Ln; a night counts for the date it began on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

from jinyun.app.services.periods.days import Once
from jinyun.app.services.periods.scopes import Scope
from jinyun.app.services.periods.shapes import NO_DAYS, PERCENT, figure, left_out, signed, units, values_of
from jinyun.app.services.periods.spans import Span
from jinyun.app.services.words import verdict_dict
from jinyun.domains.noise.answers import printed_level
from jinyun.domains.noise.city import area_mean
from jinyun.domains.noise.levels import leq
from jinyun.domains.noise.limits import DAY, NIGHT, edition, number, zone_of, zones
from jinyun.domains.noise.zone import FACTORS, Attainment, ZoneRate, attainment, judge_zone, zone_limit
from jinyun.kernel.errors import BadInput
from jinyun.kernel.ports import VerdictBrief
from jinyun.kernel.terms import Period, Site, Status, Verdict, VerdictItem, Window
from jinyun.methods.statistics import round_fraction

JUDGES = ("noise.zone_day", "noise.zone_night")
PARTS = {DAY: JUDGES[0], NIGHT: JUDGES[1]}
Days = Mapping[str, Sequence[VerdictBrief]]


@dataclass(frozen=True, slots=True)
class SitePeriod:
    """One site over a span: its point-times, and the energy mean of its levels by part of the day. [dB(A)]"""

    site: Site
    times: tuple[Verdict, ...]
    found: Attainment
    means: Mapping[str, Decimal | None]

    @property
    def valid(self) -> bool:
        return bool(self.found.day.judged or self.found.night.judged)


def answer(
    scope: Scope, span: Span, now: Mapping[str, Days], before: Mapping[str, Days], *, on: date, once: Once
) -> dict[str, Any]:
    """The parts of `figures` that are of noise; `now` and `before` by judge, then site."""

    def of(when: Span, days: Mapping[str, Days]) -> list[SitePeriod]:
        return [
            once(site, when, [row for judge in JUDGES for row in days[judge][site.id]], partial(_site, site, days, on))
            for site in scope.sites
        ]

    after, earlier = of(span, now), of(span.year_before(), before)
    whole, whole_before = (attainment(one for site in sites for one in site.times) for sites in (after, earlier))
    standard = edition("zone", on).standard
    verdict = _verdict(scope, span, whole, standard) if any(one.valid for one in after) else None
    figures = [*_rates(whole, whole_before), *_levels(after, earlier)]
    return {
        "edition_zh": standard, "edition_en": standard,
        "verdict": verdict_dict(verdict) if verdict else None,
        "figures": figures, "zones": _zones(after, whole, whole_before),
        "rows": [_row(a, b, span, on) for a, b in zip(after, earlier, strict=True)],
        "units": _units(scope, after), "units_before": _units(scope, earlier),
        "sentence_zh": whole.sentence_zh if verdict else "", "sentence_en": whole.sentence_en if verdict else "",
        **_change(figures),
    }  # fmt: skip


def _site(site: Site, days: Mapping[str, Days], on: date) -> SitePeriod:
    times, means = [], {}
    for part, judge in PARTS.items():
        levels = []
        for row in days[judge][site.id]:
            text = values_of(row).get(FACTORS[part])
            times.append(_point_time(site, part, row, text, on))
            if text is not None and times[-1].items[0].status is not Status.CANNOT_JUDGE:
                levels.append(Decimal(text))
        means[part] = leq(levels) if levels else None
    return SitePeriod(site, tuple(times), attainment(times), means)


def _point_time(site: Site, part: str, row: VerdictBrief, text: str | None, on: date) -> Verdict:
    """One day or night as the rate counts it: by the verdict itself, or judged again when its edition is another."""
    status = row.status if text is not None else Status.CANNOT_JUDGE
    word = zone_id(site)
    if text is not None and word and row.edition != edition("zone", on).standard:
        again = judge_zone(site.name, word, **{FACTORS[part]: Decimal(text)}, day=on)  # type: ignore[arg-type]
        status = again.items[0].status
    item = VerdictItem(FACTORS[part], text, "dB(A)", status)
    window = Window(Period.DAY, row.start, row.end)
    return Verdict(
        PARTS[part], site.id, window, status, text, "dB(A)", None, "", row.edition, row.level, row.label_zh,
        row.label_en, (), (item,), "", "", id=row.id, extra={"zone": word},
    )  # fmt: skip


def zone_id(site: Site) -> str:
    """The zone of a site's record as the tables name it; "" for none or an unknown one."""
    try:
        return zone_of(str(site.data.get("zone") or "")).id
    except BadInput:
        return ""


def _verdict(scope: Scope, span: Span, found: Attainment, standard: str) -> Verdict:
    """All point-times together attain when each of them does; the figure is the day's rate."""
    judged = found.day.judged + found.night.judged
    good = found.day.attaining + found.night.attaining
    status = Status.ATTAINS if good == judged else Status.EXCEEDS
    label = ("达标", "attains") if good == judged else ("有超标点次", "some point-times exceed")
    items = tuple(
        VerdictItem(
            FACTORS[rate.period], _text(rate.rate), PERCENT,
            Status.CANNOT_JUDGE if rate.rate is None else
            Status.ATTAINS if rate.attaining == rate.judged else Status.EXCEEDS,
            clause=standard,
        )
        for rate in (found.day, found.night)
    )  # fmt: skip
    return Verdict(
        "noise.zone_period", scope.id, span.window, status, _text(found.day.rate), PERCENT, None, standard, standard,
        1 if good == judged else 5, *label, tuple(i.factor for i in items if i.status is Status.EXCEEDS), items,
        found.sentence_zh, found.sentence_en,
        extra={"night_rate": _text(found.night.rate), "not_judged": found.day.not_judged + found.night.not_judged},
    )  # fmt: skip


def _text(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")


def _rates(now: Attainment, before: Attainment) -> list[dict[str, Any]]:
    told = []
    for id, zh, en, a, b in (
        ("day_rate", "昼间点次达标率", "Day attainment", now.day, before.day),
        ("night_rate", "夜间点次达标率", "Night attainment", now.night, before.night),
    ):
        one = figure(id, zh, en, unit=PERCENT, now=_text(a.rate), before=_text(b.rate), lower_is_better=False,
                     reason=NO_DAYS, reason_before=NO_DAYS)  # fmt: skip
        if a.judged and b.judged:
            one["change"] = signed(_points(a, b))
        told.append(one | {"attaining": a.attaining, "judged": a.judged, "not_judged": a.not_judged})
    return told


def _points(now: ZoneRate, before: ZoneRate) -> Decimal:
    """Change of a rate in points, from the exact rates."""
    exact = Fraction(100 * now.attaining, now.judged) - Fraction(100 * before.attaining, before.judged)
    return round_fraction(exact, number("rate_places"))


def _levels(after: Sequence[SitePeriod], earlier: Sequence[SitePeriod]) -> list[dict[str, Any]]:
    """Mean Ld and Ln: of one site the energy mean of its days, of several the arithmetic mean over the sites."""
    told = []
    for part, zh, en in ((DAY, "昼间平均等效声级", "Mean day level"), (NIGHT, "夜间平均等效声级", "Mean night level")):
        now, before = (_over_sites([one.means[part] for one in sites]) for sites in (after, earlier))
        told.append(
            figure(FACTORS[part], zh, en, unit="dB(A)", now=now, before=before, lower_is_better=True, reason=NO_DAYS,
                   reason_before=NO_DAYS)
        )  # fmt: skip
    return told


def _over_sites(means: Sequence[Decimal | None]) -> str | None:
    known = [one for one in means if one is not None]
    return format(area_mean(known), "f") if known else None


def _zones(after: Sequence[SitePeriod], now: Attainment, before: Attainment) -> list[dict[str, Any]]:
    found = []
    for id in dict.fromkeys(rate.zone for rate in now.rates):
        rates = {
            (when, part): _text(of.of(id, part).rate) if id else None
            for when, of in (("", now), ("before_", before))
            for part in (DAY, NIGHT)
        }
        zone = zones().get(id)
        found.append({
            "zone": id, "zh": f"{zone.zh}区" if zone else "未登记功能区", "en": zone.en if zone else "no zone on file",
            "sites": sum(zone_id(one.site) == id for one in after),
            **{f"{when}{part}_rate": rate for (when, part), rate in rates.items()},
        })  # fmt: skip
    return found


def _row(after: SitePeriod, earlier: SitePeriod, span: Span, on: date) -> dict[str, Any]:
    site, found, zone = after.site, after.found, zone_id(after.site)
    judged, good = found.day.judged + found.night.judged, found.day.attaining + found.night.attaining
    status = Status.CANNOT_JUDGE if not judged else Status.ATTAINS if good == judged else Status.EXCEEDS
    reason = _reason(after)
    limits = {part: _text(zone_limit(zone, part, on)) if zone else None for part in (DAY, NIGHT)}
    return {
        "site": site.id, "name": site.name, "zone": zone, "zone_zh": f"{zones()[zone].zh}区" if zone else "",
        "zone_en": zones()[zone].en if zone else "", "status": str(status),
        "level": None if not judged else 1 if good == judged else 5,
        "figure": _text(found.day.rate), "unit": PERCENT,
        "label_zh": {Status.ATTAINS: "达标", Status.EXCEEDS: "有超标点次"}.get(status, "无法判定"),
        "label_en": {Status.ATTAINS: "attains", Status.EXCEEDS: "some exceed"}.get(status, "cannot be judged"),
        "before_level": None, "before_label_zh": "", "before_label_en": "", "change_zh": "", "change_en": "",
        "deciding": [], "deciding_zh": "", "deciding_en": "", "day_limit": limits[DAY], "night_limit": limits[NIGHT],
        "valid_days": found.day.judged, "valid_nights": found.night.judged, "days": span.days,
        "values": _values(after), "before_values": _values(earlier) if earlier.valid else {},
        "sentence_zh": found.sentence_zh if judged else "", "sentence_en": found.sentence_en if judged else "",
        "reason_zh": reason[0], "reason_en": reason[1],
    }  # fmt: skip


def _values(one: SitePeriod) -> dict[str, str | None]:
    return {
        "ld": _text(printed_level(one.means[DAY])), "ln": _text(printed_level(one.means[NIGHT])),
        "day_rate": _text(one.found.day.rate), "night_rate": _text(one.found.night.rate),
    }  # fmt: skip


def _reason(one: SitePeriod) -> tuple[str, str]:
    if one.valid:
        return "", ""
    return NO_DAYS if zone_id(one.site) else ("点位未登记声环境功能区类别", "its record names no noise zone")


def _units(scope: Scope, sites: Sequence[SitePeriod]) -> dict[str, Any]:
    out = [left_out(one.site, *_reason(one)) for one in sites if not one.valid]
    return units(scope.sites, len(sites) - len(out), out)


def _change(figures: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Change of both rates in words."""
    zh, en = [], []
    for one in figures:
        if one["change"] is None or one["unit"] != PERCENT:
            continue
        step = Decimal(one["change"])
        if not step:
            zh.append(f"{one['zh']}同比持平")
            en.append(f"{one['en'].lower()} as the year before")
        else:
            zh.append(f"{one['zh']}同比{'提高' if step > 0 else '下降'}{abs(step)}个百分点")
            en.append(f"{one['en'].lower()} {'up' if step > 0 else 'down'} {abs(step)} points")
    return {"change_zh": "；".join(zh), "change_en": "; ".join(en)}
