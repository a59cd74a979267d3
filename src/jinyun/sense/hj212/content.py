"""From a packet to what it says: readings in canonical units, states, logs, answers. Exact: no float anywhere.

What is done with odd values (rules §16, rows 19–20 and 29):

* No number in it (empty, ``--``, ``NaN``, ``-9999``…): the row stays, as `NO_VALUE`, with the flag as sent when that
  says more than "normal", else NOT_A_NUMBER; and the text goes to `Content.refused` with its reason.
* Below the detection limit (``<0.01``, ``0.01L``): that limit, flag NON_DETECT.
* Outside of the factor's physical range: kept as sent, and listed in `Content.doubts`. Validity is judged after
  storage, never at the door.
* Too large for DECIMAL(18,6): refused. More than six decimals: rounded half to even, with a note.
* Flag not sent: UNKNOWN, which is not NORMAL.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from operator import gt, lt, mul
from typing import Any, NamedTuple

from jinyun.kernel.ports import MICRO, NO_VALUE, DeviceProfile
from jinyun.kernel.tables import toml_table
from jinyun.kernel.terms import LENGTHS, Flag, Period, Stat
from jinyun.sense.hj212.packet import Packet, split_area
from jinyun.sense.hj212.plan import LIMIT, Entry, Plan, Shape

__all__ = ["Content", "Plan", "Refused", "china_seconds", "china_text", "decode"]


class Refused(NamedTuple):
    """One value that holds no number or cannot be kept (or, in `doubts`, one that is kept but hardly possible)."""

    name: str  # as sent, e.g. "w01018-Rtd"
    text: str
    reason: str  # empty, not-a-number, sentinel, format-limit, out-of-decimal, duplicate, bad-time, no-time
    sentence: str


class Content:
    """What a packet says."""

    __slots__ = ("doubts", "flags", "notes", "plan", "refused", "texts", "time", "values")
    plan: Plan
    time: int | None  # DataTime, [s UTC]; with profile.label_end shifted to the start of the period
    values: list[int]  # millionths of the canonical unit; NO_VALUE where there is no number
    flags: bytes  # kernel Flag, one per value
    refused: list[Refused]  # their rows stay in `values` as NO_VALUE, so that keys always fit
    doubts: list[Refused]  # kept, but outside of the factor's physical range: below-range, above-range
    texts: list[str]  # all values of CP as sent, parallel to plan.names
    notes: tuple[str, ...]

    @property
    def kind(self) -> str:
        """data, state, log, parameter, notice, alarm, answer, command, other."""
        return self.plan.kind

    @property
    def cn(self) -> str:
        return self.plan.cn

    @property
    def period(self) -> Period | None:
        """Of the readings; None: nothing in here is kept as a reading."""
        return self.plan.period

    @property
    def keys(self) -> tuple[tuple[str, Stat], ...]:
        """(factor id, statistic) of every value."""
        return self.plan.keys

    @property
    def unknown(self) -> tuple[str, ...]:
        """Codes that the factor dictionary does not know: kept under the raw code, for the operator to map."""
        return self.plan.unknown

    @property
    def extras(self) -> list[tuple[str, str]]:
        """What is no reading: SampleTime, EFlag, Info, QnRtn… as (name, text) in order."""
        return [(self.plan.names[at], self.texts[at]) for at in self.plan.extra_at]


_WORDS = toml_table("jinyun.sense.hj212", "words.toml")["field"]
_NO_NUMBER, _NOT_DETECTED = frozenset(_WORDS["no_number"]), frozenset(_WORDS["not_detected"])


def _micros(texts: list[str]) -> frozenset[int]:
    return frozenset(int(Decimal(text) * MICRO) for text in texts)


_SENTINELS, _FORMAT_LIMIT = _micros(_WORDS["sentinels"]), _micros(_WORDS["format_limit"])
_BELOW_ZERO_POSSIBLE = _micros(_WORDS["below_zero_possible"])
_SUSPECTS = _SENTINELS | _FORMAT_LIMIT

_PLAIN = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.-:"
_TO_EQUALS = bytes.maketrans(b";,", b"==")
_REGULAR = re.compile(rb"=(?:[;,]=)*")
_BLANKS = [(spaced, mark) for mark in (b"=", b";", b",") for spaced in (mark + b" ", b" " + mark)]
_POWERS = tuple(10 ** (6 - places) for places in range(7))

_plans: dict[tuple[Any, ...], Plan] = {}
_PLANS_KEPT = 4096


def decode(packet: Packet, *, profile: DeviceProfile | None = None, site_kind: str = "") -> Content:
    """Read the data area of a packet. Never raises for what a device may send.

    Parameters
    ----------
    profile : DeviceProfile, optional
        Edition, unit of PM, and whether DataTime is the end of the period; without one, by the packet alone.
    site_kind : str
        One of `SITE_KINDS`, to tell flue gas from ambient air; default the profile's.
    """
    if profile is not None:
        edition, pm_unit, site_kind = profile.edition, profile.pm_unit, site_kind or profile.site_kind
    else:
        edition, pm_unit = "auto", "ug/m3"
    area = packet.area.rstrip(b";,")
    # Fast way: names and values alternate, and nothing but plain characters is in between (`marks` is part of the key).
    marks = area.translate(None, _PLAIN)
    parts = area.translate(_TO_EQUALS).decode("latin-1").split("=")
    texts = parts[1::2]
    names = tuple(parts[::2]) if area else ()
    key = (names, marks, packet.cn, packet.st, packet.version, edition, pm_unit, site_kind)
    plan, regular = _plans.get(key), True
    if plan is None and b" " in marks and not marks.translate(None, b"=;, "):
        for spaced, close in _BLANKS:  # blanks beside separators, as the annex prints them after line breaks
            area = area.replace(spaced, close)
        area = area.strip()
        marks = area.translate(None, _PLAIN)
        parts = area.translate(_TO_EQUALS).decode("latin-1").split("=")
        texts = parts[1::2]
        key = (tuple(parts[::2]) if area else (), marks, *key[2:])
        plan = _plans.get(key)
    if plan is None:
        regular = _REGULAR.fullmatch(marks) is not None
        if not regular:
            fields = split_area(packet.cp)
            texts = [text for _, text, _ in fields]
            key = (tuple(name for name, _, _ in fields), b"", *key[2:])
            plan = _plans.get(key)
        if plan is None:
            plan = Plan(Shape(*key))
            if len(_plans) >= _PLANS_KEPT:
                _plans.clear()
            _plans[key] = plan
    content = Content()
    content.plan, content.texts, content.notes = plan, texts, plan.notes
    content.refused, content.doubts = [], []
    at = plan.time_at
    if at >= 0:
        content.time = _time_of(content, texts[at], profile)
    else:
        content.time = None
        if plan.keys:
            content.refused.append(Refused("DataTime", "", "no-time", "readings without DataTime cannot be filed"))
    if not plan.keys:
        content.values, content.flags = [], b""
        return content
    flags = plan.flag_rows.get(plan.pick_flags(texts)) or plan.flags_of(texts)
    if not regular:
        return _careful(content, flags)
    rounded: list[str] = []
    try:
        values = [
            int(whole + part) * _POWERS[len(part)] if len(part) < 7 else _rounded(whole, part, rounded)
            for whole, _, part in [text.partition(".") for text in plan.pick_values(texts)]
        ]
    except ValueError:
        return _careful(content, flags)
    if not _SUSPECTS.isdisjoint(values):
        return _careful(content, flags)
    if plan.scales is not None:
        values = list(map(mul, values, plan.scales))
    elif plan.ratios is not None:
        values = [round(value * ratio) for value, ratio in zip(values, plan.ratios, strict=True)]  # half to even
    if True in map(lt, values, plan.lows) or True in map(gt, values, plan.highs):
        if max(values) >= LIMIT or min(values) <= -LIMIT:
            return _careful(content, flags)
        _doubt_range(content, values)
    if rounded:
        content.notes += (_ROUNDED,)
    content.values, content.flags = values, flags
    if plan.flag_only or plan.duplicates:
        _rest(content)
    return content


_ROUNDED = "more than six decimals: rounded half to even"


def _rounded(whole: str, part: str, seen: list[str]) -> int:
    """Millionths of ``whole.part`` with more than six decimals, half to even (GB/T 8170)."""
    digits = int(whole + part)  # checks the characters too
    seen.append(part)
    size: int = 10 ** (len(part) - 6)
    micro, rest = divmod(abs(digits), size)
    micro += 2 * rest > size or (2 * rest == size and micro & 1)
    return -micro if digits < 0 else micro


# ------------------------------------------------------------------------------------------------- odd values

_NUMBER = re.compile(r"[+-]?(?:\d{1,40}\.?\d{0,40}|\.\d{1,40})(?:[eE][+-]?\d{1,2})?", re.ASCII)
_CLEAN = re.compile(r"-?\d{1,20}(?:\.\d{0,6})?", re.ASCII)
_BELOW = re.compile(r"[<＜≤]\s*(.+)|(.+?)\s*[lL]", re.DOTALL)
_SAYS_LITTLE = frozenset((Flag.NORMAL, Flag.UNKNOWN, Flag.OTHER))


def _careful(content: Content, flags: bytes) -> Content:
    """Value by value, for packets with anything unusual in them."""
    plan, texts, out, values = content.plan, content.texts, bytearray(flags), []
    rounded = False
    for index, entry in enumerate(plan.entries):
        text = texts[entry.at].strip()
        micro, flag, wrong = _value_of(text, entry)
        if wrong is not None:
            content.refused.append(Refused(entry.name, text, *wrong))
            if out[index] in _SAYS_LITTLE:
                out[index] = Flag.NOT_A_NUMBER
        elif flag is not None:
            out[index] = flag
        if micro is not None:
            rounded |= "." in text and len(text.partition(".")[2]) > 6
        values.append(NO_VALUE if micro is None else micro)
    if rounded:
        content.notes += (_ROUNDED,)
    _doubt_range(content, values)
    content.values, content.flags = values, bytes(out)
    _rest(content)
    return content


def _rest(content: Content) -> None:
    """Factors that sent a flag and no value; names that came twice."""
    plan, texts = content.plan, content.texts
    for entry in plan.flag_only:
        flag = plan.flag_of(entry, texts)
        content.values.append(NO_VALUE)
        content.flags += bytes((Flag.NOT_A_NUMBER if flag in _SAYS_LITTLE else flag,))
    for at, first in plan.duplicates:
        if texts[at].strip() != texts[first].strip():
            sentence = f"{plan.names[at]} came before in this packet with {texts[first]!r}; the first one is kept"
            content.refused.append(Refused(plan.names[at], texts[at], "duplicate", sentence))


def _doubt_range(content: Content, values: list[int]) -> None:
    plan = content.plan
    for entry, value, low, high in zip(plan.entries, values, plan.lows, plan.highs, strict=False):
        if value < low:
            if value != NO_VALUE:
                content.doubts.append(_doubt(entry, content.texts[entry.at], "below-range", "minimum"))
        elif value > high:
            content.doubts.append(_doubt(entry, content.texts[entry.at], "above-range", "maximum"))


def _doubt(entry: Entry, text: str, reason: str, side: str) -> Refused:
    factor = entry.factor
    limit = getattr(factor, side) if factor is not None else None
    unit = factor.unit if factor is not None else ""
    return Refused(entry.name, text, reason, f"physically {side} {limit} {unit}; kept as sent, look at the instrument")


def _value_of(text: str, entry: Entry) -> tuple[int | None, Flag | None, tuple[str, str] | None]:
    """(millionths, flag that the text itself sets, (reason, sentence) when there is no number)."""
    if _CLEAN.fullmatch(text):
        whole, _, part = text.partition(".")
        micro = int(whole + part) * _POWERS[len(part)]
        if micro not in _SUSPECTS:
            micro = int(micro * entry.scale) if entry.scale.denominator == 1 else round(micro * entry.scale)
            return (micro, None, None) if abs(micro) < LIMIT else (None, None, _too_large(text))
    if not text:
        return None, None, ("empty", "no value was sent; a logger without a value should leave the factor out")
    lower = text.lower()
    if lower in _NOT_DETECTED:
        return None, Flag.NON_DETECT, None
    if lower in _NO_NUMBER:
        return None, None, ("not-a-number", f"{text!r} is no number; send the figure, or its Flag")
    flag = None
    if not _NUMBER.fullmatch(text):
        below = _BELOW.fullmatch(text)
        limit = (below[1] or below[2]).strip() if below else ""
        if not _NUMBER.fullmatch(limit):
            return None, None, ("not-a-number", f"{text!r} is no decimal number such as 12.3")
        text, flag = limit, Flag.NON_DETECT
    number = Decimal(text)
    stat = entry.key[1]
    sent = number * MICRO
    if sent == sent.to_integral_value() and flag is None:
        micro = int(sent)
        if micro in _FORMAT_LIMIT and stat.name.startswith("ZS_"):
            sentence = f"{text} fills the format: with O2 ≥ 21 % no converted value exists (HJ 212-2025 8.1.1)"
            return None, None, ("format-limit", sentence)
        negative = entry.factor is None or entry.factor.minimum is None
        if micro in _SENTINELS and stat is not Stat.COU and not (negative and micro in _BELOW_ZERO_POSSIBLE):
            return None, None, ("sentinel", f"{text} stands for 'no value' in many loggers")
    micro = round(Fraction(number) * entry.scale * MICRO)
    if abs(micro) >= LIMIT:
        return None, None, _too_large(text)
    return micro, flag, None


def _too_large(text: str) -> tuple[str, str]:
    return "out-of-decimal", f"{text} does not fit DECIMAL(18,6)"


# ------------------------------------------------------------------------------------------------- time

_HOURS: dict[str, int | None] = {}  # YYYYMMDDhh → seconds
_IN_HOUR = {f"{minute:02}{second:02}": minute * 60 + second for minute in range(60) for second in range(60)}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CHINA_SECONDS = 8 * 3600


def china_seconds(text: str) -> int | None:
    """``YYYYMMDDhhmmss`` (more digits are cut off, seconds may be missing) in China time → [s UTC]; None: no time."""
    hour = text[:10]
    try:
        start = _HOURS[hour]
    except KeyError:
        start = _hour_start(hour)
        if len(_HOURS) > 20_000:
            _HOURS.clear()
        _HOURS[hour] = start
    within = _IN_HOUR.get(text[10:14] or "none")
    if within is None and len(text) == 12:
        within = _IN_HOUR.get(text[10:] + "00")
    if start is None or within is None or (len(text) > 14 and not (len(text) < 21 and text[14:].isdecimal())):
        return None
    return start + within


def _hour_start(hour: str) -> int | None:
    if len(hour) != 10 or not (hour.isascii() and hour.isdecimal()):
        return None
    try:
        moment = datetime(int(hour[:4]), int(hour[4:6]), int(hour[6:8]), int(hour[8:]), tzinfo=UTC)
    except ValueError:
        return None
    return int((moment - _EPOCH).total_seconds()) - _CHINA_SECONDS


def china_text(seconds: int) -> str:
    """[s UTC] → ``YYYYMMDDhhmmss`` in China time."""
    return f"{_EPOCH + timedelta(seconds=seconds + _CHINA_SECONDS):%Y%m%d%H%M%S}"


def _time_of(content: Content, text: str, profile: DeviceProfile | None) -> int | None:
    text = text.strip()
    seconds = china_seconds(text)
    if seconds is None:
        content.refused.append(Refused("DataTime", text, "bad-time", f"{text!r} is not YYYYMMDDhhmmss"))
        return None
    period = content.plan.period
    if period is None or period is Period.REALTIME:
        return seconds
    length = LENGTHS[period]
    if (seconds + _CHINA_SECONDS) % length:
        sentence = f"{text} is not the start of a {period.name.lower()}; set label_end, or mend the logger's clock grid"
        content.doubts.append(Refused("DataTime", text, "off-grid", sentence))
    if profile is not None and profile.label_end:
        seconds -= profile.minute_interval * 60 if period is Period.MINUTE else length
    return seconds
