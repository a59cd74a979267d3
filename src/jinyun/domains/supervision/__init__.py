"""Alarms, cases and when a case may close (报警、工单、凭数据销号)."""

from jinyun.domains.supervision.records import RECORDS
from jinyun.kernel.declare import Domain

DOMAIN = Domain(id="supervision", zh="报警与工单", en="Supervision: alarms and cases", records=RECORDS, maturity="done")
