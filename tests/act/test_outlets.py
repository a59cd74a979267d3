"""Outlet rules on whole hours: limit, duration, hysteresis, peak, one alarm per matter, late and corrected data."""

import pytest
from sqlalchemy import event

from jinyun.act.rules import rules_of
from jinyun.kernel.terms import Period


@pytest.mark.parametrize(("figure", "alarms"), [("49.9", 0), ("50", 0), ("50.1", 1)])
def test_below_on_and_above_the_limit(desk, figure, alarms):
    desk.outlet(8, figure)
    assert len(desk.alarms()) == alarms
    assert len(desk.cases()) == alarms


def test_an_exceedance_opens_one_alarm_and_one_case_with_owner_deadline_and_condition(desk):
    verdict = desk.outlet(8, "62")
    (alarm,), (case,) = desk.alarms(), desk.cases()
    assert alarm.state == "open"
    assert alarm.data["rule"] == "outlet-hour"
    assert alarm.data["matter"] == "outlet-hour|o1|cod_cr"
    assert alarm.data["factor"] == "cod_cr"
    assert alarm.data["started_at"] == desk.at(8)
    assert alarm.data["opened_at"] == desk.at(9)
    assert (alarm.data["peak_figure"], alarm.data["limit"], alarm.data["unit"]) == ("62", "50", "mg/L")
    assert alarm.data["verdict_open"] == alarm.data["verdict_peak"] == verdict.id
    assert alarm.data["level"] == 3  # over by 0.24 times: below the band that starts at 0.5
    assert alarm.data["sentence_zh"] == (
        "o1点排放小时均值超标：化学需氧量62 mg/L，限值50 mg/L，超标0.24倍；03-02 08:00起。"
    )
    assert case.state == "opened"
    assert case.data["alarms"] == [alarm.id]
    assert alarm.data["case"] == case.id
    assert case.data["owner"] == "生态环境保护综合行政执法支队"
    assert case.data["enterprise"] == "e1"
    assert case.data["place"] == {"lon": 106.4, "lat": 29.8}
    assert case.data["title"] == "缙云纸业o1点化学需氧量排放小时均值超标"
    assert case.data["deadline"] == desk.at(9 + 120)  # level 3 of an outlet: 120 h, deadlines.toml
    assert case.data["recovery"] == {
        "judge": "emission.outlet_hour", "subject": "o1", "status": "attains", "max_level": None, "windows": 3,
        "within_days": 7, "observe_days": 7,
    }  # fmt: skip
    said = [(topic, event["step"]) for topic, event in desk.bus.said]
    assert said == [("alarm", "open"), ("case", "open")]
    assert all(event["zh"] and event["en"] and event["at"] for _, event in desk.bus.said)


@pytest.mark.parametrize(("figure", "level"), [("74.4", 3), ("75", 2), ("99.4", 2), ("100", 1)])
def test_level_follows_the_bands_of_the_exceedance_multiple(desk, figure, level):
    desk.outlet(8, figure)  # over 50 mg/L by 0.49, 0.50, 0.99 and 1.00 times, as printed
    assert desk.alarms()[0].data["level"] == level


def test_peak_is_tracked_and_a_graver_level_reaches_the_case_and_its_deadline(desk):
    desk.outlet(8, "62")
    top = desk.outlet(9, "110")
    desk.outlet(10, "70")
    (alarm,), (case,) = desk.alarms(), desk.cases()
    assert (alarm.data["peak_figure"], alarm.data["peak_at"]) == ("110", desk.at(9))
    assert alarm.data["verdict_peak"] == top.id
    assert alarm.data["level"] == 1
    assert (alarm.data["last_figure"], alarm.data["last_at"]) == ("70", desk.at(10))
    assert case.data["level"] == 1
    assert case.data["deadline"] == desk.at(9 + 24)


def test_ends_only_after_two_attaining_hours_and_at_the_first_of_them(desk):
    for n, figure in enumerate(["62", "50", "58", "49", "48"], start=8):
        desk.outlet(n, figure)
        assert len(desk.alarms(state="open")) == (n < 12)
    (alarm,) = desk.alarms()
    assert (alarm.data["started_at"], alarm.data["ended_at"]) == (desk.at(8), desk.at(11))
    assert alarm.data["end_reason"] == "recovered"
    assert alarm.data["peak_figure"] == "62"


def test_flapping_is_one_alarm_that_resumes(desk):
    for n, figure in enumerate(["62", "40", "40", "63", "40", "40"], start=8):
        desk.outlet(n, figure)
    (alarm,) = desk.alarms()
    history = [one.step for one in desk.records.history("alarm", alarm.id)]
    assert [step for step in history if step != "update"] == ["create", "end", "resume", "end"]
    assert (alarm.data["started_at"], alarm.data["ended_at"]) == (desk.at(8), desk.at(12))
    assert alarm.data["peak_figure"] == "63"
    assert len(desk.cases()) == 1


def test_after_the_cool_down_a_new_alarm_opens(desk):
    for n, figure in [(8, "62"), (9, "40"), (10, "40"), (13, "63")]:  # ended at 9, cool-down 4 h
        desk.outlet(n, figure)
    first, second = desk.alarms()
    assert (first.state, second.state) == ("ended", "open")
    assert second.data["started_at"] == desk.at(13)


