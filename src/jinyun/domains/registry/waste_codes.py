"""Codes of waste: hazardous 危险废物代码, general solid 固体废物代码, labels (HJ 1276), ledger batches (HJ 1259). Pure.

`Code` is the answer of every parser of this domain: valid or not, why not, and its parts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from jinyun.domains.registry import uscc
from jinyun.kernel.errors import BadInput, NotFound
from jinyun.kernel.tables import csv_rows

PACKAGE = "jinyun.domains.registry"
CATALOGUE, CATEGORIES = "hazardous_waste_catalogue.csv", "hw_categories.csv"
SOLID_CLASSES, LABEL_SIZES = "solid_waste_code_ranges.csv", "hw_label_sizes.csv"
WASTE = re.compile(r"^([0-9]{3})-([0-9]{3})-([0-9]{2})$", re.ASCII)
SOLID = re.compile(r"^([0-9]{3})-([0-9]{3})-(S([0-9]{2}))$", re.ASCII)
BATCH = re.compile(r"^HW([A-Z]+)([0-9]+)$", re.ASCII)
LABEL_SEGMENTS = (18, 8, 8, 3)  # unit, waste code without dashes, date, serial
LABEL_DIGITS = sum(LABEL_SEGMENTS)
DATE_DIGITS, SERIAL_DIGITS = 8, 3
EDITION = "2021"


@dataclass(frozen=True, slots=True)
class Code:
    """A code taken apart."""

    kind: str
    code: str
    valid: bool
    why: str = ""  # when not valid
    parts: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@cache
def rule_rows(name: str) -> Mapping[str, str]:
    """Rows of one rule of ``rules.csv``: item -> value."""
    return {row["item"]: row["value"] for row in csv_rows(PACKAGE, "rules.csv") if row["rule"] == name}


def waste_code(code: str, edition: str = EDITION) -> Code:
    """A hazardous-waste code ``iii-sss-cc``: 3 digits industry, 3 serial, 2 category.

    A well-formed code that the catalogue does not list is valid and says so: ``listed`` False.

    Raises
    ------
    NotFound
        For an edition of the catalogue that is not held.
    """
    listed = _catalogue(edition)
    shape = WASTE.match(code)
    if shape is None:
        return Code("waste_code", code, False, "shape is 3-3-2 digits")
    industry, serial, category = shape.groups()
    category = f"HW{category}"
    if category not in _categories():
        return Code("waste_code", code, False, f"category {category} does not exist")
    parts: dict[str, Any] = {
        "category": category, "industry": industry, "serial": serial, "listed": code in listed, "edition": edition,
    }  # fmt: skip
    meaning = rule_rows("waste_by_testing").get(f"{industry}-{serial}")
    if meaning:
        parts["meaning"] = meaning
    elif code in listed:
        parts["name"] = listed[code]["official_name"]
    warned = () if code in listed or meaning else (f"not in the catalogue of {edition}",)
    return Code("waste_code", code, True, parts=parts, warnings=warned)


def solid_waste_code(code: str) -> Code:
    """A general solid-waste code ``iii-0ss-Sxx``; classes by the catalogue of January 2024."""
    shape = SOLID.match(code)
    if shape is None:
        return Code("solid_waste_code", code, False, "shape is 3 digits - 3 digits - S and 2 digits")
    industry, serial, name, _ = shape.groups()
    low, high = map(int, rule_rows("solid_waste_serial")[""].split("-"))
    if not low <= int(serial) <= high:
        return Code("solid_waste_code", code, False, f"serial is {low:03d}-{high:03d}")
    for row in csv_rows(PACKAGE, SOLID_CLASSES):
        if row["from"] <= name <= row["to"] and name not in rule_rows("solid_waste_class_not_used"):
            kind = row["kind"].partition(" ")[0]
            parts = {"class": name, "kind": kind, "industry": industry, "serial": serial}
            return Code("solid_waste_code", code, True, parts=parts)
    return Code("solid_waste_code", code, False, f"class {name} does not exist")


def ledger_batch(code: str) -> Code:
    """A batch code of the ledger: HW, stage letters, yyyymmdd, 3 digits; the longest stage that fits is meant."""
    shape = BATCH.match(code)
    stage = rule_rows("batch_stage").get(shape.group(1)) if shape else None
    if shape is None or stage is None:
        return Code("ledger_batch", code, False, "unknown stage" if shape else "shape is HW, letters, 11 digits")
    digits = shape.group(2)
    if len(digits) != DATE_DIGITS + SERIAL_DIGITS:
        why = "three-digit number" if len(digits) >= DATE_DIGITS else "date of 8 digits"
        return Code("ledger_batch", code, False, why)
    day = real_date(digits[:DATE_DIGITS])
    if day is None:
        return Code("ledger_batch", code, False, "not a date")
    parts = {"stage": stage, "date": day, "no": int(digits[DATE_DIGITS:])}
    return Code("ledger_batch", code, True, parts=parts)


def label_id(code: str) -> Code:
    """The 37-character id of a label: unit 18, waste code 8, date 8, serial 3 (HJ 1276-2022)."""
    if len(code) != LABEL_DIGITS:
        return Code("label_id", code, False, f"{len(code)} digits")
    unit, waste, day, serial = _cut(code)
    dashed = f"{waste[:3]}-{waste[3:6]}-{waste[6:]}"
    if not (waste + day + serial).isdecimal() or not code.isascii():
        return Code("label_id", code, False, "not all digits after the unit")
    wrong = waste_code(dashed)
    if not wrong.valid:
        return Code("label_id", code, False, wrong.why)
    made = real_date(day)
    if made is None:
        return Code("label_id", code, False, "not a date")
    if uscc.faults(unit) and not unit.startswith("H9"):
        return Code("label_id", code, False, "credit code check")
    parts = {"unit": unit, "waste_code": dashed, "date": made, "serial": int(serial)}
    return Code("label_id", code, True, parts=parts, warnings=wrong.warnings)


def build_label_id(unit: str, waste: str, day: date, serial: int) -> str:
    """The id of a label from its four segments.

    Raises
    ------
    BadInput
        For a unit, waste code or serial that cannot be in one.
    """
    low, high = map(int, rule_rows("label_serial")[""].split("-"))
    if not low <= serial <= high:
        raise BadInput(f"label serial {serial}", field="serial", hint=f"{low} to {high}")
    code = f"{unit}{waste.replace('-', '')}{day:%Y%m%d}{serial:0{SERIAL_DIGITS}d}"
    made = label_id(code)
    if not made.valid:
        raise BadInput(f"label id {code}: {made.why}", field="unit" if "credit" in made.why else "waste_code")
    return code


@dataclass(frozen=True, slots=True)
class LabelSize:
    """The least label of a container."""

    min_size_mm: str  # width x height [mm]
    min_text_mm: int  # least height of text [mm]
    labels: int


def label_size(volume: Decimal) -> LabelSize:
    """The least label of a container of a volume. [L]

    Raises
    ------
    BadInput
        For a volume that is not above 0.
    """
    if volume <= 0:
        raise BadInput(f"container of {volume} L", field="volume", hint="more than 0")
    for row in csv_rows(PACKAGE, LABEL_SIZES):
        limits = re.findall(r"(<=|>)([\d.]+)", row["container_volume"])
        if all(volume <= Decimal(one) if sign == "<=" else volume > Decimal(one) for sign, one in limits):
            size = row["min_size"]
            return LabelSize(size, int(row["min_text_height"]), int(rule_rows("label_count").get(size, "1")))
    raise BadInput(f"no label size for {volume} L", field="volume")


def real_date(digits: str) -> date | None:
    """The date of ``yyyymmdd``; None when there is no such day."""
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return None


def _cut(code: str) -> list[str]:
    found, at = [], 0
    for length in LABEL_SEGMENTS:
        found.append(code[at : at + length])
        at += length
    return found


@cache
def _catalogue(edition: str) -> Mapping[str, Mapping[str, str]]:
    rows = csv_rows(PACKAGE, CATALOGUE)
    found = {row["waste_code"]: row for row in rows if row["edition"] == edition}
    if not found:
        raise NotFound("edition of the hazardous-waste catalogue", edition, known={row["edition"] for row in rows})
    return found


@cache
def _categories() -> frozenset[str]:
    return frozenset(row["hw_category"] for row in csv_rows(PACKAGE, CATEGORIES))
