"""What the edits of a correction come to: which readings get which new version, which limits change. Nothing is stored.

Edits follow one another: a later one sees what an earlier one of the session left. An edit that leaves value and flag
as they are makes no version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from jinyun.domains.warehouse.corrections import Edit, linear
from jinyun.judge.overlay import PROVISIONAL, Columns, joined
from jinyun.kernel.errors import BadInput, NotFound
from jinyun.kernel.ports import MICRO, NO_VALUE, ReadingStore, RecordStore
from jinyun.kernel.terms import LENGTHS, Flag, Reading

MOST_ROWS = 1_200_000
"""Versions that one session may make: two series of minutes for a year."""
LARGEST = 10**18 - 1  # millionths that a stored value can hold


@dataclass(slots=True)
class LimitEdit:
    """A limit record as it is and as it would be."""

    type: str
    id: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(slots=True)
class Resolved:
    """What a session's edits come to. `rows` are the new versions by (time, series), `was` the current ones there."""

    rows: Columns
    was: Columns  # as `rows`, seq -1 where there is none yet
    series: Mapping[int, tuple[str, Reading]] = field(default_factory=dict)  # site, and a reading like its own
    limits: Sequence[LimitEdit] = ()
    unchanged: int = 0  # readings in the stretches that stay as they are
    left: int = 0  # readings that a later session or the source has changed since: a withdrawal leaves them

    def sites(self) -> list[str]:
        return sorted({self.series[int(one)][0] for one in np.unique(self.rows.series)})


Sessions = Callable[[str], Sequence[Edit]]
"""The edits of an accepted session by its id; raises `NotFound`, `Refused`."""


