"""Corrections of readings, made in sessions: drafted, previewed, accepted or dropped. Pure."""

from __future__ import annotations

from jinyun.kernel.records import RecordType

RECORDS: tuple[RecordType, ...] = ()
