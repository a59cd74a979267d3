"""Status of a river or basin from the shares of its sections, and its change between periods: 环办[2011]22号. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from jinyun.domains.water.limits import PACKAGE, WORSE, rule
from jinyun.kernel.errors import BadInput
from jinyun.kernel.tables import csv_rows

TABLE = "surface_water_evaluation_2011.csv"


def _group(name: str) -> list[dict[str, str]]:
    rows = [row for row in csv_rows(PACKAGE, TABLE) if row["rule_group"] == name]
    return sorted(rows, key=lambda row: row["order_no"])


def _within(value: Decimal, row: Mapping[str, str]) -> bool:
    tests = {"ge": value.__ge__, "gt": value.__gt__, "le": value.__le__, "lt": value.__lt__}
    bounds = ((row["op_lo"], row["lo"]), (row["op_hi"], row["hi"]))
    return all(tests[op](Decimal(limit)) for op, limit in bounds if op)


def _condition(worse: Decimal, text: str) -> bool:
    """Read the second condition of a row, e.g. ``20 <= worse_than_class_5 share < 40``."""
    if not text:
        return True
    left, _, right = text.partition("worse_than_class_5 share")
    low = left.replace("<=", "").strip()
    op, _, high = right.strip().partition(" ")
    limit = Decimal(high or "0")
    upper = {"<": worse < limit, ">=": worse >= limit, "": True}[op]
    return upper and (not low or worse >= Decimal(low))


def river_status(good_share: Decimal, worse_share: Decimal, sections: int) -> str:
    """Status word (Chinese) of a river with enough sections.

    Parameters
    ----------
    good_share, worse_share : Decimal
        Share of sections of class I–III, and worse than class V. [%]

    Raises
    ------
    BadInput
        With fewer sections than shares need: average each item over the sections and classify once instead.
    """
    least = int(rule("river_sections_min"))
    if sections < least:
        raise BadInput(
            f"{sections} sections are too few for shares", field="sections",
            hint=f"below {least} sections average each item over them and classify once",
        )  # fmt: skip
    for row in _group("river_basin_status"):
        if _within(good_share, row) and _condition(worse_share, row["condition"]):
            return row["label_zh"]
    raise BadInput(f"shares {good_share} % and {worse_share} % fit no row of the table", hint="they are 0 to 100 each")


def shares(levels: Sequence[int]) -> tuple[Decimal, Decimal]:
    """Share of class I–III and of worse than class V among sections' classes. [%], not rounded"""
    if not levels:
        raise BadInput("no section, no share")
    good = sum(level <= int(rule("reference_class")) for level in levels)
    return Decimal(good * 100) / len(levels), Decimal(sum(n == WORSE for n in levels) * 100) / len(levels)


@dataclass(frozen=True, slots=True)
class ShareChange:
    """Change between two periods by shares."""

    points: Decimal  # change of I–III minus change of worse than V
    label_zh: str


def share_change(good: tuple[Decimal, Decimal], worse: tuple[Decimal, Decimal]) -> ShareChange:
    """Change from the first to the second period; each pair is (before, after). [%]"""
    points = (good[1] - good[0]) - (worse[1] - worse[0])
    words = ("无明显变化", "有所", "明显")
    for row in _group("trend_class_share"):
        if _within(abs(points), row):
            step = int(row["order_no"]) - 1
            return ShareChange(points, words[step] + ("" if step == 0 else "好转" if points > 0 else "变差"))
    raise BadInput(f"a change of {points} points fits no row of the table")
