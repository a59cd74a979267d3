"""Corrections on a real house: what a preview says comes true, everything follows, nothing is overwritten."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest
from corrected import (
    DAY,
    HOUR,
    OFFICER,
    correct,
    current,
    open_house,
    send,
    settle,
    this_hour,
    unlike_recomputed,
    value,
)

from jinyun.app.services.as_of import house_as_of
from jinyun.app.services.corrections import Corrections
from jinyun.app.services.figures import Figures
from jinyun.app.services.periods import Periods
from jinyun.app.why import Why
from jinyun.kernel.errors import BadInput, NotFound, NotPermitted, Refused
from jinyun.kernel.ports import SYSTEM, Actor
from jinyun.kernel.terms import Flag, Origin, Period, Status, china_time
from jinyun.methods.windows import Level

OUTLET = "emission.outlet_hour"


@pytest.fixture
def house(tmp_path):
    one = open_house(tmp_path / "var")
    yield one
    one.close()


@pytest.fixture
def service(house):
    return Corrections(house)


@pytest.fixture
def begin(house):
    """Six hours of an outlet, the third and fourth over its limit of 50, ended by now. [s]"""
    first = this_hour(house) - 6 * HOUR
    send(house, "w", Period.HOUR, [first + n * HOUR for n in range(6)], {"cod_cr": [40, 41, 62, 63, 44, 45]})
    settle(house)
    return first


def one_alarm(house):
    (alarm,) = house.records.find("alarm", {"judge": OUTLET})
    return alarm


def set_value(begin, hour, given, **more):
    at = begin + hour * HOUR
    return {"kind": "set", "site": "w", "factor": "cod_cr", "stat": "AVG", "period": "HOUR", "time": at,
            "value": given, **more}  # fmt: skip


def test_a_value_is_corrected_and_everything_follows(house, service, begin):
    before = house.clock.now()
    assert one_alarm(house).data["peak_figure"] == "63.0"
    told = correct(service, set_value(begin, 3, "48.5"))
    counts = told["result"]["counts"]
    assert (counts["readings"], counts["changed"], counts["flips"]) == (1, 1, 1)
    assert counts["windows"] + counts["running"] == 2  # its hour and its day, which may still run
    (row,) = told["result"]["verdicts"]
    assert (row["was"]["figure"], row["would"]["figure"]) == ("63.0", "48.5")
    assert row["changed"] == ["status", "level", "figure", "deciding"]
    (alarm,) = told["result"]["alarms"]
    assert (alarm["what"], alarm["differs"]["peak_figure"]) == ("change", ["63.0", "62.0"])

    (hour,) = [one for one in told["result"]["windows"] if one["level"] == "HOUR"]
    assert (hour["was"]["value"], hour["would"]["value"]) == ("63", "48.5")
    (kept,) = house.windows.read([0], Level.HOUR, begin + 3 * HOUR, begin + 4 * HOUR)[0]
    assert kept.value == 48_500_000  # kept windows followed

    now = current(house, OUTLET, "w", begin + 3 * HOUR)
    assert (now.status, now.figure) == (Status.ATTAINS, "48.5")
    assert one_alarm(house).data["peak_figure"] == "62.0"
    assert value(house, "w", "cod_cr", Period.HOUR, begin + 3 * HOUR) == (Decimal("48.5"), Flag.NORMAL)
    assert unlike_recomputed(house, begin, begin + DAY) == []

    # what was known then is still told
    assert value(house, "w", "cod_cr", Period.HOUR, begin + 3 * HOUR, as_of=before) == (63, Flag.NORMAL)
    (old,) = house.verdicts.find(judge=OUTLET, subject="w", start=begin + 3 * HOUR, end=begin + 4 * HOUR, as_of=before)
    assert (old.figure, old.status) == ("63.0", Status.EXCEEDS)
    assert house.verdicts.find(judge=OUTLET, subject="w", as_of=0) == []


def test_the_tree_says_who_corrected_why_and_what_it_was(house, service, begin):
    told = correct(service, set_value(begin, 3, "48.5"))
    (ref,) = current(house, OUTLET, "w", begin + 3 * HOUR).evidence()
    node = Why(house).reading(ref.series, ref.time)
    facts = {fact["en"]: fact["value"] for one in [node, *node["children"]] for fact in one["facts"]}
    assert (facts["author"], facts["session"]) == ("li.officer", told["id"])
    assert facts["reason"] == "entry_error: 比对复核"
    earlier = [one for one in node["children"] if one["kind"] == "reading"]
    assert [one["figure"] for one in earlier] == ["63"]
    assert house.readings.frame(ref.seq).origin is Origin.CORRECTION


def test_a_stretch_is_marked_invalid_and_found_valid_again(house, service, begin):
    stretch = {"site": "w", "factor": "cod_cr", "from": begin + 2 * HOUR, "to": begin + 4 * HOUR}
    told = correct(service, {"kind": "flag", **stretch, "flag": "FAULT"}, reason="fault")
    assert told["result"]["counts"]["readings"] == 2
    assert [one["what"] for one in told["result"]["alarms"]] == ["withdraw"]
    assert one_alarm(house).data["end_reason"] == "corrected"
    assert current(house, OUTLET, "w", begin + 2 * HOUR).status is Status.CANNOT_JUDGE
    told = correct(service, {"kind": "restore", **stretch}, reason="restored")
    assert [one["what"] for one in told["result"]["alarms"]] == ["resume"]
    assert (one_alarm(house).data["peak_figure"], one_alarm(house).data["end_reason"]) == ("63.0", "recovered")
    assert current(house, OUTLET, "w", begin + 2 * HOUR).status is Status.EXCEEDS
    assert len(house.readings.versions(0, begin + 2 * HOUR)) == 3
    assert unlike_recomputed(house, begin, begin + DAY) == []


def test_a_transform_works_on_what_was_received_and_leaves_what_was_set_by_hand(house, service):
    first = this_hour(house) - 5 * HOUR
    send(house, "m", Period.HOUR, [first + n * HOUR for n in range(4)], {"pm2_5": ["10.1", "20.2", "30.3", "40.4"]})
    settle(house)
    common = {"site": "m", "factor": "pm2_5"}
    correct(service, {"kind": "set", **common, "stat": "AVG", "period": "HOUR", "time": first, "value": "99"})
    stretch = {**common, "from": first, "to": first + 4 * HOUR}
    told = correct(service, {"kind": "transform", **stretch, "a": "1.0000005", "b": "-0.3", "version": "v1"})
    assert (told["result"]["counts"]["readings"], told["result"]["counts"]["unchanged"]) == (3, 1)
    # 20.2·1.0000005 − 0.3 = 19.9000101 → 19.900010
    assert value(house, "m", "pm2_5", Period.HOUR, first + HOUR)[0] == Decimal("19.900010")
    correct(service, {"kind": "transform", **stretch, "a": "2", "version": "v2"})
    found = [value(house, "m", "pm2_5", Period.HOUR, first + n * HOUR)[0] for n in range(4)]
    assert found == [99, Decimal("40.4"), Decimal("60.6"), Decimal("80.8")]


def test_a_substitute_stands_where_nothing_was_sent(house, service):
    first = this_hour(house) - 5 * HOUR
    send(house, "w", Period.HOUR, [first, first + 3 * HOUR], {"cod_cr": [40, 41]})
    settle(house)
    edit = {"kind": "substitute", "site": "w", "factor": "cod_cr", "stat": "AVG", "period": "HOUR",
            "from": first + HOUR, "to": first + 9 * HOUR, "value": "44"}  # fmt: skip
    told = correct(service, edit, reason="substitution")
    assert [one["was"] for one in told["result"]["readings"]] == [None, None, {
        "value": "41", "flag": "NORMAL", "flag_zh": "正常", "flag_en": "normal"}]  # fmt: skip
    assert value(house, "w", "cod_cr", Period.HOUR, first + 2 * HOUR) == (44, Flag.SUBSTITUTED)
    assert value(house, "w", "cod_cr", Period.HOUR, first + 4 * HOUR) is None  # later than the newest reading
    correct(service, {"kind": "withdraw", "session": told["id"]}, reason="withdrawn")
    assert value(house, "w", "cod_cr", Period.HOUR, first + 2 * HOUR) == (None, Flag.NOT_A_NUMBER)
    assert value(house, "w", "cod_cr", Period.HOUR, first + 3 * HOUR) == (41, Flag.NORMAL)
    assert house.records.get("correction", told["id"]).data["withdrawn_by"]


def test_a_withdrawal_leaves_what_was_changed_since(house, service, begin):
    first = correct(service, set_value(begin, 2, "10"), set_value(begin, 3, "11"))
    correct(service, set_value(begin, 3, "12"))
    told = correct(service, {"kind": "withdraw", "session": first["id"]}, reason="withdrawn")
    assert (told["result"]["counts"]["readings"], told["result"]["counts"]["left"]) == (1, 1)
    found = [value(house, "w", "cod_cr", Period.HOUR, begin + n * HOUR)[0] for n in (2, 3)]
    assert found == [62, 12]


def test_a_changed_permit_limit_judges_closed_windows_again(house, service, begin):
    told = correct(
        service, {"kind": "limit", "type": "permit_limit", "id": "p", "changes": {"limit": "62"}}, reason="permit"
    )
    assert told["result"]["limits"] == [{"type": "permit_limit", "id": "p", "differs": {"limit": ["50", "62"]}}]
    judged = sum(house.verdicts.counted(judge, ["w"], 0, 1 << 40) for judge in (OUTLET, "emission.outlet_day"))
    counts = told["result"]["counts"]
    assert counts["windows"] + counts["running"] == judged
    figures = {one["start"]: one for one in told["result"]["verdicts"]}
    assert figures[begin + 2 * HOUR]["would"]["status"] == "attains"  # equal to the limit complies
    assert current(house, OUTLET, "w", begin + 2 * HOUR).status is Status.ATTAINS
    assert current(house, OUTLET, "w", begin + 3 * HOUR).status is Status.EXCEEDS
    assert house.records.history("permit_limit", "p")[-1].actor == "li.officer"
    # only from a day on: windows before it keep their old limit
    told = correct(
        service, {"kind": "limit", "id": "p", "changes": {"limit": "20", "valid_from": "2099-01-01"}}, reason="permit"
    )
    assert {one["would"]["label_en"] for one in told["result"]["verdicts"]} == {"no longer judged"}
    assert current(house, OUTLET, "w", begin + 3 * HOUR).status is Status.CANNOT_JUDGE
    assert unlike_recomputed(house, begin, begin + DAY) == []
    correct(service, {"kind": "limit", "id": "p", "changes": {"limit": "62", "valid_from": None}}, reason="permit")
    assert current(house, OUTLET, "w", begin + 3 * HOUR).status is Status.EXCEEDS


def test_what_is_not_so_any_more_must_be_previewed_again(house, service, begin):
    made = service.create(
        {"title": "t", "reason": "other", "reason_text": "x", "edits": [set_value(begin, 3, "9")]}, OFFICER
    )
    with pytest.raises(Refused):
        service.accept(made["id"], OFFICER)
    service.preview(made["id"], OFFICER, wait=True)
    edited = service.edit(made["id"], {"add": [set_value(begin, 2, "8")]}, OFFICER)
    assert (edited["state"], len(edited["edits"])) == ("draft", 2)
    with pytest.raises(Refused):
        service.accept(made["id"], OFFICER)
    service.preview(made["id"], OFFICER, wait=True)
    send(house, "w", Period.HOUR, [begin + 3 * HOUR], {"cod_cr": [70]})
    settle(house)
    with pytest.raises(Refused, match="changed since"):
        service.accept(made["id"], OFFICER)
    service.preview(made["id"], OFFICER, wait=True)
    assert service.accept(made["id"], OFFICER, wait=True)["cascade"] == "done"
    with pytest.raises(Refused):
        service.drop(made["id"], OFFICER)
    assert [one["step"] for one in service.get(made["id"])["history"]][:2] == ["create", "preview"]


def test_bad_edits_name_what_would_work(house, service, begin):
    def asked(reason="other", **edit):
        data = {"title": "t", "reason": reason, "reason_text": "x", "edits": [{**set_value(begin, 1, "9"), **edit}]}
        made = service.create(data, OFFICER)
        return service.preview(made["id"], OFFICER, wait=True)

    for edit, field in (
        ({"kind": "paint"}, "kind"), ({"value": "much"}, "value"), ({"time": "yesterday"}, "time"),
        ({"flag": "RED"}, "flag"), ({"stat": ""}, "stat"), ({"kind": "transform"}, "a"),
    ):  # fmt: skip
        with pytest.raises(BadInput) as told:
            asked(**edit)
        assert told.value.field == field
    with pytest.raises(BadInput, match="no reason"):
        asked(reason="because")
    with pytest.raises(NotFound, match="site"):
        asked(site="nowhere")
    for edit in ({"factor": "cod"}, {"period": "DAY"}, {"time": begin - DAY}, {"value": "1.2345678"}):
        with pytest.raises(BadInput):
            asked(**edit)
    with pytest.raises(NotPermitted):
        service.create({}, Actor("guest", ("viewer",)))
    assert house.readings.state()["rows"] == 6


def test_a_kill_between_acceptance_and_cascade_loses_nothing(tmp_path, house, service, begin, monkeypatch):
    edits = [set_value(begin, 2, "30"), set_value(begin, 3, "31")]
    made = service.create({"title": "t", "reason": "other", "reason_text": "x", "edits": edits}, OFFICER)
    service.preview(made["id"], OFFICER, wait=True)
    steps = []
    monkeypatch.setattr(house.judge, "judge_windows", lambda *_: steps.append(1) or 1 / 0)
    told = service.accept(made["id"], OFFICER, wait=True)
    assert (told["work"]["state"], told["cascade"], steps) == ("failed", "pending", [1])
    assert value(house, "w", "cod_cr", Period.HOUR, begin + 2 * HOUR)[0] == 30
    assert current(house, OUTLET, "w", begin + 2 * HOUR).figure == "62.0"
    versions = house.readings.versions(0, begin + 2 * HOUR)
    house.close()
    again = open_house(tmp_path / "var")
    try:
        assert Corrections(again).resume() == 1
        assert current(again, OUTLET, "w", begin + 2 * HOUR).figure == "30.0"
        assert again.readings.versions(0, begin + 2 * HOUR) == versions
        assert Corrections(again).resume() == 0
        assert again.records.get("correction", made["id"]).data["cascade"] == "done"
        assert unlike_recomputed(again, begin, begin + DAY) == []
    finally:
        monkeypatch.setattr(house, "close", lambda: None)
        again.close()


def test_period_figures_and_days_of_then_and_of_now(house, service):
    today = this_hour(house) // DAY * DAY - 8 * HOUR
    first = today - 40 * DAY
    hours = [first + n * HOUR for n in range(3 * 24)]
    clean = {"so2": 9, "no2": 20, "co": "0.6", "o3": 60, "pm10": 40, "pm2_5": 20}
    columns = {name: [given] * len(hours) for name, given in clean.items()}
    send(house, "a", Period.HOUR, hours, columns)
    settle(house)
    then = house.clock.now()
    day = current(house, "air.aqi_day", "a", first)
    told = correct(
        service,
        {"kind": "transform", "site": "a", "factor": "pm2_5", "from": first, "to": first + DAY, "a": "9", "b": "0"},
        reason="recalibration",
    )
    assert told["result"]["counts"]["windows"] == 25  # 24 hours and their day, no other
    months = {(one["scope"], one["id"]) for one in told["result"]["periods"]}
    assert any(scope == "site:a" for scope, _ in months)
    assert current(house, "air.aqi_day", "a", first).figure != day.figure
    kept = house_as_of(house, then).verdicts.briefs("air.aqi_day", ["a"], first, first + DAY)
    assert [one.figure for one in kept] == [day.figure]
    assert unlike_recomputed(house, first, first + 3 * DAY) == []


def test_everything_that_rests_on_a_day_is_in_the_preview_and_follows(house, service):
    """Windows to the year, period figures, a published figure and its report: foreseen, then so."""
    figures, periods = Figures(house), Periods(house)
    service.dependents_of = figures.dependents_of
    today = this_hour(house) // DAY * DAY - 8 * HOUR
    first = today - 40 * DAY
    clean = {"so2": 9, "no2": 20, "co": "0.6", "o3": 60, "pm10": 40, "pm2_5": 20}
    hours = [first + n * HOUR for n in range(6 * 24)]
    send(house, "a", Period.HOUR, hours, {name: [given] * len(hours) for name, given in clean.items()}, touch=False)
    house.judge.rejudge("a", first, first + 6 * DAY)
    settle(house)
    month = f"{china_time(first + 2 * DAY):%Y-%m}"
    published = figures.publish("air", scope="site:a", at=month, report="十月月报", by=OFFICER)["items"]
    assert published
    stretch = {"site": "a", "factor": "pm2_5", "from": first + 2 * DAY, "to": first + 3 * DAY}
    told = correct(service, {"kind": "transform", **stretch, "a": "9", "version": "2"}, reason="recalibration")
    result, counts = told["result"], told["result"]["counts"]
    levels = {one["level"] for one in result["windows"]}
    assert {"YEAR", "QUARTER", "MONTH", "DAY", "HOUR"} <= levels
    assert (counts["kept_windows"], result["windows_known"]) == (len(result["windows"]), True)
    for one in result["windows"]:
        level = Level[one["level"]]
        (kept,) = house.windows.read([one["series"]], level, one["start"], one["start"] + 1)[one["series"]]
        assert (Decimal(one["would"]["value"]) * 10**6, one["would"]["state"]) == (kept.value, kept.state.name)
    assert {one["period"] for one in result["periods"]} == {"month", "quarter", "year"}
    for one in result["periods"]:
        now = periods.figures(one["subject"], scope=one["scope"], period=one["period"], at=one["at"])["figures"]
        assert {f["id"]: f["figure"] for f in now}[one["id"]] == one["would"] != one["was"]
    assert {one["id"] for one in result["figures"]} == {one["id"] for one in published}
    for one in result["figures"]:
        now = periods.figures("air", scope="site:a", at=month)["figures"]
        assert {f["id"]: f["figure"] for f in now}[one["indicator"]] == one["would"]
    assert any(one["differs"] for one in result["figures"])
    (issued,) = [one for one in result["reports"] if one["kind"] == "published"]
    assert (issued["zh"], issued["differing"]) == ("十月月报", sum(one["differs"] for one in result["figures"]))
    made = {(one["scope"], one["period"]) for one in result["reports"] if one["kind"] == "made"}
    assert {("site:a", "month"), ("all", "year")} <= made
    assert unlike_recomputed(house, first, first + 6 * DAY) == []


def test_marks_of_the_rules_are_reasons_and_late_ones_are_said(house, service):
    codes = {one["code"]: one for one in service.reasons()}
    assert codes["mark:maintenance"]["flag"] == "MAINTENANCE"
    first = this_hour(house) - 80 * HOUR
    send(house, "w", Period.HOUR, [first, first + HOUR], {"cod_cr": [40, 70]})
    settle(house)
    edit = {"kind": "flag", "site": "w", "factor": "cod_cr", "from": first, "to": first + HOUR, "flag": "MAINTENANCE"}
    told = correct(service, edit, reason="mark:maintenance", accept=False)
    assert "noon" in told["result"]["warnings"][0]["en"]


def test_random_edits_equal_a_full_recompute(house, service):
    """50 edits over an outlet by hours, a section by minutes and a station by hours; each as its preview said."""
    dice = random.Random(20261122)
    first = (this_hour(house) - 3 * DAY) // DAY * DAY - 8 * HOUR
    hours = [first + n * HOUR for n in range(48)]
    minutes = [first + n * 600 for n in range(48 * 6)]
    send(
        house,
        "w",
        Period.HOUR,
        hours,
        {"cod_cr": [dice.randint(30, 60) for _ in hours], "nh3_n": [dice.randint(1, 9) for _ in hours]},
    )
    house.records.put_many(
        "permit_limit",
        [("q", {"outlet": "o", "factor": "nh3_n", "period": "day", "limit": "5", "unit": "mg/L"})],
        SYSTEM,
    )
    send(
        house,
        "b",
        Period.TEN_MINUTE,
        minutes,
        {"do": [dice.randint(4, 9) for _ in minutes], "cod_mn": [dice.randint(1, 9) for _ in minutes]},
    )
    send(
        house,
        "a",
        Period.HOUR,
        hours,
        {name: [dice.randint(1, 90) for _ in hours] for name in ("so2", "no2", "co", "o3", "pm10", "pm2_5")},
    )
    settle(house)
    stored = house.verdicts.newest_id()
    factors = {"w": ("cod_cr", "nh3_n"), "b": ("do", "cod_mn"), "a": ("pm2_5", "o3", "co")}
    sessions, judged = [], 0
    for _ in range(50):
        site = dice.choice("wba")
        period, times = ("TEN_MINUTE", minutes) if site == "b" else ("HOUR", hours)
        at = dice.choice(times)
        common = {"site": site, "factor": dice.choice(factors[site])}
        stretch = {"from": at, "to": at + dice.choice((1800, 3 * HOUR, 30 * HOUR))}
        edit = dice.choice((
            {"kind": "set", **common, "stat": "AVG", "period": period, "time": at, "value": str(dice.randint(1, 90))},
            {"kind": "flag", **common, **stretch, "flag": dice.choice(("FAULT", "MAINTENANCE", "NORMAL"))},
            {"kind": "transform", **common, **stretch, "a": f"1.{dice.randint(0, 999):03}", "b": "0.01"},
            {"kind": "restore", **common, **stretch},
            {"kind": "withdraw", "session": dice.choice(sessions)} if sessions else
            {"kind": "limit", "id": "p", "changes": {"limit": str(dice.randint(40, 55))}},
        ))  # fmt: skip
        mark = house.verdicts.newest_id()
        told = correct(service, edit, reason="other")
        judged += told["result"]["counts"]["windows"]
        if edit["kind"] not in ("limit", "withdraw"):
            sessions.append(told["id"])
        for row in told["result"]["verdicts"]:
            now = current(house, row["judge"], row["site"], row["start"])
            assert (now.figure, str(now.status), now.level) == (
                row["would"]["figure"], row["would"]["status"], row["would"]["level"],
            )  # fmt: skip
        counts = told["result"]["counts"]
        assert house.verdicts.newest_id() - mark == counts["changed"] + counts["renewed"]
    assert unlike_recomputed(house, first, first + 3 * DAY) == []
    assert judged < 50 * stored / 4  # a cascade, not everything again each time
