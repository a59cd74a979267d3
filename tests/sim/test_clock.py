"""The clock that node and simulator share."""

from __future__ import annotations

import pytest

from jinyun.kernel.errors import BadInput
from jinyun.sim.clock import ScaledClock, clock_of


def test_two_readers_of_one_text_agree():
    text = "2026-03-01T00:00:00+08:00,2026-01-01T00:00:00+00:00,60"
    a, b = ScaledClock.parse(text), ScaledClock.parse(str(ScaledClock.parse(text)))
    assert a == b
    assert a.sim == 1_772_294_400_000_000
    assert a.real_seconds(3600) == 60


def test_it_runs_at_its_speed():
    clock = ScaledClock(0, 0, 1000.0)
    first = clock.now()
    second = clock.now()
    assert 0 <= second - first < 1_000_000_000
    assert abs(clock_of("").now() * 1000 - first) < 60_000_000_000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-03-01T00:00:00+08:00,60", "three parts"),
        ("2026-03-01T00:00:00,2026-03-01T00:00:00+00:00,60", "time zone"),
        ("soon,2026-03-01T00:00:00+00:00,60", "ISO 8601"),
        ("2026-03-01T00:00:00+08:00,2026-03-01T00:00:00+00:00,fast", "not a number"),
        ("2026-03-01T00:00:00+08:00,2026-03-01T00:00:00+00:00,0", "between"),
    ],
)
def test_wrong_texts_say_what_is_wrong(text, said):
    with pytest.raises(BadInput, match=said):
        clock_of(text)
