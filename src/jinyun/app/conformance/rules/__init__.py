"""Runs worked cases of business rules (codes, time limits, closing, patrols, fines, warnings) through public functions.

A file is ``{"topic", "about", "conventions", "cases": [...]}``; a case has ``id``, ``given`` and ``expect``. What
answers it is found by the file's topic and nothing else. A topic that is not built is counted as not covered: never as
passed.
"""

from jinyun.app.conformance.rules.run import ANSWERS, run_rules

__all__ = ["ANSWERS", "run_rules"]
