"""Joining split records: parts are stored at once; this only says when a record is complete (rules §9)."""

from __future__ import annotations

from jinyun.sense.hj212.packet import Packet


class Joiner:
    """Remembers parts by (MN, ST, CN, DataTime, PNUM). Bounded; time is given by the caller [s]."""

    def __init__(self, *, timeout: float = 60.0, limit: int = 4096) -> None:
        raise NotImplementedError

    def add(self, packet: Packet, time: int | None, now: float) -> bool:
        """Note a packet; True when its record is now complete (always for one in one piece)."""
        raise NotImplementedError

    def expire(self, now: float) -> list[tuple[tuple[str, str, str, int | None, int], tuple[int, ...]]]:
        """Records that waited too long: (key, missing PNO)."""
        raise NotImplementedError
