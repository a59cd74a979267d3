"""The new versions of an accepted correction, as frames that say author, reason and session. Doing it twice changes
nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from jinyun.judge.edits import Resolved
from jinyun.kernel.ports import Actor, Block, Record
from jinyun.kernel.terms import Origin, Period

if TYPE_CHECKING:
    from jinyun.app.assemble import House


def store_versions(house: House, record: Record, resolved: Resolved) -> None:
    """The new versions, each frame with author, reason and session; those already there are left."""
    rows = resolved.rows
    if len(rows):
        series, moment = np.unique(rows.series).tolist(), rows.time
        every = house.readings.read_versions(series, int(moment.min()), int(moment.max()) + 1)
        sessions = house.readings.correction_sessions(every.seq)
        mine = np.array([seq for seq, name in sessions.items() if name == record.id], np.int64)
        there = np.isin(every.seq, mine)
        stored = set(zip(every.series[there].tolist(), every.time[there].tolist(), strict=True))
        for block in _blocks(house, record, resolved, stored):
            house.readings.put(block)
        house.readings.flush()
    for limit in resolved.limits:
        present = house.records.get(limit.type, limit.id).data
        changes = {
            name: limit.after.get(name)
            for name in {*limit.before, *limit.after}
            if limit.before.get(name) != limit.after.get(name) and present.get(name) != limit.after.get(name)
        }
        if changes:
            note = f"{record.data['title']} ({record.id})"
            house.records.update(limit.type, limit.id, changes, Actor(record.data["author"], ()), note=note)


def _blocks(house: House, record: Record, resolved: Resolved, stored: set[tuple[int, int]]) -> Iterator[Block]:
    rows, received = resolved.rows, house.clock.now()
    reason = f"{record.data['reason']}: {record.data['reason_text']}"
    period = np.array([int(resolved.series[int(s)][1].period) for s in rows.series], np.uint8)
    site = [resolved.series[int(s)][0] for s in rows.series]
    order = sorted(range(len(rows)), key=lambda n: (int(rows.time[n]), int(period[n]), site[n]))
    group: list[int] = []
    for place, n in enumerate(order):
        group.append(n)
        nearest = order[place + 1] if place + 1 < len(order) else None
        if nearest is None or (rows.time[nearest], period[nearest], site[nearest]) != (
            rows.time[n], period[n], site[n],
        ):  # fmt: skip
            kept = [i for i in group if (int(rows.series[i]), int(rows.time[i])) not in stored]
            if kept:
                yield Block(
                    int(rows.time[n]), rows.series[kept].astype(np.int32), rows.value[kept], rows.flag[kept],
                    received, Origin.CORRECTION, "", site[n], None, record.data["author"], reason,
                    Period(int(period[n])), record.id,
                )  # fmt: skip
            group = []
