"""What stands: the verdict that a window has, and whether a new one says anything else."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence

from jinyun.judge.marks import Key
from jinyun.judge.substance import outline, substance
from jinyun.kernel.declare import Judge
from jinyun.kernel.ports import VerdictStore
from jinyun.kernel.terms import Status, Verdict, Window

KNOWN_AT_MOST = 50_000
"""Windows whose last verdict's substance is kept in memory; of older ones the store is asked."""


class Standing:
    """The stored verdicts as the judge room asks for them."""

    def __init__(self, verdicts: VerdictStore) -> None:
        self._verdicts = verdicts
        self._known: OrderedDict[Key, tuple[int, int] | None] = OrderedDict()  # hash of (outline, substance) stored
        self._newest: Mapping[tuple[str, str], Verdict] = {}  # the store's newest window by (site, judge)

    def look_up(self, judge: Judge, where: Window, keys: Sequence[Key]) -> None:
        """Ask the store at once for the verdicts that windows before each site's newest one have."""
        self._newest = self._verdicts.latest()
        asked = [
            key
            for key in keys
            if key not in self._known
            and (newest := self._newest.get((key.site, key.judge))) is not None
            and newest.window.start > key.start
        ]
        if asked:
            found = self._verdicts.currents(judge.id, [key.site for key in asked], where)
            for key in asked:
                self.remember(key, found.get(key.site))

    def differs(self, judge: Judge, key: Key, verdict: Verdict, now: int) -> bool:
        """True when the verdict says something that the one stored for its window does not. `now` [s]."""
        coarse = judge.newest_only or verdict.window.end > now
        unsure = verdict.status is Status.CANNOT_JUDGE
        if coarse and unsure and not judge.newest_only:
            return False
        if key in self._known:
            known = self._known[key]
            self._known.move_to_end(key)
        else:
            known = self.remember(key, self.current(key, verdict.window))
        if known is None:
            return not (coarse and unsure)  # at the hour's first message not every factor has spoken yet
        return known[0] != hash(outline(verdict)) if coarse else known[1] != hash(substance(verdict))

    def current(self, key: Key, where: Window) -> Verdict | None:
        """The verdict stored for a window; the store is asked only for windows before the newest one."""
        newest = self._newest.get((key.site, key.judge))
        if newest is None or newest.window.start < key.start:
            return None
        return newest if newest.window.start == key.start else self._verdicts.current(key.judge, key.site, where)

    def before(self, key: Key, where: Window) -> Verdict | None:
        """The verdict that a new one of this window supersedes; None where it had none when it was looked up."""
        return self.current(key, where) if self._known.get(key) is not None else None

    def remember(self, key: Key, verdict: Verdict | None) -> tuple[int, int] | None:
        """Keep what the window's verdict says."""
        marks = None if verdict is None else (hash(outline(verdict)), hash(substance(verdict)))
        self._known[key] = marks
        self._known.move_to_end(key)
        while len(self._known) > KNOWN_AT_MOST:
            self._known.popitem(last=False)
        return marks
