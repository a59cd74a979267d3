"""kill -9 while taking in, and a sudden end between any two steps of sealing: nothing lost, nothing doubled."""

import os
import random
import signal
import subprocess
import sys
import time
from decimal import Decimal

import pytest

from jinyun.store.database import open_database
from jinyun.store.journal import FileJournal
from jinyun.store.readings import DuckReadings

COMMON = """
import os, sys, threading, time
import numpy as np
from jinyun.kernel.ports import Block, MICRO
from jinyun.kernel.terms import JournalRef, Origin, Period, RawMessage, SeriesKey, Stat
from jinyun.store.database import open_database
from jinyun.store.journal import FileJournal
from jinyun.store.readings import DuckReadings

KEYS = [SeriesKey("s", f"f{n}", Stat.AVG, Period.MINUTE) for n in range(5)]

def block(n, ref):
    '''Message n: five rows at minute n, with values that only n gives.'''
    values = np.array([n * MICRO + k for k in range(5)], np.int64)
    return Block(60 * n, np.arange(5, dtype=np.int32), values, np.zeros(5, np.uint8), n, Origin.LIVE, "M", "s", ref)

folder = sys.argv[1]
readings = DuckReadings(folder + "/r", open_database(folder + "/jinyun.db"), commit_seconds=0.03)
readings.series_ids(KEYS)
"""

INGEST = (
    COMMON
    + """
journal = FileJournal(folder + "/j", segment_bytes=60_000)
for ref, message in journal.scan(readings.committed()):
    readings.put(block(int(message.data.split()[0]), ref))

def acknowledge(first, refs):
    for n, ref in enumerate(refs, first):
        readings.put(block(n, ref))
    os.write(int(sys.argv[3]), b"%d %d\\n" % (first, len(refs)))

def tidy():
    while True:
        journal.seal()
        readings.seal()
        time.sleep(0.1)

threading.Thread(target=tidy, daemon=True).start()
slots = threading.Semaphore(20)  # an open loop, but not without bound
n = int(sys.argv[2])
while True:
    slots.acquire()
    batch = [RawMessage(k, "l", "p", "M", b"%d " % k + b"x" * 200) for k in range(n, n + 7)]
    journal.append_many(batch, lambda refs, first=n: (acknowledge(first, refs), slots.release()))
    n += 7
"""
)


def test_killed_five_times_every_acknowledged_message_is_kept_and_its_readings_are_there_once(tmp_path):
    dice = random.Random(212)
    acknowledged: set[int] = set()
    for round_ in range(5):
        start = str(round_ * 1_000_000)
        with (tmp_path / f"acks{round_}").open("wb") as out:
            command = [sys.executable, "-c", INGEST, str(tmp_path), start, str(out.fileno())]
            child = subprocess.Popen(command, pass_fds=[out.fileno()])
            deadline = time.monotonic() + 60
            while not out.tell() and not os.path.getsize(out.name) and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(dice.uniform(0.05, 0.5))
            assert child.poll() is None, "the child ended by itself"
            child.send_signal(signal.SIGKILL)
            child.wait()
        lines = (tmp_path / f"acks{round_}").read_bytes().split(b"\n")[:-1]  # a half line was not yet said
        for first, length in (map(int, line.split()) for line in lines):
            acknowledged.update(range(first, first + length))
    assert len(acknowledged) > 500

    journal = FileJournal(tmp_path / "j")
    database = open_database(tmp_path / "jinyun.db")
    readings = DuckReadings(tmp_path / "r", database)
    space: dict = {}
    exec(COMMON.partition("folder =")[0], space)
    for ref, message in journal.scan(readings.committed()):  # as a start does
        readings.put(space["block"](int(message.data.split()[0]), ref))
    readings.flush()
    kept = [int(message.data.split()[0]) for _, message in journal.scan()]
    assert acknowledged <= set(kept)
    found = readings.read("s", start=0, end=1 << 40)
    times = sorted({r.time // 60 for r in found})
    assert times == sorted(set(kept))
    assert len(found) == 5 * len(times)
    for r in found:
        assert r.value == Decimal(r.time // 60) + Decimal(r.series).scaleb(-6)
    columns = readings.read_columns(range(5), 0, 1 << 40)
    assert len(columns) == len(found)
    state = readings.state()
    in_hot = (
        readings._hot.cursor().execute(f"SELECT count(*) FROM rows WHERE seq > {state['sealed_seq']}").fetchall()[0][0]
    )
    assert state["sealed_rows"] + in_hot == len(found)  # each row once, versions and all
    assert readings.verify() == [] == journal.verify()
    for r in (found[0], found[len(found) // 2], found[-1]):
        raw = journal.read(readings.frame(r.frame).ref)
        assert int(raw.data.split()[0]) == r.time // 60
    readings.close()
    journal.close()
    database.dispose()


SEAL = (
    COMMON
    + """
step, turn = sys.argv[2], int(sys.argv[3])

def end_suddenly(name):
    global turn
    if name == step:
        turn -= 1
        if turn == 0:
            os._exit(9)

for start in (0, 100, 200):
    for n in range(start, start + 100):
        readings.put(block(n, JournalRef(1, n)))
    readings.flush()
    if start < 200:
        readings.seal()
readings.sealer.on_step = end_suddenly
readings.seal()
readings.compact("2030-01-01")
os._exit(0)
"""
)

POINTS = [
    ("before-rename", 1), ("between-renames", 2), ("before-manifest", 1), ("after-manifest", 1), ("after-trim", 1),
    ("before-merge", 1), ("after-merge", 1),
]  # fmt: skip


@pytest.mark.parametrize(("step", "turn"), POINTS)
def test_a_sudden_end_between_the_steps_of_sealing(tmp_path, step, turn):
    child = subprocess.run([sys.executable, "-c", SEAL, str(tmp_path), step, str(turn)], check=False, timeout=60)
    assert child.returncode == 9, "the step was never reached"
    database = open_database(tmp_path / "jinyun.db")
    readings = DuckReadings(tmp_path / "r", database)

    def check() -> None:
        for series in range(5):
            columns = readings.read_columns([series], 0, 1 << 40)
            assert columns.time.tolist() == [60 * n for n in range(300)]
            assert columns.value.tolist() == [n * 1_000_000 + series for n in range(300)]
        state = readings.state()
        count = (
            readings._hot.cursor().execute(f"SELECT count(*) FROM rows WHERE seq > {state['sealed_seq']}").fetchall()
        )
        assert state["sealed_rows"] + count[0][0] == 1500
        assert [r.time for r in readings.latest()["s"]] == [60 * 299] * 5
        assert readings.frame(300).received_at == 299
        assert readings.verify() == []

    check()
    assert readings.committed().offset == 299
    readings.seal()
    check()
    readings.compact("2030-01-01")
    check()
    readings.close()
    database.dispose()
