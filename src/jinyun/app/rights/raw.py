"""Passwords inside raw HJ 212 frames (``PW=…``): shown only to roles that may see them, in text, hex and fields."""

from __future__ import annotations

import re
from typing import Any

from jinyun.app.rights.checks import CHECKS
from jinyun.app.rights.reach import Reach

RAW = CHECKS.point("fields.raw_password", "passwords in raw frames are masked for roles without the right",
                   ("removed", "inverted"))  # fmt: skip
STARS = "*"
_TEXT = re.compile(r"(PW=)([^;&#]*)", re.IGNORECASE)
_BYTES = re.compile(rb"(PW=)([^;&#]*)", re.IGNORECASE)
_NAMED = frozenset({"pw", "password", "sm4_key", "new_pw", "newpw"})


def without_passwords(value: Any, reach: Reach) -> Any:
    """A copy of what would be shown; as it is for those who may see it."""
    return value if CHECKS.ask(RAW, reach, lambda mine: mine.raw) else _masked(value, "")


def _masked(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {key: _masked(one, str(key).lower()) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(one, name) for one in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return _BYTES.sub(_stars, bytes(value))
    if not isinstance(value, str):
        return value
    if name in _NAMED and value:
        return STARS * len(value)
    return _hex(value) if name == "hex" else _TEXT.sub(_stars, value)


def _stars(found: Any) -> Any:
    star = STARS if isinstance(found[1], str) else STARS.encode()
    return found[1] + star * len(found[2])


def _hex(text: str) -> str:
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        return STARS * len(text)
    apart = " " if " " in text else ""
    shown = _BYTES.sub(_stars, raw).hex(apart) if apart else _BYTES.sub(_stars, raw).hex()
    return shown
