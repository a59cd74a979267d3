"""Unified social credit code (统一社会信用代码), GB 32100-2015, with the organisation code (GB 11714) inside it."""

from __future__ import annotations

from dataclasses import dataclass

from jinyun.domains.registry.divisions import registering_division_known

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""GB 32100-2015: 31 symbols, digits and capitals without I O S V Z."""

LENGTH = 18
ORG_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)  # GB 11714


def check_character(first17: str) -> str:
    """The 18th character: weights 3^(i-1) mod 31, check = (31 - sum mod 31) mod 31."""
    total = sum(ALPHABET.index(symbol) * pow(3, place, 31) for place, symbol in enumerate(first17[:17]))
    return ALPHABET[(31 - total % 31) % 31]


def organisation_check(first8: str) -> str:
    """The 9th character of an organisation code: 11 - sum mod 11, where 10 is X and 11 is 0 (A = 10 … Z = 35)."""
    total = sum(int(symbol, 36) * weight for symbol, weight in zip(first8, ORG_WEIGHTS, strict=True))
    return "0123456789X"[(11 - total % 11) % 11]


def make(authority_and_kind: str, division: str, organisation8: str) -> str:
    """The whole code from its 2, 6 and 8 free characters."""
    body = f"{authority_and_kind}{division}{organisation8}{organisation_check(organisation8)}"
    return body + check_character(body)


def faults(code: str) -> tuple[str, ...]:
    """What is wrong: of ``length``, ``alphabet``, ``check_char``, ``org_check``, in this order; () when sound.

    Compared as given: lower case is an alphabet fault. After length or alphabet nothing more can be said.
    """
    if len(code) != LENGTH:
        return ("length",)
    if any(symbol not in ALPHABET for symbol in code) or not code[2:8].isdigit():
        return ("alphabet",)
    found = []
    if code[17] != check_character(code[:17]):
        found.append("check_char")
    if code[16] != organisation_check(code[8:16]):
        found.append("org_check")
    return tuple(found)


@dataclass(frozen=True, slots=True)
class CreditCode:
    """A code taken apart. The parts are empty when it cannot be."""

    code: str
    valid: bool
    reasons: tuple[str, ...]  # `faults`, then the warning ``division_unknown``
    registering_authority: str = ""
    kind: str = ""
    division: str = ""
    org_code: str = ""
    check: str = ""


def check(code: str) -> CreditCode:
    """The parts of a code and every fault that applies.

    ``division_unknown`` is a warning and leaves the code valid: the registering division of an old firm may have been
    dissolved since.
    """
    wrong = faults(code)
    if wrong and wrong[0] in ("length", "alphabet"):
        return CreditCode(code, False, wrong)
    warned = () if registering_division_known(code[2:8]) else ("division_unknown",)
    return CreditCode(code, not wrong, wrong + warned, code[0], code[1], code[2:8], code[8:17], code[17])


def problem(code: str) -> str:
    """One sentence on what is wrong with `code`, "" when it is sound: the check of a record field."""
    wrong = faults(code)
    if not wrong:
        return ""
    if "length" in wrong:
        return f"{code!r} has {len(code)} characters; a unified social credit code has {LENGTH} (GB 32100-2015)"
    if "alphabet" in wrong:
        return (
            f"{code!r} must be digits and capitals without I, O, S, V, Z, its characters 3 to 8 digits (GB 32100-2015)"
        )
    if "org_check" in wrong and "check_char" not in wrong:
        return (
            f"{code!r}: character 17 should be {organisation_check(code[8:16])!r} by its organisation code (GB 11714)"
        )
    return f"{code!r}: character 18 should be {check_character(code[:17])!r} (GB 32100-2015); check for a mistyped one"
