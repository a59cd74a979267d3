"""Health text of all levels and sensitive groups by pollutant, in both languages."""

from __future__ import annotations

import pytest

from jinyun.domains.air.health import health_text, sensitive_groups
from jinyun.kernel.errors import BadInput


@pytest.mark.parametrize("level", range(1, 7))
def test_every_level_has_its_text(level):
    found = health_text(level)
    assert all((found.effect_zh, found.advice_zh, found.effect_en, found.advice_en))
    assert found.verified == "memory only"


def test_level_three_names_those_who_should_do_less():
    assert "儿童、老年人及心脏病、呼吸系统疾病患者应减少长时间" in health_text(3).advice_zh


def test_groups_of_one_pollutant_and_of_a_tie():
    """hj633_2026_sensitive_groups: CO cardiovascular; O3 respiratory, youth, outdoor, elderly."""
    assert sensitive_groups("co") == (("心血管系统疾病患者",), ("people with cardiovascular disease",))
    zh, en = sensitive_groups(("o3", "no2"))
    assert zh == ("呼吸系统疾病患者", "青少年儿童", "户外活动频繁者", "老年人")  # each once
    assert len(en) == len(zh)
    assert sensitive_groups(()) == ((), ())


def test_no_such_level():
    with pytest.raises(BadInput, match="levels are"):
        health_text(7)
