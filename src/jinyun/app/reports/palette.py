"""Colours that mean something: water classes, AQI levels, and quiet ones for the rest. RRGGBB, as the page has them."""

from __future__ import annotations

WATER = {1: "1D8BD8", 2: "5AB4EA", 3: "22A559", 4: "F4D01C", 5: "F58A1F", 6: "D92B2B"}
"""《地表水环境质量评价办法》: Ⅰ–Ⅱ blue, Ⅲ green, Ⅳ yellow, Ⅴ orange, worse than Ⅴ red; Ⅱ lighter to be told from Ⅰ."""

AIR = {1: "00E400", 2: "FFFF00", 3: "FF7E00", 4: "FF0000", 5: "99004C", 6: "7E0023"}
"""HJ 633: excellent, good, light, moderate, heavy, severe."""

GRADE = {1: "22A559", 2: "8BC34A", 3: "F4D01C", 4: "F58A1F", 5: "D92B2B"}
"""HJ 640: 好, 较好, 一般, 较差, 差."""

NOW, BEFORE, LIMIT, NIGHT, NOTHING = "0B6FA4", "A9BFCB", "B92222", "3D4F7C", "B3BBC1"
ATTAINS, EXCEEDS = "4F9D86", "D92B2B"


def ink_on(colour: str) -> str:
    """Black or white, whichever reads better on `colour` (WCAG relative luminance)."""

    def part(at: int) -> float:
        c = int(colour[at : at + 2], 16) / 255
        return c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4

    return "000000" if 0.2126 * part(0) + 0.7152 * part(2) + 0.0722 * part(4) > 0.1791 else "FFFFFF"
