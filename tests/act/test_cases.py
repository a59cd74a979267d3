"""The closed loop: acknowledged, dispatched, reported, closed by the figure only, reopened on relapse."""

import pytest

from jinyun.act.alarms import seconds
from jinyun.kernel.errors import NotPermitted, Refused
from jinyun.kernel.ports import SYSTEM, Actor

OFFICER = Actor("li", ("officer",))

DAY = 24


def story(desk, hours):
    """Classes of the section hour by hour: {hour: class}."""
    for n, level in hours:
        desk.section(n, level)


def test_class_four_with_two_causes_three_measures_closes_at_class_three_and_reopens_on_relapse(desk):
    """The published case: an outlet turned a section to class IV; two causes were found (a bare spoil heap, scattered
    sewage), measures taken (among them 400 m of pipe), and with class III measured again the case was closed."""
    story(desk, [(0, 3), (1, 3), (2, 4), (3, 4)])
    (alarm,), (case,) = desk.alarms("section-target"), desk.cases()
    assert case.state == "opened"
    assert case.data["title"] == "s1点水质劣于目标"
    assert case.data["owner"] == "水生态环境科"
    assert case.data["recovery"]["max_level"] == 3
    assert alarm.data["sentence_zh"] == "s1点水质劣于目标：Ⅳ类，目标Ⅲ类，定类因子氨氮；03-02 02:00起。"

    desk.act(case, "acknowledge")
    desk.act(case, "dispatch", owner="北碚区水利局", note="两日内查清来水")
    desk.act(case, "add_cause", text="裸露渣堆")
    desk.act(case, "add_cause", text="散排生活污水")
    for measure in ("覆盖渣堆", "铺设截污管 400 米", "清淤"):
        case = desk.act(case, "add_measure", text=measure)
    assert case.state == "dispatched"
    assert [one["text"] for one in case.data["causes"]] == ["裸露渣堆", "散排生活污水"]
    assert [one["by"] for one in case.data["measures"]] == ["li"] * 3
    case = desk.act(case, "report", text="措施已完成")
    assert (case.state, case.data["owner"]) == ("reported", "北碚区水利局")

    story(desk, [(4, 4), (5, 3)])
    with pytest.raises(Refused) as refused:
        desk.act(case, "close")
    assert refused.value.missing[0]["zh"] == "需连续3小时达到Ⅲ类，已有1小时，最早08:00可满足"
    assert "needs 3 consecutive hours in Class Ⅲ or better; has 1; next possible 08:00" in str(refused.value)

    story(desk, [(6, 3), (7, 3)])
    (case,) = desk.cases()
    assert case.state == "observing"
    assert case.data["observe_until"] == desk.at(8 + 7 * DAY)
    story(desk, [(n, 4 if n in (30, 31) else 3) for n in range(8, 32)])
    (case,) = desk.cases()
    assert case.state == "reopened"
    assert case.data["reopened"] == 1
    assert len(case.data["alarms"]) == 2
    assert case.data["deadline"] == desk.at(32 + 168)
    assert case.data["observe_until"] is None
    desk.act(case, "dispatch", owner="北碚区水利局")
    desk.act(case, "add_cause", text="管道破损")
    story(desk, [(n, 2) for n in range(32, 35 + 7 * DAY)])
    desk.room.tick()
    (case,) = desk.cases()
    assert case.state == "closed"
    assert case.data["closed_by"] == "system"
    last = desk.verdicts.get(case.data["verdict_close"])
    assert (last.level, last.window.end) == (2, desk.hour(35 + 7 * DAY))
    assert len(case.data["causes"]) == 3
    assert desk.steps(case) == [
        "create", "acknowledge", "dispatch", "add_cause", "add_cause", "add_measure", "add_measure", "add_measure",
        "report", "recover", "reopen", "dispatch", "add_cause", "recover", "close",
    ]  # fmt: skip

    story(desk, [(n, 4) for n in range(35 + 7 * DAY, 37 + 7 * DAY)])
    first, second = desk.cases()
    assert (first.state, second.state) == ("closed", "opened")
    assert second.data["previous"] == first.id


def test_an_officer_may_close_as_soon_as_the_condition_holds(desk):
    for n, figure in enumerate(["62", "40", "40", "40"], start=8):
        desk.outlet(n, figure)
    (case,) = desk.cases()
    assert case.state == "observing"
    case = desk.act(case, "close", note="现场复核达标")
    assert (case.state, case.data["closed_by"], case.data["closed_at"]) == ("closed", "li", desk.at(12))
    assert desk.verdicts.get(case.data["verdict_close"]).window.start == desk.hour(11)
    desk.room.tick()
    assert desk.cases()[0].state == "closed"


