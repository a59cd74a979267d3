"""What works and rectifications brought: verdicts where they serve, before and after, and how far their figure is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from jinyun.act.works import WorksWatch
from jinyun.app.discover import judge_by_day
from jinyun.app.services.words import verdict_head
from jinyun.domains.supervision.effects import Served, by_verdicts, day_of, has_place
from jinyun.domains.supervision.rules import rule
from jinyun.kernel.ports import MICRO, Record
from jinyun.kernel.terms import CHINA, Status, Verdict, china_time

if TYPE_CHECKING:
    from jinyun.app.assemble import House

MOST = 400
"""Verdicts of one site in one span: days, of a month or so."""


class Effects:
    """Before and after, for the pages; the rules are `domains.supervision.effects`, the look-up is `act.works`."""

    def __init__(self, house: House) -> None:
        self._house = house
        # Over the house as its asker sees it: within their reach, at their moment.
        self._works = WorksWatch(
            house.records, house.verdicts, clock=house.clock, judge_of=judge_by_day, late_days=house.act.rules.late_days
        )

    def recovery(self, record: Record) -> dict[str, Any] | None:
        """How far the figure of an item is; None: no verdict decides on it."""
        if not by_verdicts(record.data):
            return None
        return {
            name: [verdict_head(one) for one in value] if name == "have" else value
            for name, value in self._works.recovery(record).as_context().items()
            if name != "verdicts"
        }

    def of(self, record: Record) -> list[dict[str, Any]]:
        """Each site that an item serves: the verdicts by the day in the span before it began and since it ended."""
        if not has_place(record.data):
            return []
        began, ended = self._began(record), self._ended(record)
        span = timedelta(int(rule("effect", "span_days")))
        today = china_time(self._house.clock.now() // MICRO).date()
        after = (ended, min(ended + span, today)) if ended else None
        factor = str(record.data.get("factor") or "")
        return [
            {
                **self._site(one), "before": self._span(one, (began - span, began), factor),
                "after": self._span(one, after, factor) if after else None,
                "now": self._span(one, (today - span, today), factor),
            }
            for one in self._works.served(record.data)
            if self._house.sites.get(one.site) is not None
        ]  # fmt: skip

    @staticmethod
    def _began(record: Record) -> date:
        """When the work began, by the record; else the day it was registered."""
        told = record.data.get("started") or record.data.get("began") or record.data.get("planned_start")
        return day_of(told) or china_time(record.created_at // MICRO).date()

    @staticmethod
    def _ended(record: Record) -> date | None:
        return day_of(record.data.get("finished") or record.data.get("closed_on"))

    def _site(self, one: Served) -> dict[str, Any]:
        site = self._house.sites.get(one.site)
        return {"site": one.site, "name": site.name if site else one.site, "judge": one.judge, "named": one.named}

    def _span(self, one: Served, days: tuple[date, date], factor: str) -> dict[str, Any]:
        first, last = days
        found: Sequence[Verdict] = ()
        if one.judge:
            found = self._house.verdicts.find(
                subject=one.site, judge=one.judge, start=_midnight(first), end=_midnight(last + timedelta(1)),
                limit=MOST, evidence=False,
            )  # fmt: skip
        judged = [verdict for verdict in found if verdict.status != Status.CANNOT_JUDGE]
        levels = [verdict.level for verdict in judged if verdict.level is not None]
        return {
            "from": first.isoformat(), "to": last.isoformat(), "windows": len(found), "judged": len(judged),
            "attains": sum(1 for verdict in judged if verdict.status == Status.ATTAINS),
            "best": min(levels, default=None), "worst": max(levels, default=None),
            "last": verdict_head(found[0]) if found else None, "factor": factor or None,
            "figures": _figures(found, factor) if factor else [],
        }  # fmt: skip


def _figures(found: Sequence[Verdict], factor: str) -> list[dict[str, Any]]:
    """The factor's figure in each window, oldest first."""
    return [
        {"start": verdict.window.start, "figure": item.figure, "unit": item.unit, "status": str(item.status)}
        for verdict in reversed(found)
        for item in verdict.items
        if item.factor == factor and item.figure is not None
    ]


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=CHINA).timestamp())
