"""Cases merge and split in one transaction: a failure or a kill in the middle leaves nothing of it."""

import signal
import subprocess
import sys
import textwrap

import pytest

from jinyun.app.assemble import House
from jinyun.app.services.cases import CaseWork
from jinyun.app.settings import Settings
from jinyun.kernel.ports import Actor

OFFICER = Actor("li", ("officer",))
COMPLAINT = {"channel": "12345", "ask": "complaint", "kind": "odour", "content": "河边有异味"}


@pytest.fixture
def house(tmp_path):
    made = House(Settings.load(tmp_path / "node"))
    yield made
    made.close()


def two_cases(house):
    """Case A with two complaints, case B with one."""
    ids = [house.records.create("complaint", {"title": f"投诉{n}", **COMPLAINT}, OFFICER).id for n in range(3)]
    work = CaseWork(house)
    one = work.open({"title": "河道异味", "kind": "complaint", "complaints": ids[:2]}, OFFICER)
    other = work.open({"title": "同河异味", "kind": "complaint", "complaints": ids[2:]}, OFFICER)
    return work, one.id, other.id, ids


def state_of(house):
    """All records of both registers with the lengths of their histories."""
    return {
        (kind, one.id): (one.version, one.state, dict(one.data), len(house.records.history(kind, one.id)))
        for kind in ("case", "complaint")
        for one in house.records.find(kind)
    }


class Breaks:
    """A witness that fails at the nth change."""

    def __init__(self, at):
        self.at, self.seen = at, 0

    def __call__(self, *_):
        self.seen += 1
        if self.seen == self.at:
            raise ZeroDivisionError


@pytest.mark.parametrize("deed", ["merge", "split", "open"])
def test_a_failure_at_any_change_leaves_all_as_it_was(house, deed):
    work, one, other, ids = two_cases(house)
    loose = house.records.create("complaint", {"title": "另件", **COMPLAINT}, OFFICER).id
    deeds = {
        "merge": lambda: work.merge(one, other, OFFICER),
        "split": lambda: work.split(one, {"title": "另案", "complaints": ids[:1]}, OFFICER),
        "open": lambda: work.open({"title": "新案", "kind": "complaint", "complaints": [loose]}, OFFICER),
    }
    before, heard = state_of(house), []
    house.records.listeners.append(lambda *what: heard.append(what))
    at = 0
    while True:
        at += 1
        breaks = Breaks(at)
        house.records.witnesses.append(breaks)
        try:
            deeds[deed]()
        except ZeroDivisionError:
            assert state_of(house) == before
            assert heard == []
        else:
            break
        finally:
            house.records.witnesses.remove(breaks)
    assert at > {"merge": 4, "split": 3, "open": 2}[deed]  # it was broken at each of its changes
    after = state_of(house)
    assert {"merge": after["case", one][1] == "merged",
            "split": after["case", one][2]["complaints"] == ids[1:2],
            "open": after["complaint", loose][2]["case"] is not None}[deed]  # fmt: skip


def test_a_merge_takes_complaints_along_and_is_heard_of_once_per_record(house):
    work, one, other, ids = two_cases(house)
    heard = []
    house.records.listeners.append(lambda *what: heard.append(what))
    work.merge(one, other, OFFICER)
    assert sorted(house.records.get("case", other).data["complaints"]) == sorted(ids)
    assert {house.records.get("complaint", id).data["case"] for id in ids} == {other}
    assert sorted(heard) == sorted([("case", one), ("case", other), *(("complaint", id) for id in ids[:2])])


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from jinyun.app.assemble import House
    from jinyun.app.services.cases import CaseWork
    from jinyun.app.settings import Settings
    from jinyun.kernel.ports import Actor

    house = House(Settings.load(Path(sys.argv[1])))
    seen = []

    def kill(*_):
        seen.append(1)
        if len(seen) == 3:  # both cases are written, of the complaints one
            os.kill(os.getpid(), signal.SIGKILL)

    house.records.witnesses.append(kill)
    CaseWork(house).merge(sys.argv[2], sys.argv[3], Actor("li", ("officer",)))
"""


def test_a_kill_in_the_middle_of_a_merge_leaves_all_as_it_was(tmp_path):
    folder = tmp_path / "node"
    house = House(Settings.load(folder))
    _, one, other, _ = two_cases(house)
    before = state_of(house)
    house.close()
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(folder), one, other], check=False, timeout=120
    )
    assert done.returncode == -signal.SIGKILL
    house = House(Settings.load(folder))
    try:
        assert state_of(house) == before
        CaseWork(house).merge(one, other, OFFICER)
        assert house.records.get("case", one).state == "merged"
    finally:
        house.close()
