"""Complaints near one another in place and time: likely the same matter; a person decides."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from jinyun.domains.supervision.fields import MATTER_KINDS
from jinyun.domains.supervision.rules import rule_rows
from jinyun.domains.supervision.same_matter import NAME, limits, same_matter
from jinyun.kernel.errors import BadInput
from jinyun.kernel.ports import MICRO, Actor, Record
from jinyun.kernel.terms import CHINA

if TYPE_CHECKING:
    from jinyun.app.assemble import House
    from jinyun.app.services.registers import Registers

PAGE = 1000


class Complaints:
    """What is asked of complaints beside the register itself."""

    def __init__(self, house: House, registers: Registers) -> None:
        self._house, self._registers = house, registers

    def same(self, actor: Actor, *, kind: str, lon: float, lat: float, at: str = "", but: str = "") -> dict[str, Any]:
        """Complaints of a class within reach that may be the same matter as one at a place, the nearest first.

        Parameters
        ----------
        at : str
            When it was received, ISO 8601; empty: now.
        but : str
            Id of the complaint that is asked about, to be left out.
        """
        if kind not in MATTER_KINDS:
            raise BadInput(f"no class of complaints {kind!r}", field="kind", hint=f"one of {', '.join(MATTER_KINDS)}")
        when, place = self._moment(at), {"lon": lon, "lat": lat}
        km, days = limits()
        found = []
        self._registers.gate.read(actor, self._registers.kind("complaint"))
        for one in self._since(kind, when - timedelta(days=float(days))):
            told = one.data.get("received_at")
            received = datetime.fromisoformat(str(told)) if told else _of_us(one.created_at)
            near = same_matter(place, when, one.data.get("place"), received)
            if near is not None and one.id != but:
                shown = self._registers.get("complaint", one.id, actor)
                found.append(shown | {"km": str(near.km), "days_apart": near.apart.days})
        found.sort(key=lambda one: (float(one["km"]), one["id"]))
        return {
            "items": found, "total": len(found), "km": str(km), "days": str(days),
            "source": {name: row["source"] for name, row in rule_rows(NAME).items()},
        }  # fmt: skip

    def _since(self, kind: str, first: datetime) -> Iterator[Record]:
        """Complaints of a class registered since, newest first: none is received after it was registered."""
        offset = 0
        while True:
            page = self._house.records.find(
                "complaint", {"kind": kind}, order="-created_at", limit=PAGE, offset=offset
            )  # fmt: skip
            for one in page:
                if _of_us(one.created_at) < first:
                    return
                yield one
            offset += len(page)
            if len(page) < PAGE:
                return

    def _moment(self, text: str) -> datetime:
        if not text:
            return _of_us(self._house.clock.now())
        try:
            made = datetime.fromisoformat(text)
        except ValueError:
            raise BadInput(f"{text!r} is no moment", field="at", hint="2026-11-01T08:00:00+08:00") from None
        return made if made.tzinfo else made.replace(tzinfo=CHINA)


def _of_us(at: int) -> datetime:
    """A moment [µs]."""
    return datetime.fromtimestamp(at / MICRO, UTC)
