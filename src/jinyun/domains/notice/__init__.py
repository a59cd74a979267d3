"""Who is told what, and over which way (消息订阅与渠道)."""

from jinyun.domains.notice.records import RECORDS
from jinyun.kernel.declare import Domain

DOMAIN = Domain(id="notice", zh="消息通知", en="Notices", records=RECORDS, maturity="partly")
