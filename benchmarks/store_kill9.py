"""kill -9 at random points of taking in, seal, compaction, trim and restore: no reading lost, doubled or torn.

    python benchmarks/store_kill9.py [--runs 200] [--restores 20] [--seed 212]

Each run opens what the last one left, checks it, goes on, and is killed: one half at a random moment, the other half by
itself at a random step between two of its own. A message says by its number which values it brings (new minutes,
corrections, repeats, late minutes), so the kept journal tells what must be there. Checked at every start:

- every acknowledged message is in the journal; every version of every reading is there once, in order; current values,
  roll-up and counts agree with them;
- the manifest is true: each listed file exists with its sha256 and its rows, and no other file is read.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import logging
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pyarrow.parquet as pq
import structlog

from jinyun.kernel.ports import MICRO, Block
from jinyun.kernel.terms import JournalRef, Origin, Period, RawMessage, SeriesKey, Stat
from jinyun.store.database import open_database
from jinyun.store.journal import FileJournal
from jinyun.store.readings import DuckReadings

SERIES = 5
KEYS = [SeriesKey("s", f"f{n}", Stat.AVG, Period.MINUTE) for n in range(SERIES)]
STEPS = ("written", "before-rename", "between-renames", "before-manifest", "after-manifest", "after-trim",
         "before-merge", "after-merge")  # fmt: skip
TRIES = 100
"""A restore that is killed over and over has to come to its end within so many."""
FRESH = 20
"""Runs after which a new store is begun, so that checking stays short."""


def main() -> None:
    """Run, print how many were right, and fail when one was not."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--runs", type=int, default=200)
    asked.add_argument("--restores", type=int, default=20)
    asked.add_argument("--seed", type=int, default=212)
    options = asked.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    dice = random.Random(options.seed)
    started = time.monotonic()
    wrong: list[str] = []
    told = {"messages": 0, "versions": 0}
    by_step: dict[str, int] = {}
    told_wrong = 0
    with tempfile.TemporaryDirectory(prefix="jinyun-kill9-") as aside:
        for run in range(options.runs):
            folder = Path(aside) / f"store{run // FRESH}"
            folder.mkdir(exist_ok=True)
            step = dice.choice(STEPS) if run % 2 else ""
            at = one_run(folder, dice, step, wrong, told)
            by_step[at] = by_step.get(at, 0) + 1
            for one in wrong[told_wrong:]:
                print(f"run {run}: WRONG", one, flush=True)
            told_wrong = len(wrong)
            if run % FRESH == FRESH - 1 or run == options.runs - 1:
                one_run(folder, dice, "", wrong, told, only_look=True)
                shutil.rmtree(folder)
                print(f"{run + 1} runs, {len(wrong)} wrong, {time.monotonic() - started:.0f} s", flush=True)
        print(f"{options.runs} runs killed: " + ", ".join(f"{name} {n}" for name, n in sorted(by_step.items())))
        print(f"{told['messages']} messages kept at the last looks, {told['versions']} versions of readings")
        if options.restores:
            restores(Path(aside), dice, options.restores, wrong)
    for one in wrong[told_wrong:]:
        print("WRONG", one)
    print(f"{len(wrong)} wrong, {time.monotonic() - started:.0f} s")
    sys.exit(1 if wrong else 0)


