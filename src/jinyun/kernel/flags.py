"""What a flag means for judging, and its words. Letters of the wire belong to `sense`."""

from __future__ import annotations

from collections.abc import Mapping

from jinyun.kernel.terms import Flag

WORDS: Mapping[Flag, tuple[str, str]] = {
    Flag.NORMAL: ("正常", "normal"),
    Flag.STOPPED: ("仪器停运", "instrument stopped"),
    Flag.MAINTENANCE: ("维护", "maintenance"),
    Flag.MANUAL: ("人工设定", "set by hand"),
    Flag.FAULT: ("故障", "fault"),
    Flag.CALIBRATION: ("校准", "calibration"),
    Flag.OVER_RANGE: ("超测量上限", "over range"),
    Flag.NO_LINK: ("通讯异常", "instrument link lost"),
    Flag.POWER_FAILURE: ("断电", "power failure"),
    Flag.SOURCE_STOPPED: ("污染源停运", "source stopped"),
    Flag.UNKNOWN: ("无标记", "no flag sent"),
    Flag.NON_DETECT: ("未检出", "below detection limit"),
    Flag.NOT_A_NUMBER: ("非数值", "not a number"),
    Flag.AIR_CALIBRATION: ("校准", "calibration"),
    Flag.AIR_WEATHER: ("气象影响", "weather"),
    Flag.AIR_ABNORMAL: ("异常", "abnormal"),
    Flag.OUT_OF_CONTROL: ("失控时段", "out of control"),
    Flag.SUBSTITUTED: ("替代值", "substituted"),
    Flag.OTHER: ("未知标记", "unknown flag"),
}

COUNTS = frozenset({Flag.NORMAL, Flag.UNKNOWN, Flag.NON_DETECT})
"""Flags whose value may be judged.

HJ 212-2017 8.3: only N is normal. A non-detect is a result. UNKNOWN (no flag was sent; many devices of the 2005 edition
never send one) is *not known to be normal*: it is used, because refusing it would leave such outlets unjudged for ever,
and every verdict item that rests on it says so.
"""


def flag_words(flag: Flag) -> tuple[str, str]:
    """Chinese and English words of a flag."""
    return WORDS.get(flag, WORDS[Flag.OTHER])
