"""Hostile input on real sockets: the node stays up, its memory stays bounded, each refusal has a reason, and a good
device is served all the while."""

from __future__ import annotations

import asyncio
import random
import resource
import socket
import sys
import time

import psutil
import pytest
from centres import MN, Bench, Logger, china_text, framed

from jinyun.kernel.ports import DeviceProfile

IDLE = 10_000
IDLE_FILES = 12_000
MEGABYTE = 1 << 20
NASTY = (b"#", b"##", b"##1", b"##0101", b"##0101QN=", b"&&", b"CP=&&", b"\r\n", b"\x00", b"##9999QN=20160801;ST=32;")
"""Pieces of frames, repeated: dearer to look through than random bytes."""

# the other side of the idle connections, in a process of its own: opens them, says so, holds them until its input ends
CROWD = """
import resource, socket, sys
port, count = int(sys.argv[1]), int(sys.argv[2])
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else count + 100, hard))
held = []
while len(held) < count:
    held.append(socket.create_connection(("127.0.0.1", port), timeout=60))
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
async def bench(tmp_path):
    made = []

    def make(**settings):
        good = DeviceProfile(MN, "s1", "water_outlet", system="32", password="123456", set_clock=False)
        made.append(Bench(tmp_path, good, **settings))
        return made[-1]

    yield make
    for one in made:
        await one.stop()


async def answered(port, count=1):
    """Answer times of a good device. [s]"""
    times = []
    async with Logger(port) as logger:
        for _ in range(count):
            began = time.perf_counter()
            await logger.send("2011", f"DataTime={china_text(time.time())};w01018-Rtd=40.1")
            assert (await logger.hear(10))["CN"] == "9014"
            times.append(time.perf_counter() - began)
    return times


async def told(b, reason):
    def found():
        b.centre.clerk.flush()
        return [row for row in b.rejects.find(limit=1000) if row["reason"] == reason]

    return await b.until(found)


async def visit(port, data, *, pause=0.0):
    """Send and wait to be closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    await asyncio.sleep(pause)
    try:
        return await asyncio.wait_for(reader.read(100), 5)
    except ConnectionError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: probe\r\n\r\n", "http"),
        (b"OPTIONS * HTTP/1.0\r\n\r\n", "http"),
        (bytes.fromhex("160301013c0100013803035e") + bytes(300), "tls"),
    ],
)
async def test_probes_are_closed_with_a_reason(bench, data, reason):
    b = bench()
    centre = await b.start()
    assert await visit(centre.port, data) == b""
    row = (await told(b, reason))[0]
    assert bytes(row["data"]) == data[:512]
    assert row["sentence"]
    await answered(centre.port)


async def test_modem_chatter_and_registration_strings_are_no_reason_to_close(bench):
    b = bench()
    centre = await b.start()
    async with Logger(centre.port) as logger:
        await logger.raw(b"ATE0\r\nOK\r\nCONNECT 9600\r\n<REG:13800000000>\r\n")
        await logger.send("2011", f"DataTime={china_text(time.time())};w01018-Rtd=1")
        assert (await logger.hear())["CN"] == "9014"
    assert (await told(b, "noise"))[0]["sentence"]


async def test_random_bytes(bench):
    b = bench(noise_limit=16 * 1024)
    centre = await b.start()
    before = psutil.Process().memory_info().rss

    async def throw(seed):
        source = random.Random(seed)
        _, writer = await asyncio.open_connection("127.0.0.1", centre.port)
        try:
            for _ in range(400):
                writer.write(source.randbytes(4096) if seed % 2 else source.choice(NASTY) * source.randrange(1, 400))
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()

    throwing = asyncio.gather(*(throw(seed) for seed in range(16)))
    times = await answered(centre.port, 20)
    await throwing
    assert sorted(times)[10] < 1
    assert await told(b, "noise")
    await b.until(lambda: len(centre.traffic.sessions) == 0, 90)
    await asyncio.to_thread(centre.clerk.flush)
    rows = b.rejects.find(limit=10_000)
    assert len(rows) < 500  # sampled: the rest is counted
    assert sum(centre.gate.total.values()) >= len(rows) - 30
    assert psutil.Process().memory_info().rss - before < 150 * MEGABYTE


@pytest.mark.parametrize("head", [b"##9999", b"##99999999", b"##8193", b"##0000"])
async def test_giant_and_empty_lengths(bench, head):
    b = bench()
    centre = await b.start()
    async with Logger(centre.port) as logger:
        await logger.raw(head + b"QN=20160801085857223;ST=32;CN=2011;" + b"x" * 20_000)
        await logger.send("2011", f"DataTime={china_text(time.time())};w01018-Rtd=1")  # found again behind it
        assert (await logger.hear())["CN"] == "9014"
    await b.until(lambda: centre.gate.total)


async def test_endless_bytes_without_a_frame_are_closed(bench):
    b = bench(noise_limit=64 * 1024)
    centre = await b.start()
    _, writer = await asyncio.open_connection("127.0.0.1", centre.port)
    sent = 0

    async def pour():
        nonlocal sent
        while sent < 64 * MEGABYTE:
            writer.write(b"x" * 65_536)
            await writer.drain()
            sent += 65_536
            await asyncio.sleep(0)

    with pytest.raises(ConnectionError):
        await pour()
    assert sent < 32 * MEGABYTE
    assert any("bytes" in row["sentence"] for row in await told(b, "noise"))
    writer.close()


