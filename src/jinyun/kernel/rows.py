"""Which records somebody may see, as data: the same clauses are asked of one record here and of a list by the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Follow = Callable[[str, str], Mapping[str, Any] | None]
"""(record type, id) -> the record's fields, or None when there is none."""


@dataclass(frozen=True, slots=True)
class Clause:
    """`field` of the record, or of the one that `hops` of references lead to, is one of `values` or begins with one.

    `hops` are (reference field, record type it points at); `field` is ``id`` or an indexed field.
    """

    field: str
    values: tuple[str, ...]
    prefix: bool = False
    hops: tuple[tuple[str, str], ...] = ()
    unless: str = ""  # a reference field of the record: the clause is for those that have none

    def holds(self, record_id: str, data: Mapping[str, Any], follow: Follow) -> bool:
        """Whether it holds for a record; a reference to nothing holds for nobody."""
        if self.unless and _many(data.get(self.unless)):
            return False
        return self._along(record_id, data, follow, self.hops)

    def _along(
        self, record_id: str, data: Mapping[str, Any], follow: Follow, hops: tuple[tuple[str, str], ...]
    ) -> bool:
        if not hops:
            values = [record_id] if self.field == "id" else _many(data.get(self.field))
            return any(self._takes(one) for one in values)
        (name, type_id), rest = hops[0], hops[1:]
        for target in _many(data.get(name)):
            if not rest and self.field == "id":
                if self._takes(target):
                    return True
                continue
            found = follow(type_id, target)
            if found is not None and self._along(target, found, follow, rest):
                return True
        return False

    def _takes(self, value: str) -> bool:
        return value.startswith(self.values) if self.prefix else value in self.values


@dataclass(frozen=True, slots=True)
class Rows:
    """Records for which any clause holds; without a clause none. `outside`: those for which none does."""

    clauses: tuple[Clause, ...] = ()
    outside: bool = False

    def holds(self, record_id: str, data: Mapping[str, Any], follow: Follow) -> bool:
        """Whether a record is among them."""
        return any(one.holds(record_id, data, follow) for one in self.clauses) is not self.outside


def _many(value: Any) -> list[str]:
    if value is None or value == "":
        return []
    return [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]
