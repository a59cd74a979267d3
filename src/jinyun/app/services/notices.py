"""Notices: the room wired to the house, one's own inbox, subscription and channels, and the outbox for who runs it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import structlog

from jinyun.act.notify.message import Item, Message
from jinyun.act.notify.outcome import NotSent
from jinyun.act.notify.people import Roster
from jinyun.act.notify.post import PostOffice
from jinyun.act.notify.room import NoticeRoom
from jinyun.act.notify.topics import level_of, load_topics, words
from jinyun.app.services.notice_offers import (
    check_choice,
    kind_choices,
    may_read,
    place_choices,
    stand_in_choices,
    topic_choices,
)
from jinyun.app.services.registers.clocks import Clocks
from jinyun.domains.notice.records import CHANNEL_KINDS, DIGESTS
from jinyun.kernel.errors import BadInput, NotFound
from jinyun.kernel.notices import FAILED, STATES, Notice, NoticeEvent
from jinyun.kernel.ports import MICRO, SYSTEM, Actor, Record
from jinyun.kernel.records import Procedure
from jinyun.kernel.terms import china_time
from jinyun.store.outbox import Forgotten, SqlOutbox

if TYPE_CHECKING:
    from jinyun.app.assemble import House
    from jinyun.app.rights import Rights

log = structlog.get_logger("notify")
ACCOUNTS = "accounts"  # space of the key-value store, see `app.accounts`
MANY = 1_000_000
CLOCKS_EVERY_US = 60 * MICRO
PORTION = 500
OWN_TOPICS = "notices.toml"
"""A node's own topics and words, in its folder."""
WISHES = (
    "active", "topics", "kinds", "level", "sites", "jurisdictions", "channels", "quiet_from", "quiet_to", "through",
    "digest", "digest_at", "throttle", "backup",
)  # fmt: skip
CHANNEL_FIELDS = ("name", "kind", "address", "secret", "lang", "active")


