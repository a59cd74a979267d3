"""A small cache for answers that many pages ask for at once."""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")
ENCODED_S = 5.0


class Cached(Generic[T]):
    """Holds one value while its `key` is the same and it is younger than `seconds`; one thread makes it."""

    def __init__(self, make: Callable[[], T], *, seconds: float, key: Callable[[], Hashable] = lambda: None) -> None:
        self._make, self._seconds, self._key = make, seconds, key
        self._lock = threading.Lock()
        self._held: tuple[Hashable, float, T] | None = None
        self.made = 0
        """Counts the values made: what is made of this one keys on it."""

    def get(self) -> T:
        held, key = self._held, self._key()
        if held is not None and held[0] == key and time.monotonic() - held[1] < self._seconds:
            return held[2]
        with self._lock:
            held, key = self._held, self._key()  # another thread may have just made it
            if held is not None and held[0] == key and time.monotonic() - held[1] < self._seconds:
                return held[2]
            value = self._make()  # the key was read before: a change meanwhile makes it again next time
            self._held = (key, time.monotonic(), value)
            self.made += 1
            return value

    def fresh(self) -> T | None:
        """The value if it may be used without making it: answers on the event loop without a thread."""
        held = self._held
        if held is not None and held[0] == self._key() and time.monotonic() - held[1] < self._seconds:
            return held[2]
        return None

    def forget(self) -> None:
        self._held = None


def packed(body: bytes) -> bytes:
    """gzip, quick rather than small."""
    packer = zlib.compressobj(level=1, wbits=31)
    return packer.compress(body) + packer.flush()


class Ready:
    """A long answer as JSON and packed, encoded once for everybody who asks until what it is made `of` is made anew, or
    for `ENCODED_S`: what depends on the time of day shows with the next."""

    def __init__(self, make: Callable[[], Any], of: Cached[Any]) -> None:
        self.body: Cached[bytes] = Cached(lambda: msgspec.json.encode(make()), seconds=ENCODED_S, key=lambda: _made(of))
        self._packed: Cached[bytes] = Cached(
            lambda: packed(self.body.get()), seconds=ENCODED_S, key=lambda: _made(self.body)
        )

    def pack(self, body: bytes) -> bytes:
        """`body` packed; what was packed for it before, when it is the newest."""
        return self._packed.get() if body is self.body.get() else packed(body)


def _made(of: Cached[Any]) -> int:
    of.get()
    return of.made
