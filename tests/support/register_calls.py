"""Records through the API as people make them and take their steps."""

from __future__ import annotations

from typing import Any


def make(client: Any, type_id: str, status: int = 201, **data: Any) -> Any:
    """A new record."""
    answer = client.post(f"/api/records/{type_id}", json=data)
    assert answer.status_code == status, answer.text
    return answer.json()


def step(client: Any, type_id: str, record: str, name: str, status: int = 200, **given: Any) -> Any:
    """A step of a record, with what is filled in at it."""
    answer = client.post(f"/api/records/{type_id}/{record}/steps/{name}", json={"given": given})
    assert answer.status_code == status, answer.text
    return answer.json()


def missing(answer: Any) -> list[str]:
    """Codes of what a refused step waits for."""
    return [one["code"] for one in answer["error"]["missing"]]
