"""Words in cells that choose something: a kind of water body, a target class, day or night."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from jinyun.app.judging.cells import PACKAGE, plain
from jinyun.kernel.errors import BadInput
from jinyun.kernel.tables import csv_rows


@cache
def _values(meaning: str) -> Mapping[str, str]:
    rows = csv_rows(PACKAGE, "cell_values.csv")
    return {plain(row["word"]): row["value"] for row in rows if row["meaning"] == meaning}


def value_of(meaning: str, text: str) -> str:
    """What a word chooses.

    Raises
    ------
    BadInput
        For a word that is none of them.
    """
    known = _values(meaning)
    found = known.get(plain(text))
    if found is None:
        raise BadInput(f"{meaning} {text!r} is unknown", field=meaning, hint=f"one of {', '.join(known)}")
    return found
