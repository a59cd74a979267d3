"""Recovery condition: how far, what is missing, relapse, deadlines, and the case procedure's declaration."""

from dataclasses import replace

import pytest

from jinyun.domains.supervision import DOMAIN
from jinyun.domains.supervision.deadlines import deadline, deadline_hours, overdue
from jinyun.domains.supervision.guards import closable, recovered, tasks_done
from jinyun.domains.supervision.records import OPEN_STATES
from jinyun.domains.supervision.recovery import Condition, condition_problem, recovery_progress, relapse
from jinyun.kernel.errors import BadInput
from jinyun.kernel.terms import Period, Status, Verdict, Window

DAY0 = 1_772_380_800  # 2026-03-02 00:00 in China
HOURS3 = Condition("j", "s", 3)


def verdict(n, status="attains", *, level=1, length=3600, figure="40"):
    start = DAY0 + n * length
    period = Period.HOUR if length == 3600 else Period.DAY
    return Verdict(
        "j", "s", Window(period, start, start + length), Status(status), figure, "mg/L", "50", "", "", level, "", "",
        (), (), "", "", id=n + 1,
    )  # fmt: skip


def line(text, **more):
    """a: attains, x: exceeds, ?: cannot be judged, .: no verdict at all."""
    words = {"a": "attains", "x": "exceeds", "?": "cannot_judge"}
    return [verdict(n, words[one], **more) for n, one in enumerate(text) if one != "."]


@pytest.mark.parametrize(
    ("text", "have", "held"),
    [
        ("", 0, False), ("x", 0, False), ("xa", 1, False), ("xaa", 2, False), ("xaaa", 3, True), ("aaaa", 3, True),
        ("aaax", 0, False), ("aa?a", 1, False), ("aaa?", 0, False), ("xaa.a", 3, True), ("xa.a", 2, False),
    ],
)  # fmt: skip
def test_consecutive_windows_are_counted(text, have, held):
    progress = recovery_progress(HOURS3, line(text))
    assert (progress.have, progress.need, progress.held) == (have, 3, held)
    assert bool(progress.missing) is not held


def test_order_of_the_verdicts_does_not_matter():
    verdicts = line("xaaxaa")
    assert recovery_progress(HOURS3, reversed(verdicts)) == recovery_progress(HOURS3, verdicts)


def test_since_held_at_and_the_verdicts_that_count():
    progress = recovery_progress(HOURS3, line("xaaaa"))
    assert progress.since == DAY0 + 3600  # the unbroken run
    assert progress.held_at == DAY0 + 4 * 3600  # end of its third window
    assert progress.verdicts == (3, 4, 5)


def test_what_is_missing_is_said_with_numbers_in_both_tongues():
    now = DAY0 + 12 * 3600
    (missing,) = recovery_progress(HOURS3, [verdict(10, "exceeds", figure="62"), verdict(11)], now=now).missing
    assert missing.zh == "需连续3小时达标，已有1小时，最早14:00可满足"
    assert missing.en == "needs 3 consecutive hours within limit; has 1; next possible 14:00"


def test_next_possible_counts_from_now_when_the_device_has_been_away():
    progress = recovery_progress(HOURS3, line("xa"), now=DAY0 + 10 * 3600 + 100)
    assert progress.next_possible == DAY0 + 12 * 3600  # this hour and the next


def test_days_and_another_day_are_named():
    condition = Condition("j", "s", 2)
    (missing,) = recovery_progress(condition, line("xa", length=86400), now=DAY0 + 2 * 86400).missing
    assert missing.en == "needs 2 consecutive days within limit; has 1; next possible 03-05 00:00"


def test_windows_that_are_not_over_are_left_out():
    assert not recovery_progress(HOURS3, line("aaa"), now=DAY0 + 3 * 3600 - 1).held
    assert recovery_progress(HOURS3, line("aaa"), now=DAY0 + 3 * 3600).held


