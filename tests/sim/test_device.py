"""Simulated loggers without sockets: determinism, exact figures on the wire, every fault's bytes, commands."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import replace
from decimal import Decimal

import pytest

from jinyun.kernel.factors import by_code, old_code
from jinyun.kernel.terms import Period, china_time
from jinyun.sense.hj212 import compose
from jinyun.sense.hj212.framing import Framer
from jinyun.sense.hj212.packet import parse
from jinyun.sim.device import MICROS, SimDevice
from jinyun.sim.district import build
from jinyun.sim.items import text_of
from jinyun.sim.recording import messages, record
from jinyun.sim.run import devices_of
from jinyun.sim.script import parse_script
from jinyun.sim.truth import Truth, table

T0 = 1_772_294_400  # 2026-03-01T00:00:00+08:00
HOUR = 3600


@pytest.fixture(scope="module")
def district():
    return build("small", 7)


def packets(data: bytes, key: bytes = b"", crc: str = "hj212") -> list:
    """What a centre makes of the bytes; refusals are an error here."""
    framer = Framer(sm4_key=key, crc=crc)
    found = [parse(one, sm4_key=key) for one in framer.feed(data)]
    assert not framer.rejects()
    return found


def fields(packet) -> dict[str, str]:
    return dict(packet.pairs())


def said(packet) -> int:
    """DataTime [s]."""
    text = fields(packet)["DataTime"]
    return T0 + 86400 * (int(text[6:8]) - 1) + HOUR * int(text[8:10]) + 60 * int(text[10:12]) + int(text[12:14])


def a_device(district, site: str, script: str = "", **options) -> SimDevice:
    truth = Truth(district, parse_script(script, "test") if script else None, T0)
    return SimDevice(district.logger_of(site), truth, **options)


def faulty(kind: str, site: str, **params) -> str:
    lines = "".join(
        f"{name}={value!r}\n".replace("True", "true").replace("False", "false") for name, value in params.items()
    )
    return f'[[fault]]\nkind="{kind}"\ndevice="{site}"\n{lines}'


@pytest.mark.parametrize(
    ("number", "decimals", "text"), [(-147, 3, "-0.147"), (5, 2, "0.05"), (130, 1, "13.0"), (7, 0, "7")]
)
def test_numbers_as_text(number, decimals, text):
    assert text_of(number, decimals) == text


def test_same_seed_same_bytes_other_seed_others(district, tmp_path):
    def bytes_of(seed: int, name: str) -> bytes:
        devices = devices_of(Truth(build("small", seed)), realtime_s=60, minute=10)
        count, size = record(devices, T0 * MICROS + 1_234_567, 900, tmp_path / name)
        assert count > 1000
        assert size == (tmp_path / name).stat().st_size
        return (tmp_path / name).read_bytes()

    first = bytes_of(7, "a")
    assert first == bytes_of(7, "b")
    assert first != bytes_of(8, "c")


def test_every_figure_on_the_wire_is_the_truth(district):
    """One hour and its minutes of every logger of every edition, read by the codec, against the table of truth."""
    truth = Truth(district)
    expected = {
        (r.mn, r.factor, r.stat.name, r.period, r.time): r.value
        for r in table(truth, T0 + 8 * HOUR, T0 + 9 * HOUR, minute=20, periods=(Period.MINUTE, Period.HOUR))
    }
    found: dict[tuple, Decimal] = {}
    devices = devices_of(truth, realtime_s=3600, minute=20)
    for _, device, data in messages(devices, (T0 + 8 * HOUR + 1) * MICROS, HOUR + 120):
        logger = device.logger
        for packet in packets(data, logger.sm4_key):
            period = {"2051": Period.MINUTE, "2061": Period.HOUR}.get(packet.cn)
            if period is None or not T0 + 8 * HOUR <= said(packet) < T0 + 9 * HOUR:
                continue
            assert packet.version == (logger.edition if logger.edition != 2005 else 2005)
            for name, value in packet.pairs():
                code, _, stat = name.rpartition("-")
                if not code or stat == "Flag":
                    continue
                factor = old_code(code, logger.system) if logger.edition == 2005 else by_code(code, logger.system)
                scale = factor.scale_2005 if logger.edition == 2005 else Decimal(1)
                stat = {"Zs": "ZS_"}.get(stat[:2], "") + stat.removeprefix("Zs").upper()
                key = (packet.mn, factor.id, stat, period, said(packet))
                assert key not in found or found[key] == Decimal(value) * scale
                found[key] = Decimal(value) * (1 if stat == "COU" else scale)
    assert found == expected


def test_figures_of_one_packet_agree(district):
    """Min ≤ Avg ≤ Max, and the amount is mean × mean flow × time within its last digit."""
    device = a_device(district, "E0002-W1")
    (packet,) = packets(b"".join(device.report(Period.MINUTE, T0, (T0 + 605) * MICROS)))
    got = {k: Decimal(v) for k, v in packet.pairs() if re.fullmatch(r".*-(Min|Avg|Max|Cou)", k)}
    codes = {name.partition("-")[0] for name in got}
    assert codes == {"w00000", "w01001", "w01018", "w21003", "w21011"}
    for code in codes:
        assert got[f"{code}-Min"] <= got[f"{code}-Avg"] <= got[f"{code}-Max"]
    amount = got["w01018-Avg"] * got["w00000-Avg"] * 600 / 1_000_000
    assert abs(amount - got["w01018-Cou"]) <= Decimal("0.00005")


def test_2025_with_sm4_is_read_with_the_key_and_only_with_it(district):
    logger = next(one for one in district.loggers if one.sm4_key)
    device = SimDevice(logger, Truth(district))
    data = b"".join(device.report(Period.REALTIME, T0, T0 * MICROS))
    assert b"Rtd" not in data[:300]
    (packet,) = packets(data, logger.sm4_key)
    assert packet.encrypted
    assert packet.version == 2025
    assert "DataTime=20260301000000" in packet.cp


def test_duplicate_half_wrong_crc_and_noise(district):
    now, site = T0 * MICROS, "AS01"
    clean = b"".join(a_device(district, site).report(Period.REALTIME, T0, now))
    assert b"".join(a_device(district, site, faulty("duplicate", site)).report(Period.REALTIME, T0, now)) == clean * 2
    half = b"".join(a_device(district, site, faulty("half", site)).report(Period.REALTIME, T0, now))
    assert half == clean[: len(clean) // 2]
    wrong = b"".join(a_device(district, site, faulty("bad_crc", site)).report(Period.REALTIME, T0, now))
    assert len(wrong) == len(clean)
    assert wrong[:-6] == clean[:-6]
    assert wrong != clean
    framer = Framer()
    assert framer.feed(wrong) == []
    noisy = b"".join(a_device(district, site, faulty("noise", site)).report(Period.REALTIME, T0, now))
    assert noisy.endswith(clean)
    assert len(noisy) > len(clean)
    assert [one.data + b"\r\n" for one in Framer().feed(noisy)] == [clean]


def test_what_was_spoilt_is_sent_again_whole(district):
    device = a_device(district, "AS01", faulty("half", "AS01"))
    device.report(Period.HOUR, T0, (T0 + HOUR + 10) * MICROS)
    assert device.tick((T0 + HOUR + 15) * MICROS) == []
    (again,) = device.tick((T0 + HOUR + 21) * MICROS)
    (packet,) = packets(again)
    assert (packet.cn, said(packet)) == ("2061", T0)
    device.receive(compose.answer(packet, "9014"), (T0 + HOUR + 22) * MICROS)
    assert device.tick((T0 + HOUR + 60) * MICROS) == []


def test_a_share_of_messages_is_struck(district):
    device = a_device(district, "AS01", faulty("half", "AS01", share=0.3))
    sizes = [len(b"".join(device.report(Period.REALTIME, T0 + 30 * i, (T0 + 30 * i) * MICROS))) for i in range(300)]
    assert 60 <= sum(size < 300 for size in sizes) <= 120


def test_split_into_parts_with_one_datatime(district):
    device = a_device(district, "AS02", faulty("split", "AS02", parts=3))
    parts = packets(b"".join(device.report(Period.HOUR, T0, (T0 + HOUR + 10) * MICROS)))
    assert len(parts) >= 3
    assert [one.split for one in parts] == [(len(parts), n + 1) for n in range(len(parts))]
    assert len({one.qn for one in parts}) == len(parts)
    assert {said(one) for one in parts} == {T0}
    whole = packets(b"".join(a_device(district, "AS02").report(Period.HOUR, T0, (T0 + HOUR + 10) * MICROS)))
    together = {k: v for one in parts for k, v in one.pairs()}
    assert together == {k: v for one in whole for k, v in one.pairs()}


def test_another_dialect(district):
    device = a_device(district, "E0013-W1", faulty("dialect", "E0013-W1", crc="modbus"))
    data = b"".join(device.report(Period.REALTIME, T0, T0 * MICROS))
    assert Framer().feed(data) == []
    (packet,) = packets(data, crc="modbus")
    assert packet.frame.crc_dialect == "modbus"


def test_a_skewed_clock_until_it_is_set(district):
    device = a_device(district, "E0007-S1", faulty("skew", "E0007-S1", seconds=420))
    now = (T0 + HOUR) * MICROS
    label = device.first(Period.REALTIME, now)
    assert label == T0 + HOUR + 420
    (packet,) = packets(b"".join(device.report(Period.REALTIME, label, now)), device.logger.sm4_key)
    assert packet.qn[:14] == "20260301010700"
    straight = a_device(district, "E0007-S1")
    (other,) = packets(b"".join(straight.report(Period.REALTIME, T0 + HOUR, now)))
    assert packet.get("a21026-Rtd") == other.get("a21026-Rtd")  # sees the same air, calls it by another time
    order = compose.command(
        "1012", mn=device.mn, st="31", pw=device.logger.password, qn="20260301010000100",
        params={"SystemTime": "20260301010000"},
    )  # fmt: skip
    answers = packets(b"".join(device.receive(order, now)))
    assert [(one.cn, one.get("QnRtn") or one.get("ExeRtn")) for one in answers] == [("9011", "1"), ("9012", "1")]
    assert device.clock_s(now + MICROS) == T0 + HOUR + 1
    (packet,) = packets(b"".join(device.report(Period.REALTIME, T0 + HOUR + 30, now + 30 * MICROS)))
    assert packet.qn[:14] == "20260301010030"


def test_a_stubborn_clock_does_not_obey(district):
    device = a_device(district, "E0007-S1", faulty("skew", "E0007-S1", seconds=-300, obeys=False))
    now = (T0 + HOUR) * MICROS
    order = compose.command(
        "1012", mn=device.mn, st="31", pw=device.logger.password, qn="20260301010000100",
        params={"SystemTime": "20260301010000"},
    )  # fmt: skip
    device.receive(order, now)
    assert device.clock_s(now) == T0 + HOUR - 300


def ask(device: SimDevice, cn: str, begin: int, end: int, now: int) -> list:
    order = compose.command(
        cn, mn=device.mn, st=device.logger.system, pw=device.logger.password, qn="20260302000000100",
        edition=device.logger.edition,
        params={"BeginTime": china(begin), "EndTime": china(end)},
    )  # fmt: skip
    return packets(b"".join(device.receive(order, now * MICROS)), device.logger.sm4_key)


def china(seconds: int) -> str:
    return f"{china_time(seconds):%Y%m%d%H%M%S}"


@pytest.mark.parametrize("site", ["WS02", "E0002-W1", "E0005-S1"])
def test_back_fill_gives_the_same_bytes_of_data_as_live(district, site):
    now = T0 + 9 * HOUR + 30
    got = ask(a_device(district, site), "2061", T0 + 2 * HOUR, T0 + 4 * HOUR, now)
    assert (got[0].cn, got[-1].cn, got[-1].get("ExeRtn")) == ("9011", "9012", "1")
    data = [one for one in got if one.cn == "2061"]
    assert sorted({said(one) for one in data}) == [T0 + h * HOUR for h in (2, 3, 4)]
    live = a_device(district, site)
    for one in data:
        sent = packets(b"".join(live.report(Period.HOUR, said(one), (said(one) + HOUR + 5) * MICROS)), live.sm4_key)
        assert one.cp in {p.cp for p in sent}


def test_no_data_for_what_is_not_over_and_for_when_it_was_off(district):
    script = faulty("silent", "WS02", **{"from": "+2h", "until": "+5h"})
    device = a_device(district, "WS02", script)
    now = T0 + 9 * HOUR + 30
    got = ask(device, "2061", T0, T0 + 9 * HOUR, now)
    assert sorted({said(one) for one in got if one.cn == "2061"}) == [T0 + h * HOUR for h in (0, 1, 5, 6, 7, 8)]
    nothing = ask(device, "2061", T0 + 3 * HOUR, T0 + 4 * HOUR, now)
    assert [(one.cn, one.get("ExeRtn")) for one in nothing][-1] == ("9012", "100")
    assert len(nothing) == 2


def test_a_cut_link_keeps_its_figures(district):
    script = faulty("cut", "WS02", **{"from": "+1h", "until": "+7h"})
    device = a_device(district, "WS02", script)
    assert [device.offline((T0 + h * HOUR) * MICROS) for h in (0, 1, 6, 7)] == [False, True, True, False]
    got = ask(device, "2061", T0 + HOUR, T0 + 6 * HOUR, T0 + 7 * HOUR + 60)
    assert sorted({said(one) for one in got if one.cn == "2061"}) == [T0 + h * HOUR for h in range(1, 7)]


def test_a_2025_logger_sends_later_of_its_own_accord(district):
    logger = next(one for one in district.loggers if one.edition == 2025 and not one.sm4_key)
    device = SimDevice(logger, Truth(district))
    device.keep(Period.HOUR, T0, (T0 + HOUR + 10) * MICROS)
    again = packets(b"".join(device.connected((T0 + 3 * HOUR) * MICROS)))
    assert {(one.cn, said(one), one.rf) for one in again} == {("2061", T0, True)}


def test_a_silent_one_says_nothing_and_hears_nothing(district):
    device = a_device(district, "AM07", faulty("silent", "AM07"))
    assert device.offline(T0 * MICROS)
    assert device.report(Period.REALTIME, T0, T0 * MICROS) == []
    assert device.connected(T0 * MICROS) == []


def test_commands_change_what_it_does(district):
    device = a_device(district, "AS01")
    now = T0 * MICROS

    def order(cn: str, **params: str) -> list:
        data = compose.command(
            cn, mn=device.mn, st="22", pw=device.logger.password, qn="20260301000000100", params=params
        )
        return packets(b"".join(device.receive(data, now)))

    order("1062", RtdInterval="60")
    order("1064", MinInterval="5")
    assert (device.length(Period.REALTIME), device.length(Period.MINUTE)) == (60, 300)
    kinds = [one.cn for one in order("3012", PolId="a21026")]
    assert kinds[:2] == ["9011", "9012"]
    assert kinds[2] == "2011"
    order("2012")
    assert device.report(Period.REALTIME, T0 + 60, now) == []
    assert [one.cn for one in order("2011")][-1] == "9012"
    assert device.report(Period.REALTIME, T0 + 60, now) != []


def test_sends_are_spread_over_the_interval_and_on_the_grid(district):
    devices = devices_of(Truth(district), realtime_s=30, minute=10)
    at: dict[str, list[int]] = defaultdict(list)
    seconds: Counter[int] = Counter()
    for due, device, data in messages(devices, T0 * MICROS, 120):
        for packet in packets(data, device.sm4_key):
            if packet.cn == "2011":
                at[packet.mn].append(said(packet))
                if due >= (T0 + 30) * MICROS:
                    seconds[due // MICROS] += 1
    for times in at.values():
        assert times == sorted(set(times))
        assert all((one - T0) % 30 == 0 for one in times)
        assert len(times) >= 4
    assert max(seconds.values()) <= 0.2 * sum(seconds.values()) / 3  # no burst holds a fifth of a round


def test_strangers_are_in_no_register(district):
    truth = Truth(district, parse_script('[[fault]]\nkind="unknown"\nlike="E0009-W1"\n'), T0)
    devices = devices_of(truth, realtime_s=30, minute=10)
    (stranger,) = [one for one in devices if not one.logger.registered]
    assert stranger.mn not in {id for kind, id, _ in district.records() if kind == "device"}
    (packet,) = packets(b"".join(stranger.report(Period.REALTIME, T0, T0 * MICROS)))
    assert packet.mn == stranger.mn


def test_flags_are_sent(district):
    script = '[[fault]]\nkind="flag"\nsite="E0002-W1"\nflag="M"\nfactors=["cod_cr"]\n'
    device = SimDevice(replace(district.logger_of("E0002-W1"), edition=2017), Truth(district, parse_script(script), T0))
    (packet,) = packets(b"".join(device.report(Period.MINUTE, T0, (T0 + 610) * MICROS)))
    assert (packet.get("w01018-Flag"), packet.get("w21003-Flag")) == ("M", "N")
