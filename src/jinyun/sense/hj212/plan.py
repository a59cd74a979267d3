"""How packets of one shape are read: worked out once for a tuple of names, used for every packet of that shape.

A logger sends the same names day after day, so the dictionary look-ups, unit conversions and flag positions of a
packet are found once and kept as a `Plan`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from operator import itemgetter
from typing import Any, NamedTuple

from jinyun.kernel.errors import BadInput
from jinyun.kernel.factors import Factor, by_code, old_code
from jinyun.kernel.ports import MICRO
from jinyun.kernel.tables import toml_table
from jinyun.kernel.terms import Flag, Period, Stat
from jinyun.kernel.units import unit_factor
from jinyun.sense.hj212 import codes

_WORDS = toml_table("jinyun.sense.hj212", "words.toml")
_STATS = {name: Stat[stat] for name, stat in _WORDS["attributes"].items()}
_DUST = frozenset(_WORDS["dust"]["factors"])
_SYSTEM_OF_KIND: dict[str, str] = _WORDS["system_of_site_kind"]

LIMIT = 10**18
"""DECIMAL(18,6) holds whole millionths below this."""


class Shape(NamedTuple):
    """Everything that decides how values are read. Equal shapes share a plan."""

    names: tuple[str, ...]
    marks: bytes  # the separators, "=;=,=": they group factors
    cn: str
    st: str
    version: int  # of the packet, by its Flag
    edition: str  # of the device profile: auto, 2005, 2017, 2025
    pm_unit: str
    site_kind: str


class Entry(NamedTuple):
    """One value."""

    at: int  # index in names
    name: str
    key: tuple[str, Stat]
    factor: Factor | None
    scale: Fraction  # canonical = sent × scale
    edition: int  # whose flags and units apply
    flag_at: int  # index in names of its flag, -1: none


class Plan:
    """How packets of one shape are read; the same object for every packet of the shape, hashable by identity.

    The centre may keep what it derives from `keys` (series ids) by plan: ``ids[plan]``.
    """

    __slots__ = (
        "__weakref__", "cn", "duplicates", "entries", "extra_at", "flag_only", "flag_rows", "highs", "keys", "kind",
        "lows", "names", "notes", "period", "pick_flags", "pick_values", "ratios", "scales", "shape", "time_at",
        "unknown",
    )  # fmt: skip
    keys: tuple[tuple[str, Stat], ...]  # (factor id, statistic), parallel to Content.values and Content.flags
    kind: str
    period: Period | None
    unknown: tuple[str, ...]  # codes that the factor dictionary does not know, kept under the raw code
    notes: tuple[str, ...]  # oddities tolerated
    names: tuple[str, ...]  # as sent, trimmed

    def __init__(self, shape: Shape) -> None:
        self.shape, self.cn = shape, shape.cn
        work = _Reader(shape)
        self.names = work.names
        self.entries: tuple[Entry, ...] = tuple(work.entries)
        self.flag_only: tuple[Entry, ...] = tuple(work.flag_only)  # factors with a flag and no value
        self.duplicates: tuple[tuple[int, int], ...] = tuple(work.duplicates)  # (index in names, index of the first)
        self.keys = tuple(one.key for one in (*self.entries, *self.flag_only))
        self.unknown = tuple(dict.fromkeys(work.unknown))
        self.notes = tuple(dict.fromkeys(work.notes))
        self.time_at = work.time_at
        self.extra_at = tuple(work.extras)
        command = codes.COMMANDS.get(shape.cn)
        self.kind = kind_of(shape.cn, self.names, bool(self.keys))
        self.period = command.period if command and self.kind in ("data", "state") else None
        self.pick_values = _picker([one.at for one in self.entries])
        flag_at = sorted({one.flag_at for one in self.entries if one.flag_at >= 0})
        self.pick_flags = _picker(flag_at)
        self.flag_rows: dict[tuple[str, ...], bytes] = {}
        scales = [one.scale for one in self.entries]
        self.scales: list[int] | None = None  # when one differs from 1; whole numbers, or `ratios`
        self.ratios: list[Fraction] | None = None
        if any(one.denominator != 1 for one in scales):
            self.ratios = scales
        elif any(one != 1 for one in scales):
            self.scales = [int(one) for one in scales]
        self.lows = [_bound(one, "minimum", 1 - LIMIT) for one in self.entries]
        self.highs = [_bound(one, "maximum", LIMIT - 1) for one in self.entries]

    def flags_of(self, texts: Sequence[str]) -> bytes:
        """Flag of every entry, for flag letters not met before in this plan."""
        row = bytes(self.flag_of(one, texts) for one in self.entries)
        if len(self.flag_rows) < 64:
            self.flag_rows[self.pick_flags(texts)] = row
        return row

    def flag_of(self, entry: Entry, texts: Sequence[str]) -> Flag:
        """Flag of one entry; UNKNOWN when none was sent."""
        if entry.flag_at < 0:
            return Flag.UNKNOWN
        return codes.flag_of(texts[entry.flag_at], entry.edition, ambient_air=self.shape.st == "22")

    def __repr__(self) -> str:
        return f"<Plan CN={self.cn} {self.kind} {len(self.keys)} values>"


def _picker(at: list[int]) -> Callable[[Sequence[str]], tuple[str, ...]]:
    if not at:
        return lambda _: ()
    if len(at) == 1:
        only = at[0]
        return lambda texts: (texts[only],)
    return itemgetter(*at)


def _bound(entry: Entry, side: str, default: int) -> int:
    limit = getattr(entry.factor, side) if entry.factor is not None else None
    if limit is None or entry.key[1] is Stat.COU:  # an amount has no concentration's range
        return 0 if side == "minimum" and entry.key[1] is Stat.COU and limit == 0 else default
    return int(limit * MICRO)


def kind_of(cn: str, names: Sequence[str], has_values: bool) -> str:
    """data, state, log, parameter, notice, alarm, answer, command or other, by CN and by what is in the packet."""
    command = codes.COMMANDS.get(cn)
    if command is None:
        return "other"
    if command.group == "interaction":
        return "notice" if cn == "9015" else "answer"
    if cn in ("2071", "2072"):
        return "alarm" if "AlarmTime" in names or "DataTime" in names else "command"
    uploaded = any(
        any(name == mark or (mark[:1] == "-" and name.endswith(mark)) for name in names) for mark in command.result
    )
    if command.period is not None:
        if not uploaded and not has_values:
            return "command"
        return "state" if cn in ("2021", "2041") else "data"
    if uploaded and command.up == "U":
        if cn == "3020":
            return "log"
        if cn == "2081":
            return "notice"
        return "parameter" if command.group in ("setup", "control") else "other"
    if command.up == "N" and (uploaded or not command.down):
        return "notice"
    return "command"


_MEDIUM_LETTER = {"21": "w", "24": "w", "32": "w", "33": "w", "52": "w", "22": "a", "31": "a", "39": "a", "51": "a"}
_WILD = re.compile(r"[eg][1-9ab]\d{4}")


class _Reader:
    """Reads the names of a shape, in order."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.names = tuple(name.strip() for name in shape.names)
        self.system = _SYSTEM_OF_KIND.get(shape.site_kind, shape.st)
        self.entries: list[Entry] = []
        self.flag_only: list[Entry] = []
        self.duplicates: list[tuple[int, int]] = []
        self.unknown: list[str] = []
        self.notes: list[str] = []
        self.extras: list[int] = []
        self.time_at = -1
        self._found: dict[tuple[str, Stat], int] = {}
        self._flags: dict[str, int] = {}
        self._codes: dict[str, tuple[str, Factor | None, int]] = {}
        self._fields = {"datatime", "qn", "cn", "polid", "systemtime", "flag"}
        if shape.cn in codes.COMMANDS and codes.COMMANDS[shape.cn].group == "interaction":
            self.extras = list(range(len(self.names)))
            return
        self._read()

    def _read(self) -> None:
        waiting: list[tuple[int, str, str]] = []  # (index, code, attribute) of values
        last = ""
        for at, name in enumerate(self.names):
            code, dash, attribute = name.rpartition("-")
            lower = attribute.lower()
            if not dash:
                if lower == "datatime" and self.time_at < 0:
                    self.time_at = at
                elif lower == "flag" and last:
                    self._flags.setdefault(last, at)
                    self.notes.append("Flag without a factor: taken for the one before")
                else:
                    self.extras.append(at)
                continue
            code = code.strip()
            if "-" in code:  # LA-Rtd-Rtd
                code = code.partition("-")[0]
                self.notes.append(f"{name} read as {code}-{attribute}")
            code = self._mended(code)
            last = code
            if lower.strip() == "flag":
                self._flags[code] = at
            elif (stat := lower.strip()) in _STATS:
                if stat == "td":
                    self.notes.append(f"{name} read as {code}-Rtd")
                waiting.append((at, code, stat))
            else:
                self.extras.append(at)
        for at, code, attribute in waiting:
            self._value(at, code, attribute)
        main = Stat.RTD if self.shape.cn == "2011" else Stat.AVG
        with_value = {code for _, code, _ in waiting}
        for code, at in self._flags.items():
            if code not in with_value:
                entry = self._entry(at, code, main, "")._replace(flag_at=at)
                if entry.key not in self._found:
                    self.flag_only.append(entry)

    def _mended(self, code: str) -> str:
        """A code that lost its letter (``01018``) or wears the wrong case."""
        if len(code) == 5 and code.isdigit() and (letter := _MEDIUM_LETTER.get(self.system)):
            better = letter + code
            if by_code(better, self.system) is not None:
                self.notes.append(f"{code} read as {better}")
                return better
        if code[:1] in "WAEGI" and len(code) == 6 and code[1:].isalnum() and by_code(code.lower(), self.system):
            self.notes.append(f"{code} read as {code.lower()}")
            return code.lower()
        return code

    def _value(self, at: int, code: str, attribute: str) -> None:
        entry = self._entry(at, code, _STATS[attribute], attribute)
        first = self._found.setdefault(entry.key, at)
        if first != at:
            self.duplicates.append((at, first))
            return
        self.entries.append(entry)

    def _entry(self, at: int, code: str, stat: Stat, attribute: str) -> Entry:
        factor_id, factor, edition = self._factor(code, stat)
        if attribute in ("daydata", "nightdata"):  # L5 of the day and L5 of the night are two figures
            part = attribute[: -len("data")]
            if factor_id != {"day": "ld", "night": "ln"}[part]:
                factor_id = f"{factor_id}_{part}"
        return Entry(
            at, self.names[at], (factor_id, stat), factor, self._scale(factor, edition, stat), edition,
            self._flags.get(code, -1),
        )  # fmt: skip

    def _factor(self, code: str, stat: Stat) -> tuple[str, Factor | None, int]:
        """(factor id, factor, edition whose unit and flags apply) of a code."""
        if code in self._codes:
            return self._codes[code]
        shape = self.shape
        fixed = int(shape.edition) if shape.edition in ("2005", "2017", "2025") else 0
        new, old = by_code(code, self.system), old_code(code, self.system)
        factor = new or old
        # By the device's edition when it is known; else by the shape of the code, else by the packet's Flag.
        edition = fixed or (2005 if old and not new else 2017 if len(code) == 6 and new else shape.version)
        if factor is not None:
            found = factor.id, factor, edition
            if edition == 2005 and code in ("Ld", "Ln"):
                if fixed:  # HJ/T 212-2005 prints Ld for the night and Ln for the day
                    swapped = old_code({"Ld": "Ln", "Ln": "Ld"}[code], self.system) or factor
                    found = swapped.id, swapped, edition
                self.notes.append("HJ/T 212-2005 prints Ld for night and Ln for day, the reverse of 2017")
        else:
            wild = _WILD.fullmatch(code) and by_code(code[:4] + "xx", self.system)
            if stat in (Stat.STATE, Stat.RUN_HOURS):
                wild = None  # a treatment facility, SBxxx: not a factor
            elif not wild:
                self.unknown.append(code)
            return self._keep(code, (code, None, edition))
        return self._keep(code, found)

    def _keep(self, code: str, found: tuple[str, Factor | None, int]) -> tuple[str, Factor | None, int]:
        self._codes[code] = found
        return found

    def _scale(self, factor: Factor | None, edition: int, stat: Stat) -> Fraction:
        if factor is None or stat in (Stat.STATE, Stat.RUN_HOURS):
            return Fraction(1)
        if edition == 2005 and factor.scale_2005 is not None:
            return Fraction(factor.scale_2005)  # amounts go with it: mg/L and kg become µg/L and g
        if stat is Stat.COU:
            return Fraction(1)
        scale = Fraction(factor.scale)
        if factor.id in _DUST and self.shape.pm_unit:
            try:
                scale *= Fraction(unit_factor(self.shape.pm_unit, factor.unit))
            except BadInput as wrong:
                self.notes.append(f"pm_unit of the device: {wrong}; taken as {factor.unit}")
        return scale


def factor_words(plan: Plan) -> list[dict[str, Any]]:
    """Keys of a plan for people: factor id, names, unit, statistic."""
    rows = []
    for one in (*plan.entries, *plan.flag_only):
        (factor_id, stat), factor = one.key, one.factor
        words = {"zh": "", "en": "", "unit": ""}
        if factor is not None:
            unit = factor.amount_unit if stat is Stat.COU else factor.unit
            words = {"zh": factor.zh, "en": factor.en, "unit": unit}
        rows.append({"factor": factor_id, "stat": stat.name, "name": one.name, **words})
    return rows
