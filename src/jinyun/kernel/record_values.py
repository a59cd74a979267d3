"""Values of declared fields in canonical form: what a field takes, and what is wrong with what was given. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from jinyun.kernel.errors import InvalidRecord

if TYPE_CHECKING:
    from jinyun.kernel.records import Field

NUMBERS = ("number", "integer", "money")
MONEY_PLACES = {"元": 2, "万元": 6}
"""Units of money and the decimals that a fen needs in each."""
LARGEST = 60  # powers of ten: what lies beyond is no figure of this world, and would be written out digit by digit
LONGEST_NAME = 120  # of an account
LONGEST_IDENTIFYING = 300  # what the index of identifying values keeps
_FILE = re.compile(r"[0-9a-f]{16}")


def validate_fields(
    where: str, fields: Sequence[Field], data: Mapping[str, Any], *, partial: bool = False
) -> dict[str, Any]:
    """Check `data` against `fields`; see `RecordType.validate`."""
    known = {f.name: f for f in fields}
    problems: dict[str, str] = {
        name.encode("utf-8", "backslashreplace").decode(): f"unknown field; {where} has {', '.join(known)}"
        for name in data
        if name not in known
    }
    clean: dict[str, Any] = {}
    for name, spec in known.items():
        if name not in data:
            if spec.required and not partial:
                problems[name] = "required"
            continue
        value = data[name]
        if value is None or value == "":
            if spec.required:
                problems[name] = "required"
            else:
                clean[name] = None
            continue
        try:
            if spec.many:
                if not isinstance(value, list | tuple):
                    raise ValueError("must be a list")
                clean[name] = [_checked(spec, one) for one in value]
            else:
                clean[name] = _checked(spec, value)
        except (ValueError, TypeError) as wrong:
            problems[name] = str(wrong)
    if problems:
        raise InvalidRecord(where, problems)
    return clean


def _checked(spec: Field, value: Any) -> Any:
    clean = _canonical(spec, value)
    if spec.check and (wrong := spec.check(clean)):
        raise ValueError(wrong)
    return clean


def _canonical(spec: Field, value: Any) -> Any:  # one branch per kind, each two lines
    kind = spec.kind
    if kind in NUMBERS:
        return _number(spec, value)
    if kind == "bool":
        if not isinstance(value, bool):
            raise ValueError("must be true or false")
        return value
    if kind == "code":
        if value not in spec.codes:
            raise ValueError(f"{value!r} is not one of {', '.join(spec.codes)}")
        return value
    if kind == "place":
        try:
            lon, lat = float(value["lon"]), float(value["lat"])
        except (KeyError, OverflowError):
            raise ValueError("must be {lon, lat} in degrees") from None
        if not (-180 <= lon <= 180 and -90 <= lat <= 90):
            raise ValueError("longitude must lie in -180…180 and latitude in -90…90")
        return {"lon": lon, "lat": lat}
    if kind == "date":
        return date.fromisoformat(str(value)).isoformat()
    if kind == "datetime":
        moment = datetime.fromisoformat(str(value))
        if moment.tzinfo is None:
            raise ValueError("must say its time zone, e.g. 2026-03-01T08:00:00+08:00")
        return moment.isoformat()
    if kind == "json":
        return value
    if not isinstance(value, str):
        raise ValueError("must be text")
    if kind == "file" and not _FILE.fullmatch(value):
        raise ValueError(f"{value!r} is no id of an attachment; upload the file first")
    if kind == "reference" and not value.isprintable():
        raise ValueError(f"{value!r} is no id of a record")
    if kind == "person" and not (value.isprintable() and value == value.strip() and len(value) <= LONGEST_NAME):
        raise ValueError(f"{value!r} is no name of an account")
    if spec.identifies and len(value) > LONGEST_IDENTIFYING:
        raise ValueError(f"identifies the record, so it holds at most {LONGEST_IDENTIFYING} characters")
    if spec.pattern and not re.fullmatch(spec.pattern, value):
        raise ValueError(f"{value!r} does not have the form {spec.pattern}")
    return value


def _number(spec: Field, value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{value!r} is not a number") from None
    if not number.is_finite():
        raise ValueError("must be a finite number")
    if abs(number.adjusted()) > LARGEST:
        raise ValueError(f"{value!r} is too large or too small")
    if spec.minimum and number < Decimal(spec.minimum):
        raise ValueError(f"{number} is below {spec.minimum}")
    if spec.maximum and number > Decimal(spec.maximum):
        raise ValueError(f"{number} is above {spec.maximum}")
    if spec.kind == "integer":
        if number != number.to_integral_value():
            raise ValueError(f"{number} is not a whole number")
        return int(number)
    text = format(number, "f")
    if spec.kind == "money":
        places = MONEY_PLACES.get(spec.unit or "元", 2)
        if len(text.partition(".")[2]) > places:
            raise ValueError(f"{text} has more than {places} decimals; the least amount is one fen")
    return text
