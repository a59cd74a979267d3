"""The device side: every request gets 9011, its data and 9012; what is not acknowledged is sent again."""

import asyncio

import pytest

from jinyun.sense.hj212 import compose
from jinyun.sense.hj212.content import china_seconds
from jinyun.sense.hj212.device import Device, DeviceClient
from jinyun.sense.hj212.framing import Framer
from jinyun.sense.hj212.packet import parse

MN = "010000A8900016F000169DC0"
NOW = china_seconds("20260301080000") * 1_000_000
QN = "20260301080000123"
HOUR = 3600


def history(cn, begin, end):
    """Hours 05:00, 06:00 and 07:00 are kept."""
    first = china_seconds("20260301050000")
    for time in range(first, first + 3 * HOUR, HOUR):
        if cn == "2061" and begin <= time <= end:
            yield time, [compose.item("w01018", "N", Avg="40.1")]


def device(**given):
    return Device(MN, **{"history": history, **given})


def ask(one, cn, params=(), *, now=NOW, pw="123456", mn=MN, edition=None, answer=True, qn=QN):
    edition = edition or one.edition
    data = compose.command(cn, mn=mn, st="32", pw=pw, qn=qn, edition=edition, params=params, crc=one.crc, answer=answer)
    return read(one.receive(data, now), one)


def read(frames, one):
    framer = Framer(crc=one.crc, sm4_key=one.sm4_key)
    packets = [parse(frame, sm4_key=one.sm4_key) for data in frames for frame in framer.feed(data)]
    assert len(packets) == len(frames)
    assert framer.rejects() == []
    return packets


def outline(packets):
    return [(one.cn, one.get("QnRtn") or one.get("ExeRtn") or one.get("DataTime") or one.cp) for one in packets]


@pytest.mark.parametrize("edition", [2005, 2017, 2025])
@pytest.mark.parametrize("crc", ["hj212", "modbus"])
def test_back_fill(edition, crc):
    one = device(edition=edition, crc=crc)
    got = ask(one, "2061", {"BeginTime": "20260301060000", "EndTime": "20260301070000"})
    assert outline(got) == [
        ("9011", "1"), ("2061", "20260301060000"), ("2061", "20260301070000"), ("9012", "1"),
    ]  # fmt: skip
    assert {packet.version for packet in got} == {edition}
    assert got[0].qn == got[-1].qn == QN
    # 2017: data sent on request have new QNs; 2005: the request's
    assert (got[1].qn == QN) == (edition == 2005)
    assert got[1].answer_wanted


def test_nothing_kept_is_said_with_100_and_a_bad_range_with_3():
    one = device()
    assert outline(ask(one, "2061", {"BeginTime": "20260101000000", "EndTime": "20260101010000"})) == [
        ("9011", "1"), ("9012", "100"),
    ]  # fmt: skip
    assert outline(ask(one, "2051", {"BeginTime": "20260301000000", "EndTime": "2026"}))[-1] == ("9012", "3")
    assert outline(ask(one, "2061", {"BeginTime": "20260301070000", "EndTime": "20260301060000"}))[-1] == ("9012", "3")


def test_settings_change_and_are_told():
    one = device()
    assert outline(ask(one, "1000", {"OverTime": "5", "ReCount": "2"}))[-1] == ("9012", "1")
    assert (one.overtime, one.recount) == (5, 2)
    assert outline(ask(one, "1062", {"RtdInterval": "60"}))[-1] == ("9012", "1")
    assert outline(ask(one, "1061"))[1] == ("1061", "RtdInterval=60")
    assert outline(ask(one, "1064", {"MinInterval": "7"}))[-1] == ("9012", "3")  # 7 is none of the standard's
    assert outline(ask(one, "1064", {"MinInterval": "5"}))[-1] == ("9012", "1")
    assert outline(ask(one, "1063"))[1] == ("1063", "MinInterval=5")
    assert outline(ask(one, "1072", {"NewPW": "654321"}))[-1] == ("9012", "1")
    assert outline(ask(one, "1061", pw="123456")) == [("9011", "3")]  # wrong PW now
    assert ask(one, "1061", pw="654321")[0].get("QnRtn") == "1"


