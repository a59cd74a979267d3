"""Reads case files, sends each case to what answers it, and counts. One bad file or case never stops the rest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from jinyun.app.conformance import air, emission, further, noise, soil, water
from jinyun.app.conformance.compare import Answer, Case, NotCovered, compare, shown
from jinyun.app.conformance.peers import answer_peer
from jinyun.app.conformance.report import CaseResult, FileResult, Report, State
from jinyun.kernel.errors import BadInput, JinyunError

SHIPPED = Path(__file__).parent / "cases"
"""The case set that comes with the package."""

ANSWERS: Mapping[tuple[str, str], Answer] = {
    **air.ANSWERS,
    **water.ANSWERS,
    **noise.ANSWERS,
    **soil.ANSWERS,
    **emission.ANSWERS,
    **further.ANSWERS,
}
"""What answers a case, by topic and rule."""

PEERS = "peers"
TOPICS = (*dict.fromkeys(topic for topic, _ in ANSWERS), PEERS)

FORM = 'a case file is {"topic": …, "cases": [{"rule": …, "input": {…}, "expected": {…}}, …]}'


def run(paths: Iterable[str | Path] = (), *, answers: Iterable[Mapping[str, Any]] | None = None) -> Report:
    """Run all cases of the files (or of the ``*.json`` of folders); without any path, of the shipped set.

    Parameters
    ----------
    answers : rows with ``file``, ``id`` and ``answer``, optional
        Answers of another implementation, compared instead of ours: the form that `Report.answers` gives.

    Raises
    ------
    BadInput
        When a path does not exist or a folder holds no case file. What is wrong inside a file is part of the report.
    """
    theirs = None if answers is None else _theirs(answers)
    return Report([_file(path, theirs) for path in case_files(list(paths) or [SHIPPED])])


def run_standards(paths: Iterable[str | Path] = ()) -> tuple[list[str], int, int]:
    """`run`, as lines and counts.

    Returns
    -------
    lines : list[str]
        One per case that failed or is not covered, one per file, and the sum.
    passed, failed : int
        Cases that agree and that do not; those not covered are in neither.
    """
    report = run(paths)
    return report.lines, report.passed, report.failed


def check(topic: str, case: Case) -> str:
    """What is wrong with one case; "" when our answer agrees.

    Raises
    ------
    NotCovered
        When no function covers its rule.
    """
    answer, wanted = _answered(topic, case)
    return compare(answer, wanted, case.get("tolerance", 0))


def case_files(paths: Iterable[str | Path]) -> list[Path]:
    """The files that paths name, a folder standing for its ``*.json``; `BadInput` when there are none."""
    found: list[Path] = []
    for one in map(Path, paths):
        if one.is_dir():
            inside = sorted(one.glob("*.json"))
            if not inside:
                raise BadInput(f"no *.json in folder {str(one)!r}", hint="give JSON case files or a folder of them")
            found += inside
        elif one.is_file():
            found.append(one)
        else:
            raise BadInput(f"no file or folder {str(one)!r}", hint="give JSON case files or a folder of them")
    return found


def _theirs(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], Mapping[str, Any]]:
    try:
        return {(str(row["file"]), str(row["id"])): row["answer"] for row in rows if row["answer"] is not None}
    except (KeyError, TypeError) as wrong:
        hint = 'answers are a list of {"file": …, "id": …, "answer": {…}}, as --json writes them'
        raise BadInput(f"answers cannot be read: {type(wrong).__name__} {wrong}", hint=hint) from None


def _file(path: Path, theirs: Mapping[tuple[str, str], Mapping[str, Any]] | None) -> FileResult:
    try:
        # Numbers keep the digits that are written: 2.20 is not a double here.
        content = json.loads(path.read_text(encoding="utf-8-sig"), parse_float=Decimal)
    except (ValueError, OSError) as wrong:  # not JSON, not UTF-8, not readable
        return _broken(path, f"cannot be read as JSON: {wrong}")
    if not isinstance(content, Mapping) or not isinstance(content.get("cases"), list):
        return _broken(path, "no list of cases")
    topic = content.get("topic")
    if not isinstance(topic, str) or not topic:
        return _broken(path, "no topic")
    return FileResult(
        path.name, [_case(path.name, topic, place, case, theirs) for place, case in enumerate(content["cases"], 1)]
    )


def _broken(path: Path, what: str) -> FileResult:
    return FileResult(path.name, [CaseResult(path.name, "", "", "", State.FAILED, f"{what}; {FORM}")])


def _case(
    file: str, topic: str, place: int, case: Any, theirs: Mapping[tuple[str, str], Mapping[str, Any]] | None
) -> CaseResult:
    name = str(place)
    if not isinstance(case, Mapping):
        return CaseResult(file, topic, "", name, State.FAILED, f"case {place} is no object; {FORM}")
    name, rule = str(case.get("id") or place), rule_of(topic, case)

    def result(state: State, difference: str = "", wanted: Any = None, answer: Any = None) -> CaseResult:
        return CaseResult(file, topic, rule, name, state, difference, wanted, answer)

    try:
        if theirs is None:
            answer, wanted = _answered(topic, case)
        elif (file, name) in theirs:
            answer, wanted = theirs[file, name], _wanted(topic, case)
        else:
            raise NotCovered("no answer was given")
        if not isinstance(answer, Mapping):
            raise BadInput(f"the answer {shown(answer)} is no object with the keys of expected")
        wrong = compare(answer, wanted, case.get("tolerance", 0))
    except NotCovered as what:
        return result(State.NOT_COVERED, str(what), case.get("expected"))
    except JinyunError as error:
        return result(State.FAILED, f"refused: {error}", case.get("expected"))
    except Exception as error:  # a case in a form its rule does not know: said with its place, and the rest goes on
        given = case.get("input")
        hint = f"input has {', '.join(given)}" if isinstance(given, Mapping) else f"input is {shown(given)}"
        return result(State.FAILED, f"cannot be computed: {words_of(error)}; {hint}", case.get("expected"))
    return result(State.FAILED if wrong else State.PASSED, wrong, wanted, answer)


def words_of(error: Exception) -> str:
    """An unexpected error in a line that a person reads."""
    if isinstance(error, KeyError):
        return f"{error} is missing or not known"
    return f"{type(error).__name__} {error}".strip()


def rule_of(topic: str, case: Case) -> str:
    """The rule a case is about: its ``rule``, else the first of ``report``, ``kind``, ``standard`` that is known."""
    given = [str(case[key]) for key in ("rule", "report", "kind", "standard") if case.get(key)]
    return next((name for name in given if (topic, name) in ANSWERS), given[0] if given else "")


def _wanted(topic: str, case: Case) -> Mapping[str, Any]:
    if topic == PEERS:
        return answer_peer(case)[1]
    wanted = case.get("expected")
    if not isinstance(wanted, Mapping) or not wanted:
        raise BadInput("the case expects nothing", field="expected", hint='give "expected": {…}')
    return wanted


def _answered(topic: str, case: Case) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Our answer to a case and what it expects."""
    if topic == PEERS:
        return answer_peer(case)
    rule = rule_of(topic, case)
    answer = ANSWERS.get((topic, rule))
    if answer is None:
        if topic not in TOPICS:
            raise NotCovered(f"topic {topic!r} is unknown; the topics are {', '.join(TOPICS)}")
        known = ", ".join(name for where, name in ANSWERS if where == topic)
        raise NotCovered(f"rule {rule!r} of {topic}" + (f"; its rules are {known}" if known else ""))
    if not isinstance(case.get("input"), Mapping):
        raise BadInput("the case has no input", field="input", hint=FORM)
    wanted = _wanted(topic, case)
    return answer(case), wanted
