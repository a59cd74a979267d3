"""Period figures in the shapes of docs/periods-api.md, made by hand, and a stand-in that answers with them."""

from __future__ import annotations

from typing import Any

FROM, UNTIL = 1_790_784_000, 1_793_462_400  # October 2026, China time


def figure(
    id: str, zh: str, en: str, now: str | None, before: str | None, unit: str = "", **more: Any
) -> dict[str, Any]:
    from decimal import Decimal

    made: dict[str, Any] = {
        "id": id,
        "zh": zh,
        "en": en,
        "figure": now,
        "unit": unit,
        "limit": None,
        "status": None,
        "before": before,
        "change": None,
        "change_unit": "百分点" if unit == "%" else unit,
        "change_percent": None,
        "better": None,
        "reason_zh": "",
        "reason_en": "",
    }
    if now is not None and before is not None:
        try:
            step = Decimal(now) - Decimal(before)
        except ArithmeticError:
            return made | more
        made["change"] = f"{step:+}" if step else f"{step}"
        if unit != "%" and Decimal(before):
            made["change_percent"] = f"{step * 100 / Decimal(before):+.1f}"
    return made | more


def span(kind: str = "month", at: str = "2026-10", zh: str = "2026年10月", en: str = "Oct 2026") -> dict[str, Any]:
    return {
        "kind": kind,
        "at": at,
        "zh": zh,
        "en": en,
        "start": FROM,
        "end": UNTIL,
        "days": 31,
        "days_counted": 31,
        "closed": True,
        "until": "2026-10-31",
    }


def frame(subject: str, **more: Any) -> dict[str, Any]:
    return {
        "subject": subject,
        "scope": {"id": "all", "kind": "all", "zh": "示范区", "en": "Demo district"},
        "period": span(),
        "before": span(at="2025-10", zh="2025年10月", en="Oct 2025"),
        "edition": {
            "on": "2026-10-31",
            "zh": "GB 3095-2026（过渡期）；HJ 633-2026",
            "en": "GB 3095-2026 (transition); HJ 633-2026",
            "same_for_both": True,
            "note_zh": "本期与上年同期均按本期（2026-10-31）执行的标准评价",
            "note_en": "both periods by the editions in force on 2026-10-31",
        },
        "verdict": None,
        "figures": [],
        "rows": [],
        "units": {
            "asked": 4,
            "valid": 3,
            "left_out": [
                {
                    "id": "a4",
                    "zh": "蔡家站",
                    "en": "Caijia",
                    "reason_zh": "有效日数不足27天",
                    "reason_en": "fewer than 27 valid days",
                }
            ],
        },
        "units_before": {"asked": 4, "valid": 4, "left_out": []},
        "rests_on": {
            "verdicts": 93,
            "before": 92,
            "url": f"/api/periods/{subject}/days?scope=all&period=month&at=2026-10",
            "url_before": f"/api/periods/{subject}/days?scope=all&period=month&at=2026-10&before=true",
        },
        "sentence_zh": "",
        "sentence_en": "",
        "change_zh": "",
        "change_en": "",
        **more,
    }


LEVELS = [
    ("优", "Excellent", 12, 10),
    ("良", "Good", 17, 18),
    ("轻度污染", "Light", 2, 3),
    ("中度污染", "Moderate", 0, 0),
    ("重度污染", "Heavy", 0, 0),
    ("严重污染", "Severe", 0, 0),
]


def air() -> dict[str, Any]:
    row = {
        "status": "attains",
        "level": None,
        "figure": None,
        "unit": "",
        "label_zh": "",
        "label_en": "",
        "deciding": ["pm2_5"],
        "deciding_zh": "PM2.5",
        "deciding_en": "PM2.5",
        "days": 31,
        "reason_zh": "",
        "reason_en": "",
    }
    values = [
        ("a1", "缙云山站", 31, "96.8", "24", "41", "6", "19", "0.8", "122", "2.61"),
        ("a2", "天生站", 31, "93.5", "28", "46", "7", "26", "0.9", "131", "3.02"),
        ("a3", "新城站", 30, "90.0", "31", "52", "8", "31", "1.0", "138", "3.36"),
    ]
    ids = ("good_ratio", "pm2_5.mean", "pm10.mean", "so2.mean", "no2.mean", "co.p95", "o3.p90")
    rows = [
        row
        | {"site": site, "name": name, "valid_days": days, "values": dict(zip(ids, given, strict=True)), "index": index}
        for site, name, days, *given, index in values
    ]
    return frame(
        "air",
        figures=[
            figure("good_ratio", "优良天数比率", "Share of good days", "93.5", "90.3", "%", better=True),
            figure("good_days", "优良天数", "Good days", "29", "28", "d"),
            figure("valid_days", "有效天数", "Valid days", "31", "31", "d"),
            figure("heavy_days", "重度及以上污染天数", "Heavy days", "0", "0", "d"),
            figure("pm2_5.mean", "PM2.5平均浓度", "Mean PM2.5", "28", "30", "ug/m3", limit="30", status="attains"),
            figure("pm10.mean", "PM10平均浓度", "Mean PM10", "46", "46", "ug/m3", limit="60", status="attains"),
            figure("so2.mean", "SO2平均浓度", "Mean SO2", "7", None, "ug/m3", limit="60", status="attains"),
            figure(
                "no2.mean",
                "NO2平均浓度",
                "Mean NO2",
                None,
                "25",
                "ug/m3",
                reason_zh="有效日均值不足27天",
                reason_en="fewer than 27 valid days",
            ),
            figure(
                "co.p95", "CO日均值第95百分位数", "P95 of daily CO", "0.9", "1.1", "mg/m3", limit="4", status="attains"
            ),
            figure(
                "o3.p90",
                "O3日最大8小时平均第90百分位数",
                "P90 of O3-8h",
                "131",
                "127",
                "ug/m3",
                limit="160",
                status="attains",
            ),
            figure("composite", "环境空气质量综合指数", "Composite index", "3.02", "3.11"),
        ],
        levels=[
            {"level": i, "zh": zh, "en": en, "days": days, "before": before}
            for i, (zh, en, days, before) in enumerate(LEVELS, 1)
        ],
        rows=rows,
    )


