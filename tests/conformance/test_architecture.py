"""Rules of the house that are tests: pure rooms, import contracts, no machine paths or registry hosts."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "jinyun"
PURE = [p for room in ("kernel", "methods", "domains") for p in sorted((SOURCE / room).rglob("*.py"))]
READER = SOURCE / "kernel" / "tables.py"  # exempt by name: the one reader of package data
FORBIDDEN_MODULES = {
    "os",
    "sys",
    "io",
    "pathlib",
    "socket",
    "subprocess",
    "threading",
    "asyncio",
    "logging",
    "time",
    "random",
    "shutil",
    "tempfile",
    "urllib",
    "http",
    "requests",
    "duckdb",
    "sqlalchemy",
    "pyarrow",
    "importlib",
    "multiprocessing",
    "secrets",
}
FORBIDDEN_CALLS = {"open", "print", "input", "exec", "eval", "__import__"}
FORBIDDEN_METHODS = {"now", "today", "utcnow", "read_text", "write_text", "read_bytes", "write_bytes"}


def impurities(tree: ast.AST) -> list[str]:
    """What a pure room may not do, with its line."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [
                f"{node.lineno}: import {a.name}" for a in node.names if a.name.split(".")[0] in FORBIDDEN_MODULES
            ]
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in FORBIDDEN_MODULES:
            if not opens_own_door(tree, node):
                found.append(f"{node.lineno}: from {node.module}")
        elif isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Name) and function.id in FORBIDDEN_CALLS:
                found.append(f"{node.lineno}: {function.id}()")
            if isinstance(function, ast.Attribute) and function.attr in FORBIDDEN_METHODS:
                found.append(f"{node.lineno}: .{function.attr}()")
    return found


def opens_own_door(tree: ast.AST, node: ast.ImportFrom) -> bool:
    """A package may load its own modules when they are first asked for: ``import_module(f"{__name__}.…")``, only so."""
    if node.module != "importlib" or [a.name for a in node.names] != ["import_module"]:
        return False
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "import_module"]
    return all(len(n.args) == 1 and ast.unparse(n.args[0]).startswith("f'{__name__}.") for n in calls)


@pytest.mark.parametrize("path", [p for p in PURE if p != READER], ids=lambda p: str(p.relative_to(SOURCE)))
def test_pure_rooms_do_no_io(path):
    assert impurities(ast.parse(path.read_text(encoding="utf-8"))) == []


def test_the_purity_test_can_fail():
    bad = "import os\nfrom time import time\ndef f():\n    print(open('x'))\n    datetime.now()\n"
    assert len(impurities(ast.parse(bad))) == 5
    door = "from importlib import import_module\ndef __getattr__(name):\n    return import_module(%s)\n"
    assert impurities(ast.parse(door % 'f"{__name__}.{name}"')) == []
    assert impurities(ast.parse(door % "name")) == ["1: from importlib"]


def test_import_contracts_hold():
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from importlinter.cli import lint_imports_command as c; sys.exit(c())"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


MACHINE = re.compile(r"(^|[^A-Za-z0-9_.~])/(work|farm|root|home/[a-z]+)/[A-Za-z.]")
REGISTRY = re.compile(r"https?://[^ )\"]*(/simple/|registry\.|files\.pythonhosted|deb\.debian)")


def test_no_machine_path_or_registry_host_is_committed():
    found = []
    for path in tracked():
        if path.suffix in {".png", ".gz", ".parquet", ".ico", ".woff2"}:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if MACHINE.search(line) or REGISTRY.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line[:100]}")
    assert found == []


def test_locks_are_hashed_and_hold_no_address():
    for lock in (ROOT / "locks").glob("*.txt"):
        text = lock.read_text(encoding="utf-8")
        assert "://" not in text, lock
        pins = re.findall(r"^([a-z0-9][\w.\-\[\]]*==\S+)(.*(?:\n    .*)*)", text, re.MULTILINE)
        assert pins, lock
        assert all("--hash=sha256:" in rest for _, rest in pins), lock
