"""Record type `alarm` (报警) with its procedure. Ids and field names bind all rooms."""

from __future__ import annotations

from collections.abc import Mapping

from jinyun.domains.supervision.fields import LEVEL_HELP_EN, LEVEL_HELP_ZH
from jinyun.kernel.records import Field, Procedure, RecordType, Transition

SYSTEM_ONLY = ("system",)

END_REASONS: Mapping[str, tuple[str, str]] = {
    "recovered": ("数据恢复", "The figure recovered"),
    "corrected": ("数据更正后不成立", "Withdrawn: corrected data do not bear it out"),
    "merged": ("并入另一报警", "Merged into another alarm"),
    "rule_removed": ("规则已停用", "The rule is no longer in force"),
    "unregistered": ("设备已注销", "The device is no longer registered"),
}

ALARM = RecordType(
    id="alarm",
    zh="报警",
    en="Alarm",
    title="sentence_zh",
    jurisdiction="subject.jurisdiction",
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
