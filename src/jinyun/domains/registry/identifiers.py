"""Codes of sources, outlets, facilities, manifests and resources: shape, check and parts (``code_formats.csv``). Pure.

`identify(kind, code)` is the one door. Two codes of water standards (HJ 1291, HJ 1235) were not obtained: they are
opaque texts and always valid, with a warning.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from jinyun.domains.registry import uscc
from jinyun.domains.registry.divisions import division, province_known
from jinyun.domains.registry.industries import industry
from jinyun.domains.registry.waste_codes import (
    PACKAGE,
    Code,
    label_id,
    ledger_batch,
    rule_rows,
    solid_waste_code,
    waste_code,
)
from jinyun.kernel.errors import NotFound
from jinyun.kernel.tables import csv_rows

FORMATS = "code_formats.csv"
UNIT, SITE, SOURCE, OUTLET = 18, 3, 22, 5  # lengths, HJ 608-2017
NO_CREDIT = re.compile(r"^H9([0-9]{6})0000([0-9]{5})[a-hj-np-z]$", re.ASCII)
ORG_ONLY = re.compile(r"^H9([0-9]{6})([0-9A-Z]{8}[0-9X])[a-hj-np-z]$", re.ASCII)
FACILITY = re.compile(r"^(MF|T[AWNS]|D[AW])(.*)$", re.ASCII)
FACILITY_DIGITS: Mapping[str, tuple[str, int]] = {
    "M": ("production", 4), "T": ("treatment", 3), "D": ("outlet", 3),
}  # fmt: skip
HANDLE = re.compile(r"^88\.([0-9]{3})((?:\.[0-9A-Za-z]+)+)/(.+)$", re.ASCII)
RESOURCE = re.compile(r"^([1-9])([0-9]{2})([0-9]{3})(.*)$", re.ASCII)


def manifest(code: str) -> Code:
    """A manifest number: year 4, origin province 2, origin city 2, serial in the city 6 (order 23 of 2021 art 15)."""
    length = int(rule_rows("manifest_length")[""])
    if not (code.isascii() and code.isdigit()):
        return Code("manifest", code, False, "not all digits")
    if len(code) != length:
        return Code("manifest", code, False, f"{len(code)} digits; the order says {length}")
    year, province, city, serial = int(code[:4]), code[4:6], code[6:8], int(code[8:])
    if year < int(rule_rows("manifest_first_year")[""]):
        return Code("manifest", code, False, "year before the system")
    if not province_known(province):
        return Code("manifest", code, False, f"province {province} does not exist")
    parts = {"year": year, "province": province, "city": city, "serial": serial}
    return Code("manifest", code, True, parts=parts)


def unit_code(code: str) -> Code:
    """The 18 characters of a unit: its credit code; where there is none, ``H9…`` with a serial or organisation code."""
    if NO_CREDIT.match(code):
        return Code("unit", code, True, parts={"unit": code, "no_credit_code": True, "division": code[2:8]})
    org = ORG_ONLY.match(code)
    if org:
        if uscc.organisation_check(org.group(2)[:8]) != org.group(2)[8]:
            return Code("unit", code, False, "organisation code check")
        parts = {"unit": code, "no_credit_code": True, "division": org.group(1), "org_code": org.group(2)}
        return Code("unit", code, True, parts=parts)
    if uscc.faults(code):
        return Code("unit", code, False, "credit code check")
    return Code("unit", code, True, parts={"unit": code, "no_credit_code": False, "division": code[2:8]})


def source_code(code: str) -> Code:
    """The 22 characters of a fixed pollution source (permit): unit 18, site 3, mark (HJ 608-2017: P)."""
    if len(code) != SOURCE:
        return Code("source_code", code, False, f"{len(code)} characters; HJ 608 says {SOURCE}")
    unit, site, mark = unit_code(code[:UNIT]), code[UNIT : UNIT + SITE], code[-1]
    if not unit.valid:
        return Code("source_code", code, False, unit.why)
    if not (site.isascii() and site.isdigit()):
        return Code("source_code", code, False, "site is 3 digits")
    if not re.match(r"^[0-9A-Z]$", mark, re.ASCII):
        return Code("source_code", code, False, "mark is a capital or digit")
    warned = () if mark in rule_rows("source_mark") else (f"mark {mark}: HJ 608-2017 gives P",)
    return Code("source_code", code, True, parts={**unit.parts, "site": int(site), "mark": mark}, warnings=warned)


def facility(code: str) -> Code:
    """A production (MF + 4) or treatment facility (T + medium + 3) or an outlet (D + medium + 3) within a source."""
    shape = FACILITY.match(code)
    if shape is None:
        return Code("facility", code, False, "begins with MF, TA, TW, TN, TS, DA or DW")
    head, serial = shape.groups()
    kind, digits = FACILITY_DIGITS[head[0]]
    if len(serial) != digits or not (serial.isascii() and serial.isdigit()):
        return Code("facility", code, False, f"{digits} digits")
    parts: dict[str, Any] = {"kind": kind, "serial": int(serial)}
    if kind != "production":
        parts["medium"] = rule_rows("medium")[head[1]]
    return Code("facility", code, True, parts=parts)


def outlet_full(code: str) -> Code:
    """The 27 characters of an outlet, unique in the nation: source 22, outlet 5."""
    if len(code) != SOURCE + OUTLET:
        return Code("outlet_full", code, False, f"{len(code)} characters; {SOURCE + OUTLET} are needed")
    source, outlet = source_code(code[:SOURCE]), facility(code[SOURCE:])
    wrong = source.why or outlet.why or ("" if outlet.parts["kind"] == "outlet" else "no outlet: DA or DW")
    if wrong:
        return Code("outlet_full", code, False, wrong)
    parts = {**source.parts, "source": code[:SOURCE], "outlet": code[SOURCE:], **outlet.parts}
    return Code("outlet_full", code, True, parts=parts, warnings=source.warnings)


def handle(code: str) -> Code:
    """An identifier of the industrial internet: 88, second-level node, enterprise node, slash, suffix of its own."""
    shape = HANDLE.match(code)
    if shape is None:
        return Code("iii_handle", code, False, "shape is 88.<3 digits>.<enterprise>/<suffix>")
    second, enterprise, suffix = shape.groups()
    return Code(
        "iii_handle", code, True, parts={"second_level": second, "enterprise": enterprise[1:], "suffix": suffix}
    )


def resource(code: str) -> Code:
    """A government information resource: class 1, item 2, sub-item 3, then detail and serial of the catalogue's own."""
    shape = RESOURCE.match(code)
    if shape is None:
        return Code("catalogue_resource", code, False, "begins with 6 digits: class, item, sub-item")
    kind, item, sub_item, rest = shape.groups()
    name = rule_rows("resource_class").get(kind, "")
    warned = () if name else (f"class {kind} is not known",)
    parts = {"class": kind, "class_name": name, "item": item, "sub_item": sub_item, "rest": rest}
    return Code("catalogue_resource", code, True, parts=parts, warnings=warned)


