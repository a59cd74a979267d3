"""环境空气质量月报、季报、年报: from the period figures of air."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinyun.app.reports.common import (
    BODY_MONTHS,
    cell,
    change_cell,
    day_cells,
    month_names,
    period_word,
    section_basis,
    section_trace,
    text_of,
    words,
)
from jinyun.app.reports.model import Block, Cell, Chart, ChartSeries, Column, Paragraph, Section, Table
from jinyun.app.reports.palette import AIR, BEFORE, LIMIT, NOW
from jinyun.app.reports.phrases import amount, change, find, listed, number, said, stated, unit_short
from jinyun.app.reports.sources import Sources

POLLUTANTS = {
    "pm2_5.mean": ("PM2.5平均浓度", "mean PM2.5", "PM2.5"),
    "pm10.mean": ("PM10平均浓度", "mean PM10", "PM10"),
    "so2.mean": ("SO2平均浓度", "mean SO2", "SO2"),
    "no2.mean": ("NO2平均浓度", "mean NO2", "NO2"),
    "co.p95": ("CO日均值第95百分位数浓度", "95th percentile of daily CO", "CO"),
    "o3.p90": ("O3日最大8小时平均第90百分位数浓度", "90th percentile of daily maximum 8-h O3", "O3-8h"),
}
"""Figure ids of the six pollutants: words of the bulletin (zh, en), and the short name of a table's head."""

SHORT = {id.partition(".")[0]: short.removesuffix("-8h") for id, (_, _, short) in POLLUTANTS.items()}
DAYS_IN_WORDS = 40


def sections(source: Sources, lang: str) -> list[Section]:
    made = [_overview(source, lang), _pollutants(source, lang)]
    if len(source.now["rows"]) > 1 or source.now["scope"]["kind"] != "site":
        made.append(_stations(source, lang))
    made += [_months(source, lang), section_basis(source, lang), section_trace(source, lang)]
    return made


def summary(source: Sources, lang: str) -> str:
    """The paragraph that a bulletin begins with."""
    now, when, where = source.now, said(source.now["period"], lang), said(source.now["scope"], lang)
    figures = now["figures"]
    ratio, good, valid, heavy = (find(figures, one) for one in ("good_ratio", "good_days", "valid_days", "heavy_days"))
    pollutants = [
        stated(words(lang, zh, en), find(figures, id), lang)
        for id, (zh, en, _) in POLLUTANTS.items()
        if find(figures, id) is not None
    ]
    composite = find(figures, "composite")
    if lang == "zh":
        days = []
        if valid is not None and valid.get("figure") is not None:
            days.append(f"有效监测{amount(valid, lang)}")
        if good is not None and good.get("figure") is not None:
            days.append(f"优良{amount(good, lang)}")
        if heavy is not None and heavy.get("figure") is not None:
            days.append(f"重度及以上污染{amount(heavy, lang)}")
        first = f"{when}，{where}环境空气" + stated("质量优良天数比率", ratio, lang)
        text = first + (f"（{listed(days, lang, joint='，')}）" if days else "") + "。"
        if pollutants:
            text += listed(pollutants, lang) + "。"
        if composite is not None:
            text += stated("环境空气质量综合指数", composite, lang) + "。"
        return text
    text = f"{when}, {where}: " + stated("the share of good days", ratio, lang)
    if valid is not None and good is not None and valid.get("figure") is not None:
        text += f", {text_of(good)} good days of {text_of(valid)} valid ones"
    text += ". "
    if pollutants:
        text += listed(pollutants, lang).capitalize() + ". "
    if composite is not None:
        text += stated("The composite index", composite, lang) + "."
    return text.strip()


def _overview(source: Sources, lang: str) -> Section:
    blocks: list[Block] = [Paragraph(summary(source, lang))]
    if primary := _primary(source, lang):
        blocks.append(Paragraph(primary))
    levels = source.now.get("levels") or []
    if levels and any(int(one.get("days") or 0) for one in levels):
        blocks.append(_levels_table(source, levels, lang))
        present = [one for one in levels if int(one.get("days") or 0)]
        blocks.append(
            Chart(
                "levels",
                words(lang, "环境空气质量级别构成", "Days by AQI level"),
                "pie",
                [said(one, lang) for one in present],
                [
                    ChartSeries(
                        words(lang, "天数", "Days"),
                        [number(one["days"]) for one in present],
                        colours=[AIR[int(one["level"])] for one in present],
                    )
                ],
                unit=words(lang, "天", "days"),
            )
        )
    daily = _daily(source, lang)
    if daily is not None:
        blocks.append(daily)
    return Section(words(lang, "环境空气质量概况", "Overview"), words(lang, "概况", "Overview"), blocks)


