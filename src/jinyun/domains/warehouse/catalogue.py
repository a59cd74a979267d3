"""Catalogue of what is kept: data sets (groups of series) with owner, grade and update rule; imports. Pure.

The fields of a data set are those of the government information resource catalogue
(tables/data_catalogue_metadata.csv). What a series is due, and when it counts as fresh, are our own choices and rows
of tables/catalogue_rules.csv.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinyun.kernel.records import Field, Procedure, RecordType, Transition
from jinyun.kernel.tables import csv_rows
from jinyun.kernel.terms import LENGTHS, SITE_KINDS, Period, Stat

PACKAGE = "jinyun.domains.warehouse"

GRADES: Mapping[str, tuple[str, str]] = {
    "standard": ("标准级（法定或比对合格的自动站）", "Standard: reference or verified automatic station"),
    "supervised": ("监控级（污染源自动监控）", "Supervised: automatic monitoring of sources"),
    "indicative": ("指示级（微站、便携）", "Indicative: micro-station or portable"),
    "historical": ("历史资料（导入，未复核）", "Historical: imported, not verified"),
    "unknown": ("未定级", "Not graded"),
}
CYCLES: Mapping[str, tuple[str, str]] = {
    "device": ("按设备档案", "As the device's record says"),
    "interval": ("按下列间隔", "By the interval given"),
    "irregular": ("不定期", "Irregular"),
    "closed": ("不再更新", "Closed: no more data are due"),
}
SHARING: Mapping[str, tuple[str, str]] = {
    "unconditional": ("无条件共享", "Unconditional"),
    "conditional": ("有条件共享", "Conditional"),
    "none": ("不予共享", "Not shared"),
}
FRESH, LATE, STALE, CLOSED, NO_RULE = "fresh", "late", "stale", "closed", "no_rule"
FRESHNESS: Mapping[str, tuple[str, str]] = {
    FRESH: ("及时", "Fresh"),
    LATE: ("迟到", "Late"),
    STALE: ("停更", "Stale"),
    CLOSED: ("不再更新", "Closed"),
    NO_RULE: ("无更新规则", "No update rule"),
}


@cache
def rules() -> Mapping[str, int]:
    """Our own choices, by name. [s, or times the interval]"""
    rows = csv_rows(PACKAGE, "catalogue_rules.csv")
    return {row["rule"]: int(row["value"]) for row in rows if row["unit"] != "grade"}


@cache
def grades_of_kinds() -> Mapping[str, str]:
    """Quality grade of a site kind where no data set says another."""
    rows = csv_rows(PACKAGE, "catalogue_rules.csv")
    return {row["rule"]: row["value"] for row in rows if row["unit"] == "grade"}


@dataclass(frozen=True, slots=True)
class Selection:
    """Which series belong to a data set; an empty choice means all."""

    sites: frozenset[str]
    kinds: frozenset[str]
    factors: frozenset[str]
    stats: frozenset[str]
    periods: frozenset[str]

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Selection:
        """From the fields of a `dataset` record."""
        names = ("sites", "kinds", "factors", "stats", "periods")
        return cls(*(frozenset(str(one) for one in data.get(name) or ()) for name in names))

    def takes(self, site: str, kind: str, factor: str, stat: str, period: str) -> bool:
        """Whether a series belongs to it."""
        pairs = ((self.sites, site), (self.kinds, kind), (self.factors, factor), (self.stats, stat))
        return all(not chosen or given in chosen for chosen, given in (*pairs, (self.periods, period)))


def natural_interval(period: Period) -> int | None:
    """How often a series of a period is due where nobody said otherwise; None: not to be told. [s]"""
    return LENGTHS.get(period)


def freshness(age: int, interval: int | None, *, closed: bool = False) -> str:
    """State of a series whose newest period ended `age` ago and that is due every `interval`. [s]"""
    if closed:
        return CLOSED
    if interval is None:
        return NO_RULE
    chosen = rules()
    if age <= chosen["fresh_intervals"] * interval + chosen["patience"]:
        return FRESH
    return LATE if age <= chosen["late_intervals"] * interval + chosen["patience"] else STALE


def due(interval: int, start: int, end: int) -> int:
    """How many periods of `interval` end in (start, end]. [s]"""
    return max(0, (end - start) // interval)


def _codes(words: Iterable[str]) -> dict[str, tuple[str, str]]:
    return {one: (one, one) for one in words}


DATASET = RecordType(
    id="dataset",
    zh="数据集",
    en="Data set",
    write_roles=("officer",),
    fields=(
        Field("name", "资源名称", "Name", required=True),
        Field("code", "资源代码", "Resource code", indexed=True),
        Field("resource_class", "资源分类", "Resource class", help_zh="类、项、目、细目，以 / 分隔",
              help_en="class, item, sub-item, detail, parted by /"),
        Field("owner", "提供方（责任单位）", "Provider (owning unit)", required=True, indexed=True),
        Field("owner_code", "提供方代码", "Provider code"),
        Field("contact", "联系人", "Contact", personal=True),
        Field("description", "资源摘要", "Summary", kind="long_text"),
        Field("format", "资源格式", "Format"),
        Field("grade", "质量等级", "Quality grade", kind="code", codes=GRADES, indexed=True),
        Field("update_cycle", "更新规则", "Update rule", kind="code", codes=CYCLES, indexed=True),
        Field("interval_s", "更新间隔", "Update interval", kind="integer", unit="s", minimum="1"),
        Field("sharing", "共享类型", "Sharing type", kind="code", codes=SHARING),
        Field("sharing_condition", "共享条件", "Sharing condition"),
        Field("sharing_way", "共享方式", "Way of sharing"),
        Field("open", "是否向社会开放", "Open to the public", kind="bool"),
        Field("licence", "许可", "Licence"),
        Field("published", "发布日期", "Published on", kind="date"),
        Field("related", "关联资源", "Related data sets", kind="reference", to="dataset", many=True),
        Field("sites", "点位", "Sites", kind="reference", to="site", many=True,
              help_zh="空为全部；以下各项同", help_en="Empty: all; so with those below"),
        Field("kinds", "点位类型", "Kinds of site", kind="code", codes=_codes(SITE_KINDS), many=True),
        Field("factors", "因子", "Factors", many=True),
        Field("stats", "统计", "Statistics", kind="code", codes=_codes(one.name for one in Stat), many=True),
        Field("periods", "周期", "Periods", kind="code", codes=_codes(one.name for one in Period), many=True),
    ),
    listed=("name", "code", "owner", "grade", "update_cycle", "sharing"),
)  # fmt: skip

SYSTEM_ONLY = ("system",)
IMPORT = RecordType(
    id="import",
    zh="数据导入",
    en="Import",
    title="file",
    fields=(
        Field("file", "文件", "File", required=True),
        Field("sha256", "SHA-256", "SHA-256", required=True, indexed=True),
        Field("bytes", "字节数", "Bytes", kind="integer", minimum="0"),
        Field("options", "选项", "Options", kind="json"),
        Field("author", "导入人", "Author", indexed=True),
        Field("reason", "说明", "Reason"),
        Field("uploaded_at", "上传时间", "Uploaded at", kind="datetime"),
        Field("accepted_by", "接受人", "Accepted by"),
        Field("accepted_at", "接受时间", "Accepted at", kind="datetime"),
        Field("done_at", "完成时间", "Done at", kind="datetime"),
        Field("counts", "数量", "Counts", kind="json"),
        Field("problem", "问题", "Problem"),
    ),
    procedure=Procedure(
        initial="analysing",
        states={
            "analysing": ("分析中", "Being read"),
            "ready": ("待接受", "Ready"),
            "running": ("入库中", "Being stored"),
            "done": ("已完成", "Done"),
            "failed": ("未能读取", "Could not be read"),
            "dropped": ("已放弃", "Dropped"),
        },
        transitions=(
            Transition("analyse", "重新读取", "Read again", ("ready", "done", "failed", "dropped"), "analysing",
                       by=SYSTEM_ONLY),
            Transition("ready", "可接受", "Ready", ("analysing",), "ready", by=SYSTEM_ONLY),
            Transition("accept", "接受", "Accept", ("ready",), "running", by=SYSTEM_ONLY),
            Transition("finish", "完成", "Finish", ("running",), "done", by=SYSTEM_ONLY),
            Transition("fail", "失败", "Fail", ("analysing", "running"), "failed", by=SYSTEM_ONLY),
            Transition("drop", "放弃", "Drop", ("ready", "failed"), "dropped", by=SYSTEM_ONLY),
        ),
    ),
    listed=("file", "author", "reason", "uploaded_at", "done_at"),
)  # fmt: skip
"""Its steps are the house's: `app.services.imports` takes them for a person and names that person."""

RECORDS: tuple[RecordType, ...] = (DATASET, IMPORT)
