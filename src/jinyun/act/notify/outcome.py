"""How sending fails."""

from __future__ import annotations

from jinyun.kernel.errors import JinyunError


class NotSent(JinyunError):
    """A message did not go. `final`: trying again cannot help; `wait_s`: the receiver asked for a pause."""

    code, status_hint = "not-sent", 502

    def __init__(self, message: str, *, final: bool = False, wait_s: int = 0) -> None:
        self.final, self.wait_s = final, wait_s
        super().__init__(message)
