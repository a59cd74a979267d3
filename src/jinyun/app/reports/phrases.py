"""Phrases of a bulletin: figures, their change against last year, units; zh as bureaus write them, and en."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

Figure = Mapping[str, Any]

UNITS_ZH = {
    "ug/m3": "微克/立方米",
    "mg/m3": "毫克/立方米",
    "dB(A)": "分贝",
    "dB": "分贝",
    "d": "天",
    "day": "天",
    "days": "天",
}
UNITS_SHORT = {"ug/m3": "μg/m³", "mg/m3": "mg/m³", "degC": "℃", "ug/L": "μg/L", "d": "天", "1": ""}
UNITS_EN = {"天": "days", "个": "", "百分点": "percentage points", "d": "days"}
NO_DATA = {"zh": "无有效数据", "en": "no valid data"}
NO_LAST_YEAR = {"zh": "同比无数据", "en": "no figure for the same period of last year"}
LEVEL = {"zh": "同比持平", "en": "unchanged from last year"}
CLASSES = {"zh": ("", "Ⅰ类", "Ⅱ类", "Ⅲ类", "Ⅳ类", "Ⅴ类", "劣Ⅴ类"), "en": ("", "I", "II", "III", "IV", "V", ">V")}


def number(text: Any) -> Decimal | None:
    """The exact value of a printed figure, if it is one."""
    try:
        return Decimal(str(text)) if text not in (None, "") else None
    except InvalidOperation:
        return None


def said(thing: Mapping[str, Any] | None, lang: str, stem: str = "") -> str:
    """The words of something that carries both languages; the other one where one is missing."""
    if thing is None:
        return ""
    other = "en" if lang == "zh" else "zh"
    names = (f"{stem}_{lang}", f"{stem}_{other}") if stem else (lang, other)
    return str(thing.get(names[0]) or thing.get(names[1]) or "")


def unit_short(unit: str) -> str:
    """As a table's head has it."""
    return UNITS_SHORT.get(unit, unit)


def unit_prose(unit: str, lang: str) -> str:
    """As a sentence has it, with the space that goes before it in English."""
    if lang == "zh":
        return UNITS_ZH.get(unit, unit)
    if unit == "%":
        return "%"
    word = UNITS_EN.get(unit, unit_short(unit))
    return f" {word}" if word else ""


def find(figures: Iterable[Figure], id: str) -> Figure | None:
    return next((one for one in figures if one.get("id") == id), None)


def amount(figure: Figure | None, lang: str) -> str:
    """``93.5%``, ``28微克/立方米``; without a figure that there is none, and why."""
    if figure is None or figure.get("figure") is None:
        reason = said(figure, lang, "reason")
        if not reason:
            return NO_DATA[lang]
        return f"{NO_DATA[lang]}（{reason}）" if lang == "zh" else f"{NO_DATA[lang]} ({reason})"
    return f"{figure['figure']}{unit_prose(str(figure.get('unit') or ''), lang)}"


def change(figure: Figure | None, lang: str, *, share: bool = False) -> str:
    """The change against the same period of last year: ``同比提高3.2个百分点``, ``同比下降6.7%``, ``同比持平``.

    Shares change in points; concentrations in per cent of last year's figure (`share` forces the figure's own unit,
    as for days). Without last year's figure it says so; without this year's there is nothing to compare.
    """
    if figure is None or figure.get("figure") is None:
        return ""
    step = number(figure.get("change"))
    if step is None or figure.get("before") is None:
        return NO_LAST_YEAR[lang]
    if not step:
        return LEVEL[lang]
    unit, percent = str(figure.get("change_unit") or ""), number(figure.get("change_percent"))
    size = f"{abs(step)}"
    if unit in ("百分点", "percentage points"):
        words = ("提高", "下降")
        return _moved(lang, step, words, f"{size}个百分点", f"{size} percentage points")
    if percent is not None and percent and not share and not unit.startswith("dB"):  # levels are logarithms
        return _moved(lang, step, ("上升", "下降"), f"{abs(percent)}%", f"{abs(percent)}%")
    if unit in ("天", "d", "days", "个", "次"):
        word = "天" if unit in ("d", "days") else unit
        return _moved(lang, step, ("增加", "减少"), f"{size}{word}", f"{size}{unit_prose(unit, 'en')}")
    return _moved(lang, step, ("上升", "下降"), f"{size}{unit_prose(unit, 'zh')}", f"{size}{unit_prose(unit, 'en')}")


def _moved(lang: str, step: Decimal, words: tuple[str, str], zh: str, en: str) -> str:
    up = step > 0
    return f"同比{words[0] if up else words[1]}{zh}" if lang == "zh" else f"{'up' if up else 'down'} {en} on last year"


def stated(name: str, figure: Figure | None, lang: str, *, share: bool = False, verb: str = "为") -> str:
    """``PM2.5平均浓度为28微克/立方米，同比下降6.7%``."""
    moved = change(figure, lang, share=share)
    if lang == "zh":
        if figure is None or figure.get("figure") is None:
            return f"{name}{amount(figure, lang)}"
        return f"{name}{verb}{amount(figure, lang)}" + (f"，{moved}" if moved else "")
    if figure is None or figure.get("figure") is None:
        return f"{name}: {amount(figure, lang)}"
    return f"{name} was {amount(figure, lang)}" + (f" ({moved})" if moved else "")


def listed(parts: Sequence[str], lang: str, *, joint: str = "") -> str:
    """Parts of a sentence in a row, without the empty ones."""
    return (joint or ("；" if lang == "zh" else "; ")).join(one for one in parts if one)


def water_class(level: Any, lang: str) -> str:
    """``Ⅲ类``; a dash where nothing could be judged."""
    try:
        return CLASSES[lang][int(level)] or "—"
    except (TypeError, ValueError, IndexError):
        return "—"


def id_ranges(ids: Iterable[int]) -> str:
    """``12–40, 45``: numbers of verdicts, neighbours drawn together."""
    out: list[list[int]] = []
    for one in sorted(set(ids)):
        if out and one == out[-1][1] + 1:
            out[-1][1] = one
        else:
            out.append([one, one])
    return ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in out)
