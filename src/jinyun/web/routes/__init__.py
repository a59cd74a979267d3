"""Routes by subject: read the request, call a use case, answer. No rule, no SQL and no limit lives here."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query

ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "description": "Refused; the error says what would work",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    },
    "5XX": {
        "description": "Not possible now; an unforeseen error carries an id that the log has too",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    },
}
LIST: dict[int | str, dict[str, Any]] = {
    200: {"description": "The list; as CSV with format=csv", "content": {"application/json": {}, "text/csv": {}}}
}
ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string", "description": "stable, safe to match on"},
                "message": {"type": "string", "description": "for a person"},
                "field": {"type": "string"},
                "hint": {"type": "string"},
                "problems": {"type": "object", "additionalProperties": {"type": "string"}},
                "missing": {"type": "array", "items": {"type": "object"}},
                "id": {"type": "string"},
                "retry_after": {"type": "integer"},
            },
        }
    },
}

FAR = 253_402_271_999  # 9999-12-31T23:59:59+08:00: the last second that has a day in China
Seconds = Annotated[int | None, Query(ge=0, le=FAR, description="seconds since 1970-01-01T00:00:00Z")]
AsOf = Annotated[
    str,
    Query(
        max_length=40, description="what was known at a moment: 2026-11-01T08:00, seconds or microseconds since 1970"
    ),
]
Limit = Annotated[int, Query(ge=1, le=10_000)]
Offset = Annotated[int, Query(ge=0, le=100_000_000)]
Words = Annotated[str, Query(max_length=200)]
Name = Annotated[str, Path(min_length=1, max_length=120)]
Number = Annotated[int, Path(ge=1, le=2**53)]
