"""The standards' words: commands, return codes, data flags, systems. Data in tables/, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinyun.kernel.tables import toml_table
from jinyun.kernel.terms import Flag, Period

_WORDS: Mapping[str, Any] = toml_table("jinyun.sense.hj212", "words.toml")
_COMMANDS: Mapping[str, Any] = toml_table("jinyun.sense.hj212", "commands.toml")


@dataclass(frozen=True, slots=True)
class Param:
    """A field of a command's CP that the centre fills in."""

    name: str
    zh: str
    en: str
    form: str  # as the standard writes it: N14, C6…
    required: bool = True
    default: str = ""  # "now": the centre's clock

    def as_dict(self) -> dict[str, object]:
        return {
            "name": self.name, "zh": self.zh, "en": self.en, "form": self.form,
            "required": self.required, "default": self.default,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Command:
    """One command code (CN)."""

    cn: str
    zh: str
    en: str
    editions: tuple[int, ...]
    group: str  # setup, data, control, interaction
    down: str  # what the centre uses it for: R request, N notification, A answer, "" not at all
    up: str  # what the device uses it for: U upload, N notification, A answer, "" not at all
    params: tuple[Param, ...]  # what the centre fills in
    result: tuple[str, ...]  # fields that mark the device's upload; "-SN": names that end so
    period: Period | None  # of the readings in an upload; None: it carries none that are kept as readings

    def as_dict(self) -> dict[str, object]:
        """For pages and the CLI."""
        return {
            "cn": self.cn, "zh": self.zh, "en": self.en, "editions": list(self.editions), "group": self.group,
            "down": self.down, "up": self.up, "params": [one.as_dict() for one in self.params],
        }  # fmt: skip


def _param(spelled: str) -> Param:
    name = spelled.rstrip("?")
    zh, en, form, default = _COMMANDS["fields"][name]
    return Param(name, zh, en, form, required=name == spelled, default=default)


def _command(cn: str, row: Mapping[str, Any]) -> Command:
    return Command(
        cn=cn, zh=row["zh"], en=row["en"], editions=tuple(row["editions"]), group=row["group"],
        down=row.get("down", ""), up=row.get("up", ""), params=tuple(_param(p) for p in row.get("params", ())),
        result=tuple(row.get("result", ())), period=Period[row["period"]] if "period" in row else None,
    )  # fmt: skip


def _pairs(table: str) -> dict[str, tuple[str, str]]:
    return {code: (zh, en) for code, (zh, en) in _WORDS[table].items()}


COMMANDS: Mapping[str, Command] = {cn: _command(cn, row) for cn, row in _COMMANDS["command"].items()}
"""All commands of the three editions by CN. Those the centre may send: ``down in ("R", "N")``."""

EXE_RTN: Mapping[int, tuple[str, str]] = {int(code): words for code, words in _pairs("exe_rtn").items()}
QN_RTN: Mapping[int, tuple[str, str]] = {int(code): words for code, words in _pairs("qn_rtn").items()}
SYSTEMS: Mapping[str, tuple[str, str]] = _pairs("systems")
"""Return codes and systems: (zh, en)."""

DONE, FAILED, CONDITION_WRONG, TIMEOUT, BUSY, FAULT, NO_DATA = 1, 2, 3, 4, 5, 6, 100  # ExeRtn
READY, REFUSED, WRONG_PW, WRONG_MN, WRONG_ST, WRONG_FLAG, WRONG_QN, WRONG_CN, WRONG_CRC = range(1, 10)  # QnRtn


def _letters(table: str) -> dict[str, Flag]:
    return {letter: Flag[row[0]] for letter, row in _WORDS[table].items()}


FLAG_WORDS: Mapping[int, Mapping[str, tuple[str, str]]] = {
    2005: {k: (row[1], row[2]) for k, row in {**_WORDS["flags_2005"], **_WORDS["flags_2005_air"]}.items()},
    2017: {k: (row[1], row[2]) for k, row in _WORDS["flags_2017"].items()},
}
"""Flag letters by edition: (zh, en). 2025 is unchanged as far as seen."""

_F2017, _F2005, _AIR = _letters("flags_2017"), _letters("flags_2005"), _letters("flags_2005_air")
_BY_EDITION = {2005: {**_F2017, **_F2005}, 2017: {**_F2005, **_F2017}}


def flag_of(letter: str, edition: int, *, ambient_air: bool = False) -> Flag:
    """What a data flag says. A letter of the other edition only keeps that meaning; case does not matter.

    A flag that was not sent, or sent empty, is UNKNOWN: not the same as normal.
    """
    letter = letter.strip().upper()
    if not letter:
        return Flag.UNKNOWN
    if edition == 2005 and ambient_air and letter in _AIR:
        return _AIR[letter]
    return _BY_EDITION[2005 if edition == 2005 else 2017].get(letter, Flag.OTHER)
