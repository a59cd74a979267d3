"""What a SensorThings request may be told. Answered as ``{"code": 400, "type": "error", "message": "…"}``."""

from __future__ import annotations

from jinyun.kernel.errors import JinyunError


class StaError(JinyunError):
    """Base; `status_hint` is the HTTP status."""

    code = "sta"


class BadQuery(StaError):
    """A query, a path or a body that does not follow the standard; says where and what would work."""

    code, status_hint = "sta-bad-query", 400


class NoSuchEntity(StaError):
    """There is no such entity, property or relation."""

    code, status_hint = "sta-not-found", 404


class NotAllowed(StaError):
    """A method that this resource does not have; says where the change is made instead."""

    code, status_hint = "sta-not-allowed", 405


class NotImplementedHere(StaError):
    """Part of the standard that this service does not do."""

    code, status_hint = "sta-not-implemented", 501
