"""声环境质量季报、年报、月报: from the period figures of noise."""

from __future__ import annotations

from typing import Any

from jinyun.app.reports.common import BODY_MONTHS, cell, day_cells, month_names, section_basis, section_trace, words
from jinyun.app.reports.model import Block, Cell, Chart, ChartSeries, Column, Paragraph, Section, Table
from jinyun.app.reports.palette import NIGHT, NOW
from jinyun.app.reports.phrases import find, listed, number, said, stated
from jinyun.app.reports.sources import Sources


def sections(source: Sources, lang: str) -> list[Section]:
    made = [_overview(source, lang)]
    if source.now.get("zones"):
        made.append(_zones(source, lang))
    made += [_sites(source, lang), _months(source, lang), section_basis(source, lang), section_trace(source, lang)]
    return made


def summary(source: Sources, lang: str) -> str:
    """The paragraph that a bulletin begins with."""
    when, where, figures = said(source.now["period"], lang), said(source.now["scope"], lang), source.now["figures"]
    day, night, ld, ln = (find(figures, one) for one in ("day_rate", "night_rate", "ld", "ln"))
    if lang == "zh":
        text = (
            f"{when}，{where}功能区声环境"
            + stated("昼间达标率", day, lang)
            + "；"
            + stated("夜间达标率", night, lang)
            + "。"
        )
        levels = [
            stated("昼间等效声级平均值", ld, lang) if ld else "",
            stated("夜间等效声级平均值", ln, lang) if ln else "",
        ]
        return text + (listed(levels, lang) + "。" if any(levels) else "")
    text = (
        f"{when}, {where}: "
        + stated("the day attainment rate", day, lang)
        + "; "
        + stated("at night it", night, lang)
        + ". "
    )
    levels = [stated("Mean Ld", ld, lang) if ld else "", stated("mean Ln", ln, lang) if ln else ""]
    return (text + (listed(levels, lang) + "." if any(levels) else "")).strip()


def _overview(source: Sources, lang: str) -> Section:
    rows = []
    for one in source.now["figures"]:
        rows.append(
            [
                Cell(said(one, lang)),
                Cell(str(one.get("unit") or "")),
                cell(one.get("figure"), lang),
                cell(one.get("before"), lang),
                cell(one.get("change"), lang),
            ]
        )
    table = Table(
        "figures_now",
        words(lang, "声环境质量主要指标", "Main figures"),
        [
            Column(words(lang, "指标", "Figure"), 2.4, "left"),
            Column(words(lang, "单位", "Unit"), 0.9),
            Column(words(lang, "本期", "Now"), 1, "right"),
            Column(words(lang, "上年同期", "Last year"), 1, "right"),
            Column(words(lang, "变化", "Change"), 1, "right"),
        ],
        rows,
    )
    return Section(
        words(lang, "声环境质量概况", "Overview"),
        words(lang, "概况", "Overview"),
        [Paragraph(summary(source, lang)), table],
    )


def _zones(source: Sources, lang: str) -> Section:
    zones: list[Any] = list(source.now["zones"])
    rows = [
        [
            Cell(said(one, lang)),
            cell(one.get("sites")),
            cell(one.get("day_rate")),
            cell(one.get("before_day_rate")),
            cell(one.get("night_rate")),
            cell(one.get("before_night_rate")),
        ]
        for one in zones
    ]
    table = Table(
        "zones",
        words(lang, "各类功能区达标率", "Attainment by zone"),
        [
            Column(words(lang, "功能区", "Zone"), 1.6, "left"),
            Column(words(lang, "点位数", "Points"), 0.9, "right"),
            Column(words(lang, "昼间\n达标率（%）", "Day (%)"), 1, "right"),
            Column(words(lang, "上年同期\n昼间（%）", "Day, last year (%)"), 1, "right"),
            Column(words(lang, "夜间\n达标率（%）", "Night (%)"), 1, "right"),
            Column(words(lang, "上年同期\n夜间（%）", "Night, last year (%)"), 1, "right"),
        ],
        rows,
        note=words(
            lang,
            "达标率＝达标点次÷有效监测点次，昼间、夜间分别统计。",
            "Attainment: point-days that attain over those valid, day and night apart.",
        ),
    )
    chart = Chart(
        "zones",
        words(lang, "各类功能区昼间、夜间达标率", "Attainment by zone"),
        "column",
        [said(one, lang) for one in zones],
        [
            ChartSeries(words(lang, "昼间", "Day"), [number(one.get("day_rate")) for one in zones], NOW),
            ChartSeries(words(lang, "夜间", "Night"), [number(one.get("night_rate")) for one in zones], NIGHT),
        ],
        "%",
    )
    return Section(words(lang, "功能区达标情况", "Zones"), words(lang, "功能区", "Zones"), [table, chart])


