"""The one place where registers ask what an actor may do, which records they see and which fields are masked.

Four questions, one method each: `read`, `write`, `where` (the filter of lists), `shown` / `history` (the mask). Nothing
else in this package looks at roles, but for the roles a step itself names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinyun.app.services.words import history_dict, record_dict
from jinyun.kernel.errors import NotPermitted
from jinyun.kernel.ports import Actor, HistoryEntry, Record
from jinyun.kernel.records import RecordType

if TYPE_CHECKING:
    from jinyun.app.assemble import House

SYSTEM_ONLY = frozenset({"alarm", "case", "correction"})
"""Types that only the house creates or edits; people move them by their procedure."""
WRITERS = frozenset({"officer", "admin", "system"})
ALWAYS = frozenset({"admin", "system"})


class Gate:
    """Rights as registers ask for them."""

    def __init__(self, house: House) -> None:
        self._house = house

    def read(self, actor: Actor, kind: RecordType, record: Record | None = None) -> None:  # noqa: ARG002
        """Raise unless `actor` may look at the register, and at this record of it."""
        if kind.read_roles and not set(actor.roles) & {*kind.read_roles, *ALWAYS}:
            raise NotPermitted(f"reading records of {kind.id} needs one of the roles {', '.join(kind.read_roles)}")

    def write(self, actor: Actor, kind: RecordType, record: Record | None = None) -> None:
        """Raise unless `actor` may create records of the type, or change this one."""
        self.read(actor, kind, record)
        writers = {*kind.write_roles, *ALWAYS} if kind.write_roles else WRITERS
        if not writers & set(actor.roles):
            raise NotPermitted(f"changing records of {kind.id} needs one of the roles {', '.join(sorted(writers))}")

    def edit(self, actor: Actor, kind: RecordType, record: Record | None = None) -> None:
        """`write`, of a register that people fill in themselves."""
        self.write(actor, kind, record)
        if kind.id in SYSTEM_ONLY or kind.fixed:
            raise NotPermitted(f"records of {kind.id} are opened by the house; move them by their steps")

    def where(self, actor: Actor, kind: RecordType) -> dict[str, Any]:
        """What a list is filtered by besides what was asked for."""
        self.read(actor, kind)
        return {}

    def shown(self, record: Record, kind: RecordType, actor: Actor) -> dict[str, Any]:
        """A record as this actor may see it."""
        return record_dict(record, kind, actor.roles)

    def history(self, entry: HistoryEntry, kind: RecordType, actor: Actor) -> dict[str, Any]:
        """A line of its history as this actor may see it."""
        return history_dict(entry, kind, actor.roles)
