"""Shares of sections by class, and the rows of 环办[2011]22号 that they are compared with. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from jinyun.domains.water.items import PACKAGE
from jinyun.domains.water.limits import LABELS_ZH, WORSE, rule
from jinyun.kernel.errors import BadInput
from jinyun.kernel.tables import csv_rows
from jinyun.methods.statistics import round_fraction

TABLE = "surface_water_evaluation_2011.csv"


def rule_group(name: str) -> list[dict[str, str]]:
    """Rows of one group of rules in their order."""
    rows = [row for row in csv_rows(PACKAGE, TABLE) if row["rule_group"] == name]
    return sorted(rows, key=lambda row: row["order_no"])


def within(value: Decimal | Fraction, row: Mapping[str, str]) -> bool:
    """Whether a value [the row's unit: % or points] lies between the bounds of a row (`op_lo lo`, `op_hi hi`)."""
    exact = Fraction(value)
    tests = {"ge": exact.__ge__, "gt": exact.__gt__, "le": exact.__le__, "lt": exact.__lt__}
    bounds = ((row["op_lo"], row["lo"]), (row["op_hi"], row["hi"]))
    return all(tests[op](Fraction(limit)) for op, limit in bounds if op)


@dataclass(frozen=True, slots=True)
class Shares:
    """How many sections have which class. Shares are exact; the printed ones are rounded once, by GB/T 8170."""

    counts: Mapping[int, int]  # by class 1…6
    unjudged: int = 0  # sections without a class, in no share

    @property
    def total(self) -> int:
        """Sections with a class."""
        return sum(self.counts.values())

    @property
    def good(self) -> int:
        """Sections of class I to III."""
        return sum(n for level, n in self.counts.items() if level <= int(rule("reference_class")))

    @property
    def worse(self) -> int:
        """Sections worse than class V."""
        return self.counts.get(WORSE, 0)

    def share(self, number: int) -> Fraction:
        """`number` of all judged sections. [%]

        Raises
        ------
        BadInput
            When no section has a class.
        """
        if not self.total:
            raise BadInput("no section, no share")
        return Fraction(number * 100, self.total)

    @property
    def good_share(self) -> Fraction:
        """Share of class I to III. [%], exact"""
        return self.share(self.good)

    @property
    def worse_share(self) -> Fraction:
        """Share worse than class V. [%], exact"""
        return self.share(self.worse)

    def printed(self, share: Fraction) -> str:
        """A share [%] rounded once, without the sign."""
        return str(round_fraction(share, int(rule("share_places"))))


def shares_of(levels: Sequence[int | None]) -> Shares:
    """Sections counted by class; None: a section that could not be judged.

    Raises
    ------
    BadInput
        For a number that is no class.
    """
    counts = dict.fromkeys(LABELS_ZH, 0)
    for level in levels:
        if level is not None and level not in counts:
            raise BadInput(f"{level} is no class", field="level", hint="1 to 6; 6 is worse than Class V")
        if level is not None:
            counts[level] += 1
    return Shares(counts, sum(level is None for level in levels))


@dataclass(frozen=True, slots=True)
class GoodRatio:
    """优良水体比例 as a bureau prints it. `percent` exact, `printed` rounded once."""

    good: int
    total: int
    percent: Fraction
    printed: str
    worse: int
    worse_printed: str
    unjudged: int


def good_ratio(levels: Sequence[int | None]) -> GoodRatio:
    """Share of sections of class I to III among the judged ones. [%]

    Parameters
    ----------
    levels : sequence of int or None
        Class of each section, 1…6; None: could not be judged, counted apart.

    Raises
    ------
    BadInput
        When no section has a class.
    """
    found = shares_of(levels)
    good, worse = found.good_share, found.worse_share
    return GoodRatio(
        found.good, found.total, good, found.printed(good), found.worse, found.printed(worse), found.unjudged
    )


def point_change(now: GoodRatio | Fraction | Decimal, before: GoodRatio | Fraction | Decimal) -> Decimal:
    """Difference of two shares in percentage points, from the exact shares, rounded once. [points]"""
    first, second = (Fraction(one.percent) if isinstance(one, GoodRatio) else Fraction(one) for one in (now, before))
    return round_fraction(first - second, int(rule("share_places")))


def ratio_sentence(now: GoodRatio, before: GoodRatio | None = None) -> tuple[str, str]:
    """As a bureau prints it: ``42个断面中Ⅰ～Ⅲ类断面41个，占97.6%，同比提高7.1个百分点``; Chinese and English."""
    zh = f"{now.total}个断面中Ⅰ～Ⅲ类断面{now.good}个，占{now.printed}%"
    en = f"{now.good} of {now.total} sections are Class I to III, {now.printed} %"
    if before is not None:
        points = point_change(now, before)
        if points == 0:
            zh, en = f"{zh}，同比持平", f"{en}, the same as a year before"
        else:
            word_zh, word_en = ("提高", "up") if points > 0 else ("下降", "down")
            zh = f"{zh}，同比{word_zh}{abs(points)}个百分点"
            en = f"{en}, {word_en} {abs(points)} percentage points on the year before"
    if now.unjudged:
        zh, en = f"{zh}（另有{now.unjudged}个断面无法判定）", f"{en} ({now.unjudged} more cannot be judged)"
    return zh, en


def target_attainment(classes: Sequence[tuple[int | None, int]]) -> GoodRatio:
    """断面达标率: sections whose class meets **their own** target class, which may be IV, among the judged ones. [%]

    Parameters
    ----------
    classes : sequence of (class, target class)
        Class None: could not be judged, counted apart.

    Raises
    ------
    BadInput
        When no section has a class.
    """
    judged = [(level, target) for level, target in classes if level is not None]
    if not judged:
        raise BadInput("no section has a class, no share")
    good, worse = sum(level <= target for level, target in judged), sum(level == WORSE for level, _ in judged)
    places, all_ = int(rule("share_places")), len(judged)
    share, share_worse = Fraction(good * 100, all_), Fraction(worse * 100, all_)
    return GoodRatio(
        good, all_, share, str(round_fraction(share, places)), worse, str(round_fraction(share_worse, places)),
        len(classes) - all_,
    )  # fmt: skip
