"""The code tables against the rules' text (HJ 212-2017 tables, HJ/T 212-2005)."""

import json
from pathlib import Path

from jinyun.kernel.terms import Flag
from jinyun.sense.hj212 import codes

RULES_2017 = {
    "1000", "1011", "1012", "1013", "1061", "1062", "1063", "1064", "1072", "2011", "2012",
    "2021", "2022", "2031", "2041", "2051", "2061", "2081", "3011", "3012", "3013", "3014",
    "3015", "3016", "3017", "3018", "3019", "3020", "3021", "9011", "9012", "9013", "9014",
}  # fmt: skip
ONLY_2005 = {"1021", "1022", "1031", "1032", "1041", "1042", "2071", "2072"}
ONLY_2025 = {"1002", "1014", "2013", "2052", "2062", "2111", "3022", "3024", "9015"}


def test_every_command_of_the_three_editions():
    by_edition = {e: {cn for cn, c in codes.COMMANDS.items() if e in c.editions} for e in (2005, 2017, 2025)}
    assert by_edition[2017] == RULES_2017
    assert by_edition[2005] - by_edition[2017] == ONLY_2005 | {"1001"}
    assert by_edition[2025] - by_edition[2017] - by_edition[2005] == ONLY_2025
    assert by_edition[2017] - by_edition[2025] == {"3014", "3016", "3017"}  # removed in 2025
    assert all(command.zh and command.en for command in codes.COMMANDS.values())


def test_a_catalogue_a_page_can_show():
    told = codes.COMMANDS["1012"].as_dict()
    assert json.loads(json.dumps(told)) == told
    assert [(one["name"], one["required"]) for one in told["params"]] == [("PolId", False), ("SystemTime", True)]
    sendable = {cn for cn, command in codes.COMMANDS.items() if command.down in ("R", "N")}
    assert {"2012", "2022"} == {cn for cn in sendable if codes.COMMANDS[cn].down == "N"}
    assert "1013" not in sendable


def test_return_codes_and_systems():
    assert sorted(codes.EXE_RTN) == [1, 2, 3, 4, 5, 6, 100]
    assert sorted(codes.QN_RTN) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 100]
    assert codes.EXE_RTN[codes.NO_DATA][1] == "no data"
    assert codes.EXE_RTN[codes.BUSY][1] == "busy"
    assert codes.QN_RTN[codes.WRONG_CRC][1] == "wrong CRC"
    assert codes.SYSTEMS["32"] == ("地表水体环境污染源", "surface-water pollution source")


def test_flag_letters():
    assert set(codes.FLAG_WORDS[2017]) == set("NFMSDCTB")
    assert set(codes.FLAG_WORDS[2005]) == set("PFCMTDSN0123")
    assert codes.flag_of("F", 2005) is Flag.SOURCE_STOPPED
    assert codes.flag_of("F", 2017) is codes.flag_of("F", 2025) is Flag.STOPPED
    assert codes.flag_of("", 2017) is Flag.UNKNOWN
    assert codes.flag_of("3", 2005) is Flag.OTHER
    assert codes.flag_of("3", 2005, ambient_air=True) is Flag.NORMAL


def test_every_command_code_of_the_shared_packets_is_known_or_a_vendors():
    path = Path(__file__).parents[2] / "data" / "hj212" / "packets.jsonl"
    seen = {json.loads(line)["cn"] for line in path.read_text(encoding="utf-8").splitlines()} - {None}
    assert seen - set(codes.COMMANDS) == {"2000", "2082", "9021"}  # rules §6: outside the standard, seen in use
