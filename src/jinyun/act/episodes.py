"""From a line of observations to episodes: where something began, its peak, and its end. Pure arithmetic, no store.

An *observation* is what one verdict says on one matter. `WindowFold` takes whole windows in the order of event time, so
that the same verdicts give the same episodes however they arrived; `LiveFold` takes what arrives as it arrives.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from jinyun.act.rules import Rule
from jinyun.kernel.terms import Status, Verdict, VerdictItem


class Sight(enum.StrEnum):
    """What one verdict means for a rule. UNKNOWN neither opens nor ends anything."""

    BAD = "bad"
    CLEAR = "clear"
    BETWEEN = "between"  # no longer bad, not yet good enough to end
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Observation:
    """One verdict seen by one rule. Times in s; figures as printed."""

    start: int
    end: int
    sight: Sight
    level: int = 4  # alarm level
    figure: str | None = None
    unit: str = ""
    limit: str | None = None
    multiple: str | None = None
    label_zh: str = ""
    label_en: str = ""
    factor: str = ""
    judge: str = ""
    verdict: int = 0
    rank: int | None = None  # the verdict's level
    reference: int | None = None  # what the rank is compared with: the target class, or the best class of the day

    def worse_than(self, other: Observation) -> bool:
        """Whether this one is the peak of the two; of equals the earlier stays."""
        if self.level != other.level:
            return self.level < other.level
        mine, its = self._weight(), other._weight()
        return mine is not None and (its is None or mine > its)

    def _weight(self) -> Decimal | None:
        """How bad: the exceedance multiple; of a range like pH 6–9 the distance outside it; else the figure."""
        if self.multiple is not None:
            return number(self.multiple)
        figure, (low, dash, high) = number(self.figure), (self.limit or "").partition("–")
        if figure is not None and dash and (least := number(low)) is not None and (most := number(high)) is not None:
            return max(least - figure, figure - most)
        return figure

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Observation:
        return cls(**{**data, "sight": Sight(data["sight"])})


def number(text: str | None) -> Decimal | None:
    """The number in a printed figure, or None when there is none."""
    try:
        return Decimal(text) if text else None
    except InvalidOperation:
        return None


@dataclass(slots=True)
class Episode:
    """One stretch of something being wrong: what an alarm record tells."""

    first: Observation  # the first bad one: when it truly began
    opened: Observation  # the one that made it long enough
    peak: Observation
    last: Observation
    level: int
    ended_at: int | None = None  # start of the first clear window of those that ended it
    ended: Observation | None = None  # the one that made them enough
    run_start: int = 0  # where its latest run of bad ones began: later than `started_at` when it resumed

    @property
    def started_at(self) -> int:
        return self.first.start

    def take(self, seen: Observation) -> None:
        """One more observation inside it."""
        self.last = seen
        if seen.sight is Sight.BAD:
            self.level = min(self.level, seen.level)
            if seen.worse_than(self.peak):
                self.peak = seen


@dataclass(slots=True)
class WindowFold:
    """One matter of a rule on whole windows. `episode` is the open one, `past` the last that ended."""

    rule: Rule
    episode: Episode | None = None
    past: Episode | None = None
    run: list[Observation] = field(default_factory=list)  # bad windows not yet enough for an alarm
    clear: list[Observation] = field(default_factory=list)  # clear windows not yet enough to end it
    base: int | None = None  # of a drop rule: the class it fell from

    def copy(self) -> WindowFold:
        """One that goes its own way."""
        own = [None if one is None else replace(one) for one in (self.episode, self.past)]
        return WindowFold(self.rule, own[0], own[1], list(self.run), list(self.clear), self.base)

    @property
    def busy(self) -> bool:
        return self.episode is not None or bool(self.run)

    def take(self, seen: Observation) -> str:
        """What came of it: "opened", "resumed", "updated", "ended" or "" (nothing a record would tell)."""
        if seen.sight is Sight.UNKNOWN:
            return ""
        return self._inside(seen) if self.episode else self._outside(seen)

    def _inside(self, seen: Observation) -> str:
        episode = self.episode
        assert episode is not None
        episode.take(seen)
        if seen.sight is not Sight.CLEAR:
            self.clear = []
            return "updated"
        self.clear = [*self._joined(self.clear, seen), seen]
        if len(self.clear) < self.rule.end_windows:
            return "updated"
        episode.ended_at, episode.ended = self.clear[0].start, seen
        self.past, self.episode, self.clear, self.base = episode, None, [], None
        return "ended"

    def _outside(self, seen: Observation) -> str:
        if seen.sight is not Sight.BAD:
            self.run, self.base = [], None
            return ""
        self.run = [*self._joined(self.run, seen), seen]
        if len(self.run) < self.rule.windows:
            return ""
        run, self.run = self.run, []
        self.episode, resumed = begun(run, self.past, self.rule.cool_down)
        return "resumed" if resumed else "opened"

    def _joined(self, line: list[Observation], seen: Observation) -> list[Observation]:
        """`line` when `seen` follows on it closely enough, else a new one."""
        if line and seen.start - line[-1].start > self.rule.most_apart(seen.end - seen.start):
            return []
        return line


def begun(run: list[Observation], past: Episode | None, cool_down: int) -> tuple[Episode, bool]:
    """The episode that a run of bad ones begins; soon after `past` it is the same one, resumed."""
    resumed = past is not None and past.ended_at is not None and run[0].start < past.ended_at + cool_down
    if resumed:
        assert past is not None
        episode = Episode(past.first, past.opened, past.peak, past.last, past.level, run_start=run[0].start)
    else:
        episode = Episode(run[0], run[-1], run[0], run[0], run[0].level, run_start=run[0].start)
    for one in run:
        episode.take(one)
    return episode, resumed


@dataclass(slots=True)
class LiveFold:
    """One matter of a live rule. Verdicts may come at each arrival or only when something changed, so time counts, not
    their number: `settle` tells how far the device has been heard."""

    rule: Rule
    episode: Episode | None = None
    past: Episode | None = None
    since: Observation | None = None  # since when it has been as it is (bad outside an episode, clear inside)
    latest: Observation | None = None
    worst: Observation | None = None  # of the run that is not yet an alarm

    @property
    def busy(self) -> bool:
        return self.episode is not None or self.since is not None

    def take(self, seen: Observation) -> str:
        """As `WindowFold.take`."""
        if seen.sight is Sight.UNKNOWN:
            return ""
        self.latest = seen
        if self.episode is None:
            if seen.sight is not Sight.BAD:
                self.since = self.worst = None
                return ""
            self.since = self.since or seen
            self.worst = seen if self.worst is None or seen.worse_than(self.worst) else self.worst
            return self.settle(seen.start)
        self.episode.take(seen)
        if seen.sight is not Sight.CLEAR:
            self.since = None
            return "updated"
        self.since = self.since or seen
        return self.settle(seen.start) or "updated"

    def settle(self, heard: int) -> str:
        """What came of time passing, the device having been heard until `heard` with nothing changed."""
        if self.since is None or self.latest is None:
            return ""
        lasted = heard - self.since.start
        if self.episode is None:
            if lasted < self.rule.seconds:
                return ""
            run = list(dict.fromkeys(one for one in (self.since, self.worst, self.latest) if one is not None))
            self.episode, resumed = begun(run, self.past, self.rule.cool_down)
            self.since = self.worst = None
            return "resumed" if resumed else "opened"
        if lasted < self.rule.end_seconds:
            return ""
        self.episode.ended_at, self.episode.ended = self.since.start, self.latest
        self.past, self.episode, self.since = self.episode, None, None
        return "ended"


# --- from verdicts to observations ----------------------------------------------------------------------------------


def observe(rule: Rule, verdict: Verdict, *, target: int | None, base: int | None = None) -> Observation:
    """What a whole verdict says to a rule by subject. `base` is the class that a drop is counted from."""
    reference = base if rule.open.drop is not None else target
    common: dict[str, Any] = {
        "start": verdict.window.start, "end": verdict.window.end, "figure": verdict.figure, "unit": verdict.unit,
        "limit": verdict.limit, "label_zh": verdict.label_zh, "label_en": verdict.label_en,
        "factor": " ".join(verdict.deciding), "judge": verdict.judge, "verdict": verdict.id, "rank": verdict.level,
        "reference": reference,
    }  # fmt: skip
    if verdict.status is Status.CANNOT_JUDGE:
        return Observation(sight=Sight.UNKNOWN, **common)
    bad = _bad(rule, verdict, target=target, base=base)
    if bad is None:
        return Observation(sight=Sight.UNKNOWN, **common)
    most = rule.end_level_at_most
    clear = not bad and (most is None or (verdict.level is not None and verdict.level <= most))
    sight = Sight.BAD if bad else Sight.CLEAR if clear else Sight.BETWEEN
    return Observation(sight=sight, level=rule.grading.level(_graded(rule, verdict, reference)), **common)


def _bad(rule: Rule, verdict: Verdict, *, target: int | None, base: int | None) -> bool | None:
    """Whether every condition of the rule holds; None when one of them has nothing to go by."""
    opens, level = rule.open, verdict.level
    asked: list[bool | None] = []
    if opens.status is not None:
        asked.append(verdict.status == opens.status)
    if opens.level_at_least is not None:
        asked.append(None if level is None else level >= opens.level_at_least)
    if opens.worse_than_target:
        asked.append(None if level is None or target is None else level > target)
    if opens.figure_above is not None:
        figure = number(verdict.figure)
        asked.append(None if figure is None else figure > opens.figure_above)
    if opens.drop is not None:
        asked.append(None if level is None else base is not None and level - base >= opens.drop)
    return None if None in asked else all(asked)


def _graded(rule: Rule, verdict: Verdict, reference: int | None) -> Decimal | None:
    by = rule.grading.by
    if by == "multiple":
        return max((m for m in map(_multiple, verdict.items) if m is not None), default=None)
    if verdict.level is None:
        return None
    if by == "verdict_level":
        return Decimal(verdict.level)
    return None if reference is None else Decimal(verdict.level - reference)


def observe_item(rule: Rule, verdict: Verdict, item: VerdictItem) -> Observation:
    """What a verdict says on one factor, to a rule by factor or factor group."""
    sight = Sight.BAD if item.status == rule.open.status else Sight.CLEAR
    if item.status is Status.CANNOT_JUDGE and rule.open.status != Status.CANNOT_JUDGE:
        sight = Sight.UNKNOWN
    multiple = _multiple(item)
    return Observation(
        start=verdict.window.start, end=verdict.window.end, sight=sight, level=rule.grading.level(multiple),
        figure=item.figure, unit=item.unit, limit=item.limit, multiple=None if multiple is None else str(multiple),
        factor=item.factor, judge=verdict.judge, verdict=verdict.id, rank=verdict.level,
    )  # fmt: skip


def _multiple(item: VerdictItem) -> Decimal | None:
    """超标倍数 (figure - limit) / limit as the judge printed it; None where it has no meaning (pH, a zero limit)."""
    return number(item.multiple)


def worst_of(seen: list[Observation]) -> Observation:
    """One observation for a group of factors: the worst bad one; clear only when none is bad or between."""
    order = (Sight.BAD, Sight.BETWEEN, Sight.CLEAR, Sight.UNKNOWN)
    sight = min((one.sight for one in seen), key=order.index)
    among = [one for one in seen if one.sight is sight]
    worst = among[0]
    for one in among[1:]:
        if one.worse_than(worst):
            worst = one
    return worst
