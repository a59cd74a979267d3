"""Cases of outlets: reference oxygen, rates by stack height, dated limits; validity of online data."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from cases_reference.tables import Row, plain, rows, step_of

Case = dict[str, Any]


def oxygen() -> Iterator[Case]:
    for name, reference, limit in (
        ("cement kiln NOx", "10", "400"),
        ("coal boiler PM", "9", "50"),
        ("gas boiler NOx", "3.5", "200"),
        ("power-plant coal SO2", "6", "100"),
        ("gas turbine NOx", "15", "50"),
    ):
        for measured, o2 in ((limit, reference), ("30", "12"), (limit, "20.9"), ("0", "8"), ("100", "0")):
            value = Fraction(measured) * (21 - Fraction(reference)) / (21 - Fraction(o2))
            yield {
                "kind": "derived",
                "rule": "reference_oxygen",
                "input": {
                    "measured_mg_m3": plain(Fraction(measured)),
                    "o2_measured_pct": plain(Fraction(o2)),
                    "o2_reference_pct": plain(Fraction(reference)),
                    "limit": plain(Fraction(limit)),
                    "case": name,
                },
                "expected": {"converted": round(float(value), 6), "exceeds": value > Fraction(limit)},
                "tolerance": 0.01,
                "source": "C (21 - O2_ref)/(21 - O2); GB 4915 eq. 1, GB 13271 eq. 1, GB 13223",
            }


def convertible() -> Iterator[Case]:
    for o2 in ("0", "20", "20.9", "21", "21.5", "25"):
        yield {
            "kind": "derived",
            "rule": "oxygen_convertible",
            "input": {"measured_mg_m3": 30, "o2_measured_pct": plain(Fraction(o2)), "o2_reference_pct": 9},
            "expected": {"convertible": Fraction(o2) < 21},
            "source": "21 - O2 must be positive: at or above 21 % nothing can be converted or judged",
        }


def rate_rows(item: str, grade: str) -> dict[Fraction, Fraction]:
    """Stack height -> rate, of the rows without any further condition."""
    found = {}
    for row in rows("gb16297_1996.csv"):
        words = row["condition"].split()
        if row["item_code"] == item and row["group"] == f"rate_{grade}" and row["op"] == "le" and len(words) == 3:
            found[Fraction(words[1])] = Fraction(row["value"])
    return found


def rate(item: str, grade: str, height: Fraction) -> Fraction:
    table = rate_rows(item, grade)
    heights = sorted(table)
    if height in table:
        return table[height]
    if height > heights[-1]:
        return table[heights[-1]] * (height / heights[-1]) ** 2
    if height < heights[0]:
        value = table[heights[0]] * (height / heights[0]) ** 2
        return value / 2 if height < 15 else value
    low = max(h for h in heights if h < height)
    high = min(h for h in heights if h > height)
    return table[low] + (table[high] - table[low]) * (height - low) / (high - low)


def rates() -> Iterator[Case]:
    for item in ("so2", "nox", "hcl", "benzene", "toluene", "nmhc", "formaldehyde", "chlorobenzenes"):
        for grade in ("grade_2", "grade_3"):
            heights = sorted(rate_rows(item, grade))
            if not heights:
                continue
            middle = (heights[0] + heights[1]) / 2
            for height in (
                heights[0],
                heights[-1],
                middle,
                heights[1] - 1,
                heights[-1] + 20,
                Fraction(12),
                Fraction(8),
            ):
                yield {
                    "kind": "derived",
                    "rule": "gb16297_rate",
                    "input": {"item": item, "grade": grade, "stack_height_m": plain(height)},
                    "expected": {"rate_kg_h": round(float(rate(item, grade, height)), 9)},
                    "tolerance": 0.0001,
                    "source": "GB 16297-1996 table 2; 7.3, 7.4 and annex B",
                }


def _steps(row: Row) -> tuple[Fraction, ...]:
    limit, step = Fraction(row["value"]), min(step_of(row["value"]), Fraction(1, 10))
    return limit - step, limit, limit + step


def sewage() -> Iterator[Case]:
    """Each daily limit in mg/L; NH3-N by water temperature and TP by the year the plant was built."""
    table = [
        row
        for row in rows("gb18918_2002.csv")
        if row["period"] == "daily" and row["op"] == "le" and row["unit"] == "mg/L"
    ]
    for row in table:
        if row["item_code"] == "nh3_n":
            conditions: list[Case] = [{"water_temp_c": t} for t in ((12.1, 25) if ">" in row["condition"] else (12, 3))]
        elif row["item_code"] == "tp":
            conditions = [{"built": "2005-12-31" if "before" in row["condition"] else "2006-01-01"}]
        else:
            conditions = [{}]
        grade = "grade_1a" if row["group"] == "all" else row["group"]
        for given in conditions:
            for value in _steps(row):
                if value < 0:
                    continue
                yield {
                    "kind": "derived",
                    "rule": "gb18918",
                    "input": {"grade": grade, **given, f"{row['item_code']}_daily": plain(value)},
                    "expected": {"limit": plain(Fraction(row["value"])), "exceeds": value > Fraction(row["value"])},
                    "source": f"GB 18918-2002 table {row['table_no']} {row['condition']}".strip(),
                }


def boilers() -> Iterator[Case]:
    table = [row for row in rows("gb13271_2014.csv") if row["unit"] == "mg/m3"]
    for row in table:
        provinces = ("重庆", "四川") if row["condition"] else ("北京",)
        for province in provinces:
            for value in _steps(row):
                if value >= 0:
                    yield _boiler(row, province, value)
        if not row["condition"] and not any(_exception(row, other) for other in table):
            yield _boiler(row, "重庆", Fraction(row["value"]))


def _exception(row: Row, other: Row) -> bool:
    return bool(other["condition"]) and all(row[key] == other[key] for key in ("item_code", "group", "stage"))


def _boiler(row: Row, province: str, value: Fraction) -> Case:
    return {
        "kind": "derived",
        "rule": "gb13271",
        "input": {
            "province": province,
            "fuel": row["group"],
            "stage": row["stage"],
            f"{row['item_code']}_converted": plain(value),
        },
        "expected": {"limit": plain(Fraction(row["value"])), "exceeds": value > Fraction(row["value"])},
        "source": f"GB 13271-2014 table {row['table_no']} {row['condition']}".strip(),
    }


def online() -> Iterator[Case]:
    for minutes in (0, 44, 45, 46, 60):
        yield {
            "kind": "derived",
            "rule": "valid_hour",
            "input": {"valid_minutes": minutes},
            "expected": {"valid": minutes >= 45},
            "source": "HJ 75-2017: 45 minutes",
        }
    for hours, stopped, invalid in ((2184, 184, 150), (2184, 0, 0), (2160, 160, 500), (720, 700, 20), (100, 0, 25)):
        share = Fraction(hours - stopped - invalid, hours - stopped) * 100
        yield {
            "kind": "derived",
            "rule": "capture_rate",
            "input": {"hours": hours, "stopped": stopped, "invalid": invalid},
            "expected": {"capture_rate_pct": round(float(share), 6)},
            "tolerance": 0.01,
            "source": "HJ 75-2017: (hours - stopped - invalid)/(hours - stopped)",
        }
    for rate_, gap in (
        (100, 24),
        (90, 24),
        (90, 25),
        (90, 1),
        (89.9, 24),
        (89.9, 100),
        (75, 1),
        (74.9, 1),
        (74.9, 100),
        (0, 1),
    ):
        hours_ = 2160 if 75 <= rate_ < 90 else None if rate_ < 75 else 180 if gap <= 24 else 720
        yield {
            "kind": "derived",
            "rule": "substitution_window",
            "input": {"capture_rate_pct": rate_, "bad_hours": gap},
            "expected": {"valid_hours_before": hours_},
            "source": "HJ 75-2017, substitution of the amount",
        }
    for limit, hourly, flags in (
        (50, [50, 50.1, 49.9, 51], "NNNN"),
        (50, [60, 60, 60, 60, 60, 60, 60, 60], "NFMSDCTB"),
        (30, [None, 31, None, 30], "NNMN"),
        (35, [35.0, 36, 34.9, 120], "NDNN"),
        (100, [], ""),
    ):
        over = [
            n for n, (v, f) in enumerate(zip(hourly, flags, strict=True), 1) if f == "N" and v is not None and v > limit
        ]
        yield {
            "kind": "derived",
            "rule": "gas_hourly_judgement",
            "expected": {"exceed_hours_1_based": over},
            "input": {"limit": limit, "hourly": hourly, "flags": list(flags)},
            "source": "one valid hourly mean above the limit is an exceedance; only flag N counts",
        }
    for conc, flow in (
        ([40, 60, 80], [100, 200, 100]),
        ([10, 90], [1, 0]),
        ([12.5, 33.1, 7.9], [5, 3.3, 8.1]),
        ([50], [9]),
    ):
        pairs = [(Fraction(str(c)), Fraction(str(q))) for c, q in zip(conc, flow, strict=True)]
        mean = sum(c * q for c, q in pairs) / sum(q for _, q in pairs)
        yield {
            "kind": "derived",
            "rule": "water_flow_weighted_day",
            "input": {"conc_mg_l": conc, "flow_m3": flow},
            "expected": {"mean": round(float(mean), 6)},
            "tolerance": 0.001,
            "source": "HJ 356-2019, flow-weighted daily mean (memory only)",
        }
    for at, good in (
        ("2023-05-03T23:59", True),
        ("2023-05-04T00:00", True),
        ("2023-05-04T12:00", True),
        ("2023-05-04T12:01", False),
        ("2023-05-05T09:00", False),
    ):
        yield {
            "kind": "derived",
            "rule": "marking_deadline",
            "input": {"data_day": "2023-05-03", "marked_at": at},
            "expected": {"in_time": good},
            "source": "公告2022年第21号: by 12:00 of the next day",
        }
    for wet, moisture in ((80, 12), (100, 0), (45.5, 7.3), (0, 10), (20, 50)):
        dry = Fraction(str(wet)) / (1 - Fraction(str(moisture)) / 100)
        yield {
            "kind": "derived",
            "rule": "wet_to_dry",
            "input": {"wet": wet, "moisture_pct": moisture},
            "expected": {"dry": round(float(dry), 6)},
            "tolerance": 0.001,
            "source": "HJ 75-2017: C_dry = C_wet/(1 - X/100)",
        }
