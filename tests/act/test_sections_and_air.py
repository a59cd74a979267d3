"""Section and air rules: target class, drop within a day, AQI, running windows."""

import pytest

from jinyun.kernel.terms import Period


@pytest.mark.parametrize(("levels", "opens"), [([3, 3], 0), ([4], 0), ([4, 4], 1), ([4, 3, 4], 0), ([6, 6], 1)])
def test_two_consecutive_hours_worse_than_target(desk, levels, opens):
    for n, level in enumerate(levels):
        desk.section(n, level)
    assert len(desk.alarms("section-target")) == opens


@pytest.mark.parametrize(("level", "graded"), [(4, 3), (5, 2), (6, 1)])
def test_level_by_classes_lost_against_the_target(desk, level, graded):
    desk.section(0, level)
    desk.section(1, level)
    assert desk.alarms("section-target")[0].data["level"] == graded


def test_hours_far_apart_are_not_consecutive(desk):
    desk.section(0, 4)
    desk.section(4, 4)  # rule gap: at most 3 windows apart
    assert desk.alarms("section-target") == []
    desk.section(7, 4)
    assert len(desk.alarms("section-target")) == 1


def test_an_hour_that_cannot_be_judged_does_not_break_the_run(desk):
    for n, level in enumerate([4, None, 4]):
        desk.section(n, level)
    assert desk.alarms("section-target")[0].data["started_at"] == desk.at(0)


def test_a_running_window_counts_when_it_is_over(desk, verdict_of):
    desk.section(0, 4)
    desk.to(desk.hour(1) + 600)
    running = desk.verdicts.add([verdict_of["section"](desk.hour(1), 4)])[0]
    desk.room.on_verdict(running, None)
    desk.room.tick()
    assert desk.alarms("section-target") == []
    desk.to(desk.hour(2))
    desk.room.tick()  # nothing new was told: the verdict stood until the window's end
    assert len(desk.alarms("section-target")) == 1


def test_a_running_window_that_recovers_before_its_end_counts_as_it_ended(desk, verdict_of):
    desk.section(0, 4)
    desk.to(desk.hour(1) + 600)
    bad = desk.verdicts.add([verdict_of["section"](desk.hour(1), 4)])[0]
    desk.room.on_verdict(bad, None)
    good = desk.verdicts.add([verdict_of["section"](desk.hour(1), 3)])[0]
    desk.room.on_verdict(good, bad)
    desk.to(desk.hour(2))
    desk.room.tick()
    assert desk.alarms("section-target") == []


def test_a_running_window_is_not_lost_in_a_restart(desk, verdict_of):
    desk.section(0, 4)
    desk.to(desk.hour(1) + 600)
    running = desk.verdicts.add([verdict_of["section"](desk.hour(1), 4)])[0]
    desk.room.on_verdict(running, None)
    desk.restart()
    desk.to(desk.hour(2))
    desk.room.tick()
    assert len(desk.alarms("section-target")) == 1


def test_a_drop_by_a_class_within_a_day_warns_before_the_target_is_missed(desk):
    for n, level in enumerate([2, 2, 2, 3, 3]):
        desk.section(n, level)
    assert desk.alarms("section-target") == []
    (alarm,) = desk.alarms("section-drop")
    assert alarm.data["level"] == 4
    assert alarm.data["started_at"] == desk.at(3)
    assert "由Ⅱ类降为Ⅲ类" in alarm.data["sentence_zh"]
    assert desk.cases() == []
    for n in (5, 6):
        desk.section(n, 2)
    assert desk.alarms("section-drop")[0].data["ended_at"] == desk.at(5)


def test_a_drop_spread_over_more_than_a_day_is_none(desk):
    desk.section(0, 2)
    for n in range(26, 30):
        desk.section(n, 3)
    assert desk.alarms("section-drop") == []


def test_a_late_better_hour_reveals_a_drop(desk):
    for n in (3, 4, 5):
        desk.section(n, 3)
    assert desk.alarms("section-drop") == []
    desk.section(1, 2)
    assert desk.alarms("section-drop")[0].data["started_at"] == desk.at(3)


@pytest.mark.parametrize(("aqi", "level"), [(150, None), (151, 3), (201, 2), (301, 1)])
def test_aqi_above_150(desk, aqi, level):
    desk.aqi(0, aqi)
    assert [one.data["level"] for one in desk.alarms("air-hour")] == ([] if level is None else [level])
    assert desk.cases() == []


def test_aqi_alarm_names_figure_and_pollutant(desk):
    desk.aqi(0, 180)
    desk.aqi(1, 230)
    (alarm,) = desk.alarms("air-hour")
    assert (alarm.data["peak_figure"], alarm.data["level"]) == ("230", 2)
    assert alarm.data["sentence_zh"] == "a1点空气质量小时指数偏高：230，细颗粒物；03-02 00:00起。" or (
        "PM" in alarm.data["sentence_zh"]
    )


def test_live_rule_needs_five_minutes_and_opens_no_case(desk, verdict_of):
    def now(moment, figure):
        desk.to(desk.hour(8) + moment)
        one = verdict_of["outlet"](
            desk.hour(8), {"cod_cr": figure}, judge="emission.outlet_now", period=Period.HOUR,
            moment=desk.hour(8) + moment,
        )  # fmt: skip
        stored = desk.verdicts.add([one])[0]
        desk.room.on_verdict(stored, None)

    now(0, "60")
    now(299, "70")
    assert desk.alarms() == []
    now(300, "65")
    (alarm,) = desk.alarms("outlet-now")
    assert (alarm.data["level"], alarm.data["peak_figure"], alarm.data["case"]) == (4, "70", None)
    assert alarm.data["started_at"] == desk.at(8)
    now(330, "40")
    now(629, "40")
    assert desk.alarms()[0].state == "open"
    now(630, "40")
    assert (desk.alarms()[0].state, desk.cases()) == ("ended", [])
    now(900, "80")  # within the cool-down: the same alarm
    now(1200, "80")
    (alarm,) = desk.alarms()
    assert (alarm.state, alarm.data["peak_figure"]) == ("open", "80")


def test_live_rule_by_time_alone_when_only_changes_are_told(desk, verdict_of):
    """The judge room tells an indicative verdict only when it changed: that the device goes on sending is the proof."""
    desk.device("M1", "o1")
    one = verdict_of["outlet"](
        desk.hour(8), {"cod_cr": "60"}, judge="emission.outlet_now", moment=desk.hour(8) + 10
    )  # fmt: skip
    desk.to(desk.hour(8) + 12)
    desk.room.on_verdict(desk.verdicts.add([one])[0], None)
    desk.to(desk.hour(8) + 200)
    desk.hear("M1")
    desk.room.tick()
    desk.to(desk.hour(8) + 400)  # the device was not heard after 200 s: five minutes are not proven
    desk.room.tick()
    assert desk.alarms("outlet-now") == []
    desk.restart()
    desk.hear("M1")
    desk.room.tick()
    assert len(desk.alarms("outlet-now")) == 1


def test_live_rule_leaves_the_past_alone(desk, verdict_of):
    desk.to(desk.hour(20))
    for moment in (0, 400):
        one = verdict_of["outlet"](
            desk.hour(8), {"cod_cr": "60"}, judge="emission.outlet_now", moment=desk.hour(8) + moment
        )  # fmt: skip
        desk.room.on_verdict(desk.verdicts.add([one])[0], None)
    assert desk.alarms() == []
