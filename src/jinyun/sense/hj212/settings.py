"""Settings of the HJ 212 centre: limits, timeouts, look-backs. Numbers of the standard are named with their clause."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class CentreSettings:
    """All that can be turned on the centre. Times in seconds unless said otherwise; sizes in bytes."""

    # connections
    max_connections: int = 15_000
    accept_rate: float = 400.0  # new connections per second, the rest wait in the kernel's queue
    accept_burst: float = 1_000.0
    idle_timeout: float = 70 * 60.0  # > 2 × the longest interval
    partial_timeout: float = 120.0  # one frame from its first byte to its last
    max_frame: int = 8192  # beyond the standard's 1024: some loggers never split
    noise_limit: int = 64 * 1024  # bytes without one frame
    replace_grace: float = 10.0  # an older socket of the same MN lives so long
    clogged_timeout: float = 60.0
    sweep: float = 1.0  # house-keeping turn

    # work in hand
    queue_limit: int = 20_000  # messages waiting for the disk or the decoder before sockets are paused
    store_backlog: int = 400_000  # rows waiting for the store's commit before decoding waits
    slice_seconds: float = 0.02  # decoding at a stretch between two looks at the sockets
    refusals_kept: int = 20  # per peer or device, reason and minute; the rest are counted
    quarantine_rate: float = 200.0  # messages per second kept for unknown MNs
    quarantine_devices: int = 1_000
    quarantine_messages: int = 20_000  # per MN: how many are offered for adoption
    joiner_timeout: float = 60.0  # a split record that stays incomplete

    # commands: HJ 212-2017 7.2 (mobile link 10 s, 3 re-sends)
    answer_timeout: float = 10.0
    resends: int = 3
    execute_timeout: float = 10.0  # after 9011 or any part
    slow_commands: tuple[str, ...] = ("3011", "3012", "3013", "3014", "3015", "3022", "3024")
    slow_timeout: float = 300.0  # instruments move: engineering judgement
    commands_kept: int = 100  # finished ones remembered per device

    # clock
    clock_limit: float = 120.0  # offset beyond which 1012 is sent
    clock_repeat: float = 3600.0
    future_limit: int = 86_400  # DataTime further ahead is refused
    earliest: int = 946_771_200  # 2000-01-02 UTC+8: earlier is a reset clock (1970, 2000-01-01)

    # gaps
    look_back: dict[str, int] = field(default_factory=lambda: {"MINUTE": 2 * 3600, "HOUR": 86_400, "DAY": 7 * 86_400})
    look_back_most: int = 30 * 86_400  # after a long stand-still of the node
    backfill: bool = True
    backfill_parallel: int = 20  # requests in flight over all devices
    backfill_attempts: int = 5
    backfill_pause: float = 600.0  # back-off of one range after the first try, doubled each time
    gap_scan: float = 20.0
    gap_longest_wait: int = 900  # an hour or a day so late after its end will not come by itself

    frames_shown: int = 50
    link_event: float = 10.0  # a link that only counts on is published at most so often
    link_events: int = 30  # published per second over all links

    @classmethod
    def of(cls, given: Any) -> CentreSettings:
        """From a node's settings: its look-backs, and every ``hj212_<name>`` it has; None gives the defaults."""
        if isinstance(given, cls):
            return given
        base = cls()
        found: dict[str, Any] = {
            f.name: getattr(given, f"hj212_{f.name}") for f in fields(cls) if hasattr(given, f"hj212_{f.name}")
        }
        back = dict(base.look_back)
        for name, period in (("minute_lookback_h", "MINUTE"), ("hour_lookback_h", "HOUR")):
            if (hours := getattr(given, name, None)) is not None:
                back[period] = int(hours) * 3600
        return cls(**{**found, "look_back": back})
