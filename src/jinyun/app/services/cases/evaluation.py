"""Evaluation of units 部门考核: on time, recovered, relapsed, each with its definition, its cases and its fraction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from jinyun.act.case_clocks import CaseClocks
from jinyun.domains.supervision.clock_ledgers import ledger
from jinyun.domains.supervision.deadlines import work_calendar
from jinyun.domains.supervision.guards import conditions_of
from jinyun.domains.supervision.rules import rule
from jinyun.kernel.errors import BadInput
from jinyun.kernel.ports import MICRO, HistoryEntry, Record
from jinyun.kernel.terms import CHINA
from jinyun.methods.clocks import clock_state
from jinyun.methods.statistics import round_fraction

if TYPE_CHECKING:
    from jinyun.app.assemble import House

DAY_US = 86400 * MICRO
MOST = 100_000
AT_ONCE = 2000
NOBODY = ""
FINISHED = ("observing", "closed")
REOPENS = ("reopen", "reopen_by_hand")


def definitions() -> dict[str, dict[str, str]]:
    """What each figure counts, as it is printed beside it."""
    days = int(rule("evaluation", "relapse_days"))
    return {
        "on_time": {
            "zh": "按期率 = 按期件数 ÷ 应办件数。应办件：期内恢复达标、办结或到期的工单，每次（含重开后）计一件；"
            "按期：在办理时限内进入观察期或办结，中止时间不计。",
            "en": "On time = cases in time / cases due. Due: cases that recovered, closed or ran out of time in the "
            "period, each round after a reopening counted; in time: under observation or closed within the time "
            "allowed, suspensions not counted.",
        },
        "recovered": {
            "zh": "恢复率 = 期末前数据恢复达标的件数 ÷ 期内立案或重开且有监测指标的件数。",
            "en": "Recovered = rounds whose measured figure recovered by the end of the period / rounds opened or "
            "reopened in it that have a figure.",
        },
        "relapsed": {
            "zh": f"复发率 = 复发件数 ÷ 期内恢复达标或办结的件数。复发：其后{days}天内重开，或同一事项另立新案。",
            "en": f"Relapsed = rounds that came back / rounds that recovered or closed in the period. Came back: "
            f"reopened, or a new case on the same matter, within {days} days.",
        },
    }


@dataclass(slots=True)
class _Round:
    """A case from its opening or reopening to the figure's recovery or its close. Times in µs."""

    case: Record
    began: int
    ended: int | None = None
    ends_at: int | None = None  # when the time allowed is over
    late: bool = False
    figure: bool = False
    recovered_at: int | None = None
    came_back: int | None = None


@dataclass(slots=True)
class _Tally:
    whole: list[str] = field(default_factory=list)
    part: list[str] = field(default_factory=list)

    def add(self, case_id: str, fits: bool) -> None:
        self.whole.append(case_id)
        if fits:
            self.part.append(case_id)

    def as_dict(self) -> dict[str, Any]:
        share = round_fraction(Fraction(100 * len(self.part), len(self.whole)), 1) if self.whole else None
        return {
            "part": len(self.part), "whole": len(self.whole), "percent": None if share is None else str(share),
            "cases": list(dict.fromkeys(self.part)), "others": [one for one in dict.fromkeys(self.whole)
                                                                 if one not in self.part],
        }  # fmt: skip


