"""What a correction does to figures: period figures that would be others, published ones that rest on what changes, and
the reports that print either."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from jinyun.act.would import brief_of
from jinyun.app.reports import KINDS, NAMES
from jinyun.app.services.periods import PARTS, Periods
from jinyun.app.services.periods.scopes import scopes
from jinyun.app.services.periods.would import would_be
from jinyun.judge.cascade import Change
from jinyun.kernel.errors import JinyunError
from jinyun.kernel.terms import Period, china_time

if TYPE_CHECKING:
    from jinyun.app.assemble import House

QUESTIONS_AT_MOST = 120
"""(subject, scope, period) that one preview works out; what is left out is counted."""
Row = dict[str, Any]
Question = tuple[str, str, str, str]
"""(subject, scope, kind of period, at)."""

DependentsOf = Callable[[Sequence[int]], Sequence[Mapping[str, Any]]]


@dataclass(slots=True)
class FiguresForeseen:
    """What figures come to."""

    periods: list[Row] = field(default_factory=list)  # figures of periods that would be others
    figures: list[Row] = field(default_factory=list)  # published ones: as published, today, and as they would be
    reports: list[Row] = field(default_factory=list)
    cut: int = 0  # questions that were not worked out


def figures_foreseen(
    house: House, periods: Periods, changes: Sequence[Change], dependents_of: DependentsOf | None
) -> FiguresForeseen:
    """From the verdicts that would change. A published figure keeps what it printed: it is told beside what it would
    come to, so that whoever answers for it may supersede it."""
    told = FiguresForeseen()
    days = [one for one in changes if one.changed and one.window.period is Period.DAY]
    asked = _questions(house, days)
    told.cut = max(0, len(asked) - QUESTIONS_AT_MOST)
    would: dict[str, list[Any]] = {}
    for number, one in enumerate(days, 1):
        would.setdefault(one.judge, []).append(brief_of(replace(one.would, id=-number)))
    both = _Both(periods, would_be(periods, would))
    for question in asked[:QUESTIONS_AT_MOST]:
        told.periods += both.differing(question)
    rests = [one.was.id for one in changes if one.was is not None]
    published = dependents_of(rests) if dependents_of is not None and rests else ()
    told.figures = [_published(one, both) for one in published]
    told.reports = _reports(told)
    return told


class _Both:
    """Answers of today beside those that would be."""

    def __init__(self, now: Periods, then: Periods) -> None:
        self._now, self._then = now, then
        self._known: dict[Question, tuple[Mapping[str, Row], Mapping[str, Row]]] = {}

    def ask(self, question: Question) -> tuple[Mapping[str, Row], Mapping[str, Row]]:
        """Figures by indicator; empty where there is no answer."""
        if question not in self._known:
            subject, scope, kind, at = question
            try:
                one, other = (
                    {
                        figure["id"]: figure
                        for figure in asked.figures(subject, scope=scope, period=kind, at=at)["figures"]
                    }
                    for asked in (self._now, self._then)
                )
            except JinyunError:  # a site that counts in no scope of several, a scope that is gone
                one, other = {}, {}
            self._known[question] = one, other
        return self._known[question]

    def differing(self, question: Question) -> list[Row]:
        subject, scope, kind, at = question
        now, then = self.ask(question)
        return [
            {
                "subject": subject, "scope": scope, "period": kind, "at": at, "id": id, "zh": one["zh"],
                "en": one["en"], "unit": one.get("unit") or "", "was": now[id]["figure"] if id in now else None,
                "would": one["figure"],
            }
            for id, one in then.items()
            if id not in now or now[id]["figure"] != one["figure"]
        ]  # fmt: skip


def _questions(house: House, days: Sequence[Change]) -> list[Question]:
    """Each scope of a site whose day would change, for the month, the quarter and the year that hold it."""
    home = house.settings.jurisdiction, house.settings.jurisdiction_name
    found: dict[Question, None] = {}
    for subject, part in PARTS.items():
        mine = [one for one in days if one.judge in part.JUDGES]
        if not mine:
            continue
        places = {(one.site, at) for one in mine for at in _periods_of(one.window.start)}
        of: dict[str, list[str]] = {}
        for scope in scopes(subject, house.sites.all(), home=home):
            for member in scope.sites:
                of.setdefault(member.id, []).append(scope.id)
        for site, (kind, at) in sorted(places, key=lambda one: (_ORDER[one[1][0]], one[1][1], one[0])):
            for scope_id in dict.fromkeys([f"site:{site}", *of.get(site, ())]):
                found[subject, scope_id, kind, at] = None
    return list(found)


_ORDER = {"month": 0, "quarter": 1, "year": 2}


def _periods_of(start: int) -> tuple[tuple[str, str], ...]:
    day = china_time(start)
    return (
        ("month", f"{day:%Y-%m}"), ("quarter", f"{day.year}-Q{(day.month + 2) // 3}"), ("year", f"{day.year}"),
    )  # fmt: skip


def _published(one: Mapping[str, Any], both: _Both) -> Row:
    now, then = both.ask((one["subject"], one["scope"], one["period"], one["at"]))
    told = [figures[one["indicator"]]["figure"] if one["indicator"] in figures else None for figures in (now, then)]
    return {**one, "now": told[0], "would": told[1], "differs": told[1] != one["figure"]}


def _reports(told: FiguresForeseen) -> list[Row]:
    """Reports that published figures went into, and those that would print another figure when made again."""
    issued: dict[str, list[Row]] = {}
    for one in told.figures:
        if one["report"]:
            issued.setdefault(one["report"], []).append(one)
    rows: list[Row] = [
        {
            "kind": "published", "zh": name, "en": name, "figures": [one["id"] for one in mine],
            "differing": sum(one["differs"] for one in mine),
        }
        for name, mine in issued.items()
    ]  # fmt: skip
    made: dict[Question, int] = {}
    for row in told.periods:
        question = row["subject"], row["scope"], row["period"], row["at"]
        if row["subject"] in NAMES:
            made[question] = made.get(question, 0) + 1
    for (subject, scope, kind, at), count in made.items():
        zh, en = (f"{name}{gap}{word}" for name, word, gap in zip(NAMES[subject], KINDS[kind], ("", " "), strict=True))
        rows.append({
            "kind": "made", "zh": f"{zh} {at} [{scope}]", "en": f"{en} {at} [{scope}]", "subject": subject,
            "scope": scope, "period": kind, "at": at, "differing": count,
        })  # fmt: skip
    return rows
