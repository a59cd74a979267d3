"""A view of the verdicts with some taken as if they were stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from jinyun.kernel.ports import VerdictBrief, VerdictStore
from jinyun.kernel.terms import Verdict


class WouldVerdicts:
    """`store` with `would` in the places of the verdicts on the same windows. Everything else is asked of the store."""

    def __init__(self, store: VerdictStore, would: Sequence[Verdict]) -> None:
        self._store = store
        self._would: dict[tuple[str, str], dict[int, Verdict]] = {}
        for number, one in enumerate(would, 1):
            mine = self._would.setdefault((one.judge, one.subject), {})
            mine[one.window.start] = replace(one, id=-number)
        self.listeners: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def find(
        self,
        *,
        subject: str | None = None,
        judge: str | None = None,
        start: int | None = None,
        end: int | None = None,
        limit: int = 500,
        as_of: int | None = None,
        evidence: bool = True,
    ) -> list[Verdict]:
        """As `VerdictStore.find`; what would be has no earlier state."""
        asked: dict[str, Any] = {"subject": subject, "judge": judge, "start": start, "end": end, "limit": limit}
        found = self._store.find(**asked, as_of=as_of, evidence=evidence)
        if as_of is not None:
            return found
        lowest = min((one.window.start for one in found), default=0) if len(found) == limit else None
        held: dict[tuple[str, str, int], Verdict] = {(v.judge, v.subject, v.window.start): v for v in found}
        for (its_judge, its_subject), mine in self._would.items():
            if judge not in (None, its_judge) or subject not in (None, its_subject):
                continue
            for at, one in mine.items():
                inside = (start is None or at >= start) and (end is None or at < end)
                if inside and (lowest is None or at >= lowest):
                    held[its_judge, its_subject, at] = one
        newest_first = sorted(held.values(), key=lambda v: v.window.start, reverse=True)
        return newest_first[:limit]

    def briefs(self, judge: str, subjects: Sequence[str] | None, start: int, end: int) -> list[VerdictBrief]:
        """As `VerdictStore.briefs`."""
        held = {(one.subject, one.start): one for one in self._store.briefs(judge, subjects, start, end)}
        for (its_judge, subject), mine in self._would.items():
            if its_judge == judge and (subjects is None or subject in subjects):
                held |= {(subject, at): brief_of(one) for at, one in mine.items() if start <= at < end}
        return [held[key] for key in sorted(held)]


def brief_of(one: Verdict) -> VerdictBrief:
    """What a verdict says, in short."""
    return VerdictBrief(
        one.id, one.subject, one.window.start, one.window.end, one.status, one.level, one.figure, one.clause,
        one.edition, one.label_zh, one.label_en, one.deciding,
        tuple((i.factor, i.figure, i.unit, "" if i.figure is not None else i.reason) for i in one.items),
    )  # fmt: skip
