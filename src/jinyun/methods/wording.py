"""Words for times and lists in the sentences of verdicts, Chinese and English."""

from __future__ import annotations

from collections.abc import Iterable

from jinyun.kernel.terms import Period, Window, china_time


def window_words(window: Window) -> tuple[str, str]:
    """A window as a duty officer says it: ``11月22日14时``, ``22 Nov 14:00``."""
    start = china_time(window.start)
    month = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")[start.month - 1]
    zh, en = f"{start.month}月{start.day}日", f"{start.day} {month}"
    if window.period is Period.YEAR:
        return f"{start.year}年", str(start.year)
    if window.period is Period.QUARTER:
        quarter = (start.month + 2) // 3
        return f"{start.year}年第{'一二三四'[quarter - 1]}季度", f"Q{quarter} {start.year}"
    if window.period is Period.MONTH:
        return f"{start.year}年{start.month}月", f"{month} {start.year}"
    if window.period is Period.DAY:
        return zh, en
    if window.period is Period.HOUR:
        return f"{zh}{start.hour}时", f"{en} {start.hour:02d}:00"
    clock = f"{start.hour:02d}:{start.minute:02d}"
    return f"{zh}{clock}", f"{en} {clock}"


def listed(words: Iterable[str], english: bool = False) -> str:
    return (", " if english else "、").join(words)


def unit_words(unit: str) -> str:
    """A unit as printed after a figure, with the space before it; nothing for pure numbers."""
    if unit in ("", "1"):
        return ""
    return " " + unit.replace("ug", "μg").replace("m3", "m³").replace("degC", "℃")
