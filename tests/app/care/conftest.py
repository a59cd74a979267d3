"""One filled folder for all tests of care; each works on a copy."""

from __future__ import annotations

import pytest
from cared import fill

FIRST = 1_767_225_600  # 2026-01-01T00:00Z
HOURS = 60


@pytest.fixture(scope="session")
def filled(tmp_path_factory):
    """The folder of a stopped node with 60 hours of two devices: part sealed, part hot, judged, a case or two open."""
    folder = tmp_path_factory.mktemp("care") / "var"
    folder.mkdir()
    (folder / "jinyun.toml").write_text('bureau = "示范区生态环境局"\n[retention]\njournal = 500\n', "utf-8")
    house = fill(folder, first=FIRST, hours=HOURS)
    house.close()
    return folder
