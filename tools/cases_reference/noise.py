"""Cases of noise: energy means, percent levels, city grades at every edge, background correction."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import log10
from typing import Any

from cases_reference.tables import half_even, plain, rows

Case = dict[str, Any]


def energy(levels: list[float], weights: list[float] | None = None) -> float:
    weights = weights or [1.0] * len(levels)
    return 10 * log10(sum(w * 10 ** (level / 10) for level, w in zip(levels, weights, strict=True)) / sum(weights))


def means() -> Iterator[Case]:
    for levels, weights in (
        ([60, 70], [1, 1]),
        ([60, 70], [9, 1]),
        ([55.5], [3]),
        ([40, 50, 60, 70], [1, 2, 3, 4]),
        ([65, 65, 65], [1, 5, 9]),
        ([35.2, 88.8], [3599, 1]),
    ):
        yield {
            "kind": "derived",
            "rule": "leq",
            "input": {"levels": levels, "weights": weights},
            "tolerance": 0.01,
            "expected": {"leq": round(energy(levels, weights), 6)},
            "source": "10 lg(Σ t·10^(0.1 L)/Σ t)",
        }
    days = (
        [55] * 16,
        [50, 52, 54, 56, 58, 60, 62, 64, 64, 62, 60, 58, 56, 54, 52, 50],
        [70.5] * 15 + [40],
        [61.3, 62.7, 64, 66.1, 65.8, 64.9, 63.2, 62, 61.1, 62.4, 63.3, 65.5, 66.6, 64.4, 62.2, 60.5],
    )
    nights = ([45] * 8, [48, 46, 44, 42, 41, 41, 43, 47], [40] * 7 + [65], [55.5, 54, 52, 50.5, 49, 49.5, 51, 54.5])
    for day, night in zip(days, nights, strict=True):
        ld, ln = energy([float(v) for v in day]), energy([float(v) for v in night])
        ldn = 10 * log10((16 * 10 ** (ld / 10) + 8 * 10 ** ((ln + 10) / 10)) / 24)
        yield {
            "kind": "derived",
            "rule": "ld_ln_ldn",
            "input": {"day_hours_06_22": day, "night_hours_22_06": night},
            "expected": {"ld": round(ld, 4), "ln": round(ln, 4), "ldn": round(ldn, 4)},
            "tolerance": 0.01,
            "source": "GB 3096-2008 3.3-3.5: 16 h by day, 8 h by night + 10 dB",
        }
    for samples in (list(range(1, 101)), list(range(100, 0, -1)), [50] * 100, [40 + n % 10 for n in range(100)]):
        ordered = sorted(samples, reverse=True)
        yield {
            "kind": "derived",
            "rule": "percent_levels",
            "input": {"samples": samples},
            "tolerance": 0.001,
            "expected": {"l10": ordered[9], "l50": ordered[49], "l90": ordered[89]},
            "source": "100 samples sorted downward: the 10th, 50th and 90th",
        }
    for leq, length in (
        ([70.2, 66.5, 68.9], [1200, 800, 2000]),
        ([68], [500]),
        ([60, 80], [3000, 1000]),
        ([67.7, 67.9], [1, 1]),
    ):
        total = sum(Fraction(str(a)) * b for a, b in zip(leq, length, strict=True)) / sum(length)
        yield {
            "kind": "derived",
            "rule": "road_length_weighted",
            "input": {"leq": leq, "length_m": length},
            "expected": {"mean": round(float(total), 6)},
            "tolerance": 0.001,
            "source": "HJ 640-2012: length-weighted arithmetic mean",
        }


TOPICS = {"area_noise": "area", "road_traffic_noise": "road"}


def grades() -> Iterator[Case]:
    table = rows("hj640_2012.csv")
    for row in table:
        if not row["hi"]:
            continue
        for shift in ("-0.1", "0", "0.04", "0.05", "0.06", "0.1", "0.15"):
            value = Fraction(row["hi"]) + Fraction(shift)
            printed = half_even(value, 1)
            same = [r for r in table if (r["topic"], r["period"]) == (row["topic"], row["period"])]
            word = next(r["quality_zh"] for r in same if not r["hi"] or printed <= Fraction(r["hi"]))
            yield {
                "kind": "derived",
                "rule": "hj640_grade",
                "input": {"topic": TOPICS[row["topic"]], "period": row["period"], "mean_leq": plain(value)},
                "expected": {"quality_zh": word},
                "why": f"{shift} beside the edge {row['hi']}, rounded to 0.1 dB first",
                "source": f"HJ 640-2012 ({row['verified']})",
            }


def corrected(measured: Fraction, background: Fraction) -> Fraction | None:
    """Above 10 dB nothing, below 3 dB unusable, else the difference is rounded to an integer for the table."""
    difference = measured - background
    if difference > 10:
        return measured
    if difference < 3:
        return None
    rounded = half_even(difference, 0)
    return measured - (3 if rounded == 3 else 2 if rounded <= 5 else 1)


def background() -> Iterator[Case]:
    for difference in (
        "0",
        "2",
        "2.9",
        "3",
        "3.4",
        "3.5",
        "3.6",
        "4",
        "4.4",
        "4.5",
        "5",
        "5.4",
        "5.5",
        "5.6",
        "6",
        "8",
        "9.5",
        "9.9",
        "10",
        "10.1",
        "11",
        "20",
    ):
        measured = Fraction("63.5")
        result = corrected(measured, measured - Fraction(difference))
        yield {
            "kind": "derived",
            "rule": "background_correction",
            "input": {"measured": plain(measured), "background": plain(measured - Fraction(difference))},
            "expected": {"corrected": plain(result)},
            "tolerance": 0.01,
            "why": f"difference {difference} dB",
            "source": "GB 12348-2008 5.7",
        }


def zones() -> Iterator[Case]:
    """Ld and Ln of each function zone: 0.1 dB below, on and above the limit."""
    for row in rows("gb3096_2008.csv"):
        if row["table_no"] != "1":
            continue
        limit, name = Fraction(row["value"]), "ld" if row["period"] == "day" else "ln"
        for shift in ("-0.1", "0", "0.04", "0.05", "0.06", "0.1"):
            value = limit + Fraction(shift)
            keeps = half_even(value, 1) <= limit
            yield {
                "kind": "derived",
                "rule": "function_zone",
                "input": {"zone": row["group"].removeprefix("zone_"), name: plain(value)},
                "expected": {f"{row['period']}_attains": keeps},
                "source": "GB 3096-2008 table 1, levels printed at 0.1 dB",
            }


TABLES = {"gb12348_2008.csv": "GB 12348-2008", "gb22337_2008.csv": "GB 22337-2008", "gb12523_2011.csv": "GB 12523-2011"}


def boundaries() -> Iterator[Case]:
    """Each boundary limit, with and without background, and measured indoors against the limit less 10 dB."""
    for table, standard in TABLES.items():
        for row in rows(table):
            if row["table_no"] != "1" or row["item_code"] != "leq" or row["op"] != "le":
                continue
            limit = Fraction(row["value"])
            where = {"zone": row["group"].removeprefix("zone_")} if row["group"].startswith("zone_") else {}
            for shift in ("-0.1", "0", "0.1"):
                level = limit + Fraction(shift)
                given = {"standard": standard, **where, "period": row["period"]}
                for more in (
                    {"leq": level},
                    {"leq": level - 10, "indoor": True},
                    {"leq": level + 3, "background": level},  # 3 dB above it: 3 are taken off
                    {"leq": level + 1, "background": level - 7},  # 8 dB above it: 1 is taken off
                    {"leq": level + 1, "background": level - Fraction("1.9")},  # 2.9 dB: not usable
                ):
                    keeps: bool | None = level <= limit
                    if "background" in more and more["leq"] - more["background"] < 3:
                        keeps = None
                    yield {
                        "kind": "derived",
                        "rule": "boundary",
                        "input": {**given, **{key: plain(value) for key, value in more.items()}},
                        "expected": {"attains": keeps},
                        "source": f"{standard} table 1; background by GB 12348-2008 5.7",
                    }