async def test_slow_sender(bench):
    b = bench(partial_timeout=2.0)
    centre = await b.start()
    good = Logger(centre.port)
    async with good:  # slow but finishing: fine
        frame = framed(good.segment("2011", f"DataTime={china_text(time.time())};w01018-Rtd=1"))
        for byte in frame:
            await good.raw(bytes([byte]))
            await asyncio.sleep(0)
        assert (await good.hear())["CN"] == "9014"
    slow = Logger(centre.port)

    async def dribble():
        for byte in framed(slow.segment("2011", "x" * 900)):
            await slow.raw(bytes([byte]))
            await asyncio.sleep(0.02)

    async with slow:
        with pytest.raises(ConnectionError):
            await dribble()
    assert await told(b, "slow-sender")
    await answered(centre.port)


async def test_silent_connections_end_after_the_idle_time(bench):
    b = bench(idle_timeout=0.3)
    centre = await b.start()
    logger = await Logger(centre.port).connect()
    assert await logger.closed()
    assert await told(b, "idle")


async def test_who_does_not_read_its_answers_is_closed(bench):
    b = bench(clogged_timeout=0.3)
    centre = await b.start()
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.setblocking(False)
    await asyncio.get_running_loop().sock_connect(narrow, ("127.0.0.1", centre.port))
    logger = Logger(centre.port)
    logger.reader, logger.writer = await asyncio.open_connection(sock=narrow)
    logger.writer.transport.pause_reading()

    async def talk():
        for _ in range(400):
            frame = framed(logger.segment("2011", f"DataTime={china_text(time.time())};w01018-Rtd=1"))
            await asyncio.wait_for(logger.raw(frame * 100), 3)

    with pytest.raises((ConnectionError, TimeoutError)):
        await talk()
    await told(b, "clogged")
    await answered(centre.port)


async def test_more_connections_than_allowed(bench):
    b = bench(max_connections=5)
    centre = await b.start()
    loggers = [await Logger(centre.port).connect() for _ in range(5)]
    await b.until(lambda: len(centre.traffic.sessions) == 5)
    sixth = await Logger(centre.port).connect()
    assert await sixth.closed()
    assert await told(b, "too-many-connections")
    for one in loggers:
        one.writer.close()
    await b.until(lambda: not centre.traffic.sessions)
    await answered(centre.port)


async def test_reconnect_storm_is_let_in_at_a_bounded_rate(bench):
    b = bench(accept_rate=200.0, accept_burst=50.0)
    centre = await b.start()
    began = time.perf_counter()
    times = [one for many in await asyncio.gather(*(answered(centre.port) for _ in range(250))) for one in many]
    assert len(times) == 250
    assert time.perf_counter() - began > 0.9  # 50 at once, then 200 a second


async def test_made_up_devices_do_not_fill_the_quarantine(bench):
    b = bench(quarantine_devices=20)
    centre = await b.start()
    async with Logger(centre.port) as logger:
        for number in range(60):
            logger.mn = f"MADEUP{number}"
            await logger.send("2011", f"DataTime={china_text(time.time())};w01018-Rtd=1")
        await told(b, "quarantine-full")
        await b.settle()
    assert len(centre.quarantine()) == 20
    assert centre.gate.total["quarantine-full"] == 40


async def crowd(b, count):
    """Idle connections of another process beside a good device: what they cost and how it is answered."""
    centre = await b.start()
    base = max(await answered(centre.port, 5))
    before = psutil.Process().memory_info().rss
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CROWD, str(centre.port), str(count),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert await asyncio.wait_for(other.stdout.readline(), 120) == b"open\n"
        await b.until(lambda: len(centre.traffic.sessions) >= count, 60)
        times = await answered(centre.port, 50)
        await asyncio.sleep(1.0)  # some turns of the house-keeping over all of them
        times += await answered(centre.port, 50)
        grown = psutil.Process().memory_info().rss - before
    finally:
        other.stdin.close()
        await other.wait()
    await b.until(lambda: len(centre.traffic.sessions) == 0, 60)
    await answered(centre.port)
    return base, sorted(times), grown


async def test_idle_connections_some(bench):
    _, times, grown = await crowd(bench(accept_rate=2000.0), 400)
    assert times[98] < 1.0
    assert grown < 60 * MEGABYTE


async def test_idle_connections_ten_thousand(bench):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = 1 << 30 if hard == resource.RLIM_INFINITY else hard
    if limit < IDLE_FILES:
        pytest.skip(f"this machine allows {limit} open files per process; 10,000 connections need {IDLE_FILES}")
    if soft != resource.RLIM_INFINITY and soft < IDLE_FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (IDLE_FILES, hard))
    _, times, grown = await crowd(bench(accept_rate=5000.0, accept_burst=2000.0), IDLE)
    assert times[98] < 1.0
    assert grown < 400 * MEGABYTE
