"""How far somebody sees: places, units, one enterprise, personal fields."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Reach:
    """The part of the node that an actor may see. Without any of them: nothing that belongs to a place."""

    whole: bool = False  # every row
    prefixes: tuple[str, ...] = ()  # beginnings of division codes
    cells: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()  # what a record's owner field may say: the account, its unit and those below it
    enterprise: str = ""
    personal: bool = False  # personal fields
    raw: bool = False  # passwords inside raw frames

    @property
    def open(self) -> bool:
        """Nothing is kept from them: the house itself may answer."""
        return self.whole and self.personal and self.raw

    @property
    def placed(self) -> bool:
        """Bound to places or owners, not to one enterprise: sees what belongs to no place."""
        return self.whole or bool(self.prefixes or self.cells or (self.owners and not self.enterprise))

    def at(self, *, prefixes: tuple[str, ...] = (), enterprise: str = "") -> Reach:
        """The same rights at another place: for the mutation test."""
        return replace(self, whole=False, prefixes=prefixes, cells=(), owners=(), enterprise=enterprise)
