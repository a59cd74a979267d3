"""What a domain offers at its door, and what a judge is: pure data and pure functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from jinyun.kernel.records import RecordType
from jinyun.kernel.terms import Period, Reading, Site, Stat, Verdict, Window, china_time


@dataclass(frozen=True, slots=True)
class JudgeInput:
    """All a judge may look at. `readings` are the current versions inside `window`, in time order."""

    site: Site
    window: Window
    readings: Sequence[Reading]
    records: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """Records the judge asked for by `Judge.needs_records`, e.g. ``{"permit_limit": [...]}``, each with its ``id``."""
    monitored: frozenset[str] | None = None
    """Factors the site has been reporting lately: one of them without data is *missing*, another is *not measured*.
    None: not known."""
    as_on: date | None = None
    """Judge by the editions in force on this day, a what-if; None: by those of the data's own day."""

    @property
    def day(self) -> date:
        """The day that chooses the editions: of the data, or `as_on`."""
        return self.as_on or china_time(self.window.start).date()


@dataclass(frozen=True, slots=True)
class Judge:
    """A judging rule: for sites of `site_kinds`, from readings of `reading_periods`, over windows of `period`."""

    id: str
    zh: str
    en: str
    site_kinds: tuple[str, ...]
    period: Period  # of the verdict's window
    reading_periods: tuple[Period, ...]  # of the readings it is given
    stats: tuple[Stat, ...]
    run: Callable[[JudgeInput], Verdict | None]
    """None: nothing to judge in this window (not the same as a verdict that says it cannot be judged)."""
    factors: tuple[str, ...] = ()  # empty: all of the site
    needs_records: tuple[str, ...] = ()
    on_arrival: bool = False
    """True: also asked when a reading whose period is in `reading_periods` arrives; False: when the window ends."""
    newest_only: bool = False
    """True: given only the newest reading of each series inside the window; its verdicts are indicative, and are kept
    only when their status or deciding factors change."""
    offset_s: int = 0
    """Its windows start this long after those of the clock: a night is judged in one piece, not cut at midnight. [s]"""


@dataclass(frozen=True, slots=True)
class Domain:
    """The door of one domain folder."""

    id: str
    zh: str
    en: str
    judges: tuple[Judge, ...] = ()
    records: tuple[RecordType, ...] = ()
    maturity: str = "todo"
