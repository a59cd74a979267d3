"""Names and numbers of firms and devices that do not exist, in the form of real ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jinyun.sim.chance import key, mix, pick

_ORGANISATION = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CREDIT = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


def firm_name(number: int, stream: int, names: Mapping[str, Any], words: Sequence[str]) -> str:
    """Unique by number: first × second word, told apart by trade; marked as simulated."""
    first = names["first"][(number * 7) % len(names["first"])]
    second = names["second"][(number // len(names["first"])) % len(names["second"])]
    ordinal = number // (len(names["first"]) * len(names["second"]))
    tail = f"{ordinal + 1}" if ordinal else ""
    return f"{first}{second}{tail}{words[pick(stream, 5, words)]}有限公司（模拟）"


def organisation_check(body: str) -> str:
    """Check character of an organisation code, GB 11714-1997: weights 3 7 9 10 5 8 4 2, modulo 11."""
    total = sum(w * _ORGANISATION.index(c) for w, c in zip(_ORGANISATION_WEIGHTS, body, strict=True))
    rest = 11 - total % 11
    return "X" if rest == 10 else "0" if rest == 11 else str(rest)


def credit_code(number: int) -> str:
    """A unified social credit code, GB 32100-2015, of an organisation that cannot exist (XXX…), right in its checks."""
    body = f"XXX{number:05d}"
    code = f"91500109{body}{organisation_check(body)}"
    total = sum(w * _CREDIT.index(c) for w, c in zip(_CREDIT_WEIGHTS, code, strict=True))
    return code + _CREDIT[(31 - total % 31) % 31]


def device_number(edition: int, stream: int) -> str:
    """MN: 14 characters in 2005, 24 hex digits (EPC-96) from 2017 on."""
    if edition == 2005:
        return f"88{mix(key(stream, 'mn')) % 10**12:012d}"
    return f"{mix(key(stream, 'mn', 1)):016X}{mix(key(stream, 'mn', 2)) >> 32:08X}"
