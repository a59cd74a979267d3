"""Complaints (12345, 12369 and others) and findings of inspections, with their procedures and time limits."""

from __future__ import annotations

from collections.abc import Mapping

from jinyun.domains.supervision.fields import (
    EVIDENCE,
    JURISDICTION,
    MATTER_KINDS,
    NOTE,
    OWNER,
    PHOTOS,
    PLACE,
    REASON,
    SATISFACTION,
    text,
)
from jinyun.domains.supervision.rules import rule
from jinyun.kernel.records import ClockRule, Escalation, Extension, Field, Procedure, RecordType, Transition

CHANNELS: Mapping[str, tuple[str, str]] = {
    "12345": ("12345 热线", "12345 line"),
    "12369": ("12369 热线", "12369 line"),
    "wechat": ("12369 微信", "12369 on WeChat"),
    "web": ("12369 网上举报", "12369 on the web"),
    "letter": ("来信", "Letter"),
    "visit": ("来访", "Visit"),
    "inspection": ("督察转办", "Handed over by an inspection"),
}
OWN_CHANNELS = tuple(one for one in CHANNELS if one not in ("12345", "inspection"))
"""Channels that the hotline rules of 12369 are for."""

ASKS: Mapping[str, tuple[str, str]] = {
    "question": ("咨询", "Question"),
    "help": ("求助、意见建议", "Help, opinion, suggestion"),
    "complaint": ("投诉、举报", "Complaint, report"),
}
NOT_TAKEN_UP: Mapping[str, tuple[str, str]] = {
    "repeated": ("同一事项重复举报", "Same matter a second time"),
    "court": ("已进入诉讼程序", "In court"),
    "review": ("已进入行政复议", "In administrative review"),
    "not_ours": ("不属于生态环境部门职责", "Not of this authority"),
    "no_facts": ("无具体事实或对象", "No facts or no object"),
}
URGENT: Mapping[str, tuple[str, str]] = {
    "event": ("突发环境事件", "Environmental event"),
    "drinking_water": ("饮用水源", "Drinking water"),
    "crowd": ("群体性事件", "Crowd"),
}
TIME: Mapping[str, tuple[str, str]] = {"normal": ("正常", "Normal"), "extended": ("已批准延期", "Extended")}
OPEN = ("registered", "taken_up", "dispatched", "returned")
WARNED = (Escalation("near", "即将到期", "Nearly due", "80%", "officer"),
          Escalation("over", "已超期", "Over", "+0h", "leader"))  # fmt: skip


LONGER = Extension("extend_workdays", given="workdays", most=int(rule("extension_times", "complaint_12345")))
"""The hotline's rules let complex tickets be extended and do not say by how much: the leader says it, within bounds."""


def _hotline(name: str, ask: str, rule: str) -> ClockRule:
    zh, en = ASKS[ask]
    return ClockRule(
        name, f"12345 办结（{zh}）", f"12345: finish ({en.lower()})", "workday", rule=rule, starts=("registered",),
        stops=("answered", "not_taken_up", "closed"), where={"channel": ("12345",), "ask": (ask,)}, escalate=WARNED,
        extends=(LONGER,),
    )  # fmt: skip


