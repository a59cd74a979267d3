"""Back-filled history: old windows open nothing, cost little, and still correct what there is."""

from __future__ import annotations

import tomllib
from importlib.resources import files

import pytest

from jinyun.act.rules import load_rules
from jinyun.kernel.errors import BadInput

DAYS = tomllib.loads(files("jinyun.act").joinpath("rules.toml").read_text("utf-8"))["late"]["days"]
HOURS = 24 * DAYS


def test_a_window_older_than_the_rule_says_opens_no_alarm_and_a_younger_one_does(desk):
    desk.to(desk.hour(HOURS + 10))
    for n in range(2, 8):
        desk.section(n, 6)  # ended more than so many days ago
    assert desk.alarms() == [] == desk.cases()
    desk.section(10, 6)  # its end is as old as the rule allows: not older
    desk.section(11, 6)
    (alarm,) = desk.alarms("section-target")
    assert alarm.data["started_at"] == desk.at(10)
    assert len(desk.cases()) == 1


def test_history_below_live_data_changes_no_alarm(desk):
    now = HOURS + 240
    desk.to(desk.hour(now))
    desk.section(now, 5)
    desk.section(now + 1, 5)
    before = [(one.id, one.version) for one in (*desk.alarms(), *desk.cases())]
    assert len(before) >= 2
    for n in range(0, 200, 4):
        desk.section(n, 6)
    desk.room.tick()
    assert [(one.id, one.version) for one in (*desk.alarms(), *desk.cases())] == before
    desk.restart()
    assert [one.id for one in (*desk.alarms(), *desk.cases())] == [id for id, _ in before]


def test_history_after_a_kill_opens_nothing_either(desk):
    desk.to(desk.hour(HOURS + 100))
    for n in range(50):
        desk.section(n, 6)
    desk.restart()
    desk.room.tick()
    assert desk.alarms() == []


def test_an_old_correction_still_reaches_the_alarm_it_is_about(desk):
    desk.section(0, 5)
    desk.section(1, 5)
    for n in range(2, 6):
        desk.section(n, 2)
    (alarm,) = desk.alarms("section-target")
    assert alarm.state == "ended"
    desk.to(desk.hour(HOURS + 500))
    desk.section(0, 2)
    desk.section(1, 2)
    assert desk.alarms("section-target")[0].data["end_reason"] == "corrected"


def test_a_year_of_old_hours_asks_the_store_next_to_nothing(desk, monkeypatch):
    """Each old verdict used to read its line from there to the newest: a year of them would take hours."""
    desk.to(desk.hour(HOURS + 2000))
    asked = []
    real = desk.verdicts.find
    monkeypatch.setattr(desk.verdicts, "find", lambda **given: asked.append(given) or real(**given))
    for n in range(300):
        desk.section(n, 6 if n % 3 else 2)
    assert asked == []


@pytest.mark.parametrize("days", [0, "seven", 1.5])
def test_the_rule_is_checked(tmp_path, days):
    path = tmp_path / "rules.toml"
    path.write_text(f"[late]\ndays = {days!r}\n".replace("'", '"'))
    with pytest.raises(BadInput, match="late, key days"):
        load_rules(path)
    path.write_text("[late]\ndays = 30\n")
    assert load_rules(path).late_days == 30
