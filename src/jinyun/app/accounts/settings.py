"""Rules of log-in that the security administrator sets; kept in the key-value store. What holds until then, and between
what they can be set: ``domains/people/tables/security.csv``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from jinyun.domains.people.roles import roles
from jinyun.kernel.errors import BadInput
from jinyun.kernel.tables import csv_rows

SETTINGS, SECURITY = "settings", "security"  # space and key
_ROWS: Mapping[str, Mapping[str, str]] = {row["name"]: row for row in csv_rows("jinyun.domains.people", "security.csv")}
LIMITS: Mapping[str, tuple[int, int]] = {name: (int(row["least"]), int(row["most"])) for name, row in _ROWS.items()}


def _shipped(name: str) -> int:
    return int(_ROWS[name]["value"])


@dataclass(frozen=True, slots=True)
class Security:
    """What holds for all accounts; units and what 0 means are said in the table."""

    separation: bool = False  # the three administrators are parted, the set-up role counts for nothing
    min_length: int = _shipped("min_length")
    classes: int = _shipped("classes")
    history: int = _shipped("history")
    max_age_days: int = _shipped("max_age_days")
    free_failures: int = _shipped("free_failures")
    lock_failures: int = _shipped("lock_failures")
    lock_minutes: int = _shipped("lock_minutes")
    idle_minutes: int = _shipped("idle_minutes")
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
