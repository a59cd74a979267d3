"""From events to delivered messages: plan who is told, send what is due, pass on what nobody acknowledged.

The state of every notice is in the outbox; a new room over the same store goes on where the old one was killed.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Protocol

import structlog

from jinyun.act.notify.hooks import PER_MINUTE
from jinyun.act.notify.message import Item, Message, message_id
from jinyun.act.notify.outcome import NotSent
from jinyun.act.notify.people import ALERTED, ESCALATED, UNDELIVERED, Roster, Sees, Target, next_in_line, targets
from jinyun.act.notify.timing import When, when
from jinyun.act.notify.topics import Topics, words
from jinyun.kernel.errors import JinyunError, NotFound
from jinyun.kernel.notices import HELD, PAGE, QUEUED, SENT, Notice, NoticeEvent, Outbox
from jinyun.kernel.ports import MICRO, Bus, Clock, Record, RecordStore
from jinyun.kernel.terms import china_time

log = structlog.get_logger("notify")
MINUTE_US = 60 * MICRO
WORKERS = 4


class Post(Protocol):
    """Sends a message over a channel. `at` [s]: when it was put together. Raises `NotSent`."""

    def __call__(self, channel: Record, message: Message, at: int) -> None: ...


class NoticeRoom:
    """The notices of one node. `tell` and `deliver` are two jobs: nobody's inbox waits for a mail server that hangs."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        topics: Topics,
        records: RecordStore,
        roster: Callable[[], Roster],
        sees: Sees,
        post: Post,
        clock: Clock,
        bus: Bus,
        site_name: Callable[[str], str] = lambda site: site,
        link: Callable[[NoticeEvent], str] = lambda _: "",
        node: str = "",
    ) -> None:
        self.topics, self.sees = topics, sees
        self._outbox, self._records, self._roster = outbox, records, roster
        self._post, self._clock, self._bus = post, clock, bus
        self._site_name, self._link, self._node = site_name, link, node
        self._telling, self._delivering = threading.Lock(), threading.Lock()
        self._ending = threading.Event()
        self._paces: dict[str, deque[float]] = {}  # by channel, moments of the last minute

    def tick(self) -> dict[str, int]:
        """One round of both; how many events were planned, messages sent and failed, events passed on."""
        return self.tell() | self.deliver()

    def tell(self) -> dict[str, int]:
        """Decide who is told of what is new or unacknowledged; inboxes have it then. Waits for no server."""
        with self._telling:
            return {"passed_on": self.pass_on(), "planned": self.plan()}

    def deliver(self) -> dict[str, int]:
        """Send what is due, first what was cut short: under one lock, or what is being sent would be taken for that."""
        with self._delivering:
            self.recover()
            return self.send()

    def end(self) -> None:
        """Begin no further message: what is not begun waits in the outbox for the next start."""
        self._ending.set()

    def recover(self) -> int:
        """What a kill or a failing disk cut short between "sending" and "sent" goes again under its old message id, and
        says so: who knows message ids (mail, a webhook that keeps our keys) shows it once; a robot may show it
        twice."""
        doubtful = self._outbox.in_doubt()
        if doubtful:
            log.warning("sending was cut short; sent again under the same message ids", notices=len(doubtful))
            self._outbox.doubt([one.id for one in doubtful])
        return len(doubtful)

    # --- who is told --------------------------------------------------------------------------------------------------

    def plan(self) -> int:
        """Decide on new events; page notices have arrived with that."""
        events = self._outbox.unplanned()
        if not events:
            return 0
        roster = self._roster()
        for event in events:
            try:
                self._plan(event, roster)
            except JinyunError as wrong:
                log.error("an event could not be planned; tried again", key=event.key, why=str(wrong))
        return len(events)

    def _plan(self, event: NoticeEvent, roster: Roster) -> None:
        now = self._clock.now()
        past = self._is_past(event)
        notices: list[Notice] = []
        for target in targets(event, roster, self.sees, now):
            for channel in target.channels:
                if channel == PAGE:
                    notices.append(Notice(event.seq, target.person, PAGE, target.reason, SENT, now, sent_at=now))
                elif not past:
                    last = None
                    if target.wishes.throttle:
                        last = self._outbox.last_told(target.person, channel, event.matter, event.topic)
                    told = when(target.wishes, event.level, now, last=last, matter=f"{event.matter}/{event.topic}")
                    notices.append(_notice(event, target, channel, told, now))
        made = self._outbox.plan(event, notices, None if past else self._ack_by(event, now))
        if any(one.channel == PAGE for one in made):
            # Neither names nor words: whoever it may be for asks for their own.
            self._bus.publish("notice", {"at": now, "subject": event.subject or None})

    def _ack_by(self, event: NoticeEvent, now: int) -> int | None:
        if event.topic == ESCALATED:
            minutes = int(event.facts.get("ack_again") or 0)
        else:
            minutes = self.topics.get(event.topic).ack.get(event.level or 0, 0)
        return now + minutes * MINUTE_US if minutes else None

    def _is_past(self, event: NoticeEvent) -> bool:
        began = event.facts.get("last_at") or event.facts.get("started_at")
        if event.type != "alarm" or not began:
            return False
        try:
            at = int(datetime.fromisoformat(str(began)).timestamp())
        except ValueError:
            return False
        return event.at // MICRO - at > int(self.topics.defaults.get("past_hours", 72)) * 3600

    # --- what nobody acknowledged -------------------------------------------------------------------------------------

    def pass_on(self) -> int:
        """Tell the next in line of events that nobody acknowledged in time."""
        many = 0
        now = self._clock.now()
        late = self._outbox.unacknowledged(now)
        roster = self._roster() if late else None
        for event in late:
            assert roster is not None
            root = event.key.partition("#")[0]
            chain = [root, *(f"{root}#{n}" for n in range(1, event.step + 1))]
            if event.step < int(self.topics.defaults.get("steps", 3)) and not (
                self._outbox.acknowledged(chain) or acknowledged(event, self._records)
            ):
                told = self._outbox.told(chain, ALERTED)
                order = [str(one) for one in self.topics.defaults.get("escalate", ())]
                people = next_in_line(event, told, roster, sees=self.sees, order=order, now=now)
                if people:
                    self._outbox.add([self._passed_on(event, root, people, told, now)])
                    many += 1
                else:
                    log.warning("nobody is left to be told", key=event.key, told=sorted(told))
            self._outbox.settle(event.seq)
        return many

    def _passed_on(self, event: NoticeEvent, root: str, people: Sequence[str], told: set[str], now: int) -> NoticeEvent:
        facts = dict(event.facts)
        if event.topic != ESCALATED:
            zh = words(self.topics, event, "zh", self._site(event))
            en = words(self.topics, event, "en", self._site(event))
            facts |= {"title_zh": zh[0], "text_zh": zh[1], "title_en": en[0], "text_en": en[1], "since": event.at}
        since = int(facts["since"])
        facts |= {
            "minutes": max(0, (now - since) // MINUTE_US), "told": "、".join(sorted(told)) or "—",
            "ack_again": int(self.topics.defaults.get("ack_again", 15)),
        }  # fmt: skip
        return NoticeEvent(
            key=f"{root}#{event.step + 1}", topic=ESCALATED, at=now, type=event.type, record=event.record,
            version=event.version, matter=event.matter, subject=event.subject, kind=event.kind, level=event.level,
            facts=facts, to=tuple(people), step=event.step + 1,
        )  # fmt: skip

    # --- sending ------------------------------------------------------------------------------------------------------

    def send(self) -> dict[str, int]:
        """Send what is due: messages of one channel one after another, channels beside one another."""
        now = self._clock.now()
        by_channel: dict[str, list[list[Notice]]] = {}
        for group in self._groups(self._outbox.due(now)):
            by_channel.setdefault(group[0].channel, []).append(group)
        counts = {"sent": 0, "failed": 0}
        if not by_channel:
            return counts
        with ThreadPoolExecutor(min(WORKERS, len(by_channel)), thread_name_prefix="notify") as pool:
            for sent, failed in pool.map(self._channel, by_channel, by_channel.values()):
                counts["sent"] += sent
                counts["failed"] += failed
        return counts

    def _groups(self, due: Sequence[Notice]) -> list[list[Notice]]:
        """What goes together: what went together before; a bundle; more than a few single ones of one channel."""
        groups: dict[tuple[str, ...], list[Notice]] = {}
        single: dict[tuple[str, str], list[Notice]] = {}
        for one in due:
            if one.message:
                if (key := ("message", one.message)) not in groups:
                    groups[key] = [n for n in self._outbox.of_message(one.message) if n.state in (QUEUED, HELD)]
            elif one.bundle:
                groups.setdefault((one.person, one.channel, one.bundle), []).append(one)
            else:
                single.setdefault((one.person, one.channel), []).append(one)
        most = int(self.topics.defaults.get("together", 5))
        for ones in single.values():
            if len(ones) > most:
                groups[("many", str(ones[0].id))] = ones
            else:
                groups |= {("one", str(one.id)): [one] for one in ones}
        return list(groups.values())

    def _channel(self, channel_id: str, groups: Sequence[Sequence[Notice]]) -> tuple[int, int]:
        sent = failed = 0
        try:
            channel = self._records.get("channel", channel_id)
        except NotFound:
            channel = None
        if channel is None or channel.data.get("active") is False:
            name = str(channel.data.get("name")) if channel else self._name_of_removed(channel_id)
            by_person: dict[str, list[Notice]] = {}
            for one in (one for group in groups for one in group):
                by_person.setdefault(one.person, []).append(one)
            for ones in by_person.values():
                self._give_up(channel_id, name, ones, "the channel was removed or switched off")
            return 0, len(groups)
        for group in groups:
            if self._ending.is_set():
                break
            if channel.data["kind"] in ("wecom", "dingtalk") and not self._may_go(channel_id):
                break  # the rest waits for the next round
            try:
                self._send(channel, group)
                sent += 1
            except NotSent as wrong:
                failed += 1
                self._not_sent(channel, group, wrong)
                if not wrong.final:
                    break  # the way is down: do not wait for it once for each message
            except Exception as wrong:
                log.exception("sending failed in a way not foreseen", channel=channel_id)
                failed += 1
                self._not_sent(channel, group, NotSent(f"{type(wrong).__name__}: {wrong}"))
                break
        return sent, failed

    def _send(self, channel: Record, group: Sequence[Notice]) -> None:
        message = self.message(group, str(channel.data.get("lang") or "zh"))
        ids = [one.id for one in group]
        events = [one.event for one in group]
        at = max(one.at for one in self._outbox.events(events).values()) // MICRO
        self._outbox.begin(ids, message.id, self._clock.now())
        self._post(channel, message, at)
        self._outbox.sent(ids, self._clock.now())

    def _not_sent(self, channel: Record, group: Sequence[Notice], wrong: NotSent) -> None:
        attempts = max(one.attempts for one in group) + 1
        log.warning("a message was not sent", channel=channel.id, attempts=attempts, why=str(wrong))
        if wrong.final or attempts >= self.topics.attempts:
            self._give_up(channel.id, str(channel.data.get("name")), group, str(wrong))
            return
        wait = max(self.topics.wait(attempts), wrong.wait_s)
        self._outbox.again([one.id for one in group], self._clock.now() + wait * MICRO, str(wrong))

    def _give_up(self, channel_id: str, name: str, ones: Sequence[Notice], why: str) -> None:
        """Notices of one person go nowhere any more: it is said in the inbox, each time, also of those tried anew."""
        ids, now = [one.id for one in ones], self._clock.now()
        self._outbox.give_up(ids, why)
        event = NoticeEvent(
            key=f"undelivered/{ids[0]}/{now}", topic=UNDELIVERED, at=now, type="channel", record=channel_id,
            matter=f"channel/{channel_id}", to=(ones[0].person,),
            facts={"channel": name, "error": why[:300], "count": len(ids)},
        )  # fmt: skip
        self._outbox.add([event])

    def _name_of_removed(self, channel_id: str) -> str:
        history = self._records.history("channel", channel_id)
        return str((history[-1].before.get("name") if history else None) or channel_id)

    def _may_go(self, channel_id: str) -> bool:
        """A robot takes so many a minute; what comes too fast shuts it for long."""
        pace = self._paces.setdefault(channel_id, deque())
        now = time.monotonic()
        while pace and now - pace[0] > 60:
            pace.popleft()
        if len(pace) >= PER_MINUTE - 2:
            return False
        pace.append(now)
        return True

    # --- words --------------------------------------------------------------------------------------------------------

    def message(self, group: Sequence[Notice], lang: str) -> Message:
        """The message that notices of one person and channel go in."""
        events = self._outbox.events([one.event for one in group])
        items = tuple(self.item(events[one.event], lang) for one in sorted(group, key=lambda n: n.event))
        known = group[0].message
        id = known or message_id([f"{events[one.event].key}|{one.person}|{one.channel}" for one in group])
        return Message(id, items, lang, doubt=any(one.doubt for one in group), node=self._node)

    def item(self, event: NoticeEvent, lang: str) -> Item:
        """An event in words."""
        title, text = words(self.topics, event, lang, self._site(event))
        at = china_time(event.at // MICRO).strftime("%Y-%m-%d %H:%M")
        return Item(
            title, text, at, event.level, self._link(event), event.key, event.topic, event.type, event.record,
            event.subject,
        )  # fmt: skip

    def _site(self, event: NoticeEvent) -> str:
        return self._site_name(event.subject) if event.subject else ""


def _notice(event: NoticeEvent, target: Target, channel: str, told: When, now: int) -> Notice:
    state = HELD if told.at > now else QUEUED
    return Notice(event.seq, target.person, channel, target.reason, state, told.at, told.bundle)


def acknowledged(event: NoticeEvent, records: RecordStore) -> bool:
    """Whether somebody took the matter in hand: by the record itself, whatever was done with the notice."""
    try:
        record = records.get(event.type, event.record)
    except (NotFound, JinyunError):
        return True
    data: Mapping[str, Any] = record.data
    if event.type == "alarm":
        return bool(data.get("acknowledged_by")) or record.state != "open"
    if event.type == "case":
        return record.state not in ("opened", "reopened")
    return record.version > event.version and record.updated_by != "system"
