"""From a verdict to the `judged_` columns: one reading of it for every verb."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from jinyun.app.judging.files_in import Arrow
from jinyun.kernel.factors import factors
from jinyun.kernel.terms import Status, Verdict

TEXT, WHOLE, NUMBER = pa.string(), pa.int32(), pa.string()

LAST: Mapping[str, pa.DataType] = {
    "judged_status": TEXT,
    "judged_limit": TEXT,
    "judged_edition": TEXT,
    "judged_clause": TEXT,
    "judged_reason": TEXT,
    "judged_problem": TEXT,
}
SENTENCES: Mapping[str, pa.DataType] = {"judged_sentence_zh": TEXT, "judged_sentence_en": TEXT}
JOIN = ";"


def edition_text(edition: str, as_on: date | None) -> str:
    """The edition as the column says it: a what-if says so."""
    return f"{edition} (as if on {as_on})" if as_on and edition else edition


def reasons(verdict: Verdict) -> str:
    """Why it cannot be judged, item by item, in Chinese and English."""
    if verdict.status is not Status.CANNOT_JUDGE:
        return ""
    why = [f"{item.factor}: {item.reason}" for item in verdict.items if item.status is Status.CANNOT_JUDGE]
    return "; ".join(one for one in why if not one.endswith(": ")) or verdict.sentence_zh


def common(verdict: Verdict, as_on: date | None) -> dict[str, Any]:
    """The columns that every verdict has."""
    return {
        "judged_status": verdict.status.value,
        "judged_limit": verdict.limit,
        "judged_edition": edition_text(verdict.edition, as_on),
        "judged_clause": verdict.clause,
        "judged_reason": reasons(verdict) or None,
        "judged_sentence_zh": verdict.sentence_zh,
        "judged_sentence_en": verdict.sentence_en,
    }


def multiples(verdict: Verdict) -> str:
    """``tp=0.8;nh3_n=0.25``: how many times over, by item."""
    return JOIN.join(f"{item.factor}={item.multiple}" for item in verdict.items if item.multiple)


def zh(code: str, names: Mapping[str, str] | None = None) -> str:
    """The Chinese name of an item; its code where there is none."""
    known = factors().get(code)
    return (names or {}).get(code) or (known.zh if known else code)


def picked(choices: Sequence[Any], at: Any, kind: pa.DataType = TEXT) -> Arrow:
    """Of a few choices the one that each row's number names."""
    all_of_them: Any = pa.array(choices, kind)
    return all_of_them.take(pa.array(at))


def arrays(rows: Sequence[Mapping[str, Any] | None], columns: Mapping[str, pa.DataType]) -> dict[str, Arrow]:
    """Rows of results as columns; None: the row was not judged."""
    return {
        name: pa.array([None if row is None else row.get(name) for row in rows], kind) for name, kind in columns.items()
    }
