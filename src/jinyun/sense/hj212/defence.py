"""What keeps strangers from hurting the node: probes recognised, rates limited, refusals sampled. No sockets here."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

HTTP_VERBS = (b"GET ", b"POST ", b"HEAD ", b"PUT ", b"OPTIONS ", b"DELETE ", b"PRI * HTTP", b"TRACE ", b"PATCH ")
TLS_HANDSHAKE = b"\x16\x03"


def probe(first: bytes) -> tuple[str, str] | None:
    """Reason and sentence when the first bytes of a connection are HTTP or TLS; None for anything else.

    Modem chatter (``AT``, ``CONNECT 9600``) and registration strings of DTUs are not probes: a frame follows them.
    """
    if first.startswith(HTTP_VERBS):
        return (
            "http",
            "an HTTP request came to the HJ 212 port; the page is on another port "
            "(这是 HJ 212 数据端口，网页请用另一端口访问)",
        )
    if first.startswith(TLS_HANDSHAKE):
        return (
            "tls",
            "a TLS hello came to the HJ 212 port, which speaks plain TCP; "
            "put a TLS or VPN front before it (本端口为明文 TCP，加密请在前端做)",
        )
    return None


class TokenBucket:
    """Allows `rate` per second on average and `burst` at once. `now` is any monotonic second count."""

    __slots__ = ("at", "burst", "rate", "tokens")

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst = rate, burst
        self.tokens, self.at = burst, 0.0

    def take(self, now: float, count: float = 1.0) -> bool:
        """Take `count` tokens if they are there."""
        self.fill(now)
        if self.tokens < count:
            return False
        self.tokens -= count
        return True

    def fill(self, now: float) -> float:
        """Tokens there are now."""
        if now > self.at:
            self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now
        return self.tokens


@dataclass(slots=True)
class _Sample:
    started: float
    kept: int = 0
    skipped: int = 0


class RefusalGate:
    """Decides which refusals are written out in full and which are only counted, so that noise never fills the disk.

    Of each (who, reason) the first `keep` per `window` seconds are written; the rest are counted, and the count is told
    by `summaries` when the window ends. At most `keys` pairs are followed; beyond that strangers share one entry.
    """

    def __init__(self, *, keep: int = 20, window: float = 60.0, keys: int = 2048) -> None:
        self.keep, self.window, self.keys = keep, window, keys
        self.samples: OrderedDict[tuple[str, str], _Sample] = OrderedDict()
        self.total: dict[str, int] = {}

    def admit(self, who: str, reason: str, now: float) -> bool:
        """Count one refusal; True when it shall be written with its bytes."""
        self.total[reason] = self.total.get(reason, 0) + 1
        key = (who, reason)
        sample = self.samples.get(key)
        if sample is None:
            if len(self.samples) >= self.keys:
                key = ("*", reason)
                sample = self.samples.get(key)
            if sample is None:
                sample = self.samples[key] = _Sample(now)
        if sample.kept < self.keep:
            sample.kept += 1
            return True
        sample.skipped += 1
        return False

    def summaries(self, now: float) -> list[tuple[str, str, int]]:
        """(who, reason, how many were only counted) of windows that have ended; they start afresh."""
        told = []
        while self.samples:
            key, sample = next(iter(self.samples.items()))
            if now - sample.started < self.window:
                break
            del self.samples[key]
            if sample.skipped:
                told.append((*key, sample.skipped))
        return told


class Patience:
    """Judges a connection that never finishes a frame: too many bytes, or one frame over too long a time."""

    __slots__ = ("limit", "noise", "partial_since", "seconds")

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit, self.seconds = limit, seconds
        self.noise = 0
        self.partial_since: float | None = None

    def received(self, size: int, frames: int, pending: int, now: float) -> str | None:
        """After each read: bytes, good frames in them, bytes still waiting. A reason to close, or None."""
        if frames:
            self.noise = 0
            self.partial_since = now if pending else None
        else:
            self.noise += size
            if pending and self.partial_since is None:
                self.partial_since = now
            elif not pending:
                self.partial_since = None
        return "noise" if self.noise > self.limit else None

    def overdue(self, now: float) -> bool:
        """True when one unfinished frame has been waiting for too long."""
        return self.partial_since is not None and now - self.partial_since > self.seconds


CLOSING: dict[str, str] = {
    "noise": "too many bytes without one frame, that is ##LLLL…CCCC and CR LF (长时间无合格数据包，已断开)",
    "slow-sender": "a frame was begun and not finished in time; the connection was closed (半包超时未完成，已断开)",
    "idle": "nothing came for longer than the idle time; the connection was closed (长时间无数据，已断开)",
    "clogged": "the other side does not read our answers; the connection was closed (对方不接收应答，已断开)",
    "too-many-connections": "the node holds as many connections as it may; try later (连接数已满)",
    "replaced": "the same MN came on a newer connection; the older was closed (同一 MN 新连接已建立，旧连接关闭)",
}
"""Why the centre closes a connection, as it is told in the reject table."""
