"""Verdicts as they stood at an earlier moment: nothing that was computed after it is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jinyun.kernel.errors import NotFound
from jinyun.kernel.ports import VerdictBrief
from jinyun.kernel.terms import Verdict, Window


class VerdictsThen:
    """The `VerdictStore` port, for asking, as of a moment [µs]. It hears of no news.

    `store` may be a view of the verdicts; what is not said here is asked of it.
    """

    def __init__(self, store: Any, as_of: int) -> None:
        self._store, self.as_of, self._up_to = store, as_of, store.newest_id_at(as_of)
        self._latest: Mapping[tuple[str, str], Verdict] | None = None
        self.listeners: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def get(self, id: int) -> Verdict:
        """A verdict that was there then, superseded or not."""
        if id > self._up_to:
            raise NotFound("verdict at that moment", id)
        found: Verdict = self._store.get(id)
        return found

    def get_many(self, ids: Sequence[int]) -> dict[int, Verdict]:
        """Those of many that were there then."""
        found: dict[int, Verdict] = self._store.get_many([one for one in ids if one <= self._up_to])
        return found

    def current(self, judge: str, subject: str, window: Window) -> Verdict | None:
        """As `VerdictStore.current`."""
        return self.currents(judge, [subject], window).get(subject)

    def currents(self, judge: str, subjects: Sequence[str], window: Window) -> Mapping[str, Verdict]:
        """As `VerdictStore.currents`."""
        found: Mapping[str, Verdict] = self._store.currents(judge, subjects, window, up_to=self._up_to)
        return found

    def find(self, **asked: Any) -> list[Verdict]:
        """As `VerdictStore.find`."""
        known = asked.get("as_of")
        as_of = self.as_of if known is None else min(known, self.as_of)
        found: list[Verdict] = self._store.find(**{**asked, "as_of": as_of})
        return found

    def briefs(self, judge: str, subjects: Sequence[str] | None, start: int, end: int) -> list[VerdictBrief]:
        """As `VerdictStore.briefs`."""
        found: list[VerdictBrief] = self._store.briefs(judge, subjects, start, end, up_to=self._up_to)
        return found

    def latest(self) -> Mapping[tuple[str, str], Verdict]:
        """As `VerdictStore.latest`."""
        if self._latest is None:
            self._latest = self._store.latest_at(self._up_to, self.as_of)
        return self._latest

    def newest_id(self) -> int:
        """Id of the verdict stored last by then; 0 when there was none."""
        return int(self._up_to)

    def newest_id_at(self, as_of: int) -> int:
        """The same as of an earlier moment [µs]."""
        return min(int(self._up_to), int(self._store.newest_id_at(as_of)))

    def since(self, id: int, *, limit: int = 1000) -> list[Verdict]:
        """As `VerdictStore.since`, up to the moment."""
        return [one for one in self._store.since(id, limit=limit) if one.id <= self._up_to]
