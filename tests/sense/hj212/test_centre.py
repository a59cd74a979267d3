"""The centre on real sockets over a real store: acknowledged means durable, refused means told."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest
from centres import MN, Bench, Logger, china, china_text, fields, framed

from jinyun.kernel.errors import BadInput, NotFound, Unavailable
from jinyun.kernel.ports import Actor, DeviceProfile
from jinyun.kernel.terms import Origin, Period
from jinyun.sense.hj212 import compose
from jinyun.sense.hj212.client import DeviceClient
from jinyun.sense.hj212.device import Device

OFFICER = Actor("li", ("officer",))
HOURS = (Period.HOUR,)


def profile(mn=MN, site="s1", **changes):
    given = {"site_kind": "water_outlet", "system": "32", "password": "123456", "set_clock": False}
    return DeviceProfile(mn=mn, site=site, **{**given, **changes})


@pytest.fixture
async def bench(tmp_path):
    made = []

    def make(*profiles, **settings):
        one = Bench(tmp_path, *(profiles or (profile(),)), **settings)
        made.append(one)
        return one

    yield make
    for one in made:
        if getattr(one, "centre", None) is not None and one.centre.loop is not None:
            await one.stop()


def now_text(back=0):
    return china_text(time.time() - back)


async def test_upload_is_answered_after_it_is_durable_and_then_stored(bench):
    b = bench()
    centre = await b.start()
    moment = now_text()
    async with Logger(centre.port) as logger:
        await logger.send(
            "2011",
            f"DataTime={moment};w01018-Rtd=40.1,w01018-Flag=N;w21003-Rtd=1.25,w21003-Flag=D",
            qn="20261122080000001",
        )
        answer = await logger.hear()
    assert answer | {"CP": ""} == {
        "QN": "20261122080000001", "ST": "91", "CN": "9014", "PW": "123456", "MN": MN, "Flag": "4", "CP": "",
    }  # fmt: skip
    ref, raw = next(iter(b.journal.scan()))
    assert raw.mn == MN
    assert b"w01018-Rtd=40.1" in raw.data
    await b.settle()
    assert b.values() == {("cod_cr", "RTD", china(moment)): "40.1", ("nh3_n", "RTD", china(moment)): "1.25"}
    arrival = b.arrivals[0]
    assert (arrival.site, arrival.mn, arrival.period, arrival.time) == ("s1", MN, Period.REALTIME, china(moment))
    reading = b.readings.read("s1", start=0, end=1 << 33)[0]
    assert b.readings.frame(reading.frame).ref == ref
    assert b.readings.frame(reading.frame).origin is Origin.LIVE


async def test_nothing_is_answered_when_the_journal_cannot_keep_it(bench):
    b = bench()
    centre = await b.start()

    def no_room(messages, done, failed):
        failed(Unavailable("the disk is full"))

    keep, b.journal.append_many = b.journal.append_many, no_room
    async with Logger(centre.port) as logger:
        await logger.send("2011", f"DataTime={now_text()};w01018-Rtd=40.1")
        assert await logger.silent()
        assert centre.state()["not_kept"] == 1
        b.journal.append_many = keep
        await logger.send("2011", f"DataTime={now_text()};w01018-Rtd=40.1")
        assert (await logger.hear())["CN"] == "9014"


async def test_a_store_that_is_behind_delays_storing_not_answers(bench, monkeypatch):
    monkeypatch.setattr("jinyun.sense.hj212.ingest.RETRY_PAUSE", 0.05)
    b = bench()
    centre = await b.start()
    put, tries = b.readings.put, []

    def behind(block):
        tries.append(block.time)
        if len(tries) <= 3:
            raise Unavailable("the store is behind")
        put(block)

    b.readings.put = behind
    times = [china(now_text(3600)) + 60 * n for n in range(3)]
    async with Logger(centre.port) as logger:
        for when in times:
            await logger.send("2051", f"DataTime={china_text(when)};w01018-Avg=1")
            assert (await logger.hear())["CN"] == "9014"
        await b.settle()
    assert tries == [times[0]] * 4 + times[1:]  # none skipped, in order
    assert len(b.values()) == 3


async def test_2005_is_answered_in_its_own_dress(bench):
    b = bench(profile(mn="88888880000001", always_answer=True))
    centre = await b.start()
    moment = now_text(3600)
    async with Logger(centre.port, mn="88888880000001") as logger:
        await logger.raw(
            framed(
                f"ST=32;CN=2051;QN=20261122080000002;PW=123456;MN=88888880000001;CP=&&DataTime={moment};011-Avg=40.1&&"
            )
        )
        answer = await logger.hear()
    assert (answer["ST"], answer["CP"]) == ("91", "QN=20261122080000002;CN=2051")
    await b.settle()
    assert b.values()["cod_cr", "AVG", china(moment)] == "40.1"


async def test_answers_only_when_wanted(bench):
    b = bench()
    centre = await b.start()
    async with Logger(centre.port) as logger:
        await logger.send("2011", f"DataTime={now_text()};w01018-Rtd=1", flag=4)
        assert await logger.silent()
        await logger.send("1013", "PolId=w01018", flag=5)
        assert (await logger.hear())["CN"] == "9013"
        await logger.send("9015", "", flag=9)
        assert (await logger.hear())["CN"] == "9013"
        await logger.send("9012", "ExeRtn=1", flag=4)
        assert await logger.silent()


async def test_always_answer_is_a_switch_of_the_device(bench):
    b = bench(profile(always_answer=True))
    centre = await b.start()
    async with Logger(centre.port) as logger:
        await logger.send("2011", f"DataTime={now_text()};w01018-Rtd=1", flag=4)
        assert (await logger.hear())["CN"] == "9014"


@pytest.mark.parametrize("dialect", ["modbus", "modbus_swapped", "arc"])
async def test_crc_dialects_are_off_until_the_record_says_so(bench, dialect):
    b = bench()
    centre = await b.start()
    async with Logger(centre.port) as logger:
        await logger.send("2011", f"DataTime={now_text()};w01018-Rtd=7", dialect=dialect)
        assert await logger.silent()
        await b.settle()
        shown = b.rejects.find(mn=MN)
        assert shown[0]["reason"] == "crc-dialect"
        assert dialect in centre.link(MN)["advice"][0]["en"]
        assert b.values() == {}
        b.devices.put(profile(crc=dialect))
        await logger.send("2011", f"DataTime={now_text()};w01018-Rtd=7", dialect=dialect)
        frame = (await asyncio.wait_for(logger.reader.readuntil(b"\r\n"), 5)).strip()
        assert fields(frame + b"\r\n")["CN"] == "9014"
        from jinyun.sense.hj212 import crc

        assert crc.text(frame[6:-4], dialect) == frame[-4:].decode().upper()  # answered in the asker's dialect
    await b.settle()
    assert len(b.values()) == 1


async def test_refused_frames_are_told_with_bytes_and_reason(bench):
    b = bench()
    centre = await b.start()
    good = Logger(centre.port)
    async with good:
        broken = framed(good.segment("2011", f"DataTime={now_text()};w01018-Rtd=1"))
        broken = broken[:60] + bytes([broken[60] ^ 1]) + broken[61:]
        await good.raw(broken)
        good.pw = "654321"
        await good.send("2011", f"DataTime={now_text()};w01018-Rtd=2")
        good.pw = "123456"
        await good.send("2011", f"DataTime={now_text(-3 * 86400)};w01018-Rtd=3")
        assert (await good.hear())["CN"] == "9014"  # durable, so acknowledged; but not stored
        await good.send("2011", "DataTime=19700101080000;w01018-Rtd=4")
        await good.hear()
        await good.send("2011", f"DataTime={now_text()};w01018-Rtd=abc,w01018-Flag=N")
        await good.hear()
        await b.settle()
    found = {row["reason"]: row for row in b.rejects.find()}
    assert set(found) == {"crc-wrong", "password", "time-future", "time-past", "value-not-a-number"}
    assert bytes(found["crc-wrong"]["data"]) == broken.rstrip(b"\r\n")
    assert all(row["sentence"] for row in found.values())
    assert set(b.values().values()) <= {None}
    reasons = {row["reason"] for row in centre.link(MN)["rejects"]}
    assert {"password", "time-future", "time-past", "value-not-a-number"} <= reasons
    refs = [str(ref) for ref, raw in b.journal.scan() if raw.link.endswith("/refused")]
    assert len(refs) == 2  # the two that were frames
    count = len(b.rejects.find())
    await b.stop()
    centre = await b.start()  # a restart neither forgets nor doubles them
    assert len(b.rejects.find()) == count
    assert {row["reason"] for row in centre.link(MN)["rejects"]} >= {"password", "time-future", "time-past"}


async def test_unknown_mn_is_kept_offered_and_taken_in(bench):
    b = bench(profile(mn="OTHER"))
    centre = await b.start()
    times = [china(now_text(600)) + 60 * n for n in range(3)]
    async with Logger(centre.port, mn="STRANGER1") as logger:
        for n, when in enumerate(times):
            await logger.send("2051", f"DataTime={china_text(when)};w01018-Avg={n}.5")
            assert (await logger.hear())["CN"] == "9014"
        await b.settle()
        held = centre.quarantine()
        assert [(h["mn"], h["count"], h["kept"]) for h in held] == [("STRANGER1", 3, 3)]
        assert next(r for r in centre.links() if r["mn"] == "STRANGER1")["state"] == "quarantine"
        assert "not registered" in centre.link("STRANGER1")["advice"][0]["en"]
        with pytest.raises(NotFound):
            centre.adopt("STRANGER1")
        await b.stop()
    centre = await b.start()  # a restart does not lose them
    assert centre.quarantine()[0]["kept"] == 3
    b.devices.profiles["STRANGER1"] = profile(mn="STRANGER1", site="s9", minute_interval=1)
    assert await asyncio.to_thread(centre.adopt, "STRANGER1") == 3
    assert b.values("s9") == {("cod_cr", "AVG", when): f"{n}.5" for n, when in enumerate(times)}
    assert centre.quarantine() == []
    assert await asyncio.to_thread(centre.adopt, "STRANGER1") == 0


async def test_registration_alone_takes_in_what_was_kept(bench):
    b = bench(profile(mn="OTHER"))
    centre = await b.start()
    async with Logger(centre.port, mn="STRANGER2") as logger:
        await logger.send("2011", f"DataTime={now_text()};w01018-Rtd=9")
        await logger.hear()
        await b.settle()
        b.devices.put(profile(mn="STRANGER2", site="s2"))
        await b.until(lambda: b.values("s2"))
        assert [key[:2] for key in b.values("s2")] == [("cod_cr", "RTD")]


async def test_replay_after_a_kill_stores_what_was_acknowledged_once(bench):
    b = bench()
    centre = await b.start()
    times = [china(now_text(7200)) + 60 * n for n in range(20)]
    async with Logger(centre.port) as logger:
        for n, when in enumerate(times[:10]):
            await logger.send("2051", f"DataTime={china_text(when)};w01018-Avg={n}.5")
            await logger.hear()
        await b.settle()
        centre.ingest.decode = lambda item: None  # from here on nothing reaches the store, as if killed before
        centre.ingest.settled = lambda ref: None
        for n, when in enumerate(times[10:], 10):
            await logger.send("2051", f"DataTime={china_text(when)};w01018-Avg={n}.5")
            assert (await logger.hear())["CN"] == "9014"
        await b.stop()
    b.arrivals.clear()
    centre = await b.start()
    assert centre.replayed["stored"] >= 10
    assert b.values() == {("cod_cr", "AVG", when): f"{n}.5" for n, when in enumerate(times)}
    assert {a.time for a in b.arrivals} >= set(times[10:])
    series = b.readings.read("s1", start=0, end=1 << 33)[0].series
    assert all(len(b.readings.versions(series, when)) == 1 for when in times)


async def test_what_was_stored_but_perhaps_not_judged_is_announced_again(bench):
    b = bench()
    centre = await b.start()
    when = china(now_text(7200))
    async with Logger(centre.port) as logger:
        await logger.send("2051", f"DataTime={china_text(when)};w01018-Avg=1.5")
        await logger.hear()
    await b.stop()
    for _ in range(3):  # killed and started again within the time that judging may take
        b.arrivals.clear()
        await b.start()
        assert [a.time for a in b.arrivals] == [when]
        assert b.readings.state()["rows"] == 0  # announced, not stored again
        await b.stop()
    await b.start()


async def test_same_packet_again_is_answered_again_and_stored_once(bench):
    b = bench()
    centre = await b.start()
    when = now_text(60)
    async with Logger(centre.port) as logger:
        for value in ("1.5", "1.5", "1.6"):
            await logger.send("2051", f"DataTime={when};w01018-Avg={value},w01018-Flag=N")
            assert (await logger.hear())["CN"] == "9014"
        await b.settle()
    reading = b.readings.read("s1", start=0, end=1 << 33)[0]
    assert [str(v.value.normalize()) for v in b.readings.versions(reading.series, reading.time)] == ["1.5", "1.6"]


async def test_newest_socket_of_an_mn_wins_and_the_older_is_closed_after_grace(bench):
    b = bench(replace_grace=0.2)
    centre = await b.start()
    old, new = await Logger(centre.port).connect(), await Logger(centre.port).connect()
    for logger in (old, new):
        await logger.send("2011", f"DataTime={now_text()};w01018-Rtd=1")
        await logger.hear()
    await old.send("2011", f"DataTime={now_text()};w01018-Rtd=2")  # still heard within the grace
    await old.hear()
    assert await old.closed()
    assert not new.writer.is_closing()
    await new.send("2011", f"DataTime={now_text()};w01018-Rtd=3")
    await new.hear()
    assert centre.link(MN)["counts"]["two-sockets"] == 1
    assert "two live connections" in str(centre.link(MN)["advice"])
    new.writer.close()


async def test_a_forwarders_socket_carries_several_devices(bench):
    b = bench(profile(), profile(mn="B", site="s2"), replace_grace=0.1)
    centre = await b.start()
    one, two = await Logger(centre.port).connect(), await Logger(centre.port).connect()
    for mn in (MN, "B"):
        one.mn = mn
        await one.send("2011", f"DataTime={now_text()};w01018-Rtd=1")
        await one.hear()
    await two.send("2011", f"DataTime={now_text()};w01018-Rtd=2")  # MN moves over, B stays
    await two.hear()
    await asyncio.sleep(0.4)
    await one.send("2011", f"DataTime={now_text()};w01018-Rtd=3")
    assert (await one.hear())["MN"] == "B"
    assert len(centre.traffic.current) == 2
    one.writer.close()
    two.writer.close()


async def test_split_record_is_stored_part_by_part_and_missing_parts_are_told(bench):
    b = bench(joiner_timeout=0.3)
    centre = await b.start()
    when = now_text(60)
    async with Logger(centre.port) as logger:
        await logger.send("2051", f"DataTime={when};w01018-Avg=1", flag=7, more="PNUM=2;PNO=1;")
        await logger.hear()
        await b.settle()
        assert b.values() == {("cod_cr", "AVG", china(when)): "1"}
        await logger.send("2051", f"DataTime={when};w21003-Avg=2", flag=7, more="PNUM=2;PNO=2;")
        await logger.hear()
        await b.settle()
        assert len(b.values()) == 2
        await logger.send("2051", f"DataTime={now_text(0)};w21003-Avg=2", flag=7, more="PNUM=3;PNO=2;")
        await logger.hear()
        await b.until(
            lambda: b.centre.clerk.flush() or any(r["reason"] == "split-incomplete" for r in b.rejects.find())
        )
    told = [r for r in b.rejects.find() if r["reason"] == "split-incomplete"]
    assert len(told) == 1
    assert "1, 3" in told[0]["sentence"]


async def test_late_data_are_marked_as_back_fill(bench):
    b = bench()
    centre = await b.start()
    late, fresh = now_text(6 * 3600), now_text(600)
    async with Logger(centre.port) as logger:
        for when in (late, fresh):
            await logger.send("2051", f"DataTime={when};w01018-Avg=1")
            await logger.hear()
        await b.settle()
    origins = {r.time: b.readings.frame(r.frame).origin for r in b.readings.read("s1", start=0, end=1 << 33)}
    assert origins == {china(late): Origin.BACKFILL, china(fresh): Origin.LIVE}


async def test_link_page_shows_frames_decoded(bench):
    b = bench()
    centre = await b.start()
    async with Logger(centre.port) as logger:
        await logger.send("2011", f"DataTime={now_text()};w01018-Rtd=40.1,w01018-Flag=N;ea3001-Rtd=5")
        await logger.hear()
        await b.settle()
        page = await asyncio.to_thread(centre.link, MN)
    frame = page["frames"][0]
    assert (frame["direction"], frame["answer"], frame["verdict"]) == ("in", "9014", "accepted")
    assert frame["decoded"]["items"][0]["value"] == "40.1"
    assert frame["decoded"]["items"][0]["zh"] == "化学需氧量"
    assert "ea3001" in page["unknown_codes"]
    assert page["state"] == "online"
    assert page["profile"]["mn"] == MN
    assert abs(page["clock_offset_s"]) < 5
    assert centre.last_seen(MN) == page["last_at"]
    row = next(r for r in centre.links() if r["mn"] == MN)
    assert {
        "mn",
        "name",
        "site",
        "state",
        "last_at",
        "rate_per_min",
        "rejects",
        "crc_guess",
        "clock_offset_s",
        "gaps",
        "peer",
    } <= set(row)
    with pytest.raises(NotFound):
        centre.link("NOBODY")
    await b.until(lambda: any(topic == "link" and event["mn"] == MN for topic, event in b.bus.events))


async def test_last_seen_outlives_a_restart(bench):
    b = bench()
    centre = await b.start()
    async with Logger(centre.port) as logger:
        await logger.send("2011", f"DataTime={now_text()};w01018-Rtd=1")
        await logger.hear()
    seen = centre.last_seen(MN)
    assert seen
    await b.stop()
    centre = await b.start()
    assert centre.last_seen(MN) == seen


async def test_command_goes_out_and_its_answers_come_back(bench):
    b = bench()
    centre = await b.start()
    queued = await asyncio.to_thread(centre.command, MN, "1011", {"PolId": "w01018"}, OFFICER)
    assert queued["state"] == "queued"
    async with Logger(centre.port) as logger:
        await logger.send("2011", f"DataTime={now_text()};w01018-Rtd=1", flag=4)
        asked = await logger.hear()
        assert (asked["CN"], asked["PolId"], asked["Flag"], asked["MN"], asked["ST"]) == (
            "1011",
            "w01018",
            "5",
            MN,
            "32",
        )
        await logger.send("9011", "QnRtn=1", qn=asked["QN"], flag=4)
        await logger.send("1011", "PolId=w01018,SystemTime=20261122080000", qn=asked["QN"], flag=4)
        await logger.send("9012", "ExeRtn=1", qn=asked["QN"], flag=4)
        done = await centre.wait(queued["id"], 5)
    assert (done["state"], done["qn_rtn"], done["exe_rtn"], done["actor"]) == ("done", 1, 1, "li")
    assert done["result"]["SystemTime"] == "20261122080000"
    shown = centre.commands(MN)[0]
    assert shown["cn"] == "1011"
    assert shown["zh"]


async def test_command_is_sent_again_and_fails_in_the_end(bench):
    b = bench(answer_timeout=0.15)
    centre = await b.start()
    async with Logger(centre.port) as logger:
        await logger.send("2011", f"DataTime={now_text()};w01018-Rtd=1", flag=4)
        await b.until(lambda: MN in centre.traffic.current)
        id = centre.command(MN, "1011", {}, OFFICER)["id"]
        heard = [await logger.hear() for _ in range(4)]
        assert len({one["QN"] for one in heard}) == 1
        assert await logger.silent(0.4)
        assert (await centre.wait(id, 5))["state"] == "unreachable"


async def test_queued_command_outlives_a_restart(bench):
    b = bench()
    centre = await b.start()
    id = centre.command(MN, "1062", {"RtdInterval": 60}, OFFICER)["id"]
    await b.stop()
    centre = await b.start()
    async with Logger(centre.port) as logger:
        await logger.send("2011", f"DataTime={now_text()};w01018-Rtd=1", flag=4)
        asked = await logger.hear()
        assert (asked["CN"], asked["RtdInterval"]) == ("1062", "60")
    assert centre.desk.get(id).actor == "li"


async def test_commands_are_checked(bench):
    b = bench()
    centre = await b.start()
    with pytest.raises(NotFound):
        centre.command("NOBODY", "1011", {}, OFFICER)
    with pytest.raises(BadInput, match="9014"):
        centre.command(MN, "9014", {}, OFFICER)
    with pytest.raises(BadInput, match="Colour"):
        centre.command(MN, "1011", {"Colour": "red"}, OFFICER)
    with pytest.raises(BadInput, match="BeginTime"):
        centre.command(MN, "2061", {}, OFFICER)
    with pytest.raises(BadInput):
        centre.command(MN, "1011", {"PolId": "w01018;CN=2011"}, OFFICER)


async def test_skewed_clock_is_seen_and_set(bench):
    b = bench(profile(set_clock=True))
    centre = await b.start()
    async with Logger(centre.port) as logger:
        for _ in range(4):
            ahead = time.time() + 600
            await logger.send(
                "2011", f"DataTime={china_text(ahead)};w01018-Rtd=1", qn=f"{china_text(ahead)}000", flag=4
            )
            await b.settle()
        asked = await logger.hear()
    assert asked["CN"] == "1012"
    assert abs(china(asked["SystemTime"]) - time.time()) < 120
    assert centre.link(MN)["counts"]["clock-set"] == 1


async def test_first_connection_is_set_up_once(bench):
    b = bench(profile(set_up=True, realtime_interval=60, minute_interval=5))
    centre = await b.start()
    heard = []
    async with Logger(centre.port) as logger:
        await logger.send("2011", f"DataTime={now_text()};w01018-Rtd=1", flag=4)
        for _ in range(5):
            asked = await logger.hear()
            heard.append((asked["CN"], asked["CP"]))
            await logger.send("9011", "QnRtn=1", qn=asked["QN"], flag=4)
            await logger.send("9012", "ExeRtn=1", qn=asked["QN"], flag=4)
        assert await logger.silent()
    assert [cn for cn, _ in heard] == ["1012", "1000", "1062", "1064", "2011"]
    assert heard[1][1] == "OverTime=10;ReCount=3"
    assert heard[2][1] == "RtdInterval=60"
    assert heard[3][1] == "MinInterval=5"
    await b.stop()
    centre = await b.start()
    async with Logger(centre.port) as logger:
        await logger.send("2011", f"DataTime={now_text()};w01018-Rtd=1", flag=4)
        assert await logger.silent()


def half_past(b):
    """Put the house's clock at 09:30 China time of today, so that no test runs over an hour's end; gives 09:00."""
    now = time.time()
    hour = (int(now) + 28_800) // 86_400 * 86_400 - 28_800 + 9 * 3600
    b.clock.shift = int((hour + 1800 - now) * 1_000_000)
    return hour


def missing(b):
    return b.centre.gaps.count(MN, b.clock.now() // 1_000_000) if b.centre.gaps.tracks else -1


async def test_gaps_are_asked_for_newest_first_and_filled(bench):
    b = bench(profile(periods=HOURS), backfill=True, look_back={"HOUR": 30 * 3600})
    hour = half_past(b)
    centre = await b.start()
    have, asked_for = {}, []
    async with Logger(centre.port) as logger:
        await logger.send("2061", f"DataTime={china_text(hour - 3600)};w01018-Avg=1", flag=4)
        while len(asked_for) < 2:
            asked = await logger.hear(10)
            assert asked["CN"] == "2061"
            begin, end = china(asked["BeginTime"]), china(asked["EndTime"])
            asked_for.append((begin, end))
            await logger.send("9011", "QnRtn=1", qn=asked["QN"], flag=4)
            for when in range(begin, end + 1, 3600):
                have[when] = str(when // 3600 % 50)
                await logger.send("2061", f"DataTime={china_text(when)};w01018-Avg={have[when]}", flag=4)
            await logger.send("9012", "ExeRtn=1", qn=asked["QN"], flag=4)
        assert await logger.silent(1.0)
    # 09:30: the newest hour that is two periods late is 06:00; the look-back of 30 h began at yesterday's 03:00
    midnight = hour - 9 * 3600
    assert asked_for == [(midnight, midnight + 6 * 3600), (midnight - 21 * 3600, midnight - 3600)]
    await b.settle()
    stored = b.values()
    assert {when: stored["cod_cr", "AVG", when] for when in have} == have
    frames = {r.time: b.readings.frame(r.frame) for r in b.readings.read("s1", start=0, end=1 << 33)}
    assert all(frames[when].origin is Origin.BACKFILL for when in have)
    assert frames[hour - 3600].origin is Origin.LIVE
    assert {gap["state"] for gap in centre.link(MN)["gaps"]} == {"filled"}
    assert missing(b) == 0


async def test_a_device_that_stamps_the_end_is_asked_in_its_own_stamps(bench):
    b = bench(profile(periods=HOURS, label_end=True), backfill=True, look_back={"HOUR": 5 * 3600})
    hour = half_past(b)
    centre = await b.start()
    async with Logger(centre.port) as logger:
        await logger.send("2061", f"DataTime={china_text(hour)};w01018-Avg=1", flag=4)
        asked = await logger.hear(10)
    assert (china(asked["BeginTime"]), china(asked["EndTime"])) == (hour - 4 * 3600, hour - 2 * 3600)


async def test_no_data_is_remembered(bench):
    b = bench(profile(periods=HOURS), backfill=True, look_back={"HOUR": 5 * 3600})
    hour = half_past(b)
    centre = await b.start()
    async with Logger(centre.port) as logger:
        await logger.send("2061", f"DataTime={china_text(hour - 3600)};w01018-Avg=1", flag=4)
        asked = await logger.hear(10)
        await logger.send("9012", "ExeRtn=100", qn=asked["QN"], flag=4)
        assert await logger.silent(0.5)
        assert missing(b) == 0
    await b.stop()
    centre = await b.start()
    async with Logger(centre.port) as logger:
        await logger.send("2061", f"DataTime={china_text(hour - 3600)};w01018-Avg=1", flag=4)
        assert await logger.silent(1.0)
        assert missing(b) == 0
    assert {gap["state"] for gap in centre.link(MN)["gaps"]} == {"missing_at_source"}


async def test_what_the_store_has_is_not_asked_for_after_a_restart(bench):
    b = bench(profile(periods=HOURS), backfill=False, look_back={"HOUR": 5 * 3600})
    hour = half_past(b)
    centre = await b.start()
    async with Logger(centre.port) as logger:
        for back in (5, 4, 1):
            await logger.send("2061", f"DataTime={china_text(hour - back * 3600)};w01018-Avg=1", flag=5)
            await logger.hear()
    await b.stop()
    b.settings = replace(b.settings, backfill=True)
    centre = await b.start()
    async with Logger(centre.port) as logger:
        await logger.send("2061", f"DataTime={china_text(hour - 3600)};w01018-Avg=1", flag=4)
        asked = await logger.hear(10)
    assert (china(asked["BeginTime"]), china(asked["EndTime"])) == (hour - 3 * 3600, hour - 3 * 3600)


async def test_operators_command_goes_before_back_fill(bench):
    b = bench(profile(periods=HOURS), backfill=True, look_back={"HOUR": 48 * 3600})
    hour = half_past(b)
    centre = await b.start()
    centre.command(MN, "1011", {}, OFFICER)
    async with Logger(centre.port) as logger:
        await logger.send("2061", f"DataTime={china_text(hour - 3600)};w01018-Avg=1", flag=4)
        assert (await logger.hear())["CN"] == "1011"
        assert await logger.silent(0.6)  # one in flight


async def test_stop_answers_and_stores_what_is_in_hand(bench):
    b = bench()
    centre = await b.start()
    when = china(now_text(7200))
    async with Logger(centre.port) as logger:
        await logger.raw(b"".join(
            framed(logger.segment("2051", f"DataTime={china_text(when + 60 * n)};w01018-Avg={n}")) for n in range(200)
        ))  # fmt: skip
        await b.until(lambda: centre.ingest.received >= 200)
        await centre.stop()
        assert len(b.values()) == 200
        b.close()
    b.centre = None


async def run_device(b, device):
    """Our own device side against the centre, on a socket."""
    client = DeviceClient(device, "127.0.0.1", b.centre.port, clock=b.clock.now, longest=0.2, every=0.1)
    task = asyncio.create_task(client.run())
    await b.until(lambda: client.connected)
    return client, task


@pytest.mark.parametrize("edition", [2005, 2017, 2025])
async def test_our_device_is_served_in_every_edition(bench, edition):
    """Uploads, operator's commands and back-fill against our own data logger, with SM4 in 2025."""
    key = bytes(range(16)) if edition == 2025 else b""
    b = bench(
        profile(periods=HOURS, edition=str(edition), sm4_key=key, set_clock=True),
        backfill=True,
        look_back={"HOUR": 8 * 3600},
    )
    hour = half_past(b)
    centre = await b.start()
    code = "011" if edition == 2005 else "w01018"
    past = {hour - n * 3600: [compose.item(code, "N", Avg=f"{n}.5")] for n in range(3, 12)}

    def history(cn, begin, end):
        assert cn == "2061"
        return [(when, items) for when, items in sorted(past.items()) if begin <= when <= end]

    device = Device(MN, st="32", edition=edition, sm4_key=key, history=history)
    client, task = await run_device(b, device)
    await client.send("2061", [compose.item(code, "N", Avg="1.5")], hour - 3600)
    done = await b.until(lambda: not missing(b) and b.values(periods=HOURS) and len(b.values()) >= 7)
    assert done
    asked = centre.command(MN, "1011", {}, OFFICER)
    told = await centre.wait(asked["id"], 10)
    assert (told["state"], told["exe_rtn"]) == ("done", 1)
    await client.close()
    await task
    await b.settle()
    expected = {("cod_cr", "AVG", hour - n * 3600): f"{n}.5" for n in (1, *range(3, 9))}
    assert b.values() == expected
    assert {gap["state"] for gap in centre.link(MN)["gaps"]} == {"filled"}
    assert not centre.gate.total
