"""Passwords: argon2id hashes, generated ones that can be read out, rules."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from typing import Any

from jinyun.app.accounts.settings import Security
from jinyun.kernel.errors import BadInput

# A password people can read out: no 0/O, 1/l/I.
_ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_HASHING = threading.BoundedSemaphore(2)  # argon2 takes 64 MiB each: never many at once


def generated() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(16))


def hashed(password: str) -> str:
    with _HASHING:
        return str(_hasher().hash(password))


def matches(stored: str, password: str) -> bool:
    """Takes the same time for every password."""
    from argon2.exceptions import Argon2Error, InvalidHashError

    with _HASHING:
        try:
            return bool(_hasher().verify(stored, password))
        except (Argon2Error, InvalidHashError):
            return False


def check(password: str, name: str, rules: Security, former: Sequence[str] = ()) -> None:
    """Raise `BadInput` for a password that breaks a rule; `former` are hashes that may not come again."""
    if len(password) < rules.min_length:
        hint = f"use at least {rules.min_length} characters"
        raise BadInput("the password is too short", field="password", hint=hint)
    kinds = (str.islower, str.isupper, str.isdigit, lambda one: not one.isalnum())
    if sum(any(kind(one) for one in password) for kind in kinds) < rules.classes:
        hint = f"use {rules.classes} of: lower case, upper case, digits, other characters"
        raise BadInput("the password is too simple", field="password", hint=hint)
    if len(name) > 3 and name.lower() in password.lower():
        raise BadInput("the password holds the account's name", field="password", hint="choose another")
    if any(matches(one, password) for one in former):
        raise BadInput("this password was used before", field="password", hint="choose another")


def _hasher() -> Any:
    from argon2 import PasswordHasher  # lazy: not needed by most verbs

    return PasswordHasher()
