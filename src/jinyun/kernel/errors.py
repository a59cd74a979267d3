"""Errors: what was asked, where, and what would have worked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any


class JinyunError(Exception):
    """Base of all our errors. `code` is stable and safe to match on; the message is for a person."""

    code = "jinyun"
    status_hint = 500

    def as_dict(self) -> dict[str, Any]:
        """The one JSON shape of an error."""
        return {"error": {"code": self.code, "message": str(self), **self.details()}}

    def details(self) -> Mapping[str, Any]:
        return {}


class BadInput(JinyunError):
    """Input that breaks a rule; names the field, the rule and what would work."""

    code, status_hint = "bad-input", 422

    def __init__(self, message: str, *, field: str | None = None, hint: str | None = None) -> None:
        self.field, self.hint = field, hint
        super().__init__(message + (f"; {hint}" if hint else ""))

    def details(self) -> Mapping[str, Any]:
        return {k: v for k, v in (("field", self.field), ("hint", self.hint)) if v}


class InvalidRecord(JinyunError):
    """A record that breaks its type's rules: every broken field at once."""

    code, status_hint = "invalid-record", 422

    def __init__(self, type_id: str, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        listed = "; ".join(f"{name}: {why}" for name, why in self.problems.items())
        super().__init__(f"{type_id} not accepted: {listed}")

    def details(self) -> Mapping[str, Any]:
        return {"problems": self.problems}


class NotFound(JinyunError):
    code, status_hint = "not-found", 404

    def __init__(self, kind: str, name: object, *, known: Iterable[str] = ()) -> None:
        near = get_close_matches(str(name), list(known), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        super().__init__(f"no {kind} {str(name)!r}{hint}")


class UnknownFactor(JinyunError):
    code, status_hint = "unknown-factor", 404

    def __init__(self, factor: str, *, table: str, known: Iterable[str]) -> None:
        near = get_close_matches(factor, list(known), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        super().__init__(f"{table} has no {factor!r}{hint}")


class Conflict(JinyunError):
    """Somebody else changed the record since it was read."""

    code, status_hint = "conflict", 409


class Refused(JinyunError):
    """A step that may not be taken now; `missing` says what it waits for, in zh and en."""

    code, status_hint = "refused", 409

    def __init__(self, message: str, *, missing: Iterable[Mapping[str, Any]] = ()) -> None:
        self.missing = [dict(m) for m in missing]
        super().__init__(message)

    def details(self) -> Mapping[str, Any]:
        return {"missing": self.missing}


class NotPermitted(JinyunError):
    code, status_hint = "not-permitted", 403


class NotLoggedIn(JinyunError):
    """Nobody is let in. `reason`: a word for the log-in page, when there is more to say than "log in"."""

    code, status_hint = "not-logged-in", 401

    def __init__(self, message: str, *, reason: str = "") -> None:
        self.reason = reason
        super().__init__(message)

    def details(self) -> Mapping[str, Any]:
        return {"reason": self.reason} if self.reason else {}


class Busy(JinyunError):
    """The node's folder, or a device, is in somebody else's hands."""

    code, status_hint = "busy", 409


class Unavailable(JinyunError):
    """A part outside our hands does not answer: link down, disk full, server gone."""

    code, status_hint = "unavailable", 503
