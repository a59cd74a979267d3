"""Published figures and their passports: what is printed, what it rests on, and the texts that digests are taken of.
Pure.

A published figure is never changed. It can be withdrawn, or superseded by a later publication; both say why. Digests
are sha256 over texts that are written here and nowhere else, so that anybody can take them again from a sealed bundle
(docs/verify_bundle.py does, without this code).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Any, NamedTuple

from jinyun.kernel.records import Field, Procedure, RecordType, Transition
from jinyun.kernel.tables import csv_rows
from jinyun.kernel.terms import Verdict

PACKAGE = "jinyun.domains.warehouse"
BUNDLE_FORMAT = "jinyun-figures-1"
ID_DIGITS = 12

SITE_FIELDS = (
    "name", "kind", "jurisdiction", "river", "order_km", "target_class", "body", "zone", "day_hours", "point_kind",
    "not_monitored",
)  # fmt: skip
"""Fields of a site that figures or verdicts may rest on; a change of its place or note changes no figure."""

SUBJECTS: Mapping[str, tuple[str, str]] = {
    "air": ("环境空气", "Ambient air"), "water": ("地表水", "Surface water"), "noise": ("声环境", "Noise"),
}  # fmt: skip
PERIODS: Mapping[str, tuple[str, str]] = {
    "month": ("月", "Month"), "quarter": ("季", "Quarter"), "year": ("年", "Year"), "ytd": ("累计", "Year to date"),
}  # fmt: skip

FIGURE = RecordType(
    id="figure",
    zh="已发布指标",
    en="Published figure",
    title="title",
    fixed=True,
    fields=(
        Field("title", "名称", "Title", required=True),
        Field("indicator", "指标", "Indicator", required=True, indexed=True),
        Field("definition", "定义", "Definition", kind="long_text"),
        Field("subject", "要素", "Subject", kind="code", codes=SUBJECTS, required=True, indexed=True),
        Field("scope", "范围", "Scope", required=True, indexed=True),
        Field("scope_name", "范围名称", "Name of the scope"),
        Field("period", "周期", "Period", kind="code", codes=PERIODS, required=True, indexed=True),
        Field("at", "时段", "At", required=True, indexed=True),
        Field("year", "年份", "Year", kind="integer", required=True, indexed=True),
        Field("figure", "数值", "Figure"),
        Field("unit", "单位", "Unit"),
        Field("printed", "印出内容", "As printed", kind="long_text", required=True),
        Field("edition", "评价标准", "Edition", required=True),
        Field("edition_on", "标准选取日期", "Day that chose the edition", kind="date"),
        Field("inputs_digest", "输入摘要（sha256）", "Digest of the inputs (sha256)", required=True, indexed=True),
        Field("inputs", "输入（日评价数）", "Inputs (day verdicts)", kind="integer"),
        Field("code_version", "程序版本", "Code version", required=True),
        Field("published_on", "发布日期", "Published on", kind="date", required=True, indexed=True),
        Field("as_of", "数据截至（微秒）", "As of (µs)", kind="integer", required=True),
        Field("by", "发布人", "Published by", required=True),
        Field("report", "所属报告", "Report it went into", indexed=True),
        Field("publication", "发布批次", "Publication", required=True, indexed=True),
        Field("superseded_by", "被替代为", "Superseded by", indexed=True),
        Field("reason", "撤回或替代原因", "Why withdrawn or superseded", kind="long_text"),
    ),
    procedure=Procedure(
        initial="published",
        states={
            "published": ("已发布", "Published"),
            "withdrawn": ("已撤回", "Withdrawn"),
            "superseded": ("已被替代", "Superseded"),
        },
        transitions=(
            Transition(
                "withdraw", "撤回", "Withdraw", ("published",), "withdrawn", needs=("reason",),
                fields=(Field("reason", "原因", "Reason", kind="long_text"),), sets={"reason": "reason"},
            ),
            Transition(
                "supersede", "替代", "Supersede", ("published",), "superseded", by=("system",),
                needs=("reason", "superseded_by"),
                fields=(
                    Field("reason", "原因", "Reason", kind="long_text"),
                    Field("superseded_by", "新指标编号", "Id of the new figure"),
                ),
                sets={"reason": "reason", "superseded_by": "superseded_by"},
            ),
        ),
    ),
    listed=("title", "figure", "unit", "published_on", "by", "report"),
)  # fmt: skip

RECORDS: tuple[RecordType, ...] = (FIGURE,)


class Definition(NamedTuple):
    """What an indicator is."""

    zh: str
    en: str
    clause: str


def definition_of(subject: str, indicator: str) -> Definition | None:
    """The first row of ``indicators.csv`` whose pattern fits; None for an indicator without a definition."""
    for row in csv_rows(PACKAGE, "indicators.csv"):
        if row["subject"] == subject and fnmatchcase(indicator, row["indicator"]):
            return Definition(row["definition_zh"], row["definition_en"], row["clause"])
    return None


# --- what is printed -------------------------------------------------------------------------------------------------

STATUS_WORDS: Mapping[str, str] = {"attains": "达标", "exceeds": "超标", "cannot_judge": "无法判定"}


def printed_text(told: Mapping[str, Any], figure: Mapping[str, Any]) -> str:
    """The figure as a page of a report says it, one line a fact; its UTF-8 bytes are what a reprint is compared with.

    `told` has scope, period, before and edition, `figure` the shape of docs/periods-api.md.
    """
    scope, period = told["scope"], told["period"]
    lines = [
        f"指标：{figure['zh']}（{figure['en']}）",
        f"范围：{scope['zh']} [{scope['id']}]",
        f"时段：{period['zh']}",
        f"数值：{_value(figure['figure'], figure['unit'])}",
    ]
    if figure["limit"] is not None:
        lines.append(f"限值：{_value(figure['limit'], figure['unit'])}")
    if figure["status"] is not None:
        lines.append(f"评价：{STATUS_WORDS[figure['status']]}")
    if figure["before"] is not None:
        change = f"，变化 {figure['change']} {figure['change_unit']}".rstrip() if figure["change"] is not None else ""
        lines.append(f"上年同期（{told['before']['zh']}）：{_value(figure['before'], figure['unit'])}{change}")
    if figure["figure"] is None and figure["reason_zh"]:
        lines.append(f"说明：{figure['reason_zh']}（{figure['reason_en']}）")
    lines.append(f"依据：{told['edition']['zh']}（{told['edition']['on']}）")
    return "\n".join(lines) + "\n"


def _value(text: str | None, unit: str) -> str:
    return "—" if text is None else f"{text} {unit}".rstrip()


def differing_lines(one: str, other: str) -> list[str]:
    """Names of the lines that differ between two printed texts."""
    a, b = (dict(line.partition("：")[::2] for line in text.splitlines()) for text in (one, other))
    return [name for name in dict.fromkeys([*a, *b]) if a.get(name) != b.get(name)]


# --- what digests are taken of ---------------------------------------------------------------------------------------


class ReadingLine(NamedTuple):
    """One version of one reading: series, time [s], value [millionths of the canonical unit], flag, ingest sequence."""

    series: str  # site|factor|statistic|period
    time: int
    value: int | None
    flag: int
    seq: int

    @property
    def text(self) -> str:
        return f"{self.series}|{self.time}|{'-' if self.value is None else self.value}|{self.flag}|{self.seq}"


def verdict_text(one: Verdict) -> str:
    """All that a verdict says, as one line of JSON."""
    items = [
        [i.factor, i.figure, i.unit, str(i.status), i.limit, i.grade, i.multiple, i.clause, i.reason] for i in one.items
    ]
    return canonical([
        one.id, one.judge, one.subject, int(one.window.period), one.window.start, one.window.end, str(one.status),
        one.figure, one.unit, one.limit, one.level, one.clause, one.edition, one.code_version, list(one.deciding),
        items,
    ])  # fmt: skip


def verdict_digest(text: str, readings: Iterable[str]) -> str:
    """sha256 (hex) of a verdict's text and of the reading versions it cites, each once, in order of their text."""
    return sha256("\n".join([text, *sorted(set(readings)), ""]).encode()).hexdigest()