COMPLAINT = RecordType(
    id="complaint",
    zh="投诉举报",
    en="Complaint",
    title="title",
    jurisdiction="jurisdiction",
    owner="owner",
    write_roles=("officer", "inspector", "unit_officer"),
    fields=(
        Field("title", "标题", "Title", required=True, indexed=True),
        Field("number", "工单编号", "Ticket number", identifies=True),
        Field("channel", "渠道", "Channel", kind="code", codes=CHANNELS, required=True, indexed=True),
        Field("ask", "诉求类别", "What is asked", kind="code", codes=ASKS, required=True, indexed=True),
        Field("kind", "污染类别", "Class", kind="code", codes=MATTER_KINDS, required=True, indexed=True),
        Field("urgent", "紧急事项", "Urgent", kind="code", codes=URGENT, indexed=True),
        Field("content", "反映内容", "Content", kind="long_text", required=True),
        Field("address", "问题地点", "Where it is", indexed=True),
        PLACE,
        JURISDICTION,
        Field("received_at", "接收时间", "Received", kind="datetime", indexed=True),
        Field("complainant", "反映人", "Complainant", personal=True),
        Field("phone", "联系电话", "Phone", pattern=r"[\d+() -]{5,24}", personal=True),
        Field("home", "反映人住址", "Complainant's address", personal=True),
        Field("enterprise", "被反映单位", "Enterprise", kind="reference", to="enterprise", indexed=True),
        Field("site", "相关点位", "Site", kind="reference", to="site", indexed=True),
        OWNER,
        Field("case", "工单", "Case", kind="reference", to="case"),
        Field("batch", "督察批次", "Batch of the inspection", indexed=True,
              help_zh="督察转办时填写", help_en="When an inspection handed it over"),
        Field("same_as", "重复于", "Same matter as", kind="reference", to="complaint"),
        Field("level", "时限", "Time limit", kind="code", codes=TIME),
        Field("not_taken_up", "不予受理原因", "Why not taken up", kind="code", codes=NOT_TAKEN_UP),
        Field("answer", "答复", "Answer", kind="long_text"),
        Field("answered_by", "答复人", "Answered by"),
        Field("satisfaction", "满意度", "Satisfaction", kind="code", codes=SATISFACTION, indexed=True),
        PHOTOS,
    ),
    procedure=Procedure(
        initial="registered",
        states={
            "registered": ("已登记", "Registered"),
            "taken_up": ("已受理", "Taken up"),
            "not_taken_up": ("不予受理", "Not taken up"),
            "dispatched": ("已转办", "Dispatched"),
            "returned": ("已退回", "Returned"),
            "answered": ("已答复", "Answered"),
            "closed": ("已办结", "Closed"),
        },
        transitions=(
            Transition("take_up", "受理", "Take up", ("registered",), "taken_up"),
            Transition(
                "refuse", "不予受理", "Do not take up", ("registered",), "not_taken_up", needs=("why", "reason"),
                fields=(Field("why", "原因", "Why", kind="code", codes=NOT_TAKEN_UP), REASON),
                sets={"not_taken_up": "why"}, emits="complaint_not_taken_up",
            ),
            Transition(
                "dispatch", "转办", "Dispatch", ("taken_up", "returned", "dispatched"), "dispatched", needs=("owner",),
                fields=(OWNER, NOTE), sets={"owner": "owner"}, emits="complaint_dispatched",
            ),
            Transition(
                "return_back", "退回", "Return", ("dispatched",), "returned", by=("officer", "unit_officer"),
                needs=("reason",), fields=(REASON,), emits="complaint_returned",
            ),
            Transition(
                "extend", "批准延期", "Extend", ("taken_up", "dispatched", "returned"), "", by=("leader", "admin"),
                needs=("reason",),
                fields=(Field("level", "时限", "Time", kind="code", codes={"extended": TIME["extended"]}), REASON),
                sets={"level": "level"}, emits="complaint_extended",
            ),
            Transition(
                "extend_workdays", "批准延期（12345）", "Extend (12345)", ("taken_up", "dispatched", "returned"), "",
                by=("leader", "admin"), needs=("workdays", "reason"),
                fields=(Field("workdays", "延长工作日", "Workdays more", kind="integer", minimum="1",
                              maximum=str(rule("extension_most", "complaint_12345"))), REASON),
                emits="complaint_extended",
            ),
            Transition(
                "answer", "答复", "Answer", ("taken_up", "dispatched"), "answered", by=("officer", "unit_officer"),
                needs=("text",), fields=(text("text", "答复内容", "Answer"), EVIDENCE),
                sets={"answer": "text", "answered_by": "@actor"},
            ),
            Transition(
                "close", "办结", "Close", ("answered",), "closed", only="second", second_of="answer",
                fields=(Field("satisfaction", "满意度", "Satisfaction", kind="code", codes=SATISFACTION), NOTE),
                sets={"satisfaction": "satisfaction"},
            ),
            Transition(
                "reopen", "重新办理", "Reopen", ("answered", "closed"), "taken_up", needs=("reason",),
                fields=(REASON,), emits="complaint_reopened",
            ),
        ),
        clocks=(
            _hotline("finish_question", "question", "case.12345.sc.consult"),
            _hotline("finish_help", "help", "case.12345.sc.help"),
            _hotline("finish_complaint", "complaint", "case.12345.sc.complain"),
            ClockRule(
                "tell", "告知是否受理", "Say whether it is taken up", "day", rule="case.12369.tell",
                starts=("registered",), stops=("taken_up", "not_taken_up"), where={"channel": OWN_CHANNELS},
                escalate=WARNED,
            ),
            ClockRule(
                "finish", "办结", "Finish", "day", rule="case.12369.finish", starts=("taken_up",),
                stops=("answered", "closed"), where={"channel": OWN_CHANNELS}, escalate=WARNED,
                extends=(Extension("extend", rule="case.12369.extend"),),
            ),
        ),
    ),
    listed=("title", "channel", "ask", "kind", "urgent", "address", "owner", "received_at"),
)  # fmt: skip

