"""The outbox: events are kept in the transaction of what caused them; a notice is sent once for each of its keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, and_, case, delete, exists, func, insert, or_, select, update

from jinyun.kernel.errors import NotFound
from jinyun.kernel.notices import FAILED, HELD, PAGE, QUEUED, SENDING, SENT, Notice, NoticeEvent
from jinyun.kernel.ports import HistoryEntry, Record
from jinyun.kernel.records import RecordType
from jinyun.store.database import insert_new, reading, writing
from jinyun.store.schema import notice, notice_event

AT_ONCE = 400
Witness = Callable[[Connection, RecordType, Sequence[Record], Sequence[Mapping[str, Any]]], None]
EventsOf = Callable[[RecordType, Record, HistoryEntry], Sequence[NoticeEvent]]
"""Pure: what is to be told of one change of a record."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What retention dropped: how many, and the moments of the first and last event [µs], 0 when there was none."""

    events: int
    notices: int
    first: int
    last: int


class SqlOutbox:
    """The `Outbox` port. One node owns it; several threads may."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # --- events -------------------------------------------------------------------------------------------------------

    def witness(self, events_of: EventsOf, watched: Callable[[RecordType], bool]) -> Witness:
        """For `SqlRecords.witnesses`: what a change causes is kept in the transaction of the change itself."""

        def see(
            connection: Connection, kind: RecordType, records: Sequence[Record], entries: Sequence[Mapping[str, Any]]
        ) -> None:
            if not watched(kind):
                return
            found: list[NoticeEvent] = []
            for record, entry in zip(records, entries, strict=True):
                unpacked = {name: msgspec.json.decode(entry[name]) for name in ("before", "after", "given")}
                found.extend(events_of(kind, record, HistoryEntry(**{**entry, **unpacked})))
            self._add(connection, found)

        return see

    def add(self, events: Sequence[NoticeEvent]) -> int:
        """Keep events; those whose key is known are left alone."""
        if not events:
            return 0
        with writing(self._engine) as connection:
            return self._add(connection, events)

    def _add(self, connection: Connection, events: Sequence[NoticeEvent]) -> int:
        new = 0
        for one in events:
            statement = insert_new(self._engine, notice_event).on_conflict_do_nothing(index_elements=["key"])
            new += len(connection.execute(statement.returning(notice_event.c.seq), _event_row(one)).all())
        return new

    def unplanned(self, limit: int = 500) -> list[NoticeEvent]:
        """Events nobody has looked at yet, oldest first."""
        query = select(notice_event).where(notice_event.c.state == "new").order_by(notice_event.c.seq).limit(limit)
        with reading(self._engine) as connection:
            return [_event(row) for row in connection.execute(query)]

    def plan(self, event: NoticeEvent, notices: Sequence[Notice], ack_by: int | None) -> list[Notice]:
        """Keep an event's notices and mark it planned, in one transaction; returns those that were new."""
        made: list[Notice] = []
        with writing(self._engine) as connection:
            mine = and_(notice_event.c.seq == event.seq, notice_event.c.state == "new")
            if not connection.execute(update(notice_event).where(mine).values(state="planned", ack_by=ack_by)).rowcount:
                return []
            for one in notices:
                row = {name: value for name, value in _fields(one).items() if name != "id"}
                id = connection.execute(insert(notice).returning(notice.c.id), row).scalar_one()
                made.append(_with_id(one, int(id)))
        return made

    def event(self, seq: int) -> NoticeEvent:
        found = self.events([seq])
        if seq not in found:
            raise NotFound("event", seq)
        return found[seq]

    def events(self, seqs: Sequence[int]) -> dict[int, NoticeEvent]:
        """Events by number; unknown ones are left out."""
        found: dict[int, NoticeEvent] = {}
        wanted = sorted(set(seqs))
        with reading(self._engine) as connection:
            for start in range(0, len(wanted), AT_ONCE):
                query = select(notice_event).where(notice_event.c.seq.in_(wanted[start : start + AT_ONCE]))
                found |= {row.seq: _event(row) for row in connection.execute(query)}
        return found

    # --- sending ------------------------------------------------------------------------------------------------------

    def due(self, now: int, limit: int = 500) -> list[Notice]:
        """Queued and held notices whose time has come, oldest first."""
        query = (
            select(notice)
            .where(notice.c.state.in_((QUEUED, HELD)), notice.c.not_before <= now)
            .order_by(notice.c.not_before, notice.c.id)
            .limit(limit)
        )
        return self._notices(query)

    def of_message(self, message: str) -> list[Notice]:
        """All that go in a message."""
        return self._notices(select(notice).where(notice.c.message == message).order_by(notice.c.id))

    def begin(self, ids: Sequence[int], message: str, now: int) -> None:
        """They are about to be sent as `message`: from here to `sent` a kill leaves a doubt, and says so."""
        self._set(ids, (QUEUED, HELD), state=SENDING, message=message, tried_at=now, attempts=notice.c.attempts + 1)

    def sent(self, ids: Sequence[int], now: int) -> None:
        self._set(ids, (SENDING,), state=SENT, sent_at=now, error="")

    def again(self, ids: Sequence[int], not_before: int, error: str) -> None:
        """An attempt failed; they are queued again."""
        self._set(ids, (SENDING, QUEUED, HELD), state=QUEUED, not_before=not_before, error=error[:1000])

    def give_up(self, ids: Sequence[int], error: str) -> None:
        self._set(ids, (SENDING, QUEUED, HELD), state=FAILED, error=error[:1000])

    def revive(self, ids: Sequence[int], now: int) -> int:
        """Failed ones are tried anew, from the first attempt on."""
        return self._set(ids, (FAILED,), state=QUEUED, not_before=now, attempts=0)

    def in_doubt(self) -> list[Notice]:
        """Those that were being sent when the node was cut short."""
        return self._notices(select(notice).where(notice.c.state == SENDING).order_by(notice.c.id))

    def doubt(self, ids: Sequence[int]) -> None:
        """They may have arrived; they are queued again under the same message id."""
        self._set(ids, (SENDING,), state=QUEUED, doubt=True)

    def _set(self, ids: Sequence[int], states: tuple[str, ...], **values: Any) -> int:
        changed = 0
        with writing(self._engine) as connection:
            for start in range(0, len(ids), AT_ONCE):
                mine = and_(notice.c.id.in_(list(ids[start : start + AT_ONCE])), notice.c.state.in_(states))
                changed += connection.execute(update(notice).where(mine).values(**values)).rowcount
        return changed

    def _notices(self, query: Any) -> list[Notice]:
        with reading(self._engine) as connection:
            return [Notice(**row._mapping) for row in connection.execute(query)]

    # --- who was told -------------------------------------------------------------------------------------------------

    def last_told(self, person: str, channel: str, matter: str, topic: str) -> int | None:
        """When this person was last told, or is going to be, of a topic of a matter over a channel. [µs]"""
        query = (
            select(func.max(case((notice.c.sent_at.is_(None), notice.c.not_before), else_=notice.c.sent_at)))
            .select_from(notice.join(notice_event, notice.c.event == notice_event.c.seq))
            .where(
                notice.c.person == person,
                notice.c.channel == channel,
                notice.c.state != FAILED,
                notice_event.c.matter == matter,
                notice_event.c.topic == topic,
            )
        )
        with reading(self._engine) as connection:
            found = connection.execute(query).scalar()
        return None if found is None else int(found)

    def told(self, keys: Sequence[str], reasons: Sequence[str]) -> set[str]:
        """Who was told of these events for one of these reasons."""
        query = (
            select(notice.c.person)
            .distinct()
            .select_from(notice.join(notice_event, notice.c.event == notice_event.c.seq))
            .where(notice_event.c.key.in_(list(keys)), notice.c.reason.in_(list(reasons)))
        )
        with reading(self._engine) as connection:
            return set(connection.execute(query).scalars())

    def unacknowledged(self, now: int, limit: int = 200) -> list[NoticeEvent]:
        """Events whose acknowledgement is late and that were not passed on yet."""
        query = select(notice_event).where(notice_event.c.state == "planned", notice_event.c.ack_by <= now)
        with reading(self._engine) as connection:
            return [_event(row) for row in connection.execute(query.order_by(notice_event.c.ack_by).limit(limit))]

    def settle(self, seq: int) -> None:
        """No acknowledgement of this event is waited for any more."""
        with writing(self._engine) as connection:
            connection.execute(update(notice_event).where(notice_event.c.seq == seq).values(ack_by=None))

    def acknowledged(self, keys: Sequence[str]) -> bool:
        """Whether somebody acknowledged a notice of these events."""
        query = (
            select(notice.c.id)
            .select_from(notice.join(notice_event, notice.c.event == notice_event.c.seq))
            .where(notice_event.c.key.in_(list(keys)), notice.c.acked_at.is_not(None))
            .limit(1)
        )
        with reading(self._engine) as connection:
            return connection.execute(query).first() is not None

    # --- inbox --------------------------------------------------------------------------------------------------------

    def inbox(
        self, person: str, *, unread: bool = False, limit: int = 100, offset: int = 0
    ) -> tuple[list[tuple[Notice, NoticeEvent]], int]:
        """Page notices of a person that have come, newest first, and how many there are."""
        mine = _inbox_of(person)
        if unread:
            mine = and_(mine, notice.c.read_at.is_(None))
        query = select(notice).where(mine).order_by(notice.c.id.desc()).limit(limit).offset(offset)
        with reading(self._engine) as connection:
            total = int(connection.execute(select(func.count()).select_from(notice).where(mine)).scalar() or 0)
            found = [Notice(**row._mapping) for row in connection.execute(query)]
        events = self.events([one.event for one in found])
        return [(one, events[one.event]) for one in found], total

    def unread(self, person: str) -> int:
        """How many page notices of a person wait to be read."""
        query = select(func.count()).select_from(notice).where(_inbox_of(person), notice.c.read_at.is_(None))
        with reading(self._engine) as connection:
            return int(connection.execute(query).scalar() or 0)

    def read(self, person: str, ids: Sequence[int] | None, now: int) -> int:
        """Mark page notices of a person read; None: all. Returns how many were not yet."""
        mine = and_(_inbox_of(person), notice.c.read_at.is_(None))
        if ids is not None:
            mine = and_(mine, notice.c.id.in_(list(ids)))
        with writing(self._engine) as connection:
            return connection.execute(update(notice).where(mine).values(read_at=now)).rowcount

    def acknowledge(self, person: str, id: int, now: int) -> NoticeEvent:
        """A person acknowledges one of theirs; the event waits no longer. Raises `NotFound`."""
        with writing(self._engine) as connection:
            row = connection.execute(select(notice).where(notice.c.id == id, notice.c.person == person)).first()
            if row is None:
                raise NotFound("notice", id)
            values = {"acked_at": row.acked_at or now, "read_at": row.read_at or now}
            connection.execute(update(notice).where(notice.c.id == id).values(values))
            connection.execute(update(notice_event).where(notice_event.c.seq == row.event).values(ack_by=None))
        return self.event(int(row.event))

    # --- retention ----------------------------------------------------------------------------------------------------

    def forget(self, before: int, keep: Callable[[NoticeEvent], bool] = lambda _: False) -> Forgotten:
        """Drop events of before a moment [µs] with all their notices, and say how many. What is still owed stays: an
        event nobody has looked at, one that waits for an acknowledgement and all of its matter, one with a notice that
        is queued, held or being sent, or of which anything happened since; and what `keep` says."""
        old = and_(notice_event.c.at < before, notice_event.c.state == "planned", notice_event.c.ack_by.is_(None))
        owed = exists().where(
            notice.c.event == notice_event.c.seq,
            or_(
                notice.c.state.in_((QUEUED, HELD, SENDING)),
                *(one >= before for one in (notice.c.tried_at, notice.c.sent_at, notice.c.read_at, notice.c.acked_at)),
            ),
        )
        waits = select(notice_event.c.matter).where(
            or_(notice_event.c.ack_by.is_not(None), notice_event.c.state == "new")
        )
        after, events, notices, first, last = 0, 0, 0, 0, 0
        while True:
            query = select(notice_event).where(old, ~owed, notice_event.c.seq > after)
            with reading(self._engine) as connection:
                page = [_event(row) for row in connection.execute(query.order_by(notice_event.c.seq).limit(AT_ONCE))]
                waiting = set(connection.execute(waits).scalars())
            if not page:
                return Forgotten(events, notices, first, last)
            after = page[-1].seq
            gone = [one for one in page if one.matter not in waiting and not keep(one)]
            if not gone:
                continue
            with writing(self._engine) as connection:  # asked again: something may have happened since
                mine = and_(notice_event.c.seq.in_([one.seq for one in gone]), old, ~owed)
                sure = list(connection.execute(select(notice_event.c.seq).where(mine)).scalars())
                notices += connection.execute(delete(notice).where(notice.c.event.in_(sure))).rowcount
                events += connection.execute(delete(notice_event).where(notice_event.c.seq.in_(sure))).rowcount
            moments = [one.at for one in gone if one.seq in set(sure)]
            first, last = min([*moments, first or before]), max([*moments, last])

    # --- for those who run the node -----------------------------------------------------------------------------------

    def counts(self) -> dict[str, int]:
        """Notices by state, and `unplanned` events."""
        by_state = select(notice.c.state, func.count()).group_by(notice.c.state)
        new = select(func.count()).select_from(notice_event).where(notice_event.c.state == "new")
        with reading(self._engine) as connection:
            found = {state: int(many) for state, many in connection.execute(by_state)}
            found["unplanned"] = int(connection.execute(new).scalar() or 0)
        return found

    def find(
        self, *, states: Sequence[str] = (), person: str = "", limit: int = 200, offset: int = 0
    ) -> list[tuple[Notice, NoticeEvent]]:
        """Notices, newest first, with their events."""
        query = select(notice).order_by(notice.c.id.desc()).limit(limit).offset(offset)
        if states:
            query = query.where(notice.c.state.in_(list(states)))
        if person:
            query = query.where(notice.c.person == person)
        found = self._notices(query)
        events = self.events([one.event for one in found])
        return [(one, events[one.event]) for one in found]


