"""What the three reports share: cells, months, and the closing parts on basis and tracing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from jinyun.app.reports.model import Block, Cell, Column, Paragraph, Section, Table
from jinyun.app.reports.phrases import NO_DATA, id_ranges, number, said
from jinyun.app.reports.sources import Sources

BODY_MONTHS = 13
IDS_IN_WORD = 120  # characters of verdict numbers in a cell; more are in the workbook and at the address
LEFT_OUT_SHOWN = 200


def words(lang: str, zh: str, en: str) -> str:
    return zh if lang == "zh" else en


def text_of(figure: Mapping[str, Any] | None) -> str:
    """A figure's printed text; empty without one."""
    return "" if figure is None or figure.get("figure") is None else str(figure["figure"])


def cell(text: Any, lang: str = "zh", *, dash: bool = True) -> Cell:
    """A figure's cell; what is missing is a dash, never a zero."""
    if text in (None, ""):
        return Cell("—" if dash else NO_DATA[lang])
    return Cell(str(text), number(text))


def change_cell(text: Any) -> Cell:
    """A change with its sign; zero has none."""
    value = number(text)
    if value is None:
        return Cell("—")
    shown = str(text)
    if not value:
        return Cell(shown.lstrip("+-"), abs(value))
    return Cell(shown if shown[0] in "+-" else f"+{shown}", value)


def day_cells(row: Mapping[str, Any]) -> Cell:
    """``30/31``: valid days of those that counted."""
    valid, days = row.get("valid_days"), row.get("days")
    return Cell("—") if valid is None else Cell(str(valid) if days is None else f"{valid}/{days}")


def month_names(months: Sequence[Mapping[str, Any]], lang: str) -> list[str]:
    """``10月``, and the year with January and the first: ``2026年1月``."""
    names = []
    for i, one in enumerate(months):
        year, month = str(one["at"])[:4], int(str(one["at"])[5:7])
        if lang == "zh":
            names.append(f"{year[2:]}年{month}月" if i == 0 or month == 1 else f"{month}月")
        else:
            names.append(str(one["at"]))
    return names


def period_word(source: Sources, lang: str) -> str:
    return said(source.now["period"], lang)


def previous_head(source: Sources, lang: str) -> str:
    """Head of the column of the period before: 上月, 上季度."""
    return {"month": words(lang, "上月", "Last month"), "quarter": words(lang, "上季度", "Last quarter")}.get(
        source.kind, ""
    )


def section_basis(source: Sources, lang: str) -> Section:
    """Standards and editions, valid units and those left out, rounding."""
    now = source.now
    units, before = now["units"], now.get("units_before") or {}
    edition = now["edition"]
    note = said(edition, lang, "note")
    note = note[:1].upper() + note[1:]
    zh = lang == "zh"
    lines = [
        words(lang, f"1. 评价依据：{said(edition, lang)}。", f"1. Standards: {said(edition, lang)}. ")
        + (f"{note}。" if zh and note else f"{note}." if note else ""),
        words(
            lang,
            f"2. 有效点位：应评价{units['asked']}个，有效{units['valid']}个"
            + (f"；上年同期应评价{before['asked']}个，有效{before['valid']}个。" if before else "。"),
            f"2. Units: {units['valid']} valid of {units['asked']}"
            + (f"; a year before {before['valid']} of {before['asked']}." if before else "."),
        ),
        words(
            lang,
            "3. 数值修约：按GB/T 8170-2008四舍六入五成双，每个数值只修约一次；"
            "同比由修约后的数值计算，百分率保留一位小数。",
            "3. Rounding: GB/T 8170-2008, half to even, once per figure; changes are of the figures as printed.",
        ),
        words(
            lang,
            "4. 缺测、无效、未检出与零各自区分：缺测与无效数据不参加评价，表中以“—”表示。",
            "4. Missing, invalid, non-detect and zero are kept apart: what is missing or invalid is not judged "
            "and shows as a dash.",
        ),
    ]
    blocks: list[Block] = [Paragraph(line) for line in lines]
    out = list(units.get("left_out") or [])
    if out:
        rows = [[Cell(said(one, lang)), Cell(said(one, lang, "reason") or "—")] for one in out[:LEFT_OUT_SHOWN]]
        more = len(out) - len(rows)
        blocks.append(
            Table(
                "left_out",
                words(lang, "未参加评价的点位", "Units left out"),
                [Column(words(lang, "点位", "Unit"), 1, "left"), Column(words(lang, "原因", "Reason"), 2, "left")],
                rows,
                note=words(lang, f"另有{more}个未列出。", f"{more} more.") if more else "",
            )
        )
    else:
        blocks.append(Paragraph(words(lang, "5. 本期没有未参加评价的点位。", "5. No unit was left out.")))
    return Section(words(lang, "评价依据与数据说明", "Basis"), words(lang, "说明", "Basis"), blocks)


