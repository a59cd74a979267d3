"""Joining split records: parts are stored at once; this only says when a record is complete (rules §9)."""

from __future__ import annotations

from collections import OrderedDict

from jinyun.sense.hj212.packet import Packet

Key = tuple[str, str, str, int | None, int]
"""(MN, ST, CN, DataTime, PNUM): the QN differs from part to part."""


class Joiner:
    """Remembers which parts of split records were seen. Bounded; time is given by the caller [s].

    Parameters
    ----------
    timeout : float
        A record still incomplete after this is given up by `expire`: its parts are stored anyway. [s]
    limit : int
        Records remembered at once; beyond it the oldest is given up and reported by the next `expire`.
    """

    def __init__(self, *, timeout: float = 60.0, limit: int = 4096) -> None:
        self.timeout, self.limit = timeout, limit
        self._seen: OrderedDict[Key, tuple[float, set[int]]] = OrderedDict()
        self._dropped: list[tuple[Key, tuple[int, ...]]] = []

    def __len__(self) -> int:
        return len(self._seen)

    def add(self, packet: Packet, time: int | None, now: float) -> bool:
        """Note a packet; True when its record is now complete (always for one in one piece).

        Broken counts (PNO of 0 or above PNUM, absurd PNUM) are taken as whole: nothing waits for them.
        """
        if packet.split is None:
            return True
        pnum, pno = packet.split
        if pnum <= 1 or not 1 <= pno <= pnum or pnum > 999:
            return True
        key = (packet.mn, packet.st, packet.cn, time, pnum)
        began, parts = self._seen.get(key, (now, set()))
        parts.add(pno)
        if len(parts) == pnum:
            self._seen.pop(key, None)
            return True
        if key not in self._seen and len(self._seen) >= self.limit:
            oldest, (_, have) = self._seen.popitem(last=False)
            if len(self._dropped) < self.limit:
                self._dropped.append((oldest, _missing(oldest[4], have)))
        self._seen[key] = (began, parts)
        return False

    def expire(self, now: float) -> list[tuple[Key, tuple[int, ...]]]:
        """Records that waited too long, taken and forgotten: (key, missing PNO)."""
        late, self._dropped = self._dropped, []
        while self._seen:
            key, (began, parts) = next(iter(self._seen.items()))
            if now - began < self.timeout:
                break
            del self._seen[key]
            late.append((key, _missing(key[4], parts)))
        return late


def _missing(pnum: int, have: set[int]) -> tuple[int, ...]:
    return tuple(number for number in range(1, pnum + 1) if number not in have)
