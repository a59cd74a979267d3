"""A kill at any moment, repeats, any order of arrival: the alarms and cases are those of an undisturbed run."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

OUTLET = ["40", "62", "90", None]
SECTION = [2, 3, 4, 5, None]


def alarms_of(desk):
    """What the alarms say, without what depends on when they were written down."""
    told = ("matter", "started_at", "ended_at", "level", "peak_figure", "peak_at", "last_figure", "last_at", "limit")
    kept = [one for one in desk.alarms() if one.data["end_reason"] not in ("corrected", "merged")]
    return sorted([one.state, *(str(one.data[name]) for name in told)] for one in kept)


def cases_of(desk):
    told = ("matter", "level", "opened_at", "deadline", "overdue", "observe_until", "reopened", "closed_at")
    return sorted(
        [one.state, len(one.data["alarms"]), one.data["previous"] is not None, *(str(one.data[n]) for n in told)]
        for one in desk.cases()
    )


def hourly(desk, hours, *, disturb=lambda n, tell: tell()):
    """Tell both subjects' verdicts hour by hour, with a tick after each hour."""
    for n, (outlet, section) in enumerate(hours):
        disturb(n, lambda n=n, outlet=outlet: desk.outlet(n, outlet))
        disturb(n, lambda n=n, section=section: desk.section(n, section))
        desk.room.tick()


both = st.lists(st.tuples(st.sampled_from(OUTLET), st.sampled_from(SECTION)), min_size=4, max_size=12)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hours=both, data=st.data())
def test_restarts_kills_and_repeats_change_nothing(make_desk, verdict_of, hours, data):
    straight, shaken = make_desk(), make_desk()
    hourly(straight, hours)

    def disturb(n, tell):
        what = data.draw(st.sampled_from(["tell", "tell", "restart", "killed", "twice", "late room"]))
        room = shaken.room
        if what == "killed":  # stored by the judge room, and killed before the act room heard of it
            shaken.room = Deaf()
            tell()
            shaken.room = room
            shaken.restart()
        elif what == "late room":  # a new room hears a verdict before it was asked to recover
            shaken.room = shaken.new_room()
            tell()
        else:
            tell()
            if what == "twice":
                verdict = shaken.verdicts.since(0, limit=10_000)[-1]
                shaken.room.on_verdict(verdict, verdict)
            elif what == "restart":
                shaken.restart()

    hourly(shaken, hours, disturb=disturb)
    assert alarms_of(shaken) == alarms_of(straight)
    assert cases_of(shaken) == cases_of(straight)


class Deaf:
    def on_verdict(self, new, previous):
        pass

    def tick(self):
        pass


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hours=both, data=st.data())
def test_any_order_of_arrival_gives_the_same_alarms(make_desk, hours, data):
    straight, mixed = make_desk(), make_desk()
    hourly(straight, hours)
    mixed.to(mixed.hour(len(hours)))
    todo = [(kind, n) for n in range(len(hours)) for kind in ("outlet", "section")]
    for kind, n in data.draw(st.permutations(todo)):
        outlet, section = hours[n]
        if kind == "outlet":
            mixed.outlet(n, outlet)
        else:
            mixed.section(n, section)
        if data.draw(st.booleans()) and data.draw(st.booleans()):
            mixed.restart()
    assert alarms_of(mixed) == alarms_of(straight)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hours=both, data=st.data())
def test_corrections_end_where_the_corrected_data_would_have_led(make_desk, hours, data):
    straight, corrected = make_desk(), make_desk()
    hourly(straight, hours)
    first = data.draw(st.lists(st.sampled_from(OUTLET), min_size=len(hours), max_size=len(hours)))
    hourly(corrected, [(wrong, section) for wrong, (_, section) in zip(first, hours, strict=True)])
    for n in data.draw(st.permutations(range(len(hours)))):
        corrected.outlet(n, hours[n][0])
    assert alarms_of(corrected) == alarms_of(straight)


class Kill(BaseException):
    """kill -9 as a test can say it: nothing after it runs."""


class Mortal:
    """Records whose n-th write never happens, because the process is gone by then."""

    def __init__(self, inner, at):
        self._inner, self._at, self.writes = inner, at, 0

    def __getattr__(self, name):
        method = getattr(self._inner, name)
        if name not in ("create", "update", "step"):
            return method

        def write(*args, **kwargs):
            if self.writes == self._at:
                raise Kill
            self.writes += 1
            return method(*args, **kwargs)

        return write


STORY = ["40", "62", "110", "40", "40", "40", "40", "40", "62", "40", "40", "40"]


@pytest.mark.parametrize("at", range(20))
def test_a_kill_at_any_write_is_made_good_at_the_next_start(make_desk, at):
    straight = make_desk()
    straight.records = counted = Mortal(straight.records, None)
    straight.room = straight.new_room()
    for n, figure in enumerate(STORY):
        straight.outlet(n, figure)
        straight.room.tick()
    desk = make_desk()
    desk.records = Mortal(desk.records, at)
    desk.room = desk.new_room()
    killed = False
    for n, figure in enumerate(STORY):
        try:
            desk.outlet(n, figure)
            desk.room.tick()
        except Kill:
            killed = True
            desk.restart()
            desk.room.tick()
    assert killed == (at < counted.writes)
    assert alarms_of(desk) == alarms_of(straight)
    assert cases_of(desk) == cases_of(straight)


def test_a_store_that_fails_is_asked_again_at_the_tick(desk, monkeypatch):
    desk.room.recover()
    real = desk.records.create
    monkeypatch.setattr(desk.records, "create", lambda *a, **k: (_ for _ in ()).throw(OSError("disk full")))
    desk.outlet(8, "62")  # the judge room goes on
    assert desk.alarms() == []
    with pytest.raises(OSError):
        desk.room.tick()  # the job shows it
    monkeypatch.setattr(desk.records, "create", real)
    desk.room.tick()
    assert len(desk.alarms()) == len(desk.cases()) == 1


def test_open_alarms_of_a_removed_rule_end_at_the_start(desk):
    from jinyun.act.rules import rules_of

    desk.outlet(8, "62")
    desk.rules = rules_of([])
    desk.restart()
    assert desk.alarms()[0].data["end_reason"] == "rule_removed"
