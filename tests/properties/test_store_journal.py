"""The journal against a list: any messages, through seals, restarts and torn tails, come back as they were."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from jinyun.kernel.terms import JournalRef, RawMessage
from jinyun.store.journal import FileJournal

MESSAGES = st.builds(
    RawMessage,
    st.integers(0, 2**62),
    st.text(max_size=5),
    st.text(max_size=5),
    st.sampled_from(["", "M1", "汉1"]),
    st.binary(max_size=600),
)


class JournalMachine(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="jinyun-journal-"))
        self.kept: list[tuple[JournalRef, RawMessage]] = []
        self.journal = self.open()

    def open(self) -> FileJournal:
        return FileJournal(self.folder, segment_bytes=1500, gather=0.0)

    @rule(messages=st.lists(MESSAGES, min_size=1, max_size=5))
    def append(self, messages) -> None:
        futures = [self.journal.append(one) for one in messages]
        self.kept += [(future.result(30), one) for future, one in zip(futures, messages, strict=True)]

    @rule()
    def seal(self) -> None:
        self.journal.seal()
        assert self.journal.verify() == []

    @rule(tail=st.binary(max_size=40))
    def restart_after_a_kill(self, tail) -> None:
        """A started but unfinished write leaves some bytes behind the last message."""
        self.journal.close()
        newest = max(self.folder.glob("segment-*.jnl"))
        with newest.open("ab") as file:
            file.write(tail)
        self.journal = self.open()

    @rule(mn=st.sampled_from(["", "M1", "汉1"]), limit=st.integers(1, 9))
    def find(self, mn, limit) -> None:
        mine = [(ref, one) for ref, one in self.kept if one.mn == mn]
        mine.sort(key=lambda hit: (hit[1].received_at, hit[0].segment, hit[0].offset))
        assert len(self.journal.find(mn, limit=10_000)) == len(mine)
        if mine and limit >= len(mine):
            assert self.journal.find(mn, limit=limit) == mine[::-1]

    @invariant()
    def all_is_there(self) -> None:
        if hasattr(self, "journal"):
            assert list(self.journal.scan()) == self.kept
            for ref, one in self.kept[-3:]:
                assert self.journal.read(ref) == one

    def teardown(self) -> None:
        if hasattr(self, "journal"):
            self.journal.close()
            shutil.rmtree(self.folder)


TestJournal = JournalMachine.TestCase
TestJournal.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)