class Notices:
    """Notices of one house. `tell` and `deliver` belong to jobs; the rest is asked by people about their own."""

    def __init__(self, house: House) -> None:
        self._house = house
        own = house.settings.folder / OWN_TOPICS
        self.topics = load_topics(*([own] if own.is_file() else []))
        self.office = PostOffice.of(house.settings.notify)
        self.outbox = SqlOutbox(house.database)
        self._public = str(house.settings.notify.get("public_url") or "").rstrip("/")
        self._kept: tuple[Any, Roster] | None = None
        self._clocks_at = 0
        self._rights: Rights | None = None
        self.room = NoticeRoom(
            outbox=self.outbox, topics=self.topics, records=house.records, roster=self.roster, sees=self.sees,
            post=self.office, clock=house.clock, bus=house.bus, site_name=self._site_name,
            link=lambda event: f"{self._public}{place_of(event)}" if self._public else "",
            node=house.settings.jurisdiction_name,
        )  # fmt: skip
        self._looked_at: tuple[tuple[str, str, int], Record | None] | None = None
        house.records.witnesses.append(self.outbox.witness(self.topics.events_of, self.topics.watches))

    def tick(self) -> None:
        """One round of both jobs."""
        self.tell()
        self.deliver()

    def tell(self) -> None:
        """Decide who is told of what, as a job of the house."""
        now = self._house.clock.now()
        if now - self._clocks_at >= CLOCKS_EVERY_US:
            self._clocks_at = now
            self.look_at_clocks(now)
        self.room.tell()

    def deliver(self) -> None:
        """Send what is due, as another: it may wait for servers."""
        self.room.deliver()

    def end(self) -> None:
        """Begin no further message, so that the house need not wait for every channel of a server that hangs."""
        self.room.end()

    def forget(self, before: int) -> Forgotten:
        """Drop notices of before a moment [µs] that nobody is owed any more. The escalations of a clock that still runs
        stay: by them it is known that they were told."""
        return self.outbox.forget(before, keep=self._clock_runs)

    def _clock_runs(self, event: NoticeEvent) -> bool:
        kind = self._house.types.get(event.type)
        if not event.key.startswith("clock/") or kind is None:
            return False
        try:
            state = self._house.records.get(event.type, event.record).state
        except NotFound:
            return False
        return any(state in _unfinished(one) for one in kind.versions)

    # --- people -------------------------------------------------------------------------------------------------------

    def roster(self) -> Roster:
        """People, subscriptions, channels and duty as they are now."""
        house = self._house
        accounts = house.kv.items(ACCOUNTS)
        types = ("subscription", "channel", "duty", "unit")
        version = (*(house.records.versions.get(one, 0) for one in types), repr(sorted(accounts.items())))
        if self._kept is not None and self._kept[0] == version:
            return self._kept[1]
        duties = house.records.find("duty", order="-from", limit=2000)
        made = Roster(
            actors={name: actor_of(name, one) for name, one in accounts.items() if not one.get("disabled")},
            subscriptions=self._by_person("subscription"),
            channels=self._by_person("channel"),
            duties=duties,
            units=self._units(),
            jurisdiction=self._jurisdiction,
            defaults=self.topics.defaults,
        )
        self._kept = (version, made)
        return made

    def _by_person(self, type_id: str) -> dict[str, list[Record]]:
        found: dict[str, list[Record]] = {}
        for one in self._house.records.find(type_id, order="created_at", limit=MANY):
            if one.data.get("active") is not False:
                found.setdefault(str(one.data["person"]), []).append(one)
        return found

    def _units(self) -> dict[str, tuple[str, ...]]:
        """Id and name of each unit and of those above it."""
        every = {one.id: one.data for one in self._house.records.find("unit", limit=MANY, order="id")}
        found = {}
        for id in every:
            line: list[str] = []
            here: str | None = id
            while here in every and here not in line:
                line.append(here)
                here = every[here].get("parent")
            found[id] = tuple(text for one in line for text in (one, str(every[one].get("name") or one)))
        return found

    def sees(self, actor: Actor, event: NoticeEvent) -> bool:
        """Whether the record an event is about lies within an actor's reach: nobody is told what they may not read."""
        kind, rights = self._house.types.get(event.type), self._right()
        if kind is None or not may_read(rights, actor, event.type):
            return False
        record = self._record_of(event)
        if record is None:
            return False
        return bool(rights.sees(rights.reach(actor), kind, record.id, record.data))

    def _right(self) -> Rights:
        if self._rights is None:
            from jinyun.app.rights import Rights  # lazy: it knows this package's neighbours

            self._rights = Rights(self._house, self._separated)
        return self._rights

    def _record_of(self, event: NoticeEvent) -> Record | None:
        """The record an event is about: read once, though everybody is asked whether they see it."""
        key = (event.type, event.record, self._house.records.versions.get(event.type, 0))
        if self._looked_at is None or self._looked_at[0] != key:
            try:
                found: Record | None = self._house.records.get(event.type, event.record)
            except NotFound:
                found = None
            self._looked_at = key, found
            return found
        return self._looked_at[1]

    def _separated(self) -> bool:
        return bool((self._house.kv.get("settings", "security") or {}).get("separation"))

    def _jurisdiction(self, site: str) -> str:
        found = self._house.sites.get(site)
        return str(found.data.get("jurisdiction") or "") if found is not None else ""

    def _site_name(self, site: str) -> str:
        found = self._house.sites.get(site)
        return str(found.data.get("name") or site) if found is not None else site

    # --- clocks -------------------------------------------------------------------------------------------------------

    def look_at_clocks(self, now: int) -> int:
        """Escalations that clocks have reached become events: each once for each start of its clock. `now` [µs]

        Only records are looked at that were changed since or that have reached one: `record_clock` knows which.
        """
        clocks, new, kept = Clocks(self._house), 0, self._house.record_clocks
        kept.follow_calendar()
        for kind in self._house.types.values():
            states = {s for p in kind.versions if p.clocks for s in _unfinished(p)}
            while states and (due := kept.due(kind.id, now, limit=PORTION)):
                page = [one for one in self._house.records.load(kind.id, due) if one.state in states]
                shown = clocks.of(kind, page, now)
                events = [
                    self._reached(kind.title, record, clock, one, now)
                    for record in page
                    for clock in shown.get(record.id, ())
                    if clock.get("state") != "stopped"
                    for one in clock["escalations"]
                ]
                new += self.outbox.add(events)
                kept.told(kind.id, due, now)
        return new

    def _reached(
        self, title: str, record: Record, clock: Mapping[str, Any], reached: Mapping[str, Any], now: int
    ) -> NoticeEvent:
        data = record.data
        facts = {
            "title": str(data.get(title) or record.id), "clock_zh": clock["zh"], "clock_en": clock["en"],
            "escalation_zh": reached["zh"], "escalation_en": reached["en"],
            "remaining_zh": clock["remaining_text_zh"], "remaining_en": clock["remaining_text_en"],
        }  # fmt: skip
        kind = self._house.types[record.type]
        to = [f"role:{reached['to']}"]
        if reached["to"] == "owner":
            to = list(dict.fromkeys(str(data[one]) for one in (kind.owner or "owner", "person") if data.get(one)))
        return NoticeEvent(
            key=f"clock/{record.type}/{record.id}/{clock['name']}/{reached['name']}/{clock.get('started')}",
            topic="clock_escalation", at=now, type=record.type, record=record.id, version=record.version,
            matter=f"{record.type}/{record.id}", subject=str(data.get("subject") or data.get("site") or ""),
            kind=str(data.get("kind") or ""), level=level_of(data), facts=facts,
            to=tuple(to),
        )  # fmt: skip

    # --- one's own inbox ----------------------------------------------------------------------------------------------

    def inbox(self, actor: Actor, *, unread: bool = False, limit: int = 50, offset: int = 0) -> dict[str, Any]:
        """The notices of whoever asks, newest first."""
        found, total = self.outbox.inbox(actor.name, unread=unread, limit=limit, offset=offset)
        items = [self._shown(notice, event) for notice, event in found]
        return {"items": items, "total": total, "unread": self.outbox.unread(actor.name)}

    def unread(self, actor: Actor) -> dict[str, int]:
        return {"unread": self.outbox.unread(actor.name)}

    def read(self, actor: Actor, ids: Sequence[int] | None) -> dict[str, int]:
        """Mark own notices read; None: all."""
        changed = self.outbox.read(actor.name, ids, self._house.clock.now())
        return {"changed": changed, "unread": self.outbox.unread(actor.name)}

    def acknowledge(self, actor: Actor, id: int) -> dict[str, Any]:
        """Say that one has a matter in hand: it is not passed on any more."""
        self.outbox.acknowledge(actor.name, id, self._house.clock.now())
        return {"id": id, "acknowledged": True}

    def _shown(self, notice: Notice, event: NoticeEvent) -> dict[str, Any]:
        topic = self.topics.get(event.topic)
        site = self._site_name(event.subject) if event.subject else ""
        (title_zh, text_zh), (title_en, text_en) = (words(self.topics, event, one, site) for one in ("zh", "en"))
        return {
            "id": notice.id, "at": event.at, "topic": event.topic, "topic_zh": topic.zh, "topic_en": topic.en,
            "title_zh": title_zh, "title_en": title_en, "text_zh": text_zh, "text_en": text_en, "level": event.level,
            "type": event.type, "record": event.record, "subject": event.subject, "subject_name": site,
            "place": place_of(event), "reason": notice.reason, "read_at": notice.read_at, "acked_at": notice.acked_at,
            "waits": event.ack_by is not None and notice.acked_at is None,
        }  # fmt: skip

    # --- one's own wishes and channels --------------------------------------------------------------------------------

    def wishes(self, actor: Actor) -> dict[str, Any]:
        """The subscription of whoever asks, their channels, and what can be chosen: what can arrive, nothing else."""
        mine = self._subscription(actor)
        return {
            "subscription": {name: mine.data.get(name) if mine else None for name in WISHES},
            "default": mine is None,
            "channels": [_channel_shown(one) for one in self._channels(actor)],
            **self._choices(actor),
            "channel_kinds": [{"id": id, "zh": zh, "en": en} for id, (zh, en) in CHANNEL_KINDS.items()],
            "digests": [{"id": id, "zh": zh, "en": en} for id, (zh, en) in DIGESTS.items()],
            "mail": self.office.mail is not None,
        }

    def _choices(self, actor: Actor) -> dict[str, Any]:
        rights = self._right()
        return {
            "topics": topic_choices(self._house, self.topics, rights, actor),
            "kinds": kind_choices(self._house, rights, actor),
            **place_choices(self._house, rights, actor),
            "people": stand_in_choices(rights, actor, self.roster().actors),
        }

    def set_wishes(self, actor: Actor, given: Mapping[str, Any]) -> dict[str, Any]:
        """Change one's own subscription. Raises `BadInput` or `InvalidRecord` naming the field."""
        unknown = set(given) - set(WISHES)
        if unknown:
            raise BadInput(f"no such wish: {', '.join(sorted(unknown))}", hint=f"known: {', '.join(WISHES)}")
        channels = given.get("channels") or []
        if set(map(str, channels)) - {one.id for one in self._channels(actor)}:
            raise BadInput("a subscription goes over one's own channels only", field="channels")
        mine = self._subscription(actor)
        check_choice(given, self._choices(actor), mine.data if mine else {})
        # Written in the house's name as it is nobody's register but the person's own; the note says who asked.
        note = f"by {actor.name}"
        if mine is None:
            self._house.records.create("subscription", {**given, "person": actor.name}, SYSTEM, note=note)
        else:
            self._house.records.update("subscription", mine.id, dict(given), SYSTEM, note=note)
        return self.wishes(actor)

    def add_channel(self, actor: Actor, given: Mapping[str, Any]) -> dict[str, Any]:
        """A new channel of one's own."""
        clean = {name: given.get(name) for name in CHANNEL_FIELDS if given.get(name) is not None}
        self.office.check(str(clean.get("kind") or ""), str(clean.get("address") or ""))
        clean = {"active": True, **clean, "person": actor.name}
        made = self._house.records.create("channel", clean, SYSTEM, note=f"by {actor.name}")
        return _channel_shown(made)

    def change_channel(self, actor: Actor, id: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Change one's own channel; secrets not given stay."""
        mine = self._own_channel(actor, id)
        clean = {name: given[name] for name in CHANNEL_FIELDS if given.get(name) is not None}
        if "address" in clean or "kind" in clean:
            self.office.check(
                str(clean.get("kind", mine.data["kind"])), str(clean.get("address", mine.data["address"]))
            )
        return _channel_shown(self._house.records.update("channel", id, clean, SYSTEM, note=f"by {actor.name}"))

    def remove_channel(self, actor: Actor, id: str) -> dict[str, Any]:
        """Take away one's own channel, out of one's subscription too."""
        self._own_channel(actor, id)
        for one in self._house.records.find("subscription", {"person": actor.name}):
            if id in (one.data.get("channels") or ()):
                left = [each for each in one.data["channels"] if each != id]
                self._house.records.update("subscription", one.id, {"channels": left or None}, SYSTEM)
        self._house.records.delete("channel", id, SYSTEM, note=f"by {actor.name}")
        return {"id": id, "removed": True}

    def try_channel(self, actor: Actor, id: str) -> dict[str, Any]:
        """Send a test over one's own channel now, past the outbox; says what the receiver said."""
        channel = self._own_channel(actor, id)
        at = self._house.clock.now() // MICRO
        english = channel.data.get("lang") == "en"
        title = "Test notice" if english else "测试通知"
        text = (
            f"Channel {channel.data['name']} works." if english
            else f"渠道“{channel.data['name']}”可用。由 {actor.name} 发起测试。"
        )  # fmt: skip
        item = Item(title, text, china_time(at).strftime("%Y-%m-%d %H:%M"))
        message = Message(secrets.token_hex(32), (item,), "en" if english else "zh",
                          node=self._house.settings.jurisdiction_name)  # fmt: skip
        try:
            self.office(channel, message, at)
        except NotSent as wrong:
            return {"ok": False, "error": str(wrong)}
        return {"ok": True, "error": ""}

    def _subscription(self, actor: Actor) -> Record | None:
        found = self._house.records.find("subscription", {"person": actor.name}, order="created_at", limit=1)
        return found[0] if found else None

    def _channels(self, actor: Actor) -> list[Record]:
        return self._house.records.find("channel", {"person": actor.name}, order="created_at", limit=100)

    def _own_channel(self, actor: Actor, id: str) -> Record:
        channel = self._house.records.get("channel", id)
        if channel.data.get("person") != actor.name:
            raise NotFound("channel", id)
        return channel

    # --- for those who run the node -----------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """How the outbox fares: counts by state."""
        return {"counts": self.outbox.counts(), "mail": self.office.mail is not None}

    def sent(self, *, state: str = "", person: str = "", limit: int = 200, offset: int = 0) -> list[dict[str, Any]]:
        """Notices of all people with how far they are; no words of the matters."""
        found = self.outbox.find(states=[state] if state else [], person=person, limit=limit, offset=offset)
        return [
            {
                "id": notice.id, "event": event.key, "topic": event.topic, "at": event.at, "person": notice.person,
                "channel": notice.channel, "reason": notice.reason, "state": notice.state,
                "state_zh": STATES[notice.state][0], "state_en": STATES[notice.state][1],
                "not_before": notice.not_before, "attempts": notice.attempts, "tried_at": notice.tried_at,
                "sent_at": notice.sent_at, "message": notice.message, "doubt": notice.doubt, "error": notice.error,
            }
            for notice, event in found
        ]  # fmt: skip

    def again(self, ids: Sequence[int] | None) -> dict[str, int]:
        """Try failed notices anew; None: all."""
        if ids is None:
            ids = [one.id for one, _ in self.outbox.find(states=[FAILED], limit=10_000)]
        return {"revived": self.outbox.revive(list(ids), self._house.clock.now())}


def actor_of(name: str, account: Mapping[str, Any]) -> Actor:
    """The actor of an account."""
    return Actor(
        name,
        tuple(account.get("roles") or ()),
        str(account.get("unit") or ""),
        tuple(account.get("jurisdictions") or ()),
        str(account.get("enterprise") or ""),
    )


def place_of(event: NoticeEvent) -> str:
    """Path of the page that shows what an event is about."""
    if event.type == "alarm":
        return "/alarms"
    if event.type == "case":
        return f"/case/{quote(event.record, safe='')}"
    if event.type in ("", "channel"):
        return "/notices"
    return f"/records/{quote(event.type, safe='')}/{quote(event.record, safe='')}"


def _unfinished(procedure: Procedure) -> set[str]:
    """States that a step leads out of."""
    return {state for one in procedure.transitions for state in one.sources if one.target not in ("", state)}


def _channel_shown(one: Record) -> dict[str, Any]:
    """A channel as its owner sees it: of a robot's address, which holds its key, the host only."""
    address = str(one.data.get("address") or "")
    if one.data["kind"] != "email":
        address = f"{address.partition('?')[0].partition('://')[2].partition('/')[0]}/…"
    return {
        "id": one.id, "name": one.data["name"], "kind": one.data["kind"], "address": address,
        "lang": one.data.get("lang") or "zh", "active": one.data.get("active") is not False,
        "has_secret": bool(one.data.get("secret")), "version": one.version,
    }  # fmt: skip
