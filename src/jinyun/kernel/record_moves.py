"""What changes for a record that moves from one version of its procedure to another. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinyun.kernel.records import Procedure, Transition


@dataclass(frozen=True, slots=True)
class ProcedureDifference:
    """Names of states, steps and clocks that came, went or differ, and where the state at hand leads."""

    old: int
    new: int
    states_added: tuple[str, ...]
    states_removed: tuple[str, ...]
    states_changed: tuple[str, ...]
    steps_added: tuple[str, ...]
    steps_removed: tuple[str, ...]
    steps_changed: Mapping[str, tuple[str, ...]]  # step -> what of it differs
    clocks_added: tuple[str, ...]
    clocks_removed: tuple[str, ...]
    clocks_changed: tuple[str, ...]
    state: str
    becomes: str  # "" when the new version has no place for it: somebody must choose

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def difference(old: Procedure, new: Procedure, state: str) -> ProcedureDifference:
    """What moving a record in `state` from `old` to `new` means."""
    added, removed, changed = _names(old.states, new.states)
    before, after = ({one.name: one for one in each.transitions} for each in (old, new))
    steps_added, steps_removed, _ = _names(before, after)
    steps = {name: _step_changes(before[name], after[name]) for name in after if name in before}
    clocks = _names({one.name: one for one in old.clocks}, {one.name: one for one in new.clocks})
    return ProcedureDifference(
        old.version, new.version, added, removed, changed, steps_added, steps_removed,
        {name: what for name, what in steps.items() if what}, *clocks, state,
        new.moves.get(state, state if state in new.states else ""),
    )  # fmt: skip


def _names(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    return (
        tuple(name for name in new if name not in old),
        tuple(name for name in old if name not in new),
        tuple(name for name in new if name in old and new[name] != old[name]),
    )


def _step_changes(old: Transition, new: Transition) -> tuple[str, ...]:
    return tuple(name for name in old.__slots__ if getattr(old, name) != getattr(new, name))
