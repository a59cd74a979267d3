"""How far a case is: one recovery condition, or several after cases of several matters became one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinyun.act.alarms import seconds
from jinyun.domains.supervision.records import OPEN_STATES
from jinyun.domains.supervision.recovery import DAY, Condition, Progress, recovery_progress, relapse
from jinyun.kernel.ports import Record
from jinyun.kernel.terms import Verdict


@dataclass(frozen=True, slots=True)
class Recovery:
    """How far a case is, with the verdicts that count."""

    conditions: tuple[Condition, ...]
    progress: Progress | None  # of all conditions together; None: the case has none
    line: tuple[Verdict, ...]  # all looked at, oldest first
    now: int  # [s]
    parts: tuple[Progress, ...] = ()  # of each condition

    @property
    def condition(self) -> Condition | None:
        """The first one: of the matter the case was opened for."""
        return self.conditions[0] if self.conditions else None

    @property
    def observe_days(self) -> int:
        """How long the case is watched after all conditions hold. [d]"""
        return max((one.observe_days for one in self.conditions), default=0)

    @property
    def have(self) -> list[Verdict]:
        """The verdicts that count towards the recovery, oldest first."""
        wanted = self.progress.verdicts if self.progress else ()
        return [verdict for verdict in self.line if verdict.id in wanted]

    def broken(self, since: int, oldest: int) -> Verdict | None:
        """The first verdict on a whole window from `since` on that breaks a condition, of those whose window ended at
        `oldest` or later. [s]"""
        recent = [one for one in self.line if oldest <= one.window.end <= self.now]
        found = [broke for one in self.conditions if (broke := relapse(one, recent, since)) is not None]
        return min(found, key=lambda verdict: (verdict.window.start, verdict.id), default=None)

    def as_context(self) -> dict[str, Any]:
        """For guards (`verdicts`, `now`) and for the page (the rest)."""
        progress, condition = self.progress, self.condition
        return {
            "now": self.now,
            "verdicts": list(self.line),
            "condition": condition.as_json() if condition else None,
            "conditions": [
                one.as_json() | {"have": part.have, "need": part.need, "held": part.held}
                for one, part in zip(self.conditions, self.parts, strict=True)
            ],
            "have": self.have,
            "need": progress.need if progress else 0,
            "held": progress.held if progress else True,
            "missing": [one.as_dict() for one in progress.missing] if progress else [],
            "since": progress.since if progress else None,
            "held_at": progress.held_at if progress else None,
            "next_possible": progress.next_possible if progress else None,
        }


def recovery_of(conditions: Sequence[Condition], line: Sequence[Verdict], now: int) -> Recovery:
    """Where the conditions stand by the verdicts of `line`, which may be of several judges and subjects."""
    parts = tuple(recovery_progress(one, line, now=now) for one in conditions)
    return Recovery(tuple(conditions), joined(parts), tuple(line), now, parts)


def joined(parts: Sequence[Progress]) -> Progress | None:
    """All together: held when each is, since the last of them was."""
    if len(parts) < 2:
        return parts[0] if parts else None
    held = all(one.held for one in parts)
    since = [one.since for one in parts]
    held_at = [one.held_at for one in parts if one.held_at is not None]
    return Progress(
        have=sum(one.have for one in parts),
        need=sum(one.need for one in parts),
        held=held,
        missing=tuple(missing for one in parts for missing in one.missing),
        since=None if None in since else max(one for one in since if one is not None),
        verdicts=tuple(id for one in parts for id in one.verdicts),
        held_at=max(held_at) if held and held_at else None,
        next_possible=max((one.next_possible for one in parts if one.next_possible is not None), default=None),
    )


def holds(case: Record, alarm: Record, run_start: int) -> bool:
    """Whether `alarm` is a case's already, and its latest run no relapse after the case was closed."""
    if alarm.id not in (case.data.get("alarms") or ()):
        return False
    since = recovered_since(case)
    return case.state in OPEN_STATES or since is None or run_start < since


def still_watched(case: Record, run_start: int) -> bool:
    """Whether a closed case, closed by hand before its observation was over, would still be under observation: what
    is bad again by then is a relapse of it. Version 1 opened a new case."""
    until, since = seconds(case.data.get("observe_until")), recovered_since(case)
    if case.state != "closed" or case.procedure < 2 or until is None or since is None:
        return False
    return since <= run_start < until


def covers(case: Record, run_start: int) -> bool:
    """Whether a closed case spoke of this time: a late alarm of then is evidence for it, not a relapse."""
    since = recovered_since(case)
    opened = seconds(case.data.get("opened_at"))
    return since is not None and opened is not None and opened - DAY <= run_start < since


def recovered_since(case: Record) -> int | None:
    """Since when the figure that took the case into observation has been good: what is bad later is a relapse. [s]"""
    since: int | None = (case.data.get("progress") or {}).get("recovered_since")
    return since


def same_run(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return all(before.get(name) == after.get(name) for name in ("have", "need", "held", "since"))
