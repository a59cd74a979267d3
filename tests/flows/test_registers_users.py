"""Ten people at once on one node over SQLite: the short form of ``benchmarks/registers_users.py``. Nothing is lost."""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
USERS, SECONDS = 10, 8


@pytest.fixture(scope="module")
def users():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield importlib.import_module("registers_users")


def test_every_acknowledged_write_is_in_the_history_once_and_at_its_version(users, tmp_path):
    hot = users.prepare(tmp_path / "node", 60, USERS)
    one = {name: ids[:1] for name, ids in hot.items()}  # all at one case and one complaint
    with users.running(tmp_path / "node") as (url, _):
        seen = asyncio.run(users.at_work(url, users.Plan(users.PASSWORD, one, 0.3, 1), USERS, SECONDS))
        assert asyncio.run(users.verified(url, seen)) == []
    assert seen.wrong == []
    assert seen.unsure == []
    assert len(seen.times["log in"]) == USERS
    assert {one.kind for one in seen.written} & {"edit", "comment", "step"}
