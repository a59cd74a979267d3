"""地表水环境质量月报、季报、年报: from the period figures of water."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from jinyun.app.reports.common import (
    BODY_MONTHS,
    cell,
    day_cells,
    month_names,
    previous_head,
    section_basis,
    section_trace,
    text_of,
    words,
)
from jinyun.app.reports.model import Block, Cell, Chart, ChartSeries, Column, Paragraph, Section, Table
from jinyun.app.reports.palette import BEFORE, NOW, WATER
from jinyun.app.reports.phrases import NO_DATA, change, find, listed, number, said, water_class
from jinyun.app.reports.sources import Sources
from jinyun.app.services.words import factor_words

MULTIPLE = re.compile(r"(\([\d.]+\))$")  # after an item's name
GOOD = 3  # index into classes I to III of the counts below; the class limits themselves are the domain's


def sections(source: Sources, lang: str) -> list[Section]:
    made = [_overview(source, lang)]
    if source.rivers:
        made.append(_rivers(source, lang))
    made += [_sections(source, lang), _months(source, lang), section_basis(source, lang), section_trace(source, lang)]
    return made


def _counts(source: Sources) -> dict[int, tuple[int, int]]:
    """Class -> (sections now, a year before)."""
    return {
        int(one["level"]): (int(one.get("sections") or 0), int(one.get("before") or 0))
        for one in source.now.get("classes") or []
    }


def summary(source: Sources, lang: str) -> str:
    """The paragraph that a bulletin begins with."""
    now = source.now
    when, where = said(now["period"], lang), said(now["scope"], lang)
    if now["scope"]["kind"] == "site":
        return _site_summary(source, lang)
    good, worse, target, status = (
        find(now["figures"], one) for one in ("good_ratio", "worse_ratio", "target_ratio", "status")
    )
    counts = _counts(source)
    total = sum(n for n, _ in counts.values())
    if not total:
        return words(lang, f"{when}，{where}地表水断面{NO_DATA[lang]}。", f"{when}, {where}: {NO_DATA[lang]}.")
    fine = sum(n for level, (n, _) in counts.items() if level <= GOOD)
    bad = counts.get(6, (0, 0))[0]
    middle = {level: counts.get(level, (0, 0))[0] for level in (4, 5)}
    if lang == "zh":
        text = f"{when}，{where}{total}个断面中Ⅰ～Ⅲ类断面{fine}个，占{text_of(good)}%，{change(good, lang)}；"
        text += "".join(f"{water_class(level, lang)}断面{n}个；" for level, n in middle.items() if n)
        text += (
            f"劣Ⅴ类断面{bad}个，占{text_of(worse)}%，{change(worse, lang)}。"
            if bad
            else f"无劣Ⅴ类断面，{change(worse, lang)}。"
        )
        if status is not None and status.get("figure"):
            text += (
                f"总体水质状况为{status['figure']}"
                + (f"，与上年同期相比{said(now, lang, 'change')}" if said(now, lang, "change") else "")
                + "。"
            )
        if target is not None and target.get("figure") is not None:
            text += f"达到水质目标的断面占{text_of(target)}%，{change(target, lang)}。"
        return text
    text = f"{when}, {where}: {fine} of {total} sections were class I–III, {text_of(good)}% ({change(good, lang)}); "
    text += f"{bad} worse than class V, {text_of(worse)}% ({change(worse, lang)}). "
    if target is not None and target.get("figure") is not None:
        text += f"{text_of(target)}% met their target ({change(target, lang)})."
    return text.strip()


def _site_summary(source: Sources, lang: str) -> str:
    now: Mapping[str, Any] = source.now
    row: Mapping[str, Any] = next(iter(now["rows"]), {})
    when, where = said(now["period"], lang), said(now["scope"], lang)
    if row.get("level") is None:
        return words(lang, f"{when}，{where}{NO_DATA[lang]}。", f"{when}, {where}: {NO_DATA[lang]}.")
    before = row.get("before_level")
    if lang == "zh":
        text = f"{when}，{where}水质类别为{water_class(row['level'], lang)}，"
        text += f"水质目标为{water_class(row.get('target'), lang)}，"
        text += "达到水质目标；" if row.get("target_met") else "未达到水质目标；"
        text += f"上年同期为{water_class(before, lang)}。" if before is not None else "上年同期无数据。"
        worst = indicators(row, lang)
        return text + (f"主要污染指标为{worst}。" if worst else "")
    text = f"{when}, {where}: class {water_class(row['level'], lang)}, target {water_class(row.get('target'), lang)}; "
    return text + (f"a year before {water_class(before, lang)}." if before is not None else "no figure a year before.")


def indicators(row: Mapping[str, Any], lang: str) -> str:
    """Main pollution indicators with their multiples: ``总磷(0.3)``; empty for class III and better."""
    printed = [str(one) for one in row.get("main_indicators_zh") or ()]
    if lang == "zh":
        return "、".join(printed)
    codes = [str(one) for one in row.get("main_indicators") or ()]
    multiples = [found[1] if (found := MULTIPLE.search(one)) else "" for one in printed] or [""] * len(codes)
    return ", ".join(factor_words(code)[1] + multiple for code, multiple in zip(codes, multiples, strict=False))


def _overview(source: Sources, lang: str) -> Section:
    blocks: list[Block] = [Paragraph(summary(source, lang))]
    poor = [row for row in source.now["rows"] if (row.get("level") or 0) > GOOD]
    if poor and source.now["scope"]["kind"] != "site":
        shown = [
            f"{row['name']}（{water_class(row['level'], lang)}{_dot(indicators(row, lang), lang)}）"
            if lang == "zh"
            else f"{row['name']} ({water_class(row['level'], lang)}{_dot(indicators(row, lang), lang)})"
            for row in poor
        ]
        head = words(lang, f"劣于Ⅲ类的断面{len(poor)}个：", f"Worse than class III ({len(poor)}): ")
        blocks.append(
            Paragraph(head + listed(shown, lang, joint="、" if lang == "zh" else ", ") + words(lang, "。", "."))
        )
    classes = list(source.now.get("classes") or [])
    present = [one for one in classes if int(one.get("sections") or 0)]
    if present and source.now["scope"]["kind"] != "site":
        series = ChartSeries(
            words(lang, "断面数", "Sections"),
            [number(one["sections"]) for one in present],
            colours=[WATER[int(one["level"])] for one in present],
        )
        blocks.append(_classes_table(classes, lang))
        blocks.append(
            Chart(
                "classes",
                words(lang, "断面水质类别构成", "Sections by class"),
                "pie",
                [water_class(one["level"], lang) for one in present],
                [series],
            )
        )
    return Section(words(lang, "水环境质量概况", "Overview"), words(lang, "概况", "Overview"), blocks)


def _dot(text: str, lang: str) -> str:
    return (f"，{text}" if lang == "zh" else f", {text}") if text else ""


def _classes_table(classes: Any, lang: str) -> Table:
    now, before = (sum(int(one.get(name) or 0) for one in classes) for name in ("sections", "before"))

    def share(part: Any, whole: int) -> Cell:
        return cell(f"{Decimal(int(part or 0)) * 100 / whole:.1f}" if whole else None)

    rows = [
        [
            Cell(water_class(one["level"], lang), fill=WATER[int(one["level"])]),
            cell(one.get("sections") or 0),
            share(one.get("sections"), now),
            cell((one.get("before") or 0) if before else None),
            share(one.get("before"), before),
        ]
        for one in classes
    ]
    return Table(
        "classes",
        words(lang, "断面水质类别分布", "Sections by class"),
        [
            Column(words(lang, "水质类别", "Class"), 1.2),
            Column(words(lang, "本期断面数", "Sections now")),
            Column(words(lang, "占比（%）", "Share (%)")),
            Column(words(lang, "上年同期断面数", "A year before")),
            Column(words(lang, "占比（%）", "Share (%)")),
        ],
        rows,
    )


def _rivers(source: Sources, lang: str) -> Section:
    rows = []
    for name, told in source.rivers.items():
        figures = told["figures"]
        status, good = find(figures, "status"), find(figures, "good_ratio")
        rows.append(
            [
                Cell(name),
                cell(text_of(find(figures, "sections"))),
                Cell(words(lang, text_of(status), said(status, lang, "figure") or text_of(status)) or NO_DATA[lang]),
                cell(text_of(good)),
                cell(None if good is None else good.get("before")),
                Cell(change(good, lang) or "—"),
                Cell(said(told, lang, "change") or "—"),
            ]
        )
    table = Table(
        "rivers",
        words(lang, "河流水质状况", "Rivers"),
        [
            Column(words(lang, "河流", "River"), 1.3, "left"),
            Column(words(lang, "评价\n断面数", "Sections"), 0.9, "right"),
            Column(words(lang, "水质状况", "Status"), 1.1),
            Column(words(lang, "Ⅰ～Ⅲ类\n比例（%）", "I–III (%)"), 1, "right"),
            Column(words(lang, "上年同期\n（%）", "Last year (%)"), 1, "right"),
            Column(words(lang, "同比", "Change"), 2),
            Column(words(lang, "变化评价", "Judged change"), 1.3),
        ],
        rows,
        note=words(
            lang,
            "断面数少于5个的河流按断面浓度均值评价，5个及以上按断面类别比例评价（环办〔2011〕22号）。",
            "Rivers with fewer than five sections by means, others by shares of classes (2011 No. 22).",
        ),
    )
    return Section(words(lang, "河流水质状况", "Rivers"), words(lang, "河流", "Rivers"), [table])


def _sections(source: Sources, lang: str) -> Section:
    before_head = previous_head(source, lang)
    earlier = {row["site"]: row for row in (source.previous or {}).get("rows", ())} if before_head else {}
    rows = []
    for number_, row in enumerate(source.now["rows"], 1):
        level = row.get("level")
        met = row.get("target_met")
        line = [
            Cell(str(number_), Decimal(number_)),
            Cell(str(row.get("river") or "—")),
            Cell(str(row["name"])),
            Cell(water_class(row.get("target"), lang)),
            Cell(water_class(level, lang), fill=WATER.get(int(level or 0), "")),
        ]
        if before_head:
            line.append(Cell(water_class((earlier.get(row["site"]) or {}).get("level"), lang)))
        line += [
            Cell(water_class(row.get("before_level"), lang)),
            Cell("—" if met is None else words(lang, "是", "yes") if met else words(lang, "否", "no")),
            Cell(indicators(row, lang) or (said(row, lang, "reason") if level is None else "—")),
            day_cells(row),
        ]
        rows.append(line)
    columns = [
        Column(words(lang, "序号", "No."), 0.6),
        Column(words(lang, "河流", "River"), 1.2, "left"),
        Column(words(lang, "断面", "Section"), 2.1, "left"),
        Column(words(lang, "水质\n目标", "Target"), 0.9),
        Column(words(lang, "本期\n类别", "Class"), 0.8),
    ]
    if before_head:
        columns.append(Column(before_head, 0.8))
    columns += [
        Column(words(lang, "上年\n同期", "Last year"), 0.8),
        Column(words(lang, "是否\n达标", "Met"), 0.7),
        Column(words(lang, "主要污染指标\n（超标倍数）", "Main indicators (multiple)"), 1.8, "left"),
        Column(words(lang, "有效\n天数", "Valid days"), 1.05),
    ]
    table = Table(
        "sections",
        words(lang, "断面水质类别", "Sections"),
        columns,
        rows,
        note=words(
            lang,
            "超标倍数为对Ⅲ类标准限值的倍数；“—”表示无有效数据或不适用。",
            "Multiples are over the class III limit; a dash: no valid data, or not applicable.",
        ),
    )
    return Section(words(lang, "断面水质状况", "Sections"), words(lang, "断面", "Sections"), [table])


def _months(source: Sources, lang: str) -> Section:
    months = list(source.months)[-BODY_MONTHS:]
    names = month_names(months, lang)
    blocks: list[Block] = []
    if months and source.now["scope"]["kind"] != "site":
        ids = (
            ("sections", words(lang, "评价断面数", "Sections")),
            ("good_ratio", words(lang, "Ⅰ～Ⅲ类比例（%）", "I–III (%)")),
            ("worse_ratio", words(lang, "劣Ⅴ类比例（%）", "Worse than V (%)")),
            ("target_ratio", words(lang, "达标率（%）", "Target met (%)")),
        )
        rows = [
            [Cell(name), *(cell(month.get(id)) for id, _ in ids)] for name, month in zip(names, months, strict=True)
        ]
        blocks.append(
            Table(
                "months",
                words(lang, "逐月断面水质", "By month"),
                [Column(words(lang, "月份", "Month"), 1.2), *(Column(head, 1, "right") for _, head in ids)],
                rows,
            )
        )
        lines = [
            ChartSeries(words(lang, "Ⅰ～Ⅲ类断面比例", "I–III"), [number(one.get("good_ratio")) for one in months], NOW),
            ChartSeries(
                words(lang, "达标断面比例", "Target met"), [number(one.get("target_ratio")) for one in months], BEFORE
            ),
        ]
        blocks.append(Chart("months", words(lang, "逐月断面水质比例", "Shares by month"), "line", names, lines, "%"))
    elif months:
        levels = [number(one.get("class")) for one in months]
        blocks.append(
            Chart(
                "months",
                words(lang, "逐月水质类别", "Class by month"),
                "column",
                names,
                [
                    ChartSeries(
                        words(lang, "类别", "Class"), levels, NOW, [WATER.get(int(one or 0), BEFORE) for one in levels]
                    )
                ],
                step=1,
            )
        )
    else:
        blocks.append(Paragraph(words(lang, "本期以前没有逐月数据。", "There is no month before this one.")))
    return Section(words(lang, "变化趋势", "Trend"), words(lang, "趋势", "Trend"), blocks)