def _primary(source: Sources, lang: str) -> str:
    """Days on which each pollutant was the primary one: ``以PM2.5为首要污染物的12天``; empty when there is none."""
    days = [one for one in source.now.get("primary") or [] if int(one.get("days") or 0)]
    if not days:
        return ""
    days.sort(key=lambda one: -int(one["days"]))
    named = [(SHORT.get(str(one["factor"]), said(one, lang)), one["days"]) for one in days]
    parts = [words(lang, f"以{name}为首要污染物的{n}天", f"{name} on {n} days") for name, n in named]
    return words(lang, f"空气质量超标的日子中，{listed(parts, lang, joint='、')}。",
                 f"Primary pollutant on polluted days: {listed(parts, lang, joint=', ')}.")  # fmt: skip


def _levels_table(source: Sources, levels: Any, lang: str) -> Table:
    valid = number(text_of(find(source.now["figures"], "valid_days")))
    rows = []
    for one in levels:
        days, before = number(one.get("days")), number(one.get("before"))
        share = None if not valid or days is None else days * 100 / valid
        rows.append(
            [
                Cell(said(one, lang), fill=AIR.get(int(one["level"]), "")),
                cell(one.get("days")),
                cell(None if share is None else f"{share:.1f}"),
                cell(one.get("before")),
                change_cell(None if days is None or before is None else f"{days - before:+}"),
            ]
        )
    return Table(
        "levels",
        words(lang, "空气质量级别天数", "Days by AQI level"),
        [
            Column(words(lang, "级别", "Level"), 1.4),
            Column(words(lang, "天数", "Days")),
            Column(words(lang, "占比（%）", "Share (%)")),
            Column(words(lang, "上年同期天数", "Days, last year")),
            Column(words(lang, "同比（天）", "Change (days)")),
        ],
        rows,
    )


def _daily(source: Sources, lang: str) -> Chart | None:
    """AQI of each day of a single site, coloured by level; of several sites the days differ and are in the tables."""
    if source.now["scope"]["kind"] != "site" or not 1 < len(source.days) <= DAYS_IN_WORDS:
        return None
    days = sorted(source.days, key=lambda one: str(one["date"]))
    return Chart(
        "daily",
        words(lang, "逐日空气质量指数（AQI）", "AQI by day"),
        "column",
        [str(one["date"])[8:] for one in days],
        [
            ChartSeries(
                "AQI",
                [number(one.get("figure")) for one in days],
                NOW,
                [AIR.get(int(one.get("level") or 0), BEFORE) for one in days],
            )
        ],
    )


def _pollutants(source: Sources, lang: str) -> Section:
    figures = [one for id in POLLUTANTS if (one := find(source.now["figures"], id)) is not None]
    every = [one for one in source.now["figures"] if one.get("unit") in ("ug/m3", "mg/m3")] or figures
    rows = []
    for one in every:
        status = {"attains": words(lang, "达标", "attains"), "exceeds": words(lang, "超标", "exceeds")}
        rows.append(
            [
                Cell(said(one, lang)),
                Cell(unit_short(str(one.get("unit") or ""))),
                cell(one.get("figure"), lang),
                cell(one.get("before"), lang),
                change_cell(one.get("change")),
                change_cell(one.get("change_percent")),
                cell(one.get("limit"), dash=True),
                Cell(status.get(str(one.get("status")), "—")),
            ]
        )
    table = Table(
        "pollutants",
        words(lang, "主要污染物浓度", "Pollutants"),
        [
            Column(words(lang, "指标", "Figure"), 3.2, "left"),
            Column(words(lang, "单位", "Unit"), 1.1),
            Column(words(lang, "本期", "Now"), 0.9, "right"),
            Column(words(lang, "上年同期", "Last year"), 1.1, "right"),
            Column(words(lang, "变化量", "Change"), 1, "right"),
            Column(words(lang, "变幅（%）", "Change (%)"), 1.1, "right"),
            Column(words(lang, "标准限值", "Limit"), 1.1, "right"),
            Column(words(lang, "评价", "Judged"), 0.9),
        ],
        rows,
        note=said(source.now["edition"], lang),
    )
    # CO is a thousand times larger a unit: on the same axis it could not be seen, so it stays in the table
    drawn = [one for one in figures if one.get("unit") == "ug/m3"]
    blocks: list[Block] = [table]
    if any(one.get("figure") for one in drawn):
        short = {id: name for id, (_, _, name) in POLLUTANTS.items()}
        series = [
            ChartSeries(words(lang, "本期", "Now"), [number(one.get("figure")) for one in drawn], NOW),
            ChartSeries(words(lang, "上年同期", "Last year"), [number(one.get("before")) for one in drawn], BEFORE),
        ]
        blocks.append(
            Chart(
                "pollutants",
                words(lang, "主要污染物浓度与上年同期比较", "Pollutants beside last year"),
                "column",
                [short[str(one["id"])] for one in drawn],
                series,
                "μg/m³",
            )
        )
    return Section(words(lang, "主要污染物", "Pollutants"), words(lang, "污染物", "Pollutants"), blocks)


