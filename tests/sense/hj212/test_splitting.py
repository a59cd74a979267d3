"""When a split record is complete; HJ 212-2017 C.47–C.50 and what the field does to it."""

import pytest

from jinyun.sense.hj212.framing import examine
from jinyun.sense.hj212.packet import parse
from jinyun.sense.hj212.splitting import Joiner


def part(pnum, pno, mn="m", cn="2061"):
    split = f";PNUM={pnum};PNO={pno}" if pnum is not None else ""
    text = f"QN=1;ST=32;CN={cn};PW=1;MN={mn};Flag=7{split};CP=&&DataTime=20260301080000;w01018-Avg=1&&"
    return parse(examine(f"##{len(text):04}{text}0000".encode()))


def test_complete_when_all_parts_are_in_any_order_with_repeats():
    joiner = Joiner()
    assert not joiner.add(part(3, 2), 0, 0)
    assert not joiner.add(part(3, 2), 0, 1)
    assert not joiner.add(part(3, 3), 0, 2)
    assert joiner.add(part(3, 1), 0, 3)
    assert len(joiner) == 0


def test_records_do_not_mix():
    joiner = Joiner()
    assert not joiner.add(part(2, 1), 0, 0)
    assert not joiner.add(part(2, 2, mn="other"), 0, 0)
    assert not joiner.add(part(2, 2, cn="2051"), 0, 0)
    assert not joiner.add(part(2, 2), 3600, 0)
    assert joiner.add(part(2, 2), 0, 0)


@pytest.mark.parametrize(("pnum", "pno"), [(None, None), (1, 1), (2, 3), (2, 0), (5000, 1)])
def test_nothing_waits_for_whole_or_broken_counts(pnum, pno):
    joiner = Joiner()
    assert joiner.add(part(pnum, pno), 0, 0)
    assert len(joiner) == 0


def test_what_waits_too_long_is_given_up_with_what_is_missing():
    joiner = Joiner(timeout=10)
    joiner.add(part(3, 2), 0, 100)
    joiner.add(part(2, 1, mn="late"), 0, 105)
    assert joiner.expire(109.9) == []
    assert joiner.expire(110) == [(("m", "32", "2061", 0, 3), (1, 3))]
    assert len(joiner) == 1


def test_memory_is_bounded_and_what_is_dropped_is_reported():
    joiner = Joiner(limit=2)
    for number in range(3):
        joiner.add(part(2, 1, mn=f"m{number}"), 0, number)
    assert len(joiner) == 2
    assert joiner.expire(3) == [(("m0", "32", "2061", 0, 2), (2,))]
