"""The rule file: shipped defaults, replacement by a user's file, and faults that name rule and key."""

from decimal import Decimal

import pytest

from jinyun.act.rules import Grading, load_rules, rules_of
from jinyun.app.discover import judges
from jinyun.kernel.errors import BadInput

GOOD = {
    "id": "mine", "zh": "我的", "en": "mine", "on": "water.section_class", "site_kinds": ["water_section"],
    "open": {"worse_than_target": True}, "end": {"windows": 1}, "level": {"by": "fixed", "level": 2},
}  # fmt: skip


def test_the_shipped_rules_name_judges_that_exist():
    rules = load_rules(judges=judges())
    assert {one.id for one in rules.verdict} == {
        "outlet-now", "outlet-hour", "outlet-day", "section-target", "section-drop", "air-hour", "noise-night",
    }  # fmt: skip
    assert [one.id for one in rules.silence] == ["device-silent"]


def test_a_users_file_replaces_by_id_switches_off_and_adds(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        """
        [[rule]]
        id = "air-hour"
        zh = "空气"
        en = "air"
        enabled = false
        on = "air.aqi_hour"
        site_kinds = ["air_station"]
        open = { level_at_least = 4 }
        end = { windows = 1 }
        level = { by = "fixed", level = 4 }

        [[rule]]
        id = "mine"
        zh = "我的"
        en = "mine"
        on = "water.section_class"
        site_kinds = ["water_section"]
        open = { level_at_least = 5 }
        end = { windows = 3, level_at_most = 3 }
        level = { by = "verdict_level", bands = [[5, 2], [6, 1]] }

        [[owner]]
        jurisdiction = "500109"
        kinds = ["outlet_exceedance"]
        zh = "北碚区生态环境执法支队"
        en = "Beibei enforcement unit"
        """,
        encoding="utf-8",
    )
    rules = load_rules(path)
    by_id = rules.by_id()
    assert "air-hour" not in by_id
    assert by_id["mine"].end_level_at_most == 3
    assert rules.owner("outlet_exceedance", "water_outlet", "500109107").zh == "北碚区生态环境执法支队"
    assert rules.owner("outlet_exceedance", "water_outlet", "500112").zh == "生态环境保护综合行政执法支队"
    assert rules.owner("device", "air_station", "").zh == "生态环境局值班室"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"windws": 2}, "rule 'mine', key windws: unknown; did you mean 'windows'?"),
        ({"open": {"status": "exceed"}}, "open, key status: 'exceed' is not known; did you mean 'exceeds'?"),
        ({"open": {}}, "key open: names no condition"),
        ({"open": {"figure_above": 1.5}}, 'must be written as text, e.g. "1.5"'),
        ({"site_kinds": ["water_sektion"]}, "'water_sektion' is not known; did you mean 'water_section'?"),
        ({"windows": 0}, "key windows: 0 must be a whole number from 1"),
        ({"seconds": 60}, "key seconds: only a live rule counts seconds"),
        ({"live": True}, "end, key windows: unknown"),
        ({"end": None}, "key end: must be given"),
        ({"level": {"by": "multiple", "bands": [["1", 2], ["0", 3]]}}, "key bands: must rise from band to band"),
        ({"level": {"by": "fixed", "level": 5}}, "key level: 5 must be a whole number from 1 to 4"),
        ({"by": "factor"}, "a rule by factor looks at the factor's status only"),
        ({"on": "water.section_clas"}, "there is no judge 'water.section_clas'; did you mean 'water.section_class'?"),
        ({"case": {"kind": "outlet", "recovery": {"judge": "water.section_class", "windows": 1}}}, "case, key kind"),
        ({"case": {"kind": "section_class", "recovery": {"windows": 3}}}, "recovery, key judge: must be given"),
        ({"zh": ""}, "key zh: must be given, as text"),
    ],
)  # fmt: skip
def test_a_fault_names_file_rule_and_key(change, says):
    with pytest.raises(BadInput) as wrong:
        rules_of([("mine.toml", {"rule": [{**GOOD, **change}]})], judges=judges())
    assert "mine.toml: rule 'mine'" in str(wrong.value)
    assert says in str(wrong.value)


def test_all_faults_are_told_at_once():
    with pytest.raises(BadInput) as wrong:
        rules_of([("mine.toml", {"rule": [{**GOOD, "windows": 0, "gap": "x"}, GOOD], "sailence": []})])
    for says in ("key sailence: unknown; did you mean 'silence'?", "key windows", "key gap", "two of this id"):
        assert says in str(wrong.value)


def test_a_broken_file_says_where(tmp_path):
    path = tmp_path / "broken.toml"
    path.write_text("[[rule]\n")
    with pytest.raises(BadInput, match=r"broken\.toml are no TOML"):
        load_rules(path)
    with pytest.raises(BadInput, match="cannot be read"):
        load_rules(tmp_path / "none.toml")


def test_silence_stages_must_rise():
    rule = {"id": "q", "zh": "静", "en": "q", "late": 5, "silent": 4, "gone": 9, "level": {"silent": 4, "gone": 3}}
    with pytest.raises(BadInput, match="must rise in this order"):
        rules_of([("mine.toml", {"silence": [rule]})])


@pytest.mark.parametrize(("value", "level"), [(None, 3), ("0.49", 3), ("0.5", 2), ("0.99", 2), ("1", 1), ("9", 1)])
def test_grading_takes_the_last_band_reached(value, level):
    bands = ((Decimal("0"), 3), (Decimal("0.5"), 2), (Decimal("1"), 1))
    assert Grading("multiple", bands).level(None if value is None else Decimal(value)) == level
