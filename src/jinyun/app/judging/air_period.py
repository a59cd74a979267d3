"""`air-period`: from day rows of stations or cities to months, quarters and years: HJ 663, good days, index, rank."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from jinyun.app.judging.cells import Kind
from jinyun.app.judging.headings import Recognised, Want
from jinyun.app.judging.periods import first_day, holds, label, last_day, period_by, windows
from jinyun.app.judging.rows import Rows
from jinyun.app.judging.verb import TIMES, Options, Verb, any_of
from jinyun.app.judging.verdicts import JOIN, TEXT, WHOLE, common
from jinyun.domains.air.days import DayValues
from jinyun.domains.air.evaluation import SIX
from jinyun.domains.air.limits import limits_edition
from jinyun.domains.air.period import PeriodEvaluation, Setting
from jinyun.domains.air.ranking import OWN, rank
from jinyun.kernel.errors import JinyunError
from jinyun.kernel.factors import factor as factor_of
from jinyun.kernel.terms import Window

STAMPED = "sand_dust"
NO_STAMPS = frozenset({"", "0", "false", "no", "否", "无", "-", "—"})


class AirPeriod(Verb):
    name = "air-period"
    uses = ("air", "air-day")
    grouped = True

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.by = period_by(str(options.get("by", "month")))
        self.missing_days = str(options.get("missing_days", OWN))
        self.leave_out = bool(options.get("leave_out_stamped", False))
        self.setting = Setting(
            not_monitored=tuple(options.get("not_monitored", ())), round_terms=bool(options.get("round_terms", False))
        )
        self.grade = str(options.get("grade", "level2"))
        self.days: dict[str, dict[date, DayValues]] = {}

    def wants(self) -> Sequence[Want]:
        items = (*SIX, "o3_1h")
        return (
            Want("name"), *TIMES, Want("stamps"),
            *(Want(p, factor_of(p.removesuffix("_1h")).unit) for p in items),
        )  # fmt: skip

    def check(self, found: Recognised) -> None:
        any_of(found, SIX, "pollutants")
        if "name" not in found.columns:
            self.notes.append("no column of names: all rows are taken as one place")

    def columns(self) -> dict[str, pa.DataType]:
        figures: dict[str, pa.DataType] = {}
        for item in SIX:
            if item not in ("co", "o3"):
                figures[f"judged_{item}_mean"] = TEXT
            figures[f"judged_{item}_percentile"] = TEXT
        return {
            "name": TEXT, "period": TEXT, "from": TEXT, "to": TEXT,
            **figures,
            **{f"judged_{item}_status": TEXT for item in SIX},
            "judged_good_days": WHOLE, "judged_valid_days": WHOLE, "judged_calendar_days": WHOLE,
            "judged_good_ratio": TEXT, "judged_heavy_days": WHOLE, "judged_days_by_level": TEXT,
            "judged_composite_index": TEXT, "judged_composite_main": TEXT, "judged_rank": WHOLE,
            "deciding_factors": TEXT, "judged_exceed_multiple": TEXT, "judged_stamped_days": WHOLE,
            "judged_good_ratio_without_stamped": TEXT, "judged_note": TEXT, **self.tail(),
        }  # fmt: skip

    def take(self, rows: Rows) -> None:
        items = [p for p in (*SIX, "o3_1h") if rows.has(p)]
        for row in range(rows.count):
            if row in rows.problems:
                continue
            cells = {p: rows.figures(p).at(row) for p in items}
            below = [p for p, cell in cells.items() if cell.kind is Kind.NON_DETECT]
            if below:
                rows.problem(row, "non-detect", f"{below[0]} was not detected, and a mean of air has no rule for it; "
                             "write the figure, or leave the cell empty")  # fmt: skip
                continue
            name, day = rows.text("name", row) or "全部", rows.when(row).day
            mark = rows.text("stamps", row)
            stamps = frozenset() if mark.casefold() in NO_STAMPS else frozenset({STAMPED})
            mine = self.days.setdefault(name, {})
            if day in mine:
                rows.problem(row, "twice", f"{name} has a row of {day} already; the first one counts")
                continue
            mine[day] = DayValues(day, {p: cell.value for p, cell in cells.items()}, stamps)

    def results(self) -> list[dict[str, Any]]:
        out: list[dict[str, Any]] = []
        every = {day for mine in self.days.values() for day in mine}
        for window in windows(every, self.by):
            inside = {
                name: [one for day, one in mine.items() if holds(window, day)] for name, mine in self.days.items()
            }
            inside = {name: days for name, days in inside.items() if days}
            on, note = self._edition(window)
            try:
                ranking = rank(
                    inside, window, on=on, missing_days=self.missing_days,
                    leave_out_stamps=(STAMPED,) if self.leave_out else (), setting=self.setting,
                )  # fmt: skip
            except JinyunError as wrong:
                out += [{"name": name, "period": label(window), "judged_problem": str(wrong)} for name in inside]
                continue
            for one in ranking.rows:
                out.append(self._row(one.name, window, one.evaluation, one.rank if len(inside) > 1 else None, note))
        return out

    def _edition(self, window: Window) -> tuple[date, str]:
        """One edition for all days of a period: that of its first day, which is said where the period has two."""
        if self.options.edition_on is not None:
            return self.options.edition_on, ""
        first, last = first_day(window), last_day(window)
        if limits_edition(first) == limits_edition(last):
            return first, ""
        one, two = " ".join(limits_edition(first)).strip(), " ".join(limits_edition(last)).strip()
        return last, f"the period has two editions, {one} and {two}: all its days were judged by {two}; " \
                     "--edition-on chooses another"  # fmt: skip

    def _row(self, name: str, window: Window, found: PeriodEvaluation, place: int | None, note: str) -> dict[str, Any]:
        good, verdict = found.good_days, found.verdict
        row: dict[str, Any] = {
            "name": name, "period": label(window), "from": str(first_day(window)), "to": str(last_day(window)),
            "judged_good_days": good.good, "judged_valid_days": good.valid, "judged_calendar_days": good.calendar,
            "judged_good_ratio": _text(good.ratio), "judged_heavy_days": good.heavy,
            "judged_days_by_level": JOIN.join(f"{level}={count}" for level, count in good.by_level.items()),
            "judged_composite_index": _text(found.index.total),
            "judged_composite_main": JOIN.join(found.index.main) or None, "judged_rank": place,
            "deciding_factors": JOIN.join(verdict.deciding) or None,
            "judged_exceed_multiple": JOIN.join(
                f"{item.factor} {item.grade}={item.multiple}" for item in verdict.items if item.multiple
            ) or None,
            "judged_stamped_days": sum(1 for day in found.days if day.stamps),
            "judged_note": note or None,
            **common(verdict, self.options.edition_on),
        }  # fmt: skip
        if found.without_stamped is not None:
            row["judged_good_ratio_without_stamped"] = _text(found.without_stamped.good_days.ratio)
        for item, one in found.items.items():
            row[f"judged_{item}_mean"] = _text(one.mean)
            row[f"judged_{item}_percentile"] = _text(one.percentile)
            row[f"judged_{item}_status"] = one.status.value
        return row


def _text(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")