def test_closing_by_hand_is_refused_in_every_open_state(desk):
    desk.outlet(8, "62")
    (case,) = desk.cases()
    for step, given in (("acknowledge", {}), ("dispatch", {"owner": "执法一队"}), ("report", {"text": "已停产"})):
        with pytest.raises(Refused) as refused:
            desk.act(case, "close")
        (missing,) = refused.value.missing
        assert missing["zh"] == "需连续3小时达标，已有0小时，最近一次（08:00）为62 mg/L，最早12:00可满足"
        assert missing["en"] == (
            "needs 3 consecutive hours within limit; has 0; the last one (08:00) was 62 mg/L; next possible 12:00"
        )
        case = desk.act(case, step, **given)
    assert case.state == "reported"


def test_without_looked_up_verdicts_nothing_closes(desk):
    desk.outlet(8, "62")
    (case,) = desk.cases()
    with pytest.raises(Refused) as refused:
        desk.records.step("case", case.id, "close", {}, SYSTEM)
    assert refused.value.missing[0]["code"] == "recovery-unknown"


def test_only_the_house_recovers_and_reopens(desk):
    desk.outlet(8, "62")
    (case,) = desk.cases()
    for step in ("recover", "reopen"):
        with pytest.raises(NotPermitted):
            desk.records.step("case", case.id, step, {}, Actor("li", ("officer", "admin")))


def test_the_observation_ends_only_while_the_figure_holds(desk):
    for n, figure in enumerate(["62", "40", "40", "40"], start=8):
        desk.outlet(n, figure)
    until = 12 + 7 * DAY
    for n in range(12, until):
        desk.outlet(n, None if n == until - 1 else "40")  # the last hour cannot be judged: no proof
    desk.room.tick()
    assert desk.cases()[0].state == "observing"
    for n in range(until, until + 3):
        desk.outlet(n, "40")
    desk.room.tick()
    case = desk.cases()[0]
    assert case.state == "observing"  # the run is a new one, and so is its observation
    assert case.data["observe_until"] == desk.at(until + 3 + 7 * DAY)


def test_a_device_that_goes_silent_proves_nothing(desk):
    for n, figure in enumerate(["62", "40", "40", "40"], start=8):
        desk.outlet(n, figure)
    desk.to(desk.hour(12 + 8 * DAY))
    desk.room.tick()
    (case,) = desk.cases()
    assert case.state == "observing"
    context = desk.room.case_context(case.id)
    assert not context["held"]
    assert context["missing"][0]["code"] == "recovery-stale"
    assert "只计近7天" in context["missing"][0]["zh"]


def test_the_context_shows_the_verdicts_that_count(desk):
    for n, figure in enumerate(["62", "40", "41"], start=8):
        desk.outlet(n, figure)
    (case,) = desk.cases()
    context = desk.room.case_context(case.id)
    assert [one.window.start for one in context["have"]] == [desk.hour(9), desk.hour(10)]
    assert (context["need"], context["held"], context["next_possible"]) == (3, False, desk.hour(12))
    assert context["condition"]["judge"] == "emission.outlet_hour"
    assert desk.room.recovery(case).progress.have == 2


def test_a_case_past_its_deadline_is_marked_once(desk):
    desk.outlet(8, "62")
    desk.to(desk.hour(9 + 120))
    desk.room.tick()
    assert desk.cases()[0].data["overdue"] is False  # the last moment still counts
    desk.to(desk.hour(9 + 120) + 1)
    desk.room.tick()
    (case,) = desk.cases()
    assert case.data["overdue"] is True
    desk.room.tick()
    assert desk.cases()[0].version == case.version
    assert [event["step"] for topic, event in desk.bus.said if topic == "case"].count("overdue") == 1


def test_new_alarms_on_an_open_matter_join_its_case(desk):
    desk.outlet(8, "62")
    for n, figure in enumerate(["40", "40", "40", "40", "40", "40"], start=9):
        desk.outlet(n, None if n == 11 else figure)  # broken runs: not yet recovered at 13
    desk.outlet(13, None)
    desk.outlet(14, "62", "9")
    assert len(desk.cases()) == 1 or desk.cases()[0].state == "reopened"
    (case,) = desk.cases()
    assert len(case.data["alarms"]) == 3


def test_a_late_exceedance_before_the_recovery_is_no_relapse(desk):
    for n in range(3, 12):
        desk.outlet(n, "62" if n == 8 else "40")
    assert desk.cases()[0].state == "observing"
    since = desk.cases()[0].data["progress"]["since"]
    desk.outlet(2, "90")
    (case,) = desk.cases()
    assert since == desk.hour(9)
    assert case.state == "observing"
    assert len(case.data["alarms"]) == 2


def test_a_late_exceedance_inside_the_recovered_run_is_a_relapse(desk):
    for n, figure in [(8, "62"), (9, "40"), (10, "40"), (11, "40"), (14, "40")]:
        desk.outlet(n, figure)
    assert desk.cases()[0].state == "observing"
    desk.outlet(12, "90")
    (case,) = desk.cases()
    assert case.state == "reopened"
    assert case.data["progress"]["have"] == 1


