"""Rectification items 督察整改: sub-plans, measures, evidence, three checks, five conditions, a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from jinyun.domains.supervision import rectification as rules
from jinyun.domains.supervision.effects import (
    ALSO,
    CAME_BACK,
    FACTOR,
    FIGURE,
    RECOVERY,
    RELAPSES,
    SITES,
    by_verdicts,
    came_back,
    figure_of,
    measured,
)
from jinyun.domains.supervision.fields import (
    EVIDENCE,
    JURISDICTION,
    MATTER_KINDS,
    NOTE,
    PLACE,
    REASON,
    text,
)
from jinyun.kernel.errors import BadInput
from jinyun.kernel.records import Field, Missing, Procedure, RecordType, Transition

SOURCES: Mapping[str, tuple[str, str]] = {
    "central": ("中央生态环境保护督察", "Central inspection"),
    "province": ("省（市）级督察", "Provincial inspection"),
    "warning_film": ("警示片", "Warning film"),
    "regular": ("例行督察", "Regular inspection"),
    "special": ("专项督察", "Special inspection"),
    "resident": ("派驻督察", "Resident inspection"),
    "daily": ("日常督察", "Daily inspection"),
    "own": ("自查", "Self-check"),
}
TERMS: Mapping[str, tuple[str, str]] = {
    "short": ("短期（6 个月内）", "Short, up to 6 months"),
    "mid": ("中期（1–2 年）", "Mid, 1–2 years"),
    "long": ("长期（3–5 年）", "Long, 3–5 years"),
}
CONDITION_WORDS: Mapping[str, tuple[str, str]] = {
    "measures": ("整改措施落实到位", "Measures are in place"),
    "solved": ("问题解决到位", "The problem is solved"),
    "mechanism": ("长效机制健全", "The mechanism is sound"),
    "proper": ("整改行为规范", "Acts are proper"),
    "papers": ("资料完整", "Papers are complete"),
}
if tuple(CONDITION_WORDS) != rules.conditions():
    raise ValueError("rectification: every condition of rules.csv needs its words, in its order")


def readings_of(rows: Sequence[Mapping[str, Any]] | None) -> list[rules.Measured]:
    """Readings ``{date, value}`` of an item. Raises `BadInput`."""
    found = []
    for number, row in enumerate(rows or (), 1):
        try:
            found.append(rules.Measured(date.fromisoformat(str(row["date"])), Decimal(str(row["value"]))))
        except (KeyError, TypeError, ValueError, InvalidOperation):
            raise BadInput(f"reading {number}: {row!r} has no date and value", field="readings") from None
    return found


def _reading_problem(value: Any) -> str:
    return _problem(lambda: readings_of([value]))


def _problem(made: Any) -> str:
    try:
        made()
    except (BadInput, AttributeError) as wrong:
        return str(wrong)
    return ""


def conditions_met(data: Mapping[str, Any]) -> dict[str, bool]:
    """The five conditions as the item says them."""
    return {name: data.get(f"cond_{name}") is True for name in CONDITION_WORDS}


def may_close(data: Mapping[str, Any], context: Mapping[str, Any]) -> Sequence[Missing]:
    """The office check: five conditions, a figure held for its days, all sub-plans closed.

    Where verdicts decide (`effects.by_verdicts`), they show the figure; else the readings written into the item do.
    `context`: that of `effects.measured`, ``today`` (ISO date), ``open_parts``.
    """
    missing = [
        Missing(f"condition:{name}", f"条件未具备：{CONDITION_WORDS[name][0]}", f"not yet: {CONDITION_WORDS[name][1]}")
        for name, met in conditions_met(data).items()
        if not met
    ]
    if open_parts := context.get("open_parts"):
        missing.append(
            Missing("parts", f"尚有{open_parts}个子任务未销号", f"{open_parts} sub-plans are not closed yet")
        )
    if by_verdicts(data):
        return [*missing, *measured(data, context)]
    figure = figure_of(data.get("figure"))
    if figure is not None:
        missing += _not_held(figure, data, context)
    return missing


def _not_held(figure: rules.Figure, data: Mapping[str, Any], context: Mapping[str, Any]) -> list[Missing]:
    readings = readings_of(data.get("readings"))
    day = (
        date.fromisoformat(str(context["today"]))
        if "today" in context
        else max((r.date for r in readings), default=None)
    )
    held = rules.held_days(figure, readings, day) if day is not None else 0
    if held >= figure.hold_days:
        return []
    return [
        Missing(
            "figure",
            f"{figure.name}须连续{figure.hold_days}天达到{figure.limit}，已有{held}天",
            f"{figure.name} must hold {figure.limit} for {figure.hold_days} days in a row; has {held}",
        )
    ]


def measured_breach(data: Mapping[str, Any], context: Mapping[str, Any]) -> Sequence[Missing]:
    """Reopening by the figure: a reading after the close, within the watch time, broke it."""
    if by_verdicts(data):
        return came_back(data, context)
    figure, closed = figure_of(data.get("figure")), data.get("closed_on")
    if figure is None or not closed:
        return [Missing("figure", "没有监测指标", "the item has no figure")]
    readings = readings_of(data.get("readings"))
    steps = [rules.Check(step, datetime.fromisoformat(str(closed)).date()) for step in rules.AFTER]
    today = date.fromisoformat(str(context["today"])) if "today" in context else date.max
    state = rules.rectification_state(
        steps, dict.fromkeys(CONDITION_WORDS, True), deadline=date.max, as_of=today,
        figure=rules.Figure(figure.name, figure.limit, 0, figure.watch_days, figure.op), readings=readings,
    )  # fmt: skip
    if state.state == rules.REOPENED:
        return []
    return [Missing("no-breach", "观察期内指标未反弹", "the figure did not break within the watch time")]


RECTIFICATION = RecordType(
    id="rectification",
    zh="整改任务",
    en="Rectification item",
    title="title",
    jurisdiction="jurisdiction",
    owner="owner",
    write_roles=("officer",),
    fields=(
        Field("title", "任务", "Task", required=True, indexed=True),
        Field("number", "序号", "Number", identifies=True),
        Field("source", "来源", "Source", kind="code", codes=SOURCES, required=True, indexed=True),
        Field("batch", "批次", "Batch", indexed=True, pattern=r"[0-9A-Za-z\u4e00-\u9fff-]{1,40}",
              help_zh="督察转办按日编号的批次，如 20240512-03", help_en="Batch numbered by day, e.g. 20240512-03"),
        Field("kind", "类别", "Class", kind="code", codes=MATTER_KINDS, indexed=True),
        Field("parent", "所属任务", "Part of", kind="reference", to="rectification",
              help_zh="子任务填写", help_en="Of a sub-plan"),
        Field("problem", "问题", "Problem", kind="long_text", required=True),
        Field("target", "整改目标", "Target", kind="long_text"),
        Field("measures", "整改措施", "Measures", kind="json", many=True),
        Field("term", "期限类别", "Term", kind="code", codes=TERMS),
        Field("deadline", "完成时限", "Deadline", kind="date", required=True, indexed=True),
        Field("lead_unit", "牵头单位", "Lead unit", indexed=True),
        Field("owner", "责任单位", "Responsible unit", indexed=True),
        Field("check_unit", "验收单位", "Checking unit", indexed=True),
        Field("enterprise", "排污单位", "Enterprise", kind="reference", to="enterprise"),
        Field("site", "监测点位", "Site", kind="reference", to="site",
              help_zh="其数据证明整改成效", help_en="Its readings show that the problem is solved"),
        SITES,
        Field("river", "服务水体", "Water body it serves", indexed=True),
        Field("cell", "所在网格", "Cell", kind="reference", to="cell"),
        Field("began", "开始整改", "Begun", kind="date",
              help_zh="对比整改前后用，空为登记日", help_en="For before and after; empty: the day of registration"),
        FACTOR,
        PLACE,
        JURISDICTION,
        *(Field(f"cond_{name}", zh, en, kind="bool") for name, (zh, en) in CONDITION_WORDS.items()),
        FIGURE,
        RECOVERY,
        ALSO,
        *RELAPSES,
        Field("readings", "成效监测值", "Readings", kind="json", many=True, check=_reading_problem,
              help_zh="{date, value}", help_en="{date, value}"),
        EVIDENCE,
        Field("self_checked_by", "自查人", "Self-checked by"),
        Field("rechecked_by", "复核人", "Re-checked by"),
        Field("closed_on", "销号时间", "Closed", kind="datetime", indexed=True),
        Field("published_on", "公示日期", "Published", kind="date"),
        Field("case", "工单", "Case", kind="reference", to="case"),
    ),
    procedure=Procedure(
        initial="open",
        states={
            "open": ("整改中", "Under way"),
            "self_checked": ("已自查", "Self-checked"),
            "rechecked": ("牵头单位已复核", "Re-checked by the lead"),
            "closed": ("已销号", "Closed"),
            "reopened": ("反弹重开", "Reopened"),
        },
        transitions=(
            Transition(
                "add_measure", "登记措施", "Add a measure", ("open", "self_checked", "rechecked", "reopened"), "",
                by=("officer", "unit_officer"), needs=("text",), fields=(text("text", "措施", "Measure"),),
                appends={"measures": "text"},
            ),
            Transition(
                "self_check", "单位自查", "Self-check", ("open", "reopened"), "self_checked",
                by=("officer", "unit_officer"), needs=("text",), fields=(text("text", "自查结论", "Finding"), EVIDENCE),
                sets={"self_checked_by": "@actor"},
            ),
            Transition(
                "recheck", "牵头单位复核", "Lead re-check", ("self_checked",), "rechecked",
                by=("officer", "unit_officer"), only="second", second_of="self_check", needs=("text",),
                fields=(text("text", "复核结论", "Finding"), EVIDENCE), sets={"rechecked_by": "@actor"},
            ),
            Transition(
                "office_check", "督察办核查销号", "Office check and close", ("rechecked",), "closed",
                only="second", second_of="recheck", guards=(may_close,), fields=(NOTE,), sets={"closed_on": "@now"},
                emits="rectification_closed",
            ),
            Transition(
                "send_back", "退回整改", "Send back", ("self_checked", "rechecked"), "open", needs=("reason",),
                fields=(REASON,), emits="rectification_sent_back",
            ),
            Transition(
                "reopen", "回头看重开", "Reopen", ("closed",), "reopened", needs=("reason",), fields=(REASON,),
                emits="rectification_reopened",
            ),
            Transition(
                "relapse", "指标反弹重开", "Reopen by the figure", ("closed",), "reopened", by=("system", "officer"),
                fields=(CAME_BACK,), sets={"relapsed_at": "@now", "relapse_verdict": "verdict"},
                guards=(measured_breach,), emits="rectification_reopened",
            ),
        ),
    ),
    listed=("title", "source", "batch", "kind", "owner", "deadline", "closed_on"),
)  # fmt: skip

RECORDS = (RECTIFICATION,)
