"""The standards' words: commands, return codes, data flags, systems. Data in tables/, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Param:
    """A field of a command's CP."""

    name: str
    zh: str
    en: str
    form: str  # as the standard writes it: N14, C6…
    required: bool = False
    default: str = ""
    choices: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """One command code (CN)."""

    cn: str
    zh: str
    en: str
    editions: tuple[int, ...]
    group: str  # setup, data, control, interaction
    down: str  # kind of the centre's use: R request, N notification, A answer, "" none
    up: str  # kind of the device's use: U upload, N notification, A answer, "" none
    params: tuple[Param, ...]  # what the centre sends
    result: tuple[str, ...]  # fields that mark the device's upload

    def as_dict(self) -> dict[str, object]:
        """For pages and the CLI."""
        raise NotImplementedError


COMMANDS: Mapping[str, Command] = {}
EXE_RTN: Mapping[int, tuple[str, str]] = {}  # code → (zh, en)
QN_RTN: Mapping[int, tuple[str, str]] = {}
SYSTEMS: Mapping[str, tuple[str, str]] = {}  # ST → (zh, en)
