"""Headers as the standards print them and as the field writes them."""

import json
from pathlib import Path

import pytest

from jinyun.sense.hj212.framing import examine
from jinyun.sense.hj212.packet import BadPacket, parse, read_header, split_area

ROWS = {
    row["id"]: row
    for row in map(json.loads, (Path(__file__).parents[2] / "data" / "hj212" / "packets.jsonl").open(encoding="utf-8"))
}


def of(name):
    return parse(examine(ROWS[name]["raw"].encode()))


def seg(text, **given):
    data = text if isinstance(text, bytes) else text.encode()
    return parse(examine(b"##%04d" % len(data) + data + b"0000"), **given)


def test_a_header_of_2017():
    packet = of("p065")  # HJ 212-2017 C.20
    assert (packet.qn, packet.st, packet.cn, packet.pw) == ("20160801085000001", "32", "2051", "123456")
    assert (packet.mn, packet.flag, packet.version, packet.answer_wanted) == ("010000A8900016F000169DC0", 5, 2017, True)
    assert (packet.split, packet.rf, packet.encrypted, packet.odd) == (None, False, False, ())
    assert packet.cp.startswith("DataTime=20160801084000;w00000-Cou=10.5,")
    assert packet.header["QN"] == "20160801085000001"
    assert list(packet.header) == ["QN", "ST", "CN", "PW", "MN", "FLAG"]


def test_2005_has_qn_in_cp_and_maybe_no_flag():
    packet = of("p027")
    assert (packet.qn, packet.qn_in_cp) == ("20040516010101001", True)
    assert (packet.flag, packet.version, packet.answer_wanted) == (None, 2005, False)


def test_order_before_cp_is_free_and_pno_may_come_first():
    packet = of("p005")  # ST;CN;QN;PW;MN;PNO;PNUM
    assert (packet.qn, packet.split) == ("20040516010101001", (1, 1))
    assert of("p109").split == (2, 1)
    assert of("p122").split == (2, 2)  # 0002


@pytest.mark.parametrize(
    ("flag", "version", "wanted"),
    [(0, 2005, False), (1, 2005, True), (3, 2005, True), (4, 2017, False), (5, 2017, True), (7, 2017, True),
     (8, 2025, False), (9, 2025, True), (11, 2025, True)],
)  # fmt: skip
def test_version_and_answer_bit(flag, version, wanted):
    packet = seg(f"QN=1;ST=32;CN=2011;PW=1;MN=m;Flag={flag};CP=&&&&")
    assert (packet.version, packet.answer_wanted) == (version, wanted)


def test_the_same_header_twice_reads_the_same():
    for name in ("p065", "p062", "p068", "p116", "p170", "p173", "p201", "p005"):
        one, two = of(name), of(name)
        for field in ("qn", "st", "cn", "pw", "mn", "flag", "version", "split", "cp", "odd", "header", "answer_wanted"):
            assert getattr(one, field) == getattr(two, field), (name, field)


@pytest.mark.parametrize(
    ("name", "cn", "mn", "flag", "odd"),
    [
        ("p062", "2041", "010000A8900016F000169DC0", 5, ()),  # Flag=5CP=
        ("p068", "2061", "010000A8900016F000169DC0", 5, ()),  # QN=…,ST=
        ("p113", "2051", "0507A010003242", 4, ("CP not closed", "length")),
        ("p116", "1012", "ABCDEFG", 0, ("text behind CP",)),  # Flag written behind CP
        ("p201", "2011", "88888881234567", 0, ()),  # PW=123456;,MN=…;FLAG=0
        ("p123", "2011", "555555555555555555555555", 5, ("no CP", "length")),
    ],
)
def test_what_the_field_writes(name, cn, mn, flag, odd):
    packet = of(name)
    assert (packet.cn, packet.mn, packet.flag, packet.odd) == (cn, mn, flag, odd)


def test_qn_comes_back_as_it_came():
    assert of("p235").qn == "1617957600465"
    assert of("p154").qn == ""
    assert of("p179").qn == "20180507000558"


def test_without_a_command_it_is_refused_with_a_reason():
    with pytest.raises(BadPacket) as wrong:
        of("p151")
    assert wrong.value.code == "no-command"
    assert "CN" in str(wrong.value)
    assert read_header(b"SN=1;DATETIME=2").fields == {"SN": "1", "DATETIME": "2"}


def test_text_is_utf8_then_gb18030():
    text = "QN=1;ST=32;CN=3020;PW=1;MN=m;Flag=5;CP=&&i11001-Info=//清洗管路//&&"
    assert seg(text).get("i11001-Info") == "//清洗管路//"
    gbk = seg(text.encode("gbk"))
    assert gbk.get("i11001-Info") == "//清洗管路//"
    assert gbk.odd == ("gb18030",)
    assert seg(text.encode("gbk"), encoding="gbk").odd == ()


def test_log_text_is_one_value_whatever_is_in_it():
    log = "//a;b=c,d&&##0012//"
    assert split_area(f"PolId=w01018;i11001-Info={log};i12001-Info=1") == [
        ("PolId", "w01018", ";"), ("i11001-Info", log, ";"), ("i12001-Info", "1", ""),
    ]  # fmt: skip


def test_duplicates_keep_their_order():
    assert of("p170").pairs()[1:4] == [("PolId", "w01019"), ("i12001-Info", "0"), ("i12002-Info", "0")]
    assert [value for name, value in of("p170").pairs() if name == "PolId"] == ["w01019", "w21001", "w21003", "w21011"]


def test_retransmission_mark_of_2025():
    assert seg("QN=1;ST=32;CN=2011;PW=1;MN=m;Flag=11;PNUM=2;PNO=1;RF=1;CP=&&&&").rf
    assert not seg("QN=1;ST=32;CN=2011;PW=1;MN=m;Flag=9;CP=&&&&").rf
