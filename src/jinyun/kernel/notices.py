"""Notices: what happened that somebody must be told, and how far the telling is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

QUEUED, HELD, SENDING, SENT, FAILED = "queued", "held", "sending", "sent", "failed"
STATES: Mapping[str, tuple[str, str]] = {
    QUEUED: ("待发送", "Queued"),
    HELD: ("暂缓", "Held back"),  # quiet hours, digest, throttle: it goes at `not_before`
    SENDING: ("发送中", "Sending"),
    SENT: ("已送达", "Sent"),
    FAILED: ("发送失败", "Failed"),
}
"""A notice goes queued or held → sending → sent, back to queued after a failure, failed when there is no more use."""

PAGE = "page"
"""The channel that everybody has: the inbox of the page."""


@dataclass(frozen=True, slots=True)
class NoticeEvent:
    """One thing that happened. `key` is unique: told twice it is one event."""

    key: str
    topic: str
    at: int  # [µs]
    type: str = ""  # record it is about
    record: str = ""
    version: int = 0
    matter: str = ""  # what it is about over time: throttled by it
    subject: str = ""  # site
    kind: str = ""
    level: int | None = None  # 1 most serious … 4
    facts: Mapping[str, Any] = field(default_factory=dict)  # words for the templates, as they were when it happened
    to: tuple[str, ...] = ()  # accounts, units or ``role:NAME`` it is meant for; empty: as duty and subscriptions say
    ack_by: int | None = None  # somebody must have acknowledged by then [µs]
    step: int = 0  # how often it was passed on for want of an acknowledgement
    seq: int = 0  # given by the store


@dataclass(frozen=True, slots=True)
class Notice:
    """One event for one person over one channel; (event, person, channel) is unique."""

    event: int  # `NoticeEvent.seq`
    person: str
    channel: str  # `PAGE`, or the id of a `channel` record
    reason: str  # subscription, duty, owner, role, escalated
    state: str = QUEUED
    not_before: int = 0  # [µs]
    bundle: str = ""  # those of one person, channel and bundle that are due together go as one message
    message: str = ""  # id of the message it goes in, fixed at the first attempt: the receiver knows a repeat by it
    attempts: int = 0
    tried_at: int | None = None
    sent_at: int | None = None
    read_at: int | None = None
    acked_at: int | None = None
    doubt: bool = False  # an attempt was cut short: it may have arrived then already
    error: str = ""
    id: int = 0


class Outbox(Protocol):
    """Events and notices, durable. Every change of a notice's state is a transaction of its own."""

    def add(self, events: Sequence[NoticeEvent]) -> int:
        """Keep events; those whose key is known are left alone. Returns how many were new."""
        ...

    def unplanned(self, limit: int = 500) -> list[NoticeEvent]:
        """Events nobody has looked at yet, oldest first."""
        ...

    def plan(self, event: NoticeEvent, notices: Sequence[Notice], ack_by: int | None) -> list[Notice]:
        """Keep an event's notices and mark it planned, in one transaction; returns those that were new."""
        ...

    def event(self, seq: int) -> NoticeEvent: ...
    def events(self, seqs: Sequence[int]) -> Mapping[int, NoticeEvent]: ...
    def due(self, now: int, limit: int = 500) -> list[Notice]:
        """Queued and held notices whose time has come, oldest first."""
        ...

    def of_message(self, message: str) -> list[Notice]:
        """All that go in a message."""
        ...

    def begin(self, ids: Sequence[int], message: str, now: int) -> None:
        """They are about to be sent as `message`."""
        ...

    def sent(self, ids: Sequence[int], now: int) -> None: ...
    def again(self, ids: Sequence[int], not_before: int, error: str) -> None:
        """An attempt failed; they are queued again."""
        ...

    def give_up(self, ids: Sequence[int], error: str) -> None: ...
    def in_doubt(self) -> list[Notice]:
        """Those that were being sent when the node was cut short."""
        ...

    def doubt(self, ids: Sequence[int]) -> None:
        """They may have arrived; they are queued again under the same message id."""
        ...

    def last_told(self, person: str, channel: str, matter: str, topic: str) -> int | None:
        """When this person was last told, or is going to be, of a topic of a matter over a channel. [µs]"""
        ...

    def told(self, keys: Sequence[str], reasons: Sequence[str]) -> set[str]:
        """Who was told of these events for one of these reasons."""
        ...

    def unacknowledged(self, now: int, limit: int = 200) -> list[NoticeEvent]:
        """Events whose acknowledgement is late and that were not passed on yet."""
        ...

    def settle(self, seq: int) -> None:
        """No acknowledgement of this event is waited for any more."""
        ...

    def acknowledged(self, keys: Sequence[str]) -> bool:
        """Whether somebody acknowledged a notice of these events."""
        ...
