"""Range of a fine 处罚裁量: the statutory frame and a table of bands. Pure.

It shows a range and its grounds, and never decides. The table of bands is that of one province, as a pattern: "below"
excludes and "above" includes the number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from jinyun.domains.supervision.rules import PACKAGE, compares, rule_text
from jinyun.kernel.errors import BadInput
from jinyun.kernel.tables import csv_rows

BANDS, STATUTORY = "penalty_bands_manifest_example.csv", "penalty_statutory_hw.csv"
ANY = "any"
CORRECTED = {True: "corrected in time", False: "not corrected"}
SIGNS = {">=": "ge", ">": "gt", "<=": "le", "<": "lt"}
CONDITION = re.compile(r"(>=|<=|>|<)\s*([\d.]+)")
TIMES = re.compile(r"^([\d.]+) x cost$")
AT_LEAST = re.compile(r"cost at least ([\d.]+)")
ITEM = re.compile(r"\((\d+)\)")


@dataclass(frozen=True, slots=True)
class Band:
    """A range of a fine. [10k yuan]"""

    low: Decimal
    high: Decimal
    grounds: str  # row it stands in
    source: str

    @property
    def ordinary(self) -> Decimal:
        """The middle of the range. [10k yuan]"""
        return (self.low + self.high) / 2


def penalty_band(degree: str, quantity: Decimal, corrected: bool, repeats: int, *, grave: bool = False) -> Band:
    """The band of an unfilled or wrong manifest.

    Parameters
    ----------
    degree : str
        ``filled_but_wrong`` or ``not_filled``.
    quantity : Decimal
        [t]
    repeats : int
        Same offence within two years, how many times before.
    grave : bool
        Grave effect: the row of that, whatever the rest.

    Raises
    ------
    BadInput
        For a degree, quantity or count that no row holds.
    """
    rows = csv_rows(PACKAGE, BANDS)
    wanted = rule_text("penalty_degree_grave", ANY) if grave else degree
    known = list(dict.fromkeys(row["degree"] for row in rows))
    if wanted not in known:
        raise BadInput(f"degree {degree!r}", field="degree", hint=f"known: {', '.join(known)}")
    for row in rows:
        fits = (
            row["degree"] == wanted
            and _in(row["quantity"], quantity)
            and row["correction"] in (ANY, CORRECTED[corrected])
            and _in(row["same_offence_in_2_years"], Decimal(repeats))
        )
        if fits:
            grounds = ", ".join(row[name] for name in ("degree", "quantity", "correction", "same_offence_in_2_years"))
            return Band(Decimal(row["fine_low"]), Decimal(row["fine_high"]), grounds, row["source"])
    raise BadInput(f"no band for {degree}, {quantity} t, {repeats} times before", field="quantity")


def statutory_range(article: str, disposal_cost: Decimal | None = None, *, item: int | None = None) -> Band:
    """The range the law sets, from an article and its item.

    Parameters
    ----------
    article : str
        As ``penalty_statutory_hw.csv`` begins it: ``112``, ``113``, ``114 no licence``, ``114 outside licence``.
    disposal_cost : Decimal, optional
        Of the waste; where the fine is a multiple of it, and never taken below the law's least. [10k yuan]

    Raises
    ------
    BadInput
        For an unknown article or item, or a cost that is missing where the fine depends on it.
    """
    rows = csv_rows(PACKAGE, STATUTORY)
    for row in rows:
        name, _, items = row["article"].partition("(")
        numbers = [int(one) for one in ITEM.findall(f"({items}")]
        if name != article or (numbers and item not in numbers):
            continue
        cost = None
        if "cost" in row["low"]:
            if disposal_cost is None:
                raise BadInput(f"article {article} asks for the disposal cost", field="disposal_cost", hint="10k yuan")
            least = AT_LEAST.search(row["unit"])
            cost = max(disposal_cost, Decimal(least.group(1))) if least else disposal_cost
        grounds = f"art {article}" + (f" item {item}" if item is not None else "") + f": {row['what']}"
        return Band(_money(row["low"], cost), _money(row["high"], cost), grounds, row["source"])
    known = ", ".join(row["article"] for row in rows)
    raise BadInput(f"article {article!r} item {item}", field="article", hint=f"known: {known}")


def _money(text: str, cost: Decimal | None) -> Decimal:
    times = TIMES.match(text)
    return Decimal(text) if times is None or cost is None else Decimal(times.group(1)) * cost


def _in(text: str, value: Decimal) -> bool:
    """Whether a value lies in a band as the table writes it: ``<3 t``, ``>=3 and <10 t``, ``1-2``, ``0``, ``any``."""
    if text == ANY:
        return True
    found = CONDITION.findall(text)
    if found:
        return all(compares(SIGNS[sign], value, Decimal(limit)) for sign, limit in found)
    low, _, high = text.partition("-")
    return Decimal(low) <= value <= Decimal(high or low)


def bands() -> tuple[Mapping[str, str], ...]:
    """The table of bands, as it is."""
    return csv_rows(PACKAGE, BANDS)
