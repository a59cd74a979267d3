"""Which site a text in a file means: by id, name, MN of its device, or id, name or code of its outlet."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING

from jinyun.app.judging.cells import plain
from jinyun.app.services.registers.naming import titled
from jinyun.kernel.errors import BadInput, NotFound
from jinyun.kernel.factors import Factor, factors

if TYPE_CHECKING:
    from jinyun.app.assemble import House

MEDIA: Mapping[str, tuple[str, ...]] = {
    "air_station": ("air",), "air_micro": ("air",), "water_section": ("water",), "water_micro": ("water",),
    "river_outlet": ("water",), "water_outlet": ("water", "process-water"), "stack_outlet": ("air", "process-gas"),
    "noise_station": ("noise",), "noise_boundary": ("noise",),
}  # fmt: skip
"""Media of the factors that a kind of site measures."""

MOST_SITES = 1_000_000
Problem = tuple[str, str]


class Places:
    """Sites as a file names them. Numbers of sites (`place`) are ours, in the order they came up."""

    def __init__(self, house: House, site: str, said: Mapping[str, str]) -> None:
        self._house, self.site = house, site
        self.ids: list[str] = []
        self._numbers: dict[str, int] = {}
        self._said = {plain(text): self._checked(id) for text, id in said.items()}
        if site:
            self.site = self._checked(site)
        self._names: dict[str, set[str]] = {}
        self._read()

    def _read(self) -> None:
        records = self._house.records
        for one in records.find("site", limit=MOST_SITES):
            for text in (one.id, str(one.data.get("name") or "")):
                self._note(text, one.id)
        for one in records.find("outlet", limit=MOST_SITES):
            for text in (one.id, str(one.data.get("name") or ""), str(one.data.get("code") or "")):
                self._note(text, str(one.data.get("site") or ""))
        for one in records.find("device", limit=MOST_SITES):
            self._note(one.id, str(one.data.get("site") or ""))

    def _note(self, text: str, site: str) -> None:
        if text and site:
            self._names.setdefault(plain(text), set()).add(site)

    def _checked(self, text: str) -> str:
        """A site that the person named: an id, or a name that is one site's."""
        if self._house.sites.get(text) is not None:
            return text
        found = titled(self._house.records, self._house.types["site"], text)
        if len(found) == 1:
            return found[0]
        known = [one.id for one in self._house.records.find("site", limit=2000)]
        raise NotFound("site", text, known=known)

    def of(self, text: str) -> int | Problem:
        """Number of the site that a cell means, or what is wrong with it; an empty cell means the site given."""
        word = plain(text)
        if not word:
            return self.number(self.site) if self.site else ("no-site", "the row names no site")
        said = self._said.get(word)
        found = {said} if said else self._names.get(word, set())
        if self.site:
            if found == {self.site}:
                return self.number(self.site)
            return ("other-site", f"the row is of {text!r}, not of {self.site}; leave that column alone with "
                    f"\"heading=-\", or say \"{text}={self.site}\" as a site's text")  # fmt: skip
        if len(found) == 1:
            return self.number(next(iter(found)))
        if found:
            return ("ambiguous-site", f"{text!r} may be {' or '.join(sorted(found))}; use the id")
        near = get_close_matches(word, self._names, n=1)
        hint = f"; did you mean {sorted(self._names[near[0]])[0]!r}?" if near else ""
        return ("unknown-site", f"no site is called {text!r}{hint}")

    def number(self, site: str) -> int:
        if site not in self._numbers:
            self._numbers[site] = len(self.ids)
            self.ids.append(site)
        return self._numbers[site]

    def factors(self) -> list[Factor]:
        """Factors that the site given, or any site, may have."""
        chosen = self._house.sites.get(self.site) if self.site else None
        if chosen is not None:
            kinds = {chosen.kind}
        else:
            kinds = {str(one.data.get("kind")) for one in self._house.records.find("site", limit=MOST_SITES)}
        if not kinds:
            raise BadInput("no site is on file", field="site", hint="make the site's record first")
        media = {medium for kind in kinds for medium in MEDIA.get(kind, ())}
        return [one for one in factors().values() if one.medium in media]