def test_clock():
    one = device()
    assert outline(ask(one, "1011"))[1] == ("1011", "SystemTime=20260301080000")
    ask(one, "1012", {"SystemTime": "20260301090000"})
    assert one.clock_offset == HOUR * 1_000_000
    assert outline(ask(one, "1011", {"PolId": "w01018"}))[1] == ("1011", "PolId=w01018;SystemTime=20260301090000")
    assert outline(ask(one, "1012", {"SystemTime": "20261301090000"}))[-1] == ("9012", "3")


def test_a_clock_set_back_takes_the_request_numbers_back_with_it():
    one = device()
    ask(one, "1012", {"SystemTime": "20260301090000"})
    ask(one, "1011")  # its data packet takes a number of 09:00
    ask(one, "1012", {"SystemTime": "20260301080000"})
    assert ask(one, "1011")[1].qn.startswith("2026030108")


def test_start_and_stop():
    one = device()
    assert outline(ask(one, "2012")) == [("9013", "")]
    assert not one.sending
    assert outline(ask(one, "2011"))[0] == ("9011", "1")
    assert one.sending
    ask(one, "2022")
    assert not one.sending_state
    ask(one, "2021")
    assert one.sending_state


def test_control_and_information():
    done = []
    one = device(action=lambda cn, fields, now: done.append((cn, fields["PolId"])) or 2)
    assert outline(ask(one, "3012", {"PolId": "w01018"})) == [("9011", "1"), ("9012", "2")]
    assert done == [("3012", "w01018")]
    assert outline(ask(one, "3020", {"PolId": "w01018", "InfoId": "i13004"}))[-1] == ("9012", "100")
    assert outline(ask(one, "3021", {"PolId": "w01018", "InfoId": "i13004", "Info": "168.0"}))[-1] == ("9012", "1")
    told = ask(one, "3020", {"PolId": "w01018", "InfoId": "i13004"})[1]
    assert told.pairs() == [("DataTime", "20260301080000"), ("PolId", "w01018"), ("i13004-Info", "168.0")]
    ask(one, "3016", {"PolId": "w01018", "CstartTime": "010000", "Ctime": "4"})
    assert outline(ask(one, "3017", {"PolId": "w01018"}))[1] == ("3017", "PolId=w01018;CstartTime=010000;Ctime=4")
    assert ask(one, "3019", {"PolId": "w01018"})[1].get("w01018-SN") == MN
    assert ask(one, "3018", {"PolId": "w01018"})[1].get("Stime") == "40"


def test_2005_puts_qn_into_cp():
    one = device(edition=2005)
    answer, told, done = ask(one, "1061")
    assert told.cp == f"QN={QN};RtdInterval=30"  # annex: ST=32;CN=1061;…;CP=&&QN=…;RtdInterval=30&&
    assert answer.qn_in_cp
    assert done.qn_in_cp
    ask(one, "1022", [("PolId", "101"), ("LowValue", "1.1"), ("UpValue", "9.9")])
    assert ask(one, "1021", {"PolId": "101"})[1].get("101-UpValue") == "9.9"


@pytest.mark.parametrize(
    ("edition", "cn", "code"), [(2017, "3024", "8"), (2005, "1064", "2"), (2025, "3016", "8"), (2025, "3014", "8")]
)
def test_what_the_edition_does_not_know_is_refused(edition, cn, code):
    one = device(edition=edition)
    text = compose.segment(cn, st="32", pw="123456", mn=MN, qn=QN, flag=compose.flag_of(edition, answer=True))
    assert outline(read(one.receive(compose.frame(text), NOW), one)) == [("9011", code)]


def test_another_mn_is_refused_and_no_answer_is_given_when_none_is_wanted():
    one = device()
    assert outline(ask(one, "1061", mn="x" * 24)) == [("9011", "4")]
    assert outline(ask(one, "1061", answer=False)) == [("1061", "RtdInterval=30")]


