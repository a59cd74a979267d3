"""No figure of a standard stands in code: numbers in domains and methods are counts, places, clocks, or named here.

Domains that hold standards are those with an ``editions.csv``.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "jinyun"
STANDARDS = sorted(path.parents[1] for path in (SOURCE / "domains").glob("*/tables/editions.csv"))
FILES = sorted(path for room in (*STANDARDS, SOURCE / "methods") for path in room.rglob("*.py"))

ALLOWED = {0, 1, 2, -1, 10, 100, 1000}
"""Counts and indexes, and powers of ten for per cent, per mille and decimal places."""

CLOCK = {24, 60, 3600, 86400}
"""Hours, minutes and seconds of the civil clock; a rule that asks for so many valid hours is in a table."""

OPEN_END = {9999}
"""The year of a date that has no end yet."""

EXCEPTIONS: dict[str, dict[float, str]] = {
    "domains/air/columns.py": {32: "rows of a chunk, for the cache", 1024: "rows of a chunk, for the cache"},
    "domains/air/limits.py": {2012: "HJ 633 of 2012 goes with HJ 663 of 2013", 2013: "as before"},
    "domains/air/means.py": {8: "the 8 of an 8 h mean"},
    "domains/emission/selection.py": {3: "rank of a named condition"},
    "domains/emission/validity.py": {32: "more days than any month has"},
    "domains/noise/": {
        1e-6: "distance from a tie at which exact arithmetic takes over", 64: "digits of that arithmetic",
        1e-30: "what counts as a tie there", 0.5: "the half of rounding",
    },
    "domains/soil/answers.py": {0.5: "a rank between two states"},
    "domains/water/columns.py": {15: "rows of a block: 1 << 15"},
    "domains/water/cwqi.py": {7: "neutral water in the formula (7 - pH)"},
    "domains/water/limits.py": {3: "class III", 4: "class IV", 5: "class V"},
    "domains/water/means.py": {40: "digits of the logarithms of pH"},
    "domains/water/river.py": {6: "decimals in which shares are handed on"},
    "domains/water/source.py": {5: "level of a verdict that exceeds, as everywhere"},
    "domains/water/tli.py": {40: "digits of the logarithms"},
    "domains/water/trend.py": {6: "of r = 1 - 6 Σd²/(N³ - N)", 3: "of r = 1 - 6 Σd²/(N³ - N)"},
    "methods/columns.py": {6: "places of a stored value", 52: "bits of a double", 18: "digits of int64"},
    "methods/limit_checks.py": {3: "cut of a tuple", 4: "cut of a tuple"},
    "methods/measured.py": {6: "places of a stored value"},
    "methods/places.py": {6371.0088: "mean radius of the earth in km (IUGG)", 3: "corners of the smallest area"},
    "methods/window_columns.py": {
        3: "months of a quarter",
        12: "months of a year",
        600: "seconds of ten minutes",
        16: "bits of a half of a pair's number",
        65535: "the lower half of a pair's number",
        61: "bits that are safe in int64",
        62: "bits that are safe in int64",
        200: "bits below any value",
        840: "least common multiple of 1 to 8, so that means stay whole",
    },
    "methods/window_rules.py": {16: "characters of a digest"},
    "methods/windows.py": {
        **dict.fromkeys((3, 4, 5, 6, 7, 8, 9, 11), "numbers of the kinds of window and bits of a mark"),
        18: "digits of int64",
    },
    "methods/wording.py": {3: "months of a quarter"},
}  # fmt: skip
"""Other numbers, each with its reason, by file or folder."""

FIGURE = re.compile(r"-?\d+\.\d+|-?\d{2,}|\d+[eE]-?\d+")
"""A text that is a number and nothing else. One digit may be a class, a zone or a table's number."""


def docstrings(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                yield id(first.value)


def settings_of_tools(tree):
    """How many answers a cache keeps decides no verdict."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "maxsize":
            yield id(node.value)


def literals(tree):
    """Numbers of a module with their lines: literals, and texts that are numbers ("0.5" in Decimal("0.5"))."""
    skip = {*docstrings(tree), *settings_of_tools(tree)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in skip:
            continue
        if type(node.value) in (int, float) or (isinstance(node.value, str) and FIGURE.fullmatch(node.value)):
            yield node.lineno, float(node.value)


def unnamed(path, tree):
    name = path.relative_to(SOURCE).as_posix()
    mine = {value for place, reasons in EXCEPTIONS.items() if name.startswith(place) for value in reasons}
    known = ALLOWED | CLOCK | OPEN_END | mine
    return [f"{name}:{line} holds {value:g}" for line, value in literals(tree) if value not in known]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_no_figure_stands_in_code(path):
    assert unnamed(path, ast.parse(path.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    "code", ["LIMIT = 75", "x = Decimal('0.05')", "def f(a=160): ...", "y = {'so2': '150'}", "z = -0.5"]
)
def test_a_planted_figure_is_found(code):
    tree = ast.parse(f'"""Docstrings may say 75."""\n{code}\n')
    assert len(unnamed(SOURCE / "domains" / "air" / "planted.py", tree)) == 1


def test_what_is_allowed_is_not_found():
    code = '"""75"""\nLIMITS = {1: "Ⅰ", "4a": 100, "1": 0}\nhours = seconds // 3600\n'
    assert unnamed(SOURCE / "domains" / "air" / "planted.py", ast.parse(code)) == []


def test_no_exception_is_stale():
    """An exception that no file needs any more is an open door."""
    for place, reasons in EXCEPTIONS.items():
        files = [path for path in FILES if path.relative_to(SOURCE).as_posix().startswith(place)]
        if not files:
            continue  # a module that comes or went with another change
        used = {value for path in files for _, value in literals(ast.parse(path.read_text("utf-8")))}
        assert set(reasons) <= used, f"{place}: {set(reasons) - used} are not there any more"
        assert all(reasons.values())
