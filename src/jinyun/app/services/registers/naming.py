"""Records by their very title, as people write them where an id is meant."""

from __future__ import annotations

from typing import Any

from jinyun.kernel.records import RecordType
from jinyun.store.record_rules import indexed_fields

PART = 500
"""Records looked at together."""


def titled(records: Any, kind: RecordType, text: str) -> list[str]:
    """Ids of all records of that very title, however many only hold its words."""
    by_title = kind.title in indexed_fields(kind)
    ids = records.ids(kind.id, {kind.title: text}) if by_title else records.ids(kind.id, text=text)
    parts = (records.load(kind.id, ids[start : start + PART]) for start in range(0, len(ids), PART))
    return [one.id for part in parts for one in part if one.data.get(kind.title) == text]
