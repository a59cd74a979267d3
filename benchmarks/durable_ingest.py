"""Durable, acknowledged, decoded and stored: HJ 212 packets through one node's centre.

    python benchmarks/durable_ingest.py [--seconds 60] [--rate 2500] [--connections 1000] [--json FILE]

Claim (issue 2): ≥ 1,500 packets/s held for 5 minutes, p99 answer < 1 s. Load: another process, open loop (packets
leave on schedule whatever the answers do), full 1,024-byte segments of 14 factors × Avg/Min/Max/Flag, CN=2051, each a
new minute of its device, so every value is a new row. An answer counts only when it came back; its time runs from the
moment the packet *should* have left. The node: real journal with fdatasync, real hot file and SQLite, in a temporary
folder.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import resource
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from pathlib import Path

FACTORS = (
    "w01001", "w01009", "w01010", "w01014", "w01018", "w01019", "w21001", "w21003", "w21011", "w20117", "w20119",
    "w20120", "w20123",
    "w22001",
)  # fmt: skip
SEGMENT = 1024
QN_START = 1_000_000


def mn_of(number: int) -> str:
    return f"010000A8900016F0{number:08X}"


def segment(mn: str, qn: str, when: str, step: int) -> bytes:
    """One full data segment; values change with `step`, widths do not."""
    head = f"QN={qn};ST=32;CN=2051;PW=123456;MN={mn};Flag=5;CP=&&DataTime={when};"
    base = 2 + step % 7
    places = 2
    while True:
        items = []
        for place, code in enumerate(FACTORS):
            low, mean, high = (
                f"{base + extra:d}.{(step * 7 + place * 13) % 10**places:0{places}d}" for extra in (0, 1, 2)
            )
            items.append(f"{code}-Avg={mean},{code}-Min={low},{code}-Max={high},{code}-Flag=N")
        text = head + ";".join(items)
        room = SEGMENT - 2 - len(text)
        if room < 3 * len(FACTORS):
            break
        places += 1
    if room:  # the rest: maker's own flag and blanks that a reader trims
        text += (";w22001-EFlag=" + "A" * room)[:room] if room > 14 else " " * room
    return (text + "&&").encode()


# --- the load: another process ---------------------------------------------------------------------------------------


def load(port: int, connections: int, rate: float, seconds: float, warm: float) -> dict[str, object]:
    """Send on schedule, count answers; one epoll loop."""
    from jinyun.sense.hj212.crc import crc16

    sockets, waiting = [], []
    poll = select.epoll()
    by_fd = {}
    for number in range(connections):
        one = socket.create_connection(("127.0.0.1", port))
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        one.setblocking(False)
        poll.register(one, select.EPOLLIN)
        by_fd[one.fileno()] = number
        sockets.append(one)
        waiting.append(deque())
    started_at = time.time()
    first_minute = int(started_at) // 60 * 60 - 20 * 3600
    tails: list[bytes] = [b""] * connections
    backlog: list[bytearray] = [bytearray() for _ in range(connections)]
    clock = time.perf_counter
    total = int(rate * (seconds + warm))
    sent = answered = late = 0
    delays: list[float] = []
    bodies = [segment(mn_of(n), "Q" * 17, "T" * 14, 0) for n in range(1)]
    assert len(bodies[0]) == SEGMENT, len(bodies[0])
    templates = [segment("M" * 24, "Q" * 17, "T" * 14, step) for step in range(97)]
    stamp = time.strftime("%Y%m%d%H%M", time.gmtime(started_at + 28800)).encode()
    minutes = [
        time.strftime("%Y%m%d%H%M00", time.gmtime(first_minute + 28800 + 60 * n)).encode()
        for n in range(total // connections + 2)
    ]
    mns = [mn_of(n).encode() for n in range(connections)]
    begin = clock() + 0.2
    cpu = time.process_time()

    def receive(timeout: float) -> None:
        nonlocal answered
        for fd, _ in poll.poll(timeout):
            number = by_fd[fd]
            try:
                data = sockets[number].recv(65536)
            except BlockingIOError:
                continue
            if not data:
                raise SystemExit(f"the node closed connection {number}")
            data = tails[number] + data
            count = data.count(b"CN=9014")
            cut = data.rfind(b"\n")
            tails[number] = data[cut + 1 :]
            count -= tails[number].count(b"CN=9014")
            now = clock()
            queue = waiting[number]
            for _ in range(count):
                due = queue.popleft()
                answered += 1
                if due - begin >= warm:
                    delays.append(now - due)

    while sent < total:
        due = begin + sent / rate
        now = clock()
        if now < due:
            receive(min(due - now, 0.01))
            continue
        if now - due > 0.05:
            late += 1
        number, turn = sent % connections, sent // connections
        qn = stamp + b"%05d" % (sent % 60000)
        body = (
            templates[sent % 97]
            .replace(b"M" * 24, mns[number], 1)
            .replace(b"Q" * 17, qn, 1)
            .replace(b"T" * 14, minutes[turn], 1)
        )
        frame = b"##%04d%b%04X\r\n" % (len(body), body, crc16(body))
        pending = backlog[number]
        waiting[number].append(due)
        if pending:
            pending += frame
        else:
            try:
                done = sockets[number].send(frame)
            except BlockingIOError:
                done = 0
            pending += frame[done:]
        sent += 1
        if not sent % 64:
            receive(0)
            for number, pending in enumerate(backlog):
                if pending:
                    with contextlib.suppress(BlockingIOError):
                        del pending[: sockets[number].send(pending)]
    over = clock()
    while answered < sent and clock() - over < 30:
        receive(0.05)
    delays.sort()

    def at(share: float) -> float | None:
        return round(delays[min(len(delays) - 1, int(len(delays) * share))], 4) if delays else None

    return {
        "sent": sent, "answered": answered, "send_seconds": round(over - begin, 2),
        "sent_per_s": round(sent / (over - begin), 1),
        "sent_late": late, "last_answer_after_s": round(clock() - over, 2), "p50_s": at(0.5), "p99_s": at(0.99),
        "p999_s": at(0.999),
        "max_s": at(1.0), "load_cpu_s": round(time.process_time() - cpu, 1),
    }  # fmt: skip


# --- the node --------------------------------------------------------------------------------------------------------


async def node(args: argparse.Namespace, folder: Path) -> dict[str, object]:
    from jinyun.kernel.ports import DeviceProfile
    from jinyun.kernel.terms import Period
    from jinyun.sense.hj212.centre import Centre
    from jinyun.sense.hj212.settings import CentreSettings
    from jinyun.store.database import open_database
    from jinyun.store.journal import FileJournal
    from jinyun.store.kv import SqlKeyValue
    from jinyun.store.readings import DuckReadings
    from jinyun.store.rejects import SqlRejects

    profiles = {
        mn_of(n): DeviceProfile(
            mn_of(n),
            f"site{n}",
            "water_outlet",
            system="32",
            password="123456",
            minute_interval=1,
            set_clock=False,
            periods=(Period.MINUTE,),
        )
        for n in range(args.connections)
    }

    class Directory:
        version = 1
        get = staticmethod(profiles.get)

        @staticmethod
        def all() -> list[DeviceProfile]:
            return list(profiles.values())

    class Clock:
        @staticmethod
        def now() -> int:
            return time.time_ns() // 1000

    class Bus:
        published = 0

        @classmethod
        def publish(cls, _topic: str, _event: object) -> None:
            cls.published += 1

    arrivals = 0

    def on_arrival(_arrival: object) -> None:
        nonlocal arrivals
        arrivals += 1

    database = open_database(folder / "records.sqlite")
    journal = FileJournal(folder / "journal")
    readings = DuckReadings(folder, database)
    centre = Centre(
        journal=journal, readings=readings, rejects=SqlRejects(database), kv=SqlKeyValue(database),
        devices=Directory(), clock=Clock(),
        on_arrival=on_arrival, bus=Bus(),
        settings=CentreSettings(backfill=False, accept_rate=2000.0, accept_burst=5000.0),
    )  # fmt: skip
    centre.replay()
    await centre.start("127.0.0.1", 0)
    me = resource.getrusage(resource.RUSAGE_SELF)
    started = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--load", str(centre.port), "--seconds", str(args.seconds), "--rate", str(args.rate),
        "--connections", str(args.connections), "--warm", str(args.warm), stdout=subprocess.PIPE,
    )  # fmt: skip
    worst = {"in_hand": 0, "backlog": 0}

    async def watch() -> None:
        while True:
            worst["in_hand"] = max(worst["in_hand"], centre.ingest.in_hand)
            worst["backlog"] = max(worst["backlog"], readings.backlog)
            await asyncio.sleep(0.1)

    watcher = asyncio.create_task(watch())
    stop = threading.Event()

    def spin() -> None:
        while not stop.is_set():
            sum(range(1000))

    if args.busy:
        threading.Thread(target=spin, name="busy", daemon=True).start()
    out, _ = await process.communicate()
    watcher.cancel()
    stop.set()
    loaded = json.loads(out)
    used = resource.getrusage(resource.RUSAGE_SELF)
    busy = time.perf_counter() - started
    import psutil

    names = {one.native_id: one.name for one in threading.enumerate()}
    by_thread: dict[str, float] = {}
    for one in psutil.Process().threads():
        name = names.get(one.id, "others")
        by_thread[name] = round(by_thread.get(name, 0.0) + one.user_time + one.system_time, 1)
    await centre.stop()
    readings.flush()
    stored = dict(readings.state())
    result = {
        **loaded, "decoded": centre.ingest.decoded, "rows_stored": stored["rows"],
        "rows_expected": loaded["answered"] * 3 * len(FACTORS),
        "blocks": stored["blocks"], "arrivals": arrivals, "refused": dict(centre.gate.total),
        "node_answer_lag": centre.ingest.lag(),
        "node_cpu_share": round((used.ru_utime + used.ru_stime - me.ru_utime - me.ru_stime) / busy, 3),
        "cpu_s_by_thread": by_thread,
        "node_rss_mb": round(used.ru_maxrss / 1024), "most_in_hand": worst["in_hand"],
        "most_rows_waiting": worst["backlog"],
        "stored_after_s": round(time.perf_counter() - started, 1), "slowest_commit_s": stored["slowest_commit_seconds"],
        "journal": {k: v for k, v in journal.state().items() if k in ("commits", "slowest_commit_seconds")},
    }  # fmt: skip
    readings.close()
    journal.close()
    database.dispose()
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--warm", type=float, default=5.0, help="first seconds that do not count for answer times")
    parser.add_argument("--rate", type=float, default=2500.0)
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--busy", action="store_true", help="a thread of pure Python beside it, as judging is at worst")
    parser.add_argument("--profile", type=Path, help="write a cProfile of the node's loop there")
    parser.add_argument("--load", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.load:
        print(json.dumps(load(args.load, args.connections, args.rate, args.seconds, args.warm)))
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, args.connections + 500)), hard))
    with tempfile.TemporaryDirectory(prefix="durable-ingest-") as folder:
        if args.profile:
            import cProfile

            profiler = cProfile.Profile()
            result = profiler.runcall(asyncio.run, node(args, Path(folder)))
            profiler.dump_stats(args.profile)
        else:
            result = asyncio.run(node(args, Path(folder)))
    result["cores"] = os.cpu_count()
    text = json.dumps(result, indent=1)
    print(text)
    if args.json:
        args.json.write_text(text)
    kept = result["answered"] == result["sent"] and result["rows_stored"] == result["rows_expected"]
    print("all answered and stored" if kept else "NOT all answered and stored")
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
