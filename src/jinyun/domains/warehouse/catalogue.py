"""Catalogue of what is kept: series with owner, quality grade, update rule; imports. Pure."""

from __future__ import annotations

from jinyun.kernel.records import RecordType

RECORDS: tuple[RecordType, ...] = ()
