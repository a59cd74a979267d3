"""One node per folder."""

import subprocess
import sys

import pytest

from jinyun.kernel.errors import Busy
from jinyun.store.lock import FolderLock

HOLD = (
    "import sys; from jinyun.store.lock import FolderLock; FolderLock(sys.argv[1]); print('held', flush=True); input()"
)


def test_a_second_process_is_refused_with_the_owner_named_and_a_killed_owner_frees_it(tmp_path):
    owner = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert owner.stdout.readline().strip() == "held"
        with pytest.raises(Busy, match=f"process {owner.pid}"):
            FolderLock(tmp_path)
    finally:
        owner.kill()
        owner.wait()
        owner.stdin.close()
        owner.stdout.close()
    with FolderLock(tmp_path):
        pass


def test_released_can_be_taken_again(tmp_path):
    first = FolderLock(tmp_path / "new")
    with pytest.raises(Busy):
        FolderLock(tmp_path / "new")
    first.release()
    first.release()
    FolderLock(tmp_path / "new").release()
