"""Terms that every room says: reading, series, window, verdict. Glossary: docs/nomenclature.md.

Time inside the house is an `int`: seconds since 1970-01-01T00:00:00Z. China keeps one civil time, UTC+8 without
summer time since 1992, so windows (hours, days) are cut in UTC+8 and nowhere else.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, NamedTuple

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")


def china_time(seconds: int) -> datetime:
    """The aware datetime (UTC+8) of an instant."""
    return datetime.fromtimestamp(seconds, UTC).astimezone(CHINA)


def instant(when: datetime) -> int:
    """Seconds since the epoch of a datetime; a naive one is taken as China time."""
    return int((when if when.tzinfo else when.replace(tzinfo=CHINA)).timestamp())


class Stat(enum.IntEnum):
    """Statistic of a reading, HJ 212-2017 table of CP fields. ZS_… is converted to reference oxygen (折算)."""

    RTD = 0
    AVG = 1
    MIN = 2
    MAX = 3
    COU = 4
    ZS_RTD = 5
    ZS_AVG = 6
    ZS_MIN = 7
    ZS_MAX = 8
    STATE = 9
    RUN_HOURS = 10


class Period(enum.IntEnum):
    """Averaging period of a reading or window."""

    REALTIME = 0
    MINUTE = 1
    TEN_MINUTE = 2
    HOUR = 3
    DAY = 4
    MONTH = 5
    QUARTER = 6
    YEAR = 7


class Flag(enum.IntEnum):
    """What is known of a value. The letter as sent stays in the raw message.

    HJ 212-2017 8.3 unless another edition is named; F meant the *source* stopped in 2005 and the *instrument* in 2017.
    Only NORMAL counts for judging by default. A value that was not sent has no row at all: that is *missing*.
    """

    NORMAL = 0  # N
    STOPPED = 1  # F, instrument stopped
    MAINTENANCE = 2  # M
    MANUAL = 3  # S, set by hand
    FAULT = 4  # D
    CALIBRATION = 5  # C
    OVER_RANGE = 6  # T
    NO_LINK = 7  # B, instrument–logger link lost
    POWER_FAILURE = 8  # 2005: P
    SOURCE_STOPPED = 9  # 2005: F
    UNKNOWN = 10  # no flag sent: not the same as normal
    NON_DETECT = 11  # below the detection limit; the value is that limit
    NOT_A_NUMBER = 12  # sent, but no number in it: value is None
    AIR_CALIBRATION = 13  # 2005 ambient air 0
    AIR_WEATHER = 14  # 2005 ambient air 1
    AIR_ABNORMAL = 15  # 2005 ambient air 2
    OUT_OF_CONTROL = 16  # HJ 75/HJ 356 out-of-control period
    SUBSTITUTED = 17  # counts for the amount only
    OTHER = 18  # a letter no edition knows


class Origin(enum.IntEnum):
    """How a frame came to us."""

    LIVE = 0
    BACKFILL = 1
    IMPORT = 2
    CORRECTION = 3
    COMPUTED = 4


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """What a series is: site × factor × statistic × period."""

    site: str
    factor: str
    stat: Stat
    period: Period


class Reading(NamedTuple):
    """One version of one value. `value` is exact, in the factor's canonical unit; None where no number was sent."""

    series: int
    factor: str
    stat: Stat
    period: Period
    time: int  # start of the period; the moment for REALTIME. [s]
    value: Decimal | None
    flag: Flag
    seq: int  # ingest sequence: a later version has a higher one
    frame: int  # frame that carried it


@dataclass(frozen=True, slots=True)
class JournalRef:
    """Where a raw message lies: segment number and byte offset in it."""

    segment: int
    offset: int

    def __str__(self) -> str:
        return f"{self.segment}:{self.offset}"


@dataclass(frozen=True, slots=True)
class RawMessage:
    """A message exactly as it came, with when and from whom. `kind` names the protocol, e.g. ``hj212``."""

    received_at: int  # [µs since the epoch]
    link: str  # protocol and local port, e.g. "hj212:9212"
    peer: str  # address of the sender
    mn: str  # device identity when known, else ""
    data: bytes


@dataclass(frozen=True, slots=True)
class Frame:
    """What is known once for all readings of one message."""

    id: int
    received_at: int  # [µs]
    origin: Origin
    mn: str
    ref: JournalRef | None
    author: str = ""
    reason: str = ""
    session: str = ""  # id of the `correction` record that made it


