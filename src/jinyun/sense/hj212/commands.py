"""The command desk: a queue per device, one in flight, answers matched, timeouts and re-sends of HJ 212-2017 7.2.

No sockets and no codec here: the centre asks `due` what to send and tells what came back. `now` is µs of the house's
clock for the record, `tick` a monotonic second count for the timeouts.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jinyun.kernel.errors import NotFound
from jinyun.kernel.ports import KeyValue
from jinyun.sense.hj212 import codes

SPACE = "hj212.commands"
QUEUED, SENT, ACKED = "queued", "sent", "acked"
LIVE = frozenset({QUEUED, SENT, ACKED})
"""States that still wait for something. Ends: done, refused, failed, no_data, timeout, unreachable, cancelled."""

EXE_STATES: Mapping[int | None, str] = {None: "done", codes.DONE: "done", codes.NO_DATA: "no_data"}
"""End of a command by ExeRtn; any other code is a failure."""


@dataclass(slots=True)
class Command:
    """One command to one device, from the wish to its end."""

    id: int
    mn: str
    cn: str
    params: dict[str, Any]
    actor: str
    created_at: int  # [µs]
    state: str = QUEUED
    qn: str = ""
    attempts: int = 0
    sent_at: int = 0
    ended_at: int = 0
    qn_rtn: int | None = None
    exe_rtn: int | None = None
    result: dict[str, Any] = field(default_factory=dict)  # what data packets of the answer said
    packets: int = 0  # data packets that came for it
    note_zh: str = ""
    note_en: str = ""
    tag: Any = None  # the asker's own, not kept: e.g. the gap request
    deadline: float = 0.0  # monotonic [s]

    def as_dict(self) -> dict[str, Any]:
        """For pages and for keeping."""
        return {
            "id": self.id, "mn": self.mn, "cn": self.cn, "params": self.params, "actor": self.actor,
            "created_at": self.created_at, "state": self.state, "qn": self.qn, "attempts": self.attempts,
            "sent_at": self.sent_at, "ended_at": self.ended_at, "qn_rtn": self.qn_rtn, "exe_rtn": self.exe_rtn,
            "result": self.result, "packets": self.packets, "note_zh": self.note_zh, "note_en": self.note_en,
        }  # fmt: skip


class Desk:
    """All commands of all devices. Commands with a `tag` are the house's own and are not kept over a restart."""

    def __init__(
        self,
        kv: KeyValue,
        *,
        answer_timeout: float,
        resends: int,
        execute_timeout: float,
        slow: Iterable[str] = (),
        slow_timeout: float = 300.0,
        kept: int = 100,
        notify: frozenset[str] = frozenset({"2012", "2022"}),
        save: Callable[[str, Any], None] | None = None,
        ended: Callable[[Command], None] | None = None,
    ) -> None:
        """`save` (key, value) keeps one command later, off the sockets' thread; `notify` are CNs that end with 9013."""
        self.kv, self.kept = kv, kept
        self.answer_timeout, self.resends, self.execute_timeout = answer_timeout, resends, execute_timeout
        self.slow, self.slow_timeout, self.notify = frozenset(slow), slow_timeout, notify
        self.save = save or (lambda key, value: kv.set(SPACE, key, value))
        self.ended = ended or (lambda _: None)
        self.queues: dict[str, deque[Command]] = {}
        self.flying: dict[str, Command] = {}
        self.past: dict[str, deque[Command]] = {}
        self.by_id: dict[int, Command] = {}
        self._load()

    def _load(self) -> None:
        """What a restart finds: unanswered commands queue again, acknowledged ones have lost their thread."""
        highest = 0
        for key, kept in sorted(self.kv.items(SPACE).items(), key=lambda item: int(item[0])):
            command = Command(**kept)
            highest = max(highest, int(key))
            self.by_id[command.id] = command
            if command.state in (QUEUED, SENT):
                command.state = QUEUED
                self.queues.setdefault(command.mn, deque()).append(command)
            else:
                if command.state == ACKED:
                    command.state = "timeout"
                    command.note_zh, command.note_en = "节点重启，结果未知", "the node restarted"
                self.past.setdefault(command.mn, deque()).append(command)
        self._ids = itertools.count(highest + 1)

    # asked for

    def add(
        self, mn: str, cn: str, params: Mapping[str, Any], actor: str, now: int, *, tag: Any = None, first: bool = False
    ) -> Command:
        """Queue a command. It is kept before this returns unless it carries a `tag`."""
        command = Command(next(self._ids), mn, cn, dict(params), actor, now, tag=tag)
        self.by_id[command.id] = command
        if tag is None:
            self.kv.set(SPACE, str(command.id), command.as_dict())
        queue = self.queues.setdefault(mn, deque())
        if first:
            queue.appendleft(command)
        else:
            queue.append(command)
        return command

    def cancel(self, id: int, now: int) -> Command:
        """Take a command out of the queue; one in flight is let go."""
        command = self.get(id)
        if command.state in LIVE:
            self._end(command, "cancelled", now, "已取消", "cancelled")
        return command

    def get(self, id: int) -> Command:
        try:
            return self.by_id[id]
        except KeyError:
            raise NotFound("command", id) from None

    def of(self, mn: str) -> list[Command]:
        """Newest first."""
        found = [*self.queues.get(mn, ()), *self.past.get(mn, ())]
        if flying := self.flying.get(mn):
            found.append(flying)
        return sorted(found, key=lambda c: -c.id)

    def idle(self, mn: str) -> bool:
        """Nothing queued, nothing in flight."""
        return mn not in self.flying and not self.queues.get(mn)

    def waiting(self) -> int:
        return sum(map(len, list(self.queues.values()))) + len(self.flying)

    # sent

    def due(self, mn: str, new_qn: Callable[[], str], now: int, tick: float) -> Command | None:
        """The command to send now to a connected device, marked as sent; None when one is in flight or none waits."""
        if mn in self.flying or not (queue := self.queues.get(mn)):
            return None
        command = queue.popleft()
        self.flying[mn] = command
        command.qn = command.qn or new_qn()
        self._sent(command, now, tick)
        return command

    def _sent(self, command: Command, now: int, tick: float) -> None:
        command.state, command.attempts, command.sent_at = SENT, command.attempts + 1, now
        command.deadline = tick + self.answer_timeout
        self._keep(command)

    def overdue(self, now: int, tick: float) -> list[Command]:
        """Commands to send again with the same QN. Those past their last try, or silent while executing, are ended."""
        again = []
        for command in list(self.flying.values()):
            if tick < command.deadline:
                continue
            if command.state == ACKED:
                zh, en = "执行超时：已应答但未返回结果", "execution timeout: acknowledged, no result"
                self._end(command, "timeout", now, zh, en)
            elif command.attempts > self.resends:
                zh, en = f"重发 {self.resends} 次仍无应答", f"no answer after {self.resends} re-sends"
                self._end(command, "unreachable", now, zh, en)
            else:
                self._sent(command, now, tick)
                again.append(command)
        return again

    def disconnected(self, mn: str, now: int) -> None:
        """The device's link went: its command waits for the next link, the house's own is dropped (found anew)."""
        command = self.flying.get(mn)
        if command is None:
            return
        if command.tag is not None or command.attempts > self.resends:
            self._end(command, "unreachable", now, "连接断开", "the connection went")
        else:
            del self.flying[mn]
            command.state = QUEUED
            self.queues.setdefault(mn, deque()).appendleft(command)

    # answered

    def match(self, mn: str, qn: str, cn: str = "") -> Command | None:
        """The command in flight that an answer belongs to: by QN, by the CN it names, or when it names neither."""
        command = self.flying.get(mn)
        if command is None:
            return None
        if qn:
            return command if qn == command.qn or (cn and cn == command.cn) else None
        return command if not cn or cn == command.cn else None

    def accepted(self, command: Command, qn_rtn: int | None, now: int, tick: float) -> None:
        """9011 came: 1 = ready, else the command is refused."""
        command.qn_rtn = qn_rtn
        if qn_rtn is not None and qn_rtn != 1:
            zh, en = codes.QN_RTN.get(qn_rtn, ("未知返回值", "an unknown QnRtn"))
            self._end(command, "refused", now, f"QnRtn={qn_rtn} {zh}", f"QnRtn={qn_rtn} {en}")
            return
        command.state = ACKED
        self.progress(command, tick)
        self._keep(command)

    def progress(self, command: Command, tick: float) -> None:
        """A data packet that belongs to the command came: wait on for its 9012."""
        wait = self.slow_timeout if command.cn in self.slow else self.execute_timeout
        command.deadline = tick + wait

    def executed(self, command: Command, exe_rtn: int | None, now: int) -> None:
        """9012 (or a 9013 for a notification) came: the end."""
        command.exe_rtn = exe_rtn
        if exe_rtn is None:
            zh, en = "已应答", "answered"
        else:
            words = codes.EXE_RTN.get(exe_rtn, ("未知返回值", "an unknown ExeRtn"))
            zh, en = f"ExeRtn={exe_rtn} {words[0]}", f"ExeRtn={exe_rtn} {words[1]}"
        self._end(command, EXE_STATES.get(exe_rtn, "failed"), now, zh, en)

    def failed(self, command: Command, now: int, zh: str, en: str) -> None:
        """It cannot be sent as it is."""
        self._end(command, "failed", now, zh, en)

    def _end(self, command: Command, state: str, now: int, zh: str, en: str) -> None:
        if self.flying.get(command.mn) is command:
            del self.flying[command.mn]
        elif (queue := self.queues.get(command.mn)) and command in queue:
            queue.remove(command)
        command.state, command.ended_at, command.note_zh, command.note_en = state, now, zh, en
        past = self.past.setdefault(command.mn, deque())
        past.append(command)
        self._keep(command)
        while len(past) > self.kept:
            old = past.popleft()
            self.by_id.pop(old.id, None)
            if old.tag is None:
                self.save(str(old.id), None)
        self.ended(command)

    def _keep(self, command: Command) -> None:
        if command.tag is None:
            self.save(str(command.id), command.as_dict())