class Evaluation:
    """Of all cases within reach."""

    def __init__(self, house: House) -> None:
        self._house = house

    def of(self, start: str, end: str, *, unit: str = "") -> dict[str, Any]:
        """Figures by unit of the days from `start` to `end`, both included (China time).

        Raises
        ------
        BadInput
            For a day that cannot be read, or an end before the start.
        """
        first, last = _day(start, "from"), _day(end, "to")
        if last < first:
            raise BadInput(f"{end} is before {start}", field="to")
        begin, after = _midnight(first), _midnight(last + timedelta(1))
        now = self._house.clock.now()
        rounds = [one for one in self._rounds(after) if not unit or (one.case.data.get("owner") or NOBODY) == unit]
        owners = sorted({str(one.case.data.get("owner") or NOBODY) for one in rounds})
        rows = [
            {"unit": owner, **self._row([o for o in rounds if (o.case.data.get("owner") or NOBODY) == owner],
                                        begin, min(after, now + 1))}
            for owner in owners
        ]  # fmt: skip
        rows = [row for row in rows if any(row[name]["whole"] for name in ("on_time", "recovered", "relapsed"))]
        return {
            "from": first.isoformat(), "to": last.isoformat(), "definitions": definitions(), "items": rows,
            "total": len(rows), "all": self._row(rounds, begin, min(after, now + 1)),
        }  # fmt: skip

    def _row(self, rounds: Sequence[_Round], begin: int, after: int) -> dict[str, Any]:
        on_time, recovered, relapsed = _Tally(), _Tally(), _Tally()
        window = int(rule("evaluation", "relapse_days")) * DAY_US
        for one in rounds:
            id = one.case.id
            if one.ended is not None and begin <= one.ended < after:
                on_time.add(id, not one.late)
                relapsed.add(id, one.came_back is not None and one.came_back <= one.ended + window)
            elif one.ends_at is not None and begin <= one.ends_at < after and (one.ended or after) >= after:
                on_time.add(id, False)
            if one.figure and begin <= one.began < after:
                recovered.add(id, one.recovered_at is not None and one.recovered_at < after)
        return {"on_time": on_time.as_dict(), "recovered": recovered.as_dict(), "relapsed": relapsed.as_dict()}

    def _rounds(self, after: int) -> list[_Round]:
        cases = [one for one in self._house.records.find("case", limit=MOST) if one.created_at < after]
        cases = [one for one in cases if one.state != "merged"]
        clocks = CaseClocks(self._house.records, _hours(self._house))
        found: list[_Round] = []
        for start in range(0, len(cases), AT_ONCE):
            part = cases[start : start + AT_ONCE]
            histories = self._house.records.histories("case", [one.id for one in part])
            for case in part:
                found += self._of_case(case, histories.get(case.id, ()), clocks)
        self._same_matter(found)
        return found

    def _of_case(self, case: Record, history: Sequence[HistoryEntry], clocks: CaseClocks) -> list[_Round]:
        rounds: list[_Round] = []
        figure = bool(conditions_of(case.data))
        for entry in history:
            if entry.step == "create" or entry.step in REOPENS:
                if rounds and entry.step in REOPENS:
                    rounds[-1].came_back = entry.at
                rounds.append(_Round(case, entry.at, figure=figure))
            elif rounds and entry.state_after in FINISHED and rounds[-1].ended is None:
                rounds[-1].ended = entry.at
                if figure:
                    rounds[-1].recovered_at = entry.at
        clock = clocks.rule(case)
        if clock is None:
            return rounds
        events = ledger(clock, history)
        for one, following in zip(rounds, [*rounds[1:], None], strict=True):
            until = one.ended or (following.began - 1 if following else self._house.clock.now())
            state = clock_state([e for e in events if e.at <= until], clock, until, work_calendar())
            one.ends_at, one.late = state.ends_at, state.late
        return rounds

    @staticmethod
    def _same_matter(rounds: Sequence[_Round]) -> None:
        """A new case that names one as the case before it on the same matter is a relapse of that."""
        newest: Mapping[str, _Round] = {one.case.id: one for one in rounds}
        for one in rounds:
            before = newest.get(str(one.case.data.get("previous") or ""))
            if before is not None and before.came_back is None and before.ended is not None:
                before.came_back = one.case.created_at


def _hours(house: Any) -> dict[str, Mapping[int, int]]:
    return {one.case.kind: one.case.hours for one in house.act.rules.verdict if one.case}


def _day(text: str, name: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text!r} is no day", field=name, hint="2026-03-01") from None


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=CHINA).timestamp()) * MICRO


__all__ = ["Evaluation", "definitions"]