@dataclass(frozen=True, slots=True)
class Reject:
    """Something refused: never silently dropped. `reason` is a stable code, `sentence` says what would work."""

    at: int  # [µs]
    link: str
    peer: str
    mn: str
    reason: str
    sentence: str
    data: bytes
    ref: JournalRef | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """A period of time [start, end) cut in China civil time."""

    period: Period
    start: int
    end: int


class Status(enum.StrEnum):
    """The three states of a verdict."""

    ATTAINS = "attains"
    EXCEEDS = "exceeds"
    CANNOT_JUDGE = "cannot_judge"


@dataclass(frozen=True, slots=True)
class ReadingRef:
    """Points at one version of one reading: the leaf of a why-tree before the raw message."""

    series: int
    time: int
    seq: int


@dataclass(frozen=True, slots=True)
class VerdictItem:
    """One factor's part in a verdict. Figures are texts, as printed by GB/T 8170."""

    factor: str
    figure: str | None
    unit: str
    status: Status
    limit: str | None = None
    grade: str | None = None  # water class, IAQI…
    multiple: str | None = None  # 超标倍数
    clause: str = ""
    reason: str = ""  # why it cannot be judged, or a note
    readings: tuple[ReadingRef, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """One judgement of one subject over one window, with all it rests on. One shape for all domains.

    `figure` is the headline as printed (a class "3", an AQI "85", a concentration "52.1"); `level` is an ordinal for
    colour and comparison, 1 best (water class 1–6, AQI level 1–6, attainment 1 or 5); None when it cannot be judged.
    """

    judge: str  # e.g. "water.section_class"
    subject: str  # site id
    window: Window
    status: Status
    figure: str | None
    unit: str
    limit: str | None
    clause: str
    edition: str
    level: int | None
    label_zh: str
    label_en: str
    deciding: tuple[str, ...]  # deciding factors / primary pollutants
    items: tuple[VerdictItem, ...]
    sentence_zh: str
    sentence_en: str
    id: int = 0  # given by the store
    computed_at: int = 0  # given by the judge room
    code_version: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    def evidence(self) -> tuple[ReadingRef, ...]:
        """All readings used, each once."""
        return tuple(dict.fromkeys(ref for item in self.items for ref in item.readings))


def period_start(period: Period, at: int) -> int:
    """Start of the window of `period` that holds `at`, in China civil time."""
    if period is Period.REALTIME:
        return at
    if period in (Period.MONTH, Period.QUARTER, Period.YEAR):
        day = china_time(at).replace(hour=0, minute=0, second=0, microsecond=0, day=1)
        first = {Period.MONTH: day.month, Period.QUARTER: (day.month - 1) // 3 * 3 + 1, Period.YEAR: 1}[period]
        return instant(day.replace(month=first))
    length = LENGTHS[period]
    return (at + 28800) // length * length - 28800


def window_of(period: Period, at: int) -> Window:
    """The window of `period` that holds `at`; a REALTIME window is the one second of its moment."""
    start = period_start(period, at)
    if period is Period.REALTIME:
        return Window(period, start, start + 1)
    if period is Period.MONTH:
        return Window(period, start, period_start(period, start + 32 * 86400))
    if period is Period.QUARTER:
        return Window(period, start, period_start(period, start + 93 * 86400))
    if period is Period.YEAR:
        return Window(period, start, period_start(period, start + 367 * 86400))
    return Window(period, start, start + LENGTHS[period])


LENGTHS: Mapping[Period, int] = {
    Period.MINUTE: 60,
    Period.TEN_MINUTE: 600,
    Period.HOUR: 3600,
    Period.DAY: 86400,
}


@dataclass(frozen=True, slots=True)
class Site:
    """Where something is measured. `kind` is one of `SITE_KINDS`; the full record lives in the registry."""

    id: str
    name: str
    kind: str
    lon: float | None = None
    lat: float | None = None
    jurisdiction: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


SITE_KINDS: Sequence[str] = (
    "water_section",  # 断面 with an automatic station
    "water_micro",  # 水质微站
    "air_station",  # 空气自动站
    "air_micro",  # 空气微站
    "water_outlet",  # 废水排放口
    "stack_outlet",  # 废气排放口
    "river_outlet",  # 入河排污口
    "noise_station",  # 功能区声环境自动监测点
    "noise_boundary",  # 厂界噪声
)
