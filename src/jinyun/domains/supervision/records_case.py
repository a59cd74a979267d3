"""Record type `case` (工单). Ids and field names bind all rooms; its procedures are in `case_v1` and `case_v2`."""

from __future__ import annotations

from jinyun.domains.supervision.case_kinds import CASE_KINDS
from jinyun.domains.supervision.case_v1 import VERSION_1
from jinyun.domains.supervision.case_v2 import CONTESTS, VERSION_2
from jinyun.domains.supervision.fields import DIVISION, LEVEL_HELP_EN, LEVEL_HELP_ZH, SATISFACTION
from jinyun.domains.supervision.recovery import condition_problem
from jinyun.kernel.records import Field, RecordType

CASE = RecordType(
    id="case",
    zh="工单",
    en="Case",
    title="title",
    jurisdiction="subject.jurisdiction",
    owner="owner",
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
        Field("jurisdiction", "辖区", "Jurisdiction", pattern=DIVISION, indexed=True),
        Field("person", "承办人", "Person", kind="person", indexed=True),
        Field("reported_by", "反馈人", "Reported by"),
        Field("verified_by", "核实人", "Verified by"),
        Field("verified_at", "核实时间", "Verified at", kind="datetime"),
        Field("reopened_at", "重开时间", "Reopened at", kind="datetime"),
        Field("counted_from", "恢复起算时间", "Recovery counted from", kind="datetime"),
        Field("evidence_before", "重开前材料数", "Pieces of evidence before reopening", kind="integer", minimum="0"),
        Field("also", "另须满足的恢复条件", "Further recovery conditions", kind="json", many=True,
              check=condition_problem),
        Field("verdicts", "引用评价", "Verdicts cited", kind="integer", many=True),
        Field("evidence", "佐证材料", "Evidence", kind="json", many=True),
        Field("complaints", "相关投诉", "Complaints", kind="reference", to="complaint", many=True),
        Field("findings", "检查发现", "Inspection findings", kind="reference", to="inspection_finding", many=True),
        Field("merged_into", "并入", "Merged into", kind="reference", to="case"),
        Field("merged_from", "并入的工单", "Cases merged into it", kind="reference", to="case", many=True),
        Field("split_from", "分自", "Split from", kind="reference", to="case"),
        Field("contest", "申辩", "Contest", kind="code", codes=CONTESTS, indexed=True),
        Field("contest_text", "申辩意见", "What is contested", kind="long_text"),
        Field("contest_verdict", "申辩的评价", "Verdict contested", kind="integer"),
        Field("contest_reply", "申辩答复", "Reply to the contest", kind="long_text"),
        Field("contest_verdict_after", "复核后的评价", "Verdict after the review", kind="integer"),
        Field("consultations", "会商", "Consultations", kind="json", many=True),
        Field("followups", "回头看", "Follow-ups", kind="json", many=True),
        Field("escalated", "已提级", "Escalated", kind="json", many=True),
        Field("handed_over", "移送", "Handed over", kind="json", many=True),
        Field("satisfaction", "满意度", "Satisfaction", kind="code", codes=SATISFACTION, indexed=True),
    ),
    procedure=VERSION_2,
    procedures=(VERSION_1,),
    listed=("title", "kind", "level", "owner", "opened_at", "deadline", "overdue"),
)  # fmt: skip