def test_unacknowledged_data_are_sent_again_with_the_same_qn_then_on_the_next_link():
    one = device(overtime=10, recount=2)
    [first] = one.upload("2011", [compose.item("w01018", Rtd="1")], NOW // 1_000_000, NOW)
    assert one.tick(NOW + 9_999_999) == []
    assert one.tick(NOW + 10_000_000) == [first]
    assert one.tick(NOW + 20_000_000) == [first]
    assert one.tick(NOW + 30_000_000) == []
    assert one.tick(NOW + 99_000_000) == []
    assert one.connected(NOW + 100_000_000) == [first]
    [packet] = read([first], one)
    assert one.receive(compose.answer(packet, "9014"), NOW) == []
    assert (len(one.pending), one.acknowledged) == (0, 1)
    assert one.connected(NOW + 200_000_000) == []


@pytest.mark.parametrize("edition", [2005, 2017, 2025])
def test_every_part_of_a_split_record_is_acknowledged_by_its_qn(edition):
    one = device(edition=edition, sm4_key=b"k" * 16 if edition == 2025 else b"")
    items = [compose.item(f"w{n:05}", "N", Min="1", Avg="2", Max="3") for n in range(40)]
    packets = read(one.upload("2061", items, NOW // 1_000_000, NOW), one)
    assert len(one.pending) == len(packets) > 1
    assert all(packet.encrypted == (edition == 2025) for packet in packets)
    for packet in reversed(packets):
        one.receive(compose.answer(packet, "9014"), NOW)
    assert len(one.pending) == 0
    [after] = read(one.upload("2061", items[:1], NOW // 1_000_000, NOW), one)
    assert after.qn > max(packet.qn for packet in packets)


def test_2025_marks_what_is_sent_again():
    one = device(edition=2025, overtime=1)
    [first] = one.upload("2011", ["w01018-Rtd=1"], NOW // 1_000_000, NOW)
    [again] = read(one.tick(NOW + 1_000_000), one)
    assert not read([first], one)[0].rf
    assert again.rf
    assert again.qn == read([first], one)[0].qn


def test_the_buffer_is_bounded():
    one = device(buffer=3)
    for _ in range(5):
        one.upload("2011", ["w01018-Rtd=1"], NOW // 1_000_000, NOW)
    assert (len(one.pending), one.lost) == (3, 2)
    quiet = device(answer=False)
    quiet.upload("2011", ["w01018-Rtd=1"], NOW // 1_000_000, NOW)
    assert len(quiet.pending) == 0


def test_notifications_wait_for_9013():
    one = device()
    [asked] = read(one.ask_clock(NOW), one)
    assert (asked.cn, asked.answer_wanted, len(one.pending)) == ("1013", True, 1)
    one.receive(compose.answer(asked, "9013"), NOW)
    assert len(one.pending) == 0
    assert read(one.started(NOW // 1_000_000, NOW), one)[0].get("RestartTime") == "20260301080000"
    assert read(device(edition=2025).heartbeat(NOW), one)[0].cn == "9015"


def test_damaged_bytes_from_the_centre_are_survived():
    one = device()
    assert one.receive(b"\xff##0100QN=garbage" + b"x" * 200, NOW) == []
    assert ask(one, "1061")[0].get("QnRtn") == "1"


async def test_the_client_connects_again_and_sends_what_was_not_acknowledged():
    got, silent = [], True

    async def centre(reader, writer):
        framer = Framer()
        while data := await reader.read(4096):
            for frame in framer.feed(data):
                packet = parse(frame)
                got.append(packet.qn)
                if silent:
                    writer.close()
                    return
                writer.write(compose.answer(packet, "9014"))
        writer.close()

    server = await asyncio.start_server(centre, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    one = device()
    client = DeviceClient(one, "127.0.0.1", port, clock=lambda: NOW, longest=0.05, every=0.02)
    running = asyncio.create_task(client.run())
    try:
        await client.send("2011", ["w01018-Rtd=1"], NOW // 1_000_000)
        async with asyncio.timeout(10):
            while not got:
                await asyncio.sleep(0.01)
            silent = False
            while one.pending:
                await asyncio.sleep(0.01)
        assert len(set(got)) == 1
        assert client.connections >= 2
    finally:
        await client.close()
        server.close()
    assert running.done()
