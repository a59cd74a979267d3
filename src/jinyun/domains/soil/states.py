"""Risk states of plots 地块风险状态, as a dated table: what a survey's verdict leads to, and what may follow. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from jinyun.domains.soil.limits import PACKAGE
from jinyun.kernel.errors import BadInput, NotFound
from jinyun.kernel.tables import csv_rows
from jinyun.kernel.terms import Verdict

LANDS: Mapping[str, str] = {"soil.construction": "construction", "soil.farmland": "farmland"}


@dataclass(frozen=True, slots=True)
class PlotState:
    """One state of a plot."""

    id: str
    zh: str
    en: str
    order: int
    verdicts: tuple[str, ...]  # states of a verdict that lead here
    next: tuple[str, ...]  # states that may follow
    basis: str  # law or rule
    note: str
    verified: str


def plot_states(land: str, day: date) -> Mapping[str, PlotState]:
    """States in force on a day, by id, in order.

    Parameters
    ----------
    land : str
        ``construction`` or ``farmland``.

    Raises
    ------
    BadInput
        For another kind of land, or a day before the first rule we hold.
    """
    if land not in LANDS.values():
        raise BadInput(f"no kind of land {land!r}", field="land", hint=f"one of {', '.join(LANDS.values())}")
    text = day.isoformat()
    found = {
        row["state"]: PlotState(
            row["state"], row["zh"], row["en"], int(row["order_no"]), tuple(filter(None, row["verdict"].split(";"))),
            tuple(filter(None, row["next"].split(";"))), row["standard"], row["note"], row["verified"],
        )
        for row in csv_rows(PACKAGE, "plot_states.csv")
        if row["land"] == land and row["valid_from"] <= text and (not row["valid_to"] or text <= row["valid_to"])
    }  # fmt: skip
    if not found:
        raise BadInput(f"no states of {land} land were in force on {text}", field="day", hint="from 2017-07-01 on")
    return dict(sorted(found.items(), key=lambda pair: pair[1].order))


def state_after(verdict: Verdict, day: date) -> PlotState | None:
    """The state that a verdict of `judge_plot` or `judge_farmland` leads a plot to; None when it leads nowhere.

    Raises
    ------
    BadInput
        For a verdict of another judge.
    """
    if verdict.judge not in LANDS:
        raise BadInput(f"{verdict.judge} judges no soil", hint=f"one of {', '.join(LANDS)}")
    state = str(verdict.extra.get("state"))
    return next((s for s in plot_states(LANDS[verdict.judge], day).values() if state in s.verdicts), None)


def may_follow(now: str, then: str, land: str, day: date) -> bool:
    """True when a plot may go from one state to another.

    Raises
    ------
    NotFound
        For a state that is not in force on the day.
    """
    states = plot_states(land, day)
    for one in (now, then):
        if one not in states:
            raise NotFound("plot state", one, known=states)
    return then in states[now].next
