"""What a level of the AQI means for people: effects, advice, sensitive groups. Chinese and English, from tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from jinyun.domains.air.limits import PACKAGE
from jinyun.kernel.errors import BadInput
from jinyun.kernel.tables import csv_rows


@dataclass(frozen=True, slots=True)
class Health:
    """Health text of one level."""

    level: int
    effect_zh: str
    advice_zh: str
    effect_en: str
    advice_en: str
    verified: str


def health_text(level: int) -> Health:
    """Effects 对健康影响情况 and advice 建议采取的措施 at an AQI level (1…6), HJ 633-2012 table 2.

    The text is recalled and also stands in for that of 2026, which was not seen: `verified` says so.

    Raises
    ------
    BadInput
        For a level that the index does not have.
    """
    found = _health().get(level)
    if found is None:
        raise BadInput(f"there is no AQI level {level}", field="level", hint=f"levels are {sorted(_health())}")
    return found


def sensitive_groups(pollutants: Iterable[str] | str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """People who should take care when these are the primary pollutants, each group once: Chinese, English.

    HJ 633-2026; used for 2012 as well, which names no groups by pollutant.
    """
    names = [pollutants] if isinstance(pollutants, str) else list(pollutants)
    codes = list(dict.fromkeys(code for name in names for code in _groups().get(name, ())))
    words = {row["group"]: row for row in csv_rows(PACKAGE, "group_words.csv")}
    return tuple(words[code]["zh"] for code in codes), tuple(words[code]["en"] for code in codes)


@cache
def _health() -> Mapping[int, Health]:
    return {
        int(row["level"]): Health(
            int(row["level"]), row["effect_zh"], row["advice_zh"], row["effect_en"], row["advice_en"], row["verified"]
        )
        for row in csv_rows(PACKAGE, "health_text.csv")
    }


@cache
def _groups() -> Mapping[str, tuple[str, ...]]:
    rows = csv_rows(PACKAGE, "hj633_2026_sensitive_groups.csv")
    return {row["pollutant"]: tuple(row["group_codes"].split(";")) for row in rows}