def inputs_digest(
    question: Mapping[str, Any], sites: Iterable[Sequence[Any]], verdicts: Iterable[tuple[int, str]]
) -> str:
    """sha256 (hex) of what was asked, the sites as they stood, and the digests of all verdicts by id."""
    lines = [canonical(dict(question))]
    lines += ["site " + canonical(list(one)) for one in sites]
    lines += [f"verdict {id} {digest}" for id, digest in sorted(verdicts)]
    return sha256("\n".join([*lines, ""]).encode()).hexdigest()


def figure_id(publication: str, indicator: str, printed: str) -> str:
    """An id that is bound to what it names: publication, indicator and the printed bytes."""
    return "F" + sha256(f"{publication}\n{indicator}\n{printed}".encode()).hexdigest()[:ID_DIGITS].upper()


def publication_id(question: Mapping[str, Any], digest: str, as_of: int) -> str:
    """Id of all figures of one answer that are published together."""
    return "P" + sha256(f"{canonical(dict(question))}\n{digest}\n{as_of}".encode()).hexdigest()[:ID_DIGITS].upper()


def site_basis(data: Mapping[str, Any]) -> dict[str, Any]:
    """What of a site's record figures may rest on; fields that are not set are left out."""
    return {name: data[name] for name in SITE_FIELDS if data.get(name) not in (None, "", [])}


def canonical(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no spaces, characters as they are."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
