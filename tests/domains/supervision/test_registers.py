"""Registers of supervision: words, marks, clocks from the rule table, guards against the shared examples."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jinyun.domains.registry import DOMAIN as REGISTRY
from jinyun.domains.supervision import DOMAIN
from jinyun.domains.supervision.deadlines import resolved, work_calendar
from jinyun.domains.supervision.records_patrol import countable
from jinyun.domains.supervision.records_rectification import may_close, measured_breach
from jinyun.domains.supervision.records_works import lag_of
from jinyun.kernel.errors import InvalidRecord
from jinyun.kernel.terms import CHINA
from jinyun.methods.clock_ledger import START, ClockEvent
from jinyun.methods.clocks import clock_state

TYPES = {one.id: one for one in (*REGISTRY.records, *DOMAIN.records)}
ASKED = [
    "enterprise",
    "facility",
    "outlet",
    "permit",
    "permit_limit",
    "complaint",
    "inspection_finding",
    "rectification",
    "patrol",
    "project",
    "agreement_item",
    "plot",
    "quiet_quarter",
    "household",
    "task",
    "cell",
    "river_reach",
]
EXAMPLES = Path(__file__).parents[4] / "shared" / "data" / "rules_examples"


def examples(topic):
    path = EXAMPLES / f"{topic}.json"
    return json.loads(path.read_text(encoding="utf-8"))["cases"] if path.is_file() else []


@pytest.mark.parametrize("type_id", ASKED)
def test_every_word_is_in_both_languages(type_id):
    kind = TYPES[type_id]
    said = [(kind.zh, kind.en), *((one.zh, one.en) for one in kind.fields)]
    for procedure in kind.versions:
        said += [*procedure.states.values(), *((one.zh, one.en) for one in procedure.transitions)]
        said += [(one.zh, one.en) for step in procedure.transitions for one in step.fields]
    assert all(zh and en for zh, en in said)


@pytest.mark.parametrize(
    ("type_id", "names"),
    [
        ("complaint", {"complainant", "phone", "home"}),
        ("household", {"head", "id_number", "phone", "address", "new_address", "compensation"}),
        ("quiet_quarter", {"contact", "phone"}),
        ("enterprise", {"contact", "phone", "legal_person"}),
    ],
)
def test_personal_data_is_marked(type_id, names):
    assert {one.name for one in TYPES[type_id].fields if one.personal} == names


def clock(type_id, data, start):
    """The clocks of a new record, of all that are for it, on the last day in time."""
    begun = int(datetime.fromisoformat(start).replace(tzinfo=CHINA).timestamp()) * 1_000_000
    procedure = TYPES[type_id].procedure
    return {
        rule.name: clock_state([ClockEvent(begun, START)], resolved(rule), begun + 1, work_calendar()).due
        for rule in procedure.clocks
        if rule.counts_for(data) and procedure.initial in rule.starts
    }


@pytest.mark.parametrize(
    ("data", "due"),
    [  # Monday 2 March 2026, no holidays near; the day of receipt is not counted
        ({"channel": "12345", "ask": "question"}, {"finish_question": "2026-03-05"}),
        ({"channel": "12345", "ask": "help"}, {"finish_help": "2026-03-11"}),
        ({"channel": "12345", "ask": "complaint"}, {"finish_complaint": "2026-03-23"}),
        ({"channel": "12369", "ask": "complaint"}, {"tell": "2026-03-17"}),
        ({"channel": "letter", "ask": "complaint"}, {"tell": "2026-03-17"}),
        ({"channel": "inspection", "ask": "complaint"}, {}),
    ],
)
def test_a_complaint_has_the_clock_of_its_channel_and_kind(data, due):
    assert {name: day.isoformat() for name, day in clock("complaint", data, "2026-03-02T10:00").items()} == due


def test_an_extension_of_12369_adds_the_thirty_days_of_the_table():
    (finish,) = (one for one in TYPES["complaint"].procedure.clocks if one.name == "finish")
    assert resolved(finish).amount == 60
    (extension,) = resolved(finish).extends
    assert (extension.step, extension.amount, extension.most) == ("extend", 30, 1)  # one extension of 30 days [FJ12369]


@pytest.mark.parametrize("kind", sorted({c for f in TYPES["case"].fields if f.name == "kind" for c in f.codes}))
def test_every_kind_of_case_has_exactly_one_clock_of_its_hours(kind):
    from jinyun.domains.supervision.deadlines import deadline_hours

    (rule,) = (one for one in TYPES["case"].procedure.clocks if one.counts_for({"kind": kind}))
    assert rule.by_level == {str(level): deadline_hours(kind, level) for level in (1, 2, 3, 4)}


# --- rectification --------------------------------------------------------------------------------------------------

MET = {f"cond_{one}": True for one in ("measures", "solved", "mechanism", "proper", "papers")}
FIGURE = {"name": "氨氮", "limit": "1.0", "hold_days": 3, "watch_days": 30}


def days(*values, month="05"):
    return [{"date": f"2024-{month}-{n:02d}", "value": value} for n, value in enumerate(values, 1)]


def test_the_office_check_names_each_condition_that_is_missing():
    found = may_close({**MET, "cond_papers": False, "cond_solved": None}, {})
    assert [one.code for one in found] == ["condition:solved", "condition:papers"]
    assert may_close(MET, {}) == []
    assert [one.code for one in may_close(MET, {"open_parts": 2})] == ["parts"]


@pytest.mark.parametrize(
    ("values", "held"),
    [(("1.2", "0.9", "0.9", "1.0"), None), (("0.9", "1.01", "0.9", "0.9"), 2), ((), 0)],
)
def test_the_figure_must_hold_for_its_days_and_equal_to_the_limit_holds(values, held):
    found = may_close({**MET, "figure": FIGURE, "readings": days(*values)}, {"today": "2024-05-20"})
    assert [one.zh for one in found] == ([] if held is None else [f"氨氮须连续3天达到1.0，已有{held}天"])


@pytest.mark.parametrize(("day", "value", "breaks"), [("06-10", "1.1", True), ("07-15", "1.1", False),
                                                      ("06-10", "1.0", False)])  # fmt: skip
def test_a_breach_within_the_watch_time_reopens(day, value, breaks):
    data = {"figure": FIGURE, "closed_on": "2024-06-01", "readings": [{"date": f"2024-{day}", "value": value}]}
    assert (measured_breach(data, {"today": "2024-08-01"}) == []) is breaks


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("figure", {"name": "COD"}, "limit"),
        ("figure", {"name": "COD", "limit": "x", "hold_days": 3}, "figure"),
        ("figure", {**FIGURE, "days": 1}, "unknown key 'days'"),
        ("readings", [{"date": "2024-05-01"}], "no date and value"),
    ],
)
def test_a_figure_that_cannot_be_read_is_refused_with_the_reason(field, value, says):
    with pytest.raises(InvalidRecord, match=says):
        TYPES["rectification"].validate({field: value}, partial=True)


# --- patrols and works, against the shared examples -----------------------------------------------------------------


@pytest.mark.parametrize("case", examples("river_patrol"), ids=lambda one: one["id"])
def test_a_patrol_record_counts_as_the_examples_say(case):
    given = case["given"]
    minute = int(given["minutes"])
    data = {
        "rank": given["rank"], "km": str(given["km"]), "started": "2026-04-01T08:00:00+08:00",
        "ended": f"2026-04-01T{8 + minute // 60:02d}:{minute % 60:02d}:00+08:00",
    }  # fmt: skip
    since = given.get("hours_since_last")
    found = countable(data, {} if since is None else {"hours_since_last": str(since)})
    assert [one.code.removeprefix("patrol:") for one in found] == case["expect"]["reasons"]


@pytest.mark.parametrize("case", examples("project_lag"), ids=lambda one: one["id"])
def test_a_project_record_lags_as_the_examples_say(case):
    given, expect = case["given"], case["expect"]
    data = {
        "plan_year": str(given["plan_10k_yuan"]),
        "done": [{"date": given["date"], "money": str(given["done_10k_yuan"])}],
        "plan": [{"date": one["date"], "share": str(one["share"])} for one in given.get("curve", ())],
        **{name: given.get(name) for name in ("planned_start", "started", "planned_end", "finished")},
    }
    lag = lag_of(data, datetime.fromisoformat(given["date"]).replace(tzinfo=UTC).date())
    assert (lag.light, list(lag.reasons)) == (expect["light"], expect["reasons"])
    assert float(lag.ratio) == expect["ratio"]
    assert float(lag.due) == expect["due_10k_yuan"]


def test_money_of_another_year_is_not_this_years():
    data = {"plan_year": "365", "done": [{"date": "2025-12-31", "money": "900"}]}
    lag = lag_of(data, datetime(2026, 1, 10, tzinfo=UTC).date())
    assert (str(lag.due), lag.light) == ("10.00", "red")
    assert lag_of({}, datetime(2026, 1, 10, tzinfo=UTC).date()) is None
