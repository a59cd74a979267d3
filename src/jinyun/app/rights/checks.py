"""Every single check of rights has a name and is asked through here, so that a test can break one at a time.

A point is asked as ``CHECKS.ask(name, reach, test)``: `test` answers for a reach. In a node it is asked as it is. The
rights matrix notes which cells ask which points, and the mutation test swaps one: *removed* (always yes), *inverted*,
or *elsewhere* (asked for the reach of somebody of another place).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from jinyun.app.rights.reach import Reach
from jinyun.kernel.rows import Rows

T = TypeVar("T")
MODES = ("removed", "inverted", "elsewhere")


class Checks(Generic[T]):
    """The registry of points. One for the process; tests alone change it."""

    def __init__(self) -> None:
        self.points: dict[str, tuple[str, tuple[str, ...]]] = {}
        self.noted: set[str] | None = None
        """Points asked since a test set it to an empty set; None: nobody looks."""
        self._broken: tuple[str, str, Reach | None] | None = None

    def point(self, name: str, what: str, modes: tuple[str, ...] = MODES) -> str:
        """Declare a point: its name, what it checks, how it can be broken."""
        if name in self.points:
            raise ValueError(f"the check {name!r} is declared twice")
        self.points[name] = what, modes
        return name

    def ask(self, name: str, reach: Reach, test: Callable[[Reach], bool]) -> bool:
        """The answer of a check."""
        if self.noted is not None:
            self.noted.add(name)
        if self._broken is None or self._broken[0] != name:
            return test(reach)
        _, mode, other = self._broken
        if mode == "removed":
            return True
        return not test(reach) if mode == "inverted" else test(other or reach)

    def rows(self, name: str, reach: Reach, made: Callable[[Reach], Rows | None]) -> Rows | None:
        """The same for a filter of lists; None: all."""
        if self.noted is not None:
            self.noted.add(name)
        if self._broken is None or self._broken[0] != name:
            return made(reach)
        _, mode, other = self._broken
        if mode == "removed":
            return None
        if mode == "elsewhere":
            return made(other or reach)
        found = made(reach)
        return Rows() if found is None else Rows(found.clauses, outside=not found.outside)

    @contextmanager
    def broken(self, name: str, mode: str, other: Reach | None = None) -> Iterator[None]:
        """One check broken: for the mutation test only."""
        if name not in self.points or mode not in self.points[name][1]:
            raise ValueError(f"no mutant {name}:{mode}")
        self._broken = name, mode, other
        try:
            yield
        finally:
            self._broken = None


CHECKS: Checks[object] = Checks()
