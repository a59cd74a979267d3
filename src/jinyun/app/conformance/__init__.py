"""Runs worked cases of the standards through the same public functions that judge live data, and says what agrees.

A file is ``{"topic", "description", "cases": [...]}``; a case names its ``rule`` (or its ``standard`` and ``report``),
its ``input`` and what is ``expected``. A rule that no function covers yet is reported as not covered: never as passed.
Each topic answers in a module of its own: it gives an ``ANSWERS`` of (topic, rule) -> function. The form of the files
is told in docs/conformance.md; a set of them is shipped in ``cases/``.
"""

from jinyun.app.conformance.compare import NotCovered
from jinyun.app.conformance.report import CaseResult, Report, State
from jinyun.app.conformance.run import ANSWERS, SHIPPED, TOPICS, check, run, run_standards

__all__ = [
    "ANSWERS",
    "SHIPPED",
    "TOPICS",
    "CaseResult",
    "NotCovered",
    "Report",
    "State",
    "check",
    "run",
    "run_standards",
]
