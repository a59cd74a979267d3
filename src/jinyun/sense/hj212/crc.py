"""The CRC of HJ 212 (the same in 2005, 2017 and 2025) and its dialects met in the field. Not CRC-16/MODBUS."""

from __future__ import annotations

DIALECTS = ("hj212", "modbus", "modbus_swapped", "arc")


def crc16(segment: bytes) -> int:
    """CRC of a data segment, 0…0xFFFF (HJ 212-2017 Annex A)."""
    raise NotImplementedError


def text(segment: bytes, dialect: str = "hj212") -> str:
    """The four upper-case hex digits of `segment` in a dialect."""
    raise NotImplementedError


def dialects(segment: bytes) -> dict[str, str]:
    """The four hex digits of `segment` in every known dialect."""
    raise NotImplementedError


def guess(segment: bytes, crc_text: str) -> str:
    """The dialect that `crc_text` fits, "mismatch" when none does, "none" when there is no CRC."""
    raise NotImplementedError
