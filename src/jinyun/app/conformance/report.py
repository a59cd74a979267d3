"""What a run of worked cases found: one result per case, and the lines a person reads."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any


class State(enum.StrEnum):
    """How a case ended. One that no function covers is never counted as passed."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_COVERED = "not covered"


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case: what was expected, what our functions answered, and in what they differ."""

    file: str
    topic: str
    rule: str
    id: str
    state: State
    difference: str = ""  # the sentence when it did not pass
    expected: Any = None
    answer: Any = None

    @property
    def line(self) -> str:
        """The line of a case that did not pass."""
        word = "FAILED" if self.state is State.FAILED else str(self.state)
        return f"{word:<12} {self.file} {self.id}".rstrip() + f": {self.difference}"

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON: exact numbers become the nearest double, which prints as the number was written."""
        return {
            "file": self.file, "topic": self.topic, "rule": self.rule, "id": self.id, "state": str(self.state),
            "difference": self.difference, "expected": plain(self.expected), "answer": plain(self.answer),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class FileResult:
    """The cases of one file, in its order."""

    file: str
    cases: Sequence[CaseResult]

    @property
    def line(self) -> str:
        return f"{self.file}: {counted(self.cases)}"


@dataclass(frozen=True, slots=True)
class Report:
    """A run over files."""

    files: Sequence[FileResult]

    @property
    def cases(self) -> list[CaseResult]:
        """The cases of all files."""
        return [case for file in self.files for case in file.cases]

    def count(self, state: State) -> int:
        return sum(case.state is state for case in self.cases)

    @property
    def passed(self) -> int:
        return self.count(State.PASSED)

    @property
    def failed(self) -> int:
        return self.count(State.FAILED)

    @property
    def not_covered(self) -> int:
        return self.count(State.NOT_COVERED)

    @property
    def lines(self) -> list[str]:
        """A line per case that did not pass, one per file, and last the sum ``N passed, N failed``."""
        return list(self._lines())

    def _lines(self) -> Iterator[str]:
        for file in self.files:
            yield from (case.line for case in file.cases if case.state is not State.PASSED)
            yield file.line
        yield counted(self.cases)

    def answers(self) -> list[dict[str, Any]]:
        """Every case with its answer, ready for JSON."""
        return [case.as_dict() for case in self.cases]


def counted(cases: Sequence[CaseResult]) -> str:
    """``N passed, N failed``; those not covered only when there are any."""
    passed, failed, open_ = (sum(case.state is state for case in cases) for state in State)
    return f"{passed} passed, {failed} failed" + (f", {open_} not covered" if open_ else "")


def plain(value: Any) -> Any:
    """An answer in the types of JSON."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in value]
    if isinstance(value, Decimal | Fraction):
        return int(value) if value == int(value) else float(value)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
