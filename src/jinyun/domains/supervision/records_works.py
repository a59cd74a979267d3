"""The works ledger 工程台账 and items of agreements: planned and real progress, money, before and after."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from jinyun.domains.supervision.effects import (
    ALSO,
    CAME_BACK,
    FACTOR,
    FIGURE,
    RECOVERY,
    RELAPSES,
    SITES,
    came_back,
    measured,
)
from jinyun.domains.supervision.fields import EVIDENCE, JURISDICTION, NOTE, OWNER, PHOTOS, PLACE, text
from jinyun.domains.supervision.works import Lag, PlanPoint, project_lag
from jinyun.kernel.errors import BadInput
from jinyun.kernel.records import Field, Procedure, RecordType, Transition

PROJECT_KINDS: Mapping[str, tuple[str, str]] = {
    "sewer": ("管网", "Sewers"),
    "sewage_works": ("污水处理厂", "Sewage works"),
    "river": ("河道治理", "River works"),
    "restoration": ("生态修复", "Restoration"),
    "mine": ("矿山修复", "Mine restoration"),
    "air": ("大气治理", "Air works"),
    "noise": ("噪声治理", "Noise works"),
    "solid_waste": ("固废设施", "Waste works"),
    "monitoring": ("监测能力", "Monitoring"),
    "other": ("其他", "Other"),
}
BLOCKS: Mapping[str, tuple[str, str]] = {
    "land": ("用地征拆", "Land and clearing"),
    "money": ("资金", "Money"),
    "approval": ("审批手续", "Approvals"),
    "design": ("方案设计", "Design"),
    "weather": ("天气水情", "Weather and water"),
    "contractor": ("施工单位", "Contractor"),
    "other": ("其他", "Other"),
}


def point_problem(value: Any) -> str:
    """A point of a curve: {date, share of 0…1} or {date, money}."""
    try:
        date.fromisoformat(str(value["date"]))
        figure = Decimal(str(value["share"] if "share" in value else value["money"]))
    except (KeyError, TypeError, ValueError, InvalidOperation):
        return "a point is {date, share} or {date, money}"
    return "" if figure >= 0 and (figure <= 1 or "share" not in value) else "a share lies in 0…1, money is not below 0"


def lag_of(data: Mapping[str, Any], day: date) -> Lag | None:
    """The lag of a project record at the end of a day; None when no investment of that year is planned.

    Money done is what the latest point of ``done`` up to that day says; points of another year do not count.
    """
    plan = data.get("plan_year")
    if plan is None:
        return None
    done = [one for one in data.get("done") or () if f"{day.year}-01-01" <= str(one["date"]) <= day.isoformat()]
    newest = max(done, key=lambda one: str(one["date"]), default={"money": 0})
    curve = [
        PlanPoint(date.fromisoformat(str(one["date"])), Decimal(str(one["share"]))) for one in data.get("plan") or ()
    ]
    try:
        return project_lag(
            day, Decimal(str(plan)), Decimal(str(newest["money"])), curve=curve,
            **{name: _day(data.get(name)) for name in ("planned_start", "started", "planned_end", "finished")},
        )  # fmt: skip
    except BadInput:
        raise
    except (KeyError, InvalidOperation) as wrong:
        raise BadInput(f"project: {wrong!r} in its curves", field="plan") from None


def _day(value: Any) -> date | None:
    return date.fromisoformat(str(value)) if value else None


PROJECT = RecordType(
    id="project",
    zh="工程项目",
    en="Project",
    jurisdiction="jurisdiction",
    owner="owner",
    write_roles=("officer", "unit_officer"),
    fields=(
        Field("name", "项目名称", "Name", required=True, indexed=True),
        Field("number", "项目编号", "Number", identifies=True),
        Field("kind", "类别", "Kind", kind="code", codes=PROJECT_KINDS, required=True, indexed=True),
        Field("owner", "责任单位", "Responsible unit", indexed=True),
        Field("contractor", "施工单位", "Contractor"),
        Field("site", "服务断面/点位", "Site it serves", kind="reference", to="site"),
        SITES,
        Field("river", "服务水体", "Water body it serves", indexed=True),
        Field("cell", "所在网格", "Cell", kind="reference", to="cell"),
        PLACE,
        JURISDICTION,
        Field("budget", "总投资", "Budget", kind="money", unit="万元", minimum="0"),
        Field("plan_year", "年度计划投资", "Planned this year", kind="money", unit="万元", minimum="0"),
        Field("plan", "计划进度", "Planned curve", kind="json", many=True, check=point_problem,
              help_zh="{date, share}，空为按天平均", help_en="{date, share}; empty: even over the days"),
        Field("done", "完成投资", "Money done", kind="json", many=True, check=point_problem,
              help_zh="{date, money 万元}，年内累计", help_en="{date, money 10k yuan}, summed over the year"),
        Field("progress", "形象进度", "Real progress", kind="json", many=True),
        Field("planned_start", "计划开工", "Planned start", kind="date"),
        Field("started", "实际开工", "Started", kind="date"),
        Field("planned_end", "计划完工", "Planned end", kind="date", indexed=True),
        Field("finished", "实际完工", "Finished", kind="date"),
        Field("block", "堵点", "What blocks it", kind="code", codes=BLOCKS, indexed=True),
        Field("block_text", "堵点说明", "How it is blocked", kind="long_text"),
        Field("amounts", "工程量", "Amounts", kind="json", many=True,
              help_zh="{name, planned, done, unit}，如管网 km", help_en="{name, planned, done, unit}, e.g. km of pipe"),
        Field("before", "实施前照片", "Pictures before", kind="file", many=True),
        Field("after", "实施后照片", "Pictures after", kind="file", many=True),
        Field("rectification", "整改任务", "Rectification item", kind="reference", to="rectification"),
        FACTOR,
        FIGURE,
        RECOVERY,
        ALSO,
        Field("accepted_on", "验收时间", "Accepted", kind="datetime"),
        *RELAPSES,
    ),
    procedure=Procedure(
        initial="planned",
        states={
            "planned": ("未开工", "Planned"),
            "under_way": ("在建", "Under way"),
            "stuck": ("停滞", "Stuck"),
            "finished": ("完工", "Finished"),
            "accepted": ("已验收", "Accepted"),
            "relapsed": ("成效反弹", "Came back"),
            "dropped": ("已取消", "Dropped"),
        },
        transitions=(
            Transition(
                "start", "开工", "Start", ("planned",), "under_way", by=("officer", "unit_officer"), needs=("started",),
                fields=(Field("started", "开工日期", "Started", kind="date"), PHOTOS), sets={"started": "started"},
            ),
            Transition(
                "tell", "报进度", "Report progress", ("under_way", "stuck"), "", by=("officer", "unit_officer"),
                needs=("text",), fields=(text("text", "形象进度", "Progress"), PHOTOS), appends={"progress": "text"},
            ),
            Transition(
                "block", "报告停滞", "Stuck", ("planned", "under_way"), "stuck", by=("officer", "unit_officer"),
                needs=("block", "text"),
                fields=(Field("block", "堵点", "What blocks it", kind="code", codes=BLOCKS),
                        text("text", "说明", "How")),
                sets={"block": "block", "block_text": "text"}, emits="project_stuck",
            ),
            Transition(
                "unblock", "恢复", "Go on", ("stuck",), "under_way", by=("officer", "unit_officer"), fields=(NOTE,)
            ),
            Transition(
                "finish", "完工", "Finish", ("under_way",), "finished", by=("officer", "unit_officer"),
                needs=("finished",),
                fields=(Field("finished", "完工日期", "Finished", kind="date"),
                        Field("after", "实施后照片", "Pictures after", kind="file", many=True)),
                sets={"finished": "finished", "after": "after"},
            ),
            Transition(
                "accept", "验收", "Accept", ("finished", "relapsed"), "accepted", only="second", second_of="finish",
                needs=("note",), fields=(NOTE, EVIDENCE), guards=(measured,), sets={"accepted_on": "@now"},
            ),
            Transition(
                "relapse", "成效反弹", "It came back", ("accepted",), "relapsed", by=("system", "officer"),
                fields=(CAME_BACK,), sets={"relapsed_at": "@now", "relapse_verdict": "verdict"}, guards=(came_back,),
                emits="project_relapsed",
            ),
            Transition(
                "rework", "返工", "Work on it again", ("finished", "relapsed"), "under_way", needs=("note",),
                fields=(NOTE,), emits="project_rework",
            ),
            Transition("drop", "取消", "Drop", ("planned", "stuck"), "dropped", needs=("note",), fields=(NOTE,)),
        ),
    ),
    listed=("name", "kind", "owner", "budget", "plan_year", "planned_end", "block"),
)  # fmt: skip

AGREEMENT_ITEM = RecordType(
    id="agreement_item",
    zh="协议事项",
    en="Agreement item",
    jurisdiction="jurisdiction",
    owner="owner",
    write_roles=("officer",),
    fields=(
        Field("name", "事项", "Item", required=True, indexed=True),
        Field("agreement", "协议", "Agreement", required=True, indexed=True),
        Field("parties", "签约各方", "Parties", many=True, indexed=True),
        Field("signed_on", "签订日期", "Signed", kind="date"),
        Field("obligation", "约定内容", "What was agreed", kind="long_text", required=True),
        Field("every", "频次", "How often", kind="code", codes={
            "once": ("一次", "Once"), "month": ("每月", "Monthly"), "quarter": ("每季", "Quarterly"),
            "year": ("每年", "Yearly"), "event": ("发生时", "On an event"),
        }),
        Field("due", "应完成日期", "Due", kind="date", indexed=True),
        OWNER,
        Field("host", "牵头方", "Host side"),
        Field("site", "相关断面", "Section", kind="reference", to="site"),
        JURISDICTION,
        Field("done", "履行记录", "What was done", kind="json", many=True),
        EVIDENCE,
    ),
    procedure=Procedure(
        initial="running",
        states={
            "running": ("履行中", "Running"),
            "fulfilled": ("已履行", "Fulfilled"),
            "ended": ("已终止", "Ended"),
        },
        transitions=(
            Transition(
                "tell", "登记履行", "Report what was done", ("running",), "",
                by=("officer", "unit_officer", "neighbour"),
                needs=("text",), fields=(text("text", "履行情况", "What was done"), EVIDENCE), appends={"done": "text"},
            ),
            Transition("fulfil", "履行完毕", "Fulfilled", ("running",), "fulfilled", needs=("note",), fields=(NOTE,)),
            Transition("end", "终止", "End", ("running",), "ended", needs=("note",), fields=(NOTE,)),
            Transition("again", "下一期", "Next term", ("fulfilled",), "running", needs=("due",),
                       fields=(Field("due", "应完成日期", "Due", kind="date"),), sets={"due": "due"}),
        ),
    ),
    listed=("name", "agreement", "parties", "every", "due", "owner"),
)  # fmt: skip

RECORDS = (PROJECT, AGREEMENT_ITEM)
