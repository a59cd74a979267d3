"""Renders the API docs of the pure rooms to a folder: python tools/apidocs.py [--out build/api]

Pages for `jinyun.domains.*`, `jinyun.methods.*` and `jinyun.kernel.*`: static HTML that needs no server and no network.
Needs pdoc (extra `dev`). A docstring that cannot be rendered, or a module that cannot be imported, ends it with 1.
"""

from __future__ import annotations

import argparse
import re
import sys
import warnings
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

ROOMS = ("jinyun.kernel", "jinyun.methods", "jinyun.domains")

NAMED_TUPLE = re.compile(r"annotation ForwardRef\(.*\) for jinyun\.[\w.]+\.__init__\.")
"""pdoc cannot resolve the types of a NamedTuple's made-up __init__; its fields are documented all the same."""


def modules() -> list[str]:
    """Every module of the rooms."""
    found = []
    for room in ROOMS:
        package = import_module(room)
        found += [room, *(one.name for one in walk_packages(package.__path__, f"{room}."))]
    return sorted(found)


def render(out: Path) -> list[str]:
    """Write the pages; the warnings that came up.

    `jinyun` itself is not a page: its rooms beside these hold no public API of the library.
    """
    import pdoc
    from pdoc import render as looks

    looks.configure(
        docformat="numpy",
        footer_text="Jinyun 缙云: judging by the national standards, as a pure library",
        show_source=True,
        search=True,
        math=False,
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pdoc.pdoc(*ROOMS, output_directory=out)  # a package brings its modules along
    told = [f"{Path(one.filename).name}: {one.message}" for one in caught if issubclass(one.category, UserWarning)]
    return [line for line in told if not NAMED_TUPLE.search(line)]


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="render the API docs of domains, methods and kernel")
    parser.add_argument("--out", type=Path, default=Path("build/api"), help="folder to write to (build/api)")
    out = parser.parse_args(words).out
    told = render(out)
    for line in told:
        print(line, file=sys.stderr)
    pages = sorted(out.rglob("*.html"))
    print(f"{len(pages)} pages in {out}, {len(told)} warnings; open {out / 'index.html'}")
    return 1 if told else 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
    sys.exit(main())
