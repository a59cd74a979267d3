"""稳定达到N类: a class held over a whole run of periods. No source defines it: a dated project choice in a table. Pure.

It means: in the run of consecutive periods ending with the newest (12 months, 4 quarters, 3 years or 30 days; a longer
run is judged as a whole) every period has a class and every class is N or better. One worse period, and the class is
not stably reached; a period without a class, or too short a run, and it cannot be judged, unless a period is worse
anyway. `stable_class.csv` holds the figures; a later rule is put beside it with its date.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from jinyun.domains.water.items import PACKAGE
from jinyun.domains.water.limits import LABELS_EN, LABELS_ZH, edition_row
from jinyun.domains.water.shares import shares_of
from jinyun.kernel.errors import BadInput
from jinyun.kernel.tables import csv_rows
from jinyun.kernel.terms import Period, Status, Verdict, Window, china_time
from jinyun.methods.wording import window_words


@dataclass(frozen=True, slots=True)
class Stable:
    """Whether a class is stably reached, and what it rests on."""

    status: Status
    periods: int
    reached: int  # periods whose class is N or better
    missing: int  # periods without a class
    needed: int  # periods the rule asks for
    standard: str
    reason_zh: str
    reason_en: str


def stable_at(
    levels: Sequence[int | None], cls: int, *, period: Period = Period.MONTH, on: date | None = None
) -> Stable:
    """Whether `cls` is stably reached over consecutive periods.

    Parameters
    ----------
    levels : sequence of int or None
        Class of each period, oldest first, without a gap; None: the period has no class.
    cls : int
        The class N, 1…5.
    period : Period
        DAY, MONTH, QUARTER or YEAR: how long one period is.
    on : date, optional
        Day of the newest data: it chooses the rule; without it the one that holds now in the table.

    Raises
    ------
    BadInput
        For no class, or a period the rule does not know.
    NoEdition
        For a day before the rule.
    """
    if cls not in LABELS_ZH or cls == max(LABELS_ZH):
        raise BadInput(f"{cls} is no class", field="cls", hint="1 to 5")
    shares_of(levels)  # refuses what is no class
    row = edition_row("stable", on or date.max)
    rows = csv_rows(PACKAGE, row["table"])
    word = {Period.DAY: "day", Period.MONTH: "month", Period.QUARTER: "quarter", Period.YEAR: "year"}.get(period)
    least = {one["period"]: int(one["value"]) for one in rows if one["rule"] == "periods_min"}
    if word not in least:
        raise BadInput(f"no rule for periods of {period.name}", field="period", hint=f"one of {', '.join(least)}")
    share = next(Fraction(one["value"]) for one in rows if one["rule"] == "share_min")
    allowed = next(int(one["value"]) for one in rows if one["rule"] == "missing_max")
    needed, count = least[word], len(levels)
    known = [level for level in levels if level is not None]
    reached, missing = sum(level <= cls for level in known), count - len(known)
    unit = {"day": "日", "month": "个月", "quarter": "个季度", "year": "年"}[word]
    name = f"{LABELS_ZH[cls]}类"
    label = LABELS_EN[cls]

    def answer(status: Status, zh: str, en: str) -> Stable:
        return Stable(status, count, reached, missing, needed, row["standard"], zh, en)

    worse = len(known) - reached
    # What is missing could at best have reached the class.
    if count and Fraction((reached + missing) * 100, count) < share:
        return answer(
            Status.EXCEEDS, f"连续{count}{unit}中有{worse}{unit}劣于{name}",
            f"{worse} of {count} consecutive {word}s are worse than {label}",
        )  # fmt: skip
    if count < needed:
        return answer(
            Status.CANNOT_JUDGE,
            f"仅有{count}{unit}，需连续{needed}{unit}",
            f"only {count} {word}s of the {needed} needed",
        )
    if missing > allowed:
        return answer(
            Status.CANNOT_JUDGE, f"连续{count}{unit}中有{missing}{unit}无类别",
            f"{missing} of {count} consecutive {word}s have no class",
        )  # fmt: skip
    return answer(
        Status.ATTAINS, f"连续{count}{unit}均达到或优于{name}", f"all {count} consecutive {word}s are {label} or better"
    )


def judge_stable(
    name: str,
    levels: Sequence[int | None],
    cls: int,
    *,
    window: Window,
    period: Period = Period.MONTH,
    subject: str | None = None,
) -> Verdict:
    """Verdict on 稳定达到N类, see `stable_at`.

    Parameters
    ----------
    window : Window
        The newest period of the run; its day chooses the rule.
    """
    found = stable_at(levels, cls, period=period, on=china_time(window.start).date())
    when_zh, when_en = window_words(window)
    zh, en = f"稳定达到{LABELS_ZH[cls]}类", f"stably {LABELS_EN[cls]}"
    word_zh, word_en = {
        Status.ATTAINS: (zh, en),
        Status.EXCEEDS: (f"未{zh}", f"not {en}"),
        Status.CANNOT_JUDGE: (f"是否{zh}无法判定", f"cannot be judged whether {en}"),
    }[found.status]
    newest = levels[-1] if levels else None
    return Verdict(
        judge="water.stable", subject=subject or name, window=window, status=found.status,
        figure=None if found.status is Status.CANNOT_JUDGE else f"{found.reached}/{found.periods}", unit="",
        limit=str(cls), clause=found.standard, edition=found.standard,
        level=None if found.status is Status.CANNOT_JUDGE else newest, label_zh=word_zh, label_en=word_en, deciding=(),
        items=(), sentence_zh=f"{name}截至{when_zh}{word_zh}：{found.reason_zh}（项目规则，非国家标准）。",
        sentence_en=f"{name}, up to {when_en}: {word_en}: {found.reason_en} (a rule of this project, no standard).",
        extra={"levels": list(levels), "reached": found.reached, "missing": found.missing, "needed": found.needed},
    )  # fmt: skip
