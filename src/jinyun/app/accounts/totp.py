"""The second factor: time-based one-time passwords (RFC 6238 over RFC 4226), and recovery codes for a lost device."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import struct
from urllib.parse import quote

STEP_S = 30
DIGITS = 6
AROUND = 1  # steps before and after that are taken too: clocks differ
SECRET_BYTES = 20  # RFC 4226, 4: 160 bits recommended
RECOVERY_CODES = 8


def code_at(secret: bytes, at: float, *, digits: int = DIGITS, algorithm: str = "sha1") -> str:
    """The code of the moment `at` [s since 1970]: RFC 6238, 4.2."""
    return hotp(secret, int(at) // STEP_S, digits=digits, algorithm=algorithm)


def hotp(secret: bytes, counter: int, *, digits: int = DIGITS, algorithm: str = "sha1") -> str:
    """The code of a counter: RFC 4226, 5.3."""
    mac = hmac.new(secret, struct.pack(">Q", counter), getattr(hashlib, algorithm)).digest()
    offset = mac[-1] & 0x0F
    number = struct.unpack(">I", mac[offset : offset + 4])[0] & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def step_of(secret: bytes, code: str, at: float, *, after: int = -1) -> int | None:
    """The time step that a code belongs to, later than step `after` (each code counts once); None: it is wrong."""
    if not (code.isascii() and code.isdigit()):
        return None
    now, found = int(at) // STEP_S, None
    for step in range(now - AROUND, now + AROUND + 1):
        if hmac.compare_digest(hotp(secret, step), code) and step > after:
            found = step
    return found


def new_secret() -> bytes:
    return secrets.token_bytes(SECRET_BYTES)


def shown(secret: bytes) -> str:
    """As authenticator apps take it: Base32 without padding."""
    return base64.b32encode(secret).decode().rstrip("=")


def address(secret: bytes, name: str, issuer: str = "Jinyun") -> str:
    """The otpauth address that a QR code carries."""
    label = quote(f"{issuer}:{name}")
    return f"otpauth://totp/{label}?secret={shown(secret)}&issuer={quote(issuer)}&digits={DIGITS}&period={STEP_S}"


def recovery_codes() -> list[str]:
    """Codes of 50 bits each, to be used once."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789x"
    return [
        "-".join("".join(secrets.choice(alphabet) for _ in range(5)) for _ in range(2)) for _ in range(RECOVERY_CODES)
    ]
