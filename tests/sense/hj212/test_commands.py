"""The command desk: one in flight, same QN on re-sends, matching, ends, restarts (HJ 212-2017 7.2)."""

from __future__ import annotations

import itertools

import pytest

from jinyun.kernel.errors import NotFound
from jinyun.sense.hj212.commands import SPACE, Desk


class Memory:
    def __init__(self):
        self.spaces = {}

    def items(self, space):
        return dict(self.spaces.get(space, {}))

    def set(self, space, key, value):
        if value is None:
            self.spaces.setdefault(space, {}).pop(key, None)
        else:
            self.spaces.setdefault(space, {})[key] = value


NUMBERS = itertools.count(20260310123400000)


def new_qn():
    return str(next(NUMBERS))


def desk(kv=None, **changes):
    given = {"answer_timeout": 10.0, "resends": 3, "execute_timeout": 10.0, "slow": ("3012",), "slow_timeout": 300.0}
    return Desk(kv or Memory(), **{**given, **changes})


def test_one_in_flight_and_in_order():
    d = desk()
    first = d.add("A", "1012", {}, "li", 1)
    second = d.add("A", "2061", {}, "li", 2)
    assert d.due("A", new_qn, 3, 0.0) is first
    assert d.due("A", new_qn, 3, 0.0) is None
    d.accepted(first, 1, 4, 1.0)
    d.executed(first, 1, 5)
    assert (first.state, first.qn_rtn, first.exe_rtn, first.ended_at) == ("done", 1, 1, 5)
    assert d.due("A", new_qn, 6, 1.0) is second


def test_no_9011_is_sent_again_with_the_same_qn_three_times():
    d = desk()
    command = d.add("A", "1011", {}, "li", 0)
    d.due("A", new_qn, 0, 0.0)
    qn = command.qn
    for n in (1, 2, 3):
        assert d.overdue(0, n * 10 - 0.1) == []
        assert d.overdue(0, n * 10.0) == [command]
        assert (command.qn, command.attempts) == (qn, n + 1)
    assert d.overdue(9, 40.0) == []
    assert (command.state, command.ended_at) == ("unreachable", 9)
    assert "3" in command.note_zh


def test_silent_after_9011_is_an_execution_timeout_and_not_repeated():
    d = desk()
    command = d.add("A", "2061", {}, "li", 0)
    d.due("A", new_qn, 0, 0.0)
    d.accepted(command, 1, 0, 5.0)
    assert d.overdue(0, 14.9) == []
    d.progress(command, 14.0)  # a data packet came
    assert d.overdue(0, 23.9) == []
    assert d.overdue(0, 24.0) == []
    assert command.state == "timeout"


def test_instruments_get_more_time():
    d = desk()
    command = d.add("A", "3012", {}, "li", 0)
    d.due("A", new_qn, 0, 0.0)
    d.accepted(command, 1, 0, 0.0)
    d.overdue(0, 299.0)
    assert command.state == "acked"


@pytest.mark.parametrize(("code", "word"), [(2, "拒绝"), (3, "PW"), (9, "CRC"), (100, "未知")])
def test_qn_rtn_other_than_ready_refuses(code, word):
    d = desk()
    command = d.add("A", "1062", {}, "li", 0)
    d.due("A", new_qn, 0, 0.0)
    d.accepted(command, code, 1, 0.0)
    assert command.state == "refused"
    assert word in command.note_zh


@pytest.mark.parametrize(
    ("code", "state"), [(1, "done"), (2, "failed"), (5, "failed"), (100, "no_data"), (77, "failed")]
)
def test_exe_rtn_gives_the_end(code, state):
    d = desk()
    command = d.add("A", "2061", {}, "li", 0)
    d.due("A", new_qn, 0, 0.0)
    d.executed(command, code, 1)
    assert (command.state, command.exe_rtn) == (state, code)


def test_matching_by_qn_then_by_cn():
    d = desk()
    command = d.add("A", "2061", {}, "li", 0)
    d.due("A", new_qn, 0, 0.0)
    assert d.match("A", command.qn) is command
    assert d.match("A", "20990101000000000") is None
    assert d.match("A", "", "2061") is command
    assert d.match("A", "", "2051") is None
    assert d.match("A", "") is command
    assert d.match("B", command.qn) is None


def test_restart_queues_again_what_was_not_acknowledged():
    kv = Memory()
    d = desk(kv)
    sent, waiting = d.add("A", "1012", {"SystemTime": "x"}, "li", 1), d.add("A", "2061", {}, "li", 2)
    acked = d.add("B", "3012", {}, "li", 3)
    house = d.add("C", "2051", {}, "system", 4, tag="gap")
    for mn in "ABC":
        d.due(mn, new_qn, 5, 0.0)
    d.accepted(acked, 1, 6, 0.0)
    again = desk(kv)
    assert [c.id for c in again.of("A")] == [waiting.id, sent.id]
    first = again.due("A", new_qn, 9, 0.0)
    assert (first.id, first.params, first.qn) == (sent.id, {"SystemTime": "x"}, sent.qn)
    assert again.get(acked.id).state == "timeout"
    with pytest.raises(NotFound):
        again.get(house.id)
    assert again.add("A", "1011", {}, "li", 10).id > house.id - 1
    assert len(kv.items(SPACE)) == 4


def test_a_lost_link_keeps_a_persons_command_and_drops_the_houses_own():
    ends = []
    d = desk(ended=ends.append)
    person, house = d.add("A", "1011", {}, "li", 0), d.add("B", "2051", {}, "system", 0, tag="gap")
    d.due("A", new_qn, 0, 0.0)
    d.due("B", new_qn, 0, 0.0)
    d.disconnected("A", 1)
    d.disconnected("B", 1)
    assert (person.state, house.state, ends) == ("queued", "unreachable", [house])


def test_history_is_bounded_and_cancel_works():
    kv = Memory()
    d = desk(kv, kept=3)
    for n in range(5):
        d.cancel(d.add("A", "1011", {}, "li", n).id, n)
    assert [c.created_at for c in d.of("A")] == [4, 3, 2]
    assert len(kv.items(SPACE)) == 3