RIVERS = {"嘉陵江": 6, "梁滩河": 3, "璧北河": 2, "黑水滩河": 31}


def water() -> dict[str, Any]:
    """42 sections, 41 of class I to III; 38 of 42 a year before: the fixture of `standards_examples`."""
    rows = []
    for river, many in RIVERS.items():
        for number in range(1, many + 1):
            index = len(rows)
            level = 4 if index == 41 else 2 if index % 3 else 3
            before = 4 if index >= 38 else 3 if index % 2 else 2
            rows.append(
                {
                    "site": f"w{index}",
                    "name": f"{river}{number}号断面",
                    "river": river,
                    "km": str(number * 4),
                    "status": "attains" if level <= 3 else "exceeds",
                    "level": level,
                    "figure": str(level),
                    "unit": "",
                    "label_zh": "",
                    "label_en": "",
                    "before_level": before,
                    "before_label_zh": "",
                    "before_label_en": "",
                    "change_zh": "",
                    "change_en": "",
                    "deciding": ["tp"],
                    "deciding_zh": "总磷",
                    "deciding_en": "TP",
                    "main_indicators": ["tp"] if level > 3 else [],
                    "main_indicators_zh": ["总磷(0.3)"] if level > 3 else [],
                    "target": 3,
                    "target_met": level <= 3,
                    "valid_days": 31,
                    "days": 31,
                    "values": {"tp": "0.26" if level > 3 else "0.08", "ph": "7.8", "do": "8.1"},
                    "reason_zh": "",
                    "reason_en": "",
                }
            )
    levels = [row["level"] for row in rows]
    names = ("Ⅰ类", "Ⅱ类", "Ⅲ类", "Ⅳ类", "Ⅴ类", "劣Ⅴ类")
    told = frame(
        "water",
        figures=[
            figure("status", "水质状况", "Status", "优", "优"),
            figure("good_ratio", "Ⅰ～Ⅲ类断面比例", "Share of class I–III", "97.6", "90.5", "%"),
            figure("worse_ratio", "劣Ⅴ类断面比例", "Share worse than V", "0.0", "0.0", "%"),
            figure("target_ratio", "达到目标断面比例", "Share meeting their target", "97.6", "90.5", "%"),
            figure("sections", "评价断面数", "Sections evaluated", "42", "42"),
        ],
        classes=[
            {
                "level": n,
                "zh": names[n - 1],
                "en": "",
                "sections": levels.count(n),
                "before": sum(row["before_level"] == n for row in rows),
            }
            for n in range(1, 7)
        ],
        rows=rows,
        change_zh="无明显变化",
        units={"asked": 42, "valid": 42, "left_out": []},
        units_before={"asked": 42, "valid": 42, "left_out": []},
    )
    told["edition"] |= {"zh": "GB 3838-2002；环办〔2011〕22号", "en": "GB 3838-2002; 2011 No. 22"}
    return told


