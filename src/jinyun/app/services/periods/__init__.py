"""Period figures: what a month, a quarter or a year comes to, beside the same period of the year before.

Nothing is stored: figures are worked out from current day verdicts, both periods in one edition, and remembered until
one of those days is judged again. Shapes: docs/periods-api.md.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import date
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from jinyun.app.services.periods import air, noise, water
from jinyun.app.services.periods.days import DayBook, Memo
from jinyun.app.services.periods.scopes import SUBJECT_KINDS, SUBJECTS, Scope, check_subject, scope, scopes
from jinyun.app.services.periods.shapes import day_row
from jinyun.app.services.periods.spans import KINDS, Span, day_of, newest, span
from jinyun.kernel.errors import BadInput
from jinyun.kernel.ports import VerdictBrief
from jinyun.kernel.terms import Site

if TYPE_CHECKING:
    from jinyun.app.assemble import House

ANSWERS_KEPT = 400
MONTHS_AT_MOST = 60
SITES_KEPT = 3000
"""Evaluations of single sites that are remembered: a city's figure after one changed day works out that site only."""

PARTS: Mapping[str, ModuleType] = {"air": air, "water": water, "noise": noise}
"""Each has `JUDGES` (the first one's days are the list under a figure) and `answer`."""


class Periods:
    """What may be asked of periods."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._book = DayBook(house.verdicts, [judge for part in PARTS.values() for judge in part.JUDGES])
        self._memo = Memo(SITES_KEPT)
        self._lock = threading.Lock()
        self._answers: OrderedDict[Hashable, tuple[Hashable, dict[str, Any]]] = OrderedDict()

    # --- questions ------------------------------------------------------------------------------------------------

    def scopes(self) -> dict[str, Any]:
        """Scopes and months with data, by subject."""
        sites, told = self._house.sites.all(), []
        for subject in SUBJECTS:
            found = scopes(subject, sites, home=self._home())
            if not found or subject not in PARTS:
                continue
            ids = [site.id for one in found for site in one.sites]
            first, last = self._house.verdicts.bounds(PARTS[subject].JUDGES, ids)
            told.append(
                {
                    "subject": subject,
                    "scopes": [one.as_dict() for one in found],
                    "first": None if first is None else day_of(first).isoformat(),
                    "last": None if last is None else day_of(last).isoformat(),
                    "newest": {kind: newest(kind, last) for kind in KINDS} if last is not None else {},
                }
            )
        return {"subjects": told, "periods": list(KINDS)}

    def figures(
        self, subject: str, *, scope: str = "all", period: str = "month", at: str = "", edition_on: str = ""
    ) -> dict[str, Any]:
        """One period of one scope beside the same period of the year before; see docs/periods-api.md.

        Raises
        ------
        BadInput, NotFound
            Naming the field and what would work.
        """
        of, when = self._ask(subject, scope, period, at)
        on = _day(edition_on) or when.last_day
        key = ("figures", subject, of.id, when.kind, when.at, on)
        return self._remembered(key, subject, when, lambda: self._figures(subject, of, when, on))

    def days(
        self,
        subject: str,
        *,
        scope: str = "all",
        period: str = "month",
        at: str = "",
        before: bool = False,
        offset: int = 0,
        limit: int = 1000,
    ) -> dict[str, Any]:
        """The day verdicts under a figure, newest first."""
        of, when = self._ask(subject, scope, period, at)
        if before:
            when = when.year_before()
        names = {site.id: site.name for site in of.sites}
        rows = [
            (row, judge)
            for judge in PARTS[subject].JUDGES
            for mine in self._days(judge, of, when).values()
            for row in mine
        ]
        rows.sort(key=lambda pair: (-pair[0].start, pair[0].subject))
        items = [
            day_row(row, names[row.subject], day_of(row.start).isoformat(), judge)
            for row, judge in rows[offset : offset + limit]
        ]
        return {"items": items, "total": len(rows), "cut": max(0, len(rows) - offset - len(items))}

    def months(
        self, subject: str, *, scope: str = "all", at: str = "", count: int = 13, edition_on: str = ""
    ) -> dict[str, Any]:
        """Headline figures of `count` months up to `at`, oldest first."""
        if not 1 <= count <= MONTHS_AT_MOST:
            raise BadInput(f"{count} months", field="count", hint=f"1 to {MONTHS_AT_MOST}")
        _, last = self._ask(subject, scope, "month", at)
        ats = [last.at]
        while len(ats) < count:
            year, month = int(ats[-1][:4]), int(ats[-1][5:])
            ats.append(f"{year - (month == 1)}-{12 if month == 1 else month - 1:02d}")
        items = []
        for one in reversed(ats):
            told = self.figures(subject, scope=scope, period="month", at=one, edition_on=edition_on)
            items.append({
                "at": one, "zh": told["period"]["zh"], "en": told["period"]["en"], "closed": told["period"]["closed"],
                "valid": told["units"]["valid"], "edition_zh": told["edition"]["zh"],
                **{f["id"]: f["figure"] for f in told["figures"]},
            })  # fmt: skip
        return {"items": items, "total": len(items)}

    def ranking(
        self, subject: str, *, scope: str = "all", period: str = "month", at: str = "", edition_on: str = ""
    ) -> dict[str, Any]:
        """Cities (of a scope with several) or stations by their composite index, smaller is better."""
        of, when = self._ask(subject, scope, period, at)
        if subject != "air":
            raise BadInput(f"no ranking of {subject}", field="subject", hint="air")
        on = _day(edition_on) or when.last_day
        key = ("ranking", subject, of.id, when.kind, when.at, on)
        return self._remembered(
            key, subject, when, lambda: air.ranking(of, when, self._days(air.JUDGES[0], of, when), on)
        )

    # --- inside -----------------------------------------------------------------------------------------------------

    def _home(self) -> tuple[str, str]:
        settings = self._house.settings
        return settings.jurisdiction, settings.jurisdiction_name

    def _ask(self, subject: str, scope_text: str, period: str, at: str) -> tuple[Scope, Span]:
        check_subject(subject)
        of = scope(subject, scope_text, self._house.sites.all(), home=self._home())
        now = self._house.clock.now() // 1_000_000
        if not at:
            _, last = self._house.verdicts.bounds(PARTS[subject].JUDGES, [site.id for site in of.sites])
            at = newest(period, now if last is None else min(last, now)) if period in KINDS else at
        return of, span(period, at, now)

    def _days(self, judge: str, of: Scope, when: Span) -> Mapping[str, list[VerdictBrief]]:
        """Day verdicts whose window has ended."""
        now = self._house.clock.now() // 1_000_000
        found = self._book.days(judge, [site.id for site in of.sites], when.start, when.stop)
        return {subject: [row for row in rows if row.end <= now] for subject, rows in found.items()}

    def _figures(self, subject: str, of: Scope, when: Span, on: date) -> dict[str, Any]:
        part, earlier = PARTS[subject], when.year_before()
        now = {judge: self._days(judge, of, when) for judge in part.JUDGES}
        before = {judge: self._days(judge, of, earlier) for judge in part.JUDGES}
        told = part.answer(of, when, now, before, on=on, once=self._once(subject, on))
        return {
            "subject": subject,
            "scope": of.as_dict(),
            "period": when.as_dict(),
            "before": earlier.as_dict(),
            "edition": _edition(told.pop("edition_zh"), told.pop("edition_en"), when, on),
            "rests_on": {
                "verdicts": _count(now), "before": _count(before),
                "url": _days_url(subject, of, when, before=False),
                "url_before": _days_url(subject, of, when, before=True),
            },
            "sentence_zh": "", "sentence_en": "", "change_zh": "", "change_en": "",
            **told,
        }  # fmt: skip

    def _once(self, subject: str, on: date) -> Callable[[Site, Span, Sequence[VerdictBrief], Callable[[], Any]], Any]:
        """For the parts: the evaluation of one site by its days, made once for the same days and register."""
        version = self._house.sites.version

        def once(site: Site, when: Span, rows: Sequence[VerdictBrief], make: Callable[[], Any]) -> Any:
            return self._memo((subject, site.id, version, on, when, tuple(row.id for row in rows)), make)

        return once

    def _remembered(
        self, key: Hashable, subject: str, when: Span, make: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        judges, earlier = PARTS[subject].JUDGES, when.year_before()
        state = (
            self._book.version(judges, earlier.start, earlier.end), self._book.version(judges, when.start, when.end),
            self._house.sites.version, self._house.clock.now() // 3_600_000_000,
        )  # fmt: skip
        with self._lock:
            held = self._answers.get(key)
            if held is not None and held[0] == state:
                self._answers.move_to_end(key)
                return held[1]
        told = make()
        with self._lock:
            self._answers[key] = (state, told)
            while len(self._answers) > ANSWERS_KEPT:
                self._answers.popitem(last=False)
        return told


def _count(days: Mapping[str, Mapping[str, Sequence[VerdictBrief]]]) -> int:
    return sum(len(rows) for of in days.values() for rows in of.values())


def _days_url(subject: str, of: Scope, when: Span, *, before: bool) -> str:
    query = {"scope": of.id, "period": when.kind, "at": when.at} | ({"before": "true"} if before else {})
    return f"/api/periods/{subject}/days?{urlencode(query)}"


def _edition(zh: str, en: str, when: Span, on: date) -> dict[str, Any]:
    own = on == when.last_day
    return {
        "on": on.isoformat(), "zh": zh, "en": en, "same_for_both": True,
        "note_zh": f"本期与上年同期均按{'本期' if own else '指定日期'}（{on.isoformat()}）执行的标准评价",
        "note_en": f"both periods by the editions in force on {on.isoformat()}"
        + (" (the end of this period)" if own else " (as asked)"),
    }  # fmt: skip


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text!r} is no day", field="edition_on", hint="write it like 2026-03-01") from None


__all__ = ["SUBJECT_KINDS", "Periods"]
