"""What is known of each link: last frames, refusals, clock, dialect, rate, and what its vendor should do next.

Counting happens per frame on the sockets' thread, so it is plain integers; words are made only when a page asks.
Frames are kept as journal references, not as bytes: a district's 3,000 links would hold 100 MB of text else.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any, NamedTuple

from jinyun.kernel.ports import DeviceProfile
from jinyun.kernel.terms import JournalRef, Period, Reject

MICRO = 1_000_000
RATE_MINUTES = 5
HOUR = 3600
OFFSETS = 9
LATE_INTERVALS, SILENT_INTERVALS, GONE_AFTER = 3, 10, 86_400  # of the shortest interval; [s]


class Seen(NamedTuple):
    """One frame of a link. `data` only for what we sent; what came is in the journal at `ref`."""

    at: int  # [µs]
    direction: str  # in | out
    ref: JournalRef | None
    data: bytes
    answer: str  # CN of our answer, "" when none
    verdict: str  # "" accepted, else the reason code


@dataclass(slots=True, eq=False)
class Link:
    """Counters of one MN."""

    mn: str
    first_at: int = 0  # [µs]
    last_at: int = 0
    peer: str = ""
    total: int = 0
    minute: int = 0
    in_minute: int = 0
    minutes: deque[int] = field(default_factory=lambda: deque(maxlen=RATE_MINUTES))
    frames: deque[Seen] = field(default_factory=lambda: deque(maxlen=50))
    rejects: deque[Reject] = field(default_factory=lambda: deque(maxlen=30))
    counts: Counter[str] = field(default_factory=Counter)
    dialects: Counter[str] = field(default_factory=Counter)
    versions: Counter[int] = field(default_factory=Counter)
    unknown_codes: dict[str, int] = field(default_factory=dict)
    offsets: deque[float] = field(default_factory=lambda: deque(maxlen=OFFSETS))
    system: str = ""
    connected: bool = False
    published: float = 0.0
    clock_sent: float = -1e9
    pw: str = ""  # as the device sends it
    gaps: int = 0  # slots missing at the last scan

    def arrived(self, at: int, peer: str) -> None:
        """One good frame came."""
        self.total += 1
        self.last_at, self.peer = at, peer
        if not self.first_at:
            self.first_at = at
        minute = at // 60_000_000
        if minute == self.minute:
            self.in_minute += 1
        else:
            if self.minute:
                self.minutes.append(self.in_minute)
                self.minutes.extend([0] * min(RATE_MINUTES, minute - self.minute - 1))
            self.minute, self.in_minute = minute, 1

    def refused(self, reject: Reject) -> None:
        self.counts[reject.reason] += 1
        self.rejects.append(reject)

    def rate(self, now: int) -> float:
        """Frames per minute over the last full minutes."""
        gone = now // 60_000_000 - self.minute
        if gone > RATE_MINUTES:
            return 0.0
        if not self.minutes and not gone:
            return float(self.in_minute)
        full = list(self.minutes) + ([self.in_minute] if gone else []) + [0] * max(0, gone - 1)
        full = full[-RATE_MINUTES:]
        return round(sum(full) / len(full), 2) if full else 0.0

    @property
    def clock_offset(self) -> float | None:
        """Device clock minus ours, median of the last messages [s]; positive: the device runs ahead."""
        return round(median(self.offsets), 1) + 0.0 if self.offsets else None  # + 0.0: never "-0.0"

    @property
    def crc_guess(self) -> str:
        """The CRC dialect most of its frames fit."""
        return self.dialects.most_common(1)[0][0] if self.dialects else ""

    def state(self, profile: DeviceProfile | None, now: int) -> str:
        """online | late | silent | gone | quarantine."""
        if profile is None:
            return "quarantine"
        if not self.last_at:
            return "gone"
        age = (now - self.last_at) / MICRO
        interval = shortest_interval(profile)
        if age <= LATE_INTERVALS * interval:
            return "online"
        if age >= max(GONE_AFTER, SILENT_INTERVALS * interval):
            return "gone"
        return "late" if age <= SILENT_INTERVALS * interval else "silent"


def shortest_interval(profile: DeviceProfile) -> int:
    """How often something should come [s]."""
    lengths = [HOUR]
    for period in profile.periods:
        if period is Period.REALTIME:
            lengths.append(max(10, profile.realtime_interval))
        elif period is Period.MINUTE:
            lengths.append(60 * max(1, profile.minute_interval))
    return min(lengths)


class LinkBook:
    """All links by MN."""

    def __init__(self, frames_shown: int = 50, most: int = 50_000) -> None:
        self.links: dict[str, Link] = {}
        self.frames_shown, self.most = frames_shown, most
        self.dirty: set[str] = set()  # counted on
        self.changed: set[str] = set()  # something a page should show at once

    def of(self, mn: str) -> Link:
        """The link of an MN, made when new."""
        link = self.links.get(mn)
        if link is None:
            if len(self.links) >= self.most:  # made-up MNs must not fill the memory: the oldest stranger goes
                oldest = min(self.links.values(), key=lambda one: one.last_at)
                del self.links[oldest.mn]
            link = self.links[mn] = Link(mn, frames=deque(maxlen=self.frames_shown))
        return link

    def last_seen(self, mn: str) -> int | None:
        """When a good frame of the MN last came [µs]."""
        link = self.links.get(mn)
        return link.last_at if link and link.last_at else None

    def saved(self) -> dict[str, list[Any]]:
        """Small durable form: when each link was last heard and from where."""
        return {mn: [link.first_at, link.last_at, link.peer] for mn, link in list(self.links.items()) if link.last_at}

    def load(self, saved: Mapping[str, list[Any]]) -> None:
        for mn, (first, last, peer) in saved.items():
            link = self.of(mn)
            link.first_at, link.last_at, link.peer = first, max(last, link.last_at), peer or link.peer


# --- advice ---------------------------------------------------------------------------------------------------------

DIALECTS = {
    "modbus": ("MODBUS CRC-16（高字节在前）", "MODBUS CRC (high byte first)"),
    "modbus_swapped": ("MODBUS CRC-16（字节互换）", "MODBUS CRC, bytes swapped"),
    "arc": ("CRC-16/ARC", "CRC-16/ARC"),
}


def advice(link: Link, profile: DeviceProfile | None, *, clock_limit: float, gaps: int = 0) -> list[dict[str, str]]:
    """What to tell the vendor, most pressing first. Derived from counts alone."""
    told: list[tuple[str, str]] = []
    counts, total = link.counts, max(1, link.total)
    if profile is None:
        told.append(
            (
                f"设备 MN {link.mn} 未登记：数据已隔离保存，登记到点位后自动入库",
                f"MN {link.mn} is not registered: its data are kept in quarantine and stored once it is registered",
            )
        )
    for dialect, (zh, en) in DIALECTS.items():
        if (count := link.dialects[dialect]) and (profile is None or profile.crc != dialect):
            told.append((
                f"设备使用 {zh}（{count} 包）：请厂家按 HJ 212-2017 附录 A 修改，"
                f"或在设备档案中将 CRC 设为 {dialect}",
                f"the device uses {en} ({count} frames): its vendor should follow HJ 212-2017 annex A, "
                f"or set crc={dialect} in its device record",
            ))  # fmt: skip
    if (count := counts["crc-wrong"]) and not any(link.dialects[d] for d in DIALECTS):
        told.append(
            (
                f"{count} 包 CRC 错误，且不符合任何已知算法：请检查校验计算范围（仅数据段）与线路质量",
                f"{count} frames with a CRC of no known kind: check that it covers the data segment only, and the line",
            )
        )
    if count := counts["password"]:
        told.append(
            (
                f"访问密码 PW 不符（{count} 包被拒）：请核对设备密码与设备档案",
                f"wrong PW ({count} frames refused): compare the device's password with its record",
            )
        )
    if count := counts["length-wrong"]:
        told.append((
            f"数据段长度字段错误（{count} 包）：长度应为数据段字节数（UTF-8 中文按 3 字节），不含 ##、CRC 与回车换行",
            f"wrong length field ({count} frames): count the bytes of the data segment only, "
            "without ##, CRC and CR LF",
        ))  # fmt: skip
    offset = link.clock_offset
    if offset is not None and abs(offset) > clock_limit:
        way_zh, way_en = ("快", "ahead") if offset > 0 else ("慢", "behind")
        utc = abs(abs(offset) - 28_800) < 600
        told.append((
            f"设备时钟{way_zh} {abs(offset):.0f} 秒"
            + ("（疑为 UTC 时间，应为北京时间）" if utc else "，请校时（1012）"),
            f"the device clock is {abs(offset):.0f} s {way_en}"
            + (" (probably UTC; it must be China time)" if utc else ": set it (1012)"),
        ))  # fmt: skip
    if count := counts["time-future"] + counts["time-past"]:
        told.append((
            f"{count} 条 DataTime 明显错误（超前一天以上或早于 2000 年），未入库：请检查设备时钟",
            f"{count} messages with an impossible DataTime (a day ahead, before 2000) were not stored: set the clock",
        ))  # fmt: skip
    if (count := counts["off-grid"]) > max(2, total // 20):
        told.append((
            f"{count} 条分钟/小时/日数据的 DataTime 不在整周期上：应为时段起始时间；"
            "若设备标记结束时间，请在档案中设置“时标为时段末”",
            f"{count} minute/hour/day messages have a DataTime off the grid: it must be the start of the period; "
            "if the device stamps the end, set label_end in its record",
        ))  # fmt: skip
    if (count := counts["no-flag"]) > total // 2 and not any(v >= 2017 for v in link.versions):
        told.append(
            (
                "报文没有 Flag 字段，按 HJ/T 212-2005 处理；若设备等待应答，请在档案中打开“总是应答”",
                "frames carry no Flag: taken as HJ/T 212-2005; if the device waits for answers, set always_answer",
            )
        )
    if count := counts["bad-values"]:
        told.append(
            (
                f"{count} 个数值未被接受（不是数字、占位值或超出精度），见拒收记录",
                f"{count} values were not accepted (no number, a stand-in such as -9999, too large): see the refusals",
            )
        )
    if (count := counts["doubtful-values"]) > max(2, total // 20):
        told.append(
            (
                f"{count} 个数值超出物理可能范围：请检查仪器量程与单位",
                f"{count} values outside what is physically possible: check the instrument's range and unit",
            )
        )
    if link.unknown_codes:
        codes = "、".join(sorted(link.unknown_codes)[:8])
        told.append(
            (
                f"未知因子编码：{codes}，请按 HJ 212-2017 附录 B 修改或补充编码对照",
                f"unknown factor codes: {codes}: use annex B of HJ 212-2017, or add them to the dictionary",
            )
        )
    if count := counts["two-sockets"]:
        told.append(
            (
                f"同一 MN 曾有两个连接同时在线（{count} 次）：可能两台设备使用同一 MN，请核对",
                f"two live connections used this MN ({count} times): two loggers may share one MN",
            )
        )
    if gaps:
        told.append((f"缺 {gaps} 个时段数据，正在补采", f"{gaps} periods are missing; they are being asked for"))
    if not told and link.total:
        told.append(("链路正常", "nothing to do: the link is in order"))
    return [{"zh": zh, "en": en} for zh, en in told]
