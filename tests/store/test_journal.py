"""The raw journal: durable before told, whole after a kill, the same after sealing."""

import hashlib
import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from jinyun.kernel.errors import NotFound, Unavailable
from jinyun.kernel.terms import JournalRef, RawMessage
from jinyun.store.journal import FileJournal
from jinyun.store.segments import FIRST, PREFIX


def message(n: int, mn: str = "MN1", data: bytes | None = None) -> RawMessage:
    return RawMessage(1_000_000 + n, "hj212:9", f"10.0.0.{n % 250}:4", mn, b"##%d" % n if data is None else data)


def put(journal: FileJournal, messages: list[RawMessage]) -> list[JournalRef]:
    """Append as one batch and wait."""
    done, told = threading.Event(), []

    def tell(refs: list[JournalRef]) -> None:
        told.extend(refs)
        done.set()

    journal.append_many(messages, tell)
    assert done.wait(30)
    return told


@pytest.fixture
def journal(tmp_path):
    one = FileJournal(tmp_path / "j", segment_bytes=20_000)
    yield one
    one.close()


def test_what_was_appended_is_read_by_reference_and_in_order(journal):
    odd = [
        message(1), message(2, data=b""), message(3, mn=""), message(4, mn="汉字\udcff", data=bytes(range(256))),
        RawMessage(2**62, "", "", "", b"x" * 70_000),
    ]  # fmt: skip
    refs = put(journal, odd)
    refs += [journal.append(message(n)).result(30) for n in range(5, 9)]
    odd += [message(n) for n in range(5, 9)]
    assert [journal.read(ref) for ref in refs] == odd
    assert list(journal.scan()) == list(zip(refs, odd, strict=True))
    assert list(journal.scan(refs[3])) == list(zip(refs, odd, strict=True))[3:]
    assert sorted(refs, key=lambda r: (r.segment, r.offset)) == refs


def test_callbacks_come_in_the_order_of_appending_from_many_threads(journal):
    seen: list[tuple[int, JournalRef]] = []
    done = threading.Semaphore(0)

    def feed(who: int) -> None:
        for n in range(100):
            journal.append_many([message(n, mn=f"M{who}")], lambda refs: (seen.append((who, refs[0])), done.release()))

    threads = [threading.Thread(target=feed, args=(who,)) for who in range(8)]
    for one in threads:
        one.start()
    for _ in range(800):
        assert done.acquire(timeout=30)
    places = [(ref.segment, ref.offset) for _, ref in seen]
    assert places == sorted(places)
    for who in range(8):
        mine = [journal.read(ref) for one, ref in seen if one == who]
        assert mine == [message(n, mn=f"M{who}") for n in range(100)]
    assert journal.state()["commits"] <= 800


def test_a_callback_that_fails_stops_nobody(journal):
    journal.append_many([message(1)], lambda refs: 1 / 0)
    assert journal.append(message(2)).result(30)
    assert [m for _, m in journal.scan()] == [message(1), message(2)]


def test_reopened_it_goes_on_where_it_was(tmp_path):
    first = FileJournal(tmp_path)
    ref = first.append(message(1)).result(30)
    end = first.end
    first.close()
    with pytest.raises(Unavailable, match="closed"):
        first.append(message(2))
    again = FileJournal(tmp_path)
    assert again.append(message(2)).result(30) == end
    assert [m for _, m in again.scan()] == [message(1), message(2)]
    assert again.read(ref) == message(1)
    again.close()


