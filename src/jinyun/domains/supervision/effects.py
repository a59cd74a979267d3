"""What works and rectifications bring 成效: the sites they serve, and the figure that must be measured there.

The figure is a recovery condition (`recovery`), the same as of a case: given outright, or made of an item's `figure`
and `factor` for each site it serves. It must hold before acceptance, and a window after it that breaks the condition
within its watch reopens the item.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from jinyun.domains.supervision.guards import conditions_of, recovered
from jinyun.domains.supervision.recovery import DAY, Condition, condition_problem, relapse
from jinyun.domains.supervision.rectification import Figure
from jinyun.domains.supervision.rules import rule
from jinyun.kernel.errors import BadInput
from jinyun.kernel.records import Field, Missing
from jinyun.kernel.terms import Verdict

FIGURE_KEYS = ("name", "limit", "op", "hold_days", "watch_days", "judge")


def figure_of(data: Mapping[str, Any] | None) -> Figure | None:
    """The figure of an item from its JSON; None: it has none. Raises `BadInput`."""
    if not data:
        return None
    for key in data:
        if key not in FIGURE_KEYS:
            raise BadInput(f"figure: unknown key {key!r}", field=key, hint=f"known: {', '.join(FIGURE_KEYS)}")
    try:
        made = Figure(
            str(data["name"]), Decimal(str(data["limit"])), int(data["hold_days"]), int(data.get("watch_days", 0)),
            str(data.get("op", "le")),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, InvalidOperation) as wrong:
        raise BadInput(f"figure: {wrong!r}", field="figure", hint="name, limit, op, hold_days, watch_days") from None
    if made.op not in ("le", "lt", "ge", "gt") or made.hold_days < 1 or made.watch_days < 0:
        raise BadInput("figure: op is le, lt, ge or gt; hold_days from 1; watch_days from 0", field="figure")
    return made


def figure_problem(value: Any) -> str:
    """What is wrong with the JSON of a figure, "" when nothing is."""
    try:
        figure_of(value)
    except (BadInput, AttributeError) as wrong:
        return str(wrong)
    return ""


SITES = Field("sites", "服务点位", "Sites it serves", kind="reference", to="site", many=True,
              help_zh="其数据证明成效", help_en="Their figures show what it brought")  # fmt: skip
FACTOR = Field("factor", "监测因子", "Factor")
FIGURE = Field(
    "figure", "成效指标", "Figure", kind="json", check=figure_problem,
    help_zh="{name, limit, op, hold_days, watch_days, judge}；有点位和因子时由该点位的日评价判定",
    help_en="{name, limit, op, hold_days, watch_days, judge}; with a site and a factor its daily verdicts decide",
)  # fmt: skip
RECOVERY = Field("recovery", "达标条件", "Recovery condition", kind="json", check=condition_problem)
ALSO = Field("also", "另须满足的条件", "Further conditions", kind="json", many=True, check=condition_problem)
RELAPSES = (
    Field("relapsed_at", "回潮时间", "Came back at", kind="datetime"),
    Field("relapse_verdict", "回潮评价", "Verdict that broke it", kind="integer"),
    Field("relapses", "回潮次数", "How often it came back", kind="integer", minimum="0"),
)
CAME_BACK = Field("verdict", "评价", "Verdict", kind="integer")


@dataclass(frozen=True, slots=True)
class Served:
    """A site that an item serves, with the judge whose verdicts speak for it."""

    site: str
    judge: str
    named: bool = True  # in the item itself; else found by its water body or cell


def named_sites(data: Mapping[str, Any]) -> list[str]:
    """Sites that an item names, each once."""
    return list(dict.fromkeys(one for one in (data.get("site"), *(data.get("sites") or ())) if one))


def has_place(data: Mapping[str, Any]) -> bool:
    """Whether an item says what it serves: sites, a water body, a cell."""
    return bool(named_sites(data) or data.get("river") or data.get("cell"))


def by_verdicts(data: Mapping[str, Any]) -> bool:
    """Whether verdicts decide on an item: it has a condition, or a figure of a factor measured where it serves."""
    return bool(conditions_of(data)) or bool(data.get("figure") and data.get("factor") and has_place(data))


def effect_conditions(data: Mapping[str, Any], served: Iterable[Served]) -> list[Mapping[str, Any]]:
    """Every condition that must hold for an item: those it says itself, and its figure at each site it serves."""
    made = list(conditions_of(data))
    figure = figure_of(data.get("figure"))
    if figure is None or not data.get("factor"):
        return made
    within = max(int(figure.hold_days * rule("effect", "within")), int(rule("effect", "within_least")))
    judge = str((data.get("figure") or {}).get("judge") or "")
    for one in served:
        if judge or one.judge:
            made.append(
                Condition(
                    judge=judge or one.judge, subject=one.site, windows=figure.hold_days, within_days=within,
                    observe_days=figure.watch_days, factor=str(data["factor"]), limit=str(figure.limit), op=figure.op,
                ).as_json()
            )  # fmt: skip
    return made


def measured(data: Mapping[str, Any], context: Mapping[str, Any]) -> Sequence[Missing]:
    """The acceptance guard: where verdicts decide on an item, its conditions hold on them.

    `context`: ``conditions`` (of `effect_conditions`), ``verdicts``, ``now`` [s].
    """
    if not by_verdicts(data):
        return ()
    conditions = context.get("conditions")
    if not conditions:
        return (
            Missing(
                "recovery-no-judge",
                "服务点位没有可用的评价，无法证明成效",
                "the sites it serves have no verdicts that could show the recovery",
            ),
        )
    return recovered({"recovery": conditions[0], "also": conditions[1:]}, context)


def broken_after(conditions: Iterable[Mapping[str, Any]], verdicts: Sequence[Verdict], accepted: int) -> Verdict | None:
    """The first verdict of a whole window after the acceptance [s] that breaks a condition within its watch; None."""
    found = []
    for one in conditions:
        condition = Condition.of(one)
        until = accepted + condition.observe_days * DAY
        watched = [verdict for verdict in verdicts if verdict.window.start <= until]
        broke = relapse(condition, watched, accepted)
        if broke is not None:
            found.append(broke)
    return min(found, key=lambda verdict: (verdict.window.start, verdict.id), default=None)


def came_back(data: Mapping[str, Any], context: Mapping[str, Any]) -> Sequence[Missing]:
    """Reopening by the figure: ``broken`` of the context is the verdict that broke it."""
    if by_verdicts(data) and context.get("broken") is not None:
        return ()
    return (Missing("no-breach", "观察期内指标未反弹", "the figure did not break within the watch time"),)


def day_of(value: Any) -> date | None:
    """The China day of a date or moment in a record."""
    return datetime.fromisoformat(str(value)).date() if value else None
