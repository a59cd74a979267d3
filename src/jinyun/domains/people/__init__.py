"""People: units in a tree, duty rosters, roles and what each may do (人员与权限)."""

from jinyun.domains.people.records import RECORDS
from jinyun.kernel.declare import Domain

DOMAIN = Domain(id="people", zh="人员与权限", en="People and rights", records=RECORDS, maturity="partly")