def test_a_torn_tail_is_cut_at_any_byte_kept_aside_and_nothing_is_invented(tmp_path):
    source = FileJournal(tmp_path / "a")
    put(source, [message(1), message(2)])
    whole = source.end.offset
    put(source, [message(3, data=b"never told")])
    source.close()
    data = (tmp_path / "a" / "segment-00000001.jnl").read_bytes()
    tails = [data[:cut] for cut in range(whole, len(data))]
    tails += [data[:-1] + b"?", data[:whole] + bytes(50), data[:whole] + os.urandom(200)]
    for number, torn in enumerate(tails):
        folder = tmp_path / f"t{number}"
        folder.mkdir()
        (folder / "segment-00000001.jnl").write_bytes(torn)
        after = FileJournal(folder)
        assert [m for _, m in after.scan()] == [message(1), message(2)]
        assert after.end.offset == whole
        assert after.state()["torn_bytes_cut"] == len(torn) - whole
        aside = list(folder.glob("torn-*.bin"))
        assert [p.read_bytes() for p in aside] == ([torn[whole:]] if len(torn) > whole else [])
        assert after.append(message(4)).result(30).offset == whole
        after.close()


def test_killed_while_a_segment_was_being_made(tmp_path):
    for number, start in enumerate((b"", b"JINY")):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "segment-00000001.jnl").write_bytes(start)
        journal = FileJournal(folder)
        assert journal.append(message(1)).result(30) == JournalRef(1, FIRST)
        journal.close()


def test_a_reference_to_nothing_is_said(journal):
    (ref,) = put(journal, [message(1)])
    for wrong in (JournalRef(1, ref.offset + 1), JournalRef(1, 0), JournalRef(1, 10**9), JournalRef(77, 16)):
        with pytest.raises(NotFound):
            journal.read(wrong)


def sealed(journal: FileJournal) -> tuple[list[RawMessage], list[JournalRef]]:
    """Some segments' worth of messages, all finished segments sealed."""
    dice = random.Random(7)
    messages = [
        RawMessage(10_000 + n * 10, "l", "p", f"M{dice.randrange(5)}", dice.randbytes(dice.randrange(900)))
        for n in range(300)
    ]
    refs = [ref for start in range(0, 300, 10) for ref in put(journal, messages[start : start + 10])]
    assert journal.seal() == list(range(1, journal.end.segment))
    assert journal.seal() == []
    return messages, refs


def test_sealed_segments_answer_the_same(journal):
    messages, refs = sealed(journal)
    assert journal.state()["segments_sealed"] >= 5
    assert not (journal.folder / "segment-00000001.jnl").exists()
    assert [journal.read(ref) for ref in refs] == messages
    assert list(journal.scan()) == list(zip(refs, messages, strict=True))
    assert [m for _, m in journal.scan(refs[123])] == messages[123:]
    for wrong in (JournalRef(1, refs[1].offset - 1), JournalRef(1, 0)):
        with pytest.raises(NotFound):
            journal.read(wrong)


def test_sealed_segments_survive_reopening_and_carry_their_sha256(tmp_path, journal):
    messages, refs = sealed(journal)
    journal.close()
    again = FileJournal(journal.folder)
    assert list(again.scan()) == list(zip(refs, messages, strict=True))
    assert again.verify() == []
    target = journal.folder / "segment-00000002.jz"
    note = (journal.folder / "segment-00000002.json").read_text()
    assert hashlib.sha256(target.read_bytes()).hexdigest() in note
    damaged = bytearray(target.read_bytes())
    damaged[40] ^= 1
    target.write_bytes(damaged)
    (journal.folder / "segment-00000003.jz").unlink()
    assert [line.split()[0] for line in again.verify()] == ["segment-00000002.jz", "segment-00000003.jz"]
    again.close()


def test_found_by_device_and_time_open_and_sealed(journal):
    messages, refs = sealed(journal)
    for mn in ("M0", "M4", "nobody"):
        mine = [(r, m) for r, m in zip(refs, messages, strict=True) if m.mn == mn]
        assert journal.find(mn, limit=1000) == mine[::-1]
        assert journal.find(mn, limit=3) == mine[::-1][:3]
        some = [(r, m) for r, m in mine if 10_500 <= m.received_at < 11_500]
        assert journal.find(mn, start=10_500, end=11_500, limit=1000) == some[::-1]


