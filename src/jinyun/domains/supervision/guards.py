"""Guards of the case procedure: what a step still waits for. Pure functions of the record and the verdict facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jinyun.domains.supervision.recovery import Condition, recovery_progress
from jinyun.kernel.records import Missing


def recovered(data: Mapping[str, Any], context: Mapping[str, Any]) -> Sequence[Missing]:
    """The recovery condition of the case holds on the measured figure.

    `context` carries ``verdicts`` (the current verdicts of the condition's judge and subject) and ``now`` [s]. A case
    without a condition (a complaint that no instrument measures) has nothing to wait for.
    """
    if not data.get("recovery"):
        return ()
    if "verdicts" not in context or "now" not in context:
        return (
            Missing(
                "recovery-unknown",
                "没有取得评价数据，无法确认恢复条件",
                "the verdicts that would show the recovery were not looked up",
            ),
        )
    return recovery_progress(Condition.of(data["recovery"]), context["verdicts"], now=context["now"]).missing