INSPECTIONS: Mapping[str, tuple[str, str]] = {
    "regular": ("例行督察", "Regular"),
    "special": ("专项督察", "Special"),
    "resident": ("派驻督察", "Resident"),
    "daily": ("日常督察", "Daily"),
    "double_random": ("双随机检查", "Random check"),
    "joint": ("川渝联合检查", "Joint check of both sides"),
}
"""The four kinds of city inspection (business_rules.md 3.2), and checks of enterprises."""

INSPECTION_FINDING = RecordType(
    id="inspection_finding",
    zh="检查发现问题",
    en="Inspection finding",
    title="title",
    jurisdiction="jurisdiction",
    owner="owner",
    write_roles=("officer", "inspector"),
    fields=(
        Field("title", "问题", "Problem", required=True, indexed=True),
        Field("inspection", "检查类别", "Kind of inspection", kind="code", codes=INSPECTIONS, required=True,
              indexed=True),
        Field("kind", "污染类别", "Class", kind="code", codes=MATTER_KINDS, indexed=True),
        Field("found_on", "发现日期", "Found on", kind="date", required=True, indexed=True),
        Field("inspectors", "检查人员", "Inspectors", kind="person", many=True),
        Field("enterprise", "被检查单位", "Enterprise", kind="reference", to="enterprise", indexed=True),
        Field("facility", "设施", "Facility", kind="reference", to="facility"),
        Field("site", "点位", "Site", kind="reference", to="site", indexed=True),
        PLACE,
        JURISDICTION,
        Field("description", "情况", "What was found", kind="long_text", required=True),
        Field("requirement", "整改要求", "What is required", kind="long_text"),
        Field("correct_by", "整改期限", "To be corrected by", kind="date", indexed=True),
        OWNER,
        PHOTOS,
        EVIDENCE,
        Field("case", "工单", "Case", kind="reference", to="case"),
        Field("rectification", "整改任务", "Rectification item", kind="reference", to="rectification"),
        Field("talk", "约谈日期", "Talk held on", kind="date",
              help_zh="约谈后由日常督察回头看", help_en="Followed up by daily inspection"),
        Field("correction", "整改情况", "What was corrected", kind="long_text"),
    ),
    procedure=Procedure(
        initial="found",
        states={
            "found": ("已发现", "Found"),
            "ordered": ("已责令整改", "Ordered to correct"),
            "corrected": ("已整改", "Corrected"),
            "closed": ("已核实销号", "Verified and closed"),
            "rejected": ("不成立", "Not borne out"),
        },
        transitions=(
            Transition(
                "order", "责令整改", "Order to correct", ("found",), "ordered", by=("officer", "inspector"),
                needs=("requirement", "correct_by"),
                fields=(text("requirement", "整改要求", "What is required"),
                        Field("correct_by", "整改期限", "To be corrected by", kind="date"), OWNER),
                sets={"requirement": "requirement", "correct_by": "correct_by", "owner": "owner"},
                emits="finding_ordered",
            ),
            Transition(
                "correct", "报告整改", "Report the correction", ("ordered",), "corrected",
                by=("officer", "unit_officer", "enterprise"), needs=("text",),
                fields=(text("text", "整改情况", "What was corrected"), EVIDENCE), sets={"correction": "text"},
            ),
            Transition(
                "send_back", "退回整改", "Send back", ("corrected",), "ordered", by=("officer", "inspector"),
                needs=("reason",), fields=(REASON,), emits="finding_sent_back",
            ),
            Transition(
                "verify", "核实销号", "Verify and close", ("corrected",), "closed", by=("officer", "inspector"),
                only="second", second_of="correct", fields=(NOTE, PHOTOS),
            ),
            Transition(
                "reject", "不成立", "Not borne out", ("found", "ordered"), "rejected", needs=("reason",),
                fields=(REASON,),
            ),
            Transition(
                "reopen", "回头看重开", "Reopen", ("closed",), "ordered", needs=("reason",), fields=(REASON,),
                emits="finding_reopened",
            ),
        ),
    ),
    listed=("title", "inspection", "kind", "enterprise", "found_on", "correct_by", "owner"),
)  # fmt: skip

RECORDS = (COMPLAINT, INSPECTION_FINDING)
