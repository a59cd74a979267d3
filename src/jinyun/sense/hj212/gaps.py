"""The gap ledger: which periods each device owes, which are missing, what to ask for next (HJ 212-2017 annex C).

No sockets and no clock: `now` is always given [s]. What was seen lives in memory and is read again at start;
the watermark (all before it is settled) and what was asked, answered and given up are kept in the key-value port.
A request never spans more than one *chunk*: an hour of minutes, a day of hours, a week of days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jinyun.kernel.ports import DeviceProfile, KeyValue
from jinyun.kernel.terms import LENGTHS, Period

SPACE = "hj212.gaps"
COMMANDS: Mapping[Period, str] = {Period.MINUTE: "2051", Period.HOUR: "2061", Period.DAY: "2031"}
CHUNKS: Mapping[Period, int] = {Period.MINUTE: 3600, Period.HOUR: 86_400, Period.DAY: 7 * 86_400}
CHINA_SHIFT = 28_800
WAIT_PERIODS = 2  # a gap older than two periods is asked for (rules 10)
LONGEST_WAIT = 900  # but an hour or a day that is a quarter of an hour late will not come by itself [s]
SETTLED_SHOWN = 20
EARLY_KEPT = 500


def step_of(profile: DeviceProfile, period: Period) -> int:
    """Length of one slot of the grid [s]. Minute data come at the device's minute interval."""
    return max(1, profile.minute_interval) * 60 if period is Period.MINUTE else LENGTHS[period]


def floor_to(at: int, length: int) -> int:
    """The grid point at or before `at`, on a grid cut in China civil time."""
    return (at + CHINA_SHIFT) // length * length - CHINA_SHIFT


@dataclass(slots=True)
class Chunk:
    """One stretch that fits in one request."""

    start: int
    seen: set[int] = field(default_factory=set)
    absent: set[int] = field(default_factory=set)  # the device said ExeRtn=100: not there either
    state: str = "open"  # open | asked | filled | missing_at_source | given_up
    attempts: int = 0
    next_at: float = 0.0
    asked_at: int = 0
    result: str = ""

    def saved(self) -> dict[str, Any]:
        return {
            "absent": sorted(self.absent), "state": "open" if self.state == "asked" else self.state,
            "attempts": self.attempts, "next_at": self.next_at, "asked_at": self.asked_at, "result": self.result,
        }  # fmt: skip


