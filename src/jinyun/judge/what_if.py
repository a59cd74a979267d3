"""Judging stored windows again as if another day's editions held: nothing is stored, nothing is told.

Each window that has a current verdict is judged once more over the same readings with `JudgeInput.as_on`. Where that
differs, it is judged a third time by its own day: so it is known whether the edition alone made the difference, or the
readings and records have changed since the verdict was given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from jinyun.judge.reader import Reader
from jinyun.judge.site_records import SiteRecords
from jinyun.kernel.declare import Judge, JudgeInput
from jinyun.kernel.errors import BadInput
from jinyun.kernel.ports import ReadingStore, RecordStore, VerdictBrief, VerdictStore
from jinyun.kernel.terms import LENGTHS, Site, Verdict, Window

LOOK_S = 31 * 86400
"""Current verdicts are looked up for so long a stretch at once. [s]"""


@dataclass(frozen=True, slots=True)
class Again:
    """One window judged again. `would` is None where the judge then has nothing to say."""

    was: VerdictBrief
    judge: Judge
    site: Site
    would: Verdict | None
    changed: tuple[str, ...]  # of status, level, figure, deciding
    edition_only: bool = True  # by its own day's editions it would still be what it was
    problem: str = ""

    @property
    def flips(self) -> bool:
        """The status or the level is another: a difference that a bureau would have to report."""
        return "status" in self.changed or "level" in self.changed


def changed(was: VerdictBrief, would: Verdict | None) -> tuple[str, ...]:
    """What of a verdict would be another."""
    if would is None:
        return ("status",)
    pairs = (
        ("status", was.status, would.status), ("level", was.level, would.level), ("figure", was.figure, would.figure),
        ("deciding", set(was.deciding), set(would.deciding)),
    )  # fmt: skip
    return tuple(name for name, one, other in pairs if one != other)


class WhatIf:
    """Judges of one house over its stored readings. One run at a time per instance."""

    def __init__(
        self,
        *,
        judges: Mapping[str, Judge],
        readings: ReadingStore,
        records: RecordStore,
        verdicts: VerdictStore,
        sites: Callable[[str], Site | None],
    ) -> None:
        self._judges = {name: one for name, one in judges.items() if not one.newest_only}
        self._readings, self._reader = readings, Reader(readings)
        self._records, self._verdicts, self._sites = records, verdicts, sites

    def judges(self, asked: Iterable[str] = ()) -> list[Judge]:
        """The judges of those names; none named: all whose windows are days.

        Raises
        ------
        BadInput
            For a name that no judge has, or one that is indicative and keeps no verdicts on windows.
        """
        names = list(asked)
        if not names:
            return [one for one in self._judges.values() if LENGTHS.get(one.period, 0) >= 86400]
        unknown = [name for name in names if name not in self._judges]
        if unknown:
            raise BadInput(
                f"no judge {', '.join(unknown)}", field="judges", hint=f"one of {', '.join(sorted(self._judges))}"
            )
        return [self._judges[name] for name in names]

    def count(self, judges: Sequence[Judge], sites: Sequence[str] | None, start: int, end: int) -> int:
        """How many windows there are to judge again."""
        return sum(self._verdicts.counted(judge.id, sites, start, end) for judge in judges)

    def run(
        self, judges: Sequence[Judge], sites: Sequence[str] | None, start: int, end: int, *, as_on: date
    ) -> Iterator[list[Again]]:
        """Windows that begin in [start, end) judged again, a list for each window of each judge, in order of time."""
        self._readings.flush()
        for judge in judges:
            # Built for each judge: records may change while a long run is under way.
            records = SiteRecords(self._records, judge.needs_records)
            records.refresh()
            for first in range(start, end, LOOK_S):
                found = self._verdicts.briefs(judge.id, sites, first, min(end, first + LOOK_S))
                found.sort(key=lambda one: (one.start, one.subject))
                for _, same in groupby(found, key=lambda one: one.start):
                    yield self._window(judge, list(same), records, as_on)

    def _window(self, judge: Judge, was: list[VerdictBrief], records: SiteRecords, as_on: date) -> list[Again]:
        window = Window(judge.period, was[0].start, was[0].end)
        given = self._reader.read(judge, window, [one.subject for one in was])
        found = []
        for one in was:
            site, mine = self._sites(one.subject), given.get(one.subject)
            if site is None or mine is None:
                continue  # its site is no longer on file
            own = JudgeInput(site, window, mine.readings, records.of(site.id, judge.needs_records), mine.monitored)
            asked = JudgeInput(site, window, own.readings, own.records, own.monitored, as_on=as_on)
            try:
                would = judge.run(asked)
                differs = changed(one, would)
                same = not differs or not changed(one, judge.run(own))
            except Exception as wrong:  # one odd window must not end a run over years
                found.append(Again(one, judge, site, None, (), problem=f"{type(wrong).__name__}: {wrong}"))
                continue
            found.append(Again(one, judge, site, would, differs, same))
        return found
