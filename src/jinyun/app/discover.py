"""Finds the domains, one folder each under `jinyun.domains` with a `DOMAIN` at its door, and a node's own registers."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import jinyun.domains
from jinyun.kernel.declare import Domain, Judge
from jinyun.kernel.errors import BadInput
from jinyun.kernel.records import RecordType
from jinyun.kernel.terms import Period


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
        if one.jurisdiction:
            _check_path(types, one)
    return types


def _check_path(types: Mapping[str, RecordType], kind: RecordType) -> None:
    """The path to a record's jurisdiction goes through single references to a field that is kept in the index."""
    *hops, last = kind.jurisdiction.split(".")
    here = kind
    for name in hops:
        spec = {one.name: one for one in here.fields}.get(name)
        if spec is None or spec.kind != "reference" or spec.many:
            raise ValueError(f"{kind.id}: jurisdiction {kind.jurisdiction!r}: {here.id}.{name} is no single reference")
        here = types[spec.to]
    if last != "id" and not any(one.name == last and (one.indexed or here is kind) for one in here.fields):
        raise ValueError(f"{kind.id}: jurisdiction {kind.jurisdiction!r}: {here.id}.{last} is no indexed field")


REGISTERS = "registers"
"""Folder of a node that holds its own registers, one Python file each."""
ENTRY = "jinyun.registers"
"""Entry point by which an installed package offers registers."""


def own_domain(folder: Path) -> Domain:
    """Registers that the node adds: files of its folder ``registers`` and of installed packages. A file says
    ``REGISTER = RecordType(…)``, or ``REGISTERS`` for several.

    Raises
    ------
    BadInput
        A file that others may write, does not run, or declares no register; its name and the reason are said.
    """
    found: list[RecordType] = []
    for path in sorted((folder / REGISTERS).glob("*.py")):
        if path.stat().st_mode & 0o002:
            raise BadInput(f"{path} may be written by anybody and would be run", hint="chmod o-w it first")
        spec = importlib.util.spec_from_file_location(f"jinyun_own_registers_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except Exception as wrong:
            raise BadInput(f"{path} declares no register that can stand: {type(wrong).__name__}: {wrong}") from wrong
        found += _registers_of(str(path), getattr(module, "REGISTERS", None) or getattr(module, "REGISTER", None))
    for entry in entry_points(group=ENTRY):
        found += _registers_of(f"entry point {entry.name} ({entry.value})", entry.load())
    return Domain("own", "本地登记册", "Own registers", records=tuple(found))


def _registers_of(where: str, declared: Any) -> list[RecordType]:
    every = list(declared) if isinstance(declared, tuple | list) else [declared]
    if not every or not all(isinstance(one, RecordType) for one in every):
        raise BadInput(f"{where} declares no register", hint="say REGISTER = RecordType(…), or REGISTERS = (…)")
    return every


def judges(of: Iterable[Domain] | None = None) -> dict[str, Judge]:
    """All judges by id."""
    return {judge.id: judge for domain in (of if of is not None else domains().values()) for judge in domain.judges}


@cache
def judge_by_day(site_kind: str, factor: str = "") -> str:
    """The judge whose verdicts over a day speak for a kind of site, and for a factor when one is named; "" if none."""
    fitting = [
        one.id
        for one in judges().values()
        if site_kind in one.site_kinds
        and one.period is Period.DAY
        and not (factor and one.factors and factor not in one.factors)
    ]
    return fitting[0] if fitting else ""
