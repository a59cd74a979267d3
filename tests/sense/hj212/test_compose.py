"""Frames as the standards print them."""

import json
from pathlib import Path

import pytest

from jinyun.kernel.errors import BadInput
from jinyun.sense.hj212 import compose
from jinyun.sense.hj212.framing import Framer, examine
from jinyun.sense.hj212.packet import parse

ROWS = {
    row["id"]: row
    for row in map(json.loads, (Path(__file__).parents[2] / "data" / "hj212" / "packets.jsonl").open(encoding="utf-8"))
}
MN, OLD_MN = "010000A8900016F000169DC0", "88888880000001"


def printed(name):
    return ROWS[name]["raw"].encode()


def of(name):
    return parse(examine(printed(name)))


def test_the_annexs_frame():
    frame = compose.command("1062", mn=MN, st="32", pw="100000", qn="20160801085857223", params={"RtdInterval": "30"})
    assert frame == printed("p203") + b"\r\n"  # HJ 212-2017 Annex A, CRC 1C80
    assert compose.frame(printed("p203")[6:-4], lower=True).endswith(b"&&1c80\r\n")


@pytest.mark.parametrize(
    ("name", "cn", "params", "edition", "st"),
    [("p041", "1012", {"PolId": "w01018", "SystemTime": "20160801085857"}, 2017, "32"),
     ("p042", "1012", {"PolId": "w01018", "SystemTime": "20240601085857"}, 2025, "32"),
     ("p050", "1072", {"NewPW": "654321"}, 2017, "32"), ("p051", "2011", {}, 2017, "32"),
     ("p064", "2051", {"BeginTime": "20160801084000", "EndTime": "20160801084000"}, 2017, "32"),
     ("p038", "1000", {"OverTime": "5", "ReCount": "3"}, 2017, "32"),
     ("p087", "3021", {"PolId": "w01018", "InfoId": "i13004", "Info": "168.0"}, 2017, "32"),
     ("p049", "1064", {"MinInterval": "10"}, 2025, "31")],
)  # fmt: skip
def test_commands_as_printed(name, cn, params, edition, st):
    qn = of(name).qn
    assert compose.command(cn, mn=MN, st=st, pw="123456", qn=qn, edition=edition, params=params) == printed(name)


@pytest.mark.parametrize(
    ("asked", "cn", "code", "name"),
    [
        ("p065", "9014", None, "p093"),
        ("p066", "9014", None, "p095"),
        ("p008", "9011", 1, "p100"),
        ("p034", "9014", None, None),
    ],
)
def test_answers_as_printed(asked, cn, code, name):
    frame = compose.answer(of(asked), cn, code=code)
    assert frame == (printed(name) if name else compose.frame("ST=91;CN=9014;CP=&&CN=2051&&"))


def test_2005_answers_carry_qn_and_cn_inside_cp():
    # annex: ST=91;CN=9014;CP=&&QN=20040516010101001;CN=2051&&, a split one with PNO and PNUM
    packet = of("p005")
    packet.split = None
    assert compose.answer(packet, "9014") == printed("p025")
    assert b";PNO=1;PNUM=1;CP=" in compose.answer(of("p005"), "9014")


def test_an_upload_of_2017_and_of_2005():
    items = [compose.item("w01018", "N", Rtd="40.1"), compose.item("w21003", Rtd="2")]
    [frame] = compose.upload("2011", mn=MN, st="32", items=items, time=1470013137, qn="20160801085857223")
    assert frame[6:-6].decode() == (
        f"QN=20160801085857223;ST=32;CN=2011;PW=123456;MN={MN};Flag=5;"
        "CP=&&DataTime=20160801085857;w01018-Rtd=40.1,w01018-Flag=N;w21003-Rtd=2&&"
    )
    [old] = compose.upload("2011", mn=OLD_MN, st="32", items=["011-Rtd=1"], time=1470013137, edition=2005, answer=False)
    assert old[6:-6].decode() == f"ST=32;CN=2011;PW=123456;MN={OLD_MN};CP=&&DataTime=20160801085857;011-Rtd=1&&"


def test_splitting_follows_the_annex():
    items = [compose.item(f"w{n:05}", "N", Cou="63.0", Min="40.1", Avg="40.1", Max="40.1") for n in range(40)]
    frames = compose.upload("2061", mn=MN, st="32", items=items, time=1470009600, qn="20160801085857534", answer=False)
    packets = [parse(frame) for frame in Framer().feed(b"".join(frames))]
    total = len(packets)
    assert total > 1
    assert all(len(frame) <= 1024 + 12 for frame in frames)
    assert [packet.split for packet in packets] == [(total, number) for number in range(1, total + 1)]
    assert [packet.qn for packet in packets][:2] == ["20160801085857534", "20160801085857535"]  # C.47–C.50
    assert {packet.flag for packet in packets} == {6}
    assert [item for packet in packets for item in packet.cp.split(";")[1:]] == items  # no factor is cut


def test_what_cannot_be_sent_is_refused_with_a_reason():
    with pytest.raises(BadInput, match="needs RtdInterval"):
        compose.command("1062", mn=MN, st="32", pw="", qn="1")
    with pytest.raises(BadInput, match="does not exist in HJ 212-2005"):
        compose.command("3020", mn=MN, st="32", pw="", qn="1", edition=2005)
    with pytest.raises(BadInput, match="no command a centre sends"):
        compose.command("9014", mn=MN, st="32", pw="", qn="1")
    with pytest.raises(BadInput, match="ends a field"):
        compose.command("1062", mn=MN, st="32", pw="", qn="1", params={"RtdInterval": "3;CN=1"})
    with pytest.raises(BadInput, match="does not fit a packet"):
        compose.upload("2011", mn=MN, st="32", items=["x-Rtd=" + "1" * 1100], time=0)
    with pytest.raises(BadInput, match="four-digit length"):
        compose.frame(b"x" * 10_000)
    with pytest.raises(BadInput, match="no HJ 212 edition 2010"):
        compose.flag_of(2010, answer=True)


def test_request_numbers():
    assert compose.qn_of(1470013137_223_999) == "20160801085857223"
    assert compose.next_qn("20160801085857999", 1) == "20160801085857000"
    assert compose.next_qn("12345", 3) == "12345"
