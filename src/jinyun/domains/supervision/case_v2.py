"""Procedure of cases, version 2: the whole closed loop of a bureau. Version 1 stays beside it for running cases.

Opened → acknowledged → dispatched → accepted or returned → acting → reported → verified → under observation → closed;
a relapse, a follow-up or an officer reopens. What has a figure closes by the recovered figure and nothing else; what
has none closes by evidence that a second person verified.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jinyun.domains.supervision.case_kinds import CASE_KINDS
from jinyun.domains.supervision.fields import NOTE, REASON, SATISFACTION, text
from jinyun.domains.supervision.guards import closable, recovered, tasks_done, through_desk
from jinyun.domains.supervision.rules import rule
from jinyun.kernel.records import ClockRule, Escalation, Extension, Field, Procedure, Transition
from jinyun.kernel.tables import toml_table

SYSTEM_ONLY = ("system",)
PEOPLE = ("officer", "unit_officer", "inspector")

STATES: Mapping[str, tuple[str, str]] = {
    "opened": ("待确认", "Opened"),
    "acknowledged": ("已确认", "Acknowledged"),
    "dispatched": ("已派单", "Dispatched"),
    "accepted": ("已接单", "Accepted"),
    "returned": ("已退回", "Returned"),
    "acting": ("处置中", "Being dealt with"),
    "suspended": ("已中止", "Suspended"),
    "reported": ("已反馈", "Reported"),
    "verified": ("已核实", "Verified"),
    "observing": ("观察期", "Under observation"),
    "closed": ("已办结", "Closed"),
    "reopened": ("复发重开", "Reopened"),
    "merged": ("已并案", "Merged"),
}
ENDED = ("closed", "merged")
OPEN_STATES = tuple(one for one in STATES if one not in ENDED)
ACTING_STATES = tuple(one for one in OPEN_STATES if one != "observing")
"""Open and not yet under observation."""

BEFORE_DISPATCH = ("opened", "acknowledged", "dispatched", "accepted", "returned", "acting", "reported", "reopened")
AT_WORK = ("acknowledged", "dispatched", "accepted", "acting", "reported", "reopened")

CONTESTS: Mapping[str, tuple[str, str]] = {
    "open": ("待答复", "Waits for a reply"),
    "upheld": ("申辩成立", "Upheld"),
    "partly": ("部分成立", "Partly upheld"),
    "rejected": ("申辩不成立", "Rejected"),
}
FOLLOWED: Mapping[str, tuple[str, str]] = {"holds": ("未反弹", "It holds"), "fails": ("已反弹", "It came back")}
RECEIVERS: Mapping[str, tuple[str, str]] = {
    "police": ("公安机关", "Police"),
    "prosecutor": ("检察机关", "Prosecutor"),
    "court": ("人民法院", "Court"),
}
FILES = Field("files", "附件", "Files", kind="file", many=True)
SIGNED = "@actor"
ROUND = {
    "reopened_at": "@now", "evidence_before": "@length:evidence", "verified_by": "@none", "verified_at": "@none",
    "deadline": "@none", "overdue": "@none", "observe_until": "@none",
}  # fmt: skip
"""What a reopening sets: evidence and a second person of the round before do not close the next one, and its time limit
is not that of the next one either."""
BY_HAND = {**ROUND, "counted_from": "@now", "progress": "@none"}
"""What somebody's reopening sets: he says that the figures so far show no recovery. A relapse needs no such line, the
bad figure itself breaks the run, and late data may still tell of the time before."""

ESCALATIONS = (
    Escalation("near", "即将到期", "Nearly due", "80%", "unit_officer"),
    Escalation("long_over", "超期一天", "A day over", "+24h", "leader"),
)


def _clocks() -> tuple[ClockRule, ...]:
    """Natural hours by kind and level, from ``deadlines.toml``; kinds without a row of their own take the default."""
    table = toml_table("jinyun.domains.supervision", "deadlines.toml")
    own = [kind for kind in CASE_KINDS if kind in table]
    groups: dict[str, Sequence[str]] = {kind: (kind,) for kind in own}
    groups["default"] = tuple(kind for kind in CASE_KINDS if kind not in own)
    return tuple(
        ClockRule(
            "handle" if name == "default" else f"handle_{name}", "办理时限", "Time to deal with it", "hour",
            starts=("opened", "reopened"), pauses=("suspended",), stops=("observing", "closed", "merged"),
            by_level={level: int(hours) for level, hours in table[name].items()}, escalate=ESCALATIONS,
            extends=(Extension("extend", given="hours", most=int(rule("extension_times", "case"))),),
            where={"kind": tuple(kinds)},
        )
        for name, kinds in groups.items()
    )  # fmt: skip


VERSION_2 = Procedure(
    version=2,
    initial="opened",
    states=STATES,
    transitions=(
        Transition("acknowledge", "确认", "Acknowledge", ("opened", "reopened"), "acknowledged"),
        Transition(
            "dispatch", "派单", "Dispatch", BEFORE_DISPATCH, "dispatched", needs=("owner",),
            fields=(
                Field("owner", "承办单位", "Owner", help_zh="单位或人员", help_en="Unit or person"),
                Field("person", "承办人", "Person", kind="person"),
                Field("note", "要求", "Instructions", kind="long_text"),
            ),
            sets={"owner": "owner", "person": "person"}, emits="case_dispatched",
        ),
        Transition("accept", "接单", "Accept", ("dispatched",), "accepted", by=PEOPLE),
        Transition(
            "return_back", "退回", "Return", ("dispatched", "accepted"), "returned", by=PEOPLE, needs=("reason",),
            fields=(REASON,), emits="case_returned",
        ),
        Transition("begin", "开始处置", "Begin", ("accepted", "dispatched"), "acting", by=PEOPLE),
        Transition(
            "add_cause", "登记原因", "Add a cause", OPEN_STATES, "", by=PEOPLE,
            needs=("text",), fields=(text("text", "原因", "Cause"), FILES), appends={"causes": "text"},
        ),
        Transition(
            "add_measure", "登记措施", "Add a measure", OPEN_STATES, "", by=PEOPLE,
            needs=("text",), fields=(text("text", "措施", "Measure"), FILES), appends={"measures": "text"},
        ),
        Transition(
            "attach", "补充佐证", "Add evidence", OPEN_STATES, "", by=(*PEOPLE, "enterprise"), needs=("files",),
            fields=(FILES, NOTE), appends={"evidence": "files"},
        ),
        Transition(
            "report", "反馈", "Report", AT_WORK, "reported", by=PEOPLE,
            needs=("text",), fields=(text("text", "办理情况", "What was done"), FILES),
            sets={"report": "text", "reported_by": SIGNED}, appends={"evidence": "files"}, guards=(tasks_done,),
            emits="case_reported",
        ),
        Transition(
            "supplement", "补充反馈", "Add to the report", ("verified", "observing"), "", by=PEOPLE,
            needs=("text",), fields=(text("text", "办理情况", "What was done"), FILES),
            sets={"report": "text"}, appends={"evidence": "files"},
        ),
        Transition(
            "verify", "核实", "Verify", ("reported",), "verified", by=("officer", "inspector"), only="second",
            second_of="report", needs=("text",), fields=(text("text", "核实情况", "What was found"), FILES),
            sets={"verified_by": SIGNED, "verified_at": "@now"}, appends={"evidence": "files"},
        ),
        Transition(
            "send_back", "退回重办", "Send back", ("reported", "verified"), "dispatched", needs=("reason",),
            fields=(REASON,), emits="case_sent_back",
        ),
        Transition(
            "suspend", "中止计时", "Suspend", AT_WORK, "suspended", by=("officer", "leader"), needs=("reason",),
            fields=(REASON,),
        ),
        Transition(
            "extend", "批准延期", "Extend", (*AT_WORK, "suspended"), "", by=("leader", "admin"),
            needs=("hours", "reason"),
            fields=(Field("hours", "延长小时", "Hours more", kind="integer", minimum="1",
                          maximum=str(rule("extension_most", "case"))), REASON),
            emits="case_extended",
        ),
        Transition("resume", "恢复计时", "Resume", ("suspended",), "acting", by=("officer", "leader")),
        Transition(
            "consult", "会商", "Consult", OPEN_STATES, "", by=("officer", "leader", "unit_officer"), needs=("text",),
            fields=(Field("with_units", "参与单位", "With", many=True), text("text", "会商事项", "About what"), FILES),
            appends={"consultations": "text"}, emits="case_consulted",
        ),
        Transition(
            "advise", "会商意见", "Advise", OPEN_STATES, "", by=("officer", "leader", "unit_officer", "neighbour"),
            needs=("text",), fields=(text("text", "意见", "Opinion"), FILES), appends={"consultations": "text"},
        ),
        Transition(
            "contest_it", "申辩", "Contest", OPEN_STATES, "", by=("enterprise", "officer"), needs=("text",),
            fields=(text("text", "申辩意见", "What is contested"),
                    Field("contest", "状态", "State", kind="code", codes={"open": CONTESTS["open"]}, required=True),
                    Field("verdict", "申辩的评价", "Verdict contested", kind="integer"), FILES),
            sets={"contest": "contest", "contest_text": "text", "contest_verdict": "verdict"},
            appends={"evidence": "files"}, guards=(through_desk,), emits="case_contested",
        ),
        Transition(
            "answer_contest", "答复申辩", "Answer the contest", OPEN_STATES, "", needs=("text", "outcome"),
            fields=(text("text", "答复", "Reply"),
                    Field("outcome", "结论", "Outcome", kind="code",
                          codes={one: words for one, words in CONTESTS.items() if one != "open"}),
                    Field("verdict", "复核后的评价", "Verdict after the review", kind="integer"), FILES),
            sets={"contest": "outcome", "contest_reply": "text", "contest_verdict_after": "verdict"},
            guards=(through_desk,), emits="case_contest_answered",
        ),
        Transition(
            "cite", "引用评价", "Cite verdicts", OPEN_STATES, "", by=("officer", "inspector", "system"),
            fields=(Field("verdicts", "评价", "Verdicts", kind="integer", many=True), NOTE), guards=(through_desk,),
        ),
        Transition(
            "take_in", "并入他案", "Take in another case", OPEN_STATES, "", guards=(through_desk,),
            fields=(Field("from", "来自", "From"), NOTE),
        ),
        Transition(
            "merge", "并案", "Merge into", ACTING_STATES, "merged", needs=("into",), guards=(through_desk,),
            fields=(Field("into", "并入", "Into"), NOTE), sets={"merged_into": "into"}, emits="case_merged",
        ),
        Transition(
            "split_off", "分案", "Split off", OPEN_STATES, "", guards=(through_desk,),
            fields=(Field("to", "分出", "To"), NOTE),
        ),
        Transition(
            "escalate", "提级", "Escalate", ACTING_STATES, "", by=SYSTEM_ONLY,
            fields=(Field("name", "事由", "Name"), Field("to", "报送", "Told to")), appends={"escalated": "name"},
            emits="case_escalated",
        ),
        Transition(
            "recover", "恢复达标", "Recovered", ACTING_STATES, "observing", by=SYSTEM_ONLY, guards=(recovered,),
            emits="case_recovered",
        ),
        Transition(
            "close", "办结", "Close", OPEN_STATES, "closed", by=("officer", "system"), guards=(closable, tasks_done),
            fields=(text("note", "办结意见", "Closing note"),),
            sets={"closed_at": "@now", "closed_by": SIGNED}, emits="case_closed",
        ),
        Transition(
            "reopen", "复发重开", "Reopen", ("observing", "closed"), "reopened", by=SYSTEM_ONLY,
            sets=ROUND, emits="case_reopened",
        ),
        Transition(
            "reopen_by_hand", "重开", "Reopen by hand", ("observing", "closed"), "reopened",
            by=("officer", "leader"), needs=("reason",), fields=(REASON,), sets=BY_HAND,
            emits="case_reopened",
        ),
        Transition(
            "follow_up", "回头看", "Follow up", ("closed", "observing"), "", by=("officer", "inspector"),
            needs=("text", "result"),
            fields=(text("text", "回头看情况", "What was found"),
                    Field("result", "结论", "Result", kind="code", codes=FOLLOWED), FILES),
            appends={"followups": "text"}, emits="case_followed_up",
        ),
        Transition(
            "rate", "满意度评价", "Rate", ("observing", "closed"), "", by=("officer", "unit_officer", "system"),
            needs=("satisfaction",),
            fields=(Field("satisfaction", "满意度", "Satisfaction", kind="code", codes=SATISFACTION), NOTE),
            sets={"satisfaction": "satisfaction"},
        ),
        Transition(
            "hand_over", "移送", "Hand over", (*OPEN_STATES, "closed"), "", guards=(through_desk,),
            needs=("to", "digest"),
            fields=(Field("to", "移送机关", "To", kind="code", codes=RECEIVERS),
                    Field("digest", "材料包摘要", "SHA-256 of the file"), NOTE),
            appends={"handed_over": "digest"}, emits="case_handed_over",
        ),
    ),
    clocks=_clocks(),
)  # fmt: skip
