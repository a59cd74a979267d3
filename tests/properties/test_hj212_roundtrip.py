"""What is composed reads back the same: every command of every edition, uploads with any figures, SM4, splitting."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jinyun.kernel.ports import MICRO
from jinyun.kernel.terms import Flag, Stat
from jinyun.sense.hj212 import codes, compose, content, crc
from jinyun.sense.hj212.framing import Framer
from jinyun.sense.hj212.packet import Packet, parse

MN = "010000A8900016F000169DC0"
KEY = bytes(range(16))
QN = "20260301080000123"


def read(data: bytes, *, key: bytes = b"", dialect: str = "hj212") -> list[Packet]:
    framer = Framer(crc=dialect, sm4_key=key)
    frames = framer.feed(data)
    assert framer.rejects() == []
    return [parse(frame, sm4_key=key) for frame in frames]


VALUE = {
    "PolId": "w01018", "SystemTime": "20260301080000", "BeginTime": "20260301000000", "EndTime": "20260301010000",
    "NewPW": "654321", "InfoId": "i13004", "Info": "168.0", "MN": MN, "NewSK": "00" * 16,
}  # fmt: skip
COMMANDS = [
    (edition, cn)
    for cn, command in codes.COMMANDS.items()
    if command.down in ("R", "N")
    for edition in command.editions
]


@pytest.mark.parametrize(("edition", "cn"), COMMANDS, ids=[f"{e}-{c}" for e, c in COMMANDS])
def test_every_command_in_every_dress(edition: int, cn: str) -> None:
    params = {one.name: VALUE.get(one.name) or one.default or "1" for one in codes.COMMANDS[cn].params}
    key = KEY if edition == 2025 else b""
    data = compose.command(cn, mn=MN, st="32", pw="100000", qn=QN, edition=edition, params=params, sm4_key=key)
    [packet] = read(data, key=key)
    assert (packet.cn, packet.mn, packet.st, packet.pw, packet.qn) == (cn, MN, "32", "100000", QN)
    assert packet.version == edition
    assert packet.answer_wanted
    assert packet.encrypted == (edition == 2025 and len(packet.area) >= 16)
    sent = [value for name, value in params.items() if not (cn == "1022" and name == "PolId")]
    assert [value for _, value in packet.pairs()] == sent
    told = content.decode(packet)
    assert told.kind in ("command", "notice")


UPLOADS = [(e, cn) for e in (2005, 2017, 2025) for cn, c in codes.COMMANDS.items() if c.period and e in c.editions]
FIGURE = st.decimals(min_value="-999999.999999", max_value="999999.999999", places=6).map(lambda d: f"{d:f}")


@settings(max_examples=8, deadline=None)
@pytest.mark.parametrize(("edition", "cn"), UPLOADS, ids=[f"{e}-{c}" for e, c in UPLOADS])
@given(figures=st.lists(FIGURE, min_size=1, max_size=40), answer=st.booleans(), dialect=st.sampled_from(crc.DIALECTS))
def test_uploads_of_any_size(edition: int, cn: str, figures: list[str], answer: bool, dialect: str) -> None:
    facility, stat = cn in ("2021", "2041"), {"2011": "Rtd", "2021": "RS", "2041": "RT"}.get(cn, "Avg")
    names = [f"SB{n}" if facility else f"x{n:05}" for n in range(len(figures))]
    items = [
        compose.item(name, "" if facility else "D", **{stat: text}) for name, text in zip(names, figures, strict=True)
    ]
    key = KEY if edition == 2025 and dialect == "hj212" else b""
    data = compose.upload(
        cn,
        mn=MN,
        st="32",
        items=items,
        time=1772323200,
        qn=QN,
        edition=edition,
        answer=answer,
        crc=dialect,
        sm4_key=key,
    )
    packets = read(b"".join(data), key=key, dialect=dialect)
    assert all(len(one) <= 1024 + 12 for one in data)
    assert len({one.qn for one in packets}) == len(packets)  # each part has its own QN
    assert all((one.cn, one.mn, one.version, one.answer_wanted) == (cn, MN, edition, answer) for one in packets)
    if len(packets) > 1:
        assert [one.split for one in packets] == [(len(packets), n) for n in range(1, len(packets) + 1)]
    told = [content.decode(one) for one in packets]
    assert {one.time for one in told} == {1772323200}  # 2026-03-01 08:00 in China
    values = [value for one in told for value in one.values]
    keys = [pair for one in told for pair in one.keys]
    assert [factor for factor, _ in keys] == names
    assert {stat for _, stat in keys} == {
        {"Rtd": Stat.RTD, "RS": Stat.STATE, "RT": Stat.RUN_HOURS, "Avg": Stat.AVG}[stat]
    }
    refused = {one.name for one in (wrong for one in told for wrong in one.refused)}
    for name, text, value in zip(names, figures, values, strict=True):
        if f"{name}-{stat}" not in refused:  # figures that stand for "no value", such as -9999
            assert Decimal(value) / MICRO == Decimal(text)
    if not facility:
        assert {flag for one in told for flag in one.flags} == {Flag.FAULT}


ANSWERS = [(e, cn) for e in (2005, 2017, 2025) for cn in ("9011", "9012", "9013", "9014")]


@pytest.mark.parametrize(("edition", "cn"), ANSWERS, ids=[f"{e}-{c}" for e, c in ANSWERS])
@pytest.mark.parametrize("dialect", crc.DIALECTS)
def test_answers_speak_the_askers_dialect(edition: int, cn: str, dialect: str) -> None:
    [asked] = read(
        compose.command("2051", mn=MN, st="32", pw="100000", qn=QN, edition=edition, crc=dialect,
                        params={"BeginTime": VALUE["BeginTime"], "EndTime": VALUE["EndTime"]}),
        dialect=dialect,
    )  # fmt: skip
    [answer] = read(compose.answer(asked, cn, code=100, crc=dialect), dialect=dialect)
    assert (answer.cn, answer.st, answer.qn, answer.version, answer.answer_wanted) == (cn, "91", QN, edition, False)
    assert answer.qn_in_cp == (edition == 2005)
    wanted = {"9011": "QnRtn", "9012": "ExeRtn"}.get(cn)
    if wanted:
        assert answer.get(wanted) == "100"


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=700))
def test_fast_crc_is_the_annexs_loop(segment: bytes) -> None:
    assert crc.crc16(segment) == crc.crc16_plain(segment)


NUMBER = st.from_regex(r"-?[0-9]{1,13}(\.[0-9]{0,9})?", fullmatch=True)


@settings(max_examples=200, deadline=None)
@given(st.lists(NUMBER, min_size=1, max_size=8))
def test_figures_are_exact_or_rounded_half_to_even_or_refused(texts: list[str]) -> None:
    cp = ";".join(["DataTime=20260301080000", *(f"x{n:05}-Rtd={text}" for n, text in enumerate(texts))])
    [packet] = read(compose.frame(f"QN={QN};ST=32;CN=2011;PW=123456;MN={MN};Flag=5;CP=&&{cp}&&"))
    told = content.decode(packet)
    refused = {one.name: one.reason for one in told.refused}
    for number, (text, value) in enumerate(zip(texts, told.values, strict=True)):
        exact = Decimal(text).quantize(Decimal("0.000001"))  # half to even by default
        reason = refused.get(f"x{number:05}-Rtd")
        if abs(exact) >= Decimal(10) ** 12:
            assert reason == "out-of-decimal"
        elif reason is None:
            assert value == int(exact.scaleb(6))
        else:
            assert reason == "sentinel"