class Resolver:
    """Turns edits into versions over a store that offers `read_columns`, `read_versions`, `correction_sessions`."""

    def __init__(
        self,
        store: ReadingStore,
        records: RecordStore,
        sessions: Sessions,
        *,
        own: str = "",
        limits_before: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """`own`: the session that is resolved; versions it made already (before a crash) count as not there, and
        `limits_before` has the limits that it changed already."""
        self._store: Any = store
        self._limits_before = limits_before or {}
        self._records, self._sessions, self._own = records, sessions, own
        self._series: dict[int, tuple[str, Reading]] = {}
        self._made: list[Columns] = []
        self._limits: dict[tuple[str, str], LimitEdit] = {}
        self._unchanged = self._left = 0

    def resolve(self, edits: Sequence[Edit]) -> Resolved:
        """All edits in their order.

        Raises
        ------
        BadInput, NotFound
            For a site, factor or record that is not there, a stretch without readings, or too many of them.
        """
        for edit in edits:
            if edit.kind == "withdraw":
                self._withdraw(edit.session)
            elif edit.kind == "limit":
                self._limit(edit.record_type, edit.record, edit.changes)
            else:
                self._readings(edit)
        rows = joined([Columns.none(), *self._made])
        was = self._standing(rows)
        differs = (rows.value != was.value) | (rows.flag != was.flag) | (was.seq < 0)
        self._unchanged += int((~differs).sum())
        limits = [one for one in self._limits.values() if one.before != one.after]
        return Resolved(rows.take(differs), was.take(differs), self._series, limits, self._unchanged, self._left)

    # --- readings -------------------------------------------------------------------------------------------------

    def _readings(self, edit: Edit) -> None:
        chosen = self._chosen(edit)
        if edit.kind in ("set", "substitute"):
            self._take(self._valued(edit, chosen[0]))
            return
        now = self._now(sorted(one.series for one in chosen), edit.start, edit.end)
        if not len(now):
            raise BadInput(f"{edit.site} has no such readings there", field="from", hint="look at the site's chart")
        if edit.kind == "flag":
            assert edit.flag is not None
            self._take(Columns(now.series, now.time, now.value, np.full(len(now), int(edit.flag), np.uint8), now.seq))
        elif edit.kind == "restore":
            received = self._received(now)
            self._take(received.take(received.seq >= 0))
        else:
            self._take(self._transformed(edit, now))

    def _valued(self, edit: Edit, like: Reading) -> Columns:
        """A value for each reading of the stretch; a substitution also for those that are missing."""
        assert edit.value is not None
        assert edit.flag is not None
        times = self._now([like.series], edit.start, edit.end).time
        if edit.kind == "substitute" and (step := LENGTHS.get(like.period)):
            first = -(-(edit.start + 28800) // step) * step - 28800
            times = np.union1d(times, np.arange(first, edit.end, step, dtype=np.int64))
            times = times[times <= like.time]  # what may still come is not missing
        if not len(times):
            hint = "a substitute may stand where there is none, up to the newest one"
            raise BadInput(f"{edit.site} {like.factor} has no reading there", field="time", hint=hint)
        millionths = edit.value * MICRO
        if millionths != millionths.to_integral_value() or abs(millionths) > LARGEST:
            raise BadInput(f"{edit.value} cannot be stored", field="value", hint="at most 12 digits and 6 decimals")
        full = np.full(len(times), like.series, np.int64)
        value = np.full(len(times), int(millionths), np.int64)
        return Columns(full, times, value, np.full(len(times), int(edit.flag), np.uint8), full)

    def _transformed(self, edit: Edit, now: Columns) -> Columns:
        """a·x + b of what was received; the flag stays as it is, and what was set by hand stays too."""
        received = self._received(now)
        ours = self._by_transform(now)
        usable = (received.seq >= 0) & (received.value != NO_VALUE) & ours
        self._unchanged += int((~usable).sum())
        found = received.take(usable)
        distinct, place = np.unique(found.value, return_inverse=True)
        values = [linear(one, edit.a, edit.b) for one in distinct.tolist()]
        if any(abs(one) > LARGEST for one in values):
            raise BadInput(f"{edit.a}·x + {edit.b} goes beyond what can be stored", field="a")
        value = np.array(values, np.int64)[place] if values else found.value
        return Columns(found.series, found.time, value, now.flag[usable], found.seq)

    def _by_transform(self, now: Columns) -> np.ndarray:
        """Where the current value is the received one or came from a transform: not set by hand."""
        mine = np.ones(len(now), bool)
        sessions = self._store.correction_sessions(now.seq[now.seq < PROVISIONAL])
        for place in np.flatnonzero(np.isin(now.seq, np.array(list(sessions), np.int64))).tolist():
            session = sessions[int(now.seq[place])]
            if session in ("", self._own):
                continue
            series, time = int(now.series[place]), int(now.time[place])
            site, like = self._series[series]
            kinds = [e.kind for e in self._sessions(session) if covers(e, site, like, time)]
            mine[place] = not kinds or kinds[-1] not in ("set", "substitute")
        return mine

    def _received(self, now: Columns) -> Columns:
        """As `now`, but the last version that no correction made; seq -1 where there is none."""
        found = Columns.of(
            self._store.read_versions(np.unique(now.series).tolist(), int(now.time.min()), int(now.time.max()) + 1)
        )
        made = np.array(list(self._store.correction_sessions(found.seq)), np.int64)
        kept = found.take(~np.isin(found.seq, made))
        last = joined([kept]) if len(kept) else kept
        return _looked_up(now, last)

    def _withdraw(self, session: str) -> None:
        """Every reading whose current version that session made goes back to the version before it."""
        edits = self._sessions(session)
        for edit in edits:
            if edit.kind == "limit":
                raise BadInput(
                    "a session that changed a limit cannot be withdrawn", field="session",
                    hint="change the limit back with an edit of its own",
                )  # fmt: skip
        for edit in edits:
            if edit.kind == "withdraw":
                raise BadInput("a withdrawal cannot be withdrawn", field="session", hint="correct the readings anew")
            series = sorted(one.series for one in self._chosen(edit))
            found = Columns.of(self._store.read_versions(series, edit.start, edit.end))
            if len(found):
                self._take(self._before(found, session))

    def _before(self, found: Columns, session: str) -> Columns:
        sessions = self._store.correction_sessions(found.seq)
        own = np.array([seq for seq, name in sessions.items() if name == self._own], np.int64)
        found = found.take(~np.isin(found.seq, own)) if self._own else found
        mine = np.isin(found.seq, np.array([seq for seq, name in sessions.items() if name == session], np.int64))
        touched = joined([found.take(mine)]) if mine.any() else Columns.none()
        if not len(touched):
            return touched
        standing = _looked_up(touched, joined([found]))
        still = standing.seq == touched.seq
        self._left += int((~still).sum())
        rest = found.take(~mine)
        before = _looked_up(touched, joined([rest]) if len(rest) else Columns.none()).take(still)
        gone = before.seq < 0  # there was no reading at all: it has a row now, but no number
        before.value[gone], before.flag[gone] = NO_VALUE, int(Flag.NOT_A_NUMBER)
        return before

    # --- limits -------------------------------------------------------------------------------------------------------

    def _limit(self, type_id: str, id: str, changes: Mapping[str, Any]) -> None:
        record = self._records.get(type_id, id)
        known = self._limits.get((type_id, id))
        before = known.before if known else dict(self._limits_before.get(id) or record.data)
        after = {**(known.after if known else before), **changes}
        after = {name: value for name, value in after.items() if value is not None}
        self._limits[type_id, id] = LimitEdit(type_id, id, before, after)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _chosen(self, edit: Edit) -> list[Reading]:
        """The newest reading of each series that the edit speaks of."""
        newest = self._store.latest([edit.site]).get(edit.site, ())
        if not newest:
            raise NotFound("readings of site", edit.site)
        known = {one.factor for one in newest}
        for factor in edit.factors:
            if factor not in known:
                raise NotFound(f"factor at {edit.site}", factor, known=known)
        found = [
            one
            for one in newest
            if (not edit.factors or one.factor in edit.factors)
            and (not edit.stats or one.stat in edit.stats)
            and (not edit.periods or one.period in edit.periods)
        ]
        if not found:
            names = ", ".join(sorted({f"{one.factor} {one.stat.name} {one.period.name}" for one in newest})[:12])
            raise BadInput(f"{edit.site} has no such series", field="factor", hint=f"it has {names}")
        self._series |= {one.series: (edit.site, one) for one in found}
        return found

    def _now(self, series: Sequence[int], start: int, end: int) -> Columns:
        """Current versions with what earlier edits of the session made of them."""
        found = Columns.of(self._store.read_columns(series, start, end))
        if self._own and len(found):
            found = self._without_own(found, series, start, end)
        mine = [
            one.take((one.time >= start) & (one.time < end) & np.isin(one.series, np.asarray(series)))
            for one in self._made
        ]
        return joined([found, *mine]) if mine else found

    def _without_own(self, found: Columns, series: Sequence[int], start: int, end: int) -> Columns:
        sessions = self._store.correction_sessions(found.seq)
        if self._own not in sessions.values():
            return found
        every = Columns.of(self._store.read_versions(series, start, end))
        own = [seq for seq, name in self._store.correction_sessions(every.seq).items() if name == self._own]
        rest = every.take(~np.isin(every.seq, np.array(own, np.int64)))
        return joined([rest]) if len(rest) else Columns.none()

    def _take(self, rows: Columns) -> None:
        if not len(rows):
            return
        seq = np.full(len(rows), PROVISIONAL + len(self._made), np.int64)
        self._made.append(Columns(rows.series, rows.time, rows.value, rows.flag, seq))
        total = sum(len(one) for one in self._made)
        if total > MOST_ROWS:
            raise BadInput(f"{total} readings are too many for one session", field="from", hint=f"at most {MOST_ROWS}")

    def _standing(self, rows: Columns) -> Columns:
        """The current version beside each row."""
        if not len(rows):
            return rows
        series = np.unique(rows.series).tolist()
        made, self._made = self._made, []
        try:
            now = self._now(series, int(rows.time.min()), int(rows.time.max()) + 1)
        finally:
            self._made = made
        return _looked_up(rows, now)


def covers(edit: Edit, site: str, like: Reading, time: int) -> bool:
    """Whether an edit speaks of a reading."""
    return (
        edit.site == site
        and edit.start <= time < edit.end
        and (not edit.factors or like.factor in edit.factors)
        and (not edit.stats or like.stat in edit.stats)
        and (not edit.periods or like.period in edit.periods)
    )


def _looked_up(keys: Columns, among: Columns) -> Columns:
    """The row of `among` (one per key, by (time, series)) for each of `keys`; seq -1 where there is none."""
    value = np.full(len(keys), NO_VALUE, np.int64)
    flag, seq = np.zeros(len(keys), np.uint8), np.full(len(keys), -1, np.int64)
    if len(among):
        mine, its = _packed(keys), _packed(among)
        order = np.argsort(its, kind="stable")
        place = np.searchsorted(its[order], mine)
        place = order[np.minimum(place, len(order) - 1)]
        hit = its[place] == mine
        value[hit], flag[hit], seq[hit] = among.value[place[hit]], among.flag[place[hit]], among.seq[place[hit]]
    return Columns(keys.series, keys.time, value, flag, seq)


def _packed(rows: Columns) -> np.ndarray:
    packed: np.ndarray = rows.series << 34 | rows.time  # an instant has less than 34 bits
    return packed


def value_text(millionths: int) -> str | None:
    """A stored value as plain decimal text; None where no number was sent."""
    if millionths == NO_VALUE:
        return None
    number = Decimal(millionths).scaleb(-6)
    return format(number.normalize(), "f") if number else "0"
