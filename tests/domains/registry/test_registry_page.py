"""The page of this domain shows what the code says: every example on it is run."""

from __future__ import annotations

import doctest
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "domains" / "registry.md"


def test_every_example_of_the_page_prints_what_the_page_says():
    found = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8", optionflags=doctest.REPORT_NDIFF)
    assert found.attempted > 20
    assert found.failed == 0
