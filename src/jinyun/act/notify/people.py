"""Who is told: whom the matter names, who is on duty, who subscribed. Each only of what they may see. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from jinyun.act.notify.timing import Wishes
from jinyun.kernel.notices import PAGE, NoticeEvent
from jinyun.kernel.ports import MICRO, Actor, Record

UNDELIVERED, ESCALATED = "undelivered", "escalated"
NAMED_ONLY = frozenset({ESCALATED, "clock_escalation", UNDELIVERED})
"""Topics that subscribers are not told of: they are for those named."""
ALERTED = ("owner", "duty", "role", ESCALATED)
"""Reasons that count as having been alerted, not merely informed."""
Sees = Callable[[Actor, NoticeEvent], bool]


@dataclass(frozen=True, slots=True)
class Roster:
    """People as they are now."""

    actors: Mapping[str, Actor]  # accounts
    subscriptions: Mapping[str, Sequence[Record]]  # active ones by person
    channels: Mapping[str, Sequence[Record]]  # active ones by person
    duties: Sequence[Record]
    units: Mapping[str, tuple[str, ...]]  # id and name of a unit -> its ids and names with those above: for owners
    jurisdiction: Callable[[str], str]  # of a site
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def wishes(self, person: str) -> Wishes:
        """The wishes of a person's first subscription, or what holds for all."""
        mine = self.subscriptions.get(person, ())
        return wishes_of(mine[0].data if mine else {}, self.defaults)

    def all_channels(self, person: str) -> tuple[str, ...]:
        """Every active channel of a person, the page first."""
        return (PAGE, *(one.id for one in self.channels.get(person, ())))


@dataclass(frozen=True, slots=True)
class Target:
    """One person, the channels, why, and the person's wishes."""

    person: str
    channels: tuple[str, ...]
    reason: str
    wishes: Wishes


def targets(event: NoticeEvent, roster: Roster, sees: Sees, now: int) -> list[Target]:
    """Everybody who is told of an event, each once, by the strongest reason: named, on duty, subscribed. `now` [µs]"""
    found: dict[str, Target] = {}
    only = event.topic in NAMED_ONLY
    for named in event.to:
        for person, reason in _people(named, event, roster, now):
            actor = roster.actors.get(person)
            if actor is not None and person not in found and (event.topic == UNDELIVERED or sees(actor, event)):
                # Whoever is named or on duty is told at once: quiet hours and digests are for readers.
                wishes = roster.wishes(person)
                alert = wishes if reason == "owner" else Wishes(through=4, throttle=wishes.throttle)
                reason = ESCALATED if event.topic == ESCALATED else reason
                channels = (PAGE,) if event.topic == UNDELIVERED else roster.all_channels(person)
                found[person] = Target(person, channels, reason, alert)
    if only:
        return list(found.values())
    for person, actor in roster.actors.items():
        mine = roster.subscriptions.get(person, ())
        fitting = [one for one in mine if matches(one.data, event, roster.jurisdiction)]
        if not mine and set(actor.roles) & set(roster.defaults.get("roles", ())):
            plain = Target(person, (PAGE,), "default", wishes_of({}, roster.defaults))
            if person not in found and sees(actor, event):
                found[person] = plain
        if not fitting or not sees(actor, event):
            continue
        channels = tuple(dict.fromkeys([PAGE, *(c for one in fitting for c in one.data.get("channels") or ())]))
        active = {one.id for one in roster.channels.get(person, ())} | {PAGE}
        channels = tuple(one for one in channels if one in active)
        if person in found:
            known = found[person]
            found[person] = replace(known, channels=tuple(dict.fromkeys([*known.channels, *channels])))
        else:
            wishes = wishes_of(fitting[0].data, roster.defaults)
            found[person] = Target(person, channels, "subscription", wishes)
    return list(found.values())


def _people(named: str, event: NoticeEvent, roster: Roster, now: int) -> Iterable[tuple[str, str]]:
    """Accounts behind a name in `NoticeEvent.to`, and why."""
    if named == "duty":
        return [(person, "duty") for person in on_duty(roster.duties, event.kind, now)]
    if named.startswith("role:"):
        return [(one.name, "role") for one in roster.actors.values() if named[5:] in one.roles]
    if named in roster.actors:
        return [(named, "owner")]
    return [
        (one.name, "owner")
        for one in roster.actors.values()
        if one.unit and named in roster.units.get(one.unit, (one.unit,))
    ]


def on_duty(duties: Iterable[Record], kind: str, now: int) -> list[str]:
    """Who is on duty for a kind of matter, by the start of their duty. `now` [µs]"""
    found = []
    for one in duties:
        start, end = _at(one.data.get("from")), _at(one.data.get("to"))
        kinds = one.data.get("kinds") or ()
        if start is not None and start <= now and (end is None or now < end) and (not kinds or kind in kinds):
            found.append((start, str(one.data.get("person") or "")))
    return list(dict.fromkeys(person for _, person in sorted(found) if person))


def matches(rule: Mapping[str, Any], event: NoticeEvent, jurisdiction: Callable[[str], str]) -> bool:
    """Whether a subscription takes an event. Empty lists take all."""
    if rule.get("topics") and event.topic not in rule["topics"]:
        return False
    if rule.get("kinds") and event.kind not in rule["kinds"]:
        return False
    level = rule.get("level")
    if level and event.level is not None and event.level > int(level):
        return False
    if rule.get("sites") and event.subject not in rule["sites"]:
        return False
    places = [str(one) for one in rule.get("jurisdictions") or () if one != "*"]
    if not places:
        return True
    here = jurisdiction(event.subject) if event.subject else ""
    here = here or str(event.facts.get("jurisdiction") or "")  # a matter without a site may say where it is
    return bool(here) and any(here.startswith(_short(one)) for one in places)


def _short(code: str) -> str:
    """GB/T 2260: 500000 is all of 50, 500100 all of 5001."""
    while len(code) in (4, 6) and code.endswith("00"):
        code = code[:-2]
    return code


def wishes_of(data: Mapping[str, Any], defaults: Mapping[str, Any]) -> Wishes:
    """Wishes of a subscription; what it leaves open is as the defaults say."""

    def number(name: str) -> int:
        value = data.get(name)
        return int(defaults.get(name, 0)) if value is None or value == "" else int(value)

    return Wishes(
        quiet_from=str(data.get("quiet_from") or ""),
        quiet_to=str(data.get("quiet_to") or ""),
        through=number("through"),
        digest=str(data.get("digest") or "none"),
        digest_at=str(data.get("digest_at") or defaults.get("digest_at", "08:00")),
        throttle=number("throttle"),
    )


def next_in_line(
    event: NoticeEvent, told: set[str], roster: Roster, *, sees: Sees, order: Sequence[str], now: int
) -> tuple[str, ...]:
    """Whom an unacknowledged event is passed on to: the first group in `order` with somebody not yet told by an alert.

    `told`: who was alerted so far.
    """
    for group in order:
        if group == "backup":
            people = [
                str(one.data["backup"])
                for person in sorted(told)
                for one in roster.subscriptions.get(person, ())
                if one.data.get("backup")
            ]
        else:
            people = [person for person, _ in _people(group, event, roster, now)]
        fresh = [
            one
            for one in dict.fromkeys(people)
            if one not in told and one in roster.actors and sees(roster.actors[one], event)
        ]
        if fresh:
            return tuple(fresh)
    return ()


def _at(text: Any) -> int | None:
    if not text:
        return None
    return int(datetime.fromisoformat(str(text)).timestamp() * MICRO)