def _credit(code: str) -> Code:
    found = uscc.check(code)
    parts = {
        "registering_authority": found.registering_authority, "kind": found.kind, "division": found.division,
        "org_code": found.org_code, "check": found.check,
    }  # fmt: skip
    warned = tuple(one for one in found.reasons if one == "division_unknown")
    return Code("uscc", code, found.valid, uscc.problem(code), parts if found.valid else {}, warned)


def _organisation(code: str) -> Code:
    if not re.match(r"^[0-9A-Z]{8}[0-9X]$", code, re.ASCII):
        return Code("org_code", code, False, "8 digits or capitals and a check digit")
    if uscc.organisation_check(code[:8]) != code[8]:
        return Code("org_code", code, False, f"check digit should be {uscc.organisation_check(code[:8])}")
    return Code("org_code", code, True, parts={"body": code[:8], "check": code[8]})


def _division(code: str) -> Code:
    found = division(code)
    if not found.known:
        return Code("division", code, False, "not in the division tables")
    parts = {"name": found.name, "level": found.level, "parent": found.parent, "current": found.current}
    return Code("division", code, True, parts=parts)


def _industry(code: str) -> Code:
    found = industry(code)
    parts = {"name": found.name, "level": found.level, "section": found.section, "parents": list(found.parents)}
    return Code("industry", code, found.known, found.why, parts if found.known else {})


def _opaque(kind: str) -> Callable[[str], Code]:
    def parse(code: str) -> Code:
        if not code.strip():
            return Code(kind, code, False, "empty")
        return Code(kind, code, True, warnings=("structure not obtained: an opaque unique text",))

    return parse


PARSERS: Mapping[str, Callable[[str], Code]] = {
    "uscc": _credit,
    "org_code": _organisation,
    "unit": unit_code,
    "source_code": source_code,
    "facility": facility,
    "outlet_full": outlet_full,
    "manifest": manifest,
    "waste_code": waste_code,
    "solid_waste_code": solid_waste_code,
    "label_id": label_id,
    "hw_digital_id": label_id,
    "ledger_batch": ledger_batch,
    "hw_ledger_batch": ledger_batch,
    "division": _division,
    "township": _division,
    "industry": _industry,
    "catalogue_resource": resource,
    "iii_handle": handle,
    "section_hj1291": _opaque("section_hj1291"),
    "outfall_hj1235": _opaque("outfall_hj1235"),
}


def identify(kind: str, code: str, *, edition: str | None = None) -> Code:
    """A code of a kind taken apart: valid or not, why not, its parts and warnings.

    Parameters
    ----------
    kind : str
        A key of `PARSERS`.
    edition : str, optional
        Of the hazardous-waste catalogue, for ``waste_code``.

    Raises
    ------
    NotFound
        For an unknown kind or edition.
    """
    if kind == "waste_code" and edition is not None:
        return waste_code(code, edition)
    try:
        parse = PARSERS[kind]
    except KeyError:
        raise NotFound("kind of code", kind, known=PARSERS) from None
    return parse(code)


def formats() -> tuple[Mapping[str, str], ...]:
    """The table of code formats, as it is."""
    return csv_rows(PACKAGE, FORMATS)
