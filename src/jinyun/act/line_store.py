"""What the stores hold of one line: its settled verdicts by event time, its alarm records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from jinyun.act.alarms import seconds
from jinyun.act.line import Key
from jinyun.act.retelling import end_of
from jinyun.act.rules import Rule
from jinyun.kernel.ports import Record, RecordStore, VerdictStore
from jinyun.kernel.terms import Verdict

PAGE = 2000
PART = 200
"""Windows of a line that are read at a time when it need not be read to its end."""
ALL = 100_000
DAY = 86400


class LineStore:
    """Reads verdicts and alarms of a line; `settled` says which verdicts count."""

    def __init__(self, records: RecordStore, verdicts: VerdictStore, settled: Callable[[Verdict], bool]) -> None:
        self._records, self._verdicts, self._settled = records, verdicts, settled

    def alarms(self, key: Key, rules: Sequence[Rule]) -> list[Record]:
        """Alarm records of the rules, by their start."""
        judge, subject = key
        ids = {rule.id for rule in rules}
        found = self._records.find("alarm", {"judge": judge, "subject": subject}, order="started_at", limit=ALL)
        return [one for one in found if one.data["rule"] in ids]

    def safe_start(self, key: Key, rules: Sequence[Rule], known: Sequence[Record], around: int) -> int:
        """A moment before which nothing bears on what comes after: no alarm open, no run under way. [s]"""
        length = self._length(key, around)
        reach = max(rule.reach(length) for rule in rules)
        start = around - reach
        for record in reversed(known):
            if end_of(record) + reach >= start:
                start = min(start, (seconds(record.data["started_at"]) or start) - reach)
        return start

    def _length(self, key: Key, around: int) -> int:
        found = self._verdicts.find(judge=key[0], subject=key[1], start=around, limit=1, evidence=False)
        found = found or self._verdicts.find(judge=key[0], subject=key[1], limit=1, evidence=False)
        return found[0].window.end - found[0].window.start if found else 3600

    def verdicts(self, key: Key, start: int, *, in_parts: bool = False) -> Iterator[Verdict]:
        """Current, settled verdicts from `start` on, by event time. `in_parts`: read as they are asked for."""
        newest = self._verdicts.find(judge=key[0], subject=key[1], start=start, limit=1, evidence=False)
        if not newest:
            return
        last = newest[0].window.start
        step = max(DAY, PART * (newest[0].window.end - last)) if in_parts else last - start + 1
        while start <= last:
            yield from self._stretch(key, start, start + step)
            start += step

    def _stretch(self, key: Key, start: int, end: int) -> list[Verdict]:
        found: dict[int, Verdict] = {}
        while True:
            page = self._verdicts.find(judge=key[0], subject=key[1], start=start, end=end, limit=PAGE, evidence=False)
            fresh = [one for one in page if one.id not in found]
            found.update((one.id, one) for one in fresh)
            if len(page) < PAGE or not fresh:
                break
            end = min(one.window.start for one in page) + 1
        settled = (one for one in found.values() if self._settled(one))
        return sorted(settled, key=lambda one: (one.window.end, one.window.start))
