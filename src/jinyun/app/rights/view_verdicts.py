"""Verdicts of sites within a reach."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jinyun.app.rights.checks import CHECKS
from jinyun.kernel.errors import NotFound, NotPermitted
from jinyun.kernel.ports import VerdictBrief
from jinyun.kernel.terms import Verdict, Window

if TYPE_CHECKING:
    from jinyun.app.rights.view import View

GET = CHECKS.point("verdicts.get", "a verdict asked for by its number is of a site within reach")
LISTED = CHECKS.point("verdicts.find", "lists of verdicts are of sites within reach")
LATEST = CHECKS.point("verdicts.latest", "the newest verdicts, indicative ones too, are of sites within reach")


class ViewVerdicts:
    """The `VerdictStore` port, for asking."""

    def __init__(self, view: View) -> None:
        self._view, self._verdicts = view, view.house.verdicts
        self.listeners: list[Callable[[Sequence[Verdict]], None]] = []
        self.heard = self._heard

    def __getattr__(self, name: str) -> Any:
        raise NotPermitted(f"verdicts: {name} is not open to somebody who sees a part of the node only")

    def _heard(self, fresh: Sequence[Verdict]) -> None:
        for one in list(self.listeners):
            one(fresh)

    def get(self, id: int) -> Verdict:
        found = self._verdicts.get(id)
        if not self._view.sees(GET, found.subject):
            raise NotFound("verdict", id)
        return found

    def get_many(self, ids: Sequence[int]) -> dict[int, Verdict]:
        """Those of many that are within reach."""
        return {id: one for id, one in self._verdicts.get_many(ids).items() if self._view.sees(GET, one.subject)}

    def current(self, judge: str, subject: str, window: Window) -> Verdict | None:
        return self._verdicts.current(judge, subject, window) if self._view.sees(LISTED, subject) else None

    def currents(self, judge: str, subjects: Sequence[str], window: Window) -> Mapping[str, Verdict]:
        return self._verdicts.currents(judge, self._mine(subjects), window)

    def find(self, *, subject: str | None = None, **asked: Any) -> list[Verdict]:
        """As `VerdictStore.find`, of one site."""
        if subject is None or not self._view.sees(LISTED, subject):
            return []
        return self._verdicts.find(subject=subject, **asked)

    def briefs(
        self, judge: str, subjects: Sequence[str] | None, start: int, end: int, **more: Any
    ) -> list[VerdictBrief]:
        return self._verdicts.briefs(judge, self._mine(subjects), start, end, **more)

    def counted(self, judge: str, subjects: Sequence[str] | None, start: int, end: int) -> int:
        return self._verdicts.counted(judge, self._mine(subjects), start, end)

    def bounds(self, judges: Sequence[str], subjects: Sequence[str]) -> tuple[int | None, int | None]:
        return self._verdicts.bounds(judges, self._mine(subjects))

    def latest(self) -> Mapping[tuple[str, str], Verdict]:
        return {key: one for key, one in self._verdicts.latest().items() if self._view.sees(LATEST, one.subject)}

    def newest_id(self) -> int:
        """Id of the verdict stored last, whoever's it is."""
        return self._verdicts.newest_id()

    def newest_id_at(self, as_of: int) -> int:
        """The same as of a moment [µs]."""
        return self._verdicts.newest_id_at(as_of)

    def _mine(self, subjects: Sequence[str] | None) -> list[str]:
        wanted = [one.id for one in self._view.house.sites.all()] if subjects is None else subjects
        return [one for one in wanted if self._view.sees(LISTED, one)]


class ViewJudge:
    """What pages ask of the judging room."""

    def __init__(self, view: View) -> None:
        self._view = view
        self.judges = view.house.judge.judges

    def now_verdicts(self) -> Mapping[tuple[str, str], Verdict]:
        found = self._view.house.judge.now_verdicts()
        return {key: one for key, one in found.items() if self._view.sees(LATEST, one.subject)}

    def touch(self, arrival: Any) -> None:
        self._view.house.judge.touch(arrival)
