"""Record types of supervision: alarms, cases, tasks, the registers about them. Ids and field names bind all rooms."""

from __future__ import annotations

from jinyun.domains.supervision import (
    records_complaints,
    records_patrol,
    records_places,
    records_rectification,
    records_tasks,
    records_works,
)
from jinyun.domains.supervision.case_kinds import CASE_KINDS
from jinyun.domains.supervision.case_v2 import ACTING_STATES, OPEN_STATES
from jinyun.domains.supervision.records_alarm import ALARM, END_REASONS
from jinyun.domains.supervision.records_case import CASE
from jinyun.kernel.records import RecordType

__all__ = ["ACTING_STATES", "ALARM", "CASE", "CASE_KINDS", "END_REASONS", "OPEN_STATES", "RECORDS"]

RECORDS: tuple[RecordType, ...] = (
    ALARM,
    CASE,
    *records_tasks.RECORDS,
    *records_complaints.RECORDS,
    *records_rectification.RECORDS,
    *records_patrol.RECORDS,
    *records_works.RECORDS,
    *records_places.RECORDS,
)