@dataclass(slots=True)
class Track:
    """What one device owes of one period."""

    mn: str
    period: Period
    step: int
    first: int  # nothing before is owed
    longest_wait: int = LONGEST_WAIT
    chunks: dict[int, Chunk] = field(default_factory=dict)
    settled: list[dict[str, Any]] = field(default_factory=list)  # the last gaps that came to an end
    dirty: bool = True

    @property
    def size(self) -> int:
        return CHUNKS[self.period]

    @property
    def patience(self) -> int:
        """How long after its end a slot may be missing before it counts as a gap. [s]"""
        return min(WAIT_PERIODS * self.step, self.longest_wait)

    def chunk(self, slot: int) -> Chunk:
        start = floor_to(slot, self.size)
        found = self.chunks.get(start)
        if found is None:
            found = self.chunks[start] = Chunk(start)
        return found

    def missing(self, chunk: Chunk, now: int) -> list[int]:
        """Slots of the chunk that are due for longer than `patience` and not here, ascending."""
        start = max(chunk.start, floor_to(self.first + self.step - 1, self.step))
        end = min(chunk.start + self.size, now - self.patience)
        have, absent = chunk.seen, chunk.absent
        return [t for t in range(start, end - self.step + 1, self.step) if t not in have and t not in absent]


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask one device for: both ends are period starts and included."""

    mn: str
    period: Period
    cn: str
    begin: int
    end: int
    chunk: int


class GapLedger:
    """All tracks. `arrived` is called per stored message, the rest a few times a minute."""

    def __init__(
        self,
        kv: KeyValue,
        *,
        look_back: Mapping[str, int],
        look_back_most: int,
        attempts: int,
        pause: float,
        history: Callable[[str, Period, int, int], Iterable[int]] | None = None,
        longest_wait: int = LONGEST_WAIT,
    ) -> None:
        """`history` (mn, period, start, end) gives times already stored; None when the store cannot tell."""
        self.kv, self.history = kv, history
        self.look_back, self.look_back_most = dict(look_back), look_back_most
        self.max_attempts, self.pause, self.longest_wait = attempts, pause, longest_wait
        self.tracks: dict[tuple[str, Period], Track] = {}
        self.early: dict[tuple[str, Period], set[int]] = {}
        self.saved: dict[str, Any] = dict(kv.items(SPACE))

    # what arrives

    def arrived(self, mn: str, period: Period, time: int) -> bool:
        """Mark a slot as seen. True when `time` lies on the grid. [s]"""
        track = self.tracks.get((mn, period))
        if track is None:
            if period in COMMANDS and len(early := self.early.setdefault((mn, period), set())) < EARLY_KEPT:
                early.add(time)  # the device is not followed yet: `follow` counts it in
            return True
        slot = floor_to(time, track.step)
        if slot >= track.first:
            chunk = track.chunk(slot)
            chunk.seen.add(slot)
            chunk.absent.discard(slot)
        return slot == time

    def watch(self, profile: DeviceProfile, now: int) -> None:
        """Begin (or go on) to follow a device: from its watermark, else from the look-back of a first sight."""
        self.follow(self.prepare(profile, now))

    def prepare(self, profile: DeviceProfile, now: int) -> list[Track]:
        """The tracks of a device with what the store has of them. Asks the store: may be called from another thread."""
        return [
            self._open(profile.mn, period, step_of(profile, period), now)
            for period in profile.periods
            if period in COMMANDS
        ]

    def follow(self, tracks: Iterable[Track]) -> None:
        """Take prepared tracks in hand; one that is followed already only takes a new interval."""
        for track in tracks:
            key = (track.mn, track.period)
            held = self.tracks.get(key)
            if held is None:
                self.tracks[key] = track
                for time in self.early.pop(key, ()):
                    self.arrived(track.mn, track.period, time)
            elif held.step != track.step:
                held.step = track.step
                for chunk in held.chunks.values():
                    chunk.seen = {floor_to(t, held.step) for t in chunk.seen}

    def _open(self, mn: str, period: Period, step: int, now: int) -> Track:
        saved = self.saved.get(f"{mn}|{period.name}")
        if saved:
            track = Track(
                mn, period, step, max(int(saved["done"]), floor_to(now - self.look_back_most, step)), self.longest_wait
            )
            track.settled = list(saved.get("settled", ()))
            for text, kept in saved.get("chunks", {}).items():
                if (start := int(text)) + track.size > track.first:
                    track.chunks[start] = Chunk(
                        start, set(), set(kept["absent"]), kept["state"], kept["attempts"], kept["next_at"],
                        kept["asked_at"], kept["result"],
                    )  # fmt: skip
        else:
            track = Track(mn, period, step, floor_to(now - self.look_back.get(period.name, 0), step), self.longest_wait)
        for start in range(floor_to(track.first, track.size), now, track.size):
            track.chunk(start)
        if self.history is not None:
            for time in self.history(mn, period, track.first, now + step):
                track.chunk(floor_to(time, step)).seen.add(floor_to(time, step))
        return track

    # what to do

    def scan(self, mn: str, now: int) -> None:
        """Move the watermarks of one device past what is settled."""
        for period in COMMANDS:
            track = self.tracks.get((mn, period))
            if track is None:
                continue
            for start in range(floor_to(track.first, track.size), now, track.size):
                chunk = track.chunk(start)
                if chunk.state in ("given_up", "missing_at_source") or not (missing := track.missing(chunk, now)):
                    if chunk.attempts and chunk.state not in ("given_up", "missing_at_source"):
                        self._settle(track, chunk, "missing_at_source" if chunk.absent else "filled", now)
                    continue
                if chunk.state == "filled":  # a later part of the same chunk went missing
                    chunk.state, chunk.attempts, chunk.next_at = "open", 0, 0.0
                del missing
            self._advance(track, now)

    def _advance(self, track: Track, now: int) -> None:
        while True:
            start = floor_to(track.first, track.size)
            end = start + track.size
            if end + track.patience > now:
                return
            chunk = track.chunks.get(start)
            waiting = chunk is not None and chunk.state not in ("given_up", "missing_at_source")
            if chunk is not None and waiting and (chunk.state == "asked" or track.missing(chunk, now)):
                return
            track.chunks.pop(start, None)
            track.first, track.dirty = end, True

    def next_request(self, mn: str, now: int) -> Request | None:
        """The newest gap of a device that may be asked for now."""
        best: tuple[int, Track, Chunk, list[int]] | None = None
        for period in COMMANDS:
            track = self.tracks.get((mn, period))
            if track is None:
                continue
            for chunk in track.chunks.values():
                if chunk.state != "open" or chunk.next_at > now or (best and chunk.start <= best[0]):
                    continue
                if missing := track.missing(chunk, now):
                    best = (chunk.start, track, chunk, missing)
        if best is None:
            return None
        _, track, chunk, missing = best
        return Request(mn, track.period, COMMANDS[track.period], missing[0], missing[-1], chunk.start)

    def asked(self, request: Request, now: int) -> None:
        """A request went out."""
        if found := self._find(request):
            track, chunk = found
            chunk.state, chunk.asked_at, chunk.attempts, track.dirty = "asked", now, chunk.attempts + 1, True

    def answered(self, request: Request, outcome: str, now: int) -> None:
        """A request came to its end.

        `outcome`: ``done``; ``no_data`` (ExeRtn=100); ``link`` (the connection went: not counted as an attempt);
        any other text is a failure: kept as the result, tried again later, less and less often.
        """
        if not (found := self._find(request)):
            return
        track, chunk = found
        track.dirty = True
        chunk.state = "open"
        if outcome == "link":
            chunk.attempts = max(0, chunk.attempts - 1)
            return
        chunk.result = outcome
        still = [t for t in track.missing(chunk, now) if request.begin <= t <= request.end]
        if outcome == "no_data":
            chunk.absent.update(still)
            still = []
        chunk.next_at = now + self.pause * 2 ** (chunk.attempts - 1) if still else 0.0
        if not still:
            self._settle(track, chunk, "missing_at_source" if outcome == "no_data" else "filled", now, request)
        elif chunk.attempts >= self.max_attempts:
            chunk.absent.update(still)  # not asked for again; if they come all the same they are stored
            self._settle(track, chunk, "given_up", now, request)

    def _settle(self, track: Track, chunk: Chunk, state: str, now: int, request: Request | None = None) -> None:
        begin, end = (request.begin, request.end) if request else (chunk.start, chunk.start + track.size - track.step)
        track.settled.append({
            "period": track.period.name, "start": begin, "end": end + track.step, "state": state,
            "asked_at": chunk.asked_at,
            "attempts": chunk.attempts, "result": chunk.result, "settled_at": now,
        })  # fmt: skip
        del track.settled[:-SETTLED_SHOWN]
        # a chunk still growing stays open for its later slots; `absent` keeps what need not be asked for again
        growing = chunk.start + track.size + track.patience > now
        chunk.state = "open" if growing and state != "given_up" else state
        chunk.attempts, track.dirty = (0 if chunk.state == "open" else chunk.attempts), True

    def _find(self, request: Request) -> tuple[Track, Chunk] | None:
        track = self.tracks.get((request.mn, request.period))
        chunk = track.chunks.get(request.chunk) if track else None
        return (track, chunk) if track and chunk else None

    # what to show and keep

    def gaps(self, mn: str, now: int) -> list[dict[str, Any]]:
        """Open gaps (newest first), then those that came to an end. `end` is exclusive. [s]"""
        shown: list[dict[str, Any]] = []
        for period in COMMANDS:
            if (track := self.tracks.get((mn, period))) is None:
                continue
            for start in sorted(track.chunks, reverse=True):
                chunk = track.chunks[start]
                if chunk.state not in ("given_up", "missing_at_source") and (missing := track.missing(chunk, now)):
                    shown.append({
                        "period": period.name, "start": missing[0], "end": missing[-1] + track.step,
                        "slots": len(missing),
                        "state": chunk.state, "asked_at": chunk.asked_at or None, "attempts": chunk.attempts,
                        "result": chunk.result,
                    })  # fmt: skip
        for period in COMMANDS:
            if track := self.tracks.get((mn, period)):
                shown += reversed(track.settled)
        return shown

    def count(self, mn: str, now: int) -> int:
        """Slots that are missing and not yet settled."""
        total = 0
        for period in COMMANDS:
            if track := self.tracks.get((mn, period)):
                for chunk in list(track.chunks.values()):
                    if chunk.state not in ("given_up", "missing_at_source"):
                        total += len(track.missing(chunk, now))
        return total

    def watermark(self, mn: str, period: Period) -> int | None:
        """All periods before are settled. [s]"""
        track = self.tracks.get((mn, period))
        return track.first if track else None

    def changes(self) -> dict[str, Any]:
        """What must be saved since the last call, as key → value for `KeyValue.set_many`."""
        values: dict[str, Any] = {}
        for (mn, period), track in self.tracks.items():
            if track.dirty:
                track.dirty = False
                kept = {str(c.start): c.saved() for c in track.chunks.values() if c.attempts or c.absent or c.result}
                values[f"{mn}|{period.name}"] = {"done": track.first, "chunks": kept, "settled": track.settled}
        self.saved.update(values)
        return values

    def forget(self, mns: Sequence[str]) -> None:
        """Stop following devices that are registered no longer."""
        for mn in mns:
            for period in COMMANDS:
                self.tracks.pop((mn, period), None)
