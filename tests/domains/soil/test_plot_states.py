"""Risk states of plots: dated, reached by verdicts, with what may follow."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from jinyun.domains.noise.zone import judge_zone
from jinyun.domains.soil.construction import STATES as CONSTRUCTION
from jinyun.domains.soil.construction import judge_plot
from jinyun.domains.soil.farmland import STATES as FARMLAND
from jinyun.domains.soil.farmland import judge_farmland
from jinyun.domains.soil.states import may_follow, plot_states, state_after
from jinyun.kernel.errors import BadInput, NotFound

DAY, BEFORE = date(2026, 3, 2), date(2018, 12, 31)


@pytest.mark.parametrize(
    ("lead", "day", "state"),
    [(100, DAY, "surveyed"), (401, DAY, "assessment"), (801, DAY, "listed"), (401, BEFORE, "contaminated")],
)
def test_what_a_survey_leads_to(lead, day, state):
    verdict = judge_plot("地块", {"pb": Decimal(lead)}, land="1", day=day)
    assert state_after(verdict, day).id == state


def test_every_state_of_a_verdict_leads_to_one_state_of_a_plot():
    for land, states in (("construction", CONSTRUCTION), ("farmland", FARMLAND)):
        for day in (DAY, date(2019, 1, 1)):
            for state in states:
                assert sum(state.id in plot.verdicts for plot in plot_states(land, day).values()) == 1


def test_what_cannot_be_judged_has_to_be_surveyed():
    assert state_after(judge_plot("地块", {"pb": None}, land="1", day=DAY), DAY).id == "to_survey"
    field = judge_farmland("田", {"cd": None}, ph=Decimal(6), land="other", day=DAY)
    assert state_after(field, DAY) is None
    assert (
        state_after(judge_farmland("田", {"cd": Decimal(3)}, ph=Decimal(6), land="other", day=DAY), DAY).zh
        == "严格管控类"
    )


def test_what_may_follow():
    assert may_follow("remediation", "evaluation", "construction", DAY)
    assert may_follow("evaluation", "delisted", "construction", DAY)
    assert not may_follow("remediation", "delisted", "construction", DAY)
    for land in ("construction", "farmland"):
        known = plot_states(land, DAY)
        assert all(then in known for state in known.values() for then in state.next)
        assert [state.order for state in known.values()] == sorted(state.order for state in known.values())
    with pytest.raises(NotFound, match="cleaned"):
        may_follow("remediation", "cleaned", "construction", DAY)


def test_errors():
    with pytest.raises(BadInput, match="construction, farmland"):
        plot_states("sea", DAY)
    with pytest.raises(BadInput, match="from 2017-07-01 on"):
        plot_states("construction", date(2017, 6, 30))
    with pytest.raises(BadInput, match="judges no soil"):
        state_after(judge_zone("点", "1", ld=Decimal(50), day=DAY), DAY)
