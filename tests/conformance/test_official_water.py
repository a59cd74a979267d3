"""The official class of all rows of the national automatic stations, recomputed as `benchmarks/official_water.py` does.

The data has no free licence, so it is read from ``../shared`` and never copied here.
"""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "official_water.py"
DATA = Path(__file__).parents[3] / "shared" / "data" / "water-cn-auto"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data/water-cn-auto")


@pytest.fixture(scope="module")
def official():
    spec = importlib.util.spec_from_file_location("official_water", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    sys.modules["official_water"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["official_water"]


@pytest.fixture(scope="module")
def rows(official):
    found = official.read(DATA)
    official.infer_bodies(found)
    return found


def test_99_per_cent_of_all_rows_agree(rows):
    """River or lake is inferred from the other rows of a section, never from the row's own answer."""
    judged = [row for row in rows if row.official and row.ours]
    assert len(judged) == sum(bool(row.official) for row in rows) > 46_000
    assert sum(row.official == row.ours for row in judged) / len(judged) >= 0.99


def test_every_row_that_differs_has_a_reason_or_is_named(official, rows):
    differ = official.explain(rows)
    reasons = Counter(tuple(row.reasons) for row in differ)
    assert reasons[()] < 20  # of 46,929
    assert all(official.told(row) for row in differ)


def test_the_files_with_all_digits_have_no_row_on_a_limit_that_differs(official, rows):
    """So the printed rounding is what makes such rows differ in the file that has only rounded values."""
    full = [row for row in rows if "national_4h" not in row.file]
    short = [row for row in rows if "national_4h" in row.file]
    assert official.hinges(full)[1] == 0
    assert official.hinges(short)[1] > 100


def test_the_platform_does_not_use_oxygen_saturation(official, rows):
    columns = {code: official.from_texts([row.texts[code] for row in rows], name=code) for code in official.COLUMNS}
    which = official.np.array([row.body for row in rows])
    levels = official.section_classes(columns, official.tables(), which, oxygen_by_saturation=True).level
    changed = [
        (row, level) for row, level in zip(rows, levels.tolist(), strict=True) if row.official and level != row.ours
    ]
    assert len(changed) > 50
    assert all(row.official == row.ours for row, _ in changed)
