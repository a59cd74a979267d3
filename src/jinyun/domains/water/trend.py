"""Trend over five periods or more by Spearman's rank correlation. Formula and critical values are from memory. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from jinyun.domains.water.items import PACKAGE
from jinyun.domains.water.limits import rule
from jinyun.kernel.errors import BadInput
from jinyun.kernel.tables import csv_rows
from jinyun.methods.statistics import round_fraction

TABLE = "spearman_w.csv"


@dataclass(frozen=True, slots=True)
class Trend:
    """Rank correlation of values with time. `rises` is of the values: rising concentrations mean worse water."""

    r: Fraction  # exact
    printed: str
    n: int
    critical: Decimal  # |r| at or above it is significant
    critical_n: int  # row of the table it comes from
    significant: bool
    ties: bool  # equal values: they share the mean of their ranks
    label_zh: str
    label_en: str

    @property
    def rises(self) -> bool | None:
        """True rising, False falling, None when not significant."""
        return self.r > 0 if self.significant else None


def ranks(values: Sequence[Decimal]) -> list[Fraction]:
    """Rank of each value, smallest first, from 1; equal values share the mean of their ranks."""
    ordered = sorted(values)
    first: dict[Decimal, int] = {}
    count: dict[Decimal, int] = {}
    for place, value in enumerate(ordered, 1):
        first.setdefault(value, place)
        count[value] = count.get(value, 0) + 1
    return [Fraction(2 * first[value] + count[value] - 1, 2) for value in values]


def critical_value(n: int) -> tuple[Decimal, int]:
    """W at 0.05 for `n` periods and the row it comes from.

    Between rows that of the next smaller number of periods, above the last row the last: both are the stricter choice.

    Raises
    ------
    BadInput
        For fewer periods than the table begins with.
    """
    rows = {int(row["n"]): Decimal(row["value"]) for row in csv_rows(PACKAGE, TABLE)}
    fitting = [known for known in rows if known <= n]
    if not fitting:
        raise BadInput(f"{n} periods are too few for a trend", field="values", hint=f"at least {min(rows)}")
    return rows[max(fitting)], max(fitting)


def spearman(values: Sequence[Decimal]) -> Trend:
    """Trend of a value over consecutive periods, oldest first: r = 1 − 6 Σd² / (N³ − N).

    The formula holds for values that all differ. Equal ones share the mean of their ranks in the same formula, and
    `ties` says that r is then an approximation (at most a little too large).

    Parameters
    ----------
    values : sequence of Decimal
        One per period, five or more, without a gap.

    Raises
    ------
    BadInput
        With fewer than five periods.
    """
    n, least = len(values), int(rule("trend_periods_min"))
    if n < least:
        raise BadInput(f"{n} periods are too few for a trend", field="values", hint=f"at least {least}")
    squares = sum((rank - place) ** 2 for place, rank in enumerate(ranks(values), 1))
    r = 1 - Fraction(6) * squares / (n**3 - n)
    critical, row = critical_value(n)
    significant = abs(r) >= Fraction(critical)
    zh, en = "无显著变化趋势", "no significant trend"
    if significant:
        zh, en = ("显著上升", "rises significantly") if r > 0 else ("显著下降", "falls significantly")
    printed = str(round_fraction(r, int(rule("spearman_places"))))
    return Trend(r, printed, n, critical, row, significant, len(set(values)) < n, zh, en)
