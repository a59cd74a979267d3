"""What a line that is read again says of its alarms, beside the records there are. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from jinyun.act.alarms import seconds
from jinyun.act.episodes import Episode, Observation, Sight
from jinyun.act.rules import Rule
from jinyun.kernel.ports import Record


@dataclass(slots=True)
class Told:
    """All that one matter went through on a line read again."""

    rule: Rule
    episodes: list[Episode] = field(default_factory=list)


class Quiet:
    """Where a line that is read again has come to what it was: after the last window that is another and all it bears
    on, with no alarm open, as it is told now or stands in the records, nor one so lately that it could be resumed."""

    def __init__(self, known: Sequence[Record], until: int, reach: int) -> None:
        """`until`: start of the last window that is another; `reach`: how far one bears on later ones. [s]"""
        self._until, self._reach = until, reach
        self._known = [(seconds(one.data["started_at"]) or 0, end_of(one)) for one in known]

    def at(self, moment: int, told: Mapping[str, Told]) -> bool:
        """Whether what comes from `moment` [s] on is as before; asked where no fold is busy."""
        since = moment - self._reach
        return (
            self._until < since
            and all(
                one.ended_at is not None and one.ended_at < since for each in told.values() for one in each.episodes
            )
            and all(end < since or began >= moment for began, end in self._known)
        )


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