@pytest.mark.parametrize("left", ["segment-00000001.jz", "segment-00000001.index.parquet", "x.tmp"])
def test_killed_in_the_middle_of_sealing_the_open_form_still_counts(tmp_path, journal, left):
    """Before the side file is there, what the sealing left behind is not believed."""
    put(journal, [message(n, data=b"y" * 500) for n in range(50)])
    journal.close()
    (journal.folder / left).write_bytes(b"half")
    again = FileJournal(journal.folder)
    again.seal()
    assert [m for _, m in again.scan()] == [message(n, data=b"y" * 500) for n in range(50)]
    assert again.verify() == []
    again.close()


def test_killed_between_the_side_file_and_the_removal_of_the_open_form(tmp_path, journal):
    messages, refs = sealed(journal)
    journal.close()
    (journal.folder / "segment-00000001.jnl").write_bytes(b"JINYUN-J old bytes, superseded")
    again = FileJournal(journal.folder)
    assert list(again.scan()) == list(zip(refs, messages, strict=True))
    again.close()


def test_retention_takes_old_sealed_segments_but_never_what_the_store_still_needs(journal):
    messages, refs = sealed(journal)
    assert journal.expire(before=1 << 62, keep_from=None) == []
    assert journal.expire(before=0, keep_from=journal.end) == []
    assert journal.expire(before=1 << 62, keep_from=JournalRef(3, 16)) == [1, 2]
    assert journal.read(refs[-1]) == messages[-1]
    with pytest.raises(NotFound, match="not kept"):
        journal.read(refs[0])
    kept = [m for r, m in zip(refs, messages, strict=True) if r.segment >= 3]
    assert [m for _, m in journal.scan()] == kept
    number = journal.end.segment
    assert journal.expire(before=0, keep_from=journal.end, max_bytes=0) == list(range(3, number))
    assert [m for _, m in journal.scan()] == [m for r, m in zip(refs, messages, strict=True) if r.segment == number]


def test_a_journal_too_far_behind_refuses_more(tmp_path):
    journal = FileJournal(tmp_path, max_pending=10)
    gate = threading.Event()
    journal.append_many([message(0)], lambda refs: gate.wait(30))  # the thread is held here
    futures = [journal.append(message(n)) for n in range(1, 11)]
    with pytest.raises(Unavailable, match="11 messages behind"):
        journal.append(message(11))
    gate.set()
    assert all(one.result(30) for one in futures)
    journal.append(message(12)).result(30)
    assert [m for _, m in journal.scan()] == [message(n) for n in (*range(11), 12)]
    journal.close()


FULL = """
import resource, signal, sys
from jinyun.kernel.errors import Unavailable
from jinyun.kernel.terms import RawMessage
from jinyun.store.journal import FileJournal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
journal = FileJournal(sys.argv[1])
one = RawMessage(1, "l", "p", "m", b"x" * 1000)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_500, resource.RLIM_INFINITY))
kept = refused = 0
for n in range(20):
    try:
        journal.append(one).result(10)
        kept += 1
    except Unavailable as wrong:
        refused += 1
        assert "nothing was acknowledged" in str(wrong), wrong
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
journal.append(one).result(10)
print(kept, refused, sum(1 for _ in journal.scan()), journal.state()["failures"])
"""


def test_a_full_disk_is_said_nothing_is_acknowledged_and_freed_it_goes_on(tmp_path):
    """The file-size limit of a child process stands for the full disk: write() fails after a part was written."""
    command = [sys.executable, "-c", FULL, str(tmp_path)]
    told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    kept, refused, there, failures = map(int, told.stdout.split()[-4:])
    assert kept == (10_500 - FIRST) // (PREFIX + 3 + 1000) == 10
    assert (refused, there, failures) == (10, 11, 10)


def test_a_folder_with_a_foreign_file_is_not_touched(tmp_path):
    (tmp_path / "segment-00000001.jnl").write_bytes(b"somebody's book, 100 pages long")
    with pytest.raises(Unavailable, match="no journal segment"):
        FileJournal(tmp_path)
    assert Path(tmp_path / "segment-00000001.jnl").read_bytes().startswith(b"somebody")
