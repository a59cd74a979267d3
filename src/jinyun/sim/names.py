"""Names and numbers of firms and devices that do not exist, in the form of real ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jinyun.domains.registry import uscc
from jinyun.sim.chance import key, mix, pick


def firm_name(number: int, stream: int, names: Mapping[str, Any], words: Sequence[str]) -> str:
    """Unique by number: first × second word, told apart by trade; marked as simulated."""
    first = names["first"][(number * 7) % len(names["first"])]
    second = names["second"][(number // len(names["first"])) % len(names["second"])]
    ordinal = number // (len(names["first"]) * len(names["second"]))
    tail = f"{ordinal + 1}" if ordinal else ""
    return f"{first}{second}{tail}{words[pick(stream, 5, words)]}有限公司（模拟）"


def credit_code(number: int) -> str:
    """A unified social credit code, GB 32100-2015, of an organisation that cannot exist (XXX…), right in its checks."""
    return uscc.make("91", "500109", f"XXX{number:05d}")


def device_number(edition: int, stream: int) -> str:
    """MN: 14 characters in 2005, 24 hex digits (EPC-96) from 2017 on."""
    if edition == 2005:
        return f"88{mix(key(stream, 'mn')) % 10**12:012d}"
    return f"{mix(key(stream, 'mn', 1)):016X}{mix(key(stream, 'mn', 2)) >> 32:08X}"
