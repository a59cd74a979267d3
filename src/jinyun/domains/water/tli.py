"""Trophic level index of lakes 综合营养状态指数 TLI(Σ), 环办[2011]22号. Pure.

TLI(j) = 10 (a + b ln x); TLI = Σ W_j TLI(j), W_j = r_j² / Σ r². The weights are computed from the correlations, since
printed four-decimal weights drift.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, localcontext

from jinyun.domains.water.items import PACKAGE
from jinyun.domains.water.limits import edition_row, rule
from jinyun.kernel.errors import BadInput
from jinyun.kernel.rounding import round_gb
from jinyun.kernel.tables import csv_rows

LEVEL_EN: Mapping[str, str] = {
    "贫营养": "oligotrophic", "中营养": "mesotrophic", "轻度富营养": "lightly eutrophic",
    "中度富营养": "moderately eutrophic", "重度富营养": "heavily eutrophic",
}  # fmt: skip

DIGITS = 40
"""Significant digits of the logarithms."""


@dataclass(frozen=True, slots=True)
class Tli:
    """The index. `total` None: it cannot be told, and `reason_zh`, `reason_en` say why."""

    total: Decimal | None  # rounded once, as printed
    parts: Mapping[str, Decimal]  # TLI(j), not rounded to a printed place
    weights: Mapping[str, Decimal]
    level: int | None  # 1 贫 … 5 重度富
    level_zh: str
    level_en: str
    standard: str
    reason_zh: str = ""
    reason_en: str = ""
    missing: tuple[str, ...] = field(default=())


def tli(values: Mapping[str, Decimal | None], *, on: date | None = None, reweight: bool = False) -> Tli:
    """Trophic level index of one lake or point.

    Parameters
    ----------
    values : mapping
        ``chl_a`` [mg/m3], ``tp`` [mg/L], ``tn`` [mg/L], ``sd`` transparency [m], ``cod_mn`` [mg/L]; all means of the
        same period. Others are not looked at.
    on : date, optional
        Day of the data.
    reweight : bool
        With an item missing, weigh the others among themselves: never done unless asked, and chlorophyll-a must be
        there since the correlations are with it.

    Returns
    -------
    Tli
        Without a total when an item is missing, zero or below (its logarithm is not defined).
    """
    day = on or date.max
    row, rows = edition_row("tli", day), csv_rows(PACKAGE, edition_row("tli", day)["table"])
    known = {one["parameter_code"]: one for one in rows}
    missing = tuple(code for code in known if values.get(code) is None)
    bad = tuple(code for code in known if (value := values.get(code)) is not None and value <= 0)
    parts: dict[str, Decimal] = {}
    with localcontext() as context:
        context.prec = DIGITS
        for code, one in known.items():
            value = values.get(code)
            if value is not None and value > 0:
                parts[code] = 10 * (Decimal(one["intercept_a"]) + Decimal(one["slope_b"]) * value.ln())
        used = [code for code in known if code in parts] if reweight else list(known)
        squares = {code: Decimal(known[code]["r_ij"]) ** 2 for code in used}
        total_squares = sum(squares.values(), Decimal(0))
        weights = {code: square / total_squares for code, square in squares.items()} if total_squares else {}
        sum_ = sum((weights[code] * parts[code] for code in used if code in parts), Decimal(0))
    if bad or (missing and not reweight) or "chl_a" in missing:
        zh = "、".join(known[code]["parameter_zh"] for code in (*missing, *bad))
        lost, en = "缺测" if not bad else "缺测或不大于零", ", ".join((*missing, *bad))
        word = "is missing" if not bad else "is missing or not above zero"
        return Tli(
            None, parts, weights, None, "无法判定", "cannot be judged", row["standard"],
            f"{zh}{lost}，不能在其余项目间重新分配权重",
            f"{en} {word}; the others are not weighed anew in silence", missing,
        )  # fmt: skip
    total = round_gb(sum_, int(rule("tli_places")))
    level, zh = tli_level(total, on=on)
    note = ("、".join(known[code]["parameter_zh"] for code in missing), ", ".join(missing))
    return Tli(
        total, parts, weights, level, zh, LEVEL_EN[zh], row["standard"],
        f"{note[0]}缺测，按要求在其余项目间重新分配权重" if missing else "",
        f"{note[1]} missing, the others weighed anew as asked" if missing else "", missing,
    )  # fmt: skip


def tli_level(total: Decimal, *, on: date | None = None) -> tuple[int, str]:
    """Trophic level of an index: 1 below 30, 2 to 50, 3 to 60, 4 to 70, 5 above; the upper end is of the lower level.

    Raises
    ------
    BadInput
        When the table has no row for it.
    """
    tests = {"ge": total.__ge__, "gt": total.__gt__, "le": total.__le__, "lt": total.__lt__}
    rows = csv_rows(PACKAGE, edition_row("tli_levels", on or date.max)["table"])
    level = 0
    for row in rows:
        if row["level_zh"] not in LEVEL_EN:
            continue  # the word for everything above the middle level
        level += 1
        bounds = ((row["op_lo"], row["lo"]), (row["op_hi"], row["hi"]))
        if all(tests[op](Decimal(limit)) for op, limit in bounds if op):
            return level, row["level_zh"]
    raise BadInput(f"no trophic level for {total}")
