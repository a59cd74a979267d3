"""Accounts and sessions: argon2 hashes, random tokens kept only as hashes, back-off after failures.

Sessions run on the wall clock, never on the house's clock, which may be scaled: twelve hours mean twelve real hours.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jinyun.kernel.errors import BadInput, JinyunError, NotFound, NotLoggedIn, NotPermitted
from jinyun.kernel.ports import Actor, KeyValue

ACCOUNTS, SESSIONS, SETTINGS = "accounts", "sessions", "settings"  # spaces of the key-value store
SESSION_SECONDS = 12 * 3600
SLIDE_SECONDS = 300  # a session is prolonged at most this often
FREE_FAILURES = 5  # per name and peer, before waiting begins
PEER_FAILURES = 30  # per peer over all names
LONGEST_WAIT = 900.0  # [s]
REMEMBERED = 4096  # failure counters kept, oldest forgotten first
DEFAULT_ROLES = ("admin", "officer")
NAME_FORM = r"[a-z][a-z0-9_.-]{1,31}"
# A password people can read out: no 0/O, 1/l/I.
_ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


class TooManyAttempts(JinyunError):
    """Log-in refused for a while after failures."""

    code, status_hint = "too-many-attempts", 429

    def __init__(self, wait: float) -> None:
        self.wait = max(1, int(wait + 0.999))
        super().__init__(f"too many failed log-ins; try again in {self.wait} s")

    def details(self) -> Mapping[str, Any]:
        return {"retry_after": self.wait}


@dataclass(frozen=True, slots=True)
class Session:
    """A log-in that holds. `csrf` is derived from the token, so only its holder and the node know it."""

    name: str
    roles: tuple[str, ...]
    csrf: str
    unit: str = ""
    jurisdictions: tuple[str, ...] = ()
    enterprise: str = ""

    @property
    def actor(self) -> Actor:
        return Actor(self.name, self.roles, self.unit, self.jurisdictions, self.enterprise)

    def as_dict(self) -> dict[str, Any]:
        return {"name": self.name, "roles": list(self.roles), "csrf": self.csrf}


class Accounts:
    """Who may log in, and who has. Thread-safe; call from worker threads, since argon2 takes tens of milliseconds."""

    def __init__(self, kv: KeyValue, wall: Callable[[], float] = time.time) -> None:
        self._kv, self._wall = kv, wall
        self._lock = threading.Lock()
        self._hashing = threading.BoundedSemaphore(2)  # argon2 takes 64 MiB each: never many at once
        self._failures: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()
        self._sessions: dict[str, dict[str, Any]] = {}
        self._dummy: str | None = None
        self.sweep()

    # -- accounts -------------------------------------------------------------------------------------------------

    def first_password(self, name: str = "admin") -> str | None:
        """Create the first account and return its generated password, once; None when any account exists."""
        if self._kv.items(ACCOUNTS):
            return None
        return self.create(name)

    def create(self, name: str, password: str | None = None, roles: tuple[str, ...] = DEFAULT_ROLES) -> str:
        """Create an account; returns the password, generated when none is given."""
        if not re.fullmatch(NAME_FORM, name):
            raise BadInput(f"{name!r} cannot be an account name", field="name", hint=f"the form is {NAME_FORM}")
        if self._kv.get(ACCOUNTS, name):
            raise BadInput(f"there is already an account {name!r}", field="name")
        return self._store(name, password, roles)

    def reset(self, name: str, password: str | None = None) -> str:
        """Give `name` a new password (returned), and end its sessions."""
        known = self._kv.items(ACCOUNTS)
        if name not in known:
            raise NotFound("account", name, known=known)
        fresh = self._store(name, password, tuple(known[name]["roles"]))
        with self._lock:
            for key in [k for k, s in self._sessions.items() if s["name"] == name]:
                self._drop(key)
            self._failures = OrderedDict((k, v) for k, v in self._failures.items() if k[0] != name)
        return fresh

    def separated(self) -> bool:
        """Whether the three administrators are parted, so that the set-up role counts for nothing."""
        return bool((self._kv.get(SETTINGS, "security") or {}).get("separation"))

    def names(self) -> list[str]:
        return sorted(self._kv.items(ACCOUNTS))

    def _store(self, name: str, password: str | None, roles: tuple[str, ...]) -> str:
        if password is not None and len(password) < 10:
            raise BadInput("the password is too short", field="password", hint="use at least 10 characters")
        fresh = password or "".join(secrets.choice(_ALPHABET) for _ in range(16))
        with self._hashing:
            stored = _hasher().hash(fresh)
        self._kv.set(ACCOUNTS, name, {"hash": stored, "roles": list(roles), "changed_at": int(self._wall())})
        return fresh

    # -- log-in and sessions ----------------------------------------------------------------------------------------

    def log_in(self, name: str, password: str, peer: str = "") -> tuple[str, Session]:
        """A fresh token and its session. Unknown names cost the same time as wrong passwords, and say the same."""
        self._check_wait(name, peer)
        account = self._kv.get(ACCOUNTS, name) or None
        with self._hashing:
            good = _verify(account["hash"] if account else self._dummy_hash(), password)
        if not (account and good):
            self._failed(name, peer)
            raise NotLoggedIn("name or password is wrong")
        with self._lock:
            self._failures.pop((name, peer), None)
        token = secrets.token_urlsafe(32)  # 256 bits
        kept = {"name": name, "roles": list(account["roles"]), "expires": int(self._wall()) + SESSION_SECONDS}
        key = _digest(token)
        self._kv.set(SESSIONS, key, kept)
        with self._lock:
            self._sessions[key] = kept
        return token, _session(kept, token)

    def session(self, token: str | None) -> Session:
        """The session of a token, prolonged. Raises `NotLoggedIn`. Cheap: memory, and a write each five minutes."""
        key = _digest(token) if token else ""
        now = int(self._wall())
        with self._lock:
            kept = self._sessions.get(key)
        if not token or kept is None or kept["expires"] <= now:
            raise NotLoggedIn("log in first: POST /api/session")
        if kept["expires"] - now < SESSION_SECONDS - SLIDE_SECONDS:
            kept = {**kept, "expires": now + SESSION_SECONDS}
            with self._lock:
                if key in self._sessions:  # not ended meanwhile
                    self._sessions[key] = kept
                    self._kv.set(SESSIONS, key, kept)
        return _session(kept, token)

    def holds(self, token: str | None) -> bool:
        """Whether the session still holds, without prolonging it."""
        with self._lock:
            kept = self._sessions.get(_digest(token)) if token else None
        return kept is not None and kept["expires"] > int(self._wall())

    def needs_slide(self, token: str) -> bool:
        """Whether `session` would write: then it belongs in a worker thread."""
        with self._lock:
            kept = self._sessions.get(_digest(token))
        return kept is not None and kept["expires"] - int(self._wall()) < SESSION_SECONDS - SLIDE_SECONDS

    def log_out(self, token: str | None) -> None:
        if token:
            with self._lock:
                self._drop(_digest(token))

    def sweep(self) -> None:
        """Load the stored sessions and forget those that are over."""
        now, kept = int(self._wall()), {}
        for key, one in self._kv.items(SESSIONS).items():
            if one and one["expires"] > now:
                kept[key] = dict(one)
            else:
                self._kv.delete(SESSIONS, key)
        with self._lock:
            self._sessions = kept

    def _drop(self, key: str) -> None:
        self._sessions.pop(key, None)
        self._kv.delete(SESSIONS, key)

    # -- back-off -----------------------------------------------------------------------------------------------

    def _check_wait(self, name: str, peer: str) -> None:
        now = self._wall()
        with self._lock:
            waits = [
                _wait(count - free) - (now - last)
                for (count, last), free in (
                    (self._failures.get((name, peer), (0, 0.0)), FREE_FAILURES),
                    (self._failures.get(("", peer), (0, 0.0)), PEER_FAILURES),
                )
            ]
        if (wait := max(waits)) > 0:
            raise TooManyAttempts(wait)

    def _failed(self, name: str, peer: str) -> None:
        now = self._wall()
        with self._lock:
            for key in ((name, peer), ("", peer)):
                count, last = self._failures.pop(key, (0, 0.0))
                count = 0 if now - last > 2 * LONGEST_WAIT else count  # long ago is forgiven
                self._failures[key] = (count + 1, now)
            while len(self._failures) > REMEMBERED:
                self._failures.popitem(last=False)

    def _dummy_hash(self) -> str:
        if self._dummy is None:
            self._dummy = _hasher().hash(secrets.token_hex(8))
        return self._dummy


def _wait(over: int) -> float:
    """Seconds to wait after `over` failures beyond the free ones: 2, 4, 8 … at most fifteen minutes."""
    return 0.0 if over < 0 else min(LONGEST_WAIT, 2.0 ** min(over + 1, 20))


def _session(kept: Mapping[str, Any], token: str) -> Session:
    csrf = hmac.new(token.encode(), b"jinyun csrf", hashlib.sha256).hexdigest()
    return Session(kept["name"], tuple(kept["roles"]), csrf)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def check_csrf(session: Session, sent: str | None) -> None:
    """Refuse a mutation whose header does not carry the session's CSRF token."""
    if not sent or not hmac.compare_digest(session.csrf.encode(), sent.encode("utf-8", "replace")):
        raise NotPermitted("the header X-Jinyun-CSRF is missing or wrong; take it from GET /api/session")


def _hasher() -> Any:
    from argon2 import PasswordHasher  # lazy: not needed by most verbs

    return PasswordHasher()


def _verify(stored: str, password: str) -> bool:
    from argon2.exceptions import Argon2Error, InvalidHashError

    try:
        return bool(_hasher().verify(stored, password))
    except (Argon2Error, InvalidHashError):
        return False
