"""Public functions say what they take and give: shapes, units, errors. And the pages made of it are whole."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "jinyun"
DOMAINS = ("air", "water", "noise", "soil", "emission")
MODULES = sorted(
    path for name in DOMAINS for path in (SOURCE / "domains" / name).rglob("*.py") if not path.name.startswith("_")
)

NUMERIC = re.compile(r"\b(Decimal|Fraction|float|int64)\b")
UNIT = re.compile(
    r"\[[^\]]+\]"  # units in brackets, the house's manner
    r"|µg|ug/|mg/|μg|dB|%|°C|degC|kg/|m3|per cent|decimals?\b|places\b|digits\b"
    r"|\b(unit|units|dimensionless|ratio|shares?|counts?|number of|how many|points|multiple|index|indices|percentile)\b"
    r"|\b(days?|hours?|minutes?|seconds?|windows?|metres?|class|classes|levels?|limits?|concentrations?|pH)\b",
    re.IGNORECASE,
)
RAISES = re.compile(r"Raises\n|\brefused?s?\b|\bBadInput\b|\bUnknownFactor\b|\bNoEdition\b|\bNotFound\b|\berrors?\b")


def public(tree, path):
    """Top-level public functions and classes of a module, and the public methods of those classes, with their names."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield f"{path.parent.name}.{path.stem}.{node.name}", node
            if isinstance(node, ast.ClassDef):
                for inner in node.body:
                    if isinstance(inner, ast.FunctionDef) and not inner.name.startswith("_"):
                        yield f"{path.parent.name}.{path.stem}.{node.name}.{inner.name}", inner


def numeric_parameters(node):
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return [a.arg for a in arguments if a.annotation is not None and NUMERIC.search(ast.unparse(a.annotation))]


def raises(node):
    """Raise statements of its own body, not those that say "this cannot be"."""
    return [one for one in ast.walk(node) if isinstance(one, ast.Raise) and one.exc is not None]


def gaps(tree, path):
    """What each docstring lacks."""
    module = ast.get_docstring(tree)
    if not module:
        yield f"{path.parent.name}.{path.stem}: no docstring"
    for name, node in public(tree, path):
        text = ast.get_docstring(node)
        if not text:
            yield f"{name}: no docstring"
        elif isinstance(node, ast.FunctionDef):
            numbers = numeric_parameters(node)
            if numbers and not UNIT.search(text):
                yield f"{name}: says no unit of {', '.join(numbers)}"
            if raises(node) and not RAISES.search(text):
                yield f"{name}: raises, and does not say when"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_public_functions_say_what_they_take_and_give(path):
    assert list(gaps(ast.parse(path.read_text("utf-8")), path)) == []


def test_the_docstring_test_can_fail():
    code = '''
def f(x): pass
def g(x: Decimal):
    """Something."""
def h(x: int):
    """Something of a count."""
    raise BadInput("no")
def _private(x: Decimal): pass
class C:
    """A thing."""
    def m(self): pass
'''
    path = SOURCE / "domains" / "air" / "planted.py"
    found = [line.partition(": ")[2] for line in gaps(ast.parse(code), path)]
    assert found == [
        "no docstring", "no docstring", "says no unit of x", "raises, and does not say when", "no docstring",
    ]  # fmt: skip


def test_a_domain_opens_its_modules_as_a_library():
    """In a fresh interpreter: ``from jinyun.domains import air`` reaches ``air.period``; a typo is an error."""
    names = [(path.parent.name, path.stem) for path in MODULES]
    code = (
        f"from jinyun.domains import {', '.join(DOMAINS)}\n"
        + "\n".join(f"assert {domain}.{name}.__name__ == 'jinyun.domains.{domain}.{name}'" for domain, name in names)
        + "\nassert not any(hasattr(one, 'no_such_module') for one in (" + ", ".join(DOMAINS) + "))\n"
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_every_domain_has_a_page_that_walks_a_reading_to_a_verdict():
    for name in DOMAINS:
        page = ROOT / "docs" / "domains" / f"{name}.md"
        assert page.is_file(), name
        assert f"jinyun.domains.{name}" in page.read_text("utf-8"), name


def test_the_example_of_the_library_page_prints_what_it_says(capsys):
    page = (ROOT / "docs" / "api.md").read_text("utf-8")
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)[1]
    exec(compile(code, "docs/api.md", "exec"), {})
    said = [line.removeprefix("# ") for line in code.splitlines() if line.startswith("# 20")]
    assert capsys.readouterr().out.splitlines() == said


@pytest.mark.slow
def test_the_api_pages_build_without_a_warning(tmp_path):
    done = subprocess.run(
        [sys.executable, "tools/apidocs.py", "--out", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert " 0 warnings" in done.stdout
    for path in MODULES:
        page = tmp_path / "jinyun" / "domains" / path.parent.name / f"{path.stem}.html"
        text = page.read_text("utf-8")
        for name, node in public(ast.parse(path.read_text("utf-8")), path):
            if isinstance(node, ast.FunctionDef) and name.count(".") == 2:
                assert f'id="{node.name}"' in text, name
