"""Versions of the house and of the libraries it stands on."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from jinyun import __version__

LIBRARIES = ("duckdb", "sqlalchemy", "pyarrow", "fastapi", "uvicorn", "msgspec", "numpy")


def versions() -> dict[str, str]:
    """Name -> version; a library that is not installed is left out."""
    found = {"jinyun": __version__, "python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
