"""SM4 on the data area, HJ 212-2025: ECB, no padding, groups of 16 bytes; a shorter tail stays plain."""

from __future__ import annotations


def encrypt(area: bytes, key: bytes) -> bytes:
    """Encrypt the bytes between ``CP=&&`` and ``&&``; the length stays the same."""
    raise NotImplementedError


def decrypt(area: bytes, key: bytes) -> bytes:
    raise NotImplementedError
