"""Record types `alarm` (报警) and `case` (工单) with their procedures. Ids and field names bind all rooms."""

from __future__ import annotations

from collections.abc import Mapping

from jinyun.domains.supervision.guards import recovered
from jinyun.domains.supervision.recovery import condition_problem
from jinyun.kernel.records import Field, Procedure, RecordType, Transition

SYSTEM_ONLY = ("system",)

LEVEL_HELP_ZH = "1 特别严重，2 严重，3 较重，4 一般（提示）"
LEVEL_HELP_EN = "1 most serious … 4 a hint"

END_REASONS: Mapping[str, tuple[str, str]] = {
    "recovered": ("数据恢复", "The figure recovered"),
    "corrected": ("数据更正后不成立", "Withdrawn: corrected data do not bear it out"),
    "merged": ("并入另一报警", "Merged into another alarm"),
    "rule_removed": ("规则已停用", "The rule is no longer in force"),
    "unregistered": ("设备已注销", "The device is no longer registered"),
}

CASE_KINDS: Mapping[str, tuple[str, str]] = {
    "outlet_exceedance": ("排放超标", "Outlet over its limit"),
    "section_class": ("断面水质超标", "Section worse than its target"),
    "air_quality": ("空气污染", "Air pollution"),
    "device": ("设备与传输", "Device or transmission"),
    "complaint": ("投诉举报", "Complaint"),
    "inspection": ("检查发现", "Inspection finding"),
    "rectification": ("整改任务", "Rectification"),
    "other": ("其他", "Other"),
}

ALARM = RecordType(
    id="alarm",
    zh="报警",
    en="Alarm",
    title="sentence_zh",
    fields=(
        Field("rule", "报警规则", "Alarm rule", required=True, indexed=True),
        Field(
            "matter", "事项", "Matter", required=True, indexed=True,
            help_zh="规则、点位、因子组合而成，同一事项只有一条在报",
            help_en="Rule, subject and factor group: one open alarm each",
        ),
        Field("subject", "点位", "Site", kind="reference", to="site", indexed=True),
        Field("judge", "评价规则", "Judge", indexed=True),
        Field("factor", "因子", "Factor", indexed=True),
        Field(
            "level", "级别", "Level", kind="integer", minimum="1", maximum="4", indexed=True,
            help_zh=LEVEL_HELP_ZH, help_en=LEVEL_HELP_EN,
        ),
        Field("opened_at", "报警时间", "Opened at", kind="datetime"),
        Field("started_at", "开始时间", "Started at", kind="datetime", indexed=True),
        Field("peak_figure", "峰值", "Peak"),
        Field("peak_at", "峰值时间", "Peak at", kind="datetime"),
        Field("last_figure", "最近值", "Latest figure"),
        Field("last_at", "最近时间", "Latest at", kind="datetime"),
        Field("ended_at", "结束时间", "Ended at", kind="datetime"),
        Field("end_reason", "结束原因", "Why it ended", kind="code", codes=END_REASONS),
        Field("unit", "单位", "Unit"),
        Field("limit", "限值", "Limit"),
        Field("verdict_open", "触发评价", "Verdict that opened it", kind="integer"),
        Field("verdict_peak", "峰值评价", "Verdict of the peak", kind="integer"),
        Field("verdict_end", "解除评价", "Verdict that ended it", kind="integer"),
        Field("case", "工单", "Case", kind="reference", to="case", indexed=True),
        Field("sentence_zh", "说明", "Sentence (Chinese)", kind="long_text"),
        Field("sentence_en", "说明（英文）", "Sentence (English)", kind="long_text"),
        Field("acknowledged_by", "确认人", "Acknowledged by"),
    ),
    procedure=Procedure(
        initial="open",
        states={"open": ("报警中", "Open"), "ended": ("已解除", "Ended")},
        transitions=(
            Transition(
                "acknowledge", "确认", "Acknowledge", ("open", "ended"), "", sets={"acknowledged_by": "@actor"}
            ),
            Transition("end", "解除", "End", ("open",), "ended", by=SYSTEM_ONLY),
            Transition("resume", "再次报警", "Resume", ("ended",), "open", by=SYSTEM_ONLY),
        ),
    ),
    listed=("level", "sentence_zh", "subject", "factor", "peak_figure", "started_at", "ended_at", "case"),
)  # fmt: skip

OPEN_STATES = ("opened", "acknowledged", "dispatched", "reported", "observing", "reopened")
ACTING_STATES = ("opened", "acknowledged", "dispatched", "reported", "reopened")
"""Open and not yet under observation: the deadline runs."""

CASE = RecordType(
    id="case",
    zh="工单",
    en="Case",
    title="title",
    fields=(
        Field("title", "标题", "Title", required=True),
        Field("kind", "类别", "Kind", kind="code", codes=CASE_KINDS, required=True, indexed=True),
        Field(
            "matter", "事项", "Matter", indexed=True,
            help_zh="类别与点位组合，同一事项只开一张工单", help_en="Kind and subject: one open case each",
        ),
        Field("subject", "点位", "Site", kind="reference", to="site", indexed=True),
        Field("enterprise", "排污单位", "Enterprise", kind="reference", to="enterprise", indexed=True),
        Field("owner", "承办单位", "Owner", indexed=True, help_zh="单位或人员", help_en="Unit or person"),
        Field("place", "位置", "Place", kind="place"),
        Field("alarms", "报警", "Alarms", kind="reference", to="alarm", many=True),
        Field("causes", "原因", "Causes", kind="json", many=True),
        Field("measures", "措施", "Measures", kind="json", many=True),
        Field("opened_at", "立案时间", "Opened at", kind="datetime"),
        Field("deadline", "办结期限", "Deadline", kind="datetime"),
        Field("overdue", "已超期", "Overdue", kind="bool", indexed=True),
        Field(
            "level", "级别", "Level", kind="integer", minimum="1", maximum="4", indexed=True,
            help_zh=LEVEL_HELP_ZH, help_en=LEVEL_HELP_EN,
        ),
        Field("recovery", "恢复条件", "Recovery condition", kind="json", check=condition_problem),
        Field("progress", "恢复进度", "Recovery so far", kind="json"),
        Field("report", "办理反馈", "Report", kind="long_text"),
        Field("observe_until", "观察期至", "Observed until", kind="datetime"),
        Field("closed_at", "办结时间", "Closed at", kind="datetime"),
        Field("closed_by", "办结人", "Closed by"),
        Field("verdict_open", "立案评价", "Verdict that opened it", kind="integer"),
        Field("verdict_close", "办结评价", "Verdict that closed it", kind="integer"),
        Field("reopened", "复发次数", "Relapses", kind="integer", minimum="0"),
        Field(
            "previous", "前次工单", "Case before this", kind="reference", to="case",
            help_zh="同一事项上一张已办结的工单", help_en="The closed case on the same matter",
        ),
    ),
    procedure=Procedure(
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
    ),
    listed=("title", "kind", "level", "owner", "opened_at", "deadline", "overdue"),
)  # fmt: skip

RECORDS: tuple[RecordType, ...] = (ALARM, CASE)
