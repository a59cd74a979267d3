"""Contaminated plots, noise quiet quarters, relocation households: registers of places and of people who live there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jinyun.domains.supervision.fields import EVIDENCE, JURISDICTION, NOTE, OWNER, PLACE, REASON, text
from jinyun.kernel.records import Field, Missing, Procedure, RecordType, Transition

LANDS: Mapping[str, tuple[str, str]] = {
    "first": ("第一类用地", "First class of land"),
    "second": ("第二类用地", "Second class of land"),
}


def _needs_file(name: str, zh: str, en: str) -> Any:
    def guard(data: Mapping[str, Any], _: Mapping[str, Any]) -> Sequence[Missing]:
        return () if data.get(name) else (Missing(f"file:{name}", f"缺少{zh}", f"the {en} is missing"),)

    return guard


REPORT = Field("report", "报告", "Report", kind="file")
EXCEEDS: Mapping[str, tuple[str, str]] = {"no": ("未超过", "Does not exceed"), "yes": ("超过", "Exceeds")}


def below_screening(data: Mapping[str, Any], _: Mapping[str, Any]) -> Sequence[Missing]:
    """The survey said that no screening value is exceeded (GB 36600-2018)."""
    if data.get("exceeds") == "no":
        return ()
    return (Missing("exceeds", "调查结果不是“未超过筛选值”", "the survey did not say that nothing exceeds"),)


def above_screening(data: Mapping[str, Any], _: Mapping[str, Any]) -> Sequence[Missing]:
    if data.get("exceeds") == "yes":
        return ()
    return (Missing("exceeds", "调查结果不是“超过筛选值”", "the survey did not say that a value exceeds"),)


PLOT = RecordType(
    id="plot",
    zh="污染地块",
    en="Contaminated plot",
    jurisdiction="jurisdiction",
    owner="owner",
    write_roles=("officer",),
    fields=(
        Field("name", "地块名称", "Name", required=True, indexed=True),
        Field("number", "地块编码", "Plot number", identifies=True),
        Field("former_use", "原用途", "Former use"),
        Field("industry", "行业代码", "Industry code", pattern=r"[A-T]?\d{2,4}"),
        Field("enterprise", "原使用单位", "Former user", kind="reference", to="enterprise"),
        Field("planned_land", "规划用地类别", "Planned land", kind="code", codes=LANDS, indexed=True),
        Field("area", "面积", "Area", kind="number", unit="m2", minimum="0"),
        PLACE,
        Field("ring", "边界", "Border", kind="json", many=True),
        JURISDICTION,
        OWNER,
        Field("exceeds", "超筛选值", "Exceeds a screening value", kind="code", codes=EXCEEDS, indexed=True),
        Field("items", "超标项目", "Items that exceed", many=True),
        Field("survey_report", "调查报告", "Survey report", kind="file"),
        Field("risk_report", "风险评估报告", "Risk report", kind="file"),
        Field("effect_report", "效果评估报告", "Report on the effect", kind="file"),
        Field("listed_on", "列入名录日期", "Listed on", kind="datetime"),
        Field("removed_on", "移出名录日期", "Removed on", kind="datetime"),
        EVIDENCE,
    ),
    procedure=Procedure(
        initial="suspected",
        states={
            "suspected": ("疑似污染地块", "Suspected"),
            "surveyed": ("已调查", "Surveyed"),
            "no_risk": ("无需管控", "Nothing to control"),
            "listed": ("列入管控修复名录", "On the list of control and remediation"),
            "assessed": ("已风险评估", "Risk assessed"),
            "controlled": ("风险管控中", "Under risk control"),
            "remediating": ("修复中", "Under remediation"),
            "evaluated": ("效果评估完成", "Effect evaluated"),
            "removed": ("已移出名录", "Off the list"),
        },
        transitions=(
            Transition(
                "survey", "完成调查", "Surveyed", ("suspected",), "surveyed", needs=("exceeds", "report"),
                fields=(Field("exceeds", "超筛选值", "Exceeds a screening value", kind="code", codes=EXCEEDS), REPORT),
                sets={"exceeds": "exceeds", "survey_report": "report"},
            ),
            Transition("clear", "无需管控", "Nothing to control", ("surveyed",), "no_risk", guards=(below_screening,)),
            Transition(
                "list", "列入名录", "Put on the list", ("surveyed",), "listed", guards=(above_screening,),
                sets={"listed_on": "@now"},
            ),
            Transition(
                "assess", "风险评估", "Assess the risk", ("listed",), "assessed", needs=("report",), fields=(REPORT,),
                sets={"risk_report": "report"},
            ),
            Transition("control", "风险管控", "Control the risk", ("assessed", "remediating"), "controlled"),
            Transition("remediate", "修复", "Remediate", ("assessed", "controlled"), "remediating"),
            Transition(
                "evaluate", "效果评估", "Evaluate the effect", ("controlled", "remediating"), "evaluated",
                needs=("report",), fields=(REPORT,), sets={"effect_report": "report"},
            ),
            Transition(
                "remove", "移出名录", "Take off the list", ("evaluated",), "removed", only="second",
                second_of="evaluate", guards=(_needs_file("effect_report", "效果评估报告", "report on the effect"),),
                sets={"removed_on": "@now"},
            ),
            Transition(
                "suspect_again", "重新纳入", "Suspected again", ("no_risk", "removed"), "suspected", needs=("reason",),
                fields=(REASON,), emits="plot_suspected",
            ),
        ),
    ),
    listed=("name", "number", "planned_land", "area", "exceeds", "jurisdiction"),
)  # fmt: skip

QUIET_QUARTER = RecordType(
    id="quiet_quarter",
    zh="宁静小区",
    en="Quiet quarter",
    jurisdiction="jurisdiction",
    owner="owner",
    write_roles=("officer", "unit_officer"),
    fields=(
        Field("name", "小区名称", "Name", required=True, indexed=True),
        Field("zone", "声功能区", "Noise zone", kind="code", required=True,
              codes={one: (f"{one}类", f"Zone {one}") for one in ("0", "1", "2", "3", "4a", "4b")}),
        Field("site", "噪声点位", "Noise site", kind="reference", to="site"),
        PLACE,
        Field("ring", "边界", "Border", kind="json", many=True),
        JURISDICTION,
        OWNER,
        Field("residents", "户数", "Households", kind="integer", minimum="0"),
        Field("contact", "联系人", "Contact person", personal=True),
        Field("phone", "联系电话", "Phone", pattern=r"[\d+() -]{5,24}", personal=True),
        Field("measures", "建设措施", "Measures", kind="json", many=True),
        Field("test_report", "监测报告", "Test report", kind="file"),
        Field("named_on", "命名日期", "Named on", kind="datetime"),
    ),
    procedure=Procedure(
        initial="applied",
        states={
            "applied": ("已申报", "Applied"),
            "building": ("创建中", "Being made"),
            "tested": ("已监测", "Tested"),
            "named": ("已命名", "Named"),
            "withdrawn": ("已撤销", "Withdrawn"),
        },
        transitions=(
            Transition("admit", "同意创建", "Admit", ("applied",), "building"),
            Transition(
                "add_measure", "登记措施", "Add a measure", ("building",), "", by=("officer", "unit_officer"),
                needs=("text",), fields=(text("text", "措施", "Measure"),), appends={"measures": "text"},
            ),
            Transition(
                "test", "监测", "Test", ("building",), "tested", needs=("report",), fields=(REPORT,),
                sets={"test_report": "report"},
            ),
            Transition("send_back", "退回", "Send back", ("tested",), "building", needs=("reason",), fields=(REASON,)),
            Transition(
                "name", "命名", "Name it", ("tested",), "named", only="second", second_of="test",
                guards=(_needs_file("test_report", "监测报告", "test report"),), sets={"named_on": "@now"},
            ),
            Transition("withdraw", "撤销", "Withdraw", ("applied", "building", "tested", "named"), "withdrawn",
                       needs=("reason",), fields=(REASON,)),
        ),
    ),
    listed=("name", "zone", "residents", "owner", "named_on"),
)  # fmt: skip


def paid(data: Mapping[str, Any], _: Mapping[str, Any]) -> Sequence[Missing]:
    """A household has moved only when the agreement is there."""
    return () if data.get("agreement") else (Missing("agreement", "缺少安置协议", "the agreement is missing"),)


HOUSEHOLD = RecordType(
    id="household",
    zh="搬迁户",
    en="Relocation household",
    title="number",
    jurisdiction="jurisdiction",
    owner="owner",
    read_roles=("officer", "leader", "unit_officer", "inspector"),
    write_roles=("officer", "unit_officer"),
    fields=(
        Field("number", "户编号", "Household number", required=True, identifies=True),
        Field("project", "所属项目", "Project", kind="reference", to="project"),
        Field("head", "户主", "Head of the household", required=True, personal=True),
        Field("id_number", "身份证号", "Identity number", personal=True, pattern=r"\d{17}[\dX]"),
        Field("phone", "联系电话", "Phone", pattern=r"[\d+() -]{5,24}", personal=True),
        Field("address", "原住址", "Old address", personal=True),
        Field("new_address", "新住址", "New address", personal=True),
        Field("people", "人口", "People", kind="integer", minimum="1"),
        Field("area", "房屋面积", "Floor area", kind="number", unit="m2", minimum="0"),
        Field("compensation", "补偿金额", "Compensation", kind="money", unit="元", minimum="0", personal=True),
        Field("agreement", "安置协议", "Agreement", kind="file"),
        OWNER,
        JURISDICTION,
        Field("moved_on", "搬离日期", "Moved on", kind="datetime"),
    ),
    procedure=Procedure(
        initial="surveyed",
        states={
            "surveyed": ("已摸底", "Surveyed"),
            "agreed": ("已签约", "Agreed"),
            "moved": ("已搬离", "Moved"),
            "settled": ("已安置", "Settled"),
        },
        transitions=(
            Transition(
                "agree", "签约", "Agree", ("surveyed",), "agreed", by=("officer", "unit_officer"), needs=("agreement",),
                fields=(Field("agreement", "安置协议", "Agreement", kind="file"),), sets={"agreement": "agreement"},
            ),
            Transition(
                "move_out", "搬离", "Move out", ("agreed",), "moved", by=("officer", "unit_officer"), guards=(paid,),
                sets={"moved_on": "@now"}, fields=(NOTE,),
            ),
            Transition("settle", "安置", "Settle", ("moved",), "settled", by=("officer", "unit_officer"),
                       needs=("new_address",), fields=(Field("new_address", "新住址", "New address"),),
                       sets={"new_address": "new_address"}),
        ),
    ),
    listed=("number", "project", "people", "area", "owner"),
)  # fmt: skip

RECORDS = (PLOT, QUIET_QUARTER, HOUSEHOLD)
