"""Works and rectifications: accepted by the measured figure where they serve, reopened by it; tasks hold a case."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from jinyun.app.discover import judge_by_day
from jinyun.domains.supervision.clock_ledgers import ledger
from jinyun.domains.supervision.deadlines import work_calendar
from jinyun.domains.supervision.records_rectification import conditions_met
from jinyun.domains.supervision.records_tasks import TASK
from jinyun.domains.supervision.rectification import conditions
from jinyun.kernel.errors import Refused
from jinyun.kernel.ports import MICRO, SYSTEM, Actor
from jinyun.kernel.terms import CHINA, Period, Status, Verdict, VerdictItem, Window, instant
from jinyun.methods.clocks import clock_state

LI, WANG = Actor("li", ("officer",)), Actor("wang", ("officer",))
EXAMPLES = Path(__file__).parents[2].parent / "shared/data/rules_examples/rectification_closure.json"
DAY = 86400
MET = {f"cond_{one}": True for one in conditions()}


def start(day: str) -> int:
    return instant(datetime.combine(date.fromisoformat(day), datetime.min.time(), CHINA))


@pytest.fixture
def desk(make_desk):
    made = make_desk()
    made.clock.at = start("2024-04-01")
    made.room.works._judge_of = judge_by_day  # wired by the house
    return made


def measured(desk, day, value, subject="o1", factor="nh3_n"):
    """The verdict of a day, told when the day is over."""
    desk.tell(day_verdict(day, value, "emission.outlet_day", subject, factor))


def day_verdict(day, value, judge, subject, factor="nh3_n"):
    """Limits of its own (COD 50, NH3-N 5) that it attains: the item's figure is another, stricter one."""
    status = Status.CANNOT_JUDGE if value is None else Status.ATTAINS
    items = (
        VerdictItem("cod_cr", "20", "mg/L", Status.ATTAINS, "50"),
        VerdictItem(factor, value, "mg/L", status, "5"),
    )
    return Verdict(
        judge=judge, subject=subject, window=Window(Period.DAY, start(day), start(day) + DAY), status=status,
        figure=value, unit="mg/L", limit="5", clause="", edition="permit", level=None if value is None else 3,
        label_zh="", label_en="", deciding=(), items=items, sentence_zh=f"{day}氨氮{value}", sentence_en="",
    )  # fmt: skip


def item(desk, type_id="rectification", **more):
    given = {
        "rectification": {"title": "氨氮整治", "source": "central", "problem": "超标", "deadline": "2024-05-31", **MET},
        "project": {"name": "截污管网", "kind": "sewer"},
    }[type_id]
    return desk.records.create(type_id, {**given, "owner": "水务局", **more}, SYSTEM)


def take(desk, record, step, actor=LI, **given):
    from jinyun.app.services.cases.contexts import guard_context

    class House:
        records, act, clock = desk.records, desk.room, desk.clock

    return desk.records.step(
        record.type, record.id, step, given, actor, context=guard_context(House, record.type, record.id)
    )


def codes(refused):
    return [one["code"] for one in refused.value.missing]


FIGURE = {"name": "氨氮", "limit": "1.0", "hold_days": 3, "watch_days": 30}
NAMES = {"self_check": LI, "recheck": WANG, "office_check": LI}


def examples():
    if not EXAMPLES.is_file():
        return []
    found = json.loads(EXAMPLES.read_text(encoding="utf-8"))["cases"]
    return [one for one in found if "figure" in one["given"]]


