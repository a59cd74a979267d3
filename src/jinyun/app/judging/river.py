"""`water-river`: from section rows to rivers and basins by month, quarter or year: 环办[2011]22号."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from jinyun.app.judging.headings import Recognised, Want
from jinyun.app.judging.periods import before, first_day, holds, label, last_day, period_by, windows, year_before
from jinyun.app.judging.rows import Rows
from jinyun.app.judging.verb import TIMES, Options, Verb, any_of, taken
from jinyun.app.judging.verdicts import JOIN, TEXT, WHOLE, common
from jinyun.app.judging.water import section_wants
from jinyun.app.judging.words import value_of
from jinyun.domains.water.change import status_change
from jinyun.domains.water.items import items as water_items
from jinyun.domains.water.limits import LABELS_ZH, edition
from jinyun.domains.water.means import Means, Sample, mean_samples, time_mean
from jinyun.domains.water.river import evaluate_river, share_change, shares
from jinyun.kernel.errors import BadInput, JinyunError
from jinyun.kernel.terms import Period, Verdict, Window

LEVELS = ("river", "basin", "city", "all")
EVERY = "全部"


class WaterRiver(Verb):
    name = "water-river"
    uses = ("water",)
    grouped = True

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.by = period_by(str(options.get("by", "month")))
        self.level = str(options.get("group", "") or "")
        if self.level and self.level not in LEVELS:
            raise BadInput(f"--group {self.level!r} is unknown", field="group", hint=f"one of {', '.join(LEVELS)}")
        self.body = value_of("body", str(options.get("body", "river")))
        self.ice = bool(options.get("ice", False))
        self.ph = str(options.get("ph", "values"))
        self.items: tuple[str, ...] = ()
        # (group, body) -> section -> month -> samples
        self.groups: dict[tuple[str, str], dict[str, dict[date, list[tuple[date, Sample]]]]] = {}

    def wants(self) -> Sequence[Want]:
        city = Want("city", spellings=("城市", "所在城市", "地市", "区县"))
        return (Want("name"), *TIMES, Want("river"), Want("basin"), city, Want("body"), *section_wants())

    def check(self, found: Recognised) -> None:
        evaluated = edition(date.max).evaluated
        any_of(found, list(evaluated), "the items of GB 3838")
        self.items = tuple(one.meaning for one in found.columns.values() if one.meaning in evaluated)
        if "name" not in found.columns:
            raise BadInput("no column of section names was recognised", field="name",
                           hint='--map "your heading=name"; every section is weighed once')  # fmt: skip
        if not self.level:
            self.level = next((one for one in ("river", "basin") if one in found.columns), "all")
            self.notes.append(f"grouped by {self.level}; --group {'|'.join(LEVELS)} says otherwise")
        elif self.level != "all" and self.level not in found.columns:
            raise BadInput(f"no column of {self.level} was recognised", field=self.level,
                           hint=f'--map "your heading={self.level}", or --group all')  # fmt: skip

    def columns(self) -> dict[str, pa.DataType]:
        return {
            "name": TEXT, "period": TEXT, "from": TEXT, "to": TEXT, "body": TEXT, "sections": WHOLE,
            "judged_sections": WHOLE, "judged_method": TEXT, "judged_class": WHOLE, "judged_class_label": TEXT,
            "judged_category": TEXT, "judged_level": WHOLE, "judged_good_sections": WHOLE, "judged_good_share": TEXT,
            "judged_worse_sections": WHOLE, "judged_worse_share": TEXT, "judged_class_counts": TEXT,
            "judged_main_indicators": TEXT, "deciding_factors": TEXT, "judged_section_classes": TEXT,
            "judged_change": TEXT, "judged_change_points": TEXT, "judged_change_year": TEXT,
            "judged_change_year_points": TEXT, **self.tail(),
        }  # fmt: skip

    def take(self, rows: Rows) -> None:
        for row in range(rows.count):
            if row in rows.problems:
                continue
            group = EVERY if self.level == "all" else rows.text(self.level, row)
            section = rows.text("name", row)
            if not group or not section:
                rows.problem(row, "no-name", f"the row names no {'section' if group else self.level}")
                continue
            try:
                word = rows.text("body", row)
                body = value_of("body", word) if word else self.body
                day = rows.when(row).day
            except JinyunError as wrong:
                rows.problem(row, wrong.code, str(wrong))
                continue
            values, below, _ = taken(rows, row, self.items)
            known = {code: value for code, value in values.items() if value is not None}
            sample = Sample(known, frozenset(below))
            months = self.groups.setdefault((group, body), {}).setdefault(section, {})
            months.setdefault(day.replace(day=1), []).append((day, sample))

    def results(self) -> list[dict[str, Any]]:
        out: list[dict[str, Any]] = []
        for (group, body), sections in self.groups.items():
            days = {day for months in sections.values() for pairs in months.values() for day, _ in pairs}
            done: dict[Window, Verdict] = {}
            for window in windows(days, self.by):
                try:
                    out.append(self._river(group, body, sections, window, done))
                except JinyunError as wrong:
                    out.append({"name": group, "period": label(window), "body": body, "judged_problem": str(wrong)})
        return out

    def _river(
        self, group: str, body: str, sections: Mapping[str, Mapping[date, list[tuple[date, Sample]]]], window: Window,
        done: dict[Window, Verdict],
    ) -> dict[str, Any]:  # fmt: skip
        samples = {name: found for name, months in sections.items() if (found := self._sample(months, window))}
        last_year = done.get(year_before(window) or window) if year_before(window) != window else None
        earlier = None if last_year is None else list(last_year.extra["classes"].values())
        verdict = evaluate_river(
            group, samples, day=self.options.edition_on or first_day(window), body=body, window=window,
            before=earlier if last_year is not None and last_year.extra["method"] == "share" else None, ph=self.ph,
        )  # fmt: skip
        last = done.get(before(window) or window) if before(window) else None
        done[window] = verdict
        extra = verdict.extra
        classes = [level for level in extra["classes"].values() if level]
        by_share = extra["method"] == "share"
        counts = {level: classes.count(level) for level in sorted(set(classes))}
        indicators = extra.get("main_indicators_zh") or [
            f"{water_items()[code].zh}({share}%)" for code, share in extra.get("indicator_shares", {}).items()
        ]
        change, points = self._change(last, verdict)
        year, year_points = self._change(last_year, verdict)
        return {
            "name": group, "period": label(window), "from": str(first_day(window)), "to": str(last_day(window)),
            "body": body, "sections": len(samples), "judged_sections": len(classes), "judged_method": extra["method"],
            "judged_class": None if by_share else verdict.level,
            "judged_class_label": None if by_share or not verdict.level else LABELS_ZH[verdict.level],
            "judged_category": extra.get("status_zh") if verdict.level else None, "judged_level": verdict.level,
            "judged_good_sections": extra.get("good"), "judged_good_share": _text(extra.get("good_share")),
            "judged_worse_sections": extra.get("worse"), "judged_worse_share": _text(extra.get("worse_share")),
            "judged_class_counts": JOIN.join(f"{LABELS_ZH[level]}={n}" for level, n in counts.items()) or None,
            "judged_main_indicators": "、".join(indicators) or None,
            "deciding_factors": JOIN.join(verdict.deciding) or None,
            "judged_section_classes": JOIN.join(
                f"{name}={LABELS_ZH[level] if level else '?'}" for name, level in extra["classes"].items()
            ),
            "judged_change": change, "judged_change_points": points, "judged_change_year": year,
            "judged_change_year_points": year_points, **common(verdict, self.options.edition_on),
        }  # fmt: skip

    def _sample(self, months: Mapping[date, list[tuple[date, Sample]]], window: Window) -> Sample | None:
        """A section's values over a period: means of months first, then of the period; never of classes."""
        monthly = []
        for pairs in months.values():
            inside = [sample for day, sample in pairs if holds(window, day)]
            if inside:
                monthly.append(inside[0] if len(inside) == 1 else _as_sample(mean_samples(inside, ph=self.ph)))
        if not monthly:
            return None
        if len(monthly) == 1 and window.period in (Period.MONTH, Period.DAY):
            return monthly[0]
        if self.by is None:
            return _as_sample(mean_samples(monthly, ph=self.ph))
        return _as_sample(time_mean(monthly, window.period, ice=self.ice, ph=self.ph))

    @staticmethod
    def _change(then: Verdict | None, now: Verdict) -> tuple[str | None, str | None]:
        """Change in words, and in points of the shares: by shares where both are, else by the words of the status."""
        if then is None or then.level is None or now.level is None:
            return None, None
        if then.extra["method"] == now.extra["method"] == "share":
            pairs = [shares([n for n in one.extra["classes"].values() if n]) for one in (then, now)]
            found = share_change((pairs[0][0], pairs[1][0]), (pairs[0][1], pairs[1][1]))
            return found.label_zh, format(round(found.points, 1), "+f")
        return status_change(then.extra["status_zh"], now.extra["status_zh"]).label_zh, None


def _as_sample(means: Means) -> Sample:
    """Means as one sample; an item with too few samplings is due and missing."""
    values: dict[str, Decimal | None] = {**means.values, **dict.fromkeys(means.too_few)}
    return Sample(values, means.non_detects)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
