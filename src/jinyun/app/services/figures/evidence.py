"""What verdicts rest on, read from the stores: their texts, the reading versions they cite, and digests of both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from jinyun.domains.warehouse.figures import ReadingLine, verdict_digest, verdict_text
from jinyun.kernel.errors import NotFound
from jinyun.kernel.ports import MICRO, NO_VALUE
from jinyun.kernel.terms import Reading, ReadingRef, Verdict

if TYPE_CHECKING:
    from jinyun.app.assemble import House

AT_ONCE = 4000
"""Verdicts whose readings are looked up in one question."""
SPAN_S = 35 * 86400
"""Readings further apart are asked for separately. [s]"""
_TIME_BITS = 33  # an instant in seconds has less


@dataclass(frozen=True, slots=True)
class Evidence:
    """One verdict with the readings it cites, each once."""

    verdict: Verdict
    text: str
    readings: tuple[ReadingLine, ...]

    @property
    def digest(self) -> str:
        return verdict_digest(self.text, (one.text for one in self.readings))


def gather(house: House, ids: Iterable[int]) -> dict[int, Evidence]:
    """Evidence of verdicts by id.

    Raises
    ------
    NotFound
        For a verdict, or a version of a reading it cites, that is not stored any more.
    """
    found: dict[int, Evidence] = {}
    wanted = sorted(set(ids))
    for first in range(0, len(wanted), AT_ONCE):
        part = wanted[first : first + AT_ONCE]
        verdicts = house.verdicts.get_many(part)
        for id in part:
            if id not in verdicts:
                raise NotFound("verdict", id)
        lines = cited(house, [ref for one in verdicts.values() for ref in one.evidence()])
        for id, one in verdicts.items():
            found[id] = Evidence(one, verdict_text(one), tuple(lines[ref] for ref in one.evidence()))
    return found


def cited(house: House, refs: Sequence[ReadingRef]) -> dict[ReadingRef, ReadingLine]:
    """The very versions that references name. Most are the current ones: those come as columns, a few questions for
    all; the rest one by one."""
    found: dict[ReadingRef, ReadingLine] = {}
    order = sorted(set(refs), key=lambda ref: ref.time)
    first = 0
    while first < len(order):
        after = first + 1
        while after < len(order) and order[after].time - order[first].time < SPAN_S:
            after += 1
        found |= _current(house, order[first:after])
        first = after
    rest = [ref for ref in order if ref not in found]
    versions = house.readings.versions_of(list({(ref.series, ref.time) for ref in rest})) if rest else {}
    names = _names(house, {ref.series for ref in rest})
    for ref in rest:
        one = next((v for v in versions.get((ref.series, ref.time), ()) if v.seq == ref.seq), None)
        if one is None:
            raise NotFound("version of a reading", f"{names[ref.series]} at {ref.time}, sequence {ref.seq}")
        found[ref] = line_of(one, names[ref.series])
    return found


def _current(house: House, refs: Sequence[ReadingRef]) -> dict[ReadingRef, ReadingLine]:
    series = np.fromiter((ref.series for ref in refs), np.int64, len(refs))
    times = np.fromiter((ref.time for ref in refs), np.int64, len(refs))
    seqs = np.fromiter((ref.seq for ref in refs), np.int64, len(refs))
    wanted = np.unique(series).tolist()
    columns = house.readings.read_columns(wanted, int(times.min()), int(times.max()) + 1)
    keys = columns.series.astype(np.int64) << _TIME_BITS | columns.time.astype(np.int64)
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    asked = series << _TIME_BITS | times
    place = np.minimum(np.searchsorted(keys, asked), max(0, len(keys) - 1))
    if not len(keys):
        return {}
    hit = order[place]
    same = (keys[place] == asked) & (columns.seq[hit] == seqs)
    names = _names(house, wanted)
    values, flags = columns.value[hit].tolist(), columns.flag[hit].tolist()
    return {
        ref: ReadingLine(names[ref.series], ref.time, None if value == NO_VALUE else value, flag, ref.seq)
        for ref, value, flag, fits in zip(refs, values, flags, same.tolist(), strict=True)
        if fits
    }


def line_of(one: Reading, name: str) -> ReadingLine:
    value = None if one.value is None else int(one.value * MICRO)
    return ReadingLine(name, one.time, value, int(one.flag), one.seq)


def _names(house: House, series: Iterable[int]) -> Mapping[int, str]:
    return {number: series_name(house, number) for number in series}


def series_name(house: House, number: int) -> str:
    """``site|factor|statistic|period``."""
    key = house.readings.series_key(number)
    return f"{key.site}|{key.factor}|{key.stat.name}|{key.period.name}"
