"""Tasks 任务: what one unit or person is to do for a case, where, and by when."""

from __future__ import annotations

from collections.abc import Mapping

from jinyun.domains.supervision.fields import (
    EVIDENCE,
    JURISDICTION,
    LEVEL_HELP_EN,
    LEVEL_HELP_ZH,
    PHOTOS,
    PLACE,
    REASON,
)
from jinyun.domains.supervision.fields import text as long_text
from jinyun.domains.supervision.rules import rule
from jinyun.kernel.records import ClockRule, Escalation, Extension, Field, Procedure, RecordType, Transition
from jinyun.kernel.tables import toml_table

TASK_KINDS: Mapping[str, tuple[str, str]] = {
    "check": ("现场检查", "Check on the spot"),
    "sample": ("采样监测", "Sampling"),
    "trace": ("溯源排查", "Tracing the source"),
    "order": ("督促整改", "See that it is put right"),
    "follow_up": ("回头看", "Follow-up"),
    "consult": ("会商", "Consultation"),
    "joint": ("联合执法", "Joint enforcement"),
    "other": ("其他", "Other"),
}
FIELD_ROLES = ("officer", "inspector", "unit_officer")
RUNNING = ("assigned", "accepted", "acting")
HOLDING = (*RUNNING, "returned")
"""States in which a task holds its case: it can be neither reported nor closed."""
AFTERWARDS = ("follow_up",)
"""Kinds that look back at what was closed, and hold nothing."""


def _hours() -> dict[str, int]:
    return {
        level: int(hours) for level, hours in toml_table("jinyun.domains.supervision", "deadlines.toml")["task"].items()
    }


TASK = RecordType(
    id="task",
    zh="任务",
    en="Task",
    title="title",
    jurisdiction="jurisdiction",
    owner="owner",
    write_roles=("officer",),
    fields=(
        Field("title", "任务", "Task", required=True, indexed=True),
        Field("kind", "类别", "Kind", kind="code", codes=TASK_KINDS, required=True, indexed=True),
        Field("case", "工单", "Case", kind="reference", to="case", indexed=True),
        Field("owner", "承办单位", "Unit", indexed=True, help_zh="单位编号或名称", help_en="Id or name of a unit"),
        Field("person", "承办人", "Person", kind="person", indexed=True),
        Field("why", "派单依据", "Why there", kind="json", many=True),
        PLACE,
        JURISDICTION,
        Field("site", "点位", "Site", kind="reference", to="site"),
        Field("level", "级别", "Level", kind="integer", minimum="1", maximum="4", indexed=True,
              help_zh=LEVEL_HELP_ZH, help_en=LEVEL_HELP_EN),
        Field("instructions", "要求", "Instructions", kind="long_text"),
        Field("result", "结果", "Result", kind="long_text"),
        Field("photos", "照片", "Photos", kind="file", many=True),
        Field("done_by", "完成人", "Done by"),
    ),
    procedure=Procedure(
        initial="assigned",
        states={
            "assigned": ("待接单", "Assigned"),
            "accepted": ("已接单", "Accepted"),
            "returned": ("已退回", "Returned"),
            "acting": ("办理中", "Under way"),
            "done": ("已完成", "Done"),
            "checked": ("已核验", "Checked"),
            "cancelled": ("已取消", "Cancelled"),
        },
        transitions=(
            Transition("accept", "接单", "Accept", ("assigned",), "accepted", by=FIELD_ROLES),
            Transition("return_back", "退回", "Return", ("assigned", "accepted"), "returned", by=FIELD_ROLES,
                       needs=("reason",), fields=(REASON,), emits="task_returned"),
            Transition(
                "assign", "改派", "Assign again", ("returned", "assigned", "accepted"), "assigned", needs=("owner",),
                fields=(Field("owner", "承办单位", "Unit"), Field("person", "承办人", "Person", kind="person")),
                sets={"owner": "owner", "person": "person"}, emits="task_assigned",
            ),
            Transition("begin", "开始", "Begin", ("accepted",), "acting", by=FIELD_ROLES),
            Transition(
                "finish", "完成", "Finish", ("accepted", "acting"), "done", by=FIELD_ROLES, needs=("text",),
                fields=(long_text("text", "结果", "Result"), PHOTOS, EVIDENCE),
                sets={"result": "text", "photos": "photos", "done_by": "@actor"}, emits="task_done",
            ),
            Transition(
                "extend", "批准延期", "Extend", RUNNING, "", by=("officer", "leader"), needs=("hours", "reason"),
                fields=(Field("hours", "延长小时", "Hours more", kind="integer", minimum="1",
                              maximum=str(rule("extension_most", "task"))), REASON),
                emits="task_extended",
            ),
            Transition("check", "核验", "Check", ("done",), "checked", only="second", second_of="finish"),
            Transition("redo", "退回重办", "Do again", ("done",), "acting", needs=("reason",), fields=(REASON,),
                       emits="task_returned"),
            Transition("cancel", "取消", "Cancel", (*RUNNING, "returned"), "cancelled", by=("officer", "system"),
                       fields=(REASON,)),
        ),
        clocks=(
            ClockRule(
                "due", "完成时限", "To be done", "hour", starts=("assigned", "redo"),
                stops=("done", "checked", "cancelled"), by_level=_hours(),
                escalate=(Escalation("near", "即将到期", "Nearly due", "80%", "owner"),
                          Escalation("over", "已超期", "Over", "+0h", "owner"),
                          Escalation("over_desk", "超期未完成", "Over and not done", "+0h", "officer"),
                          Escalation("long_over", "超期一天", "A day over", "+24h", "leader")),
                extends=(Extension("extend", given="hours", most=int(rule("extension_times", "task"))),),
            ),
        ),
    ),
    listed=("title", "kind", "case", "owner", "person", "level"),
)  # fmt: skip

RECORDS = (TASK,)
