"""Unified social credit code: the sample HJ 608-2017 prints, and codes made by the rule of GB 32100."""

import json
from pathlib import Path

import pytest

from jinyun.domains.registry import uscc

SHARED = Path(__file__).parents[4] / "shared" / "data" / "rules_examples" / "uscc.json"


def test_the_sample_printed_in_hj_608_passes():
    assert uscc.faults("91130200699229617X") == ()
    assert uscc.check_character("91130200699229617") == "X"
    assert uscc.organisation_check("69922961") == "7"


@pytest.mark.parametrize(
    ("code", "faults"),
    [
        ("91130200699229617Y", ("check_char",)),
        ("911302006992296170", ("check_char",)),
        ("91500109123456789N", ("org_check",)),
        ("9150010216O8WBXY9A", ("alphabet",)),
        ("91130200699229617x", ("alphabet",)),
        ("915001091142FERX230", ("length",)),
        ("", ("length",)),
    ],
)
def test_each_fault_is_named(code, faults):
    assert uscc.faults(code) == faults
    assert uscc.problem(code)


def test_every_single_mistyped_character_is_found():
    code = "91130200699229617X"
    for place in range(18):
        for symbol in uscc.ALPHABET:
            if symbol != code[place] and not (2 <= place < 8 and not symbol.isdigit()):
                assert uscc.faults(code[:place] + symbol + code[place + 1 :])


def test_a_made_code_is_sound():
    assert uscc.faults(uscc.make("91", "500109", "MA5U0001")) == ()


def test_agrees_with_the_shared_examples():
    if not SHARED.exists():
        pytest.skip("../shared/data/rules_examples/uscc.json is not here")
    cases = json.loads(SHARED.read_text(encoding="utf-8"))["cases"]
    assert len(cases) == 27
    for case in cases:
        reasons = [one for one in case["expect"]["reasons"] if one != "division_unknown"]  # a warning of another table
        assert list(uscc.faults(case["given"]["code"])) == reasons, case["id"]
