"""Published figures and their passports. Pure."""

from __future__ import annotations

from jinyun.kernel.records import RecordType

RECORDS: tuple[RecordType, ...] = ()
