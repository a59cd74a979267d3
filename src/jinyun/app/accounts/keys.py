"""API keys for programs: random, kept as hashes, one role, a jurisdiction, an end."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any

from jinyun.app.accounts.session import Session, digest
from jinyun.domains.people.records import PLACE
from jinyun.domains.people.roles import roles
from jinyun.kernel.errors import BadInput, NotFound, NotLoggedIn
from jinyun.kernel.ports import KeyValue

KEYS = "api_keys"  # space of the key-value store
MARK = "jyk_"
LONGEST_DAYS = 730
DAY = 86400
NOT_FOR_PROGRAMS = frozenset({"system", "admin", "sysadmin", "secadmin", "auditor"})


class Keys:
    """All keys of one node."""

    def __init__(self, kv: KeyValue, wall: Callable[[], float] = time.time) -> None:
        self._kv, self._wall = kv, wall

    def create(
        self, label: str, role: str, *, by: str, days: int = 90, jurisdictions: Sequence[str] = (), unit: str = "",
        enterprise: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        """A new key; the answer's ``key`` is told this once.

        Raises
        ------
        BadInput
            For a role that programs do not get, no end, no jurisdiction.
        """
        if role not in roles() or role in NOT_FOR_PROGRAMS:
            known = ", ".join(one for one in roles() if one not in NOT_FOR_PROGRAMS)
            raise BadInput(f"a key cannot have the role {role!r}", field="role", hint=f"one of {known}")
        if not 1 <= days <= LONGEST_DAYS:
            raise BadInput(f"a key cannot last {days} days", field="days", hint=f"1 to {LONGEST_DAYS}")
        if role == "enterprise" and not enterprise:
            raise BadInput("a key of an enterprise needs its enterprise", field="enterprise", hint="the record's id")
        if role != "enterprise" and not jurisdictions:
            raise BadInput(
                "say where the key holds", field="jurisdictions", hint="division codes, cell:ID, or * for all"
            )
        for place in jurisdictions:
            if not re.fullmatch(PLACE, place):
                raise BadInput(f"{place!r} is no jurisdiction", field="jurisdictions")
        id, secret, now = secrets.token_hex(6), secrets.token_urlsafe(32), int(self._wall())
        kept = {
            "label": label[:200], "roles": [role], "jurisdictions": list(jurisdictions), "unit": unit,
            "enterprise": enterprise, "hash": digest(secret), "created_at": now, "created_by": by,
            "expires": now + days * DAY,
        }  # fmt: skip
        self._kv.set(KEYS, id, kept)
        return self._shown(id, kept) | {"key": f"{MARK}{id}_{secret}"}

    def all(self) -> list[dict[str, Any]]:
        """All keys, without what opens anything."""
        return [self._shown(id, one) for id, one in self._kv.items(KEYS).items()]

    def revoke(self, id: str) -> None:
        """End a key at once."""
        if self._kv.get(KEYS, id) is None:
            raise NotFound("key", id)
        self._kv.delete(KEYS, id)

    def session(self, text: str) -> Session:
        """Who a key stands for. Raises `NotLoggedIn`."""
        import hmac

        id, _, secret = text.removeprefix(MARK).partition("_")
        kept = self._kv.get(KEYS, id)
        if kept is None or not hmac.compare_digest(kept["hash"], digest(secret)):
            raise NotLoggedIn("the key is wrong")
        if kept["expires"] <= self._wall():
            raise NotLoggedIn("the key is over; ask for another")
        return Session(
            f"key:{id}", tuple(kept["roles"]), "", kept["unit"], tuple(kept["jurisdictions"]), kept["enterprise"]
        )

    @staticmethod
    def _shown(id: str, kept: dict[str, Any]) -> dict[str, Any]:
        return {"id": id, **{name: value for name, value in kept.items() if name != "hash"}}
