"""Rights: who may call what, sees which rows and which fields. Every call passes here; see docs/rights.md."""

from jinyun.app.rights.checks import CHECKS
from jinyun.app.rights.reach import Reach
from jinyun.app.rights.rights import Decision, Rights
from jinyun.domains.people.roles import actions, roles

__all__ = ["CHECKS", "Decision", "Reach", "Rights", "actions", "roles"]
