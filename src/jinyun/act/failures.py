"""Many things done one by one in one round: what fails keeps none of the others from being done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

log = structlog.get_logger("act")


SAID = 20
"""Failures of one round that are said in full: a full disk fails everything, and a log full of it helps nobody."""


class Failures:
    """What failed in a round, said by name at once; the first is raised at its end, for the job that runs it."""

    def __init__(self) -> None:
        self.found: list[Exception] = []

    @contextmanager
    def of(self, what: str, **names: str) -> Iterator[None]:
        """Do one thing of the round."""
        try:
            yield
        except Exception as wrong:
            self.add(wrong, what, **names)

    def add(self, wrong: Exception, what: str, **names: str) -> None:
        """This failed."""
        self.found.append(wrong)
        if len(self.found) <= SAID:
            log.error(f"{what} failed; tried again at the next tick", exc_info=wrong, **names)

    def tell(self) -> None:
        """The round is over."""
        if len(self.found) > SAID:
            log.error("more failed in the same tick", failures=len(self.found))
        if self.found:
            raise self.found[0]
