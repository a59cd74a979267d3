"""Reads files of rule cases, sends each case to what answers its topic, and counts. A bad file stops no other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from jinyun.app.conformance.compare import Given, compare
from jinyun.app.conformance.report import CaseResult, FileResult, Report, State
from jinyun.app.conformance.rules import registry, supervision
from jinyun.app.conformance.run import case_files, words_of
from jinyun.kernel.errors import BadInput, JinyunError

ANSWERS: Mapping[str, Callable[[Given], Mapping[str, Any]]] = {
    "uscc": registry.uscc,
    "identifiers": registry.identifiers,
    "divisions": registry.divisions,
    "industries": registry.industries,
    "workday_deadlines": supervision.workday_deadlines,
    "rectification_closure": supervision.rectification_closure,
    "project_lag": supervision.project_lag,
    "river_patrol": supervision.river_patrol,
    "penalty_band": supervision.penalty_band,
    "heavy_pollution_warning": supervision.heavy_pollution_warning,
}
"""What answers a case, by the topic of its file. A topic that is built adds a line here."""

FORM = 'a case file is {"topic": …, "cases": [{"id": …, "given": {…}, "expect": {…}}, …]}'


def run_rules(paths: Iterable[str | Path]) -> Report:
    """Run all cases of the files (or of the ``*.json`` of folders).

    Raises
    ------
    BadInput
        When no path is given, one does not exist, or a folder holds no case file. What is wrong inside a file is part
        of the report.
    """
    given = list(paths)
    if not given:
        raise BadInput("no case file", hint="give JSON case files or a folder of them")
    return Report([_file(path) for path in case_files(given)])


def _file(path: Path) -> FileResult:
    try:
        # Numbers keep the digits that are written: 2.20 is not a double here.
        content = json.loads(path.read_text(encoding="utf-8-sig"), parse_float=Decimal)
    except (ValueError, OSError) as wrong:
        return _broken(path, f"cannot be read as JSON: {wrong}")
    if not isinstance(content, Mapping) or not isinstance(content.get("cases"), list) or not content["cases"]:
        return _broken(path, "no list of cases")
    topic = content.get("topic")
    if not isinstance(topic, str) or not topic:
        return _broken(path, "no topic")
    cases = [_case(path.name, topic, place, case) for place, case in enumerate(content["cases"], 1)]
    return FileResult(path.name, cases)


def _broken(path: Path, what: str) -> FileResult:
    return FileResult(path.name, [CaseResult(path.name, "", "", "", State.FAILED, f"{what}; {FORM}")])


def _case(file: str, topic: str, place: int, case: Any) -> CaseResult:
    if not isinstance(case, Mapping):
        return CaseResult(file, topic, topic, str(place), State.FAILED, f"case {place} is no object; {FORM}")
    name, given, wanted = str(case.get("id") or place), case.get("given"), case.get("expect")

    def result(state: State, difference: str = "", answer: Any = None) -> CaseResult:
        return CaseResult(file, topic, topic, name, state, difference, wanted, answer)

    answers = ANSWERS.get(topic)
    if answers is None:
        return result(State.NOT_COVERED, f"topic {topic!r} is not built; built are {', '.join(ANSWERS)}")
    if not isinstance(given, Mapping):
        return result(State.FAILED, f"the case has no given; {FORM}")
    if not isinstance(wanted, Mapping) or not wanted:
        return result(State.FAILED, f"the case expects nothing; {FORM}")
    try:
        answer = answers(given)
    except JinyunError as error:
        return result(State.FAILED, f"refused: {error}")
    except Exception as error:  # a case in a form its topic does not know: said with its place, and the rest goes on
        return result(State.FAILED, f"cannot be computed: {words_of(error)}; given has {', '.join(given)}")
    wrong = compare(answer, wanted)
    return result(State.FAILED if wrong else State.PASSED, wrong, answer)
