"""A line is read again only as far as a change bears; alarms are those of reading it to its end."""

import random

import pytest

from jinyun.act import line_store
from jinyun.kernel.terms import Status

DAYS = 14


def alarms_of(desk):
    told = ("matter", "started_at", "ended_at", "level", "peak_figure", "peak_at", "last_figure", "last_at")
    kept = [one for one in desk.alarms() if one.data["end_reason"] not in ("corrected", "merged")]
    return sorted([one.state, *(str(one.data[name]) for name in told)] for one in kept)


def line(dice):
    """Hours of an outlet: mostly fine, now and then some over the limit or without a figure."""
    figures = []
    while len(figures) < DAYS * 24:
        figures += ["40"] * dice.randint(1, 90)
        figures += [dice.choice(("62", "90", None)) for _ in range(dice.randint(1, 6))]
    return figures[: DAYS * 24]


def corrected(desk, verdict_of, changes):
    """Verdicts on windows gone by, told together as a correction tells them; as (would, was) before they are stored."""
    pairs = []
    for n, figure in changes.items():
        would = verdict_of["outlet"](desk.hour(n), {"cod_cr": figure, "nh3_n": "1.0"})
        pairs.append((would, desk.verdicts.current(would.judge, would.subject, would.window)))
    return pairs


@pytest.mark.parametrize("seed", range(2))
def test_alarms_are_those_of_reading_to_the_end(make_desk, verdict_of, seed, monkeypatch):
    monkeypatch.setattr(line_store, "PART", 24)
    dice = random.Random(seed)
    desk, figures = make_desk(), line(random.Random(seed))
    for n, figure in enumerate(figures):
        desk.outlet(n, figure)
    read = []
    real = desk.verdicts.find
    monkeypatch.setattr(desk.verdicts, "find", lambda **asked: _counted(read, asked, real(**asked)))
    fewest = len(figures)
    for _ in range(5):
        first = dice.randrange(len(figures))
        changes = {n: dice.choice(("40", "62", "110", None)) for n in range(first, min(len(figures), first + 5))}
        pairs = corrected(desk, verdict_of, changes)
        read.clear()
        foreseen = desk.room.foresee(pairs)["alarms"]
        fewest = min(fewest, sum(read) or fewest)
        known = {one.id: one for one in desk.alarms()}
        with desk.room.together():
            for would, was in pairs:
                (stored,) = desk.verdicts.add([would])
                desk.room.on_verdict(stored, was)
        now = alarms_of(desk)
        changed = [one.id for one in desk.alarms() if known.get(one.id) != one]
        assert {one["id"] for one in foreseen if one["id"]} <= set(changed)
        assert sum(one["id"] is None for one in foreseen) == len([one for one in changed if one not in known])
        desk.room._lines.read_again(("emission.outlet_hour", "o1"), desk.hour(0))  # from the beginning to the newest
        assert alarms_of(desk) == now
    assert fewest < len(figures) / 2  # not the whole line
    # what is remembered of the newest windows still holds: an alarm opens and ends as ever
    end = len(figures)
    for n, figure in enumerate(["40"] * 9 + ["90"] * 4 + ["40"] * 9):
        desk.outlet(end + n, figure)
    now = alarms_of(desk)
    desk.room._lines.read_again(("emission.outlet_hour", "o1"), desk.hour(0))
    assert alarms_of(desk) == now
    assert desk.verdicts.current("emission.outlet_hour", "o1", pairs[0][0].window).status in Status


def _counted(read, asked, found):
    """Rows of a line that is read again; what a case's recovery looks at is another question."""
    if asked.get("start") is not None and asked["limit"] > 1:
        read.append(len(found))
    return found
