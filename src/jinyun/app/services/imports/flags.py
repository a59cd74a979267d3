"""Flags as files write them: letters of HJ 212, our names, Chinese and English words."""

from __future__ import annotations

from functools import cache

from jinyun.app.judging.cells import plain
from jinyun.kernel.flags import WORDS
from jinyun.kernel.terms import Flag

LETTERS = {
    "n": Flag.NORMAL, "f": Flag.STOPPED, "m": Flag.MAINTENANCE, "s": Flag.MANUAL, "d": Flag.FAULT,
    "c": Flag.CALIBRATION, "t": Flag.OVER_RANGE, "b": Flag.NO_LINK, "valid": Flag.NORMAL, "ok": Flag.NORMAL,
    "有效": Flag.NORMAL,
}  # fmt: skip
"""HJ 212-2017 8.3; and how tables say that a value counts."""


@cache
def _table() -> dict[str, Flag]:
    found = {plain(word): flag for flag, words in reversed(list(WORDS.items())) for word in words}
    return found | {plain(one.name): one for one in Flag} | LETTERS


def flag_of(text: str) -> Flag:
    """The flag that a cell means; an empty one says nothing, a strange one is `OTHER`."""
    word = plain(text)
    return _table().get(word, Flag.OTHER) if word else Flag.UNKNOWN
