"""Procedure of cases, version 1: cases opened before version 2 go on by it."""

from __future__ import annotations

from jinyun.domains.supervision.guards import recovered
from jinyun.kernel.records import Field, Procedure, Transition

SYSTEM_ONLY = ("system",)
OPEN_STATES = ("opened", "acknowledged", "dispatched", "reported", "observing", "reopened")
ACTING_STATES = ("opened", "acknowledged", "dispatched", "reported", "reopened")

VERSION_1 = Procedure(
    initial="opened",
    states={
        "opened": ("待确认", "Opened"),
        "acknowledged": ("已确认", "Acknowledged"),
        "dispatched": ("已派单", "Dispatched"),
        "reported": ("已反馈", "Reported"),
        "observing": ("观察期", "Under observation"),
        "closed": ("已办结", "Closed"),
        "reopened": ("复发重开", "Reopened"),
    },
    transitions=(
        Transition("acknowledge", "确认", "Acknowledge", ("opened", "reopened"), "acknowledged"),
        Transition(
            "dispatch", "派单", "Dispatch", ("opened", "acknowledged", "dispatched", "reported", "reopened"),
            "dispatched",
            needs=("owner",),
            fields=(
                Field("owner", "承办单位", "Owner", help_zh="单位或人员", help_en="Unit or person"),
                Field("note", "要求", "Instructions", kind="long_text"),
            ),
            sets={"owner": "owner"},
        ),
        Transition(
            "add_cause", "登记原因", "Add a cause", OPEN_STATES, "",
            needs=("text",), fields=(Field("text", "原因", "Cause", kind="long_text"),), appends={"causes": "text"},
        ),
        Transition(
            "add_measure", "登记措施", "Add a measure", OPEN_STATES, "",
            needs=("text",), fields=(Field("text", "措施", "Measure", kind="long_text"),),
            appends={"measures": "text"},
        ),
        Transition(
            "report", "反馈", "Report", ("acknowledged", "dispatched", "reported", "reopened"), "reported",
            needs=("text",), fields=(Field("text", "办理情况", "What was done", kind="long_text"),),
            sets={"report": "text"},
        ),
        Transition(
            "supplement", "补充反馈", "Add to the report", ("observing",), "",
            needs=("text",), fields=(Field("text", "办理情况", "What was done", kind="long_text"),),
            sets={"report": "text"},
        ),
        Transition(
            "recover", "恢复达标", "Recovered", ACTING_STATES, "observing", by=SYSTEM_ONLY, guards=(recovered,)
        ),
        Transition(
            "close", "办结", "Close", OPEN_STATES, "closed", by=("officer", "system"), guards=(recovered,),
            fields=(Field("note", "办结意见", "Closing note", kind="long_text"),),
            sets={"closed_at": "@now", "closed_by": "@actor"},
        ),
        Transition("reopen", "复发重开", "Reopen", ("observing",), "reopened", by=SYSTEM_ONLY),
    ),
)  # fmt: skip