def test_a_case_made_by_hand_is_watched_and_closes_on_its_own_figure(desk):
    case = desk.records.create(
        "case",
        {
            "title": "市民投诉夜间黑水", "kind": "complaint", "subject": "s1",
            "recovery": {"judge": "water.section_class", "subject": "s1", "windows": 2, "max_level": 3},
        },
        Actor("li", ("officer",)),
    )  # fmt: skip
    desk.room.tick()
    desk.section(1, 3)
    desk.section(2, 2)
    assert desk.records.get("case", case.id).state == "observing"


def missing_of(desk, case, step, actor=OFFICER, **given):
    with pytest.raises(Refused) as refused:
        desk.act(case, step, actor, **given)
    return [one["code"] for one in refused.value.missing]


def test_a_case_without_a_figure_closes_on_evidence_that_a_second_person_verified(desk):
    case = desk.records.create("case", {"title": "噪声投诉", "kind": "complaint"}, SYSTEM)
    assert missing_of(desk, case, "close") == ["evidence", "second-person"]
    photo = desk.attachment()
    desk.act(case, "acknowledge")
    desk.act(case, "dispatch", owner="执法一队")
    desk.act(case, "accept")
    desk.act(case, "begin")
    desk.act(case, "report", text="已停止夜间施工", files=[photo])
    assert missing_of(desk, case, "close") == ["second-person"]
    with pytest.raises(NotPermitted, match="second person"):
        desk.act(case, "verify", text="属实")
    desk.act(case, "verify", Actor("wang", ("officer",)), text="现场核实，夜间无施工")
    assert desk.act(case, "close").state == "closed"
    desk.to(desk.clock.at + 86400)
    case = desk.act(case, "reopen_by_hand", reason="回头看发现又施工")
    assert case.state == "reopened"
    assert missing_of(desk, case, "close") == ["evidence", "second-person"]  # what was shown before shows nothing now


def test_a_case_that_began_on_version_1_goes_on_by_it(desk):
    case = desk.records.create("case", {"title": "噪声投诉", "kind": "complaint"}, SYSTEM)
    desk.run_on(case, 1)
    assert desk.act(case, "close").state == "closed"
    other = desk.records.create("case", {"title": "油烟投诉", "kind": "complaint"}, SYSTEM)
    desk.run_on(other, 1)
    moved = desk.records.move("case", other.id, 2, OFFICER)
    assert (moved.procedure, moved.state) == (2, "opened")
    assert missing_of(desk, moved, "close") == ["evidence", "second-person"]


def test_a_clock_escalates_each_stage_once_and_stands_still_while_suspended(desk):
    desk.outlet(8, "62")
    (case,) = desk.cases()
    hours = case.data["level"] and {1: 24, 2: 48, 3: 120, 4: 240}[case.data["level"]]
    began = desk.clock.at
    desk.act(case, "acknowledge")
    desk.to(began + int(hours * 3600 * 0.8) - 60)
    desk.room.tick()
    assert not desk.cases()[0].data["escalated"]
    desk.to(began + int(hours * 3600 * 0.8) + 60)
    desk.room.tick()
    desk.room.tick()
    (near,) = desk.cases()[0].data["escalated"]
    assert (near["text"], near["by"]) == ("即将到期", "system")
    desk.act(case, "suspend", reason="等待鉴定结论")
    desk.to(desk.clock.at + 30 * 86400)
    desk.room.tick()
    (case,) = desk.cases()
    assert (case.data["deadline"], case.data["overdue"]) == (None, False)
    desk.act(case, "resume")
    desk.room.tick()
    (case,) = desk.cases()
    assert desk.clock.at < seconds(case.data["deadline"]) <= desk.clock.at + int(hours * 3600 * 0.2)
    desk.to(seconds(case.data["deadline"]) + 25 * 3600)
    desk.room.tick()
    (case,) = desk.cases()
    assert [one["text"] for one in case.data["escalated"]] == ["即将到期", "超期一天"]
    assert case.data["overdue"] is True


def test_a_case_of_two_matters_recovers_when_both_figures_hold(desk):
    story(desk, [(0, 4), (1, 4)])
    desk.outlet(1, "62")
    first, second = sorted(desk.cases(), key=lambda one: one.data["kind"])
    assert (first.data["kind"], second.data["kind"]) == ("outlet_exceedance", "section_class")
    context = {**desk.room.case_context(first.id), "desk": True}
    alarms = [*second.data["alarms"], *first.data["alarms"]]
    desk.records.update("case", second.id, {"alarms": alarms, "also": [first.data["recovery"]]}, SYSTEM)
    desk.records.step("case", first.id, "merge", {"into": second.id}, OFFICER, context=context)
    desk.room.case_changed(second.id)
    for n in range(2, 5):
        desk.section(n, 3)
    assert desk.records.get("case", second.id).state == "opened"  # the outlet is still over its limit
    assert missing_of(desk, second, "close") == ["recovery-windows"]
    desk.outlet(4, "70")  # an alarm of the merged matter joins the case that speaks for it
    assert len(desk.cases()) == 2
    for n in range(5, 8):
        desk.outlet(n, "40")
    case = desk.records.get("case", second.id)
    assert case.state == "observing"
    assert (case.data["progress"]["have"], case.data["progress"]["need"]) == (6, 6)