@pytest.mark.parametrize("case", examples(), ids=lambda one: one["id"])
def test_an_item_at_a_site_closes_as_the_worked_cases_say_by_verdicts_alone(desk, case):
    """The readings of the example as daily verdicts of the site; each check at noon of the day after its own."""
    given, expect = case["given"], case["expect"]
    figure = {**given["figure"], "limit": str(given["figure"]["limit"])}
    made = item(desk, deadline=given["deadline"], site="o1", factor="nh3_n", figure=figure)
    told = [(one["date"], 0, str(one["value"])) for one in given["readings"]]
    told += [(one["date"], 1, one["step"]) for one in given["steps"]]
    refused = []
    for day, what, said in sorted(told, key=lambda one: one[:2]):
        if not what:
            measured(desk, day, said)
            continue
        desk.to(start(day) + DAY * 3 // 2)
        try:
            more = {} if said == "office_check" else {"text": "已核"}
            made = take(desk, made, said, NAMES[said], **more)
        except Refused as wrong:
            why = {"recovery-windows": "figure"}.get(wrong.missing[0]["code"], str(wrong))
            refused.append({"step": said, "why": why})
    assert conditions_met(made.data) == given["conditions"]
    assert desk.records.get("rectification", made.id).state == expect["state"]
    assert refused == expect["refused"]


def closed(desk, days=("2024-05-01", "2024-05-02", "2024-05-03"), **more):
    made = item(desk, site="o1", factor="nh3_n", figure=FIGURE, **more)
    for day in days:
        measured(desk, day, "0.8")
    desk.to(start("2024-05-04") + 3600)
    take(desk, made, "self_check", LI, text="已完成")
    take(desk, made, "recheck", WANG, text="同意")
    return take(desk, made, "office_check", LI)


@pytest.mark.parametrize(
    ("day", "value", "state"),
    [
        ("2024-05-20", "1.1", "reopened"),
        ("2024-05-20", "1.0", "closed"),  # equal to the limit complies
        ("2024-06-03", "1.1", "reopened"),  # the last day of the watch: 4 May + 30 days
        ("2024-06-04", "1.1", "closed"),
        ("2024-05-20", None, "closed"),  # nothing was measured to be bad again
    ],
)
def test_a_break_within_the_watch_reopens_the_item_by_itself(desk, day, value, state):
    made = closed(desk)
    measured(desk, day, value)
    desk.room.tick()
    desk.room.tick()
    now = desk.records.get("rectification", made.id)
    assert now.state == state
    if state == "reopened":
        (entry,) = [one for one in desk.records.history("rectification", made.id) if one.step == "relapse"]
        broke = desk.verdicts.get(now.data["relapse_verdict"])
        assert (entry.actor, now.data["relapses"], broke.window.start) == ("system", 1, start(day))
        take(desk, made, "self_check", LI, text="再整改")  # and the three checks begin again, with a figure that holds
        take(desk, made, "recheck", WANG, text="同意")
        with pytest.raises(Refused) as refused:
            take(desk, made, "office_check", LI)
        assert codes(refused) == ["recovery-windows"]
        last = date.fromisoformat(day)
        for n in (1, 2, 3):
            measured(desk, (last + timedelta(n)).isoformat(), "0.9")
        assert take(desk, made, "office_check", LI).state == "closed"
        desk.room.tick()
        assert desk.records.get("rectification", made.id).state == "closed", "what broke before is no relapse of now"


def test_a_relapse_is_found_after_a_restart_and_a_correction_that_takes_it_back_first_does_nothing(desk):
    made = closed(desk)
    measured(desk, "2024-05-10", "1.4")
    measured(desk, "2024-05-10", "0.9")  # judged again before anybody looked
    desk.room.tick()
    assert desk.records.get("rectification", made.id).state == "closed"
    measured(desk, "2024-05-11", "1.4")
    desk.restart()
    desk.room.works._judge_of = judge_by_day
    desk.room.tick()
    assert desk.records.get("rectification", made.id).state == "reopened"


def test_a_fresh_break_is_seen_behind_one_that_came_too_late(desk):
    """A break of day 9 came when it was eight days and more late: it reopens nothing, and hides nothing."""
    made = closed(desk)
    desk.to(start("2024-05-22"))
    measured(desk, "2024-05-09", "1.4")
    desk.room.tick()
    assert desk.records.get("rectification", made.id).state == "closed"
    measured(desk, "2024-05-25", "1.4")
    desk.room.tick()
    now = desk.records.get("rectification", made.id)
    assert now.state == "reopened"
    assert desk.verdicts.get(now.data["relapse_verdict"]).window.start == start("2024-05-25")


def test_an_item_is_looked_at_when_something_came_and_not_before(desk, monkeypatch):
    made = closed(desk)
    desk.to(start("2024-05-10") + DAY // 2)
    desk.room.tick()
    works, looked_at = desk.room.works, []
    look = works._look
    monkeypatch.setattr(works, "_look", lambda record: (looked_at.append(record.id), look(record)))
    desk.room.tick()
    assert looked_at == [], "nothing came"
    desk.room.on_verdict(day_verdict("2024-05-09", "0.9", "emission.outlet_day", "o2"), None)
    desk.room.tick()
    assert looked_at == [], "not of its line"
    desk.records.update("rectification", made.id, {"problem": "又超标"}, SYSTEM)
    desk.room.tick()
    assert looked_at == [made.id], "it was changed"
    desk.room.on_verdict(desk.verdicts.add([day_verdict("2024-05-10", "1.4", "emission.outlet_day", "o1")])[0], None)
    desk.room.tick()
    assert desk.records.get("rectification", made.id).state == "closed", "the day is not over"
    desk.to(start("2024-05-11") + 1)
    desk.room.tick()
    assert desk.records.get("rectification", made.id).state == "reopened"


def test_written_readings_still_decide_where_no_site_is_named(desk):
    readings = [{"date": f"2024-05-0{n}", "value": "0.9"} for n in (1, 2, 3)]
    desk.to(start("2024-05-04"))
    made = item(desk, figure=FIGURE, readings=readings)
    take(desk, made, "self_check", LI, text="已完成")
    take(desk, made, "recheck", WANG, text="同意")
    take(desk, made, "office_check", LI)
    desk.to(start("2024-05-20"))
    desk.records.update("rectification", made.id, {"readings": [*readings, {"date": "2024-05-19", "value": "2"}]}, LI)
    desk.room.tick()
    assert desk.records.get("rectification", made.id).state == "reopened"


def test_works_are_accepted_by_the_water_they_serve_and_come_back_with_it(desk):
    """A class, at the section of the water body that the works name: the condition of cases, on daily verdicts."""
    desk.to(start("2024-05-01"))
    made = item(desk, "project", river="龙凤溪", factor="nh3_n", figure=FIGURE)
    take(desk, made, "start", LI, started="2024-04-01")
    take(desk, made, "finish", LI, finished="2024-04-30")
    with pytest.raises(Refused) as refused:
        take(desk, made, "accept", WANG, note="验收")
    assert codes(refused) == ["recovery-no-judge"]  # no section of that river was ever judged
    for day, value in (("2024-05-01", "0.9"), ("2024-05-02", "1.2"), ("2024-05-03", "0.9"), ("2024-05-04", "0.9")):
        section_day(desk, day, value)
    with pytest.raises(Refused) as refused:
        take(desk, made, "accept", WANG, note="验收")
    assert "氨氮不高于1.0" in refused.value.missing[0]["zh"]
    assert "已有2日" in refused.value.missing[0]["zh"]
    section_day(desk, "2024-05-05", "1.0")
    assert take(desk, made, "accept", WANG, note="验收").state == "accepted"
    section_day(desk, "2024-05-08", "1.01")
    desk.room.tick()
    now = desk.records.get("project", made.id)
    assert (now.state, now.data["relapses"]) == ("relapsed", 1)
    assert take(desk, made, "rework", LI, note="返工").state == "under_way"


def section_day(desk, day, value):
    desk.tell(day_verdict(day, value, "water.section_class_day", "s1"))


def test_a_condition_of_its_own_is_the_one_of_cases(desk):
    condition = {"judge": "water.section_class", "subject": "s1", "windows": 2, "max_level": 3, "observe_days": 1}
    made = item(desk, "project", recovery=condition)
    take(desk, made, "start", LI, started="2026-03-01")
    take(desk, made, "finish", LI, finished="2026-03-02")
    desk.section(0, 3)
    desk.section(1, 4)
    desk.section(2, 3)
    with pytest.raises(Refused) as refused:
        take(desk, made, "accept", WANG, note="验收")
    assert refused.value.missing[0]["zh"].startswith("需连续2小时达到Ⅲ类，已有1小时")
    desk.section(3, 3)
    assert take(desk, made, "accept", WANG, note="验收").state == "accepted"


# --- tasks hold their case --------------------------------------------------------------------------------------------


def test_open_tasks_hold_report_and_close_and_are_named(desk):
    for hour, level in ((0, 3), (1, 3), (2, 4), (3, 4)):
        desk.section(hour, level)
    (case,) = desk.cases()
    desk.act(case, "acknowledge")
    task = desk.records.create("task", {"title": "溯源排查", "kind": "trace", "case": case.id, "owner": "天生街道"}, LI)
    desk.records.create("task", {"title": "回头看", "kind": "follow_up", "case": case.id, "owner": "监测站"}, LI)
    with pytest.raises(Refused) as refused:
        desk.act(case, "report", text="已查清")
    assert [one["zh"] for one in refused.value.missing] == ["任务“溯源排查”（天生街道）待接单，须先完成或取消"]
    for hour in (4, 5, 6):
        desk.section(hour, 3)  # the figure recovers all the same: that is measured, not said
    (case,) = desk.cases()
    assert case.state == "observing"
    with pytest.raises(Refused) as refused:
        desk.act(case, "close")
    assert codes(refused) == [f"task:{task.id}"]
    for hour in range(7, 7 + 8 * 24):
        desk.section(hour, 3)
    desk.room.tick()
    assert desk.cases()[0].state == "observing", "the observation is over, and the task still holds it"
    desk.records.step("task", task.id, "accept", {}, LI)
    desk.records.step("task", task.id, "finish", {"text": "散排两处"}, LI)
    desk.room.tick()
    assert desk.cases()[0].state == "closed"


def test_an_extension_moves_the_deadline_and_is_given_so_often_only(desk):
    from jinyun.act.alarms import seconds

    for hour, level in ((0, 3), (1, 3), (2, 4), (3, 4)):
        desk.section(hour, level)
    (case,) = desk.cases()
    leader = Actor("ju", ("leader",))
    desk.act(case, "acknowledge")
    due = seconds(case.data["deadline"])
    for times in (1, 2):  # rules.csv: extension_times, case
        desk.act(case, "extend", leader, hours=24, reason="等待采样结果")
        desk.room.tick()
        (case,) = desk.cases()
        assert seconds(case.data["deadline"]) == due + times * 24 * 3600
    with pytest.raises(Refused) as refused:
        desk.act(case, "extend", leader, hours=1, reason="再延")
    assert codes(refused) == ["extension-used"]
    with pytest.raises(Exception, match="may not"):
        desk.act(case, "extend", LI, hours=1, reason="r")


def test_a_task_sent_back_has_a_time_limit_anew(desk):
    """deadlines.toml: a task of level 3 has 72 hours; each time from when it was given."""
    (rule,) = TASK.procedure.clocks

    def state():
        now = desk.clock.now()
        return clock_state(ledger(rule, desk.records.history("task", task.id)), rule, now, work_calendar())

    desk.to(start("2024-05-01"))
    task = desk.records.create("task", {"title": "查清来水", "kind": "trace", "owner": "天生街道", "level": 3}, LI)
    desk.records.step("task", task.id, "accept", {}, LI)
    desk.records.step("task", task.id, "finish", {"text": "未见异常"}, LI)
    desk.to(start("2024-05-10"))
    assert (state().status, state().late) == ("stopped", False)
    desk.records.step("task", task.id, "redo", {"reason": "未查到上游"}, LI)
    assert (state().ends_at, state().late) == (start("2024-05-13") * MICRO, False)
    desk.to(start("2024-05-13") + 1)
    assert state().late
