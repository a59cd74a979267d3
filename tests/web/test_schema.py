"""The API does what its OpenAPI description says, whatever is sent: no 500, only documented answers."""

from __future__ import annotations

import itertools
import re

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from live import Live
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from jinyun.web.build import bare
from jinyun.web.guard import COOKIE, CSRF_HEADER

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
BOUND = settings(
    max_examples=8,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow, HealthCheck.data_too_large],
)


# Without the endless stream, and without what would write outside the test's folder.
DESCRIPTION = bare().openapi()
schema = (
    schemathesis.openapi.from_dict(DESCRIPTION)
    .exclude(path="/api/events")
    .exclude(path="/api/care/backups", method="POST")  # it would write wherever a made-up path points
)
BURNS = re.compile(r"/api/(session|account|security|keys)")
"""What changes accounts, rules and log-ins has a node of its own, and an account that may be lost."""
BURNT, SPARE, PASSWORD = "burnt", "spare", "a-long-enough-one"


# By name, for `schema.parametrize()` gives all of them one node id, of which xdist would run a single one.
OPERATIONS = {f"{one.method.upper()} {one.path}": one for one in (found.ok() for found in schema.get_all_operations())}


def burns(name):
    method, path = name.split()
    return method != "GET" and BURNS.match(path) is not None


@pytest.mark.parametrize("name", [one for one in OPERATIONS if not burns(one)])
def test_every_address_keeps_its_word(name, live):
    asked = []

    @BOUND
    @given(case=OPERATIONS[name].as_strategy())
    def ask(case):
        answer = case.call(base_url=live.url, headers={"authorization": f"Bearer {live.cases.local_token}"}, timeout=20)
        case.validate_response(answer, checks=CHECKS)
        if not asked:  # and once without a log-in
            asked.append(case)
            case.validate_response(case.call(base_url=live.url, timeout=20), checks=CHECKS)

    ask()


# --- accounts, log-ins and their rules --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def burning(tmp_path_factory):
    """A node whose accounts may be changed, locked and lost."""
    node = Live(tmp_path_factory.mktemp("burning") / "var", lambda house: None)
    try:
        for name, role in ((BURNT, "admin"), (SPARE, "reader"), ("sys", "sysadmin"), ("sec", "secadmin"),
                           ("aud", "auditor")):  # fmt: skip
            node.cases.accounts.create(name, PASSWORD, (role,), jurisdictions=["*"] if role == "reader" else ())
        yield node
    finally:
        node.close()


@pytest.fixture
def as_before(burning):
    """Puts accounts and rules back: each example begins alike, whatever the one before did."""
    kv = burning.house.kv
    kept = {name: dict(one) for name, one in kv.items("accounts").items()}

    def restore():
        kv.set("settings", "security", {})
        for name in set(kv.items("accounts")) - set(kept):
            kv.delete("accounts", name)
        kv.set_many("accounts", kept)
        burning.cases.accounts.failures.forgive(BURNT)

    return restore


def entered(node, name):
    """Headers of a fresh log-in of an account."""
    token, session = node.cases.accounts.open_session(name)
    return {"cookie": f"{COOKIE}={token}", CSRF_HEADER: session.csrf}


@pytest.mark.parametrize("name", [one for one in OPERATIONS if burns(one)])
def test_calls_that_change_accounts_and_log_ins_keep_their_word(name, burning, as_before):
    codes, turn = set(), itertools.count()

    @BOUND
    @given(case=OPERATIONS[name].as_strategy())
    def ask(case):
        as_before()
        if "name" in (case.path_parameters or {}) and next(turn) % 2:
            case.path_parameters["name"] = SPARE  # somebody who is there
        answer = case.call(base_url=burning.url, headers=entered(burning, BURNT), timeout=20)
        case.validate_response(answer, checks=CHECKS)
        codes.add(answer.status_code)
        case.validate_response(case.call(base_url=burning.url, timeout=20), checks=CHECKS)

    ask()
    as_before()
    assert codes - {401, 403} or name in OWN_REFUSALS, "it was never let in: nothing was tried"


OWN_REFUSALS = {"POST /api/session", "POST /api/account/password", "POST /api/account/totp/remove"}
"""Where a wrong password or code is what most made-up requests have."""


def test_the_description_is_whole():
    for path, methods in DESCRIPTION["paths"].items():
        for method, operation in methods.items():
            assert operation["description"], f"{method} {path} says nothing"
            assert "4XX" in operation["responses"], f"{method} {path}"
            public = (
                path in ("/api/health",)
                or path.startswith(("/api/basemap", "/api/session/oidc"))
                or (path, method) == ("/api/session", "post")
            )
            assert bool(operation.get("security")) is not public, f"{method} {path}"