def row_value(row: Mapping[str, Any], id: str) -> str | None:
    """A station's figure by its id, or by the pollutant's."""
    values = row.get("values") or {}
    found = values.get(id, values.get(id.partition(".")[0]))
    return None if found is None else str(found)


def _stations(source: Sources, lang: str) -> Section:
    rows = []
    for row in source.now["rows"]:
        rows.append(
            [
                Cell(str(row["name"])),
                day_cells(row),
                cell(row_value(row, "good_ratio"), lang),
                *(cell(row_value(row, id), lang) for id in POLLUTANTS),
                cell(row.get("index") or row_value(row, "composite"), lang),
                Cell(listed([SHORT.get(str(one), str(one)) for one in row["deciding"]], lang, joint="、") or "—"),
            ]
        )
    heads = [
        Column(f"{short}\n{'mg/m³' if short == 'CO' else 'μg/m³'}", 1.05, "right")
        for _, _, short in POLLUTANTS.values()
    ]
    table = Table(
        "stations",
        words(lang, "各点位空气质量", "Stations"),
        [
            Column(words(lang, "点位", "Station"), 1.8, "left"),
            Column(words(lang, "有效\n天数", "Valid\ndays"), 1.25),
            Column(words(lang, "优良率\n（%）", "Good\n%"), 1.2, "right"),
            *heads,
            Column(words(lang, "综合\n指数", "Index"), 0.9, "right"),
            Column(words(lang, "首要\n污染物", "Primary"), 1.2),
        ],
        rows,
        note=words(
            lang,
            "CO为日均值第95百分位数，O3为日最大8小时平均第90百分位数，其余为平均值。",
            "CO: 95th percentile of daily means; O3: 90th percentile of daily maximum 8 h; others: means.",
        ),
    )
    blocks: list[Block] = [table]
    drawn = [row for row in source.now["rows"] if row_value(row, "pm2_5.mean")]
    if len(drawn) > 1:
        blocks.append(
            Chart(
                "stations",
                words(lang, "各点位PM2.5平均浓度", "PM2.5 by station"),
                "column",
                [str(row["name"]) for row in drawn],
                [ChartSeries("PM2.5", [number(row_value(row, "pm2_5.mean")) for row in drawn], NOW)],
                "μg/m³",
            )
        )
    return Section(words(lang, "各点位空气质量", "Stations"), words(lang, "点位", "Stations"), blocks)


def _months(source: Sources, lang: str) -> Section:
    months = list(source.months)[-BODY_MONTHS:]
    names = month_names(months, lang)
    ratio = find(source.now["figures"], "good_ratio")
    blocks: list[Block] = []
    if months:
        columns = [("good_ratio", "%"), *((id, "") for id in POLLUTANTS), ("composite", "")]
        heads = {"good_ratio": words(lang, "优良率（%）", "Good (%)"), "composite": words(lang, "综合指数", "Index")}
        heads |= {id: short for id, (_, _, short) in POLLUTANTS.items()}
        rows = [
            [Cell(name), *(cell(month.get(id), lang) for id, _ in columns)]
            for name, month in zip(names, months, strict=True)
        ]
        blocks.append(
            Table(
                "months",
                words(lang, "逐月空气质量", "By month"),
                [Column(words(lang, "月份", "Month"), 1.4), *(Column(heads[id], 1, "right") for id, _ in columns)],
                rows,
            )
        )
        pm = find(source.now["figures"], "pm2_5.mean")
        series = [ChartSeries("PM2.5", [number(one.get("pm2_5.mean")) for one in months], NOW)]
        limit = number(pm.get("limit")) if pm else None
        if limit is not None and source.kind in ("year", "ytd"):
            series.append(
                ChartSeries(
                    words(lang, "年平均标准限值", "Annual limit"),
                    [limit] * len(months),
                    LIMIT,
                    kind="line",
                    dashed=True,
                )
            )
        blocks.append(
            Chart("months", words(lang, "逐月PM2.5平均浓度", "PM2.5 by month"), "column", names, series, "μg/m³")
        )
        blocks.append(
            Chart(
                "good_ratio",
                words(lang, "逐月优良天数比率", "Share of good days by month"),
                "line",
                names,
                [
                    ChartSeries(
                        words(lang, "优良天数比率", "Good days"), [number(one.get("good_ratio")) for one in months], NOW
                    )
                ],
                "%",
            )
        )
    lead = period_word(source, lang)
    moved = change(ratio, lang)
    if moved:
        blocks.insert(0, Paragraph(words(lang, f"{lead}优良天数比率{moved}。", f"{lead}: share of good days {moved}.")))
    return Section(words(lang, "变化趋势", "Trend"), words(lang, "趋势", "Trend"), blocks)
