"""What a line that is read again says of its alarms, beside the records there are. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from jinyun.act.alarms import seconds
from jinyun.act.episodes import Episode, Observation, Sight, WindowFold
from jinyun.act.rules import Rule
from jinyun.kernel.ports import Record


@dataclass(slots=True)
class Told:
    """All that one matter went through on a line read again."""

    rule: Rule
    episodes: list[Episode] = field(default_factory=list)


def alike(one: Mapping[str, WindowFold], other: Mapping[str, WindowFold], moment: int) -> bool:
    """Whether two lines have come to the same by `moment` [s]: the same windows make the same of both from then on."""
    for matter in one.keys() | other.keys():
        rule = (one.get(matter) or other[matter]).rule
        mine, its = one.get(matter) or WindowFold(rule), other.get(matter) or WindowFold(rule)
        if (mine.episode, mine.run, mine.clear, mine.base) != (its.episode, its.run, its.clear, its.base):
            return False
        if mine.past != its.past and any(_lately(each, moment, rule) for each in (mine.past, its.past)):
            return False
    return True


def _lately(past: Episode | None, moment: int, rule: Rule) -> bool:
    """Whether an episode may yet be resumed."""
    return past is not None and (past.ended_at is None or moment < past.ended_at + rule.cool_down)


def standing(known: Sequence[Record], folds: Mapping[str, WindowFold], moment: int) -> frozenset[str] | None:
    """Ids of the alarms that are open at `moment` [s]; None: of one the fold has no open episode."""
    found = set()
    for record in known:
        began = seconds(record.data["started_at"]) or 0
        if began >= moment or end_of(record) < moment:
            continue
        fold = folds.get(record.data["matter"])
        if fold is None or fold.episode is None:
            return None
        found.add(record.id)
    return frozenset(found)


def past_episode(record: Record) -> Episode | None:
    """The time of the episode that an ended alarm record tells of: enough to see whether a new one resumes it."""
    started, ended = seconds(record.data.get("started_at")), seconds(record.data.get("ended_at"))
    if started is None or ended is None or record.state != "ended":
        return None
    seen = Observation(start=started, end=started, sight=Sight.BAD)
    return Episode(seen, seen, seen, seen, seen.level, ended_at=ended)


def end_of(record: Record) -> int:
    ended = seconds(record.data.get("ended_at")) if record.state == "ended" else None
    last = seconds(record.data.get("last_at")) or 0
    return 1 << 40 if record.state == "open" else max(ended or 0, last)


def overlap(episode: Episode, record: Record) -> bool:
    began = seconds(record.data.get("started_at")) or 0
    until = episode.ended_at if episode.ended_at is not None else 1 << 40
    return episode.started_at <= end_of(record) and began <= until


def matching(episode: Episode, free: Sequence[Record]) -> Record | None:
    """The record of an episode: the one that overlaps it, those never withdrawn first, the earliest of them."""
    overlapping = [one for one in free if overlap(episode, one)]
    return min(
        overlapping,
        key=lambda one: (one.data.get("end_reason") in ("corrected", "merged"), seconds(one.data["started_at"]) or 0),
        default=None,
    )
