"""Inputs on which public packages fail: all answered, by the domains' functions, and not by heart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jinyun.app.conformance import NotCovered, check
from jinyun.kernel.errors import BadInput

FILE = Path(__file__).parents[1] / "data" / "standards_examples" / "peers_failing_inputs.json"
CASES = json.loads(FILE.read_text("utf-8"))["cases"]


@pytest.mark.parametrize("case", CASES, ids=[f"{n}-{case['input']}" for n, case in enumerate(CASES, 1)])
def test_ours_is_right_where_a_peer_is_not(case):
    assert check("peers", case) == ""


def test_all_are_there():
    assert len(CASES) == 36


def wrong(case):
    """The same case with the peer's answer, or another figure, as the expected one."""
    key = next(name for name in ("std_2012", "std_2026", "std") if name in case)
    other = case["peer_gives"] if case["peer_gives"] != "" else "1/2/3/4"
    return {**case, key: other}


@pytest.mark.parametrize("case", CASES, ids=[f"{n}-{case['input']}" for n, case in enumerate(CASES, 1)])
def test_the_peers_answer_is_told_to_be_wrong(case):
    assert " instead of " in check("peers", wrong(case))


OTHERS = [  # further inputs of the same forms; figures from the tables of the standards
    ("pm25_24h=115.5", "std_2012", 152),  # 116: ceil((200-150)/(150-115)*1+150)
    ("paddy Hg pH<=5.5", "std", "0.5"), ("paddy Hg pH>7.5", "std", "1"), ("other Cd pH>7.5", "std", "0.6"),
    ("land class 2 As", "std", "60"), ("land class 1 Pb", "std", "400"),
    ("GB 13223 coal SO2 special", "std", "50"), ("GB 12348 indoor zone 1 room B", "std", "45/35"),
    ("river TP 0.04", "std", "class 2"), ("lake TP 0.2", "std", "class 5"), ("lake TN 1.4", "std", "ignored"),
    ("TLI tp weight", "std", "0.1879"), ("TLI cod_mn weight", "std", "0.1834"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "key", "want"), OTHERS, ids=[text for text, _, _ in OTHERS])
def test_other_inputs_of_the_same_forms(text, key, want):
    assert check("peers", {"input": text, key: want}) == ""
    assert check("peers", {"input": text, key: "7"}) != ""


def test_a_text_that_nobody_reads_is_not_covered():
    with pytest.raises(NotCovered, match="peer input 'what is air'"):
        check("peers", {"input": "what is air", "std": "?"})
    with pytest.raises(BadInput, match="a text as input"):
        check("peers", {"input": {"pm25": 45}, "std": 63})


def test_the_index_is_not_that_of_the_us():
    """con2aqi gives the US index: 40 CFR 58 appendix G (2013) has PM2.5 of 12.0 as 50 and of 35.4 as 100."""
    for concentration, american, chinese in (("12.0", 50, 18), ("35.4", 100, 50)):  # HJ 633: 35 is 50, linear from 0
        assert check("peers", {"input": f"pm25_24h={concentration}", "std_2012": chinese}) == ""
        assert check("peers", {"input": f"pm25_24h={concentration}", "std_2012": american}) != ""
