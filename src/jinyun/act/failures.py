"""Many things done one by one in one round: what fails keeps none of the others from being done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

log = structlog.get_logger("act")


class Failures:
    """What failed in a round, each said by name at once; the first is raised at its end, for the job that runs it."""

    def __init__(self) -> None:
        self.found: list[Exception] = []

    @contextmanager
    def of(self, what: str, **names: str) -> Iterator[None]:
        """Do one thing of the round."""
        try:
            yield
        except Exception as wrong:
            log.exception(f"{what} failed; tried again at the next tick", **names)
            self.found.append(wrong)

    def tell(self) -> None:
        """The round is over."""
        if self.found:
            raise self.found[0]
