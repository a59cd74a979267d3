"""Ranking of cities by the composite index, smaller is better; equal printed indices share a rank. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from jinyun.domains.air.days import DayValues
from jinyun.domains.air.evaluation import SIX, evaluation, window_days
from jinyun.domains.air.period import PeriodEvaluation, Setting, evaluate
from jinyun.kernel.errors import BadInput
from jinyun.kernel.terms import Window

OWN, COMMON = "own", "common"
MISSING_DAYS: Mapping[str, tuple[str, str]] = {
    OWN: ("各城市按各自有效天数统计", "each city by its own valid days"),
    COMMON: ("仅统计所有城市均有效的天", "only days that are valid in every city"),
}
"""How missing days are handled, the same way for all cities of one ranking."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """One city. `rank` None: it has no composite index, and `note_*` say why."""

    rank: int | None
    name: str
    index: Decimal | None
    main: tuple[str, ...]
    good_ratio: Decimal | None
    valid_days: int
    evaluation: PeriodEvaluation
    note_zh: str = ""
    note_en: str = ""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Cities, best first; those that cannot be ranked last."""

    rows: tuple[Ranked, ...]
    edition: str
    missing_days: str
    note_zh: str
    note_en: str
    common_days: Mapping[str, int]  # by item: days counted for all, only with ``common``


def rank(
    cities: Mapping[str, Sequence[DayValues]],
    window: Window,
    *,
    on: date,
    missing_days: str = OWN,
    leave_out_stamps: Collection[str] = (),
    setting: Setting | None = None,
) -> Ranking:
    """Rank cities over a period.

    Parameters
    ----------
    cities : Mapping[str, Sequence[DayValues]]
        Days by city.
    on : date
        Edition that all are judged by.
    missing_days : str
        ``own``: each city by its own valid days; ``common``: an item counts only on days when every city has it, so
        that nobody gains by a gap. The answer says which.

    Raises
    ------
    BadInput
        For another handling of missing days, or days that `period.evaluate` refuses.
    """
    if missing_days not in MISSING_DAYS:
        raise BadInput(
            f"unknown handling {missing_days!r}", field="missing_days", hint=f"one of {', '.join(MISSING_DAYS)}"
        )
    common: dict[str, int] = {}
    if missing_days == COMMON:
        cities, common = _common(cities, window, leave_out_stamps)
    judged = {
        name: evaluate(name, days, window, on=on, leave_out_stamps=leave_out_stamps, setting=setting)
        for name, days in cities.items()
    }
    ranks = rank_values({name: one.index.total for name, one in judged.items()})
    rows = []
    for name, place in ranks.items():
        one = judged[name]
        zh = en = ""
        if place is None:
            zh, en = "缺少" + "、".join(one.index.missing), f"without {', '.join(one.index.missing)}"
        good = one.good_days
        rows.append(Ranked(place, name, one.index.total, one.index.main, good.ratio, good.valid, one, zh, en))
    return Ranking(tuple(rows), evaluation(on).standard, missing_days, *MISSING_DAYS[missing_days], common)


def rank_values(values: Mapping[str, Decimal | None]) -> dict[str, int | None]:
    """Ranks by value, smallest first; equal values share the better rank and the next one is left free (1, 2, 2, 4).

    None is not ranked and comes last.
    """
    known = sorted((value, name) for name, value in values.items() if value is not None)
    ranks: dict[str, int | None] = {}
    for place, (value, name) in enumerate(known, 1):
        before = known[place - 2] if place > 1 else None
        ranks[name] = ranks[before[1]] if before is not None and before[0] == value else place
    return ranks | {name: None for name, value in values.items() if value is None}


def _common(
    cities: Mapping[str, Sequence[DayValues]], window: Window, stamps: Collection[str]
) -> tuple[dict[str, list[DayValues]], dict[str, int]]:
    """The same cities with each item only on days when all have it (and none is stamped, if stamps are left out)."""
    wanted = set(window_days(window))
    by_day = [{one.day: one for one in days if one.day in wanted} for days in cities.values()]
    shared = set.intersection(*(set(one) for one in by_day)) if by_day else set()
    if stamps:
        shared = {day for day in shared if not any(one[day].stamps & set(stamps) for one in by_day)}
    names = dict.fromkeys(name for one in by_day for day in one.values() for name in day.values)
    good = {name: {day for day in shared if all(one[day].of(name) is not None for one in by_day)} for name in names}
    kept = {
        city: [
            replace(one, values={name: value for name, value in one.values.items() if one.day in good[name]})
            for one in days
            if one.day in shared
        ]
        for city, days in cities.items()
    }
    return kept, {name: len(good.get(name, ())) for name in SIX}
