"""Worked cases of soil: GB 36600, GB 15618."""

from __future__ import annotations

from collections.abc import Mapping

from jinyun.app.conformance.compare import Answer

ANSWERS: Mapping[tuple[str, str], Answer] = {}
"""(topic, rule) -> what answers it. A rule that the domain learns adds a line here."""