def section_trace(source: Sources, lang: str) -> Section:
    """From every figure to the day verdicts it rests on, and from those to the raw message."""
    rests, figures = source.now["rests_on"], source.now["figures"]
    text = words(
        lang,
        f"本报告的数值由{rests['verdicts']}个日评价结论（上年同期{rests['before']}个）计算得出。结论清单和每个结论的依据"
        "均可在本节点查询，由结论编号可逐级追溯到读数、报文和原始字节，地址如下。",
        f"The figures rest on {rests['verdicts']} day verdicts ({rests['before']} a year before). "
        "This node lists them and tells of each why, down to readings, messages and raw bytes, at these addresses.",
    )
    addresses = [
        words(lang, f"本期结论清单：{rests['url']}", f"Verdicts: {rests['url']}"),
        words(lang, f"上年同期结论清单：{rests['url_before']}", f"A year before: {rests['url_before']}"),
        words(lang, "单个结论的依据：/api/verdicts/结论编号/why", "Why of one: /api/verdicts/NUMBER/why"),
    ]
    ids: dict[tuple[str, str], list[int]] = defaultdict(list)
    for one in source.days:
        ids[str(one["site"]), str(one["name"])].append(int(one["verdict"]))
    rows = []
    for (_, name), numbers in ids.items():
        shown = id_ranges(numbers)
        if len(shown) > IDS_IN_WORD:
            shown = words(
                lang,
                f"{min(numbers)}…{max(numbers)}（清单见上述地址）",
                f"{min(numbers)}…{max(numbers)} (listed at the address)",
            )
        rows.append([Cell(name), Cell(str(len(numbers)), number(len(numbers))), Cell(shown)])
    blocks: list[Block] = [Paragraph(text), Paragraph("\n".join(addresses), note=True)]
    traced = [[Cell(said(one, lang)), cell(one.get("figure")), Cell(str(one["id"]))] for one in figures]
    blocks.append(
        Table(
            "figures",
            words(lang, "数值与取数字段", "Figures and their ids"),
            [
                Column(words(lang, "数值", "Figure"), 2, "left"),
                Column(words(lang, "本期", "Now"), 1, "right"),
                Column(words(lang, "字段（figures.id）", "Field (figures.id)"), 1.2, "left"),
            ],
            traced,
        )
    )
    if rows:
        blocks.append(
            Table(
                "verdicts",
                words(lang, "各点位所依据的日评价结论编号", "Day verdicts by unit"),
                [
                    Column(words(lang, "点位", "Unit"), 1.4, "left"),
                    Column(words(lang, "结论数", "Verdicts"), 0.7, "right"),
                    Column(words(lang, "结论编号", "Numbers"), 4, "left"),
                ],
                rows,
            )
        )
    return Section(words(lang, "数据追溯", "Tracing"), words(lang, "追溯", "Tracing"), blocks)


def daily_rows(source: Sources, lang: str) -> Table:
    """Every day verdict, for the workbook."""
    rows = [
        [
            Cell(str(one["date"])),
            Cell(str(one["name"])),
            cell(one.get("figure")),
            Cell(said(one, lang, "label") or "—"),
            Cell(str(one["verdict"]), number(one["verdict"])),
        ]
        for one in sorted(source.days, key=lambda one: (str(one["date"]), str(one["site"])))
    ]
    return Table(
        "days",
        words(lang, "日评价结论", "Day verdicts"),
        [
            Column(words(lang, "日期", "Date"), 1.2),
            Column(words(lang, "点位", "Unit"), 2, "left"),
            Column(words(lang, "数值", "Figure"), 1, "right"),
            Column(words(lang, "结论", "Result"), 1.2),
            Column(words(lang, "结论编号", "Verdict"), 1, "right"),
        ],
        rows,
    )
