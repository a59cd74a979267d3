"""Monthly, quarterly and yearly reports of air, water and noise, in Word and Excel, of the kind a bureau publishes.

`Reports` asks `services.periods` for figures, writes them down as a `Report` (text, tables, charts), and that as a
file. The same data and compile date give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from types import ModuleType
from typing import Any

from jinyun.app.reports import air, noise, water
from jinyun.app.reports.common import daily_rows, words
from jinyun.app.reports.excel import excel_bytes
from jinyun.app.reports.model import Chart, Report, Section, Table
from jinyun.app.reports.phrases import amount, change, said, unit_short
from jinyun.app.reports.sources import MEDIA, PeriodFigures, Sources, gather
from jinyun.app.reports.template import filled
from jinyun.app.reports.word import word_bytes
from jinyun.kernel.errors import BadInput

WORD_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
EXCEL_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMATS = {"docx": WORD_TYPE, "xlsx": EXCEL_TYPE}
LANGUAGES = ("zh", "en")
LONG_TITLE = {"zh": 13, "en": 30}  # characters that the title page's line holds
PERIODS = ("month", "quarter", "year", "ytd")

WRITERS: Mapping[str, ModuleType] = {"air": air, "water": water, "noise": noise}
NAMES = {
    "air": ("环境空气质量", "Ambient air quality"),
    "water": ("地表水环境质量", "Surface water quality"),
    "noise": ("声环境质量", "Acoustic environment quality"),
}
KINDS = {
    "month": ("月报", "monthly report"),
    "quarter": ("季报", "quarterly report"),
    "year": ("年报", "annual report"),
    "ytd": ("累计报告", "report, year to date"),
}


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A finished file."""

    name: str
    content_type: str
    data: bytes


class Reports:
    """Reports of one node."""

    def __init__(self, periods: PeriodFigures, *, bureau: str, area: str = "") -> None:
        """`bureau` issues the reports, `area` is what all sites together are called in them."""
        self._periods, self._bureau, self._area = periods, bureau, area

    def report(
        self, medium: str, *, scope: str = "all", period: str = "month", at: str = "", lang: str = "zh", compiled: date
    ) -> tuple[Sources, Report]:
        """The report before it is a file.

        Raises
        ------
        BadInput
            For a medium, period, scope or language that does not exist.
        """
        _one_of("lang", lang, LANGUAGES)
        _one_of("period", period, PERIODS)
        source = gather(self._periods, medium, scope=scope, period=period, at=at, area=self._area)
        return source, build(source, lang=lang, bureau=self._bureau, compiled=compiled)

    def file(
        self,
        medium: str,
        *,
        scope: str = "all",
        period: str = "month",
        at: str = "",
        lang: str = "zh",
        format: str = "docx",
        compiled: date,
        template: bytes | None = None,
    ) -> ReportFile:
        """The report as a Word or Excel file; with `template`, that Word file with its fields filled.

        Raises
        ------
        BadInput
            As `report`, for a format that does not exist, and naming fields of the template that do not exist.
        """
        _one_of("format", format, FORMATS)
        if template is not None and format != "docx":
            raise BadInput("a template is a Word file", field="format", hint="leave the format out, or give docx")
        source, made = self.report(medium, scope=scope, period=period, at=at, lang=lang, compiled=compiled)
        if template is not None:
            data = filled(template, made)
        elif format == "docx":
            data = word_bytes(made)
        else:
            data = excel_bytes(with_days(made, source))
        return ReportFile(f"{file_stem(source, lang)}.{format}", FORMATS[format], data)

    def fields(
        self, medium: str, *, scope: str = "all", period: str = "month", at: str = "", lang: str = "zh", compiled: date
    ) -> dict[str, str]:
        """Name -> text of every field a template may use, tables and charts among them."""
        _, made = self.report(medium, scope=scope, period=period, at=at, lang=lang, compiled=compiled)
        tables = {f"表:{one.key}": one.title for one in made.blocks if isinstance(one, Table)}
        charts = {f"图:{one.key}": one.title for one in made.blocks if isinstance(one, Chart)}
        return {**made.fields, **tables, **charts}


def build(source: Sources, *, lang: str, bureau: str, compiled: date) -> Report:
    """The report of what was gathered."""
    writer = WRITERS[source.medium]
    name, kind = words(lang, *NAMES[source.medium]), words(lang, *KINDS[source.kind])
    where = said(source.now["scope"], lang)
    title = f"{where}{name}{kind}" if lang == "zh" else f"{name}: {kind}, {where}"
    lines = (where, f"{name}{kind}") if lang == "zh" else (f"{name}: {kind}", where)
    made = Report(title, said(source.now["period"], lang), bureau, compiled, lang, writer.sections(source, lang))
    fields = _fields(source, made, writer.summary(source, lang))
    return replace(made, fields=fields, title_lines=lines if len(title) > LONG_TITLE[lang] else ())


def with_days(report: Report, source: Sources) -> Report:
    """With every day verdict on a sheet of its own, for the workbook."""
    if not source.days:
        return report
    lang = report.lang
    days = Section(
        words(lang, "日评价结论", "Day verdicts"), words(lang, "日结论", "Day verdicts"), [daily_rows(source, lang)]
    )
    return replace(report, sections=[*report.sections, days])


def _fields(source: Sources, report: Report, summary: str) -> dict[str, str]:
    """Fields of templates; docs/reports.md lists them. Every figure by its id and by its Chinese name."""
    now, lang = source.now, report.lang
    edition, units = now["edition"], now["units"]
    found = {
        "标题": report.title,
        "期间": report.period,
        "上年同期期间": said(now["before"], lang),
        "范围": said(now["scope"], lang),
        "发布单位": report.bureau,
        "编制日期": report.compiled_text,
        "摘要": summary,
        "评价依据": said(edition, lang),
        "评价依据说明": said(edition, lang, "note"),
        "应评价点位数": str(units["asked"]),
        "有效点位数": str(units["valid"]),
        "日结论数": str(now["rests_on"]["verdicts"]),
        "追溯地址": str(now["rests_on"]["url"]),
        "结论": said(now, lang, "sentence"),
        "变化评价": said(now, lang, "change"),
    }
    for one in now["figures"]:
        parts = {
            "": str(one["figure"]) if one.get("figure") is not None else amount(one, lang),
            "单位": unit_short(str(one.get("unit") or "")),
            "上年同期": str(one.get("before") or "—"),
            "变化": str(one.get("change") or "—"),
            "同比": change(one, lang) or "—",
            "限值": str(one.get("limit") or "—"),
        }
        for name in dict.fromkeys((str(one["id"]), str(one["zh"]))):
            for part, text in parts.items():
                found[f"{name}.{part}" if part else name] = text
    return found


def file_stem(source: Sources, lang: str) -> str:
    """``示范区环境空气质量月报2026-10``."""
    name, kind = words(lang, *NAMES[source.medium]), words(lang, *KINDS[source.kind])
    where, at = said(source.now["scope"], lang), source.now["period"]["at"]
    stem = f"{where}{name}{kind}{at}" if lang == "zh" else f"{name} {kind} {where} {at}".replace(",", "")
    return "".join("-" if one in '\\/:*?"<>|\r\n\t' else one for one in stem)


def _one_of(field: str, value: str, known: Any) -> None:
    if value not in known:
        raise BadInput(f"no {field} {value!r}", field=field, hint=f"one of {', '.join(known)}")


__all__ = ["MEDIA", "ReportFile", "Reports", "build", "word_bytes"]
