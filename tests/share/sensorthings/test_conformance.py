"""The published table of requirements is true: the landing page claims what it says, and the tests it names exist."""

import re
from pathlib import Path

from jinyun.share.sensorthings.conformance import CONFORMANCE

ROOT = Path(__file__).parents[3]
TESTS = {
    "W": ROOT / "tests/web/test_sensorthings.py",
    "C": ROOT / "tests/flows/test_sensorthings_clients.py",
    "E": ROOT / "tests/share/sensorthings/test_expressions.py",
}


def table():
    """requirement -> (state, shown by); ``a/b, /c`` are two requirements of a."""
    found = {}
    text = (ROOT / "docs/sensorthings.md").read_text(encoding="utf-8").partition("| requirement | state |")[2]
    for line in text.splitlines()[2:]:
        if not line.startswith("|"):
            break
        names, state, shown = (cell.strip() for cell in line.strip("|").split("|"))
        first = re.sub(r"\(.*?\)", "", names).split(",")[0].strip()
        for name in re.sub(r"\(.*?\)", "", names).split(","):
            full = name.strip()
            found[first.rpartition("/")[0] + full if full.startswith("/") else full] = state, shown
    return found


def test_what_the_landing_page_claims_is_met():
    told = table()
    for one in CONFORMANCE:
        name = one.partition("/req/")[2]
        if name == "datamodel":  # all of its parts
            assert all(state.startswith("met") for part, (state, _) in told.items() if part.startswith("datamodel/"))
            continue
        state, _ = told[name]
        assert state.startswith("met") or name in ("request-data/filter", "request-data/orderby"), name


def test_what_is_met_and_not_claimed():
    claimed = {one.partition("/req/")[2] for one in CONFORMANCE}
    assert {name for name, (state, _) in table().items() if state.startswith("met")} <= claimed


def test_the_tests_it_names_are_there():
    code = {letter: path.read_text(encoding="utf-8") for letter, path in TESTS.items()}
    everything = "\n".join(code.values())
    for name, (state, shown) in table().items():
        assert not state.startswith("met") or re.match("[WCE]", shown), f"{name} is met, but nothing shows it"
        for test, cut in re.findall(r"`(test_\w+)(…?)`", shown):
            assert re.search(rf"def {test}{'' if cut else chr(92) + '('}", everything), f"{name}: no test {test}"