def _sites(source: Sources, lang: str) -> Section:
    rows = []
    for row in source.now["rows"]:
        values = row.get("values") or {}
        rows.append(
            [
                Cell(str(row["name"])),
                Cell(str(row.get("zone") or values.get("zone") or said(row, lang, "label") or "—")),
                day_cells(row),
                *(cell(values.get(id)) for id in ("ld", "ln", "day_rate", "night_rate")),
                Cell(said(row, lang, "reason") or said(row, lang, "change") or "—"),
            ]
        )
    table = Table(
        "sites",
        words(lang, "各点位声环境质量", "Points"),
        [
            Column(words(lang, "点位", "Point"), 2, "left"),
            Column(words(lang, "功能区", "Zone"), 1),
            Column(words(lang, "有效\n天数", "Valid\ndays"), 0.9),
            Column(words(lang, "昼间\ndB(A)", "Day\ndB(A)"), 0.9, "right"),
            Column(words(lang, "夜间\ndB(A)", "Night\ndB(A)"), 0.9, "right"),
            Column(words(lang, "昼间\n达标率（%）", "Day met\n(%)"), 1, "right"),
            Column(words(lang, "夜间\n达标率（%）", "Night met\n(%)"), 1, "right"),
            Column(words(lang, "说明", "Note"), 1.4, "left"),
        ],
        rows,
    )
    return Section(words(lang, "各点位声环境质量", "Points"), words(lang, "点位", "Points"), [table])


def _months(source: Sources, lang: str) -> Section:
    months = list(source.months)[-BODY_MONTHS:]
    names = month_names(months, lang)
    blocks: list[Block] = []
    if months:
        ids = (
            ("day_rate", words(lang, "昼间达标率（%）", "Day met (%)")),
            ("night_rate", words(lang, "夜间达标率（%）", "Night met (%)")),
            ("ld", words(lang, "昼间 dB(A)", "Day dB(A)")),
            ("ln", words(lang, "夜间 dB(A)", "Night dB(A)")),
        )
        rows = [
            [Cell(name), *(cell(month.get(id)) for id, _ in ids)] for name, month in zip(names, months, strict=True)
        ]
        blocks.append(
            Table(
                "months",
                words(lang, "逐月声环境质量", "By month"),
                [Column(words(lang, "月份", "Month"), 1.2), *(Column(head, 1, "right") for _, head in ids)],
                rows,
            )
        )
        lines = [
            ChartSeries(words(lang, "昼间达标率", "Day"), [number(one.get("day_rate")) for one in months], NOW),
            ChartSeries(words(lang, "夜间达标率", "Night"), [number(one.get("night_rate")) for one in months], NIGHT),
        ]
        blocks.append(Chart("months", words(lang, "逐月达标率", "Attainment by month"), "line", names, lines, "%"))
    else:
        blocks.append(Paragraph(words(lang, "本期以前没有逐月数据。", "There is no month before this one.")))
    return Section(words(lang, "变化趋势", "Trend"), words(lang, "趋势", "Trend"), blocks)
