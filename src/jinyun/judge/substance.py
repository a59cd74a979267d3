"""When two verdicts on one window say the same, so that only what changed is kept and told."""

from __future__ import annotations

from collections.abc import Hashable

from jinyun.kernel.terms import Verdict


def outline(verdict: Verdict) -> Hashable:
    """What a duty officer would notice: enough for windows that still run, whose means move with every reading."""
    return (str(verdict.status), verdict.level, tuple(verdict.deciding))


def substance(verdict: Verdict) -> Hashable:
    """All that a verdict says and rests on, but not when it was computed or by which code."""
    return (
        outline(verdict),
        verdict.figure,
        verdict.limit,
        verdict.edition,
        tuple(
            (
                item.factor, item.figure, item.unit, str(item.status), item.limit, item.grade, item.multiple,
                item.reason, frozenset((ref.series, ref.time, ref.seq) for ref in item.readings),
            )
            for item in verdict.items
        ),
    )  # fmt: skip
