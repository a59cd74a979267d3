"""The API does what its OpenAPI description says, whatever is sent: no 500, only documented answers."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from jinyun.web.build import bare

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
BOUND = settings(
    max_examples=8,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow, HealthCheck.data_too_large],
)


# Without the endless stream, and without what would end our own log-in or write outside the test's folder.
DESCRIPTION = bare().openapi()
schema = (
    schemathesis.openapi.from_dict(DESCRIPTION)
    .exclude(path="/api/events")
    .exclude(path_regex="/api/(session|accounts?|security)", method=["POST", "PATCH", "DELETE"])
    .exclude(path="/api/care/backups", method="POST")  # it would write wherever a made-up path points
)


# By name, for `schema.parametrize()` gives all of them one node id, of which xdist would run a single one.
OPERATIONS = {f"{one.method.upper()} {one.path}": one for one in (found.ok() for found in schema.get_all_operations())}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_address_keeps_its_word(name, live):
    @BOUND
    @given(case=OPERATIONS[name].as_strategy())
    def ask(case):
        answer = case.call(base_url=live.url, headers={"authorization": f"Bearer {live.cases.local_token}"}, timeout=20)
        case.validate_response(answer, checks=CHECKS)

    ask()


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