def one_run(
    folder: Path, dice: random.Random, step: str, wrong: list[str], told: dict[str, int], *, only_look: bool = False
) -> str:
    """Start a child on `folder`, kill it; where it ended."""
    turn, wait, seed = dice.randint(1, 3), dice.uniform(0.02, 0.5), dice.randrange(1 << 30)

    def child(say: Callable[[str], None]) -> None:
        Worker(folder, say).run(step, turn, seed, only_look=only_look)

    pid, lines = fork(child)
    try:
        for line in lines(180.0):
            if line.startswith("WRONG"):
                wrong.append(f"{folder.name}: {line[6:]}")
            elif line.startswith("seen"):
                messages, versions = line.split()[1:]
                if only_look:
                    told["messages"] += int(messages)
                    told["versions"] += int(versions)
            elif line == "go":
                break
        else:
            if not only_look:
                wrong.append(f"{folder.name}: the child did not come up")
        if only_look:
            return ""
        if step:  # it ends by itself; if it never reaches the step, a little later
            for _ in range(300):
                if os.waitpid(pid, os.WNOHANG)[0]:
                    pid = 0
                    return step
                time.sleep(0.01)
        else:
            time.sleep(wait)
        return "any moment"
    finally:
        if pid:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def fork(work: Callable[[Callable[[str], None]], None]) -> tuple[int, Callable[[float], Any]]:
    """A child process that runs `work` and is not seen again; its pid and a reader of the lines it says."""
    out, into = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        os.close(out)
        _child(work, into)
    os.close(into)

    def lines(seconds: float) -> Any:
        rest, end = b"", time.monotonic() + seconds
        try:
            while (left := end - time.monotonic()) > 0:
                if not select.select([out], [], [], left)[0]:
                    return
                piece = os.read(out, 65_536)
                if not piece:
                    return
                *whole, rest = (rest + piece).split(b"\n")
                for one in whole:
                    yield one.decode()
        finally:
            os.close(out)

    return pid, lines


