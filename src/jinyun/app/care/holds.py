"""What retention must leave: readings and raw messages that an open case or alarm rests on.

A published figure holds nothing: its passport reprints from what was kept at its publication, digests included, and
says that the readings under it are beyond retention (docs/running.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jinyun.kernel.errors import JinyunError
from jinyun.kernel.terms import china_time

if TYPE_CHECKING:
    from jinyun.app.assemble import House

_VERDICTS = ("verdict_open", "verdict_peak", "verdict_end", "verdict_close")


@dataclass(slots=True)
class Holds:
    """China days of readings and numbers of journal segments, each with the ids of what holds it."""

    days: dict[str, set[str]] = field(default_factory=dict)
    segments: dict[int, set[str]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {
            "days": {day: sorted(by) for day, by in sorted(self.days.items())},
            "segments": {str(number): sorted(by) for number, by in sorted(self.segments.items())},
        }


def holds(house: House) -> Holds:
    """Of all open cases and open alarms."""
    found = Holds()
    frames: dict[int, set[str]] = {}
    for name, verdict_id in _cited(house):
        try:
            verdict = house.verdicts.get(verdict_id)
        except JinyunError:
            continue  # `verify` says so
        for item in verdict.items:
            for ref in item.readings:
                found.days.setdefault(f"{china_time(ref.time):%Y-%m-%d}", set()).add(name)
                frames.setdefault(ref.seq, set()).add(name)
    for id, by in frames.items():
        try:
            place = house.readings.frame(id).ref
        except JinyunError:
            continue
        if place is not None:
            found.segments.setdefault(place.segment, set()).update(by)
    return found


def _cited(house: House) -> Iterator[tuple[str, int]]:
    """(record, verdict id) of all verdicts that open cases and alarms cite."""
    for type_id, closed in (("case", "closed"), ("alarm", "ended")):
        states = [one for one in house.types[type_id].states() if one != closed]
        offset = 0
        while page := house.records.find(type_id, states=states, order="id", limit=1000, offset=offset):
            for record in page:
                for id in _verdicts_of(record.data):
                    yield f"{type_id} {record.id}", id
            offset += len(page)


def _verdicts_of(data: Mapping[str, Any]) -> Iterator[int]:
    for name in _VERDICTS:
        if data.get(name):
            yield int(data[name])
    progress = data.get("progress")
    if isinstance(progress, Mapping):
        for one in progress.get("verdicts") or ():
            if isinstance(one, int):
                yield one
