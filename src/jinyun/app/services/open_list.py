"""Lists of what is open, kept ready: a change of one record makes that row again and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from jinyun.act.open_records import OpenRecords
from jinyun.kernel.ports import Record

if TYPE_CHECKING:
    from jinyun.app.assemble import House


_NEVER: Any = object()


class OpenList:
    """Records of one type in open states, as pages show them, in order.

    Parameters
    ----------
    shown : callable
        A record as the page has it.
    rank : callable
        What a record is sorted by.
    beside : callable
        A version of what `shown` and reach rest on beside the record: all are read again when it is another.
    """

    def __init__(
        self, house: House, type_id: str, states: Sequence[str], *, shown: Callable[[Record], dict[str, Any]],
        rank: Callable[[Record], Any], beside: Callable[[], Any],
    ) -> None:  # fmt: skip
        self._records = OpenRecords(house.records, type_id, states)
        self._shown, self._rank, self._beside = shown, rank, beside
        self._rows: dict[str, tuple[Any, dict[str, Any]]] = {}
        self._made: Any = _NEVER

    @property
    def version(self) -> int:
        """Rises with each change heard of."""
        return self._records.version

    def read(self) -> list[dict[str, Any]]:
        """The list as it is now. One thread at a time."""
        beside, made = self._beside(), self._made
        self._made = _NEVER  # should something fail on the way, all are read the next time
        found, changed = self._records.read(anew=made != beside)
        if changed is None:
            self._rows = {id: (self._rank(one), self._shown(one)) for id, one in found.items()}
        else:
            for id in changed:
                if id in found:
                    self._rows[id] = self._rank(found[id]), self._shown(found[id])
                else:
                    self._rows.pop(id, None)
        self._made = beside
        return [row for _, row in sorted(self._rows.values(), key=lambda one: one[0])]