def test_what_cannot_be_judged_neither_opens_nor_ends(desk):
    desk.outlet(7, None)
    assert desk.alarms() == []
    desk.outlet(8, "62")
    desk.outlet(9, None)
    desk.outlet(10, "40")
    desk.outlet(11, None)
    assert len(desk.alarms(state="open")) == 1
    desk.outlet(12, "40")
    assert desk.alarms()[0].data["ended_at"] == desk.at(10)


def test_two_factors_are_two_alarms_and_one_case(desk):
    desk.outlet(8, "62", "6")
    alarms, (case,) = desk.alarms(), desk.cases()
    assert sorted(one.data["factor"] for one in alarms) == ["cod_cr", "nh3_n"]
    assert sorted(case.data["alarms"]) == sorted(one.id for one in alarms)
    desk.outlet(9, "40", "6")
    desk.outlet(10, "40", "6")
    states = {one.data["factor"]: one.state for one in desk.alarms()}
    assert states == {"cod_cr": "ended", "nh3_n": "open"}


def test_factor_groups_join_factors(make_desk):
    rule = {
        "id": "grouped", "zh": "组", "en": "group", "on": "emission.outlet_hour", "site_kinds": ["water_outlet"],
        "by": "group", "open": {"status": "exceeds"}, "end": {"windows": 1},
        "level": {"by": "multiple", "bands": [["0", 3], ["1", 1]]},
    }  # fmt: skip
    desk = make_desk(rules_of([("test", {"rule": [rule], "groups": {"both": ["cod_cr", "nh3_n"]}})]))
    desk.outlet(8, "62", "12")
    (alarm,) = desk.alarms()
    assert alarm.data["matter"] == "grouped|o1|both"
    assert (alarm.data["factor"], alarm.data["level"]) == ("nh3_n", 1)  # over by 1.40 times, COD by 0.24


def test_the_same_verdict_told_again_changes_nothing(desk):
    verdict = desk.outlet(8, "62")
    before = [(one.id, one.version) for one in (*desk.alarms(), *desk.cases())]
    desk.room.on_verdict(verdict, None)
    desk.room.on_verdict(verdict, verdict)
    assert [(one.id, one.version) for one in (*desk.alarms(), *desk.cases())] == before


def test_a_correction_withdraws_the_alarm_it_takes_the_ground_from(desk):
    desk.outlet(8, "62")
    desk.outlet(8, "45")
    (alarm,) = desk.alarms()
    assert (alarm.state, alarm.data["end_reason"]) == ("ended", "corrected")
    last = desk.records.history("alarm", alarm.id)[-1]
    assert last.note == "数据更正后不再成立"
    assert last.actor == "system"
    desk.outlet(8, "62")  # and back: the same alarm, not a second one
    (alarm,) = desk.alarms()
    assert (alarm.state, alarm.data["end_reason"]) == ("open", None)


def test_back_filled_exceedance_opens_with_its_true_start_and_ends_in_one_go(desk):
    for n in range(8, 20):
        if n not in (12, 13, 14, 15):
            desk.outlet(n, "40")
    for n, figure in [(12, "40"), (13, "80"), (14, "70"), (15, "40")]:
        desk.outlet(n, figure)
    (alarm,), (case,) = desk.alarms(), desk.cases()
    assert (alarm.data["started_at"], alarm.data["ended_at"]) == (desk.at(13), desk.at(15))
    assert alarm.data["opened_at"] == desk.at(20)
    assert alarm.state == "ended"
    assert case.state == "observing"  # three hours within the limit followed, so the figure has recovered already
    assert case.data["progress"]["have"] == 3
    assert case.data["progress"]["since"] == desk.hour(15)
    assert desk.steps(case) == ["create", "recover"]


def test_a_late_hour_inside_an_open_alarm_raises_its_peak(desk):
    for n, figure in [(8, "62"), (10, "63"), (9, "90")]:
        desk.outlet(n, figure)
    (alarm,) = desk.alarms()
    assert (alarm.data["peak_figure"], alarm.data["peak_at"]) == ("90", desk.at(9))
    assert alarm.data["last_at"] == desk.at(10)


def test_a_late_hour_before_an_open_alarm_moves_its_start(desk):
    desk.outlet(9, "62")
    desk.outlet(8, "70")
    (alarm,) = desk.alarms()
    assert (alarm.data["started_at"], alarm.data["peak_figure"]) == (desk.at(8), "70")


def test_quiet_verdicts_ask_no_database(desk, verdict_of):
    asked: list[str] = []
    desk.room.recover()
    verdicts = desk.verdicts.add([verdict_of["outlet"](desk.hour(n), {"cod_cr": "40"}) for n in range(200)])
    event.listen(desk.engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    desk.to(desk.hour(201))
    for one in verdicts:
        desk.room.on_verdict(one, None)
    for one in verdicts[:100]:  # back-fill of attaining hours too
        desk.room.on_verdict(one, None)
    assert asked == []


def test_a_noise_site_with_the_same_judge_is_not_looked_at(desk, verdict_of):
    desk.tell(verdict_of["outlet"](desk.hour(8), {"cod_cr": "90"}, subject="n1"))
    assert desk.alarms() == []


def test_day_means_join_the_case_of_the_hours(desk, verdict_of):
    desk.outlet(8, "62")
    desk.tell(verdict_of["outlet"](desk.hour(0), {"cod_cr": "55"}, judge="emission.outlet_day", period=Period.DAY))
    (case,) = desk.cases()
    assert {one.data["rule"] for one in desk.alarms()} == {"outlet-hour", "outlet-day"}
    assert len(case.data["alarms"]) == 2