def test_only_the_last_days_count():
    condition = replace(HOURS3, within_days=1)
    assert recovery_progress(condition, line("aaa"), now=DAY0 + 86400).held
    late = recovery_progress(condition, line("aaa"), now=DAY0 + 86400 + 1)
    assert (late.have, late.held) == (2, False)
    assert late.missing[0].code == "recovery-stale"


@pytest.mark.parametrize(("level", "held"), [(2, True), (3, True), (4, False), (None, False)])
def test_max_level_is_met_on_the_line(level, held):
    assert recovery_progress(replace(HOURS3, max_level=3), line("aaa", level=level)).held is held


def test_verdicts_of_others_are_not_counted():
    others = [replace(one, subject="t") for one in line("aaa")]
    assert recovery_progress(HOURS3, others).missing[0].code == "recovery-no-verdict"


def test_relapse_is_the_first_bad_window_from_then_on():
    verdicts = line("xaaa?xax")
    assert relapse(HOURS3, verdicts, DAY0 + 3600).id == 6
    assert relapse(HOURS3, line("xaaa?a"), DAY0 + 3600) is None


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"judge": "j", "subject": "s"}, "windows is missing"),
        ({"judge": "j", "subject": "s", "windows": 0}, "windows is missing"),
        ({"judge": "j", "subject": "s", "windows": -1}, "whole number from 1"),
        ({"judge": "j", "subject": "s", "windows": 1, "status": "good"}, "is not one of attains"),
        ({"judge": "j", "subject": "s", "windows": 1, "window": 2}, "unknown key 'window'"),
        ({"judge": "j", "subject": "s", "windows": 1, "observe_days": -1}, "observe_days"),
    ],
)
def test_a_bad_condition_names_the_key(data, says):
    with pytest.raises(BadInput, match=says):
        Condition.of(data)
    assert says in condition_problem(data)


def test_json_goes_there_and_back():
    assert Condition.of(HOURS3.as_json()) == HOURS3


def test_guard_lets_a_case_without_a_figure_pass_and_needs_the_facts_for_one_with():
    data = {"recovery": HOURS3.as_json()}
    assert recovered({"recovery": None}, {}) == ()
    assert [one.code for one in recovered(data, {})] == ["recovery-unknown"]
    assert recovered(data, {"verdicts": line("aaa"), "now": DAY0 + 3 * 3600}) == ()
    assert [one.code for one in recovered(data, {"verdicts": line("aax"), "now": DAY0 + 86400})] == ["recovery-windows"]


@pytest.mark.parametrize(("level", "hours"), [(1, 24), (2, 72), (3, 168), (4, 360)])
def test_deadlines_by_level(level, hours):
    assert deadline_hours("section_class", level) == hours
    end = deadline(DAY0, hours)
    assert (overdue(end, end), overdue(end, end + 1)) == (False, True)


def test_a_kind_with_its_own_row():
    assert deadline_hours("outlet_exceedance", 3) == 120


def test_case_procedure_leads_from_opened_to_closed_and_only_the_house_reopens():
    case = next(one for one in DOMAIN.records if one.id == "case")
    procedure = case.procedure
    assert set(procedure.states) == {*OPEN_STATES, "closed", "merged"}
    assert procedure.transition("close").guards == (closable, tasks_done)
    assert procedure.transition("report").guards == (tasks_done,)
    assert case.procedure_at(1).transition("close").guards == (recovered,)
    assert procedure.transition("recover").guards == (recovered,)
    assert procedure.transition("reopen").by == procedure.transition("recover").by == ("system",)
    assert case.procedure_at(1).available("closed", ("officer", "system")) == []
    assert {one.target for one in procedure.available("closed", ("officer",))} == {"", "reopened"}
    assert procedure.available("merged", ("officer", "leader", "system")) == []
    names = (
        "title kind subject enterprise owner place alarms causes measures opened_at deadline level recovery progress "
        "report closed_at verdict_open verdict_close"
    )
    for name in names.split():
        assert case.field(name)
