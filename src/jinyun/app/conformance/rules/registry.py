"""Worked cases of codes: credit codes, identifiers, divisions, industries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from jinyun.app.conformance.compare import Given, number
from jinyun.domains.registry import identifiers as codes
from jinyun.domains.registry import uscc as credit
from jinyun.domains.registry import waste_codes
from jinyun.domains.registry.divisions import division
from jinyun.domains.registry.industries import industry


def uscc(given: Given) -> Mapping[str, Any]:
    """A credit code with its parts and every reason."""
    found = credit.check(given["code"])
    return {
        "valid": found.valid, "reasons": list(found.reasons), "registering_authority": found.registering_authority,
        "kind": found.kind, "division": found.division, "org_code": found.org_code, "check": found.check,
    }  # fmt: skip


def identifiers(given: Given) -> Mapping[str, Any]:
    """Any other code: valid or not, why, and its parts, both as ``parts`` and one by one."""
    kind = given["kind"]
    if kind == "label_id_build":
        made = waste_codes.build_label_id(
            given["unit"], given["waste_code"], date.fromisoformat(given["date"]), given["serial"]
        )
        return {"code": made, "length": len(made)}
    if kind == "label_size":
        size = waste_codes.label_size(number(given["volume_l"]))
        return {"min_size_mm": size.min_size_mm, "labels": size.labels, "min_text_mm": size.min_text_mm}
    found = codes.identify(kind, given["code"], edition=given.get("edition"))
    parts = {name: one.isoformat() if isinstance(one, date) else one for name, one in found.parts.items()}
    return {**parts, "valid": found.valid, "why": found.why, "parts": parts, "warnings": list(found.warnings)}


def divisions(given: Given) -> Mapping[str, Any]:
    """What a division or township code stands for."""
    found = division(given["code"])
    return {
        "known": found.known, "name": found.name, "level": found.level, "parent": found.parent,
        "current": found.current, "county": found.county, "status": found.status,
    }  # fmt: skip


def industries(given: Given) -> Mapping[str, Any]:
    """An industry code with the chain above it."""
    found = industry(given["code"])
    return {
        "known": found.known, "name": found.name, "level": found.level, "section": found.section,
        "parents": list(found.parents), "why": found.why,
    }  # fmt: skip
