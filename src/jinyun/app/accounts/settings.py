"""Rules of log-in that the security administrator sets; kept in the key-value store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from jinyun.domains.people.roles import roles
from jinyun.kernel.errors import BadInput

SETTINGS, SECURITY = "settings", "security"  # space and key


@dataclass(frozen=True, slots=True)
class Security:
    """What holds for all accounts; times in their unit, 0 where said means never."""

    separation: bool = False  # the three administrators are parted, the set-up role counts for nothing
    min_length: int = 10  # of passwords
    classes: int = 1  # kinds of characters of four: lower, upper, digits, others
    history: int = 5  # passwords that may not come again
    max_age_days: int = 0  # of passwords; 0: never too old
    free_failures: int = 5  # per name and peer, before waiting begins
    lock_failures: int = 20  # per name over all peers, before it is locked
    lock_minutes: int = 15
    idle_minutes: int = 720  # a session without a call ends
    second_factor: tuple[str, ...] = ()  # roles whose accounts must have one
    oidc_issuer: str = ""
    oidc_client: str = ""
    oidc_claim: str = "sub"  # claim of the ID token that names the account's `login`
    oidc_label: str = ""

    @classmethod
    def of(cls, kept: Mapping[str, Any] | None) -> Security:
        """From what is kept; what is not known is left out."""
        known = {f.name for f in fields(cls)}
        given = {name: value for name, value in (kept or {}).items() if name in known}
        if "second_factor" in given:
            given["second_factor"] = tuple(given["second_factor"])
        return cls(**given)

    def changed(self, given: Mapping[str, Any]) -> Security:
        """With some rules changed; raises `BadInput` naming the first that cannot be."""
        for name, value in given.items():
            low, high = LIMITS.get(name, (0, 0))
            if name in LIMITS and (not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high):
                raise BadInput(f"{name} cannot be {value!r}", field=name, hint=f"a whole number from {low} to {high}")
        unknown = [one for one in given.get("second_factor", ()) if one not in roles()]
        if unknown:
            raise BadInput(f"there is no role {unknown[0]!r}", field="second_factor")
        issuer = str(given.get("oidc_issuer") or "")
        if issuer and not issuer.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
            raise BadInput("an OIDC issuer is reached by https", field="oidc_issuer")
        return replace(self, **{**given, "second_factor": tuple(given.get("second_factor", self.second_factor))})

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "second_factor": list(self.second_factor)}


LIMITS: Mapping[str, tuple[int, int]] = {
    "min_length": (8, 64),
    "classes": (1, 4),
    "history": (0, 24),
    "max_age_days": (0, 3650),
    "free_failures": (3, 50),
    "lock_failures": (5, 1000),
    "lock_minutes": (1, 1440),
    "idle_minutes": (5, 1440),
}