def _inbox_of(person: str) -> Any:
    return and_(notice.c.person == person, notice.c.channel == PAGE, notice.c.state == SENT)


def _event_row(one: NoticeEvent) -> dict[str, Any]:
    return {
        "key": one.key, "topic": one.topic, "at": one.at, "type": one.type, "record": one.record,
        "version": one.version, "matter": one.matter, "subject": one.subject, "kind": one.kind, "level": one.level,
        "body": msgspec.json.encode({"facts": dict(one.facts), "to": list(one.to)}).decode(), "state": "new",
        "ack_by": one.ack_by, "step": one.step,
    }  # fmt: skip


def _event(row: Any) -> NoticeEvent:
    body = msgspec.json.decode(row.body)
    return NoticeEvent(
        key=row.key, topic=row.topic, at=row.at, type=row.type, record=row.record, version=row.version,
        matter=row.matter, subject=row.subject, kind=row.kind, level=row.level, facts=body["facts"],
        to=tuple(body["to"]), ack_by=row.ack_by, step=row.step, seq=row.seq,
    )  # fmt: skip


def _fields(one: Notice) -> dict[str, Any]:
    return {name: getattr(one, name) for name in Notice.__slots__}


def _with_id(one: Notice, id: int) -> Notice:
    return Notice(**{**_fields(one), "id": id})
