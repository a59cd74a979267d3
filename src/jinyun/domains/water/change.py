"""Change between two periods: by words of a section or river, by shares of many sections, 环办[2011]22号. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from jinyun.domains.water.items import PACKAGE
from jinyun.domains.water.limits import status_words
from jinyun.domains.water.shares import TABLE, rule_group, within
from jinyun.kernel.errors import BadInput
from jinyun.kernel.tables import csv_rows

SIZE_EN = ("no clear change", "some", "marked")
WORDS_EN = {"好转": "improvement", "变差": "deterioration"}


@dataclass(frozen=True, slots=True)
class ShareChange:
    """Change between two periods by shares. `points`: change of I–III minus change of worse than V. [points]"""

    points: Decimal
    label_zh: str
    label_en: str = ""


@dataclass(frozen=True, slots=True)
class StatusChange:
    """Change of one section or river by its status word. `steps` > 0: better."""

    steps: int
    label_zh: str
    label_en: str


def share_change(good: tuple[Decimal, Decimal], worse: tuple[Decimal, Decimal]) -> ShareChange:
    """Change from the first to the second period; each pair is (before, after). [%]

    dG − dD: up to 10 points no clear change, up to 20 some, above marked (thresholds from memory).

    Raises
    ------
    BadInput
        When no row of the table holds the change.
    """
    points = (good[1] - good[0]) - (worse[1] - worse[0])
    for row in rule_group("trend_class_share"):
        if within(abs(points), row):
            return ShareChange(points, *_label(int(row["order_no"]) - 1, points > 0))
    raise BadInput(f"a change of {points} points fits no row of the table")


def _label(size: int, better: bool) -> tuple[str, str]:
    if size == 0:
        return "无明显变化", SIZE_EN[0]
    word = "好转" if better else "变差"
    return f"{('', '有所', '明显')[size]}{word}", f"{SIZE_EN[size]} {WORDS_EN[word]}"


def status_change(before: str, after: str) -> StatusChange:
    """Change between two status words (优 … 重度污染): the same, one step, two or more.

    Raises
    ------
    BadInput
        For a word that is no status.
    """
    words = list(dict.fromkeys(zh for zh, _ in status_words().values()))
    for word in (before, after):
        if word not in words:
            raise BadInput(f"{word!r} is no status word", field="status", hint=f"one of {', '.join(words)}")
    steps = words.index(before) - words.index(after)
    for row in csv_rows(PACKAGE, TABLE):
        if row["rule_group"] == "trend_status_steps":
            bound = row["rule_code"]
            least = int(bound.removesuffix("+"))
            if abs(steps) == least or (bound.endswith("+") and abs(steps) >= least):
                return StatusChange(steps, *_label(int(row["order_no"]) - 1, steps > 0))
    raise BadInput(f"a change of {steps} steps fits no row of the table")


def class_change(before: int, after: int) -> StatusChange:
    """Change of one section between two classes (1…6), by their status words: Ⅰ to Ⅱ is none, both are 优.

    Raises
    ------
    BadInput
        For a number that is no class.
    """
    words = status_words()
    for level in (before, after):
        if level not in words:
            raise BadInput(f"{level} is no class", field="level", hint="1 to 6; 6 is worse than Class V")
    return status_change(words[before][0], words[after][0])
