"""docs/security_level3.md is true to the controls' table and to the tests it names; the rules of log-in are data."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from jinyun.app.accounts.settings import LIMITS, Security
from jinyun.kernel.errors import BadInput
from jinyun.kernel.tables import csv_rows

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "standards" / "security_level3_controls.csv"
TABLE = [
    [cell.strip() for cell in line.strip("|\n ").split("|")]
    for line in (ROOT / "docs" / "security_level3.md").read_text("utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| group")
]


def words(text):
    return re.findall(r"[a-z]+", text.lower())[:4]


def test_every_control_has_its_row():
    if not SHARED.is_file():
        pytest.skip("the shared table of controls is not here")
    with SHARED.open(encoding="utf-8") as file:
        wanted = [(row["group"].split()[0], words(row["control"])) for row in csv.DictReader(file)]
    assert [(row[0], words(row[1])) for row in TABLE] == wanted


def test_a_row_says_met_how_and_by_which_test():
    for group, control, met, how, tests in TABLE:
        assert met in ("met", "partly", "not"), (group, control)
        assert how, (group, control)
        named = re.findall(r"`([\w]+\.py)::(\w+)`", tests)
        assert named or (tests == "—" and met != "met"), (group, control)
        for file, test in named:
            (path,) = (ROOT / "tests").rglob(file)
            assert re.search(rf"^def {test}\(", path.read_text("utf-8"), re.MULTILINE), f"{file} has no {test}"


def test_the_rules_of_log_in_are_rows_with_bounds():
    shipped = Security()
    rows = csv_rows("jinyun.domains.people", "security.csv")
    assert len(rows) == len(LIMITS) == 8
    for row in rows:
        low, high = int(row["least"]), int(row["most"])
        assert getattr(shipped, row["name"]) == int(row["value"])
        assert low <= int(row["value"]) <= high
        assert shipped.changed({row["name"]: high}).as_dict()[row["name"]] == high
        for beyond in (low - 1, high + 1, "7", True):
            with pytest.raises(BadInput) as wrong:
                shipped.changed({row["name"]: beyond})
            assert wrong.value.field == row["name"]
