"""The CRC of HJ 212 (the same in 2005, 2017 and 2025) and its dialects met in the field. Not CRC-16/MODBUS.

HJ 212-2017 Annex A throws away the low byte of the register at every step, so between bytes the state has 8 bits
and only 256 CRC values exist. The state transition is linear over GF(2) and has order 8: a message may be XOR-folded
to its last 8 bytes first (`crc16`), which big integers do fast. `crc16_plain` is the annex's own loop, for tests.
"""

from __future__ import annotations

DIALECTS = ("hj212", "modbus", "modbus_swapped", "arc")
"""Standard first; then those met in the field: MODBUS high byte first, MODBUS bytes swapped, CRC-16/ARC."""


def crc16_plain(segment: bytes) -> int:
    """HJ 212-2017 Annex A, step by step."""
    register = 0xFFFF
    for byte in segment:
        register = (register >> 8) ^ byte
        for _ in range(8):
            register = (register >> 1) ^ (0xA001 if register & 1 else 0)
    return register


def _shifted(register: int) -> int:
    for _ in range(8):
        register = (register >> 1) ^ (0xA001 if register & 1 else 0)
    return register


_TABLE = tuple(_shifted(byte) for byte in range(256))


def _position_tables() -> tuple[tuple[int, ...], ...]:
    """Table k: what the 16 bits that lie 2k bytes before the end add to the CRC (it is linear: shares are XORed)."""
    tables = []
    low, high = list(_TABLE), [_TABLE[state >> 8] for state in _TABLE]  # of the last byte, of the one before
    for _ in range(4):
        tables.append(tuple(one ^ other for one in high for other in low))
        low = [_TABLE[_TABLE[state >> 8] >> 8] for state in low]
        high = [_TABLE[_TABLE[state >> 8] >> 8] for state in high]
    return tuple(tables)


_T0, _T1, _T2, _T3 = _position_tables()
_M2048 = (1 << 2048) - 1


def _crc_of_fold(word: int) -> int:
    return _T0[word & 0xFFFF] ^ _T1[word >> 16 & 0xFFFF] ^ _T2[word >> 32 & 0xFFFF] ^ _T3[word >> 48]


# The start value 0xFFFF only ever meets the first byte, as 0xFF; by linearity its share depends on length mod 8.
_START = tuple(_crc_of_fold(0xFF << 8 * ((length - 1) % 8)) for length in range(8))


def crc16(segment: bytes) -> int:
    """CRC of a data segment, 0…0xFFFF (HJ 212-2017 Annex A)."""
    size = length = len(segment)
    if not length:
        return 0xFFFF
    word = int.from_bytes(segment, "big")
    if length > 256:
        while length > 512:
            half = (length + 127) // 128 * 64  # bytes, a multiple of 64
            word = (word >> 8 * half) ^ (word & ((1 << 8 * half) - 1))
            length = half
        word = (word >> 2048) ^ (word & _M2048)
    # From here on what lies above the half is left standing: it never reaches the low 64 bits.
    if length > 128:
        word ^= word >> 1024
    if length > 64:
        word ^= word >> 512
    word ^= word >> 256
    word ^= word >> 128
    word ^= word >> 64
    return (
        _T0[word & 0xFFFF]
        ^ _T1[word >> 16 & 0xFFFF]
        ^ _T2[word >> 32 & 0xFFFF]
        ^ _T3[word >> 48 & 0xFFFF]
        ^ _START[size & 7]
    )


def _whole_register(segment: bytes, register: int) -> int:
    for byte in segment:
        register = (register >> 8) ^ _TABLE[(register ^ byte) & 0xFF]
    return register


def text(segment: bytes, dialect: str = "hj212") -> str:
    """The four upper-case hex digits of `segment` in a dialect.

    Raises
    ------
    ValueError
        For a dialect not in `DIALECTS`.
    """
    if dialect == "hj212":
        return f"{crc16(segment):04X}"
    if dialect == "modbus":
        return f"{_whole_register(segment, 0xFFFF):04X}"
    if dialect == "modbus_swapped":
        value = _whole_register(segment, 0xFFFF)
        return f"{(value & 0xFF) << 8 | value >> 8:04X}"
    if dialect == "arc":
        return f"{_whole_register(segment, 0):04X}"
    raise ValueError(f"no CRC dialect {dialect!r}; there are {', '.join(DIALECTS)}")


def dialects(segment: bytes) -> dict[str, str]:
    """The four hex digits of `segment` in every known dialect."""
    return {name: text(segment, name) for name in DIALECTS}


def guess(segment: bytes, crc_text: str) -> str:
    """The dialect that `crc_text` fits, "mismatch" when none does, "none" when there is no CRC."""
    if not crc_text:
        return "none"
    wanted = crc_text.upper()
    return next((name for name in DIALECTS if text(segment, name) == wanted), "mismatch")


VALUES = frozenset(_TABLE)
"""The 256 values the standard CRC can take: any other text is certainly not one."""