def noise() -> dict[str, Any]:
    zones = [
        ("1", "1类区", "Zone 1", 2, "95.2", "88.1", "93.0", "85.0"),
        ("2", "2类区", "Zone 2", 3, "98.1", "90.3", "97.2", "88.8"),
        ("3", "3类区", "Zone 3", 1, "100.0", "96.7", "100.0", "96.7"),
        ("4a", "4a类区", "Zone 4a", 2, "96.7", "61.3", "95.5", "58.0"),
    ]
    rows = [
        {
            "site": f"n{i}",
            "name": name,
            "zone": zone,
            "valid_days": 30,
            "days": 31,
            "level": None,
            "status": "attains",
            "values": {"ld": ld, "ln": ln, "day_rate": day, "night_rate": night},
            "deciding": [],
            "deciding_zh": "",
            "deciding_en": "",
            "reason_zh": "",
            "reason_en": "",
            "change_zh": "",
            "change_en": "",
        }
        for i, (name, zone, ld, ln, day, night) in enumerate(
            [
                ("朝阳小学", "1类", "53.1", "43.2", "96.8", "90.3"),
                ("天生路", "2类", "56.4", "47.0", "100.0", "93.5"),
                ("同兴工业园", "3类", "60.2", "52.1", "100.0", "96.7"),
                ("碚金路", "4a类", "67.3", "56.8", "93.5", "51.6"),
            ]
        )
    ]
    told = frame(
        "noise",
        figures=[
            figure("day_rate", "昼间达标率", "Day attainment", "97.3", "96.1", "%"),
            figure("night_rate", "夜间达标率", "Night attainment", "84.0", "82.1", "%"),
            figure("ld", "昼间等效声级平均值", "Mean Ld", "59.3", "59.8", "dB(A)"),
            figure("ln", "夜间等效声级平均值", "Mean Ln", "49.8", "49.8", "dB(A)"),
        ],
        zones=[
            {
                "zone": z,
                "zh": zh,
                "en": en,
                "sites": n,
                "day_rate": d,
                "night_rate": g,
                "before_day_rate": bd,
                "before_night_rate": bg,
            }
            for z, zh, en, n, d, g, bd, bg in zones
        ],
        rows=rows,
    )
    told["edition"] |= {"zh": "GB 3096-2008；HJ 640-2012", "en": "GB 3096-2008; HJ 640-2012"}
    told["period"] = span("quarter", "2026-Q3", "2026年第三季度", "Q3 2026")
    return told


MADE = {"air": air, "water": water, "noise": noise}


class StandIn:
    """Answers as the service would, with whatever `change` makes of the figures."""

    def __init__(self, change: Any = None) -> None:
        self.change = change
        self.asked: list[tuple[str, str, str, str]] = []

    def figures(self, subject: str, *, scope: str, period: str, at: str, edition_on: str = "") -> dict[str, Any]:
        self.asked.append((subject, scope, period, at))
        told = MADE[subject]()
        if scope.startswith("river:"):
            name = scope.partition(":")[2]
            told["scope"] = {"id": scope, "kind": "river", "zh": name, "en": name}
            told["figures"] = [
                one | ({"figure": str(RIVERS[name])} if one["id"] == "sections" else {}) for one in told["figures"]
            ]
        if period == told["period"]["kind"] and at and at != told["period"]["at"]:
            told["period"] = span(period, at, at, at)
            for row in told["rows"]:  # the month before: one class worse where it can be
                row["level"] = min(6, (row["level"] or 0) + 1) if subject == "water" else row["level"]
        elif period != told["period"]["kind"]:
            told["period"] = span(period, at or "2026", f"{at or '2026'}年", at or "2026")
        if self.change is not None:
            self.change(told)
        return told

    def months(self, subject: str, *, scope: str, at: str, count: int = 13, edition_on: str = "") -> dict[str, Any]:
        items = []
        for i in range(count):
            months = int(at[:4]) * 12 + int(at[5:7]) - count + i
            figures = {one["id"]: one["figure"] for one in MADE[subject]()["figures"]}
            if figures.get("good_ratio"):
                figures["good_ratio"] = f"{88 + i % 7}.{i % 10}"
            if figures.get("pm2_5.mean"):
                figures["pm2_5.mean"] = None if i == 3 else str(22 + (i * 7) % 31)
            if figures.get("night_rate"):
                figures["night_rate"], figures["day_rate"] = f"{80 + i % 5}.{i % 10}", f"{95 + i % 4}.{i % 10}"
            items.append(
                {
                    "at": f"{months // 12}-{months % 12 + 1:02d}",
                    "zh": "",
                    "en": "",
                    "closed": True,
                    "valid": 4,
                    "edition_zh": "",
                    **figures,
                }
            )
        return {"items": items, "total": len(items)}

    def days(
        self,
        subject: str,
        *,
        scope: str,
        period: str,
        at: str,
        before: bool = False,
        offset: int = 0,
        limit: int = 1000,
    ) -> dict[str, Any]:
        told = MADE[subject]()
        sites = [(row["site"], row["name"]) for row in told["rows"]]
        rows = [
            {
                "verdict": 1000 + day * len(sites) + i,
                "site": site,
                "name": name,
                "date": f"2026-10-{day + 1:02d}",
                "start": FROM + day * 86400,
                "status": "attains",
                "level": 1 + (day + i) % 3,
                "figure": str(30 + (day * 7 + i) % 80),
                "label_zh": "良",
                "label_en": "Good",
                "values": {},
                "counts": True,
                "why_not_zh": "",
                "why_not_en": "",
            }
            for day in range(31)
            for i, (site, name) in enumerate(sites)
        ]
        return {"items": rows[offset : offset + limit], "total": len(rows), "cut": 0}
