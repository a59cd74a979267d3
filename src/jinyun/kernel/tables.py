"""The one reader of shipped, dated standards data. The only pure-room file that touches package data."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from jinyun.kernel.errors import NotFound


def _text(package: str, name: str) -> str:
    resource = files(package).joinpath("tables", name)
    if not resource.is_file():
        raise NotFound("table", f"{package}/tables/{name}")
    return resource.read_text(encoding="utf-8")


@cache
def csv_rows(package: str, name: str) -> tuple[dict[str, str], ...]:
    """Rows of ``<package>/tables/<name>`` as dicts of text; numbers stay text so that they stay exact."""
    return tuple(csv.DictReader(io.StringIO(_text(package, name))))


@cache
def toml_table(package: str, name: str) -> dict[str, Any]:
    """A TOML table of the package; write standard figures in it as strings, so that they stay exact."""
    return tomllib.loads(_text(package, name))


@cache
def json_table(package: str, name: str) -> Any:
    """A JSON table of the package."""
    return json.loads(_text(package, name))
