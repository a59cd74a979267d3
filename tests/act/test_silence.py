"""Devices that send nothing: the shipped rule opens at 10 intervals and 900 s, grows at 300 intervals and a day."""

import pytest


@pytest.fixture
def quiet(desk):
    """A device that sends every 30 s, heard at the start."""
    desk.device("M1", "o1", realtime_interval=30)
    desk.hear()
    desk.room.recover()
    return desk


def after(desk, seconds):
    desk.to(desk.day + seconds)
    desk.room.tick()


def test_grace_then_silent_then_gone_then_back(quiet):
    after(quiet, 900)
    assert quiet.alarms() == []
    after(quiet, 901)
    (alarm,) = quiet.alarms("device-silent", state="open")
    assert (alarm.data["level"], alarm.data["started_at"], alarm.data["subject"]) == (4, quiet.at(0), "o1")
    assert "总排口数采仪（MN M1）自03-02 00:00起没有数据" in alarm.data["sentence_zh"]
    after(quiet, 86400)
    assert quiet.alarms()[0].data["level"] == 4
    after(quiet, 86401)
    (alarm,) = quiet.alarms()
    assert (alarm.data["level"], alarm.data["peak_figure"]) == (3, "gone")
    quiet.to(quiet.hour(30))
    quiet.hear()
    quiet.room.tick()
    (alarm,) = quiet.alarms()
    assert (alarm.state, alarm.data["ended_at"], alarm.data["end_reason"]) == ("ended", quiet.at(30), "recovered")
    assert [event["step"] for _, event in quiet.bus.said] == ["open", "update", "end"]
    assert quiet.cases() == []


def test_a_slow_device_is_given_its_own_interval(desk):
    from jinyun.kernel.terms import Period

    desk.device("M1", "o1", periods=(Period.HOUR,))
    desk.hear()
    desk.room.recover()
    after(desk, 36_000)
    assert desk.alarms() == []
    after(desk, 36_001)  # ten hours
    assert len(desk.alarms()) == 1


def test_ticks_and_restarts_repeat_nothing(quiet):
    after(quiet, 2000)
    before = [(one.id, one.version) for one in quiet.alarms()]
    quiet.room.tick()
    quiet.restart()
    quiet.room.tick()
    assert [(one.id, one.version) for one in quiet.alarms()] == before


def test_while_the_node_was_away_nobody_was_heard(quiet):
    quiet.to(quiet.hour(6))
    quiet.restart()
    quiet.room.tick()
    assert quiet.alarms() == []
    after(quiet, 6 * 3600 + 901)
    (alarm,) = quiet.alarms()
    assert alarm.data["started_at"] == quiet.at(0)  # said truthfully all the same


def test_a_device_never_heard_of_is_not_missed(desk):
    desk.device("M9", "o1")
    desk.room.recover()
    after(desk, 90_000)
    assert desk.alarms() == []


def test_flapping_silence_is_one_alarm(quiet):
    after(quiet, 1000)
    quiet.hear()
    quiet.room.tick()
    after(quiet, 2000)
    (alarm,) = quiet.alarms()
    assert alarm.state == "open"
    assert alarm.data["started_at"] == quiet.at(0)


def test_an_unregistered_device_takes_its_alarm_with_it(quiet):
    after(quiet, 1000)
    quiet.directory.profiles.clear()
    quiet.room.tick()
    (alarm,) = quiet.alarms()
    assert (alarm.state, alarm.data["end_reason"]) == ("ended", "unregistered")
