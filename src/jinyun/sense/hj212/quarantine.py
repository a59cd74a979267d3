"""Messages of devices that nobody registered: kept by reference, offered, and read again once registered.

The bytes are in the journal; here is who sent them and where they lie. Bounded by devices and messages per device.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from jinyun.kernel.ports import KeyValue
from jinyun.kernel.terms import JournalRef

SPACE, REFS = "hj212.quarantine", "hj212.quarantine.refs"
SHEET = 256  # references per stored value


@dataclass(slots=True)
class Held:
    """One unknown MN."""

    mn: str
    first_at: int  # [µs]
    last_at: int
    peer: str
    system: str = ""
    version: int = 0
    count: int = 0  # messages that came
    refs: list[tuple[int, int]] = field(default_factory=list)  # kept for adoption
    saved: int = 0  # of them on disk

    def as_dict(self) -> dict[str, Any]:
        return {
            "mn": self.mn, "first_at": self.first_at, "last_at": self.last_at, "peer": self.peer, "system": self.system,
            "edition": self.version, "count": self.count, "kept": len(self.refs),
        }  # fmt: skip


class Quarantine:
    """All unknown MNs."""

    def __init__(self, kv: KeyValue, *, devices: int, messages: int) -> None:
        self.kv, self.most_devices, self.most_messages = kv, devices, messages
        self.held: dict[str, Held] = {}
        self.dirty: set[str] = set()
        self.coming: set[str] = set()
        sheets = kv.items(REFS)
        for mn, row in kv.items(SPACE).items():
            held = Held(mn, row["first_at"], row["last_at"], row["peer"], row["system"], row["edition"], row["count"])
            for n in range(row["sheets"]):
                held.refs += [(segment, offset) for segment, offset in sheets.get(f"{mn}|{n}", ())]
            held.saved = len(held.refs)
            self.held[mn] = held

    def room(self, mn: str) -> bool:
        """Hold a place for an MN whose message is on its way to the journal; False when all places are taken."""
        if mn in self.held or mn in self.coming:
            return True
        if len(self.held) + len(self.coming) >= self.most_devices:
            return False
        self.coming.add(mn)
        return True

    def keep(self, mn: str, ref: JournalRef, at: int, peer: str, *, system: str, version: int) -> None:
        """Note one durable message. The same reference again (replay) is counted once."""
        self.coming.discard(mn)
        held = self.held.get(mn)
        if held is None:
            held = self.held[mn] = Held(mn, at, at, peer)
        place = (ref.segment, ref.offset)
        if held.refs and place <= held.refs[-1]:
            return
        held.last_at, held.peer, held.system, held.version = at, peer, system, version
        held.count += 1
        if len(held.refs) < self.most_messages:
            held.refs.append(place)
        self.dirty.add(mn)

    def save(self, keep: Callable[[str, str, Any], None]) -> None:
        """Hand what changed to `keep` (space, key, value): full sheets once, the last one again."""
        for mn in self.dirty:
            if (held := self.held.get(mn)) is None:
                continue
            sheets = (len(held.refs) + SHEET - 1) // SHEET
            for n in range(held.saved // SHEET, sheets):
                keep(REFS, f"{mn}|{n}", [list(ref) for ref in held.refs[n * SHEET : (n + 1) * SHEET]])
            held.saved = len(held.refs)
            keep(SPACE, mn, {
                "first_at": held.first_at, "last_at": held.last_at, "peer": held.peer, "system": held.system,
                "edition": held.version, "count": held.count, "sheets": sheets,
            })  # fmt: skip
        self.dirty.clear()

    def references(self, mn: str) -> list[JournalRef]:
        held = self.held.get(mn)
        return [JournalRef(*ref) for ref in held.refs] if held else []

    def forget(self, mn: str, keep: Callable[[str, str, Any], None]) -> None:
        """The MN's messages are stored now."""
        held = self.held.pop(mn, None)
        self.dirty.discard(mn)
        if held is not None:
            for n in range((len(held.refs) + SHEET - 1) // SHEET):
                keep(REFS, f"{mn}|{n}", None)
            keep(SPACE, mn, None)

    def list(self) -> list[dict[str, Any]]:
        """Newest first."""
        return sorted((held.as_dict() for held in list(self.held.values())), key=lambda row: -row["last_at"])
