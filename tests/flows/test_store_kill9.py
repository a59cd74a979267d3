"""kill -9 at random points of the store's work, the short version of ``benchmarks/store_kill9.py``."""

import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "store_kill9.py"


def test_ten_kills_and_three_killed_restores_lose_double_and_tear_nothing():
    command = [sys.executable, str(BENCHMARK), "--runs", "10", "--restores", "3", "--seed", "9"]
    told = subprocess.run(command, check=False, capture_output=True, text=True, timeout=600)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "10 runs killed" in told.stdout
    assert "3 of 3 finished whole" in told.stdout
    assert told.stdout.splitlines()[-1].startswith("0 wrong")
