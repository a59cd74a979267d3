"""Finds the domains: one folder each under `jinyun.domains`, with a `DOMAIN` at its door."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from functools import cache

import jinyun.domains
from jinyun.kernel.declare import Domain, Judge
from jinyun.kernel.records import RecordType


@cache
def domains() -> Mapping[str, Domain]:
    """All domains by id."""
    found: dict[str, Domain] = {}
    for module in pkgutil.iter_modules(jinyun.domains.__path__):
        if module.ispkg:
            door = importlib.import_module(f"jinyun.domains.{module.name}")
            domain: Domain = door.DOMAIN
            found[domain.id] = domain
    return found


def record_types(of: Iterable[Domain] | None = None) -> dict[str, RecordType]:
    """All record types by id; two of one id, or a reference to an unknown type, is an error at start."""
    types: dict[str, RecordType] = {}
    for domain in of if of is not None else domains().values():
        for one in domain.records:
            if one.id in types:
                raise ValueError(f"record type {one.id!r} is declared twice, the second time by {domain.id}")
            types[one.id] = one
    for one in types.values():
        for field in one.fields:
            if field.kind == "reference" and field.to not in types:
                raise ValueError(f"{one.id}.{field.name} refers to unknown record type {field.to!r}")
    return types


def judges(of: Iterable[Domain] | None = None) -> dict[str, Judge]:
    """All judges by id."""
    return {judge.id: judge for domain in (of if of is not None else domains().values()) for judge in domain.judges}
