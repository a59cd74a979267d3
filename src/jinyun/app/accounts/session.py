"""A log-in that holds, and its CSRF token."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinyun.kernel.errors import NotPermitted
from jinyun.kernel.ports import Actor

SESSIONS = "sessions"  # space of the key-value store
SESSION_SECONDS = 12 * 3600
SLIDE_SECONDS = 300  # a session is prolonged at most this often
ID_LENGTH = 16  # of a session's id: the head of its token's hash, nothing can be entered with it
MOST_AGENT = 300


@dataclass(frozen=True, slots=True)
class Session:
    """A log-in that holds. `csrf` is derived from the token, so only its holder and the node know it."""

    name: str
    roles: tuple[str, ...]
    csrf: str
    unit: str = ""
    jurisdictions: tuple[str, ...] = ()
    enterprise: str = ""
    must: str = ""
    """What comes before anything else: "password" (given by somebody else, or too old), "second-factor", or nothing."""

    @property
    def must_change(self) -> bool:
        """Whether nothing is possible but what `must` says."""
        return bool(self.must)

    @property
    def actor(self) -> Actor:
        return Actor(self.name, self.roles, self.unit, self.jurisdictions, self.enterprise)

    def as_dict(self) -> dict[str, Any]:
        told: dict[str, Any] = {"name": self.name, "roles": list(self.roles), "csrf": self.csrf}
        return told | {"must_change": True, "must": self.must} if self.must else told


def session_of(name: str, account: Mapping[str, Any], token: str, *, must: str = "") -> Session:
    """The session of an account as it is now: a role taken away counts at once."""
    csrf = hmac.new(token.encode(), b"jinyun csrf", hashlib.sha256).hexdigest()
    return Session(
        name, tuple(account["roles"]), csrf, str(account.get("unit") or ""), tuple(account.get("jurisdictions") or ()),
        str(account.get("enterprise") or ""), must,
    )  # fmt: skip


def listed(key: str, kept: Mapping[str, Any], seen: int | None, *, current: bool) -> dict[str, Any]:
    """An open session as its holder and administrators see it. Times in µs; None where it was opened before they were
    kept. `peer` is who connected: behind a reverse proxy, the proxy."""

    def micro(seconds: Any) -> int | None:
        return None if seconds is None else int(seconds) * 1_000_000

    return {
        "id": key[:ID_LENGTH], "name": kept["name"], "since": micro(kept.get("since")),
        "seen": micro(seen if seen is not None else kept.get("seen")), "ends": micro(kept["expires"]),
        "peer": kept.get("peer") or "", "agent": kept.get("agent") or "", "way": kept.get("way") or "",
        "current": current,
    }  # fmt: skip


def digest(token: str) -> str:
    """How a token is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


def check_csrf(session: Session, sent: str | None) -> None:
    """Refuse a mutation whose header does not carry the session's CSRF token."""
    if not sent or not hmac.compare_digest(session.csrf.encode(), sent.encode("utf-8", "replace")):
        raise NotPermitted("the header X-Jinyun-CSRF is missing or wrong; take it from GET /api/session")