def _child(work: Callable[[Callable[[str], None]], None], into: int) -> NoReturn:
    def say(line: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # the parent heard what it wanted, and is about to kill
            os.write(into, line.replace("\n", " | ").encode() + b"\n")

    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    try:
        work(say)
        os._exit(0)
    except BaseException:
        say("WRONG " + traceback.format_exc(limit=3))
    finally:  # whatever happens, a child never runs on into its parent's clearing away
        os._exit(1)


def brings(number: int) -> tuple[int, np.ndarray]:
    """Event time [s] and values [1e-6] of message `number`, by nothing but the number."""
    digest = hashlib.blake2b(b"%d" % number, digest_size=8).digest()
    kind, back, salt = digest[0], 1 + digest[1] % 40, digest[2] % 3
    if kind < 20 and number > back:  # a repeat of an earlier message: same time and values
        return brings(number - back)
    minute = number
    if kind < 60:  # an earlier minute: late, or a correction
        minute = max(0, number - back * 7)
    return 60 * minute, np.array([(minute * 10 + salt) * MICRO + k for k in range(SERIES)], np.int64)


class Worker:
    """The child: opens, looks, takes in, seals and merges until it is killed."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._folder, self._say = folder, say
        self._acks = os.open(folder / "acks", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def run(self, step: str, turn: int, seed: int, *, only_look: bool) -> None:
        folder = self._folder
        store = DuckReadings(
            folder / "r", open_database(folder / "jinyun.db"), commit_seconds=0.02, memory_mb=128, threads=1
        )
        store.series_ids(KEYS)
        journal = FileJournal(folder / "j", segment_bytes=40_000)
        for ref, message in journal.scan(store.committed()):  # as a start does
            store.put(self._block(int(message.data.split()[0]), ref))
        store.flush()
        kept = [int(message.data.split()[0]) for _, message in journal.scan()]
        for sentence in [*self._look(store, kept), *journal.verify()]:
            self._say(f"WRONG {sentence}")
        if only_look:
            store.close()
            return
        self._say("go")
        left = turn

        def end_suddenly(name: str) -> None:
            nonlocal left
            if name == step:
                left -= 1
                if not left:
                    os.kill(os.getpid(), signal.SIGKILL)

        store.sealer.on_step = end_suddenly
        dice = random.Random(seed)
        threading.Thread(target=self._often, args=(store.seal, dice.uniform(0.01, 0.1)), daemon=True).start()
        merge = lambda: store.compact("2030-01-01")  # noqa: E731
        threading.Thread(target=self._often, args=(merge, dice.uniform(0.02, 0.2)), daemon=True).start()
        threading.Thread(target=self._often, args=(journal.seal, 0.1), daemon=True).start()
        number, slots = (max(kept) + 1 if kept else 0), threading.Semaphore(4)

        def done(first: int, refs: list[JournalRef]) -> None:
            for place, ref in enumerate(refs):
                store.put(self._block(first + place, ref))
            os.write(self._acks, b"%d %d\n" % (first, len(refs)))
            slots.release()

        while True:
            slots.acquire()
            batch = [RawMessage(k, "l", "p", "M", b"%d " % k + b"x" * 100) for k in range(number, number + 5)]
            journal.append_many(batch, lambda refs, first=number: done(first, refs))  # type: ignore[misc]
            number += 5
            time.sleep(0.004)

    @staticmethod
    def _often(job: Callable[[], object], pause: float) -> None:
        while True:
            job()
            time.sleep(pause)

    @staticmethod
    def _block(number: int, ref: JournalRef) -> Block:
        at, values = brings(number)
        return Block(
            at, np.arange(SERIES, dtype=np.int32), values, np.zeros(SERIES, np.uint8), number, Origin.LIVE, "M", "s",
            ref, period=Period.MINUTE,
        )  # fmt: skip

    def _look(self, store: DuckReadings, kept: list[int]) -> list[str]:
        """Sentences about what is not as the kept journal says."""
        wrong: list[str] = []
        acknowledged: set[int] = set()
        for line in (self._folder / "acks").read_bytes().split(b"\n")[:-1]:
            first, length = map(int, line.split())
            acknowledged.update(range(first, first + length))
        if not acknowledged <= set(kept):
            wrong.append(f"{len(acknowledged - set(kept))} acknowledged messages are not in the journal")
        truth: dict[int, list[np.ndarray]] = {}
        for number in kept:
            at, values = brings(number)
            versions = truth.setdefault(at, [])
            if not versions or (versions[-1] != values).any():
                versions.append(values)
        expected = [
            (at, series, int(values[series]))
            for at, versions in sorted(truth.items())
            for series in range(SERIES)
            for values in versions
        ]
        found = store.read_versions(range(SERIES), 0, 1 << 40)
        got = list(zip(found.time.tolist(), found.series.tolist(), found.value.tolist(), strict=True))
        if got != expected:
            wrong.append(f"{len(got)} versions found, {len(expected)} expected: {_first(got, expected)}")
        current = store.read_columns(range(SERIES), 0, 1 << 40)
        last = [(at, s, int(versions[-1][s])) for at, versions in sorted(truth.items()) for s in range(SERIES)]
        got = list(zip(current.time.tolist(), current.series.tolist(), current.value.tolist(), strict=True))
        if got != last:
            wrong.append(f"{len(got)} current readings, {len(last)} expected: {_first(got, last)}")
        rolled = [row for table in store.rollup(0, 1 << 40, step=86_400) for row in table.to_pylist()]
        sums = sum(int(row["total"].scaleb(6)) for row in rolled), sum(row["count"] for row in rolled)
        if sums != (sum(value for *_, value in last), len(last)):
            wrong.append(f"the roll-up says {sums}")
        if hasattr(store, "counts") and store.counts.total() != len(last):
            wrong.append(f"the counts say {store.counts.total()} of {len(last)}")
        wrong += self._manifest(store)
        self._say(f"seen {len(kept)} {len(expected)}")
        return wrong

    def _manifest(self, store: DuckReadings) -> list[str]:
        wrong = store.verify(deep=True)
        folder = store.folder / "sealed"
        with store._manifest.pinned() as view:
            listed = {one.path: one.rows for one in (*view.rows, *view.frames)}
        for path, rows in listed.items():
            if pq.read_metadata(folder / path).num_rows != rows:
                wrong.append(f"{path} does not have the {rows} rows of the manifest")
        there = {str(p.relative_to(folder)) for p in folder.rglob("*.parquet") if "orphans" not in p.parts}
        if there != listed.keys():
            wrong.append(f"not listed but there: {sorted(there ^ listed.keys())[:3]}")
        return wrong


def _first(got: list[Any], expected: list[Any]) -> str:
    for one, other in zip(got, expected, strict=False):
        if one != other:
            return f"{one} instead of {other}"
    return "one is longer"


# --- restore ----------------------------------------------------------------------------------------------------------


def restores(aside: Path, dice: random.Random, times: int, wrong: list[str]) -> None:
    """Back a small node up, then restore it with kills until it is done: whole or not there."""
    try:
        from jinyun.app.assemble import House
        from jinyun.app.care.backup import backup
        from jinyun.app.care.restore import restore
        from jinyun.app.settings import Settings
    except ImportError as absent:
        print(f"restore: left out, {absent}")
        return
    place = aside / "backups"

    def make(say: Callable[[str], None]) -> None:
        house = House(Settings(folder=aside / "node"))
        house.readings.series_ids(KEYS)
        for number in range(2000):
            house.readings.put(Worker._block(number, None))  # type: ignore[arg-type]
            if number % 200 == 0:
                house.readings.flush()
                house.readings.seal()
        house.readings.flush()
        backup(house, place)
        house.close()
        say("made")

    pid, lines = fork(make)
    said = list(lines(180.0))
    os.waitpid(pid, 0)
    if said != ["made"]:
        wrong.append(f"restore: no backup was made: {said}")
        return
    killed = whole = 0
    for time_no in range(times):
        folder = aside / f"restored{time_no}"
        for _ in range(TRIES):
            turn, moment, name = dice.randint(1, 12), dice.uniform(0.0, 0.15), dice.choice(("file", "any", "before"))

            def work(say: Callable[[str], None], name: str = name, turn: int = turn, to: Path = folder) -> None:
                left = turn

                def end_suddenly(step: str) -> None:
                    nonlocal left
                    left -= step.startswith(name)
                    if not left:
                        os.kill(os.getpid(), signal.SIGKILL)

                say("go")
                restore(place, to, on_step=end_suddenly)
                say("done")

            pid, lines = fork(work)
            if name == "any":
                for line in lines(60.0):
                    if line == "go":
                        break
                time.sleep(moment)
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            else:
                said = list(lines(60.0))
                os.waitpid(pid, 0)
                wrong += [f"restore {time_no}: {line}" for line in said if line.startswith("WRONG")]
            if folder.exists():
                whole += 1
                break
            killed += 1
        else:
            wrong.append(f"restore {time_no}: not whole after {TRIES} tries")
            continue

        def look(say: Callable[[str], None], at: Path = folder) -> None:
            house = House(Settings(folder=at))
            truth = {brings(n)[0]: brings(n)[1] for n in range(2000)}
            found = house.readings.read_columns(range(SERIES), 0, 1 << 40)
            ok = sorted(truth) == sorted(set(found.time.tolist())) and all(
                truth[t][s] == v
                for t, s, v in zip(found.time.tolist(), found.series.tolist(), found.value.tolist(), strict=True)
            )
            for sentence in house.readings.verify():
                say("WRONG " + sentence)
            say("same" if ok else "WRONG the restored readings are not those backed up")
            house.close()

        pid, lines = fork(look)
        said = list(lines(120.0))
        os.waitpid(pid, 0)
        wrong += [f"restore {time_no}: {line}" for line in said if line != "same"] or []
        if "same" not in said:
            wrong.append(f"restore {time_no}: not looked at: {said}")
        shutil.rmtree(folder)
    print(f"restore: killed {killed} times, {whole} of {times} finished whole and with the same readings")


if __name__ == "__main__":
    main()
