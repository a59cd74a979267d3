"""Guards of the case procedure: what a step still waits for. Pure functions of the record and the verdict facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jinyun.domains.supervision.recovery import Condition, recovery_progress
from jinyun.kernel.records import Missing


def conditions_of(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """All recovery conditions of a case, its first and those of matters merged into it."""
    return [one for one in (data.get("recovery"), *(data.get("also") or ())) if one]


def recovered(data: Mapping[str, Any], context: Mapping[str, Any]) -> Sequence[Missing]:
    """Every recovery condition of the case holds on the measured figure.

    `context` carries ``verdicts`` (the current verdicts of the conditions' judges and subjects) and ``now`` [s]. A case
    without a condition (a complaint that no instrument measures) has nothing to wait for.
    """
    conditions = conditions_of(data)
    if not conditions:
        return ()
    if "verdicts" not in context or "now" not in context:
        return (
            Missing(
                "recovery-unknown",
                "没有取得评价数据，无法确认恢复条件",
                "the verdicts that would show the recovery were not looked up",
            ),
        )
    verdicts, now = context["verdicts"], context["now"]
    progress = [recovery_progress(Condition.of(one), verdicts, now=now) for one in conditions]
    return tuple(missing for one in progress for missing in one.missing)


def closable(data: Mapping[str, Any], context: Mapping[str, Any]) -> Sequence[Missing]:
    """The figure recovered; without a figure: evidence, and a second person who verified, since it was last reopened.
    A contest that waits for its reply keeps a case open."""
    missing: list[Missing] = []
    if data.get("contest") == "open":
        missing.append(Missing("contest-open", "申辩尚未答复", "a contest waits for its reply"))
    if conditions_of(data):
        return [*missing, *recovered(data, context)]
    if len(data.get("evidence") or ()) <= int(data.get("evidence_before") or 0):
        missing.append(Missing("evidence", "缺少佐证材料（附件）", "evidence is missing: a file that shows it"))
    if not data.get("verified_by") or data.get("verified_by") == data.get("reported_by"):
        missing.append(
            Missing("second-person", "须由反馈人以外的人员核实", "somebody other than who reported must verify it")
        )
    return missing


def tasks_done(_: Mapping[str, Any], context: Mapping[str, Any]) -> Sequence[Missing]:
    """No task of the case is open: somebody is still at it, or it came back and waits to be given again.

    `context`: ``open_tasks``, each with ``id``, ``title``, ``owner``, ``state_zh``, ``state_en``. A follow-up is not
    among them: it belongs to the time after the close.
    """
    return tuple(
        Missing(
            f"task:{one['id']}",
            f"任务“{one['title']}”（{one['owner'] or '未指定单位'}）{one['state_zh']}，须先完成或取消",
            f"task {one['title']!r} ({one['owner'] or 'no unit'}) is {one['state_en'].lower()}: "
            "finish or cancel it first",
        )
        for one in context.get("open_tasks") or ()
    )


def through_desk(_: Mapping[str, Any], context: Mapping[str, Any]) -> Sequence[Missing]:
    """Steps that change more than one record are taken by the case desk, which says so in the context."""
    if context.get("desk"):
        return ()
    return (
        Missing("desk", "请使用工单页面的该项功能", "use the call of its own: this step changes more than the case"),
    )
