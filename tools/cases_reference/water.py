"""Cases of surface water: class at every limit of the 21 items, rivers by share, change, TLI, CWQI."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from math import log
from typing import Any

from cases_reference.tables import Row, half_even, plain, rows, step_of

Case = dict[str, Any]
LABELS = ("", "Ⅰ", "Ⅱ", "Ⅲ", "Ⅳ", "Ⅴ", "劣Ⅴ")
WORDS = ("", "优", "优", "良好", "轻度污染", "中度污染", "重度污染")
FIRST = {"cyanide", "hg", "cd", "cr6", "pb", "as"}
CLEAN = {"ph": "7.8", "do": "8.2", "cod_mn": "1.8", "cod_cr": "12", "bod5": "2.1", "nh3_n": "0.12"}


@cache
def evaluated() -> list[str]:
    found = [r for r in rows("surface_water_evaluation_2011.csv") if r["rule_group"] == "evaluated_items"]
    return [row["rule_code"] for row in sorted(found, key=lambda row: int(row["order_no"]))]


@cache
def limits(body: str) -> dict[str, list[Row]]:
    """Item -> its five rows, class I to V, of table 1 for a river or a lake."""
    found: dict[str, list[Row]] = {}
    for row in rows("gb3838_2002.csv"):
        if row["table_no"] == "1" and row["group"].startswith("class_") and row["condition"] in ("", body):
            found.setdefault(row["item_code"], []).append(row)
    return {name: sorted(group, key=lambda row: row["group"]) for name, group in found.items()}


def meets(row: Row, value: Fraction) -> bool:
    low = Fraction(row["value"])
    if row["op"] == "range":
        return low <= value <= Fraction(row["value_hi"])
    return value >= low if row["op"] == "ge" else value <= low


def item_class(group: list[Row], value: Fraction) -> int:
    return next((level for level, row in enumerate(group, 1) if meets(row, value)), 6)


def section(body: str, values: dict[str, str], why: str, saturation: str = "") -> Case:
    table = limits(body)
    classes = {name: item_class(table[name], Fraction(values[name])) for name in evaluated() if name in values}
    if saturation and Fraction(saturation) >= 90:
        classes["do"] = 1  # class I by saturation too
    multiples: dict[str, Fraction | None] = {}
    for name, level in classes.items():
        if level > 3:
            third = Fraction(table[name][2]["value"])
            over = (Fraction(values[name]) - third) / third
            multiples[name] = None if name in ("ph", "do") else half_even(over, 2)
    worst = max(classes.values())
    order = {name: place for place, name in enumerate(evaluated())}
    main = sorted(
        multiples,
        key=lambda name: (
            name not in FIRST,
            -classes[name],
            multiples[name] is None,
            -(multiples[name] or Fraction(0)),
            order[name],
        ),
    )
    return {
        "kind": "derived",
        "rule": "section_class",
        "input": {
            "body": body,
            "values": {name: plain(Fraction(text)) for name, text in values.items()},
            **({"do_saturation_pct": plain(Fraction(saturation))} if saturation else {}),
        },
        "expected": {
            "class": worst,
            "class_label": LABELS[worst],
            "status_zh": WORDS[worst],
            "item_class": classes,
            "exceed_multiple": {name: plain(value) for name, value in multiples.items()},
            "main_indicators": main[:3],
        },
        "tolerance": 0.005,
        "why": why,
        "source": f"GB 3838-2002 table 1; 环办[2011]22号 ({body})",
    }


def sections() -> Iterator[Case]:
    for body in ("river", "lake_reservoir"):
        clean = {**CLEAN, "tp": "0.02" if body == "river" else "0.01"}
        table = limits(body)
        items = evaluated() if body == "river" else ["tp", "do", "cod_mn"]
        for name in items:
            for text in dict.fromkeys(row["value"] for row in table[name]):
                row = table[name][0]
                if row["op"] == "range":
                    for value in (text, _moved(text, -1), row["value_hi"], _moved(row["value_hi"], 1), "7"):
                        yield section(body, {**clean, name: value}, f"{name} at or beside the ends of its range")
                    continue
                yield section(body, {**clean, name: text}, f"{name} equal to a limit")
                yield section(body, {**clean, name: _moved(text, 1)}, f"{name} one step above a limit")
                yield section(body, {**clean, name: _moved(text, -1)}, f"{name} one step below a limit")
    river = {**CLEAN, "tp": "0.02"}
    yield section("river", {**river, "tn": "9.9"}, "total nitrogen never counts in a river")
    yield section("river", {**river, "fecal_coliform": "90000"}, "faecal coliform is a reference item")
    yield section("river", {**river, "tp": "0.021"}, "total phosphorus one step above 0.02, river")
    yield section("river", {"do": "5"}, "one item only")
    for oxygen, saturation in (("7.2", "90"), ("7.2", "89.9"), ("7.2", "104.5"), ("4.5", "90"), ("7.5", "80")):
        yield section("river", {**river, "do": oxygen}, "oxygen and its saturation", saturation)
    yield section("river", {**river, "hg": "0.0011", "nh3_n": "9"}, "a heavy metal over the limit goes first")
    yield section(
        "river",
        {**river, "cod_mn": "16", "cod_cr": "41", "bod5": "10.5", "nh3_n": "2.1", "tp": "0.41"},
        "five items worse than class V: three are kept",
    )


def _moved(text: str, by: int) -> str:
    """One printed step up or down; a whole number moves by a tenth."""
    step = min(step_of(text), Fraction(1, 10))
    places = max(len(text.partition(".")[2]), 1)
    return f"{float(Fraction(text) + by * step):.{places}f}"


def river_word(good: Fraction, worse: Fraction) -> str:
    if good >= 90:
        return "优"
    if good >= 75:
        return "良好"
    return "轻度污染" if worse < 20 else "中度污染" if worse < 40 else "重度污染"


def rivers() -> Iterator[Case]:
    for good in ("100", "90", "89.9", "75", "74.9", "60", "50"):
        for worse in ("0", "10", "19.9", "20", "39.9", "40"):
            if Fraction(good) + Fraction(worse) <= 100:
                yield {
                    "kind": "derived",
                    "rule": "river_status",
                    "input": {
                        "sections": 20,
                        "share_class_1_to_3": plain(Fraction(good)),
                        "share_worse_than_5": plain(Fraction(worse)),
                    },
                    "expected": {"status_zh": river_word(Fraction(good), Fraction(worse))},
                    "source": "环办[2011]22号, status of rivers and basins by share",
                }
    yield {
        "kind": "derived",
        "rule": "river_status",
        "why": "five sections count as five or more",
        "input": {"sections": 5, "share_class_1_to_3": 80, "share_worse_than_5": 20},
        "expected": {"status_zh": "良好"},
        "source": "环办[2011]22号 (five itself: memory only)",
    }


def changes() -> Iterator[Case]:
    for good, worse in (
        (10, 0),
        (11, 0),
        (10.1, 0),
        (20, 0),
        (21, 0),
        (5, -5),
        (5, -6),
        (0, 10),
        (0, 11),
        (-20, 0),
        (-10, 10),
        (-10, 11),
        (0, 0),
    ):
        x = Fraction(str(good)) - Fraction(str(worse))
        step = 0 if abs(x) <= 10 else 1 if abs(x) <= 20 else 2
        word = ("无明显变化", "有所", "明显")[step] + ("" if not step else "好转" if x > 0 else "变差")
        yield {
            "kind": "derived",
            "rule": "trend_class_share",
            "input": {
                "good_before": 50,
                "good_after": plain(50 + Fraction(str(good))),
                "worse5_before": 20,
                "worse5_after": plain(20 + Fraction(str(worse))),
            },
            "expected": {"dG_minus_dD": plain(x), "label_zh": word},
            "source": "环办[2011]22号, change by shares (thresholds 10 and 20: memory only)",
        }


def tli() -> Iterator[Case]:
    table = {row["parameter_code"]: row for row in rows("tli_eutrophication.csv")}
    squares = {name: Fraction(row["r_ij"]) ** 2 for name, row in table.items()}
    for values in (
        {"chl_a": 0.5, "tp": 0.005, "tn": 0.1, "sd": 8, "cod_mn": 0.8},
        {"chl_a": 4, "tp": 0.02, "tn": 0.4, "sd": 3, "cod_mn": 2},
        {"chl_a": 12, "tp": 0.05, "tn": 1.1, "sd": 1, "cod_mn": 4.2},
        {"chl_a": 20, "tp": 0.07, "tn": 1.3, "sd": 0.8, "cod_mn": 5},
        {"chl_a": 45, "tp": 0.12, "tn": 2, "sd": 0.5, "cod_mn": 7},
        {"chl_a": 100, "tp": 0.2, "tn": 3, "sd": 0.3, "cod_mn": 9},
        {"chl_a": 300, "tp": 0.6, "tn": 8, "sd": 0.15, "cod_mn": 20},
    ):
        parts = {
            name: 10 * (float(row["intercept_a"]) + float(row["slope_b"]) * log(values[name]))
            for name, row in table.items()
        }
        total = sum(float(squares[name] / sum(squares.values())) * part for name, part in parts.items())
        yield {
            "kind": "derived",
            "rule": "tli",
            "input": values,
            "tolerance": 0.01,
            "expected": {
                "tli_j": {n: round(p, 4) for n, p in parts.items()},
                "tli": round(total, 4),
                "level_zh": tli_word(total),
            },
            "source": "环办[2011]22号: TLI_j = 10(a + b ln x), weights r²/Σr²",
        }


def tli_word(total: float) -> str:
    if total < 30:
        return "贫营养"
    return next(
        (word for top, word in ((50, "中营养"), (60, "轻度富营养"), (70, "中度富营养")) if total <= top), "重度富营养"
    )


BASE = {
    "ph": "7.6",
    "do": "8.0",
    "cod_mn": "3.0",
    "cod_cr": "12",
    "bod5": "2.0",
    "nh3_n": "0.3",
    "tp": "0.04",
    "cu": "0.005",
    "zn": "0.02",
    "fluoride": "0.3",
    "se": "0.0002",
    "as": "0.002",
    "hg": "0.00002",
    "cd": "0.00005",
    "cr6": "0.002",
    "pb": "0.001",
    "cyanide": "0.002",
    "volatile_phenol": "0.0005",
    "petroleum": "0.02",
    "las": "0.03",
    "sulfide": "0.005",
}


def cwqi_sum(body: str, values: dict[str, str]) -> Fraction:
    table, total = limits(body), Fraction(0)
    for name in evaluated():
        value, third = Fraction(values[name]), Fraction(table[name][2]["value"])
        if name == "ph":
            total += 7 - value if value <= 7 else (value - 7) / 2
        else:
            total += third / value if name == "do" else value / third
    return total


def cwqi() -> Iterator[Case]:
    source = "城市地表水环境质量排名技术规定(试行): formula from memory, provisional"
    for river, sections_, lake, points in (
        ({}, 1, None, 0),
        ({"ph": "6.5"}, 3, None, 0),
        ({"do": "4"}, 6, {"tp": "0.05"}, 2),
        ({"nh3_n": "1.5", "tp": "0.3"}, 10, {"ph": "8.8"}, 5),
        ({"ph": "7"}, 1, {"ph": "6", "do": "12"}, 1),
    ):
        ours = {**BASE, **river}
        total = cwqi_sum("river", ours)
        given: Case = {"river": {n: plain(Fraction(t)) for n, t in ours.items()}, "river_sections": sections_}
        expected = {"river_cwqi": round(float(total), 6)}
        if lake is not None:
            still = {**BASE, **lake}
            second = cwqi_sum("lake_reservoir", still)
            given |= {"lake": {n: plain(Fraction(t)) for n, t in still.items()}, "lake_points": points}
            expected["lake_cwqi"] = round(float(second), 6)
            total = (total * sections_ + second * points) / (sections_ + points)
        expected["city_cwqi"] = round(float(total), 6)
        yield {
            "kind": "derived",
            "rule": "cwqi",
            "input": given,
            "expected": expected,
            "tolerance": 0.001,
            "source": source,
        }


def spearman() -> Iterator[Case]:
    """Series without equal values; W at 0.05, of the next smaller number of periods where the table has none."""
    table = {int(row["n"]): Fraction(row["value"]) for row in rows("spearman_w.csv")}
    series = (
        [1, 2, 3, 4, 5],
        [5, 4, 3, 2, 1],
        [1, 2, 3, 5, 4],
        [1, 3, 2, 5, 4],
        [1, 2, 3, 4, 6, 5],
        [3.1, 2.9, 2.7, 2.8, 2.2, 2.0, 1.9],
        [0.21, 0.25, 0.22, 0.2, 0.24, 0.19, 0.18, 0.23],
        [(n * 7) % 12 + 1 for n in range(12)],
        [n + (n % 3) * 2.5 for n in range(1, 13)],
        [(n * 5) % 24 for n in range(24)],
        list(range(30, 0, -1)),
        [n if n % 2 else 30 - n + 0.5 for n in range(30)],
    )
    for values in series:
        n = len(values)
        order = {value: rank for rank, value in enumerate(sorted(values), 1)}
        squares = sum((order[value] - place) ** 2 for place, value in enumerate(values, 1))
        r = 1 - Fraction(6 * squares, n**3 - n)
        w = table[max(known for known in table if known <= n)]
        yield {
            "kind": "derived",
            "rule": "spearman",
            "input": {"values": values},
            "expected": {"r": float(r), "w": plain(w), "significant": abs(r) >= w},
            "tolerance": 1e-9,
            "source": "r = 1 - 6 sum(d^2)/(N^3 - N); W(N) at 0.05 (memory only)",
        }


def groundwater() -> Iterator[Case]:
    """Each limit of each item of GB/T 14848 with figures: at it and one step beside it."""
    table: dict[str, list[Row]] = {}
    for row in rows("gbt14848_2017.csv"):
        table.setdefault(row["item_code"], []).append(row)
    for name, group in table.items():
        group.sort(key=lambda row: row["group"])
        if any(row["op"] not in ("le", "gt") for row in group) or len(group) != 5:
            continue  # words, ranges in two bands, and not detected: no case here
        last = Fraction(group[3]["value"])
        for text in dict.fromkeys(row["value"] for row in group):
            for by in (-1, 0, 1):
                value = _moved(text, by) if by else text
                if Fraction(value) < 0:
                    continue
                level = next((n for n, row in enumerate(group[:4], 1) if Fraction(value) <= Fraction(row["value"])), 5)
                yield {
                    "kind": "derived",
                    "rule": "item_class",
                    "input": {"item": name, "value": plain(Fraction(value)), "unit": group[0]["unit"]},
                    "expected": {"class": level},
                    "why": f"beside the limit {text}; above {plain(last)} is class V",
                    "source": f"GB/T 14848-2017 table {group[0]['table_no']}",
                }


def whole_rivers() -> Iterator[Case]:
    """Four sections are averaged item by item, five are counted by shares."""
    table = limits("river")
    steps = [
        {"cod_mn": a, "nh3_n": b, "tp": c}
        for a, b, c in (
            ("2", "0.1", "0.02"),
            ("4", "0.4", "0.1"),
            ("6", "1", "0.2"),
            ("10", "1.4", "0.3"),
            ("16", "2.2", "0.5"),
        )
    ]
    for picks in (
        (0,),
        (0, 4),
        (0, 1, 2, 3),
        (0, 0, 0, 4),
        (4, 4, 4, 4),
        (0, 1, 2, 2, 1),
        (0, 0, 0, 0, 4),
        (0, 1, 2, 2, 3),
        (0, 1, 3, 3, 4),
        (3, 3, 3, 4, 4),
        (0, 3, 4, 4, 4),
        (0, 1, 2, 3, 4, 0, 1, 2),
        (0,) * 9 + (4,),
    ):
        sections_ = [steps[n] for n in picks]
        expected: Case = {"method": "mean", "class": None, "status_zh": None}
        if len(picks) < 5:
            means = {name: sum(Fraction(one[name]) for one in sections_) / len(picks) for name in steps[0]}
            places_ = {"cod_mn": 0, "nh3_n": 1, "tp": 2}
            if any(half_even(value, places_[name]) != value for name, value in means.items()):
                continue  # how many decimals a mean keeps is not settled by the rule
            expected["class"] = max(item_class(table[name], value) for name, value in means.items())
        else:
            levels = [max(item_class(table[n], Fraction(v)) for n, v in one.items()) for one in sections_]
            good, worse = (
                Fraction(sum(test) * 100, len(levels)) for test in ([n <= 3 for n in levels], [n == 6 for n in levels])
            )
            expected |= {"method": "share", "status_zh": river_word(good, worse)}
        yield {
            "kind": "derived",
            "rule": "river",
            "input": {
                "body": "river",
                "sections": [{n: plain(Fraction(v)) for n, v in one.items()} for one in sections_],
            },
            "expected": expected,
            "source": "环办[2011]22号: below five sections the mean of each item, else shares (five: memory only)",
        }


def tli_levels() -> Iterator[Case]:
    for value in ("0", "29.99", "30", "30.01", "50", "50.01", "60", "60.01", "70", "70.01", "99"):
        yield {
            "kind": "derived",
            "rule": "tli_level",
            "input": {"tli": plain(Fraction(value))},
            "expected": {"level_zh": tli_word(float(value))},
            "source": "环办[2011]22号: the upper end belongs to the lower level, 30 itself is 中营养",
        }
