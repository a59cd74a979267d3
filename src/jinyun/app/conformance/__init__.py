"""Runs worked cases of the standards through the same public functions that judge live data, and says what agrees.

A file is ``{"topic", "description", "cases": [...]}``; a case names its ``rule`` (or its ``standard`` and ``report``),
its ``input`` and what is ``expected``. A rule that no function covers yet is reported as not covered: never as passed.
Each topic answers in a module of its own: it gives an ``ANSWERS`` of (topic, rule) -> function.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from jinyun.app.conformance import air, emission, noise, soil, water
from jinyun.app.conformance.compare import Answer, Case, NotCovered, compare
from jinyun.app.conformance.peers import check_peer
from jinyun.kernel.errors import BadInput, JinyunError

__all__ = ["ANSWERS", "NotCovered", "check", "run_standards"]

ANSWERS: Mapping[tuple[str, str], Answer] = {
    **air.ANSWERS,
    **water.ANSWERS,
    **noise.ANSWERS,
    **soil.ANSWERS,
    **emission.ANSWERS,
}
"""What answers a case, by topic and rule."""


def run_standards(paths: Iterable[str | Path]) -> tuple[list[str], int, int]:
    """Run all cases of the files (or of the ``*.json`` of folders).

    Returns
    -------
    lines : list[str]
        One per case that failed or is not covered, one per file, and the sum.
    passed, failed : int
        Cases that agree and that do not; those not covered are in neither.
    """
    lines: list[str] = []
    passed = failed = open_ = 0
    for path in _files(paths):
        content = json.loads(path.read_text(encoding="utf-8"))
        good = bad = none = 0
        for number, case in enumerate(content["cases"], 1):
            name = f"{path.name} {case.get('id') or number}"
            try:
                wrong = check(str(content["topic"]), case)
            except NotCovered as what:
                none += 1
                lines.append(f"not covered  {name}: {what}")
                continue
            except JinyunError as error:
                wrong = f"refused: {error}"
            if wrong:
                bad += 1
                lines.append(f"FAILED       {name}: {wrong}")
            else:
                good += 1
        lines.append(f"{path.name}: {good} passed, {bad} failed, {none} not covered")
        passed, failed, open_ = passed + good, failed + bad, open_ + none
    lines.append(f"{passed} passed, {failed} failed, {open_} not covered")
    return lines, passed, failed


def _files(paths: Iterable[str | Path]) -> list[Path]:
    found: list[Path] = []
    for one in map(Path, paths):
        if one.is_dir():
            found += sorted(one.glob("*.json"))
        elif one.is_file():
            found.append(one)
        else:
            raise BadInput(f"no file or folder {str(one)!r}", hint="give JSON case files or a folder of them")
    return found


def check(topic: str, case: Case) -> str:
    """What is wrong with one case; "" when our answer agrees.

    Raises
    ------
    NotCovered
        When no function covers its rule.
    """
    if topic == "peers":
        return check_peer(case)
    rule = case.get("rule") or case.get("report") or ""
    answer = ANSWERS.get((topic, rule))
    if answer is None:
        raise NotCovered(f"rule {rule!r} of {topic}")
    return compare(answer(case), case["expected"], case.get("tolerance", 0))
